//! A transcript on its way out: written as it came where one answer is the whole, put together where
//! the sound was sent in parts.

use std::time::Instant;

use serde_json::Value;

use super::outputs::TranscriptOutput;
use crate::api::transcribe::answer::TranscriptReply;
use crate::api::transcribe::cue::CueLayout;
use crate::api::transcribe::format::TranscriptFormat;
use crate::api::transcribe::join::{TextJoiner, add_up, merge};
use crate::api::transcribe::subtitles::{Subtitles, has_cues, is_webvtt, parsed};
use crate::error::{Failure, FailureKind};
use crate::io::Io;

/// What is to be known of a transcript.
#[derive(Debug)]
pub(super) struct TranscriptOptions {
    pub(super) format: TranscriptFormat,
    /// Print the provider's JSON as it is.
    pub(super) json: bool,
    /// The transcript says who speaks.
    pub(super) speakers: bool,
    /// The time of each word was asked for.
    pub(super) words: bool,
    /// How much a subtitle shows, where the user says so.
    pub(super) layout: Option<CueLayout>,
    /// Other transcripts follow on the same output.
    pub(super) is_shared: bool,
    pub(super) shows_usage: bool,
    /// The file's name.
    pub(super) name: String,
    pub(super) service: String,
}

/// The transcript of one file.
pub(super) struct Transcript {
    facts: TranscriptOptions,
    paper: TranscriptOutput,
    /// The sound is sent in one piece.
    is_single: bool,
    /// Who spoke last, in a transcript that says so.
    speaker: Option<String>,
    /// An answer said who speaks, and had the times of words.
    has_speakers: bool,
    has_words: bool,
    joiner: TextJoiner,
    subtitles: Subtitles,
    /// The JSON of several answers.
    whole: Option<Value>,
    usage: Option<Value>,
    shows_this_part: bool,
    begun: Instant,
}

impl Transcript {
    /// An empty transcript.
    pub(super) fn new(facts: TranscriptOptions, paper: TranscriptOutput) -> Self {
        Self {
            joiner: TextJoiner::default(),
            subtitles: Subtitles::new(facts.format),
            whole: None,
            usage: None,
            shows_this_part: false,
            is_single: true,
            speaker: None,
            has_speakers: false,
            has_words: false,
            begun: Instant::now(),
            facts,
            paper,
        }
    }

    /// The sound is sent in so many parts.
    pub(super) fn set_parts(&mut self, parts: usize) {
        self.is_single = parts == 1;
    }

    /// What comes now is of the next part of the sound.
    pub(super) fn begin_part(&mut self) {
        self.joiner.begin_part();
        self.shows_this_part = false;
    }

    /// Whether text is shown while it comes.
    pub(super) fn is_live(&self) -> bool {
        self.is_text() && !self.facts.speakers
    }

    fn is_text(&self) -> bool {
        self.facts.format == TranscriptFormat::Text && !self.facts.json
    }

    /// Whether anything of the present part was shown.
    pub(super) fn shows_this_part(&self) -> bool {
        self.shows_this_part
    }

    /// Whether anything of the transcript was shown.
    pub(super) fn is_touched(&self) -> bool {
        self.paper.is_touched()
    }

    /// Shows a piece of text.
    ///
    /// # Errors
    /// A reader that went away, or a medium that takes no more.
    pub(super) fn show(&mut self, text: &str, io: &mut Io) -> Result<(), Failure> {
        let ready = self.joiner.push(text);
        if ready.is_empty() {
            return Ok(());
        }
        self.shows_this_part = true;
        self.paper.write(ready.as_bytes(), io)
    }

    /// Takes from an answer what is not its text, which was shown as it came.
    pub(super) fn take_rest(&mut self, answer: &TranscriptReply) {
        self.count(answer);
    }

    /// Takes the answer for the part that begins at `offset` seconds.
    ///
    /// # Errors
    /// It holds no text or no times where they are needed; the output takes no more.
    pub(super) fn take(
        &mut self,
        answer: TranscriptReply,
        offset: f64,
        io: &mut Io,
    ) -> Result<(), Failure> {
        self.count(&answer);
        self.has_words |= answer.has_words();
        if self.facts.json
            || matches!(self.facts.format, TranscriptFormat::Json | TranscriptFormat::VerboseJson)
        {
            return self.take_json(answer, offset, io);
        }
        if self.facts.format == TranscriptFormat::Text {
            return self.take_text(&answer, io);
        }
        self.take_cues(&answer, offset, io)
    }

