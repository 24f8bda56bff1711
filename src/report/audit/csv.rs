//! An audit as comma-separated values.

use crate::model::{Audit, Gap};

use super::words::{COLUMNS, cells};

/// Gaps and findings in one table with a header, in UTF-8, by RFC 4180 with `\n` at the ends of lines.
///
/// Gaps come first, as rows whose `list` is `gap`, so that no reader takes a part for the whole. Texts are as AWS has
/// them; a spreadsheet program may take one that begins with `=` for a formula, which it does not in a workbook.
///
/// # Errors
/// None in practice: the writer writes to memory.
pub fn audit_csv(audit: &Audit) -> Result<String, csv::Error> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(COLUMNS)?;
    for gap in &audit.gaps {
        writer.write_record(gap_cells(gap))?;
    }
    for finding in &audit.findings {
        writer.write_record(cells(finding))?;
    }
    let bytes = writer.into_inner().map_err(|error| csv::Error::from(error.into_error()))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// A gap's cells below the same headers.
fn gap_cells(gap: &Gap) -> [&str; 16] {
    COLUMNS.map(|column| match column {
        "list" => "gap",
        "kind" => &gap.kind,
        "account" => &gap.scope.account,
        "region" => &gap.scope.region,
        "problem" => "not_read",
        "wrong" => &gap.reason,
        _ => "",
    })
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;
    use crate::model::{Advice, Problem};
    use crate::report::audit::fixtures::{HOSTILE, audit_of, finding, gaps_only, hostile};

    #[test]
    fn a_row_a_finding() {
        let audit = audit_of(vec![
            finding(Advice::Delete, Problem::Expired, 1),
            finding(Advice::Fix, Problem::NotAllowed, 2),
        ]);
        assert_snapshot!(audit_csv(&audit).unwrap(), @r#"
list,kind,id,name,owner,account,region,rule,key,problem,found_key,found,expected,wrong,since,to_do
delete,instance,i-00000000000000001,web-1,kim@example.com,111122223333,us-east-1,tags.ownership,Expiry,expired,,2026-10-31,a day as 2026-12-31,"""2026-10-31"" has expired",2026-11-01,"delete the resource, or set a later date: a day as 2026-12-31"
fix,instance,i-00000000000000002,web-2,kim@example.com,111122223333,us-east-1,tags.ownership,Env,not_allowed,,prd,"one of prod, staging, dev","""prd"" is not allowed",2026-11-01,"change the value: one of prod, staging, dev"
"#);
    }

    #[test]
    fn gaps_are_rows_of_their_own() {
        assert_snapshot!(audit_csv(&gaps_only()).unwrap(), @r#"
list,kind,id,name,owner,account,region,rule,key,problem,found_key,found,expected,wrong,since,to_do
gap,instances,,,,111122223333,us-east-1,,,not_read,,,,AccessDenied: not authorized to ec2:DescribeInstances,,
"#);
    }

    #[test]
    fn any_text_comes_back() {
        let text = audit_csv(&hostile()).unwrap();
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
        assert_eq!(rows.len(), 1 + hostile().findings.len());
        let found = COLUMNS.iter().position(|column| *column == "found").unwrap();
        assert_eq!(&rows[1][found], HOSTILE);
    }
}
