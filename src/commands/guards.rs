//! What stops a command before it does what nobody meant.

use std::collections::BTreeSet;

use anyhow::Result;

use super::failure::Failure;
use super::session::Session;
use crate::declarations::Declaration;
use crate::inventory::TargetKind;
use crate::manifest::{Settings, suggestion};
use crate::model::{Address, Desired, DestroyLimit, Diagnostic, Owned, Scope, TargetRef};
use crate::plan::{Change, Plan, Reason, Selection};
use crate::render::{clean, count_of};
use crate::resources;
use crate::state::State;

/// Targets by scope, kind and id.
pub(super) type Targets = BTreeSet<(Scope, String, String)>;

/// An error for each kind of target of which the declaration owns resources and now selects nothing at all: a typo in a
/// tag must not delete them.
pub(super) fn emptied(
    declaration: &dyn Declaration,
    wants: &[Desired],
    selected: &Targets,
    session: &Session,
    state: &State,
    selection: &Selection,
) -> Vec<Diagnostic> {
    let kinds: BTreeSet<TargetKind> = declaration.selectors().iter().map(|selector| selector.kind).collect();
    let of_kind = |target: Option<&TargetRef>, kind: TargetKind| {
        target.is_some_and(|target| target.kind == kind.name())
    };
    let mut problems = Vec::new();
    for kind in kinds {
        let selects = selected.iter().any(|(_, of, _)| of == kind.name());
        let mut kept = wants.iter().filter(|desired| !desired.claim.is_of_products());
        if selects || kept.any(|desired| of_kind(desired.target.as_ref(), kind)) {
            continue;
        }
        let owned = state.resources.values().filter(|owned| {
            owned.label == declaration.label()
                && of_kind(owned.target.as_ref(), kind)
                && session.declared_scopes.contains(&owned.address.scope)
                && !owned.protect
                && selection.keeps(&owned.address, &owned.label, owned.target.as_ref())
        });
        let owned = owned.count();
        if owned > 0 {
            problems.push(empty_selection(declaration, kind, owned));
        }
    }
    problems.extend(emptied_as_a_whole(declaration, wants, session, state, selection));
    problems
}

/// The same for resources that stand for many targets, such as a schedule of a hundred instances, or for what the targets
/// are part of.
fn emptied_as_a_whole(
    declaration: &dyn Declaration,
    wants: &[Desired],
    session: &Session,
    state: &State,
    selection: &Selection,
) -> Option<Diagnostic> {
    let first = declaration.selectors().first()?;
    let besides: Vec<&str> =
        declaration.reads_besides().iter().map(|selector| selector.kind.name()).collect();
    let owned = state.resources.values().filter(|owned| {
        owned.label == declaration.label()
            && owned.target.as_ref().is_none_or(|target| besides.contains(&&*target.kind))
            && session.declared_scopes.contains(&owned.address.scope)
            && !owned.protect
            && selection.keeps(&owned.address, &owned.label, owned.target.as_ref())
    });
    let owned = owned.count();
    let wants_nothing = wants.iter().all(|desired| desired.claim.is_of_products());
    (wants_nothing && owned > 0).then(|| empty_selection(declaration, first.kind, owned))
}

