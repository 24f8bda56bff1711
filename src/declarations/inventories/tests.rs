use std::collections::BTreeMap;
use std::fmt::Write;

use super::*;
use crate::declarations::{Declaration, World, block_names, parse_all};
use crate::inventory::{Fleet, Target, TargetKind};
use crate::manifest::{SourceSet, parse};
use crate::model::{Desired, Scope, Severity};

mod lists;

const SETTINGS: &str = "[project]\nname = 'payments'\n";

const ALARM: &str = "[[alarm]]\nlabel = 'cpu'\nfor_each = { inventory = 'servers' }\nname = '{{ id }}'\n\
                     metric = 'CPUUtilization'\ncomparison = '>'\nthreshold = '{{ row.cpu | default(90) }}'\n";

/// An id of the right form.
fn id(number: usize) -> String {
    format!("i-{number:08}")
}

/// An inventory of `servers.csv` with these keys, and an alarm of its rows.
fn manifest(keys: &str) -> String {
    format!("[[inventory]]\nlabel = 'servers'\nfile = 'servers.csv'\nid = 'ID'\n{keys}\n{ALARM}")
}

fn lines(problems: &Diagnostics) -> Vec<String> {
    let line = |d: &Diagnostic| {
        let mut line = if d.severity == Severity::Warning { "warning " } else { "" }.to_owned();
        let place = d.place.as_ref().map(ToString::to_string).unwrap_or_default();
        write!(line, "{place} {}", d.summary).unwrap();
        if let Some(hint) = &d.hint {
            write!(line, " ({hint})").unwrap();
        }
        if let Some((place, caption)) = &d.related {
            write!(line, " [{caption} {place}]").unwrap();
        }
        line.replace("manifests/a.toml:", "").replace("manifests/servers.csv › ", "")
    };
    problems.iter().map(line).collect()
}

fn read(text: &str, csv: &str) -> (Vec<Box<dyn Declaration>>, Vec<String>) {
    let sources =
        SourceSet::new("manifests", [("manifests/a.toml", text), ("manifests/main.toml", SETTINGS)]);
    let (mut document, mut problems) = parse(&sources, &block_names());
    assert!(super::files_of(&document).iter().all(|file| file.starts_with("manifests/")));
    document.files = BTreeMap::from([("manifests/servers.csv".to_owned(), Ok(csv.as_bytes().into()))]);
    let (declarations, more) = parse_all(&document);
    problems.extend(more);
    (declarations, lines(&problems))
}

fn problems(keys: &str, csv: &str) -> Vec<String> {
    read(&manifest(keys), csv).1
}

fn web(number: usize) -> Target {
    Target {
        kind: TargetKind::Ec2,
        scope: Scope::new("111122223333", "us-east-1"),
        id: id(number),
        name: format!("web-{number}"),
        state: if number == 9 { "stopped" } else { "running" }.to_owned(),
        tags: BTreeMap::new(),
        attributes: BTreeMap::new(),
    }
}

fn desired_of(text: &str, csv: &str, targets: &[usize], whole: bool) -> (Vec<Desired>, Vec<String>) {
    let (declarations, problems) = read(text, csv);
    assert_eq!(problems, [""; 0]);
    let fleet = Fleet::new(targets.iter().map(|&number| web(number)).collect());
    let scopes = [Scope::new("111122223333", "us-east-1"), Scope::new("111122223333", "us-east-2")];
    let world = World::new(&scopes, &scopes[usize::from(!whole)..], &fleet, jiff::Timestamp::UNIX_EPOCH);
    let (desired, problems) = declarations[0].desired(&world);
    (desired, lines(&problems))
}

fn desired(keys: &str, csv: &str, targets: &[usize]) -> (Vec<Desired>, Vec<String>) {
    desired_of(&manifest(keys), csv, targets, true)
}

fn thresholds(desired: &[Desired]) -> Vec<String> {
    desired.iter().map(|d| format!("{} {}", d.address.key, d.fields["threshold"])).collect()
}

#[test]
fn a_row_becomes_the_variables_of_its_target() {
    let csv = format!("ID,cpu,env\n{},80,prod\n{},,dev\n,,\n {}　,８５,prod\n", id(1), id(2), id(3));
    let (all, said) = desired("", &csv, &[1, 2, 3, 4]);
    assert_eq!(said, [""; 0]);
    assert_eq!(thresholds(&all), ["i-00000001 80.0", "i-00000002 90.0", "i-00000003 85.0"]);
    assert_eq!(all[2].origin.place, "manifests/a.toml:6 · manifests/servers.csv › A5");
    let (all, said) = desired("where = \"row.env == 'prod'\"", &csv, &[1, 3]);
    assert_eq!((thresholds(&all).len(), said), (2, Vec::new()));
}

