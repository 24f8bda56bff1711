//! What the declarations that make schedules have in common: expressions, roles, and the project's group.

use std::ops::Range;

use super::variables;
use super::{PassedRole, TextTemplate};
use crate::cron::Expression;
use crate::manifest::{Placed, TableReader, Templated};
use crate::model::{Address, Claim, Desired, Diagnostic, Place, Scope};
use crate::resources::schedule::names::group_name;
use crate::resources::schedule_group;

/// The key of a schedule's expression: `cron(…)` or `rate(…)`, in AWS's dialect.
pub(super) fn expression(reader: &mut TableReader<'_>, key: &'static str) -> Option<Placed<String>> {
    let written = reader.optional::<String>(key)?;
    let field = reader.path(key);
    let problem = match Expression::parse(&written.value) {
        Ok(Expression::At(_)) => Diagnostic::error(format!("`{field}` comes once: `at(…)`"))
            .at(written.place.clone())
            .hint("write `cron(…)` or `rate(…)`"),
        Ok(expression) if expression.never_fires() => {
            Diagnostic::error(format!("`{field}`: there is no such day")).at(written.place.clone())
        }
        Ok(_) => return Some(written),
        Err(fault) => Diagnostic::error(format!("`{field}`: {}", fault.message))
            .at(within(&written, fault.range))
            .hint(fault.hint),
    };
    reader.problem(problem);
    None
}

/// A part of a text as a place in the file, where the file holds the text to the letter; else the whole text.
fn within(written: &Placed<String>, range: Range<usize>) -> Place {
    let place = || {
        let Place::Text { file, span } = &written.place else { return None };
        let begin = span.start + file.text.get(span.clone())?.find(&written.value)?;
        Some(Place::text(file, begin + range.start..begin + range.end))
    };
    place().unwrap_or_else(|| written.place.clone())
}

/// The key `role_arn`: the role with which EventBridge Scheduler calls its targets. A template may use `account` and
/// `region`.
pub(super) fn role(reader: &mut TableReader<'_>) -> Option<TextTemplate> {
    let role: TextTemplate = reader.required::<Templated<String>>("role_arn")?;
    if let Some(template) = role.value.template() {
        for problem in variables::unknown(template, "role_arn", &variables::known(&[])) {
            reader.problem(problem);
        }
    }
    if let Some(fault) = role.value.literal().and_then(|arn| role_fault(arn, None)) {
        reader.problem(
            Diagnostic::error(fault)
                .at(role.place)
                .hint("a role's ARN is like `arn:aws:iam::{{ account }}:role/opsform-schedule`"),
        );
        return None;
    }
    Some(role)
}

/// The role's ARN in an account and region.
pub(super) fn role_in(role: &TextTemplate, scope: &Scope) -> Result<String, Box<Diagnostic>> {
    let fault = match role.value.render(&variables::of_scope(scope)) {
        Err(error) => format!("`role_arn` in {scope}: {error}"),
        Ok(arn) => match role_fault(&arn, Some(&scope.account)) {
            None => return Ok(arn),
            Some(fault) => fault,
        },
    };
    let hint = "`{{ account }}` in `role_arn` is the account's id";
    Err(Box::new(Diagnostic::error(fault).at(role.place.clone()).hint(hint)))
}

/// What is wrong with a role's ARN. A service takes no role of another account ("Granting a user permissions to pass a role
/// to an AWS service" in the IAM user guide).
fn role_fault(arn: &str, account: Option<&str>) -> Option<String> {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    match parts[..] {
        ["arn", _, "iam", "", of, name] if name.starts_with("role/") && name.len() > "role/".len() => {
            let other = account.filter(|account| *account != of)?;
            Some(format!("{arn:?} is a role of account {of}, and the schedules are in account {other}"))
        }
        _ => Some(format!("{arn:?} is not the ARN of a role")),
    }
}

/// The role as EventBridge Scheduler gets it.
pub(super) fn passed_role(role: &TextTemplate) -> PassedRole {
    PassedRole { service: "scheduler.amazonaws.com", arn: role_pattern(role) }
}

/// The ARNs that a role may have, for a policy: `*` for each template in it.
fn role_pattern(role: &TextTemplate) -> String {
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
