//! What there is × what it costs = the report. Pure.

mod clock;
mod databases;
mod instances;
mod others;
mod tags;
mod volumes;

use std::collections::BTreeMap;

use jiff::Timestamp;
use rust_decimal::Decimal;

use self::clock::Clock;
use super::estate::Estate;
use super::report::{Cost, CostReport, InstanceCost, Month, TrendPoint, Unpriced};
use crate::prices::{PriceBook, Priced};

/// What the report is to say besides the figures.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReportSettings {
    /// The project's name.
    pub project: String,
    /// Keys of tags to total by.
    pub group_by: Vec<String>,
    /// Shown beside the amounts.
    pub currency_note: Option<String>,
    /// The accounts that were read.
    pub accounts: Vec<String>,
    /// The regions that were read.
    pub regions: Vec<String>,
    /// How many of them, each account's for itself.
    pub places: usize,
}

/// Makes the report of a month, as of `now`, which lies in it.
pub fn compute(
    estate: &Estate,
    book: &PriceBook,
    month: Month,
    now: Timestamp,
    settings: &ReportSettings,
) -> CostReport {
    let clock = Clock::new(month, now);
    let mut missing = Missing::default();
    let volumes = volumes::rows(estate, book, clock, &mut missing);
    let instances = instances::rows(estate, book, clock, &volumes, &mut missing);
    let databases = databases::rows(estate, book, clock, &mut missing);
    let mut report = CostReport {
        project: settings.project.clone(),
        made: now,
        month,
        prices_as_of: book.as_of,
        currency_note: settings.currency_note.clone(),
        accounts: settings.accounts.clone(),
        regions: settings.regions.clone(),
        by_tag: Vec::new(),
        snapshots: others::snapshots(estate, book, &mut missing),
        parked: others::parked(estate, book, &mut missing),
        addresses: others::addresses(estate, book, clock, &mut missing),
        instances,
        volumes,
        databases,
        unpriced: Vec::new(),
        gaps: estate.gaps.clone(),
        actual: None,
        trend: Vec::new(),
    };
    report.by_tag = tags::totals(&report, &settings.group_by);
    report.unpriced = missing.into_lines();
    report.trend = vec![point(&report, settings.places)];
    report
}

/// This report as a point of the trend.
fn point(report: &CostReport, places: usize) -> TrendPoint {
    let totals = report.totals();
    let forecast = |cost: Cost| cost.forecast.unwrap_or_default();
    TrendPoint {
        month: report.month.first,
        made: report.made,
        ec2: forecast(totals.ec2),
        ebs: forecast(totals.ebs),
        rds: forecast(totals.rds),
        instances: report.instances.len(),
        unpriced: report.unpriced.iter().map(|line| line.rows).sum(),
        // A part of which not one price is known is none of zero dollars.
        complete: report.gaps.is_empty() && !totals.lacks_a_part(),
        places,
    }
}

/// Nothing to pay, which is known.
const NOTHING: Cost = Cost { so_far: Some(Decimal::ZERO), forecast: Some(Decimal::ZERO) };

/// Both; not known where one of them is not.
fn both(one: Cost, other: Cost) -> Cost {
    let add = |one: Option<Decimal>, other: Option<Decimal>| Some(one? + other?);
    Cost { so_far: add(one.so_far, other.so_far), forecast: add(one.forecast, other.forecast) }
}

/// The prices that were not found, with the number of rows that lack each.
#[derive(Default)]
struct Missing(BTreeMap<String, usize>);

impl Missing {
    /// The price, or else a line in the summary and a note at the row.
    fn or_note<T>(&mut self, price: Priced<T>, notes: &mut Vec<String>) -> Option<T> {
        price.map_err(|why| self.note(why.0, notes)).ok()
    }

    /// A line in the summary and a note at the row, where there is no price to look for. A row counts once for each reason.
    fn note(&mut self, why: String, notes: &mut Vec<String>) {
        if !notes.contains(&why) {
            *self.0.entry(why.clone()).or_default() += 1;
            notes.push(why);
        }
    }

    fn into_lines(self) -> Vec<Unpriced> {
        self.0.into_iter().map(|(why, rows)| Unpriced { why, rows }).collect()
    }
}

/// What a tag `Name` says; empty without one.
fn name_of(tags: &super::estate::Tags) -> String {
    tags.get("Name").map(|name| name.trim().to_owned()).unwrap_or_default()
}

impl InstanceCost {
    /// Whether AWS bills no hours of it now.
    pub fn is_stopped(&self) -> bool {
        matches!(&*self.state, "stopped" | "stopping")
    }
}

#[cfg(test)]
#[path = "compute_tests.rs"]
mod tests;
