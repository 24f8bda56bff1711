//! Sheets that list alarms: import, roll-out, a change of the sheet, a sheet that was cut off.

use serde_json::json;

use crate::workspace::{CPU, REGION, Workspace};

const HEADER: [&str; 9] =
    ["알람명", "네임스페이스", "지표", "차원", "비교", "임계치", "기간(분)", "평가횟수", "알림"];

/// A workbook with these alarms, by name and threshold.
fn workbook(alarms: &[(String, f64)]) -> Vec<u8> {
    let mut workbook = rust_xlsxwriter::Workbook::new();
    let sheet = workbook.add_worksheet().set_name("알람").unwrap();
    sheet.write(0, 0, "결제 서비스 알람 목록").unwrap();
    sheet.write_row(2, 0, HEADER).unwrap();
    for (row, (name, threshold)) in (3..).zip(alarms) {
        let texts = [name.as_str(), "AWS/SQS", "ApproximateNumberOfMessagesVisible"];
        sheet.write_row(row, 0, texts).unwrap();
        sheet.write(row, 3, format!("QueueName={name}")).unwrap();
        sheet.write(row, 4, "이상").unwrap();
        sheet.write(row, 5, *threshold).unwrap();
        sheet.write(row, 6, 5).unwrap();
        sheet.write(row, 7, "2/3").unwrap();
        if name.ends_with(['0', '2', '4', '6', '8']) {
            sheet.write(row, 8, "ops; dev").unwrap();
        }
    }
    workbook.save_to_buffer().unwrap()
}

fn alarms(count: usize) -> Vec<(String, f64)> {
    (1..=count).map(|n| (format!("queue {n:02}"), 100.0)).collect()
}

#[test]
fn a_sheet_of_alarms_is_imported_applied_changed_and_destroyed() {
    let workspace = Workspace::new(CPU.split("[[alarm]]").next().unwrap());
    let mut list = alarms(12);
    workspace.write_bytes("alarms.xlsx", &workbook(&list));
    workspace.account.put_alarm(
        REGION,
        json!({"AlarmName": "by hand", "Namespace": "AWS/EC2", "MetricName": "CPUUtilization", "Period": 60,
               "EvaluationPeriods": 1, "Statistic": "Average", "Threshold": 1.0,
               "ComparisonOperator": "GreaterThanThreshold"}),
    );
    let import = ["import", "alarms.xlsx", "--out", "manifests/alarms.toml"];
    workspace.ok(&import).says(&["an inventory of 12 rows"]);
    workspace.run(&import).expect(1).says(&["exists already"]);
    // The labels of the manifest are taken by now.
    workspace.ok(&["import", "alarms.xlsx"]).says(&["label = \"alarms-2\""]);
    workspace.ok(&["validate"]);
    workspace.ok(&["plan"]).says(&["12 to add"]);
    workspace.apply().says(&["12 added"]);
    workspace.expect_nothing_to_do();
    let live = workspace.account.alarm(REGION, "queue 01");
    assert_eq!(live["ComparisonOperator"], "GreaterThanOrEqualToThreshold");
    assert_eq!((&live["Period"], &live["EvaluationPeriods"]), (&json!(300), &json!(3)));
    assert_eq!(live["DatapointsToAlarm"], 2);
    let topic = |name: &str| format!("arn:aws:sns:{REGION}:{}:{name}", workspace.account.id());
    let second = workspace.account.alarm(REGION, "queue 02");
    assert_eq!(second["AlarmActions"], json!([topic("dev"), topic("ops")]));

    // Sorting changes nothing, another number changes one alarm.
    list.reverse();
    workspace.write_bytes("alarms.xlsx", &workbook(&list));
    workspace.expect_nothing_to_do();
    list.reverse();
    list[4].1 = 500.0;
    workspace.write_bytes("alarms.xlsx", &workbook(&list));
    workspace.ok(&["plan"]).says(&["1 to change", "100 → 500", "queue 05"]);
    workspace.apply().says(&["1 changed"]);
    list.remove(4);
    workspace.write_bytes("alarms.xlsx", &workbook(&list));
    workspace.apply().says(&["1 destroyed", "the inventory no longer has the row queue 05"]);
    workspace.ok(&["destroy", "--yes"]).says(&["11 destroyed"]);
    assert_eq!(workspace.account.alarm_names(REGION), ["by hand"]);
}

#[test]
fn a_sheet_that_lost_most_of_its_rows_stops_the_plan() {
    let workspace = Workspace::new(CPU.split("[[alarm]]").next().unwrap());
    workspace.write_bytes("alarms.xlsx", &workbook(&alarms(12)));
    workspace.ok(&["import", "alarms.xlsx", "--out", "manifests/alarms.toml"]);
    workspace.apply().says(&["12 added"]);
    workspace.write_bytes("alarms.xlsx", &workbook(&alarms(5)));
    for command in [&["plan"][..], &["apply", "--yes"]] {
        workspace.run(command).expect(1).says(&[
            "no longer has the rows of 7 of the 12 resources that alarm.alarms made",
            "queue 06, queue 07, queue 08, … 4 more",
            "max_shrink = 7",
        ]);
    }
    assert_eq!(workspace.account.alarms(REGION).len(), 12);
    workspace.ok(&["plan", "--no-delete"]);
    let written = std::fs::read_to_string(workspace.path().join("manifests/alarms.toml")).unwrap();
    let text = written.replace("kind = \"row\"", "kind = \"row\"\nmax_shrink = 7");
    workspace.write("manifests/alarms.toml", &text);
    workspace.apply().says(&["7 destroyed"]);
    // A few rows of a short list may go.
    workspace.write("manifests/alarms.toml", &text.replace("\nmax_shrink = 7", ""));
    workspace.write_bytes("alarms.xlsx", &workbook(&alarms(1)));
    workspace.apply().says(&["4 destroyed"]);
}
