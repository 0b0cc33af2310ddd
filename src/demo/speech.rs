//! `POST /v1/audio/speech`: a tone for each word, with the word in it as a watermark, which
//! `transcriptions` reads back. There is no voice.

use serde_json::Value;

use super::fields::{choice, field, text};
use super::hash::hash;
use super::pieces;
use super::reply::DemoReply;
use super::watermark::{self, copy_length};
use crate::audio::join::wav;

/// OpenAI's limit, in characters.
const MAX_INPUT_CHARS: usize = 4096;

/// The fewest bytes of a piece of the stream, a tenth of a second, and the most pieces.
const MIN_PIECE_BYTES: usize = 4800;
const MAX_PIECES: usize = 16;

/// The length of a tone for each byte of its word: 20 ms, in samples.
const SAMPLES_A_BYTE: f64 = 480.0;

/// The pitches of the tones, in Hz: a pentatonic scale.
const PITCHES: [f32; 6] = [392.0, 440.0, 523.25, 587.33, 659.25, 783.99];
const LOUDNESS: f32 = 0.2;

/// How many samples a tone takes to reach its loudness; then it fades until its end.
const ATTACK_SAMPLES: f32 = 240.0;

/// Answers a speech request with a WAV file, or with samples alone; invalid fields are a 400.
pub(crate) fn answer(body: &Value) -> Result<DemoReply, DemoReply> {
    let input = text(body, "input")?
        .filter(|input| !input.is_empty())
        .ok_or_else(|| DemoReply::missing("input"))?;
    let length = input.chars().count();
    if length > MAX_INPUT_CHARS {
        let problem = format_args!(
            "has {length} characters, at most {MAX_INPUT_CHARS} can be spoken at once"
        );
        return Err(DemoReply::refused("input", problem));
    }
    let is_wav = choice(body, "response_format", &["wav", "pcm"])? == "wav";
    let speed = field(body, "speed").map_or(Some(1.0), Value::as_f64);
    let speed = speed
        .filter(|speed| (0.25..=4.0).contains(speed))
        .ok_or_else(|| DemoReply::refused("speed", "must be a number from 0.25 to 4"))?;
    choice(body, "stream_format", &["audio"])?;
    let samples: Vec<u8> =
        spoken(input, speed).iter().flat_map(|sample| sample.to_le_bytes()).collect();
    let sound = if is_wav {
        let length = u32::try_from(samples.len()).ok();
        [wav::header_of_pcm(wav::PCM_RATE, length), samples].concat()
    } else {
        samples
    };
    Ok(DemoReply::stream(if is_wav { "audio/wav" } else { "audio/pcm" }, parts(sound)))
}

/// The samples of a text: 16 bits, [`wav::PCM_RATE`] a second.
pub(super) fn spoken(text: &str, speed: f64) -> Vec<i16> {
    let mut samples = Vec::new();
    for (index, word) in pieces::words(text).enumerate() {
        let copy = copy_length(word.len());
        let length = (SAMPLES_A_BYTE * word.len() as f64 / speed) as usize;
        // Whole copies, and at least two of them, so that the word survives a cut.
        let length = length.next_multiple_of(copy).max(2 * copy);
        let start = samples.len();
        samples.extend(tone(PITCHES[hash(word.as_bytes()) as usize % PITCHES.len()], length));
        watermark::write(word, index == 0, &mut samples[start..]);
    }
    samples
}

fn tone(pitch: f32, length: usize) -> impl Iterator<Item = i16> {
    let turn = std::f32::consts::TAU * pitch / wav::PCM_RATE as f32;
    (0..length).map(move |at| {
        let at = at as f32;
        let loudness = LOUDNESS * (at / ATTACK_SAMPLES).min(1.0) * (1.0 - at / length as f32);
        ((turn * at).sin() * loudness * f32::from(i16::MAX)) as i16
    })
}

fn parts(sound: Vec<u8>) -> impl Iterator<Item = Vec<u8>> + Send {
    let size = sound.len().div_ceil(MAX_PIECES).max(MIN_PIECE_BYTES);
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

    fn sound(body: &Value) -> (&'static str, Vec<u8>) {
        let reply = answer(body).unwrap_or_else(|refusal| refusal);
        assert_eq!(reply.status, 200);
        (reply.content_type, reply.into_bytes())
    }

    #[test]
    fn a_wav_file_is_the_bare_samples_behind_a_head() {
        let (kind, file) =
            sound(&json!({"input": "你好，世界", "voice": "alloy", "model": "demo"}));
        assert_eq!(kind, "audio/wav");
        assert_eq!(file[..44], wav::header_of_pcm(24_000, Some(file.len() as u32 - 44)));
        let (kind, bare) = sound(&json!({"input": "你好，世界", "response_format": "pcm"}));
        assert_eq!(kind, "audio/pcm");
        assert_eq!(bare, file[44..]);
    }

    #[test]
    fn the_length_follows_text_and_speed() {
        let length = |text: &str, speed: f64| spoken(text, speed).len();
        // Of "你好" 20 ms for each of 6 bytes are 2880 samples, in copies of 128.
        assert_eq!(length("你好", 1.0), 2944);
        assert_eq!(length("你好你好", 1.0), 2 * 2944);
        assert_eq!(length("你好", 0.5), 5760);
        assert_eq!(length("a", 4.0), 2 * copy_length(1));
        let loudest = spoken("你好", 1.0).into_iter().max();
        assert!(loudest.is_some_and(|loudest| (4000..7000).contains(&loudest)), "{loudest:?}");
    }

    #[test]
    fn a_long_text_is_sent_in_pieces() {
        let reply = answer(&json!({"input": "长".repeat(MAX_INPUT_CHARS)}))
            .unwrap_or_else(|refusal| refusal);
        let super::super::reply::DemoBody::Stream(parts) = reply.body else { panic!("no stream") };
        let sizes: Vec<usize> = parts.map(|part| part.len()).collect();
        assert_eq!(sizes.len(), MAX_PIECES);
        assert_eq!(sizes.iter().sum::<usize>(), 44 + MAX_INPUT_CHARS / 2 * 2944 * 2);
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
            assert!(refusal.contains("the demo supports wav, pcm"), "{refusal}");
        }
        assert!(message(json!({"input": "你好", "response_format": "midi"})).contains("wav, pcm"));
        assert!(message(json!({"input": "你好", "speed": 9})).contains("'speed'"));
        assert!(
            message(json!({"input": "你好", "stream_format": "sse"})).contains("supports audio")
        );
    }
}
