//! Subtitles: segments written as SubRip or WebVTT (W3C), and finished subtitles moved in time. Knows
//! no service.

use super::format::TranscriptFormat;

/// A stretch of speech; times in seconds from the beginning of the recording.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Segment {
    pub(crate) start: f64,
    pub(crate) end: f64,
    pub(crate) text: String,
}

/// Subtitles that grow part by part.
#[derive(Debug)]
pub(crate) struct Subtitles {
    format: TranscriptFormat,
    text: String,
    count: usize,
}

impl Subtitles {
    /// Empty subtitles; any format but [`TranscriptFormat::Srt`] means WebVTT.
    pub(crate) fn new(format: TranscriptFormat) -> Self {
        let text =
            if format == TranscriptFormat::Srt { String::new() } else { "WEBVTT\n".to_owned() };
        Self { format, text, count: 0 }
    }

    /// Adds segments whose times count from `offset` seconds on. Those without words are left out.
    pub(crate) fn add(&mut self, segments: &[Segment], offset: f64) {
        for segment in segments {
            let text = lines(&segment.text);
            if text.is_empty() {
                continue;
            }
            let start = segment.start.max(0.0);
            let (start, end) = (start + offset, segment.end.max(start) + offset);
            let cue = match self.format {
                TranscriptFormat::Srt => {
                    let (start, end) = (clock(start, ','), clock(end, ','));
                    // SubRip has no escapes, and an arrow would be read as a time.
                    format!("{start} --> {end}\n{}\n", text.replace("-->", "→"))
                }
                _ => {
                    let (start, end) = (clock(start, '.'), clock(end, '.'));
                    let text = text.replace('&', "&amp;").replace('<', "&lt;");
                    format!("{start} --> {end}\n{}\n", text.replace('>', "&gt;"))
                }
            };
            self.begin_cue();
            self.text.push_str(&cue);
        }
    }

    /// Adds finished subtitles whose times count from `offset` seconds on: cues are moved and
    /// numbered again, a WebVTT head is left out.
    pub(crate) fn add_finished(&mut self, finished: &str, offset: f64) {
        let finished = finished.trim_start_matches('\u{feff}').replace("\r\n", "\n");
        for block in finished.split("\n\n") {
            let mut lines = block.trim_matches('\n').lines().peekable();
            // Before the times stands nothing but a cue's name or number.
            let mut times = None;
            let mut name = None;
            for line in lines.by_ref().take(2) {
                times = moved(line, offset);
                if times.is_some() {
                    break;
                }
                name = Some(line);
            }
            let Some(times) = times else { continue };
            self.begin_cue();
            if let Some(name) = name.filter(|_| self.format != TranscriptFormat::Srt) {
                self.text.push_str(&format!("{name}\n"));
            }
            self.text.push_str(&format!("{times}\n"));
            for line in lines {
                self.text.push_str(&format!("{line}\n"));
            }
        }
    }

    /// Whether there is no cue.
    pub(crate) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The whole.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    fn begin_cue(&mut self) {
        self.count += 1;
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        if self.format == TranscriptFormat::Srt {
            self.text.push_str(&format!("{}\n", self.count));
        }
    }
}

/// Whether a text is finished subtitles: it has a line with times, or is empty ones.
pub(crate) fn is_finished(text: &str) -> bool {
    let text = text.trim_start_matches('\u{feff}');
    text.trim().is_empty()
        || text.starts_with("WEBVTT")
        || text.lines().any(|line| moved(line, 0.0).is_some())
}

/// A line of times, moved: `00:00:01,000 --> 00:00:02,500`, hours optional, whatever stands behind
/// kept. `None` for any other line.
fn moved(line: &str, offset: f64) -> Option<String> {
    let (start, rest) = line.split_once("-->")?;
    let rest = rest.trim_start();
    let (end, settings) = rest.split_at(rest.find(char::is_whitespace).unwrap_or(rest.len()));
    let (start, end) = (start.trim(), end.trim());
    let point = if start.contains(',') { ',' } else { '.' };
    let (start, end) = (seconds(start)? + offset, seconds(end)? + offset);
    Some(format!("{} --> {}{}", clock(start, point), clock(end, point), settings.trim_end()))
}

/// `HH:MM:SS,mmm` or `MM:SS.mmm` in seconds.
fn seconds(time: &str) -> Option<f64> {
    let mut total = 0.0;
    let parts: Vec<&str> = time.split(':').collect();
    if !(2..=3).contains(&parts.len()) {
        return None;
    }
    for part in parts {
        let is_number = part.bytes().all(|byte| byte.is_ascii_digit() || b",.".contains(&byte));
        let value: f64 = part.replace(',', ".").parse().ok().filter(|_| is_number)?;
        total = total * 60.0 + value;
    }
    Some(total)
}

