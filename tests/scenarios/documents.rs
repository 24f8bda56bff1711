//! What the documents promise: manifests that are shown validate, commands that are named exist.

use std::fs;
use std::path::Path;

use crate::workspace::{CPU, Workspace};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The fenced blocks of a Markdown file in one language.
fn blocks(text: &str, language: &str) -> Vec<String> {
    let fence = format!("```{language}\n");
    text.split(&fence).skip(1).map(|rest| rest.split("\n```").next().unwrap().to_owned()).collect()
}

#[test]
fn the_manifests_of_the_readme_validate() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let manifests = blocks(&readme, "toml");
    assert_eq!(manifests.len(), 9, "a new block needs a look");
    Workspace::new(&manifests[0]).ok(&["validate"]).says(&["project \"shop\" is valid: 1 declaration"]);
    // The first one is what `init` writes, without the comments.
    let starter =
        fs::read_to_string(root().join("manifests/opsform.toml")).unwrap().replace("example\"", "shop\"");
    let code = starter.lines().map(|line| line.split(" #").next().unwrap().trim_end());
    let code: Vec<&str> = code.filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
    let shown: Vec<&str> = manifests[0].lines().filter(|line| !line.is_empty()).collect();
    assert_eq!(code, shown);
    let with_selector = CPU.replace("for_each = { ec2 = {} }", &manifests[1]);
    Workspace::new(&with_selector).ok(&["validate"]);
    let settings = CPU.split("[[alarm]]").next().unwrap();
    let with_inventory = Workspace::new(&format!("{settings}\n{}", manifests[2]));
    let mut workbook = rust_xlsxwriter::Workbook::new();
    let sheet = workbook.add_worksheet().set_name("Production").unwrap();
    sheet.write_row(0, 0, ["Instance ID", "Env", "CPU limit (%)"]).unwrap();
    sheet.write_row(1, 0, ["i-0123456789abcdef0", "prod", "80"]).unwrap();
    with_inventory.write_bytes("manifests/servers.xlsx", &workbook.save_to_buffer().unwrap());
    with_inventory.ok(&["validate"]);
    let with_list = Workspace::new(&format!("{settings}\n{}", manifests[3]));
    let mut workbook = rust_xlsxwriter::Workbook::new();
    let sheet = workbook.add_worksheet();
    let header =
        ["Alarm name", "Region", "Namespace", "Metric", "Dimensions", "Condition", "Threshold", "Notify"];
    sheet.write_row(0, 0, header).unwrap();
    let row = ["disk", "us-east-1", "CWAgent", "disk_used_percent", "path=/, host=a", "above", "80", ""];
    sheet.write_row(1, 0, row).unwrap();
    with_list.write_bytes("manifests/alarms.xlsx", &workbook.save_to_buffer().unwrap());
    with_list.ok(&["validate"]);
    for block in &manifests[4..] {
        Workspace::new(&format!("{settings}\n{block}")).ok(&["validate"]);
    }
}

#[test]
fn every_key_of_the_readme_is_known_and_every_known_key_is_in_the_readme() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let table = readme.split("### `[[alarm]]`").nth(1).unwrap().split("`for_each` selects").next().unwrap();
    let mut documented: Vec<&str> = table
        .lines()
        .filter(|line| line.starts_with("| `"))
        .flat_map(|line| line.split('|').nth(1).unwrap().split(','))
        .map(|key| key.trim().trim_matches('`'))
        .collect();
    documented.sort_unstable();
    let run =
        Workspace::new(&CPU.replace("threshold = 80", "threshold = 80\nno-such-key = 1")).run(&["validate"]);
    let list = run.stderr.split("allowed keys: ").nth(1).unwrap().lines().next().unwrap().to_owned();
    let mut known: Vec<&str> = list.split(", ").map(|key| key.trim().trim_matches('`')).collect();
    known.sort_unstable();
    assert_eq!(documented, known);
}

#[test]
fn every_key_of_tag_rules_is_in_the_readme() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let section =
        readme.split("### `[[tags]]`").nth(1).unwrap().split("`opsform audit` prints").next().unwrap();
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    // In the second table `format = "date"` names its key.
    let key = |word: &str| word.trim().trim_matches('`').split(' ').next().unwrap().to_owned();
    let documented: Vec<String> = rows
        .flat_map(|line| line.split('|').nth(1).unwrap().split(',').map(key).collect::<Vec<_>>())
        .collect();
    let text = format!(
        "{CPU}\n[[tags]]\nlabel = 'x'\nfor_each = {{ ec2 = {{}} }}\nno-such-key = 1\nrequire.a = {{ no-such-key = 1 }}\n"
    );
    let run = Workspace::new(&text).run(&["validate"]);
    let lists = run.stderr.lines().filter_map(|line| line.split("allowed keys: ").nth(1));
    let known: Vec<String> = lists.flat_map(|list| list.split(", ").map(key).collect::<Vec<_>>()).collect();
    let (documented, known): (std::collections::BTreeSet<_>, std::collections::BTreeSet<_>) =
        (documented.into_iter().collect(), known.into_iter().collect());
    assert_eq!(documented, known);
}

