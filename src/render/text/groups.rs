//! The changes themselves, dangers first.

use unicode_width::UnicodeWidthStr;

use crate::plan::{Change, Reason, Verb};
use crate::render::escape::{clean, quoted};
use crate::render::fold::{Group, scope_words, subject};
use crate::render::line::{Line, Page};
use crate::render::palette::Tone;
use crate::render::reason::{attached, reason_words, remedy_words, renamed_words, target_name};
use crate::render::words::{Nouns, thousands, verb_sign, verb_word};
use crate::render::{Detail, Heading, PlanView};

use super::{Layout, fields};

/// More conflicts, or replaces, than this in one group are summed up; every other list of dangers is complete.
const MOST_LISTED: usize = 20;

/// More names than this are summed up.
const MOST_NAMES: usize = 8;

/// The first lines of all groups, in two parts; sets the column that they share.
pub(super) fn heads(groups: &[Group<'_>], layout: &mut Layout, view: &PlanView<'_>) -> Vec<(Line, Line)> {
    let nouns = Nouns(view.kinds);
    let heads: Vec<(Line, Line)> = groups.iter().map(|group| head(group, layout, nouns)).collect();
    if !heads.is_empty() {
        layout.right = right_column(&heads, view.palette.layout_width());
    }
    heads
}

/// Shows all groups below their heads.
pub(super) fn show(
    page: &mut Page,
    groups: &[Group<'_>],
    heads: Vec<(Line, Line)>,
    layout: &Layout,
    nouns: Nouns<'_>,
) {
    for (group, (left, right)) in groups.iter().zip(heads) {
        page.columns(left, right, layout.right);
        body(page, group, layout, nouns);
        page.blank();
    }
}

/// The column at which every origin and cause begins: right of all heads, but for those that are far too long.
fn right_column(heads: &[(Line, Line)], width: usize) -> usize {
    let most = width * 6 / 10;
    let widest = heads.iter().map(|(left, _)| left.width()).filter(|left| *left <= most).max();
    widest.unwrap_or(0).clamp(most.min(40), most) + 3
}

fn head(group: &Group<'_>, layout: &Layout, nouns: Nouns<'_>) -> (Line, Line) {
    let first = group.first();
    let verb = first.verb;
    let sign = format!("{:>width$} ", verb_sign(verb), width = layout.sign);
    let left = Line::new()
        .with(Tone::of(verb), sign + verb_word(verb, layout.heading))
        .padded(layout.body())
        .hanging(layout.body());
    let kind = &first.address.kind;
    let left = match (group.len(), &first.replaces) {
        (1, Some(old)) => {
            left.plain(format!("{} ", nouns.noun(kind))).with(Tone::Strong, quoted(&old.address.key))
        }
        (1, None) => {
            left.plain(format!("{} ", nouns.noun(kind))).with(Tone::Strong, quoted(&first.address.key))
        }
        (many, _) => left.with(Tone::Strong, thousands(many)).plain(format!(" {}", nouns.plural(kind))),
    };
    let left = if first.reason == Some(Reason::AdoptionRefused) {
        left.with(Tone::Conflict, "   refused")
    } else {
        left
    };
    let drift = layout.heading == Heading::Drift;
    let mut right = if verb == Verb::Delete && !drift {
        Line::new()
    } else {
        Line::new().with(Tone::Dim, group.origin_words())
    };
    if verb == Verb::Delete || ((layout.many_scopes || drift) && group.one_scope()) {
        let separator = if right.width() == 0 { "" } else { " · " };
        let scopes = group.scopes_words(layout.many_accounts);
        right = right.with(Tone::Dim, format!("{separator}{scopes}"));
    }
    (left, right)
}

fn body(page: &mut Page, group: &Group<'_>, layout: &Layout, nouns: Nouns<'_>) {
    let first = group.first();
    if first.verb == Verb::Replace {
        replaced(page, group, layout, nouns);
    } else if let Some(reason) = reason_words(first, group.len(), nouns, layout.heading) {
        let tone = if first.is_blocking() { Tone::Conflict } else { Tone::Plain };
        page.line(&Line::indented(layout.body()).with(tone, reason));
    }
    // What to do about drift stands at the end only: above it is told what happened.
    if first.is_blocking()
        && layout.heading != Heading::Drift
        && let Some(remedy) = remedy_words(first, group.len(), nouns)
    {
        page.line(&Line::indented(layout.body()).plain(remedy));
    }
    attachment(page, group, layout);
    if let Some((summary, distinct)) = &group.summary
        && layout.detail != Detail::Full
    {
        summary_line(page, summary, *distinct, first, layout);
    }
    fields::show(page, group, layout);
    outlook(page, first, layout);
    if first.verb == Verb::Adopt && group.fields.is_empty() {
        page.line(&Line::indented(layout.body()).with(Tone::Dim, "as declared already"));
    }
    if layout.detail == Detail::Full && first.protect {
        page.line(&Line::indented(layout.body()).with(Tone::Dim, "protected from deletion"));
    }
    match first.verb {
        Verb::Delete => listed(page, group, layout, usize::MAX),
        Verb::Conflict => listed(page, group, layout, MOST_LISTED),
        Verb::Replace => {}
        _ => names(page, group, layout),
    }
}

/// What is done one after the other, and what else is to be known.
fn outlook(page: &mut Page, change: &Change, layout: &Layout) {
    let body = layout.body();
    for (index, step) in change.steps.iter().enumerate() {
        let number = format!("{}. ", index + 1);
        let hanging = body + number.len();
        page.line(&Line::indented(body).with(Tone::Dim, number).plain(clean(step)).hanging(hanging));
    }
    for note in &change.notes {
        let line = Line::indented(body).with(Tone::Notice, "note: ").plain(clean(note));
        page.line(&line.hanging(body + "note: ".len()));
    }
}

/// What a single resource is attached to, where its name does not say.
fn attachment(page: &mut Page, group: &Group<'_>, layout: &Layout) {
    let [change] = group.changes[..] else { return };
    if let Some(target) = attached(change, layout.heading, layout.detail) {
        let line = Line::indented(layout.body()).with(Tone::Dim, "for ");
        page.line(&line.plain(target_name(target)));
    }
}

fn summary_line(page: &mut Page, summary: &str, distinct: usize, first: &Change, layout: &Layout) {
    let line = Line::indented(layout.body());
    if distinct == 1 {
        return page.line(&line.plain(summary));
    }
    let name = first.target.as_ref().map_or(&first.address.key, |target| &target.name);
    let note = format!(" ({}); {} different ones", crate::render::clean(name), thousands(distinct));
    page.line(&line.with(Tone::Dim, "e.g. ").plain(summary).with(Tone::Dim, note));
}

/// Old and new names, and what makes a replace safe.
fn replaced(page: &mut Page, group: &Group<'_>, layout: &Layout, nouns: Nouns<'_>) {
    let body = layout.body();
    if let [change] = group.changes[..] {
        let new = Line::indented(body - 2)
            .with(Tone::Dim, "→ ")
            .plain(format!("{} ", nouns.noun(&change.address.kind)))
            .with(Tone::Strong, quoted(&change.address.key));
        page.line(&new.hanging(body));
    }
    page.line(&Line::indented(body).plain(renamed_words(group.len())));
    if group.len() == 1 {
        return;
    }
    let pairs: Vec<(String, String)> = group
        .changes
        .iter()
        .take(MOST_LISTED)
        .map(|change| {
            let old = change.replaces.as_ref().map_or("(unknown)".to_owned(), |old| quoted(&old.address.key));
            (old, quoted(&change.address.key))
        })
        .collect();
    let column = column_after(pairs.iter().map(|(old, _)| old.as_str()));
    for (old, new) in pairs {
        let line = Line::indented(body).plain(old).padded(body + column);
        page.line(&line.with(Tone::Dim, " → ").plain(new).hanging(body + 2));
    }
    more(page, group.len(), MOST_LISTED, layout);
}

/// One line for each resource of a group, with its target and region: nothing dangerous hides behind a number.
fn listed(page: &mut Page, group: &Group<'_>, layout: &Layout, most: usize) {
    if group.len() == 1 {
        return;
    }
    let shown = &group.changes[..group.len().min(most)];
    let keys: Vec<String> = shown.iter().map(|change| quoted(&change.address.key)).collect();
    let column = layout.body() + column_after(keys.iter().map(String::as_str));
    let targets: Vec<String> = shown.iter().map(|change| target_words(change)).collect();
    let target_column = column + 3 + column_after(targets.iter().map(String::as_str));
    for ((change, key), target) in shown.iter().zip(keys).zip(targets) {
        let mut line = Line::indented(layout.body()).plain(key);
        if !target.is_empty() {
            line = line.padded(column).with(Tone::Dim, format!("   {target}"));
        }
        if !group.one_scope() {
            let scope = scope_words(&change.address.scope, layout.many_accounts);
            line = line.padded(target_column).with(Tone::Dim, format!("   {scope}"));
        }
        page.line(&line.hanging(layout.body() + 2));
    }
    more(page, group.len(), most, layout);
}

/// What a listed resource was attached to, where the reason is about that.
fn target_words(change: &Change) -> String {
    match (&change.reason, &change.target) {
        (Some(Reason::Target { .. }), Some(target)) if change.address.key.contains(&target.name) => {
            crate::render::clean(&target.id).into_owned()
        }
        (Some(Reason::Target { .. } | Reason::Surplus { .. }), Some(target)) => target_name(target),
        _ => String::new(),
    }
}

fn more(page: &mut Page, all: usize, most: usize, layout: &Layout) {
    if all > most {
        let words = format!("… {} more with --detail full", thousands(all - most));
        page.line(&Line::indented(layout.body()).with(Tone::Dim, words));
    }
}

/// The width of the widest text, but for those that are far too long.
fn column_after<'t>(texts: impl Iterator<Item = &'t str>) -> usize {
    texts.map(UnicodeWidthStr::width).filter(|width| *width <= 64).max().unwrap_or(0)
}

/// The targets: as many as fit on a line, and the number of the rest.
fn names(page: &mut Page, group: &Group<'_>, layout: &Layout) {
    if group.len() == 1 {
        return;
    }
    let names = group.names();
    let scopes = if layout.many_scopes && !group.one_scope() {
        format!(" ({})", group.scopes_words(layout.many_accounts))
    } else {
        String::new()
    };
    let room = page.palette().layout_width().min(110).saturating_sub(layout.body() + scopes.width() + 14);
    let mut line = Line::indented(layout.body());
    let mut shown = 0;
    for name in &names {
        let separator = if shown == 0 { "" } else { ", " };
        let full = shown >= MOST_NAMES && names.len() > MOST_NAMES + 1;
        if shown > 0 && (full || line.width() - layout.body() + 2 + name.width() > room) {
            break;
        }
        line.push(Tone::Plain, format!("{separator}{name}"));
        shown += 1;
    }
    if shown < names.len() {
        line.push(Tone::Dim, format!(" … {} more", thousands(names.len() - shown)));
    }
    page.line(&line.with(Tone::Dim, scopes).hanging(layout.body()));
}

/// What is destroyed or replaced, as the total names it.
pub(super) fn danger(change: &Change, nouns: Nouns<'_>) -> Line {
    match &change.replaces {
        Some(old) => Line::new()
            .plain(format!("{} {}", nouns.noun(&old.address.kind), quoted(&old.address.key)))
            .with(Tone::Dim, " by ")
            .plain(quoted(&change.address.key)),
        None => Line::new().plain(subject(change, nouns)),
    }
}
