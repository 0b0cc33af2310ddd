//! `[prompts.NAME]`: a prompt that the user wrote down for `llm chat --prompt NAME`.

use serde_json::Value;

use super::field::FieldMap;
use super::source::Item;
use super::table::table;
use crate::error::Failure;

table! {
    /// One table of a prompt.
    struct Prompt { name: String } reads {
        /// The text, with `{{input}}` and variables.
        prompt: Option<String>,
        system: Option<String>,
        /// What variables are where no flag sets them.
        vars: FieldMap<String>,
        provider: Option<String>,
        model: Option<String>,
        /// Request fields, over the profile's.
        options: FieldMap<Value>,
        schema: Option<String>,
        extract: bool,
        extract_last: bool,
    }
}

impl Prompt {
    /// Reads a table.
    ///
    /// # Errors
    /// An unknown field or a wrong type, with file and line.
    pub(super) fn read(name: &str, item: &Item<'_>) -> Result<Self, Failure> {
        let prompt = Self { name: name.to_owned(), ..Self::default() };
        prompt.read_fields(&format!("[{}]", item.name), item)
    }
}
