//! Reads a profile file's text, and says exactly where it is wrong. Opens no files.

use std::path::Path;

use toml::de::{DeTable, DeValue};

use super::field::Field;
use super::mcp::McpTable;
use super::misnamed;
use super::profile::Profile;
use super::prompt::Prompt;
use super::source::{Item, Source};
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
        mcp: Vec<McpTable> = |item| named(item, McpTable::read),
        prompts: Vec<Prompt> = |item| named(item, Prompt::read),
        providers: Vec<Profile> = |item| named(item, Profile::read),
        tools: Vec<ToolTable> = |item| named(item, ToolTable::read),
    }
}

/// Reads a whole profile file. `path` is `None` for the list inside the binary.
///
/// # Errors
/// The first thing that is wrong, with file, line and what was expected instead.
pub(crate) fn document(text: &str, path: Option<&Path>) -> Result<Document, Failure> {
    let source = Source::new(text, path);
    let table = DeTable::parse(text).map_err(|error| {
        let offset = error.span().map_or(0, |span| span.start);
        let words = error.message().split_whitespace().collect::<Vec<_>>().join(" ");
        let failure = source.wrong(offset, &words);
        // Bare keys of TOML are ASCII (1.0.0, "Keys").
        match words.contains("unquoted key") {
            true => {
                failure.hint("a name with other characters needs quotes, as in [prompts.\"翻译\"]")
            }
            false => failure,
        }
    })?;
    let root = DeValue::Table(table.into_inner());
    let root = source.root(&root);
    for (name, item) in root.members("")? {
        let is_known = Document::FIELDS.contains(&name);
        if matches!(name, "mcpServers" | "mcp_servers") {
            return Err(item.unknown_field("the profile file").hint(
                "a server is a table [mcp.NAME] here; --mcp FILE.json takes a file with `mcpServers`",
            ));
        }
        let meant = misnamed::meant(name, Profile::FIELDS);
        let is_of_profile = meant.is_some_and(|field| field != "like" && field != "title");
        if !is_known && is_of_profile {
            return Err(item.unknown_field("the profile file").hint(
                "the fields of a profile stand below a line [providers.NAME], with a name of yours",
            ));
        }
    }
    Document::default().read_fields("the profile file", &root)
}

fn default(item: &Item<'_>) -> Result<Field<String>, Failure> {
    Field::from_toml(item).map_err(|_| item.mistyped("the name of a profile"))
}

/// The tables of a table, each with its name.
fn named<T>(
    item: &Item<'_>,
    read: impl Fn(&str, &Item<'_>) -> Result<T, Failure>,
) -> Result<Vec<T>, Failure> {
    let tables = item.members(&format!("{}.", item.name))?;
    tables.iter().map(|(name, table)| read(name, table)).collect()
}
