//! One question: the conversation that it goes on with, what the user gave, and the requests that are
//! made of both. Sends nothing.

use serde_json::{Map, Value};

use super::api::{self, ChosenApi};
use super::asked_form::FixedFields;
use super::attach;
use super::cuts::SilentCuts;
use super::options::QuestionOptions;
use super::schema::AnswerSchema;
use super::search;
use super::ways_out::Learned;
use crate::command::steps::check_model;
use crate::conversation::{Conversation, Message};
use crate::dialect::reader::ChatReader;
use crate::dialect::{AskedFor, ChatQuestion, ToolDefinition};
use crate::error::Failure;
use crate::exchange::Draft;
use crate::http::splice::SplicedFile;
use crate::input::{Attachment, InputItem, PromptInput};
use crate::provider::user_fields::{SetBy, UserFields};
use crate::provider::{ChatApi, Composed, Job, Provider, ResponsesExtra, limit_in};

mod ways;

/// One question.
#[derive(Debug)]
pub(in crate::command) struct Question {
    /// What the user gave.
    pub(super) given: PromptInput,
    pub(in crate::command) first: FirstRequest,
    conversation: Conversation,
    /// The pictures of the last answer, which go along.
    shown: Vec<Attachment>,
    options: QuestionOptions,
    tools: Vec<ToolDefinition>,
    /// How often it was asked before for one more answer.
    repeats: u32,
    /// The endpoint that it goes to as long as no refusal names the other one.
    chosen: ChosenApi,
    /// What refusals taught of the service.
    pub(in crate::command) learned: Learned,
    /// What the user should know of fields that only later requests leave out.
    untold: Vec<String>,
    /// The limit of tokens of the last request.
    limit: Option<u64>,
    /// The service takes thinking back that came in plain words.
    keeps_thinking: bool,
    fixed: FixedFields,
    /// The next request's body, and which fields of it the user set; none once the conversation has
    /// changed.
    composed: Option<(Map<String, Value>, UserFields)>,
}

/// What the first request tells of those that may follow.
#[derive(Debug)]
pub(in crate::command) struct FirstRequest {
    /// The model that is asked; empty if none is named.
    pub(in crate::command) model: String,
    /// The user limited the answer's length.
    pub(in crate::command) is_limited: bool,
    /// How many answers it asks for.
    pub(super) number: u32,
    /// The user's words, for the names of files.
    pub(super) title: String,
    /// The format in which sound is asked for.
    pub(super) sound_format: Option<String>,
    /// What the user should know of fields that are left out.
    pub(in crate::command) warnings: Vec<String>,
}

/// What was before a question.
#[derive(Default)]
pub(in crate::command) struct Earlier {
    pub(in crate::command) conversation: Conversation,
    /// The pictures of the last answer.
    pub(in crate::command) shown: Vec<Attachment>,
    /// What earlier questions found out of the service.
    pub(in crate::command) learned: Learned,
}

