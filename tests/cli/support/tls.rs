//! A door of TLS in front of a scripted server. It knows nothing of what passes through.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::server::Server;

/// A listener that speaks TLS as `localhost`, and passes all on to a server. It stays to the end of the
/// tests.
#[derive(Debug)]
pub(crate) struct Tls {
    address: SocketAddr,
}

impl Tls {
    /// A door in front of `server`.
    pub(crate) fn in_front_of(server: &Server) -> Self {
        let inside = SocketAddr::from((Ipv4Addr::LOCALHOST, server.port()));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.expect("a runtime can be made");
        let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)));
        let listener = listener.expect("the loopback has a free port");
        let address = listener.local_addr().expect("a listener has an address");
        std::thread::spawn(move || runtime.block_on(pass_on(listener, inside)));
        Self { address }
    }

    /// The base URL for a profile: `https://localhost:PORT/v1`.
    pub(crate) fn url(&self) -> String {
        format!("https://localhost:{}/v1", self.address.port())
    }

    /// The file with the certificate that vouches for the door.
    pub(crate) fn authority() -> PathBuf {
        folder().join("ca.pem")
    }
}

async fn pass_on(listener: TcpListener, inside: SocketAddr) {
    let acceptor = acceptor();
    while let Ok((stream, _)) = listener.accept().await {
        let acceptor = acceptor.clone();
        tokio::spawn(async move {
            // Who does not trust the certificate goes away, as a test wants it.
            let Ok(mut outside) = acceptor.accept(stream).await else { return };
            let mut inside = TcpStream::connect(inside).await.expect("the server is there");
            let _ = copy_bidirectional(&mut outside, &mut inside).await;
        });
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tls")
}

fn acceptor() -> TlsAcceptor {
    // Installed already by another test, as may be.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let certificate = CertificateDer::from_pem_file(folder().join("server.pem")).expect("readable");
    let key = PrivateKeyDer::from_pem_file(folder().join("server.key")).expect("readable");
    let config = ServerConfig::builder().with_no_client_auth();
    let config = config.with_single_cert(vec![certificate], key).expect("they fit each other");
    TlsAcceptor::from(Arc::new(config))
}
