//! What can be said of a block before any target is known.

use crate::inventory::Selector;
use crate::manifest::{Placed, Regions, Scalar, Sheet, TableReader, Templated, is_region};
use crate::model::{Diagnostic, Place, Severity};
use crate::resources::metric_alarm::constraints::{self, PartialAlarm, Violation};

use super::block::{Draft, Text};
use super::dimensions::Dimensions;
use super::{rendering, subject};
use crate::declarations::inventories::unknown_columns;
use crate::declarations::variables;

/// The variables that `name` and `description` can use besides the target's: the alarm's own settings.
pub(super) const SETTINGS: [&str; 9] = [
    "threshold",
    "metric",
    "namespace",
    "statistic",
    "comparison",
    "period",
    "evaluation_periods",
    "datapoints_to_alarm",
    "label",
];

/// The region of an alarm without targets: the one given, or the only one there is.
pub(super) fn region(
    reader: &mut TableReader<'_>,
    given: Option<Placed<String>>,
    regions: &Regions,
) -> Option<Placed<String>> {
    let Some(given) = given else {
        if reader.place_of("region").is_some() {
            // It is there and wrong, which is recorded.
            return None;
        }
        if let Regions::Listed(listed) = regions
            && let [only] = &listed[..]
        {
            return Some(only.clone());
        }
        reader.problem(
            Diagnostic::error("an alarm needs `for_each`, or a `region` to be made in")
                .at(reader.place().clone())
                .hint(
                    "add `for_each = { ec2 = {} }` for an alarm per instance, \
                     or `region = \"…\"` for one alarm per account",
                ),
        );
        return None;
    };
    if !is_region(&given.value) {
        reader.problem(
            Diagnostic::error(format!("{:?} is not a region's code", given.value))
                .at(given.place)
                .hint("codes look like `ap-northeast-2` or `us-gov-west-1`"),
        );
        return None;
    }
    if let Regions::Listed(listed) = regions
        && !listed.iter().any(|region| region.value == given.value)
    {
        let problem = Diagnostic::error(format!("region `{}` is not in `[aws] regions`", given.value));
        let first = listed.first().map(|first| first.place.clone());
        reader.problem(match first {
            Some(first) => problem.at(given.place).related(first, "the regions"),
            None => problem.at(given.place),
        });
        return None;
    }
    Some(given)
}

/// What AWS would refuse of the literals. `selectors` is `None` where they could not be read.
pub(super) fn literals(draft: &Draft, selectors: Option<&[Selector]>) -> Vec<Violation> {
    let optional = &draft.optional;
    let default_namespace =
        selectors.and_then(<[Selector]>::first).map(|selector| subject::default_namespace(selector.kind));
    let namespace = match &optional.namespace {
        Some(namespace) => namespace.value.literal().map(String::as_str),
        None => default_namespace,
    };
    let evaluation_periods = literal_or(optional.evaluation_periods.as_ref(), rendering::EVALUATION_PERIODS);
    constraints::check(&PartialAlarm {
        name: text(draft.name.as_ref()),
        namespace,
        metric: text(draft.metric.as_ref()),
        dimensions: optional.dimensions.as_ref().map(dimension_pairs).unwrap_or_default(),
        statistic: match &optional.statistic {
            None => Some(rendering::STATISTIC),
            given => text(given.as_ref()),
        },
        period: match &optional.period {
            None => Some(rendering::PERIOD),
            Some(period) => period.value.literal().map(|seconds| seconds.0),
        },
        evaluation_periods,
        datapoints_to_alarm: match &optional.datapoints_to_alarm {
            // The default is always right.
            None => None,
            Some(datapoints) => datapoints.value.literal().copied(),
        },
        threshold: draft.threshold.as_ref().and_then(|threshold| threshold.value.literal().copied()),
        on_few_samples: optional.few_samples.as_ref().is_some_and(|word| word.value.literal().is_some()),
        actions: optional
            .actions
            .iter()
            .map(|actions| (actions.field, actions.list.iter().map(|action| text(Some(action))).collect()))
            .collect(),
        description: text(optional.description.as_ref()),
        tags: pairs(&optional.tags),
    })
}

fn literal_or<T: Scalar>(given: Option<&Placed<Templated<T>>>, default: T) -> Option<T> {
    match given {
        None => Some(default),
        Some(given) => given.value.literal().cloned(),
    }
}

fn text(text: Option<&Text>) -> Option<&str> {
    text.and_then(|text| text.value.literal()).map(String::as_str)
}

