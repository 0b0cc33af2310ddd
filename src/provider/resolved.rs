//! A resolved profile that gives URLs, headers and request bodies. Reads no files and opens no sockets.

use std::path::Path;

use serde_json::{Map, Value};

use super::endpoint::{self, Endpoint};
use super::key::ApiKey;
use super::limit::RequestLimit;
use super::options::Setting;
use super::user_fields::UserFields;
use super::{Job, host, rules, search};
use crate::config::field::{Field, Sourced};
use crate::config::origin::Origin;
use crate::config::profile::Profile;
use crate::config::schema::{FinishReason, SchemaForm, StreamUsage};
use crate::http::form::{Form, FormPart};
use crate::http::request::{Body, Header, HeaderValue, Method, Request, Url, shown};
use crate::http::{NamedFile, Service};

/// A profile with everything resolved that a request needs.
#[derive(Debug, Clone)]
pub(crate) struct Provider {
    /// The profile's name; for a one-off server its host.
    pub(crate) name: String,
    pub(crate) base_url: Url,
    /// The options that choose it, as they are typed: `-p openai`, `--base-url http://host/v1`.
    pub(crate) choice: String,
    /// What it was resolved for.
    pub(super) job: Job,
    /// Nothing is sent.
    pub(super) is_dry: bool,
    /// No certificate is checked.
    pub(crate) is_insecure: bool,
    /// What runs take of it is noted.
    pub(crate) is_noted: bool,
    /// The model for that job.
    pub(crate) model: Option<String>,
    pub(crate) profile: Profile,
    pub(super) key: Option<ApiKey>,
    /// `-H`.
    pub(super) headers: Vec<(String, String)>,
    /// `-O`.
    pub(super) settings: Vec<Setting>,
}

/// The fields of a request body, before profile and rules: what the job needs, and what the user
/// said by flags.
#[derive(Debug, Default)]
pub(crate) struct Fields {
    pub(crate) needed: Map<String, Value>,
    pub(crate) flags: Map<String, Value>,
    /// Laid into both, and into what the profile has: what turns the service's search on.
    pub(crate) search: Map<String, Value>,
}

/// A composed request body.
#[derive(Debug)]
pub(crate) struct Composed {
    pub(crate) body: Map<String, Value>,
    /// What the user should know: fields of theirs that a rule dropped.
    pub(crate) warnings: Vec<String>,
    /// Which fields are the user's: for [`FieldRepair`](super::field_repair::FieldRepair).
    pub(crate) own: UserFields,
    /// Whether the service is told a model at all for this job.
    pub(crate) takes_model: bool,
}

/// What stands for the key in a profile's `models_headers`.
pub(crate) const KEY: &str = "$KEY";

/// Samples a second of OpenAI's `pcm` (its guide "Text to speech"), and of most others.
const PCM_RATE: u32 = 24_000;

/// Names under which services take a limit of the answer's length.
const LIMITS: [&str; 5] =
    ["max_tokens", "max_completion_tokens", "max_output_tokens", "n_predict", "num_predict"];

/// The limit of tokens for the answer that the user set, as it stands in a body; the lowest of several.
pub(crate) fn limits_of(body: &Map<String, Value>, own: &UserFields) -> Option<u64> {
    let theirs = LIMITS.iter().filter(|name| own.by(name).is_some());
    theirs.filter_map(|name| body.get(*name)?.as_u64()).filter(|limit| *limit > 0).min()
}

/// The lowest limit of tokens in a body, whoever set it.
pub(crate) fn limit_in(body: &Map<String, Value>) -> Option<u64> {
    LIMITS.iter().filter_map(|name| body.get(*name)?.as_u64()).filter(|limit| *limit > 0).min()
}