/// An error where much of what the declaration made would be deleted because an inventory lost its rows: half a sheet is
/// more often a mistake, an export that was cut off or a filter, than the end of half of the servers.
pub(super) fn shrunken(
    declaration: &dyn Declaration,
    wants: &[Desired],
    session: &Session,
    state: &State,
    selection: &Selection,
) -> Option<Diagnostic> {
    let inventory = declaration.inventory()?;
    let wanted: BTreeSet<&Address> = wants.iter().map(|desired| &desired.address).collect();
    let lost_its_row = |owned: &Owned| {
        !wanted.contains(&owned.address)
            && owned.target.as_ref().is_none_or(|target| !inventory.has(&target.id))
    };
    let owned = state.resources.values().filter(|owned| {
        owned.label == declaration.label()
            && session.declared_scopes.contains(&owned.address.scope)
            && !owned.protect
            && selection.keeps(&owned.address, &owned.label, owned.target.as_ref())
    });
    let (gone, kept): (Vec<&Owned>, Vec<&Owned>) = owned.partition(|owned| lost_its_row(owned));
    let total = gone.len() + kept.len();
    if inventory.max_shrink().allows(gone.len(), total) {
        return None;
    }
    let rows: BTreeSet<&str> =
        gone.iter().filter_map(|owned| Some(owned.target.as_ref()?.name.as_str())).collect();
    Some(
        Diagnostic::error(format!(
            "`{}` no longer has the rows of {} of the {} that {} made, which would delete them: {}",
            inventory.words(),
            gone.len(),
            count_of(total, "resource", "resources"),
            declaration.label(),
            first_few(&rows),
        ))
        .at(declaration.place().clone())
        .hint(format!(
            "correct the file; if it is meant, set `max_shrink = {}` in the `[[inventory]]` `{}`",
            gone.len(),
            inventory.label()
        )),
    )
}

/// The first names, and how many more there are.
fn first_few(names: &BTreeSet<&str>) -> String {
    const LISTED: usize = 3;
    let few = names.iter().take(LISTED).map(|name| clean(name)).collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(LISTED) {
        0 => few,
        more => format!("{few}, … {more} more"),
    }
}

/// A pattern that matches nothing is a typo, and `--exclude` with a typo would apply what was to be spared.
pub(super) fn check_patterns(selection: &Selection, desired: &[Desired], state: &State) -> Result<()> {
    for (flag, pattern) in selection.patterns() {
        let wanted = desired.iter().any(|d| pattern.matches(&d.address, &d.origin.label, d.target.as_ref()));
        let owned =
            state.resources.values().any(|o| pattern.matches(&o.address, &o.label, o.target.as_ref()));
        if !wanted && !owned {
            let labels = desired.iter().map(|d| &*d.origin.label);
            let labels: BTreeSet<&str> =
                labels.chain(state.resources.values().map(|owned| &*owned.label)).collect();
            let hint = match suggestion(pattern.text(), labels) {
                Some(label) => format!("did you mean `{label}`?"),
                None => "give a label (`alarm.cpu`), a target's id or name, or a resource's name; globs are allowed"
                    .to_owned(),
            };
            let words = format!("{flag} {} matches nothing that is declared or owned", pattern.text());
            return Err(Failure::new(words, hint).into());
        }
    }
    Ok(())
}

/// A resource of a kind that this opsform does not know must not be taken for one that is gone.
pub(super) fn check_kinds(state: &State) -> Result<()> {
    match state.addresses().find(|address| resources::kind(&address.kind).is_none()) {
        None => Ok(()),
        Some(address) => Err(Failure::new(
            format!("the state holds resources of kind `{}`, which this opsform does not know", address.kind),
            "update opsform",
        )
        .into()),
    }
}

/// An empty selection deletes everything that the declaration made; a typo in a tag must not do that.
fn empty_selection(declaration: &dyn Declaration, kind: TargetKind, owned: usize) -> Diagnostic {
    let (label, plural) = (declaration.label(), kind.plural());
    let resources = count_of(owned, "resource", "resources");
    Diagnostic::error(format!(
        "{label} selects no {plural}, which would delete the {resources} that it made for them"
    ))
    .at(declaration.place().clone())
    .hint(if kind == TargetKind::Ebs {
        "correct `for_each`; if it is meant, or the volumes are parked (`opsform park list`), set `allow_empty = true`; or \
         remove the declaration"
    } else {
        "correct `for_each`; if it is meant, set `allow_empty = true` or remove the declaration"
    })
}

