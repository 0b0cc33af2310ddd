//! The fields of a speech request, out of what the user asked for.

use serde_json::{Map, Value};

use crate::provider::{Fields, Provider};

/// The voice that is asked for where nobody names one: the specification requires the field, and the
/// servers that followed OpenAI know its first voice.
const VOICE: &str = "alloy";

/// The request's fields for one part of the text: only what the job needs, and `flags`, which the user
/// set. A service of the built-in list has its voice there, or needs none.
pub(crate) fn fields(provider: &Provider, text: &str, flags: Map<String, Value>) -> Fields {
    let mut needed = Map::new();
    if let Some(model) = &provider.model {
        needed.insert("model".into(), model.as_str().into());
    }
    needed.insert("input".into(), text.into());
    if !provider.is_listed() {
        needed.insert("voice".into(), VOICE.into());
    }
    Fields { needed, flags, ..Fields::default() }
}
