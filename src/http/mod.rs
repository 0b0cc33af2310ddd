//! HTTP as this program uses it: requests as data, one client, the event stream, and errors in words.

mod activity;
mod address;
pub(crate) mod bad_reply;
mod buffers;
mod certificates;
mod class;
pub(crate) mod client;
mod connect;
pub(crate) mod curl;
mod direct;
mod encoded;
pub(crate) mod fault;
pub(crate) mod form;
mod head;
mod library;
mod message;
mod network;
pub(crate) mod odd_json;
mod outgoing;
mod pace;
mod proxy;
mod redirect;
pub(crate) mod refusal;
pub(crate) mod request;
pub(crate) mod retry;
mod silence;
mod socket;
pub(crate) mod splice;
pub mod sse;
mod tls;
mod tls_words;
mod trace;
mod transport;

use crate::error::Failure;

/// What errors and hints say about the service that is asked.
#[derive(Debug, Clone, Default)]
pub(crate) struct Service {
    /// The profile's name, or a one-off server's host.
    pub(crate) name: String,
    /// The head of the profile's table in its file.
    pub(crate) table: String,
    /// The options that choose it, as they are typed.
    pub(crate) choice: String,
    /// The base URL, without secrets.
    pub(crate) base_url: String,
    /// The variable that holds the key, if the profile has one.
    pub(crate) key_variable: Option<String>,
    /// The page where keys are made.
    pub(crate) key_url: Option<String>,
    /// The command that starts a local server.
    pub(crate) start: Option<String>,
    /// The proxy to go through, instead of what the environment says.
    pub(crate) proxy: Option<String>,
    /// A file with certificates (PEM) that are trusted beside the system's.
    pub(crate) ca_file: Option<NamedFile>,
    /// What is shown to the service, and to nobody else, where it asks for a client's certificate.
    pub(crate) client_certificate: Option<NamedFile>,
    /// Its private key, where that is in a file of its own.
    pub(crate) client_key: Option<NamedFile>,
    /// Scheme, host and port of the service.
    pub(crate) origin: Option<String>,
    /// Error codes that say "no money" elsewhere, but only "slow down" here.
    pub(crate) slow_down_codes: Vec<String>,
}

/// A file, and the field or variable that names it.
#[derive(Debug, Clone)]
pub(crate) struct NamedFile {
    pub(crate) path: String,
    pub(crate) place: String,
}

impl Service {
    /// Adds how the server is started to a connection that failed.
    fn with_start_hint(&self, failure: Failure) -> Failure {
        if failure.hint.is_some() {
            return failure;
        }
        match &self.start {
            Some(start) => failure.hint(format!("is it running? `{start}` starts it")),
            None => failure.hint("is the address right, and the server running?"),
        }
    }
}
