//! What an apply did.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::plan::Verb;

use super::escape::clean;
use super::line::{Line, Page};
use super::palette::{Palette, Tone};
use super::words::{count_of, duration_words, thousands};

/// Names shown of what failed for the same cause, or was skipped.
const MOST_NAMES: usize = 5;

/// The outcome of an apply.
#[derive(Clone, Debug, Default)]
pub struct ApplySummary {
    /// What was asked for.
    pub heading: Carried,
    /// How many changes were carried out.
    pub done: BTreeMap<Verb, usize>,
    /// What failed, by cause.
    pub failed: Vec<FailureGroup>,
    /// What was not tried because something that it needs failed, in words: `alarm "web-1"`.
    pub skipped: Vec<String>,
    /// What stopped it, where something did.
    pub cut_off: Option<CutOff>,
    /// How many changes were begun and are left to the next run.
    pub begun: usize,
    /// How many changes were not tried, those in `skipped` left out.
    pub remaining: usize,
    /// The command that finishes the rest, where that is not the one of the heading.
    pub again: Option<String>,
    /// Wall time.
    pub elapsed: Duration,
}

/// Changes that failed for the same cause.
#[derive(Clone, Debug, Default)]
pub struct FailureGroup {
    /// One sentence: what AWS said.
    pub cause: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// Whether it will come again until somebody mends it.
    pub lasts: bool,
    /// The resources, in words: `alarm "web-1"`.
    pub resources: Vec<String>,
}

/// What stops an apply before it has tried everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CutOff {
    /// The user, by a signal.
    Interrupted,
    /// The state's lock was lost, so what was done is not in the state.
    LockLost,
}

/// What was carried out; it words the total.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Carried {
    /// `apply`
    #[default]
    Apply,
    /// `destroy`
    Destroy,
    /// `power start`
    Start,
    /// `power stop`
    Stop,
    /// `park`
    Park,
    /// `unpark`
    Unpark,
}

impl Carried {
    fn word(self) -> &'static str {
        match self {
            Self::Apply => "Apply",
            Self::Destroy => "Destroy",
            Self::Start => "Start",
            Self::Stop => "Stop",
            Self::Park => "Park",
            Self::Unpark => "Unpark",
        }
    }

    /// Whether single things were asked for by hand, so that no state knows of them.
    fn is_by_hand(self) -> bool {
        !matches!(self, Self::Apply | Self::Destroy)
    }

    /// The participle of a verb, as the total uses it. AWS answers when it begins to start or stop something.
    fn past_word(self, verb: Verb) -> &'static str {
        match (self, verb) {
            (Self::Start, Verb::Update) => "starting",
            (Self::Stop, Verb::Update) => "stopping",
            (Self::Park, Verb::Update) => "parked",
            (Self::Unpark, Verb::Update) => "running again",
            _ => past_word(verb),
        }
    }
}

/// The total of an apply, what failed and why, and what is left to do. Begins with an empty line, because it stands below
/// the plan.
pub fn apply_summary(summary: &ApplySummary, palette: Palette) -> String {
    let mut page = Page::new(palette);
    page.line(&Line::new());
    let failures: usize = summary.failed.iter().map(|group| group.resources.len()).sum();
    let complete =
        failures == 0 && summary.skipped.is_empty() && summary.remaining == 0 && summary.cut_off.is_none();
    let complete = complete && summary.begun == 0;
    let tone = if complete { Tone::Good } else { Tone::Conflict };
    let word = summary.heading.word();
    let word = match summary.cut_off {
        None => format!("{word}: "),
        Some(CutOff::Interrupted) => format!("{word}, interrupted: "),
        Some(CutOff::LockLost) => format!("{word}, stopped because it lost the lock: "),
    };
    let mut line = Line::new().with(tone, word).plain(done_words(summary));
    if failures > 0 {
        line = line.plain(", ").with(Tone::Danger, format!("{} failed", thousands(failures)));
    }
    page.line(&line.plain(format!(" in {}.", duration_words(summary.elapsed))));
    for group in &summary.failed {
        page.blank();
        failure(&mut page, group);
    }
    if !summary.skipped.is_empty() {
        page.blank();
        let count = thousands(summary.skipped.len());
        page.line(
            &Line::new().with(Tone::Strong, format!("Skipped {count}, because what they need failed:")),
        );
        page.line(&names(&summary.skipped));
    }
    if !complete {
        page.blank();
        page.line(&Line::new().plain(rest_words(summary)));
    }
    page.finish()
}

