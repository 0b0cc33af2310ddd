//! What a dialect does: the seam between a conversation and one endpoint's JSON.

use super::event::ChatEvent;
use super::question::ChatQuestion;
use crate::http::fault::Fault;
use crate::http::sse::Event;
use crate::provider::{ChatApi, Composed, Fields, Job, Provider};

/// A dialect of the specification: how a conversation becomes a request, and a reply events.
pub(crate) trait ChatDialect: std::fmt::Debug + Sync {
    /// The fields of a request, before profile and rules are laid over them: what the job needs, and
    /// what the user asked for by flags.
    fn fields(&self, question: &ChatQuestion<'_>) -> Fields;

    /// Completes a body that was composed of these fields: what depends on the body as the profile,
    /// the rules and `-O` left it.
    fn complete(&self, composed: &mut Composed, question: &ChatQuestion<'_>);

    /// Reads the events of one reply to such a request.
    fn events(&self, asked: AskedFor) -> Box<dyn ReadEvents>;

    /// The body of a request with these `fields`, which are those of `question`, and what the user
    /// should know of that.
    fn compose(
        &self,
        fields: Fields,
        question: &ChatQuestion<'_>,
        provider: &Provider,
    ) -> Composed {
        let mut composed = provider.compose(Job::Chat, fields);
        self.complete(&mut composed, question);
        composed
    }
}

/// What a reply is one to, as far as that decides how it is read.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct AskedFor {
    /// The endpoint. The reply may be in the other one's dialect all the same.
    pub(crate) api: ChatApi,
    /// The limit of tokens.
    pub(crate) limit: Option<u64>,
    /// Thinking in plain words is kept as it came too: the service takes it back.
    pub(crate) keeps_thinking: bool,
}

/// A dialect's part of reading a reply.
pub(crate) trait ReadEvents: std::fmt::Debug + Send {
    /// Reads an event of a stream.
    fn event(&mut self, event: Event<'_>, seen: &mut Seen, each: &mut dyn FnMut(ChatEvent<'_>));

    /// Reads a reply that came as a whole. False if it is not JSON.
    fn document(
        &mut self,
        body: &[u8],
        seen: &mut Seen,
        each: &mut dyn FnMut(ChatEvent<'_>),
    ) -> bool;

    /// The stream came to its end, or broke off: what it leaves to be told.
    fn close(&mut self, _: &mut Seen, _: &mut dyn FnMut(ChatEvent<'_>)) {}
}

/// What a reply said beside its events.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// The first error that it carried.
    pub(crate) fault: Option<Fault>,
    /// The stream said that it is at its end.
    pub(crate) is_done: bool,
    /// The stream ended without saying that its answer did.
    pub(crate) is_cut: bool,
    /// The stream has a place for the reason why an answer ends, so one is owed for each.
    pub(crate) owes_reason: bool,
    /// The model that replied, and the service behind a gateway that names one, in the reply's words.
    pub(crate) replied: Option<String>,
    /// Why an event could not be read, in words.
    pub(crate) unreadable: Option<String>,
}
