//! Servers and their tools as text. Starts nothing.

use serde_json::{Map, Value, json};

use super::choice::ServerChoice;
use super::words;
use crate::config::Config;
use crate::config::mcp::McpTable;
use crate::http::request::shown_address;
use crate::mcp::ListedTool;
use crate::sanitize;

/// How much is shown of what a tool or an argument is for, in characters.
const SHOWN: usize = 160;

/// One server a line: its name, and its command or address.
pub(super) fn list(config: &Config, is_json: bool) -> String {
    let tables = config.mcp_servers();
    if is_json {
        let server = |table: &McpTable| match &table.url {
            Some(url) => json!({"name": table.name, "url": shown_address(url)}),
            None => json!({"name": table.name, "command": words::shown(&table.command)}),
        };
        return format!("{}\n", tables.iter().map(server).collect::<Value>());
    }
    let width = tables.iter().map(|table| table.name.chars().count()).max().unwrap_or_default();
    let line = |table: &McpTable| {
        let reach = match &table.url {
            Some(url) => shown_address(url),
            None => words::shown(&table.command).join(" "),
        };
        format!("{:<width$}  {}\n", sanitize::one_line(&table.name), sanitize::one_line(&reach))
    };
    tables.iter().map(line).collect()
}

/// Tools with their arguments, a line each.
pub(super) fn tools(tools: &[&ListedTool], choice: &ServerChoice) -> String {
    let mut text = String::new();
    for tool in tools {
        let mut notes = Vec::new();
        if !choice.offers(&tool.name) {
            notes.push("not offered");
        }
        if choice.allows(&tool.name) {
            notes.push("runs without asking");
        }
        let notes = match notes.is_empty() {
            true => String::new(),
            false => format!(" ({})", notes.join(", ")),
        };
        let what = tool.description.as_deref().map(first_words).unwrap_or_default();
        let line = format!("{}{notes}  {what}", sanitize::one_line(&tool.name));
        text.push_str(line.trim_end());
        text.push('\n');
        let properties = tool.schema.get("properties").and_then(Value::as_object);
        for (name, schema) in properties.unwrap_or(&Map::new()) {
            text.push_str(&argument(name, schema, &tool.schema));
        }
    }
    text
}

/// `    path (string, required)  The file`
fn argument(name: &str, schema: &Value, all: &Value) -> String {
    let required = all.get("required").and_then(Value::as_array).into_iter().flatten();
    let is_required = required.into_iter().any(|required| required == name);
    let mut facts: Vec<String> = kind(schema).into_iter().collect();
    if is_required {
        facts.push("required".to_owned());
    }
    let facts = match facts.is_empty() {
        true => String::new(),
        false => format!(" ({})", facts.join(", ")),
    };
    let what = schema.get("description").and_then(Value::as_str).map(first_words);
    let line = format!("    {name}{facts}  {}", what.unwrap_or_default());
    format!("{}\n", sanitize::one_line(line.trim_end()))
}

/// The type of an argument in a word or two.
fn kind(schema: &Value) -> Option<String> {
    let word = |value: &Value| value.as_str().map(str::to_owned);
    if let Some(Value::Array(values)) = schema.get("enum") {
        let values: Vec<String> = values.iter().map(Value::to_string).collect();
        return Some(values.join(" | "));
    }
    match schema.get("type") {
        Some(Value::String(kind)) if kind == "array" => {
            let items = schema.get("items").and_then(kind_of_items);
            Some(items.map_or_else(|| kind.clone(), |items| format!("list of {items}")))
        }
        Some(Value::String(kind)) => Some(kind.clone()),
        Some(Value::Array(kinds)) => {
            Some(kinds.iter().filter_map(word).collect::<Vec<_>>().join(" | "))
        }
        _ => {
            let branches =
                ["anyOf", "oneOf"].into_iter().find_map(|name| schema.get(name)?.as_array())?;
            let kinds: Vec<String> = branches.iter().filter_map(kind).collect();
            (!kinds.is_empty()).then(|| kinds.join(" | "))
        }
    }
}

fn kind_of_items(items: &Value) -> Option<String> {
    items.get("type").and_then(Value::as_str).map(str::to_owned)
}

/// The beginning of a description, in one line.
fn first_words(text: &str) -> String {
    let line = text.trim().split("\n\n").next().unwrap_or_default();
    let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
    let start: String = line.chars().take(SHOWN).collect();
    let more = if start.len() < line.len() { " …" } else { "" };
    format!("{}{more}", sanitize::one_line(&start))
}
