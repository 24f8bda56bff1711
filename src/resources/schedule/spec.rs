//! The spec of a schedule in normal form, for desired and actual alike.

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::aws::{LABEL_TAG, PROJECT_TAG, partition};
use crate::cron::Expression;
use crate::model::{Fields, KindText};
use crate::resources::lambda_function::function_of_arn;
use crate::resources::spec_fields;

/// The kind's name.
pub const KIND: &str = "schedule";

/// The kind in words.
pub(super) const TEXT: KindText =
    KindText { kind: KIND, noun: "schedule", plural: "schedules", shared: false, summary };

/// The parameter of a target's input that is a set of ids: of EC2's `StartInstances` and `StopInstances`.
const IDS: &str = "InstanceIds";

/// A schedule of EventBridge Scheduler. Its key, `GROUP/NAME`, is not part of the spec (see [`super::names`]).
///
/// Every optional field of the API that has a default is filled in, so that a desired schedule and the same one read back
/// are equal. What the API knows and this spec does not makes a schedule inexpressible (see `aws/convert.rs`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schedule {
    /// `cron(…)`, `rate(…)` or `at(…)`.
    pub expression: String,
    /// An IANA name, such as `Asia/Seoul`; AWS's default is `UTC`.
    pub timezone: String,
    /// When it begins to fire, in whole seconds; absent where it has begun, or always did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_date: Option<Timestamp>,
    /// When it no longer fires, in whole seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_date: Option<Timestamp>,
    /// Whether it fires.
    pub enabled: bool,
    /// How many minutes late it may fire; absent for a flexible window that is `OFF`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flexible_minutes: Option<u32>,
    /// What it calls, such as `arn:aws:scheduler:::aws-sdk:ec2:stopInstances` (see [`universal_target`]).
    pub target_arn: String,
    /// The role that calls it.
    pub role_arn: String,
    /// The ids that the target's input names as a set, `InstanceIds`: the order of that list has no meaning.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub ids: BTreeSet<String>,
    /// The target's other parameters.
    #[serde(default, skip_serializing_if = "is_empty")]
    pub input: Value,
    /// How often a call that failed is tried again: 0 for what must not be done twice. AWS's default is 185.
    pub retries: u32,
    /// Seconds after which a call that failed is given up: 60 to 86,400, AWS's default.
    pub max_event_age: u32,
    /// The SQS queue that hears of calls that failed for good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dead_letter_arn: Option<String>,
    /// Whose it is: [`description`]. Schedules bear no tags.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Whether AWS deletes it when it has fired for the last time.
    pub delete_after_completion: bool,
}

impl Schedule {
    /// The ids of what it calls its action for: the set, or the one parameter that is an identifier.
    pub(super) fn acts_on(self) -> BTreeSet<String> {
        let parameters = self.input.as_object().into_iter().flatten();
        let named = parameters.filter(|(name, _)| name.ends_with("Identifier") || name.ends_with("Id"));
        let named = named.filter_map(|(_, id)| id.as_str().map(str::to_owned)).collect();
        self.ids.union(&named).cloned().collect()
    }

    /// Whether it stops what it calls: an action of [`universal_target`] that begins so.
    pub(super) fn stops(&self) -> bool {
        self.target_arn.rsplit(':').next().is_some_and(|action| action.starts_with("stop"))
    }

    /// A schedule that fires on time, is enabled, has no input and tries nothing again.
    pub fn new(expression: &str, timezone: &str, target_arn: &str, role_arn: &str) -> Self {
        Self {
            expression: expression.to_owned(),
            timezone: timezone.to_owned(),
            start_date: None,
            end_date: None,
            enabled: true,
            flexible_minutes: None,
            target_arn: target_arn.to_owned(),
            role_arn: role_arn.to_owned(),
            ids: BTreeSet::new(),
            input: Value::Object(Map::new()),
            retries: 0,
            max_event_age: 86_400,
            dead_letter_arn: None,
            description: None,
            delete_after_completion: false,
        }
    }

    /// The field map that the planner compares.
    pub fn to_fields(&self) -> Fields {
        spec_fields::to_fields(self)
    }

    /// The spec of a field map.
    ///
    /// # Errors
    /// Where the map is not one that [`Schedule::to_fields`] makes, as after an edit of the state by hand.
    pub fn from_fields(fields: &Fields) -> Result<Self, serde_json::Error> {
        let mut schedule: Self = spec_fields::from_fields(fields)?;
        if schedule.input.is_null() {
            schedule.input = Value::Object(Map::new());
        }
        Ok(schedule)
    }

