//! The figures that must hold for generations of snapshots: just the right ones go, as fast as the quota lets them, and AWS is
//! asked by pages and not by volumes.
//!
//! `cargo build --release --bin opsform --example retention_benchmark && target/release/examples/retention_benchmark` (a debug
//! build shows the same calls). Prints a table, and exits non-zero if a figure is not kept.

#![allow(clippy::unwrap_used, clippy::expect_used)] // A benchmark that cannot go on says so by panicking.

#[path = "../tests/aws/support.rs"]
mod aws;

use std::collections::BTreeSet;
use std::process::{Command, ExitCode};
use std::time::Instant;

use aws::{Account, Emulator, program_beside_example};
use serde_json::{Value, json};

const REGION: &str = "us-east-1";
const VOLUMES: usize = 200;
const GENERATIONS: usize = 9;
const KEEP: usize = 7;
/// What the deletes rely on: the generations that stay.
const RELIED_ON: usize = VOLUMES * KEEP;
/// AWS's own quota of `DeleteSnapshot`: a bucket of 100 that is refilled at 5 a second.
const QUOTA: f64 = 5.0;
const BURST: f64 = 100.0;

const MANIFEST: &str = r#"
[project]
name = "large"

[aws]
regions = ["us-east-1"]

[[snapshot]]
label = "daily"
for_each = { ebs = { tags = { Daily_Gens = "*" } } }
schedule = "cron(30 9 * * ? *)"
keep = "{{ tags.Daily_Gens }}"
role_arn = "arn:aws:iam::{{ account }}:role/opsform-snapshot"
"#;

/// One snapshot as it is seeded, and what the reference has to know of it.
struct Made {
    seed: Value,
    volume: usize,
    /// Minutes, later is more.
    taken: usize,
    /// Whether it is a completed one of the rule's that nobody else keeps count of.
    counts: bool,
    /// Whether something needs it.
    needed: bool,
}