fn pairs(entries: &[(Placed<String>, Text)]) -> Vec<(&str, Option<&str>)> {
    entries.iter().map(|(key, value)| (key.value.as_str(), text(Some(value)))).collect()
}

fn dimension_pairs(dimensions: &Dimensions) -> Vec<(&str, Option<&str>)> {
    match dimensions {
        Dimensions::Table(entries) => pairs(entries),
        Dimensions::Text(text) => {
            let literal = text.value.literal().into_iter().flat_map(|pairs| &pairs.0);
            literal.map(|(name, value)| (name.as_str(), Some(value.as_str()))).collect()
        }
    }
}

/// An error for each variable that cannot exist, and for each column that the sheet does not have.
pub(super) fn variables(draft: &Draft, selectors: &[Selector], sheet: Option<&Sheet>) -> Vec<Diagnostic> {
    let mut of_target = variables::known(selectors);
    of_target.extend(sheet.into_iter().flat_map(|_| variables::OF_ROWS));
    let with_settings: Vec<&str> = of_target.iter().chain(&SETTINGS).copied().collect();
    draft
        .templates()
        .into_iter()
        .flat_map(|(field, template)| {
            let known = match field.as_str() {
                "name" | "description" => &with_settings,
                _ => &of_target,
            };
            let columns = sheet.map(|sheet| unknown_columns(template, &field, sheet));
            let mut problems = variables::unknown(template, &field, known);
            problems.extend(columns.into_iter().flatten());
            problems
        })
        .collect()
}

/// A violation by a literal, where it is written.
pub(super) fn diagnostic(violation: &Violation, label: &str, draft: &Draft) -> Diagnostic {
    let summary =
        format!("`{}` of {label} {}, found {}", field_of(violation), violation.rule, violation.found);
    let diagnostic = match violation.severity {
        Severity::Error => Diagnostic::error(summary),
        Severity::Warning => Diagnostic::warning(summary),
    };
    let mut diagnostic = diagnostic.at(place_in(violation, draft));
    diagnostic.hint.clone_from(&violation.hint);
    diagnostic
}

/// The field's name for people: `dimensions.InstanceId`, `alarm_actions`.
pub(super) fn field_of(violation: &Violation) -> String {
    match &violation.item {
        Some(item) if !violation.field.ends_with("actions") => format!("{}.{item}", violation.field),
        _ => violation.field.to_owned(),
    }
}

fn place_in(violation: &Violation, draft: &Draft) -> Place {
    let optional = &draft.optional;
    let place = match violation.field {
        "name" => draft.name.as_ref().map(|value| &value.place),
        "metric" => draft.metric.as_ref().map(|value| &value.place),
        "threshold" => draft.threshold.as_ref().map(|value| &value.place),
        _ => None,
    };
    place.unwrap_or_else(|| optional.place_of(violation)).clone()
}

impl super::block::Optional {
    /// Where the value of a violation stands; the block's header for a default.
    pub(super) fn place_of(&self, violation: &Violation) -> &Place {
        let entry = |entries: &'_ [(Placed<String>, Text)]| {
            let key = violation.item.as_deref()?;
            let index = entries.iter().position(|(name, _)| name.value == key)?;
            Some(index)
        };
        let place = match violation.field {
            "namespace" => self.namespace.as_ref().map(|value| &value.place),
            "statistic" => self.statistic.as_ref().map(|value| &value.place),
            "period" => self.period.as_ref().map(|value| &value.place),
            "evaluation_periods" => {
                let period = self.period.as_ref().map(|value| &value.place);
                self.evaluation_periods.as_ref().map(|value| &value.place).or(period)
            }
            "datapoints_to_alarm" => self.datapoints_to_alarm.as_ref().map(|value| &value.place),
            "evaluate_low_sample_count_percentile" => self.few_samples.as_ref().map(|value| &value.place),
            "description" => self.description.as_ref().map(|value| &value.place),
            "tags" => entry(&self.tags).map(|index| &self.tags[index].1.place),
            "dimensions" => {
                self.dimensions.as_ref().and_then(|dimensions| dimensions.place_of(violation.item.as_deref()))
            }
            field => self.action_place(field, violation.item.as_deref()),
        };
        place.unwrap_or(&self.place)
    }

    fn action_place(&self, field: &str, item: Option<&str>) -> Option<&Place> {
        let actions = self.actions.iter().find(|actions| actions.field == field)?;
        let index = item.and_then(|item| item.parse::<usize>().ok());
        let action = index.and_then(|index| actions.list.get(index));
        Some(action.map_or(&actions.place, |action| &action.place))
    }
}
