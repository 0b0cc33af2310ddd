//! The fields of a request, out of what it asks. Options are set under the names that they have in
//! `/chat/completions`, so that profiles and their rules hold for both endpoints, and get the names
//! of this one at the end.

use serde_json::{Map, Value, json};

use super::items::{input, since};
use super::translate::translate;
use crate::dialect::chat_completions::options;
use crate::dialect::question::ChatQuestion;
use crate::dialect::schema::{self, SchemaForm};
use crate::dialect::since::follow;
use crate::provider::user_fields::{SetBy, SettingWeight};
use crate::provider::{Composed, Fields};

/// The request's fields: only what the job needs, and what the user set.
pub(super) fn fields(question: &ChatQuestion<'_>) -> Fields {
    let service = &question.service;
    let mut needed = Map::new();
    if let Some(model) = question.model {
        needed.insert("model".into(), model.into());
    }
    let own = question.conversation.instructions.as_deref();
    let system = schema::instructions(own, question.schema, service.schema_form);
    let (instructions, first) = match system {
        Some(text) if is_first_item(question) => (None, Some(text)),
        system => (system, None),
    };
    if let Some(text) = instructions {
        needed.insert("instructions".into(), text.into());
    }
    needed.insert("input".into(), input(question, first.as_deref()).into());
    // Some servers stream unless they are told not to.
    needed.insert("stream".into(), question.streams.into());
    // What is asked is nobody's to keep; here that has to be said.
    needed.insert("store".into(), false.into());
    let takes = &service.responses;
    if takes.asks_encrypted {
        needed.insert("include".into(), json!([ENCRYPTED]));
    }
    if takes.summary && question.wants_thinking {
        needed.insert("reasoning".into(), json!({ SUMMARY: "auto" }));
    }
    let flags = options(question, &mut needed);
    Fields { needed, flags, search: question.search.cloned().unwrap_or_default() }
}

/// What asks for thinking in the form in which it can go back.
const ENCRYPTED: &str = "reasoning.encrypted_content";

/// What asks for a summary of the thinking.
const SUMMARY: &str = "summary";

/// Whether the system message stands in the input: a service that has no place for one, or that looks
/// for the word JSON in the input alone.
fn is_first_item(question: &ChatQuestion<'_>) -> bool {
    let asks_for_json =
        question.schema.is_some() && question.service.schema_form == SchemaForm::JsonObject;
    question.service.takes_no_system || asks_for_json
}

/// Completes a composed body.
pub(super) fn complete(composed: &mut Composed, question: &ChatQuestion<'_>) {
    if composed.own.by("instructions").is_none() && composed.body.contains_key("instructions") {
        composed.own.add("instructions", SetBy::Flag("--system".to_owned()));
    }
    add_summary(composed, question);
    translate(composed, question);
    follow(composed, "input", || since(question));
}

/// Asks for a summary beside what the profile sets of the thinking, which stands in the place of ours.
fn add_summary(composed: &mut Composed, question: &ChatQuestion<'_>) {
    let is_asked = question.service.responses.summary && question.wants_thinking;
    let by_profile = composed.own.weight("reasoning", Some(SUMMARY)).0 == SettingWeight::Profile;
    if is_asked
        && by_profile
        && let Some(Value::Object(reasoning)) = composed.body.get_mut("reasoning")
    {
        reasoning.entry(SUMMARY).or_insert("auto".into());
    }
}
