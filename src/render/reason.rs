//! Why a change is planned, in words for somebody who has never seen the tool.

use crate::model::TargetRef;
use crate::plan::{Absence, Change, Reason, Verb};

use super::drift::happened_words;
use super::escape::{clean, quoted};
use super::words::Nouns;
use super::{Detail, Heading};

/// Words that depend on how many resources share a reason.
struct Number {
    it: &'static str,
    its: &'static str,
    was: &'static str,
    has: &'static str,
    s: &'static str,
}

const ONE: Number = Number { it: "it", its: "its", was: "was", has: "has", s: "s" };
const MANY: Number = Number { it: "they", its: "their", was: "were", has: "have", s: "" };

fn number(count: usize) -> Number {
    if count == 1 { ONE } else { MANY }
}

/// Why the change is planned, or of drift what happened, where its fields do not say; `count` resources share the
/// reason.
pub(super) fn reason_words(
    change: &Change,
    count: usize,
    nouns: Nouns<'_>,
    heading: Heading,
) -> Option<String> {
    if heading == Heading::Drift {
        return happened_words(change, count);
    }
    // Every field says so.
    if heading.is_by_hand() {
        return None;
    }
    if change.verb == Verb::Forget {
        return Some(forget_words(change, count));
    }
    let words = match change.reason.as_ref()? {
        Reason::Target { absence } => target_words(*absence, change, count),
        Reason::DeclarationRemoved => {
            format!("because {} is no longer in the manifest", clean(&change.origin.label))
        }
        Reason::Destroy => "because destroy was asked for".to_owned(),
        Reason::Over => format!("because {} time is over", number(count).its),
        Reason::Correction { why } | Reason::ByTag { why } | Reason::Refused { why } => {
            clean(why).into_owned()
        }
        Reason::Surplus { why, .. } => match change.target.as_ref().filter(|_| count == 1) {
            Some(target) => format!("{} · {}", clean(why), target_name(target)),
            None => clean(why).into_owned(),
        },
        Reason::TakenOver => "changed outside opsform, and left alone from now on".to_owned(),
        Reason::TagGone => "it no longer bears this project's tag".to_owned(),
        Reason::DeletedOutside => {
            let n = number(count);
            format!("made again, because {} {} deleted outside opsform", n.it, n.was)
        }
        Reason::Renamed => renamed_words(count).to_owned(),
        Reason::Recovered => recovered_words(change.verb, count),
        Reason::AdoptionRefused => {
            let n = number(count);
            format!("{} exist{} on AWS and belong{} to nobody", n.it, n.s, n.s)
        }
        Reason::OtherProject { project } => {
            let n = number(count);
            format!("{} belong{} to another opsform project, {}", n.it, n.s, quoted(project))
        }
        Reason::Inexpressible { what } => inexpressible_words(what, change, count, nouns),
    };
    Some(words)
}

/// Why a record is dropped.
fn forget_words(change: &Change, count: usize) -> String {
    let why = match &change.reason {
        // It is still declared, and of a kind that belongs to whoever wrote it last.
        Some(Reason::TakenOver) => "changed outside opsform, and left alone from now on".to_owned(),
        Some(Reason::Target { absence }) => target_words(*absence, change, count),
        Some(Reason::OtherProject { project }) => {
            format!("owned by project {} by now and no longer declared", quoted(project))
        }
        Some(Reason::TagGone) => {
            "without this project's tag by now (left alone, whoever made it anew) and no longer declared"
                .to_owned()
        }
        _ => "gone from AWS already and no longer declared".to_owned(),
    };
    format!("{why}: only {} record in the state is dropped", number(count).its)
}

/// What a replace does, said of every replace.
pub(super) fn renamed_words(count: usize) -> &'static str {
    if count == 1 {
        "renamed: the new one is made before the old one is deleted"
    } else {
        "renamed: each new one is made before its old one is deleted"
    }
}

