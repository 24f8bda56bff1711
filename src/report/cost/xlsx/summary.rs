//! The first sheet: totals, what is missing, charts.

use rust_decimal::Decimal;
use rust_xlsxwriter::{
    Chart, ChartLegendPosition, ChartType, Color, Format, FormatBorder, Formula, Worksheet, XlsxError,
};

use super::sheet::{float, format, result};
use super::{COLOURS, trend_chart};
use crate::costs::CostReport;
use crate::report::cost::table::Kind;
use crate::report::cost::totals::{self, groups, parts};
use crate::report::cost::words;
use crate::report::workbook::{alarm, cell_text, header_format, printed};

/// The sheet's name, to which charts refer.
const SUMMARY: &str = "Summary";

/// Where charts begin.
const CHARTS: u16 = 6;

/// The first row below them.
const BELOW_CHARTS: u32 = 54;

/// Widths of the columns.
const WIDTHS: [f64; 6] = [36.0, 20.0, 20.0, 16.0, 16.0, 3.0];

struct Lines<'s> {
    sheet: &'s mut Worksheet,
    row: u32,
}

/// Where a chart's bars stand.
struct Bars {
    first: u32,
    last: u32,
}

/// Writes the summary of a report.
pub(super) fn write(sheet: &mut Worksheet, report: &CostReport) -> Result<(), XlsxError> {
    sheet.set_name(SUMMARY)?.set_formula_result_default("");
    for (column, width) in (0u16..).zip(WIDTHS) {
        sheet.set_column_width(column, width)?;
    }
    printed(sheet);
    let mut lines = Lines { sheet, row: 0 };
    lines.head(report)?;
    let parts = lines.totals(report)?;
    lines.besides(report)?;
    lines.actual(report)?;
    let groups = lines.groups(report)?;
    lines.missing(report)?;
    charts(lines.sheet, report, &parts, groups.as_ref())
}

