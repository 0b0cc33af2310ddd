//! The pictures in a reply, whatever service gave it. Fetches and decodes nothing.

use serde_json::Value;

use super::scan;

/// One entry of a reply.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum ImageEntry {
    /// The picture with this number among those that were taken out while the reply arrived.
    Taken(usize),
    /// A picture as base64 that was not taken out on the way.
    Base64(String),
    /// A picture to be fetched: a URL of any kind, relative ones too.
    Address(String),
    /// No picture, and why, in words.
    Nothing(String),
}

/// Lists that hold the pictures: the specification's `data`, and `images` (SiliconFlow).
const LISTS: [&str; 2] = ["data", "images"];

/// Where the services with a shape of their own keep them, `*` for each entry of a list: 百炼's choices
/// and the results of its tasks, Gemini's candidates.
const PLACES: [&[&str]; 3] = [
    &["output", "choices", "*", "message", "content", "*"],
    &["output", "results", "*"],
    &["candidates", "*", "content", "parts", "*"],
];

/// Members that say why there is no picture.
const REASONS: [&str; 8] = [
    "error",
    "message",
    "finish_reason",
    "finishMessage",
    "finishReason",
    "blockReason",
    "moderation_reason",
    "filtered_reason",
];

/// The entries of a reply; `None` if it is not a list of pictures.
pub(crate) fn entries(reply: &Value) -> Option<Vec<ImageEntry>> {
    if let Value::Array(items) = reply {
        return Some(items.iter().map(entry).collect());
    }
    let list = |name: &&str| reply.get(name).and_then(Value::as_array);
    // SiliconFlow gives both in newer versions, of which one may be empty.
    let found = LISTS.iter().filter_map(list).max_by_key(|items| !items.is_empty());
    match found {
        Some(items) => Some(items.iter().map(entry).collect()),
        None if ["b64_json", "url"].iter().any(|name| reply[name].is_string()) => {
            Some(vec![entry(reply)])
        }
        None => of_own_shape(reply),
    }
}

/// The entries of a reply in a service's own shape. Words among the pictures are left out, unless there
/// are only words: then they say why.
fn of_own_shape(reply: &Value) -> Option<Vec<ImageEntry>> {
    let found: Vec<&Value> = PLACES.iter().flat_map(|place| at(reply, place)).collect();
    let pictures: Vec<ImageEntry> = found
        .iter()
        .map(|item| entry(item))
        .filter(|entry| !matches!(entry, ImageEntry::Nothing(_)))
        .collect();
    if !pictures.is_empty() {
        return Some(pictures);
    }
    let text = found.iter().find_map(|item| item["text"].as_str()).map(str::to_owned);
    let outer = [&reply["candidates"][0], &reply["promptFeedback"], &reply["output"]["choices"][0]];
    let reason = || {
        let held = outer.iter().filter(|outer| outer.is_object());
        held.flat_map(|outer| REASONS.iter().filter_map(|name| outer[*name].as_str()))
            .find(|reason| !reason.is_empty())
            .map(str::to_owned)
    };
    let is_of_own_shape = !found.is_empty() || outer.iter().any(|outer| outer.is_object());
    let words = || text.or_else(reason).unwrap_or_else(|| "it contains no picture".to_owned());
    is_of_own_shape.then(|| vec![ImageEntry::Nothing(words())])
}

/// The values at a place.
fn at<'v>(value: &'v Value, place: &[&str]) -> Vec<&'v Value> {
    match place {
        [] => vec![value],
        ["*", rest @ ..] => {
            let items = value.as_array().into_iter().flatten();
            items.flat_map(|item| at(item, rest)).collect()
        }
        [name, rest @ ..] => value.get(name).map_or_else(Vec::new, |inner| at(inner, rest)),
    }
}

fn entry(item: &Value) -> ImageEntry {
    // xAI: HTTP 200 with an entry that says so.
    if item["respect_moderation"] == Value::Bool(false) {
        return ImageEntry::Nothing("its moderation blocked the picture".to_owned());
    }
    let text = |value: &Value| value.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    if let Some(text) = text(item) {
        let is_address = ["http:", "https:", "/", "data:"].iter().any(|it| text.starts_with(it));
        // A picture's base64 may begin with a slash: that of a JPEG does.
        let is_base64 = text.starts_with("/9j/");
        return if is_address && !is_base64 {
            ImageEntry::Address(text)
        } else {
            ImageEntry::Base64(text)
        };
    }
    let encoded = [&item["b64_json"], &item["inlineData"]["data"], &item["inline_data"]["data"]];
    if let Some(encoded) = encoded.into_iter().find_map(Value::as_str) {
        return match scan::marked(encoded) {
            Some(number) => ImageEntry::Taken(number),
            None => ImageEntry::Base64(encoded.to_owned()),
        };
    }
    let addresses = [&item["url"], &item["image"], &item["image_url"], &item["image_url"]["url"]];
    if let Some(address) = addresses.into_iter().find_map(text) {
        return ImageEntry::Address(address);
    }
    let words = |value: &Value| text(value).or_else(|| text(&value["message"]));
    let reason = REASONS.iter().find_map(|name| words(&item[name]));
    ImageEntry::Nothing(reason.unwrap_or_else(|| "the entry contains no picture".to_owned()))
}

