//! The fields that a profile file may hold, and their types. One table; a new field is a new row.

/// What a field's value may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    Text,
    /// One text or a list of texts.
    Texts,
    /// Texts, or none at all.
    Patterns,
    /// `true` or `false`.
    Flag,
    /// One of these words.
    Word(&'static [&'static str]),
    /// A list out of these words.
    Words(&'static [&'static str]),
    /// A table whose values are texts.
    TextTable,
    /// A table whose values are whole numbers.
    NumberTable,
    /// A table whose values can be anything that JSON can say.
    AnyTable,
    /// Templates of request bodies, a table for each job.
    Templates,
    /// A list of prices.
    Prices,
    /// A list of request rules.
    Rules,
}

/// The names of the jobs, as profiles and rules write them.
pub(crate) const JOBS: &[&str] =
    &["chat", "embed", "image", "image_edit", "transcribe", "translate", "speak", "models"];

/// What a service may be known not to take as an attachment: all of a kind, or one format.
pub(crate) const KINDS: &[&str] =
    &["image", "audio", "pdf", "png", "jpeg", "gif", "webp", "wav", "mp3"];

/// Every field of `[providers.NAME]`.
pub(crate) const PROFILE: &[(&str, Shape)] = &[
    ("title", Shape::Text),
    ("base_url", Shape::Text),
    ("base_url_env", Shape::Text),
    ("api_key", Shape::Text),
    ("api_key_env", Shape::Texts),
    ("api_key_cmd", Shape::Texts),
    ("api_key_file", Shape::Text),
    ("key_url", Shape::Text),
    ("key_header", Shape::Text),
    ("key_headers", Shape::TextTable),
    ("start", Shape::Text),
    ("proxy", Shape::Text),
    ("ca_file", Shape::Text),
    ("slow_down_codes", Shape::Texts),
    ("model", Shape::Text),
    ("models", Shape::TextTable),
    ("jobs", Shape::Words(JOBS)),
    ("takes_no", Shape::Words(KINDS)),
    ("audio_data", Shape::Word(&["base64", "url"])),
    ("stream_usage", Shape::Word(&["ask", "sent", "never"])),
    ("schema", Shape::Word(&["json_schema", "json_object", "instructions"])),
    ("thinks_untagged", Shape::Patterns),
    ("untimed", Shape::Patterns),
    ("echo_reasoning", Shape::Text),
    ("paths", Shape::TextTable),
    ("headers", Shape::TextTable),
    ("models_headers", Shape::TextTable),
    ("bodies", Shape::Templates),
    ("options", Shape::AnyTable),
    ("embed", Shape::AnyTable),
    ("image", Shape::AnyTable),
    ("transcribe", Shape::AnyTable),
    ("speak", Shape::AnyTable),
    ("limits", Shape::NumberTable),
    ("prices", Shape::Prices),
    ("rules", Shape::Rules),
];

/// Every field of a price.
pub(crate) const PRICE: &[&str] = &["models", "input", "cached_input", "output", "currency"];

/// Every field of `[prompts.NAME]`.
pub(crate) const PROMPT: &[(&str, Shape)] = &[
    ("prompt", Shape::Text),
    ("system", Shape::Text),
    ("vars", Shape::TextTable),
    ("provider", Shape::Text),
    ("model", Shape::Text),
    ("options", Shape::AnyTable),
    ("schema", Shape::Text),
    ("extract", Shape::Flag),
    ("extract_last", Shape::Flag),
];

/// Every field of `[tools.NAME]`.
pub(crate) const TOOL: &[&str] = &["description", "parameters", "command", "timeout"];

/// Every field of a rule.
pub(crate) const RULE: &[&str] =
    &["jobs", "models", "models_except", "with", "rename", "drop", "set", "map", "takes_no", "why"];

/// The known name nearest to a mistyped one, if one is near enough to be meant.
pub(crate) fn nearest<'a>(
    typed: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    known
        .into_iter()
        .map(|name| (strsim::jaro_winkler(typed, name), name))
        .filter(|(likeness, _)| *likeness > 0.75)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typing_error_finds_its_field() {
        let fields = || PROFILE.iter().map(|(name, _)| *name);
        assert_eq!(nearest("modle", fields()), Some("model"));
        assert_eq!(nearest("api_key_command", fields()), Some("api_key_cmd"));
        assert_eq!(nearest("baseurl", fields()), Some("base_url"));
        assert_eq!(nearest("zzz", fields()), None);
    }
}
