//! `--json`: whether the service's reply is an answer, before it is printed as it is.

use super::checked::CheckedAnswer;
use super::outcome;
use crate::dialect::answers::{Answers, VisibleText};
use crate::dialect::reader::ChatReader;
use crate::exchange::ReadError;
use crate::http::bad_reply::BadReply;

/// Reads a whole reply with `reader` into `answers`, and its text into `checked`. Shows nothing of it. Gives who
/// replied, in the reply's words. `gives_reason`: whether the service says why an answer ended.
///
/// # Errors
/// An error that the reply carries, or a reply that is not an answer.
pub(in crate::command) fn read(
    body: &[u8],
    mut reader: ChatReader,
    gives_reason: bool,
    answers: &mut Answers,
    checked: Option<&mut CheckedAnswer>,
) -> Result<Option<String>, ReadError> {
    let mut unseen = VisibleText::default();
    reader.push(body, &mut |event| answers.take(event, &mut unseen));
    let end = reader.finish(&mut |event| answers.take(event, &mut unseen));
    answers.finish(&mut unseen);
    if let Some(fault) = reader.fault() {
        return Err(BadReply::from(fault.clone()).into());
    }
    outcome::of_end(end, None, answers, reader.owes_reason() && gives_reason)?;
    if let Some(checked) = checked {
        checked.push(&unseen.text);
    }
    Ok(reader.replied().map(str::to_owned))
}
