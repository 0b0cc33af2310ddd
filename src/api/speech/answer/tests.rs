use serde_json::json;

use super::*;

/// What a reply in pieces of this size gives: the sound, and the trouble with it.
fn read_in(kind: &str, body: &[u8], piece: usize) -> (Vec<u8>, Option<String>) {
    let mut reader = SpeechReader::new(kind, None);
    let mut sound = Vec::new();
    let mut result = Ok(());
    for piece in body.chunks(piece) {
        result = result.and_then(|()| reader.push(Bytes::copy_from_slice(piece), &mut sound));
    }
    result = result.and_then(|()| reader.finish(&mut sound));
    let wrong = result.err().map(|wrong| match wrong {
        BadReply::Fault(fault) => format!("fault: {}", fault.message),
        BadReply::NotAnAnswer(words) => format!("no sound: {words}"),
        BadReply::Unreadable(what) => format!("broken: {what}"),
        BadReply::BrokenOff => "unfinished".to_owned(),
        other => format!("{other:?}"),
    });
    (sound.concat(), wrong)
}

fn read(kind: &str, body: &[u8]) -> (Vec<u8>, Option<String>) {
    let whole = read_in(kind, body, usize::MAX);
    assert_eq!(read_in(kind, body, 1), whole, "in pieces of one byte");
    assert_eq!(read_in(kind, body, 5), whole, "in pieces of five bytes");
    whole
}

#[test]
fn bare_sound_is_passed_on_whatever_its_label() {
    for kind in
        ["audio/mpeg", "application/octet-stream", "", "text/event-stream", "application/json"]
    {
        let body = b"ID3\x04\0\0\0\0\0\0 and the rest of it";
        assert_eq!(read(kind, body), (body.to_vec(), None), "{kind}");
    }
    assert_eq!(read("audio/pcm", b"{\"a\0\x01\x02"), (b"{\"a\0\x01\x02".to_vec(), None));
    assert_eq!(read("audio/pcm", b"ab"), (b"ab".to_vec(), None));
    assert_eq!(read("audio/pcm", b""), (Vec::new(), None));
}

#[test]
fn base64_in_json_is_found() {
    for body in [
        json!({"audio_data": "SUQzBAAAAAAA"}),
        json!({"audio": "SUQzBAAAAAAA"}),
        json!({"audio": {"data": "data:audio/mpeg;base64,SUQz\nBAAAAAAA"}}),
        json!({"data": "SUQzBAAAAAAA"}),
    ] {
        let (sound, wrong) = read("application/json", body.to_string().as_bytes());
        assert_eq!((sound.as_slice(), wrong), (&b"ID3\x04\0\0\0\0\0"[..], None), "{body}");
    }
    let (sound, _) = read("application/octet-stream", br#" {"audio_data": "SUQzBA"}"#);
    assert_eq!(sound, b"ID3\x04");
}

#[test]
fn errors_in_a_good_reply_are_found() {
    let wrong = |kind: &str, body: &str| read(kind, body.as_bytes()).1.unwrap_or_default();
    let error = r#"{"error": {"message": "嗓子坏了", "code": 500}}"#;
    for kind in ["application/json", "text/plain", "audio/mpeg", ""] {
        assert_eq!(wrong(kind, error), "fault: 嗓子坏了", "{kind}");
    }
    let event = format!("data: {error}\n\n");
    assert_eq!(wrong("text/event-stream", &event), "fault: 嗓子坏了");
    assert_eq!(wrong("text/html", "<html><title>欢迎</title></html>"), "no sound: 欢迎");
    assert_eq!(wrong("application/json", r#"{"id": "1"}"#), r#"no sound: {"id":"1"}"#);
    assert_eq!(wrong("text/event-stream", "<html><title>欢迎</title>"), "no sound: 欢迎");
    assert!(wrong("application/json", r#"{"audio": "SU"#).starts_with("broken: it is not JSON"));
    assert!(wrong("application/json", r#"{"audio": "*"}"#).starts_with("broken: its base64"));
}

#[test]
fn events_are_read() {
    let openai = "data: {\"type\":\"speech.audio.delta\",\"audio\":\"SUQz\"}\n\n\
        data: {\"type\":\"speech.audio.delta\",\"audio\":\"BAA=\"}\n\n";
    let done = "data: {\"type\":\"speech.audio.done\",\"usage\":{\"input_tokens\":14}}\n\n";
    let (sound, wrong) = read("text/event-stream", format!("{openai}{done}").as_bytes());
    assert_eq!((sound.as_slice(), wrong), (&b"ID3\x04\0"[..], None));
    let (sound, wrong) = read("text/event-stream", openai.as_bytes());
    assert_eq!((sound.as_slice(), wrong.as_deref()), (&b"ID3\x04\0"[..], Some("unfinished")));
    let mistral = "event: speech.audio.delta\n\
        data: {\"type\":\"speech.audio.delta\",\"audio_data\":\"AAAA\"}\n\n\
        event: speech.audio.done\ndata: {\"type\":\"speech.audio.done\"}\n\n";
    assert_eq!(read("", mistral.as_bytes()), (vec![0; 3], None));
    let together = "data: {\"object\":\"audio.tts.chunk\",\"b64\":\"AAAA\"}\n\ndata: [DONE]\n\n";
    assert_eq!(read("text/event-stream", together.as_bytes()), (vec![0; 3], None));
    let broken = "data: {\"type\"\n\n";
    assert!(read("text/event-stream", broken.as_bytes()).1.is_some());
}

#[test]
fn token_counts_are_kept() {
    let mut reader = SpeechReader::new("text/event-stream", None);
    let event = "data: {\"type\":\"speech.audio.done\",\"token_usage\":{\"input_tokens\":14}}\n\n";
    reader.push(event.into(), &mut Vec::new()).expect("reads");
    reader.finish(&mut Vec::new()).expect("ends");
    assert_eq!(reader.usage(), Some(&json!({"input_tokens": 14})));
    assert!(!reader.is_bare());
}
