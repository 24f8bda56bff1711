//! The figures that must hold for large files of sheets: time and memory from the bytes to checked declarations.
//!
//! `cargo run --release --example sheets_benchmark`. Prints a table, and exits non-zero if a figure is not kept in a release
//! build; a debug build shows its figures and keeps none.

#![allow(clippy::unwrap_used)] // A benchmark that cannot go on says so by panicking.

use std::fmt::Write;
use std::process::{Command, ExitCode};
use std::time::Instant;

use opsform::declarations::{Manifest, block_names, files_of};
use opsform::manifest::{load, read_files};

const COLUMNS: usize = 20;
const MEMORY_MB: f64 = 200.0;

const MANIFEST: &str = r#"
[project]
name = "sheets"

[[inventory]]
label = "servers"
file = "FILE"
id = "Instance ID"
columns = { cpu = "column 3" }
where = "row.cpu > 0"

[[alarm]]
label = "cpu"
for_each = { inventory = "servers" }
name = "{{ name }}: CPU"
metric = "CPUUtilization"
comparison = ">"
threshold = "{{ row.cpu | default(90) }}"
"#;

/// A file to measure: its name, its rows, and the seconds that it may take.
const FILES: [(&str, usize, f64); 3] =
    [("servers.xlsx", 5_000, 0.5), ("servers.csv", 50_000, 1.0), ("servers-cp949.csv", 50_000, 1.0)];

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().collect();
    if let [_, measure, folder] = &args[..]
        && measure == "measure"
    {
        return measured(folder);
    }
    println!("{:<52} {:>10} {:>10}", "", "measured", "limit");
    let mut kept = true;
    let mut row = |name: &str, measured: f64, limit: f64| {
        let holds = measured <= limit;
        kept &= holds;
        println!("{name:<52} {measured:>10.3} {limit:>10.3} {}", if holds { "" } else { "NOT KEPT" });
    };
    for (file, rows, limit) in FILES {
        let folder = tempfile::tempdir().unwrap();
        let bytes = if file.ends_with("xlsx") { workbook(rows) } else { text(rows, file.contains("cp949")) };
        std::fs::write(folder.path().join(file), bytes).unwrap();
        std::fs::write(folder.path().join("a.toml"), MANIFEST.replace("FILE", file)).unwrap();
        // A process of its own, so that its peak is not that of making the file.
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["measure", folder.path().to_str().unwrap()])
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let output = String::from_utf8(output.stdout).unwrap();
        let figures: Vec<f64> = output.split_whitespace().map(|word| word.parse().unwrap()).collect();
        let what = format!("{file}: {rows} rows × {COLUMNS} columns");
        row(&format!("{what}, seconds"), figures[0], limit);
        row(&format!("{what}, peak MB"), figures[1], MEMORY_MB);
    }
    if kept || cfg!(debug_assertions) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Reads and checks a manifest, and prints the seconds and the peak of memory.
fn measured(folder: &str) -> ExitCode {
    let start = Instant::now();
    let (mut document, problems) = load(folder.as_ref(), &block_names());
    document.files = read_files(files_of(&document));
    let manifest = Manifest::new(document, problems).unwrap();
    let seconds = start.elapsed().as_secs_f64();
    assert_eq!(manifest.declarations.len(), 1);
    println!("{seconds} {}", peak_mb().unwrap_or_default());
    ExitCode::SUCCESS
}

/// The largest resident size so far, as Linux counts it.
fn peak_mb() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kb: f64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kb / 1024.0)
}

fn header(column: usize) -> String {
    if column == 1 { "Instance ID".to_owned() } else { format!("column {column}") }
}

/// What a real list holds: names, ids, numbers and remarks.
fn cell(row: usize, column: usize) -> String {
    match column {
        0 => format!("결제 서버 {row}"),
        1 => format!("i-{row:017x}"),
        2..=9 => (row % 100 + column).to_string(),
        _ => format!("value {row} of {column}"),
    }
}

fn workbook(rows: usize) -> Vec<u8> {
    let mut workbook = rust_xlsxwriter::Workbook::new();
    let sheet = workbook.add_worksheet();
    for column in 0..COLUMNS {
        let at = u16::try_from(column).unwrap();
        sheet.write(0, at, header(column)).unwrap();
        for row in 0..rows {
            let text = cell(row, column);
            let line = u32::try_from(row + 1).unwrap();
            match text.parse::<f64>() {
                Ok(number) => sheet.write(line, at, number).unwrap(),
                Err(_) => sheet.write(line, at, text).unwrap(),
            };
        }
    }
    workbook.save_to_buffer().unwrap()
}

fn text(rows: usize, cp949: bool) -> Vec<u8> {
    let mut text = (0..COLUMNS).map(header).collect::<Vec<_>>().join(",") + "\r\n";
    for row in 0..rows {
        let cells: Vec<String> = (0..COLUMNS).map(|column| cell(row, column)).collect();
        writeln!(text, "{}\r", cells.join(",")).unwrap();
    }
    if cp949 { encoding_rs::EUC_KR.encode(&text).0.into_owned() } else { text.into_bytes() }
}
