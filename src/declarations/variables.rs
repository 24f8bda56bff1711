//! The variables that templates can use.

use std::collections::BTreeSet;

use crate::inventory::{Selector, Target};
use crate::manifest::{RowReader, Template, Variables, hint_for};
use crate::model::{Diagnostic, Scope};

/// What every target has.
const OF_TARGETS: [&str; 7] = ["id", "name", "region", "account", "tags", "kind", "state"];

/// What there is without a target.
const OF_SCOPES: [&str; 2] = ["region", "account"];

/// What a row has that stands for itself, before its region and account are known.
pub(super) const OF_ROWS: [&str; 3] = ["id", "name", ROW];

/// The variables of a target.
pub(super) fn of_target(target: &Target) -> Variables {
    Variables::new(values(target))
}

/// The variables of a target, and of a part of it those that the whole does not have.
pub(super) fn of_whole(whole: &Target, part: &Target) -> Variables {
    of_target(part).with(values(whole))
}

fn values(target: &Target) -> Vec<(&'static str, minijinja::Value)> {
    let attributes = target.attributes.iter();
    let mut values: Vec<_> = attributes.map(|(name, value)| (*name, Variables::json(value))).collect();
    values.extend([
        ("id", target.id.as_str().into()),
        ("name", target.name.as_str().into()),
        ("region", target.scope.region.as_str().into()),
        ("account", target.scope.account.as_str().into()),
        ("tags", target.tags.clone().into()),
        ("kind", target.kind.name().into()),
        ("state", target.state.as_str().into()),
    ]);
    values
}

/// The variables of a row that stands for itself.
pub(super) fn of_row(id: &str, row: &RowReader) -> Variables {
    Variables::new(vec![("id", id.into()), ("name", id.into()), (ROW, row.value())])
}

/// The variables where there is no target.
pub(super) fn of_scope(scope: &Scope) -> Variables {
    Variables::new(vec![("region", scope.region.as_str().into()), ("account", scope.account.as_str().into())])
}

/// The names that can exist for what these selectors select; without selectors, for a scope.
pub(super) fn known(selectors: &[Selector]) -> Vec<&'static str> {
    if selectors.is_empty() {
        return OF_SCOPES.to_vec();
    }
    let attributes: BTreeSet<&str> =
        selectors.iter().flat_map(|selector| selector.kind.attributes()).copied().collect();
    OF_TARGETS.into_iter().chain(attributes).collect()
}

/// The name of the row in templates, for what comes from an inventory.
pub(super) const ROW: &str = "row";

/// An error for each variable of a template that cannot exist.
pub(super) fn unknown(template: &Template, field: &str, known: &[&str]) -> Vec<Diagnostic> {
    let unknown = template.variables().iter().filter(|name| !known.contains(&name.as_str()));
    unknown
        .map(|name| {
            let hint = if template.source().contains(&format!("-{name}")) {
                // `tags.expiry-date` is a subtraction to the template engine.
                format!("a tag whose key holds `-` is written `tags[\"…-{name}\"]`")
            } else if name == ROW {
                "rows come from an inventory: `for_each = { inventory = \"…\" }`".to_owned()
            } else if OF_TARGETS.contains(&name.as_str()) {
                "there is no target without `for_each`".to_owned()
            } else {
                hint_for(name, known, "there are")
            };
            Diagnostic::error(format!("`{field}`: there is no variable `{name}`"))
                .at(template.place().clone())
                .hint(hint)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::inventory::TargetKind;
    use crate::model::Place;

    fn template(source: &str) -> Template {
        Template::new(source, Place::Named("here".to_owned())).unwrap()
    }

    #[test]
    fn a_target_offers_its_tags_and_attributes() {
        let target = Target {
            kind: TargetKind::Ec2,
            scope: Scope::new("111122223333", "us-east-1"),
            id: "i-0abc".to_owned(),
            name: "web-1".to_owned(),
            state: "running".to_owned(),
            tags: BTreeMap::from([("a b".to_owned(), "x".to_owned())]),
            attributes: BTreeMap::from([("instance_type", "m5.large".into()), ("name", "shadow".into())]),
        };
        let source = "{{ kind }} {{ id }} {{ name }} {{ region }} {{ account }} {{ state }} {{ tags['a b'] }} \
                      {{ instance_type }}";
        assert_eq!(
            template(source).render(&of_target(&target)).unwrap(),
            "ec2 i-0abc web-1 us-east-1 111122223333 running x m5.large"
        );
    }

    #[test]
    fn variables_that_cannot_exist_are_found_without_a_target() {
        let ec2 = known(&[Selector::all(TargetKind::Ec2)]);
        let lines = |source: &str, known: &[&str]| -> Vec<String> {
            let unknown = unknown(&template(source), "name", known);
            let line = |d: Diagnostic| format!("{} ({})", d.summary, d.hint.unwrap());
            unknown.into_iter().map(line).collect()
        };
        assert_eq!(lines("{{ name }} {{ tags.x }} {{ image_id }}", &ec2), [""; 0]);
        assert_eq!(lines("{{ nme }}", &ec2), ["`name`: there is no variable `nme` (did you mean `name`?)"]);
        assert_eq!(
            lines("{{ tags.expiry-date }}", &ec2),
            ["`name`: there is no variable `date` (a tag whose key holds `-` is written `tags[\"…-date\"]`)"]
        );
        assert_eq!(
            lines("{{ tags.Name }}", &known(&[])),
            ["`name`: there is no variable `tags` (there is no target without `for_each`)"]
        );
        assert_eq!(
            lines("{{ colour }}", &known(&[])),
            ["`name`: there is no variable `colour` (there are: `region`, `account`)"]
        );
    }
}
