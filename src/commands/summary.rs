//! From the executor's report to what the renderer shows.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::apply::Report;
use crate::model::{Address, Scope};
use crate::plan::Plan;
use crate::render::{ApplySummary, Carried, CutOff, FailureGroup, quoted};
use crate::resources;

/// Groups failures by their cause: what AWS said, where and to what.
pub(super) fn summary(
    report: &Report,
    plan: &Plan,
    heading: Carried,
    cut_off: Option<CutOff>,
    elapsed: Duration,
) -> ApplySummary {
    // Names are the targets', where the key is no more than an id.
    let names: BTreeMap<&Address, &str> = plan
        .changes
        .iter()
        .filter_map(|change| Some((&change.address, change.target.as_ref()?)))
        .filter(|(address, target)| target.name != target.id && address.key.ends_with(&*target.id))
        .map(|(address, target)| (address, &*target.name))
        .collect();
    let in_words = |address| in_words(address, names.get(address).copied());
    let mut groups: BTreeMap<(&str, &Scope, &str, &str), FailureGroup> = BTreeMap::new();
    for failure in &report.failures {
        let error = &failure.error;
        let key = (error.operation.name, &error.scope, error.code.as_str(), error.message.as_str());
        let group = groups.entry(key).or_insert_with(|| FailureGroup {
            cause: error.to_string(),
            hint: error.hint(),
            lasts: error.lasts(),
            resources: Vec::new(),
        });
        group.resources.push(in_words(&failure.address));
    }
    ApplySummary {
        heading,
        done: report.done.clone(),
        failed: groups.into_values().collect(),
        skipped: report.skipped.iter().map(in_words).collect(),
        cut_off,
        remaining: report.not_begun,
        begun: report.begun,
        again: None,
        elapsed,
    }
}

/// `alarm "web-1"`, `power state "i-0abc" (web-1)`
fn in_words(address: &Address, name: Option<&str>) -> String {
    let noun = resources::kind(&address.kind).map_or(&*address.kind, |kind| kind.text().noun);
    let name = name.map_or_else(String::new, |name| format!(" ({name})"));
    format!("{noun} {}{name}", quoted(&address.key))
}
