//! What a tool answered, as parts in plain words. Judges nothing by its words.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

/// A tool's answer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ToolAnswer {
    pub(crate) parts: Vec<AnswerPart>,
    /// What is for the user's eyes alone.
    pub(crate) for_user: Vec<String>,
    /// The tool says that it failed.
    pub(crate) is_error: bool,
    /// The answer as it came.
    pub(crate) raw: Value,
}

/// A part of an answer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum AnswerPart {
    Text(String),
    /// A picture, a recording, the content of a file.
    Data {
        /// `image`, `audio` or `resource`.
        kind: &'static str,
        /// As the tool has it.
        media_type: String,
        bytes: Vec<u8>,
    },
}

/// What the model is told where a tool wants to know something from the user.
const WANTS_INPUT: &str = "the tool asks for input that this client cannot give";

/// Reads the result of a call.
///
/// # Errors
/// It is none, in words that go on after the server's name.
pub(super) fn read(result: Value) -> Result<ToolAnswer, String> {
    if !result.is_object() {
        return Err("answers a call with something that is no result".to_owned());
    }
    let mut answer = ToolAnswer {
        parts: Vec::new(),
        for_user: Vec::new(),
        is_error: result.get("isError") == Some(&Value::Bool(true)),
        raw: Value::Null,
    };
    match result.get("resultType").and_then(Value::as_str) {
        None | Some("complete") => {}
        Some("input_required") => {
            answer.is_error = true;
            answer.parts.push(AnswerPart::Text(WANTS_INPUT.to_owned()));
            return Ok(ToolAnswer { raw: result, ..answer });
        }
        Some(kind) => {
            return Err(format!("answers a call with a result of the unknown type `{kind}`"));
        }
    }
    let mut has_text = false;
    for block in result.get("content").and_then(Value::as_array).into_iter().flatten() {
        let part = part(block);
        match is_for_user_alone(block) {
            true => answer.for_user.push(part.words(None)),
            false => {
                has_text |= is_text(block);
                answer.parts.push(part);
            }
        }
    }
    if let Some(value) =
        result.get("structuredContent").filter(|value| !value.is_null() && !has_text)
    {
        let words = value.to_string();
        if !repeats_data(&words, &result) {
            answer.parts.push(AnswerPart::Text(words));
        }
    }
    Ok(ToolAnswer { raw: result, ..answer })
}

/// Whether a block is a text that says something: by the protocol, structured content is in there as well.
fn is_text(block: &Value) -> bool {
    let text = block.get("text").and_then(Value::as_str).unwrap_or_default();
    block.get("type").is_some_and(|kind| kind == "text") && !text.trim().is_empty()
}

/// Whether a value holds the base64 of a picture that the answer has as a picture (`read_media_file` of the
/// reference server for files).
fn repeats_data(words: &str, result: &Value) -> bool {
    let blocks = result.get("content").and_then(Value::as_array).into_iter().flatten();
    let data = blocks.filter_map(|block| block.get("data").and_then(Value::as_str));
    data.filter(|data| !data.is_empty()).any(|data| words.contains(data))
}

fn is_for_user_alone(block: &Value) -> bool {
    let audience = block.get("annotations").and_then(|about| about.get("audience"));
    audience
        .and_then(Value::as_array)
        .is_some_and(|who| !who.is_empty() && who.iter().all(|who| who == "user"))
}

fn part(block: &Value) -> AnswerPart {
    let text = |name: &str| block.get(name).and_then(Value::as_str);
    match text("type") {
        Some("text") => AnswerPart::Text(text("text").unwrap_or_default().to_owned()),
        Some("image") => binary("image", text("mimeType"), text("data")),
        Some("audio") => binary("audio", text("mimeType"), text("data")),
        Some("resource") => resource(block.get("resource").unwrap_or(&Value::Null)),
        Some("resource_link") => {
            let uri = text("uri").unwrap_or_default();
            let name = text("name").or_else(|| text("title")).unwrap_or("resource");
            AnswerPart::Text(format!("{name}: {uri}"))
        }
        _ => AnswerPart::Text(block.to_string()),
    }
}

fn resource(resource: &Value) -> AnswerPart {
    let text = |name: &str| resource.get(name).and_then(Value::as_str);
    let uri = text("uri").unwrap_or_default();
    match (text("text"), text("blob")) {
        (Some(words), _) => AnswerPart::Text(format!("{uri}\n{words}")),
        (None, Some(data)) => binary("resource", text("mimeType"), Some(data)),
        (None, None) => AnswerPart::Text(uri.to_owned()),
    }
}

fn binary(kind: &'static str, media_type: Option<&str>, data: Option<&str>) -> AnswerPart {
    let data: String =
        data.unwrap_or_default().chars().filter(|c| !c.is_ascii_whitespace()).collect();
    let bytes = STANDARD.decode(data.as_bytes()).unwrap_or_default();
    let media_type = media_type.unwrap_or("application/octet-stream").to_owned();
    AnswerPart::Data { kind, media_type, bytes }
}

