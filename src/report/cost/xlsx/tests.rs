//! A cost report as a workbook, read back.

use std::io::Cursor;

use calamine::{Data, DataType as _, Range, Reader, Xlsx};
use rust_decimal::Decimal;

use super::*;
use crate::report::cost::fixtures::{HOSTILE, cents, empty, fleet, hostile, sample};
use crate::report::cost::totals;

struct Book(Xlsx<Cursor<Vec<u8>>>);

impl Book {
    fn of(report: &CostReport) -> Self {
        Self(Xlsx::new(Cursor::new(cost_xlsx(report).unwrap())).unwrap())
    }

    fn values(&mut self, sheet: &str) -> Range<Data> {
        self.0.worksheet_range(sheet).unwrap()
    }

    fn formula(&mut self, sheet: &str, at: (u32, u32)) -> String {
        self.0.worksheet_formula(sheet).unwrap().get_value(at).cloned().unwrap_or_default()
    }

    fn names(&self) -> Vec<String> {
        self.0.sheet_names()
    }

    fn row(&mut self, sheet: &str, row: usize) -> Vec<Data> {
        self.values(sheet).rows().nth(row).unwrap().to_vec()
    }
}

fn text(text: &str) -> Data {
    Data::String(text.to_owned())
}

fn dollars(amount: Decimal) -> Data {
    Data::Float(sheet::float(amount))
}

#[test]
fn sheets_stand_in_their_order() {
    let names = Book::of(&sample()).names();
    let wanted = [
        "Summary",
        "EC2_Detail_Costs",
        "EBS_Summary",
        "By_Tag",
        "RDS",
        "Snapshots",
        "Parked",
        "Unattached",
        "Trend",
    ];
    assert_eq!(names, wanted);
    assert!(names.iter().all(|name| name.len() <= 31));
}

#[test]
fn the_layout_that_people_read_with_macros_stays() {
    let header = Book::of(&sample()).row("EC2_Detail_Costs", 0);
    let wanted = "Name,InstanceId,InstanceType,State,AZ,Platform,vCPU,Memory,VolumeSize(GB),AttachedVolumes,EC2Monthly(USD),\
        EBSMonthly(USD),TotalMonthly(USD),EC2Forecast(USD),EBSForecast(USD),TotalForecast(USD),Account,Region,Hourly(USD),Note";
    assert_eq!(header, wanted.split(',').map(text).collect::<Vec<_>>());
}

#[test]
fn an_instance_is_a_row_with_its_sum() {
    let mut book = Book::of(&sample());
    let row = book.row("EC2_Detail_Costs", 2);
    assert_eq!(
        row[..6],
        ["결제 서버 운영-1", "i-00000000000000001", "t3.micro", "running", "ap-northeast-2c", "Linux/UNIX"]
            .map(text)
    );
    assert_eq!(row[6..9], [2.0, 1.0, 150.0].map(Data::Float));
    assert_eq!(row[9], text("vol-00000000000000010, vol-00000000000000011"));
    assert_eq!(row[10..16], [1037, 533, 1570, 1555, 800, 2355].map(|amount| dollars(cents(amount))));
    assert_eq!(book.formula("EC2_Detail_Costs", (2, 12)), "IF(OR(K3=\"\",L3=\"\"),\"\",ROUND(K3+L3,2))");
    assert_eq!(row[18], Data::Float(0.096));
}

#[test]
fn what_is_not_known_is_an_empty_cell_and_never_a_zero() {
    let mut book = Book::of(&sample());
    let row = book.row("EC2_Detail_Costs", 25);
    assert_eq!(row[1], text("i-00000000000000018"));
    for empty in [10, 13, 18] {
        assert_eq!(row[empty], Data::Empty, "{empty}");
    }
    // The sum's formula gives the empty text.
    assert!(
        [12, 15].iter().all(|column| matches!(&row[*column], Data::Empty) || row[*column] == text("")),
        "{row:?}"
    );
    assert_eq!((&row[11], &row[19]), (&dollars(cents(533)), &text("no price for u7i in us-east-1")));
    // One that is stopped costs no hours, and that is known.
    assert_eq!(book.row("EC2_Detail_Costs", 10)[10], Data::Float(0.0));
    // A type of which no volume has a price.
    let types = book.values("EBS_Summary");
    let row = types.rows().find(|row| row[0] == text("st9")).unwrap();
    assert_eq!(row[4..], [Data::Empty, Data::Empty, Data::Empty, Data::Float(1.0)]);
}

#[test]
fn totals_count_what_a_filter_shows_and_are_what_the_report_says() {
    let report = sample();
    let mut book = Book::of(&report);
    let [ec2, ebs, rds, _] = totals::parts(&report).map(|(_, total)| total);
    for (sheet, row, column, letter, amount) in [
        ("EC2_Detail_Costs", 31, 10, 'K', ec2.so_far),
        ("EC2_Detail_Costs", 31, 13, 'N', ec2.forecast),
        ("EBS_Summary", 5, 4, 'E', ebs.so_far),
        ("EBS_Summary", 5, 5, 'F', ebs.forecast),
        ("RDS", 3, 10, 'K', rds.so_far),
    ] {
        let total = book.row(sheet, row);
        assert_eq!((&total[0], &total[column]), (&text("Total"), &dollars(amount.unwrap())), "{sheet}");
        let at = (u32::try_from(row).unwrap(), u32::try_from(column).unwrap());
        assert_eq!(book.formula(sheet, at), format!("ROUND(SUBTOTAL(109,{letter}2:{letter}{row}),2)"));
    }
}

