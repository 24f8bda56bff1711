//! A block for one target: templates rendered, defaults filled in, everything checked.

use crate::manifest::{Placed, RenderError, RowReader, Scalar, Seconds, Template, Templated, Variables};
use crate::model::{Diagnostics, Place, Severity};
use crate::resources::metric_alarm::constraints::{self, PartialAlarm, Violation};
use crate::resources::metric_alarm::{MetricAlarm, Statistic};

use super::block::{Block, Text};
use super::subject::Subject;
use super::{Alarm, checks};
use crate::declarations::target_problems::{TargetProblem, TargetProblems};
use crate::declarations::{ForEach, variables};

/// The defaults of `[[alarm]]`.
pub(super) const STATISTIC: &str = "Average";
pub(super) const PERIOD: u32 = 300;
pub(super) const EVALUATION_PERIODS: u32 = 1;

/// What is wrong with cells whatever their targets are like: templates that look at nothing but the row.
pub(super) fn check_rows(alarm: &Alarm, for_each: &ForEach) -> Diagnostics {
    let mut problems = TargetProblems::default();
    let optional = &alarm.block.optional;
    for (id, row) in for_each.certain_rows() {
        let subject = Subject::row(id, &row);
        let mut rendering =
            Rendering { alarm, subject: &subject, problems: &mut problems, cells: Vec::new() };
        rendering.check_row("threshold", Some(&alarm.block.threshold));
        rendering.check_row("statistic", optional.statistic.as_ref());
        rendering.check_row("period", optional.period.as_ref());
        rendering.check_row("evaluation_periods", optional.evaluation_periods.as_ref());
        rendering.check_row("datapoints_to_alarm", optional.datapoints_to_alarm.as_ref());
        rendering.check_row("description", optional.description.as_ref());
        for (key, text) in &optional.tags {
            rendering.check_row(&format!("tags.{}", key.value), Some(text));
        }
        for actions in &optional.actions {
            for action in &actions.list {
                rendering.check_row(actions.field, Some(action));
            }
        }
    }
    problems.into_diagnostics()
}

