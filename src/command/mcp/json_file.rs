//! Files in which other programs keep their servers: `mcpServers` of Claude, Cursor and many others, or
//! `servers` of VS Code. Only a file that the user names is read.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::address::{header, reach_of_address};
use super::expand::{conceal, expanded, expanded_address};
use super::words;
use crate::config::listed;
use crate::error::{Failure, reason};
use crate::io::{Io, read_text};
use crate::mcp::Reach;
use crate::secret;

/// A server's name, and how it is reached, or why it can't be.
pub(super) type FoundServer = (String, Result<Reach, String>);

/// The servers of a file, or the one of this name.
///
/// # Errors
/// Exit 2: no such file, no JSON, no servers in it, or none of this name.
pub(super) fn servers(
    path: &Path,
    name: Option<&str>,
    io: &Io,
) -> Result<Vec<FoundServer>, Failure> {
    let wrong = |what: &str| Failure::usage(format!("{}: {what}", path.display()));
    let path_found = io.env.expand_home(&path.to_string_lossy());
    let bytes = std::fs::File::open(path_found)
        .and_then(read_text)
        .map_err(|error| wrong(&reason(&error)))?
        .ok_or_else(|| wrong("it is too large"))?;
    let text = String::from_utf8_lossy(&bytes);
    let file: Value = serde_json::from_str(text.trim_start_matches('\u{feff}'))
        .map_err(|error| wrong(&format!("it is not JSON: {error}")))?;
    let all = ["mcpServers", "servers"].into_iter().find_map(|key| file.get(key)?.as_object());
    let all = all.ok_or_else(|| wrong("it has no object `mcpServers` or `servers`"))?;
    if let Some(name) = name {
        let names: Vec<&str> = all.keys().map(String::as_str).collect();
        let server = all.get(name).ok_or_else(|| {
            wrong(&format!("it has no server `{name}`")).hint(format!("it has {}", listed(&names)))
        })?;
        return Ok(vec![(name.to_owned(), reach(server, io))]);
    }
    let is_on = |server: &Value| server.get("disabled") != Some(&Value::Bool(true));
    let servers: Vec<_> = all
        .iter()
        .filter(|(_, server)| is_on(server))
        .map(|(name, server)| (name.clone(), reach(server, io)))
        .collect();
    match servers.is_empty() {
        true => Err(wrong("it has no server that is not disabled")),
        false => Ok(servers),
    }
}

fn reach(server: &Value, io: &Io) -> Result<Reach, String> {
    let text = |name: &str| server.get(name).and_then(Value::as_str);
    let expand = |text: &str| expanded(text, false, &io.env);
    if let Some(url) = text("url").or_else(|| text("serverUrl")).filter(|url| !url.is_empty()) {
        if text("type") == Some("sse") {
            let bridge = "`npx mcp-remote` as `command` bridges it";
            return Err(format!(
                "it speaks the old HTTP+SSE transport, which is not known here; {bridge}"
            ));
        }
        let headers = pairs(server.get("headers"), io)?;
        let headers = headers.iter().map(|(name, value)| {
            let is_secret = secret::is_secret(name, value);
            header(name, value, is_secret)
        });
        let url = expanded_address(url, false, io)?;
        return reach_of_address(&url, headers.collect(), io);
    }
    let command: Vec<String> = match server.get("command") {
        Some(Value::String(program)) => vec![program.clone()],
        Some(Value::Array(words)) => texts(words),
        _ => Vec::new(),
    };
    let arguments = server.get("args").and_then(Value::as_array).map(|words| texts(words));
    let command: Vec<String> = command
        .iter()
        .chain(arguments.iter().flatten())
        .map(|word| expand(word))
        .collect::<Result<_, _>>()?;
    if command.first().is_none_or(String::is_empty) {
        return Err("it has neither `command` nor `url`".to_owned());
    }
    io.stderr.conceal(words::secrets(&command));
    let env = pairs(server.get("env"), io)?;
    let folder = text("cwd").map(expand).transpose()?.map(PathBuf::from);
    Ok(Reach::Program { command, env, folder })
}

fn texts(words: &[Value]) -> Vec<String> {
    words.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// The members of an object with the user's variables in them.
fn pairs(object: Option<&Value>, io: &Io) -> Result<Vec<(String, String)>, String> {
    let empty = Map::new();
    let members = object.and_then(Value::as_object).unwrap_or(&empty);
    let mut pairs = Vec::new();
    for (name, value) in members {
        let value = match value {
            Value::String(text) => expanded(text, false, &io.env)?,
            // A number, or true.
            other => other.to_string(),
        };
        conceal(name, &value, io);
        pairs.push((name.clone(), value));
    }
    Ok(pairs)
}
