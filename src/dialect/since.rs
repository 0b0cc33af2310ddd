//! Where what was said since a question was asked belongs, if the user put other messages in the
//! conversation's place.

use serde_json::{Value, json};

use crate::provider::Composed;

/// Puts what was said since the question at hand was asked behind the user's own messages, which stand
/// in the field `name`: they hold what was said before. The conversation's own list has all of it.
pub(super) fn follow(composed: &mut Composed, name: &str, since: impl FnOnce() -> Vec<Value>) {
    if composed.own.by(name).is_none() {
        return;
    }
    let Some(sent) = composed.body.get_mut(name) else { return };
    let since = since();
    // A text is what the user says.
    if let Value::String(text) = sent
        && !since.is_empty()
    {
        *sent = json!([{"role": "user", "content": text.as_str()}]);
    }
    if let Value::Array(sent) = sent {
        sent.extend(since);
    }
}
