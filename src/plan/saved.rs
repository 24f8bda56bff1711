//! A plan that was written to a file: what is said about it, and how it is read again.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Change, Plan, Verb};
use crate::model::{Address, Fields};

/// The value of `format` in a plan's JSON.
pub const PLAN_FORMAT: &str = "opsform-plan";

/// The version of the format. It rises when a field changes its meaning or goes away, not when one is added.
pub const PLAN_VERSION: u32 = 1;

/// What a saved plan was made by and from. Only for messages, and to tell another state from the same one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provenance {
    /// The version of opsform that made the plan.
    pub opsform: String,
    /// The lineage of the state; empty where there was no state yet.
    pub lineage: String,
    /// The serial of the state; 0 where there was no state yet.
    pub serial: u64,
}

/// A plan as it was read from a file.
#[derive(Clone, Debug, PartialEq)]
pub struct SavedPlan {
    /// The plan.
    pub plan: Plan,
    /// Where it comes from; `None` of a plan that was printed as JSON and not saved to be applied.
    pub provenance: Option<Provenance>,
}

/// Why a text is not a saved plan.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum SavedPlanError {
    /// It is something else: no JSON, or JSON of another format.
    #[error("it is not a plan: {0}")]
    NotAPlan(String),
    /// A newer opsform wrote it.
    #[error("it is a plan of format version {found}, and this opsform knows versions up to {PLAN_VERSION}")]
    TooNew {
        /// The version that it says.
        found: u64,
    },
    /// It says that it is a plan, but it is not whole.
    #[error("it is a damaged plan: {0}")]
    Damaged(String),
}

impl SavedPlan {
    /// Reads the JSON form of a plan.
    ///
    /// # Errors
    /// Where the text is no plan, a newer one, or one that is not whole.
    pub fn parse(text: &str) -> Result<Self, SavedPlanError> {
        let value: Value =
            serde_json::from_str(text).map_err(|error| SavedPlanError::NotAPlan(error.to_string()))?;
        if value.get("format").and_then(Value::as_str) != Some(PLAN_FORMAT) {
            return Err(SavedPlanError::NotAPlan(format!("its `format` is not \"{PLAN_FORMAT}\"")));
        }
        match value.get("version").and_then(Value::as_u64) {
            Some(found) if found > u64::from(PLAN_VERSION) => return Err(SavedPlanError::TooNew { found }),
            Some(found) if found > 0 => {}
            _ => return Err(SavedPlanError::Damaged("it has no `version`".to_owned())),
        }
        let damaged = |error: serde_json::Error| SavedPlanError::Damaged(error.to_string());
        let provenance = value.get("saved").map(Provenance::deserialize).transpose().map_err(damaged)?;
        let plan = Plan::deserialize(&value).map_err(damaged)?;
        for (index, change) in plan.changes.iter().enumerate() {
            // An unknown reason would be read as none, and a reason can be what stops an apply.
            let reason = value.pointer(&format!("/changes/{index}/reason"));
            if let Some(fault) = fault(change, reason) {
                let name = &change.address.key;
                return Err(SavedPlanError::Damaged(format!("the change of {name:?} {fault}")));
            }
        }
        let adopted = plan.changes.iter().filter_map(Change::adopted).map(|adopted| adopted.address);
        let kept: BTreeSet<Address> =
            plan.relied_on.iter().map(|kept| kept.address.clone()).chain(adopted).collect();
        let missing = plan.changes.iter().flat_map(Change::relies_on).find(|address| !kept.contains(address));
        if let Some(missing) = missing {
            return Err(SavedPlanError::Damaged(format!("{:?} is not in its `relied_on`", missing.key)));
        }
        if let Some(twice) = twice(&plan) {
            return Err(SavedPlanError::Damaged(format!("{:?} is in it twice", twice.key)));
        }
        Ok(Self { plan, provenance })
    }
}

impl Plan {
    /// The plan with what time alone has changed since it was made, and how many of its changes are no longer of any use: `at`
    /// says what fields mean now, and `is_over` whether what has them is over.
    #[must_use]
    pub fn brought_to_now(
        mut self,
        at: impl Fn(&Address, &Fields) -> Fields,
        is_over: impl Fn(&Address, &Fields) -> bool,
    ) -> (Self, usize) {
        let before = self.changes.len();
        self.changes.retain(|change| {
            let written = change.after.as_ref().filter(|_| change.replaces.is_none());
            written.is_none_or(|after| !is_over(&change.address, after))
        });
        for change in &mut self.changes {
            for fields in change.before.iter_mut().chain(&mut change.after) {
                *fields = at(&change.address, fields);
            }
            if let Some(old) = &mut change.replaces {
                old.fields = at(&old.address, &old.fields);
            }
            let old = change.replaces.as_ref().map(|old| &old.fields).or(change.before.as_ref());
            let (old, new) = (old.cloned().unwrap_or_default(), change.after.clone().unwrap_or_default());
            change.fields.retain(|field| old.get(&field.name) != new.get(&field.name));
        }
        let over = before - self.changes.len();
        (self, over)
    }
}

/// A resource that a plan speaks of twice: one of the two would undo the other, or take away what it relies on.
fn twice(plan: &Plan) -> Option<&Address> {
    let mut seen = BTreeSet::new();
    let kept = plan.relied_on.iter().map(|kept| &kept.address);
    plan.addresses().chain(kept).find(|address| !seen.insert(*address))
}

