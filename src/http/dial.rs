//! Opens a connection to where a request goes: straight or through a proxy, with TLS or without.

use std::time::Duration;

use super::connect::{self, Unreachable};
use super::network::NetworkError;
use super::proxy::Proxy;
use super::request::Url;
use super::socket::Stream;
use super::tls::Tls;
use crate::secret::Secret;

/// How a server is reached.
#[derive(Debug, Clone, Default)]
pub(super) struct Route {
    pub(super) proxy: Option<Proxy>,
    /// Set for a proxy that is spoken to over TLS.
    pub(super) proxy_tls: Option<Tls>,
    /// Set for a server that is spoken to over TLS.
    pub(super) tls: Option<Tls>,
}

impl Route {
    /// The proxy, where it is asked to fetch an address instead of leading to it.
    pub(super) fn forwarder(&self, url: &Url) -> Option<&Proxy> {
        self.proxy.as_ref().filter(|proxy| proxy.is_http() && url.scheme() == "http")
    }

    /// What must not be shown.
    pub(super) fn secrets(&self) -> Vec<Secret> {
        self.proxy.as_ref().map(Proxy::secrets).unwrap_or_default()
    }
}

/// A stream of bytes to the host of `url`, within `patience`.
///
/// # Errors
/// Why there is none.
pub(super) async fn dial(
    url: &Url,
    route: &Route,
    patience: Duration,
) -> Result<Stream, NetworkError> {
    let Some(proxy) = &route.proxy else {
        let opened = within(patience, async {
            let stream = connected(url, patience).await?;
            secured(stream, url, route.tls.as_ref()).await
        });
        return opened.await;
    };
    let to_proxy = within(patience, async {
        let stream = connected(&proxy.url, patience).await?;
        let stream = secured(stream, &proxy.url, route.proxy_tls.as_ref()).await?;
        match route.forwarder(url) {
            Some(_) => Ok(stream),
            None => proxy.lead(stream, url).await,
        }
    });
    let stream =
        to_proxy.await.map_err(|broken| broken.of_proxy(&proxy.place(), &proxy.hint(url)))?;
    let opened = within(patience, secured(stream, url, route.tls.as_ref())).await;
    opened.map_err(|broken| broken.through(&proxy.place()))
}

async fn within<T>(
    patience: Duration,
    work: impl Future<Output = Result<T, NetworkError>>,
) -> Result<T, NetworkError> {
    let done = tokio::time::timeout(patience, work).await;
    done.unwrap_or_else(|_| Err(NetworkError::no_connection_within(patience)))
}

async fn connected(url: &Url, patience: Duration) -> Result<Stream, NetworkError> {
    match connect::connect(url, patience).await {
        Ok(stream) => Ok(Stream::Plain(stream)),
        Err(Unreachable::NameNotFound) => Err(NetworkError::name_not_found()),
        Err(Unreachable::Io(error)) => Err(NetworkError::of_io(&error).connecting()),
    }
}

async fn secured(stream: Stream, url: &Url, tls: Option<&Tls>) -> Result<Stream, NetworkError> {
    match tls {
        Some(tls) => tls.over(stream, url.host_str().unwrap_or_default()).await,
        None => Ok(stream),
    }
}
