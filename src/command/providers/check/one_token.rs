//! The question that costs least: an answer of one token.

use std::time::{Duration, Instant};

use crate::command::chat::endpoint_named;
use crate::command::spent;
use crate::conversation::Conversation;
use crate::dialect::reader::{ChatReader, ReplyEnd};
use crate::dialect::{self, AskedFor, ChatEvent, ChatQuestion, ModelOptions, ServiceTraits};
use crate::error::Failure;
use crate::exchange::{Draft, Operation, ReadError, Reply};
use crate::http::bad_reply::BadReply;
use crate::provider::{ChatApi, Job, Provider};

/// An answer of the model's.
pub(super) struct OneTokenAnswer {
    pub(super) latency: Duration,
    pub(super) first: Option<Duration>,
    pub(super) is_stream: bool,
}

/// The smallest question: one token is enough.
pub(super) fn chat(provider: &Provider, model: Option<&str>, api: ChatApi, stream: bool) -> Draft {
    let mut conversation = Conversation::default();
    conversation.ask("hi".to_owned(), Vec::new());
    // OpenAI refuses fewer over /responses.
    let most = if api == ChatApi::Responses { 16 } else { 1 };
    let options = ModelOptions { max_tokens: Some(most), ..ModelOptions::default() };
    let question = ChatQuestion {
        model,
        conversation: &conversation,
        options: &options,
        schema: None,
        tools: &[],
        streams: stream,
        wants_usage: false,
        wants_thinking: false,
        search: None,
        service: ServiceTraits::of(provider),
    };
    let dialect = dialect::of(api);
    let composed = dialect.compose(dialect.fields(&question), &question, provider);
    let request = provider.post_chat(api, composed.body);
    Draft::repairable(request, Job::Chat, composed.own.without_flags())
}

/// Asks for an answer of one token.
pub(super) struct AskOneToken<'a> {
    pub(super) model: Option<&'a str>,
    /// The endpoint that is asked, and the one that a refusal of it named.
    pub(super) api: ChatApi,
    pub(super) named: Option<ChatApi>,
    pub(super) stream: bool,
    pub(super) started: Instant,
}

impl Operation for AskOneToken<'_> {
    type Output = OneTokenAnswer;

    fn request(&mut self, provider: &Provider) -> Result<Draft, Failure> {
        Ok(chat(provider, self.model, self.named.unwrap_or(self.api), self.stream))
    }

    fn changes_request(&mut self, failure: &Failure, _: &Provider) -> bool {
        let refused = failure.refused.as_deref().filter(|_| self.named.is_none());
        let model = self.model.unwrap_or_default();
        self.named = self
            .named
            .or_else(|| refused.and_then(|refused| endpoint_named(refused, self.api, model)));
        refused.is_some() && self.named.is_some()
    }

    fn begin_again(&mut self) {
        self.started = Instant::now();
    }

    async fn read(&mut self, reply: &mut Reply<'_>) -> Result<OneTokenAnswer, ReadError> {
        let api = self.named.unwrap_or(self.api);
        let asked = AskedFor { api, ..AskedFor::default() };
        let mut reader = ChatReader::new(asked, reply.content_type());
        let (mut first, mut any, mut is_finished, mut usage) = (None, false, false, None);
        let mut each = |event: ChatEvent<'_>| {
            any = true;
            is_finished |= matches!(event, ChatEvent::Finish { .. });
            if let ChatEvent::Usage(counted) = event {
                usage = Some(counted.clone());
            }
            if matches!(event, ChatEvent::Text { .. } | ChatEvent::Thinking { .. }) {
                first.get_or_insert_with(|| self.started.elapsed());
            }
        };
        while let Some(bytes) = reply.chunk().await? {
            reader.push(&bytes, &mut each);
            if reader.is_done() {
                break;
            }
        }
        let end = reader.finish(&mut each);
        reply.exchange().spend(spent::of_usage(usage.as_ref()));
        if let Some(fault) = reader.fault() {
            return Err(BadReply::from(fault.clone()).into());
        }
        let is_stream = matches!(end, ReplyEnd::Stream { .. });
        match end {
            ReplyEnd::Stream { done } if done || is_finished => {}
            ReplyEnd::Whole if any => {}
            ReplyEnd::Stream { .. } => return Err(BadReply::BrokenOff.into()),
            ReplyEnd::Broken(what) => return Err(BadReply::Unreadable(what).into()),
            ReplyEnd::Empty => return Err(BadReply::Empty.into()),
            ReplyEnd::Whole => return Err(BadReply::NotAnAnswer(String::new()).into()),
            ReplyEnd::NoAnswer(words) => return Err(BadReply::NotAnAnswer(words).into()),
        }
        Ok(OneTokenAnswer { latency: self.started.elapsed(), first, is_stream })
    }
}
