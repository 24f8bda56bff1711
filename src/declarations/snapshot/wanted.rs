//! The schedule of one volume, and what its templates give.

use serde_json::json;

use crate::declarations::target_problems::{TargetProblem, TargetProblems};
use crate::declarations::{Selected, timezone, variables};
use crate::inventory::Target;
use crate::manifest::{Placed, RenderError, Scalar, Templated, Variables};
use crate::model::{Address, Claim, Desired, Origin, Place, Severity};
use crate::resources::schedule::{self, Schedule, names};
use crate::resources::snapshot;

use super::Snapshots;

/// "Tag restrictions" in the EC2 user guide: a value has up to 256 characters.
const VALUE_LENGTH: usize = 256;

/// `Description` of `CreateSnapshot`: up to 255 characters.
const DESCRIPTION_LENGTH: usize = 255;

/// Renders the templates of a block for one volume; every problem is recorded.
pub(super) struct Rendering<'a> {
    of: &'a Snapshots,
    target: &'a Target,
    variables: Variables,
    problems: &'a mut TargetProblems,
}

impl<'a> Rendering<'a> {
    pub(super) fn new(of: &'a Snapshots, selected: &Selected<'a>, problems: &'a mut TargetProblems) -> Self {
        let mut variables = variables::of_target(selected.target);
        if let Some(row) = &selected.row {
            variables = variables.with(vec![(variables::ROW, row.value())]);
        }
        Self { of, target: selected.target, variables, problems }
    }

    /// The value of a key; `None` after a problem was recorded.
    pub(super) fn get<T: Scalar>(&mut self, field: &str, value: &Placed<Templated<T>>) -> Option<T> {
        let fault = match value.value.render(&self.variables) {
            Ok(value) => return Some(value),
            Err(error @ RenderError::Missing { .. }) => format!(": {error}"),
            Err(error) => format!(": the template {error}"),
        };
        self.problem(field, &value.place, fault);
        None
    }

    /// A text that AWS takes; a default where the key is left out.
    fn text(
        &mut self,
        field: &str,
        value: Option<&Placed<Templated<String>>>,
        longest: usize,
        default: String,
    ) -> Option<String> {
        let Some(value) = value else {
            return Some(default.chars().take(longest).collect());
        };
        let text = self.get(field, value)?;
        let length = text.chars().count();
        if length > longest {
            self.problem(field, &value.place, format!(": {length} characters, and AWS takes {longest}"));
            return None;
        }
        Some(text)
    }

    fn problem(&mut self, field: &str, place: &Place, fault: String) {
        self.problems.push(TargetProblem {
            severity: Severity::Error,
            place: place.clone(),
            cell: None,
            lead: format!("`{field}` of {} for ", self.of.label),
            subject: self.target.reference().words(),
            tail: fault.clone(),
            shared: fault,
            found: None,
            hint: None,
        });
    }
}

impl Snapshots {
    /// The schedule of one volume.
    pub(super) fn wanted(
        &self,
        selected: &Selected<'_>,
        role: &str,
        problems: &mut TargetProblems,
    ) -> Option<Desired> {
        let target = selected.target;
        let schedule = self.schedule(selected, role, problems)?;
        let key = names::key(&self.project, &[&self.short_label, &target.id]);
        Some(Desired {
            address: Address::new(schedule::KIND, target.scope.clone(), key),
            fields: schedule.to_fields(),
            origin: Origin { label: self.label.clone(), place: self.place.line() },
            place: self.place.clone(),
            target: Some(target.reference()),
            claim: Claim::Own { adopt: false },
            protect: self.block.protect,
        })
    }

    fn schedule(
        &self,
        selected: &Selected<'_>,
        role: &str,
        problems: &mut TargetProblems,
    ) -> Option<Schedule> {
        let (block, target) = (&self.block, selected.target);
        let mut rendering = Rendering::new(self, selected, problems);
        // All are rendered before any `?`, so that each of them gets its diagnostic.
        let name = format!("{} {}", target.name, self.short_label);
        let name = rendering.text("name", block.name.as_ref(), VALUE_LENGTH, name);
        let description = format!("{} of {}", self.label, target.id);
        let description =
            rendering.text("description", block.description.as_ref(), DESCRIPTION_LENGTH, description);
        let tags: Vec<Option<(String, String)>> = block
            .tags
            .iter()
            .map(|(key, text)| {
                let value =
                    rendering.text(&format!("tags.{}", key.value), Some(text), VALUE_LENGTH, String::new());
                Some((key.value.clone(), value?))
            })
            .collect();
        let mut tags: Vec<(String, String)> = tags.into_iter().collect::<Option<_>>()?;
        tags.push(("Name".to_owned(), name?));
        tags.extend(snapshot::own_tags(&self.project, &self.label));
        tags.sort();
        let tags: Vec<_> =
            tags.into_iter().map(|(key, value)| json!({ "Key": key, "Value": value })).collect();
        let call = schedule::universal_target(&target.scope.region, "ec2", "createSnapshot");
        let zone = timezone::name(&block.timezone);
        // A call that is tried again makes a second snapshot, so there are no retries, as `Schedule::new` has it.
        let mut schedule = Schedule::new(&block.schedule, zone, &call, role);
        schedule.input = json!({
            "VolumeId": target.id,
            "Description": description?,
            "TagSpecifications": [{ "ResourceType": "snapshot", "Tags": tags }],
        });
        schedule.description = Some(schedule::description(&self.project, &self.label));
        Some(schedule)
    }
}
