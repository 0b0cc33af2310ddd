//! A door of TLS in front of a scripted server. It knows nothing of what passes through.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion};
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

/// How a door speaks TLS.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Door {
    /// The name of its certificate and key in `tests/tls`.
    pub(crate) certificate: &'static str,
    /// It lets in only those who show a certificate that `client-ca.pem` vouches for.
    pub(crate) asks: bool,
    pub(crate) versions: &'static [&'static SupportedProtocolVersion],
}

impl Door {
    /// The usual door.
    pub(crate) const USUAL: Self =
        Self { certificate: "server", asks: false, versions: rustls::ALL_VERSIONS };
}

impl Tls {
    /// A door in front of `server`.
    pub(crate) fn in_front_of(server: &Server) -> Self {
        Self::with(Door::USUAL, server)
    }

    /// A door of this kind in front of `server`.
    pub(crate) fn with(door: Door, server: &Server) -> Self {
        let inside = SocketAddr::from((Ipv4Addr::LOCALHOST, server.port()));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.expect("a runtime can be made");
        let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)));
        let listener = listener.expect("the loopback has a free port");
        let address = listener.local_addr().expect("a listener has an address");
        std::thread::spawn(move || runtime.block_on(pass_on(listener, inside, acceptor(door))));
        Self { address }
    }

    /// The base URL for a profile: `https://localhost:PORT/v1`.
    pub(crate) fn url(&self) -> String {
        format!("https://localhost:{}/v1", self.port())
    }

    /// The port alone.
    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    /// The file with the certificate that vouches for the door.
    pub(crate) fn authority() -> PathBuf {
        Self::file("ca.pem")
    }

    /// A file of `tests/tls`.
    pub(crate) fn file(name: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tls").join(name)
    }
}

async fn pass_on(listener: TcpListener, inside: SocketAddr, acceptor: TlsAcceptor) {
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

fn acceptor(door: Door) -> TlsAcceptor {
    // Installed already by another test, as may be.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let file = |ending: &str| Tls::file(&format!("{}.{ending}", door.certificate));
    let certificate = CertificateDer::from_pem_file(file("pem")).expect("readable");
    let key = PrivateKeyDer::from_pem_file(file("key")).expect("readable");
    let config = ServerConfig::builder_with_protocol_versions(door.versions);
    let config = if door.asks {
        let mut roots = RootCertStore::empty();
        let authority = CertificateDer::from_pem_file(Tls::file("client-ca.pem"));
        roots.add(authority.expect("readable")).expect("an authority");
        let verifier = WebPkiClientVerifier::builder(Arc::new(roots)).build();
        config.with_client_cert_verifier(verifier.expect("it has an authority"))
    } else {
        config.with_no_client_auth()
    };
    let config = config.with_single_cert(vec![certificate], key).expect("they fit each other");
    TlsAcceptor::from(Arc::new(config))
}
