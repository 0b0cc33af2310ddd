//! Subtitles: segments written as SubRip or WebVTT (W3C), and finished subtitles moved in time. Knows
//! no service.

use super::format::TranscriptFormat;

/// A stretch of speech; times in seconds from the beginning of the recording.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Segment {
    pub(crate) start: f64,
    pub(crate) end: f64,
    pub(crate) text: String,
    /// Who speaks, where the service tells.
    pub(crate) speaker: Option<String>,
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
            let speaker = segment.speaker.as_deref().map(one_line);
            let cue = match self.format {
                TranscriptFormat::Srt => {
                    let (start, end) = (clock(start, ','), clock(end, ','));
                    let speaker = speaker.map_or_else(String::new, |name| format!("{name}: "));
                    // SubRip has no escapes, and an arrow would be read as a time.
                    let text = format!("{speaker}{text}").replace("-->", "→");
                    format!("{start} --> {end}\n{text}\n")
                }
                _ => {
                    let (start, end) = (clock(start, '.'), clock(end, '.'));
                    let escaped = |text: &str| {
                        text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
                    };
                    let speaker = speaker.map(|name| format!("<v {}>", escaped(&name)));
                    format!(
                        "{start} --> {end}\n{}{}\n",
                        speaker.unwrap_or_default(),
                        escaped(&text)
                    )
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

    /// Adds finished subtitles of either format.
    pub(crate) fn add_any(&mut self, finished: &str, offset: f64) {
        if is_webvtt(finished) == (self.format != TranscriptFormat::Srt) {
            self.add_finished(finished, offset);
        } else {
            self.add(&parsed(finished), offset);
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

/// Whether finished subtitles are WebVTT: they say so, or have its sign before the milliseconds.
pub(crate) fn is_webvtt(finished: &str) -> bool {
    let finished = finished.trim_start_matches('\u{feff}').trim_start();
    let first = || finished.lines().find(|line| moved(line, 0.0).is_some());
    finished.starts_with("WEBVTT")
        || first().is_some_and(|line| !line.split("-->").next().unwrap_or_default().contains(','))
}

/// The cues of finished subtitles, without marks: `<v NAME>` is who speaks.
pub(crate) fn parsed(finished: &str) -> Vec<Segment> {
    let is_webvtt = is_webvtt(finished);
    let finished =
        finished.trim_start_matches('\u{feff}').replace("\r\n", "\n").replace('\r', "\n");
    let mut cues = Vec::new();
    for block in finished.split("\n\n") {
        let mut lines = block.trim_matches('\n').lines();
        let times = lines.by_ref().take(2).find_map(|line| {
            let (start, rest) = line.split_once("-->")?;
            Some((seconds(start.trim())?, seconds(rest.split_whitespace().next()?)?))
        });
        let Some((start, end)) = times else { continue };
        let (text, speaker) = without_marks(&lines.collect::<Vec<_>>().join("\n"));
        let text = match is_webvtt {
            true => text
                .replace("&lt;", "<")
                .replace("&gt;", ">")
                .replace("&nbsp;", " ")
                .replace("&amp;", "&"),
            false => text,
        };
        cues.push(Segment { start, end, text, speaker });
    }
    cues
}

/// A cue's text without `<i>`, `<v NAME>` and the like, and the name.
fn without_marks(text: &str) -> (String, Option<String>) {
    let (mut plain, mut speaker, mut rest) = (String::new(), None, text);
    while let Some(at) = rest.find('<') {
        let mark = rest[at + 1..].find(['>', '\n']).map(|end| &rest[at + 1..at + 1 + end]);
        let is_mark =
            |mark: &&str| mark.starts_with(|c: char| c == '/' || c.is_ascii_alphanumeric());
        let Some(mark) = mark.filter(is_mark).filter(|m| rest[at + 1 + m.len()..].starts_with('>'))
        else {
            plain.push_str(&rest[..=at]);
            rest = &rest[at + 1..];
            continue;
        };
        if let Some(name) = mark.strip_prefix("v ") {
            speaker.get_or_insert_with(|| name.trim().to_owned());
        }
        plain.push_str(&rest[..at]);
        rest = &rest[at + mark.len() + 2..];
    }
    plain.push_str(rest);
    (plain, speaker)
}

/// Whether finished subtitles have any cue.
pub(crate) fn has_cues(finished: &str) -> bool {
    finished.lines().any(|line| moved(line, 0.0).is_some())
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

/// A name that stands in a line.
fn one_line(name: &str) -> String {
    name.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The text without blank lines, which would end a cue, and without white space around a line.
fn lines(text: &str) -> String {
    let lines = text.split(['\n', '\r']).map(str::trim).filter(|line| !line.is_empty());
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests;
