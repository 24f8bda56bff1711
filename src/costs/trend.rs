//! The months before this one, as earlier reports told them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::Deserialize;
use serde::de::{Deserializer, Error as _};

use super::TrendPoint;

/// A trend has no more months than this.
pub const MOST_MONTHS: usize = 36;

/// The largest amount that is taken for one.
const MOST_DOLLARS: u64 = 1_000_000_000_000_000;

/// What a report's JSON says it is.
const FORMAT: &str = "opsform.cost";

/// The newest version of that form which this opsform reads.
const VERSION: u32 = 1;

/// One point a month, by month: of several a whole one before one with gaps, then that of most regions, then the one that was made
/// last. What says that it was made after this report was made by a wrong clock, and is left out. At most the newest [`MOST_MONTHS`].
pub fn trend(earlier: Vec<TrendPoint>, this: TrendPoint) -> Vec<TrendPoint> {
    let worth = |point: &TrendPoint| (point.complete, point.places, point.made);
    let mut months: BTreeMap<Date, TrendPoint> = BTreeMap::new();
    let past = earlier.into_iter().filter(|point| point.made <= this.made && point.month <= this.month);
    for point in past.chain([this]) {
        let place = months.entry(point.month).or_insert(point);
        // Of two of the same worth, the later in the list: this report is the last.
        if worth(&point) >= worth(place) {
            *place = point;
        }
    }
    let skipped = months.len().saturating_sub(MOST_MONTHS);
    months.into_values().skip(skipped).collect()
}

/// What of a report's JSON the trend of the next one needs.
#[derive(Deserialize)]
struct Earlier {
    project: String,
    trend: Vec<EarlierPoint>,
}

/// What tells a report's JSON from any other.
#[derive(Deserialize)]
struct Head {
    format: String,
    version: u32,
}

#[derive(Deserialize)]
struct EarlierPoint {
    month: Date,
    made: Timestamp,
    #[serde(deserialize_with = "amount")]
    ec2: Decimal,
    #[serde(deserialize_with = "amount")]
    ebs: Decimal,
    #[serde(deserialize_with = "amount")]
    rds: Decimal,
    instances: usize,
    unpriced: usize,
    #[serde(default = "whole")]
    complete: bool,
    #[serde(default)]
    places: usize,
}

fn whole() -> bool {
    true
}

/// Amounts are texts, so that no reader makes a binary fraction of them.
fn amount<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Decimal, D::Error> {
    let text = String::deserialize(deserializer)?;
    let amount: Option<Decimal> = text.parse().ok();
    // Far more than a bill, and far less than what sums overflow at.
    let is_one = |amount: &Decimal| (Decimal::ZERO..=Decimal::from(MOST_DOLLARS)).contains(amount);
    amount.filter(is_one).ok_or_else(|| D::Error::custom(format!("\"{text}\" is no amount")))
}

/// The trend in the JSON of an earlier report of a project.
///
/// # Errors
/// Why it is none, in words that follow the file's name.
pub fn earlier_trend(json: &[u8], project: &str) -> Result<Vec<TrendPoint>, String> {
    let head: Head =
        serde_json::from_slice(json).map_err(|error| format!("is not a cost report in JSON ({error})"))?;
    if head.format != FORMAT {
        return Err(format!("is not a cost report: its format is \"{}\"", head.format));
    }
    if head.version > VERSION {
        let known = format!("this opsform reads up to {VERSION}");
        return Err(format!("is a cost report of version {}; {known}", head.version));
    }
    let earlier: Earlier = serde_json::from_slice(json).map_err(|error| format!("is damaged ({error})"))?;
    if earlier.project != project {
        return Err(format!("is a cost report of the project \"{}\"", earlier.project));
    }
    Ok(earlier.trend.into_iter().map(TrendPoint::from).collect())
}

impl From<EarlierPoint> for TrendPoint {
    fn from(point: EarlierPoint) -> Self {
        let EarlierPoint { month, made, ec2, ebs, rds, instances, unpriced, complete, places } = point;
        Self { month: month.first_of_month(), made, ec2, ebs, rds, instances, unpriced, complete, places }
    }
}

#[cfg(test)]
mod tests {
    use jiff::ToSpan as _;
    use jiff::civil::date;
    use proptest::prelude::*;

    use super::*;

    fn point(month: i32, made: i64) -> TrendPoint {
        TrendPoint {
            month: date(2024, 1, 1).saturating_add(month.months()),
            made: Timestamp::from_second(made).unwrap(),
            ec2: Decimal::new(made, 2),
            ebs: Decimal::ONE,
            rds: Decimal::ZERO,
            instances: 3,
            unpriced: 0,
            complete: true,
            places: 1,
        }
    }

