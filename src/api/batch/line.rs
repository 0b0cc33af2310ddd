//! One request of a batch as a line of JSON: `{"custom_id", "method", "url", "body"}`, as OpenAI's Batch
//! API, `vllm run-batch` and most others read it.

use serde_json::{Map, Value};

/// The id of a row that has none that can be used; rows count from 1.
pub(crate) fn numbered_id(row: u64) -> String {
    format!("row-{row}")
}

/// The endpoint of chat, and the newer one for the same.
const CHAT: &str = "/chat/completions";
const RESPONSES: &str = "/responses";

/// The endpoint that a body is for; `chat` is that of chat, as the service writes it.
pub(crate) fn url_for(chat: &str, body: &Map<String, Value>) -> String {
    match chat.strip_suffix(CHAT).filter(|_| !body.contains_key("messages")) {
        Some(before) => format!("{before}{RESPONSES}"),
        None => chat.to_owned(),
    }
}

/// The line, with its end. What programs other than ours take for a line end is escaped.
pub(crate) fn line(id: &str, url: &str, body: &Map<String, Value>) -> String {
    let mut line = String::from("{\"custom_id\":");
    push(id, &mut line);
    line.push_str(",\"method\":\"POST\",\"url\":");
    push(url, &mut line);
    line.push_str(",\"body\":");
    push(body, &mut line);
    line.push_str("}\n");
    line
}

/// The line of a form that takes an id and a body alone (Mistral's).
pub(crate) fn short_line(id: &str, body: &Map<String, Value>) -> String {
    let mut line = String::from("{\"custom_id\":");
    push(id, &mut line);
    line.push_str(",\"body\":");
    push(body, &mut line);
    line.push_str("}\n");
    line
}

/// Adds a value as JSON. Python's `splitlines` sees an end in U+2028, U+2029 and U+0085; between the
/// signs of JSON none of them stands, so each is part of a text.
fn push(value: &(impl serde::Serialize + ?Sized), line: &mut String) {
    // Texts, and values that were JSON before: nothing that JSON can't hold.
    let text = serde_json::to_string(value).unwrap_or_default();
    let mut rest = text.as_str();
    while let Some(at) = rest.find(['\u{85}', '\u{2028}', '\u{2029}']) {
        line.push_str(&rest[..at]);
        let Some(sign) = rest[at..].chars().next() else { break };
        line.push_str(&format!("\\u{:04x}", u32::from(sign)));
        rest = &rest[at + sign.len_utf8()..];
    }
    line.push_str(rest);
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn ends_of_lines_that_others_see_are_escaped() {
        let body = json!({"一\u{2028}": "a\u{85}b\u{2029}\u{2028}\n👩‍💻", "n": 1.50});
        let line = line("a", "/v1/x", body.as_object().expect("an object"));
        assert_eq!(
            line,
            "{\"custom_id\":\"a\",\"method\":\"POST\",\"url\":\"/v1/x\",\"body\":\
             {\"一\\u2028\":\"a\\u0085b\\u2029\\u2028\\n👩‍💻\",\"n\":1.5}}\n"
        );
        let read: Value = serde_json::from_str(&line).expect("JSON");
        assert_eq!(read["body"], body);
        let of =
            |body: Value| url_for("/v4/chat/completions", body.as_object().expect("an object"));
        assert_eq!(of(json!({"messages": []})), "/v4/chat/completions");
        assert_eq!(of(json!({"input": "x"})), "/v4/responses");
        assert_eq!(short_line("b", &Map::new()), "{\"custom_id\":\"b\",\"body\":{}}\n");
    }
}