impl AnswerPart {
    /// The part in words. `more` is what is said of data beside its length.
    fn words(&self, more: Option<&str>) -> String {
        match self {
            AnswerPart::Text(text) => text.clone(),
            AnswerPart::Data { kind, media_type, bytes } => {
                let more = more.map(|more| format!(": {more}")).unwrap_or_default();
                format!("[{kind}, {media_type}, {}{more}]", size(bytes.len()))
            }
        }
    }
}

/// A length as people say it.
fn size(bytes: usize) -> String {
    match bytes {
        1 => "1 byte".to_owned(),
        0..1024 => format!("{bytes} bytes"),
        1024..1_048_576 => format!("{} KB", bytes.div_ceil(1024)),
        _ => format!("{:.1} MB", bytes as f64 / 1_048_576.0),
    }
}

impl ToolAnswer {
    /// The answer as a text, data by its kind and length.
    pub(crate) fn text(&self) -> String {
        self.text_with(|_| None)
    }

    /// The answer as a text; `named` takes data, and gives what is said of it.
    pub(crate) fn text_with(&self, mut named: impl FnMut(&[u8]) -> Option<String>) -> String {
        let parts = self.parts.iter().map(|part| match part {
            AnswerPart::Text(_) => part.words(None),
            AnswerPart::Data { bytes, .. } => part.words(named(bytes).as_deref()),
        });
        parts.filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn text(result: Value) -> String {
        read(result).expect("a result").text()
    }

    #[test]
    fn an_answer_becomes_text() {
        assert_eq!(
            text(
                json!({"content": [{"type": "text", "text": "甲"}, {"type": "text", "text": "乙"}]})
            ),
            "甲\n\n乙"
        );
        assert_eq!(text(json!({"content": [], "structuredContent": {"a": 1}})), r#"{"a":1}"#);
        let both = json!({"content": [{"type": "text", "text": "{\"a\": 1}"}], "structuredContent": {"a": 1}});
        assert_eq!(text(both), "{\"a\": 1}");
        let empty = json!({"type": "text", "text": " \n"});
        let link = json!({"type": "resource_link", "uri": "file:///c", "name": "c.txt"});
        let no_text = json!({"content": [empty, link], "structuredContent": {"a": 1}});
        assert_eq!(text(no_text), " \n\n\nc.txt: file:///c\n\n{\"a\":1}");
        assert_eq!(text(json!({"content": []})), "");
        assert_eq!(text(json!({})), "");
        let picture = json!({"type": "image", "mimeType": "image/png", "data": "AAAA"});
        assert_eq!(text(json!({"content": [picture]})), "[image, image/png, 3 bytes]");
        let passed = read(json!({"content": [picture]})).expect("a result");
        let named = |bytes: &[u8]| Some(format!("a-{}.png", bytes.len()));
        assert_eq!(passed.text_with(named), "[image, image/png, 3 bytes: a-3.png]");
        let twice = json!({"content": [picture], "structuredContent": {"content": [picture]}});
        assert_eq!(text(twice), "[image, image/png, 3 bytes]");
        let beside = json!({"content": [picture], "structuredContent": {"width": 1}});
        assert_eq!(text(beside), "[image, image/png, 3 bytes]\n\n{\"width\":1}");
        let sound =
            json!({"type": "audio", "mimeType": "audio/wav", "data": STANDARD.encode([0; 12_000])});
        assert_eq!(text(json!({"content": [sound]})), "[audio, audio/wav, 12 KB]");
        let note = json!({"type": "resource", "resource": {"uri": "file:///a", "text": "words"}});
        let blob = json!({"type": "resource", "resource": {"uri": "file:///b", "blob": "AA=="}});
        assert_eq!(
            text(json!({"content": [note, blob, link]})),
            "file:///a\nwords\n\n[resource, application/octet-stream, 1 byte]\n\nc.txt: file:///c"
        );
    }

    #[test]
    fn errors_and_questions_are_told() {
        let failed = read(json!({"content": [{"type": "text", "text": "no"}], "isError": true}))
            .expect("a result");
        assert!(failed.is_error);
        let asks = read(json!({"resultType": "input_required"})).expect("a result");
        assert_eq!((asks.is_error, asks.text().as_str()), (true, WANTS_INPUT));
        assert!(read(json!({"resultType": "later"})).is_err());
        assert!(read(json!("x")).is_err());
    }

    #[test]
    fn what_is_for_the_user_alone_does_not_go_to_the_model() {
        let answer = read(json!({"content": [
            {"type": "text", "text": "看", "annotations": {"audience": ["user"]}},
            {"type": "text", "text": "两", "annotations": {"audience": ["user", "assistant"]}}]}))
        .expect("a result");
        assert_eq!(answer.text(), "两");
        assert_eq!(answer.for_user, ["看"]);
    }
}
