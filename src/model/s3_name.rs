//! Names of buckets and objects.

/// The longest key, in bytes ("Naming Amazon S3 objects" in the S3 user guide).
pub const LONGEST_KEY: usize = 1024;

/// "3 (min) and 63 (max) characters … lowercase letters, numbers, periods, and hyphens … must begin and end with a
/// letter or number" ("General purpose bucket naming rules").
pub fn is_bucket(text: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    (3..=63).contains(&text.len())
        && text.bytes().all(|byte| word(byte) || byte == b'.' || byte == b'-')
        && text.bytes().next().is_some_and(word)
        && text.bytes().last().is_some_and(word)
}
