//! A reply in the other dialect than the request's: some gateways answer so. What comes first tells.

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::by_api;
use super::chat_dialect::{AskedFor, ReadEvents, Seen};
use super::event::ChatEvent;
use crate::http::sse::Event;
use crate::provider::ChatApi;

/// Reads a reply in whichever dialect it is.
#[derive(Debug)]
pub(super) struct EitherEvents {
    reader: Box<dyn ReadEvents>,
    asked: AskedFor,
    /// It is known which dialect the reply is in.
    is_told: bool,
}

/// What tells the dialects apart.
#[derive(Deserialize)]
struct Outline {
    #[serde(rename = "type")]
    kind: Option<Value>,
    object: Option<Value>,
    choices: Option<IgnoredAny>,
    output: Option<IgnoredAny>,
}

impl Outline {
    fn api(&self) -> Option<ChatApi> {
        let is_response =
            |kind: &Value| kind.as_str().is_some_and(|kind| kind.starts_with("response"));
        if self.choices.is_some() {
            return Some(ChatApi::Completions);
        }
        let is_object = self.object.as_ref().is_some_and(is_response) && self.output.is_some();
        (is_object || self.kind.as_ref().is_some_and(is_response)).then_some(ChatApi::Responses)
    }
}

impl EitherEvents {
    /// For a reply to such a request.
    pub(super) fn new(asked: AskedFor) -> Self {
        Self { reader: by_api::of(asked.api).events(asked), asked, is_told: false }
    }

    fn look(&mut self, data: &[u8]) {
        if !self.is_told
            && let Ok(outline) = serde_json::from_slice::<Outline>(data)
            && let Some(api) = outline.api()
        {
            self.is_told = true;
            if api != self.asked.api {
                self.reader = by_api::of(api).events(self.asked);
            }
        }
    }
}

impl ReadEvents for EitherEvents {
    fn event(&mut self, event: Event<'_>, seen: &mut Seen, each: &mut dyn FnMut(ChatEvent<'_>)) {
        self.look(event.data);
        self.reader.event(event, seen, each);
    }

    fn document(
        &mut self,
        body: &[u8],
        seen: &mut Seen,
        each: &mut dyn FnMut(ChatEvent<'_>),
    ) -> bool {
        self.look(body);
        self.reader.document(body, seen, each)
    }

    fn close(&mut self, seen: &mut Seen, each: &mut dyn FnMut(ChatEvent<'_>)) {
        self.reader.close(seen, each);
    }
}
