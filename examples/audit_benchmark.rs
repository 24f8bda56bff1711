//! The figures that an audit of four regions must keep: calls, and the time at 50 ms a call.
//!
//! `cargo build --release --bin opsform --example audit_benchmark && target/release/examples/audit_benchmark`. Prints a
//! table, and exits non-zero if a figure is not kept.

#![allow(clippy::unwrap_used, clippy::expect_used)] // A benchmark that cannot go on says so by panicking.

#[path = "../tests/aws/support.rs"]
#[allow(dead_code)] // The tests use more of it.
mod aws;

use std::process::{Command, ExitCode};
use std::time::Instant;

use aws::{Emulator, program_beside_example};
use serde_json::{Value, json};

const REGIONS: [&str; 4] = ["us-east-1", "us-west-2", "eu-west-1", "ap-northeast-2"];

/// The emulator's answer to each call comes so much later.
const LATENCY: u64 = 50;

const MANIFEST: &str = r#"
[project]
name = "large"

[aws]
regions = ["us-east-1", "us-west-2", "eu-west-1", "ap-northeast-2"]

[[tags]]
label = "ownership"
for_each = { ec2 = {}, ebs = {}, rds = {}, rds_cluster = {} }
require.Name = {}
require.owner = {}
require.expiry-date = { format = "date", max_ahead = "3d" }
"#;

fn main() -> ExitCode {
    let account = Emulator::shared().account();
    for region in REGIONS {
        let databases: Vec<Value> = (0..10).map(|n| json!({"id": format!("db-{n}")})).collect();
        let clusters: Vec<Value> = (0..3).map(|n| json!({"id": format!("cluster-{n}")})).collect();
        account.seed(json!({region: {
            "instances": [{"name": "web", "count": 250}],
            "volumes": [{"name": "data", "count": 500}],
            "databases": databases,
            "clusters": clusters,
        }}));
    }
    account.options(json!({"delay": LATENCY}));
    account.clear_calls();
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("manifests")).unwrap();
    std::fs::write(folder.path().join("manifests/large.toml"), MANIFEST).unwrap();
    let start = Instant::now();
    let mut command = Command::new(program_beside_example());
    command.args(["audit", "--format", "json", "--endpoint-url", &account.url()]).current_dir(folder.path());
    command.env_clear().envs(account.environment());
    let output = command.output().unwrap();
    let wall = start.elapsed().as_secs_f64();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let audit: Value = serde_json::from_slice(&output.stdout).unwrap();
    println!("{} in 4 regions, {LATENCY} ms a call\n", audit["checked"]);
    println!("{:<40} {:>10} {:>10}", "", "measured", "limit");
    let calls: u64 = account.calls().values().filter_map(Value::as_u64).sum();
    // One page of each of four kinds in each region, and four calls more for each.
    let pages = 16;
    let rows = [
        ("calls", f64::from(u32::try_from(calls).unwrap()), f64::from(pages + 4 * pages)),
        ("wall seconds", wall, 2.0),
    ];
    let mut kept = true;
    for (name, measured, limit) in rows {
        let holds = measured <= limit;
        kept &= holds;
        println!("{name:<40} {measured:>10.2} {limit:>10.2} {}", if holds { "" } else { "NOT KEPT" });
    }
    println!("{:<40} {:>10}", "findings", audit["findings"].as_array().map_or(0, Vec::len));
    if kept { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
