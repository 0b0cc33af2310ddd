//! A TCP connection to the host of a URL. Knows nothing of HTTP.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use reqwest::Url;
use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpStream, lookup_host};

/// Addresses of the other family are tried as well after so long (RFC 8305, section 5, has 250 ms; the
/// HTTP client for TLS waits as long as this).
const FALLBACK: Duration = Duration::from_millis(300);

/// A silent peer is asked after so long whether it is still there, and again after as long: a model may
/// think for minutes, and a router forgets connections on which nothing happens.
const KEEPALIVE: Duration = Duration::from_secs(15);

/// Why there is no connection.
#[derive(Debug)]
pub(in crate::http) enum Unreachable {
    NameNotFound,
    Io(io::Error),
}

/// Connects to the host and port of `url`.
///
/// # Errors
/// The name has no address, or no address takes the connection.
pub(in crate::http) async fn connect(url: &Url) -> Result<TcpStream, Unreachable> {
    let addresses = addresses(url).await?;
    let is_first = |address: &SocketAddr| address.is_ipv6() == addresses[0].is_ipv6();
    let (first, other): (Vec<SocketAddr>, Vec<SocketAddr>) =
        addresses.iter().copied().partition(is_first);
    let stream = one_of(&first, &other).await.map_err(Unreachable::Io)?;
    // A small last piece of a request must not wait until what is before it was received.
    let _ = stream.set_nodelay(true);
    if stream.peer_addr().is_ok_and(|peer| !peer.ip().is_loopback()) {
        let keepalive = TcpKeepalive::new().with_time(KEEPALIVE).with_interval(KEEPALIVE);
        let _ = SockRef::from(&stream).set_tcp_keepalive(&keepalive);
    }
    Ok(stream)
}

/// The addresses of a URL's host, at least one.
async fn addresses(url: &Url) -> Result<Vec<SocketAddr>, Unreachable> {
    let host = url.host_str().unwrap_or_default();
    let port = url.port_or_known_default().unwrap_or(80);
    if let Ok(address) = host.trim_matches(['[', ']']).parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(address, port)]);
    }
    let found = lookup_host((host, port)).await.map_err(|_| Unreachable::NameNotFound)?;
    let found: Vec<SocketAddr> = found.collect();
    if found.is_empty() { Err(Unreachable::NameNotFound) } else { Ok(found) }
}

/// Connects to one of `first`, or if that takes long or fails, to one of `other`.
async fn one_of(first: &[SocketAddr], other: &[SocketAddr]) -> io::Result<TcpStream> {
    if other.is_empty() {
        return in_turn(first).await;
    }
    let mut preferred = std::pin::pin!(in_turn(first));
    tokio::select! {
        done = &mut preferred => {
            return match done {
                Ok(stream) => Ok(stream),
                Err(_) => in_turn(other).await,
            };
        }
        () = tokio::time::sleep(FALLBACK) => {}
    }
    let mut fallback = std::pin::pin!(in_turn(other));
    tokio::select! {
        done = &mut preferred => match done {
            Ok(stream) => Ok(stream),
            Err(_) => fallback.await,
        },
        done = &mut fallback => match done {
            Ok(stream) => Ok(stream),
            Err(_) => preferred.await,
        },
    }
}

/// Connects to the first of these addresses that takes it.
async fn in_turn(addresses: &[SocketAddr]) -> io::Result<TcpStream> {
    let mut failed = io::ErrorKind::AddrNotAvailable.into();
    for address in addresses {
        match TcpStream::connect(address).await {
            Ok(stream) => return Ok(stream),
            Err(error) => failed = error,
        }
    }
    Err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{Ipv4Addr, Ipv6Addr};
    use tokio::net::TcpListener;

    #[tokio::test]
    async fn an_address_that_refuses_is_passed_over() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let address = listener.local_addr().expect("bound");
        let closed = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let refusing = closed.local_addr().expect("bound");
        drop(closed);
        let other_family = SocketAddr::new(Ipv6Addr::LOCALHOST.into(), refusing.port());
        let peer =
            |stream: io::Result<TcpStream>| stream.and_then(|stream| stream.peer_addr()).ok();
        assert_eq!(peer(in_turn(&[refusing, address]).await), Some(address));
        assert_eq!(peer(one_of(&[other_family], &[address]).await), Some(address));
        assert!(one_of(&[other_family], &[refusing]).await.is_err());
    }

    #[tokio::test]
    async fn a_host_is_an_address_or_a_name() {
        let found = async |url: &str| addresses(&Url::parse(url).expect("a URL")).await;
        let address = found("http://[::1]:81/v1").await.expect("an address");
        assert_eq!(address, [SocketAddr::new(Ipv6Addr::LOCALHOST.into(), 81)]);
        let address = found("http://127.0.0.1/").await.expect("an address");
        assert_eq!(address, [SocketAddr::new(Ipv4Addr::LOCALHOST.into(), 80)]);
        let address = found("http://localhost:82/").await.expect("an address");
        assert!(address.iter().all(|address| address.ip().is_loopback() && address.port() == 82));
    }
}