/// What the templates gave.
pub(super) struct Rendered {
    pub(super) name: String,
    settings: Settings,
    description: Option<String>,
    dimensions: Vec<(String, String)>,
    actions: Vec<(&'static str, Vec<String>)>,
    tags: Vec<(String, String)>,
}

/// The settings that `name` and `description` can use.
struct Settings {
    namespace: String,
    metric: String,
    statistic: String,
    period: u32,
    evaluation_periods: u32,
    datapoints_to_alarm: u32,
    threshold: f64,
}

/// The alarm for one subject, or `None` after its problems were added.
pub(super) fn render(
    alarm: &Alarm,
    subject: &Subject<'_>,
    problems: &mut TargetProblems,
) -> Option<Rendered> {
    let mut rendering = Rendering { alarm, subject, problems, cells: Vec::new() };
    let optional = &alarm.block.optional;
    let variables = &subject.variables;
    // All fields are rendered before any `?`, so that each of them gets its diagnostic.
    let settings = rendering.settings();
    let dimensions = match &optional.dimensions {
        Some(dimensions) => rendering.entries("dimensions", dimensions),
        None => Some(subject.defaults.iter().map(|(_, dimension)| dimension.clone()).collect()),
    };
    let tags = rendering.entries("tags", &optional.tags);
    let lists = optional.actions.iter();
    let actions: Vec<_> = lists
        .map(|actions| {
            let rendered = actions.list.iter().map(|text| rendering.get(actions.field, text, variables));
            let rendered: Vec<Option<String>> = rendered.collect();
            Some((actions.field, rendered.into_iter().collect::<Option<Vec<String>>>()?))
        })
        .collect();
    let settings = settings?;
    let variables = rendering.with_settings(&settings);
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

struct Rendering<'a> {
    alarm: &'a Alarm,
    subject: &'a Subject<'a>,
    problems: &'a mut TargetProblems,
    /// The column of the cell that each field's value comes from.
    cells: Vec<(String, usize)>,
}

impl Rendering<'_> {
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
        let threshold = self.get("threshold", &block.threshold, &self.subject.variables);
        Some(Settings {
            namespace: namespace?,
            metric: metric?,
            statistic: statistic?,
            period: period?.0,
            evaluation_periods: evaluation_periods?,
            datapoints_to_alarm: datapoints?,
            // Adding zero turns -0 into 0, which AWS does too.
            threshold: threshold? + 0.0,
        })
    }

    fn with_settings(&self, settings: &Settings) -> Variables {
        self.subject.variables.with(vec![
            ("threshold", Variables::number(settings.threshold)),
            ("metric", settings.metric.as_str().into()),
            ("namespace", settings.namespace.as_str().into()),
            ("statistic", settings.statistic.as_str().into()),
            ("comparison", self.alarm.block.comparison.sign().into()),
            ("period", settings.period.into()),
            ("evaluation_periods", settings.evaluation_periods.into()),
            ("datapoints_to_alarm", settings.datapoints_to_alarm.into()),
            ("label", self.alarm.short_label.as_str().into()),
        ])
    }

    fn check_row<T: Scalar>(&mut self, field: &str, value: Option<&Placed<Templated<T>>>) {
        let Some(sheet) = self.subject.row.map(RowReader::sheet) else { return };
        // A column that does not exist was told of the template, and is not told of each row.
        let of_row = |template: &Template| {
            template.variables().iter().all(|name| name == variables::ROW)
                && template.keys_of(variables::ROW).iter().all(|key| sheet.column(&key.key).is_some())
        };
        if let Some(value) = value.filter(|value| value.value.template().is_some_and(of_row)) {
            self.get(field, value, &self.subject.variables);
        }
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

    fn get<T: Scalar>(
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
        self.cells.iter().rev().find(|(of, _)| of == field).map(|(_, column)| *column)
    }

    /// The cell that the field's value comes from.
    fn cell(&self, field: &str) -> Option<Place> {
        Some(self.subject.row?.place(self.column(field)?))
    }

    /// Adds what AWS would refuse, and says whether there was none of it.
    fn check(&mut self, rendered: &Rendered) -> bool {
        let few_samples = self.alarm.block.optional.few_samples.is_some();
        let violations = constraints::check(&rendered.partial(few_samples));
        let mut accepted = true;
        for violation in violations.iter().filter(|violation| !self.alarm.told.contains(violation)) {
            accepted &= violation.severity == Severity::Warning;
            self.violation(violation);
        }
        accepted
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

impl Rendered {
    fn partial(&self, on_few_samples: bool) -> PartialAlarm<'_> {
        fn pairs(pairs: &[(String, String)]) -> Vec<(&str, Option<&str>)> {
            pairs.iter().map(|(key, value)| (key.as_str(), Some(value.as_str()))).collect()
        }
        let settings = &self.settings;
        PartialAlarm {
            name: Some(&self.name),
            namespace: Some(&settings.namespace),
            metric: Some(&settings.metric),
            dimensions: pairs(&self.dimensions),
            statistic: Some(&settings.statistic),
            period: Some(settings.period),
            evaluation_periods: Some(settings.evaluation_periods),
            datapoints_to_alarm: Some(settings.datapoints_to_alarm),
            threshold: Some(settings.threshold),
            on_few_samples,
            actions: self
                .actions
                .iter()
                .map(|(field, list)| (*field, list.iter().map(|action| Some(action.as_str())).collect()))
                .collect(),
            description: self.description.as_deref(),
            tags: pairs(&self.tags),
        }
    }

    /// The spec, with what no template can change from the block.
    pub(super) fn into_spec(self, block: &Block) -> MetricAlarm {
        let optional = &block.optional;
        let settings = self.settings;
        let mut spec = MetricAlarm {
            namespace: settings.namespace,
            metric: settings.metric,
            dimensions: self.dimensions.into_iter().collect(),
            statistic: Statistic(settings.statistic),
            period: settings.period,
            evaluation_periods: settings.evaluation_periods,
            datapoints_to_alarm: settings.datapoints_to_alarm,
            comparison: block.comparison,
            threshold: settings.threshold,
            unit: optional.unit.clone(),
            treat_missing_data: optional.treat_missing_data,
            evaluate_low_sample_count_percentile: optional
                .few_samples
                .as_ref()
                .map(|choice| choice.value.to_owned())
                // What AWS does without the parameter; left out in normal form.
                .filter(|word| word != "evaluate"),
            actions_enabled: optional.actions_enabled,
            ok_actions: std::collections::BTreeSet::new(),
            alarm_actions: std::collections::BTreeSet::new(),
            insufficient_data_actions: std::collections::BTreeSet::new(),
            description: self.description,
            tags: self.tags.into_iter().collect(),
        };
        for (field, list) in self.actions {
            match field {
                "ok_actions" => spec.ok_actions.extend(list),
                "alarm_actions" => spec.alarm_actions.extend(list),
                _ => spec.insufficient_data_actions.extend(list),
            }
        }
        spec
    }
}