impl Provider {
    /// The fields of a body before any rule: the profile's over what the job needs, the flags over
    /// these; which of them are the user's, and the model that will be asked.
    pub(super) fn layers(
        &self,
        job: Job,
        fields: Fields,
    ) -> (Map<String, Value>, UserFields, String) {
        let Fields { needed: mut body, flags, search } = fields;
        let mut own = UserFields::default();
        if let Some((table, fields)) = job.request_fields(&self.profile) {
            for (key, field) in fields.iter() {
                body.insert(key.to_owned(), field.value.clone());
                own.add_field(table, key, &field.origin);
            }
        }
        own.add_flags(job, &flags);
        body.extend(flags);
        search::lay(&search, &mut body, &mut own);
        // The model that is sent in the end decides which rules apply.
        let is_model = |setting: &&Setting| setting.path == ["model"];
        let model = self.settings.iter().rev().find(is_model).map(|setting| &setting.value);
        let model = model.or(body.get("model")).and_then(Value::as_str).unwrap_or_default();
        let model = model.to_owned();
        (body, own, model)
    }

    /// Lays the layers of a request body over each other: what the job needs, the profile's fields
    /// for the job, the flags, then the rules, then `-O`, which wins over all.
    pub(crate) fn compose(&self, job: Job, fields: Fields) -> Composed {
        let (mut body, mut own, model) = self.layers(job, fields);
        let (mut warnings, mut takes_model) = (Vec::new(), true);
        for rule in self.profile.rules.iter().filter(|rule| rules::applies(rule, job, &model)) {
            if !rules::is_met(rule, &body, &self.settings) {
                continue;
            }
            own.follow(rule, &body);
            takes_model &= !rule.drop.iter().any(|field| field == "model");
            let changes = rules::apply(rule, &mut body);
            for dropped in changes.dropped {
                warnings.extend(self.told(job, &dropped, &model, Some(rule), &own));
            }
            for mapped in &changes.mapped {
                warnings.extend(self.told_mapped(mapped, &model, rule, &own));
            }
        }
        if let Some(placed) = self.placed(job) {
            let names: Vec<String> = body.keys().cloned().collect();
            for name in names.iter().filter(|name| !placed.contains(name.as_str())) {
                body.shift_remove(name);
                warnings.extend(self.told(job, name, &model, None, &own));
            }
            takes_model &= placed.contains("model");
        }
        let has_own_shape = self.has_own_shape(job);
        for setting in &self.settings {
            // In a shape of the service's own they are set in the body that goes out.
            if !has_own_shape || setting.path == ["model"] {
                rules::set_path(&mut body, &setting.path, setting.value.clone());
            }
            own.add_setting(&setting.path);
        }
        if has_own_shape {
            own.keep_to(&body);
        }
        for rule in self.profile.rules.iter().filter(|rule| rules::applies(rule, job, &model)) {
            if rules::is_met(rule, &body, &self.settings) {
                warnings.extend(self.told_ignored(rule, &body, &own));
            }
        }
        Composed { body, warnings, own, takes_model }
    }

    /// Whether the user limited the answer's length: by a flag, `-O`, or the profile file. What the
    /// built-in list sets does not count.
    pub(crate) fn is_limited_by_user(&self, flags: &Map<String, Value>) -> bool {
        let is_limit = |name: &str| LIMITS.contains(&name);
        let mut options = self.profile.options.iter();
        let in_profile =
            options.any(|(name, field)| field.origin != Origin::BuiltIn && is_limit(name));
        let last = |setting: &Setting| setting.path.last().is_some_and(|name| is_limit(name));
        in_profile || flags.keys().any(|name| is_limit(name)) || self.settings.iter().any(last)
    }

    /// A POST request with a JSON body.
    pub(crate) fn post(&self, job: Job, body: Map<String, Value>) -> Request {
        let url = self.url(job, body.get("model").and_then(Value::as_str));
        self.post_at(url, job, body)
    }

    pub(super) fn post_at(&self, url: Url, job: Job, body: Map<String, Value>) -> Request {
        let mut headers = self.request_headers(job);
        headers.insert(0, Header::public("Content-Type", "application/json"));
        let body = Body::Json(Value::Object(body));
        let body_secrets = self.body_secrets(job);
        Request { method: Method::Post, url, headers: unique(headers), body, body_secrets }
    }