    /// Text, with a line and a label for each who speaks where that is wanted and told.
    fn take_text(&mut self, answer: &TranscriptReply, io: &mut Io) -> Result<(), Failure> {
        let segments = answer.segments().filter(|_| self.facts.speakers).unwrap_or_default();
        if segments.iter().any(|segment| segment.speaker.is_some()) {
            self.has_speakers = true;
            for segment in segments.iter().filter(|segment| !segment.text.trim().is_empty()) {
                let text = segment.text.trim();
                if segment.speaker.is_some() && segment.speaker != self.speaker {
                    if self.paper.is_touched() {
                        self.paper.write(b"\n", io)?;
                    }
                    self.joiner = TextJoiner::default();
                    let name = segment.speaker.as_deref().unwrap_or_default();
                    self.show(&format!("{name}: {text}"), io)?;
                    self.speaker.clone_from(&segment.speaker);
                } else {
                    self.joiner.begin_part();
                    self.show(text, io)?;
                }
            }
            return Ok(());
        }
        let Some(text) = answer.text() else {
            return Err(self.lacks("text", answer));
        };
        self.show(&text, io)
    }

    /// Subtitles: as they came where nothing is to be changed.
    fn take_cues(
        &mut self,
        answer: &TranscriptReply,
        offset: f64,
        io: &mut Io,
    ) -> Result<(), Failure> {
        let finished = answer.subtitles();
        if let Some(finished) = finished.as_deref().filter(|_| self.facts.layout.is_none()) {
            let is_ours = is_webvtt(finished) == (self.facts.format != TranscriptFormat::Srt);
            let is_whole =
                finished.starts_with("WEBVTT") == (self.facts.format != TranscriptFormat::Srt);
            let is_empty = finished.is_empty();
            if self.is_single && (is_ours || !has_cues(finished)) && is_whole && !is_empty {
                if !has_cues(finished) {
                    io.warn(&format!("no speech was found in {}", self.facts.name));
                }
                let as_it_came = answer.value.is_none().then_some(answer.body.as_slice());
                return self.paper.write(as_it_came.unwrap_or(finished.as_bytes()), io);
            }
            self.subtitles.add_any(finished, offset);
            return Ok(());
        }
        let of_words = match self.facts.layout {
            Some(layout) if self.facts.words => answer.segments_of_words(layout),
            _ => None,
        };
        let segments =
            of_words.or_else(|| finished.map(|it| parsed(&it))).or_else(|| answer.segments());
        let Some(mut segments) = segments else { return Err(self.lacks("times", answer)) };
        match self.facts.speakers {
            true => self.has_speakers |= segments.iter().any(|segment| segment.speaker.is_some()),
            false => segments.iter_mut().for_each(|segment| segment.speaker = None),
        }
        if let Some(layout) = self.facts.layout {
            segments = segments.iter().flat_map(|segment| layout.cues(segment)).collect();
        }
        self.subtitles.add(&segments, offset);
        Ok(())
    }

    fn take_json(
        &mut self,
        answer: TranscriptReply,
        offset: f64,
        io: &mut Io,
    ) -> Result<(), Failure> {
        if answer.value.is_none() && self.facts.json {
            let words = format!("the reply from {} is not JSON", self.facts.service);
            return Err(Failure::new(FailureKind::Refused, words)
                .hint("`--format json` puts its text into JSON"));
        }
        let lacks_times = answer.segments().is_none()
            && answer.value.as_ref().is_none_or(|value| value.get("words").is_none());
        if self.facts.format == TranscriptFormat::VerboseJson && lacks_times {
            io.warn(&format!("{} gave no timestamps for {}", self.facts.service, self.facts.name));
        }
        let goes_on = self.facts.json || answer.is_transcript_json();
        if self.is_single && answer.value.is_some() && goes_on {
            return self.paper.write(&answer.body, io);
        }
        let value = answer.into_json();
        match &mut self.whole {
            Some(whole) => merge(whole, value, offset),
            None => self.whole = Some(value),
        }
        Ok(())
    }

