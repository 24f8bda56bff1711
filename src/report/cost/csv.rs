//! A cost report as comma-separated values: a row for each instance.

use rust_decimal::Decimal;

use crate::costs::{CostReport, InstanceCost};
use crate::model::Gap;

/// The columns: first those that reports have had since before opsform, in their order, and the added ones behind them.
const COLUMNS: [&str; 20] = [
    "Name",
    "InstanceId",
    "InstanceType",
    "State",
    "AZ",
    "Platform",
    "vCPU",
    "Memory",
    "VolumeSize(GB)",
    "AttachedVolumes",
    "EC2Monthly(USD)",
    "EBSMonthly(USD)",
    "TotalMonthly(USD)",
    "EC2Forecast(USD)",
    "EBSForecast(USD)",
    "TotalForecast(USD)",
    "Account",
    "Region",
    "Hourly(USD)",
    "Note",
];

/// What a spreadsheet program takes for the beginning of a formula.
const FORMULA: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// Instances in one table with a header, in UTF-8, by RFC 4180 with `\n` at the ends of lines.
///
/// "Monthly" is the month so far. What is not known is an empty cell, and the note says why. What could not be read comes first, as
/// rows whose state is `not_read`, so that no reader takes a part for the whole. Text that a spreadsheet program would take for a
/// formula has a `'` before it.
///
/// # Errors
/// None in practice: the writer writes to memory.
pub fn cost_csv(report: &CostReport) -> Result<String, csv::Error> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(COLUMNS)?;
    for gap in &report.gaps {
        writer.write_record(gap_cells(gap))?;
    }
    for row in &report.instances {
        writer.write_record(cells(row))?;
    }
    let bytes = writer.into_inner().map_err(|error| csv::Error::from(error.into_error()))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn cells(row: &InstanceCost) -> [String; 20] {
    // Where the volumes could not be read, their size is not known either.
    let unread = row.volume_gib == 0 && !row.volumes.is_empty();
    [
        text(&row.name),
        text(&row.id),
        text(&row.instance_type),
        text(&row.state),
        text(&row.zone),
        text(&row.platform),
        row.vcpu.map(|vcpu| vcpu.to_string()).unwrap_or_default(),
        row.memory_mib.map(gib).unwrap_or_default(),
        if unread { String::new() } else { row.volume_gib.to_string() },
        text(&row.volumes.join(" ")),
        cents(row.ec2.so_far),
        cents(row.ebs.so_far),
        cents(row.total.so_far),
        cents(row.ec2.forecast),
        cents(row.ebs.forecast),
        cents(row.total.forecast),
        row.account.clone(),
        row.region.clone(),
        row.hourly.map(|price| price.normalize().to_string()).unwrap_or_default(),
        text(&row.notes.join("; ")),
    ]
}

/// What could not be read, below the same headers.
fn gap_cells(gap: &Gap) -> [String; 20] {
    COLUMNS.map(|column| match column {
        "State" => "not_read".to_owned(),
        "Account" => gap.scope.account.clone(),
        "Region" => gap.scope.region.clone(),
        "Note" => text(&format!("{} could not be read: {}", gap.kind, gap.reason)),
        _ => String::new(),
    })
}

/// Text that stays text in a spreadsheet program.
fn text(text: &str) -> String {
    if text.starts_with(FORMULA) { format!("'{text}") } else { text.to_owned() }
}

/// MiB as GiB: `8`, `0.5`.
fn gib(mib: i64) -> String {
    (Decimal::from(mib) / Decimal::from(1024)).normalize().to_string()
}

fn cents(amount: Option<Decimal>) -> String {
    amount.map(|amount| format!("{amount:.2}")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::costs::Cost;
    use crate::report::cost::fixtures::{HOSTILE, fleet, hostile, sample};

    #[test]
    fn a_row_an_instance() {
        let mut report = sample();
        report
            .instances
            .retain(|row| ["web-0", "batch-nightly-reconciliation-worker-3"].contains(&&*row.name));
        report.instances.extend(fleet(25).instances.pop());
        insta::assert_snapshot!(cost_csv(&report).unwrap(), @r#"
Name,InstanceId,InstanceType,State,AZ,Platform,vCPU,Memory,VolumeSize(GB),AttachedVolumes,EC2Monthly(USD),EBSMonthly(USD),TotalMonthly(USD),EC2Forecast(USD),EBSForecast(USD),TotalForecast(USD),Account,Region,Hourly(USD),Note
,,,not_read,,,,,,,,,,,,,444455556666,me-south-1,,instances could not be read: AccessDenied: an explicit deny in a service control policy
web-0,i-00000000000000000,m5.large,running,us-east-1a,Linux/UNIX,2,8,150,vol-00000000000000000 vol-00000000000000001,10.00,5.33,15.33,15.00,8.00,23.00,111122223333,us-east-1,0.096,
batch-nightly-reconciliation-worker-3,i-00000000000000003,c7g.xlarge,running,ap-northeast-2c,Linux/UNIX,2,8,150,vol-00000000000000030 vol-00000000000000031,11.11,5.33,16.44,16.66,8.00,24.66,111122223333,ap-northeast-2,0.096,
web-24,i-00000000000000018,u7i-12tb.224xlarge,running,us-east-1a,Windows with SQL Server Standard,2,0.5,150,vol-00000000000000180 vol-00000000000000181,,5.33,,,8.00,,111122223333,us-east-1,,no price for u7i in us-east-1
"#);
    }

    #[test]
    fn text_is_no_formula_and_comes_back() {
        let text = cost_csv(&hostile()).unwrap();
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
        assert_eq!(rows.len(), 1 + hostile().instances.len());
        for row in &rows {
            assert!(row.iter().all(|cell| !cell.starts_with(FORMULA)), "{row:?}");
        }
        assert_eq!(&rows[1][0], format!("'{HOSTILE}"));
    }

    #[test]
    fn what_is_not_known_is_empty() {
        let mut report = fleet(1);
        let row = &mut report.instances[0];
        (row.volume_gib, row.memory_mib, row.ebs, row.total) = (0, None, Cost::default(), Cost::default());
        let text = cost_csv(&report).unwrap();
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let row = reader.records().next().unwrap().unwrap();
        assert_eq!(row.iter().skip(7).take(6).collect::<Vec<_>>()[..2], ["", ""]);
        assert_eq!([&row[11], &row[12], &row[14], &row[15]], [""; 4]);
        assert_ne!(&row[10], "");
    }
}
