//! What the declarations that make schedules have in common: expressions, roles, and the project's group.

use std::ops::Range;

use super::TextTemplate;
use super::variables;
use crate::cron::Expression;
use crate::manifest::{Placed, TableReader, Templated};
use crate::model::{Address, Claim, Desired, Diagnostic, Place, Scope};
use crate::resources::schedule::names::group_name;
use crate::resources::{partition, schedule_group};

/// The key of a schedule's expression: `cron(…)` or `rate(…)`, in AWS's dialect. What comes once is refused with that hint.
pub(super) fn expression(
    reader: &mut TableReader<'_>,
    key: &'static str,
    instead: &str,
) -> Option<Placed<String>> {
    let written = reader.optional::<String>(key)?;
    let field = reader.path(key);
    let problem = match Expression::parse(&written.value) {
        Ok(Expression::At(_)) => Diagnostic::error(format!("`{field}` comes once: `at(…)`"))
            .at(written.place.clone())
            .hint(instead),
        Ok(expression) if expression.never_fires() => Diagnostic::error(format!(
            "`{field}`: {:?} never fires, because there is no such day",
            written.value
        ))
        .at(written.place.clone())
        .hint("for the last day of a month write L in the day-of-month field"),
        Ok(_) => return Some(written),
        Err(fault) => Diagnostic::error(format!("`{field}`: {}", fault.message))
            .at(within(&written, fault.range))
            .hint(fault.hint),
    };
    reader.problem(problem);
    None
}

/// A part of a text as a place in the file, where the file holds the text to the letter; else the whole text.
pub(super) fn within(written: &Placed<String>, range: Range<usize>) -> Place {
    let place = || {
        let Place::Text { file, span } = &written.place else { return None };
        let begin = span.start + file.text.get(span.clone())?.find(&written.value)?;
        Some(Place::text(file, begin + range.start..begin + range.end))
    };
    place().unwrap_or_else(|| written.place.clone())
}

/// The key `role_arn`: the role with which EventBridge or its Scheduler calls its targets. A template may use `account` and
/// `region`.
pub(super) fn role(reader: &mut TableReader<'_>) -> Option<TextTemplate> {
    let role: TextTemplate = reader.required::<Templated<String>>("role_arn")?;
    checked_arn(reader, role, &ROLE)
}

/// The key `automation_role_arn`: the role that Systems Manager takes on in a runbook. A template likewise.
pub(super) fn automation_role(reader: &mut TableReader<'_>) -> Option<TextTemplate> {
    let role: TextTemplate = reader.optional::<Templated<String>>(AUTOMATION_ROLE.key)?;
    checked_arn(reader, role, &AUTOMATION_ROLE)
}

/// The key `dead_letter_arn`: the SQS queue that gets what a schedule could not call in the end. A template likewise.
pub(super) fn dead_letters(reader: &mut TableReader<'_>) -> Option<TextTemplate> {
    let queue: TextTemplate = reader.optional::<Templated<String>>("dead_letter_arn")?;
    checked_arn(reader, queue, &QUEUE)
}

/// An ARN that a manifest names.
struct Arn {
    key: &'static str,
    what: &'static str,
    example: &'static str,
    fits: fn(service: &str, region: &str, name: &str) -> bool,
}

/// "`RoleArn`" of the EventBridge Scheduler API reference has the pattern of names and paths of IAM roles.
const ROLE: Arn = Arn {
    key: "role_arn",
    what: "a role",
    example: "arn:aws:iam::{{ account }}:role/NAME",
    fits: |service, region, name| {
        let name = name.strip_prefix("role/").unwrap_or_default();
        let allowed = |c: char| c.is_ascii_alphanumeric() || "+=,.@-_/".contains(c);
        service == "iam"
            && region.is_empty()
            && !name.is_empty()
            && !name.ends_with('/')
            && name.chars().all(allowed)
    },
};

const AUTOMATION_ROLE: Arn = Arn { key: "automation_role_arn", ..ROLE };

/// "`DeadLetterConfig`" of the EventBridge Scheduler API reference: a standard queue.
const QUEUE: Arn = Arn {
    key: "dead_letter_arn",
    what: "a standard SQS queue",
    example: "arn:aws:sqs:{{ region }}:{{ account }}:opsform-failed",
    fits: |service, region, name| {
        let allowed = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
        service == "sqs" && !region.is_empty() && !name.is_empty() && name.chars().all(allowed)
    },
};

fn checked_arn(reader: &mut TableReader<'_>, arn: TextTemplate, of: &Arn) -> Option<TextTemplate> {
    let hint = || format!("the ARN of {} is like `{}`", of.what, of.example);
    if let Some(template) = arn.value.template() {
        for problem in variables::unknown(template, of.key, &variables::known(&[])) {
            // A variable of targets is not wrong for want of a `for_each`.
            let of_targets = problem.hint.as_ref().is_some_and(|hint| hint.contains("for_each"));
            let all = format!("`{}` is one for all targets of an account and region: {}", of.key, hint());
            reader.problem(if of_targets { problem.hint(all) } else { problem });
        }
    }
    if let Some(fault) = arn.value.literal().and_then(|text| arn_fault(text, of, None)) {
        reader.problem(Diagnostic::error(fault).at(arn.place).hint(hint()));
        return None;
    }
    Some(arn)
}

