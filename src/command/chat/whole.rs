//! `--json`: whether the service's reply is an answer, before it is printed as it is.

use super::checked::Checked;
use super::outcome;
use super::question::DIALECT;
use crate::dialect::answers::{Answers, Shown};
use crate::dialect::reader::Reader;
use crate::exchange::ReadError;
use crate::http::bad_reply::BadReply;

/// Reads a whole reply into `answers`, and its text into `checked`. Shows nothing of it.
///
/// # Errors
/// An error that the reply carries, or a reply that is no answer.
pub(super) fn read(
    body: &[u8],
    answers: &mut Answers,
    checked: Option<&mut Checked>,
) -> Result<(), ReadError> {
    let mut reader = Reader::new(DIALECT, "");
    let mut unseen = Shown::default();
    reader.push(body, &mut |event| answers.take(event, &mut unseen));
    let end = reader.finish(&mut |event| answers.take(event, &mut unseen));
    answers.finish(&mut unseen);
    if let Some(fault) = reader.fault() {
        return Err(BadReply::from(fault.clone()).into());
    }
    outcome::of_end(end, None, answers.is_finished())?;
    if let Some(checked) = checked {
        checked.push(&unseen.text);
    }
    Ok(())
}
