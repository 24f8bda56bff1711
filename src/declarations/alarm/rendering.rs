//! A block for one target: templates rendered, defaults filled in, everything checked.

use crate::manifest::{Placed, RenderError, RowReader, Scalar, Seconds, Template, Templated, Variables};
use crate::model::{Place, Severity};
use crate::resources::metric_alarm::TreatMissingData;
use crate::resources::metric_alarm::constraints::{self, PartialAlarm, Violation};

use super::block::{Actions, Text};
use super::choices::{FewSamples, Unit};
use super::dimensions::Dimensions;
use super::rendered::{Rendered, Settings};
use super::subject::Subject;
use super::{Alarm, checks};
use crate::declarations::target_problems::{TargetProblem, TargetProblems};
use crate::declarations::variables;

/// The defaults of `[[alarm]]`.
pub(super) const STATISTIC: &str = "Average";
pub(super) const PERIOD: u32 = 300;
pub(super) const EVALUATION_PERIODS: u32 = 1;
const TREAT_MISSING_DATA: TreatMissingData = TreatMissingData::Missing;

/// The alarm for one subject, or `None` after its problems were added.
pub(super) fn render(
    alarm: &Alarm,
    subject: &Subject<'_>,
    problems: &mut TargetProblems,
) -> Option<Rendered> {
    let mut rendering = Rendering::new(alarm, subject, problems);
    let optional = &alarm.block.optional;
    let variables = &subject.variables;
    // All fields are rendered before any `?`, so that each of them gets its diagnostic.
    let settings = rendering.settings();
    let dimensions = match &optional.dimensions {
        Some(Dimensions::Table(dimensions)) => rendering.entries("dimensions", dimensions),
        Some(Dimensions::Text(text)) => rendering.get("dimensions", text, variables).map(|pairs| pairs.0),
        None => Some(subject.defaults.iter().map(|(_, dimension)| dimension.clone()).collect()),
    };
    let tags = rendering.entries("tags", &optional.tags);
    let actions: Vec<_> = optional.actions.iter().map(|actions| rendering.actions(actions)).collect();
    let settings = settings?;
    let variables = rendering.subject.variables.with(settings.variables(&alarm.short_label));
    let name = rendering.get("name", &alarm.block.name, &variables);
    let description = match &optional.description {
        Some(text) => rendering.get("description", text, &variables).map(Some),
        None => Some(None),
    };
    let rendered = Rendered {
        name: name?,
        settings,
        description: description?.filter(|text| !text.is_empty()),
        dimensions: dimensions?,
        actions: actions.into_iter().collect::<Option<_>>()?,
        tags: tags?,
    };
    rendering.check(&rendered).then_some(rendered)
}

pub(super) struct Rendering<'a> {
    alarm: &'a Alarm,
    subject: &'a Subject<'a>,
    problems: &'a mut TargetProblems,
    /// The column of the cell that each field's value comes from.
    cells: Vec<(String, usize)>,
}

impl<'a> Rendering<'a> {
    pub(super) fn new(alarm: &'a Alarm, subject: &'a Subject<'a>, problems: &'a mut TargetProblems) -> Self {
        Self { alarm, subject, problems, cells: Vec::new() }
    }

