//! Inventories from files: workbooks and text in the encodings that offices use.

use std::fmt::Write;

use serde_json::json;

use crate::workspace::{CPU, REGION, Run, Workspace};

const COUNT: usize = 40;

/// One row of the inventory.
#[derive(Clone)]
struct Row {
    id: String,
    name: String,
    cpu: String,
}

/// An account with instances, and an inventory that lists them all.
fn forty(file: &str, keys: &str) -> (Workspace, Vec<Row>) {
    let settings = CPU.split("[[alarm]]").next().unwrap();
    let workspace = Workspace::new(&format!(
        "{settings}\n[[inventory]]\nlabel = \"servers\"\nfile = \"../{file}\"\nid = \"Instance ID\"\n\
         columns = {{ cpu = \"CPU 임계치(%)\" }}\n{keys}\n\
         [[alarm]]\nlabel = \"cpu\"\nfor_each = {{ inventory = \"servers\" }}\n\
         name = \"{{{{ name }}}}: CPU\"\nmetric = \"CPUUtilization\"\ncomparison = \">\"\n\
         threshold = \"{{{{ row.cpu | default(90) }}}}\"\ndescription = \"{{{{ row['이름'] }}}}\"\n"
    ));
    let instances: Vec<_> = (1..=COUNT).map(|n| json!({"name": format!("web-{n:02}")})).collect();
    let ids = workspace.account.seed_instances(REGION, instances.into());
    // An instance that the inventory does not list gets no alarm.
    workspace.account.seed_instances(REGION, json!([{"name": "unlisted"}]));
    let rows = ids.into_iter().zip(1..).map(|(id, n)| Row {
        id,
        name: format!("결제 서버 {n}"),
        cpu: if n == 2 { String::new() } else { "80".to_owned() },
    });
    let rows = rows.collect();
    (workspace, rows)
}

/// A workbook with a title, a remark and a hidden sheet.
fn workbook(rows: &[Row]) -> Vec<u8> {
    let mut workbook = rust_xlsxwriter::Workbook::new();
    let sheet = workbook.add_worksheet().set_name("운영서버").unwrap();
    sheet.merge_range(0, 0, 0, 2, "서버 목록", &rust_xlsxwriter::Format::new()).unwrap();
    for (column, header) in ["이름", "Instance ID", "CPU 임계치(%)"].into_iter().zip(0..).map(|(h, c)| (c, h))
    {
        sheet.write(2, column, header).unwrap();
    }
    for (row, at) in rows.iter().zip(3..) {
        sheet.write(at, 0, &row.name).unwrap();
        sheet.write(at, 1, format!("{} ", row.id)).unwrap();
        match row.cpu.parse::<f64>() {
            Ok(number) => sheet.write(at, 2, number).unwrap(),
            Err(_) => sheet.write(at, 2, &row.cpu).unwrap(),
        };
    }
    workbook.add_worksheet().set_name("old").unwrap().set_hidden(true);
    workbook.save_to_buffer().unwrap()
}

/// The same as Korean Excel saves it as CSV.
fn cp949(rows: &[Row]) -> Vec<u8> {
    let mut text = "이름,Instance ID,CPU 임계치(%)\r\n".to_owned();
    for row in rows {
        write!(text, "{},{},{}\r\n", row.name, row.id, row.cpu).unwrap();
    }
    let (bytes, _, unmappable) = encoding_rs::EUC_KR.encode(&text);
    assert!(!unmappable);
    bytes.into_owned()
}