/// Tags alone are enough to recover what is wanted, and too little to delete what is not: the manifest may be another
/// folder's, with another state.
pub(super) fn refuse_to_delete_without_state(plan: &Plan, found_by_tags: usize, place: &str) -> Result<()> {
    if found_by_tags == 0 || plan.destroy_count() == 0 {
        return Ok(());
    }
    Err(Failure::new(
        format!(
            "there is no state at {place}, so nothing is deleted, though {} on AWS bear this project's tag",
            count_of(found_by_tags, "resource", "resources")
        ),
        "if the state is elsewhere, say so with --state; if it is lost, `opsform state rebuild` writes a new one first",
    )
    .into())
}

/// How commands that take `--exclude` go on without what blocks them.
pub(super) const EXCLUDE: &str = "`--exclude` leaves single ones out";

/// A conflict or a refused adoption stops everything before anything is sent. `way_round` says how to go on without it.
pub(super) fn refuse_if_blocked(plan: &Plan, way_round: &str) -> Result<()> {
    let blocking: Vec<&Change> = plan.blocking().collect();
    if blocking.is_empty() {
        return Ok(());
    }
    let adoptions = blocking.iter().filter(|c| c.reason == Some(Reason::AdoptionRefused)).count();
    let conflicts = blocking.len() - adoptions;
    let mut parts = Vec::new();
    let mut hint = format!("each one's reason is in the plan; {way_round}");
    if conflicts > 0 {
        parts.push(count_of(conflicts, "conflict", "conflicts"));
    }
    if adoptions > 0 {
        let resources = count_of(adoptions, "resource", "resources");
        parts.push(format!(
            "{resources} that exist{} already and may not be adopted",
            if adoptions == 1 { "s" } else { "" }
        ));
        hint.push_str("; `--adopt` or `adopt = true` takes over what exists already");
    }
    Err(Failure::new(format!("the plan has {}; nothing is applied while it has", parts.join(" and ")), hint)
        .into())
}

/// A plan that deletes more than was allowed is shown, and then refused.
///
/// A number is compared with all deletes. A part is one of what the state records, and, of what is a declaration's by its tags
/// alone, of what there is of it: hundreds of alarms are no reason to delete all snapshots. What time alone makes surplus is no
/// part of that.
pub(super) fn refuse_if_too_destructive(
    plan: &Plan,
    flag: Option<DestroyLimit>,
    settings: &Settings,
) -> Result<()> {
    let (limit, from) = match (flag, settings.max_destroy) {
        (Some(limit), _) => (limit, "--max-destroy"),
        (None, Some(limit)) => (limit, "`max_destroy` in the manifest"),
        (None, None) => return Ok(()),
    };
    let Some(too_many) = beyond(plan, limit) else { return Ok(()) };
    let most = match limit {
        DestroyLimit::Count(most) => most.to_string(),
        DestroyLimit::Percent(_) => format!("{limit} of them"),
    };
    let deletes = plan.delete_count();
    Err(Failure::new(
        format!("the plan destroys {too_many}, and {from} allows {most}; nothing is applied"),
        format!("look at every delete above; if they are meant, say so with `--max-destroy {deletes}`"),
    )
    .into())
}

/// What a plan destroys beyond a limit, in words.
fn beyond(plan: &Plan, limit: DestroyLimit) -> Option<String> {
    let covered = &plan.covered;
    let whose = if covered.selected { "that the selection covers" } else { "that the project owns" };
    let of_all = |deletes: usize, all: usize| {
        (!limit.allows(deletes, all))
            .then(|| format!("{deletes} of {} {whose}", count_of(all, "resource", "resources")))
    };
    let deletes = plan.delete_count();
    if let DestroyLimit::Count(_) = limit {
        return of_all(deletes, covered.total());
    }
    let of_tagged = |(label, deletes): (&str, usize)| {
        let all = covered.tagged.get(label).copied().unwrap_or(0);
        (!limit.allows(deletes, all)).then(|| {
            let all = count_of(all, "resource", "resources");
            format!("{deletes} of {all} that {label} had made, besides what it replaces as usual")
        })
    };
    let recorded = of_all(deletes - plan.unrecorded_delete_count(), covered.recorded);
    recorded.or_else(|| plan.unusual_delete_counts().into_iter().find_map(of_tagged))
}