    /// A POST request with a form (`multipart/form-data`).
    pub(crate) fn post_form(&self, job: Job, parts: Vec<FormPart>) -> Request {
        let headers = unique(self.request_headers(job));
        let body = Body::Form(Form::new(parts));
        let (url, body_secrets) = (self.url(job, None), self.body_secrets(job));
        Request { method: Method::Post, url, headers, body, body_secrets }
    }

    /// The most that one request takes, as the profile has it.
    pub(crate) fn limit(&self, limit: RequestLimit) -> Option<u64> {
        u64::try_from(self.profile.limits.get(limit.name())?.value).ok()
    }

    /// Samples a second of speech without a head, where the service does not state it.
    pub(crate) fn pcm_rate(&self) -> u32 {
        let rate = self.profile.pcm_rate.get().and_then(|rate| u32::try_from(*rate).ok());
        rate.filter(|rate| *rate > 0).unwrap_or(PCM_RATE)
    }

    /// A GET request.
    pub(crate) fn get(&self, job: Job) -> Request {
        let headers = unique(self.request_headers(job));
        let (url, body) = (self.url(job, None), Body::Empty);
        Request { method: Method::Get, url, headers, body, body_secrets: Vec::new() }
    }

    /// The endpoint's URL: the base URL as it is given, the path behind it, its query kept. A path with
    /// `..` leads back from the base URL, never to another host; `{model}` in it is the model asked
    /// for, else the profile's for the job.
    pub(super) fn url(&self, job: Job, model: Option<&str>) -> Url {
        let endpoint = endpoint::of(&self.profile, job, &self.base_url);
        self.url_of(endpoint, job, job.path(), model)
    }

    /// The URL of a job's endpoint; `usual` is its path where the profile has none.
    pub(super) fn url_of(
        &self,
        endpoint: Endpoint,
        job: Job,
        usual: &str,
        model: Option<&str>,
    ) -> Url {
        let path = match endpoint {
            Endpoint::Elsewhere(url) => return url,
            Endpoint::Path(path) => path.unwrap_or_else(|| usual.to_owned()),
        };
        let own_model = || job.model_in(&self.profile).unwrap_or_default();
        let (before, query) = path.split_once('?').unwrap_or((&path, ""));
        match before.contains(endpoint::MODEL) {
            true => {
                let model = model.map_or_else(own_model, str::to_owned);
                // In the path a `?` of the model's name is encoded.
                let before = endpoint::with_model(before, &model);
                self.behind_base(&format!("{before}?{query}"))
            }
            false => self.behind_base(&path),
        }
    }

    /// The address of a path, which may have a query, behind the base URL.
    pub(super) fn behind_base(&self, path: &str) -> Url {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let mut url = self.base_url.clone();
        let joined =
            format!("{}/{}", url.path().trim_end_matches('/'), path.trim_start_matches('/'));
        url.set_path(&joined);
        if !query.is_empty() {
            let all = url.query().map_or(query.to_owned(), |own| format!("{own}&{query}"));
            url.set_query(Some(&all));
        }
        url.set_fragment(None);
        url
    }