fn clock(seconds: f64, point: char) -> String {
    // A cast brings a time beyond any sense to the largest number, and no number to 0.
    let all = (seconds * 1000.0).round() as u64;
    let (hours, minutes) = (all / 3_600_000, all / 60_000 % 60);
    format!("{hours:02}:{minutes:02}:{:02}{point}{:03}", all / 1000 % 60, all % 1000)
}

/// The text without blank lines, which would end a cue, and without white space around a line.
fn lines(text: &str) -> String {
    let lines = text.split(['\n', '\r']).map(str::trim).filter(|line| !line.is_empty());
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn segment(start: f64, end: f64, text: &str) -> Segment {
        Segment { start, end, text: text.to_owned() }
    }

    fn made(format: TranscriptFormat, segments: &[Segment], offset: f64) -> String {
        let mut subtitles = Subtitles::new(format);
        subtitles.add(segments, offset);
        subtitles.text().to_owned()
    }

    #[test]
    fn segments_become_subrip() {
        let segments = [
            segment(0.0, 1.5, " 你好 --> \r\n\n再见 "),
            segment(1.5, 2.0, " "),
            segment(3661.2346, 3662.0, "a < b & c"),
        ];
        assert_eq!(
            made(TranscriptFormat::Srt, &segments, 0.0),
            "1\n00:00:00,000 --> 00:00:01,500\n你好 →\n再见\n\n\
             2\n01:01:01,235 --> 01:01:02,000\na < b & c\n"
        );
    }

    #[test]
    fn segments_become_webvtt() {
        let segments = [segment(-1.0, -2.0, "你好 --> <b>")];
        assert_eq!(
            made(TranscriptFormat::Vtt, &segments, 60.0),
            "WEBVTT\n\n00:01:00.000 --> 00:01:00.000\n你好 --&gt; &lt;b&gt;\n"
        );
        assert_eq!(made(TranscriptFormat::Vtt, &[], 0.0), "WEBVTT\n");
        assert_eq!(made(TranscriptFormat::Srt, &[], 0.0), "");
    }

    #[test]
    fn finished_subtitles_are_moved_and_numbered_anew() {
        let mut subtitles = Subtitles::new(TranscriptFormat::Srt);
        subtitles.add_finished("1\n00:00:00,500 --> 00:00:01,000\n一\n二\n\n", 0.0);
        subtitles.add_finished("1\r\n00:59:59,999 --> 01:00:00,001\r\n2\r\n\r\n\n\n", 0.501);
        subtitles.add(&[segment(1.0, 2.0, "末")], 4000.0);
        assert_eq!(
            subtitles.text(),
            "1\n00:00:00,500 --> 00:00:01,000\n一\n二\n\n\
             2\n01:00:00,500 --> 01:00:00,502\n2\n\n3\n01:06:41,000 --> 01:06:42,000\n末\n"
        );
        let mut subtitles = Subtitles::new(TranscriptFormat::Vtt);
        subtitles.add_finished("WEBVTT\n\nNOTE a\n\n00:01.000 --> 00:02.000\n一\n", 0.0);
        let named = "\u{feff}WEBVTT - x\n\n甲\n00:01.000 --> 00:02.000 align:start line:0\n二\n\n";
        subtitles.add_finished(named, 10.0);
        assert_eq!(
            subtitles.text(),
            "WEBVTT\n\n00:00:01.000 --> 00:00:02.000\n一\n\n\
             甲\n00:00:11.000 --> 00:00:12.000 align:start line:0\n二\n"
        );
    }

    #[test]
    fn subtitles_are_told_from_text() {
        for text in ["", "\n", "WEBVTT\n", "1\n00:00:00,000 --> 00:00:01,000\n好\n"] {
            assert!(is_finished(text), "{text:?}");
        }
        for text in ["你好", "a --> b", "{\"text\":\"1:00 --> 2\"}"] {
            assert!(!is_finished(text), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn any_text_keeps_the_form(text in "(\\PC|\n|\r|-->|[0-9:,.]){0,40}", start in any::<f64>(), end in any::<f64>()) {
            let srt = made(TranscriptFormat::Srt, &[segment(start, end, &text)], 0.0);
            let is_time = |line: &&str| line.contains("-->");
            prop_assert!(srt.lines().filter(is_time).count() <= 1);
            let mut again = Subtitles::new(TranscriptFormat::Srt);
            again.add_finished(&srt, 0.0);
            prop_assert_eq!(again.text().lines().count(), srt.lines().count());
            let mut vtt = Subtitles::new(TranscriptFormat::Vtt);
            vtt.add_finished(&text, start);
            prop_assert!(is_finished(vtt.text()));
        }
    }
}
