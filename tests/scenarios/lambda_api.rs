//! A server that speaks the Lambda Runtime API, and the program as Lambda starts it.
//!
//! Source: "Using the Lambda runtime API for custom runtimes" in the Lambda developer guide.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::Value;

/// An event that waits for the runtime.
struct Waiting {
    id: String,
    body: Vec<u8>,
    deadline: u128,
}

#[derive(Default)]
struct Inner {
    waiting: VecDeque<Waiting>,
    answers: Vec<Answered>,
    asked: usize,
}

/// What the runtime said of a call.
#[derive(Clone, Debug)]
pub(crate) struct Answered {
    pub(crate) id: String,
    /// `response`, `error` or `init`.
    pub(crate) kind: String,
    pub(crate) body: Value,
}

impl Answered {
    /// The answer of a job that went well.
    #[track_caller]
    pub(crate) fn done(self) -> Value {
        assert_eq!(self.kind, "response", "{}", self.body);
        self.body
    }

    /// The error's name and message.
    #[track_caller]
    pub(crate) fn failed(self) -> (String, String) {
        assert_eq!(self.kind, "error", "{}", self.body);
        let text = |name: &str| self.body[name].as_str().unwrap().to_owned();
        (text("errorType"), text("errorMessage"))
    }
}

/// The server, and the program that asks it.
pub(crate) struct Function {
    shared: Arc<(Mutex<Inner>, Condvar)>,
    process: Child,
    log: PathBuf,
    calls: usize,
    /// From the start of the process to its first request for an event.
    pub(crate) cold_start: Duration,
}

impl Drop for Function {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Function {
    /// Starts the program as Lambda does: without a command, in the folder of the package.
    pub(crate) fn start(mut command: Command, folder: &Path) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared: Arc<(Mutex<Inner>, Condvar)> = Arc::default();
        let of_server = Arc::clone(&shared);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let shared = Arc::clone(&of_server);
                std::thread::spawn(move || serve(stream, &shared));
            }
        });
        let log = folder.join("function.log");
        let begin = Instant::now();
        let process = command
            .env("AWS_LAMBDA_RUNTIME_API", address.to_string())
            .env("AWS_LAMBDA_FUNCTION_NAME", "opsform-payments-runner")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("AWS_REGION", "us-east-1")
            .env("OPSFORM_PROJECT", "payments")
            .stdin(Stdio::null())
            .stdout(std::fs::File::create(&log).unwrap())
            .stderr(std::fs::File::options().append(true).open(&log).unwrap())
            .spawn()
            .unwrap();
        let (inner, changed) = &*shared;
        let limit = Duration::from_mins(1);
        let (asked, timeout) =
            changed.wait_timeout_while(inner.lock().unwrap(), limit, |inner| inner.asked == 0).unwrap();
        drop(asked);
        assert!(!timeout.timed_out(), "it asks for no event: {}", std::fs::read_to_string(&log).unwrap());
        let cold_start = begin.elapsed();
        Self { shared, process, log, calls: 0, cold_start }
    }

    /// Gives it an event, and so many seconds; waits for what comes of it.
    pub(crate) fn invoke_for(&mut self, seconds: u64, event: &str) -> Answered {
        let id = self.begin(seconds, event);
        self.wait(&id)
    }

    /// The same with a minute.
    pub(crate) fn invoke(&mut self, event: &Value) -> Answered {
        self.invoke_for(60, &event.to_string())
    }

    /// Gives it an event and does not wait.
    #[allow(clippy::disallowed_methods)] // The program asks its own clock.
    pub(crate) fn begin(&mut self, seconds: u64, event: &str) -> String {
        self.calls += 1;
        let id = format!("call-{}", self.calls);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
        let deadline = now + u128::from(seconds) * 1000;
        let (inner, changed) = &*self.shared;
        inner.lock().unwrap().waiting.push_back(Waiting {
            id: id.clone(),
            body: event.as_bytes().to_vec(),
            deadline,
        });
        changed.notify_all();
        id
    }

    /// Waits for what comes of a call.
    pub(crate) fn wait(&self, id: &str) -> Answered {
        let (inner, changed) = &*self.shared;
        let known = |inner: &Inner| inner.answers.iter().find(|answer| answer.id == id).cloned();
        let limit = Duration::from_secs(90);
        let (inner, _) =
            changed.wait_timeout_while(inner.lock().unwrap(), limit, |inner| known(inner).is_none()).unwrap();
        known(&inner).unwrap_or_else(|| panic!("no answer: {}", std::fs::read_to_string(&self.log).unwrap()))
    }

    /// The lines of its log, each an object.
    pub(crate) fn log(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(&self.log).unwrap();
        let line = |line: &str| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line:?}"));
        text.lines().map(line).collect()
    }

    /// Those of the metrics.
    pub(crate) fn metrics(&self) -> Vec<Value> {
        self.log().into_iter().filter(|line| line.get("_aws").is_some()).collect()
    }
}

