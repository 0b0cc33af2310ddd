//! A service that answers any number of requests at a time, each by what it asks.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{Llm, llm};

/// What the service does with a request.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: String,
    pub(crate) body: Value,
    pub(crate) after: Duration,
}

impl Answer {
    /// An answer with this text.
    pub(crate) fn text(text: &str) -> Self {
        let message = json!({"role": "assistant", "content": text});
        let usage = json!({"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10});
        let choice = json!({"index": 0, "message": message, "finish_reason": "stop"});
        Self::json(200, json!({"id": "x", "model": "m", "choices": [choice], "usage": usage}))
    }

    /// An error with these words.
    pub(crate) fn error(status: u16, words: &str) -> Self {
        Self::json(status, json!({"error": {"message": words}}))
    }

    pub(crate) fn json(status: u16, body: Value) -> Self {
        Self { status, headers: String::new(), body, after: Duration::ZERO }
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push_str(&format!("{name}: {value}\r\n"));
        self
    }

    pub(crate) fn after(mut self, time: Duration) -> Self {
        self.after = time;
        self
    }
}

/// A request that came.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) text: String,
    pub(crate) body: Value,
    pub(crate) at: Instant,
}

#[derive(Default)]
struct Seen {
    all: Vec<Asked>,
    out: usize,
    most_out: usize,
    connections: usize,
}

type Answers = dyn Fn(&str, usize) -> Answer + Send + Sync;

/// The service; it runs until the test ends.
pub(crate) struct Service {
    pub(crate) url: String,
    seen: Arc<Mutex<Seen>>,
}

impl Service {
    /// A service that answers a text, asked so often before, in this way.
    pub(crate) fn start(answer: impl Fn(&str, usize) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}/v1", listener.local_addr().expect("an address"));
        let (seen, answer): (Arc<Mutex<Seen>>, Arc<Answers>) = (Arc::default(), Arc::new(answer));
        let shared = Arc::clone(&seen);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                shared.lock().expect("whole").connections += 1;
                let (seen, answer) = (Arc::clone(&shared), Arc::clone(&answer));
                std::thread::spawn(move || serve(&stream, &seen, &*answer));
            }
        });
        Self { url, seen }
    }

    /// One that answers each text with itself behind a `>`.
    pub(crate) fn echo() -> Self {
        Self::start(|text, _| Answer::text(&format!(">{text}")))
    }

    /// All requests so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.seen.lock().expect("whole").all.clone()
    }

    /// The texts of all requests so far, sorted.
    pub(crate) fn texts(&self) -> Vec<String> {
        let mut texts: Vec<String> = self.asked().into_iter().map(|asked| asked.text).collect();
        texts.sort();
        texts
    }

    pub(crate) fn most_out(&self) -> usize {
        self.seen.lock().expect("whole").most_out
    }

    pub(crate) fn connections(&self) -> usize {
        self.seen.lock().expect("whole").connections
    }

    /// `llm batch` at this service.
    pub(crate) fn batch(&self) -> Llm {
        let profile = format!("[providers.test]\nbase_url = \"{}\"\nmodel = \"m\"\n", self.url);
        llm().config(&profile).args(["batch", "-p", "test"]).watchdog(Duration::from_secs(60))
    }
}

fn serve(stream: &TcpStream, seen: &Mutex<Seen>, answer: &Answers) -> Option<()> {
    let _ = stream.set_nodelay(true);
    let mut reader = BufReader::new(stream);
    loop {
        let body = read_body(&mut reader)?;
        let text = last_text(&body);
        let before = {
            let mut seen = seen.lock().expect("whole");
            let before = seen.all.iter().filter(|asked| asked.text == text).count();
            seen.all.push(Asked { text: text.clone(), body, at: Instant::now() });
            seen.out += 1;
            seen.most_out = seen.most_out.max(seen.out);
            before
        };
        let Answer { status, headers, body, after } = answer(&text, before);
        std::thread::sleep(after);
        let body = body.to_string();
        seen.lock().expect("whole").out -= 1;
        let head = format!(
            "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\n{headers}content-length: {}\r\n\r\n",
            body.len()
        );
        let mut stream = stream;
        stream.write_all(&[head.as_bytes(), body.as_bytes()].concat()).ok()?;
    }
}

/// The JSON of the next request.
fn read_body(reader: &mut impl BufRead) -> Option<Value> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
        if line == "\r\n" {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    serde_json::from_slice(&body).ok()
}

/// What the last message says.
fn last_text(body: &Value) -> String {
    let content =
        &body["messages"].as_array().and_then(|all| all.last()).unwrap_or(body)["content"];
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => {
            let texts = parts.iter().filter_map(|part| part["text"].as_str());
            texts.collect::<Vec<_>>().join(" ")
        }
        other => other.to_string(),
    }
}
