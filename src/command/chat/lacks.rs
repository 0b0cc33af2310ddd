//! What the user can do where a model takes no tools, or no attachments of a kind, or is served by the other
//! endpoint than the one that was typed.

use super::question::Question;
use super::refusals::{is_of_group, is_of_tools};
use super::ways_out::{is_one_off, takes_no};
use crate::config::name::profile_table;
use crate::config::schema::Word as _;
use crate::error::{Failure, FailureKind};
use crate::input::AttachmentGroup;
use crate::provider::Provider;

/// The failure with a hint that names what to leave out, where the question holds what the model is
/// said not to take. Another try would end the same.
pub(in crate::command) fn named(
    failure: Failure,
    question: &Question,
    provider: &Provider,
) -> Failure {
    if let Some(api) = question.leads_away(&failure, provider) {
        let hint = format!("`--api {}` asks the endpoint that serves this model", api.word());
        return Failure { kind: FailureKind::Refused, retry: None, ..failure }.hint(hint);
    }
    let hint = failure.refused.as_deref().and_then(|refused| {
        if question.has_tools() && is_of_tools(refused) {
            return Some(
                "this model takes no tools: leave out --tool and --mcp, or take another model"
                    .into(),
            );
        }
        let (attachment, is_now) = question
            .attachments()
            .find(|(attachment, _)| is_of_group(refused, attachment.format.group()))?;
        let group = attachment.format.group();
        let what = match group {
            AttachmentGroup::Picture => "pictures",
            AttachmentGroup::Audio => "audio",
            AttachmentGroup::Pdf => "PDF",
        };
        let way = match is_now {
            true => format!("leave out {} (-f)", attachment.given),
            false => format!("{} is part of this conversation, begin a new one", attachment.given),
        };
        let hint = format!("this model takes no {what}: {way}, or take another model");
        if is_one_off(provider) {
            return Some(hint);
        }
        let line = takes_no(group.name(), &question.first.model);
        let table = profile_table(&provider.name);
        Some(format!("{hint}; this line in {table} avoids the refused request: {line}"))
    });
    match hint {
        Some(hint) => Failure { kind: FailureKind::Refused, retry: None, ..failure }.hint(hint),
        None => failure,
    }
}
