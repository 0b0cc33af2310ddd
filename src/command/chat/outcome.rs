//! What became of a chat, as an exit code and words.

use super::plan::ChatPlan;
use crate::dialect::answers::ReplyVerdict;
use crate::dialect::reader::ReplyEnd;
use crate::error::{Failure, FailureKind};
use crate::exchange::ReadError;
use crate::http::bad_reply::BadReply;
use crate::io::Io;
use crate::provider::Provider;

/// Whether a reply that came to its end is whole: a stream is once it said so itself, or every
/// answer that began was finished, even if the connection then broke.
pub(super) fn of_end(
    end: ReplyEnd,
    broke: Option<Failure>,
    is_finished: bool,
) -> Result<(), ReadError> {
    let bad = match (end, broke) {
        (ReplyEnd::Stream { done: true }, _) => return Ok(()),
        (ReplyEnd::Stream { .. } | ReplyEnd::Whole, _) if is_finished => return Ok(()),
        (_, Some(broke)) => return Err(broke.into()),
        (ReplyEnd::Whole, None) => return Ok(()),
        (ReplyEnd::Stream { .. }, None) => BadReply::BrokenOff,
        (ReplyEnd::Empty, None) => BadReply::Empty,
        (ReplyEnd::Broken(what), None) => BadReply::Unreadable(what),
        (ReplyEnd::NoAnswer(words), None) => BadReply::NotAnAnswer(words),
    };
    Err(bad.into())
}

/// An answer that does not fit its schema.
pub(super) fn of_misfit(why: &str, provider: &Provider) -> Failure {
    let message = format!("the answer from {} does not fit the schema: {why}", provider.name);
    Failure::new(FailureKind::Refused, message)
}

/// The verdict on a whole reply. A cut answer earns a warning, and a code of its own unless the
/// user asked for the limit.
pub(super) fn of_verdict(
    verdict: ReplyVerdict,
    plan: &ChatPlan,
    provider: &Provider,
    io: &mut Io,
) -> Result<(), Failure> {
    let name = &provider.name;
    match verdict {
        ReplyVerdict::Done => Ok(()),
        ReplyVerdict::Length if plan.is_limited => {
            io.warn("the answer was cut at your token limit");
            Ok(())
        }
        ReplyVerdict::Length => Err(Failure::new(
            FailureKind::Cut,
            format!("the answer was cut at the token limit of {name}"),
        )
        .hint("--max-tokens N asks for a longer one, where the service allows it")),
        ReplyVerdict::Filter => Err(Failure::new(
            FailureKind::Refused,
            format!("the content filter of {name} stopped the answer"),
        )),
        ReplyVerdict::Failed(reason) => Err(Failure::new(
            FailureKind::Network,
            format!("{name} failed in the middle of the answer (finish_reason `{reason}`)"),
        )),
        ReplyVerdict::NoText(_) if plan.json => Ok(()),
        ReplyVerdict::NoText(words) => Err(Failure::new(
            FailureKind::Refused,
            format!("the reply from {name} has no text: {words}"),
        )
        .hint("--json prints the reply as it came")),
    }
}
