//! An audit as an Excel workbook.

use rust_xlsxwriter::{Color, DocProperties, Format, FormatAlign, Workbook, Worksheet, XlsxError};

use crate::model::{Advice, Audit, Finding};
use crate::report::workbook::{alarm, cell_text, excel_day, filter, header};

use super::words::{
    GAPS_MEANING, cells, checked, checked_kinds, gaps_title, list_count, list_title, totals_or_less,
};

/// The columns of a list: header, width in letters.
const COLUMNS: [(&str, f64); 13] = [
    ("Kind", 10.0),
    ("Id", 24.0),
    ("Name", 30.0),
    ("Owner", 26.0),
    ("Account", 14.0),
    ("Region", 16.0),
    ("Key", 18.0),
    ("What is wrong", 36.0),
    ("Key found", 18.0),
    ("Value found", 26.0),
    ("Since", 12.0),
    ("What to do", 48.0),
    ("Rule", 22.0),
];

/// Which of [`COLUMNS`] is a day.
const SINCE: u16 = 10;

/// A workbook of five sheets: `Summary`, `Gaps`, and one a list. Headers are frozen and filtered; all but counts and
/// days is text, whatever it begins with.
///
/// # Errors
/// Where a list is longer than Excel allows: 1,048,575 findings.
pub fn audit_xlsx(audit: &Audit) -> Result<Vec<u8>, XlsxError> {
    let mut workbook = Workbook::new();
    if let Some(today) = excel_day(audit.today) {
        workbook.set_properties(&DocProperties::new().set_creation_datetime(&today));
    }
    summary_sheet(workbook.add_worksheet(), audit)?;
    gaps_sheet(workbook.add_worksheet(), audit)?;
    for advice in Advice::ALL {
        let findings: Vec<&Finding> = audit.of(advice).collect();
        list_sheet(workbook.add_worksheet(), advice, &findings)?;
    }
    workbook.save_to_buffer()
}

fn summary_sheet(sheet: &mut Worksheet, audit: &Audit) -> Result<(), XlsxError> {
    sheet.set_name("Summary")?.set_column_width(0, 26)?.set_column_width(1, 80)?;
    let (bold, alarm) = (Format::new().set_bold(), alarm());
    let mut row = 0;
    let mut line = |sheet: &mut Worksheet, name: &str, text: &str| {
        sheet.write_string_with_format(row, 0, cell_text(name), &bold)?;
        sheet.write_string(row, 1, cell_text(text))?;
        row += 1;
        Ok::<_, XlsxError>(())
    };
    line(sheet, "Project", &audit.project)?;
    line(sheet, "Day", &format!("{} ({})", audit.today, audit.timezone))?;
    line(sheet, "Result", &totals_or_less(audit))?;
    line(sheet, "Checked", &checked(audit))?;
    let gaps = gaps_title(audit);
    line(sheet, "Gaps", gaps.as_deref().unwrap_or("none"))?;
    if let Some(title) = gaps {
        sheet.write_string_with_format(row - 1, 1, format!("{title}. {GAPS_MEANING}"), &alarm)?;
    }
    row += 1;
    let counts = Advice::ALL.map(|advice| (list_title(advice).to_owned(), audit.of(advice).count()));
    let kinds = checked_kinds(audit).into_iter().map(|(plural, count)| (format!("Checked: {plural}"), count));
    for (name, count) in counts.into_iter().chain(kinds) {
        sheet.write_string_with_format(row, 0, cell_text(&name), &bold)?;
        sheet.write_number_with_format(row, 1, number(count), &count_format())?;
        row += 1;
    }
    Ok(())
}

fn gaps_sheet(sheet: &mut Worksheet, audit: &Audit) -> Result<(), XlsxError> {
    sheet.set_name("Gaps")?;
    if !audit.gaps.is_empty() {
        sheet.set_tab_color(Color::Red);
    }
    header(sheet, &[("Account", 14.0), ("Region", 16.0), ("Kind", 14.0), ("Why it was not read", 100.0)])?;
    for (row, gap) in (1u32..).zip(&audit.gaps) {
        let cells = [&gap.scope.account, &gap.scope.region, &gap.kind, &gap.reason];
        for (column, cell) in (0u16..).zip(cells) {
            sheet.write_string(row, column, cell_text(cell))?;
        }
    }
    finish(sheet, 4, audit.gaps.len())
}

