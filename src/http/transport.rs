//! How a URL is reached: plain HTTP straight, by [`direct`]; TLS, and whatever goes through a proxy, by
//! reqwest's client, which is made when it is first needed. Knows which proxy and which
//! certificates; knows no service by name.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::OnceLock;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::Body as _;
use reqwest::{Certificate, ClientBuilder, Proxy};

use super::Service;
use super::direct::{self, Connections};
use super::head::{ReplyHead, USER_AGENT};
use super::network::NetworkError;
use super::outgoing::{BodyContent, Outgoing};
use super::request::{Request, Url};
use crate::error::{Failure, FailureKind, reason};
use crate::io::Env;

/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(10);

/// How many idle connections are kept for later requests of the same run.
const MAX_IDLE: usize = 16;

/// The most room that is asked for at once for content whose length is known: a server may claim any.
const MAX_ROOM: usize = 64 * 1024 * 1024;

/// The ways to one service and the hosts that it names.
pub(super) struct Transport {
    service: Service,
    env: Env,
    direct: Connections,
    /// The library's clients, each made for what is asked of it: see [`Transport::library`].
    clients: [OnceLock<reqwest::Client>; 4],
}

/// The content of a reply on its way in.
#[derive(Debug)]
pub(super) enum Incoming {
    Direct(Box<direct::Reply>),
    Library(Box<reqwest::Body>),
}

impl Transport {
    /// The ways to `service`. Nothing is set up before it is needed.
    pub(super) fn new(service: Service, env: Env) -> Self {
        let direct = Connections::new(MAX_IDLE);
        Self { service, env, direct, clients: Default::default() }
    }

    /// Sends a request with its content and waits for the head of its reply.
    ///
    /// # Errors
    /// Outside: a proxy or certificates that can't be used, a header that can't be sent; inside, what
    /// the network did.
    pub(super) async fn send(
        &self,
        request: &Request,
        outgoing: Outgoing,
    ) -> Result<Result<(ReplyHead, Incoming), NetworkError>, Failure> {
        if self.is_direct(&request.url) {
            let sent = self.direct.send(request, outgoing, CONNECT).await?;
            return Ok(sent.map(|(head, reply)| (head, Incoming::Direct(Box::new(reply)))));
        }
        Ok(match self.library_request(request, outgoing)?.send().await {
            Ok(reply) => {
                let reply = hyper::Response::from(reply);
                Ok((ReplyHead::of(&reply), Incoming::Library(Box::new(reply.into_body()))))
            }
            Err(error) => Err((&error).into()),
        })
    }

    /// Whether a connection leads straight there: no TLS, and no proxy between.
    fn is_direct(&self, url: &Url) -> bool {
        // Elsewhere the system's settings may name a proxy, which only the library reads.
        let may_have_proxy = || !cfg!(target_os = "linux") || self.proxies().next().is_some();
        url.scheme() == "http"
            && self.service.proxy.is_none()
            && (is_this_machine(url) || !may_have_proxy())
    }

    /// What the environment says of proxies for plain HTTP.
    fn proxies(&self) -> impl Iterator<Item = String> {
        let names = ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"];
        names.into_iter().filter_map(|name| self.env.get(name))
    }

    fn library_request(
        &self,
        request: &Request,
        outgoing: Outgoing,
    ) -> Result<reqwest::RequestBuilder, Failure> {
        let mut url = request.url.clone();
        if request.headers.iter().any(|header| header.name.eq_ignore_ascii_case("authorization")) {
            // The library would send those of the URL too. Neither fails for a URL with a host.
            let _ = url.set_username("");
            let _ = url.set_password(None);
        }
        let mut builder = self.library(&url)?.request(request.method.into(), url);
        builder = builder.headers(outgoing.headers(request)?);
        Ok(match outgoing.content {
            BodyContent::Nothing => builder,
            BodyContent::Bytes(bytes) => builder.body(bytes),
            BodyContent::Pieces(pieces) => {
                builder.body(reqwest::Body::wrap_stream(futures_util::stream::iter(pieces)))
            }
        })
    }

