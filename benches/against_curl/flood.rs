//! A server that answers chats with as many chunks as it can write. It makes nothing while it answers:
//! what it sends is made beforehand. It knows nothing of who asks.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};

/// The chunks of an answer, by the model that is asked: the last one of each ends the answer.
pub(crate) const CHUNKS_SHORT: usize = 20;
pub(crate) const CHUNKS_AT_ONCE: usize = 1_000_000;
pub(crate) const CHUNKS_ONE_BY_ONE: usize = 100_000;

/// What the chunks say, over and over.
const TEXTS: [&str; 4] = ["你好，", "hello ", "世界", "world. "];

/// Chunks in one write where they are sent at once: some 100 kB.
const BLOCK: usize = 500;

const HEAD: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\
    Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n";

/// The lengths of what is sent.
pub(crate) struct Flood;

impl Flood {
    /// The bytes of text in so many chunks.
    pub(crate) fn text_bytes(chunks: usize) -> u64 {
        (0..chunks).map(|number| text(number).len() as u64).sum()
    }

    /// The bytes of the events of so many chunks, with the two that end the stream.
    pub(crate) fn body_bytes(chunks: usize) -> u64 {
        let events = (0..TEXTS.len()).map(|number| event(number).len() as u64).collect::<Vec<_>>();
        let sent: u64 = (0..chunks).map(|number| events[number % TEXTS.len()]).sum();
        sent + end_events().iter().map(|event| event.len() as u64).sum::<u64>()
    }
}

/// Starts the server on a free port of the loopback and gives its base URL. It ends with the process.
pub(crate) fn start() -> String {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let address = listener.local_addr().expect("a bound socket has an address");
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || {
                // A client that goes away early is reported by the one who started it.
                let _ = serve(stream);
            });
        }
    });
    format!("http://{address}/v1")
}

fn serve(mut stream: TcpStream) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let request = read(&stream)?;
    stream.write_all(HEAD.as_bytes())?;
    let end: String = end_events().iter().map(|event| in_chunk(event)).collect();
    if request.contains("\"at-once\"") {
        let block: String = (0..BLOCK).map(|number| in_chunk(&event(number))).collect();
        for _ in 0..CHUNKS_AT_ONCE / BLOCK {
            stream.write_all(block.as_bytes())?;
        }
    } else {
        let count = if request.contains("\"short\"") { CHUNKS_SHORT } else { CHUNKS_ONE_BY_ONE };
        let chunks: Vec<String> = (0..TEXTS.len()).map(|number| in_chunk(&event(number))).collect();
        for number in 0..count {
            stream.write_all(chunks[number % TEXTS.len()].as_bytes())?;
        }
    }
    stream.write_all(end.as_bytes())?;
    stream.write_all(b"0\r\n\r\n")
}

/// Reads a request and gives its body.
fn read(stream: &TcpStream) -> std::io::Result<String> {
    let mut reader = BufReader::new(stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        if line.trim().is_empty() {
            break;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok(String::from_utf8_lossy(&body).into_owned())
}

fn text(number: usize) -> &'static str {
    TEXTS[number % TEXTS.len()]
}

/// One event of some 200 bytes.
fn event(number: usize) -> String {
    let text = text(number);
    let delta = format!(r#"{{"index":0,"delta":{{"content":"{text}"}},"finish_reason":null}}"#);
    let model = r#""model":"flood","system_fingerprint":"fp_0123456789""#;
    format!(
        "data: {{\"id\":\"chatcmpl-0123456789\",\"object\":\"chat.completion.chunk\",\
         \"created\":1763800000,{model},\"choices\":[{delta}]}}\n\n"
    )
}

fn end_events() -> [String; 2] {
    let stop = r#"data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#;
    [format!("{stop}\n\n"), "data: [DONE]\n\n".to_owned()]
}

/// An event as a chunk of its own (RFC 9112, section 7.1).
fn in_chunk(event: &str) -> String {
    format!("{:x}\r\n{event}\r\n", event.len())
}
