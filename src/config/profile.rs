//! `[providers.NAME]`: a profile as typed fields, each with its origin, and request rules. Knows
//! neither files nor what a field is used for.

use serde_json::{Map, Value};

use super::field::{Field, FieldMap, FieldRow};
use super::job::Job;
use super::misnamed;
use super::name;
use super::price::PriceEntry;
use super::rule::{self, Rule};
use super::schema::{
    AttachmentKind, AudioData, BatchForm, ChatApi, FinishReason, PdfData, RerankForm,
    ResponsesExtra, ResultFiles, SchemaForm, StreamUsage, ToolSchemaForm, Word as _,
};
use super::source::Item;
use super::table::table;
use super::template;
use super::value::{FromToml, Texts};
use crate::error::Failure;
use crate::secret::{self, looks_like_a_key};

table! {
    layered
    /// A named profile: the fields and rules of all layers that were laid over each other. The head
    /// of `providers.example.toml` explains each. `is_users_own`: the built-in list has none of the
    /// name.
    struct Profile { name: String, is_users_own: bool } reads {
        title: Field<String>,
        /// Other names by which the profile is found.
        aliases: Field<Vec<String>>,
        /// The profile that lies below this one.
        like: Field<String>,
        base_url: Field<String>,
        base_url_env: Field<String> = variable,
        host_env: Field<String> = variable,
        api_key: Field<String> | "key",
        api_key_env: Field<Texts> = variables,
        api_key_cmd: Field<Texts>,
        api_key_file: Field<String>,
        key_url: Field<String> = page,
        key_header: Field<String> = header_name,
        key_headers: FieldMap<String> = key_headers,
        start: Field<String>,
        pull: Field<String>,
        context_hint: Field<String>,
        proxy: Field<String>,
        ca_file: Field<String>,
        client_cert_file: Field<String>,
        client_key_file: Field<String>,
        client_cert_file_env: Field<String>,
        client_key_file_env: Field<String>,
        slow_down_codes: Field<Texts>,
        model: Field<String>,
        models: FieldMap<String> = models,
        jobs: Field<Vec<Job>>,
        api: Field<ChatApi>,
        responses_takes: Field<Vec<ResponsesExtra>>,
        /// The services that chat asks where this one gives no answer.
        fallback: Field<Texts> = patterns,
        takes_no: Field<Vec<AttachmentKind>>,
        audio_data: Field<AudioData>,
        pdf_data: Field<PdfData>,
        result_files: Field<ResultFiles>,
        tool_schema: Field<ToolSchemaForm>,
        stream_usage: Field<StreamUsage>,
        finish_reason: Field<FinishReason>,
        schema: Field<SchemaForm>,
        thinks_untagged: Field<Texts> = patterns,
        untimed: Field<Texts> = patterns,
        speakers: FieldMap<Value>,
        echo_reasoning: Field<String>,
        paths: FieldMap<String> = |item| named_by(item, endpoints()),
        headers: FieldMap<String> = headers,
        models_headers: FieldMap<String> = headers,
        bodies: FieldMap<Value> = template::bodies,
        options: FieldMap<Value>,
        embed: FieldMap<Value>,
        image: FieldMap<Value>,
        transcribe: FieldMap<Value>,
        speak: FieldMap<Value>,
        rerank: FieldMap<String> = reranker,
        /// The request fields that turn the service's own web search on, by endpoint of chat.
        search: FieldMap<Value> = search,
        batch: FieldMap<Value> = batch_api,
        limits: FieldMap<i64> = |item| named_by(item, LIMITS.to_vec()),
        pcm_rate: Field<i64>,
        prices: Field<Vec<PriceEntry>>,
        rules: Vec<Rule> = rule::list,
    }
}

impl Profile {
    /// A profile without any field.
    pub(crate) fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    /// Reads a table.
    ///
    /// # Errors
    /// An unknown field or a wrong type, with file and line.
    pub(super) fn read(name: &str, item: &Item<'_>) -> Result<Self, Failure> {
        let label = format!("[{}]", item.name);
        let members = item.members("")?;
        for (name, member) in &members {
            if Self::FIELDS.contains(name) {
                continue;
            }
            if *name != "key" {
                let meant = misnamed::meant(name, Self::FIELDS);
                if let Some(meant) = meant {
                    let failure = member.unknown_field(&label);
                    return Err(failure.hint(format!("did you mean `{meant}`?")));
                }
            } else if members.iter().any(|(name, _)| *name == "api_key") {
                return Err(
                    member.wrong_key(&format!("`key` and `api_key` in {label} are one field"))
                );
            }
        }
        Self::new(name).read_fields(&label, item)
    }

    /// Every value with its origin, in the order in which they were written; rules are not among
    /// them.
    pub(crate) fn fields(&self) -> Vec<FieldRow> {
        let mut rows = Vec::new();
        self.add_rows(&mut rows);
        rows.sort_by_key(|(order, _)| *order);
        rows.into_iter().map(|(_, row)| row).collect()
    }

