//! A cost report for a terminal, and the words about one that was written.

use std::cmp::Reverse;
use std::fmt::Write;

use rust_decimal::Decimal;

use crate::costs::{Cost, CostReport};
use crate::render::{Align, Line, Page, Palette, Table, Tone, clean, count_of, thousands};

/// Instances that a terminal shows.
const MOST_INSTANCES: usize = 20;

/// Tag values that a terminal shows of one key.
const MOST_VALUES: usize = 15;

/// The report as text for a terminal of the palette's width: gaps, totals, what costs most, and what is missing.
pub fn cost_text(report: &CostReport, palette: Palette) -> String {
    let mut page = Page::new(palette);
    gaps(report, &mut page);
    page.blank();
    let title =
        format!("Cost of {} in {}, list prices", report.project, report.month.first.strftime("%B %Y"));
    page.line(&Line::new().with(Tone::Strong, clean(&title)));
    let mut text = page.finish();
    let mut add = |title: &str, table: Option<Table>| {
        if let Some(table) = table {
            let title = if title.is_empty() { String::new() } else { format!("{}\n", clean(title)) };
            // Writing to a text cannot fail.
            let _ = write!(text, "\n{title}{}", table.text(palette));
        }
    };
    add("", Some(totals(report)));
    let shown = report.instances.len().min(MOST_INSTANCES);
    let most = match report.instances.len() {
        all if all > shown => format!("The {shown} of {} that cost most:", thousands(all)),
        _ => "Instances, by cost:".to_owned(),
    };
    add(&most, instances(report));
    for key in keys(report) {
        add(&format!("By tag {key}:"), Some(tags(report, key)));
    }
    add("Actual cost, as Cost Explorer says (unblended, up to about a day ago):", actual(report));
    let mut page = Page::new(palette);
    for line in summary_lines(report) {
        page.line(&line);
    }
    gaps(report, &mut page);
    format!("{text}\n{}", page.finish().trim_start_matches('\n'))
}

/// What is to be said once a report was written: totals, what has no price and why, what could not be read.
pub fn cost_summary(report: &CostReport, palette: Palette) -> String {
    let mut page = Page::new(palette);
    let total = report.totals().total;
    let line = format!(
        "{} so far, {} for all of {}, by list price",
        dollars(total.so_far),
        dollars(total.forecast),
        report.month.first.strftime("%B %Y")
    );
    page.line(&Line::new().with(Tone::Strong, line));
    for line in summary_lines(report) {
        page.line(&line);
    }
    gaps(report, &mut page);
    page.finish()
}

fn summary_lines(report: &CostReport) -> Vec<Line> {
    let mut lines = Vec::new();
    let unpriced: usize = report.unpriced.iter().map(|line| line.rows).sum();
    if unpriced > 0 {
        let rows = count_of(unpriced, "row lacks a price", "rows lack a price");
        lines.push(Line::new().with(Tone::Notice, format!("{rows}; the sums are without them:")));
    }
    for line in &report.unpriced {
        lines.push(
            Line::new().plain(format!("  - {}: {}", thousands(line.rows), clean(&line.why))).hanging(4),
        );
    }
    let saving: Option<Decimal> = report.parked.iter().map(|row| row.saving_monthly).sum();
    if let Some(saving) = saving.filter(|_| !report.parked.is_empty()) {
        let parked = count_of(report.parked.len(), "parked instance saves", "parked instances save");
        lines.push(Line::new().plain(format!("{parked} {} a month or more", dollars(Some(saving)))));
    }
    let snapshots: Decimal = report.snapshots.iter().filter_map(|row| row.monthly_at_most).sum();
    if !report.snapshots.is_empty() {
        let count: usize = report.snapshots.iter().map(|row| row.count).sum();
        let count = count_of(count, "snapshot costs", "snapshots cost");
        lines.push(Line::new().plain(format!("{count} at most {} a month", dollars(Some(snapshots)))));
    }
    if let Some(note) = &report.currency_note {
        lines.push(Line::new().plain(clean(note)));
    }
    lines
}

