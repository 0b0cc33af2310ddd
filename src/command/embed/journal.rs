//! FILE.part of a run that writes vectors to FILE: how it is opened, and what becomes of it at the end.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use super::batch::SharedJournal;
use crate::api::embed::request::ENCODING;
use crate::error::Failure;
use crate::io::Io;
use crate::journal::{Fingerprint, Journal};
use crate::provider::{Composed, Provider};

/// Opens the journal of a run that writes `target`. `composed` is a request without texts.
///
/// # Errors
/// As [`Journal::open`].
pub(super) fn open(
    target: &Path,
    composed: &Composed,
    provider: &Provider,
    fresh: bool,
) -> Result<SharedJournal, Failure> {
    let mut body = composed.body.clone();
    // The form in which vectors travel makes no other vectors.
    for field in ["input", ENCODING] {
        body.remove(field);
    }
    let body = serde_json::Value::Object(body).to_string();
    let properties = ["embed", provider.base_url.as_str(), &body].map(str::as_bytes);
    let run = Fingerprint::new(properties, provider.model.as_deref());
    Ok(Arc::new(Mutex::new(Journal::open(target, &run, fresh)?)))
}

/// The run is over: FILE.part goes if FILE is whole; else it stays, and the failure tells how to go on.
/// `result` is the failure of a run that has written all that came.
///
/// # Errors
/// The failure of the run; exit 1 if FILE.part can't be removed.
pub(super) fn settle(
    result: Result<Option<Failure>, Failure>,
    journal: Option<&SharedJournal>,
    count: Option<u64>,
    io: &Io,
) -> Result<(), Failure> {
    let mut journal = journal.map(|journal| journal.lock().unwrap_or_else(PoisonError::into_inner));
    let mut failure = match result {
        Ok(refused) => {
            journal.as_mut().map_or(Ok(()), |journal| journal.remove())?;
            return refused.map_or(Ok(()), Err);
        }
        Err(failure) => failure,
    };
    let rows = journal.as_mut().map_or(0, |journal| journal.leave());
    if rows > 0 {
        let all = count.map(|count| format!(" of {count}")).unwrap_or_default();
        let hint = format!("the same command goes on; {rows}{all} texts are done");
        if failure.is_silent() {
            io.hint(&hint);
        }
        failure.hint = Some(match failure.hint {
            Some(other) => format!("{other}; {hint}"),
            None => hint,
        });
    }
    Err(failure)
}
