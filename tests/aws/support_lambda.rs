//! Lambda, IAM and CloudWatch Logs of an account in the emulator.

use serde_json::{Value, json};

use super::{Account, signature};

#[allow(dead_code)] // Each of the tests, the demo and the benchmark uses a part.
impl Account {
    /// Every function of a region with its tags, its statements and what other calls set of it, sorted by name.
    pub fn functions(&self, region: &str) -> Vec<Value> {
        self.get("functions")[region].as_array().cloned().unwrap_or_default()
    }

    /// The package of a function.
    pub fn function_zip(&self, region: &str, name: &str) -> Vec<u8> {
        let path = self.control(&format!("functions/{region}/{name}/zip"));
        let mut answer = ureq::get(path).call().unwrap_or_else(|error| panic!("{name}: {error}"));
        answer.body_mut().with_config().limit(256 * 1024 * 1024).read_to_vec().expect("a zip")
    }

    /// Sets fields of a function as AWS tells them, obeying no rules.
    pub fn edit_function(&self, region: &str, name: &str, set: Value) {
        self.post("functions/edit", &json!({ "region": region, "name": name, "set": set }));
    }

    /// What functions were given by rules and schedules, in order. See `README.md`.
    pub fn fired(&self) -> Vec<Value> {
        self.get("fired")["fired"].as_array().cloned().unwrap_or_default()
    }

    /// Puts an event on the default bus.
    pub fn put_event(&self, region: &str, event: Value) {
        self.post("events", &json!({ "region": region, "event": event }));
    }

    /// Every role of the account with its policies and tags, sorted by name.
    pub fn roles(&self) -> Vec<Value> {
        self.get("roles").as_array().cloned().unwrap_or_default()
    }

    /// Every log group of a region with its tags, sorted by name.
    pub fn log_groups(&self, region: &str) -> Vec<Value> {
        self.get("log_groups")[region].as_array().cloned().unwrap_or_default()
    }

    /// Calls IAM as a person would.
    pub fn iam(&self, action: &str, fields: &[(&str, &str)]) {
        self.query("iam", "2010-05-08", "us-east-1", action, fields);
    }

    /// Calls CloudWatch Logs as a person would.
    pub fn logs(&self, region: &str, action: &str, body: Value) {
        let credential = format!("AKIA{}/20261120/{region}/logs/aws4_request", self.id);
        ureq::post(self.emulator.url())
            .header("Authorization", signature(&credential))
            .header("X-Amz-Target", format!("Logs_20140328.{action}"))
            .send_json(body)
            .unwrap_or_else(|error| panic!("{action}: {error}"));
    }

    /// Calls Lambda with a body as a person would: `POST` of a path.
    pub fn lambda_post(&self, region: &str, path: &str, body: Value) {
        let credential = format!("AKIA{}/20261120/{region}/lambda/aws4_request", self.id);
        ureq::post(format!("{}{path}", self.emulator.url()))
            .header("Authorization", signature(&credential))
            .send_json(body)
            .unwrap_or_else(|error| panic!("{path}: {error}"));
    }
}