impl Question {
    /// What the user gave, behind what was said before.
    ///
    /// # Errors
    /// Exit 2: no model, or an attachment that the service is known not to take.
    pub(in crate::command) fn new(
        given: PromptInput,
        earlier: Earlier,
        options: QuestionOptions,
        tools: Vec<ToolDefinition>,
        provider: &Provider,
    ) -> Result<Self, Failure> {
        let Earlier { mut conversation, shown, learned } = earlier;
        let (title, mut given) = (title(&given), given);
        // Addresses are fetched later, and the text is joined once more then.
        let text = match given.address() {
            Some(_) => given.text(),
            None => given.take_text(),
        };
        conversation.ask(text, attachments(&shown, &given));
        let chosen = chosen_api(&options, &tools, &learned, provider);
        let spoken = learned.spoken(chosen);
        if !options.leaves_out {
            spoken.check(&options.model)?;
        }
        search::check(&options, spoken, provider)?;
        let asked = ask(spoken.api, &conversation, &options, &tools, &learned, provider);
        let dialect = spoken.dialect();
        let fields = dialect.fields(&asked);
        let is_limited = provider.is_limited_by_user(&fields.flags);
        let composed = dialect.compose(fields, &asked, provider);
        check_model(&composed, "chat", provider)?;
        let Composed { mut body, own, warnings, .. } = composed;
        let model = body.get("model").and_then(Value::as_str).unwrap_or_default().to_owned();
        attach::check(provider, &model, spoken.api, &given)?;
        // `-O` and the profile can ask for several answers too.
        let sent = body.get("n").and_then(Value::as_u64).and_then(|n| u32::try_from(n).ok());
        let number = options.model.number.max(sent).unwrap_or(1);
        if spoken.api == ChatApi::Responses {
            // One answer is all that a request has there.
            body.shift_remove("n");
        }
        let fixed = fixed(&own);
        let sound_format = body.get("audio").and_then(|audio| audio.get("format")?.as_str());
        let sound_format = sound_format.map(str::to_owned);
        let first = FirstRequest { model, is_limited, number, title, sound_format, warnings };
        let composed = Some((body, own));
        Ok(Self {
            given,
            first,
            conversation,
            shown,
            options,
            tools,
            repeats: 0,
            chosen,
            learned,
            untold: Vec::new(),
            limit: None,
            keeps_thinking: provider.responses_take(ResponsesExtra::Thinking),
            fixed,
            composed,
        })
    }

    /// The next request, made of the conversation as it stands. `cuts` will be told of the reply.
    pub(in crate::command) fn draft(
        &mut self,
        provider: &Provider,
        cuts: &mut SilentCuts,
    ) -> Draft {
        let spoken = self.spoken();
        let (body, own) = self.composed.take().unwrap_or_else(|| {
            let (dialect, api, learned) = (spoken.dialect(), spoken.api, &self.learned);
            let asked = ask(api, &self.conversation, &self.options, &self.tools, learned, provider);
            let composed = dialect.compose(dialect.fields(&asked), &asked, provider);
            let mut body = composed.body;
            let is_new = |warning: &String| !self.first.warnings.contains(warning);
            self.untold.extend(composed.warnings.into_iter().filter(is_new));
            if self.repeats > 0 || api == ChatApi::Responses {
                // `-O` and the profile may ask for several.
                body.shift_remove("n");
            }
            (body, composed.own)
        });
        let passes = self.passes(provider);
        let mut inserts: Vec<SplicedFile> = Vec::new();
        for message in &self.conversation.messages {
            let mut add = |file: &Attachment| inserts.push(file.insert.clone());
            match message {
                Message::User { attachments, .. } => attachments.iter().for_each(add),
                Message::Model { reply, .. } => {
                    let files = reply.calls.iter().flat_map(|call| &call.files);
                    let files = files.filter_map(|file| file.attachment.as_ref());
                    files.filter(|file| passes(file)).for_each(&mut add);
                }
            }
        }
        let searches = self.options.wants_search || provider.always_searches(spoken.api);
        cuts.ask(&body, &own, inserts.iter().map(SplicedFile::length).collect(), searches);
        self.limit = limit_in(&body);
        let request = provider.post_chat(spoken.api, body).with_inserts(inserts);
        Draft::repairable(request, Job::Chat, own)
    }

    /// What reads the reply to the last request.
    pub(in crate::command) fn reader(&self, content_type: &str) -> ChatReader {
        let (api, limit) = (self.spoken().api, self.limit);
        let asked = AskedFor { api, limit, keeps_thinking: self.keeps_thinking };
        ChatReader::new(asked, content_type)
    }

    /// The endpoint that the next request goes to.
    pub(super) fn spoken(&self) -> ChosenApi {
        self.learned.spoken(self.chosen)
    }