fn gaps(report: &CostReport, page: &mut Page) {
    if report.gaps.is_empty() {
        return;
    }
    page.blank();
    let parts = count_of(report.gaps.len(), "part", "parts");
    page.line(
        &Line::new().with(Tone::Danger, format!("{parts} could not be read; the figures are without them:")),
    );
    for gap in &report.gaps {
        let what = format!("  - {} in {} {}: ", gap.kind, gap.scope.account, gap.scope.region);
        page.line(&Line::new().with(Tone::Danger, clean(&what)).plain(clean(&gap.reason)).hanging(4));
    }
}

fn totals(report: &CostReport) -> Table {
    let mut table = costs_table(&["WHAT"], &[("COUNT", Align::Right)]);
    let totals = report.totals();
    let rows = [
        ("EC2 instances", report.instances.len(), totals.ec2),
        ("EBS volumes", report.volumes.len(), totals.ebs),
        ("RDS", report.databases.len(), totals.rds),
        ("Idle addresses", report.addresses.len(), totals.addresses),
    ];
    for (what, count, cost) in rows {
        table.row(
            [what.to_owned(), thousands(count), dollars(cost.so_far), dollars(cost.forecast)].map(plain),
        );
    }
    let total =
        ["Total".to_owned(), String::new(), dollars(totals.total.so_far), dollars(totals.total.forecast)];
    table.row(total.map(|cell| (Tone::Strong, cell)));
    table
}

fn instances(report: &CostReport) -> Option<Table> {
    let mut rows: Vec<_> = report.instances.iter().collect();
    // The largest first, and what has no price at the end.
    rows.sort_by(|one, other| {
        let cost = |cost: Cost| cost.forecast.unwrap_or(Decimal::NEGATIVE_ONE);
        cost(other.total).cmp(&cost(one.total)).then_with(|| one.id.cmp(&other.id))
    });
    let mut table = costs_table(&["INSTANCE", "NAME", "TYPE", "STATE", "REGION"], &[]);
    for row in rows.iter().take(MOST_INSTANCES) {
        let costs = [dollars(row.total.so_far), dollars(row.total.forecast)];
        let cells = [&row.id, &row.name, &row.instance_type, &row.state, &row.region].map(Clone::clone);
        table.row(cells.into_iter().chain(costs).map(plain));
    }
    (!rows.is_empty()).then_some(table)
}

/// The keys in their order.
fn keys(report: &CostReport) -> Vec<&str> {
    let mut keys: Vec<&str> = report.by_tag.iter().map(|row| &*row.key).collect();
    keys.dedup();
    keys
}

fn tags(report: &CostReport, key: &str) -> Table {
    let mut rows: Vec<_> = report.by_tag.iter().filter(|row| row.key == key).collect();
    rows.sort_by_key(|row| Reverse(row.total.forecast));
    let counts = ["INSTANCES", "VOLUMES", "DATABASES"].map(|name| (name, Align::Right));
    let mut table = costs_table(&["VALUE"], &counts);
    for row in rows.iter().take(MOST_VALUES) {
        let value = row.value.clone().unwrap_or_else(|| "(without the tag)".to_owned());
        let counts = [row.instances, row.volumes, row.databases].map(thousands);
        let costs = [dollars(row.total.so_far), dollars(row.total.forecast)];
        table.row([value].into_iter().chain(counts).chain(costs).map(plain));
    }
    table
}

fn actual(report: &CostReport) -> Option<Table> {
    let actual = report.actual.as_ref()?;
    let mut table = Table::new(&[
        ("ACCOUNT", Align::Left),
        ("WHAT", Align::Left),
        ("ACTUAL", Align::Right),
        ("LIST", Align::Right),
        ("DIFFERENCE", Align::Right),
    ]);
    for row in actual {
        let difference = row.list.map(|list| row.actual - list);
        let amounts = [dollars(Some(row.actual)), dollars(row.list), dollars(difference)];
        table.row([row.account.clone(), row.service.clone()].into_iter().chain(amounts).map(plain));
    }
    Some(table)
}

/// A table whose last columns are what something costs.
fn costs_table(left: &[&str], counts: &[(&str, Align)]) -> Table {
    let costs = [("SO FAR", Align::Right), ("FORECAST", Align::Right)];
    let columns: Vec<(&str, Align)> =
        left.iter().map(|name| (*name, Align::Left)).chain(counts.iter().copied()).chain(costs).collect();
    Table::new(&columns)
}

fn plain(cell: String) -> (Tone, String) {
    (Tone::Plain, cell)
}

