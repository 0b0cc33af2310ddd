//! `--json`: the service's reply as it is, once it is known to be one.

use super::checked::Checked;
use super::outcome;
use super::question::DIALECT;
use crate::dialect::answers::{Answers, Shown};
use crate::dialect::reader::Reader;
use crate::error::Failure;
use crate::http::Service;
use crate::http::refusal;
use crate::secret::Secret;

/// Reads a whole reply, so that it is known what became of it.
///
/// # Errors
/// An error that the reply carries, or a reply that is no answer; then nothing may be printed.
pub(super) fn read(
    body: &[u8],
    (answers, checked): (&mut Answers, Option<&mut Checked>),
    id: Option<&str>,
    secrets: &[Secret],
    service: &Service,
) -> Result<(), Failure> {
    let mut reader = Reader::new(DIALECT, "");
    // The answer's own text is not shown.
    let mut unseen = Shown::default();
    reader.push(body, &mut |event| answers.take(event, &mut unseen));
    let end = reader.finish(&mut |event| answers.take(event, &mut unseen));
    answers.finish(&mut unseen);
    if let Some(fault) = reader.fault() {
        return Err(refusal::carried(fault, id, secrets, service));
    }
    outcome::of_end(end, None, answers.is_finished(), &service.name)?;
    if let Some(checked) = checked {
        checked.push(&unseen.text);
    }
    Ok(())
}
