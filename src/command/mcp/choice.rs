//! The servers that somebody names on the command line: tables of the profile file, addresses, and files
//! that other programs have. Starts nothing.

use std::path::PathBuf;
use std::time::Duration;

use super::address::{header, reach_of_address};
use super::expand::{conceal, expanded, expanded_address};
use super::json_file;
use super::words;
use crate::config::field::FieldMap;
use crate::config::mcp::McpTable;
use crate::config::origin::Origin;
use crate::config::schema::nearest;
use crate::config::{Config, listed};
use crate::error::Failure;
use crate::http::request::{Header, HeaderValue, shown_address};
use crate::io::Io;
use crate::mcp::{
    DEFAULT_MOST, DEFAULT_STARTUP, DEFAULT_TIMEOUT, ListedTool, Reach, ServerSettings,
};
use crate::provider::rules::glob;
use crate::secret::{self, Secret};

/// A server that was named, and what is wanted of it.
#[derive(Debug)]
pub(crate) struct ServerChoice {
    pub(crate) settings: ServerSettings,
    /// How many bytes of an answer go to the model.
    pub(crate) most: usize,
    /// What the server says of its use goes to the model.
    pub(crate) tells_instructions: bool,
    /// Patterns of its table for what is offered; all of it where there is none.
    tools: Vec<String>,
    /// Patterns of what runs without asking.
    allow: Vec<String>,
    /// Tools that were named with it; all where there is none.
    wanted: Vec<String>,
}

impl ServerChoice {
    /// A server with the usual limits.
    pub(super) fn new(name: &str, reach: Reach) -> Self {
        let name = name.to_owned();
        let (startup, timeout) = (DEFAULT_STARTUP, DEFAULT_TIMEOUT);
        Self {
            settings: ServerSettings { name, reach, startup, timeout },
            most: DEFAULT_MOST,
            tells_instructions: false,
            tools: Vec::new(),
            allow: Vec::new(),
            wanted: Vec::new(),
        }
    }

    /// Whether a tool is offered to a model.
    pub(crate) fn offers(&self, tool: &str) -> bool {
        is_among(tool, &self.tools) && self.is_wanted(tool)
    }

    /// Whether a tool is one of those that were named with the server, if any were.
    pub(crate) fn is_wanted(&self, tool: &str) -> bool {
        is_among(tool, &self.wanted)
    }

    /// Looks whether the server has all tools that were named with it.
    ///
    /// # Errors
    /// Exit 2: it has not.
    pub(crate) fn check_wanted(&self, tools: &[ListedTool]) -> Result<(), Failure> {
        let is_there = |wanted: &&String| tools.iter().any(|tool| glob(wanted, &tool.name));
        let Some(missing) = self.wanted.iter().find(|wanted| !is_there(wanted)) else {
            return Ok(());
        };
        let server = &self.settings.name;
        Err(Failure::usage(format!("mcp {server}: it has no tool `{missing}`"))
            .hint(format!("`llm mcp tools {server}` lists its tools")))
    }

    /// Whether no tool at all runs without asking.
    pub(crate) fn allows_none(&self) -> bool {
        self.allow.is_empty()
    }

    /// Whether a tool runs without asking.
    pub(crate) fn allows(&self, tool: &str) -> bool {
        self.allow.iter().any(|pattern| glob(pattern, tool))
    }

    /// The same server, named once more.
    fn add(&mut self, tool: Option<String>) {
        match tool {
            Some(tool) if !self.wanted.is_empty() => self.wanted.push(tool),
            Some(_) => {}
            None => self.wanted.clear(),
        }
    }
}

/// Whether a tool fits one of the patterns, or there are none.
fn is_among(tool: &str, patterns: &[String]) -> bool {
    patterns.is_empty() || patterns.iter().any(|pattern| glob(pattern, tool))
}

/// What one word names.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Named {
    Table(String),
    Address(String),
    /// A file, and the one of its servers that is meant.
    File(PathBuf, Option<String>),
}

/// The servers that words name, each once, and why some of them can't be started.
///
/// # Errors
/// Exit 2: a word that names nothing.
pub(crate) fn choose(
    words: &[String],
    config: &Config,
    io: &Io,
) -> Result<(Vec<ServerChoice>, Vec<Failure>), Failure> {
    let (mut chosen, mut failures): (Vec<ServerChoice>, Vec<Failure>) = (Vec::new(), Vec::new());
    let mut seen: Vec<(Named, usize)> = Vec::new();
    for word in words {
        let (named, tool) = read(word);
        if let Some((_, at)) = seen.iter().find(|(other, _)| *other == named) {
            chosen[*at].add(tool);
            continue;
        }
        let found = match &named {
            Named::Table(name) => vec![of_table(table(name, config)?, io)],
            Named::Address(address) => vec![of_address(address, io)],
            Named::File(path, name) => {
                let found = json_file::servers(path, name.as_deref(), io)?.into_iter();
                found.map(|(name, reach)| of_reach(&name, reach)).collect()
            }
        };
        for choice in found {
            match choice {
                Ok(mut choice) => {
                    choice.wanted.extend(tool.clone());
                    choice.settings.name = unlike(choice.settings.name, &chosen);
                    seen.push((named.clone(), chosen.len()));
                    chosen.push(choice);
                }
                Err(failure) => failures.push(failure),
            }
        }
    }
    Ok((chosen, failures))
}

/// The choices for all tables of the profile file.
pub(super) fn of_tables(config: &Config, io: &Io) -> Vec<Result<ServerChoice, Failure>> {
    config.mcp_servers().iter().map(|table| of_table(table, io)).collect()
}

