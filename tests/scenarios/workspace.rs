//! A folder with a manifest, an AWS account, and the program to run in them.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Output, Stdio};

use serde_json::json;

use crate::aws::{Account, Emulator};

pub(crate) const REGION: &str = "us-east-1";

/// A manifest that wants one alarm for each instance in one region.
pub(crate) const CPU: &str = r#"
[project]
name = "payments"

[aws]
regions = ["us-east-1"]

[aws.rates]
PutMetricAlarm = 1000
DeleteAlarms = 1000

[[alarm]]
label = "cpu"
for_each = { ec2 = {} }
name = "{{ name }}: CPU over {{ threshold }}"
metric = "CPUUtilization"
comparison = ">"
threshold = 80
"#;

pub(crate) struct Workspace {
    folder: tempfile::TempDir,
    pub(crate) account: Account,
}

impl Workspace {
    /// A fresh account and a folder with this manifest.
    pub(crate) fn new(manifest: &str) -> Self {
        let workspace = Self { folder: tempfile::tempdir().unwrap(), account: Emulator::shared().account() };
        workspace.write_manifest(manifest);
        workspace
    }

    /// Another folder, with its own state, on the same account.
    pub(crate) fn beside(&self, manifest: &str) -> Self {
        let workspace = Self { folder: tempfile::tempdir().unwrap(), account: self.account.clone() };
        workspace.write_manifest(manifest);
        workspace
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn write_manifest(&self, text: &str) {
        self.write("manifests/opsform.toml", text);
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        self.write_bytes(path, text.as_bytes());
    }

    pub(crate) fn write_bytes(&self, path: &str, text: &[u8]) {
        let path = self.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub(crate) fn edit_manifest(&self, from: &str, to: &str) {
        let path = self.path().join("manifests/opsform.toml");
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "the manifest has no {from:?}");
        fs::write(path, text.replace(from, to)).unwrap();
    }

    pub(crate) fn state_file(&self) -> PathBuf {
        self.path().join("state/payments.json")
    }

    /// The records of the state file.
    pub(crate) fn state(&self) -> serde_json::Value {
        serde_json::from_str(&fs::read_to_string(self.state_file()).unwrap()).unwrap()
    }

    /// The names of all alarms that the state file records, sorted.
    pub(crate) fn recorded(&self) -> Vec<String> {
        let state = self.state();
        let resources = state["resources"].as_array().unwrap();
        let mut names: Vec<String> =
            resources.iter().map(|resource| resource["key"].as_str().unwrap().to_owned()).collect();
        names.sort();
        names
    }

    /// The command, ready to be started: only this account's environment, no terminal.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_opsform"));
        command
            .args(args)
            .current_dir(self.path())
            .env_clear()
            .envs(self.account.environment())
            .env("HOME", self.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Starts a command under a terminal and waits until it asks; the answer comes when the test gives it.
    pub(crate) fn answering(&self, command: &str) -> Answering {
        let program = env!("CARGO_BIN_EXE_opsform");
        let line = format!(
            "(while [ ! -e answer ]; do sleep 0.05; done; cat answer) | \
             script -fqec '{program} {command}; echo code=$?' asked"
        );
        let mut shell = Command::new("sh");
        shell.args(["-c", &line]).current_dir(self.path()).env_clear();
        shell.envs(self.account.environment()).env("PATH", "/usr/bin:/bin").env("HOME", self.path());
        let child = shell.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let asked = self.path().join("asked");
        wait_until(|| fs::read_to_string(&asked).is_ok_and(|text| text.contains("Only \"yes\"")));
        Answering { child, folder: self.path().to_owned() }
    }

    /// The same once more in the same folder.
    pub(crate) fn answering_again(&self, command: &str) -> Answering {
        for left in ["answer", "asked"] {
            fs::remove_file(self.path().join(left)).unwrap();
        }
        self.answering(command)
    }

    /// Starts an apply of so many puts, lets k of them through, holds the others, and kills it when all others are held.
    pub(crate) fn kill_apply(&self, puts: usize, k: usize, hold: &str) {
        let held = u64::try_from(puts - k).unwrap();
        self.account.faults(json!([{"operation": "PutMetricAlarm", "kind": hold, "skip": k}]));
        let mut apply = self.command(&["apply", "--yes"]).spawn().unwrap();
        wait_until(|| self.account.held() >= held);
        apply.kill().unwrap();
        apply.wait().unwrap();
        self.account.release();
        self.account.faults(json!([]));
    }

    /// Starts a command.
    pub(crate) fn start(&self, args: &[&str]) -> Running {
        let mut child = self.command(args).spawn().unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        Running { child, stderr, said: String::new() }
    }

    pub(crate) fn run(&self, args: &[&str]) -> Run {
        Run::of(self.command(args).output().unwrap())
    }

    /// Runs and expects success.
    pub(crate) fn ok(&self, args: &[&str]) -> Run {
        self.run(args).expect(0)
    }

    pub(crate) fn apply(&self) -> Run {
        self.ok(&["apply", "--yes"])
    }

    /// Plans as JSON and gives `verb key` of each change.
    pub(crate) fn changes(&self) -> Vec<String> {
        self.changes_with(&[])
    }

    pub(crate) fn changes_with(&self, flags: &[&str]) -> Vec<String> {
        let run = self.run(&[&["plan", "--format", "json"], flags].concat());
        let plan: serde_json::Value =
            serde_json::from_str(&run.stdout).unwrap_or_else(|_| panic!("no JSON: {}", run.all()));
        let changes = plan["changes"].as_array().unwrap();
        let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
        changes.iter().map(|c| format!("{} {}", text(&c["verb"]), text(&c["address"]["key"]))).collect()
    }

    pub(crate) fn expect_nothing_to_do(&self) {
        assert_eq!(self.changes(), [""; 0]);
    }
}

/// A command that waits for an answer.
pub(crate) struct Answering {
    child: Child,
    folder: PathBuf,
}

impl Answering {
    /// Types the answer and waits for the end.
    pub(crate) fn answer(self, text: &str) -> Run {
        fs::write(self.folder.join("answer.new"), format!("{text}\n")).unwrap();
        fs::rename(self.folder.join("answer.new"), self.folder.join("answer")).unwrap();
        Run::of(self.child.wait_with_output().unwrap())
    }
}

/// A command that runs while the test listens to what it says.
pub(crate) struct Running {
    child: Child,
    stderr: BufReader<ChildStderr>,
    said: String,
}

impl Running {
    /// Waits until it has said these words on standard error.
    #[track_caller]
    pub(crate) fn until(&mut self, words: &str) {
        while !self.said.contains(words) {
            assert_ne!(self.stderr.read_line(&mut self.said).unwrap(), 0, "no {words:?} in: {}", self.said);
        }
        self.said.clear();
    }

    /// Sends a signal, such as `INT`.
    pub(crate) fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args([&format!("-{name}"), &pid]).status().unwrap().success());
    }

