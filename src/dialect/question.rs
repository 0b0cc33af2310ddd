//! What a request asks, in terms of no dialect.

use serde_json::{Map, Number, Value};

use super::result_files::ResultFileTraits;
use super::schema::SchemaForm;
use crate::conversation::{Addressee, Conversation};
use crate::http::request::shown;
use crate::provider::{Provider, ResponsesExtra, ToolSchemaForm};

/// What a request asks: a conversation, and what the user wants of the reply to it.
#[derive(Debug, Clone)]
pub(crate) struct ChatQuestion<'a> {
    pub(crate) model: Option<&'a str>,
    /// Its last message is what is to be replied to.
    pub(crate) conversation: &'a Conversation,
    pub(crate) options: &'a ModelOptions,
    /// A JSON Schema that the answer must fit.
    pub(crate) schema: Option<&'a Value>,
    /// What the model may call.
    pub(crate) tools: &'a [ToolDefinition],
    /// Whether the reply is to come as a stream.
    pub(crate) streams: bool,
    /// Whether the user wants to know how many tokens it took.
    pub(crate) wants_usage: bool,
    /// Whether the user gets to see the model's thinking.
    pub(crate) wants_thinking: bool,
    /// The fields that turn the service's own web search on, where the user wants it.
    pub(crate) search: Option<&'a Map<String, Value>>,
    pub(crate) service: ServiceTraits<'a>,
}

/// What a user sets of a model's behaviour, by flags.
#[derive(Debug, Clone, Default)]
pub(crate) struct ModelOptions {
    pub(crate) temperature: Option<Number>,
    pub(crate) top_p: Option<Number>,
    /// The longest answer, in tokens.
    pub(crate) max_tokens: Option<u64>,
    pub(crate) seed: Option<i64>,
    /// Texts before which the model stops.
    pub(crate) stop: Vec<String>,
    pub(crate) reasoning_effort: Option<String>,
    /// How many answers are wanted.
    pub(crate) number: Option<u32>,
}

/// A tool that the model may call.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ToolDefinition {
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    /// A JSON Schema of an object.
    pub(crate) parameters: Value,
}

/// What a dialect must know of the service that is asked.
#[derive(Debug, Clone, Default)]
pub(crate) struct ServiceTraits<'a> {
    /// The service; `None` where a conversation is told to nobody in particular, and nothing in it is
    /// another service's.
    pub(crate) addressee: Option<Addressee>,
    /// The field in which it wants a model's thinking back.
    pub(crate) echo_field: Option<&'a str>,
    /// The system message's text goes in front of the first message.
    pub(crate) takes_no_system: bool,
    /// It wants a signature with the first tool call of a reply, whoever wrote the reply (Gemini).
    pub(crate) signs_calls: bool,
    /// Recordings go as data URLs instead of plain base64.
    pub(crate) takes_audio_as_url: bool,
    /// PDF goes as `document_url` instead of `file`.
    pub(crate) takes_pdf_as_url: bool,
    pub(crate) schema_form: SchemaForm,
    pub(crate) tool_schema: ToolSchemaForm,
    /// A stream has token counts only if they are asked for.
    pub(crate) must_ask_for_usage: bool,
    pub(crate) responses: ResponsesTraits,
    pub(crate) result_files: ResultFileTraits,
}

/// What a service's `/responses` takes beyond what all take.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct ResponsesTraits {
    /// It gives its thinking encrypted if it is asked to.
    pub(crate) asks_encrypted: bool,
    /// It takes such thinking back.
    pub(crate) encrypted: bool,
    /// It gives summaries of its thinking if it is asked to.
    pub(crate) summary: bool,
    /// It takes thinking back that came in plain words.
    pub(crate) thinking: bool,
    /// It refused thinking that it had given itself: none goes back, whatever it takes.
    pub(crate) no_thinking: bool,
    /// It takes the words of a refusal back as a refusal.
    pub(crate) refusal: bool,
    /// It wants an id and a status with what the model said.
    pub(crate) ids: bool,
}

impl ResponsesTraits {
    fn of(provider: &Provider) -> Self {
        Self {
            asks_encrypted: provider.responses_take(ResponsesExtra::Encrypted),
            encrypted: provider.responses_take(ResponsesExtra::Encrypted),
            summary: provider.responses_take(ResponsesExtra::Summary),
            thinking: provider.responses_take(ResponsesExtra::Thinking),
            no_thinking: false,
            refusal: provider.responses_take(ResponsesExtra::Refusal),
            ids: provider.responses_take(ResponsesExtra::Ids),
        }
    }
}

impl<'a> ServiceTraits<'a> {
    /// Those that the service's profile has.
    pub(crate) fn of(provider: &'a Provider) -> Self {
        Self {
            addressee: Some(addressee(provider)),
            echo_field: provider.echoes_reasoning(),
            takes_no_system: provider.takes_no_system(),
            signs_calls: false,
            takes_audio_as_url: provider.takes_audio_as_url(),
            takes_pdf_as_url: provider.takes_pdf_as_url(),
            schema_form: provider.schema_form(),
            tool_schema: provider.tool_schema(),
            must_ask_for_usage: provider.must_ask_for_usage(),
            responses: ResponsesTraits::of(provider),
            result_files: ResultFileTraits::of(provider),
        }
    }
}

/// A service as a conversation knows it.
pub(crate) fn addressee(provider: &Provider) -> Addressee {
    Addressee { provider: provider.name.clone(), base_url: shown(&provider.base_url) }
}
