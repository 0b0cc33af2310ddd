//! `POST /v1/audio/transcriptions` and `/v1/audio/translations`: reads back the words in
//! audio that `speech` made, and says of any other audio that it can't.

use std::io::Cursor;

use serde_json::json;

use super::fields::{choice, flag, text};
use super::multipart::{self, FormField};
use super::pieces::{self, has_cjk};
use super::reply::DemoReply;
use super::transcript::{self, Segment};
use super::watermark;
use crate::audio::join::wav::PCM_RATE;
use crate::audio::wav::{SampleFormat, WavSamples};

/// What is done with the audio.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Task {
    Transcribe,
    Translate,
}

const FORMATS: [&str; 5] = ["json", "text", "srt", "vtt", "verbose_json"];

/// Answers a form with an audio file in its field `file`; invalid fields are a 400.
pub(crate) fn answer(task: Task, parts: &[FormField<'_>]) -> Result<DemoReply, DemoReply> {
    let file =
        parts.iter().find(|part| part.name == "file").ok_or_else(|| DemoReply::missing("file"))?;
    if file.file_name.is_none() || file.data.is_empty() {
        return Err(DemoReply::refused("file", "must be a named file that is not empty"));
    }
    let body = multipart::fields(parts);
    let format = choice(&body, "response_format", &FORMATS)?;
    let streams =
        flag(&body, "stream")? && task == Task::Transcribe && matches!(format, "json" | "text");
    let language = text(&body, "language")?;
    let (segments, duration) = transcribe(task, file, language);
    let whole = transcript::joined(&segments);
    let usage = json!({"type": "duration", "seconds": duration.unwrap_or(0.0).ceil()});
    if streams {
        return Ok(stream(whole, duration.unwrap_or(0.0)));
    }
    let sentences: Vec<Segment> = segments.iter().flat_map(transcript::sentences).collect();
    Ok(match format {
        "text" => {
            DemoReply::content("text/plain; charset=utf-8", format!("{whole}\n").into_bytes())
        }
        "srt" => DemoReply::content(
            "application/x-subrip; charset=utf-8",
            transcript::srt(&sentences).into_bytes(),
        ),
        "vtt" => {
            DemoReply::content("text/vtt; charset=utf-8", transcript::vtt(&sentences).into_bytes())
        }
        "verbose_json" => {
            let language = match (task, language) {
                (Task::Transcribe, Some(language)) => language,
                (Task::Transcribe, None) if has_cjk(&whole) => "chinese",
                _ => "english",
            };
            let document = json!({
                "task": if task == Task::Transcribe { "transcribe" } else { "translate" },
                "language": language,
                "duration": transcript::rounded(duration.unwrap_or(0.0)), "text": whole,
                "segments": transcript::verbose(&sentences), "usage": usage,
            });
            DemoReply::json(&document)
        }
        _ => DemoReply::json(&json!({"text": whole, "usage": usage})),
    })
}

/// The transcript of the audio, and its length in seconds if it is known.
fn transcribe(
    task: Task,
    file: &FormField<'_>,
    language: Option<&str>,
) -> (Vec<Segment>, Option<f64>) {
    let name = file.file_name.as_deref().unwrap_or_default();
    let size = file.data.len() as u64;
    let found = WavSamples::find(&mut Cursor::new(file.data), size).ok().flatten();
    let duration = match &found {
        Some(found) => Some(found.seconds(found.length)),
        // Samples without a header are measured as if the demo had made them, and not searched for words.
        None if name.ends_with(".pcm") => Some((size / 2) as f64 / f64::from(PCM_RATE)),
        None => None,
    };
    let words =
        found.and_then(|found| Some((watermark::read(&channel(file.data, &found))?, found)));
    let Some((words, found)) = words else {
        let in_chinese =
            task == Task::Transcribe && language.is_some_and(|language| language.starts_with("zh"));
        let text = apology(in_chinese, file.data.len(), duration);
        return (vec![Segment { begin: 0.0, end: duration.unwrap_or(1.0), text }], duration);
    };
    let seconds = |samples: usize| samples as f64 / f64::from(found.rate);
    let mut segments: Vec<Segment> = Vec::new();
    for word in words {
        match segments.last_mut().filter(|_| !word.is_first) {
            Some(text) => {
                text.end = seconds(word.end);
                text.text.push_str(&word.text);
            }
            None => segments.push(Segment {
                begin: seconds(word.begin),
                end: seconds(word.end),
                text: word.text,
            }),
        }
    }
    if let Some(first) = segments.first_mut().filter(|_| task == Task::Translate) {
        let notice = "This is the demo inside llm; it can't translate, it can only read back: ";
        first.text.insert_str(0, notice);
    }
    (segments, duration)
}

/// The first channel, if it has 16-bit samples.
fn channel(file: &[u8], found: &WavSamples) -> Vec<i16> {
    if found.sample != SampleFormat::I16 {
        return Vec::new();
    }
    let bytes = &file[found.start as usize..(found.start + found.length) as usize];
    let first = |frame: &[u8]| i16::from_le_bytes([frame[0], frame[1]]);
    bytes.chunks_exact(found.frame as usize).map(first).collect()
}

fn apology(in_chinese: bool, bytes: usize, duration: Option<f64>) -> String {
    if in_chinese {
        let length = match duration {
            Some(seconds) => format!("这段音频长 {seconds:.1} 秒。"),
            None => format!("这个文件有 {bytes} 字节，演示服务看不出它有多长。"),
        };
        return format!(
            "这是 llm 自带的演示服务，背后没有模型，只能读回 llm speak -p demo 生成的 WAV 文件。{length}"
        );
    }
    let length = match duration {
        Some(seconds) => format!("This one holds {seconds:.1} seconds of sound."),
        None => format!("This one has {bytes} bytes; the demo can't tell how long it plays."),
    };
    format!(
        "This is the demo inside llm; there is no model behind it. \
        It can only read back a WAV file that `llm speak -p demo` made. {length}"
    )
}

/// The text in pieces, and as a whole at the end. The usage of a stream is in tokens; a tenth of a
/// second of audio counts as one.
fn stream(whole: String, duration: f64) -> DemoReply {
    let (heard, said) = ((duration * 10.0).ceil() as u64, pieces::count(&whole));
    let usage = json!({"type": "tokens", "input_tokens": heard, "output_tokens": said,
        "total_tokens": heard + said, "input_token_details": {"text_tokens": 0, "audio_tokens": heard}});
    let done = json!({"type": "transcript.text.done", "text": whole, "usage": usage});
    let mut at = 0;
    let deltas = std::iter::from_fn(move || {
        let piece = pieces::next_piece(&whole[at..])?;
        at += piece.len();
        Some(json!({"type": "transcript.text.delta", "delta": piece}))
    });
    DemoReply::events(deltas.chain(std::iter::once(done)))
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::super::speech::spoken;
    use super::*;
    use crate::audio::format::SpeechFormat;
    use crate::audio::join::AudioJoiner;
    use crate::audio::join::wav::header_of_pcm;
    use crate::audio::quiet;

    fn file(samples: &[u8], rate: u32) -> Vec<u8> {
        [&header_of_pcm(rate, u32::try_from(samples.len()).ok()), samples].concat()
    }

    fn spoken_file(text: &str) -> Vec<u8> {
        let samples = spoken(text, 1.0);
        file(&samples.iter().flat_map(|it| it.to_le_bytes()).collect::<Vec<u8>>(), PCM_RATE)
    }

    /// The texts in one file, as `llm speak` joins parts.
    fn sound(texts: &[&str]) -> Vec<u8> {
        let (mut joiner, mut whole) = (AudioJoiner::new(SpeechFormat::Wav, false), Vec::new());
        for text in texts {
            joiner.push(&spoken_file(text), &mut whole).expect("parts are alike");
            joiner.end_part(&mut whole).expect("parts are whole");
        }
        whole
    }

    fn ask(task: Task, name: &str, data: &[u8], fields: &[(&str, &'static str)]) -> DemoReply {
        let part = |(name, value): &(&str, &'static str)| FormField {
            name: (*name).to_owned(),
            file_name: None,
            data: value.as_bytes(),
        };
        let mut parts: Vec<FormField<'_>> = fields.iter().map(part).collect();
        parts.push(FormField { name: "file".to_owned(), file_name: Some(name.to_owned()), data });
        answer(task, &parts).unwrap_or_else(|refusal| refusal)
    }

    fn heard(data: &[u8], fields: &[(&str, &'static str)]) -> DemoReply {
        ask(Task::Transcribe, "录音.wav", data, fields)
    }

    #[test]
    fn the_demo_reads_back_what_it_made() {
        let file = sound(&["你好。世界！"]);
        let document = heard(&file, &[("model", "demo")]).into_json();
        assert_eq!(document["text"], "你好。世界！");
        assert_eq!(document["usage"], json!({"type": "duration", "seconds": 1.0}));
        let reply = heard(&file, &[("response_format", "text")]);
        assert_eq!(reply.content_type, "text/plain; charset=utf-8");
        assert_eq!(reply.into_bytes(), "你好。世界！\n".as_bytes());
        let two = heard(&sound(&["First one.", "And two."]), &[]).into_json();
        assert_eq!(two["text"], "First one. And two.");
        let fast = spoken("你好", 4.0);
        let fast: Vec<u8> = fast.iter().flat_map(|sample| sample.to_le_bytes()).collect();
        assert_eq!(heard(&super::tests::file(&fast, PCM_RATE), &[]).into_json()["text"], "你好");
    }

    #[test]
    fn the_parts_of_a_cut_file_have_the_text_once() {
        let texts =
            ["今天下雨。 Bring an umbrella, ", "internationalisation and 8.5 km! ", "明天晴。"];
        let whole = sound(&[&texts.concat().repeat(4)]);
        let find = |file: &[u8]| WavSamples::find(&mut Cursor::new(file), file.len() as u64);
        let samples = find(&whole).expect("readable").expect("a WAV file");
        for most in [48_000, 50_002, 77_000, 100_000] {
            let ranges =
                quiet::split_at_pauses(&samples, &mut Cursor::new(&whole), most).expect("readable");
            assert!(ranges.len() > 3);
            let text = |range: std::ops::Range<u64>| -> String {
                let bytes = &whole[44 + range.start as usize..44 + range.end as usize];
                let part = [&samples.header(bytes.len() as u64), bytes].concat();
                heard(&part, &[]).into_json()["text"].as_str().expect("text").to_owned()
            };
            let together: String = ranges.into_iter().map(text).collect();
            assert_eq!(together, texts.concat().repeat(4), "in parts of {most}");
        }
    }

    #[test]
    fn subtitles_show_the_times_of_the_words() {
        let file = sound(&["你好。世界！"]);
        let srt = String::from_utf8(heard(&file, &[("response_format", "srt")]).into_bytes())
            .expect("text");
        let expected = "1\n00:00:00,000 --> 00:00:00,184\n你好。\n\n2\n00:00:00,184 --> 00:00:00,368\n世界！\n\n";
        assert_eq!(srt, expected);
        let vtt = String::from_utf8(heard(&file, &[("response_format", "vtt")]).into_bytes())
            .expect("text");
        assert!(vtt.starts_with("WEBVTT\n\n00:00:00.000 --> 00:00:00.184\n你好。\n"), "{vtt}");
        let fields = [("response_format", "verbose_json"), ("timestamp_granularities[]", "word")];
        let verbose = heard(&file, &fields).into_json();
        assert_eq!(
            (&verbose["task"], &verbose["language"]),
            (&json!("transcribe"), &json!("chinese"))
        );
        assert_eq!(verbose["duration"], 0.368);
        assert_eq!(verbose["segments"].as_array().map(Vec::len), Some(2));
    }

    #[test]
    fn a_stream_ends_with_the_whole_text() {
        let events = heard(&sound(&["你好，世界"]), &[("stream", "true")]).into_events();
        let events: Vec<Value> =
            events.iter().map(|event| serde_json::from_str(event).expect("JSON")).collect();
        let (done, deltas) = events.split_last().expect("events");
        assert!(deltas.len() > 1);
        assert_eq!(
            deltas.iter().filter_map(|event| event["delta"].as_str()).collect::<String>(),
            "你好，世界"
        );
        assert!(deltas.iter().all(|event| event["type"] == "transcript.text.delta"));
        assert_eq!(
            (&done["type"], &done["text"]),
            (&json!("transcript.text.done"), &json!("你好，世界"))
        );
    }

    #[test]
    fn of_other_sounds_it_says_what_it_is() {
        let silence = file(&[0; 48_000], 8_000);
        let text = heard(&silence, &[]).into_json()["text"].as_str().expect("text").to_owned();
        assert!(text.contains("no model") && text.contains("`llm speak -p demo`"), "{text}");
        assert!(text.ends_with("This one holds 3.0 seconds of sound."), "{text}");
        let chinese = heard(&silence, &[("language", "zh")]).into_json();
        assert!(chinese["text"].as_str().is_some_and(|text| text.ends_with("这段音频长 3.0 秒。")));
        let bare = &sound(&["你好"])[44..];
        let bare = ask(Task::Transcribe, "a.pcm", bare, &[]).into_json();
        assert!(
            bare["text"].as_str().is_some_and(|text| text.ends_with("holds 0.1 seconds of sound."))
        );
        let other = ask(Task::Transcribe, "a.mp3", b"ID3\x04", &[]).into_json();
        assert!(other["text"].as_str().is_some_and(|text| text.contains("4 bytes")));
    }

    #[test]
    fn it_says_that_it_cannot_translate() {
        let fields = [("response_format", "verbose_json"), ("stream", "true")];
        let document = ask(Task::Translate, "a.wav", &sound(&["你好"]), &fields).into_json();
        assert_eq!(
            document["text"],
            "This is the demo inside llm; it can't translate, it can only read back: 你好"
        );
        assert_eq!(
            (&document["task"], &document["language"]),
            (&json!("translate"), &json!("english"))
        );
    }

    #[test]
    fn fields_of_the_wrong_kind_are_refused() {
        let param = |reply: DemoReply| {
            assert_eq!(reply.status, 400);
            reply.into_json()["error"]["param"].clone()
        };
        assert_eq!(param(heard(b"", &[])), "file");
        assert_eq!(param(heard(b"x", &[("response_format", "diarized_json")])), "response_format");
        assert_eq!(param(heard(b"x", &[("stream", "maybe")])), "stream");
        let no_file = answer(Task::Transcribe, &[]).unwrap_or_else(|refusal| refusal);
        assert_eq!(param(no_file), "file");
    }
}
