//! The rules of ARCHITECTURE.md, as tests that read the source.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Who may import whom: the table in ARCHITECTURE.md.
fn table() -> BTreeMap<String, Vec<String>> {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let rows = text.lines().skip_while(|line| !line.starts_with("| module | may import")).skip(2);
    let table: BTreeMap<String, Vec<String>> = rows
        .take_while(|line| line.starts_with('|'))
        .map(|line| {
            let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
            let allowed = cells[1].split(',').map(|word| word.trim().trim_matches('`').to_owned());
            (cells[0].trim_matches('`').to_owned(), allowed.collect())
        })
        .collect();
    assert!(table.len() > 8, "the table is not where it was: {table:?}");
    table
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// The code of a file without its comments and without its test module, which is always its last part. A module that
/// lies in a file of its own (`#[cfg(test)] mod tests;`) is one line, and what follows it counts.
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let inline_tests = lines
        .windows(2)
        .position(|pair| pair[0] == "#[cfg(test)]" && pair[1].starts_with("mod ") && pair[1].ends_with('{'));
    let end = inline_tests.unwrap_or(lines.len());
    lines[..end]
        .iter()
        .filter(|line| !line.trim_start().starts_with("//"))
        .copied()
        .collect::<Vec<_>>()
        .join("\n")
}

/// The modules of ours that a file names, as in `use crate::{model::…}` and `crate::plan::…`.
fn imports(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    for after in code.split("crate::").skip(1) {
        if let Some(list) = after.strip_prefix('{') {
            let list = list.split_once("};").map_or(list, |(list, _)| list);
            let mut depth = 0;
            for part in list.split(|c| {
                depth += i32::from(c == '{') - i32::from(c == '}');
                c == ',' && depth == 0
            }) {
                found.push(part.trim().split([':', ' ']).next().unwrap().to_owned());
            }
        } else {
            found.push(after.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap().to_owned());
        }
    }
    found.retain(|module| !module.is_empty());
    found
}

#[test]
fn modules_import_only_what_the_table_allows() {
    let table = table();
    let mut broken = Vec::new();
    for path in sources(&root().join("src")) {
        let relative = path.strip_prefix(root().join("src")).unwrap().to_owned();
        let module = relative.components().next().unwrap().as_os_str().to_str().unwrap().to_owned();
        let is_test = relative.to_str().unwrap().contains("test");
        if relative.components().count() == 1 || is_test {
            continue;
        }
        let allowed = table.get(&module).unwrap_or_else(|| panic!("src/{module} is not in the table"));
        for import in imports(&code(&path)) {
            let fine =
                import == module || allowed.contains(&import) || allowed.contains(&"everything".to_owned());
            if !fine {
                broken.push(format!("{} imports {import}", relative.display()));
            }
        }
    }
    assert_eq!(broken, [""; 0]);
}

#[test]
fn the_sdk_appears_only_where_aws_is_called() {
    let mut broken = Vec::new();
    for path in sources(&root().join("src")) {
        let relative = path.strip_prefix(root().join("src")).unwrap().to_str().unwrap().to_owned();
        let files = ["inventory/ebs.rs", "inventory/ec2.rs", "inventory/rds.rs", "mail/send.rs"];
        let single = files.contains(&&*relative);
        let resource = relative.starts_with("resources/") && relative.contains("/aws");
        let money = relative.starts_with("prices/aws/") || relative.starts_with("costs/aws/");
        if money || relative.starts_with("aws/") || relative.starts_with("state/s3/") || single || resource {
            continue;
        }
        if code(&path).contains("aws_sdk_") || code(&path).contains("aws_config") {
            broken.push(relative);
        }
    }
    assert_eq!(broken, [""; 0]);
}

#[test]
fn the_core_knows_no_kind_by_name() {
    let mut broken = Vec::new();
    for module in ["plan", "render", "apply", "state"] {
        let folder = root().join("src").join(module);
        for path in sources(&folder) {
            let name = path.strip_prefix(&folder).unwrap().display().to_string();
            let is_test = name.contains("tests") || name == "fixtures.rs";
            if !is_test && (code(&path).contains("metric_alarm") || code(&path).contains("MetricAlarm")) {
                broken.push(format!("{module}/{name}"));
            }
        }
    }
    assert_eq!(broken, [""; 0]);
}

#[test]
fn clock_and_environment_are_read_in_one_place() {
    let mut broken = Vec::new();
    for path in sources(&root().join("src")) {
        if path.ends_with("commands/environment.rs") {
            continue;
        }
        for word in ["env::var", "Timestamp::now", "SystemTime::now", "Zoned::now", "TimeZone::system"] {
            if code(&path).contains(word) {
                broken.push(format!("{} has {word}", path.display()));
            }
        }
    }
    assert_eq!(broken, [""; 0]);
}

#[test]
fn imports_are_found_in_every_form() {
    let found =
        imports("use crate::model::{Scope};\nuse crate::{plan::{A, B}, state::C};\nlet x = crate::aws::y();");
    assert_eq!(found, ["model", "plan", "state", "aws"]);
}