    #[test]
    fn the_last_report_of_a_month_counts() {
        let found = trend(vec![point(1, 14), point(0, 9), point(1, 10), point(0, 5)], point(1, 15));
        assert_eq!(found, [point(0, 9), point(1, 15)]);
        let mut same = point(1, 20);
        same.instances = 4;
        assert_eq!(trend(vec![point(1, 20)], same), [same]);
    }

    #[test]
    fn a_part_takes_the_place_of_nothing_whole() {
        let whole = point(1, 10);
        let gaps = TrendPoint { complete: false, places: 2, ..point(1, 20) };
        assert_eq!(trend(vec![whole], gaps), [whole]);
        assert_eq!(trend(vec![gaps], point(1, 30)), [point(1, 30)]);
        let narrow = TrendPoint { places: 0, ..point(1, 20) };
        assert_eq!(trend(vec![whole], narrow), [whole]);
        // A clock that was wrong spoils no later trend.
        assert_eq!(trend(vec![point(1, 99), point(5, 20)], point(1, 30)), [point(1, 30)]);
    }

    proptest! {
        #[test]
        fn a_trend_is_sorted_whole_and_stays_as_it_is(
            earlier in prop::collection::vec((0i32..60, 0i64..1000), 0..120),
            this in (0i32..60, 0i64..1000),
        ) {
            let points: Vec<TrendPoint> = earlier.iter().map(|(month, made)| point(*month, *made)).collect();
            let this = point(this.0.max(50), this.1 + 1000);
            let points: Vec<TrendPoint> = points.into_iter().filter(|point| point.month <= this.month).collect();
            let found = trend(points.clone(), this);
            prop_assert!(found.windows(2).all(|pair| pair[0].month < pair[1].month));
            prop_assert!(!found.is_empty() && found.len() <= MOST_MONTHS);
            let all: Vec<TrendPoint> = points.iter().copied().chain([this]).collect();
            for point in &all {
                match found.iter().find(|there| there.month == point.month) {
                    Some(there) => prop_assert!(there.made >= point.made && all.contains(there)),
                    // Only the oldest give way.
                    None => prop_assert!(found.len() == MOST_MONTHS && point.month < found[0].month),
                }
            }
            let last = *found.last().unwrap();
            prop_assert_eq!(trend(found.clone(), last), found);
        }
    }

    const REPORT: &str = r#"{"format":"opsform.cost","version":1,"project":"payments","made":"2026-11-20T10:00:00Z",
        "rest":[1],"trend":[{"month":"2026-11-01","made":"2026-11-20T10:00:00Z","ec2":"12.34","ebs":"1.00","rds":"0.00",
        "instances":7,"unpriced":2}]}"#;

    #[test]
    fn an_earlier_report_tells_its_trend() {
        let found = earlier_trend(REPORT.as_bytes(), "payments").unwrap();
        let [point] = &*found else { panic!("{found:?}") };
        assert_eq!(
            (point.month, point.ec2, point.ebs),
            (date(2026, 11, 1), Decimal::new(1234, 2), Decimal::ONE)
        );
        assert_eq!((point.made.as_second(), point.instances, point.unpriced), (1_795_168_800, 7, 2));
    }

    #[test]
    fn what_is_no_report_of_the_project_says_what_it_is() {
        for (json, why) in [
            (REPORT.to_owned(), "is a cost report of the project \"payments\""),
            (
                REPORT.replace("opsform.cost", "opsform.audit"),
                "is not a cost report: its format is \"opsform.audit\"",
            ),
            (
                REPORT.replace("\"version\":1", "\"version\":2"),
                "is a cost report of version 2; this opsform reads up to 1",
            ),
            (REPORT.replace("12.34", "much"), "is damaged (\"much\" is no amount"),
            (REPORT.replace("12.34", "79228162514264337593543950335"), "is damaged (\"7922"),
            (REPORT.replace("12.34", "-1"), "is damaged (\"-1\" is no amount"),
            (REPORT[..200].to_owned(), "is not a cost report in JSON (EOF"),
            (r#"{"name":"mine"}"#.to_owned(), "is not a cost report in JSON (missing field `format`"),
            (String::new(), "is not a cost report in JSON (EOF"),
        ] {
            let error = earlier_trend(json.as_bytes(), "orders").unwrap_err();
            assert!(error.starts_with(why), "{error}");
        }
    }
}