/// What a reply says of its usage; the second name is Gemini's.
pub(crate) fn counts(reply: &Value) -> Option<&Value> {
    [&reply["usage"], &reply["usageMetadata"]].into_iter().find(|it| it.is_object())
}

/// Token counts in words, if the reply has any.
pub(crate) fn usage(reply: &Value) -> Option<String> {
    // The last names are Gemini's.
    let counts = counts(reply)?;
    let count = |names: [&str; 3]| names.iter().find_map(|name| counts.get(name)?.as_u64());
    let input = count(["input_tokens", "prompt_tokens", "promptTokenCount"]);
    let output = count(["output_tokens", "completion_tokens", "candidatesTokenCount"]);
    if input.is_none() && output.is_none() {
        return None;
    }
    let number = |count: Option<u64>| count.map_or("?".to_owned(), |count| count.to_string());
    Some(format!("{} tokens in, {} out", number(input), number(output)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn address(text: &str) -> ImageEntry {
        ImageEntry::Address(text.to_owned())
    }

    #[test]
    fn every_shape_of_reply_is_read() {
        for (reply, expected) in [
            (
                json!({"created": 1, "data": [{"b64_json": "*0"}, {"b64_json": "*1"}]}),
                vec![ImageEntry::Taken(0), ImageEntry::Taken(1)],
            ),
            (
                json!({"data": [{"url": "https://a.example/x.png", "b64_json": null}]}),
                vec![address("https://a.example/x.png")],
            ),
            (
                json!({"images": [{"url": "https://a.example/图"}], "seed": 1}),
                vec![address("https://a.example/图")],
            ),
            (json!({"images": [{"url": "u"}], "data": []}), vec![address("u")]),
            (json!({"data": [{"image_url": {"url": "u"}}]}), vec![address("u")]),
            (
                json!({"data": [{"embedding": null, "url": "/generated-images/b.png"}]}),
                vec![address("/generated-images/b.png")],
            ),
            (
                json!({"images": ["iVBORw0KGgo=", "/9j/4AAQ", "/x.png"]}),
                vec![
                    ImageEntry::Base64("iVBORw0KGgo=".to_owned()),
                    ImageEntry::Base64("/9j/4AAQ".to_owned()),
                    address("/x.png"),
                ],
            ),
            (json!([{"url": "u"}]), vec![address("u")]),
            (
                json!({"output": {"choices": [
                    {"message": {"content": [{"image": "https://a.example/猫"}]}},
                    {"message": {"content": [{"text": "好"}, {"image": "u"}]}},
                ]}}),
                vec![address("https://a.example/猫"), address("u")],
            ),
            (json!({"output": {"results": [{"url": "u"}]}}), vec![address("u")]),
            (
                json!({"candidates": [{"content": {"parts": [
                    {"text": "Hier:"}, {"inlineData": {"mimeType": "image/png", "data": "*0"}},
                ]}}]}),
                vec![ImageEntry::Taken(0)],
            ),
            (json!({"url": "u"}), vec![address("u")]),
            (json!({"data": []}), vec![]),
        ] {
            assert_eq!(entries(&reply), Some(expected), "{reply}");
        }
        for reply in [json!({}), json!({"data": null}), json!("x"), json!({"choices": []})] {
            assert_eq!(entries(&reply), None, "{reply}");
        }
    }

    #[test]
    fn an_entry_without_a_picture_says_why() {
        let words = |item: Value| match entries(&json!({"data": [item]})).as_deref() {
            Some([ImageEntry::Nothing(words)]) => words.clone(),
            other => panic!("{other:?}"),
        };
        let moderated = json!({"url": "https://a.example/x", "respect_moderation": false});
        assert!(words(moderated).contains("moderation"));
        assert_eq!(words(json!({"error": {"message": "违规"}})), "违规");
        assert_eq!(words(json!({"finish_reason": "CONTENT_FILTERED"})), "CONTENT_FILTERED");
        assert_eq!(words(json!({"url": ""})), "the entry contains no picture");
        for (reply, expected) in [
            (json!({"candidates": [{"finishReason": "IMAGE_SAFETY"}]}), "IMAGE_SAFETY"),
            (json!({"promptFeedback": {"blockReason": "SAFETY"}}), "SAFETY"),
            (json!({"candidates": [{"content": {"parts": [{"text": "不行"}]}}]}), "不行"),
            (json!({"output": {"choices": [{"message": {}}]}}), "it contains no picture"),
        ] {
            assert_eq!(
                entries(&reply),
                Some(vec![ImageEntry::Nothing(expected.to_owned())]),
                "{reply}"
            );
        }
    }

    #[test]
    fn tokens_are_told() {
        let reply = json!({"usage": {"input_tokens": 12, "output_tokens": 196}});
        assert_eq!(usage(&reply).as_deref(), Some("12 tokens in, 196 out"));
        let reply = json!({"usage": {"prompt_tokens": 0, "completion_tokens": 4175}});
        assert_eq!(usage(&reply).as_deref(), Some("0 tokens in, 4175 out"));
        let reply = json!({"usageMetadata": {"promptTokenCount": 9, "candidatesTokenCount": 1290}});
        assert_eq!(usage(&reply).as_deref(), Some("9 tokens in, 1290 out"));
        assert_eq!(usage(&json!({"usage": {"cost": 1}})), None);
    }
}