#[test]
fn conditions_of_a_row_can_use_numbers_and_dates() {
    let csv = format!("ID,cpu,until\n{},80,2026-01-31\n{},95,2027-01-31\n", id(1), id(2));
    for (condition, kept) in [
        ("row.cpu > 90", 1),
        ("{{ row.cpu >= 80 and row.until > '2026-06-01' }}", 1),
        ("true", 2),
        ("row.cpu in [80, 95]", 2),
    ] {
        let (all, said) = desired(&format!("where = \"{condition}\"\nmissing = 'skip'"), &csv, &[1, 2]);
        assert_eq!((all.len(), said), (kept, Vec::new()), "{condition}");
    }
}

#[test]
fn conditions_beside_the_inventory_do_not_make_rows_missing() {
    let text = manifest("").replace("'servers' }", "'servers', state = 'running' }");
    let csv = format!("ID,cpu\n{},80\n{},81\n", id(1), id(9));
    let (all, said) = desired_of(&text, &csv, &[1, 9], true);
    assert_eq!((thresholds(&all), said), (vec!["i-00000001 80.0".to_owned()], Vec::new()));
}

/// 40 rows with twenty faults; `sound` leaves out those that show without any target.
fn faulty(sound: bool) -> String {
    let mut csv = "ID,cpu,env,period\n".to_owned();
    for number in 1..=40 {
        let id = match number {
            _ if sound => id(number),
            3 => "#N/A".to_owned(),
            7 => "i-xyz".to_owned(),
            12 => id(11),
            19 => String::new(),
            28 => "web-28".to_owned(),
            number => id(number),
        };
        let env = match number {
            _ if sound => "prod",
            5 => "",
            6 => "#REF!",
            _ => "prod",
        };
        let cpu = match number {
            2 | 4 | 8 => "high",
            16 => "#N/A",
            32 => "90%",
            10 => "\"1,000\"",
            20 => "90 80",
            36 => "－",
            _ => "90",
        };
        let period = match number {
            13 | 40 => "",
            21 => "#REF!",
            22 => "ten",
            30 => "5분",
            _ => "300",
        };
        writeln!(csv, "{id},{cpu},{env},{period}").unwrap();
    }
    csv
}

fn cells(said: &[String]) -> Vec<&str> {
    said.iter().map(|line| line.split(' ').next().unwrap()).collect()
}

const OF_VALUES: [&str; 13] =
    ["B3", "B5", "B9", "B11", "D14", "B17", "B21", "D22", "D23", "D31", "B33", "B37", "D41"];

#[test]
fn twenty_planted_faults_are_told_in_one_run_each_at_its_cell() {
    let text = manifest("where = \"row.env == 'prod'\"") + "period = '{{ row.period }}'\n";
    let (_, said) = read(&text, &faulty(false));
    assert_eq!(said.len(), 20);
    assert_eq!(
        said[..7],
        [
            "C6 `where` needs column `env`, which is empty here (fill in the cell, or write \
             `row.env | default('')`) [the condition 5:9]",
            "C7 `where` failed: the cell holds the error #REF! (correct the cell or the condition) [the condition 5:9]",
            "A4 the cell holds the error #N/A (correct the cell, or leave such rows out: \
             `where = \"{{ row.ID is defined }}\"`)",
            "A20 the row has no id (correct the cell, or leave such rows out: \
             `where = \"{{ row.ID is defined }}\"`)",
            "A8 \"i-xyz\" is not the id of one of the instances (an instance's id looks like `i-0123456789abcdef0`)",
            "A13 `i-00000011` stands in two rows (a row stands for one target: remove one of the two, or choose \
             rows with `where`) [the first one A12]",
            "A29 \"web-28\" is not the id of one of the instances (an instance's id looks like `i-0123456789abcdef0`)",
        ]
    );
    assert_eq!(cells(&said[7..]), OF_VALUES);
    assert_eq!(
        said[7],
        "B3 `threshold` of alarm.cpu for i-00000002: template `{{ row.cpu | default(90) }}` gave `high`, which is not \
         a number [the template that reads it 12:13]"
    );
    assert_eq!(
        said[11],
        "D14 `period` of alarm.cpu for i-00000013: column `period` is empty (fill in the cell, or write \
         `{{ row.period | default(…) }}`) [the template that reads it 13:10]"
    );
    assert!(said[12].contains("failed: the cell holds the error #N/A"), "{}", said[12]);
}

