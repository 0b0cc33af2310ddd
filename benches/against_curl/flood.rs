//! A server that answers as fast as it can write: what it sends is made before it is asked. It runs as
//! a process of its own, and knows nothing of who asks.
//!
//! What it does is told by the path and the model: `at-once-N`, `one-by-one-N` and `paced-N` are chats
//! of N chunks, `floats` and `base64` are kinds of vectors. It listens twice: with TLS and without.

use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, SystemTime};

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::load::{self, Vectors};

/// Chunks in one write where they are sent at once: some 100 kB.
const BLOCK: usize = 500;

/// The time between two chunks of a paced stream: 50 in a second.
const PACE: Duration = Duration::from_millis(20);

const STREAM: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\
    Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n";

static BASE64: LazyLock<Vectors> = LazyLock::new(|| Vectors::new(load::vector_in_base64));
static FLOATS: LazyLock<Vectors> = LazyLock::new(|| Vectors::new(load::vector_in_floats));
static PICTURE: LazyLock<Vec<u8>> = LazyLock::new(load::picture_reply);

/// Serves on free ports of the loopback: `say` is given the base URLs, of plain HTTP, of TLS, and of the server of
/// rows. Ends when `until` does.
pub(crate) fn serve(mut until: impl Read, say: impl Fn(&str)) {
    let speech: Arc<[u8]> = load::speech_block().into();
    let plain = Arc::clone(&speech);
    say(&listen("http", move |stream| converse(stream, &plain).map(|_| ())));
    let config = tls_config();
    say(&listen("https", move |stream| {
        let connection =
            ServerConnection::new(Arc::clone(&config)).map_err(std::io::Error::other)?;
        let mut stream = converse(StreamOwned::new(connection, stream), &speech)?;
        stream.conn.send_close_notify();
        stream.flush()
    }));
    say(&super::row_server::listen());
    let _ = until.read_to_end(&mut Vec::new());
}

/// Listens on a free port, each connection in a thread of its own; gives the base URL.
fn listen(
    scheme: &str,
    serve: impl Fn(TcpStream) -> std::io::Result<()> + Send + Sync + 'static,
) -> String {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let address = listener.local_addr().expect("a bound socket has an address");
    let serve = Arc::new(serve);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let serve = Arc::clone(&serve);
            std::thread::spawn(move || {
                // A client that goes away early is reported by the one who started it.
                let _ = stream.set_nodelay(true).and_then(|()| serve(stream));
            });
        }
    });
    format!("{scheme}://{address}/v1")
}

fn tls_config() -> Arc<ServerConfig> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tls");
    let certificate = CertificateDer::from_pem_file(folder.join("server.pem")).expect("readable");
    let key = PrivateKeyDer::from_pem_file(folder.join("server.key")).expect("readable");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider);
    let config = config.with_safe_default_protocol_versions().expect("they are supported");
    let config = config.with_no_client_auth().with_single_cert(vec![certificate], key);
    Arc::new(config.expect("key and certificate fit each other"))
}

/// Answers the requests of one connection, and gives it back.
fn converse<S: Read + Write>(stream: S, speech: &[u8]) -> std::io::Result<S> {
    let mut reader = BufReader::with_capacity(256 * 1024, stream);
    while let Some(request) = read(&mut reader)? {
        let out = reader.get_mut();
        if request.path.ends_with("/chat/completions") {
            chat(&request.body, out)?;
            break;
        } else if request.path.ends_with("/responses") {
            respond(&request.body, out)?;
            break;
        } else if request.path.ends_with("/embeddings") {
            let is_base64 = request.body.contains("\"base64\"");
            let vectors = if is_base64 { &*BASE64 } else { &*FLOATS };
            let (data, end) = vectors.reply(count_of_inputs(&request.body));
            write!(out, "{}", head("application/json", (data.len() + end.len()) as u64))?;
            out.write_all(data)?;
            out.write_all(end)?;
        } else if request.path.ends_with("/images/generations") {
            write!(out, "{}", head("application/json", PICTURE.len() as u64))?;
            out.write_all(&PICTURE)?;
        } else if request.path.ends_with("/audio/speech") {
            write!(out, "{}", head("audio/mpeg", load::SPEECH))?;
            for _ in 0..load::SPEECH / speech.len() as u64 {
                out.write_all(speech)?;
            }
        } else {
            write!(out, "{}{}", head("application/json", load::HEARD.len() as u64), load::HEARD)?;
        }
    }
    Ok(reader.into_inner())
}

