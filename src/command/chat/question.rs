//! One question: the conversation that it goes on with, what the user gave, and the requests that are
//! made of both. Sends nothing.

use serde_json::{Map, Value};

use super::attach;
use super::cuts::SilentCuts;
use super::options::QuestionOptions;
use super::schema::AnswerSchema;
use crate::command::steps::check_model;
use crate::conversation::{Conversation, Message};
use crate::dialect::chat_completions::ChatCompletions;
use crate::dialect::{ChatDialect, ChatQuestion, ServiceTraits, ToolDefinition};
use crate::error::Failure;
use crate::exchange::Draft;
use crate::http::splice::SplicedFile;
use crate::input::{InputItem, PromptInput};
use crate::provider::user_fields::UserFields;
use crate::provider::{Composed, Provider};

/// The dialect that services are spoken to in.
pub(super) const DIALECT: &dyn ChatDialect = &ChatCompletions;

/// One question.
#[derive(Debug)]
pub(super) struct Question {
    /// What the user gave.
    pub(super) given: PromptInput,
    pub(super) first: FirstRequest,
    conversation: Conversation,
    options: QuestionOptions,
    tools: Vec<ToolDefinition>,
    /// How often it was asked before for one more answer.
    repeats: u32,
    /// The field in which the service turned out to want a model's thinking back.
    pub(super) echo_field: Option<String>,
    /// The next request's body, and which fields of it the user set; none once the conversation has
    /// changed.
    composed: Option<(Map<String, Value>, UserFields)>,
}

/// What the first request tells of those that may follow.
#[derive(Debug)]
pub(super) struct FirstRequest {
    /// The model that is asked; empty if none is named.
    pub(super) model: String,
    /// The user limited the answer's length.
    pub(super) is_limited: bool,
    /// How many answers it asks for.
    pub(super) number: u32,
    /// What the user should know of fields that are left out.
    pub(super) warnings: Vec<String>,
}

impl Question {
    /// What the user gave, behind `earlier` as the conversation so far.
    ///
    /// # Errors
    /// Exit 2: no model, or an attachment that the service is known not to take.
    pub(super) fn new(
        given: PromptInput,
        earlier: Conversation,
        options: QuestionOptions,
        tools: Vec<ToolDefinition>,
        provider: &Provider,
    ) -> Result<Self, Failure> {
        let (mut conversation, mut given) = (earlier, given);
        // Addresses are fetched later, and the text is joined once more then.
        let text = match given.address() {
            Some(_) => given.text(),
            None => given.take_text(),
        };
        conversation.ask(text, given.attachments().cloned().collect());
        let echo_field = None;
        let asked = ask(&conversation, &options, &tools, None, provider);
        let fields = DIALECT.fields(&asked);
        let is_limited = provider.is_limited_by_user(&fields.flags);
        let composed = DIALECT.compose(fields, &asked, provider);
        check_model(&composed, "chat", provider)?;
        let Composed { body, own, warnings, .. } = composed;
        let model = body.get("model").and_then(Value::as_str).unwrap_or_default().to_owned();
        attach::check(provider, &model, &given)?;
        // `-O` and the profile can ask for several answers too.
        let sent = body.get("n").and_then(Value::as_u64).and_then(|n| u32::try_from(n).ok());
        let number = options.model.number.max(sent).unwrap_or(1);
        let first = FirstRequest { model, is_limited, number, warnings };
        let composed = Some((body, own));
        Ok(Self { given, first, conversation, options, tools, repeats: 0, echo_field, composed })
    }