fn done_words(summary: &ApplySummary) -> String {
    let count = |verb: Verb| summary.done.get(&verb).copied().unwrap_or(0);
    let always: &[Verb] = match summary.heading {
        Carried::Apply => &[Verb::Create, Verb::Update, Verb::Delete],
        Carried::Destroy => &[Verb::Delete],
        Carried::Start | Carried::Stop | Carried::Park | Carried::Unpark => &[Verb::Update],
    };
    let order = [Verb::Create, Verb::Update, Verb::Replace, Verb::Delete, Verb::Adopt, Verb::Forget];
    let parts: Vec<String> = order
        .into_iter()
        .filter(|verb| always.contains(verb) || count(*verb) > 0)
        .map(|verb| format!("{} {}", thousands(count(verb)), summary.heading.past_word(verb)))
        .collect();
    parts.join(", ")
}

/// The participle of a verb, as the total of an apply uses it.
fn past_word(verb: Verb) -> &'static str {
    match verb {
        Verb::Conflict => "in conflict",
        Verb::Delete => "destroyed",
        Verb::Replace => "replaced",
        Verb::Adopt => "adopted",
        Verb::Create => "added",
        Verb::Update => "changed",
        Verb::Forget => "forgotten",
    }
}

fn failure(page: &mut Page, group: &FailureGroup) {
    let mut line = Line::new().with(Tone::Conflict, "! ").with(Tone::Strong, clean(&group.cause));
    if group.resources.len() > 1 {
        line.push(Tone::Dim, format!("   {}×", thousands(group.resources.len())));
    }
    page.line(&line.hanging(2));
    page.line(&names(&group.resources));
    if let Some(hint) = &group.hint {
        page.line(&Line::indented(2).with(Tone::Notice, "help: ").plain(clean(hint)).hanging(8));
    }
}

fn names(resources: &[String]) -> Line {
    let shown: Vec<_> = resources.iter().take(MOST_NAMES).map(|name| clean(name)).collect();
    let line = Line::indented(2).plain(shown.join(", "));
    if resources.len() > MOST_NAMES {
        let more = thousands(resources.len() - MOST_NAMES);
        return line.with(Tone::Dim, format!(" … {more} more"));
    }
    line
}

fn rest_words(summary: &ApplySummary) -> String {
    let again = match (&summary.again, summary.heading) {
        (Some(command), _) => format!("Run `{}` again to finish the rest", clean(command)),
        (None, Carried::Apply) => "Run apply again to finish the rest".to_owned(),
        (None, Carried::Destroy) => "Run destroy again to finish the rest".to_owned(),
        (None, _) => "Run it again to finish the rest".to_owned(),
    };
    if summary.remaining == 0 {
        let begun = match summary.begun {
            0 => String::new(),
            1 => ": 1 change was begun, and AWS is at work on it".to_owned(),
            count => format!(": {} changes were begun, and AWS is at work on them", thousands(count)),
        };
        // No manifest may know of it.
        let begun = match summary.heading {
            Carried::Park if summary.begun > 0 => {
                format!("{begun}; `opsform apply` goes on only with what a `[[park]]` asks for")
            }
            _ => begun,
        };
        let lasting = summary.failed.iter().filter(|group| group.lasts).count();
        return match lasting {
            0 => format!("{again}{begun}."),
            all if all == summary.failed.len() && summary.begun == 0 => {
                let command = summary.again.as_ref();
                let then = command.map(|it| format!("; run `{}` then", clean(it))).unwrap_or_default();
                format!(
                    "Running it again will fail likewise until {} mended{then}.",
                    if all == 1 { "that is" } else { "these are" }
                )
            }
            _ => format!("{again}{begun}; what is not allowed fails again until that is mended."),
        };
    }
    let count = count_of(summary.remaining, "change was", "changes were");
    match summary.cut_off {
        Some(CutOff::LockLost) => format!("{again}: {count} not tried."),
        // No state knows of it.
        _ if summary.heading.is_by_hand() => format!("{again}: {count} not tried."),
        None | Some(CutOff::Interrupted) => {
            format!("{again}: {count} not tried. What is done is recorded in the state.")
        }
    }
}

