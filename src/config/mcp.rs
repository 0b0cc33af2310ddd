//! `[mcp.NAME]`: a server whose tools a model may call (Model Context Protocol), as the profile file
//! describes it. Starts nothing.

use std::time::Duration;

use super::field::{Field, FieldMap};
use super::source::Item;
use super::table::table;
use super::tool::{bytes, command, seconds};
use super::value::{FromToml, Texts};
use crate::error::Failure;
#[cfg(unix)]
use crate::secret;

table! {
    /// One table of a server. It has a command or an address, not both.
    struct McpTable { name: String } reads {
        /// Program and arguments.
        command: Vec<String> = command,
        /// Variables of the program, beside those that every program needs; `$NAME` stands for one of
        /// the user's.
        env: FieldMap<String>,
        /// The folder that the program runs in.
        cwd: Field<String>,
        url: Option<String>,
        /// Request headers; `$NAME` stands for a variable of the user's.
        headers: FieldMap<String>,
        /// Variables that may hold the key, in order.
        api_key_env: Vec<String> = texts,
        /// Patterns of the tools that are offered; all of them where there is none.
        tools: Vec<String>,
        /// Patterns of the tools that run without asking.
        allow: Vec<String>,
        /// How long a call may take.
        timeout: Option<Duration> = seconds,
        /// How long the server may take to be ready.
        startup: Option<Duration> = seconds,
        /// How many bytes of an answer go to the model.
        most: Option<usize> = bytes,
        /// What the server says of its use goes to the model as well.
        instructions: bool,
    }
}

/// What other programs call their fields, and what to write here.
const OTHER_WORDS: &[(&str, &str)] = &[
    ("args", "`command` takes the program with its arguments: command = [\"npx\", \"-y\", …]"),
    ("type", "leave it out: a server with `command` is a program, one with `url` an address"),
    ("transport", "leave it out: a server with `command` is a program, one with `url` an address"),
    ("mcpServers", "a file with `mcpServers` is named on the command line: --mcp FILE.json"),
    ("disabled", "leave it out: only the servers that --mcp names are started"),
    ("enabled_tools", "`tools` names the tools that are offered"),
    ("autoApprove", "`allow` names the tools that run without asking"),
    ("http_headers", "headers = { Authorization = \"Bearer $TOKEN\" }"),
];

impl McpTable {
    /// Reads a table.
    ///
    /// # Errors
    /// An unknown field, a wrong type, neither command nor address, with file and line.
    pub(super) fn read(name: &str, item: &Item<'_>) -> Result<Self, Failure> {
        let label = format!("[{}]", item.name);
        for (field, member) in item.members("")? {
            if let Some((_, hint)) = OTHER_WORDS.iter().find(|(word, _)| *word == field) {
                return Err(member.unknown_field(&label).hint(*hint));
            }
        }
        if name.is_empty() || name.contains(['/', '#']) {
            let what = "the name of a server is not empty and has no `/` or `#`";
            return Err(item.wrong_key(&format!("{label}: {what}")));
        }
        let server = Self { name: name.to_owned(), ..Self::default() }.read_fields(&label, item)?;
        let is_program = server.command.first().is_some_and(|program| !program.is_empty());
        match (is_program, server.url.is_some()) {
            (true, false) | (false, true) => Ok(server),
            (true, true) => {
                Err(item.wrong_key(&format!("{label} has both `command` and `url`; one is meant")))
            }
            (false, false) => Err(item.wrong_key(&format!(
                "{label} has neither `command`, the program to start, nor `url`, the address to ask"
            ))),
        }
    }

    /// Whether it holds a secret itself, and not the name of a variable that does.
    #[cfg(unix)]
    pub(super) fn holds_key(&self) -> bool {
        let pairs = self.env.iter().chain(self.headers.iter());
        pairs
            .map(|(name, field)| (name, field.value.as_str()))
            .any(|(name, value)| !value.contains('$') && secret::is_secret(name, value))
    }
}

fn texts(item: &Item<'_>) -> Result<Vec<String>, Failure> {
    Ok(Texts::from_toml(item)?.to_vec())
}