#[test]
fn templates_that_look_at_the_target_tell_the_cell_too() {
    let text = manifest("") + "period = '{{ row.period }}'\n";
    let text = text.replace("{{ row", "{% if name %}{% endif %}{{ row");
    // One row has no target.
    let csv = faulty(true).replace("i-00000001,90,prod,300", "i-00000099,90,prod,300");
    let (_, said) = desired_of(&text, &csv, &(1..=40).collect::<Vec<_>>(), true);
    assert_eq!(cells(&said)[0], "A2");
    let mut found = cells(&said[1..]);
    assert_eq!(found.len(), OF_VALUES.len());
    found.sort_unstable();
    let mut expected = OF_VALUES;
    expected.sort_unstable();
    assert_eq!(found, expected);
    assert!(
        said[1].starts_with("B3 `threshold` of alarm.cpu for i-00000002 (web-2): template"),
        "{}",
        said[1]
    );
    // AWS takes no period of 7 seconds.
    let csv = format!("ID,cpu,period\n{},90,7\n", id(1));
    let (_, said) = desired_of(&text, &csv, &[1], true);
    assert!(said[0].starts_with("C2 `period` of alarm.cpu for i-00000001 (web-1) must be"), "{}", said[0]);
}

#[test]
fn a_row_without_a_target_is_told_as_the_manifest_wants_it() {
    let csv = format!("ID,cpu\n{},80\ni-00000021,85\ni-abcdefab,1\n", id(1));
    let (all, said) = desired("", &csv, &[1, 20]);
    assert_eq!(all.len(), 1);
    assert_eq!(
        said,
        [
            "A3 inventory `servers`: AWS has no instance `i-00000021` in the accounts and regions of the manifest \
             (did you mean `i-00000020` (web-20)?)",
            "A4 inventory `servers`: AWS has no instance `i-abcdefab` in the accounts and regions of the manifest \
             (it may be terminated: remove the row, or say `missing = \"warn\"` or `\"skip\"`)",
        ]
    );
    let (_, said) = desired("missing = 'warn'", &csv, &[1]);
    assert!(said[1].ends_with("remove the row, or say `missing = \"skip\"`)"), "{}", said[1]);
    assert!(said.iter().all(|line| line.starts_with("warning")) && said.len() == 2, "{said:?}");
    assert_eq!(desired("missing = 'skip'", &csv, &[1]).1, [""; 0]);
    // A run that was asked for one region does not know about the others.
    assert_eq!(desired_of(&manifest(""), &csv, &[1], false).1, [""; 0]);
}

#[test]
fn a_thousand_wrong_rows_do_not_fill_the_screen() {
    let rows: Vec<String> = (0..1_000).map(|n| format!("web-{n}")).collect();
    let found = problems("kind = 'ec2'", &format!("ID\n{}\n", rows.join("\n")));
    assert_eq!(found.len(), 102, "100 cells, how many more, and the column of the alarm");
    assert_eq!(found[100], " 900 more rows of `manifests/servers.csv` are like that");
}

#[test]
fn an_empty_inventory_is_an_error_unless_it_is_meant() {
    assert_eq!(
        problems("", "ID,cpu\n\n"),
        ["3:8 `manifests/servers.csv` has no rows (if that may be so, set `allow_empty = true`)"]
    );
    assert_eq!(
        problems("where = 'row.cpu > 5'", &format!("ID,cpu\n{},1\n", id(1))),
        [
            "5:9 `where` keeps none of the 1 rows of `manifests/servers.csv` (if that may be so, set `allow_empty = true`)"
        ]
    );
    let (declarations, problems) = read(&manifest("allow_empty = true"), "ID,cpu\n");
    assert_eq!(problems, [""; 0]);
    assert!(declarations[0].selectors().is_empty(), "an empty list of ids would select everything");
    assert!(declarations[0].allows_empty());
    assert!(desired("allow_empty = true", "ID,cpu\n", &[1, 2]).0.is_empty());
}

#[test]
fn columns_that_do_not_exist_are_found_without_a_target() {
    let csv = format!("ID,CPU 임계치(%),cpus\n{},80,2\n", id(1));
    assert_eq!(
        problems("", &csv),
        ["warning 12:13 `threshold`: `manifests/servers.csv` has no column `cpu` (did you mean `row.cpus`?)"]
    );
    let text = manifest("").replace("row.cpu | default(90)", "row[\"CPU 임계치\"]");
    assert_eq!(
        read(&text, &csv).1,
        ["12:13 `threshold`: `manifests/servers.csv` has no column `CPU 임계치` \
          (did you mean `row['CPU 임계치(%)']`?)"]
    );
    assert_eq!(
        problems("where = 'row.env == 1'\ncolumns = { cpu = 'CPU 임계치(%)' }", &csv),
        ["5:9 `where`: `manifests/servers.csv` has no column `env` \
          (its columns are: `ID`, `CPU 임계치(%)`, `cpu`, `cpus`)"]
    );
    assert_eq!(
        problems("where = 'name == 1'", &csv)[0],
        "5:9 `where`: there is no variable `name` (`where` looks at the file alone: `row.COLUMN` or `row[\"a column\"]`)"
    );
}

