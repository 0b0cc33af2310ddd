//! How a URL is reached: plain HTTP straight, by [`direct`]; TLS, and whatever goes through a proxy, by
//! the library's clients. Knows which proxy and which certificates; knows no service by name.

use std::sync::OnceLock;
use std::time::Duration;

use bytes::Bytes;
use hyper::body::Body as _;

use super::Service;
use super::direct::{self, Connections, Reuse};
use super::head::ReplyHead;
use super::library::{self, LibraryClients, LibraryRoute};
use super::network::NetworkError;
use super::outgoing::Outgoing;
use super::proxy::Proxy;
use super::request::{Request, Url};
use super::tls::Tls;
use crate::error::Failure;
use crate::io::Env;
use crate::secret::Secret;

/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(10);

/// How many idle connections are kept for later requests of the same run: as many as a bulk run may have
/// requests at a time.
const MAX_IDLE: usize = 1000;

/// The most room that is asked for at once for content whose length is known: a server may claim any.
const MAX_ROOM: usize = 64 * 1024 * 1024;

/// The ways to one service and the hosts that it names.
pub(super) struct Transport {
    service: Service,
    env: Env,
    is_insecure: bool,
    direct: Connections,
    clients: LibraryClients,
    /// The settings of TLS for the service itself and for other hosts, made when they are first needed:
    /// reading some 150 certificates takes longer than a short answer.
    tls: [OnceLock<Tls>; 2],
}

/// The way to an address.
#[derive(Debug)]
pub(super) enum Route {
    /// A connection leads straight there: no TLS, and no proxy between.
    Direct,
    Library(LibraryRoute),
}

impl Route {
    /// The proxy, where it is asked to fetch an address instead of leading to it.
    pub(super) fn forwarder(&self, url: &Url) -> Option<&Proxy> {
        self.proxy().filter(|proxy| proxy.is_http() && url.scheme() == "http")
    }

    /// What must not be shown.
    pub(super) fn secrets(&self) -> Vec<Secret> {
        self.proxy().map(Proxy::secrets).unwrap_or_default()
    }

    fn proxy(&self) -> Option<&Proxy> {
        match self {
            Self::Direct => None,
            Self::Library(route) => route.proxy.as_ref(),
        }
    }
}

/// The content of a reply on its way in.
#[derive(Debug)]
pub(super) enum Incoming {
    Direct(Box<direct::Reply>),
    Library(Box<reqwest::Body>),
}

impl Transport {
    /// The ways to `service`. Nothing is set up before it is needed. No certificate is checked if
    /// `is_insecure`.
    pub(super) fn new(service: Service, env: Env, is_insecure: bool) -> Self {
        let (direct, clients) = (Connections::new(MAX_IDLE), LibraryClients::default());
        Self { service, env, is_insecure, direct, clients, tls: Default::default() }
    }

    /// Sends a request with its content and waits for the head of its reply.
    ///
    /// # Errors
    /// Outside a header that can't be sent, inside what the network did.
    pub(super) async fn send(
        &self,
        request: &Request,
        outgoing: Outgoing,
        route: &Route,
        reuse: Reuse,
    ) -> Result<Result<(ReplyHead, Incoming), NetworkError>, Failure> {
        Ok(match route {
            Route::Direct => {
                let sent = self.direct.send(request, outgoing, reuse, CONNECT).await?;
                sent.map(|(head, reply)| (head, Incoming::Direct(Box::new(reply))))
            }
            Route::Library(route) => {
                let sent = self.clients.send(request, outgoing, route, reuse, CONNECT).await?;
                sent.map(|(head, body)| (head, Incoming::Library(Box::new(body))))
            }
        })
    }

    /// The way to an address.
    ///
    /// # Errors
    /// Exit 2: a proxy or certificates that can't be used.
    pub(super) fn route(&self, url: &Url) -> Result<Route, Failure> {
        let proxy = Proxy::of(&self.service, &self.env, url)?;
        let is_tls = |url: &Url| url.scheme() == "https";
        let needs_tls = is_tls(url) || proxy.as_ref().is_some_and(|proxy| is_tls(&proxy.url));
        if proxy.is_none() && !needs_tls {
            return Ok(Route::Direct);
        }
        let is_own = self.service.origin == Some(url.origin().ascii_serialization());
        let tls = needs_tls.then(|| self.tls(is_own).cloned()).transpose()?;
        Ok(Route::Library(LibraryRoute { proxy, tls }))
    }

    fn tls(&self, is_own: bool) -> Result<&Tls, Failure> {
        let place = &self.tls[usize::from(is_own)];
        if let Some(tls) = place.get() {
            return Ok(tls);
        }
        let tls = Tls::new(&self.service, &self.env, self.is_insecure, is_own)?;
        Ok(place.get_or_init(|| tls))
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
            Self::Library(body) => library::piece(body).await,
        }
    }

    /// As [`Incoming::piece`], but only what can be had without waiting; `None` if there is nothing
    /// yet.
    pub(super) async fn ready_piece(&mut self) -> Option<Result<Option<Bytes>, NetworkError>> {
        match self {
            Self::Direct(reply) => reply.ready_piece(),
            Self::Library(body) => library::ready_piece(body).await,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::FailureKind;
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
            let transport = Transport::new(service, Env::Table(Default::default()), false);
            let route = transport.route(&request.url).expect("a proxy can be used");
            let sent = transport.send(&request, outgoing, &route, Reuse::Any).await;
            let sent = sent.expect("can be sent");
            let broken = sent.expect_err("the file is too short");
            let failure = failure(&broken, ExchangePhase::Sending, "test", &request.url);
            let words = "cannot send the request to test: a file can't be read any more";
            assert!(failure.message.starts_with(words), "{}", failure.message);
            assert!(failure.kind == FailureKind::Other && failure.retry.is_none());
        }
    }
}
