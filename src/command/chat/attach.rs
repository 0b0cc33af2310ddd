//! What goes along with a prompt: laid into the message, checked against what the service takes,
//! and fetched where it is an address.

use serde_json::{Map, Value};

use super::{Failure, Job, Provider};
use crate::api::chat::content;
use crate::exchange::Exchange;
use crate::http::request::Request;
use crate::http::request::{Url, shown};
use crate::input::{self, Attachment, AttachmentGroup, InputItem, PromptInput};
use crate::io::Io;

/// The most that an address may give, in bytes: it is kept in memory.
const MOST: usize = 64 * 1024 * 1024;

/// The content of the user's message; what is still to be fetched is not in it.
pub(super) fn content(provider: &Provider, given: &PromptInput) -> Value {
    content::content(given.text(), given.attachments(), provider.takes_audio_as_url())
}

/// The user's message as the history keeps it: attachments by their names; their bytes are kept
/// beside the conversation, which would grow by megabytes with them.
pub(super) fn kept(given: &PromptInput) -> Value {
    let names: Vec<String> = given
        .items
        .iter()
        .filter_map(|item| match item {
            InputItem::Text(_) => None,
            InputItem::Attachment(attachment) => Some(attachment.given.clone()),
            InputItem::Address(url) => Some(shown(url)),
        })
        .collect();
    noted(&given.text(), names).into()
}

/// A text with the names of what goes with it.
pub(super) fn noted(text: &str, names: Vec<String>) -> String {
    match names.is_empty() {
        true => text.to_owned(),
        false => format!("{text}\n\n{}", note(names)).trim_start().to_owned(),
    }
}

/// The names of attachments, as they stand behind a text.
pub(super) fn note(names: Vec<String>) -> String {
    format!("[attached: {}]", names.join(", "))
}

/// Whether the service or the model is known not to take an attachment.
pub(super) fn is_refused(provider: &Provider, model: &str, attachment: &Attachment) -> bool {
    let format = attachment.format;
    provider.takes_no(model, &[format.name(), format.group().name()])
}

/// Refuses an attachment that the service or the model is known not to take.
pub(super) fn check(
    provider: &Provider,
    body: &Map<String, Value>,
    given: &PromptInput,
) -> Result<(), Failure> {
    let model = body.get("model").and_then(Value::as_str).unwrap_or_default();
    let mut attachments = given.attachments();
    let Some(attachment) = attachments.find(|it| is_refused(provider, model, it)) else {
        return Ok(());
    };
    let (name, file, format) = (&provider.name, &attachment.given, attachment.format);
    let what = format!("{file} is {}, which {name} does not take for {model}", format.words());
    let other = match format.group() {
        AttachmentGroup::Audio => "`llm transcribe` turns it into text; ",
        AttachmentGroup::Pdf => "`pdftotext` turns it into text; ",
        AttachmentGroup::Picture => "",
    };
    Err(Failure::usage(what).hint(format!(
        "{other}if it takes it by now, `takes_no = []` in [providers.{name}] lets it through"
    )))
}

/// The request as a dry run shows it.
///
/// # Errors
/// An address among the attachments: what it holds is known only when it is fetched.
pub(super) fn dry(
    provider: &Provider,
    body: Map<String, Value>,
    given: &PromptInput,
) -> Result<Request, Failure> {
    if let Some(url) = given.address() {
        let what = format!("a dry run fetches nothing, so what {} holds is not known", shown(url));
        return Err(Failure::usage(what).hint("save it to a file and attach that"));
    }
    Ok(provider.post(Job::Chat, body).with_inserts(inserts(given)))
}

/// The request, once the addresses among the attachments are fetched.
///
/// # Errors
/// Those of fetching, and content that can't go into a request to this service.
pub(super) async fn request(
    mut body: Map<String, Value>,
    given: &mut PromptInput,
    exchange: &mut Exchange,
    io: &Io,
) -> Result<Request, Failure> {
    if given.address().is_some() {
        let before = content(&exchange.provider, given);
        for item in &mut given.items {
            if let InputItem::Address(url) = item {
                let bytes = fetch(url, exchange, io).await?;
                *item = input::fetched_item(url, bytes)?;
            }
        }
        check(&exchange.provider, &body, given)?;
        let messages = body.get_mut("messages").and_then(Value::as_array_mut);
        let mut contents =
            messages.into_iter().flatten().filter_map(|message| message.get_mut("content"));
        // `-O messages=…` may have put others in their place; then those are meant.
        if let Some(place) = contents.rfind(|content| **content == before) {
            *place = content(&exchange.provider, given);
        }
    }
    Ok(exchange.provider.post(Job::Chat, body).with_inserts(inserts(given)))
}

fn inserts(given: &PromptInput) -> Vec<crate::http::splice::Insert> {
    let own = given.attachments().map(|attachment| &attachment.insert);
    own.chain(&given.earlier).cloned().collect()
}

/// What an address holds.
async fn fetch(url: &Url, exchange: &mut Exchange, io: &Io) -> Result<Vec<u8>, Failure> {
    exchange.fetch(url, MOST, io).await?.ok_or_else(|| {
        let what = format!("{} is larger than {} MiB", shown(url), MOST >> 20);
        Failure::usage(what).hint("save it to a file and attach that")
    })
}
