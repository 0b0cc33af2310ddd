//! What a service reads or writes without a word: less than was sent, or more than was allowed. Its count
//! of tokens is the only sign. Sends nothing.

use ring::digest::{Context, SHA256};
use serde_json::{Map, Value};

use crate::api::least_tokens::{LONG_TEXT, can_be_all};
use crate::conversation::{Conversation, Message, SentRequest};
use crate::dialect::answers::Answers;
use crate::dialect::usage::{TokenCounts, is_over, prompt_tokens};
use crate::io::Io;
use crate::provider::user_fields::UserFields;
use crate::provider::{Provider, limits_of};

/// The silent cuts of one question: its requests, and what was found.
#[derive(Debug, Default)]
pub(in crate::command) struct SilentCuts {
    /// The first request of the turn before.
    before: Option<SentRequest>,
    out: OutRequest,
    /// A reply came.
    has_heard: bool,
    /// The first request of this turn, and the last one, with their counts.
    first: Option<SentRequest>,
    last: Option<SentRequest>,
    pub(in crate::command) found: FoundCuts,
}

/// What was found, in words.
#[derive(Debug, Default)]
pub(in crate::command) struct FoundCuts {
    /// Not all that was sent was read.
    pub(super) lost: Option<String>,
    /// The answer is longer than the user's limit.
    pub(super) over_limit: Option<String>,
}

impl FoundCuts {
    /// Warns of what was found, with the way on that the profile knows.
    pub(super) fn tell(&self, provider: &Provider, io: &Io) {
        for found in [&self.lost, &self.over_limit].into_iter().flatten() {
            io.warn(found);
        }
        let is_found = self.lost.is_some() || self.over_limit.is_some();
        if let Some(hint) = provider.profile.context_hint.get().filter(|_| is_found) {
            io.warning_hint(hint);
        }
    }
}

/// The request that is out. What takes time is left for later: it is on the way to the first byte.
#[derive(Debug, Default)]
struct OutRequest {
    bytes: u64,
    files: Vec<u64>,
    /// The fields that decide on the count of its tokens; none where the service puts something of
    /// its own into the prompt.
    fields: Option<Vec<String>>,
    /// The limit of tokens that the user set for the answer.
    limit: Option<u64>,
}

/// A reply that came whole, and what it is one to.
pub(super) struct HeardReply<'a> {
    pub(super) answers: &'a Answers,
    /// Who replied, in the reply's words.
    pub(super) replied: Option<&'a str>,
    pub(super) conversation: &'a Conversation,
    /// What the answer must fit: some services are told of it in the instructions.
    pub(super) schema: Option<&'a Value>,
    pub(super) provider: &'a Provider,
}

impl SilentCuts {
    /// For a question behind a turn whose first request was `before`.
    pub(super) fn behind(before: Option<SentRequest>) -> Self {
        Self { before, ..Self::default() }
    }

    /// A request goes out: its body, which of its fields are the user's, the lengths of what is
    /// attached, and whether the service searches for pages to put into the prompt.
    pub(super) fn ask(
        &mut self,
        body: &Map<String, Value>,
        own: &UserFields,
        files: Vec<u64>,
        searches: bool,
    ) {
        let list = body.get("messages").or_else(|| body.get("input")).and_then(Value::as_array);
        let messages = list.into_iter().flatten();
        self.out = OutRequest {
            bytes: messages.map(bytes).sum(),
            files,
            fields: deciding_fields(body).filter(|_| !searches),
            limit: limits_of(body, own),
        };
    }

    /// The reply to it came.
    pub(super) fn hear(&mut self, heard: &HeardReply<'_>) {
        let is_first = !std::mem::replace(&mut self.has_heard, true);
        let out = std::mem::take(&mut self.out);
        let Some(usage) = heard.answers.usage() else { return };
        let name = &heard.provider.name;
        if let Some(limit) = out.limit {
            let found = over_limit(limit, heard.answers, usage, name);
            self.found.over_limit = self.found.over_limit.take().or(found);
        }
        let Some(tokens) = prompt_tokens(usage) else { return };
        if let Some(fields) = &out.fields {
            let frame = fingerprint(fields, heard);
            let replied = heard.replied.unwrap_or_default().to_owned();
            let OutRequest { bytes, files, .. } = out;
            self.compare(SentRequest { bytes, files, frame, replied, tokens }, is_first, name);
        }
        if self.found.lost.is_none() {
            self.found.lost = unread(tokens.most, out.bytes, heard);
        }
    }

