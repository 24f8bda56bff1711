//! Jobs as a Lambda function: events come from the Lambda Runtime API, and each is a process.

use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use lambda_runtime::{Diagnostic, LambdaEvent, service_fn};
use serde_json::Value;

use super::child::{self, Task};
use super::log::{self, Log};
use super::{Answer, Counts, Order, Told};

/// What every job of a function has.
pub struct Runner {
    /// This program.
    pub program: PathBuf,
    /// The project of the function; a job that reads its manifest knows better.
    pub project: String,
    /// Where a job writes what it counted.
    pub summary: PathBuf,
    /// A folder for what may be lost.
    pub cache: PathBuf,
    /// The clock.
    pub clock: fn() -> Timestamp,
}

/// Serves jobs until Lambda ends the process.
///
/// # Errors
/// Where the Runtime API cannot be reached.
pub async fn serve(runner: &Runner) -> Result<(), lambda_runtime::Error> {
    lambda_runtime::run(service_fn(async |event: LambdaEvent<Value>| runner.handle(event).await)).await
}

impl Runner {
    async fn handle(&self, event: LambdaEvent<Value>) -> Result<Value, Diagnostic> {
        let request = event.context.request_id.clone();
        let order = match Order::from_event(&event.payload) {
            Ok(order) => order,
            Err(fault) => {
                // Nothing is known of it, so that there is no metric of it but Lambda's own.
                Log::new("", &request, self.clock).say("ERROR", &fault);
                return Err(failed("Opsform.BadEvent", fault));
            }
        };
        let log = Log::new(&order.job, &request, self.clock);
        let told = match self.run(&order, event.context.deadline, &log).await {
            Ok(told) => told,
            Err(error) => {
                let fault = format!("job {} could not be started: {error}", order.job);
                log.say("ERROR", &fault);
                return Err(failed("Opsform.NotStarted", fault));
            }
        };
        let mut record = told.record();
        record["level"] = "INFO".into();
        record["timestamp"] = (self.clock)().to_string().into();
        log::write(&record);
        log::write(&told.metrics((self.clock)()));
        match told.answer() {
            Answer::Done(answer) => Ok(answer),
            Answer::Failed { name, message } => {
                log.say("ERROR", &message);
                Err(failed(name, message))
            }
        }
    }

    async fn run(&self, order: &Order, deadline: u64, log: &Log<'_>) -> std::io::Result<Told> {
        // What an earlier job counted is not this one's.
        let _ = std::fs::remove_file(&self.summary);
        let mut arguments = vec!["job".to_owned(), "run".to_owned()];
        for (flag, value) in [("--instance", &order.instance), ("--state-of-instance", &order.state)] {
            arguments.extend(value.iter().flat_map(|value| [flag.to_owned(), value.clone()]));
        }
        // A label may look like a flag.
        arguments.extend(["--".to_owned(), order.job.clone()]);
        let now = u64::try_from((self.clock)().as_millisecond()).unwrap_or(0);
        let task = Task {
            program: &self.program,
            arguments,
            environment: vec![
                ("OPSFORM_SUMMARY", self.summary.display().to_string()),
                ("OPSFORM_IN_RUNNER", "1".to_owned()),
                // A function may write to its scratch folder alone.
                ("OPSFORM_CACHE", self.cache.display().to_string()),
            ],
            left: Duration::from_millis(deadline.saturating_sub(now)),
        };
        let ended = child::run(&task, log).await?;
        let counts: Option<Counts> =
            std::fs::read(&self.summary).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
        let known = counts.as_ref().map(|counts| counts.project.clone()).filter(|name| !name.is_empty());
        Ok(Told {
            project: known.unwrap_or_else(|| self.project.clone()),
            job: order.job.clone(),
            request: log.request.to_owned(),
            exit: ended.exit,
            cut_off: ended.cut_off && !matches!(ended.exit, Some(0 | 2 | 3)),
            counts,
            summary: log.last_line(),
            took: ended.took,
        })
    }
}

fn failed(name: &str, message: String) -> Diagnostic {
    Diagnostic { error_type: name.to_owned(), error_message: message }
}