#[test]
fn the_summary_sums_the_sheets() {
    let report = sample();
    let mut book = Book::of(&report);
    let rows: Vec<Vec<Data>> = book.values("Summary").rows().map(<[Data]>::to_vec).collect();
    let at =
        |name: &str| rows.iter().position(|row| row[0] == text(name)).unwrap_or_else(|| panic!("{name}"));
    let first = at("EC2 instances");
    for (offset, (name, total)) in totals::parts(&report).into_iter().enumerate() {
        assert_eq!(
            rows[first + offset][..3],
            [text(name), dollars(total.so_far.unwrap()), dollars(total.forecast.unwrap())]
        );
    }
    let whole = totals::whole(&report);
    assert_eq!(
        rows[at("Total")][1..4],
        [dollars(whole.so_far.unwrap()), dollars(whole.forecast.unwrap()), Data::Float(3.0)]
    );
    let formula =
        |book: &mut Book, row: usize, column| book.formula("Summary", (u32::try_from(row).unwrap(), column));
    assert_eq!(formula(&mut book, first, 1), "ROUND(SUM(EC2_Detail_Costs!K2:K31),2)");
    assert_eq!(
        formula(&mut book, first + 3, 2),
        "ROUND(SUMIF(Unattached!A2:A4,\"address\",Unattached!I2:I4),2)"
    );
    assert_eq!(rows[at("Parking saves, at least")][2], dollars(cents(6_000)));
    let warning = "NOT COMPLETE: 1 part was not read. 3 rows have no known price: the sums leave them out. See the end of this sheet.";
    assert_eq!(rows[1][0], text(warning));
    assert_eq!(
        rows[at("Prices that are not known") + 2][1..3],
        [Data::Float(1.0), text("no price for volumes of st9")]
    );
    let gap = "AccessDenied: an explicit deny in a service control policy";
    assert_eq!(
        rows[at("What could not be read") + 1][..4],
        ["instances", "444455556666", "me-south-1", gap].map(text)
    );
    // Billed 900.00 where the list says 987.65; of EBS nobody knows the difference.
    let billed = &rows[at("Billed so far") + 1];
    assert_eq!(billed[1..4], [90_000, 98_765, -8_765].map(|amount| dollars(cents(amount))));
    let unknown = &rows[at("Billed so far") + 2][3];
    assert!(matches!(unknown, Data::Empty) || *unknown == text(""), "{unknown:?}");
}

#[test]
fn text_stays_text() {
    let report = hostile();
    let mut book = Book::of(&report);
    for column in [0, 1, 4, 5, 9, 19] {
        let found: Vec<Data> =
            book.values("EC2_Detail_Costs").rows().skip(1).take(8).map(|row| row[column].clone()).collect();
        let shown = crate::report::plain::plain(HOSTILE);
        let wanted = [&*shown, "=1+1", "+1", "-1", "@SUM(A1)", "\\t=1", "\\r=1", "https://acme.example/"];
        assert_eq!(found, wanted.map(text), "{column}");
    }
    assert_eq!(book.formula("EC2_Detail_Costs", (2, 0)), "");
    assert_eq!(book.row("RDS", 1)[0], text("=1+1"));
}

#[test]
fn days_and_times_are_no_text() {
    let mut book = Book::of(&sample());
    let row = book.row("Trend", 1);
    let time = |data: &Data| data.get_datetime().unwrap().to_ymd_hms_milli();
    assert_eq!(time(&row[0]), (2026, 5, 1, 0, 0, 0, 0));
    assert_eq!(time(&row[7]), (2026, 5, 20, 10, 30, 0, 0));
    assert_eq!(row[4], dollars(cents(140_000 + 48_000 + 14_300)));
    assert_eq!(time(&book.row("Unattached", 1)[5]), (2026, 10, 2, 3, 4, 5, 0));
}

#[test]
fn reports_of_nothing_are_workbooks() {
    let mut book = Book::of(&empty());
    for sheet in book.names() {
        let rows = book.values(&sheet).rows().count();
        assert!(rows == 1 || sheet == "Summary", "{sheet}: {rows}");
    }
}

#[test]
fn tables_longer_than_a_sheet_are_refused() {
    let mut report = empty();
    report.addresses = vec![crate::costs::AddressCost::default(); 1_048_575];
    let error = cost_xlsx(&report).unwrap_err().to_string();
    assert!(
        error.starts_with("the sheet Unattached would have 1048575 rows, and Excel allows 1048576"),
        "{error}"
    );
}

/// Ten thousand instances with 25,000 volumes, four hundred of them without a price.
#[test]
fn large_fleets_are_workbooks_and_pages() {
    let report = fleet(10_000);
    assert_eq!(report.volumes.len(), 25_000);
    let mut book = Book::of(&report);
    assert_eq!(book.values("EC2_Detail_Costs").rows().count(), 10_002);
    let page = crate::report::cost_html(&report).unwrap();
    assert_eq!(page.matches("<tr><th scope=\"row\">").count(), 10_000 + 4 + 3 + 3);
}

/// Writes the forms of some reports to `target/`, to be looked at.
#[test]
#[ignore = "for people: it writes files"]
fn write_the_samples() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("target");
    for (name, report) in
        [("sample", sample()), ("hostile", hostile()), ("empty", empty()), ("large", fleet(10_000))]
    {
        let start = std::time::Instant::now();
        std::fs::write(folder.join(format!("cost-{name}.xlsx")), cost_xlsx(&report).unwrap()).unwrap();
        let workbook = start.elapsed();
        let page = crate::report::cost_html(&report).unwrap();
        std::fs::write(folder.join(format!("cost-{name}.html")), page).unwrap();
        println!("{name}: workbook {workbook:?}, page {:?}", start.elapsed().saturating_sub(workbook));
    }
}