    fn settings(&mut self) -> Option<Settings> {
        let block = &self.alarm.block;
        let optional = &block.optional;
        let default_namespace = self.subject.defaults.as_ref().map(|(namespace, _)| *namespace);
        let namespace = self.get_or("namespace", optional.namespace.as_ref(), || {
            default_namespace.unwrap_or_default().to_owned()
        });
        let metric = self.get("metric", &block.metric, &self.subject.variables);
        let statistic = self.get_or("statistic", optional.statistic.as_ref(), || STATISTIC.to_owned());
        let period = self.get_or("period", optional.period.as_ref(), || Seconds(PERIOD));
        let evaluation_periods =
            self.get_or("evaluation_periods", optional.evaluation_periods.as_ref(), || EVALUATION_PERIODS);
        let datapoints = self.get_or("datapoints_to_alarm", optional.datapoints_to_alarm.as_ref(), || {
            evaluation_periods.unwrap_or(EVALUATION_PERIODS)
        });
        let comparison = self.get("comparison", &block.comparison, &self.subject.variables);
        let threshold = self.get("threshold", &block.threshold, &self.subject.variables);
        let unit = self.get_or("unit", optional.unit.as_ref(), || Unit(None));
        let treat_missing_data =
            self.get_or("treat_missing_data", optional.treat_missing_data.as_ref(), || TREAT_MISSING_DATA);
        let few_samples =
            self.get_or("evaluate_low_sample_count_percentile", optional.few_samples.as_ref(), || {
                FewSamples(None)
            });
        let actions_enabled = self.get_or("actions_enabled", optional.actions_enabled.as_ref(), || true);
        Some(Settings {
            namespace: namespace?,
            metric: metric?,
            statistic: statistic?,
            period: period?.0,
            evaluation_periods: evaluation_periods?,
            datapoints_to_alarm: datapoints?,
            comparison: comparison?,
            // Adding zero turns -0 into 0, which AWS does too.
            threshold: threshold? + 0.0,
            unit: unit?.0,
            treat_missing_data: treat_missing_data?,
            few_samples: few_samples?.0,
            actions_enabled: actions_enabled?,
        })
    }

    /// The value of a template that looks at nothing but what a row without its target has.
    pub(super) fn check_row<T: Scalar>(
        &mut self,
        field: &str,
        value: Option<&Placed<Templated<T>>>,
    ) -> Option<T> {
        let sheet = self.subject.row.map(RowReader::sheet)?;
        // A column that does not exist was told of the template, and is not told of each row.
        let of_row = |template: &Template| {
            template.variables().iter().all(|name| self.subject.variables.has(name))
                && template.keys_of(variables::ROW).iter().all(|key| sheet.column(&key.key).is_some())
        };
        let value = value.filter(|value| value.value.template().is_some_and(of_row))?;
        self.get(field, value, &self.subject.variables)
    }

    fn get_or<T: Scalar>(
        &mut self,
        field: &str,
        value: Option<&Placed<Templated<T>>>,
        default: impl FnOnce() -> T,
    ) -> Option<T> {
        match value {
            Some(value) => self.get(field, value, &self.subject.variables),
            None => Some(default()),
        }
    }

    pub(super) fn get<T: Scalar>(
        &mut self,
        field: &str,
        value: &Placed<Templated<T>>,
        variables: &Variables,
    ) -> Option<T> {
        if let Some(row) = self.subject.row {
            row.forget();
        }
        let rendered = value.value.render(variables);
        if let Some(column) = self.subject.row.and_then(RowReader::last_read) {
            self.cells.push((field.to_owned(), column));
        }
        match rendered {
            Ok(value) => Some(value),
            Err(error) => {
                let source = value.value.template().map_or("", |template| template.source());
                self.render_problem(field, source, &value.place, &error);
                None
            }
        }
    }

    fn entries(&mut self, field: &str, entries: &[(Placed<String>, Text)]) -> Option<Vec<(String, String)>> {
        let rendered: Vec<Option<(String, String)>> = entries
            .iter()
            .map(|(key, text)| {
                let value = self.get(&format!("{field}.{}", key.value), text, &self.subject.variables)?;
                Some((key.value.clone(), value))
            })
            .collect();
        rendered.into_iter().collect()
    }

    /// A list of actions. One template may give several, as a cell of a spreadsheet holds them.
    fn actions(&mut self, actions: &Actions) -> Option<(&'static str, Vec<String>)> {
        let rendered: Vec<Option<Vec<String>>> = actions
            .list
            .iter()
            .map(|text| {
                let rendered = self.get(actions.field, text, &self.subject.variables)?;
                if text.value.template().is_none() {
                    return Some(vec![rendered]);
                }
                Some(arns(&rendered))
            })
            .collect();
        let lists: Option<Vec<Vec<String>>> = rendered.into_iter().collect();
        Some((actions.field, lists?.concat()))
    }

