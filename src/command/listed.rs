//! The models that a service has listed, kept so that completions know them without asking: a file for each
//! profile in the data folder. What can't be kept or read is simply not known.

use serde::{Deserialize, Serialize};

use crate::config::profile::Profile;
use crate::history::Store;
use crate::http::request::{shown, shown_address};
use crate::io::{Env, Io};
use crate::provider::Provider;

/// At most so many models are kept of a service, and none with a longer name.
const MOST_MODELS: usize = 5000;
const LONGEST_NAME: usize = 200;

/// The list of one profile.
#[derive(Debug, Serialize, Deserialize)]
struct ListedModels {
    /// Where they were listed: a profile with another address has other models.
    base_url: String,
    models: Vec<String>,
}

/// Keeps what a service has listed, unless nothing of the run shall be kept.
pub(crate) fn keep(provider: &Provider, models: &[String], io: &Io) {
    let keeps = provider.is_noted && !models.is_empty();
    let Some(store) = Store::find(&io.env).filter(|_| keeps) else { return };
    let models = models.iter().filter(|id| is_usable(id)).take(MOST_MODELS).cloned().collect();
    let base_url = shown(&provider.base_url);
    let listed = ListedModels { base_url, models };
    if let Ok(text) = serde_json::to_vec(&listed) {
        let _ = store.replace(&file_name(&provider.name), &text);
    }
}

/// The models that a profile was found to have, if its address is still the one that was asked.
pub(crate) fn models_of(name: &str, base_url: Option<&str>, env: &Env) -> Vec<String> {
    let Some(store) = Store::find(env) else { return Vec::new() };
    let bytes = std::fs::read(store.file(&file_name(name))).unwrap_or_default();
    let Ok(listed) = serde_json::from_slice::<ListedModels>(&bytes) else { return Vec::new() };
    let is_same = base_url.is_none_or(|url| shown_address(url) == listed.base_url);
    listed.models.into_iter().filter(|id| is_same && is_usable(id)).collect()
}

/// The default of a profile and then the models that it was found to have, each once.
pub(crate) fn with_default(profile: &Profile, listed: Vec<String>) -> Vec<String> {
    let mut names: Vec<String> = profile.model.get().cloned().into_iter().collect();
    names.extend(listed.into_iter().filter(|id| Some(id) != profile.model.get()));
    names
}

/// A name that stands in one line, and that a shell can be given.
fn is_usable(id: &str) -> bool {
    !id.is_empty() && id.len() <= LONGEST_NAME && !id.chars().any(char::is_control)
}

/// A file for each profile. A name is written so that it can be no path.
fn file_name(name: &str) -> String {
    let mut text = String::from("models/");
    for letter in name.chars() {
        match letter {
            _ if letter.is_alphanumeric() || "-_".contains(letter) => text.push(letter),
            _ => text.push_str(&format!("%{:X}", u32::from(letter))),
        }
    }
    text + ".json"
}
