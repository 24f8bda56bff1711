//! What AWS accepts as an alarm, checked before anything is sent.
//!
//! Source of every limit, unless another is named: the API reference of `PutMetricAlarm` and its data types
//! `Dimension` and `Tag`.

use crate::model::Severity;

use super::statistic;

/// A fault of one field, in words that fit into a sentence.
///
/// The sentence is "`field` must …, found …"; it is made by whoever knows where the field was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Error, or a warning for what AWS accepts and hardly anybody wants.
    pub severity: Severity,
    /// The field's name in the spec and in manifests.
    pub field: &'static str,
    /// Which part of it: a dimension's name, a tag's key, an action's number in its list.
    pub item: Option<String>,
    /// The rule, without the value: `must have at most 255 characters`.
    pub rule: String,
    /// The value or its size: `300 characters`.
    pub found: String,
    /// What to do.
    pub hint: Option<String>,
}

/// What is known of an alarm. A manifest's literals are known before any target is; the rest stays `None` until then.
#[derive(Clone, Debug, Default)]
pub struct PartialAlarm<'a> {
    /// The `AlarmName`.
    pub name: Option<&'a str>,
    /// The namespace.
    pub namespace: Option<&'a str>,
    /// The metric's name.
    pub metric: Option<&'a str>,
    /// All dimensions: the names are always known.
    pub dimensions: Vec<(&'a str, Option<&'a str>)>,
    /// The statistic.
    pub statistic: Option<&'a str>,
    /// Seconds.
    pub period: Option<u32>,
    /// How many periods are looked at.
    pub evaluation_periods: Option<u32>,
    /// How many of them must breach.
    pub datapoints_to_alarm: Option<u32>,
    /// The threshold.
    pub threshold: Option<f64>,
    /// Whether `evaluate_low_sample_count_percentile` is set.
    pub on_few_samples: bool,
    /// The three lists of actions with their field names.
    pub actions: Vec<(&'static str, Vec<Option<&'a str>>)>,
    /// The description.
    pub description: Option<&'a str>,
    /// The user's tags: the keys are always known.
    pub tags: Vec<(&'a str, Option<&'a str>)>,
}

/// `MetricName`, `Namespace` and `AlarmName` have 1 to 255 characters.
const NAME_LENGTH: usize = 255;
/// `AlarmDescription`.
const DESCRIPTION_LENGTH: usize = 1024;
/// `Dimensions` holds up to 30.
const DIMENSIONS: usize = 30;
/// `Dimension`: a value has 1 to 1024 characters, a name 1 to 255.
const DIMENSION_VALUE_LENGTH: usize = 1024;
/// Each of `AlarmActions`, `OKActions` and `InsufficientDataActions` holds up to 5, each up to 1024 characters.
const ACTIONS: usize = 5;
const ACTION_LENGTH: usize = 1024;
/// `Tags` holds up to 50, of which opsform needs three: project, label and protection.
const TAGS: usize = 47;
const TAG_KEY_LENGTH: usize = 128;
const TAG_VALUE_LENGTH: usize = 256;
/// `Period`: "Period multiplied by `EvaluationPeriods` can't be more than 604,800 seconds. For alarms with a period of
/// less than one hour (3,600 seconds), the total evaluation period can't be longer than one day (86,400 seconds)."
const WEEK: u64 = 604_800;
const DAY: u64 = 86_400;
const HOUR: u32 = 3_600;

/// Everything that is wrong with what is known.
pub fn check(alarm: &PartialAlarm<'_>) -> Vec<Violation> {
    let mut found = Vec::new();
    found.extend(alarm.name.and_then(name));
    found.extend(alarm.namespace.and_then(namespace));
    found.extend(alarm.metric.and_then(|metric| length("metric", metric, NAME_LENGTH)));
    dimensions(&alarm.dimensions, &mut found);
    found.extend(alarm.statistic.and_then(statistic_form));
    found.extend(few_samples(alarm));
    found.extend(alarm.period.and_then(|seconds| period(seconds, alarm.namespace)));
    evaluation(alarm, &mut found);
    found.extend(
        alarm
            .threshold
            .filter(|number| !number.is_finite())
            .map(|number| Violation::error("threshold", "must be a finite number", number.to_string())),
    );
    for (field, list) in &alarm.actions {
        actions(field, list, &mut found);
    }
    found.extend(alarm.description.and_then(description));
    tags(&alarm.tags, &mut found);
    found
}

