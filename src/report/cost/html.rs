//! A cost report as one HTML file that needs nothing else.

use minijinja::Value;
use minijinja::value::Serde;
use rust_decimal::Decimal;
use serde::Serialize;

use super::svg::{self, Chart};
use super::table::{Cell, Kind, Table};
use super::tables::tables;
use super::totals::{self, Total, groups, parts, whole};
use super::words::{self, grouped, money, price};
use crate::costs::CostReport;
use crate::render::{count_of, thousands};
use crate::report::page;
use crate::report::plain::plain;

/// What sorts and filters tables.
const SCRIPT: &str = include_str!("cost.js");

/// Its digest, by which the page allows it and no other script.
const SCRIPT_DIGEST: &str = "sha256-Y1i74QpigtFAgonb7yVBGZ0Slfi6PmIvT4/shnfWOhs=";

/// A table with more rows is closed at first.
const OPEN_ROWS: usize = 50;

/// The report as a page for a browser: nothing from elsewhere, light or dark as the reader's system is. Its script only
/// sorts and filters.
///
/// # Errors
/// None in practice: the template is part of the program.
pub fn cost_html(report: &CostReport) -> Result<String, minijinja::Error> {
    page::render("cost.html", include_str!("cost.html"), Serde(Page::new(report)))
}

