//! How much a plan may destroy.

use std::fmt;
use std::str::FromStr;

/// The most that a plan may delete: a number of resources, or a part of all that the project owns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DestroyLimit {
    /// So many resources.
    Count(usize),
    /// So many percent of what is owned, 0 to 100.
    Percent(u8),
}

impl DestroyLimit {
    /// Whether so many deletes are within the limit where so many resources are owned.
    pub fn allows(self, deletes: usize, owned: usize) -> bool {
        match self {
            Self::Count(most) => deletes <= most,
            Self::Percent(percent) => {
                deletes.saturating_mul(100) <= owned.saturating_mul(usize::from(percent))
            }
        }
    }
}

impl FromStr for DestroyLimit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let limit = match text.trim().strip_suffix('%') {
            Some(percent) => percent.parse().ok().filter(|p| *p <= 100).map(Self::Percent),
            None => text.trim().parse().ok().map(Self::Count),
        };
        limit.ok_or_else(|| "expected a number of resources, or whole percents such as 10%".to_owned())
    }
}

impl fmt::Display for DestroyLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(most) => write!(f, "{most}"),
            Self::Percent(percent) => write!(f, "{percent}%"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_percents() {
        for (text, limit) in [
            ("0", DestroyLimit::Count(0)),
            ("12", DestroyLimit::Count(12)),
            ("0%", DestroyLimit::Percent(0)),
            ("100%", DestroyLimit::Percent(100)),
        ] {
            assert_eq!(text.parse(), Ok(limit));
            assert_eq!(limit.to_string(), text);
        }
        for text in ["", "%", "-1", "101%", "2.5%", "many", "10 %x"] {
            assert!(text.parse::<DestroyLimit>().is_err(), "{text}");
        }
    }

    #[test]
    fn the_limit_itself_is_allowed() {
        assert!(DestroyLimit::Count(3).allows(3, 3) && !DestroyLimit::Count(3).allows(4, 1000));
        assert!(DestroyLimit::Percent(10).allows(4, 40) && !DestroyLimit::Percent(10).allows(5, 40));
        assert!(DestroyLimit::Percent(0).allows(0, 0) && !DestroyLimit::Percent(0).allows(1, 1000));
        assert!(DestroyLimit::Percent(100).allows(7, 7));
    }
}
