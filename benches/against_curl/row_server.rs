//! A server for the rows of `batch`: thousands of short requests over many connections, as cheap as it can be,
//! since it shares the processors with who asks. One thread polls all connections.
//!
//! What it does is told by the model: `now` is answered at once and always the same, `after-MS` after a time, by the
//! text that was asked; `window-N` and `bucket-N` allow N requests a second, in fixed seconds or as a bucket that
//! runs full again, and refuse the others: with `Retry-After`, unless `-bare` follows. `GET /v1/count` tells how
//! many requests came, and how many of them were refused.

use std::cell::RefCell;
use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use memchr::memmem;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// How much of a request is read at once; those of rows are shorter.
const READ_SIZE: usize = 16 * 1024;

/// Connections that may wait to be taken: more than any run has.
const BACKLOG: u32 = 4096;

/// What is remembered of all requests.
#[derive(Debug, Default)]
struct Seen {
    requests: u64,
    refused: u64,
    /// By the model's name: when its limit began, and how many requests are left of it.
    limits: HashMap<String, (Instant, f64)>,
}

/// What is to be done with a request.
enum Answer {
    Now,
    After(Duration),
    Refused { tells_wait: bool },
    Count,
}

/// Serves on a free port of the loopback, in a thread of its own; gives the base URL.
pub(crate) fn listen() -> String {
    let (say, said) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.expect("a runtime can be made");
        tokio::task::LocalSet::new().block_on(&runtime, async move {
            let socket = tokio::net::TcpSocket::new_v4().expect("a socket can be made");
            socket.bind((Ipv4Addr::LOCALHOST, 0).into()).expect("a free port");
            let listener = socket.listen(BACKLOG).expect("it can be listened on");
            let address = listener.local_addr().expect("a bound socket has an address");
            say.send(format!("http://{address}/v1")).expect("the address is waited for");
            accept(listener).await;
        });
    });
    said.recv().expect("the server says where it is")
}

async fn accept(listener: TcpListener) {
    let seen = Rc::new(RefCell::new(Seen::default()));
    // Out of files, say: the client's run fails, which is told there.
    while let Ok((stream, _)) = listener.accept().await {
        let seen = Rc::clone(&seen);
        tokio::task::spawn_local(async move {
            // A client that goes away early is reported by the one who started it.
            let _ = converse(stream, &seen).await;
        });
    }
}

/// Answers the requests of one connection.
async fn converse(mut stream: TcpStream, seen: &RefCell<Seen>) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let at_once = reply("200 OK", "", &answer("好"));
    let mut bytes = Vec::with_capacity(READ_SIZE);
    loop {
        let Some(end) = whole(&bytes) else {
            if stream.read_buf(&mut bytes).await? == 0 {
                return Ok(());
            }
            continue;
        };
        let request = &bytes[..end];
        let decided = decide(request, &mut seen.borrow_mut());
        match decided {
            Answer::Now => stream.write_all(&at_once).await?,
            Answer::After(time) => {
                let echo = reply("200 OK", "", &answer(&asked_text(request)));
                if !time.is_zero() {
                    tokio::time::sleep(time).await;
                }
                stream.write_all(&echo).await?;
            }
            Answer::Refused { tells_wait } => {
                let wait = if tells_wait { "Retry-After: 1\r\n" } else { "" };
                let body = r#"{"error":{"message":"slow down","code":"rate_limit_exceeded"}}"#;
                stream.write_all(&reply("429 Too Many Requests", wait, body)).await?;
            }
            Answer::Count => {
                let (requests, refused) = (seen.borrow().requests, seen.borrow().refused);
                stream.write_all(&reply("200 OK", "", &format!("{requests} {refused}"))).await?;
            }
        }
        bytes.drain(..end);
    }
}

/// The length of the request at the beginning of `bytes`, if it is there as a whole.
fn whole(bytes: &[u8]) -> Option<usize> {
    let head = memmem::find(bytes, b"\r\n\r\n")? + 4;
    let length = value_of(&bytes[..head], b"\r\nContent-Length: ").unwrap_or(0);
    (bytes.len() >= head + length).then_some(head + length)
}

/// The number behind a name.
fn value_of(bytes: &[u8], name: &[u8]) -> Option<usize> {
    let digits = &bytes[memmem::find(bytes, name)? + name.len()..];
    let end = digits.iter().position(|byte| !byte.is_ascii_digit())?;
    std::str::from_utf8(&digits[..end]).ok()?.parse().ok()
}

/// The text behind a name and before the next quote.
fn text_of<'a>(bytes: &'a [u8], name: &[u8]) -> Option<&'a str> {
    let rest = &bytes[memmem::rfind(bytes, name)? + name.len()..];
    std::str::from_utf8(&rest[..memchr::memchr(b'"', rest)?]).ok()
}

/// What the last message says; no text of the bench has a quote in it.
fn asked_text(request: &[u8]) -> String {
    text_of(request, b"\"content\":\"").unwrap_or_default().to_owned()
}

fn decide(request: &[u8], seen: &mut Seen) -> Answer {
    if request.starts_with(b"GET ") {
        return Answer::Count;
    }
    seen.requests += 1;
    let model = text_of(request, b"\"model\":\"").unwrap_or_default();
    let (kind, rest) = model.split_once('-').unwrap_or((model, ""));
    let number: u32 = rest.split('-').next().and_then(|text| text.parse().ok()).unwrap_or(0);
    let is_allowed = match kind {
        "now" => return Answer::Now,
        "window" | "bucket" => is_within(kind, f64::from(number), model, &mut seen.limits),
        _ => return Answer::After(Duration::from_millis(number.into())),
    };
    if is_allowed {
        return Answer::After(Duration::ZERO);
    }
    seen.refused += 1;
    Answer::Refused { tells_wait: !model.ends_with("-bare") }
}

/// Whether a limit of so many requests a second has one left.
fn is_within(
    kind: &str,
    most: f64,
    model: &str,
    limits: &mut HashMap<String, (Instant, f64)>,
) -> bool {
    let now = Instant::now();
    let (since, left) = limits.entry(model.to_owned()).or_insert((now, most));
    let passed = (now - *since).as_secs_f64();
    if kind == "bucket" {
        (*since, *left) = (now, (*left + passed * most).min(most));
    } else if passed >= 1.0 {
        (*since, *left) = (now, most);
    }
    let is_allowed = *left >= 1.0;
    if is_allowed {
        *left -= 1.0;
    }
    is_allowed
}

fn answer(text: &str) -> String {
    format!(
        r#"{{"id":"chatcmpl-0123456789","object":"chat.completion","created":1763800000,"model":"flood","choices":[{{"index":0,"message":{{"role":"assistant","content":"{text}"}},"finish_reason":"stop"}}],"usage":{{"prompt_tokens":9,"completion_tokens":3,"total_tokens":12}}}}"#
    )
}

fn reply(status: &str, more: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\nContent-Type: application/json\r\n{more}Content-Length: {length}\r\n\r\n{body}")
        .into_bytes()
}