/// How fast an API is called and how long the rest takes: `PutMetricAlarm 3/s, 5 min 33 s left`.
pub fn eta_text(api: &str, rate: f64, remaining: usize) -> String {
    let api = clean(api);
    if remaining == 0 {
        return format!("{api}, done");
    }
    if !rate.is_finite() || rate <= 0.0 {
        return format!("{api}, {} left", count_of(remaining, "call", "calls"));
    }
    // An estimate needs no precision beyond what a float has.
    #[allow(clippy::cast_precision_loss)]
    let seconds = (remaining as f64 / rate).min(1e9);
    // Whole seconds, and never none, so that the last moments are not "0.1 s left".
    let whole = Duration::try_from_secs_f64(seconds.round().max(1.0)).unwrap_or_default();
    let left = if whole.as_secs() < 10 { format!("{} s", whole.as_secs()) } else { duration_words(whole) };
    let shown = if rate.fract() == 0.0 { format!("{rate:.0}") } else { format!("{rate:.1}") };
    format!("{api} {shown}/s, {left} left")
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;

    fn names(count: usize) -> Vec<String> {
        (1..=count).map(|number| format!("alarm \"web-{number}: CPU\"")).collect()
    }

    #[test]
    fn a_complete_apply_is_one_line_apart_from_the_plan() {
        let summary = ApplySummary {
            heading: Carried::Apply,
            done: [(Verb::Create, 12), (Verb::Update, 413), (Verb::Delete, 1)].into(),
            elapsed: Duration::from_secs(140),
            ..ApplySummary::default()
        };
        assert_eq!(
            apply_summary(&summary, Palette::PLAIN),
            "\nApply: 12 added, 413 changed, 1 destroyed in 2 min 20 s.\n"
        );
    }

    #[test]
    fn failures_are_grouped_by_cause_and_the_rest_is_counted() {
        let summary = ApplySummary {
            heading: Carried::Apply,
            done: [(Verb::Update, 1413), (Verb::Replace, 2)].into(),
            failed: vec![
                FailureGroup {
                    cause: "cloudwatch:PutMetricAlarm is denied".to_owned(),
                    hint: Some("allow the action cloudwatch:PutMetricAlarm for this role".to_owned()),
                    lasts: true,
                    resources: names(12),
                },
                FailureGroup {
                    cause: "the name is \u{1b}[31mtoo long".to_owned(),
                    hint: None,
                    lasts: false,
                    resources: names(1),
                },
            ],
            skipped: names(2),
            cut_off: Some(CutOff::Interrupted),
            remaining: 88,
            elapsed: Duration::from_millis(4200),
            ..ApplySummary::default()
        };
        let text = apply_summary(&summary, Palette::PLAIN);
        // A snapshot does not show how a text begins.
        let text = text.strip_prefix('\n').expect("an empty line");
        assert_snapshot!(text, @r#"
Apply, interrupted: 0 added, 1,413 changed, 2 replaced, 0 destroyed, 13 failed in 4.2 s.

! cloudwatch:PutMetricAlarm is denied   12×
  alarm "web-1: CPU", alarm "web-2: CPU", alarm "web-3: CPU", alarm "web-4: CPU", alarm "web-5: CPU" … 7 more
  help: allow the action cloudwatch:PutMetricAlarm for this role

! the name is \u{1b}[31mtoo long
  alarm "web-1: CPU"

Skipped 2, because what they need failed:
  alarm "web-1: CPU", alarm "web-2: CPU"

Run apply again to finish the rest: 88 changes were not tried. What is done is recorded in the state.
"#);
    }

    #[test]
    fn what_fails_again_is_not_promised_to_be_finished() {
        let end = |lasts: &[bool]| {
            let group = |&lasts| FailureGroup { lasts, resources: names(1), ..FailureGroup::default() };
            let summary = ApplySummary {
                heading: Carried::Stop,
                failed: lasts.iter().map(group).collect(),
                ..ApplySummary::default()
            };
            apply_summary(&summary, Palette::PLAIN).trim_end().lines().last().unwrap().to_owned()
        };
        assert_eq!(end(&[false]), "Run it again to finish the rest.");
        assert_eq!(end(&[true]), "Running it again will fail likewise until that is mended.");
        assert_eq!(
            end(&[true, false]),
            "Run it again to finish the rest; what is not allowed fails again until that is mended."
        );
    }

    /// `apply` knows nothing of what was asked for by hand, or wants the contrary.
    #[test]
    fn what_was_begun_by_hand_is_finished_by_hand() {
        let summary = ApplySummary {
            heading: Carried::Park,
            begun: 1,
            again: Some("opsform park i-1".to_owned()),
            ..ApplySummary::default()
        };
        assert_eq!(
            apply_summary(&summary, Palette::PLAIN).trim(),
            "Park: 0 parked in 0 ms.\n\nRun `opsform park i-1` again to finish the rest: 1 change was begun, and AWS \
             is at work on it; `opsform apply` goes on only with what a `[[park]]` asks for."
        );
        let failed = vec![FailureGroup { resources: names(1), ..FailureGroup::default() }];
        let summary = ApplySummary {
            heading: Carried::Unpark,
            failed,
            begun: 0,
            again: Some("opsform unpark i-1".to_owned()),
            ..summary
        };
        let text = apply_summary(&summary, Palette::PLAIN);
        assert!(text.starts_with("\nUnpark: 0 running again, 1 failed"), "{text}");
        assert!(text.ends_with("\nRun `opsform unpark i-1` again to finish the rest.\n"), "{text}");
    }

    #[test]
    fn a_lost_lock_is_no_interruption() {
        let summary = ApplySummary {
            done: [(Verb::Create, 12)].into(),
            cut_off: Some(CutOff::LockLost),
            begun: 0,
            remaining: 1,
            ..ApplySummary::default()
        };
        let text = apply_summary(&summary, Palette::PLAIN);
        assert!(text.starts_with("\nApply, stopped because it lost the lock: 12 added"), "{text}");
        assert!(
            text.ends_with("\n\nRun apply again to finish the rest: 1 change was not tried.\n"),
            "{text}"
        );
    }

    #[test]
    fn the_estimate_follows_the_rate() {
        assert_eq!(eta_text("PutMetricAlarm", 3.0, 1000), "PutMetricAlarm 3/s, 5 min 33 s left");
        assert_eq!(eta_text("PutMetricAlarm", 2.5, 1), "PutMetricAlarm 2.5/s, 1 s left");
        assert_eq!(eta_text("PutMetricAlarm", 3.0, 0), "PutMetricAlarm, done");
        assert_eq!(eta_text("PutMetricAlarm", 0.0, 2), "PutMetricAlarm, 2 calls left");
        assert_eq!(eta_text("PutMetricAlarm", f64::NAN, 1), "PutMetricAlarm, 1 call left");
    }
}
