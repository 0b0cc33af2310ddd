//! What a command gives an exchange: how its request is made, and how the reply to it is read.

use super::bad_reply::ReplyWords;
use super::draft::Draft;
use super::reply::Reply;
use crate::error::Failure;
use crate::http::bad_reply::BadReply;
use crate::http::request::Request;
use crate::output::progress::Progress;
use crate::provider::Provider;

/// One request and what is made of its reply.
pub(crate) trait Operation: Send {
    /// What the reply is read into.
    type Output;

    /// Makes the request for a service.
    ///
    /// # Errors
    /// What is asked for has no place in a request to this service.
    fn request(&mut self, provider: &Provider) -> Result<Draft, Failure>;

    /// How messages speak of the reply.
    fn words(&self) -> ReplyWords {
        ReplyWords::new("answer", "is not an answer")
    }

    /// Reads a reply with a good status to its end.
    ///
    /// # Errors
    /// The network's, those of the output, or that the reply holds no answer.
    fn read(
        &mut self,
        reply: &mut Reply<'_>,
    ) -> impl Future<Output = Result<Self::Output, ReadError>> + Send;

    /// A bar that is shown until the head of the reply is there; it counts the bytes of the request.
    fn sending(&mut self, _: &Request) -> Option<Progress> {
        None
    }

    /// True once the user has seen a part of the answer: then nothing is sent again.
    fn has_shown(&self) -> bool {
        false
    }

    /// Whether the request is to be made once more, in another form, because of this failure. It must
    /// be true a limited number of times.
    fn changes_request(&mut self, _: &Failure, _: &Provider) -> bool {
        false
    }

    /// A failure that no field repair helped, in the words of this operation. Without
    /// [`Failure::retry`] it is final.
    fn reword(&self, failure: Failure, _: &Provider) -> Failure {
        failure
    }

    /// Forgets what a failed try left, before the next one.
    fn begin_again(&mut self) {}
}

/// Why reading a reply came to no answer.
#[derive(Debug)]
pub(crate) enum ReadError {
    /// The reply holds none.
    NoAnswer(BadReply),
    /// Anything else: the network, the output, an interruption.
    Failed(Failure),
}

impl From<BadReply> for ReadError {
    fn from(bad: BadReply) -> Self {
        Self::NoAnswer(bad)
    }
}

impl From<Failure> for ReadError {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}
