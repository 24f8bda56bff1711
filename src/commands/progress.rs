//! The progress of an apply: a bar with the time left on a terminal, nothing elsewhere.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use super::output::Output;
use crate::apply::Event;
use crate::aws::{Aws, Operation};
use crate::model::Scope;
use crate::render::{clean, eta_text};

type CallsLeft = (&'static Operation, usize);

/// Shows on a terminal that AWS is being read, until it is dropped.
pub(super) struct Reading(ProgressBar);

impl Reading {
    pub(super) fn new(output: &Output) -> Self {
        let bar = if output.progress { ProgressBar::new_spinner() } else { ProgressBar::hidden() };
        bar.set_message("reading AWS");
        bar.enable_steady_tick(Duration::from_millis(100));
        Self(bar)
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// Draws what the executor tells.
pub(super) struct Progress<'a> {
    bar: ProgressBar,
    output: &'a Output,
    aws: &'a Aws,
    /// Calls left, by scope and operation: the slowest of them decides the time left.
    left: Mutex<HashMap<(Scope, &'static str), CallsLeft>>,
}

impl<'a> Progress<'a> {
    pub(super) fn new(output: &'a Output, aws: &'a Aws) -> Self {
        let bar = if output.progress { ProgressBar::new(0) } else { ProgressBar::hidden() };
        if let Ok(style) = ProgressStyle::with_template("  {bar:30} {pos}/{len}  {msg}") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(200));
        Self { bar, output, aws, left: Mutex::default() }
    }

    pub(super) fn tell(&self, event: Event) {
        match event {
            Event::Wave { steps, calls } => {
                self.bar.inc_length(u64::try_from(steps).unwrap_or_default());
                let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
                for (scope, operation, count) in calls {
                    left.entry((scope, operation.name)).or_insert((operation, 0)).1 += count;
                }
            }
            Event::Step { address, what } => self.line(&address.key, &what),
            Event::Begun { address, how_far } => {
                self.bar.inc(1);
                self.line(&address.key, &how_far);
            }
            Event::Done { .. } => self.bar.inc(1),
            Event::Called { scope, operation } => self.count_down(&scope, operation),
            Event::Failed(failure) => {
                self.bar.inc(1);
                let name = clean(&failure.address.key);
                self.bar.println(format!("  failed: {name}: {}", clean(&failure.error.to_string())));
            }
        }
        self.bar.set_message(self.time_left());
    }

    /// Steps on a way that takes hours are told without a terminal, too: a log is all that a job leaves behind.
    fn line(&self, key: &str, what: &str) {
        let line = format!("  {}: {}", clean(key), clean(what));
        if self.bar.is_hidden() {
            self.output.note(&line);
        } else {
            self.bar.println(line);
        }
    }

    fn count_down(&self, scope: &Scope, operation: &'static Operation) {
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, count)) = left.get_mut(&(scope.clone(), operation.name)) {
            *count = count.saturating_sub(1);
        }
    }

    fn time_left(&self) -> String {
        let left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        let slowest = left
            .iter()
            .filter(|(_, (_, count))| *count > 0)
            .map(|((scope, _), (operation, count))| {
                (*operation, self.aws.throttle(scope, operation).per_second(), *count)
            })
            .max_by(|(_, a_rate, a), (_, b_rate, b)| seconds(*a, *a_rate).total_cmp(&seconds(*b, *b_rate)));
        slowest.map_or_else(String::new, |(operation, rate, count)| eta_text(operation.name, rate, count))
    }

    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

#[allow(clippy::cast_precision_loss)] // Counts of calls are far below 2^52.
fn seconds(count: usize, per_second: f64) -> f64 {
    count as f64 / per_second
}