/// What a word names, and the tool behind the name.
fn read(word: &str) -> (Named, Option<String>) {
    if word.contains("://") {
        return (Named::Address(word.to_owned()), None);
    }
    let with_tool = |text: &str| match text.split_once('/') {
        Some((name, tool)) if !tool.is_empty() => (name.to_owned(), Some(tool.to_owned())),
        _ => (text.trim_end_matches('/').to_owned(), None),
    };
    if let Some((path, rest)) = word.rsplit_once('#') {
        let (name, tool) = with_tool(rest);
        return (Named::File(path.into(), Some(name).filter(|name| !name.is_empty())), tool);
    }
    if word.to_ascii_lowercase().ends_with(".json") {
        return (Named::File(word.into(), None), None);
    }
    let (name, tool) = with_tool(word);
    (Named::Table(name), tool)
}

/// The table of a name.
fn table<'a>(name: &str, config: &'a Config) -> Result<&'a McpTable, Failure> {
    let tables = config.mcp_servers();
    if let Some(table) = tables.iter().find(|table| table.name == name) {
        return Ok(table);
    }
    let names: Vec<&str> = tables.iter().map(|table| table.name.as_str()).collect();
    let shown = match name {
        "" => "NAME",
        name if secret::looks_like_a_key(name) => "…",
        name => name,
    };
    let what = format!("no [mcp.{shown}] in the profile file");
    let hint = match (nearest(name, names.iter().copied()), names.is_empty()) {
        (Some(near), _) => format!("did you mean `{near}`?"),
        (None, false) => format!("the profile file has {}", listed(&names)),
        (None, true) => format!(
            "a server is a table of the profile file: [mcp.{shown}] with command = [\"npx\", …] or \
             url = \"https://…\""
        ),
    };
    Err(Failure::usage(what).hint(hint))
}

/// A name that no other server has.
fn unlike(name: String, chosen: &[ServerChoice]) -> String {
    let has = |name: &str| chosen.iter().any(|choice| choice.settings.name == name);
    if !has(&name) {
        return name;
    }
    (2..).map(|number| format!("{name}-{number}")).find(|name| !has(name)).unwrap_or(name)
}

fn of_table(table: &McpTable, io: &Io) -> Result<ServerChoice, Failure> {
    let reach = match &table.url {
        None => program(table, io),
        Some(url) => address(url, table, io),
    };
    of_reach(&table.name, reach).map(|choice| limited(choice, table))
}

/// A server with the usual limits, or the failure for one that can't be reached.
fn of_reach(name: &str, reach: Result<Reach, String>) -> Result<ServerChoice, Failure> {
    reach
        .map(|reach| ServerChoice::new(name, reach))
        .map_err(|why| Failure::usage(format!("mcp {name}: {why}")))
}

fn limited(mut choice: ServerChoice, table: &McpTable) -> ServerChoice {
    let or = |time: Option<Duration>, usual: Duration| time.unwrap_or(usual);
    choice.settings.startup = or(table.startup, DEFAULT_STARTUP);
    choice.settings.timeout = or(table.timeout, DEFAULT_TIMEOUT);
    choice.most = table.most.unwrap_or(DEFAULT_MOST);
    choice.tells_instructions = table.instructions;
    choice.tools.clone_from(&table.tools);
    choice.allow.clone_from(&table.allow);
    choice
}

fn program(table: &McpTable, io: &Io) -> Result<Reach, String> {
    io.stderr.conceal(words::secrets(&table.command));
    let mut command = table.command.clone();
    if let Some(program) = command.first_mut() {
        *program = io.env.expand_home(program).to_string_lossy().into_owned();
    }
    let folder = table.cwd.sourced().map(|field| {
        let folder = io.env.expand_home(&field.value);
        match &field.origin {
            // An absolute path stays what it is.
            Origin::File { path, .. } => {
                path.parent().map_or(folder.clone(), |beside| beside.join(&folder))
            }
            _ => folder,
        }
    });
    Ok(Reach::Program { command, env: pairs(&table.env, io)?, folder })
}

/// The address of a table, with its headers and its key.
fn address(url: &str, table: &McpTable, io: &Io) -> Result<Reach, String> {
    let mut headers = Vec::new();
    for (name, field) in table.headers.iter() {
        let value = expanded(&field.value, true, &io.env)?;
        headers.push(header(name, &value, field.value.contains('$')));
    }
    if let [first, ..] = &table.api_key_env[..] {
        let set = table.api_key_env.iter().find_map(|name| Some((name, io.env.get(name)?)));
        let (variable, key) = set.ok_or_else(|| format!("no key; set {first}"))?;
        let secret = Some(Secret::new(key));
        let value = HeaderValue::Key { scheme: "Bearer ", secret, variable: variable.clone() };
        headers.insert(0, Header { name: "Authorization".to_owned(), value, is_private: true });
    }
    let url = expanded_address(url, true, io)?;
    reach_of_address(&url, headers, io)
}

/// A server that only its address tells of; it is called by its host.
fn of_address(address: &str, io: &Io) -> Result<ServerChoice, Failure> {
    let reach = reach_of_address(address, Vec::new(), io);
    let name = match &reach {
        Ok(Reach::Address { url, .. }) => url.host_str().unwrap_or_default().to_owned(),
        _ => shown_address(address),
    };
    of_reach(&name, reach)
}

/// Names and values with the user's variables in them. Secrets among them are masked from now on.
fn pairs(fields: &FieldMap<String>, io: &Io) -> Result<Vec<(String, String)>, String> {
    let mut pairs = Vec::new();
    for (name, field) in fields.iter() {
        let value = expanded(&field.value, true, &io.env)?;
        conceal(name, &value, io);
        pairs.push((name.to_owned(), value));
    }
    Ok(pairs)
}
