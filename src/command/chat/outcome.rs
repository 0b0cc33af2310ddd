//! What became of a chat, as an exit code and words.

use super::plan::ChatPlan;
use crate::dialect::answers::{Answers, ReplyVerdict};
use crate::dialect::reader::ReplyEnd;
use crate::error::{Failure, FailureKind};
use crate::exchange::ReadError;
use crate::http::bad_reply::BadReply;
use crate::io::Io;
use crate::provider::Provider;

/// Whether a reply that came to its end is whole: a stream is once every answer that began was finished,
/// even if the connection then broke, or it said so itself. Where its answers have a place for the
/// reason why they end (`owes_reason`), that word of its own is not enough: gateways say it too when the
/// service behind them died.
pub(super) fn of_end(
    end: ReplyEnd,
    broke: Option<Failure>,
    answers: &Answers,
    owes_reason: bool,
) -> Result<(), ReadError> {
    let bad = match (end, broke) {
        (ReplyEnd::Stream { .. } | ReplyEnd::Whole, _) if answers.is_finished() => return Ok(()),
        (ReplyEnd::Stream { done: true }, _) if answers.is_empty() => BadReply::BrokenOff,
        (ReplyEnd::Stream { done: true }, _) if owes_reason && !answers.is_ended() => {
            BadReply::Unfinished
        }
        (ReplyEnd::Stream { done: true }, _) => return Ok(()),
        (_, Some(broke)) => return Err(broke.into()),
        (ReplyEnd::Whole, None) => return Ok(()),
        (ReplyEnd::Stream { .. }, None) => BadReply::BrokenOff,
        (ReplyEnd::Empty, None) => BadReply::Empty,
        (ReplyEnd::Broken(what), None) => BadReply::Unreadable(what),
        (ReplyEnd::NoAnswer(words), None) => BadReply::NotAnAnswer(words),
    };
    Err(bad.into())
}

/// An answer that does not fit its schema, and whether a limit of tokens cut it.
pub(super) fn of_misfit(why: &str, is_cut: bool, provider: &Provider) -> Failure {
    let cut = if is_cut { "was cut at the token limit and " } else { "" };
    let message = format!("the answer from {} {cut}does not fit the schema: {why}", provider.name);
    let failure = Failure::new(FailureKind::Refused, message);
    if is_cut { failure.hint(LONGER) } else { failure }
}

const LONGER: &str = "--max-tokens N asks for a longer one, where the service allows it";

/// Warns of what is odd about answers that are shown.
pub(super) fn warn(answers: &Answers, provider: &Provider, io: &mut Io) {
    let name = &provider.name;
    for word in answers.unknown_ends() {
        let what = format!("{name} ended the answer for a reason that is not known here");
        io.warn(&format!("{what}, `{word}`: it may not be whole"));
    }
}

/// The verdict on a whole reply. A cut answer earns a warning, and a code of its own unless the
/// user asked for the limit; one that must fit a schema has it always.
pub(super) fn of_verdict(
    verdict: ReplyVerdict,
    plan: &ChatPlan,
    provider: &Provider,
    io: &mut Io,
) -> Result<(), Failure> {
    let name = &provider.name;
    match verdict {
        ReplyVerdict::Done => Ok(()),
        ReplyVerdict::Length if plan.is_limited && plan.schema.is_none() => {
            io.warn("the answer was cut at your token limit");
            Ok(())
        }
        ReplyVerdict::Length => Err(Failure::new(
            FailureKind::Cut,
            format!("the answer was cut at the token limit of {name}"),
        )
        .hint(LONGER)),
        ReplyVerdict::Filter(words) => {
            let colon = if words.is_empty() { "" } else { ": " };
            let what = format!("the content filter of {name} stopped the answer{colon}{words}");
            Err(Failure::new(FailureKind::Refused, what))
        }
        ReplyVerdict::Refusal(words) => {
            let what = format!("the model of {name} refuses to go on: {words}");
            Err(Failure::new(FailureKind::Refused, what))
        }
        ReplyVerdict::NoText(_) if plan.json => Ok(()),
        ReplyVerdict::NoText(words) => Err(Failure::new(
            FailureKind::Refused,
            format!("the reply from {name} has no text: {words}"),
        )
        .hint("--json prints the reply as it came")),
    }
}