    /// Whether it fires no more, so that AWS deletes it by itself, now or in a while.
    pub fn is_over(&self, now: Timestamp) -> bool {
        let Some(end) = self.end_date.filter(|_| self.delete_after_completion) else { return false };
        let next = || {
            let (expression, zone) = (Expression::parse(&self.expression), TimeZone::get(&self.timezone));
            expression.ok()?.next(now, &zone.ok()?).next().map(|next| next.timestamp())
        };
        now >= end || next().is_some_and(|next| next > end)
    }

    /// The target's input as AWS keeps it: JSON with its keys and ids sorted; `None` where there is none.
    pub fn input_text(&self) -> Option<String> {
        let mut input = self.input.clone();
        if !self.ids.is_empty() {
            input.as_object_mut()?.insert(IDS.to_owned(), self.ids.iter().cloned().collect());
        }
        if is_empty(&input) { None } else { Some(input.to_string()) }
    }

    /// Takes over the target's input. One that is no JSON is kept as text.
    pub fn set_input_text(&mut self, text: Option<&str>) {
        self.ids = BTreeSet::new();
        self.input = match text {
            None => Value::Object(Map::new()),
            Some(text) => serde_json::from_str(text).unwrap_or_else(|_| text.into()),
        };
        let list = self.input.get(IDS).and_then(Value::as_array);
        let ids: Option<BTreeSet<String>> =
            list.and_then(|list| list.iter().map(|id| Some(id.as_str()?.to_owned())).collect());
        if let (Some(ids), Some(input)) = (ids, self.input.as_object_mut())
            && !ids.is_empty()
        {
            input.remove(IDS);
            self.ids = ids;
        }
    }
}

/// The fields without a start that has passed: it says nothing any more.
pub(super) fn begun_by(fields: &Fields, now: Timestamp) -> Fields {
    match Schedule::from_fields(fields) {
        Ok(schedule) if schedule.start_date.is_some_and(|start| start <= now) => {
            Schedule { start_date: None, ..schedule }.to_fields()
        }
        _ => fields.clone(),
    }
}

/// Whether a schedule is to be at work for less time than it is: another part of it may have been given that time.
pub(super) fn begins_later_or_ends_earlier(before: &Fields, after: &Fields) -> bool {
    let (Ok(before), Ok(after)) = (Schedule::from_fields(before), Schedule::from_fields(after)) else {
        return false;
    };
    let end = |schedule: &Schedule| schedule.end_date.unwrap_or(Timestamp::MAX);
    after.start_date > before.start_date || end(&after) < end(&before)
}

/// Whether two schedules do the same, at one time or another.
pub(super) fn differ_in_dates_alone(one: &Fields, other: &Fields) -> bool {
    let undated = |fields: &Fields| {
        let schedule = Schedule::from_fields(fields).ok()?;
        Some(Schedule { start_date: None, end_date: None, delete_after_completion: false, ..schedule })
    };
    undated(one).is_some_and(|one| undated(other) == Some(one))
}

fn is_empty(input: &Value) -> bool {
    input.is_null() || input.as_object().is_some_and(Map::is_empty)
}

/// The target that calls an API: `arn:aws:scheduler:::aws-sdk:ec2:stopInstances`. The service is in lower case, the action
/// in camel case, the input's parameters in Pascal case ("Using universal targets" in the EventBridge Scheduler user guide).
pub fn universal_target(region: &str, service: &str, action: &str) -> String {
    format!("arn:{}:scheduler:::aws-sdk:{service}:{action}", partition(region))
}

/// The description that says which project and declaration a schedule is of. AWS takes 512 characters.
pub fn description(project: &str, label: &str) -> String {
    format!("{PROJECT_TAG}={project} {LABEL_TAG}={label}")
}

/// Project and label of a [`description`].
pub fn described(description: &str) -> Option<(&str, &str)> {
    let rest = description.strip_prefix(PROJECT_TAG)?.strip_prefix('=')?;
    let (project, rest) = rest.split_once(' ')?;
    Some((project, rest.strip_prefix(LABEL_TAG)?.strip_prefix('=')?))
}

/// `cron(0 19 ? * MON-FRI *) Asia/Seoul: stop 3 instances: i-0a, i-0b, i-0c`
fn summary(fields: &Fields) -> String {
    let Ok(schedule) = Schedule::from_fields(fields) else {
        return String::new();
    };
    let disabled = if schedule.enabled { "" } else { " (disabled)" };
    let date =
        |word: &str, time: Option<Timestamp>| time.map_or_else(String::new, |time| format!(" {word} {time}"));
    let (from, until) = (date("from", schedule.start_date), date("until", schedule.end_date));
    let call = call_in_words(&schedule);
    format!("{} {}{from}{until}: {call}{disabled}", schedule.expression, schedule.timezone)
}

