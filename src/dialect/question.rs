//! What a request asks, in terms of no dialect.

use serde_json::{Number, Value};

use super::schema::SchemaForm;
use crate::conversation::{Addressee, Conversation};
use crate::http::request::shown;
use crate::provider::Provider;

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
#[derive(Debug, Clone)]
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
    /// A stream has token counts only if they are asked for.
    pub(crate) must_ask_for_usage: bool,
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
            must_ask_for_usage: provider.must_ask_for_usage(),
        }
    }
}

/// A service as a conversation knows it.
pub(crate) fn addressee(provider: &Provider) -> Addressee {
    Addressee { provider: provider.name.clone(), base_url: shown(&provider.base_url) }
}