impl Violation {
    fn error(field: &'static str, rule: impl Into<String>, found: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            field,
            item: None,
            rule: rule.into(),
            found: found.into(),
            hint: None,
        }
    }

    fn warning(field: &'static str, rule: impl Into<String>, found: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(field, rule, found) }
    }

    fn item(mut self, item: impl Into<String>) -> Self {
        self.item = Some(item.into());
        self
    }

    fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// 1 to `limit` characters.
fn length(field: &'static str, text: &str, limit: usize) -> Option<Violation> {
    let count = text.chars().count();
    if text.trim().is_empty() {
        return Some(Violation::error(field, "must not be blank", format!("{text:?}")));
    }
    (count > limit).then(|| too_long(field, count, limit))
}

fn too_long(field: &'static str, count: usize, limit: usize) -> Violation {
    let rule = format!("must have at most {limit} characters");
    Violation::error(field, rule, format!("{count} characters"))
}

/// "The name must contain only UTF-8 characters, and can't contain ASCII control characters."
fn name(name: &str) -> Option<Violation> {
    if let Some(violation) = length("name", name, NAME_LENGTH) {
        return Some(violation);
    }
    if name.chars().any(|c| c.is_ascii_control()) {
        let rule = "must not hold control characters such as tabs or line ends";
        return Some(Violation::error("name", rule, format!("{name:?}")));
    }
    (name.trim() != name).then(|| {
        Violation::warning("name", "should not begin or end with a blank", format!("{name:?}"))
            .hint("the filter `trim` removes blanks: `{{ tags.Name | trim }}`")
    })
}

/// The pattern of `Namespace` is `[^:].*`.
fn namespace(namespace: &str) -> Option<Violation> {
    length("namespace", namespace, NAME_LENGTH).or_else(|| {
        namespace
            .starts_with(':')
            .then(|| Violation::error("namespace", "must not begin with `:`", format!("{namespace:?}")))
    })
}

/// Names and values of dimensions hold ASCII without control characters and at least one that is no blank; a name
/// does not begin with a colon.
fn dimensions(dimensions: &[(&str, Option<&str>)], found: &mut Vec<Violation>) {
    const FIELD: &str = "dimensions";
    if dimensions.len() > DIMENSIONS {
        let rule = format!("must have at most {DIMENSIONS} entries");
        found.push(Violation::error(FIELD, rule, format!("{} entries", dimensions.len())));
    }
    for (name, value) in dimensions {
        if name.starts_with(':') {
            found.push(Violation::error(FIELD, "must not begin with `:`", format!("{name:?}")).item(*name));
        }
        let parts = [Some((*name, NAME_LENGTH)), value.map(|value| (value, DIMENSION_VALUE_LENGTH))];
        for (text, limit) in parts.into_iter().flatten() {
            let violation = length(FIELD, text, limit).or_else(|| {
                let odd = text.chars().any(|c| !c.is_ascii() || c.is_ascii_control());
                odd.then(|| Violation::error(FIELD, "must be printable ASCII", format!("{text:?}")))
            });
            found.extend(violation.map(|violation| violation.item(*name)));
        }
    }
}

fn statistic_form(text: &str) -> Option<Violation> {
    let fault = statistic::fault(text)?;
    Some(Violation {
        hint: Some(fault.hint),
        ..Violation::error("statistic", fault.rule, format!("{text:?}"))
    })
}

/// `EvaluateLowSampleCountPercentile` is "used only for alarms based on percentiles".
fn few_samples(alarm: &PartialAlarm<'_>) -> Option<Violation> {
    let text = alarm.statistic.filter(|_| alarm.on_few_samples)?;
    (!statistic::is_percentile(text)).then(|| {
        Violation::error(
            "evaluate_low_sample_count_percentile",
            "must be left out unless the statistic is a percentile",
            format!("statistic {text:?}"),
        )
    })
}