    fn compare(&mut self, sent: SentRequest, is_first: bool, name: &str) {
        let earlier = if is_first { &self.before } else { &self.last };
        let lost = earlier.as_ref().and_then(|earlier| sent.lost_since(earlier));
        if let (Some((then, now)), None) = (lost, &self.found.lost) {
            let which = if is_first { "for the turn before" } else { "for the request before" };
            self.found.lost = Some(format!(
                "{name} counted {now} tokens and {then} {which}, which was shorter: it did not read all that was sent"
            ));
        }
        if is_first {
            self.first = Some(sent.clone());
        }
        self.last = Some(sent);
    }

    /// The first request of this turn, if its tokens were counted.
    pub(super) fn first(&mut self) -> Option<SentRequest> {
        self.first.take()
    }
}

/// Words for long texts of which so few tokens were counted that they can't have been read.
fn unread(tokens: u64, sent: u64, heard: &HeardReply<'_>) -> Option<String> {
    let messages = heard.conversation.messages.iter().filter_map(|message| match message {
        Message::User { text, .. } => Some(text.as_str()),
        Message::Model { .. } => None,
    });
    let texts = messages.chain(heard.conversation.instructions.as_deref());
    let long: Vec<&str> = texts.filter(|text| text.len() >= LONG_TEXT).collect();
    let bytes: usize = long.iter().map(|text| text.len()).sum();
    // `-O messages=…` may have sent others.
    if bytes as u64 > sent || can_be_all(tokens, long.iter().copied()) {
        return None;
    }
    let name = &heard.provider.name;
    Some(format!(
        "{name} counted {tokens} tokens for {bytes} bytes of text: it did not read all of it"
    ))
}

/// Words for an answer that is longer than the user's limit allows.
fn over_limit(limit: u64, answers: &Answers, usage: &Value, name: &str) -> Option<String> {
    let counts = TokenCounts::of(usage);
    let thinking = counts.thinking.unwrap_or(0);
    if answers.is_cut() || (answers.has_thinking() && thinking == 0) {
        return None;
    }
    let each = counts.output?.saturating_sub(thinking) / answers.number().max(1) as u64;
    is_over(each, limit).then(|| {
        format!("the answer of {name} counts {each} tokens, over your limit of {limit}, which had no effect")
    })
}

/// The fields of a request that decide on the count of its prompt, beside its messages; `None` where
/// the service puts something of its own into the prompt.
fn deciding_fields(body: &Map<String, Value>) -> Option<Vec<String>> {
    let is_own_tool = |tool: &Value| tool["type"] != "function";
    let tools = body.get("tools").and_then(Value::as_array);
    let adds = |name: &String| {
        name.contains("search") || matches!(name.as_str(), "plugins" | "connectors" | "documents")
    };
    let is_online = |model: &Value| model.as_str().is_some_and(|name| name.ends_with(":online"));
    if body.keys().any(adds)
        || body.get("model").is_some_and(is_online)
        || tools.is_some_and(|tools| tools.iter().any(is_own_tool))
    {
        return None;
    }
    let field = |name: &&str| body.get(*name).map(Value::to_string).unwrap_or_default();
    Some(["model", "tools", "tool_choice", "response_format", "n"].iter().map(field).collect())
}

/// Everything beside the texts that decides on the count of a prompt.
fn fingerprint(fields: &[String], heard: &HeardReply<'_>) -> String {
    let mut context = Context::new(&SHA256);
    let base_url = heard.provider.base_url.as_str();
    let instructions = heard.conversation.instructions.as_deref().unwrap_or_default();
    let schema = heard.schema.map(Value::to_string).unwrap_or_default();
    let own = [heard.provider.name.as_str(), base_url, instructions, &schema];
    for text in own.into_iter().chain(fields.iter().map(String::as_str)) {
        context.update(&text.len().to_le_bytes());
        context.update(text.as_bytes());
    }
    let digest = context.finish();
    digest.as_ref()[..8].iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The bytes of a message's texts and calls; thinking is not among them.
fn bytes(message: &Value) -> u64 {
    let length = |text: Option<&Value>| text.and_then(Value::as_str).map_or(0, str::len);
    let texts: usize = match message.get("content") {
        Some(Value::Array(parts)) => parts.iter().map(|part| length(part.get("text"))).sum(),
        content => length(content),
    };
    let calls = message.get("tool_calls").and_then(Value::as_array).into_iter().flatten();
    let calls = calls.map(|call| length(call.pointer("/function/arguments")));
    // Calls and results over `/responses`.
    let own = length(message.get("arguments")) + length(message.get("output"));
    (texts + own + calls.sum::<usize>()) as u64
}