/// `$1,234.50`, or `no price`.
fn dollars(amount: Option<Decimal>) -> String {
    let Some(amount) = amount else { return "no price".to_owned() };
    let text = format!("{:.2}", amount.abs());
    let (whole, cents) = text.split_once('.').unwrap_or((&text, "00"));
    let whole = whole.parse().map_or_else(|_| whole.to_owned(), thousands);
    let sign = if amount.is_sign_negative() && !amount.is_zero() { "-" } else { "" };
    format!("{sign}${whole}.{cents}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::cost::fixtures::{HOSTILE, empty, hostile, sample};

    #[test]
    fn totals_what_costs_most_and_what_is_missing() {
        let mut report = sample();
        report.instances.truncate(2);
        report.by_tag.truncate(2);
        insta::assert_snapshot!(cost_text(&report, Palette::PLAIN), @r#"
1 part could not be read; the figures are without them:
  - instances in 444455556666 me-south-1: AccessDenied: an explicit deny in a service control policy

Cost of payments in November 2026, list prices

WHAT            COUNT   SO FAR  FORECAST
EC2 instances       2   $20.37    $30.55
EBS volumes        77  $405.08   $608.00
RDS                 2   $95.00   $143.00
Idle addresses      1    $2.33     $3.60
Total                  $522.78   $785.15

Instances, by cost:
INSTANCE             NAME              TYPE      STATE    REGION          SO FAR  FORECAST
i-00000000000000001  결제 서버 운영-1  t3.micro  running  ap-northeast-2  $15.70    $23.55
i-00000000000000000  web-0             m5.large  running  us-east-1       $15.33    $23.00

By tag team:
VALUE     INSTANCES  VOLUMES  DATABASES  SO FAR  FORECAST
payments          3        8          1  $36.00    $54.00
결제              3        8          1  $18.00    $27.00

Actual cost, as Cost Explorer says (unblended, up to about a day ago):
ACCOUNT       WHAT            ACTUAL      LIST  DIFFERENCE
111122223333  EC2 instances  $900.00   $987.65     -$87.65
111122223333  EBS            $123.45  no price    no price

2 rows lack a price; the sums are without them:
  - 1: no price for u7i-12tb.224xlarge, Windows with SQL Server Standard in us-east-1
  - 1: no price for volumes of st9
1 parked instance saves $60.00 a month or more
7 snapshots cost at most $35.00 a month
1 USD = 1,450 KRW (2026-11-20)

1 part could not be read; the figures are without them:
  - instances in 444455556666 me-south-1: AccessDenied: an explicit deny in a service control policy
"#);
        insta::assert_snapshot!(cost_summary(&report, Palette::PLAIN), @r#"
$522.78 so far, $785.15 for all of November 2026, by list price
2 rows lack a price; the sums are without them:
  - 1: no price for u7i-12tb.224xlarge, Windows with SQL Server Standard in us-east-1
  - 1: no price for volumes of st9
1 parked instance saves $60.00 a month or more
7 snapshots cost at most $35.00 a month
1 USD = 1,450 KRW (2026-11-20)

1 part could not be read; the figures are without them:
  - instances in 444455556666 me-south-1: AccessDenied: an explicit deny in a service control policy
"#);
    }

    #[test]
    fn a_report_of_nothing_is_totals_alone() {
        insta::assert_snapshot!(cost_text(&empty(), Palette::PLAIN), @r#"
Cost of payments in November 2026, list prices

WHAT            COUNT  SO FAR  FORECAST
EC2 instances       0   $0.00     $0.00
EBS volumes         0   $0.00     $0.00
RDS                 0   $0.00     $0.00
Idle addresses      0   $0.00     $0.00
Total                   $0.00     $0.00
"#);
    }

    #[test]
    fn nothing_steers_the_terminal() {
        for text in [cost_text(&hostile(), Palette::PLAIN), cost_summary(&hostile(), Palette::PLAIN)] {
            assert!(!text.contains(HOSTILE) && !text.contains('\u{1b}') && !text.contains('\u{0}'));
        }
    }

    #[test]
    fn amounts_are_grouped() {
        let amount = |text: &str| dollars(text.parse().ok());
        assert_eq!([amount("1234567.5"), amount("-0.5"), amount("0")], ["$1,234,567.50", "-$0.50", "$0.00"]);
        assert_eq!(dollars(None), "no price");
    }
}