/// Apply, plan nothing, change a cell, sort, remove a row, name an instance that is not there.
fn life(file: &str, bytes: fn(&[Row]) -> Vec<u8>, cell: &str, missing_cell: &str) {
    let (workspace, mut rows) = forty(file, "");
    let write = |rows: &[Row]| workspace.write_bytes(file, &bytes(rows));
    write(&rows);
    let plan = workspace.ok(&["plan"]).says(&["Plan: 40 to add", "alarm.cpu"]);
    assert!(plan.stdout.lines().count() < 30, "{}", plan.stdout);
    assert!(plan.stdout.contains("manifests/opsform.toml:19\n"), "one place for all rows: {}", plan.stdout);
    workspace.apply().says(&["40 added"]);
    assert_eq!(workspace.account.alarms(REGION).len(), COUNT);
    let alarm = workspace.account.alarm(REGION, "web-02: CPU");
    assert_eq!((&alarm["Threshold"], &alarm["AlarmDescription"]), (&json!(90.0), &json!("결제 서버 2")));
    workspace.expect_nothing_to_do();

    rows[6].cpu = String::from("85");
    write(&rows);
    assert_eq!(workspace.changes(), ["update web-07: CPU"]);
    workspace
        .ok(&["plan"])
        .says(&["threshold   80 → 85", &format!("manifests/opsform.toml:19 · {file} › {cell}")]);
    workspace.apply().says(&["1 changed"]);

    rows.reverse();
    write(&rows);
    workspace.expect_nothing_to_do();

    let gone = rows.remove(0);
    write(&rows);
    workspace.ok(&["plan"]).says(&["web-40: CPU", &gone.id, "because"]);
    assert_eq!(workspace.changes(), ["delete web-40: CPU"]);
    workspace.apply().says(&["1 destroyed"]);
    workspace.expect_nothing_to_do();

    // The last digit mistyped: AWS has no such instance.
    let wrong = rows[1].id.split_at(rows[1].id.len() - 2);
    let replaced = if wrong.1 == "00" { "11" } else { "00" };
    let right = rows[1].id.clone();
    rows[1].id = format!("{}{replaced}", wrong.0);
    write(&rows);
    for command in [&["plan"][..], &["apply", "--yes"]] {
        workspace.run(command).expect(1).says(&[
            &format!("AWS has no instance `{}`", rows[1].id),
            &format!("{file} › {missing_cell}"),
            &format!("did you mean `{right}`"),
        ]);
    }
    assert_eq!(workspace.account.alarms(REGION).len(), COUNT - 1);
    workspace.edit_manifest("id = \"Instance ID\"", "id = \"Instance ID\"\nmissing = \"warn\"");
    let plan = workspace.ok(&["plan"]).says(&["1 warning", "1 to destroy"]);
    assert!(plan.all().contains("warning: inventory `servers`"), "{}", plan.all());
}

#[test]
fn the_life_of_a_workbook() {
    life("servers.xlsx", workbook, "운영서버!B10", "운영서버!B5");
}

#[test]
fn the_life_of_a_korean_csv_file() {
    life("servers.csv", cp949, "B8", "B3");
}

/// Fails in `validate`, which must work without AWS and without credentials.
#[track_caller]
fn invalid(workspace: &Workspace, words: &[&str]) {
    let mut command = workspace.command(&["validate"]);
    command.env_clear();
    Run::of(command.output().unwrap()).expect(1).says(words);
    assert!(workspace.account.log().is_empty());
}

#[test]
fn validate_looks_into_the_sheet() {
    let (workspace, rows) = forty("servers.xlsx", "");
    workspace.account.clear_calls();
    invalid(&workspace, &["there is no file `servers.xlsx`", "opsform.toml:15:8"]);
    workspace.write("servers.xlsx", "no workbook");
    invalid(&workspace, &["`servers.xlsx` cannot be read as .xlsx"]);
    workspace.write_bytes("servers.xlsx", &workbook(&rows[..0]));
    invalid(&workspace, &["`servers.xlsx › 운영서버` has no rows", "allow_empty"]);
    let mut twice = rows.clone();
    twice.push(rows[0].clone());
    workspace.write_bytes("servers.xlsx", &workbook(&twice));
    invalid(
        &workspace,
        &["stands in two rows", "servers.xlsx › 운영서버!B44", "the first one: servers.xlsx › 운영서버!B4"],
    );
    workspace.write_bytes("servers.xlsx", &workbook(&rows));
    workspace.ok(&["validate"]);
    workspace.edit_manifest("row['이름']", "row['이룸']");
    invalid(&workspace, &["has no column `이룸`", "did you mean `row['이름']`?"]);
    workspace.edit_manifest("row['이룸']", "row['이름']");
    workspace.edit_manifest("id = \"Instance ID\"", "id = \"InstanceID\"");
    invalid(&workspace, &["has no column `InstanceID`", "did you mean `Instance ID`?"]);
    workspace.edit_manifest("id = \"InstanceID\"", "id = \"Instance ID\"\nsheet = \"운영\"");
    invalid(&workspace, &["has no sheet `운영`", "`운영서버`"]);
}

#[test]
fn a_cell_that_does_not_fit_is_shown_with_its_place() {
    let (workspace, mut rows) = forty("servers.xlsx", "");
    workspace.account.clear_calls();
    rows[4].cpu = "high".to_owned();
    rows[9].cpu = "９５ ".to_owned();
    workspace.write_bytes("servers.xlsx", &workbook(&rows));
    invalid(
        &workspace,
        &[
            "`threshold` of alarm.cpu for",
            "servers.xlsx › 운영서버!C8",
            "the cell holds \"high\"",
            "threshold = \"{{ row.cpu | default(90) }}\"",
            "1 error",
        ],
    );
    // A row that may be left out is looked at when its target is known.
    workspace.edit_manifest("\"servers\" }", "\"servers\", state = \"running\" }");
    workspace.ok(&["validate"]);
    workspace.run(&["plan"]).expect(1).says(&["(web-05)", "servers.xlsx › 운영서버!C8", "1 error"]);
    assert!(workspace.account.writes().is_empty());
}