fn head(kind: &str, length: u64) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n")
}

/// A stream of events, as the model's name has it.
fn chat(request: &str, mut out: impl Write) -> std::io::Result<()> {
    out.write_all(STREAM.as_bytes())?;
    let asked = |kind: &str| asked(request, kind);
    if let Some(count) = asked("at-once") {
        at_once(count, load::event, &mut out)?;
    } else if let Some(count) = asked("one-by-one") {
        let few: Vec<String> = (0..load::TEXTS.len()).map(load::event).map(in_chunk).collect();
        for number in 0..count {
            out.write_all(few[number % few.len()].as_bytes())?;
        }
    } else if let Some(count) = asked("paced") {
        for _ in 0..count {
            std::thread::sleep(PACE);
            out.write_all(in_chunk(load::event_with(&stamp())).as_bytes())?;
        }
    }
    let end: String = load::end_events().into_iter().map(in_chunk).collect();
    out.write_all(end.as_bytes())?;
    out.write_all(b"0\r\n\r\n")
}

/// A stream over `/responses`, as the model's name has it.
fn respond(request: &str, mut out: impl Write) -> std::io::Result<()> {
    out.write_all(STREAM.as_bytes())?;
    at_once(asked(request, "at-once").unwrap_or_default(), load::response_event, &mut out)?;
    out.write_all(in_chunk(load::response_end()).as_bytes())?;
    out.write_all(b"0\r\n\r\n")
}

/// How many pieces a model of this kind has.
fn asked(request: &str, kind: &str) -> Option<usize> {
    let rest = request.split_once(&format!("\"{kind}-"))?.1;
    rest.split('"').next()?.parse::<usize>().ok()
}

/// So many events, as fast as they go.
fn at_once(count: usize, event: fn(usize) -> String, out: &mut impl Write) -> std::io::Result<()> {
    let chunks = |count: usize| -> Vec<u8> {
        (0..count).map(event).flat_map(|event| in_chunk(event).into_bytes()).collect()
    };
    let block = chunks(BLOCK);
    for _ in 0..count / BLOCK {
        out.write_all(&block)?;
    }
    out.write_all(&chunks(count % BLOCK))
}

/// An event as a chunk of its own (RFC 9112, section 7.1).
fn in_chunk(event: String) -> String {
    format!("{:x}\r\n{event}\r\n", event.len())
}

/// The time of sending, as a piece of text of its own: `@`, then nanoseconds since 1970.
fn stamp() -> String {
    let now = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
    format!("@{:019} ", now.as_nanos())
}

/// How many texts a request for vectors holds; none of them has a quote inside.
fn count_of_inputs(body: &str) -> usize {
    let inputs = body.split_once("\"input\":[").and_then(|(_, rest)| rest.split_once(']'));
    inputs.map_or(1, |(inputs, _)| inputs.matches('"').count() / 2)
}

struct Request {
    path: String,
    /// Empty for a body that is larger than any that must be looked at.
    body: String,
}

/// A body that is longer is read and forgotten.
const LOOKED_AT: u64 = 16 << 20;

/// Reads a request; none if the connection was closed instead.
fn read(reader: &mut BufReader<impl Read>) -> std::io::Result<Option<Request>> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
    let mut length = 0;
    loop {
        line.clear();
        reader.read_line(&mut line)?;
        if line.trim().is_empty() {
            break;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
    }
    let mut body = Vec::new();
    if length <= LOOKED_AT {
        reader.take(length).read_to_end(&mut body)?;
    } else {
        let mut left = length;
        while left > 0 {
            let read = reader.fill_buf()?.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            if read == 0 {
                return Ok(None);
            }
            reader.consume(read);
            left -= read as u64;
        }
    }
    Ok(Some(Request { path, body: String::from_utf8_lossy(&body).into_owned() }))
}
