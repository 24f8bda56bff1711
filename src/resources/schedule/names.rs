//! Names of schedules and their groups.

/// "Name" of `CreateSchedule` and `CreateScheduleGroup` in the EventBridge Scheduler API reference, and of `PutRule` in
/// EventBridge's: 1 to 64 letters, digits, `-`, `_` and `.`.
pub(in crate::resources) const LENGTH: usize = 64;

/// The hexadecimal digits that tell shortened names apart.
const DIGITS: usize = 12;

/// The name of a project's group: `opsform-PROJECT`.
pub fn group_name(project: &str) -> String {
    fitting(&format!("opsform-{project}"), LENGTH)
}

/// The natural key of a schedule: `GROUP/NAME`, as its ARN ends. The parts of the name are joined with dots, which neither
/// labels nor ids hold, so that no two lists of parts make one name.
pub fn key(project: &str, parts: &[&str]) -> String {
    format!("{}/{}", group_name(project), fitting(&parts.join("."), LENGTH))
}

/// Group and name of a [`key`].
pub fn parse_key(key: &str) -> Option<(&str, &str)> {
    key.split_once('/')
}

/// The name itself where AWS takes it, up to a length; else its beginning with what tells it from others that begin so.
pub(in crate::resources) fn fitting(name: &str, length: usize) -> String {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if name.len() <= length && name.chars().all(allowed) {
        return name.to_owned();
    }
    let kept = name.chars().map(|c| if allowed(c) { c } else { '-' }).take(length - DIGITS - 1);
    let digits = format!("{:016x}", stable_hash(name));
    format!("{}-{}", kept.collect::<String>(), &digits[..DIGITS])
}

/// A number that a text has on every machine and in every version: FNV-1a with 64 bits, mixed so that the high bits depend
/// on the whole text.
pub fn stable_hash(text: &str) -> u64 {
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    let mixed = (hash ^ (hash >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed ^ (mixed >> 32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fit_and_stay_apart() {
        assert_eq!(
            key("payments", &["office-hours", "stop", "ec2"]),
            "opsform-payments/office-hours.stop.ec2"
        );
        let long = ["a", "b"].map(|end| key("p", &["label", &format!("{}{end}", "x".repeat(70))]));
        assert_ne!(long[0], long[1]);
        for key in &long {
            let (group, name) = parse_key(key).unwrap();
            assert_eq!((group, name.len()), ("opsform-p", LENGTH));
        }
    }

    #[test]
    fn a_hash_never_changes() {
        assert_eq!(format!("{:016x}", stable_hash("i-0123456789abcdef0")), "2008e7bf8c0e19b6");
    }
}
