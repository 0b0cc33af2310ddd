//! A small server inside the program, on the loopback interface: every command can be tried without a
//! network or a key, over the same HTTP as a real service. It has no model and says so. Of the rest of
//! the program it knows only the formats of audio files and pictures.
//!
//! Only this file uses sockets and the clock; every other file here turns a request into a
//! [`DemoReply`].

mod batches;
mod chat;
mod embeddings;
mod faults;
mod fields;
mod hash;
mod images;
mod messages;
mod models;
mod multipart;
mod picture;
mod pieces;
mod reply;
mod route;
mod schema;
mod shelf;
mod speech;
mod spoken;
mod transcript;
mod transcriptions;
mod watermark;

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};

use faults::Faults;
use reply::{DemoBody, DemoReply, Stamp};
use shelf::Shelf;

/// The largest request body, in bytes.
const MAX_BODY: usize = 64 << 20;

/// How much of a body that is too large is read before the connection is closed: a client that is still
/// sending would see a broken connection instead of the reply.
const MAX_DISCARDED: usize = 1 << 30;

/// The pause after a failed accept. The usual reason is that the process has no free descriptor, which
/// takes a moment to change.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

type Content = UnsyncBoxBody<Bytes, Infallible>;

struct Server {
    address: SocketAddr,
    pace: Duration,
    requests: AtomicU64,
    /// The second in which a question came last, and how many came in it.
    rate: Mutex<(u64, u64)>,
    shelf: Shelf,
}

/// Starts the demo on a free port of 127.0.0.1 and returns its address; the base URL is
/// `http://ADDRESS/v1`.
///
/// `pace` is the delay between two pieces of a streamed reply. Uploaded files are kept in `folder`, so
/// that a later run finds them. The server runs on the current tokio runtime and ends with it.
///
/// # Errors
/// The port can't be opened.
pub(crate) async fn start(pace: Duration, folder: Option<PathBuf>) -> std::io::Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    let server = Arc::new(Server {
        address,
        pace,
        requests: AtomicU64::new(0),
        rate: Mutex::default(),
        shelf: Shelf::new(folder),
    });
    tokio::spawn(accept(listener, server));
    Ok(address)
}

async fn accept(listener: TcpListener, server: Arc<Server>) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                tokio::spawn(serve(stream, Arc::clone(&server)));
            }
            Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
        }
    }
}

async fn serve(stream: TcpStream, server: Arc<Server>) {
    // Otherwise a short piece may wait until the one before is acknowledged.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| {
        let server = Arc::clone(&server);
        async move { Ok::<_, Infallible>(respond(request, &server).await) }
    });
    // An error means that the client is gone or does not speak HTTP.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

async fn respond(request: Request<Incoming>, server: &Server) -> Response<Content> {
    let number = server.requests.fetch_add(1, Ordering::Relaxed) + 1;
    // A clock before 1970 is no reason to fail.
    let created = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let stamp = Stamp { number, created, base: format!("http://{}/v1", server.address) };
    let (head, body) = request.into_parts();
    let content_type =
        head.headers.get(CONTENT_TYPE).map(|value| String::from_utf8_lossy(value.as_bytes()));
    let faults = head.headers.get(faults::HEADER);
    let faults = faults.map(|value| String::from_utf8_lossy(value.as_bytes())).unwrap_or_default();
    let reply = match read_body(body).await {
        Ok(body) => {
            let request = route::DemoRequest {
                method: head.method.as_str(),
                path: head.uri.path(),
                content_type: content_type.as_deref().unwrap_or_default(),
                body: &body,
            };
            server
                .fault(&request, &faults, created)
                .or_else(|| batches::answer(&request, &stamp, &server.shelf, &faults))
                .unwrap_or_else(|| route::answer(&request, &stamp))
        }
        Err(refusal) => refusal,
    };
    response(reply, &stamp, server.pace)
}

impl Server {
    /// The error that a question is to meet, as its header asks for it.
    fn fault(
        &self,
        request: &route::DemoRequest<'_>,
        header: &str,
        second: u64,
    ) -> Option<DemoReply> {
        if header.is_empty() || !request.path.ends_with("/chat/completions") {
            return None;
        }
        let faults = Faults::of(header);
        if let Some(limit) = faults.limit {
            let mut rate = self.rate.lock().unwrap_or_else(PoisonError::into_inner);
            if rate.0 != second {
                *rate = (second, 0);
            }
            rate.1 += 1;
            if rate.1 > limit {
                return Some(faults::too_fast(limit));
            }
        }
        faults.met_by(&messages::hear(&request.json().ok()?).ok()?.text)
    }
}

async fn read_body(mut body: Incoming) -> Result<Vec<u8>, DemoReply> {
    let mut bytes = Vec::new();
    let mut length = 0;
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else {
            return Err(DemoReply::unreadable("the request body ended early"));
        };
        let Ok(data) = frame.into_data() else {
            continue;
        };
        length += data.len();
        if length <= MAX_BODY {
            bytes.extend_from_slice(&data);
        } else {
            bytes = Vec::new();
        }
        if length > MAX_DISCARDED {
            break;
        }
    }
    if length > MAX_BODY {
        let message = format!("the body is larger than the {MAX_BODY} bytes that the demo accepts");
        return Err(DemoReply::error(413, message, None, Some("request_too_large")));
    }
    Ok(bytes)
}

fn response(reply: DemoReply, stamp: &Stamp, pace: Duration) -> Response<Content> {
    let content = match reply.body {
        DemoBody::Whole(bytes) => Full::new(Bytes::from(bytes)).boxed_unsync(),
        DemoBody::Stream(pieces) => paced(pieces, pace),
    };
    let mut response = Response::new(content);
    *response.status_mut() =
        StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(reply.content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(
        HeaderName::from_static("x-llm-demo"),
        HeaderValue::from_static("demo inside llm, no model"),
    );
    if let Ok(id) = HeaderValue::from_str(&format!("req-demo-{}", stamp.number)) {
        headers.insert(HeaderName::from_static("x-request-id"), id);
    }
    if let Some(allow) = reply.allow {
        headers.insert(ALLOW, HeaderValue::from_static(allow));
    }
    if let Some(seconds) = reply.retry_after {
        headers.insert(RETRY_AFTER, HeaderValue::from_static(seconds));
    }
    response
}

/// A body that sends `pieces` one by one, with `pace` between them. It is dropped when the client
/// leaves.
fn paced(pieces: Box<dyn Iterator<Item = Vec<u8>> + Send>, pace: Duration) -> Content {
    let frames =
        futures_util::stream::unfold((pieces, true), move |(mut pieces, first)| async move {
            let piece = pieces.next()?;
            if !first && !pace.is_zero() {
                tokio::time::sleep(pace).await;
            }
            Some((Ok(Frame::data(Bytes::from(piece))), (pieces, false)))
        });
    StreamBody::new(frames).boxed_unsync()
}

#[cfg(test)]
mod tests;
