//! What the two eras of the protocol say, as values: the handshake, the list of tools, a call. Sends nothing.

use serde_json::{Map, Value, json};

use super::message::RpcError;
use crate::sanitize;

/// The version that a handshake asks for.
const LEGACY: &str = "2025-11-25";

/// The versions with a handshake that an answer may name.
const LEGACY_VERSIONS: [&str; 4] = ["2024-11-05", "2025-03-26", "2025-06-18", LEGACY];

/// The version without one: each request tells it.
const MODERN: &str = "2026-07-28";

/// The longest description of a tool, in bytes.
const MOST_DESCRIPTION: usize = 4 * 1024;

/// How a server is spoken to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Era {
    /// With a handshake, which settled on this version.
    Legacy(String),
    /// Without one.
    Modern,
}

impl Era {
    /// The version, as a header tells it.
    pub(super) fn version(&self) -> &str {
        match self {
            Era::Legacy(version) => version,
            Era::Modern => MODERN,
        }
    }

    /// The parameters of a request.
    pub(super) fn params(&self, mut params: Map<String, Value>) -> Map<String, Value> {
        if *self == Era::Modern {
            let about = json!({
                "io.modelcontextprotocol/protocolVersion": MODERN,
                "io.modelcontextprotocol/clientInfo": client(),
                "io.modelcontextprotocol/clientCapabilities": {},
            });
            let meta = params.entry("_meta").or_insert_with(|| json!({}));
            if let (Value::Object(meta), Value::Object(about)) = (meta, about) {
                meta.extend(about);
            }
        }
        params
    }
}

fn client() -> Value {
    json!({"name": "llm", "version": env!("CARGO_PKG_VERSION")})
}

/// What opens a connection. No capabilities: a server that is promised more asks for it, and waits.
pub(super) fn initialize() -> Map<String, Value> {
    members(json!({"protocolVersion": LEGACY, "capabilities": {}, "clientInfo": client()}))
}

/// The era that the answer to [`initialize`] settles on.
///
/// # Errors
/// Why it can't be spoken to, in words that go on after its name.
pub(super) fn era_of_handshake(result: &Value) -> Result<Era, String> {
    match result.get("protocolVersion").and_then(Value::as_str) {
        Some(version) if LEGACY_VERSIONS.contains(&version) => Ok(Era::Legacy(version.to_owned())),
        Some(version) => {
            Err(format!("speaks version {version} of the protocol, which is not known here"))
        }
        None => Err("names no version of the protocol in its answer to initialize".to_owned()),
    }
}

/// Whether the answer to `server/discover` says that it can be spoken to without a handshake.
pub(super) fn is_modern(result: &Value) -> bool {
    let versions = result.get("supportedVersions").and_then(Value::as_array);
    versions.into_iter().flatten().any(|version| version == MODERN)
}

/// A tool as a server lists it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ListedTool {
    pub(crate) name: String,
    /// Without what can't be seen in it, and not too long.
    pub(crate) description: Option<String>,
    /// What the arguments must fit, as the server has it.
    pub(crate) schema: Value,
    /// All that the server says of it.
    pub(crate) raw: Value,
}

/// A page of the list of tools, and the mark of the next one.
///
/// # Errors
/// It is no list.
pub(super) fn page(result: &Value) -> Result<(Vec<ListedTool>, Option<String>), String> {
    let Some(Value::Array(tools)) = result.get("tools") else {
        return Err("answers tools/list without a list of tools".to_owned());
    };
    let cursor = result.get("nextCursor").and_then(Value::as_str).filter(|text| !text.is_empty());
    Ok((tools.iter().filter_map(listed).collect(), cursor.map(str::to_owned)))
}

fn listed(tool: &Value) -> Option<ListedTool> {
    let name = text(tool, "/name")?;
    let described = ["/description", "/title", "/annotations/title"];
    let description = described.into_iter().find_map(|place| text(tool, place));
    let mut schema = tool.get("inputSchema").cloned().unwrap_or_default();
    reveal(&mut schema);
    Some(ListedTool {
        name: name.to_owned(),
        description: description.map(|text| shortened(&sanitize::without_invisible(text))),
        schema,
        raw: tool.clone(),
    })
}