/// `Period`: "Valid values are 10, 20, 30, and any multiple of 60." The short ones are for metrics that are stored at
/// high resolution, which AWS's own are not.
fn period(seconds: u32, namespace: Option<&str>) -> Option<Violation> {
    const SHORT: [u32; 3] = [10, 20, 30];
    if SHORT.contains(&seconds) {
        let of_aws = namespace.is_some_and(|namespace| namespace.starts_with("AWS/"));
        return of_aws.then(|| {
            let rule = "should be at least 60 seconds for metrics of AWS's own services";
            Violation::warning("period", rule, seconds.to_string())
                .hint("these metrics have no data below one minute; the alarm would often lack data, and costs more")
        });
    }
    if seconds > 0 && seconds.is_multiple_of(60) {
        return None;
    }
    let below = match seconds {
        60.. => Some(seconds / 60 * 60),
        _ => SHORT.into_iter().rev().find(|short| *short < seconds),
    };
    let above = match seconds {
        0..30 => SHORT.into_iter().find(|short| *short > seconds),
        _ => (seconds / 60).checked_add(1).and_then(|minutes| minutes.checked_mul(60)),
    };
    let near: Vec<String> = below.into_iter().chain(above).map(|near| near.to_string()).collect();
    let violation =
        Violation::error("period", "must be 10, 20, 30 or a multiple of 60 seconds", seconds.to_string());
    Some(match &near[..] {
        [one] => violation.hint(format!("the nearest allowed value is {one}")),
        all => violation.hint(format!("the nearest allowed values are {}", all.join(" and "))),
    })
}

fn evaluation(alarm: &PartialAlarm<'_>, found: &mut Vec<Violation>) {
    if alarm.evaluation_periods == Some(0) {
        found.push(Violation::error("evaluation_periods", "must be at least 1", "0"));
    }
    if alarm.datapoints_to_alarm == Some(0) {
        found.push(Violation::error("datapoints_to_alarm", "must be at least 1", "0"));
    }
    if let (Some(datapoints), Some(periods)) = (alarm.datapoints_to_alarm, alarm.evaluation_periods)
        && datapoints > periods
    {
        let of = format!("{datapoints} of {periods}");
        found.push(Violation::error("datapoints_to_alarm", "must be at most `evaluation_periods`", of));
    }
    if let (Some(period), Some(periods)) = (alarm.period, alarm.evaluation_periods) {
        let (limit, rule) = if period < HOUR {
            (DAY, "must not look back further than one day when the period is below one hour")
        } else {
            (WEEK, "must not look back further than seven days")
        };
        let seconds = u64::from(period) * u64::from(periods);
        if u64::from(period) > WEEK {
            let rule = format!("must be at most {WEEK} seconds, which is seven days");
            found.push(Violation::error("period", rule, period.to_string()));
        } else if seconds > limit {
            let range = format!("{periods} × {period} s = {seconds} s");
            let most = limit / u64::from(period);
            let hint = format!("at most {most} periods of {period} s");
            found.push(Violation::error("evaluation_periods", rule, range).hint(hint));
        }
    }
}

fn actions(field: &'static str, list: &[Option<&str>], found: &mut Vec<Violation>) {
    if list.len() > ACTIONS {
        let rule = format!("must have at most {ACTIONS} entries");
        found.push(Violation::error(field, rule, format!("{} entries", list.len())));
    }
    for (index, action) in list.iter().enumerate() {
        let Some(action) = action else { continue };
        let violation = if action.starts_with("arn:") && action.split(':').count() >= 6 {
            length(field, action, ACTION_LENGTH)
        } else {
            let hint = "an action looks like `arn:aws:sns:ap-northeast-2:111122223333:ops`";
            Some(Violation::error(field, "must be an ARN", format!("{action:?}")).hint(hint))
        };
        found.extend(violation.map(|violation| violation.item(index.to_string())));
    }
}

fn description(text: &str) -> Option<Violation> {
    let count = text.chars().count();
    (count > DESCRIPTION_LENGTH).then(|| too_long("description", count, DESCRIPTION_LENGTH))
}

/// `aws:` is AWS's own prefix for tags, `opsform:` marks what this program owns.
fn tags(tags: &[(&str, Option<&str>)], found: &mut Vec<Violation>) {
    const FIELD: &str = "tags";
    if tags.len() > TAGS {
        let rule = format!("must have at most {TAGS} entries, as AWS allows 50 and opsform adds up to three");
        found.push(Violation::error(FIELD, rule, format!("{} entries", tags.len())));
    }
    for (key, value) in tags {
        let lower = key.to_ascii_lowercase();
        if lower.starts_with("aws:") || lower.starts_with("opsform:") {
            let rule = "must not begin with `aws:` or `opsform:`, which are reserved";
            found.push(Violation::error(FIELD, rule, format!("{key:?}")).item(*key));
        }
        found.extend(length(FIELD, key, TAG_KEY_LENGTH).map(|violation| violation.item(*key)));
        let count = value.map_or(0, |value| value.chars().count());
        if count > TAG_VALUE_LENGTH {
            found.push(too_long(FIELD, count, TAG_VALUE_LENGTH).item(*key));
        }
    }
}

#[cfg(test)]
#[path = "constraints_tests.rs"]
mod tests;
