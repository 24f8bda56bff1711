//! Numbers, nouns and times in words.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::model::{KindText, Scope};
use crate::plan::{Cause, ReadCost, Verb};

use super::Heading;
use super::drift::happened_word;
use super::escape::clean;

/// The infinitive of a verb; of drift, what happened.
pub(super) fn verb_word(verb: Verb, heading: Heading) -> &'static str {
    if heading == Heading::Drift {
        return happened_word(verb);
    }
    match (verb, heading) {
        (Verb::Update, Heading::Start) => return "start",
        (Verb::Update, Heading::Stop) => return "stop",
        _ => {}
    }
    match verb {
        Verb::Conflict => "conflict",
        Verb::Delete => "delete",
        Verb::Replace => "replace",
        Verb::Adopt => "adopt",
        Verb::Create => "create",
        Verb::Update => "update",
        Verb::Forget => "forget",
    }
}

/// The sign of a verb.
pub(super) fn verb_sign(verb: Verb) -> &'static str {
    match verb {
        Verb::Conflict => "!",
        Verb::Delete => "-",
        Verb::Replace => "-/+",
        Verb::Adopt => "»",
        Verb::Create => "+",
        Verb::Update => "~",
        Verb::Forget => ".",
    }
}

/// Who changed a field, for people.
pub(super) fn cause_words(cause: Cause) -> &'static str {
    match cause {
        Cause::Manifest => "the manifest changed",
        Cause::Drift => "changed outside opsform",
        Cause::Both => "changed in the manifest and outside opsform",
        Cause::Rule => "a rule asks for it",
        Cause::Asked => "asked for by hand",
        Cause::Unknown => "no record of the last write",
    }
}

/// `3000` → `3,000`.
pub fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `1 alarm`, `3,000 alarms`.
pub fn count_of(number: usize, noun: &str, plural: &str) -> String {
    format!("{} {}", thousands(number), if number == 1 { noun } else { plural })
}

/// `18 ms`, `0.4 s`, `12 s`, `2 min 20 s`, `1 h 5 min`.
pub fn duration_words(duration: Duration) -> String {
    let milliseconds = (duration + Duration::from_micros(500)).as_millis();
    if milliseconds < 100 {
        return format!("{milliseconds} ms");
    }
    // A time that would round up to the next unit belongs there: 9.96 s is "10 s", never "10.0 s".
    if duration < Duration::from_millis(9_950) {
        return format!("{:.1} s", duration.as_secs_f64());
    }
    let seconds = (duration + Duration::from_millis(500)).as_secs();
    let (big, big_unit, small, small_unit) = match seconds {
        0..60 => return format!("{seconds} s"),
        60..3600 => (seconds / 60, "min", seconds % 60, "s"),
        _ => (seconds / 3600, "h", seconds % 3600 / 60, "min"),
    };
    if small == 0 { format!("{big} {big_unit}") } else { format!("{big} {big_unit} {small} {small_unit}") }
}

