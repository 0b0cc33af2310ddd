//! Pictures and sound in a message of a reply, in the places where services put them. Decodes nothing.

use serde_json::Value;

use crate::dialect::event::{MediaContent, MediaDelta, MediaKind};

/// Gives what a message, or a piece of one, has beside its content: `images` (OpenRouter, LiteLLM, vLLM),
/// and `audio` (specification), which comes in pieces.
pub(super) fn found<'v>(message: &'v Value, each: &mut dyn FnMut(MediaDelta<'v>)) {
    let images = message.get("images").and_then(Value::as_array).into_iter().flatten();
    images.filter_map(|image| media(MediaKind::Picture, image)).for_each(&mut *each);
    let Some(audio) = message.get("audio").filter(|audio| audio.is_object()) else { return };
    let Some(delta) = media(MediaKind::Sound, audio) else { return };
    each(match delta.content {
        MediaContent::Base64(text) => MediaDelta { content: MediaContent::More(text), ..delta },
        _ => delta,
    });
}

/// The picture or the sound in a typed part of a content list: `image_url`, `output_image`, `image`
/// (百炼, Anthropic), `audio_url`, `output_audio` …; Gemini's own parts have no type.
pub(super) fn of_part<'v>(kind: &str, part: &'v Value) -> Option<MediaDelta<'v>> {
    let has = |name: &str| part.get(name).is_some_and(|value| !value.is_null());
    let media_type = INLINE.iter().find_map(|name| text(part.get(name)?, &FORMATS));
    let is_of = |word: &str, name: &str| {
        kind.contains(word) || has(name) || media_type.is_some_and(|kind| kind.starts_with(word))
    };
    match (is_of("image", "image_url") || has("image"), is_of("audio", "audio")) {
        (true, _) => media(MediaKind::Picture, part),
        (false, true) => media(MediaKind::Sound, part),
        (false, false) => None,
    }
}

/// Objects and texts that hold it, one in the other.
const HOLDERS: [&str; 8] = [
    "image_url",
    "audio_url",
    "image",
    "audio",
    "output_audio",
    "input_audio",
    "source",
    "inlineData",
];
const INLINE: [&str; 2] = ["inlineData", "inline_data"];
const FORMATS: [&str; 5] = ["media_type", "mime_type", "mimeType", "format", "output_format"];

/// How deep it may stand.
const DEPTH: usize = 3;

fn media(kind: MediaKind, value: &Value) -> Option<MediaDelta<'_>> {
    let (mut value, mut format, mut id) = (value, None, None);
    for _ in 0..=DEPTH {
        if let Some(found) = value.as_str().filter(|found| !found.is_empty()) {
            return Some(MediaDelta { kind, id, format, content: content(found) });
        }
        format = text(value, &FORMATS).or(format);
        id = text(value, &["id"]).or(id);
        let base64 = text(value, &["b64_json", "data", "base64", "result"]);
        if let Some(found) = base64.or_else(|| text(value, &["url"])) {
            return Some(MediaDelta { kind, id, format, content: content(found) });
        }
        let mut holders = HOLDERS.iter().chain(&INLINE);
        value = holders.find_map(|name| value.get(name).filter(|value| !value.is_null()))?;
    }
    None
}

/// An address, or base64 text.
fn content(text: &str) -> MediaContent<'_> {
    let is_url = ["data:", "http://", "https://"].iter().any(|scheme| {
        text.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    });
    // `/` is a digit of base64 as well, with which a JPEG picture begins: `/9j/`.
    let is_path = || text.starts_with('/') && text.len() < 1024 && text.contains('.');
    if is_url || is_path() { MediaContent::Url(text) } else { MediaContent::Base64(text) }
}

/// The first of these members that is a text and not empty.
fn text<'v>(value: &'v Value, names: &[&str]) -> Option<&'v str> {
    let filled = |name: &&str| value.get(*name)?.as_str().filter(|text| !text.is_empty());
    names.iter().find_map(filled)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn pictures_stand_in_many_places() {
        let data = "data:image/png;base64,iVBO";
        for (part, wanted) in [
            (json!({"type": "image_url", "image_url": {"url": data}}), MediaContent::Url(data)),
            (json!({"type": "image_url", "image_url": data}), MediaContent::Url(data)),
            (json!({"type": "output_image", "image_url": data}), MediaContent::Url(data)),
            (
                json!({"type": "image", "image": "https://a.example/x"}),
                MediaContent::Url("https://a.example/x"),
            ),
            (json!({"image": "/files/x.png"}), MediaContent::Url("/files/x.png")),
            (
                json!({"type": "image", "source": {"type": "base64", "media_type": "image/jpeg", "data": "/9j/"}}),
                MediaContent::Base64("/9j/"),
            ),
            (json!({"type": "image", "b64_json": "iVBO"}), MediaContent::Base64("iVBO")),
            (
                json!({"inlineData": {"mimeType": "image/png", "data": "iVBO"}}),
                MediaContent::Base64("iVBO"),
            ),
            (
                json!({"inline_data": {"mime_type": "image/png", "data": "iVBO"}}),
                MediaContent::Base64("iVBO"),
            ),
        ] {
            let kind = part.get("type").and_then(Value::as_str).unwrap_or("text");
            let delta = of_part(kind, &part).expect("a picture");
            assert_eq!((delta.kind, delta.content), (MediaKind::Picture, wanted), "{part}");
        }
        let part = json!({"type": "output_audio", "audio": {"data": "UklG", "format": "wav"}});
        let delta = of_part("output_audio", &part).expect("a sound");
        assert_eq!((delta.kind, delta.format), (MediaKind::Sound, Some("wav")));
        for part in [
            json!({"type": "text", "text": "data:"}),
            json!({"type": "image_url"}),
            json!({"type": "image_url", "image_url": {"url": ""}}),
            json!({"type": "image_url", "image_url": 5}),
            json!({"inlineData": {"mimeType": "text/plain", "data": "aGk="}}),
        ] {
            let kind = part.get("type").and_then(Value::as_str).unwrap_or("text");
            assert_eq!(of_part(kind, &part), None, "{part}");
        }
    }

    #[test]
    fn a_message_has_images_and_audio() {
        let message = json!({
            "content": "看",
            "images": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AA"}, "index": 0}, "data:x", null, {}],
            "audio": {"id": "audio_1", "data": "BB", "transcript": "看", "expires_at": 1}
        });
        let mut seen = Vec::new();
        found(&message, &mut |delta| seen.push((delta.id, delta.content)));
        let wanted = [
            (None, MediaContent::Url("data:image/png;base64,AA")),
            (None, MediaContent::Url("data:x")),
            (Some("audio_1"), MediaContent::More("BB")),
        ];
        assert_eq!(seen, wanted);
        for message in [
            json!({"audio": {"id": "a", "transcript": "看"}}),
            json!({"audio": null, "images": null}),
            json!({"audio": {"data": ""}, "images": {}}),
        ] {
            found(&message, &mut |delta| panic!("{delta:?}"));
        }
    }
}
