//! The settings of TLS, which are made once.

use std::sync::Arc;

use rustls::ClientConfig;

use super::Service;
use super::certificates::{ClientCertificate, Trust};
use super::network::NetworkError;
use crate::error::Failure;
use crate::io::Env;

/// The settings of TLS for one service.
#[derive(Debug, Clone)]
pub(super) struct Tls {
    config: Arc<ClientConfig>,
    client: Arc<ClientCertificate>,
}

impl Tls {
    /// The settings for `service`; for another server than its own with `is_own` unset, which is shown
    /// no certificate of the user's.
    ///
    /// # Errors
    /// Exit 2: a file of certificates or keys that can't be used.
    pub(super) fn new(
        service: &Service,
        env: &Env,
        is_insecure: bool,
        is_own: bool,
    ) -> Result<Self, Failure> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let trust = match is_insecure {
            true => Trust::in_everyone(Arc::clone(&provider)),
            false => Trust::of(service, env, Arc::clone(&provider))?,
        };
        let client = match is_own {
            true => ClientCertificate::of(service, env, &provider)?,
            false => ClientCertificate::none(),
        };
        let client = Arc::new(client);
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| Failure::usage(format!("TLS can't be set up: {error}")))?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(trust))
            .with_client_cert_resolver(Arc::clone(&client) as _);
        Ok(Self { config: Arc::new(config), client })
    }

    /// The settings in the library's own form.
    pub(super) fn config(&self) -> ClientConfig {
        ClientConfig::clone(&self.config)
    }

    /// An error of a connection, told as one about the client's certificate where it is that: a server
    /// that does not accept it may say so, or just close the connection.
    pub(super) fn explained(&self, error: NetworkError) -> NetworkError {
        if self.client.is_missing() {
            let hint =
                "name it in `client_cert_file` of the profile, and its key in `client_key_file`";
            return NetworkError::settled(
                "the server asks for a client's certificate, and there is none",
                hint,
            );
        }
        if self.client.was_shown() && error.is_about_certificate() {
            let hint = "is `client_cert_file` the right one for this server, and not expired?";
            return NetworkError::settled(
                "the server does not accept the client's certificate",
                hint,
            );
        }
        error
    }
}