/// `a`, `a and b`, `a, b and c`.
pub(super) fn listed(parts: &[String]) -> String {
    match parts {
        [] => String::new(),
        [one] => one.clone(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}

/// What reading AWS cost: `read 3,000 alarms, 1,000 instances in 34 calls, 1.2 s`.
pub(super) fn cost_words(cost: &ReadCost) -> String {
    let calls = cost.call_count();
    if calls == 0 {
        return String::new();
    }
    let objects: Vec<String> = cost
        .objects
        .iter()
        .map(|(plural, number)| format!("{} {}", thousands(*number), singular_of(plural, *number)))
        .collect();
    let what = if objects.is_empty() { "nothing".to_owned() } else { objects.join(", ") };
    let time = duration_words(Duration::from_millis(cost.milliseconds));
    format!("read {} in {}, {time}", clean(&what), count_of(calls, "call", "calls"))
}

/// The plan keeps plural nouns only; all of them take a plain `s`.
fn singular_of(plural: &str, number: usize) -> &str {
    if number == 1 { plural.strip_suffix('s').unwrap_or(plural) } else { plural }
}

/// `account 111122223333 · 2 regions`: the name where there is one, because a plan for the wrong account looks like
/// any other, and the number where there are several.
pub(super) fn scopes_words(scopes: &[Scope]) -> Option<String> {
    let accounts: BTreeSet<&str> = scopes.iter().map(|scope| &*scope.account).collect();
    let regions: BTreeSet<&str> = scopes.iter().map(|scope| &*scope.region).collect();
    let account = match (accounts.len(), accounts.first()) {
        (0, _) | (_, None) => return None,
        (1, Some(only)) => format!("account {}", clean(only)),
        (many, _) => format!("{many} accounts"),
    };
    let region = match (regions.len(), regions.first()) {
        (1, Some(only)) => clean(only).into_owned(),
        (many, _) => format!("{many} regions"),
    };
    Some(format!("{account} · {region}"))
}

/// The words for the kinds, with a fallback for a kind that nobody registered.
#[derive(Clone, Copy, Debug)]
pub(super) struct Nouns<'a>(pub(super) &'a [KindText]);

impl<'a> Nouns<'a> {
    /// The words for a kind.
    pub(super) fn text(self, kind: &str) -> Option<&'a KindText> {
        self.0.iter().find(|text| text.kind == kind)
    }

    /// `alarm`.
    pub(super) fn noun(self, kind: &str) -> String {
        self.text(kind).map_or_else(|| clean(kind).replace('_', " "), |text| text.noun.to_owned())
    }

    /// `alarms`.
    pub(super) fn plural(self, kind: &str) -> String {
        self.text(kind)
            .map_or_else(|| format!("{}s", clean(kind).replace('_', " ")), |text| text.plural.to_owned())
    }

    /// `1 alarm`, `3 alarms`.
    pub(super) fn count(self, kind: &str, number: usize) -> String {
        count_of(number, &self.noun(kind), &self.plural(kind))
    }

    /// `3 alarms and 1 rule`, for things of several kinds.
    pub(super) fn count_all<'k>(self, kinds: impl Iterator<Item = &'k str>) -> String {
        let mut counts: Vec<(&str, usize)> = Vec::new();
        for kind in kinds {
            match counts.iter_mut().find(|(known, _)| *known == kind) {
                Some((_, number)) => *number += 1,
                None => counts.push((kind, 1)),
            }
        }
        let parts: Vec<String> = counts.iter().map(|(kind, n)| self.count(kind, *n)).collect();
        listed(&parts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_thousands_separators() {
        assert_eq!([0, 999, 1000, 1_234_567].map(thousands), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!(count_of(1, "alarm", "alarms"), "1 alarm");
        assert_eq!(count_of(0, "alarm", "alarms"), "0 alarms");
    }

    #[test]
    fn times_have_at_most_two_units() {
        let words = [0, 18, 99, 100, 1_234, 9_960, 59_400, 59_600, 140_000, 180_000, 3_900_000]
            .map(|ms| duration_words(Duration::from_millis(ms)));
        assert_eq!(
            words,
            [
                "0 ms",
                "18 ms",
                "99 ms",
                "0.1 s",
                "1.2 s",
                "10 s",
                "59 s",
                "1 min",
                "2 min 20 s",
                "3 min",
                "1 h 5 min"
            ]
        );
        assert_eq!(duration_words(Duration::from_micros(99_400)), "99 ms");
        assert_eq!(duration_words(Duration::from_micros(99_600)), "0.1 s");
    }

    #[test]
    fn a_single_object_is_singular() {
        let cost = ReadCost {
            objects: [("alarms".to_owned(), 1)].into(),
            calls: [("cloudwatch:DescribeAlarms".to_owned(), 1)].into(),
            milliseconds: 80,
        };
        assert_eq!(cost_words(&cost), "read 1 alarm in 1 call, 80 ms");
    }
}
