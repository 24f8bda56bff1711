//! What the templates of a block give for one volume.

use crate::declarations::target_problems::{TargetProblem, TargetProblems};
use crate::declarations::{Selected, variables};
use crate::inventory::Target;
use crate::manifest::{Placed, RenderError, Scalar, Templated, Variables};
use crate::model::{Place, Severity, TargetRef};
use crate::resources::snapshot;

use super::Snapshots;
use super::holders::Holder;

/// "Tag restrictions" in the EC2 user guide: a value has up to 256 characters.
const VALUE_LENGTH: usize = 256;

/// `Description` of `CreateSnapshot` and `CreateSnapshots`: up to 255 characters.
const DESCRIPTION_LENGTH: usize = 255;

/// Renders the templates of a block for one volume; every problem is recorded.
pub(super) struct Rendering<'a> {
    of: &'a Snapshots,
    /// The volume.
    volume: &'a Target,
    /// The instance that it is taken with, whose tags the templates see then.
    instance: Option<&'a Target>,
    /// Whether it is the first of those that are taken together, for which what all of them lack is told.
    is_first: bool,
    variables: Variables,
    problems: &'a mut TargetProblems,
}

/// What a snapshot is given besides its data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Texts {
    pub(super) description: String,
    /// All tags, sorted by key.
    pub(super) tags: Vec<(String, String)>,
}

impl Texts {
    /// Where two differ: the key of the block, and both values.
    pub(super) fn difference<'a>(&'a self, other: &'a Self) -> Option<(String, &'a str, &'a str)> {
        let of_tags = self.tags.iter().zip(&other.tags).find(|(one, two)| one != two);
        match of_tags {
            Some(((key, one), (_, two))) if key == "Name" => Some(("name".to_owned(), one, two)),
            Some(((key, one), (_, two))) => Some((format!("tags.{key}"), one, two)),
            None if self.description == other.description => None,
            None => Some(("description".to_owned(), &self.description, &other.description)),
        }
    }
}

impl<'a> Rendering<'a> {
    /// With the variables of the volume.
    pub(super) fn new(of: &'a Snapshots, selected: &Selected<'a>, problems: &'a mut TargetProblems) -> Self {
        let variables = with_row(variables::of_target(selected.target), selected);
        Self { of, volume: selected.target, instance: None, is_first: true, variables, problems }
    }

    /// With the variables of the instance that holds the volume, and those of the volume that an instance does not have.
    pub(super) fn within(
        of: &'a Snapshots,
        holder: &Holder<'a>,
        selected: &Selected<'a>,
        problems: &'a mut TargetProblems,
    ) -> Self {
        let variables = with_row(variables::of_whole(holder.target, selected.target), selected);
        let is_first = holder.volumes.first().is_some_and(|first| first.target.id == selected.target.id);
        Self { of, volume: selected.target, instance: Some(holder.target), is_first, variables, problems }
    }

    /// The value of a key; `None` after a problem was recorded.
    pub(super) fn get<T: Scalar>(&mut self, field: &str, value: &Placed<Templated<T>>) -> Option<T> {
        let fault = match value.value.render(&self.variables) {
            Ok(value) => return Some(value),
            Err(error @ RenderError::Missing { .. }) => {
                if let (Some(instance), true) = (self.instance, is_tag(&error)) {
                    if self.is_first {
                        self.problem_of(instance, field, &value.place, format!(": {error}"));
                    }
                    return None;
                }
                format!(": {error}")
            }
            Err(error) => format!(": the template {error}"),
        };
        self.problem(field, &value.place, fault);
        None
    }

    /// Description and tags of the snapshots of a volume or an instance.
    pub(super) fn texts(&mut self, holder: &TargetRef) -> Option<Texts> {
        let (of, block) = (self.of, &self.of.block);
        // All are rendered before any `?`, so that each of them gets its diagnostic.
        let name = format!("{} {}", holder.name, of.short_label);
        let name = self.text("name", block.name.as_ref(), VALUE_LENGTH, name);
        let description = format!("{} of {}", of.label, holder.id);
        let description =
            self.text("description", block.description.as_ref(), DESCRIPTION_LENGTH, description);
        let tags: Vec<Option<(String, String)>> = block
            .tags
            .iter()
            .map(|(key, text)| {
                let field = format!("tags.{}", key.value);
                let value = self.text(&field, Some(text), VALUE_LENGTH, String::new());
                Some((key.value.clone(), value?))
            })
            .collect();
        let mut tags: Vec<(String, String)> = tags.into_iter().collect::<Option<_>>()?;
        tags.push(("Name".to_owned(), name?));
        tags.extend(snapshot::own_tags(&of.project, &of.label));
        tags.sort();
        Some(Texts { description: description?, tags })
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
        self.problem_of(self.volume, field, place, fault);
    }

    fn problem_of(&mut self, target: &Target, field: &str, place: &Place, fault: String) {
        let lead = format!("`{field}` of {} for ", self.of.label);
        self.problems.push(problem(lead, &target.reference(), place, fault));
    }
}

/// Whether a tag is missing.
fn is_tag(error: &RenderError) -> bool {
    matches!(error, RenderError::Missing { variable } if variable.starts_with("tags"))
}

fn with_row(variables: Variables, selected: &Selected<'_>) -> Variables {
    match &selected.row {
        Some(row) => variables.with(vec![(variables::ROW, row.value())]),
        None => variables,
    }
}

/// An error about a target that is told once where many have it.
pub(super) fn problem(lead: String, target: &TargetRef, place: &Place, fault: String) -> TargetProblem {
    TargetProblem {
        severity: Severity::Error,
        place: place.clone(),
        cell: None,
        lead,
        subject: target.words(),
        tail: fault.clone(),
        shared: fault,
        found: None,
        hint: None,
    }
}