    /// What the user should know of the last request that the first one's warnings did not say.
    pub(in crate::command) fn take_untold(&mut self) -> Vec<String> {
        let warnings = std::mem::take(&mut self.untold);
        self.first.warnings.extend(warnings.iter().cloned());
        warnings
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

    /// What decides whether a file that a tool gave goes along.
    pub(super) fn passes(&self, provider: &Provider) -> impl Fn(&Attachment) -> bool + use<> {
        let (files, api) = (self.learned.traits(provider).result_files, self.spoken().api);
        move |file| files.pass(file, api)
    }

    /// Offers these tools from now on.
    pub(super) fn offer(&mut self, tools: Vec<ToolDefinition>) {
        self.tools = tools;
        self.composed = None;
    }

    /// Whether the model may call tools.
    pub(super) fn has_tools(&self) -> bool {
        !self.tools.is_empty()
    }

    /// What goes along with the messages, and whether with the question itself; that comes first.
    pub(super) fn attachments(&self) -> impl Iterator<Item = (&Attachment, bool)> {
        let earlier = self.conversation.messages.iter().flat_map(|message| match message {
            Message::User { attachments, .. } => attachments.as_slice(),
            Message::Model { .. } => &[],
        });
        let now = self.given.attachments().map(|attachment| (attachment, true));
        now.chain(earlier.map(|attachment| (attachment, false)))
    }

    /// Goes on with what was said since.
    pub(in crate::command) fn go_on(&mut self, said: Message) {
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
        attach::check(provider, &self.first.model, self.spoken().api, &self.given)?;
        self.conversation.ask_instead(self.given.text(), attachments(&self.shown, &self.given));
        self.composed = None;
        Ok(())
    }
}

/// What the user set of a request, by its names over both endpoints.
fn fixed(own: &UserFields) -> FixedFields {
    let is_set = |name: &str| own.by(name).is_some();
    let is_no_flag = |name: &str| own.by(name).is_some_and(|by| !matches!(by, SetBy::Flag(_)));
    FixedFields {
        messages: is_set("messages") || is_set("input"),
        response_format: is_no_flag("response_format") || is_no_flag("text"),
    }
}

/// The endpoint for a question with these options, before anything was learnt of the service.
pub(super) fn chosen_api(
    options: &QuestionOptions,
    tools: &[ToolDefinition],
    learned: &Learned,
    provider: &Provider,
) -> ChosenApi {
    let by_rule = || {
        // Rules look at the fields of /chat/completions, and at no message.
        let nothing_said = Conversation::default();
        let api = ChatApi::Completions;
        let asked = ask(api, &nothing_said, options, tools, learned, provider);
        provider.api_by_rule(crate::dialect::of(api).fields(&asked))
    };
    let by_rule = if provider.has_rules_of_api() { by_rule() } else { None };
    let chosen = api::chosen(options.api, by_rule, provider);
    if options.wants_search { search::chosen(chosen, provider) } else { chosen }
}

/// What goes along with a question: what the last answer showed, and what the user gave.
fn attachments(shown: &[Attachment], given: &PromptInput) -> Vec<Attachment> {
    shown.iter().chain(given.attachments()).cloned().collect()
}

/// The last of the texts, which are the user's own words if there are some. No name is as long.
fn title(given: &PromptInput) -> String {
    let texts = given.items.iter().rev().filter_map(|item| match item {
        InputItem::Text(text) => Some(text),
        _ => None,
    });
    texts.map(|text| text.chars().take(200).collect()).next().unwrap_or_default()
}

/// What a request to this endpoint asks.
fn ask<'a>(
    api: ChatApi,
    conversation: &'a Conversation,
    options: &'a QuestionOptions,
    tools: &'a [ToolDefinition],
    learned: &Learned,
    provider: &'a Provider,
) -> ChatQuestion<'a> {
    ChatQuestion {
        model: provider.model.as_deref(),
        conversation,
        options: &options.model,
        schema: options.schema.as_ref().map(|schema| &schema.sent),
        tools,
        streams: options.streams,
        wants_thinking: options.wants_thinking,
        wants_usage: options.wants_usage || provider.is_known(),
        search: provider.search(api).filter(|_| options.wants_search),
        service: learned.traits(provider),
    }
}