impl Lines<'_> {
    fn head(&mut self, report: &CostReport) -> Result<(), XlsxError> {
        let title = Format::new().set_bold().set_font_size(16);
        self.sheet.write_string_with_format(0, 0, cell_text(&words::title(report)), &title)?;
        self.sheet.set_row_height(0, 24)?;
        self.row = 1;
        if let Some(warning) = words::warning(report) {
            let warning = format!("{warning} See the end of this sheet.");
            self.sheet.write_string_with_format(self.row, 0, warning, &alarm())?;
        }
        self.row += 1;
        for (name, text) in words::facts(report) {
            self.strings(&[name, &text])?;
        }
        self.row += 1;
        Ok(())
    }

    fn strings(&mut self, texts: &[&str]) -> Result<(), XlsxError> {
        for (column, text) in (0u16..).zip(texts) {
            let format = if column == 0 { Format::new().set_bold() } else { Format::new() };
            self.sheet.write_string_with_format(self.row, column, cell_text(text), &format)?;
        }
        self.row += 1;
        Ok(())
    }

    fn header(&mut self, names: &[&str]) -> Result<(), XlsxError> {
        for (column, name) in (0u16..).zip(names) {
            self.sheet.write_string_with_format(self.row, column, cell_text(name), &header_format())?;
        }
        self.row += 1;
        Ok(())
    }

    fn money(&mut self, column: u16, amount: Option<Decimal>) -> Result<(), XlsxError> {
        if let Some(amount) = amount {
            self.sheet.write_number_with_format(self.row, column, float(amount), &format(Kind::Money))?;
        }
        Ok(())
    }

    fn formula(&mut self, column: u16, sum: &str, value: Decimal, format: &Format) -> Result<(), XlsxError> {
        let formula = Formula::new(format!("=ROUND({sum},2)")).set_result(result(Some(value)));
        self.sheet.write_formula_with_format(self.row, column, formula, format)?;
        Ok(())
    }

    /// The parts as sums over their sheets, and the whole as the sum of the parts.
    fn totals(&mut self, report: &CostReport) -> Result<Bars, XlsxError> {
        self.header(&["Cost at list price", "So far (USD)", "Forecast (USD)", "Without a price"])?;
        let first = self.row;
        for ((name, total), (so_far, forecast)) in parts(report).into_iter().zip(sources(report)) {
            self.sheet.write_string(self.row, 0, name)?;
            let money = format(Kind::Money);
            for (column, source, value) in [(1, so_far, total.so_far), (2, forecast, total.forecast)] {
                match (source, value) {
                    (Some(sum), Some(value)) => self.formula(column, &sum, value, &money)?,
                    _ => self.money(column, value)?,
                }
            }
            self.count(3, total.unpriced)?;
            self.row += 1;
        }
        let last = self.row - 1;
        let bold = |kind| format(kind).set_bold().set_border_top(FormatBorder::Thin);
        let whole = totals::whole(report);
        self.sheet.write_string_with_format(self.row, 0, "Total", &bold(Kind::Text))?;
        for (column, name, value) in [(1, 'B', whole.so_far), (2, 'C', whole.forecast)] {
            let sum = format!("SUM({name}{}:{name}{})", first + 1, last + 1);
            match value {
                Some(value) => self.formula(column, &sum, value, &bold(Kind::Money))?,
                None => self.money(column, None)?,
            }
        }
        let unpriced = Formula::new(format!("=SUM(D{}:D{})", first + 1, last + 1));
        let unpriced = unpriced.set_result(whole.unpriced.to_string());
        self.sheet.write_formula_with_format(self.row, 3, unpriced, &bold(Kind::Count))?;
        self.row += 2;
        Ok(Bars { first, last })
    }

    fn count(&mut self, column: u16, count: usize) -> Result<(), XlsxError> {
        self.sheet.write_number_with_format(self.row, column, float(count.into()), &format(Kind::Count))?;
        Ok(())
    }

    /// What is part of the totals or none of them, and still worth a line.
    fn besides(&mut self, report: &CostReport) -> Result<(), XlsxError> {
        self.header(&["Besides", "So far (USD)", "A month (USD)", ""])?;
        for (name, so_far, month) in words::besides(report) {
            self.sheet.write_string(self.row, 0, name)?;
            self.money(1, so_far)?;
            self.money(2, month)?;
            self.row += 1;
        }
        self.row += 1;
        Ok(())
    }

    /// Long texts, so they stand below the charts and flow to the right.
    fn missing(&mut self, report: &CostReport) -> Result<(), XlsxError> {
        self.row = self.row.max(BELOW_CHARTS);
        if !report.unpriced.is_empty() {
            self.header(&["Prices that are not known", "Rows", "Why"])?;
            for unpriced in &report.unpriced {
                self.count(1, unpriced.rows)?;
                self.sheet.write_string_with_format(self.row, 2, cell_text(&unpriced.why), &alarm())?;
                self.row += 1;
            }
            self.row += 1;
        }
        if !report.gaps.is_empty() {
            self.sheet.set_tab_color(Color::Red);
            self.header(&["What could not be read", "Account", "Region", "Why"])?;
            for gap in &report.gaps {
                let at = self.row;
                self.strings(&[&gap.kind, &gap.scope.account, &gap.scope.region])?;
                self.sheet.write_string_with_format(at, 3, cell_text(&gap.reason), &alarm())?;
            }
            self.row += 1;
        }
        Ok(())
    }

    /// What was billed beside what the list price says.
    fn actual(&mut self, report: &CostReport) -> Result<(), XlsxError> {
        let Some(actual) = &report.actual else { return Ok(()) };
        self.header(&["Billed so far", "Actual (USD)", "List (USD)", "Difference (USD)", "Account"])?;
        for row in actual {
            self.sheet.write_string(self.row, 0, cell_text(&row.service))?;
            self.money(1, Some(row.actual))?;
            self.money(2, row.list)?;
            let line = self.row + 1;
            let formula = format!("=IF(C{line}=\"\",\"\",ROUND(B{line}-C{line},2))");
            let formula = Formula::new(formula).set_result(result(row.list.map(|list| row.actual - list)));
            self.sheet.write_formula_with_format(self.row, 3, formula, &format(Kind::Money))?;
            self.sheet.write_string(self.row, 4, cell_text(&row.account))?;
            self.row += 1;
        }
        for line in words::ACTUAL_MEANING {
            self.sheet.write_string(self.row, 0, line)?;
            self.row += 1;
        }
        self.row += 1;
        Ok(())
    }

    fn groups(&mut self, report: &CostReport) -> Result<Option<Bars>, XlsxError> {
        let groups = groups(report);
        if groups.bars.is_empty() {
            return Ok(None);
        }
        self.header(&[&format!("Most by {}", groups.by), "Forecast (USD)"])?;
        let first = self.row;
        for (name, amount) in &groups.bars {
            self.sheet.write_string(self.row, 0, cell_text(name))?;
            self.money(1, Some(*amount))?;
            self.row += 1;
        }
        self.row += 1;
        Ok(Some(Bars { first, last: self.row - 2 }))
    }
}