/// What the template shows; every text is without control characters.
#[derive(Serialize)]
struct Page {
    title: String,
    facts: Vec<(&'static str, String)>,
    cards: Vec<Card>,
    gaps: Vec<String>,
    gaps_title: String,
    unpriced: Vec<(String, String)>,
    parts: Vec<[String; 4]>,
    whole: [String; 4],
    besides: Vec<[String; 3]>,
    actual: Option<Vec<[String; 5]>>,
    actual_meaning: String,
    charts: Vec<Figure>,
    sections: Vec<Section>,
    script: Value,
    script_digest: &'static str,
}

#[derive(Serialize)]
struct Card {
    name: &'static str,
    figure: String,
    about: String,
}

#[derive(Serialize)]
struct Figure {
    title: String,
    svg: Value,
}

#[derive(Serialize)]
struct Section {
    id: String,
    title: &'static str,
    count: String,
    about: String,
    open: bool,
    columns: Vec<Head>,
    rows: Vec<Vec<Shown>>,
    total: Option<Vec<Shown>>,
}

#[derive(Serialize)]
struct Head {
    name: &'static str,
    class: &'static str,
    note: Option<String>,
}

/// A cell: the class of its column, and its text.
#[derive(Serialize)]
struct Shown(&'static str, String);

impl Page {
    fn new(report: &CostReport) -> Self {
        let facts = words::facts(report).into_iter().filter(|(_, text)| !text.is_empty());
        Self {
            title: plain(&words::title(report)),
            facts: facts.map(|(name, text)| (name, plain(&text))).collect(),
            cards: cards(report),
            gaps: report
                .gaps
                .iter()
                .map(|gap| plain(&format!("{} in {}: {}", gap.kind, gap.scope, gap.reason)))
                .collect(),
            gaps_title: format!(
                "NOT COMPLETE: {} not read",
                count_of(report.gaps.len(), "part was", "parts were")
            ),
            unpriced: report.unpriced.iter().map(|row| (plain(&row.why), thousands(row.rows))).collect(),
            parts: parts(report).into_iter().map(|(name, total)| total_row(name, total)).collect(),
            whole: total_row("Total", whole(report)),
            besides: besides(report),
            actual: report.actual.as_ref().map(|rows| rows.iter().map(actual_row).collect()),
            actual_meaning: words::ACTUAL_MEANING.join(" "),
            charts: charts(report),
            sections: tables(report).iter().map(section).collect(),
            script: Value::from_safe_string(SCRIPT.to_owned()),
            script_digest: SCRIPT_DIGEST,
        }
    }
}

fn total_row(name: &str, total: Total) -> [String; 4] {
    [name.to_owned(), known(total.so_far), known(total.forecast), thousands(total.unpriced)]
}

fn known(amount: Option<Decimal>) -> String {
    amount.map_or_else(|| "not known".to_owned(), money)
}

fn cards(report: &CostReport) -> Vec<Card> {
    let whole = whole(report);
    let card = |name, figure, about: &str| Card { name, figure, about: about.to_owned() };
    let mut cards = vec![
        card("So far this month", known(whole.so_far), "list price, what is known"),
        card("Forecast for the month", known(whole.forecast), "if everything stays as it is"),
    ];
    if whole.unpriced > 0 {
        let rows = count_of(whole.unpriced, "row", "rows");
        cards.push(card("Without a price", rows, "not in the sums"));
    }
    if !report.parked.is_empty() {
        let about = format!("a month at least, {}", count_of(report.parked.len(), "instance", "instances"));
        cards.push(card("Parking saves", money(totals::saving(report)), &about));
    }
    cards
}

fn besides(report: &CostReport) -> Vec<[String; 3]> {
    words::besides(report)
        .into_iter()
        .map(|(name, so_far, month)| [name.to_owned(), so_far.map_or_else(String::new, money), known(month)])
        .collect()
}

fn actual_row(row: &crate::costs::ActualCost) -> [String; 5] {
    let (list, difference) = (known(row.list), known(row.list.map(|list| row.actual - list)));
    [plain(&row.service), money(row.actual), list, difference, plain(&row.account)]
}

fn charts(report: &CostReport) -> Vec<Figure> {
    let figure = |title: &str, svg| Figure { title: plain(title), svg: Value::from_safe_string(svg) };
    let both = |(name, total): (&str, Total)| {
        (name.to_owned(), [total.so_far, total.forecast].map(Option::unwrap_or_default).to_vec())
    };
    let cost = Chart {
        id: "chart-parts",
        title: "Cost by part".to_owned(),
        series: &["So far", "Forecast"],
        rows: parts(report).into_iter().map(both).collect(),
    };
    let mut charts = vec![figure(&cost.title, svg::bars(&cost))];
    let groups = groups(report);
    if !groups.bars.is_empty() {
        let chart = Chart {
            id: "chart-groups",
            title: format!("Forecast by {}", groups.by),
            series: &["Forecast"],
            rows: groups.bars.into_iter().map(|(name, amount)| (name, vec![amount])).collect(),
        };
        charts.push(figure(&chart.title, svg::bars(&chart)));
    }
    if !report.trend.is_empty() {
        let rows = report.trend.iter().map(|point| {
            let whole = point.ec2 + point.ebs + point.rds;
            (point.month.strftime("%Y-%m").to_string(), vec![point.ec2, point.ebs, point.rds, whole])
        });
        let title = "Forecast of each month".to_owned();
        let chart =
            Chart { id: "chart-trend", title, series: &["EC2", "EBS", "RDS", "Total"], rows: rows.collect() };
        charts.push(figure(&chart.title, svg::lines(&chart)));
    }
    charts
}

fn section(table: &Table<'_>) -> Section {
    let columns = table.columns.iter().map(|column| Head {
        name: column.header,
        class: class(column.kind),
        note: column.note.as_deref().map(plain),
    });
    let row = |row: usize| (0..table.columns.len()).map(|column| shown(table, row, column)).collect();
    let total = |(index, column): (usize, &super::table::Column)| {
        if column.summed {
            return Shown(class(column.kind), number(column.kind, table.total(index)));
        }
        Shown("", if index == 0 { "Total".to_owned() } else { String::new() })
    };
    Section {
        id: table.sheet.to_ascii_lowercase(),
        title: table.title,
        count: thousands(table.rows.len()),
        about: table.about.clone(),
        open: table.rows.len() <= OPEN_ROWS,
        columns: columns.collect(),
        rows: (0..table.rows.len()).map(row).collect(),
        total: table.has_total().then(|| table.columns.iter().enumerate().map(total).collect()),
    }
}

fn shown(table: &Table<'_>, row: usize, column: usize) -> Shown {
    let kind = table.columns[column].kind;
    let class = class(kind);
    match &table.rows[row][column] {
        Cell::Empty => Shown("", String::new()),
        Cell::Unknown => Shown("u", "not known".to_owned()),
        Cell::Text(text) => Shown(if text.len() > 40 { "w" } else { "" }, plain(text)),
        Cell::Day(day) => Shown(class, day.strftime("%Y-%m-%d").to_string()),
        Cell::Time(time) => Shown(class, words::shown_time(kind == Kind::Day, *time)),
        Cell::Number(_) | Cell::SumOf(_) => match table.value(row, column) {
            Some(value) => Shown(class, number(kind, value)),
            None => Shown("u", "not known".to_owned()),
        },
    }
}

fn number(kind: Kind, value: rust_decimal::Decimal) -> String {
    match kind {
        Kind::Money => money(value),
        Kind::Price => price(value),
        Kind::Gib => format!("{} GiB", grouped(value)),
        _ => grouped(value),
    }
}

/// Numbers stand to the right.
fn class(kind: Kind) -> &'static str {
    match kind {
        Kind::Text | Kind::Day | Kind::Time => "",
        _ => "n",
    }
}

#[cfg(test)]
mod tests;
