//! A cost report as an Excel workbook.

mod sheet;
mod summary;

use jiff::tz::TimeZone;
use rust_xlsxwriter::{Chart, ChartLegendPosition, ChartType, DocProperties, Workbook, XlsxError};

use super::table::Table;
use super::tables::tables;
use crate::costs::CostReport;
use crate::report::workbook::{MOST_ROWS, excel_time};

/// Why there is no workbook.
#[derive(Debug, thiserror::Error)]
pub enum CostWorkbookError {
    /// Excel's sheets end.
    #[error(
        "the sheet {sheet} would have {rows} rows, and Excel allows {MOST_ROWS} with the header and the total: \
         read fewer accounts or regions, or write CSV or JSON"
    )]
    TooManyRows {
        /// The sheet's name.
        sheet: &'static str,
        /// Of data.
        rows: usize,
    },
    /// What the writer of the file says.
    #[error("the workbook cannot be made: {0}")]
    Writer(#[from] XlsxError),
}

/// The report as a workbook: a summary with charts, and a sheet a table. What a formula gives is in its cell, too, for
/// readers that do not calculate.
///
/// # Errors
/// Where a sheet would have more rows than Excel allows.
pub fn cost_xlsx(report: &CostReport) -> Result<Vec<u8>, CostWorkbookError> {
    let tables = tables(report);
    if let Some(long) = tables.iter().find(|table| table.rows.len() + 2 > MOST_ROWS) {
        return Err(CostWorkbookError::TooManyRows { sheet: long.sheet, rows: long.rows.len() });
    }
    let mut workbook = Workbook::new();
    if let Some(made) = excel_time(report.made.to_zoned(TimeZone::UTC).datetime()) {
        let title = format!("Cost report of {}", crate::report::plain::plain(&report.project));
        workbook.set_properties(&DocProperties::new().set_title(title).set_creation_datetime(&made));
    }
    summary::write(workbook.add_worksheet(), report)?;
    for table in &tables {
        let sheet = workbook.add_worksheet();
        sheet::write(sheet, table)?;
        if table.sheet == TREND && !table.rows.is_empty() {
            let row = u32::try_from(table.rows.len() + 2).unwrap_or(u32::MAX);
            sheet.insert_chart(row, 0, &trend_chart(table.rows.len()))?;
        }
    }
    Ok(workbook.save_to_buffer()?)
}

/// The name of the trend's sheet.
const TREND: &str = "Trend";

/// Colours that people with any sight tell apart (Okabe and Ito, "Color Universal Design").
const COLOURS: [u32; 4] = [0x0000_72B2, 0x00E6_9F00, 0x0000_9E73, 0x00D5_5E00];

/// What money looks like.
const MONEY: &str = "$ #,##0.00";

/// A line a part over the months. It needs a point at least.
fn trend_chart(points: usize) -> Chart {
    let last = u32::try_from(points).unwrap_or(u32::MAX);
    let mut chart = Chart::new(ChartType::Line);
    for (column, colour) in (1u16..=4).zip([COLOURS[0], COLOURS[1], COLOURS[2], 0x0044_4444]) {
        let series = chart.add_series();
        series
            .set_name((TREND, 0, column))
            .set_categories((TREND, 1, 0, last, 0))
            .set_values((TREND, 1, column, last, column));
        series.set_format(
            rust_xlsxwriter::ChartFormat::new()
                .set_line(rust_xlsxwriter::ChartLine::new().set_color(colour).set_width(2.25)),
        );
        // A single month has no line: without a marker nothing would be seen.
        let mut marker = rust_xlsxwriter::ChartMarker::new();
        marker.set_automatic();
        series.set_marker(&marker);
    }
    chart.title().set_name("Forecast of each month (USD)");
    chart.y_axis().set_num_format("$ #,##0");
    chart.x_axis().set_num_format("yyyy-mm");
    chart.legend().set_position(ChartLegendPosition::Bottom);
    chart.set_width(820).set_height(320);
    chart.set_alt_text("The forecast of each month for EC2, EBS and RDS, as the table says it.");
    chart
}

/// The columns of a table that have a name.
fn column_of(table: &Table<'_>, header: &str) -> Option<usize> {
    table.columns.iter().position(|column| column.header == header)
}

#[cfg(test)]
mod tests;