#[test]
fn every_key_of_an_inventory_is_in_the_readme() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let table = readme.split("### `[[inventory]]`").nth(1).unwrap();
    let keys = table.lines().skip_while(|line| !line.starts_with("| key")).skip(2);
    let documented: Vec<&str> = keys
        .take_while(|line| line.starts_with("| `"))
        .map(|line| line.split('|').nth(1).unwrap().trim().trim_matches('`'))
        .collect();
    let run = Workspace::new(&format!("{CPU}\n[[inventory]]\nno-such-key = 1\n")).run(&["validate"]);
    let list = run.stderr.split("allowed keys: ").nth(1).unwrap().lines().next().unwrap().to_owned();
    let known: Vec<&str> = list.split(", ").map(|key| key.trim().trim_matches('`')).collect();
    assert_eq!(documented, known);
}

/// The variants of an enum of the plan as its JSON names them.
fn variants_in_json(name: &str) -> Vec<String> {
    let source = fs::read_to_string(root().join("src/plan/change.rs")).unwrap();
    let body = source.split(&format!("pub enum {name} {{\n")).nth(1).unwrap().split("\n}").next().unwrap();
    let lines = body.lines().filter_map(|line| line.strip_prefix("    "));
    let variants = lines.filter(|line| line.starts_with(|first: char| first.is_ascii_uppercase()));
    variants.map(|line| snake_case(line.split([',', ' ']).next().unwrap())).collect()
}

fn snake_case(name: &str) -> String {
    let mut snake = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}

#[test]
fn every_reason_absence_and_cause_is_in_the_format_of_a_plan() {
    let format = fs::read_to_string(root().join("docs/plan-format.md")).unwrap();
    let tables = format.split("### A change").nth(1).unwrap().split("### A record").next().unwrap();
    let reasons = variants_in_json("Reason");
    assert!(reasons.len() >= 10 && reasons.contains(&"deleted_outside".to_owned()), "{reasons:?}");
    let table = |head: &str| tables.split(head).nth(1).unwrap().split("\n\n").next().unwrap();
    for (head, mut known) in [("| `reason` | meaning", reasons), ("| `cause` |", variants_in_json("Cause"))] {
        let rows = table(head).lines().filter(|line| line.starts_with("| `"));
        let mut documented: Vec<String> =
            rows.map(|line| line.split('`').nth(1).unwrap().to_owned()).collect();
        documented.sort();
        known.sort();
        assert_eq!(documented, known);
    }
    let targets = table("| `reason` | meaning").lines().find(|line| line.starts_with("| `target`")).unwrap();
    for absence in variants_in_json("Absence") {
        assert!(targets.contains(&format!("`{absence}`")), "{absence} is not in: {targets}");
    }
}

#[test]
fn the_manifest_of_the_repository_is_what_init_writes() {
    let workspace = Workspace::new(CPU);
    workspace.ok(&["init", "--name", "example", "--manifests", "fresh"]);
    let written = fs::read_to_string(workspace.path().join("fresh/opsform.toml")).unwrap();
    assert_eq!(written, fs::read_to_string(root().join("manifests/opsform.toml")).unwrap());
    workspace.run(&["init", "--name", "a b", "--manifests", "other"]).expect(1).says(&["cannot hold ' '"]);
}

#[test]
fn the_manifests_of_the_repository_validate() {
    for folder in [
        "manifests",
        "examples/demo/manifests",
        "examples/inventory/manifests",
        "examples/schedules/manifests",
        "examples/snapshots/manifests",
        "examples/park/manifests",
        "examples/costs/manifests",
        "examples/jobs/manifests",
    ] {
        let folder = root().join(folder);
        Workspace::new("").ok(&["validate", "--manifests", folder.to_str().unwrap()]);
    }
}

#[test]
fn the_commands_of_the_readme_parse() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let workspace = Workspace::new(CPU);
    let mut seen = 0;
    for line in blocks(&readme, "sh").join("\n").lines().filter(|line| line.starts_with("opsform ")) {
        let words: Vec<&str> = line.split('#').next().unwrap().split_whitespace().skip(1).collect();
        workspace.ok(&[&words[..], &["--help"]].concat());
        seen += 1;
    }
    assert_eq!(seen, 7);
}