    fn count(&mut self, answer: &TranscriptReply) {
        let usage = answer.value.as_ref().and_then(|value| value.get("usage"));
        match (&mut self.usage, usage.filter(|usage| usage.is_object())) {
            (Some(old), Some(new)) => add_up(old, new),
            (None, Some(new)) => self.usage = Some(new.clone()),
            (_, None) => {}
        }
    }

    fn lacks(&self, what: &str, answer: &TranscriptReply) -> Failure {
        let TranscriptOptions { service, format, .. } = &self.facts;
        let what = match &answer.value {
            Some(_) => format!("the answer from {service} has no {what}"),
            None => format!("the answer from {service} is plain text without {what}"),
        };
        if *format == TranscriptFormat::Text {
            return Failure::new(FailureKind::Refused, what)
                .hint("--json prints the answer as it came");
        }
        let words = format!("{what}, so no {} can be made of it", format.name());
        Failure::new(FailureKind::Refused, words).hint(
            "another model may give timestamps (-m); --format text prints the answer as it is",
        )
    }

    /// The transcript is whole: what was collected is written, and a file gets its name.
    ///
    /// # Errors
    /// The output takes no more, or can't be renamed.
    pub(super) fn end(mut self, io: &mut Io) -> Result<(), Failure> {
        self.warn_of_what_is_missing(io);
        if self.is_text() {
            match self.joiner.has_words() {
                true => self.paper.write(b"\n", io)?,
                false => {
                    io.warn(&format!("no speech was found in {}", self.facts.name));
                    // The heading, where several transcripts stand under their names.
                    self.paper.write(b"", io)?;
                }
            }
        } else if let Some(whole) = self.whole.take() {
            self.paper.write(format!("{whole}\n").as_bytes(), io)?;
        } else if !self.paper.is_touched() {
            if self.subtitles.is_empty() {
                io.warn(&format!("no speech was found in {}", self.facts.name));
            }
            self.paper.write(self.subtitles.text().as_bytes(), io)?;
        }
        if self.paper.is_stdout() && (self.facts.is_shared || io.stdout_is_terminal) {
            self.paper.end_line(io)?;
        }
        if self.facts.shows_usage {
            self.say_usage(io);
        }
        self.paper.commit()
    }

    /// Warns of what was asked for and did not come.
    fn warn_of_what_is_missing(&self, io: &Io) {
        let TranscriptOptions { service, name, format, .. } = &self.facts;
        let has_cues = !format.is_subtitles() || !self.subtitles.is_empty();
        let is_json = self.facts.json || !(self.is_text() || format.is_subtitles());
        if self.facts.speakers && !self.has_speakers && !is_json && has_cues {
            io.warn(&format!("{service} did not say who speaks in {name}"));
        } else if self.facts.speakers && !self.is_single && !is_json {
            io.warn(&format!("{name} was sent in parts: each names the speakers anew"));
        }
        if self.facts.words && !self.has_words && has_cues {
            let what = if is_json { "" } else { "; the times of lines are reckoned" };
            io.warn(&format!("{service} gave no times of words for {name}{what}"));
        }
    }

    /// The transcript failed on its way: a line that was begun is ended.
    ///
    /// # Errors
    /// The output takes no more.
    pub(super) fn break_off(mut self, io: &mut Io) -> Result<(), Failure> {
        if self.paper.is_touched() { self.paper.end_line(io) } else { Ok(()) }
    }

    /// What was counted and how long it took, on one line.
    fn say_usage(&self, io: &Io) {
        let number = |names: &[&str]| {
            let usage = self.usage.as_ref()?;
            names.iter().find_map(|name| usage.get(*name)).and_then(Value::as_f64)
        };
        let mut parts = Vec::new();
        if let Some(seconds) = number(&["seconds", "prompt_audio_seconds"]) {
            parts.push(format!("{seconds} s of sound"));
        }
        let input = number(&["input_tokens", "prompt_tokens"]);
        let output = number(&["output_tokens", "completion_tokens"]);
        if let (Some(input), Some(output)) = (input, output) {
            parts.push(format!("{input} tokens in, {output} out"));
        }
        if parts.is_empty() {
            parts.push("no counts given".to_owned());
        }
        parts.push(format!("{:.2} s in all", self.begun.elapsed().as_secs_f64()));
        let of =
            if self.facts.is_shared { format!(" of {}", self.facts.name) } else { String::new() };
        io.say(&format!("usage{of}: {}", parts.join(", ")));
    }
}
