//! TLS, and whatever goes through a proxy, by reqwest's client. Knows no service by name.

use std::error::Error;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::Body as _;

use super::direct::Reuse;
use super::head::{ReplyHead, USER_AGENT};
use super::network::{self, NetworkError};
use super::outgoing::{BodyContent, Outgoing};
use super::proxy::Proxy;
use super::request::{Request, Url};
use super::tls::Tls;
use crate::error::{Failure, FailureKind};

/// The most headers of a reply; gateways send more than the library's 100.
const MAX_HEADERS: usize = 128;

/// What the library says of a server that goes away before TLS stands.
const HANDSHAKE_END: &str = "tls handshake eof";

/// How a server is reached by the library.
#[derive(Debug, Clone, Default)]
pub(super) struct LibraryRoute {
    pub(super) proxy: Option<Proxy>,
    /// Set where a server or a proxy is spoken to over TLS.
    pub(super) tls: Option<Tls>,
}

/// Clients of the library, each with the connections that it keeps.
#[derive(Debug, Default)]
pub(super) struct LibraryClients(Mutex<Vec<Arc<LibraryClient>>>);

#[derive(Debug)]
struct LibraryClient {
    /// What it was made for.
    key: (String, Reuse),
    client: reqwest::Client,
    /// A reply has come: there may be a connection that was kept.
    is_used: AtomicBool,
}

impl LibraryClients {
    /// Sends a request, waits at most `patience` for a connection, and reads the head of the reply.
    ///
    /// # Errors
    /// Outside, a header that can't be sent or a client that can't be made; inside, what the network did.
    pub(super) async fn send(
        &self,
        request: &Request,
        outgoing: Outgoing,
        route: &LibraryRoute,
        reuse: Reuse,
        patience: Duration,
    ) -> Result<Result<(ReplyHead, reqwest::Body), NetworkError>, Failure> {
        let mut url = request.url.clone();
        if request.headers.iter().any(|header| header.name.eq_ignore_ascii_case("authorization")) {
            // The library would send those of the URL too. Neither fails for a URL with a host.
            let _ = url.set_username("");
            let _ = url.set_password(None);
        }
        let client = self.client(&url, route, reuse, patience)?;
        let builder = client.client.request(request.method.into(), url);
        let builder = builder.headers(outgoing.headers(request)?);
        let builder = match outgoing.content {
            BodyContent::Nothing => builder,
            BodyContent::Bytes(bytes) => builder.body(bytes),
            BodyContent::Pieces(pieces) => {
                builder.body(reqwest::Body::wrap_stream(futures_util::stream::iter(pieces)))
            }
        };
        let was_used = client.is_used.load(Ordering::Relaxed);
        Ok(match builder.send().await {
            Ok(reply) => {
                let reply = hyper::Response::from(reply);
                let head = ReplyHead::of(&reply);
                client.is_used.store(true, Ordering::Relaxed);
                if head.status >= 500 {
                    // Servers close a connection after an error of their own, and some say so too late.
                    self.forget(&client);
                }
                Ok((head, reply.into_body()))
            }
            Err(error) => {
                let broken = told(&error, &request.url, route, patience);
                let is_stale = was_used && !error.is_connect() && !error.is_timeout();
                if is_stale {
                    self.forget(&client);
                }
                Err(if is_stale { broken.stale() } else { broken })
            }
        })
    }

    /// The client for a URL. For [`Reuse::Never`] a new one, which has no connections yet.
    fn client(
        &self,
        url: &Url,
        route: &LibraryRoute,
        reuse: Reuse,
        patience: Duration,
    ) -> Result<Arc<LibraryClient>, Failure> {
        let proxy = route.proxy.as_ref().map(|proxy| proxy.url.as_str()).unwrap_or_default();
        let key = (format!("{} {proxy}", url.origin().ascii_serialization()), reuse);
        let mut clients = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = clients.iter().find(|client| client.key == key);
        if let Some(client) = found.filter(|_| reuse != Reuse::Never) {
            return Ok(Arc::clone(client));
        }
        let client = made(route, reuse, patience)?;
        let client = Arc::new(LibraryClient { key, client, is_used: AtomicBool::new(false) });
        if reuse != Reuse::Never {
            clients.push(Arc::clone(&client));
        }
        Ok(client)
    }

