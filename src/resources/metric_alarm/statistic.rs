//! The forms of a statistic.
//!
//! Sources: `PutMetricAlarm` (`Statistic`, `ExtendedStatistic`) and the user guide's page of statistics definitions.

use super::Statistic;

/// Why a text is no statistic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) rule: String,
    pub(super) hint: String,
}

/// The statistics that take one percentage (`tm90`) or a range in brackets (`TM(10%:90%)`).
const TRIMMED: [&str; 4] = ["tm", "tc", "ts", "wm"];

/// A percentile can have up to ten decimal places: `p95.0123456789`.
const DECIMALS: usize = 10;

/// Whether this is `p…`, for which alone `evaluate_low_sample_count_percentile` means something.
pub(super) fn is_percentile(text: &str) -> bool {
    text.strip_prefix('p').is_some_and(|rest| percentage(rest).is_some())
}

/// What is wrong with a statistic, if anything.
pub(super) fn fault(text: &str) -> Option<Fault> {
    if Statistic::PLAIN.contains(&text)
        || text == "IQM"
        || is_percentile(text)
        || is_trimmed(text)
        || is_range(text)
    {
        return None;
    }
    Some(Fault { rule: "must be a statistic that AWS knows".to_owned(), hint: hint(text) })
}

fn is_trimmed(text: &str) -> bool {
    TRIMMED.iter().any(|name| text.strip_prefix(name).is_some_and(|rest| percentage(rest).is_some()))
}

/// `TM(10%:90%)`, `TC(0.005:0.03)`, `WM(:95%)`, `PR(100:)`: two bounds of one sort, of which one may be left out. `PR`
/// takes values of the metric only.
fn is_range(text: &str) -> bool {
    let Some((name, rest)) = text.split_once('(') else {
        return false;
    };
    let Some((low, high)) = rest.strip_suffix(')').and_then(|bounds| bounds.split_once(':')) else {
        return false;
    };
    let trimmed = TRIMMED.iter().any(|known| known.to_uppercase() == name);
    if !(trimmed || name == "PR") || (low.is_empty() && high.is_empty()) {
        return false;
    }
    let bounds = |read: fn(&str) -> Option<f64>| {
        let read = |bound: &str| {
            if bound.is_empty() { Some(None) } else { read(bound).map(Some) }
        };
        match (read(low), read(high)) {
            (Some(Some(low)), Some(Some(high))) => low < high,
            (Some(_), Some(_)) => true,
            _ => false,
        }
    };
    let percents = |bound: &str| bound.strip_suffix('%').and_then(percentage);
    bounds(number) || (trimmed && bounds(percents))
}

fn number(text: &str) -> Option<f64> {
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

/// Plain digits with up to ten decimals, from 0 to 100.
fn percentage(text: &str) -> Option<f64> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(decimals) || decimals.len() > DECIMALS {
        return None;
    }
    number(text).filter(|number| (0.0..=100.0).contains(number))
}

fn hint(text: &str) -> String {
    let lower = text.to_lowercase();
    let plain = Statistic::PLAIN.iter().chain(&["IQM"]);
    let short = [
        ("avg", "Average"),
        ("mean", "Average"),
        ("max", "Maximum"),
        ("min", "Minimum"),
        ("count", "SampleCount"),
    ];
    let meant = plain
        .map(|known| (known.to_lowercase(), *known))
        .chain(short.map(|(short, known)| (short.to_owned(), known)))
        .find(|(name, _)| strsim::damerau_levenshtein(name, &lower) <= name.len() / 4);
    if let Some((_, known)) = meant {
        return format!("did you mean `{known}`?");
    }
    if lower != text && (is_percentile(&lower) || is_trimmed(&lower)) {
        return format!("did you mean `{lower}`?");
    }
    let upper = text.to_uppercase();
    if upper != text && is_range(&upper) {
        return format!("did you mean `{upper}`?");
    }
    "use Average, Maximum, Minimum, SampleCount, Sum, a percentile from p0 to p100, IQM, \
     or a form such as tm90, tc90, ts90, wm98, TM(10%:90%), PR(100:2000)"
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documented_forms_pass() {
        for text in [
            "Average",
            "Sum",
            "Minimum",
            "Maximum",
            "SampleCount",
            "IQM",
            "p0",
            "p50",
            "p99",
            "p99.9",
            "p100",
            "p0.0",
            "p95.0123456789",
            "tm90",
            "tc90",
            "ts90",
            "wm98",
            "tm99.9",
            "TM(10%:90%)",
            "TC(10%:90%)",
            "TS(80%:)",
            "WM(:95%)",
            "TM(150:1000)",
            "TC(0.005:0.030)",
            "PR(100:2000)",
            "PR(:300)",
            "PR(100:)",
            "PR(-5:5)",
        ] {
            assert_eq!(fault(text), None, "{text}");
        }
    }

    #[test]
    fn other_forms_do_not() {
        for text in [
            "",
            "p",
            "p101",
            "p-1",
            "p9x",
            "p99.",
            "p.5",
            "p95.01234567891",
            "P99",
            "tm101",
            "tm",
            "average",
            "TM90",
            "TM(90%:10%)",
            "TM(10%:90)",
            "TM(:)",
            "TM()",
            "PR(10%:90%)",
            "PR(1:2",
            "iqm",
            "p1e1",
            "XX(1:2)",
            "PR(inf:)",
        ] {
            assert!(fault(text).is_some(), "{text}");
        }
    }

    #[test]
    fn hints_name_what_was_meant() {
        let hint = |text| fault(text).unwrap().hint;
        assert_eq!(hint("average"), "did you mean `Average`?");
        assert_eq!(hint("Avg"), "did you mean `Average`?");
        assert_eq!(hint("Maximun"), "did you mean `Maximum`?");
        assert_eq!(hint("P99"), "did you mean `p99`?");
        assert_eq!(hint("TM90"), "did you mean `tm90`?");
        assert_eq!(hint("tm(10%:90%)"), "did you mean `TM(10%:90%)`?");
        assert!(hint("median").starts_with("use Average"));
    }

    #[test]
    fn only_p_is_a_percentile() {
        assert!(is_percentile("p99.9"));
        assert!(!is_percentile("tm99"));
        assert!(!is_percentile("Average"));
    }
}
