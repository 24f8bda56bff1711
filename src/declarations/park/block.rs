//! The keys of a `[[park]]` block.

use crate::declarations::{Context, ForEach, TextTemplate};
use crate::inventory::TargetKind;
use crate::manifest::TableReader;
use crate::model::Diagnostic;

/// MiB/s that `CreateVolume` takes as `VolumeInitializationRate` (its API reference).
const RATES: std::ops::RangeInclusive<u32> = 100..=300;

/// A whole block.
#[allow(clippy::struct_excessive_bools)] // Each is a key of its own.
#[derive(Debug)]
pub(super) struct Block {
    pub(super) for_each: ForEach,
    /// `parked` or `running`.
    pub(super) state: TextTemplate,
    pub(super) keep_snapshots: bool,
    pub(super) allow_instance_store: bool,
    pub(super) allow_marketplace: bool,
    pub(super) initialization_rate: Option<i32>,
    pub(super) allow_empty: bool,
}

impl Block {
    /// Reads every key but `label`.
    pub(super) fn read(reader: &mut TableReader<'_>, context: &Context<'_>) -> Option<Self> {
        let for_each = for_each(reader, context);
        let state = state(reader);
        let keep_snapshots = reader.flag("keep_snapshots");
        let allow_instance_store = reader.flag("allow_instance_store");
        let allow_marketplace = reader.flag("allow_marketplace");
        let initialization_rate = initialization_rate(reader);
        let allow_empty = reader.flag("allow_empty");
        Some(Self {
            for_each: for_each?,
            state: state?,
            keep_snapshots,
            allow_instance_store,
            allow_marketplace,
            initialization_rate,
            allow_empty,
        })
    }
}

/// Whether a state means parked; `None` for a text that is no state.
pub(super) fn parked(state: &str) -> Option<bool> {
    match state.trim() {
        "parked" => Some(true),
        "running" => Some(false),
        _ => None,
    }
}

/// The instances. Whoever leaves `for_each` out must not park all of them.
fn for_each(reader: &mut TableReader<'_>, context: &Context<'_>) -> Option<ForEach> {
    let hint = "write `for_each = { ec2 = { tags = { Park = \"yes\" } } }`";
    if reader.place_of("for_each").is_none() {
        let problem = Diagnostic::error("parking needs `for_each`: the instances to park");
        reader.problem(problem.at(reader.place().clone()).hint(hint));
    }
    let for_each = ForEach::read_targets(reader, context.inventories)?;
    if let Some(other) = for_each.selectors.iter().find(|selector| selector.kind != TargetKind::Ec2) {
        let what = other.kind.plural();
        reader.problem(
            Diagnostic::error(format!("instances are parked, and not {what}"))
                .at(for_each.place.clone())
                .hint(hint),
        );
        return None;
    }
    if for_each.selectors.iter().any(|selector| !selector.states.is_empty()) {
        reader.problem(
            Diagnostic::error("[[park]] cannot select instances by `state`")
                .at(for_each.place.clone())
                .detail("parking changes the state: an instance that is being parked would no longer be selected, and be left half-way")
                .hint("select them by `tags`, `names` or `ids`, or through an inventory"),
        );
        return None;
    }
    Some(for_each)
}

fn state(reader: &mut TableReader<'_>) -> Option<TextTemplate> {
    let hint = "write `state = \"parked\"` or `state = \"running\"`, or a template that gives one of them";
    if reader.key_place("state").is_none() {
        let problem = Diagnostic::error("[[park]] has no `state`").at(reader.place().clone());
        reader.problem(problem.hint(hint));
    }
    let state: TextTemplate = reader.optional("state")?;
    let fixed = state.value.literal();
    if let Some(text) = fixed.filter(|text| parked(text).is_none()) {
        reader.problem(
            Diagnostic::error(format!("`state`: {text:?} is neither \"parked\" nor \"running\""))
                .at(state.place.clone())
                .hint(hint),
        );
        return None;
    }
    Some(state)
}

fn initialization_rate(reader: &mut TableReader<'_>) -> Option<i32> {
    let rate = reader.optional::<u32>("initialization_rate")?;
    if !RATES.contains(&rate.value) {
        reader.problem(
            Diagnostic::error(format!("`initialization_rate`: {} is not within 100 to 300", rate.value))
                .at(rate.place)
                .hint("it is in MiB/s, and costs extra; leave it out for AWS's own pace"),
        );
        return None;
    }
    i32::try_from(rate.value).ok()
}
