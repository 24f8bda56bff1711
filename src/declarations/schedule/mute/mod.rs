//! The key `mute_alarms`: what is stopped on purpose pages nobody.

mod hours;
mod in_force;
mod rules;

use jiff::civil::Date;
use jiff::{SignedDuration, ToSpan};

use super::Schedule;
use crate::cron::Expression;
use crate::declarations::patterns::pattern;
use crate::inventory::NameGlob;
use crate::manifest::{Data, Placed, Seconds, TableReader};
use crate::model::{Diagnostic, Place};

/// How long alarms stay muted after a start: until metrics are back and have been looked at for a period or two.
const GRACE: Seconds = Seconds(600);

/// With more of it, what runs would not be watched.
const MOST_GRACE: Seconds = Seconds(86_400);

/// Which alarms are muted while a block's targets are stopped.
#[derive(Clone, Debug)]
pub(super) struct Mute {
    /// Names of alarms that are not this manifest's.
    others: Vec<NameGlob>,
    grace: SignedDuration,
    place: Place,
}

impl Mute {
    /// Reads `mute_alarms` and `mute_grace`; nothing where nothing is muted, or where something is wrong, which is recorded.
    pub(super) fn read(reader: &mut TableReader<'_>) -> Option<Self> {
        let place = reader.place_of("mute_alarms").cloned();
        let grace = grace(reader);
        let others = match reader.value_of("mute_alarms").map(|value| &value.data) {
            Some(Data::Table(_)) => Some(others(reader)?),
            _ => reader.flag("mute_alarms").then(Vec::new),
        };
        let (Some(others), Some(place)) = (others, place) else {
            if let (Some(_), Some(place)) = (grace, reader.place_of("mute_grace")) {
                let problem = Diagnostic::error("`mute_grace` goes with `mute_alarms`").at(place.clone());
                reader.problem(problem.hint("add `mute_alarms = true`"));
            }
            return None;
        };
        if let Some(why) = fault(reader) {
            reader.problem(Diagnostic::error(format!("`mute_alarms` {why}")).at(place));
            return None;
        }
        Some(Self { others, grace: SignedDuration::from_secs(i64::from(grace?.0)), place })
    }

    /// Whether it looks at alarms that are not this manifest's.
    pub(super) fn asks_for_others(&self) -> bool {
        !self.others.is_empty()
    }
}

/// Names of alarms, with `*` and `?`.
fn others(reader: &mut TableReader<'_>) -> Option<Vec<NameGlob>> {
    let mut table = reader.table("mute_alarms")?;
    let names = table.required::<Vec<Placed<String>>>("names");
    let mut globs = Vec::new();
    for name in names.iter().flat_map(|names| &names.value) {
        match pattern(name) {
            Ok(glob) => globs.push(glob),
            Err(fault) => table.problem(*fault),
        }
    }
    table.finish();
    names.map(|_| globs)
}

/// The default where it is left out.
fn grace(reader: &mut TableReader<'_>) -> Option<Seconds> {
    if reader.place_of("mute_grace").is_none() {
        reader.optional::<Seconds>("mute_grace");
        return Some(GRACE);
    }
    let grace = reader.optional::<Seconds>("mute_grace")?;
    if grace.value.0 % 60 == 0 && grace.value <= MOST_GRACE {
        return Some(grace.value);
    }
    reader.problem(
        Diagnostic::error("`mute_grace` is a number of whole minutes, up to a day")
            .at(grace.place)
            .hint("write `mute_grace = \"10m\"`"),
    );
    None
}

/// Why nothing can be muted, as the rest of a sentence about `mute_alarms`. A wrong expression is told by itself.
fn fault(reader: &TableReader<'_>) -> Option<String> {
    for (key, without) in [("start", "begin to page again"), ("stop", "be muted")] {
        if reader.place_of(key).is_none() {
            return Some(format!(
                "needs `start` and `stop`: without `{key}` nobody knows when alarms are to {without}"
            ));
        }
    }
    let expression = |key| Expression::parse(reader.value_of(key)?.as_str()?).ok();
    hours::fault(&expression("start")?, &expression("stop")?)
}

impl Schedule {
    /// The times in which what it stops is stopped, as mute rules say them.
    fn mutes(&self, mute: &Mute, today: Date, now: jiff::Timestamp) -> Vec<hours::Mute> {
        let (Some(start), Some(stop)) = (&self.block.start, &self.block.stop) else { return Vec::new() };
        let (Ok(start), Ok(stop)) = (Expression::parse(&start.value), Expression::parse(&stop.value)) else {
            return Vec::new();
        };
        let until = today.saturating_add(12.months());
        let days = self
            .block
            .except
            .as_ref()
            .map(|except| except.between(today.saturating_sub(hours::BACK.days()), until));
        hours::mutes(hours::Hours {
            start: &start,
            stop: &stop,
            zone: &self.block.timezone,
            days_off: &days.unwrap_or_default(),
            until,
            grace: mute.grace,
            now,
        })
    }
}
