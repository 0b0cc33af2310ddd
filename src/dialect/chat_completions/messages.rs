//! A conversation as the list of messages that the endpoint takes.

use std::borrow::Cow;

use serde_json::{Map, Value, json};

use super::content::content;
use crate::conversation::{Citation, Conversation, Message, ModelReply, ToolCall, Turn};
use crate::dialect::question::{ChatQuestion, ServiceTraits};
use crate::dialect::result_files::introduced;
use crate::dialect::schema;
use crate::input::Attachment;
use crate::provider::ChatApi;

/// The messages of a request.
pub(super) fn messages(question: &ChatQuestion<'_>) -> Vec<Value> {
    let (conversation, service) = (question.conversation, &question.service);
    let own = conversation.instructions.as_deref();
    let system = schema::instructions(own, question.schema, service.schema_form);
    told(system.as_deref(), &conversation.messages, service)
}

/// Those of them that came since the question at hand was asked.
pub(super) fn messages_since(question: &ChatQuestion<'_>) -> Vec<Value> {
    told(None, question.conversation.since(), &question.service)
}

/// A conversation as other programs take it, told to no service in particular.
pub(crate) fn exported(conversation: &Conversation) -> Vec<Value> {
    let system = conversation.instructions.as_deref();
    told(system, &conversation.messages, &ServiceTraits::default())
}

/// The messages between a turn's question and its answer, thinking in a field `reasoning`: as the
/// history of version 0.1 had them and `history show --json` prints them.
pub(crate) fn steps(turn: &Turn) -> Vec<Value> {
    let mut told = Vec::new();
    for reply in &turn.rounds {
        let mut step = message("assistant", reply.text.as_str());
        if !reply.thinking.is_empty() {
            step["reasoning"] = reply.thinking.as_str().into();
        }
        if let Some(by) = &reply.by {
            step["by"] = json!({"provider": by.provider, "model": by.model});
        }
        if !reply.sources.is_empty() {
            step["sources"] = json!(reply.sources);
        }
        step["tool_calls"] = reply.calls.iter().map(call).collect();
        told.push(step);
        told.extend(reply.calls.iter().map(|call| result(call, call.result.as_str())));
    }
    told
}

/// The field in which a message says what it cites.
const ANNOTATIONS: &str = "annotations";

fn told(system: Option<&str>, said: &[Message], service: &ServiceTraits<'_>) -> Vec<Value> {
    let (front, system) = if service.takes_no_system { (system, None) } else { (None, system) };
    let told = system.map(|text| message("system", text)).into_iter().collect();
    let mut teller = Teller { service, told, foreign: 0, front };
    said.iter().for_each(|message| teller.tell(message));
    teller.told
}

/// Tells a conversation, message by message.
struct Teller<'a> {
    service: &'a ServiceTraits<'a>,
    told: Vec<Value>,
    /// The calls of other services since the last question.
    foreign: usize,
    /// What goes in front of the next message of the user's.
    front: Option<&'a str>,
}

