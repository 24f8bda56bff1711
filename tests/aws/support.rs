//! The emulator from Rust: for the end-to-end tests, the demo and the benchmark.
//!
//! The first use makes a Python virtual environment under `target/` from `requirements.txt`; it needs python3 and the
//! Python package index, once. One emulator serves a whole process; each test takes an account of its own.

#![allow(unreachable_pub)] // The tests, the demo and the benchmark each include this file.

use std::collections::{BTreeSet, HashMap};
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};

const REQUIREMENTS: &str = include_str!("requirements.txt");

/// A running emulator. It ends when this process does, however that ends: it reads our pipe as its standard input.
pub struct Emulator {
    port: u16,
    _process: Child,
}

impl Emulator {
    /// The emulator of this process.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Emulator> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    fn start() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let python = virtual_environment(&root.join("target"));
        let mut process = Command::new(python)
            .arg("-B")
            .arg(root.join("tests/aws/emulator.py"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the emulator starts");
        let mut line = String::new();
        let stdout = process.stdout.take().expect("its output is piped");
        BufReader::new(stdout).read_line(&mut line).expect("it says its port");
        let ready: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("not ready: {line:?}"));
        let port = ready["port"].as_u64().and_then(|port| u16::try_from(port).ok()).expect("a port");
        Self { port, _process: process }
    }

    /// Where the SDK is to send its calls.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// An account that nobody else uses.
    pub fn account(&'static self) -> Account {
        static NEXT: AtomicU64 = AtomicU64::new(100_000_000_001);
        Account { id: NEXT.fetch_add(1, Ordering::Relaxed).to_string(), emulator: self }
    }
}

/// Makes the virtual environment where it is not there yet, and gives its Python.
fn virtual_environment(target: &Path) -> PathBuf {
    let folder = target.join("aws-emulator");
    let python = folder.join("bin/python");
    fs::create_dir_all(target).expect("target/ can be made");
    let lock = File::create(target.join("aws-emulator.lock")).expect("a lock file");
    lock.lock().expect("only one process makes it");
    let stamp = folder.join("requirements.txt");
    if fs::read_to_string(&stamp).is_ok_and(|made_of| made_of == REQUIREMENTS) {
        return python;
    }
    eprintln!("making the AWS emulator in {} (once, about a minute)", folder.display());
    let _ = fs::remove_dir_all(&folder);
    run(Command::new("python3").args(["-m", "venv"]).arg(&folder), "python3 -m venv (Debian: python3-venv)");
    let wanted = target.join("aws-emulator-requirements.txt");
    fs::write(&wanted, REQUIREMENTS).expect("the requirements can be written");
    let install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"];
    run(Command::new(&python).args(install).arg(&wanted), "pip install (needs the Python package index)");
    fs::rename(&wanted, &stamp).expect("the stamp can be written");
    python
}

fn run(command: &mut Command, what: &str) {
    let status = command.stdin(Stdio::null()).status();
    assert!(status.as_ref().is_ok_and(std::process::ExitStatus::success), "{what} failed: {status:?}");
}

/// The program that was built beside the example that asks: `target/debug/examples/demo` → `target/debug/opsform`.
#[allow(dead_code)] // The tests know it from cargo.
pub fn program_beside_example() -> PathBuf {
    let me = std::env::current_exe().expect("an example knows where it is");
    let program = me.parent().and_then(Path::parent).expect("it is in a folder of examples");
    let program = program.join(format!("opsform{}", std::env::consts::EXE_SUFFIX));
    let name = me.file_stem().unwrap_or_default().to_string_lossy();
    assert!(
        program.exists(),
        "build the program first: cargo build --release --bin opsform --example {name}"
    );
    program
}

/// One AWS account in the emulator.
#[derive(Clone)]
pub struct Account {
    id: String,
    emulator: &'static Emulator,
}

#[allow(dead_code)] // Each of the tests, the demo and the benchmark uses a part.
impl Account {
    /// Twelve digits.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Where the SDK is to send its calls.
    pub fn url(&self) -> String {
        self.emulator.url()
    }

