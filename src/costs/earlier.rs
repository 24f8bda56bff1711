//! What earlier reports beside a new one tell, and whether the new one's data may be written there.

use super::{TrendPoint, earlier_trend};

/// What was found beside a report.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Earlier {
    /// All that earlier reports say, in no order, months more than once.
    pub points: Vec<TrendPoint>,
    /// What was found and left alone, and why: whole sentences.
    pub remarks: Vec<String>,
    /// Whether something that is not ours stands where the data would be written.
    pub taken: bool,
}

impl Earlier {
    /// Takes over what a file or object says. `own` is the one that is about to be replaced.
    pub fn add(&mut self, place: &str, bytes: &[u8], project: &str, own: bool) {
        match earlier_trend(bytes, project) {
            Ok(points) => self.points.extend(points),
            Err(why) if own => {
                self.taken = true;
                self.remarks.push(format!(
                    "{place} {why}. It is left alone, so this report's data are not written and the trend has no memory \
                     of it: move it away, or choose another output."
                ));
            }
            Err(why) => {
                self.remarks.push(format!("{place} {why}. It is left alone; the trend does without it."));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_ours_is_left_alone_with_a_remark() {
        let report = r#"{"format":"opsform.cost","version":1,"project":"payments","trend":[]}"#;
        let mut earlier = Earlier::default();
        earlier.add("a.json", report.as_bytes(), "payments", false);
        assert_eq!(earlier, Earlier::default());
        earlier.add("b.json", b"{}", "payments", false);
        assert!(!earlier.taken && earlier.remarks[0].starts_with("b.json is not a cost report in JSON ("));
        earlier.add("c.json", report.as_bytes(), "orders", true);
        assert!(earlier.taken, "{earlier:?}");
        let remark = "c.json is a cost report of the project \"payments\". It is left alone, so this report's data are not written";
        assert!(earlier.remarks[1].starts_with(remark), "{earlier:?}");
    }
}