fn serve(stream: TcpStream, shared: &(Mutex<Inner>, Condvar)) {
    let mut writer = stream.try_clone().unwrap();
    let mut reader = BufReader::new(stream);
    while let Some((method, path, body)) = request(&mut reader) {
        let rest = path.strip_prefix("/2018-06-01/runtime/").unwrap_or_else(|| panic!("{path}"));
        let (inner, changed) = shared;
        if method == "GET" && rest == "invocation/next" {
            inner.lock().unwrap().asked += 1;
            changed.notify_all();
            let nothing = |inner: &mut Inner| inner.waiting.is_empty();
            let mut inner = changed.wait_while(inner.lock().unwrap(), nothing).unwrap();
            let Waiting { id, body, deadline } = inner.waiting.pop_front().unwrap();
            drop(inner);
            let head = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
                 Lambda-Runtime-Aws-Request-Id: {id}\r\nLambda-Runtime-Deadline-Ms: {deadline}\r\n\
                 Lambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:us-east-1:111122223333:function:f\r\n\
                 Lambda-Runtime-Trace-Id: Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700\r\n\r\n",
                body.len()
            );
            if writer.write_all(head.as_bytes()).and_then(|()| writer.write_all(&body)).is_err() {
                return;
            }
            continue;
        }
        assert_eq!(method, "POST", "{path}");
        let parts: Vec<&str> = rest.split('/').collect();
        let (id, kind) = match parts[..] {
            ["invocation", id, kind] => (id, kind),
            ["init", "error"] => ("init", "init"),
            _ => panic!("{path}"),
        };
        let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
        inner.lock().unwrap().answers.push(Answered { id: id.to_owned(), kind: kind.to_owned(), body });
        changed.notify_all();
        if writer.write_all(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n").is_err() {
            return;
        }
    }
}

/// Method, path and body of the next request; `None` where the other side is gone.
fn request(reader: &mut BufReader<TcpStream>) -> Option<(String, String, Vec<u8>)> {
    let mut line = String::new();
    if reader.read_line(&mut line).ok()? == 0 {
        return None;
    }
    let mut words = line.split_whitespace().map(str::to_owned);
    let (method, path) = (words.next()?, words.next()?);
    let (mut length, mut chunked) = (0, false);
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        let header = header.trim().to_ascii_lowercase();
        if header.is_empty() {
            break;
        }
        match header.split_once(": ") {
            Some(("content-length", value)) => length = value.parse().unwrap(),
            Some(("transfer-encoding", value)) => chunked = value.contains("chunked"),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    while chunked {
        let mut size = String::new();
        reader.read_line(&mut size).ok()?;
        let size = usize::from_str_radix(size.trim(), 16).unwrap();
        let mut chunk = vec![0; size + 2];
        reader.read_exact(&mut chunk).ok()?;
        body.extend(&chunk[..size]);
        chunked = size > 0;
    }
    Some((method, path, body))
}
