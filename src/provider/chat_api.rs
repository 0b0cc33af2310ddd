//! The two endpoints of chat: which one a profile or its rules choose, how each is reached, and what turns
//! a search on there.

use serde_json::{Map, Value};

use super::{Fields, Job, Provider, endpoint, rules};
use crate::config::origin::Origin;
use crate::config::schema::{ChatApi, ResponsesExtra, Word as _};
use crate::http::request::Request;

impl ChatApi {
    /// The other endpoint.
    pub(crate) fn other(self) -> Self {
        match self {
            Self::Completions => Self::Responses,
            Self::Responses => Self::Completions,
        }
    }

    /// Its path in the specification.
    pub(crate) fn path(self) -> &'static str {
        match self {
            Self::Completions => Job::Chat.path(),
            Self::Responses => endpoint::RESPONSES,
        }
    }
}

impl Provider {
    /// The endpoint of chat that the profile names.
    pub(crate) fn api(&self) -> Option<ChatApi> {
        self.profile.api.get().copied()
    }

    /// Whether any rule chooses an endpoint of chat.
    pub(crate) fn has_rules_of_api(&self) -> bool {
        self.profile.rules.iter().any(|rule| rule.via.is_some())
    }

    /// The endpoint that the last of the rules chooses which hold for a question with these fields of
    /// /chat/completions. An `api` of the user's goes before the built-in rules.
    pub(crate) fn api_by_rule(&self, fields: Fields) -> Option<ChatApi> {
        let is_users = self.profile.api.origin().is_some_and(|origin| *origin != Origin::BuiltIn);
        let (mut body, _, model) = self.layers(Job::Chat, fields);
        let mut chosen = None;
        for rule in &self.profile.rules {
            if rules::applies(rule, Job::Chat, &model) && rules::is_met(rule, &body, &self.settings)
            {
                let counts = !is_users || rule.origin != Origin::BuiltIn;
                chosen = rule.via.filter(|_| counts).or(chosen);
                rules::apply(rule, &mut body);
            }
        }
        chosen
    }

    /// The endpoint for a plain question to this model.
    pub(crate) fn api_for_model(&self, model: Option<&str>) -> ChatApi {
        let mut fields = Fields::default();
        fields.needed.extend(model.map(|model| ("model".to_owned(), model.into())));
        self.api_by_rule(fields).or(self.api()).unwrap_or_default()
    }

    /// Whether `/responses` takes this there.
    pub(crate) fn responses_take(&self, extra: ResponsesExtra) -> bool {
        self.profile.responses_takes.get().is_some_and(|extras| extras.contains(&extra))
    }

    /// The fields that turn the service's web search on over this endpoint of chat; none where it searches
    /// anyway. `None` if the profile does not say.
    pub(crate) fn search(&self, api: ChatApi) -> Option<&Map<String, Value>> {
        self.profile.search.get(api.word())?.value.as_object()
    }

    /// Whether the service searches for every answer there, asked or not.
    pub(crate) fn always_searches(&self, api: ChatApi) -> bool {
        self.search(api).is_some_and(Map::is_empty)
    }

    /// Whether pictures and documents stand in the answer of a tool over `/responses`.
    pub(crate) fn responses_take_files_in_results(&self) -> bool {
        self.responses_take(ResponsesExtra::ResultFiles)
    }

    /// A POST request to this endpoint of chat.
    pub(crate) fn post_chat(&self, api: ChatApi, body: Map<String, Value>) -> Request {
        let model = body.get("model").and_then(Value::as_str);
        let url = match api {
            ChatApi::Completions => self.url(Job::Chat, model),
            ChatApi::Responses => {
                let endpoint = endpoint::of_responses(&self.profile, &self.base_url);
                self.url_of(endpoint, Job::Chat, endpoint::RESPONSES, model)
            }
        };
        self.post_at(url, Job::Chat, body)
    }
}