/// What a person can do about a change that blocks the apply.
pub(super) fn remedy_words(change: &Change, count: usize, nouns: Nouns<'_>) -> Option<String> {
    let label = clean(&change.origin.label);
    let them = if count == 1 { "it" } else { "them" };
    let remedy = match change.reason.as_ref() {
        Some(Reason::AdoptionRefused) => format!(
            "to take {them} over, write `adopt = true` in {label} or add --adopt to the command; \
             else give {label} another name"
        ),
        Some(Reason::OtherProject { project }) => {
            format!("take {them} out of the project {}, or give {label} another name", quoted(project))
        }
        Some(Reason::Inexpressible { .. }) => {
            let noun = if count == 1 {
                nouns.noun(&change.address.kind)
            } else {
                nouns.plural(&change.address.kind)
            };
            let its = number(count).its;
            format!(
                "take that off the {noun} on AWS, or exclude {its} target{} from {label}",
                if count == 1 { "" } else { "s" }
            )
        }
        // What is asked for by hand has no place.
        Some(Reason::Refused { .. }) if change.origin.place.is_empty() => {
            format!("put that right, or leave {them} off the command line")
        }
        Some(Reason::Refused { .. }) => format!("put that right, or take {them} out of {label}"),
        _ if change.verb == Verb::Conflict => format!("resolve the conflict, or take {them} out of {label}"),
        _ => return None,
    };
    Some(remedy)
}

fn target_words(absence: Absence, change: &Change, count: usize) -> String {
    let label = clean(&change.origin.label);
    let n = number(count);
    let wanted = format!("{} {} wanted by {label}", n.it, n.was);
    let one = change.target.as_ref().filter(|_| count == 1).map(target_name);
    match (absence, one) {
        (Absence::Terminated, Some(target)) => format!("because {target} was terminated; {wanted}"),
        (Absence::Terminated, None) => format!("because {} were terminated; {wanted}", targets(count)),
        (Absence::Missing, Some(target)) => format!("because {target} no longer exists; {wanted}"),
        (Absence::Missing, None) => format!("because {} no longer exist; {wanted}", targets(count)),
        (Absence::NotSelected, Some(target)) => format!("because {label} no longer selects {target}"),
        (Absence::NotSelected, None) => format!("because {label} no longer selects {}", targets(count)),
        (Absence::RowRemoved, Some(row)) => {
            format!("because the inventory no longer has the row {row}; {wanted}")
        }
        (Absence::RowRemoved, None) => {
            format!("because the inventory no longer has their rows; {wanted}")
        }
        (Absence::Superseded, Some(target)) => {
            format!("because {label} now makes something else of {target}")
        }
        (Absence::Superseded, None) => {
            format!("because {label} now makes something else of {}", targets(count))
        }
        (Absence::RegionRemoved, _) => {
            let region = clean(&change.address.scope.region);
            format!("because {region} is no longer one of the manifest's regions; {wanted}")
        }
        (Absence::Unknown, _) => {
            format!("because {label} no longer asks for {}", if count == 1 { "it" } else { "them" })
        }
    }
}

fn targets(count: usize) -> &'static str {
    if count == 1 { "its targets" } else { "their targets" }
}

fn recovered_words(verb: Verb, count: usize) -> String {
    let n = number(count);
    let tags = format!(
        "{} tags on AWS name this project, but the state {} no record of {}",
        n.its,
        ONE.has,
        if count == 1 { "it" } else { "them" }
    );
    if verb == Verb::Delete {
        format!("because nothing declares {}: {tags}", if count == 1 { "it" } else { "them" })
    } else {
        tags
    }
}

fn inexpressible_words(what: &str, change: &Change, count: usize, nouns: Nouns<'_>) -> String {
    let n = number(count);
    let kind = &change.address.kind;
    let subject = if count == 1 {
        format!("the {} on AWS uses", nouns.noun(kind))
    } else {
        format!("the {} on AWS use", nouns.plural(kind))
    };
    format!(
        "{subject} {}, which opsform cannot express: writing {} would lose that, so opsform changes nothing there",
        clean(what),
        if count == 1 { n.it } else { "them" },
    )
}

/// What a single resource is attached to, where its name does not say.
pub(super) fn attached(change: &Change, heading: Heading, detail: Detail) -> Option<&TargetRef> {
    let told = match change.verb {
        Verb::Create | Verb::Update | Verb::Adopt | Verb::Replace | Verb::Conflict => true,
        Verb::Delete => heading == Heading::Drift,
        Verb::Forget => false,
    };
    change
        .target
        .as_ref()
        .filter(|target| told && (detail == Detail::Full || !change.address.key.contains(&target.name)))
}

/// `i-0123 (web-1)`, or the id alone where the name says no more.
pub(super) fn target_name(target: &TargetRef) -> String {
    if target.name.is_empty() || target.name == target.id {
        clean(&target.id).into_owned()
    } else {
        format!("{} ({})", clean(&target.id), clean(&target.name))
    }
}