/// What it does: that of a call which opsform declares in words, any other as it is.
fn call_in_words(schedule: &Schedule) -> String {
    let input = |name: &str| schedule.input.get(name).and_then(Value::as_str);
    if let Some(function) = function_of_arn(&schedule.target_arn) {
        let input = schedule.input_text().map_or_else(String::new, |input| format!(" with {input}"));
        return format!("function {function}{input}");
    }
    let call = schedule.target_arn.split_once(":aws-sdk:").map_or(&*schedule.target_arn, |(_, call)| call);
    let words = match call {
        "ec2:startInstances" => Some(format!("start {}", instances(&schedule.ids))),
        "ec2:stopInstances" if schedule.input.get("Hibernate") == Some(&Value::Bool(true)) => {
            Some(format!("hibernate {}", instances(&schedule.ids)))
        }
        "ec2:stopInstances" => Some(format!("stop {}", instances(&schedule.ids))),
        "rds:startDBInstance" => input("DbInstanceIdentifier").map(|id| format!("start database {id}")),
        "rds:stopDBInstance" => input("DbInstanceIdentifier").map(|id| format!("stop database {id}")),
        "rds:startDBCluster" => input("DbClusterIdentifier").map(|id| format!("start cluster {id}")),
        "rds:stopDBCluster" => input("DbClusterIdentifier").map(|id| format!("stop cluster {id}")),
        "ec2:createSnapshot" => {
            input("VolumeId").map(|id| format!("snapshot of {id}{}", name_tag(&schedule.input)))
        }
        "ec2:createSnapshots" => {
            let id = schedule.input.pointer("/InstanceSpecification/InstanceId").and_then(Value::as_str);
            id.map(|id| format!("snapshots of the volumes of {id}{}", name_tag(&schedule.input)))
        }
        _ => None,
    };
    words.unwrap_or_else(|| match schedule.input_text() {
        Some(input) => format!("{call} {input}"),
        None => call.to_owned(),
    })
}

/// `280 instances: i-0a, i-0b, i-0c … 277 more`
fn instances(ids: &BTreeSet<String>) -> String {
    const NAMED: usize = 3;
    let named = ids.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
    match ids.len() {
        0 => "no instances".to_owned(),
        1 => format!("1 instance: {named}"),
        count if count <= NAMED => format!("{count} instances: {named}"),
        count => format!("{count} instances: {named} … {} more", count - NAMED),
    }
}