/// The role's ARN in an account and region.
pub(super) fn role_in(role: &TextTemplate, scope: &Scope) -> Result<String, Box<Diagnostic>> {
    arn_in(role, &ROLE, scope)
}

/// The ARN in an account and region of the role that Systems Manager takes on.
pub(super) fn automation_role_in(role: &TextTemplate, scope: &Scope) -> Result<String, Box<Diagnostic>> {
    arn_in(role, &AUTOMATION_ROLE, scope)
}

/// The queue's ARN in an account and region.
pub(super) fn queue_in(queue: &TextTemplate, scope: &Scope) -> Result<String, Box<Diagnostic>> {
    arn_in(queue, &QUEUE, scope)
}

fn arn_in(arn: &TextTemplate, of: &Arn, scope: &Scope) -> Result<String, Box<Diagnostic>> {
    let fault = match arn.value.render(&variables::of_scope(scope)) {
        Err(error) => format!("`{}` in {scope}: {error}", of.key),
        Ok(text) => match arn_fault(&text, of, Some(scope)) {
            None => return Ok(text),
            Some(fault) => fault,
        },
    };
    let hint = format!("the ARN of {} is like `{}`", of.what, of.example);
    Err(Box::new(Diagnostic::error(fault).at(arn.place.clone()).hint(hint)))
}

/// What is wrong with an ARN. A service takes no role of another account ("Granting a user permissions to pass a role
/// to an AWS service" in the IAM user guide), and a schedule no queue of another account or region.
fn arn_fault(text: &str, of: &Arn, scope: Option<&Scope>) -> Option<String> {
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    let ["arn", partition_of, service, region, account, name] = parts[..] else {
        return Some(format!("{text:?} is not the ARN of {}", of.what));
    };
    if account.len() != 12
        || !account.chars().all(|c| c.is_ascii_digit())
        || !(of.fits)(service, region, name)
    {
        if of.key == QUEUE.key
            && service == "sqs"
            && name.rsplit_once('.').is_some_and(|(_, end)| end == "fifo")
        {
            return Some(format!("{text:?} is a FIFO queue, and AWS takes only standard ones here"));
        }
        return Some(format!("{text:?} is not the ARN of {}", of.what));
    }
    let scope = scope?;
    let elsewhere = |what: &str, is: &str, other: &str| {
        Some(format!("{text:?} is of {what} {is}, and the schedules are in {what} {other}"))
    };
    match () {
        () if account != scope.account => elsewhere("account", account, &scope.account),
        () if partition_of != partition(&scope.region) => {
            elsewhere("partition", partition_of, partition(&scope.region))
        }
        () if !region.is_empty() && region != scope.region => elsewhere("region", region, &scope.region),
        () => None,
    }
}

/// The ARNs that a role may have, for a policy: `*` for each template in it.
pub(super) fn role_pattern(role: &TextTemplate) -> String {
    let Some(template) = role.value.template() else {
        return role.value.literal().cloned().unwrap_or_default();
    };
    let mut pattern = String::new();
    let mut rest = template.source();
    while let Some((before, after)) = rest.split_once("{{") {
        pattern.push_str(before);
        pattern.push('*');
        rest = after.split_once("}}").map_or("", |(_, after)| after);
    }
    if pattern.contains("{%") || rest.contains("{%") { "*".to_owned() } else { pattern + rest }
}

/// The project's group in an account and region, which all its schedules are in; wanted by whoever wants this one.
pub(super) fn group(project: &str, schedule: &Desired) -> Desired {
    let adopt = schedule.claim == Claim::Own { adopt: true };
    Desired {
        address: Address::new(schedule_group::KIND, schedule.address.scope.clone(), group_name(project)),
        fields: schedule_group::fields(),
        target: None,
        claim: Claim::Joint { adopt },
        ..schedule.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::Template;

    fn text(source: &str) -> TextTemplate {
        let place = Place::Named("here".to_owned());
        let value = if Template::is_template(source) {
            Templated::Template(Template::new(source, place.clone()).unwrap())
        } else {
            Templated::Literal(source.to_owned())
        };
        Placed { value, place }
    }

    #[test]
    fn a_role_is_of_the_schedules_account() {
        let scope = Scope::new("111122223333", "us-east-1");
        let role = |source: &str| role_in(&text(source), &scope).map_err(|fault| fault.summary);
        assert_eq!(
            role("arn:aws:iam::{{ account }}:role/x-{{ region }}"),
            Ok("arn:aws:iam::111122223333:role/x-us-east-1".to_owned())
        );
        assert!(role("arn:aws:iam::222233334444:role/x").unwrap_err().contains("account 222233334444"));
        assert_eq!(role("{{ region }}").unwrap_err(), "\"us-east-1\" is not the ARN of a role");
    }

    #[test]
    fn a_policy_names_the_roles_that_a_template_may_give() {
        assert_eq!(role_pattern(&text("arn:aws:iam::1:role/x")), "arn:aws:iam::1:role/x");
        assert_eq!(
            role_pattern(&text("arn:aws:iam::{{ account }}:role/{{ region }}-x")),
            "arn:aws:iam::*:role/*-x"
        );
        assert_eq!(role_pattern(&text("arn:{% if true %}a{% endif %}")), "*");
    }
}
