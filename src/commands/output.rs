//! Results to standard output; progress, problems and questions to standard error.

use std::io::{BufRead, Write};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;

use super::args::{ColorChoice, DetailChoice, Format, Global};
use super::environment::Environment;
use super::failure::Failure;
use crate::apply::Report;
use crate::aws::Aws;
use crate::jobs::Counts;
use crate::model::Diagnostics;
use crate::plan::Plan;
use crate::render::{
    Detail, Heading, Palette, PlanView, Tone, clean, diagnostics_text, plan_json, plan_markdown, plan_text,
};
use crate::resources;

/// Where and how things are printed.
pub(super) struct Output {
    /// For standard output.
    pub(super) palette: Palette,
    /// For standard error.
    pub(super) error_palette: Palette,
    pub(super) quiet: bool,
    /// Whether progress may be drawn.
    pub(super) progress: bool,
    stdin_is_terminal: bool,
    counts: Arc<Mutex<Counts>>,
}

impl Output {
    pub(super) fn new(global: &Global, environment: &Environment) -> Self {
        let color = |is_terminal: bool| match global.color {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto => is_terminal && !environment.no_color,
        };
        Self {
            palette: Palette { color: color(environment.stdout_is_terminal), width: environment.width },
            error_palette: Palette { color: color(environment.stderr_is_terminal), width: environment.width },
            quiet: global.quiet,
            progress: environment.stderr_is_terminal && !global.quiet,
            stdin_is_terminal: environment.stdin_is_terminal,
            counts: Arc::clone(&environment.counts),
        }
    }

    /// Notes what the command did, for whoever started it.
    pub(super) fn count(&self, note: impl FnOnce(&mut Counts)) {
        note(&mut self.counts.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Notes what was done of a plan, and what was not.
    pub(super) fn count_report(&self, report: &Report, aws: &Aws) {
        self.count(|counts| {
            counts.changes += report.done.values().sum::<usize>();
            counts.failures += report.failures.len() + report.skipped.len();
            counts.begun += report.begun;
        });
        self.count_calls(aws);
    }

    /// Notes how many calls were made so far.
    pub(super) fn count_calls(&self, aws: &Aws) {
        let calls = aws.calls().snapshot().values().sum();
        self.count(|counts| counts.calls = calls);
    }

    /// Prints a result. A reader that went away (`| head`) is no error.
    #[allow(clippy::unused_self)] // Whoever prints has an output.
    pub(super) fn print(&self, text: &str) -> Result<()> {
        let mut stdout = std::io::stdout().lock();
        let newline = if text.ends_with('\n') || text.is_empty() { "" } else { "\n" };
        match stdout.write_all(text.as_bytes()).and_then(|()| stdout.write_all(newline.as_bytes())) {
            Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// Prints a remark for the person at the terminal.
    pub(super) fn note(&self, text: &str) {
        if !self.quiet {
            self.problem(text);
        }
    }

    /// Prints a problem, even when quiet.
    #[allow(clippy::unused_self)]
    pub(super) fn problem(&self, text: &str) {
        let mut stderr = std::io::stderr().lock();
        // Nothing can be said where standard error is closed.
        let _ = writeln!(stderr, "{}", text.trim_end_matches('\n'));
    }

    /// Prints an error with its hints.
    pub(super) fn error(&self, message: &str, hints: &[String]) {
        let palette = self.error_palette;
        // Messages quote AWS, lock files and names: none of them may steer the terminal.
        let message: Vec<_> = message.lines().map(clean).collect();
        self.problem(&format!("{} {}", palette.paint(Tone::Danger, "error:"), message.join("\n")));
        for hint in hints {
            self.problem(&format!(" {} {}", palette.paint(Tone::Strong, "help:"), clean(hint)));
        }
    }

    /// Shows all problems; fails when one of them is an error.
    pub(super) fn diagnostics(&self, problems: &Diagnostics) -> Result<()> {
        if !problems.is_empty() && (problems.has_errors() || !self.quiet) {
            self.problem(&diagnostics_text(problems, self.error_palette));
        }
        if problems.has_errors() { Err(Failure::printed().into()) } else { Ok(()) }
    }

    /// A plan in the form that was asked for.
    pub(super) fn plan(
        &self,
        plan: &Plan,
        heading: Heading,
        format: Format,
        detail: DetailChoice,
    ) -> Result<()> {
        let kinds = resources::texts();
        let view = PlanView {
            palette: self.palette,
            detail: match detail {
                DetailChoice::Summary => Detail::Summary,
                DetailChoice::Folded => Detail::Folded,
                DetailChoice::Full => Detail::Full,
            },
            kinds: &kinds,
            heading,
        };
        self.print(&match format {
            Format::Text => plan_text(plan, &view),
            Format::Markdown => plan_markdown(plan, &view),
            Format::Json => plan_json(plan, None),
        })
    }

    /// Asks for consent: `yes` to the letter. Without a terminal there is nobody to ask.
    pub(super) fn consent(&self, question: &str, yes: bool) -> Result<bool> {
        if yes {
            return Ok(true);
        }
        if !self.stdin_is_terminal {
            return Err(Failure::new(
                "there is no terminal to ask for consent",
                "review the plan and run the command again with --yes",
            )
            .into());
        }
        Ok(ask(question, &mut std::io::stdin().lock())?)
    }
}

/// Whether the answer is `yes`. Standard error is not locked while a person thinks: whoever renews a lease meanwhile must be
/// able to say that it fails.
fn ask(question: &str, input: &mut impl BufRead) -> std::io::Result<bool> {
    let mut stderr = std::io::stderr();
    write!(stderr, "\n{question}\n  Only \"yes\" goes on: ")?;
    stderr.flush()?;
    let mut answer = String::new();
    input.read_line(&mut answer)?;
    Ok(answer.trim() == "yes")
}

#[cfg(test)]
mod tests {
    use std::io::{BufReader, Read};
    use std::time::Duration;

    use super::*;

    /// A person who answers as soon as somebody else could say something.
    struct Patient(bool);

    impl Read for Patient {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            let (said, heard) = std::sync::mpsc::channel();
            std::thread::spawn(move || {
                drop(std::io::stderr().lock());
                let _ = said.send(());
            });
            self.0 = heard.recv_timeout(Duration::from_secs(10)).is_ok();
            b"yes\n".as_slice().read(buffer)
        }
    }

    #[test]
    fn others_may_speak_while_a_person_thinks() {
        let mut input = BufReader::new(Patient(false));
        assert!(ask("Apply?", &mut input).is_ok_and(|yes| yes));
        assert!(input.get_ref().0, "standard error was locked");
    }
}