    fn render_problem(&mut self, field: &str, source: &str, place: &Place, error: &RenderError) {
        let label = &self.alarm.label;
        let lead = format!("`{field}` of {label} for ");
        let template = format!(": template `{source}`");
        let column = self.column(field);
        let header = column.zip(self.subject.row).map(|(column, row)| row.sheet().header(column));
        let (lead, tail, shared, found, hint) = match error {
            RenderError::Missing { variable } if header.is_some() => {
                let words = format!(": column `{}` is empty", header.unwrap_or_default());
                let hint = format!("fill in the cell, or write `{{{{ {variable} | default(…) }}}}`");
                (lead, words.clone(), words, None, Some(hint))
            }
            RenderError::Missing { variable } => {
                let hint = self.subject.missing_hint(variable);
                (format!("{error} on "), String::new(), String::new(), None, Some(hint))
            }
            RenderError::Unfit { text, reason } => {
                let shared = format!("{template} gave what {reason}");
                (lead, format!("{template} {error}"), shared, Some(format!("`{text}`")), None)
            }
            RenderError::Failed { .. } => {
                (lead, format!("{template} {error}"), format!("{template} {error}"), None, None)
            }
        };
        self.problems.push(TargetProblem {
            severity: Severity::Error,
            place: place.clone(),
            cell: self.cell(field),
            lead,
            subject: self.subject.words.clone(),
            tail,
            shared,
            found,
            hint,
        });
    }

    /// The column that the field's value comes from.
    fn column(&self, field: &str) -> Option<usize> {
        let of =
            |wanted: &str| self.cells.iter().rev().find(|(of, _)| of == wanted).map(|(_, column)| *column);
        // All dimensions may come from one cell.
        of(field).or_else(|| of(field.split_once('.')?.0))
    }

    /// The cell that the field's value comes from.
    pub(super) fn cell(&self, field: &str) -> Option<Place> {
        Some(self.subject.row?.place(self.column(field)?))
    }

    /// Adds what AWS would refuse, and says whether there was none of it.
    fn check(&mut self, rendered: &Rendered) -> bool {
        let violations = self.violations(&rendered.partial());
        let accepted = violations.iter().all(|violation| violation.severity == Severity::Warning);
        for violation in &violations {
            self.violation(violation);
        }
        accepted
    }

    /// Adds what AWS would refuse of the fields that are known. Warnings are left for when all are.
    pub(super) fn check_partial(&mut self, alarm: &PartialAlarm<'_>) {
        for violation in self.violations(alarm).iter().filter(|v| v.severity == Severity::Error) {
            self.violation(violation);
        }
    }

    fn violations(&self, alarm: &PartialAlarm<'_>) -> Vec<Violation> {
        let mut violations = constraints::check(alarm);
        violations.retain(|violation| !self.alarm.told.contains(violation));
        violations
    }

    fn violation(&mut self, violation: &Violation) {
        let block = &self.alarm.block;
        let place = match violation.field {
            "name" => &block.name.place,
            "metric" => &block.metric.place,
            "threshold" => &block.threshold.place,
            _ => block.optional.place_of(violation),
        };
        self.problems.push(TargetProblem {
            severity: violation.severity,
            place: place.clone(),
            cell: self.cell(&checks::field_of(violation)),
            lead: format!("`{}` of {} for ", checks::field_of(violation), self.alarm.label),
            subject: self.subject.words.clone(),
            tail: format!(" {}, found {}", violation.rule, violation.found),
            shared: format!(" {}, found", violation.rule),
            found: Some(violation.found.clone()),
            hint: violation.hint.clone(),
        });
    }
}

/// The actions in the text of a template: ARNs have neither blanks nor commas nor semicolons in them.
pub(super) fn arns(text: &str) -> Vec<String> {
    let arns = text.split(|c: char| c.is_whitespace() || c == ',' || c == ';');
    arns.filter(|arn| !arn.is_empty()).map(str::to_owned).collect()
}
