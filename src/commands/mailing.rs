//! The mails of an audit: written to a folder, or sent, also when somebody stops the run.

use std::path::Path;

use anyhow::Result;

use super::failure::{Exit, Failure};
use super::output::Output;
use super::session::Session;
use super::signals::Signals;
use crate::mail::{
    Delivery, Message, Outcome, Templates, check_templates, compose, send, told, write_messages,
};
use crate::manifest::{MailSettings, Settings};
use crate::model::{Audit, Diagnostic, Diagnostics, Scope};
use crate::render::count_of;

/// What the mails of a project are made with.
pub(super) struct Mails<'a> {
    settings: &'a MailSettings,
    templates: Templates,
    output: &'a Output,
}

impl<'a> Mails<'a> {
    /// Reads the templates, tries them, and shows what is wrong with them.
    pub(super) fn of(settings: &'a Settings, output: &'a Output) -> Result<Self> {
        let Some(settings) = &settings.mail else {
            let hint = "add `[mail]` with `from` and `to`";
            return Err(Failure::new("the manifest says nothing about mail", hint).into());
        };
        let templates = Templates::read(settings).and_then(|templates| {
            check_templates(settings, &templates).map_err(alone)?;
            Ok(templates)
        });
        match templates {
            Ok(templates) => Ok(Self { settings, templates, output }),
            Err(problems) => {
                output.diagnostics(&problems)?;
                Err(Failure::printed().into())
            }
        }
    }

    /// Sends the mails, or writes them to a folder, and gives the exit code of the run: `exit`, unless a mail did not go.
    pub(super) async fn deliver(
        &self,
        session: &Session,
        audit: &Audit,
        folder: Option<&Path>,
        exit: Exit,
    ) -> Result<Exit> {
        let clean = audit.findings.is_empty() && audit.gaps.is_empty() && exit == Exit::Done;
        if clean && !self.settings.when_clean {
            self.output.note("nothing was found, so there is no mail (`when_clean = false`)");
            return Ok(exit);
        }
        let messages = match compose(audit, self.settings, &self.templates) {
            Ok(messages) => messages,
            Err(problem) => {
                self.output.diagnostics(&alone(problem))?;
                return Err(Failure::printed().into());
            }
        };
        match folder {
            Some(folder) => {
                self.write(folder, &messages)?;
                Ok(exit)
            }
            None => self.send(session, &messages, exit).await,
        }
    }

    fn write(&self, folder: &Path, messages: &[Message]) -> Result<()> {
        write_messages(folder, messages).map_err(|error| {
            let hint = error.hint().unwrap_or_default();
            Failure::new(error.to_string(), hint)
        })?;
        let mails = count_of(messages.len(), "mail is", "mails are");
        self.output.note(&format!("nothing was sent; {mails} in {}", folder.display()));
        Ok(())
    }

    /// After the first signal no mail is begun; what became of each is told then, too.
    async fn send(&self, session: &Session, messages: &[Message], exit: Exit) -> Result<Exit> {
        let scope = sender(session, self.settings)?;
        let signals = Signals::listen();
        signals.work(session.aws.stop().clone()).await;
        let sent = send(&session.aws, &scope, self.settings, messages).await;
        let stopped = session.aws.stop().is_cancelled();
        let outcomes = match sent {
            Ok(outcomes) => outcomes,
            Err(_) if stopped => {
                return Err(Failure::new("stopped; no mail was begun", "run the command again")
                    .exit(Exit::Stopped)
                    .into());
            }
            Err(error) => return Err(error.into()),
        };
        self.tell(&outcomes, &scope);
        let failed = outcomes.iter().filter(|outcome| !outcome.is_sent()).count();
        let none_went = outcomes.iter().all(|outcome| matches!(outcome.delivery, Delivery::NotBegun));
        self.output.count(|counts| {
            counts.failures += failed;
            // Whoever got a mail would get it once more.
            counts.only_once |= !none_went;
        });
        self.output.count_calls(&session.aws);
        let begun = !outcomes.iter().any(|outcome| matches!(outcome.delivery, Delivery::NotBegun));
        Ok(match outcomes.iter().all(Outcome::is_sent) {
            // What was stopped after the last mail cut nothing off.
            true => exit,
            false if stopped && !begun => Exit::Stopped,
            false => Exit::Error,
        })
    }

    fn tell(&self, outcomes: &[Outcome], scope: &Scope) {
        let (sent, failed): (Vec<&Outcome>, Vec<&Outcome>) = outcomes.iter().partition(|one| one.is_sent());
        for one in told(failed) {
            let hint = one.hint.map(|hint| format!("\nhelp: {hint}")).unwrap_or_default();
            self.output.problem(&format!("error: {}{hint}", one.words));
        }
        let words = format!("sent {} from {}", count_of(sent.len(), "mail", "mails"), scope.region);
        let cut_off = outcomes.iter().any(|outcome| matches!(outcome.delivery, Delivery::NotBegun));
        if !cut_off {
            self.output.note(&words);
            return;
        }
        // Who stops a run has to know who got a mail: the next run sends all of them.
        for one in told(sent) {
            self.output.problem(&one.words);
        }
        self.output.problem(&format!("stopped; {words}; running again sends all of them"));
    }
}

/// The account and region that the mails are sent from.
fn sender(session: &Session, settings: &MailSettings) -> Result<Scope> {
    let Some(first) = session.declared_scopes.first() else {
        return Err(Failure::new("there is no region to send from", "set `region` in `[mail]`").into());
    };
    let region = settings.region.clone().unwrap_or_else(|| first.region.clone());
    Ok(Scope::new(first.account.clone(), region))
}

fn alone(problem: Box<Diagnostic>) -> Diagnostics {
    let mut problems = Diagnostics::new();
    problems.push(*problem);
    problems
}