/// The tag `Name` that a snapshot is given, as the rest of a sentence.
fn name_tag(input: &Value) -> String {
    let tags = input.pointer("/TagSpecifications/0/Tags").and_then(Value::as_array);
    let name =
        tags.into_iter().flatten().find(|tag| tag["Key"] == "Name").and_then(|tag| tag["Value"].as_str());
    name.map_or_else(String::new, |name| format!(", Name = {name}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn stop() -> Schedule {
        let target = universal_target("ap-northeast-2", "ec2", "stopInstances");
        let mut schedule = Schedule::new("cron(0 19 ? * MON-FRI *)", "Asia/Seoul", &target, "arn:role");
        schedule.ids = ["i-0b", "i-0a"].map(str::to_owned).into();
        schedule.input = json!({"Hibernate": true});
        schedule.description = Some(description("payments", "schedule.office-hours"));
        schedule
    }

    #[test]
    fn fields_hold_the_whole_spec() {
        for schedule in [stop(), Schedule::new("rate(1 day)", "UTC", "arn:aws-cn:x", "arn:role")] {
            let text = serde_json::to_string(&schedule.to_fields()).unwrap();
            let fields: Fields = serde_json::from_str(&text).unwrap();
            assert_eq!(Schedule::from_fields(&fields).unwrap(), schedule);
        }
        assert_eq!(stop().to_fields()["ids"], json!(["i-0a", "i-0b"]));
    }

    #[test]
    fn the_order_of_an_input_has_no_meaning() {
        let wanted = stop();
        assert_eq!(wanted.input_text().unwrap(), r#"{"Hibernate":true,"InstanceIds":["i-0a","i-0b"]}"#);
        let mut live = stop();
        live.set_input_text(Some(r#"{ "InstanceIds": ["i-0b", "i-0a"], "Hibernate": true }"#));
        assert_eq!(live, wanted);
        live.set_input_text(None);
        assert_eq!(live.input_text(), None);
        live.set_input_text(Some("no JSON"));
        assert_eq!(live.input, json!("no JSON"));
        live.set_input_text(Some(r#"{"InstanceIds":[1]}"#));
        assert_eq!((live.ids.len(), &live.input), (0, &json!({"InstanceIds": [1]})));
    }

    #[test]
    fn a_description_names_project_and_label() {
        let text = description("pay.ments", "snapshot.daily");
        assert_eq!(text, "opsform:project=pay.ments opsform:label=snapshot.daily");
        assert_eq!(described(&text), Some(("pay.ments", "snapshot.daily")));
        assert_eq!(described("stops everything"), None);
    }

    #[test]
    fn what_fires_no_more_is_over() {
        let time = |text: &str| text.parse::<Timestamp>().unwrap();
        let mut segment = stop();
        segment.end_date = Some(time("2026-12-24T14:59:59Z"));
        assert!(!segment.is_over(time("2027-01-01T00:00:00Z")));
        segment.delete_after_completion = true;
        assert!(!segment.is_over(time("2026-12-24T09:59:59Z")));
        assert!(segment.is_over(time("2026-12-24T10:00:00Z")));
        assert!(segment.is_over(time("2027-01-01T00:00:00Z")));
        segment.expression = "rate(1 day)".to_owned();
        assert!(!segment.is_over(time("2026-12-22T10:00:00Z")));
    }

    #[test]
    fn parts_are_cut_back_and_begin() {
        let time = |text: &str| Some(text.parse::<Timestamp>().unwrap());
        let part = |start: Option<Timestamp>, end: Option<Timestamp>| {
            Schedule { start_date: start, end_date: end, ..stop() }.to_fields()
        };
        let (early, late) = (time("2026-12-24T15:00:00Z"), time("2026-12-31T15:00:00Z"));
        let cut = |before: &Fields, after: &Fields| begins_later_or_ends_earlier(before, after);
        assert!(cut(&part(None, None), &part(early, None)) && cut(&part(early, None), &part(late, None)));
        assert!(cut(&part(None, None), &part(None, early)) && cut(&part(None, late), &part(None, early)));
        assert!(!cut(&part(late, None), &part(early, None)) && !cut(&part(early, None), &part(None, None)));
        assert!(!cut(&part(None, early), &part(None, late)) && !cut(&part(None, early), &part(None, None)));
        assert!(differ_in_dates_alone(&part(None, early), &part(late, None)));
        let mut other = stop();
        other.ids.clear();
        assert!(!differ_in_dates_alone(&part(None, None), &other.to_fields()));
        let noon = "2026-12-25T12:00:00Z".parse().unwrap();
        assert_eq!(begun_by(&part(early, late), noon), part(None, late));
        assert_eq!(begun_by(&part(late, None), noon), part(late, None));
    }

    #[test]
    fn a_summary_says_when_and_what() {
        let words = |call: &str, ids: &[&str], input: Value| {
            let target = format!("arn:aws:scheduler:::aws-sdk:{call}");
            let mut schedule = Schedule::new("rate(1 day)", "UTC", &target, "arn:role");
            schedule.ids = ids.iter().map(|&id| id.to_owned()).collect();
            schedule.input = input;
            summary(&schedule.to_fields()).strip_prefix("rate(1 day) UTC: ").unwrap().to_owned()
        };
        assert_eq!(
            summary(&stop().to_fields()),
            "cron(0 19 ? * MON-FRI *) Asia/Seoul: hibernate 2 instances: i-0a, i-0b"
        );
        assert_eq!(words("ec2:startInstances", &["i-1"], json!({})), "start 1 instance: i-1");
        let five = ["i-1", "i-2", "i-3", "i-4", "i-5"];
        assert_eq!(words("ec2:stopInstances", &five, json!({})), "stop 5 instances: i-1, i-2, i-3 … 2 more");
        let database = json!({"DbInstanceIdentifier": "orders"});
        assert_eq!(words("rds:stopDBInstance", &[], database.clone()), "stop database orders");
        let tags = json!([{"ResourceType": "snapshot", "Tags": [{"Key": "Name", "Value": "web daily"}]}]);
        let input = json!({"VolumeId": "vol-1", "Description": "x", "TagSpecifications": tags});
        assert_eq!(words("ec2:createSnapshot", &[], input), "snapshot of vol-1, Name = web daily");
        let input = json!({"InstanceSpecification": {"InstanceId": "i-1"}});
        assert_eq!(words("ec2:createSnapshots", &[], input), "snapshots of the volumes of i-1");
        assert_eq!(
            words("rds:rebootDBInstance", &[], database),
            r#"rds:rebootDBInstance {"DbInstanceIdentifier":"orders"}"#
        );
    }
}
