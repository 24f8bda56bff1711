//! What is told of a job: the answer or the error that Lambda gets, the line in the log, the metrics.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::Counts;

/// The namespace of the metrics.
const NAMESPACE: &str = "opsform";

/// How a job's process ended.
#[derive(Clone, Debug, Default)]
pub struct Told {
    /// The project, as far as it is known.
    pub project: String,
    /// The job's label.
    pub job: String,
    /// Lambda's id of the call.
    pub request: String,
    /// The exit code; `None` where a signal ended it.
    pub exit: Option<i32>,
    /// Whether it did not end because its time was over.
    pub cut_off: bool,
    /// What it counted, where it came to say so.
    pub counts: Option<Counts>,
    /// The last line of its standard output.
    pub summary: Option<String>,
    /// How long it took.
    pub took: Duration,
}

/// What Lambda gets.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// It is done, or not to be tried again: Lambda forgets the event.
    Done(Value),
    /// Lambda is to try it again.
    Failed {
        /// The error's name, such as `Opsform.Locked`.
        name: &'static str,
        /// What happened.
        message: String,
    },
}

impl Told {
    /// Whether it ended well.
    fn is_well(&self) -> bool {
        // 2 and 3 are the answers of `--detailed-exitcode`.
        matches!(self.exit, Some(0 | 2 | 3))
    }

    /// What failed, at least one where the job as a whole did.
    fn failures(&self) -> usize {
        let counted = self.counts.as_ref().map_or(0, |counts| counts.failures);
        if self.is_well() { counted } else { counted.max(1) }
    }

    /// What Lambda gets. What failed is an error, so that Lambda tries again, which finishes it: every command goes on from what is there. Only
    /// what would be done twice, a mail, is an answer also where it failed; the metric tells of it.
    pub fn answer(&self) -> Answer {
        let only_once = self.counts.as_ref().is_some_and(|counts| counts.only_once);
        if self.is_well() || only_once {
            return Answer::Done(self.record());
        }
        let name = match self.exit {
            _ if self.cut_off => "Opsform.HandedOn",
            Some(4) => "Opsform.Partial",
            Some(5) => "Opsform.Stale",
            Some(6) => "Opsform.Locked",
            Some(130) => "Opsform.Stopped",
            Some(_) => "Opsform.Failed",
            None => "Opsform.Killed",
        };
        Answer::Failed { name, message: self.message() }
    }

    fn message(&self) -> String {
        let job = &self.job;
        let error = self.counts.as_ref().and_then(|counts| counts.error.as_deref());
        let because = error.or(self.summary.as_deref());
        let because = because.map_or_else(String::new, |because| format!(": {because}"));
        match self.exit {
            _ if self.cut_off && self.exit.is_none() => {
                format!("job {job} did not end within its time and was killed; the next run goes on")
            }
            _ if self.cut_off => {
                format!("job {job} was stopped because its time was over; the next run goes on{because}")
            }
            Some(code) => format!("job {job} ended with exit code {code}{because}"),
            None => format!("job {job} was killed{because}"),
        }
    }

    /// The result as JSON: the answer, and a line of the log.
    pub fn record(&self) -> Value {
        let counts = self.counts.clone().unwrap_or_default();
        let mut record = json!({
            "project": self.project,
            "job": self.job,
            "requestId": self.request,
            "exit": self.exit,
            "handedOn": self.cut_off,
            "counts": {
                "changes": counts.changes,
                "findings": counts.findings,
                "failures": self.failures(),
                "begun": counts.begun,
            },
            "calls": counts.calls,
            "milliseconds": self.milliseconds(),
        });
        for (name, text) in
            [("summary", &self.summary), ("skipped", &counts.skipped), ("error", &counts.error)]
        {
            if let Some(text) = text {
                record[name] = text.as_str().into();
            }
        }
        record
    }

    /// The metrics in CloudWatch's embedded metric format ("Specification: Embedded metric format" in the CloudWatch user guide): CloudWatch Logs
    /// makes metrics of the line, without a call.
    pub fn metrics(&self, now: Timestamp) -> Value {
        let counts = self.counts.clone().unwrap_or_default();
        let metric = |name: &str, unit: &str| json!({ "Name": name, "Unit": unit });
        json!({
            "_aws": {
                "Timestamp": now.as_millisecond(),
                "CloudWatchMetrics": [{
                    "Namespace": NAMESPACE,
                    "Dimensions": [["Project", "Job"]],
                    "Metrics": [
                        metric("Changes", "Count"),
                        metric("Findings", "Count"),
                        metric("Failures", "Count"),
                        metric("Duration", "Milliseconds"),
                    ],
                }],
            },
            "Project": self.project,
            "Job": self.job,
            "Changes": counts.changes,
            "Findings": counts.findings,
            "Failures": self.failures(),
            "Duration": self.milliseconds(),
            "requestId": self.request,
        })
    }

    fn milliseconds(&self) -> u64 {
        u64::try_from(self.took.as_millis()).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(exit: Option<i32>, counts: Counts) -> Told {
        Told { job: "j".to_owned(), exit, counts: Some(counts), ..Told::default() }
    }

    fn name(told: &Told) -> &'static str {
        match told.answer() {
            Answer::Done(_) => "done",
            Answer::Failed { name, .. } => name,
        }
    }

    #[test]
    fn what_running_again_finishes_is_an_error_that_lambda_retries() {
        for (exit, expected) in [
            (Some(0), "done"),
            (Some(2), "done"),
            (Some(3), "done"),
            (Some(1), "Opsform.Failed"),
            (Some(4), "Opsform.Partial"),
            (Some(5), "Opsform.Stale"),
            (Some(6), "Opsform.Locked"),
            (Some(130), "Opsform.Stopped"),
            (None, "Opsform.Killed"),
        ] {
            assert_eq!(name(&told(exit, Counts::default())), expected, "{exit:?}");
        }
        let cut_off = Told { cut_off: true, ..told(Some(130), Counts::default()) };
        assert_eq!(name(&cut_off), "Opsform.HandedOn");
    }

    #[test]
    fn what_would_be_mailed_twice_is_not_retried_and_counts_as_failed() {
        let told =
            told(Some(1), Counts { only_once: true, error: Some("no".to_owned()), ..Counts::default() });
        let Answer::Done(record) = told.answer() else { panic!("{told:?}") };
        assert_eq!((&record["counts"]["failures"], &record["error"]), (&json!(1), &json!("no")));
        assert_eq!(told.metrics(Timestamp::UNIX_EPOCH)["Failures"], 1);
    }

    #[test]
    fn errors_say_why() {
        let counts = Counts { error: Some("AWS said no".to_owned()), ..Counts::default() };
        let Answer::Failed { message, .. } = told(Some(1), counts).answer() else { panic!() };
        assert_eq!(message, "job j ended with exit code 1: AWS said no");
    }
}