    /// Waits for the end. What was waited for is not told again.
    pub(crate) fn end(mut self) -> Run {
        self.stderr.read_to_string(&mut self.said).unwrap();
        let output = self.child.wait_with_output().unwrap();
        let run = Run::of(output);
        Run { stderr: self.said, ..run }
    }
}

/// Waits for something that another process does; gives up after a minute.
#[track_caller]
pub(crate) fn wait_until(holds: impl Fn() -> bool) {
    let start = std::time::Instant::now();
    while !holds() {
        assert!(start.elapsed().as_secs() < 60, "it does not come to that");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}

/// What a run printed and how it ended.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Run {
    pub(crate) fn of(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    #[track_caller]
    pub(crate) fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{}", self.all());
        // Whatever happens, nobody is shown the inside of a data structure.
        for inside in ["panicked", "SdkError", "DispatchFailure", "Unhandled", "stack backtrace"] {
            assert!(!self.all().contains(inside), "{inside} in: {}", self.all());
        }
        self
    }

    #[track_caller]
    pub(crate) fn says(self, words: &[&str]) -> Self {
        for word in words {
            assert!(self.all().contains(word), "no {word:?} in:\n{}", self.all());
        }
        self
    }

    pub(crate) fn all(&self) -> String {
        format!("exit {:?}\n{}{}", self.code, self.stdout, self.stderr)
    }
}
