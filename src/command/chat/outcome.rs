//! What became of a chat, as an exit code and words.

use super::plan::Plan;
use crate::dialect::answers::Verdict;
use crate::dialect::reader::End;
use crate::error::{Failure, Kind};
use crate::exchange::ReadError;
use crate::http::bad_reply::BadReply;
use crate::io::Io;
use crate::provider::Provider;

/// Whether a reply that came to its end is whole: a stream is once it said so itself, or every
/// answer that began was finished, even if the connection then broke.
pub(super) fn of_end(end: End, broke: Option<Failure>, is_finished: bool) -> Result<(), ReadError> {
    let bad = match (end, broke) {
        (End::Stream { done: true }, _) => return Ok(()),
        (End::Stream { .. } | End::Whole, _) if is_finished => return Ok(()),
        (_, Some(broke)) => return Err(broke.into()),
        (End::Whole, None) => return Ok(()),
        (End::Stream { .. }, None) => BadReply::BrokenOff,
        (End::Empty, None) => BadReply::Empty,
        (End::Broken(what), None) => BadReply::Unreadable(what),
        (End::NoAnswer(words), None) => BadReply::NotAnAnswer(words),
    };
    Err(bad.into())
}

/// An answer that does not fit its schema.
pub(super) fn of_misfit(why: &str, provider: &Provider) -> Failure {
    let message = format!("the answer of {} does not fit the schema: {why}", provider.name);
    Failure::new(Kind::Refused, message)
}

/// The verdict on a whole reply. A cut answer earns a warning, and a code of its own unless the
/// user asked for the limit.
pub(super) fn of_verdict(
    verdict: Verdict,
    plan: &Plan,
    provider: &Provider,
    io: &mut Io,
) -> Result<(), Failure> {
    let name = &provider.name;
    match verdict {
        Verdict::Done => Ok(()),
        Verdict::Length if plan.is_limited => {
            io.warn("the answer was cut by your limit of tokens");
            Ok(())
        }
        Verdict::Length => {
            Err(Failure::new(Kind::Cut, format!("the answer was cut by the token limit of {name}"))
                .hint("--max-tokens N asks for a longer one, where the service allows it"))
        }
        Verdict::Filter => Err(Failure::new(
            Kind::Refused,
            format!("the content filter of {name} stopped the answer"),
        )),
        Verdict::Failed(reason) => Err(Failure::new(
            Kind::Network,
            format!("{name} failed in mid-answer (finish_reason `{reason}`)"),
        )),
        Verdict::NoText(_) if plan.json => Ok(()),
        Verdict::NoText(words) => {
            Err(Failure::new(Kind::Refused, format!("the reply of {name} has no text: {words}"))
                .hint("--json prints the reply as it came"))
        }
    }
}