fn text<'a>(tool: &'a Value, place: &str) -> Option<&'a str> {
    tool.pointer(place).and_then(Value::as_str).filter(|text| !text.is_empty())
}

/// Takes what can't be seen out of the descriptions in a schema: a model reads what a person would not.
fn reveal(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            for (name, value) in members {
                match value {
                    Value::String(text) if name == "description" || name == "title" => {
                        *text = shortened(&sanitize::without_invisible(text));
                    }
                    value => reveal(value),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(reveal),
        _ => {}
    }
}

fn shortened(text: &str) -> String {
    if text.len() <= MOST_DESCRIPTION {
        return text.to_owned();
    }
    format!("{} […]", &text[..text.floor_char_boundary(MOST_DESCRIPTION)])
}

/// The parameters of a call. `token` marks the progress of it.
pub(super) fn call(tool: &str, arguments: Map<String, Value>, token: u64) -> Map<String, Value> {
    members(json!({"name": tool, "arguments": arguments, "_meta": {"progressToken": token}}))
}

/// The parameters that end the wait for a request.
pub(super) fn cancelled(id: u64, reason: &str) -> Map<String, Value> {
    members(json!({"requestId": id, "reason": reason}))
}

/// The parameters that ask for a page of the list.
pub(super) fn list(cursor: Option<&str>) -> Map<String, Value> {
    cursor.map(|cursor| members(json!({"cursor": cursor}))).unwrap_or_default()
}

/// What an error says, in words that go on after the server's name.
pub(super) fn refused(method: &str, error: &RpcError) -> String {
    let code = if error.code == 0 { String::new() } else { format!(" ({})", error.code) };
    format!("refuses {method}{code}: {}", sanitize::one_line(&error.message))
}

fn members(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_taken_or_refused_by_name() {
        for version in LEGACY_VERSIONS {
            let era = era_of_handshake(&json!({"protocolVersion": version}));
            assert_eq!(era, Ok(Era::Legacy(version.to_owned())));
        }
        let why = era_of_handshake(&json!({"protocolVersion": "2099-01-01"})).expect_err("unknown");
        assert!(why.contains("2099-01-01"), "{why}");
        assert!(era_of_handshake(&json!({})).is_err());
        assert!(is_modern(&json!({"supportedVersions": ["2025-11-25", "2026-07-28"]})));
        assert!(!is_modern(&json!({"supportedVersions": ["2027-01-01"]})));
    }

    #[test]
    fn every_modern_request_tells_its_version() {
        let params = Era::Modern.params(call("t", Map::new(), 3));
        let meta = &params["_meta"];
        assert_eq!(meta["progressToken"], 3);
        assert_eq!(meta["io.modelcontextprotocol/protocolVersion"], MODERN);
        assert_eq!(meta["io.modelcontextprotocol/clientCapabilities"], json!({}));
        assert_eq!(Era::Legacy(LEGACY.to_owned()).params(list(None)), Map::new());
    }

    #[test]
    fn a_list_is_read_with_its_next_page() {
        let (tools, next) = page(&json!({"tools": [
            {"name": "a", "description": "x\u{202e}y\u{200b}z\u{1b}[2J\n", "inputSchema":
                {"type": "object", "properties": {"description": {"description": "\u{e0041}q"}}}},
            {"name": "b", "title": "B"}, {"title": "nameless"}, 1], "nextCursor": "2"}))
        .expect("a list");
        assert_eq!(next.as_deref(), Some("2"));
        assert_eq!(tools.iter().map(|tool| tool.name.as_str()).collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(tools[0].description.as_deref(), Some("xyz[2J\n"));
        assert_eq!(tools[0].schema["properties"]["description"]["description"], "q");
        assert_eq!(tools[1].description.as_deref(), Some("B"));
        assert_eq!(tools[1].schema, Value::Null);
        assert!(page(&json!({})).is_err());
        assert_eq!(page(&json!({"tools": [], "nextCursor": ""})), Ok((Vec::new(), None)));
        let long = "长".repeat(3000);
        let (tools, _) =
            page(&json!({"tools": [{"name": "a", "description": long}]})).expect("a list");
        let text = tools[0].description.as_deref().expect("a text");
        assert!(text.len() < MOST_DESCRIPTION + 10 && text.ends_with("长 […]"));
    }
}
