//! The two endpoints of chat: which one a profile names, and how each is reached.

use serde_json::{Map, Value};

use super::{Job, Provider, endpoint};
use crate::config::schema::{ChatApi, ResponsesExtra};
use crate::http::request::Request;

impl Provider {
    /// The endpoint of chat that the profile names.
    pub(crate) fn api(&self) -> Option<ChatApi> {
        self.profile.api.get().copied()
    }

    /// Whether `/responses` takes this there.
    pub(crate) fn responses_take(&self, extra: ResponsesExtra) -> bool {
        self.profile.responses_takes.get().is_some_and(|extras| extras.contains(&extra))
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