    /// Whether the profile offers a job; it offers all if it doesn't say.
    pub(crate) fn offers(&self, job: Job) -> bool {
        let is_told = job == Job::Rerank && self.names_a_reranker();
        is_told || self.jobs.get().is_none_or(|jobs| jobs.contains(&job))
    }

    /// Whether the profile says where its reranker is.
    pub(crate) fn names_a_reranker(&self) -> bool {
        self.rerank.iter().next().is_some()
    }

    /// The form in which the reranker is asked; the usual one if the profile doesn't say.
    pub(crate) fn rerank_form(&self) -> RerankForm {
        // The reader lets only known forms in.
        let form = self.rerank.get("form").and_then(|form| RerankForm::of(&form.value));
        form.unwrap_or_default()
    }

    /// The variables that may hold the key.
    pub(crate) fn key_variables(&self) -> &[String] {
        self.api_key_env.as_deref().unwrap_or_default()
    }

    /// Whether the profile names any source of a key.
    pub(crate) fn names_a_key(&self) -> bool {
        self.api_key.is_set()
            || self.api_key_env.is_set()
            || self.api_key_cmd.is_set()
            || self.api_key_file.is_set()
    }

    /// Removes every source of a key.
    pub(crate) fn forget_keys(&mut self) {
        self.retain_keys_of(&Profile::default());
    }

    /// Removes what proves to a server who the user is, but for the headers.
    pub(crate) fn forget_client_certificate(&mut self) {
        self.client_cert_file = Field::default();
        self.client_key_file = Field::default();
        self.client_cert_file_env = Field::default();
        self.client_key_file_env = Field::default();
    }

    /// Removes the sources of a key that `other` does not name as well.
    fn retain_keys_of(&mut self, other: &Profile) {
        self.api_key.keep_if(other.api_key.is_set());
        self.api_key_env.keep_if(other.api_key_env.is_set());
        self.api_key_cmd.keep_if(other.api_key_cmd.is_set());
        self.api_key_file.keep_if(other.api_key_file.is_set());
    }

    /// Lays `upper` over this profile, field by field; its rules come after the ones here.
    ///
    /// Where `upper` says where its key is, the key fields below it are gone: a key that the user
    /// wrote down for this service must not lose to a variable that happens to be set.
    pub(crate) fn lay_over(&mut self, upper: Profile) {
        if upper.names_a_key() {
            self.retain_keys_of(&upper);
        }
        self.lay_fields_over(upper);
    }

    /// This profile over `below`, the one that its `like` names.
    pub(super) fn laid_on(self, mut below: Profile) -> Profile {
        below.name.clone_from(&self.name);
        below.aliases = Field::default();
        if self.base_url.is_set() {
            // They are variables for the other address.
            below.base_url_env = Field::default();
            below.host_env = Field::default();
        }
        below.lay_over(self);
        below.like.show_first();
        below
    }
}

/// The names in `limits`.
const LIMITS: [&str; 6] = [
    "speech_characters",
    "upload_bytes",
    "audio_seconds",
    "embed_inputs",
    "batch_requests",
    "batch_bytes",
];

/// The names in `batch`.
const BATCH: [&str; 6] = ["form", "purpose", "upload", "url", "window", "one_model"];

/// The entry of `models` for transcripts with times.
pub(crate) const TIMED: &str = "timed";

/// That for transcripts that tell who speaks.
pub(crate) const SPEAKERS: &str = "speakers";

/// The names in `paths`: chat has two endpoints.
fn endpoints() -> Vec<&'static str> {
    Job::names().into_iter().chain([ChatApi::Responses.word()]).collect()
}

/// A table of which only these names are known.
fn named_by<T: FromToml>(item: &Item<'_>, known: Vec<&str>) -> Result<FieldMap<T>, Failure> {
    FieldMap::read(item, |name, member| match known.contains(&name) {
        true => T::from_toml(member),
        false => Err(member.unknown_name(name, &format!("`{}`", item.name), &known)),
    })
}

fn models(item: &Item<'_>) -> Result<FieldMap<String>, Failure> {
    let known: Vec<&str> = Job::names()
        .into_iter()
        .filter(|name| *name != "models")
        .chain([TIMED, SPEAKERS])
        .collect();
    for (name, member) in item.members(&format!("{}.", item.name))? {
        let words: Vec<&str> = name.split(['_', '-']).collect();
        if !known.contains(&name)
            && let Some(job) = misnamed::job(&words)
        {
            let failure = member.unknown_field("`models`");
            return Err(failure.hint(format!("did you mean `{job}`?")));
        }
    }
    named_by(item, known)
}

/// Names of environment variables. A key that stands in their place is not repeated.
fn variables(item: &Item<'_>) -> Result<Field<Texts>, Failure> {
    let names = Texts::from_toml(item)?;
    names.iter().try_for_each(|text| check_variable(text, item))?;
    Ok(Field::read(names, item))
}

fn variable(item: &Item<'_>) -> Result<Field<String>, Failure> {
    let text = String::from_toml(item)?;
    check_variable(&text, item)?;
    Ok(Field::read(text, item))
}