#[test]
fn a_run_of_one_region_does_not_miss_the_rows_of_the_others() {
    let (workspace, mut rows) = forty("servers.csv", "");
    workspace.edit_manifest("[\"us-east-1\"]", "[\"us-east-1\", \"ap-northeast-2\"]");
    let seoul = workspace.account.seed_instances("ap-northeast-2", json!([{"name": "seoul"}]));
    rows.truncate(1);
    rows.push(Row { id: seoul[0].clone(), name: "서울".to_owned(), cpu: "70".to_owned() });
    workspace.write_bytes("servers.csv", &cp949(&rows));
    assert_eq!(workspace.changes().len(), 2);
    assert_eq!(workspace.changes_with(&["--region", "ap-northeast-2"]), ["create seoul: CPU"]);
}

#[test]
fn what_the_aws_cli_prints_is_an_inventory() {
    let (workspace, rows) = forty("tags.json", "");
    let tags: Vec<_> = rows
        .iter()
        .map(|row| json!({"Key": "cpu", "ResourceId": row.id, "ResourceType": "instance", "Value": "75"}))
        .collect();
    workspace.write("tags.json", &json!({ "Tags": tags }).to_string());
    workspace.edit_manifest("id = \"Instance ID\"\ncolumns = { cpu = \"CPU 임계치(%)\" }", "");
    workspace.edit_manifest("row['이름']", "row.owner | default('nobody')");
    workspace.apply().says(&["40 added"]);
    let alarm = workspace.account.alarm(REGION, "web-02: CPU");
    assert_eq!((&alarm["Threshold"], &alarm["AlarmDescription"]), (&json!(75.0), &json!("nobody")));
    workspace.expect_nothing_to_do();
}

#[test]
fn an_inventory_that_lost_its_rows_deletes_nothing_unless_it_is_meant() {
    let (workspace, rows) = forty("servers.csv", "");
    workspace.write_bytes("servers.csv", &cp949(&rows));
    workspace.apply();
    workspace.write_bytes("servers.csv", &cp949(&rows[..0]));
    for command in [&["plan"][..], &["apply", "--yes"]] {
        workspace.run(command).expect(1).says(&["`servers.csv` has no rows", "allow_empty = true"]);
    }
    // Rows that AWS does not have are no rows either.
    let strangers: Vec<Row> =
        rows.iter().zip(0..).map(|(row, n)| Row { id: format!("i-{n:017x}"), ..row.clone() }).collect();
    workspace.write_bytes("servers.csv", &cp949(&strangers));
    workspace.edit_manifest("id = \"Instance ID\"", "id = \"Instance ID\"\nmissing = \"skip\"");
    workspace
        .run(&["apply", "--yes"])
        .expect(1)
        .says(&["alarm.cpu selects no instances", "the 40 resources"]);
    assert_eq!(workspace.account.alarms(REGION).len(), COUNT);
    workspace.write_bytes("servers.csv", &cp949(&rows[..0]));
    workspace.edit_manifest("missing = \"skip\"", "allow_empty = true");
    workspace.apply().says(&["40 destroyed"]);
    workspace.expect_nothing_to_do();
}

#[test]
fn a_row_whose_instance_was_terminated_is_told() {
    let (workspace, rows) = forty("servers.csv", "");
    workspace.write_bytes("servers.csv", &cp949(&rows));
    workspace.apply();
    workspace.account.terminate(REGION, &[rows[7].id.clone()]);
    workspace.run(&["plan"]).expect(1).says(&[
        &rows[7].id,
        "servers.csv › B9",
        "it may be terminated",
        "1 error",
    ]);
    workspace.edit_manifest("id = \"Instance ID\"", "id = \"Instance ID\"\nmissing = \"skip\"");
    workspace.ok(&["plan"]).says(&["web-08: CPU", "was terminated"]);
    assert_eq!(workspace.changes(), ["delete web-08: CPU"]);
}

#[test]
fn an_inventory_larger_than_a_filter_of_aws_is_read_in_one_pass() {
    let (workspace, mut rows) = forty("servers.csv", "");
    let more = workspace.account.seed_instances(REGION, json!([{"name": "more", "count": 260}]));
    rows.extend(more.into_iter().map(|id| Row { id, name: "more".to_owned(), cpu: "70".to_owned() }));
    workspace.edit_manifest("{{ name }}: CPU", "{{ id }}: CPU");
    workspace.write_bytes("servers.csv", &cp949(&rows));
    workspace.account.clear_calls();
    assert_eq!(workspace.changes().len(), 300);
    assert_eq!(workspace.account.count("ec2:DescribeInstances"), 1);
}