#[test]
fn numbers_as_texts_do_not_compare() {
    let csv = format!("ID,cpu\n{},50.0\n{},90.0\n{},85\n", id(1), id(2), id(3));
    let (all, _) = desired("where = \"row.cpu > 80\"", &csv, &[1, 2, 3]);
    assert_eq!(thresholds(&all), ["i-00000002 90.0", "i-00000003 85.0"]);
    let csv = csv.replace("50.0", "50%");
    assert_eq!(
        problems("where = \"row.cpu > 80\"", &csv)[0],
        "B2 `where` compares column `cpu`, which has numbers, and here a text that looks like one (write the cell as a \
         number, like the others: a text is greater than every number) [the template that reads it 5:9]"
    );
    let text = manifest("").replace("row.cpu | default(90)", "90 if row.cpu > 80 else 80");
    assert!(read(&text, &csv).1[0].starts_with("B2 `threshold` compares column `cpu`"));
    // A text with a sign in it compares nothing.
    let csv = csv.replace("50%", "1.50");
    let text = manifest("").replace("'{{ id }}'", "'{{ id }} CPU > {{ row.cpu ~ \"<\" }}'");
    assert_eq!(read(&text, &csv).1, [""; 0]);
}

#[test]
fn headers_with_line_breaks_are_written_in_one_line() {
    let csv = format!("ID,\"CPU\n limit\"\n{},80\n", id(1));
    let text = manifest("").replace("row.cpu | default(90)", "row[\"CPU limt\"]");
    assert!(
        read(&text, &csv).1[0].ends_with("(did you mean `row['CPU limit']`?)"),
        "{:?}",
        read(&text, &csv).1
    );
}

#[test]
fn ids_of_instances_that_are_written_wrong_are_told_as_such() {
    for wrong in ["I-00000001", "i-0000\u{200b}0001", "i\u{2013}00000001", "i-ABCDEF01"] {
        let said = problems("", &format!("ID,cpu\n{wrong},1\n"));
        assert!(said[0].contains("is not the id of one of the instances"), "{said:?}");
    }
}

#[test]
fn labels_and_kinds_are_checked() {
    let csv = format!("ID,cpu\n{},80\n", id(1));
    let twice = manifest("") + "[[inventory]]\nlabel = 'servers'\nfile = 'servers.csv'\nid = 'ID'\n";
    assert_eq!(read(&twice, &csv).1, ["14:9 two inventories are labelled `servers` [the first one 2:9]"]);
    let unknown = manifest("").replace("inventory = 'servers'", "inventory = 'server'");
    assert_eq!(read(&unknown, &csv).1, ["8:26 there is no inventory `server` (did you mean `servers`?)"]);
    let unknown = manifest("").replace("'servers' }", "'servers', ids = ['i-1'], stat = 1 }");
    assert_eq!(read(&unknown, &csv).1.len(), 2);
    assert_eq!(
        problems("", "ID,cpu\norders,1\n"),
        ["1:1 what `manifests/servers.csv` lists cannot be told from ids like \"orders\" \
          (add `kind = \"rds\"` or `kind = \"rds_cluster\"`, or `kind = \"row\"` where rows stand for themselves and not for something on AWS)"]
    );
    assert_eq!(problems("kind = 'rds'", "ID,cpu\norders,1\n"), [""; 0]);
    assert_eq!(
        read(&ALARM.replace("{ inventory = 'servers' }", "{ ec2 = {} }"), "").1,
        ["7:13 `threshold`: there is no variable `row` \
          (rows come from an inventory: `for_each = { inventory = \"…\" }`)"]
    );
}

#[test]
fn paths_are_relative_to_the_manifest_file() {
    let file =
        Arc::new(crate::model::SourceFile { path: "manifests/a.toml".to_owned(), text: String::new() });
    let place = Place::text(&file, 0..0);
    for (written, path) in [
        ("s.csv", "manifests/s.csv"),
        ("./lists/s.csv", "manifests/lists/s.csv"),
        ("../s.csv", "s.csv"),
        ("../../s.csv", "../s.csv"),
        ("/data/s.csv", "/data/s.csv"),
        ("lists\\s.csv", "manifests/lists/s.csv"),
    ] {
        assert_eq!(path_beside(&place, written), path);
    }
}