fn list_sheet(sheet: &mut Worksheet, advice: Advice, findings: &[&Finding]) -> Result<(), XlsxError> {
    sheet.set_name(list_title(advice))?;
    header(sheet, &COLUMNS)?;
    let (text, day) = (Format::new().set_align(FormatAlign::Top), Format::new().set_num_format("yyyy-mm-dd"));
    let day = day.set_align(FormatAlign::Top);
    for (row, finding) in (1u32..).zip(findings) {
        for (column, cell) in (0u16..).zip(&list_cells(finding)) {
            match finding.since.and_then(excel_day) {
                Some(since) if column == SINCE => {
                    sheet.write_datetime_with_format(row, column, &since, &day)?;
                }
                _ if cell.is_empty() => {}
                _ => {
                    sheet.write_string_with_format(row, column, cell_text(cell), &text)?;
                }
            }
        }
    }
    if findings.is_empty() {
        sheet.write_string(1, 0, list_count(advice, 0))?;
    }
    finish(sheet, COLUMNS.len(), findings.len())
}

/// A finding's cells in the order of [`COLUMNS`].
fn list_cells(finding: &Finding) -> [String; 13] {
    let [_, kind, id, name, owner, account, region, rule, key, _, found_key, found, _, wrong, since, to_do] =
        cells(finding);
    [kind, id, name, owner, account, region, key, wrong, found_key, found, since, to_do, rule]
}

/// A filter, also where there is nothing yet to filter.
fn finish(sheet: &mut Worksheet, columns: usize, rows: usize) -> Result<(), XlsxError> {
    filter(sheet, columns, rows.max(1))
}

fn count_format() -> Format {
    Format::new().set_num_format("#,##0").set_align(FormatAlign::Left)
}

/// Counts of resources are far below 2³².
fn number(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use calamine::{Data, Reader, Xlsx};

    use super::*;
    use crate::report::audit::fixtures::{audit_of, gaps_only, hostile, sample};

    fn sheets(audit: &Audit) -> Vec<(String, Vec<Vec<Data>>)> {
        let mut book: Xlsx<_> = Xlsx::new(Cursor::new(audit_xlsx(audit).unwrap())).unwrap();
        let names = book.sheet_names();
        let mut rows = |name: &String| {
            assert!(book.worksheet_formula(name).unwrap().is_empty(), "{name} has formulas");
            book.worksheet_range(name).unwrap().rows().map(<[Data]>::to_vec).collect()
        };
        names.iter().map(|name| (name.clone(), rows(name))).collect()
    }

    #[test]
    fn a_sheet_a_list() {
        let sheets = sheets(&sample());
        let sizes: Vec<(&str, usize)> =
            sheets.iter().map(|(name, rows)| (name.as_str(), rows.len())).collect();
        assert_eq!(
            sizes,
            [("Summary", 13), ("Gaps", 4), ("Delete advised", 5), ("Change advised", 3), ("Tags to fix", 37)]
        );
        assert!(sizes.iter().all(|(name, _)| name.len() <= 31));
        let gaps = &sheets[0].1[4][1];
        assert!(gaps.to_string().starts_with("NOT COMPLETE: 2 regions"), "{gaps}");
        let days = sheets[4].1.iter().filter(|row| matches!(row[usize::from(SINCE)], Data::DateTime(_)));
        assert_eq!(days.count(), 24);
    }

    #[test]
    fn text_stays_text() {
        let mut audit = sample();
        for (finding, text) in audit.findings.iter_mut().zip(["=1+1", "+1", "-1", "@SUM(A1)"]) {
            finding.found = Some(text.to_owned());
        }
        let sheets = sheets(&audit);
        let found: Vec<&Data> = sheets[2].1[1..].iter().map(|row| &row[9]).collect();
        let text = |text: &str| Data::String(text.to_owned());
        assert_eq!(found, [&text("=1+1"), &text("+1"), &text("-1"), &text("@SUM(A1)")]);
    }

    #[test]
    fn texts_longer_than_a_cell_are_cut() {
        let mut audit = hostile();
        audit.findings[0].found = Some("한".repeat(40_000));
        audit.gaps[0].reason = "x".repeat(40_000);
        let sheets = sheets(&audit);
        assert_eq!(sheets[1].1[1][3].to_string().chars().count(), 32_767);
        assert!(sheets[2].1[1][9].to_string().ends_with("한…"));
    }

    #[test]
    fn empty_audits_are_workbooks() {
        assert_eq!(sheets(&audit_of(Vec::new()))[2].1[1][0].to_string(), "0 to delete");
        assert_eq!(sheets(&gaps_only())[1].1.len(), 2);
    }
}
