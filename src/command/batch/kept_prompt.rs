//! A prompt of the profile file as it was when a batch was handed over: its answers are read as they were
//! asked for, whatever becomes of the prompt. The schema is not here: it stands among the arguments.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::config::field::FieldMap;
use crate::config::origin::Origin;
use crate::config::prompt::Prompt;

/// Where its values come from when it is used again: the user's own, as those of the file were.
const ORIGIN: Origin = Origin::Flag("--prompt");

/// A prompt.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct KeptPrompt {
    name: String,
    prompt: Option<String>,
    system: Option<String>,
    vars: Vec<(String, String)>,
    provider: Option<String>,
    model: Option<String>,
    options: Vec<(String, Value)>,
    extract: bool,
    extract_last: bool,
}

impl From<&Prompt> for KeptPrompt {
    fn from(prompt: &Prompt) -> Self {
        Self {
            name: prompt.name.clone(),
            prompt: prompt.prompt.clone(),
            system: prompt.system.clone(),
            vars: members(&prompt.vars),
            provider: prompt.provider.clone(),
            model: prompt.model.clone(),
            options: members(&prompt.options),
            extract: prompt.extract,
            extract_last: prompt.extract_last,
        }
    }
}

impl From<KeptPrompt> for Prompt {
    fn from(kept: KeptPrompt) -> Self {
        Self {
            name: kept.name,
            prompt: kept.prompt,
            system: kept.system,
            vars: FieldMap::of(kept.vars, &ORIGIN),
            provider: kept.provider,
            model: kept.model,
            options: FieldMap::of(kept.options, &ORIGIN),
            schema: None,
            extract: kept.extract,
            extract_last: kept.extract_last,
        }
    }
}

fn members<T: Clone>(map: &FieldMap<T>) -> Vec<(String, T)> {
    map.iter().map(|(name, field)| (name.to_owned(), field.value.clone())).collect()
}
