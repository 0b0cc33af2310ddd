//! `POST /v1/audio/speech`: the text as tones, which `transcriptions` reads back. No voice is made
//! and none is known.

use serde_json::Value;

use super::fields::{choice, field, text};
use super::modem;
use super::reply::Reply;
use super::wav;

/// OpenAI's limit, in characters.
const LONGEST: usize = 4096;

/// Least bytes of one piece of the stream: a tenth of a second. A long sound is sent in `PIECES`
/// pieces.
const SMALLEST_PIECE: usize = 4800;
const PIECES: usize = 16;

/// Answers a speech request with a WAV file, or with the bare samples; wrong fields are a 400.
pub(crate) fn answer(body: &Value) -> Result<Reply, Reply> {
    let input = text(body, "input")?
        .filter(|input| !input.is_empty())
        .ok_or_else(|| Reply::missing("input"))?;
    let length = input.chars().count();
    if length > LONGEST {
        let message =
            format!("'input' has {length} characters, at most {LONGEST} can be spoken at once");
        return Err(Reply::error(400, &message, Some("input"), Some("string_above_max_length")));
    }
    let known = ["wav", "pcm"];
    let is_wav = match text(body, "response_format")? {
        Some(format @ ("mp3" | "opus" | "aac" | "flac")) => {
            let message = format!("the demo makes wav and pcm only, no {format}");
            return Err(Reply::refused("response_format", &message));
        }
        _ => choice(body, "response_format", &known)? == "wav",
    };
    if let Some(speed) = field(body, "speed")
        && !speed.as_f64().is_some_and(|speed| (0.25..=4.0).contains(&speed))
    {
        return Err(Reply::refused("speed", "'speed' has to be a number from 0.25 to 4"));
    }
    choice(body, "stream_format", &["audio"])?;
    let samples: Vec<u8> =
        modem::encode(input.as_bytes()).iter().flat_map(|sample| sample.to_le_bytes()).collect();
    let sound = if is_wav {
        [wav::header(samples.len() as u32, modem::RATE), samples].concat()
    } else {
        samples
    };
    Ok(Reply::stream(if is_wav { "audio/wav" } else { "audio/pcm" }, parts(sound)))
}

fn parts(sound: Vec<u8>) -> impl Iterator<Item = Vec<u8>> + Send {
    let size = sound.len().div_ceil(PIECES).max(SMALLEST_PIECE);
    let mut at = 0;
    std::iter::from_fn(move || {
        let part = sound[at..].chunks(size).next()?.to_vec();
        at += part.len();
        Some(part)
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn spoken(body: &Value) -> (&'static str, Vec<u8>) {
        let reply = answer(body).unwrap_or_else(|refusal| refusal);
        assert_eq!(reply.status, 200);
        (reply.content_type, reply.into_bytes())
    }

    #[test]
    fn the_text_is_in_the_sound() {
        let (kind, file) =
            spoken(&json!({"input": "你好，世界", "voice": "alloy", "model": "demo"}));
        assert_eq!(kind, "audio/wav");
        let wav = wav::Wav::read(&file).expect("a WAV file");
        assert_eq!(modem::decode(&wav.samples(), wav.rate)[0].bytes, "你好，世界".as_bytes());
        let (kind, bare) = spoken(&json!({"input": "你好，世界", "response_format": "pcm"}));
        assert_eq!(kind, "audio/pcm");
        assert_eq!(bare, file[44..]);
    }

    #[test]
    fn a_long_text_is_sent_in_pieces() {
        let reply =
            answer(&json!({"input": "长".repeat(LONGEST)})).unwrap_or_else(|refusal| refusal);
        let super::super::reply::Body::Stream(parts) = reply.body else { panic!("no stream") };
        let sizes: Vec<usize> = parts.map(|part| part.len()).collect();
        assert_eq!(sizes.len(), PIECES);
        let tones = 10 + 8 + 2 * (3 + 3 * LONGEST + 4);
        assert_eq!(sizes.iter().sum::<usize>(), 44 + tones * 480);
    }

    #[test]
    fn what_it_cannot_make_is_refused() {
        let message = |fields: Value| {
            let reply = answer(&fields).err().expect("refused");
            assert_eq!(reply.status, 400);
            reply.into_json()["error"]["message"].as_str().expect("a message").to_owned()
        };
        assert!(message(json!({})).contains("'input'"));
        assert!(message(json!({"input": ""})).contains("'input'"));
        assert!(message(json!({"input": "长".repeat(4097)})).contains("has 4097 characters"));
        for format in ["mp3", "opus", "aac", "flac"] {
            let refusal = message(json!({"input": "你好", "response_format": format}));
            assert!(refusal.contains("wav and pcm only"), "{refusal}");
        }
        assert!(message(json!({"input": "你好", "response_format": "midi"})).contains("wav, pcm"));
        assert!(message(json!({"input": "你好", "speed": 9})).contains("'speed'"));
        assert!(message(json!({"input": "你好", "stream_format": "sse"})).contains("knows audio"));
    }
}
