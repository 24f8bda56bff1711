//! A plan for programs: versioned, complete, documented in `docs/plan-format.md`.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::plan::{PLAN_FORMAT, PLAN_VERSION, Plan, Provenance, Verb};

#[derive(Serialize)]
struct Document<'a> {
    format: &'static str,
    version: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    saved: Option<&'a Provenance>,
    summary: Summary,
    #[serde(flatten)]
    plan: &'a Plan,
}

/// The value of `format` in a summary.
const SUMMARY_FORMAT: &str = "opsform-summary";

/// The version of a summary; it rises as [`PLAN_VERSION`] does.
const SUMMARY_VERSION: u32 = 1;

#[derive(Serialize)]
struct SummaryDocument<'a> {
    format: &'static str,
    version: u32,
    project: &'a str,
    #[serde(flatten)]
    summary: Summary,
}

#[derive(Serialize)]
struct Summary {
    /// Every verb is there, so that a program need not know that absence means zero.
    counts: BTreeMap<&'static str, usize>,
    destroys: usize,
    blocking: usize,
    drift_only: bool,
}

/// The plan as a JSON document that ends with a line break; `saved` says where a plan comes from that can be applied.
///
/// # Panics
/// Never: a plan holds nothing that JSON cannot.
pub fn plan_json(plan: &Plan, saved: Option<&Provenance>) -> String {
    written(&Document { format: PLAN_FORMAT, version: PLAN_VERSION, saved, summary: Summary::of(plan), plan })
}

/// The numbers of a plan alone, for a job that decides by them, as a JSON document that ends with a line break.
///
/// # Panics
/// Never.
pub fn summary_json(plan: &Plan) -> String {
    written(&SummaryDocument {
        format: SUMMARY_FORMAT,
        version: SUMMARY_VERSION,
        project: &plan.project,
        summary: Summary::of(plan),
    })
}

impl Summary {
    fn of(plan: &Plan) -> Self {
        Self {
            counts: Verb::ALL
                .into_iter()
                .map(|verb| (super::words::verb_word(verb, super::Heading::Plan), plan.count(verb)))
                .collect(),
            destroys: plan.destroy_count(),
            blocking: plan.blocking().count(),
            drift_only: plan.is_drift_only(),
        }
    }
}

fn written(document: &impl Serialize) -> String {
    let mut text = serde_json::to_string_pretty(document).expect("a plan has string keys and finite numbers");
    text.push('\n');
    text
}