    /// The library's client for a URL: with certificates or without, and with a proxy or, for this
    /// machine, without.
    fn library(&self, url: &Url) -> Result<&reqwest::Client, Failure> {
        let is_tls_proxy = |url: &str| url.starts_with("https://");
        let mut proxies = self.proxies().chain(self.service.proxy.clone());
        let needs_tls = url.scheme() == "https" || proxies.any(|proxy| is_tls_proxy(&proxy));
        let place = &self.clients[usize::from(needs_tls) * 2 + usize::from(is_this_machine(url))];
        if let Some(client) = place.get() {
            return Ok(client);
        }
        let builder = reqwest::Client::builder()
            .user_agent(USER_AGENT)
            .connect_timeout(CONNECT)
            .redirect(reqwest::redirect::Policy::none())
            .pool_max_idle_per_host(MAX_IDLE);
        let builder = self.with_proxy(builder, url)?;
        // Reading some 150 certificate files takes longer than a short answer.
        let builder =
            if needs_tls { self.with_roots(builder)? } else { builder.tls_certs_only([]) };
        // An error here means that it is installed already, which is all that is wanted.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = builder.build().map_err(|error| {
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            let cause = cause.unwrap_or_else(|| error.to_string());
            Failure::new(FailureKind::Network, format!("cannot set up the connection: {cause}"))
        })?;
        Ok(place.get_or_init(|| client))
    }

    /// Sets the proxy: the profile's, else the environment's. None for this machine.
    fn with_proxy(&self, builder: ClientBuilder, url: &Url) -> Result<ClientBuilder, Failure> {
        if let Some(proxy) = &self.service.proxy {
            let proxy = Proxy::all(proxy.as_str()).map_err(|_| {
                Failure::usage(format!("the `proxy` of {} is no URL", self.service.name))
                    .hint("a proxy looks like http://host:8080")
            })?;
            return Ok(builder.proxy(proxy));
        }
        // A proxy could not reach the caller's own loopback.
        Ok(if is_this_machine(url) { builder.no_proxy() } else { builder })
    }

    /// Sets the trusted certificates: the system's, and those of the profile's `ca_file`.
    fn with_roots(&self, builder: ClientBuilder) -> Result<ClientBuilder, Failure> {
        let Some(path) = &self.service.ca_file else { return Ok(builder) };
        let wrong =
            |what: String| Failure::usage(format!("the `ca_file` of {} {what}", self.service.name));
        let pem = std::fs::read(self.env.expand_home(path))
            .map_err(|error| wrong(format!("can't be read: {path}: {}", reason(&error))))?;
        match Certificate::from_pem_bundle(&pem) {
            Ok(found) if !found.is_empty() => Ok(builder.tls_certs_merge(found)),
            _ => Err(wrong(format!("contains no PEM certificate: {path}"))),
        }
    }
}

impl Incoming {
    /// The next piece of the content, as it came off the wire; `None` at its end.
    ///
    /// # Errors
    /// The connection ends or breaks before the content does.
    pub(super) async fn piece(&mut self) -> Result<Option<Bytes>, NetworkError> {
        match self {
            Self::Direct(reply) => reply.piece().await,
            Self::Library(body) => poll_fn(|context| poll_piece(body, context)).await,
        }
    }

    /// As [`Incoming::piece`], but only what can be had without waiting; `None` if there is nothing
    /// yet.
    pub(super) async fn ready_piece(&mut self) -> Option<Result<Option<Bytes>, NetworkError>> {
        let body = match self {
            Self::Direct(reply) => return reply.ready_piece(),
            Self::Library(body) => body,
        };
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

    /// Adds the next content to `to`; gives how much, 0 at its end.
    ///
    /// # Errors
    /// As [`Incoming::piece`].
    pub(super) async fn piece_into(&mut self, to: &mut Vec<u8>) -> Result<usize, NetworkError> {
        while let Some(piece) = self.piece().await? {
            if to.capacity() - to.len() < piece.len()
                && let Some(left) = self.left()
            {
                let left = usize::try_from(left).unwrap_or(usize::MAX).min(MAX_ROOM);
                to.reserve_exact(piece.len() + left);
            }
            to.extend_from_slice(&piece);
            // Nothing would mean the end.
            if !piece.is_empty() {
                return Ok(piece.len());
            }
        }
        Ok(0)
    }

    /// How many bytes of content are still to come, if the server has said so.
    fn left(&self) -> Option<u64> {
        match self {
            Self::Direct(reply) => reply.left(),
            Self::Library(body) => body.size_hint().exact(),
        }
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

/// Whether a URL's host is the machine itself.
pub(crate) fn is_this_machine(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host.eq_ignore_ascii_case("localhost")
        || host.to_ascii_lowercase().ends_with(".localhost")
        || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::activity::Activity;
    use crate::http::form::{BytePiece, Form, PartContent as Part};
    use crate::http::network::{ExchangePhase, failure};
    use crate::http::request::{Body, Method};
    use tokio::io::AsyncReadExt as _;
    use tokio::net::TcpListener;

    #[tokio::test]
    async fn a_file_that_shrank_is_no_failure_of_the_network_on_either_way() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("音.wav");
        std::fs::write(&path, "ab").expect("written");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = format!("http://{}", listener.local_addr().expect("bound"));
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let _ = stream.read_to_end(&mut Vec::new()).await;
            }
        });
        for proxy in [None, Some(address.clone())] {
            let pieces = vec![BytePiece::File { path: path.clone(), offset: 0, length: 5 }];
            let (filename, content_type) = ("音.wav".to_owned(), "audio/wav".to_owned());
            let content = Part::File { filename, content_type, pieces };
            let part = crate::http::form::FormPart { name: "file".to_owned(), content };
            let url = Url::parse(&address).expect("a URL");
            let body = Body::Form(Form::new(vec![part]));
            let request = Request {
                method: Method::Post,
                url,
                headers: Vec::new(),
                body,
                body_secrets: Vec::new(),
            };
            let outgoing = Outgoing::of(&request.body, &Activity::default(), None);
            let service = Service { proxy, ..Service::default() };
            let transport = Transport::new(service, Env::Table(Default::default()));
            let sent = transport.send(&request, outgoing).await.expect("can be sent");
            let broken = sent.expect_err("the file is too short");
            let failure = failure(&broken, ExchangePhase::Sending, "test", &request.url);
            let words = "cannot send the request to test: a file can't be read any more";
            assert!(failure.message.starts_with(words), "{}", failure.message);
            assert!(failure.kind == FailureKind::Other && failure.retry.is_none());
        }
    }
}