impl Teller<'_> {
    fn tell(&mut self, said: &Message) {
        match said {
            Message::User { text, attachments } => {
                let front = self.front.take().filter(|front| !front.is_empty());
                let text = match front {
                    Some(front) if text.is_empty() => front,
                    Some(front) => &format!("{front}\n\n{text}"),
                    None => text,
                };
                let content = content(text, attachments, self.service);
                self.told.push(message("user", content));
                self.foreign = 0;
            }
            Message::Model { reply, provider } if reply.calls.is_empty() => {
                let reply = self.own(reply, provider);
                self.told.push(Value::Object(self.answer(&reply)));
            }
            Message::Model { reply, provider } => self.round(reply, provider),
        }
    }

    /// A reply as this service may be told it.
    fn own<'r>(&self, reply: &'r ModelReply, provider: &str) -> Cow<'r, ModelReply> {
        let service = self.service.addressee.as_ref();
        service.map_or(Cow::Borrowed(reply), |service| service.told(reply, provider))
    }

    /// What the service wrote of its thinking for itself, as it came. Another dialect's is left out.
    fn sealed(&self, reply: &ModelReply) -> Option<Value> {
        let sealed = reply.sealed.as_ref().filter(|_| self.service.addressee.is_some())?;
        let is_own = |item: &&Value| {
            item.get("type")
                .and_then(Value::as_str)
                .is_some_and(|kind| kind.starts_with("reasoning."))
        };
        let items: Vec<Value> = sealed.items.iter().filter(is_own).cloned().collect();
        (!items.is_empty()).then(|| items.into())
    }

    /// A reply's words, and its thinking where the service wants it back.
    fn answer(&self, reply: &ModelReply) -> Map<String, Value> {
        let mut answer = Map::new();
        answer.insert("role".into(), "assistant".into());
        // Never `null`, which chat templates of local servers stumble over.
        answer.insert("content".into(), reply.text.as_str().into());
        if let Some(field) = self.service.echo_field.filter(|_| !reply.thinking.is_empty()) {
            answer.insert(field.into(), reply.thinking.as_str().into());
        }
        if let Some(details) = self.sealed(reply) {
            answer.insert("reasoning_details".into(), details);
        }
        if let Some(notes) = self.annotations(reply) {
            answer.insert(ANNOTATIONS.into(), notes);
        }
        answer
    }

    /// What a reply cites. For other programs, not for services: some refuse what they don't know.
    fn annotations(&self, reply: &ModelReply) -> Option<Value> {
        let note = |source: &Citation| {
            let page = json!({"url": source.url, "title": source.title});
            json!({"type": "url_citation", "url_citation": page})
        };
        let is_told = self.service.addressee.is_none() && !reply.sources.is_empty();
        is_told.then(|| reply.sources.iter().map(note).collect())
    }

    /// A reply that calls tools, and the results.
    fn round(&mut self, reply: &ModelReply, provider: &str) {
        let told = self.own(reply, provider).into_owned();
        let details = self.sealed(&told);
        let mut calls = told.calls;
        let service = self.service.addressee.as_ref();
        if service.is_some_and(|service| service.is_other(provider)) {
            calls.iter_mut().for_each(|call| call.id = self.plain_id());
        }
        let is_signed = calls.iter().any(|call| !call.extra.is_empty());
        if let Some(first) = calls.first_mut().filter(|_| self.service.signs_calls && !is_signed) {
            first.extra.insert("extra_content".to_owned(), placeholder_signature());
        }
        let mut calling = message("assistant", reply.text.as_str());
        calling["tool_calls"] = calls.iter().map(call).collect();
        // Moonshot and DeepSeek refuse the next message without the field, even an empty one.
        if let Some(field) = self.service.echo_field {
            calling[field] = reply.thinking.as_str().into();
        }
        if let Some(details) = details {
            calling["reasoning_details"] = details;
        }
        if let Some(notes) = self.annotations(reply) {
            calling[ANNOTATIONS] = notes;
        }
        self.told.push(calling);
        for call in &calls {
            let result = self.result(call);
            self.told.push(result);
        }
        let behind = self.files_behind(&calls);
        self.told.extend(behind);
    }

    /// The result of a call. Its files stand in it where the service takes them there.
    fn result(&self, call: &ToolCall) -> Value {
        if self.service.addressee.is_none() {
            return result(call, call.result.as_str());
        }
        let files = &self.service.result_files;
        let text = files.told(call, ChatApi::Completions);
        let passed: Vec<Attachment> = match files.in_chat_results {
            true => files.passed(call, ChatApi::Completions).cloned().collect(),
            false => Vec::new(),
        };
        result(call, content(&text, &passed, self.service))
    }

    /// The files that came with results, in a message of the user's: the specification has no other
    /// place for them.
    fn files_behind(&self, calls: &[ToolCall]) -> Option<Value> {
        let files = &self.service.result_files;
        let passed = calls.iter().flat_map(|call| files.passed(call, ChatApi::Completions));
        let passed: Vec<Attachment> = passed.cloned().collect();
        let stands_behind = !files.in_chat_results && !passed.is_empty();
        let content = || content(&introduced(&passed), &passed, self.service);
        stands_behind.then(|| message("user", content()))
    }

    /// An id that all services take, as Mistral wants nine letters and digits: the place of the
    /// call's turn, its number in it.
    fn plain_id(&mut self) -> String {
        let question = self.told.iter().rposition(|message| message["role"] == "user");
        let (place, number) = (question.map_or(0, |at| at + 1), self.foreign);
        self.foreign += 1;
        format!("c{place:04}n{number:03}")
    }
}

/// `content` is a text, or a list of typed parts.
fn message(role: &str, content: impl Into<Value>) -> Value {
    json!({"role": role, "content": content.into()})
}

/// What Google documents for calls that no model of its own made, in the place of a signature.
fn placeholder_signature() -> Value {
    json!({"google": {"thought_signature": "skip_thought_signature_validator"}})
}

fn call(call: &ToolCall) -> Value {
    let function = json!({"name": call.name, "arguments": call.object()});
    let mut told = json!({"id": call.id, "type": "function", "function": function});
    for (name, value) in &call.extra {
        match (name.as_str(), value) {
            // What else stood in the function itself.
            ("function", Value::Object(fields)) => {
                for (name, value) in fields {
                    told["function"]
                        .as_object_mut()
                        .map(|own| own.entry(name).or_insert(value.clone()));
                }
            }
            _ => told[name] = value.clone(),
        }
    }
    told
}

fn result(call: &ToolCall, content: impl Into<Value>) -> Value {
    json!({"role": "tool", "tool_call_id": call.id, "content": content.into()})
}
