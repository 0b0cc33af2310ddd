//! The fields of a speech request, out of what the user asked for.

use serde_json::{Map, Value};

use crate::audio::format::SpeechFormat;
use crate::cli::speak::SpeakArgs;
use crate::provider::{Fields, Provider};

/// The voice that is asked for where nobody names one: the specification requires the field, and the
/// servers that followed OpenAI know its first voice.
const VOICE: &str = "alloy";

/// The request's fields for one part of the text: only what the job needs, and what the user set.
/// `format` is the user's wish, by flag or by a file's ending. A service of the built-in list has
/// its voice there, or needs none.
pub(crate) fn fields(
    args: &SpeakArgs,
    provider: &Provider,
    text: &str,
    format: Option<SpeechFormat>,
) -> Fields {
    let mut needed = Map::new();
    if let Some(model) = &provider.model {
        needed.insert("model".into(), model.as_str().into());
    }
    needed.insert("input".into(), text.into());
    if !provider.is_listed() {
        needed.insert("voice".into(), VOICE.into());
    }
    let mut flags = Map::new();
    let mut set = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            flags.insert(name.to_owned(), value);
        }
    };
    set("voice", args.voice.clone().map(Value::from));
    set("instructions", args.instructions.clone().map(Value::from));
    set("response_format", format.map(|format| format.name().into()));
    set("speed", args.speed.clone().map(Value::Number));
    Fields { needed, flags }
}
