//! How a URL is reached: which proxy, which certificates, which connection. Knows no service by name.

use std::sync::OnceLock;
use std::time::Duration;

use super::Service;
use super::dial::Route;
use super::direct::{Connections, Reply, Reuse};
use super::head::ReplyHead;
use super::network::NetworkError;
use super::outgoing::Outgoing;
use super::proxy::Proxy;
use super::request::{Request, Url};
use super::tls::Tls;
use crate::error::Failure;
use crate::io::Env;

/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(10);

/// How many idle connections are kept for later requests of the same run.
const MAX_IDLE: usize = 16;

/// The ways to one service and the hosts that it names.
pub(super) struct Transport {
    service: Service,
    env: Env,
    is_insecure: bool,
    connections: Connections,
    /// The settings of TLS for the service itself and for other hosts, made when they are first needed:
    /// reading some 150 certificates takes longer than a short answer.
    tls: [OnceLock<Tls>; 2],
}

impl Transport {
    /// The ways to `service`. Nothing is set up before it is needed. No certificate is checked if
    /// `is_insecure`.
    pub(super) fn new(service: Service, env: Env, is_insecure: bool) -> Self {
        let connections = Connections::new(MAX_IDLE);
        Self { service, env, is_insecure, connections, tls: Default::default() }
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
    ) -> Result<Result<(ReplyHead, Reply), NetworkError>, Failure> {
        self.connections.send(request, outgoing, route, reuse, CONNECT).await
    }

    /// The way to an address.
    ///
    /// # Errors
    /// Exit 2: a proxy or certificates that can't be used.
    pub(super) fn route(&self, url: &Url) -> Result<Route, Failure> {
        let proxy = Proxy::of(&self.service, &self.env, url)?;
        let is_own = self.service.origin.as_ref() == Some(&url.origin());
        let tls = |url: &Url, is_own| match url.scheme() {
            "https" => self.tls(is_own).map(|tls| Some(tls.clone())),
            _ => Ok(None),
        };
        let proxy_tls = proxy.as_ref().map(|proxy| tls(&proxy.url, false)).transpose()?.flatten();
        Ok(Route { proxy, proxy_tls, tls: tls(url, is_own)? })
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
