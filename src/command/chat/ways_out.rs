//! The other forms in which a question may be asked where the service refuses the first one, and what
//! is learnt of that for the run. Sends nothing.

use super::api::{ChosenApi, ChosenBy};
use super::{other_endpoint, refusals, thinking_refusals, tool_refusals};
use crate::config::name::profile_table;
use crate::config::schema::Word as _;
use crate::dialect::schema::SchemaForm;
use crate::dialect::{ResponsesTraits, ServiceTraits};
use crate::error::Refused;
use crate::input::AttachmentGroup;
use crate::provider::{ChatApi, Provider, ToolSchemaForm};
use serde_json::json;

/// Another form of the same question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::command) enum WayOut {
    /// The thinking of earlier replies goes along, in this field.
    EchoThinking(&'static str),
    /// The system message's text goes in front of the first message.
    SystemInFront,
    /// The schema is told in this form.
    Schema(SchemaForm),
    /// The pictures and recordings that tools gave do not go along; what of them the model is said not to
    /// take.
    NoResultFiles(Option<AttachmentGroup>),
    /// The arguments of tools are told in the words of OpenAPI.
    PlainSchemas,
    /// Tool calls of other services get Google's placeholder for a signature.
    SignCalls,
    /// A summary of the thinking is not asked for.
    NoSummary,
    /// Thinking is not asked for in the form in which it can go back.
    NoEncrypted,
    /// No thinking of earlier replies goes along.
    NoThinking,
    /// The other endpoint is asked, which serves the model; or which alone serves it with tools.
    Endpoint { api: ChatApi, with_tools: bool },
}

/// A request as far as the words of its refusal are read by it.
#[derive(Debug, Clone, Copy)]
pub(super) struct RefusedRequest<'a> {
    /// How the schema was told.
    pub(super) form: SchemaForm,
    pub(super) api: ChatApi,
    pub(super) model: &'a str,
    pub(super) has_tools: bool,
}

impl WayOut {
    /// The ways out of the refusal of such a request, by its words.
    pub(super) fn of(refused: &Refused, request: RefusedRequest<'_>) -> impl Iterator<Item = Self> {
        let form = request.form;
        let next = match form {
            SchemaForm::JsonSchema => Some(SchemaForm::JsonObject),
            SchemaForm::JsonObject => Some(SchemaForm::Instructions),
            SchemaForm::Instructions => None,
        };
        let echo = refusals::missing_thinking(refused).map(Self::EchoThinking);
        let schema = next.filter(|_| refusals::is_of_schema_form(refused, form)).map(Self::Schema);
        // The system message is a field over `/responses`.
        let is_of_field = refused.param.as_deref() == Some("instructions");
        let is_of_system = is_of_field || refusals::is_of_system(refused);
        let system = is_of_system.then_some(Self::SystemInFront);
        let sign = refusals::is_of_missing_signature(refused).then_some(Self::SignCalls);
        let summary = thinking_refusals::is_of_summary(refused).then_some(Self::NoSummary);
        let sent = thinking_refusals::is_of_sent_thinking(refused).then_some(Self::NoThinking);
        let encrypted = thinking_refusals::is_of_encrypted(refused).then_some(Self::NoEncrypted);
        let with_tools = request.has_tools && refused.words.to_lowercase().contains("tool");
        let endpoint = other_endpoint::named(refused, request.api, request.model)
            .map(|api| Self::Endpoint { api, with_tools });
        let plain = tool_refusals::is_of_schema(refused).then_some(Self::PlainSchemas);
        let files = tool_refusals::of_result_files(refused).map(Self::NoResultFiles);
        let forms = [summary, sent, encrypted, echo, sign, plain, schema, system, files];
        endpoint.into_iter().chain(forms.into_iter().flatten())
    }

    /// What the user is told, with the line for the profile that spares the refused request.
    pub(in crate::command) fn warning(self, model: &str, provider: &Provider) -> String {
        let name = &provider.name;
        let (did, line) = match self {
            Self::EchoThinking(field) => (
                format!(
                    "{name} wants the model's earlier thinking back in `{field}`; sent again with it"
                ),
                Some(format!("echo_reasoning = \"{field}\"")),
            ),
            Self::SystemInFront => (
                format!(
                    "{name} refuses the system role; sent again with its text in front of the first \
                     message"
                ),
                Some(takes_no("system", model)),
            ),
            Self::Schema(SchemaForm::Instructions) => (
                format!(
                    "{name} refuses `json_object`; sent again with the schema in the instructions alone"
                ),
                Some("schema = \"instructions\"".to_owned()),
            ),
            Self::Schema(_) => (
                format!(
                    "{name} refuses `json_schema`; sent again as `json_object`, with the schema in the \
                     instructions"
                ),
                Some("schema = \"json_object\"".to_owned()),
            ),
            Self::NoResultFiles(group) => (
                format!("{name} does not take what tools gave beside text; sent again without it"),
                group.map(|group| takes_no(group.name(), model)),
            ),
            Self::PlainSchemas => (
                format!(
                    "{name} refuses a word in the schema of a tool; sent again with schemas in the words of \
                     OpenAPI"
                ),
                Some("tool_schema = \"openapi\"".to_owned()),
            ),
            Self::SignCalls => (
                format!(
                    "{name} wants a signature with each tool call, and those of another service have \
                     none; sent again with Google's placeholder for it"
                ),
                None,
            ),
            Self::Endpoint { api, with_tools } => of_endpoint(api, with_tools, model, name),
            Self::NoSummary | Self::NoEncrypted | Self::NoThinking => self.of_thinking(model, name),
        };
        match line.filter(|_| !is_one_off(provider)) {
            Some(line) => {
                let table = profile_table(name);
                format!("{did}; this line in {table} avoids the refused request: {line}")
            }
            None => did,
        }
    }

