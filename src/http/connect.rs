//! A TCP connection to the host of a URL. Knows nothing about HTTP.

use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs as _};
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;

use super::request::Url;

/// Addresses of the other family are tried as well after so long (RFC 8305, section 5, has 250 ms; the
/// HTTP client for TLS waits as long as this).
const FALLBACK: Duration = Duration::from_millis(300);

/// A silent peer is asked after so long whether it is still there, and so often again after as long: a
/// model may think for minutes, and a router forgets connections on which nothing happens.
const KEEPALIVE: Duration = Duration::from_secs(15);
const KEEPALIVE_PROBES: u32 = 3;

/// What was sent must be received within so long.
#[cfg(target_os = "linux")]
const UNACKNOWLEDGED: Duration = Duration::from_secs(30);

/// Why there is no connection.
#[derive(Debug)]
pub(super) enum Unreachable {
    NameNotFound,
    Io(io::Error),
}

/// Connects to the host and port of `url`. Of several addresses each has its share of `patience`.
///
/// # Errors
/// The name has no address, or no address takes the connection.
pub(super) async fn connect(url: &Url, patience: Duration) -> Result<TcpStream, Unreachable> {
    let addresses = addresses(url).await?;
    let is_first = |address: &SocketAddr| address.is_ipv6() == addresses[0].is_ipv6();
    let (first, other): (Vec<SocketAddr>, Vec<SocketAddr>) =
        addresses.iter().copied().partition(is_first);
    let stream = one_of(&first, &other, patience).await.map_err(Unreachable::Io)?;
    // A small last piece of a request must not wait until what is before it was received.
    let _ = stream.set_nodelay(true);
    if stream.peer_addr().is_ok_and(|peer| !peer.ip().is_loopback()) {
        watch(&SockRef::from(&stream));
    }
    Ok(stream)
}

/// Makes the system notice that another machine has vanished. Where it can't, silence is noticed.
fn watch(stream: &SockRef<'_>) {
    let keepalive = TcpKeepalive::new().with_time(KEEPALIVE).with_interval(KEEPALIVE);
    let _ = stream.set_tcp_keepalive(&keepalive.with_retries(KEEPALIVE_PROBES));
    #[cfg(target_os = "linux")]
    let _ = stream.set_tcp_user_timeout(Some(UNACKNOWLEDGED));
}

/// The addresses of a URL's host, at least one.
pub(super) async fn addresses(url: &Url) -> Result<Vec<SocketAddr>, Unreachable> {
    let host = url.host_str().unwrap_or_default();
    let port = url.port_or_known_default().unwrap_or(80);
    if let Ok(address) = host.trim_matches(['[', ']']).parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(address, port)]);
    }
    let found = looked_up(host.to_owned(), port).await.map_err(|error| {
        // What the system says of itself has a number; what it says of names has none.
        if error.raw_os_error().is_some() {
            Unreachable::Io(error)
        } else {
            Unreachable::NameNotFound
        }
    })?;
    if found.is_empty() { Err(Unreachable::NameNotFound) } else { Ok(found) }
}

/// Asks the system for the addresses of a name, which it gives when it likes: in a thread of its own, which
/// nobody waits for at the end.
async fn looked_up(host: String, port: u16) -> io::Result<Vec<SocketAddr>> {
    let (tell, told) = tokio::sync::oneshot::channel();
    std::thread::Builder::new().name("lookup".to_owned()).spawn(move || {
        // Nobody listens any more where the run has ended.
        let _ = tell.send((host.as_str(), port).to_socket_addrs().map(Iterator::collect));
    })?;
    told.await.unwrap_or_else(|_| Ok(Vec::new()))
}

/// Connects to one of `first`, or if that takes long or fails, to one of `other`.
async fn one_of(
    first: &[SocketAddr],
    other: &[SocketAddr],
    patience: Duration,
) -> io::Result<TcpStream> {
    if other.is_empty() {
        return in_turn(first, patience).await;
    }
    let mut preferred = std::pin::pin!(in_turn(first, patience));
    tokio::select! {
        done = &mut preferred => {
            return match done {
                Ok(stream) => Ok(stream),
                Err(_) => in_turn(other, patience).await,
            };
        }
        () = tokio::time::sleep(FALLBACK) => {}
    }
    let mut fallback = std::pin::pin!(in_turn(other, patience));
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
async fn in_turn(addresses: &[SocketAddr], patience: Duration) -> io::Result<TcpStream> {
    let each = patience / u32::try_from(addresses.len().max(1)).unwrap_or(u32::MAX);
    let mut failed = io::ErrorKind::AddrNotAvailable.into();
    for address in addresses {
        match tokio::time::timeout(each, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => failed = error,
            Err(_) => failed = io::ErrorKind::TimedOut.into(),
        }
    }
    Err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{Ipv4Addr, Ipv6Addr};
    use tokio::net::TcpListener;

    const SOON: Duration = Duration::from_secs(5);

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
        assert_eq!(peer(in_turn(&[refusing, address], SOON).await), Some(address));
        assert_eq!(peer(one_of(&[other_family], &[address], SOON).await), Some(address));
        assert!(one_of(&[other_family], &[refusing], SOON).await.is_err());
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
