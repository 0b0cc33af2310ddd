//! The other forms in which a question may go out once it was refused: which of them are open to it.

use super::Question;
use crate::command::chat::api::ChosenBy;
use crate::command::chat::asked_form::AskedForm;
use crate::command::chat::attach;
use crate::command::chat::other_endpoint;
use crate::command::chat::ways_out::{Learned, RefusedRequest, WayOut};
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
        let asked = AskedForm {
            service: self.learned.traits(provider),
            api: self.spoken().api,
            messages: &self.conversation.messages,
            instructions: self.conversation.instructions.as_deref(),
            has_schema: self.schema().is_some(),
            has_tools: self.has_tools(),
            wants_thinking: self.options.wants_thinking,
            may_leave: self.may_leave(provider),
            fixed: self.fixed,
        };
        let way = WayOut::of(refused, request).find(|way| asked.is_open(*way))?;
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

    /// Whether the other endpoint can be asked: the user did not type this one, nothing led here, and all
    /// that goes along has a place there, a search too.
    fn may_leave(&self, provider: &Provider) -> bool {
        let spoken = self.spoken();
        if self.options.wants_search && provider.search(spoken.api.other()).is_none() {
            return false;
        }
        let fits = |(file, _): (&Attachment, bool)| !attach::has_no_place(spoken.api.other(), file);
        spoken.by != ChosenBy::Flag && self.learned.api.is_none() && self.attachments().all(fits)
    }
}
