//! How a server is reached, and what it is allowed.

use std::path::PathBuf;
use std::time::Duration;

use crate::http::request::{Header, Url};

/// How long a server may take to be ready: `npx` and `uvx` install the program first.
pub(crate) const DEFAULT_STARTUP: Duration = Duration::from_secs(60);

/// How long a call may take.
pub(crate) const DEFAULT_TIMEOUT: Duration = Duration::from_secs(60);

/// How many bytes of an answer go to the model: with more, the context of many models is full.
pub(crate) const DEFAULT_MOST: usize = 32 * 1024;

/// A server, and what it is allowed.
#[derive(Debug, Clone)]
pub(crate) struct ServerSettings {
    /// What messages call it.
    pub(crate) name: String,
    pub(crate) reach: Reach,
    pub(crate) startup: Duration,
    pub(crate) timeout: Duration,
}

/// How a server is reached.
#[derive(Debug, Clone)]
pub(crate) enum Reach {
    /// A program that reads messages on stdin and writes them on stdout.
    Program {
        /// The program and its arguments; never empty.
        command: Vec<String>,
        /// Its variables, beside those that every program needs.
        env: Vec<(String, String)>,
        /// Where it runs; `None` is our own folder.
        folder: Option<PathBuf>,
    },
    /// An address that takes messages as POST (Streamable HTTP).
    Address {
        url: Url,
        /// Those of the user's.
        headers: Vec<Header>,
    },
}
