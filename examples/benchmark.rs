//! The figures that must hold for a large fleet: calls, memory, and an apply as fast as the quota lets it be.
//!
//! `cargo build --release --bin opsform --example benchmark && target/release/examples/benchmark` (a debug build shows the
//! same calls, and more CPU). Prints a table, and exits non-zero if a figure is not kept.

#![allow(clippy::unwrap_used, clippy::expect_used)] // A benchmark that cannot go on says so by panicking.

#[path = "../tests/aws/support.rs"]
mod aws;

use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use aws::{Account, Emulator, program_beside_example};
use serde_json::{Value, json};

const REGION: &str = "us-east-1";
const INSTANCES: usize = 1000;
const QUOTA: f64 = 300.0;
/// What the emulated quota lets through at once: a tenth of a second's worth.
const BURST: f64 = 30.0;

const MANIFEST: &str = r#"
[project]
name = "large"

[aws]
regions = ["us-east-1"]

[aws.rates]
PutMetricAlarm = 300

[[alarm]]
label = "cpu"
for_each = { ec2 = {} }
name = "{{ name }}: CPU"
metric = "CPUUtilization"
comparison = ">"
threshold = 80
alarm_actions = ["arn:aws:sns:{{ region }}:{{ account }}:ops"]

[[alarm]]
label = "status"
for_each = { ec2 = {} }
name = "{{ name }}: status"
metric = "StatusCheckFailed"
statistic = "Maximum"
period = "1m"
comparison = ">="
threshold = 1

[[alarm]]
label = "network"
for_each = { ec2 = {} }
name = "{{ name }}: network"
metric = "NetworkOut"
comparison = ">"
threshold = 1000000
"#;

fn main() -> ExitCode {
    let bench = Benchmark::prepare();
    let mut kept = true;
    println!("{INSTANCES} instances × 3 alarms, emulated quota {QUOTA} PutMetricAlarm a second\n");
    println!("{:<48} {:>12} {:>12}", "", "measured", "limit");
    let mut row = |name: &str, measured: f64, limit: Option<f64>, digits: usize| {
        let holds = limit.is_none_or(|limit| measured <= limit);
        kept &= holds;
        let limit = limit.map_or_else(String::new, |limit| format!("{limit:.digits$}"));
        println!("{name:<48} {measured:>12.digits$} {limit:>12} {}", if holds { "" } else { "NOT KEPT" });
    };

    bench
        .account
        .faults(json!([{"operation": "PutMetricAlarm", "kind": "bucket", "rate": QUOTA, "burst": BURST}]));
    bench.account.clear_calls();
    let apply = bench.run(&["apply", "--yes", "--detail", "summary"]);
    // What the quotas themselves take: 3,000 puts, and before them 30 reads of alarms at 9 a second, 9 at once.
    let own_time = (3.0 * count(INSTANCES) - BURST) / QUOTA;
    let reading = (3.0 * count(INSTANCES) / 100.0 - 9.0) / 9.0;
    let puts = bench.log("PutMetricAlarm");
    let writing = at(puts.last()) - at(puts.first());
    row("apply: seconds from the first put to the last", writing, None, 2);
    row("apply: that ÷ the quota's own time", writing / own_time, Some(1.10), 3);
    row("apply: wall seconds, planning included", apply.wall.as_secs_f64(), None, 2);
    row(
        "apply: that ÷ both quotas' own time",
        apply.wall.as_secs_f64() / (own_time + reading),
        Some(1.10),
        3,
    );
    row("apply: puts sent", count(puts.len()), Some(3.0 * count(INSTANCES)), 0);
    let described = count(bench.log("DescribeAlarms").len());
    row("apply: DescribeAlarms, half of them before the puts", described, Some(60.0), 0);
    let throttled = puts.iter().filter(|call| call["status"] != 200).count();
    row("apply: puts that AWS throttled", count(throttled), Some(0.0), 0);
    row(
        "apply: alarms missing",
        3.0 * count(INSTANCES) - count(bench.account.alarms(REGION).len()),
        Some(0.0),
        0,
    );
    row("apply: peak memory, MB", apply.peak_mb, Some(100.0), 1);

    bench.account.faults(json!([]));
    bench.account.clear_calls();
    let plan = bench.run(&["plan", "--detailed-exitcode"]);
    let described = bench.log("DescribeAlarms").len() + bench.log("DescribeInstances").len();
    row("no-op plan: DescribeAlarms + DescribeInstances", count(described), Some(34.0), 0);
    let calls: u64 = bench.account.calls().values().filter_map(Value::as_u64).sum();
    row("no-op plan: all calls", to_f64(calls), Some(35.0), 0);
    row("no-op plan: wall seconds", plan.wall.as_secs_f64(), None, 2);
    row("no-op plan: peak memory, MB", plan.peak_mb, Some(100.0), 1);
    if kept { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

struct Benchmark {
    program: PathBuf,
    folder: tempfile::TempDir,
    account: Account,
}

struct Measured {
    wall: Duration,
    peak_mb: f64,
}

impl Benchmark {
    fn prepare() -> Self {
        let program = program_beside_example();
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("manifests")).unwrap();
        std::fs::write(folder.path().join("manifests/large.toml"), MANIFEST).unwrap();
        let account = Emulator::shared().account();
        let instances: Vec<Value> = (0..INSTANCES)
            .map(|n| json!({"name": format!("web-{n:04}"), "tags": {"Env": "prod", "owner": "ops", "Team": "shop"}}))
            .collect();
        account.seed_instances(REGION, instances.into());
        Self { program, folder, account }
    }

    /// Runs the program to its end and watches its memory.
    fn run(&self, args: &[&str]) -> Measured {
        let start = Instant::now();
        let mut child = Command::new(&self.program)
            .args(args)
            .current_dir(self.folder.path())
            .envs(self.account.environment())
            .stdout(Stdio::null())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let status_file = format!("/proc/{}/status", child.id());
        let mut peak_kb = 0.0;
        loop {
            peak_kb = peak_of(&status_file).unwrap_or(peak_kb);
            if let Some(status) = child.try_wait().unwrap() {
                assert!(status.success(), "{args:?} ended with {status}");
                return Measured { wall: start.elapsed(), peak_mb: peak_kb / 1024.0 };
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn log(&self, operation: &str) -> Vec<Value> {
        self.account.log().into_iter().filter(|call| call["operation"] == operation).collect()
    }
}

/// When a call arrived, in seconds of the emulator's clock.
fn at(call: Option<&Value>) -> f64 {
    call.and_then(|call| call["at"].as_f64()).unwrap()
}

/// The largest resident size so far, in kB, as Linux counts it.
fn peak_of(status_file: &str) -> Option<f64> {
    let status = std::fs::read_to_string(status_file).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

fn count(number: usize) -> f64 {
    to_f64(u64::try_from(number).unwrap())
}

#[allow(clippy::cast_precision_loss)] // All counts here are small.
fn to_f64(number: u64) -> f64 {
    number as f64
}
