//! Which certificates are trusted, and which one is shown to a server that asks for it. Opens no
//! connection.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{ResolvesClientCert, verify_server_name};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::sign::CertifiedKey;
use rustls::{CertificateError, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

use super::Service;
use super::tls_words::is_of_authority;
use crate::error::{Failure, reason};
use crate::io::Env;

/// Where systems keep the certificates of authorities, for one whose variable for it is set to nothing.
const USUAL_FILES: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// Checks the certificates of servers.
#[derive(Debug)]
pub(super) struct Trust {
    /// What every client does. `None`: nothing is checked.
    usual: Option<Arc<WebPkiServerVerifier>>,
    /// The certificates that the user named.
    named: Vec<CertificateDer<'static>>,
    provider: Arc<CryptoProvider>,
}

impl Trust {
    /// Trusts any certificate whatsoever: `--insecure`.
    pub(super) fn in_everyone(provider: Arc<CryptoProvider>) -> Self {
        Self { usual: None, named: Vec::new(), provider }
    }

    /// Trusts the authorities of the system, or those that `SSL_CERT_FILE` and `SSL_CERT_DIR` name, and
    /// those of the profile's `ca_file`.
    ///
    /// # Errors
    /// Exit 2: a file that can't be read or holds no certificate, or no certificate anywhere.
    pub(super) fn of(
        service: &Service,
        env: &Env,
        provider: Arc<CryptoProvider>,
    ) -> Result<Self, Failure> {
        let mut named = Vec::new();
        let variables = ["SSL_CERT_FILE", "SSL_CERT_DIR"].map(|name| env.get(name));
        let system = match &variables {
            [None, None] => of_system(),
            [file, folder] => {
                if let Some(file) = file {
                    named.extend(certificates("SSL_CERT_FILE", Path::new(file))?);
                }
                folder
                    .as_ref()
                    .map(|folder| in_folders(folder, named.is_empty()))
                    .transpose()?
                    .unwrap_or_default()
            }
        };
        if let Some(file) = &service.ca_file {
            named.extend(certificates(&file.place, &env.expand_home(&file.path))?);
        }
        let mut roots = RootCertStore::empty();
        // What the system has of certificates that can't be used is not the user's to mend.
        roots.add_parsable_certificates(system);
        roots.add_parsable_certificates(named.iter().cloned());
        if roots.is_empty() {
            let what =
                "this machine has no certificates of authorities, so that no server can be checked";
            let hint =
                "install them (the package ca-certificates), or name a file in SSL_CERT_FILE";
            return Err(Failure::usage(what).hint(hint));
        }
        let usual =
            WebPkiServerVerifier::builder_with_provider(roots.into(), Arc::clone(&provider));
        let usual = usual
            .build()
            .map_err(|error| Failure::usage(format!("TLS can't be set up: {error}")))?;
        Ok(Self { usual: Some(usual), named, provider })
    }

    /// Whether a certificate that was refused is one that the user, or the system, trusts by itself. That
    /// it stands for an authority (as `openssl req -x509` makes it), or has its name in the place of
    /// old, is then no reason to refuse it; curl does not either.
    ///
    /// # Errors
    /// Why it is refused all the same.
    fn trusted_itself(
        &self,
        error: Error,
        found: &CertificateDer<'_>,
        name: &ServerName<'_>,
    ) -> Result<ServerCertVerified, Error> {
        let Error::InvalidCertificate(reason) = &error else { return Err(error) };
        let has_wrong_name = matches!(
            reason,
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. }
        );
        if !has_wrong_name && !is_of_authority(reason) {
            return Err(error);
        }
        let is_named = self.named.iter().any(|named| named == found);
        if !is_named && !of_system().iter().any(|known| known == found) {
            return Err(error);
        }
        let is_for = ParsedCertificate::try_from(found)
            .is_ok_and(|parsed| verify_server_name(&parsed, name).is_ok());
        match is_for || has_common_name(found, &name.to_str()) {
            true => Ok(ServerCertVerified::assertion()),
            false => Err(CertificateError::NotValidForName.into()),
        }
    }
}

impl ServerCertVerifier for Trust {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Some(usual) = &self.usual else { return Ok(ServerCertVerified::assertion()) };
        let checked =
            usual.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        checked.or_else(|error| self.trusted_itself(error, end_entity, server_name))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        match &self.usual {
            Some(usual) => usual.verify_tls12_signature(message, certificate, signature),
            None => Ok(HandshakeSignatureValid::assertion()),
        }
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        match &self.usual {
            Some(usual) => usual.verify_tls13_signature(message, certificate, signature),
            None => Ok(HandshakeSignatureValid::assertion()),
        }
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// What is shown to a server that asks for a client's certificate, and whether one has asked.
#[derive(Debug)]
pub(super) struct ClientCertificate {
    key: Option<Arc<CertifiedKey>>,
    was_asked: AtomicBool,
}

impl ClientCertificate {
    /// None: a server that asks for one is told so.
    pub(super) fn none() -> Self {
        Self { key: None, was_asked: AtomicBool::new(false) }
    }

