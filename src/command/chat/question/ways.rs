//! The other forms in which a question may go out once it was refused: which of them are open to it.

use super::Question;
use crate::command::chat::api::ChosenBy;
use crate::command::chat::attach;
use crate::command::chat::other_endpoint;
use crate::command::chat::ways_out::{Learned, RefusedRequest, WayOut};
use crate::conversation::Message;
use crate::dialect::schema::SchemaForm;
use crate::error::Failure;
use crate::input::Attachment;
use crate::provider::{ChatApi, Provider};

impl Question {
    /// Takes the way out of a refusal from now on, if there is one that was not taken yet.
    pub(in crate::command) fn take_way_out(
        &mut self,
        failure: &Failure,
        provider: &Provider,
    ) -> Option<WayOut> {
        let refused = failure.refused.as_deref()?;
        let request = self.refused_request(provider);
        let way = WayOut::of(refused, request).find(|way| self.is_open(*way, provider))?;
        self.composed = None;
        self.learned.learn(way).then_some(way)
    }

    /// The endpoint that serves the model, where the failure says so of another one than the `--api` that
    /// was typed.
    pub(in crate::command::chat) fn leads_away(
        &self,
        failure: &Failure,
        provider: &Provider,
    ) -> Option<ChatApi> {
        let request = self.refused_request(provider);
        let refused = failure.refused.as_deref().filter(|_| self.spoken().by == ChosenBy::Flag)?;
        other_endpoint::named(refused, request.api, request.model)
    }

    fn refused_request(&self, provider: &Provider) -> RefusedRequest<'_> {
        RefusedRequest {
            form: self.learned.traits(provider).schema_form,
            api: self.spoken().api,
            model: &self.first.model,
            has_tools: self.has_tools(),
        }
    }

    /// Goes on with what another question learnt of the service.
    pub(in crate::command) fn relearn(&mut self, learned: &Learned) {
        self.learned.clone_from(learned);
        self.composed = None;
    }

    /// Whether the question would go out in another form.
    fn is_open(&self, way: WayOut, provider: &Provider) -> bool {
        let service = self.learned.traits(provider);
        let messages = &self.conversation.messages;
        let is_here = self.spoken().api == ChatApi::Responses;
        match way {
            WayOut::EchoThinking(_) => {
                let is_reply = |message: &Message| matches!(message, Message::Model { .. });
                service.echo_field.is_none() && messages.iter().any(is_reply)
            }
            WayOut::SystemInFront => {
                let own = self.conversation.instructions.as_deref().unwrap_or_default();
                let tells_schema =
                    self.schema().is_some() && service.schema_form != SchemaForm::JsonSchema;
                let has_system = !own.is_empty() || tells_schema;
                !service.takes_no_system && !self.fixed.messages && has_system
            }
            // The instructions are among the messages.
            WayOut::Schema(_) => {
                self.schema().is_some() && !self.fixed.response_format && !self.fixed.messages
            }
            WayOut::SignCalls => {
                let calls = |message: &Message| match message {
                    Message::Model { reply, .. } => !reply.calls.is_empty(),
                    Message::User { .. } => false,
                };
                !service.signs_calls && messages.iter().any(calls)
            }
            WayOut::NoSummary => {
                is_here && service.responses.summary && self.options.wants_thinking
            }
            WayOut::NoEncrypted => is_here && service.responses.asks_encrypted,
            // A recording has no place in the other one's requests, nor have messages of the user's.
            WayOut::Endpoint { api, .. } => {
                let fits =
                    |(attachment, _): (&Attachment, bool)| !attach::has_no_place(api, attachment);
                let may_leave = self.spoken().by != ChosenBy::Flag && self.learned.api.is_none();
                may_leave && !self.fixed.messages && self.attachments().all(fits)
            }
            WayOut::NoThinking => {
                let is_sealed = |message: &Message| match message {
                    Message::Model { reply, .. } => reply.sealed.is_some(),
                    Message::User { .. } => false,
                };
                is_here && !service.responses.no_thinking && messages.iter().any(is_sealed)
            }
        }
    }
}