    /// The same for thinking that is refused over `/responses`.
    fn of_thinking(self, model: &str, name: &str) -> (String, Option<String>) {
        match self {
            Self::NoSummary => (
                format!("{name} refuses to sum up its thinking; sent again without asking for it"),
                Some("responses_takes = [\"encrypted\"]".to_owned()),
            ),
            Self::NoEncrypted => (
                format!(
                    "{name} refuses to give its thinking encrypted; sent again without asking for it"
                ),
                Some(format!(
                    "rules = [{{ jobs = [\"chat\"], models = [{}], drop = [\"include\"] }}]",
                    json!(model)
                )),
            ),
            _ => {
                let what = "refuses the thinking of its earlier replies; sent again without any";
                (format!("{name} {what}"), None)
            }
        }
    }
}

/// What the user is told of a model that the other endpoint serves, and the line for the profile.
fn of_endpoint(
    api: ChatApi,
    with_tools: bool,
    model: &str,
    name: &str,
) -> (String, Option<String>) {
    let (what, condition) =
        if with_tools { (" with tools", ", with = [\"tools\"]") } else { ("", "") };
    let of = if model.is_empty() { "its model" } else { model };
    let did = format!("{name} serves {of}{what} over {} only; asked again there", api.path());
    let models =
        if model.is_empty() { String::new() } else { format!("models = [{}]", json!(model)) };
    let parts = format!("{models}{condition}, via = {}", json!(api.word()));
    (did, Some(format!("rules = [{{ {} }}]", parts.trim_start_matches(", "))))
}

/// The line for a profile that tells what a model does not take.
pub(super) fn takes_no(what: &str, model: &str) -> String {
    match model {
        "" => format!("takes_no = [{}]", json!(what)),
        _ => format!(
            "rules = [{{ jobs = [\"chat\"], models = [{}], takes_no = [{}] }}]",
            json!(model),
            json!(what)
        ),
    }
}

/// Whether there is no profile that could be changed.
pub(super) fn is_one_off(provider: &Provider) -> bool {
    provider.choice.starts_with("--base-url")
}

/// What refusals taught of a service and its model.
#[derive(Debug, Clone, Default, PartialEq)]
pub(in crate::command) struct Learned {
    /// The service and its model.
    of: Option<(String, Option<String>)>,
    /// The endpoint that a refusal named.
    pub(super) api: Option<ChatApi>,
    echo_field: Option<&'static str>,
    takes_no_system: bool,
    schema_form: Option<SchemaForm>,
    signs_calls: bool,
    plain_schemas: bool,
    no_result_files: bool,
    no_summary: bool,
    no_encrypted: bool,
    no_thinking: bool,
}

/// What was learnt of each service of a conversation.
#[derive(Debug, Default)]
pub(super) struct AllLearned(Vec<Learned>);

impl AllLearned {
    /// What holds for this service and its model.
    pub(super) fn of(&self, provider: &Provider) -> Learned {
        let of = Some((provider.name.clone(), provider.model.clone()));
        let known = self.0.iter().find(|learned| learned.of == of);
        known.cloned().unwrap_or_else(|| Learned { of, ..Learned::default() })
    }

    /// Keeps what a question learnt.
    pub(super) fn keep(&mut self, learned: &Learned) {
        self.0.retain(|known| known.of != learned.of);
        self.0.push(learned.clone());
    }
}

impl Learned {
    /// The endpoint to be asked where `chosen` was chosen at first.
    pub(super) fn spoken(&self, chosen: ChosenApi) -> ChosenApi {
        self.api.map_or(chosen, |api| ChosenApi { api, by: ChosenBy::Refusal })
    }

    /// Learns a way out. False if it was taken already.
    pub(super) fn learn(&mut self, way: WayOut) -> bool {
        let before = self.clone();
        match way {
            WayOut::EchoThinking(field) => self.echo_field = Some(field),
            WayOut::SystemInFront => self.takes_no_system = true,
            WayOut::Schema(form) => self.schema_form = Some(form),
            WayOut::SignCalls => self.signs_calls = true,
            WayOut::PlainSchemas => self.plain_schemas = true,
            WayOut::NoResultFiles(_) => self.no_result_files = true,
            WayOut::NoSummary => self.no_summary = true,
            WayOut::NoEncrypted => self.no_encrypted = true,
            WayOut::NoThinking => self.no_thinking = true,
            WayOut::Endpoint { api, .. } => self.api = Some(api),
        }
        *self != before
    }

    /// The service as its profile has it, with what was learnt.
    pub(super) fn traits<'a>(&self, provider: &'a Provider) -> ServiceTraits<'a> {
        let mut service = ServiceTraits::of(provider);
        service.result_files.none = self.no_result_files;
        let responses = ResponsesTraits {
            summary: service.responses.summary && !self.no_summary,
            asks_encrypted: service.responses.asks_encrypted && !self.no_encrypted,
            no_thinking: self.no_thinking,
            ..service.responses
        };
        ServiceTraits {
            echo_field: self.echo_field.or(service.echo_field),
            takes_no_system: self.takes_no_system || service.takes_no_system,
            schema_form: self.schema_form.unwrap_or(service.schema_form),
            tool_schema: match self.plain_schemas {
                true => ToolSchemaForm::OpenApi,
                false => service.tool_schema,
            },
            signs_calls: self.signs_calls,
            responses,
            ..service
        }
    }
}
