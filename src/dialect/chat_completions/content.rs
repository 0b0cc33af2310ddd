//! The content of a message: a text, or a text with pictures, recordings and documents.

use serde_json::{Value, json};

use crate::dialect::question::ServiceTraits;
use crate::input::{Attachment, AttachmentGroup};

/// A message's content. Without an attachment it is a plain text, as models that read nothing else
/// want it; with some, the text comes first (as in the specification's examples) and the others in
/// their order, in the form that the service takes.
///
/// The attachments' bytes are not in it, but the marks that the request replaces by their base64.
pub(super) fn content(
    text: &str,
    attachments: &[Attachment],
    service: &ServiceTraits<'_>,
) -> Value {
    let parts: Vec<Value> =
        attachments.iter().map(|attachment| part(attachment, service)).collect();
    if parts.is_empty() {
        return text.into();
    }
    let text = (!text.is_empty()).then(|| json!({"type": "text", "text": text}));
    text.into_iter().chain(parts).collect()
}

/// Specification, `ChatCompletionRequestMessageContentPart*`. `file_data` is a data URL in the
/// service's guide to PDF files, of which the schema only says base64.
///
/// Mistral has `document_url` for documents, and refuses `file`.
fn part(attachment: &Attachment, service: &ServiceTraits<'_>) -> Value {
    let (format, mark) = (attachment.format, &attachment.insert.mark);
    let url = format!("data:{};base64,{mark}", format.media_type());
    match format.group() {
        AttachmentGroup::Picture => json!({"type": "image_url", "image_url": {"url": url}}),
        AttachmentGroup::Audio => {
            let data = if service.takes_audio_as_url { &url } else { mark };
            json!({"type": "input_audio", "input_audio": {"data": data, "format": format.name()}})
        }
        AttachmentGroup::Pdf if service.takes_pdf_as_url => {
            json!({"type": "document_url", "document_url": url, "document_name": attachment.name})
        }
        AttachmentGroup::Pdf => {
            json!({"type": "file", "file": {"filename": attachment.name, "file_data": url}})
        }
    }
}
