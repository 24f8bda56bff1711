//! What an alarm is made for: a target, a row whose target is not known yet, or a whole scope.

use crate::declarations::{Selected, variables};
use crate::inventory::{Target, TargetKind};
use crate::manifest::{RowReader, Variables, suggestion};
use crate::model::Scope;

/// The namespace of the metrics that AWS keeps of a kind of target.
pub(super) fn default_namespace(kind: TargetKind) -> &'static str {
    match kind {
        TargetKind::Ec2 => "AWS/EC2",
        TargetKind::Ebs => "AWS/EBS",
        TargetKind::Rds | TargetKind::RdsCluster => "AWS/RDS",
    }
}

/// What an alarm is made for.
pub(super) struct Subject<'a> {
    target: Option<&'a Target>,
    pub(super) variables: Variables,
    /// In words: `i-0abc (web-1)`.
    pub(super) words: String,
    /// Namespace, and dimension with value, of a target.
    pub(super) defaults: Option<(&'static str, (String, String))>,
    /// The target's row, where it comes from an inventory.
    pub(super) row: Option<&'a RowReader>,
}

impl<'a> Subject<'a> {
    pub(super) fn target(selected: &'a Selected<'a>) -> Self {
        let Selected { target, row } = selected;
        let mut variables = variables::of_target(target);
        if let Some(row) = row {
            variables = variables.with(vec![(variables::ROW, row.value())]);
        }
        Self {
            target: Some(target),
            variables,
            words: target.reference().words(),
            defaults: Some((
                default_namespace(target.kind),
                (target.kind.dimension().to_owned(), target.id.clone()),
            )),
            row: row.as_ref(),
        }
    }

    /// A row whose target is not known yet.
    pub(super) fn row_of_target(id: &str, row: &'a RowReader) -> Self {
        let variables = Variables::new(vec![("id", id.into()), (variables::ROW, row.value())]);
        Self { target: None, variables, words: id.to_owned(), defaults: None, row: Some(row) }
    }

    /// A row that stands for itself.
    pub(super) fn row(id: &str, row: &'a RowReader) -> Self {
        let variables = variables::of_row(id, row);
        Self { target: None, variables, words: id.to_owned(), defaults: None, row: Some(row) }
    }

    /// Such a row where it belongs.
    pub(super) fn row_in(scope: &Scope, id: &str, row: &'a RowReader) -> Self {
        let subject = Self::row(id, row);
        let place =
            vec![("region", scope.region.as_str().into()), ("account", scope.account.as_str().into())];
        Self { variables: subject.variables.with(place), ..subject }
    }

    pub(super) fn scope(scope: &Scope) -> Self {
        let variables = variables::of_scope(scope);
        Self { target: None, variables, words: scope.to_string(), defaults: None, row: None }
    }

    /// What to do about a missing variable. Keys of tags differ in upper and lower case on AWS, which people overlook.
    pub(super) fn missing_hint(&self, variable: &str) -> String {
        let default = format!("a default is written `{{{{ {variable} | default(…) }}}}`");
        let near = variable.strip_prefix("tags.").and_then(|key| {
            let keys = self.target?.tags.keys().map(String::as_str);
            suggestion(key, keys)
        });
        match near {
            Some(near) => format!("there is a tag `{near}`; {default}"),
            None => default,
        }
    }
}