    /// The profile's.
    ///
    /// # Errors
    /// Exit 2: a key without a certificate; a file that can't be read, or holds none; a key of
    /// another certificate.
    pub(super) fn of(
        service: &Service,
        env: &Env,
        provider: &CryptoProvider,
    ) -> Result<Self, Failure> {
        let place = |file: &super::NamedFile| (file.place.clone(), env.expand_home(&file.path));
        let certificate = service.client_certificate.as_ref().map(place);
        let key = service.client_key.as_ref().map(place);
        let (chain, (place, path)) = match (certificate, key) {
            (None, None) => return Ok(Self::none()),
            (None, Some((place, _))) => {
                let what = format!("{place} names a key, but there is no certificate for it");
                return Err(Failure::usage(what).hint("name the certificate in `client_cert_file`"));
            }
            (Some((place, path)), key) => {
                (certificates(&place, &path)?, key.unwrap_or((place, path)))
            }
        };
        let key = PrivateKeyDer::from_pem_file(&path).map_err(|error| match error {
            pem::Error::Io(error) => unreadable(&place, &path, &error),
            _ => Failure::usage(format!("{place} names a file without a private key (PEM): {}", path.display()))
                .hint("a key with a password has to be decrypted before: `openssl pkey -in KEY -out FILE`"),
        })?;
        let pair = CertifiedKey::from_der(chain, key, provider).map_err(|error| {
            let why = match error {
                Error::InconsistentKeys(_) => "belongs to another certificate",
                _ => "can't be used",
            };
            Failure::usage(format!("the private key of {place} {why}: {}", path.display()))
        })?;
        Ok(Self { key: Some(Arc::new(pair)), was_asked: AtomicBool::new(false) })
    }

    /// Whether a server has asked for one and was told that there is none.
    pub(super) fn is_missing(&self) -> bool {
        self.key.is_none() && self.was_asked.load(Ordering::Relaxed)
    }

    /// Whether a server has seen one.
    pub(super) fn was_shown(&self) -> bool {
        self.key.is_some() && self.was_asked.load(Ordering::Relaxed)
    }
}

impl ResolvesClientCert for ClientCertificate {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.was_asked.store(true, Ordering::Relaxed);
        self.key.clone()
    }

    fn has_certs(&self) -> bool {
        // Else nobody tells that one was asked for.
        true
    }
}

/// The certificates of a PEM file, at least one. `place` tells where it is named.
fn certificates(place: &str, path: &Path) -> Result<Vec<CertificateDer<'static>>, Failure> {
    let none = || {
        let what = format!("{place} names a file without a certificate (PEM): {}", path.display());
        Failure::usage(what)
    };
    let text = std::fs::read(path).map_err(|error| unreadable(place, path, &error))?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    found.ok().filter(|found| !found.is_empty()).ok_or_else(none)
}

fn unreadable(place: &str, path: &Path, error: &std::io::Error) -> Failure {
    let why = reason(error);
    Failure::usage(format!("{place} names a file that can't be read: {}: {why}", path.display()))
}

/// The certificates in the folders of `SSL_CERT_DIR`.
fn in_folders(folders: &str, must_have: bool) -> Result<Vec<CertificateDer<'static>>, Failure> {
    let folders = std::env::split_paths(folders).filter(|folder| !folder.as_os_str().is_empty());
    let found: Vec<_> = folders
        .flat_map(|folder: PathBuf| {
            rustls_native_certs::load_certs_from_paths(None, Some(&folder)).certs
        })
        .collect();
    if found.is_empty() && must_have {
        return Err(Failure::usage("SSL_CERT_DIR names a folder without a certificate (PEM)")
            .hint("unset it to trust the authorities of the system"));
    }
    Ok(found)
}

/// The certificates that the system trusts.
fn of_system() -> Vec<CertificateDer<'static>> {
    let found = rustls_native_certs::load_native_certs().certs;
    if !found.is_empty() {
        return found;
    }
    let files = USUAL_FILES.iter().map(Path::new);
    let mut sets =
        files.map(|file| rustls_native_certs::load_certs_from_paths(Some(file), None).certs);
    sets.find(|found| !found.is_empty()).unwrap_or_default()
}

/// Whether a certificate without any alternative name has this common name (RFC 6125, section 6.4.4).
fn has_common_name(certificate: &[u8], name: &str) -> bool {
    /// Object identifiers in DER: 2.5.29.17 and 2.5.4.3.
    const ALTERNATIVE_NAME: &[u8] = &[6, 3, 0x55, 0x1d, 17];
    const COMMON_NAME: &[u8] = &[6, 3, 0x55, 4, 3];
    let has = |sought: &[u8]| memchr::memmem::find(certificate, sought).is_some();
    let mut places = memchr::memmem::find_iter(certificate, COMMON_NAME);
    // Behind it stand the kind of text, its length (below 128 for a host name), and the text.
    let text = |at: usize| {
        let [_, length, text @ ..] = certificate.get(at + COMMON_NAME.len()..)? else {
            return None;
        };
        text.get(..usize::from(*length))
    };
    !has(ALTERNATIVE_NAME)
        && places.any(|at| text(at).is_some_and(|text| text.eq_ignore_ascii_case(name.as_bytes())))
}
