//! From an audit to mails. Pure.

use std::collections::BTreeMap;

use super::Message;
use super::owners::addresses;
use super::templates::Templates;
use super::view::{Reader, Unusable, View, short};
use crate::manifest::{MailSettings, Mailbox, RenderError, Template, Variables};
use crate::model::{Audit, Diagnostic, Finding};

/// Rows of a mail, of all its lists together; fewer where they would make it too large.
const MOST_ROWS: usize = 150;
/// Gmail shows the first 102 kB of a message and hides the rest behind a link; some of that is the mail's own frame.
const MOST_HTML: usize = 95_000;
/// Characters of a subject. What is behind the first line nobody reads.
const SUBJECT: usize = 160;

/// What goes to one owner.
#[derive(Debug, Default)]
struct Share<'a> {
    findings: Vec<&'a Finding>,
    named: bool,
    by_default: bool,
}

/// The mails of an audit: first the team's with everything, then one for each owner's address, in their order.
///
/// # Errors
/// A template of the user's that cannot be carried out.
pub fn compose(
    audit: &Audit,
    settings: &MailSettings,
    templates: &Templates,
) -> Result<Vec<Message>, Box<Diagnostic>> {
    let (shares, unusable) = shares(audit, settings);
    let mailed: Vec<(&String, &Share<'_>)> = shares.iter().filter(|_| settings.owners).collect();
    let team = Reader::Team {
        mailed: mailed.iter().filter(|(_, share)| share.named).count(),
        default_mailed: mailed.iter().any(|(_, share)| share.by_default),
        unusable: &unusable,
    };
    let composer = Composer { audit, settings, templates };
    let all: Vec<&Finding> = audit.findings.iter().collect();
    let mut messages =
        vec![Message { to: settings.to.clone(), cc: settings.cc.clone(), ..composer.message(&all, &team)? }];
    for (address, share) in mailed {
        let reader = Reader::Owner { address, named: share.named, by_default: share.by_default };
        let to = vec![Mailbox { address: address.clone(), name: None }];
        let message = composer.message(&share.findings, &reader)?;
        messages.push(Message { to, owner: Some(address.clone()), ..message });
    }
    Ok(messages)
}

/// What each address is to get, and the owners that are no address, each with its number of findings.
///
/// A finding whose owner tag names at least one address goes to all those that it names; any other to `default_owner`.
fn shares<'a>(audit: &'a Audit, settings: &MailSettings) -> (BTreeMap<String, Share<'a>>, Vec<Unusable>) {
    let mut shares: BTreeMap<String, Share<'_>> = BTreeMap::new();
    let mut unusable: BTreeMap<String, usize> = BTreeMap::new();
    for finding in &audit.findings {
        let owner = finding.owner.as_deref().unwrap_or_default();
        let named = addresses(owner, settings.owner_domain.as_deref(), &settings.owner_domains);
        let by_default = named.addresses.is_empty();
        // Where nothing of a value is an address, the whole value says more than its words.
        let whole = by_default.then(|| owner.trim().to_owned()).into_iter().filter(|value| !value.is_empty());
        let words = named.unusable.into_iter().filter(|_| !by_default);
        for value in whole.chain(words) {
            *unusable.entry(value).or_default() += 1;
        }
        let defaults = settings.default_owner.iter().map(|mailbox| mailbox.address.clone());
        let to: Vec<String> = if by_default { defaults.collect() } else { named.addresses };
        for address in to {
            let share = shares.entry(address).or_default();
            share.findings.push(finding);
            share.named |= !by_default;
            share.by_default |= by_default;
        }
    }
    let unusable = unusable.into_iter().map(|(value, findings)| Unusable { value, findings }).collect();
    (shares, unusable)
}

struct Composer<'a> {
    audit: &'a Audit,
    settings: &'a MailSettings,
    templates: &'a Templates,
}

impl Composer<'_> {
    /// A mail to nobody yet, with as many rows as fit.
    fn message(&self, findings: &[&Finding], reader: &Reader<'_>) -> Result<Message, Box<Diagnostic>> {
        let mut most_rows = MOST_ROWS.min(findings.len());
        loop {
            let mut view = View::new(self.audit, findings, reader, self.settings, most_rows);
            view.subject = self.subject(&view)?;
            let html = self.templates.html(&view)?;
            if html.len() <= MOST_HTML || most_rows == 0 {
                let mut text = self.templates.text(&view)?;
                if !text.ends_with('\n') {
                    text.push('\n');
                }
                return Ok(Message {
                    to: Vec::new(),
                    cc: Vec::new(),
                    subject: view.subject,
                    text,
                    html,
                    owner: None,
                });
            }
            most_rows = (most_rows * MOST_HTML / html.len()).min(most_rows - 1);
        }
    }

    fn subject(&self, view: &View) -> Result<String, Box<Diagnostic>> {
        let subject = match &self.settings.subject {
            Some(template) => own_subject(template, view)?,
            None => self.usual_subject(view),
        };
        Ok(short(&subject, SUBJECT))
    }

    fn usual_subject(&self, view: &View) -> String {
        let values = [
            ("project", view.project.clone()),
            ("date", view.date.clone()),
            ("deletes", view.deletes.to_string()),
            ("changes", view.changes.to_string()),
            ("fixes", view.fixes.to_string()),
        ];
        let words = self.templates.words();
        let key = match (view.team, view.named) {
            (true, _) => "subject_team",
            (false, true) => "subject_owner",
            (false, false) => "subject_default",
        };
        let mut subject = words.text(key, &values).unwrap_or_default();
        if !view.gaps.is_empty() {
            subject.extend(words.text("subject_incomplete", &[]));
        }
        subject
    }
}

fn own_subject(template: &Template, view: &View) -> Result<String, Box<Diagnostic>> {
    let variables = Variables::new(vec![
        ("project", view.project.as_str().into()),
        ("date", view.date.as_str().into()),
        ("deletes", view.deletes.into()),
        ("changes", view.changes.into()),
        ("fixes", view.fixes.into()),
        ("owner", view.owner.as_str().into()),
    ]);
    template.render(&variables).map_err(|error: RenderError| {
        Box::new(Diagnostic::error(format!("`subject`: {error}")).at(template.place().clone()))
    })
}