    fn request_headers(&self, job: Job) -> Vec<Header> {
        let mut headers = Vec::new();
        let key = |name: &str, scheme: &'static str| {
            let key = self.key.as_ref()?;
            let (secret, variable) = (key.secret.clone(), key.variable.clone());
            let value = HeaderValue::Key { scheme, secret, variable };
            Some(Header { name: name.to_owned(), value, is_private: true })
        };
        let plain = |(name, field): (&str, &Sourced<String>)| Header::private(name, &field.value);
        let of_list = || self.profile.models_headers.iter().filter(|_| job == Job::Models);
        if !of_list().any(|(_, field)| field.value == KEY) {
            let of_job = self.profile.key_headers.get(job.name()).map(|field| &*field.value);
            headers.extend(match of_job.or(self.profile.key_header.as_deref()) {
                Some(name) => key(name, ""),
                None => key("Authorization", "Bearer "),
            });
        }
        headers.extend(of_list().filter_map(|(name, field)| match field.value == KEY {
            true => key(name, ""),
            false => Some(plain((name, field))),
        }));
        headers.extend(self.profile.headers.iter().map(plain));
        headers.extend(self.headers.iter().map(|(name, value)| Header::private(name, value)));
        headers
    }

    /// What errors and hints say about the service.
    pub(crate) fn service(&self) -> Service {
        let profile = &self.profile;
        Service {
            name: self.name.clone(),
            choice: self.choice.clone(),
            base_url: shown(&self.base_url),
            key_variable: profile.key_variables().first().cloned(),
            key_url: profile.key_url.get().cloned(),
            start: profile.start.get().cloned(),
            proxy: profile.proxy.get().cloned(),
            ca_file: named_file(profile, &profile.ca_file, "ca_file"),
            client_certificate: named_file(profile, &profile.client_cert_file, "client_cert_file"),
            client_key: named_file(profile, &profile.client_key_file, "client_key_file"),
            origin: Some(self.base_url.origin().ascii_serialization()),
            slow_down_codes: profile.slow_down_codes.as_deref().unwrap_or_default().to_vec(),
        }
    }

    /// How the service is told of a schema; as OpenAI is, if the profile doesn't say.
    pub(crate) fn schema_form(&self) -> SchemaForm {
        self.profile.schema.get().copied().unwrap_or_default()
    }

    /// The field in which the service wants the thinking of its earlier answers back.
    pub(crate) fn echoes_reasoning(&self) -> Option<&str> {
        self.profile.echo_reasoning.as_deref()
    }

    /// The jobs that the profile offers; all of them if it doesn't say.
    pub(crate) fn jobs(&self) -> Vec<Job> {
        Job::ALL.iter().copied().filter(|job| self.profile.offers(*job)).collect()
    }

    /// The same for what is only a part of a run, which is noted elsewhere.
    pub(crate) fn unnoted(self) -> Self {
        Self { is_noted: false, ..self }
    }

    /// Whether the built-in list has the service, whatever the user changed of it.
    pub(crate) fn is_listed(&self) -> bool {
        self.profile.title.origin() == Some(&Origin::BuiltIn)
    }

    /// Whether the service is one of the built-in list, at its own address.
    pub(crate) fn is_known(&self) -> bool {
        self.is_listed() && host::is_own(&self.profile)
    }

    /// Whether requests carry a key.
    pub(crate) fn has_key(&self) -> bool {
        self.key.is_some()
    }

    /// Whether the model's answers begin with thinking that no tag opens, as the profile has it.
    pub(crate) fn thinks_untagged(&self, model: &str) -> bool {
        rules::is_model_of(self.profile.thinks_untagged.as_deref().unwrap_or_default(), model)
    }

    /// Whether the service says why an answer ended.
    pub(crate) fn gives_finish_reason(&self) -> bool {
        self.profile.finish_reason.get() != Some(&FinishReason::Never)
    }

    /// Whether token usage in a stream has to be asked for.
    pub(crate) fn must_ask_for_usage(&self) -> bool {
        matches!(self.profile.stream_usage.get(), None | Some(StreamUsage::Ask))
    }
}

/// The file that a field names; a relative path counts from the file that the profile is in.
fn named_file(profile: &Profile, field: &Field<String>, name: &str) -> Option<NamedFile> {
    let field = field.sourced()?;
    let (path, place) = match &field.origin {
        Origin::File { path, .. } if !field.value.starts_with("~/") => {
            let folder = path.parent().unwrap_or(Path::new(""));
            (folder.join(&field.value).to_string_lossy().into_owned(), None)
        }
        Origin::Environment(variable) => (field.value.clone(), Some(variable.clone())),
        _ => (field.value.clone(), None),
    };
    Some(NamedFile {
        path,
        place: place.unwrap_or_else(|| format!("the `{name}` of {}", profile.name)),
    })
}

/// Of headers with the same name the last one stays, in the place of the first: `-H` wins over the
/// profile, the profile over what we send by ourselves.
pub(super) fn unique(headers: Vec<Header>) -> Vec<Header> {
    let mut kept: Vec<Header> = Vec::with_capacity(headers.len());
    for header in headers {
        match kept.iter_mut().find(|old| old.name.eq_ignore_ascii_case(&header.name)) {
            Some(old) => *old = header,
            None => kept.push(header),
        }
    }
    kept
}
