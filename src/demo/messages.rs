//! Reads from the messages of a chat request what the demo's answer is about.

use serde_json::Value;

use super::fields::field;
use super::pieces;
use super::reply::DemoReply;

/// The last message of the user, and what the answer tells about the conversation.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct UserMessage {
    /// The text of the last user message, its parts joined by line ends.
    pub(crate) text: String,
    /// The attachments of the same message.
    pub(crate) pictures: usize,
    pub(crate) sounds: usize,
    pub(crate) files: usize,
    /// Whether any message was from `system` or `developer`.
    pub(crate) system: bool,
    /// The results of tools since that message.
    pub(crate) results: Vec<String>,
    /// Whether the last message of all is from the user, so that a tool may be called.
    pub(crate) user_is_last: bool,
    pub(crate) messages: usize,
    /// The pieces of all messages, for the usage.
    pub(crate) tokens: u64,
}

/// Reads the `messages` of a request body; a 400 if they are missing, empty or malformed.
pub(crate) fn hear(body: &Value) -> Result<UserMessage, DemoReply> {
    let Some(messages) = field(body, "messages") else {
        return Err(DemoReply::missing("messages"));
    };
    let Some(messages) = messages.as_array() else {
        return Err(DemoReply::refused("messages", "must be an array"));
    };
    if messages.is_empty() {
        return Err(DemoReply::refused("messages", "needs at least one message"));
    }
    let mut heard = UserMessage { messages: messages.len(), ..UserMessage::default() };
    for (index, message) in messages.iter().enumerate() {
        let role = message.get("role").and_then(Value::as_str).unwrap_or_default();
        if !matches!(role, "system" | "developer" | "user" | "assistant" | "tool" | "function") {
            let place = format!("messages[{index}].role");
            let known = "system, developer, user, assistant, tool and function";
            let problem = format_args!("is '{role}', the roles are {known}");
            return Err(DemoReply::refused(&place, problem));
        }
        let content = content(message, role, &format!("messages[{index}].content"))?;
        heard.tokens += pieces::count(&content.text);
        heard.system |= matches!(role, "system" | "developer");
        heard.user_is_last = role == "user";
        if heard.user_is_last {
            heard = UserMessage { text: content.text, results: Vec::new(), ..heard };
            (heard.pictures, heard.sounds, heard.files) =
                (content.pictures, content.sounds, content.files);
        } else if role == "tool" {
            heard.results.push(content.text);
        }
    }
    Ok(heard)
}

/// One message's content; the fields about the conversation stay empty.
fn content(message: &Value, role: &str, place: &str) -> Result<UserMessage, DemoReply> {
    let mut heard = UserMessage::default();
    let parts = match message.get("content") {
        Some(Value::String(text)) => {
            heard.text.clone_from(text);
            return Ok(heard);
        }
        Some(Value::Array(parts)) if !parts.is_empty() => parts,
        None | Some(Value::Null) if matches!(role, "assistant" | "function") => return Ok(heard),
        _ => {
            let problem = "must be a string or a non-empty array of parts";
            return Err(DemoReply::refused(place, problem));
        }
    };
    for (index, part) in parts.iter().enumerate() {
        let kind = part.get("type").and_then(Value::as_str).unwrap_or_default();
        let fits = match kind {
            "text" | "refusal" => part[kind].as_str().map(|text| {
                if !heard.text.is_empty() {
                    heard.text.push('\n');
                }
                heard.text.push_str(text);
            }),
            "image_url" => part["image_url"]["url"].as_str().map(|_| heard.pictures += 1),
            "input_audio" => part["input_audio"]["data"].as_str().map(|_| heard.sounds += 1),
            "file" => part["file"].as_object().map(|_| heard.files += 1),
            _ => None,
        };
        if fits.is_none() {
            let problem = "is not a text, image_url, input_audio or file part";
            return Err(DemoReply::refused(&format!("{place}[{index}]"), problem));
        }
    }
    Ok(heard)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_last_user_message_is_heard() {
        let body = json!({"messages": [
            {"role": "system", "content": "简短"}, {"role": "user", "content": "一"},
            {"role": "assistant", "content": null, "tool_calls": []}, {"role": "user", "content": "你好"},
        ]});
        let expected = UserMessage {
            text: "你好".to_owned(),
            system: true,
            user_is_last: true,
            messages: 4,
            tokens: 3,
            ..UserMessage::default()
        };
        assert_eq!(hear(&body).ok(), Some(expected));
    }

    #[test]
    fn attachments_are_counted_and_texts_joined() {
        let picture =
            json!({"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}});
        let body = json!({"messages": [{"role": "user", "content": [
            {"type": "text", "text": "看"}, picture, picture,
            {"type": "input_audio", "input_audio": {"data": "AA==", "format": "wav"}},
            {"type": "file", "file": {"filename": "表.pdf", "file_data": "data:application/pdf;base64,AA=="}},
            {"type": "text", "text": "图"},
        ]}]});
        let heard = hear(&body).ok().expect("fits");
        assert_eq!(
            (heard.text.as_str(), heard.pictures, heard.sounds, heard.files),
            ("看\n图", 2, 1, 1)
        );
    }

    #[test]
    fn what_is_no_message_is_refused_by_its_place() {
        let place = |body: Value| {
            let reply = hear(&body).expect_err("refused");
            assert_eq!(reply.status, 400);
            reply.into_json()["error"]["param"].clone()
        };
        assert_eq!(place(json!({})), "messages");
        assert_eq!(place(json!({"messages": []})), "messages");
        assert_eq!(place(json!({"messages": "你好"})), "messages");
        assert_eq!(
            place(json!({"messages": [{"role": "bot", "content": ""}]})),
            "messages[0].role"
        );
        assert_eq!(place(json!({"messages": [{"role": "user"}]})), "messages[0].content");
        let part = json!({"type": "image_url", "image_url": "x"});
        assert_eq!(
            place(json!({"messages": [{"role": "user", "content": [part]}]})),
            "messages[0].content[0]"
        );
    }
}
