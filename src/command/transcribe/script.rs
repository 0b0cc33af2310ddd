//! A transcript on its way out: written as it came where one answer is the whole, put together where
//! the sound was sent in parts.

use std::time::Instant;

use serde_json::Value;

use super::outputs::TranscriptOutput;
use crate::api::transcribe::answer::TranscriptReply;
use crate::api::transcribe::format::TranscriptFormat;
use crate::api::transcribe::join::{TextJoiner, add_up, merge};
use crate::api::transcribe::subtitles::Subtitles;
use crate::error::{Failure, FailureKind};
use crate::io::Io;

/// What is to be known of a transcript.
#[derive(Debug)]
pub(super) struct TranscriptOptions {
    pub(super) format: TranscriptFormat,
    /// Print the provider's JSON as it is.
    pub(super) json: bool,
    /// The sound is sent in one piece.
    pub(super) is_single: bool,
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
            begun: Instant::now(),
            facts,
            paper,
        }
    }

    /// What comes now is of the next part of the sound.
    pub(super) fn begin_part(&mut self) {
        self.joiner.begin_part();
        self.shows_this_part = false;
    }

    /// Whether text is shown while it comes.
    pub(super) fn is_live(&self) -> bool {
        self.facts.format == TranscriptFormat::Text && !self.facts.json
    }

    /// Whether the transcript is subtitles.
    pub(super) fn makes_subtitles(&self) -> bool {
        self.facts.format.is_subtitles()
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
        if self.facts.json
            || matches!(self.facts.format, TranscriptFormat::Json | TranscriptFormat::VerboseJson)
        {
            return self.take_json(answer, offset, io);
        }
        if self.facts.format == TranscriptFormat::Text {
            let Some(text) = answer.text() else {
                return Err(self.lacks("text", &answer));
            };
            return self.show(&text, io);
        }
        match (answer.subtitles(), answer.segments()) {
            (Some(_), _) if self.facts.is_single => return self.paper.write(&answer.body, io),
            (Some(finished), _) => self.subtitles.add_finished(&finished, offset),
            (None, Some(segments)) => self.subtitles.add(&segments, offset),
            (None, None) => return Err(self.lacks("times", &answer)),
        }
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
        if self.facts.is_single && answer.value.is_some() && goes_on {
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
        if self.is_live() {
            if !self.joiner.has_words() {
                io.warn(&format!("no speech was found in {}", self.facts.name));
            }
            self.paper.write(b"\n", io)?;
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
