//! What goes along with a prompt: told by its name, and checked against what the service takes.

use crate::config::name::profile_table;
use crate::error::Failure;
use crate::http::request::shown;
use crate::input::{Attachment, AttachmentGroup, InputItem, PromptInput};
use crate::provider::{ChatApi, Provider};

/// The user's message as the history keeps it: attachments by their names; their bytes are kept
/// beside the conversation, which would grow by megabytes with them.
pub(super) fn kept(mut given: PromptInput) -> String {
    let names: Vec<String> = given
        .items
        .iter()
        .filter_map(|item| match item {
            InputItem::Text(_) => None,
            InputItem::Attachment(attachment) => Some(attachment.given.clone()),
            InputItem::Address(url) => Some(shown(url)),
        })
        .collect();
    let text = given.take_text();
    if names.is_empty() { text } else { noted(&text, names) }
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

/// Whether the endpoint has no place for an attachment.
pub(super) fn has_no_place(api: ChatApi, attachment: &Attachment) -> bool {
    api == ChatApi::Responses && attachment.format.group() == AttachmentGroup::Audio
}

/// Refuses an attachment that the service or the model is known not to take.
pub(super) fn check(
    provider: &Provider,
    model: &str,
    api: ChatApi,
    given: &PromptInput,
) -> Result<(), Failure> {
    if let Some(attachment) = given.attachments().find(|it| has_no_place(api, it)) {
        let (file, format) = (&attachment.given, attachment.format.words());
        let what = format!("{file} is {format}, and /responses has no place for recordings");
        let hint = "`--api completions` takes it; `llm transcribe` turns it into text";
        return Err(Failure::usage(what).hint(hint));
    }
    let mut attachments = given.attachments();
    let Some(attachment) = attachments.find(|it| is_refused(provider, model, it)) else {
        return Ok(());
    };
    let (name, file, format) = (&provider.name, &attachment.given, attachment.format);
    let what = format!("{file} is {}, which {name} does not accept for {model}", format.words());
    let other = match format.group() {
        AttachmentGroup::Audio => "`llm transcribe` turns it into text; ",
        AttachmentGroup::Pdf => "`pdftotext` turns it into text; ",
        AttachmentGroup::Picture => "",
    };
    Err(Failure::usage(what).hint(format!(
        "{other}if the service accepts it now, set `takes_no = []` in {}",
        profile_table(name)
    )))
}
