//! Reads a profile file's text, and says exactly where it is wrong. Opens no files.

use std::path::Path;

use toml::de::DeTable;

use super::field::Field;
use super::profile::Profile;
use super::prompt::Prompt;
use super::source::{Entry, Key, Source};
use super::table::table;
use super::tool::ToolTable;
use super::value::FromToml;
use crate::error::Failure;

table! {
    /// What a profile file holds.
    struct Document {} reads {
        /// The profile that is used when none is named.
        default: Field<String> = default,
        /// Whether conversations are kept, if the file says so.
        log: Option<bool>,
        prompts: Vec<Prompt> = prompts,
        providers: Vec<Profile> = providers,
        tools: Vec<ToolTable> = tools,
    }
}

/// Reads a whole profile file. `path` is `None` for the list inside the binary.
///
/// # Errors
/// The first thing that is wrong, with file, line and what was expected instead.
pub(crate) fn document(text: &str, path: Option<&Path>) -> Result<Document, Failure> {
    let source = Source { text, path };
    let table = DeTable::parse(text).map_err(|error| {
        let offset = error.span().map_or(0, |span| span.start);
        let words = error.message().split_whitespace().collect::<Vec<_>>().join(" ");
        let failure = source.wrong(offset, &words);
        // Bare keys of TOML are ASCII (1.0.0, "Keys").
        match words.contains("unquoted key") {
            true => failure.hint("a name in other letters stands in quotes, as [prompts.\"翻译\"]"),
            false => failure,
        }
    })?;
    Document::default().read_fields(&source, "the profile file", table.get_ref())
}

fn default(source: &Source<'_>, name: &str, value: &Entry<'_>) -> Result<Field<String>, Failure> {
    let expected = "the name of a profile";
    Field::from_toml(source, name, value).map_err(|_| source.mistyped(name, value, expected))
}

fn prompts(source: &Source<'_>, name: &str, value: &Entry<'_>) -> Result<Vec<Prompt>, Failure> {
    named(source, name, value, Prompt::read)
}

fn providers(source: &Source<'_>, name: &str, value: &Entry<'_>) -> Result<Vec<Profile>, Failure> {
    named(source, name, value, Profile::read)
}

fn tools(source: &Source<'_>, name: &str, value: &Entry<'_>) -> Result<Vec<ToolTable>, Failure> {
    named(source, name, value, ToolTable::read)
}

/// The tables of a table, each with its name.
fn named<T>(
    source: &Source<'_>,
    name: &str,
    value: &Entry<'_>,
    read: impl Fn(&Source<'_>, Key<'_, '_>, &Entry<'_>) -> Result<T, Failure>,
) -> Result<Vec<T>, Failure> {
    source.table(name, value)?.iter().map(|(key, value)| read(source, key, value)).collect()
}
