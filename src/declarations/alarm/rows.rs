//! Alarms that a sheet lists itself, one a row.

use std::sync::Arc;

use crate::manifest::{Placed, RowReader, TableReader, Templated, is_region};
use crate::model::{Place, Scope, Severity, TargetRef};

use super::block::Text;
use super::rendering::Rendering;
use super::subject::Subject;
use super::{Alarm, checks};
use crate::declarations::inventories::unknown_columns;
use crate::declarations::target_problems::{TargetProblem, TargetProblems};
use crate::declarations::{Context, Inventory, World, variables};

/// The digits of an account's id.
const ACCOUNT_DIGITS: usize = 12;

/// The rows of an inventory of kind `row`, and where on AWS each of them belongs.
#[derive(Debug)]
pub(super) struct Rows {
    pub(super) inventory: Arc<Inventory>,
    region: Text,
    /// Left out: every account of the manifest.
    account: Option<Text>,
    /// Where `for_each` stands.
    pub(super) place: Place,
}

/// A row with one of the scopes that it belongs to.
pub(super) struct Placement {
    pub(super) id: String,
    pub(super) row: RowReader,
    pub(super) scope: Scope,
}

impl Placement {
    /// The row as the target of what is made for it.
    pub(super) fn reference(&self) -> TargetRef {
        TargetRef { kind: TargetRef::ROW.to_owned(), id: self.id.clone(), name: self.id.clone() }
    }
}

impl Rows {
    /// Reads the keys that go with rows: `region` and `account`.
    pub(super) fn read(
        reader: &mut TableReader<'_>,
        context: &Context<'_>,
        inventory: Arc<Inventory>,
        place: Place,
    ) -> Option<Self> {
        let account = reader.optional::<Templated<String>>("account");
        let region = if reader.place_of("region").is_some() {
            reader.optional::<Templated<String>>("region")?
        } else {
            let only = checks::region(reader, None, &context.settings.aws.regions)?;
            Placed { value: Templated::Literal(only.value), place: only.place }
        };
        for (field, text) in [("region", Some(&region)), ("account", account.as_ref())] {
            let Some(template) = text.and_then(|text| text.value.template()) else { continue };
            let mut problems = variables::unknown(template, field, &variables::OF_ROWS);
            problems.extend(unknown_columns(template, field, inventory.sheet()));
            for problem in problems {
                reader.problem(problem);
            }
        }
        Some(Self { inventory, region, account, place })
    }

    /// The templates of `region` and `account` that a row's cells do not fit.
    pub(super) fn check(&self, rendering: &mut Rendering<'_>) {
        rendering.check_row("region", Some(&self.region));
        rendering.check_row("account", self.account.as_ref());
    }

    /// Each row with each of the scopes where it belongs. What belongs nowhere is a problem.
    pub(super) fn placements(
        &self,
        alarm: &Alarm,
        world: &World<'_>,
        problems: &mut TargetProblems,
    ) -> Vec<Placement> {
        let mut placements = Vec::new();
        for (id, row) in self.inventory.rows() {
            let subject = Subject::row(id, &row);
            let mut rendering = Rendering::new(alarm, &subject, problems);
            let region = rendering.get("region", &self.region, &subject.variables);
            let account =
                self.account.as_ref().map(|account| rendering.get("account", account, &subject.variables));
            let (Some(region), Some(account)) =
                (region, account.map_or(Some(None), |account| account.map(Some)))
            else {
                continue;
            };
            let region = region.trim().to_owned();
            let account = account.map(|account| account_id(&account));
            let here = |scope: &&Scope| {
                scope.region == region && account.as_ref().is_none_or(|account| *account == scope.account)
            };
            if !world.manifest_scopes.iter().any(|scope| here(&scope)) {
                let (field, text, found) = nowhere(self, &region, account.as_deref(), world);
                let cell = rendering.cell(field);
                problems.push(problem(alarm, id, text.place.clone(), cell, field, found));
            }
            placements.extend(world.scopes.iter().filter(here).map(|scope| Placement {
                id: id.to_owned(),
                row: row.clone(),
                scope: scope.clone(),
            }));
        }
        placements
    }
}

/// Which of the two is to blame for a row that belongs to no scope of the manifest.
fn nowhere<'a>(
    rows: &'a Rows,
    region: &str,
    account: Option<&str>,
    world: &World<'_>,
) -> (&'static str, &'a Text, String) {
    let known = world.manifest_scopes.iter().any(|scope| scope.region == region);
    match (&rows.account, account) {
        (Some(text), Some(account)) if known => ("account", text, account.to_owned()),
        _ => ("region", &rows.region, region.to_owned()),
    }
}

fn problem(
    alarm: &Alarm,
    id: &str,
    place: Place,
    cell: Option<Place>,
    field: &str,
    found: String,
) -> TargetProblem {
    let (rule, hint) = if field == "account" {
        (" must be one of the manifest's accounts", "an account is written as its 12 digits".to_owned())
    } else if is_region(&found) {
        (" must be one of the manifest's regions", "list it in `[aws] regions`".to_owned())
    } else {
        (" must be a region's code", "codes look like `ap-northeast-2` or `us-gov-west-1`".to_owned())
    };
    TargetProblem {
        severity: Severity::Error,
        place,
        cell,
        lead: format!("`{field}` of {} for ", alarm.label),
        subject: id.to_owned(),
        tail: format!("{rule}, found {found:?}"),
        shared: format!("{rule}, found"),
        found: Some(format!("{found:?}")),
        hint: Some(hint),
    }
}

/// The id of an account: spreadsheets take it for a number, and drop the zeros before it.
fn account_id(text: &str) -> String {
    let text = text.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return format!("{text:0>ACCOUNT_DIGITS$}");
    }
    text.to_owned()
}
