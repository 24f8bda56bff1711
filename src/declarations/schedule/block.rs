//! The keys of a `[[schedule]]` block.

use jiff::tz::TimeZone;

use crate::declarations::{Context, ForEach, TextTemplate, timetable, timezone};
use crate::inventory::TargetKind;
use crate::manifest::{Placed, TableReader};
use crate::model::Diagnostic;

/// The tag with the last day on which a target is not stopped.
const EXEMPT_TAG: &str = "keep-running-until";

/// A whole block.
#[allow(clippy::struct_excessive_bools)] // Each is a key of its own.
#[derive(Debug)]
pub(super) struct Block {
    pub(super) for_each: ForEach,
    /// When targets start and stop; at least one of them is there.
    pub(super) start: Option<Placed<String>>,
    pub(super) stop: Option<Placed<String>>,
    pub(super) timezone: TimeZone,
    pub(super) role: TextTemplate,
    /// Whether instances keep their memory while they are stopped.
    pub(super) hibernate: bool,
    pub(super) exempt_tag: String,
    pub(super) adopt: bool,
    pub(super) protect: bool,
    pub(super) allow_empty: bool,
}

impl Block {
    /// Reads every key but `label`.
    pub(super) fn read(reader: &mut TableReader<'_>, context: &Context<'_>) -> Option<Self> {
        let for_each = for_each(reader, context);
        let given = ["start", "stop"].iter().any(|key| reader.key_place(key).is_some());
        let start = timetable::expression(reader, "start");
        let stop = timetable::expression(reader, "stop");
        if !given {
            reader.problem(
                Diagnostic::error("a schedule needs `start`, `stop` or both")
                    .at(reader.place().clone())
                    .hint("write `stop = \"cron(0 19 ? * MON-FRI *)\"`"),
            );
        }
        let timezone = timezone::read(reader);
        let role = timetable::role(reader);
        let hibernate = hibernate(reader, for_each.as_ref());
        let exempt_tag = reader.optional::<String>("exempt_tag");
        let adopt = reader.flag("adopt");
        let protect = reader.flag("protect");
        let allow_empty = reader.flag("allow_empty");
        if let Some(for_each) = &for_each {
            warn_of_seven_days(reader, for_each);
        }
        if start.is_none() && stop.is_none() {
            return None;
        }
        Some(Self {
            for_each: for_each?,
            start,
            stop,
            timezone: timezone?,
            role: role?,
            hibernate,
            exempt_tag: exempt_tag.map_or_else(|| EXEMPT_TAG.to_owned(), |tag| tag.value),
            adopt,
            protect,
            allow_empty,
        })
    }
}

/// What starts and stops: volumes do neither.
fn for_each(reader: &mut TableReader<'_>, context: &Context<'_>) -> Option<ForEach> {
    let for_each = ForEach::read_targets(reader, context.inventories);
    if reader.place_of("for_each").is_none() {
        reader.problem(
            Diagnostic::error("a schedule needs `for_each`: what starts and stops")
                .at(reader.place().clone())
                .hint("write `for_each = { ec2 = { tags = { AutoStopStart = \"Yes\" } } }`"),
        );
    }
    let for_each = for_each?;
    if for_each.selectors.iter().any(|selector| selector.kind == TargetKind::Ebs) {
        reader.problem(
            Diagnostic::error("volumes neither start nor stop")
                .at(for_each.place)
                .hint("`for_each` of a schedule takes `ec2`, `rds` and `rds_cluster`"),
        );
        return None;
    }
    Some(for_each)
}

fn hibernate(reader: &mut TableReader<'_>, for_each: Option<&ForEach>) -> bool {
    let hibernate = reader.flag("hibernate");
    let instances = for_each.is_none_or(|for_each| selects(for_each, &[TargetKind::Ec2]));
    let without = match () {
        () if !instances => Some("selects no instances, and nothing else hibernates"),
        () if reader.key_place("stop").is_none() => Some("has no `stop`"),
        () => None,
    };
    if let (true, Some(why), Some(place)) = (hibernate, without, reader.place_of("hibernate")) {
        reader.problem(Diagnostic::error(format!("`hibernate`: the schedule {why}")).at(place.clone()));
    }
    hibernate
}

/// "Stopping an Amazon RDS DB instance temporarily" in the RDS user guide: after seven days RDS starts a database by itself,
/// so that it misses no maintenance; clusters likewise.
fn warn_of_seven_days(reader: &mut TableReader<'_>, for_each: &ForEach) {
    let stops_for_good = reader.key_place("start").is_none();
    let Some(place) = reader.place_of("stop") else { return };
    if stops_for_good && selects(for_each, &[TargetKind::Rds, TargetKind::RdsCluster]) {
        reader.problem(
            Diagnostic::warning("RDS starts what has been stopped for seven days by itself")
                .at(place.clone())
                .hint("it runs until the next `stop`, so let that come every day"),
        );
    }
}

fn selects(for_each: &ForEach, kinds: &[TargetKind]) -> bool {
    for_each.selectors.iter().any(|selector| kinds.contains(&selector.kind))
}
