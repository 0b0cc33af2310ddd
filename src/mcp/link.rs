//! What carries messages to a server and back.

use serde_json::Value;

use super::context::HostContext;
use super::environment;
use super::http::{Http, HttpError};
use super::message::RpcError;
use super::process::Process;
use super::protocol::Era;
use super::settings::{Reach, ServerSettings};
use super::stdio::{Ended, Stdio};
use super::waiting::{ChangeMark, ProgressSender};
use crate::error::{Failure, reason};

/// A way to a server.
pub(super) enum Link {
    Program(Box<Stdio>),
    Address(Box<Http>),
}

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum LinkError {
    /// The program has ended.
    Ended(Ended),
    /// The server at the address.
    Http(HttpError),
}

/// A request on its way.
pub(super) struct Asked<'a> {
    pub(super) id: u64,
    pub(super) request: Value,
    pub(super) era: &'a Era,
    /// Headers that repeat what the request holds, where it goes over HTTP.
    pub(super) headers: Vec<(String, String)>,
}

impl Link {
    /// A way to this server; a program is started.
    ///
    /// # Errors
    /// It can't be started.
    pub(super) fn open(
        settings: &ServerSettings,
        context: &HostContext,
        changes: &ChangeMark,
    ) -> Result<Self, Failure> {
        let ServerSettings { name, reach, .. } = settings;
        let (command, env, folder) = match reach {
            Reach::Program { command, env, folder } => (command, env, folder),
            Reach::Address { url, headers } => {
                let http = Http::new(url, headers, context, changes.clone());
                return Ok(Self::Address(Box::new(http)));
            }
        };
        let cannot = |why: String| Failure::usage(format!("mcp {name}: cannot start it: {why}"));
        if let Some(folder) = folder.as_deref().filter(|folder| !folder.is_dir()) {
            return Err(cannot(format!("there is no folder {}", folder.display())));
        }
        let variables = environment::variables(&context.env, env);
        let started = Process::start(command, variables, folder.as_deref());
        let (process, pipes) = started.map_err(|error| {
            let program = command.first().map(String::as_str).unwrap_or_default();
            cannot(match error.kind() {
                std::io::ErrorKind::NotFound => format!("{program}: not found"),
                _ => format!("{program}: {}", reason(&error)),
            })
        })?;
        let (stderr, verbose) = (&context.stderr, context.verbose);
        let stdio = Stdio::new(process, pipes, name, stderr, verbose, changes.clone());
        Ok(Self::Program(Box::new(stdio)))
    }

    /// Sends a request and waits for its answer.
    ///
    /// # Errors
    /// None can come.
    pub(super) async fn request(
        &mut self,
        asked: Asked<'_>,
        progress: Option<ProgressSender>,
    ) -> Result<Result<Value, RpcError>, LinkError> {
        let Asked { id, request, era, headers } = asked;
        match self {
            Link::Program(stdio) => {
                stdio.request(id, request, progress).await.map_err(LinkError::Ended)
            }
            Link::Address(http) => {
                http.request(id, &request, era, &headers, progress).await.map_err(LinkError::Http)
            }
        }
    }

    /// Sends a message that gets no answer.
    pub(super) async fn send(&mut self, message: Value, era: &Era) {
        match self {
            Link::Program(stdio) => stdio.send(message),
            Link::Address(http) => http.send(&message, era).await,
        }
    }

    /// An answer of this number is not waited for any more.
    pub(super) fn forget(&self, id: u64) {
        if let Link::Program(stdio) = self {
            stdio.forget(id);
        }
    }

    /// Whether the server has ended, or is not spoken to any more.
    pub(super) fn is_over(&mut self) -> bool {
        match self {
            Link::Program(stdio) => stdio.is_over(),
            Link::Address(_) => false,
        }
    }

    /// Whether the server is told in headers what a request holds.
    pub(super) fn repeats_in_headers(&self) -> bool {
        matches!(self, Link::Address(_))
    }

    /// Ends the server, or the session with it.
    pub(super) async fn close(self, era: &Era) {
        match self {
            Link::Program(stdio) => stdio.close().await,
            Link::Address(http) => http.close(era).await,
        }
    }

    /// Begins anew: a program that has ended is started once more, a lost session is forgotten.
    ///
    /// # Errors
    /// As [`Link::open`].
    pub(super) async fn renew(
        &mut self,
        settings: &ServerSettings,
        context: &HostContext,
        changes: &ChangeMark,
    ) -> Result<(), Failure> {
        if let Link::Address(http) = self {
            http.forget_session();
            return Ok(());
        }
        let old = std::mem::replace(self, Self::open(settings, context, changes)?);
        old.close(&Era::Legacy(String::new())).await;
        Ok(())
    }
}
