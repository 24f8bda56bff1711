//! Steps in words, for plans and for the progress of an apply.

use super::decide::Step;
use super::forecast::Forecast;
use super::record::Attributes;
use super::sets::{Place, is_after, place};
use super::world::{Copied, World};

/// The steps of a round; those that do the same are one.
pub(super) fn steps_words(steps: &[Step], world: &World) -> Vec<String> {
    let mut words: Vec<(&str, Vec<String>)> = Vec::new();
    for step in steps {
        let (what, to) = phrase(step, world);
        match words.iter_mut().find(|(known, _)| *known == what) {
            Some((_, all)) => all.push(to),
            None => words.push((what, vec![to])),
        }
    }
    words.into_iter().map(|(what, to)| format!("{what} {}", to.join(", ")).trim_end().to_owned()).collect()
}

/// What a step does, and to what.
fn phrase(step: &Step, world: &World) -> (&'static str, String) {
    match step {
        Step::Stop => ("stop the instance", String::new()),
        Step::Start => ("start the instance", String::new()),
        Step::LookAtKey { key } => ("check that its KMS key can be used:", key.clone()),
        Step::CreateSet { .. } => ("take snapshots of its volumes, all at one instant:", volumes(world)),
        Step::Record { snapshot, .. } => ("write what its volume is on", snapshot.clone()),
        Step::DeleteSnapshot { snapshot } => (why_deleted(snapshot, world), snapshot.clone()),
        Step::Detach { volume } if world.root().is_some_and(|(root, _)| root.id == *volume) => {
            ("detach the root volume", volume.clone())
        }
        Step::Detach { volume } => ("detach", volume.clone()),
        Step::DeleteVolume { volume } => ("delete", volume.clone()),
        Step::CreateVolume { snapshot, record, .. } => {
            ("make volumes:", format!("{} ({}) of {snapshot}", record.device, size(&record.volume)))
        }
        Step::Attach { volume, device, .. } => ("attach", format!("{volume} as {device}")),
        Step::SetFlag { device, delete_on_termination } => {
            ("set DeleteOnTermination again:", format!("{device} {delete_on_termination}"))
        }
        Step::Tag { volume, .. } => ("write lost tags again on", volume.clone()),
        Step::Unmark { volumes } => ("take the mark of the restore off", volumes.join(", ")),
        Step::Release { snapshots } => ("keep", snapshots.join(", ")),
    }
}

/// Why a parking snapshot is of no use any more.
fn why_deleted(id: &str, world: &World) -> &'static str {
    let Some(snapshot) = world.snapshots.iter().find(|one| one.id == id) else { return "delete" };
    let mut of_set = world.snapshots.iter().filter(|one| one.set == snapshot.set);
    if of_set.any(|one| matches!(one.copied, Copied::Failed(_))) {
        return "delete parking snapshots, because one of the set failed:";
    }
    match place(world, snapshot) {
        Place::Restored(_) => "delete parking snapshots, whose volumes are in their places again:",
        _ if !is_after(snapshot, world.instance.started) => {
            "delete parking snapshots, because the instance was started since:"
        }
        _ => "delete spare parking snapshots:",
    }
}

fn volumes(world: &World) -> String {
    let attached = world.attached().into_iter();
    let words = attached
        .map(|(volume, place)| format!("{} ({}, {})", place.device, volume.id, size(&volume.attributes)));
    words.collect::<Vec<_>>().join(", ")
}

fn size(volume: &Attributes) -> String {
    format!("{} GiB {}", volume.size, volume.volume_type)
}

