//! The demo: a fleet of forty instances in two regions of an emulated AWS, and a day in the life of its alarms.
//!
//! `cargo run --example demo` needs Rust and python3. Nothing leaves this machine once the emulator is there.
//! It exits non-zero if any step is not as it should be.

#![allow(clippy::unwrap_used, clippy::expect_used)] // A demo that cannot go on says so by panicking.

#[path = "../../tests/aws/support.rs"]
mod aws;

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use aws::{Account, Emulator, program_beside_example};
use serde_json::{Value, json};

const SEOUL: &str = "ap-northeast-2";
const VIRGINIA: &str = "us-east-1";
const MANIFEST: &str = include_str!("manifests/shop.toml");

fn main() -> ExitCode {
    let demo = Demo::prepare();
    let result = demo.run();
    match result {
        Ok(()) => {
            println!("\nThe demo went as it should. Now try it on your own account: `opsform init`.");
            ExitCode::SUCCESS
        }
        Err(problem) => {
            eprintln!("\nThe demo did not go as it should: {problem}");
            ExitCode::FAILURE
        }
    }
}

struct Demo {
    program: PathBuf,
    folder: tempfile::TempDir,
    account: Account,
    color: &'static str,
}

type Step = Result<(), String>;

impl Demo {
    fn prepare() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        // Together with the example, the program is built with the same features of its dependencies; alone, cargo would
        // build all of them once more.
        let status = Command::new(env!("CARGO"))
            .args(["build", "--quiet", "--bin", "opsform", "--example", "demo"])
            .current_dir(root)
            .status();
        assert!(status.is_ok_and(|status| status.success()), "opsform builds");
        let program = program_beside_example();
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("manifests")).unwrap();
        std::fs::write(folder.path().join("manifests/shop.toml"), MANIFEST).unwrap();
        let color = if std::io::stdout().is_terminal() { "always" } else { "never" };
        Self { program, folder, account: Emulator::shared().account(), color }
    }

    fn run(&self) -> Step {
        let ids = self.seed();
        say(
            "A fleet of 40 instances, 3 databases and a cluster in two regions. The manifest has three alarms.",
        );
        self.opsform(&["validate"], 0, &["3 declarations"])?;
        say("What would happen?");
        self.opsform(&["plan"], 0, &["73 to add, 0 to change, 0 to destroy"])?;
        say("Make it so. On a terminal it asks first; here --yes answers.");
        self.opsform(&["apply", "--yes"], 0, &["73 added"])?;
        self.expect_alarms(73)?;
        say("Again: nothing to do, and it took a handful of calls to find out.");
        self.account.clear_calls();
        self.opsform(&["plan", "--detailed-exitcode"], 0, &["Nothing to do"])?;
        self.expect_calls(9)?;

        say("At night somebody switches an alarm's actions off in the console, and deletes another.");
        let edited = "web-01: CPU over 80 percent";
        self.account.edit_alarm(SEOUL, edited, json!({"ActionsEnabled": false}));
        self.account.delete_alarm(VIRGINIA, "batch-03: status check failed");
        self.opsform(&["drift", "--detailed-exitcode"], 3, &[edited, "batch-03", "changed outside opsform"])?;
        self.opsform(&["apply", "--yes"], 0, &["1 added", "1 changed"])?;
        expect(
            self.account.alarm(SEOUL, edited)["ActionsEnabled"] == json!(true),
            "the actions are on again",
        )?;

        say("The databases' limit is raised in the manifest; it is part of their alarms' names.");
        self.edit("threshold = 400", "threshold = 500")?;
        say("Meanwhile an instance was terminated, too.");
        self.account.terminate(SEOUL, &ids[..1]);
        self.opsform(&["plan", "--detailed-exitcode"], 2, &["renamed", "was terminated", "2 to destroy"])?;
        self.opsform(&["apply", "--yes"], 0, &["2 destroyed"])?;
        self.expect_alarms(71)?;

        say("And the end: everything that opsform made goes; an alarm made by hand stays.");
        self.account.put_alarm(SEOUL, by_hand());
        self.opsform(&["destroy", "--yes", "--detail", "summary"], 0, &["71 destroyed"])?;
        self.expect_alarms(1)
    }

    /// Fills the account and gives the ids of the instances in Seoul.
    fn seed(&self) -> Vec<String> {
        let seoul: Vec<Value> = (1..=16)
            .map(|n| {
                let mut tags = json!({"Env": "prod", "Team": "storefront", "owner": "jiwoo.kim"});
                if n > 12 {
                    tags["CpuLimit"] = json!("95");
                }
                json!({"name": format!("web-{n:02}"), "type": "m7g.large", "tags": tags})
            })
            .chain((1..=4).map(|n| {
                json!({"name": format!("결제-{n:02}"), "type": "r7g.xlarge",
                "tags": {"Env": "prod", "Team": "payments", "owner": "minseo.lee"}})
            }))
            .chain((1..=4).map(|n| {
                json!({"name": format!("dev-{n:02}"), "state": "stopped",
                "tags": {"Env": "dev", "owner": "jiwoo.kim"}})
            }))
            .collect();
        let virginia: Vec<Value> = (1..=10)
            .map(|n| {
                json!({"name": format!("batch-{n:02}"), "type": "c7i.2xlarge",
                "tags": {"Env": "prod", "Team": "data", "owner": "a.nguyen"}})
            })
            .chain((1..=5).map(|n| json!({"name": format!("stage-{n:02}"), "tags": {"Env": "stage"}})))
            .chain([
                json!({"name": null}),
                json!({"name": "old", "tags": {"Env": "prod"}, "state": "terminated"}),
            ])
            .collect();
        let seeded = self.account.seed(json!({
            SEOUL: {
                "instances": seoul,
                "databases": [{"id": "orders", "engine": "mysql", "tags": {"Env": "prod"}},
                              {"id": "scratch", "engine": "postgres", "tags": {"Env": "dev"}}],
                "clusters": [{"id": "ledger", "engine": "aurora-mysql", "tags": {"Env": "prod"}}],
            },
            VIRGINIA: {
                "instances": virginia,
                "databases": [{"id": "events", "engine": "postgres", "tags": {"Env": "dev"}}],
            },
        }));
        let ids = seeded["regions"][SEOUL]["instances"].as_array().unwrap();
        ids.iter().map(|id| id.as_str().unwrap().to_owned()).collect()
    }

    /// Runs the program as a user would, shows what it prints, and checks how it ends and some of its words.
    fn opsform(&self, args: &[&str], code: i32, words: &[&str]) -> Step {
        println!("\n$ opsform {}\n", args.join(" "));
        let output = Command::new(&self.program)
            .args(args)
            .args(["--color", self.color])
            .current_dir(self.folder.path())
            .envs(self.account.environment())
            .output()
            .map_err(|error| error.to_string())?;
        let text =
            String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        print!("{text}");
        expect(
            output.status.code() == Some(code),
            &format!("exit code {code}, not {:?}", output.status.code()),
        )?;
        let plain = without_colors(&text);
        words.iter().try_for_each(|word| expect(plain.contains(word), &format!("the words {word:?}")))
    }

    fn edit(&self, from: &str, to: &str) -> Step {
        let path = self.folder.path().join("manifests/shop.toml");
        let text = std::fs::read_to_string(&path).map_err(|error| error.to_string())?;
        expect(text.contains(from), from)?;
        std::fs::write(path, text.replace(from, to)).map_err(|error| error.to_string())
    }

    fn expect_alarms(&self, count: usize) -> Step {
        let found = self.account.alarms(SEOUL).len() + self.account.alarms(VIRGINIA).len();
        expect(found == count, &format!("{count} alarms on AWS, not {found}"))
    }

    fn expect_calls(&self, count: u64) -> Step {
        let calls: u64 = self.account.calls().values().filter_map(Value::as_u64).sum();
        expect(calls == count, &format!("{count} calls, not {calls}: {:?}", self.account.calls()))
    }
}

fn say(text: &str) {
    println!("\n# {text}");
}

fn expect(holds: bool, what: &str) -> Step {
    if holds { Ok(()) } else { Err(format!("expected {what}")) }
}

fn by_hand() -> Value {
    json!({"AlarmName": "made by hand", "Namespace": "AWS/EC2", "MetricName": "NetworkOut", "Period": 300,
           "EvaluationPeriods": 1, "Statistic": "Sum", "Threshold": 1e9, "ComparisonOperator": "GreaterThanThreshold"})
}

fn without_colors(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some(start) = rest.find("\u{1b}[") {
        plain.push_str(&rest[..start]);
        rest = rest[start..].find('m').map_or("", |end| &rest[start + end + 1..]);
    }
    plain + rest
}