    /// No later request uses the connections of a client.
    fn forget(&self, client: &Arc<LibraryClient>) {
        let mut clients = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        clients.retain(|other| !Arc::ptr_eq(other, client));
    }
}

fn made(
    route: &LibraryRoute,
    reuse: Reuse,
    patience: Duration,
) -> Result<reqwest::Client, Failure> {
    let cannot = |error: reqwest::Error| {
        let cause = error.source().map(ToString::to_string);
        let cause = cause.unwrap_or_else(|| error.to_string());
        Failure::new(FailureKind::Network, format!("cannot set up the connection: {cause}"))
    };
    let builder = reqwest::Client::builder()
        .user_agent(USER_AGENT)
        .connect_timeout(patience)
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .http1_title_case_headers()
        .http1_max_headers(MAX_HEADERS)
        .http1_allow_obsolete_multiline_headers_in_responses(true)
        .http1_allow_spaces_after_header_name_in_responses(true)
        // Which proxy leads where is decided here, so that it can be told.
        .no_proxy();
    let builder = match reuse {
        Reuse::Within(longest) => builder.pool_idle_timeout(longest),
        Reuse::Any | Reuse::Never => builder,
    };
    let builder = match &route.proxy {
        Some(proxy) => builder.proxy(reqwest::Proxy::all(proxy.url.as_str()).map_err(cannot)?),
        None => builder,
    };
    let builder = match &route.tls {
        Some(tls) => builder.tls_backend_preconfigured(tls.config()),
        None => builder.tls_certs_only([]),
    };
    // An error here means that it is installed already, which is all that is wanted.
    let _ = rustls::crypto::ring::default_provider().install_default();
    builder.build().map_err(cannot)
}

/// What ended an exchange, told as the proxy's where it is that.
fn told(
    error: &reqwest::Error,
    url: &Url,
    route: &LibraryRoute,
    patience: Duration,
) -> NetworkError {
    let broken = match error.is_timeout() && error.is_connect() {
        true => NetworkError::no_connection_within(patience),
        false => NetworkError::from(error),
    };
    let broken = match &route.tls {
        Some(tls) if network::texts(error).iter().any(|text| text == HANDSHAKE_END) => {
            let what = "it closed the connection when TLS began; is `http://` meant?";
            tls.explained(NetworkError::of_words(what).connecting())
        }
        Some(tls) => tls.explained(broken),
        None => broken,
    };
    let Some(proxy) = &route.proxy else { return broken };
    if !error.is_connect() || broken.is_about_tls() {
        return broken.through(&proxy.place());
    }
    proxy.failure(error, broken).of_proxy(&proxy.place(), &proxy.hint(url))
}

/// The next piece of a reply's content, as it came off the wire; `None` at its end.
///
/// # Errors
/// The connection ends or breaks before the content does.
pub(super) async fn piece(body: &mut reqwest::Body) -> Result<Option<Bytes>, NetworkError> {
    poll_fn(|context| poll_piece(body, context)).await
}

/// As [`piece`], but only what can be had without waiting; `None` if there is nothing yet.
pub(super) async fn ready_piece(
    body: &mut reqwest::Body,
) -> Option<Result<Option<Bytes>, NetworkError>> {
    // The library's task that reads the socket must run once to hand over what it has. Waking
    // oneself is enough for that; tokio's own `yield_now` asks the system for news as well.
    let mut has_waited = false;
    poll_fn(|context| {
        if std::mem::replace(&mut has_waited, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
    match poll_piece(body, &mut Context::from_waker(Waker::noop())) {
        Poll::Ready(piece) => Some(piece),
        Poll::Pending => None,
    }
}

/// The next data of a body; what stands behind the content is passed over.
fn poll_piece(
    body: &mut reqwest::Body,
    context: &mut Context<'_>,
) -> Poll<Result<Option<Bytes>, NetworkError>> {
    loop {
        let Some(frame) = ready!(Pin::new(&mut *body).poll_frame(context)) else {
            return Poll::Ready(Ok(None));
        };
        let frame = frame.map_err(|error| NetworkError::from(&error))?;
        if let Ok(piece) = frame.into_data() {
            return Poll::Ready(Ok(Some(piece)));
        }
    }
}