    /// The next request, made of the conversation as it stands. `cuts` will be told of the reply.
    pub(super) fn draft(&mut self, provider: &Provider, cuts: &mut SilentCuts) -> Draft {
        let (body, own) = self.composed.take().unwrap_or_else(|| {
            let echo_field = self.echo_field.as_deref();
            let asked = ask(&self.conversation, &self.options, &self.tools, echo_field, provider);
            let composed = DIALECT.compose(DIALECT.fields(&asked), &asked, provider);
            let mut body = composed.body;
            if self.repeats > 0 {
                // `-O` and the profile may ask for several.
                body.shift_remove("n");
            }
            (body, composed.own)
        });
        let inserts = self.conversation.messages.iter().flat_map(|message| match message {
            Message::User { attachments, .. } => attachments.as_slice(),
            Message::Model { .. } => &[],
        });
        let inserts: Vec<SplicedFile> =
            inserts.map(|attachment| attachment.insert.clone()).collect();
        cuts.ask(&body, &own, inserts.iter().map(SplicedFile::length).collect());
        let request = provider.post(DIALECT.job(), body).with_inserts(inserts);
        Draft::repairable(request, DIALECT.job(), own)
    }

    /// The conversation as the next request tells it.
    pub(super) fn conversation(&self) -> &Conversation {
        &self.conversation
    }

    /// Whether the user wants to know how many tokens the answer took.
    pub(super) fn wants_usage(&self) -> bool {
        self.options.wants_usage
    }

    /// The schema that the answer must fit.
    pub(super) fn schema(&self) -> Option<&AnswerSchema> {
        self.options.schema.as_ref()
    }

    /// Sends the thinking of earlier replies along from now on, in this field. False if it is sent
    /// already, or there was none to send.
    pub(super) fn echo_thinking(&mut self, field: &str, provider: &Provider) -> bool {
        let is_sent = self.echo_field.is_some() || provider.echoes_reasoning().is_some();
        let is_reply = |message: &Message| matches!(message, Message::Model { .. });
        if is_sent || !self.conversation.messages.iter().any(is_reply) {
            return false;
        }
        self.echo_field = Some(field.to_owned());
        self.composed = None;
        true
    }

    /// Goes on with what was said since.
    pub(super) fn go_on(&mut self, said: Message) {
        self.conversation.messages.push(said);
        self.composed = None;
    }

    /// What the user gave, as it was asked.
    pub(super) fn into_given(self) -> PromptInput {
        let (mut given, mut conversation) = (self.given, self.conversation);
        if let Some(text) = conversation.take_question() {
            given.take_text();
            given.put_text(text);
        }
        given
    }

    /// Asks the same once more, for one answer. A seed that the user set counts up, as the answer
    /// would be the same again.
    pub(super) fn ask_one_more(&mut self) {
        self.repeats += 1;
        let model = &mut self.options.model;
        model.number = None;
        model.seed = model.seed.map(|seed| seed.wrapping_add(1));
        self.composed = None;
    }

    /// Puts the content of an address, `item`, in the place of the address at this index.
    ///
    /// # Errors
    /// Exit 2: an attachment that the service is known not to take.
    pub(super) fn put(
        &mut self,
        index: usize,
        item: InputItem,
        provider: &Provider,
    ) -> Result<(), Failure> {
        self.given.items[index] = item;
        attach::check(provider, &self.first.model, &self.given)?;
        self.conversation
            .ask_instead(self.given.text(), self.given.attachments().cloned().collect());
        self.composed = None;
        Ok(())
    }
}

fn ask<'a>(
    conversation: &'a Conversation,
    options: &'a QuestionOptions,
    tools: &'a [ToolDefinition],
    echo_field: Option<&'a str>,
    provider: &'a Provider,
) -> ChatQuestion<'a> {
    let service = ServiceTraits::of(provider);
    let echo_field = echo_field.or(service.echo_field);
    ChatQuestion {
        model: provider.model.as_deref(),
        conversation,
        options: &options.model,
        schema: options.schema.as_ref().map(|schema| &schema.sent),
        tools,
        streams: options.streams,
        wants_usage: options.wants_usage || options.is_in_conversation && provider.is_known(),
        service: ServiceTraits { echo_field, ..service },
    }
}
