//! A conversation as the list of items that the endpoint takes.

use serde_json::{Value, json};

use super::sealed::{self, call, message};
use crate::conversation::{Conversation, Message, ModelReply, ToolCall};
use crate::dialect::question::{ChatQuestion, ServiceTraits};
use crate::dialect::result_files::introduced;
use crate::input::{Attachment, AttachmentGroup};
use crate::provider::ChatApi;

/// The items of a request. `first` is a system message that stands among them.
pub(super) fn input(question: &ChatQuestion<'_>, first: Option<&str>) -> Vec<Value> {
    let (conversation, service) = (question.conversation, &question.service);
    let front = first.filter(|_| service.takes_no_system);
    let system = first.filter(|_| !service.takes_no_system);
    let mut teller = Teller::new(service, front);
    teller.told.extend(system.map(|text| json!({"role": "system", "content": text})));
    teller.tell_all(&conversation.messages);
    teller.told
}

/// Those of them that came since the question at hand was asked.
pub(super) fn since(question: &ChatQuestion<'_>) -> Vec<Value> {
    let conversation: &Conversation = question.conversation;
    let mut teller = Teller::new(&question.service, None);
    teller.tell_all(conversation.since());
    teller.told
}

/// Tells a conversation, message by message.
struct Teller<'a> {
    service: &'a ServiceTraits<'a>,
    told: Vec<Value>,
    /// What goes in front of the next message of the user's.
    front: Option<&'a str>,
}

impl<'a> Teller<'a> {
    fn new(service: &'a ServiceTraits<'a>, front: Option<&'a str>) -> Self {
        Self { service, told: Vec::new(), front }
    }

    fn tell_all(&mut self, said: &[Message]) {
        for message in said {
            match message {
                Message::User { text, attachments } => self.question(text, attachments),
                Message::Model { reply, provider } => self.reply(reply, provider),
            }
        }
    }

    fn question(&mut self, text: &str, attachments: &[Attachment]) {
        let front = self.front.take().filter(|front| !front.is_empty());
        let text = match front {
            Some(front) if text.is_empty() => front.to_owned(),
            Some(front) => format!("{front}\n\n{text}"),
            None => text.to_owned(),
        };
        self.told.push(json!({"role": "user", "content": content(&text, attachments)}));
    }

    /// What a model said, in the order in which it did where that is known, and behind it the results
    /// of its calls.
    fn reply(&mut self, reply: &ModelReply, provider: &str) {
        let service = self.service.addressee.as_ref();
        let sealed = service.and_then(|service| service.told(reply, provider).sealed.clone());
        let items = sealed.map(|sealed| sealed.items).unwrap_or_default();
        let said = match sealed::said(&items, reply, self.service) {
            said if said.is_empty() => plain(reply),
            said => said,
        };
        let number = self.told.len();
        let with_ids = |(at, item)| match self.service.responses.ids {
            true => with_id(item, number + at),
            false => item,
        };
        self.told.extend(said.into_iter().enumerate().map(with_ids));
        let results: Vec<Value> = reply.calls.iter().map(|call| self.result(call)).collect();
        self.told.extend(results);
        self.told.extend(self.files_behind(&reply.calls));
    }

    /// The result of a call. Its files stand in it where the service takes them there.
    fn result(&self, call: &ToolCall) -> Value {
        let files = &self.service.result_files;
        let text = files.told(call, ChatApi::Responses);
        let passed: Vec<Attachment> = match files.in_responses_results {
            true => files.passed(call, ChatApi::Responses).cloned().collect(),
            false => Vec::new(),
        };
        let output = content(&text, &passed);
        json!({"type": "function_call_output", "call_id": call.id, "output": output})
    }

    /// The files that came with results, in a message of the user's, for services that take only text in
    /// a result.
    fn files_behind(&self, calls: &[ToolCall]) -> Option<Value> {
        let files = &self.service.result_files;
        let passed = calls.iter().flat_map(|call| files.passed(call, ChatApi::Responses));
        let passed: Vec<Attachment> = passed.cloned().collect();
        let stands_behind = !files.in_responses_results && !passed.is_empty();
        let content = || content(&introduced(&passed), &passed);
        stands_behind.then(|| json!({"role": "user", "content": content()}))
    }
}

/// The words and the calls of a reply.
fn plain(reply: &ModelReply) -> Vec<Value> {
    // Services refuse a message without any text.
    let text = (!reply.text.is_empty()).then(|| message(&reply.text));
    text.into_iter().chain(reply.calls.iter().map(call)).collect()
}

/// The same item with an id and a status, for services that look for them; any id does.
fn with_id(item: Value, number: usize) -> Value {
    let Value::Object(mut item) = item else { return item };
    let kind = item.get("type").and_then(Value::as_str).unwrap_or("message").to_owned();
    let prefix = match kind.as_str() {
        "reasoning" => "rs",
        "function_call" => "fc",
        _ => "msg",
    };
    if let Some(Value::String(text)) = item.get("content") {
        let part = json!({"type": "output_text", "text": text, "annotations": []});
        item.insert("content".into(), json!([part]));
    }
    item.insert("type".into(), kind.into());
    item.insert("id".into(), format!("{prefix}_{number}").into());
    item.insert("status".into(), "completed".into());
    item.into()
}

/// A message's content. Without an attachment it is a plain text; with some, the text comes first and
/// the others in their order.
///
/// The attachments' bytes are not in it, but the marks that the request replaces by their base64.
fn content(text: &str, attachments: &[Attachment]) -> Value {
    if attachments.is_empty() {
        return text.into();
    }
    let text = (!text.is_empty()).then(|| json!({"type": "input_text", "text": text}));
    text.into_iter().chain(attachments.iter().map(part)).collect()
}

fn part(attachment: &Attachment) -> Value {
    let (format, mark) = (attachment.format, &attachment.insert.mark);
    let url = format!("data:{};base64,{mark}", format.media_type());
    match format.group() {
        AttachmentGroup::Picture => json!({"type": "input_image", "image_url": url}),
        // The specification has the part, and no place where it may stand: it is not asked for.
        AttachmentGroup::Audio => {
            json!({"type": "input_audio", "input_audio": {"data": mark, "format": format.name()}})
        }
        AttachmentGroup::Pdf => {
            json!({"type": "input_file", "filename": attachment.name, "file_data": url})
        }
    }
}