    /// What opsform and the AWS CLI need in their environment to work in this account.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        vec![
            ("AWS_ENDPOINT_URL", self.emulator.url()),
            ("AWS_ACCESS_KEY_ID", format!("AKIA{}", self.id)),
            ("AWS_SECRET_ACCESS_KEY", "not-a-secret".to_owned()),
            // Nothing of the machine's own AWS configuration may reach a test.
            ("AWS_CONFIG_FILE", "/nonexistent/config".to_owned()),
            ("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent/credentials".to_owned()),
            ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
        ]
    }

    fn control(&self, path: &str) -> String {
        format!("{}/_control/{}/{path}", self.emulator.url(), self.id)
    }

    fn get(&self, path: &str) -> Value {
        let mut answer =
            ureq::get(self.control(path)).call().unwrap_or_else(|error| panic!("{path}: {error}"));
        answer.body_mut().read_json().expect("JSON")
    }

    fn post(&self, path: &str, body: &Value) -> Value {
        let mut answer =
            ureq::post(self.control(path)).send_json(body).unwrap_or_else(|error| panic!("{path}: {error}"));
        answer.body_mut().read_json().expect("JSON")
    }

    /// Makes instances in a region and gives their ids, in order. See `README.md` for the fields.
    pub fn seed_instances(&self, region: &str, instances: Value) -> Vec<String> {
        let seeded = self.seed(json!({ region: { "instances": instances } }));
        let ids = seeded["regions"][region]["instances"].as_array().cloned().unwrap_or_default();
        ids.iter().filter_map(|id| id.as_str().map(str::to_owned)).collect()
    }

    /// Makes instances, databases and clusters by region.
    pub fn seed(&self, regions: Value) -> Value {
        self.post("seed", &json!({ "regions": regions }))
    }

    /// The ids of all snapshots of the account.
    pub fn snapshots(&self, region: &str) -> BTreeSet<String> {
        self.snapshots_where(region, &[])
    }

    /// The ids of those that bear a project's tag.
    pub fn snapshots_of_projects(&self, region: &str) -> BTreeSet<String> {
        let filter = [("Filter.1.Name", "tag-key"), ("Filter.1.Value.1", "opsform:project")];
        self.snapshots_where(region, &filter)
    }

    fn snapshots_where(&self, region: &str, filter: &[(&str, &str)]) -> BTreeSet<String> {
        let fields = [&[("Owner.1", "self")], filter].concat();
        let answer = self.asked("ec2", "2016-11-15", region, "DescribeSnapshots", &fields);
        let ids = answer.split("<snapshotId>").skip(1).filter_map(|rest| rest.split_once('<'));
        ids.map(|(id, _)| id.to_owned()).collect()
    }

    /// Completes all pending snapshots of a region.
    pub fn finish_snapshots(&self, region: &str) {
        self.post(&format!("snapshots/{region}/finish"), &json!({}));
    }

    /// How often each operation was called since the start or [`Account::clear_calls`], by `service:Operation`.
    pub fn calls(&self) -> serde_json::Map<String, Value> {
        self.get("calls")["counts"].as_object().cloned().unwrap_or_default()
    }

    /// How often one operation was called.
    pub fn count(&self, operation: &str) -> u64 {
        self.calls().get(operation).and_then(Value::as_u64).unwrap_or(0)
    }

    /// Each call with its operation, region, status, code and key.
    pub fn log(&self) -> Vec<Value> {
        self.get("calls")["log"].as_array().cloned().unwrap_or_default()
    }

    /// The names of the calls that would have changed something, answered or not.
    pub fn writes(&self) -> Vec<String> {
        let reads = ["Describe", "List", "Get", "AssumeRole"];
        self.log()
            .iter()
            .filter_map(|call| call["operation"].as_str())
            .filter(|operation| !reads.iter().any(|read| operation.starts_with(read)))
            .map(str::to_owned)
            .collect()
    }

    /// Forgets the calls so far.
    pub fn clear_calls(&self) {
        self.post("calls/clear", &json!({}));
    }

    /// Orders faults; an empty list ends them.
    pub fn faults(&self, faults: Value) {
        self.post("faults", &faults);
    }

    /// How many requests a fault holds now.
    pub fn held(&self) -> u64 {
        self.get("held")["held"].as_u64().unwrap_or(0)
    }

    /// Lets held requests go on.
    pub fn release(&self) {
        self.post("release", &json!({}));
    }

    /// Sets how the emulator decides where AWS's documentation leaves a choice.
    pub fn options(&self, options: Value) {
        self.post("options", &options);
    }

    /// All alarms of a region, sorted by name.
    pub fn alarms(&self, region: &str) -> Vec<Value> {
        let mut alarms = self.get("alarms")[region].as_array().cloned().unwrap_or_default();
        alarms.sort_by_key(|alarm| alarm["AlarmName"].as_str().map(str::to_owned));
        alarms
    }

    /// What Cost Explorer tells: see `POST …/costs` in `README.md`.
    pub fn bill(&self, bill: Value) -> Value {
        self.post("costs", &bill)
    }

    /// Changes this account's price list: see `POST …/prices` in `README.md`.
    pub fn prices(&self, changes: Value) -> Value {
        self.post("prices", &changes)
    }

    /// The names of all alarms of a region, sorted.
    pub fn alarm_names(&self, region: &str) -> Vec<String> {
        self.alarms(region)
            .iter()
            .filter_map(|alarm| alarm["AlarmName"].as_str().map(str::to_owned))
            .collect()
    }

    /// One alarm.
    pub fn alarm(&self, region: &str, name: &str) -> Value {
        let found = self.alarms(region).into_iter().find(|alarm| alarm["AlarmName"] == name);
        found.unwrap_or_else(|| panic!("no alarm {name:?} in {region}: {:?}", self.alarm_names(region)))
    }

    /// Makes an alarm as a person in the console would.
    pub fn put_alarm(&self, region: &str, alarm: Value) {
        self.post(&format!("alarms/{region}"), &alarm);
    }

    /// Changes fields of an alarm as a person in the console would.
    pub fn edit_alarm(&self, region: &str, name: &str, set: Value) {
        self.post(&format!("alarms/{region}/edit"), &json!({ "AlarmName": name, "set": set }));
    }

    /// Deletes an alarm as a person in the console would.
    pub fn delete_alarm(&self, region: &str, name: &str) {
        self.post(&format!("alarms/{region}/edit"), &json!({ "AlarmName": name, "delete": true }));
    }

    /// The mails that SES took in all regions, in its order. See `README.md` for their fields.
    pub fn mails(&self) -> Vec<Value> {
        self.get("mails")["mails"].as_array().cloned().unwrap_or_default()
    }

    /// Volumes whose data are gone: deleted, and no completed snapshot of them is left.
    pub fn lost_volumes(&self) -> Vec<String> {
        let lost = self.get("lost")["lost"].as_array().cloned().unwrap_or_default();
        lost.iter().filter_map(|id| id.as_str().map(str::to_owned)).collect()
    }

    /// Ends all pending snapshots of a region as `completed` or `error`.
    pub fn end_snapshots(&self, region: &str, state: &str) {
        self.post(&format!("snapshots/{region}/finish"), &json!({ "state": state }));
    }

    /// Calls an operation of EC2 and gives its answer's XML.
    pub fn ec2_answer(&self, region: &str, action: &str, fields: &[(&str, &str)]) -> String {
        self.asked("ec2", "2016-11-15", region, action, fields)
    }

    /// Calls KMS and gives its answer.
    pub fn kms(&self, region: &str, action: &str, body: Value) -> Value {
        let credential = format!("AKIA{}/20261120/{region}/kms/aws4_request", self.id);
        let mut answer = ureq::post(self.emulator.url())
            .header("Authorization", signature(&credential))
            .header("X-Amz-Target", format!("TrentService.{action}"))
            .send_json(body)
            .unwrap_or_else(|error| panic!("{action}: {error}"));
        answer.body_mut().read_json().unwrap_or_default()
    }

    /// Every schedule of a region as `GetSchedule` tells it, sorted by group and name.
    pub fn schedules(&self, region: &str) -> Vec<Value> {
        self.get("schedules")[region].as_array().cloned().unwrap_or_default()
    }

    /// Every alarm mute rule of a region as `GetAlarmMuteRule` tells it, with its tags, sorted by name.
    pub fn mutes(&self, region: &str) -> Vec<Value> {
        self.get("mutes")[region].as_array().cloned().unwrap_or_default()
    }

    /// Calls CloudWatch as a person in the console would.
    pub fn cloudwatch(&self, region: &str, operation: &str, body: &Value) {
        let credential = format!("AKIA{}/20261120/{region}/monitoring/aws4_request", self.id);
        ureq::post(self.emulator.url())
            .header("Authorization", signature(&credential))
            .header("Content-Type", "application/x-amz-json-1.0")
            .header("X-Amz-Target", format!("GraniteServiceVersion20100801.{operation}"))
            .send_json(body)
            .unwrap_or_else(|error| panic!("{operation}: {error}"));
    }

    /// Lets the time of a schedule come: what it called, and how that ended.
    pub fn fire(&self, region: &str, group: &str, name: &str) -> Value {
        self.post("fire", &json!({ "region": region, "group": group, "name": name }))
    }

    /// Every EventBridge rule of a region with its targets and tags, sorted by name.
    pub fn rules(&self, region: &str) -> Vec<Value> {
        self.get("rules")[region].as_array().cloned().unwrap_or_default()
    }

    /// Lets the time of a rule come: what each target called, and how that ended.
    pub fn fire_rule(&self, region: &str, name: &str) -> Vec<Value> {
        self.fire_rule_with(json!({ "region": region, "rule": name }))
    }

    /// The same at another time, which is that of its snapshots, too.
    pub fn fire_rule_at(&self, region: &str, name: &str, at: &str) -> Vec<Value> {
        self.fire_rule_with(json!({ "region": region, "rule": name, "at": at }))
    }

    fn fire_rule_with(&self, order: Value) -> Vec<Value> {
        let told = self.post("fire", &order);
        told["targets"].as_array().cloned().unwrap_or_default()
    }

    /// Calls EventBridge as a person in the console would.
    pub fn events(&self, region: &str, operation: &str, body: Value) {
        let credential = format!("AKIA{}/20261120/{region}/events/aws4_request", self.id);
        ureq::post(self.emulator.url())
            .header("Authorization", signature(&credential))
            .header("X-Amz-Target", format!("AWSEvents.{operation}"))
            .header("Content-Type", "application/x-amz-json-1.1")
            .send_json(body)
            .unwrap_or_else(|error| panic!("{operation}: {error}"));
    }

    /// Lets time pass up to a moment: the schedules that AWS deletes because they have ended, as `GROUP/NAME`.
    pub fn pass(&self, region: &str, until: &str) -> Vec<String> {
        let deleted = self.post("schedules/pass", &json!({ "until": until }))["deleted"][region].clone();
        serde_json::from_value(deleted).unwrap_or_default()
    }

    /// Sets fields of a schedule, also to what AWS would refuse by now.
    pub fn edit_schedule(&self, region: &str, group: &str, name: &str, set: Value) {
        self.post("schedules/edit", &json!({ "region": region, "group": group, "name": name, "set": set }));
    }

    /// Calls EventBridge Scheduler as a person in the console would.
    pub fn scheduler(&self, region: &str, path: &str, body: Value) {
        let credential = format!("AKIA{}/20261120/{region}/scheduler/aws4_request", self.id);
        ureq::post(format!("{}{path}", self.emulator.url()))
            .header("Authorization", signature(&credential))
            .send_json(body)
            .unwrap_or_else(|error| panic!("{path}: {error}"));
    }

    /// Replaces a schedule as a person in the console would.
    pub fn scheduler_put(&self, region: &str, path: &str, body: Value) {
        let credential = format!("AKIA{}/20261120/{region}/scheduler/aws4_request", self.id);
        ureq::put(format!("{}{path}", self.emulator.url()))
            .header("Authorization", signature(&credential))
            .send_json(body)
            .unwrap_or_else(|error| panic!("{path}: {error}"));
    }

    /// Deletes a schedule as a person in the console would.
    pub fn scheduler_delete(&self, region: &str, path: &str) {
        let credential = format!("AKIA{}/20261120/{region}/scheduler/aws4_request", self.id);
        ureq::delete(format!("{}{path}", self.emulator.url()))
            .header("Authorization", signature(&credential))
            .call()
            .unwrap_or_else(|error| panic!("{path}: {error}"));
    }

    /// Makes a bucket.
    pub fn create_bucket(&self, region: &str, bucket: &str) {
        let request = ureq::put(self.s3(bucket, "")).header("Authorization", self.s3_signature(region));
        request.send_empty().unwrap_or_else(|error| panic!("{bucket}: {error}"));
    }

    /// Lets a bucket keep versions.
    pub fn version_bucket(&self, region: &str, bucket: &str) {
        let request =
            ureq::put(self.s3(bucket, "?versioning")).header("Authorization", self.s3_signature(region));
        request.send("<Status>Enabled</Status>").unwrap_or_else(|error| panic!("{bucket}: {error}"));
    }

    /// The text of an object, if it is there.
    pub fn object(&self, region: &str, bucket: &str, key: &str) -> Option<String> {
        let request = ureq::get(self.s3(bucket, key)).header("Authorization", self.s3_signature(region));
        match request.call() {
            Ok(mut answer) => Some(answer.body_mut().read_to_string().expect("text")),
            Err(ureq::Error::StatusCode(404)) => None,
            Err(error) => panic!("{key}: {error}"),
        }
    }

    /// The headers of an object.
    pub fn object_headers(&self, region: &str, bucket: &str, key: &str) -> HashMap<String, String> {
        let request = ureq::get(self.s3(bucket, key)).header("Authorization", self.s3_signature(region));
        let answer = request.call().unwrap_or_else(|error| panic!("{key}: {error}"));
        let text = |value: &ureq::http::HeaderValue| value.to_str().unwrap_or_default().to_owned();
        answer.headers().iter().map(|(name, value)| (name.to_string(), text(value))).collect()
    }

    /// Writes an object, whatever stands there.
    pub fn put_object(&self, region: &str, bucket: &str, key: &str, body: &str) {
        let request = ureq::put(self.s3(bucket, key)).header("Authorization", self.s3_signature(region));
        request.send(body).unwrap_or_else(|error| panic!("{key}: {error}"));
    }

    /// Writes an object as if that had been long ago.
    pub fn put_old_object(&self, region: &str, bucket: &str, key: &str, body: &str) {
        let request = ureq::put(self.s3(bucket, key)).header("Authorization", self.s3_signature(region));
        let request = request.header("x-test-last-modified", "Thu, 01 Jan 2026 00:00:00 GMT");
        request.send(body).unwrap_or_else(|error| panic!("{key}: {error}"));
    }

    /// Deletes an object.
    pub fn delete_object(&self, region: &str, bucket: &str, key: &str) {
        let request = ureq::delete(self.s3(bucket, key)).header("Authorization", self.s3_signature(region));
        request.call().unwrap_or_else(|error| panic!("{key}: {error}"));
    }

    fn s3(&self, bucket: &str, key: &str) -> String {
        format!("{}/{bucket}/{key}", self.emulator.url())
    }

    fn s3_signature(&self, region: &str) -> String {
        signature(&format!("AKIA{}/20261120/{region}/s3/aws4_request", self.id))
    }

    /// Terminates instances, signed as this account but not counted by the tests that clear the calls afterwards.
    pub fn terminate(&self, region: &str, ids: &[String]) {
        self.ec2(region, "TerminateInstances", ids, &[]);
    }

    /// Makes a composite alarm with this rule.
    pub fn put_composite(&self, region: &str, name: &str, rule: &str) {
        let credential = format!("AKIA{}/20261120/{region}/monitoring/aws4_request", self.id);
        ureq::post(self.emulator.url())
            .header("Authorization", signature(&credential))
            .header("X-Amz-Target", "GraniteServiceVersion20100801.PutCompositeAlarm")
            .send_json(json!({"AlarmName": name, "AlarmRule": rule}))
            .unwrap_or_else(|error| panic!("PutCompositeAlarm: {error}"));
    }

    /// Calls an EC2 operation on instances or other resources.
    pub fn ec2(&self, region: &str, action: &str, ids: &[String], more: &[(&str, &str)]) {
        let id_field = if action.ends_with("Tags") { "ResourceId" } else { "InstanceId" };
        let names: Vec<String> = (1..=ids.len()).map(|n| format!("{id_field}.{n}")).collect();
        let mut fields: Vec<(&str, &str)> =
            names.iter().zip(ids).map(|(name, id)| (name.as_str(), id.as_str())).collect();
        fields.extend(more);
        self.query("ec2", "2016-11-15", region, action, &fields);
    }

    /// Gives an instance or a volume a tag.
    pub fn tag(&self, region: &str, id: &str, key: &str, value: &str) {
        self.ec2(region, "CreateTags", &[id.to_owned()], &[("Tag.1.Key", key), ("Tag.1.Value", value)]);
    }

    /// Calls an operation over the query protocol; the emulator does not check signatures.
    pub fn query(&self, service: &str, version: &str, region: &str, action: &str, fields: &[(&str, &str)]) {
        self.asked(service, version, region, action, fields);
    }

    fn asked(
        &self,
        service: &str,
        version: &str,
        region: &str,
        action: &str,
        fields: &[(&str, &str)],
    ) -> String {
        let credential = format!("AKIA{}/20261120/{region}/{service}/aws4_request", self.id);
        let form = [("Action", action), ("Version", version)].into_iter().chain(fields.iter().copied());
        let mut answer = ureq::post(self.emulator.url())
            .header("Authorization", signature(&credential))
            .send_form(form)
            .unwrap_or_else(|error| panic!("{action}: {error}"));
        answer.body_mut().read_to_string().expect("text")
    }
}

fn signature(credential: &str) -> String {
    format!("AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host, Signature=0")
}
