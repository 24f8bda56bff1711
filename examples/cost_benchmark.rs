//! The figures that a cost report of 10,000 instances with 25,000 volumes must keep: the time besides AWS's, memory, and how often
//! the price list is asked.
//!
//! `cargo build --release --bin opsform --example cost_benchmark && target/release/examples/cost_benchmark`. Prints a table, and
//! exits non-zero if a figure is not kept. What the program does not wait for AWS is its processor time, the reading of AWS's answers
//! included; the emulator needs longer to answer than AWS, so the time on the wall is shown and has no limit.

#![allow(clippy::unwrap_used, clippy::expect_used)] // A benchmark that cannot go on says so by panicking.

#[path = "../tests/aws/support.rs"]
#[allow(dead_code)] // The tests use more of it.
mod aws;

use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use aws::{Account, Emulator, program_beside_example};
use serde_json::{Value, json};

const REGION: &str = "us-east-1";
const INSTANCES: usize = 10_000;
const VOLUMES: usize = 25_000;

/// The distinct (type, platform, region) of the fleet.
const KINDS: [(&str, &str, &str); 5] = [
    ("m5.large", "Linux/UNIX", "RunInstances"),
    ("m5.xlarge", "Linux/UNIX", "RunInstances"),
    ("m5.xlarge", "Windows with SQL Server Standard", "RunInstances:0006"),
    ("c5.xlarge", "Linux/UNIX", "RunInstances"),
    ("t3.large", "Windows", "RunInstances:0002"),
];

const MANIFEST: &str = r#"
[project]
name = "large"

[aws]
regions = ["us-east-1"]

[report.cost]
group_by = ["team", "env"]
"#;

fn main() -> ExitCode {
    let account = Emulator::shared().account();
    seed(&account);
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("manifests")).unwrap();
    std::fs::write(folder.path().join("manifests/large.toml"), MANIFEST).unwrap();
    account.clear_calls();
    run(&account, folder.path());
    let lookups = asked(&account);
    account.clear_calls();
    let Measured { wall, cpu, peak_mb } = run(&account, folder.path());
    let report: Value =
        serde_json::from_slice(&std::fs::read(folder.path().join("costs.json")).unwrap()).unwrap();
    assert_eq!(report["instances"].as_array().unwrap().len(), INSTANCES);
    assert_eq!(report["volumes"].as_array().unwrap().len(), VOLUMES);
    assert_eq!(report["unpriced"], json!([]));
    println!("{INSTANCES} instances with {VOLUMES} volumes: .xlsx, .html, .csv and .json\n");
    println!("{:<44} {:>10} {:>10}", "", "measured", "limit");
    println!("{:<44} {:>10.2}", "wall seconds, the emulator's included", wall.as_secs_f64());
    let kinds = f64::from(u32::try_from(KINDS.len()).unwrap());
    let rows = [
        ("processor seconds, besides AWS's time", cpu, 5.0),
        ("peak memory, MB", peak_mb, 300.0),
        ("price lookups of instances", lookups, kinds),
        ("price lookups of a report within a day", asked(&account), 0.0),
    ];
    let mut kept = true;
    for (name, measured, limit) in rows {
        let holds = measured <= limit;
        kept &= holds;
        println!("{name:<44} {measured:>10.2} {limit:>10.2} {}", if holds { "" } else { "NOT KEPT" });
    }
    if kept { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Two volumes on each instance, and the rest free.
fn seed(account: &Account) {
    for (index, (kind, platform, operation)) in KINDS.iter().enumerate() {
        account.seed(json!({REGION: {
            "instances": [{
                "name": "web", "type": kind, "platform": platform, "operation": operation,
                "launched": "2025-01-01T00:00:00Z", "tags": {"team": format!("team-{index}"), "env": "prod"},
                "volumes": [{"size": 30}, {"type": "gp3", "size": 100, "iops": 4000, "throughput": 250}],
                "count": INSTANCES / KINDS.len(),
            }],
            "volumes": [{"size": 50, "created": "2025-01-01T00:00:00Z", "count": (VOLUMES - 2 * INSTANCES) / KINDS.len()}],
        }}));
    }
}

/// Calls of the price list that name an instance type.
fn asked(account: &Account) -> f64 {
    let log = account.log();
    let of_types = log
        .iter()
        .filter(|call| call["operation"] == "GetProducts" && call["key"].as_str().is_some_and(is_type));
    f64::from(u32::try_from(of_types.count()).unwrap())
}

fn is_type(key: &str) -> bool {
    KINDS.iter().any(|(kind, ..)| *kind == key)
}

struct Measured {
    wall: Duration,
    /// In seconds.
    cpu: f64,
    peak_mb: f64,
}

/// Runs a report and watches it.
fn run(account: &Account, folder: &Path) -> Measured {
    let mut command = Command::new(program_beside_example());
    command.args(["report", "cost", "--quiet", "--endpoint-url", &account.url()]).current_dir(folder);
    for name in ["costs.json", "costs.xlsx", "costs.html", "costs.csv"] {
        command.args(["--out", name]);
    }
    command.env_clear().envs(account.environment()).env("HOME", folder).stdout(Stdio::null());
    let start = Instant::now();
    let mut child = command.spawn().unwrap();
    let (status, stat) = (format!("/proc/{}/status", child.id()), format!("/proc/{}/stat", child.id()));
    let (mut peak_kb, mut cpu) = (0.0, 0.0);
    loop {
        cpu = cpu_of(&stat).unwrap_or(cpu);
        peak_kb = peak_of(&status).unwrap_or(peak_kb);
        if let Some(ended) = child.try_wait().unwrap() {
            assert!(ended.success(), "{ended:?}");
            return Measured { wall: start.elapsed(), cpu, peak_mb: peak_kb / 1024.0 };
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn peak_of(status_file: &str) -> Option<f64> {
    let status = std::fs::read_to_string(status_file).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// The processor time so far, of user and system, in seconds: Linux counts hundredths.
fn cpu_of(stat_file: &str) -> Option<f64> {
    let stat = std::fs::read_to_string(stat_file).ok()?;
    let after_name = stat.rsplit_once(')')?.1;
    let ticks: Vec<f64> =
        after_name.split_whitespace().skip(11).take(2).filter_map(|t| t.parse().ok()).collect();
    Some(ticks.iter().sum::<f64>() / 100.0)
}