fn check_variable(text: &str, item: &Item<'_>) -> Result<(), Failure> {
    if name::is_variable(text) && !looks_like_a_key(text) {
        return Ok(());
    }
    let what = format!("`{}` must be the name of an environment variable", item.name);
    Err(item.wrong(&what).hint(match item.name.as_str() {
        "api_key_env" => "a key itself stands in `api_key`",
        _ => "a name has letters, digits and _, as in OPENAI_BASE_URL",
    }))
}

/// The page where a key is made: it is shown, so it must be no key.
fn page(item: &Item<'_>) -> Result<Field<String>, Failure> {
    let text = String::from_toml(item)?;
    match name::is_page(&text) {
        true => Ok(Field::read(text, item)),
        false => Err(item
            .wrong("`key_url` must be a page's address that begins with https:// or http://")
            .hint("a key itself stands in `api_key`")),
    }
}

fn header_name(item: &Item<'_>) -> Result<Field<String>, Failure> {
    let text = String::from_toml(item)?;
    check_header(&text, item)?;
    Ok(Field::read(text, item))
}

fn key_headers(item: &Item<'_>) -> Result<FieldMap<String>, Failure> {
    let headers: FieldMap<String> = named_by(item, Job::names())?;
    headers.iter().try_for_each(|(_, field)| check_header(&field.value, item))?;
    Ok(headers)
}

fn check_header(text: &str, item: &Item<'_>) -> Result<(), Failure> {
    if name::is_header(text) && !looks_like_a_key(text) {
        return Ok(());
    }
    Err(item
        .wrong(&format!("`{}` must be the name of a header, as in api-key", item.name))
        .hint("a key itself stands in `api_key`"))
}

/// Where the reranker is, and in which form it is asked.
fn reranker(item: &Item<'_>) -> Result<FieldMap<String>, Failure> {
    FieldMap::read(item, |key, item| match key {
        "path" => String::from_toml(item),
        "form" => RerankForm::from_toml(item).map(|form| form.word().to_owned()),
        _ => Err(item.unknown_name(key, "`rerank`", &["path", "form"])),
    })
}

/// What turns the service's own web search on: a table of request fields for each endpoint of chat.
fn search(item: &Item<'_>) -> Result<FieldMap<Value>, Failure> {
    let endpoints = ChatApi::names();
    FieldMap::read(item, |key, item| match endpoints.contains(&key) {
        true => Map::from_toml(item).map(Value::Object),
        false => Err(item.unknown_name(key, "`search`", &endpoints)),
    })
}

/// The form of the service's Batch API, and how it differs from OpenAI's.
fn batch_api(item: &Item<'_>) -> Result<FieldMap<Value>, Failure> {
    FieldMap::read(item, |key, item| match key {
        "form" => BatchForm::from_toml(item).map(|form| form.word().into()),
        "one_model" => bool::from_toml(item).map(Value::Bool),
        key if BATCH.contains(&key) => String::from_toml(item).map(Value::String),
        _ => Err(item.unknown_name(key, "`batch`", &BATCH)),
    })
}

fn headers(item: &Item<'_>) -> Result<FieldMap<String>, Failure> {
    FieldMap::read(item, |name, member| {
        if !name::is_header(name) {
            let what = format!("{} is not a header name", secret::named(name));
            return Err(member.wrong_key(&what));
        }
        let value = String::from_toml(member)?;
        match value.chars().any(|letter| letter.is_control() && letter != '\t') {
            true => Err(member.wrong(&format!(
                "`{}` contains a line break or another control character",
                member.name
            ))),
            false => Ok(value),
        }
    })
}

/// Texts of which there may be none at all.
fn patterns(item: &Item<'_>) -> Result<Field<Texts>, Failure> {
    Ok(Field::read(Texts::any(item, "a list of strings")?, item))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::origin::Origin;

    #[test]
    fn a_layer_overrides_field_by_field() {
        let mut below = Profile::new("x");
        below.model.set("a".to_owned(), Origin::BuiltIn);
        below.title.set("T".to_owned(), Origin::BuiltIn);
        let mut upper = Profile::new("x");
        upper.model.set("b".to_owned(), Origin::File { path: "p.toml".into(), line: 3 });
        below.lay_over(upper);
        assert_eq!(below.model.as_deref(), Some("b"));
        assert_eq!(below.model.origin().map(ToString::to_string), Some("p.toml:3".into()));
        assert_eq!(below.title.as_deref(), Some("T"));
    }

    #[test]
    fn the_users_key_source_replaces_the_built_in_one() {
        let mut below = Profile::new("x");
        below.api_key_env.set(Texts::One("A".to_owned()), Origin::BuiltIn);
        let mut upper = Profile::new("x");
        upper.api_key_cmd.set(Texts::One("pass".to_owned()), Origin::Flag("-x"));
        below.lay_over(upper);
        assert_eq!(below.api_key_env.as_deref(), None);
        assert_eq!(below.api_key_cmd.as_deref(), Some(&["pass".to_owned()][..]));
    }
}