fn main() -> ExitCode {
    let bench = Benchmark::prepare();
    println!(
        "{VOLUMES} volumes with {} snapshots, {} of them surplus; quota {QUOTA} DeleteSnapshot a second, {BURST} at once\n",
        bench.ids.len(),
        bench.surplus.len()
    );
    println!("{:<58} {:>10} {:>10}", "", "measured", "limit");
    let mut table = Table { kept: true };
    bench.plan(&mut table);
    bench.apply(&mut table);
    bench.plan_again(&mut table);
    if table.kept { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

struct Table {
    kept: bool,
}

impl Table {
    fn row(&mut self, name: &str, measured: f64, limit: Option<f64>) {
        let holds = limit.is_none_or(|limit| measured <= limit);
        self.kept &= holds;
        let limit = limit.map_or_else(String::new, |limit| format!("{limit:.2}"));
        println!("{name:<58} {measured:>10.2} {limit:>10} {}", if holds { "" } else { "NOT KEPT" });
    }
}

struct Benchmark {
    account: Account,
    folder: tempfile::TempDir,
    made: Vec<Made>,
    /// Of what was made, in its order.
    ids: Vec<String>,
    /// What is to go, by the reference.
    surplus: BTreeSet<String>,
}

impl Benchmark {
    fn prepare() -> Self {
        let account = Emulator::shared().account();
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("manifests")).unwrap();
        std::fs::write(folder.path().join("manifests/large.toml"), MANIFEST).unwrap();
        let volumes = json!([{"name": "data", "tags": {"Daily_Gens": KEEP.to_string()}, "count": VOLUMES}]);
        let volumes = seeded(&account, "volumes", volumes);
        let made = made(&volumes);
        let ids = seeded(&account, "snapshots", made.iter().map(|one| one.seed.clone()).collect());
        let imaged = made.iter().zip(&ids).filter(|(one, _)| one.needed && one.seed["lock"].is_null());
        let images: Vec<Value> = imaged.map(|(_, id)| json!({"snapshots": [id]})).collect();
        seeded(&account, "images", images.into());
        let surplus = surplus(&made).into_iter().map(|index| ids[index].clone()).collect();
        let bench = Self { account, folder, made, ids, surplus };
        // The schedules first, so that what is measured is the retention alone.
        bench.run(&["apply", "--yes", "--no-delete", "--detail", "summary"]);
        bench
    }

    fn run(&self, args: &[&str]) -> String {
        let mut command = Command::new(program_beside_example());
        command.args(args).current_dir(self.folder.path()).envs(self.account.environment());
        let output = command.output().unwrap();
        let (stdout, stderr) =
            (String::from_utf8(output.stdout).unwrap(), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{args:?}: {}: {stderr}\n{stdout}", output.status);
        stdout
    }

    fn log(&self, operation: &str) -> Vec<Value> {
        self.account.log().into_iter().filter(|call| call["operation"] == operation).collect()
    }

    fn called(&self, operation: &str) -> f64 {
        count(self.log(operation).len())
    }

    /// Pages of all that bears the project's tag.
    fn pages(&self) -> f64 {
        let tagged = self.made.iter().filter(|one| !one.seed["tags"]["opsform:project"].is_null());
        count(tagged.count().div_ceil(1000))
    }

    /// Calls about what is to go, and about what would go if nothing needed it.
    fn portions(&self, of: usize) -> f64 {
        let needed = self.made.iter().filter(|one| one.needed).count();
        count((self.surplus.len() + needed).div_ceil(of))
    }

    fn plan(&self, table: &mut Table) {
        self.account.clear_calls();
        self.run(&["plan"]);
        let (pages, portions) = (self.pages(), self.portions(200));
        let mut row = |name: &str, operation: &str, limit: f64| {
            table.row(&format!("plan: {operation}{name}"), self.called(operation), Some(limit));
        };
        row(", a page of 1,000 or 200 ids each", "DescribeSnapshots", pages + portions);
        row(", 200 ids each", "DescribeImages", portions);
        row("", "DescribeLockedSnapshots", 1.0);
        row("", "DescribeVolumes", 1.0);
    }

    fn apply(&self, table: &mut Table) {
        let quota = json!([{"operation": "DeleteSnapshot", "kind": "bucket", "rate": QUOTA, "burst": BURST}]);
        self.account.faults(quota);
        self.account.clear_calls();
        let start = Instant::now();
        self.run(&["apply", "--yes", "--target", "snapshot.*", "--detail", "summary"]);
        let wall = start.elapsed().as_secs_f64();
        let deletes = self.log("DeleteSnapshot");
        let own_time = (count(self.surplus.len()) - BURST) / QUOTA;
        let deleting = at(deletes.last()) - at(deletes.first());
        table.row("apply: seconds from the first delete to the last", deleting, None);
        table.row("apply: that ÷ the quota's own time", deleting / own_time, Some(1.10));
        table.row("apply: wall seconds, planning included", wall, None);
        table.row("apply: that ÷ the quota's own time", wall / own_time, Some(1.10));
        let refused = deletes.iter().filter(|call| call["status"] != 200).count();
        // Where AWS's bucket is as large as ours, one may come an instant too early.
        table.row("apply: deletes that AWS throttled", count(refused), Some(3.0));
        let carried_out = count(deletes.len() - refused);
        table.row("apply: deletes that it did not", carried_out, Some(count(self.surplus.len())));
        // As for the plan; a look at a hundred at a time; and with each look the generations that stay of those volumes, 200 ids a
        // call.
        let looks = self.portions(100);
        let reads = self.pages() + self.portions(200) + looks + count(RELIED_ON.div_ceil(200)) + looks;
        table.row("apply: DescribeSnapshots", self.called("DescribeSnapshots"), Some(reads));
        let left = self.account.snapshots(REGION);
        // What another account owns is not among the account's own.
        let own = self.ids.iter().zip(&self.made).filter(|(_, one)| one.seed["owner"].is_null());
        let wrong = own.filter(|(id, _)| left.contains(*id) == self.surplus.contains(*id)).count();
        table.row("apply: snapshots wrongly gone or wrongly there", count(wrong), Some(0.0));
    }

    fn plan_again(&self, table: &mut Table) {
        self.account.faults(json!([]));
        self.account.clear_calls();
        assert!(self.run(&["plan", "--detailed-exitcode"]).contains("Nothing to do"));
        let calls = self.account.log().into_iter().filter(|call| call["service"] == "ec2").count();
        // The pages, the volumes, and who needs those that would go if nobody did.
        table.row("no-op plan: all calls of EC2", count(calls), Some(self.pages() + 4.0));
    }
}

/// Nine of the rule's of each volume in no certain order, and beside them what must stay, another sort for each volume.
fn made(volumes: &[String]) -> Vec<Made> {
    let mut random = 42_u64;
    let mut made = Vec::new();
    for (number, id) in volumes.iter().enumerate() {
        let mut add = |tags: Value, more: &[(&str, Value)]| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let taken = usize::try_from(random >> 33).unwrap() % (300 * 24 * 60);
            let time = jiff::Timestamp::UNIX_EPOCH
                + jiff::SignedDuration::from_mins(29_000_000 + i64::try_from(taken).unwrap());
            let mut seed = json!({"volume": id, "started": time.to_string(), "tags": tags});
            seed.as_object_mut()
                .unwrap()
                .extend(more.iter().map(|(key, value)| ((*key).to_owned(), value.clone())));
            made.push(Made { seed, volume: number, taken, counts: false, needed: false });
            made.len() - 1
        };
        let ours = || json!({"opsform:project": "large", "opsform:label": "snapshot.daily"});
        let tagged = |key: &str, value: &str| {
            let mut tags = ours();
            tags[key] = value.into();
            tags
        };
        let all: Vec<usize> = (0..GENERATIONS).map(|_| add(ours(), &[])).collect();
        let used = match number % 10 {
            0 => Some(add(ours(), &[("lock", json!("compliance"))])),
            1 => Some(add(ours(), &[])),
            _ => None,
        };
        match number % 10 {
            2 => add(json!({}), &[]),
            3 => add(json!({"Name": "before the upgrade"}), &[]),
            4 => add(tagged("opsform:project", "other"), &[]),
            5 => add(tagged("opsform:label", "snapshot.weekly"), &[]),
            6 => add(ours(), &[("state", json!("pending"))]),
            7 => add(ours(), &[("state", json!("error"))]),
            8 => add(tagged("aws:backup:source-resource", "x"), &[]),
            _ => add(tagged("opsform:parking", "i-1"), &[]),
        };
        if number % 4 == 0 {
            add(ours(), &[("owner", json!("222222222222"))]);
        }
        for index in all.into_iter().chain(used) {
            made[index].counts = true;
            made[index].needed = Some(index) == used;
        }
    }
    made
}

/// Which of them are to go, found without any of the program's code: of each volume those that count and have at least seven
/// newer ones, but for those that something needs.
fn surplus(made: &[Made]) -> Vec<usize> {
    let newer = |than: &Made| {
        let of_volume = made.iter().filter(|one| one.counts && one.volume == than.volume);
        of_volume.filter(|one| one.taken > than.taken).count()
    };
    let all = made.iter().enumerate();
    all.filter(|(_, one)| one.counts && !one.needed && newer(one) >= KEEP).map(|(index, _)| index).collect()
}

/// Makes these in the account, and gives their ids.
fn seeded(account: &Account, what: &str, objects: Value) -> Vec<String> {
    let seeded = account.seed(json!({ REGION: { what: objects } }));
    let ids = seeded["regions"][REGION][what].as_array().unwrap();
    ids.iter().map(|id| id.as_str().unwrap().to_owned()).collect()
}

/// When a call arrived, in seconds of the emulator's clock.
fn at(call: Option<&Value>) -> f64 {
    call.and_then(|call| call["at"].as_f64()).unwrap()
}

fn count(number: usize) -> f64 {
    f64::from(u32::try_from(number).unwrap())
}