/// Where the sums of each part come from: so far and forecast. `None` where there are no rows.
fn sources(report: &CostReport) -> [(Option<String>, Option<String>); 4] {
    let whole = |sheet: &str, rows: usize, so_far: char, forecast: char| {
        let sum = |column: char| (rows > 0).then(|| format!("SUM({sheet}!{column}2:{column}{})", rows + 1));
        (sum(so_far), sum(forecast))
    };
    let idle = totals::unattached(report).count() + report.addresses.len();
    let addresses = |column: char| {
        let last = idle + 1;
        let sum = format!("SUMIF(Unattached!A2:A{last},\"address\",Unattached!{column}2:{column}{last})");
        (idle > 0).then_some(sum)
    };
    [
        whole("EC2_Detail_Costs", report.instances.len(), 'K', 'N'),
        whole("EBS_Summary", totals::by_volume_type(report).len(), 'E', 'F'),
        whole("RDS", report.databases.len(), 'K', 'N'),
        (addresses('H'), addresses('I')),
    ]
}

fn charts(
    sheet: &mut Worksheet,
    report: &CostReport,
    parts: &Bars,
    groups: Option<&Bars>,
) -> Result<(), XlsxError> {
    let mut cost = bar_chart("Cost by part (USD)");
    for (column, colour) in [(1, COLOURS[0]), (2, COLOURS[1])] {
        let series = cost.add_series();
        series
            .set_name((SUMMARY, parts.first - 1, column))
            .set_categories((SUMMARY, parts.first, 0, parts.last, 0))
            .set_values((SUMMARY, parts.first, column, parts.last, column));
        series.set_format(
            rust_xlsxwriter::ChartFormat::new()
                .set_solid_fill(rust_xlsxwriter::ChartSolidFill::new().set_color(colour)),
        );
    }
    cost.set_alt_text("So far and forecast of EC2, EBS, RDS and idle addresses, as the table says them.");
    sheet.insert_chart(2, CHARTS, &cost)?;
    if let Some(bars) = groups {
        let mut chart = bar_chart(&format!("Forecast by {} (USD)", cell_text(&totals::groups(report).by)));
        let series = chart.add_series();
        series
            .set_categories((SUMMARY, bars.first, 0, bars.last, 0))
            .set_values((SUMMARY, bars.first, 1, bars.last, 1));
        series.set_format(
            rust_xlsxwriter::ChartFormat::new()
                .set_solid_fill(rust_xlsxwriter::ChartSolidFill::new().set_color(COLOURS[2])),
        );
        chart.legend().set_hidden();
        chart.set_alt_text("The largest forecasts, as the table says them.");
        sheet.insert_chart(19, CHARTS, &chart)?;
    }
    if !report.trend.is_empty() {
        sheet.insert_chart(36, CHARTS, &trend_chart(report.trend.len()))?;
    }
    Ok(())
}

/// Bars that lie, the first one at the top.
fn bar_chart(title: &str) -> Chart {
    let mut chart = Chart::new(ChartType::Bar);
    chart.title().set_name(title);
    chart.y_axis().set_reverse();
    chart.x_axis().set_num_format("$ #,##0");
    chart.legend().set_position(ChartLegendPosition::Bottom);
    chart.set_width(820).set_height(320);
    chart
}
