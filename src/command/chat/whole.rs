//! `--json`: the provider's reply as it is, once it is known to be one.

use super::super::online::Online;
use super::outcome;
use super::turn::Chat;
use crate::api::chat::answers::Shown;
use crate::api::chat::reader::Reader;
use crate::error::Failure;
use crate::http::refusal;
use crate::secret::Secret;

/// Prints the reply's bytes unchanged. On a terminal a newline is added where there is none.
///
/// # Errors
/// An error that the reply carries, or a reply that is no answer; then nothing is printed.
pub(super) fn print(
    chat: &mut Chat,
    body: &[u8],
    id: Option<&str>,
    secrets: &[Secret],
    online: &mut Online,
) -> Result<(), Failure> {
    let mut reader = Reader::new("");
    // The answer's own text is not shown; reading it tells what became of the reply.
    let (answers, mut unseen) = (&mut chat.answers, Shown::default());
    reader.push(body, &mut |event| answers.take(event, &mut unseen));
    let end = reader.finish(&mut |event| answers.take(event, &mut unseen));
    answers.finish(&mut unseen);
    let service = &online.client.service;
    if let Some(fault) = reader.fault() {
        return Err(refusal::carried(fault, id, secrets, service));
    }
    outcome::of_end(end, None, chat.answers.is_finished(), &service.name)?;
    if let Some(checked) = &mut chat.checked {
        checked.push(&unseen.text);
    }
    let text = String::from_utf8_lossy(body);
    chat.writer.write(&text, &mut online.io)?;
    if online.io.stdout_is_terminal { chat.writer.end_line(&mut online.io) } else { Ok(()) }
}