/// What a change lacks for its verb.
fn fault(change: &Change, reason: Option<&Value>) -> Option<String> {
    let writes = matches!(change.verb, Verb::Create | Verb::Update | Verb::Adopt | Verb::Replace);
    let exists = matches!(change.verb, Verb::Update | Verb::Adopt | Verb::Delete);
    if writes && change.after.is_none() {
        Some("has no `after`".to_owned())
    } else if exists && change.before.is_none() {
        Some("has no `before`".to_owned())
    } else if change.replaces.is_some() != (change.verb == Verb::Replace) {
        Some("does not fit its `replaces`".to_owned())
    } else if writes && exists && !lists_what_differs(change) {
        Some("has other `fields` than those that differ between `before` and `after`".to_owned())
    } else if change.verb == Verb::Update && change.fields.is_empty() {
        Some("changes nothing".to_owned())
    } else {
        let unknown = reason.filter(|reason| !reason.is_null() && change.reason.is_none());
        unknown.map(|reason| format!("has an unknown reason {reason}"))
    }
}

/// What is written is decided by the fields that are listed, and what is recorded by `after`.
fn lists_what_differs(change: &Change) -> bool {
    let (Some(before), Some(after)) = (&change.before, &change.after) else { return false };
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let differing = names.into_iter().filter(|name| before.get(*name) != after.get(*name));
    let listed: BTreeSet<&String> = change.fields.iter().map(|field| &field.name).collect();
    listed.into_iter().eq(differing)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parse(value: &Value) -> Result<SavedPlan, SavedPlanError> {
        SavedPlan::parse(&value.to_string())
    }

    fn document(changes: Value) -> Value {
        let Ok(mut value) = serde_json::to_value(Plan::default()) else { panic!("a plan is JSON") };
        value["format"] = json!(PLAN_FORMAT);
        value["version"] = json!(1);
        value["changes"] = changes;
        value
    }

    fn change(verb: &str) -> Value {
        json!({"verb": verb, "fields": [], "before": null, "after": null, "replaces": null, "protect": false,
               "origin": {"label": "alarm.cpu", "place": ""}, "target": null,
               "address": {"kind": "metric_alarm", "account": "1", "region": "us-east-1", "key": "a"}})
    }

    #[test]
    fn what_is_no_plan_says_so() {
        for text in ["", "{", "[1]", "{}", "{\"format\": \"opsform-summary\"}"] {
            assert!(matches!(SavedPlan::parse(text), Err(SavedPlanError::NotAPlan(_))), "{text}");
        }
        let mut newer = document(json!([]));
        newer["version"] = json!(99);
        newer["changes"] = json!({"another": "shape"});
        assert_eq!(parse(&newer), Err(SavedPlanError::TooNew { found: 99 }));
        newer["version"] = json!(1);
        assert!(matches!(parse(&newer), Err(SavedPlanError::Damaged(_))));
        newer["version"] = json!(null);
        assert!(matches!(parse(&newer), Err(SavedPlanError::Damaged(_))));
    }

    #[test]
    fn a_change_must_be_whole() {
        for verb in ["create", "update", "adopt", "replace", "delete"] {
            let broken = parse(&document(json!([change(verb)])));
            assert!(matches!(broken, Err(SavedPlanError::Damaged(_))), "{verb}");
        }
        assert!(parse(&document(json!([change("forget")]))).is_ok());
        let mut refused = change("forget");
        refused["reason"] = json!("a_reason_of_tomorrow");
        let Err(SavedPlanError::Damaged(words)) = parse(&document(json!([refused]))) else {
            panic!("an unknown reason is no reason to go on")
        };
        assert!(words.contains("a_reason_of_tomorrow"), "{words}");
    }

    #[test]
    fn the_fields_are_those_that_differ() {
        for verb in ["update", "adopt"] {
            let mut change = change(verb);
            change["before"] = json!({"threshold": 80, "period": 60});
            change["after"] = json!({"threshold": 90, "period": 60});
            let mut with = |names: &[&str]| {
                let field = |name: &&str| json!({"name": name, "before": 1, "after": 2, "cause": "manifest"});
                change["fields"] = names.iter().map(field).collect();
                parse(&document(json!([change]))).is_ok()
            };
            assert!(with(&["threshold"]));
            for names in [[].as_slice(), &["tags"], &["threshold", "period"]] {
                assert!(!with(names), "{verb} {names:?}");
            }
            change["after"] = change["before"].clone();
            change["fields"] = json!([]);
            assert_eq!(parse(&document(json!([change]))).is_ok(), verb == "adopt");
        }
    }

    #[test]
    fn nothing_is_in_it_twice() {
        let forget = change("forget");
        let mut other = forget.clone();
        other["address"]["key"] = json!("b");
        assert!(parse(&document(json!([forget, other]))).is_ok());
        let Err(SavedPlanError::Damaged(words)) = parse(&document(json!([forget, other, forget]))) else {
            panic!("one of the two would undo the other")
        };
        assert!(words.contains("\"a\" is in it twice"), "{words}");
        let mut value = document(json!([forget]));
        let owned = json!({"kind": "metric_alarm", "account": "1", "region": "us-east-1", "key": "a",
                           "label": "alarm.cpu", "fields": {}});
        value["refreshes"] = json!([{"owned": owned}]);
        assert!(parse(&value).is_err());
    }

    #[test]
    fn where_it_comes_from_is_kept() {
        let mut value = document(json!([]));
        assert_eq!(parse(&value).map(|saved| saved.provenance), Ok(None));
        value["saved"] = json!({"opsform": "0.1.0", "lineage": "a", "serial": 3});
        let provenance = Provenance { opsform: "0.1.0".to_owned(), lineage: "a".to_owned(), serial: 3 };
        assert_eq!(parse(&value).map(|saved| saved.provenance), Ok(Some(provenance)));
    }
}