/// What is waited for before the steps to come: snapshots that AWS is at work on.
pub(super) fn waiting_words(world: &World, forecast: &Forecast) -> Option<String> {
    let goes_on = !forecast.steps.iter().any(|(step, _)| matches!(step, Step::CreateSet { .. }));
    let pending = world.snapshots.iter().filter_map(|one| match &one.copied {
        Copied::Pending(progress) => Some((one, progress)),
        _ => None,
    });
    let pending: Vec<_> = pending.collect();
    let begun = pending.iter().map(|(one, _)| one.taken).min()?.strftime("%Y-%m-%d %H:%M UTC");
    let deleted = |id: &str| {
        let is_it = |step: &Step| matches!(step, Step::DeleteSnapshot { snapshot } if snapshot == id);
        forecast.steps.iter().any(|(step, _)| is_it(step))
    };
    let waited = pending.iter().filter(|(one, _)| !deleted(&one.id));
    let words: Vec<String> =
        waited.map(|(one, progress)| format!("{} of {} ({progress})", one.id, one.volume)).collect();
    (goes_on && !words.is_empty()).then(|| {
        format!("wait until every snapshot, begun {begun}, is complete, and check each: {}", words.join(", "))
    })
}

/// The steps to come. Small ones, which only lead from one to the next, are left out.
pub(super) fn forecast_words(forecast: &Forecast) -> Vec<String> {
    let mut words = Vec::new();
    let mut rest = &forecast.steps[..];
    while let Some((_, world)) = rest.first() {
        let round = rest.iter().take_while(|(_, of)| of == world).count();
        let (now, later) = rest.split_at(round);
        rest = later;
        let shown = now.iter().map(|(step, _)| step).filter(|step| !is_small(step));
        words.extend(steps_words(&shown.cloned().collect::<Vec<_>>(), world));
        if now.iter().any(|(step, _)| matches!(step, Step::CreateSet { .. })) {
            words.push("wait until every snapshot is complete, and check each".to_owned());
        }
        if now.iter().any(|(step, _)| matches!(step, Step::Start)) {
            words.push("wait until the instance runs".to_owned());
        }
    }
    words
}

fn is_small(step: &Step) -> bool {
    matches!(
        step,
        Step::Record { .. }
            | Step::LookAtKey { .. }
            | Step::Unmark { .. }
            | Step::Tag { .. }
            | Step::SetFlag { .. }
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resources::instance_storage::decide::Goal;
    use crate::resources::instance_storage::forecast::forecast;
    use crate::resources::instance_storage::simulated::Simulated;

    #[test]
    fn a_plan_shows_every_step_in_its_order() {
        let world = Simulated::new(2).world;
        let goal = Goal { parked: true, keep_snapshots: false };
        let words = forecast_words(&forecast(&world, &goal));
        assert_eq!(
            words,
            [
                "stop the instance",
                "take snapshots of its volumes, all at one instant: /dev/sda1 (vol-0, 8 GiB gp3), \
                 /dev/sdf (vol-1, 100 GiB gp3)",
                "wait until every snapshot is complete, and check each",
                "detach the root volume vol-0",
                "delete vol-0",
                "detach vol-1",
                "delete vol-1",
            ]
        );
        assert_eq!(waiting_words(&world, &forecast(&world, &goal)), None);
    }

    #[test]
    fn a_plan_in_the_middle_says_what_is_waited_for() {
        let goal = Goal { parked: true, keep_snapshots: false };
        let mut simulated = Simulated::new(2);
        let begun = forecast(&simulated.world, &goal);
        // As it is when the snapshots were begun and recorded.
        let next = begun.steps.iter().position(|(step, _)| matches!(step, Step::Detach { .. })).unwrap();
        simulated.world = begun.steps[next].1.clone();
        simulated.world.snapshots[1].copied = Copied::Pending("37%".to_owned());
        let (world, forecast) = (&simulated.world, forecast(&simulated.world, &goal));
        let words = waiting_words(world, &forecast).unwrap();
        let end = "UTC, is complete, and check each: the snapshot of vol-1 of vol-1 (37%)";
        assert!(words.starts_with("wait until every snapshot, begun 20") && words.ends_with(end), "{words}");
        assert_eq!(forecast_words(&forecast)[0], "detach the root volume vol-0");
        simulated.world.snapshots[1].copied = Copied::Failed("broken".to_owned());
        let words =
            forecast_words(&crate::resources::instance_storage::forecast::forecast(&simulated.world, &goal));
        assert!(
            words[0].starts_with("delete parking snapshots, because one of the set failed: the snapshot of"),
            "{words:?}"
        );
    }
}
