//! One file on its way to its transcript: in one part or several, kept where it fails, and what a refusal
//! of the whole teaches.

use serde_json::Value;

use super::ahead::PartsAhead;
use super::ask::TranscribeRun;
use super::inputs::{AudioFile, AudioInput};
use super::request;
use super::script::{Transcript, TranscriptOptions};
use super::split::{self, AudioPart, AudioParts, UploadLimit};
use crate::api::transcribe::refusal;
use crate::command::ffmpeg;
use crate::error::{Failure, FailureKind};
use crate::exchange::Exchange;
use crate::io::Io;
use crate::output::kept::{self, KeptParts};
use crate::provider::Provider;

/// What is to be known of the file that is worked on.
struct FileWork<'a> {
    name: String,
    sound: &'a AudioFile,
    kept: Option<&'a KeptParts>,
}

impl FileWork<'_> {
    /// Says that parts are kept, if some are.
    fn with_hint(&self, failure: Failure) -> Failure {
        let there = self.kept.map_or(0, KeptParts::count);
        if there == 0 || failure.is_silent() {
            return failure;
        }
        kept::with_hint(failure, there)
    }
}

/// What a refusal teaches.
#[derive(Debug, Clone, Copy)]
enum Lesson {
    /// The most seconds of sound.
    Seconds(u64),
    /// A media type that is not taken.
    Format(&'static str),
}

impl TranscribeRun {
    /// Transcribes one file.
    ///
    /// # Errors
    /// What became of it; whatever had arrived of a text on standard output is printed.
    pub(super) async fn file(
        &mut self,
        input: &AudioInput,
        exchange: &mut Exchange,
        io: &mut Io,
    ) -> Result<(), Failure> {
        let paper = self.outputs.open(input)?;
        let sound = input.sound(exchange, io).await?;
        let facts = TranscriptOptions {
            format: self.form.options.format,
            json: self.form.options.json,
            speakers: self.form.options.speakers,
            words: self.form.options.words,
            layout: self.form.options.layout,
            is_shared: self.outputs.is_shared,
            shows_usage: self.form.options.shows_usage,
            name: input.name(),
            service: exchange.provider.name.clone(),
        };
        let mut script = Transcript::new(facts, paper);
        let kept =
            KeptParts::beside(self.outputs.target(input).as_deref(), self.form.options.is_fresh);
        let work = FileWork { name: input.name(), sound: &sound, kept: kept.as_ref() };
        let result = self.all(&work, &mut script, exchange, io).await;
        let is_touched = script.is_touched();
        let result = match result {
            Ok(()) => script.end(io).and_then(|()| self.cut(&exchange.provider)),
            Err(failure) => {
                if failure.kind != FailureKind::ReaderGone {
                    script.break_off(io)?;
                }
                Err(failure)
            }
        };
        if let Some(kept) = kept.filter(|_| result.is_ok()) {
            kept.forget();
        }
        self.outputs.was_shown(is_touched || result.is_ok());
        result
    }

    /// All parts of a sound. What a refusal of the first teaches (how long it may be, that its format is
    /// not taken) is followed once each.
    async fn all(
        &mut self,
        work: &FileWork<'_>,
        script: &mut Transcript,
        exchange: &mut Exchange,
        io: &mut Io,
    ) -> Result<(), Failure> {
        let mut refusal: Option<Failure> = None;
        loop {
            let limit = self.limit(work.sound, &exchange.provider)?;
            let parts = split::parts(work.sound, &work.name, limit, exchange, io).await;
            // Where the lesson can't be followed, the refusal that taught it is what there is to say.
            let parts = parts.map_err(|failure| match refusal.take() {
                Some(refusal) if !failure.is_silent() => self.with_hint_of(refusal, work),
                _ => failure,
            })?;
            let number = parts.list.len();
            script.set_parts(number);
            let done = self.each(parts, work, script, exchange, io).await;
            let Err((part, failure)) = done else { return Ok(()) };
            if part > 1 || script.is_touched() {
                return Err(work.with_hint(failure));
            }
            let service = exchange.provider.name.clone();
            let Some(lesson) = self.lesson(&failure, work, limit, number) else {
                return Err(self.with_hint_of(failure, work));
            };
            if !ffmpeg::is_there(&io.env) && !self.can_cut(work, lesson) {
                return Err(self.with_hint_of(failure, work));
            }
            match lesson {
                Lesson::Seconds(most) => {
                    io.warn(&format!(
                        "{service} takes at most {most} s of sound at once, so {} is cut; with \
                         `limits = {{ audio_seconds = {most} }}` in the profile it is from the start",
                        work.name
                    ));
                    self.learnt_seconds = Some(most);
                }
                Lesson::Format(kind) => self.refused_kinds.push(kind),
            }
            refusal = Some(failure);
        }
    }

    /// What a refusal teaches, if it is nothing that was known.
    fn lesson(
        &self,
        failure: &Failure,
        work: &FileWork<'_>,
        limit: UploadLimit,
        parts: usize,
    ) -> Option<Lesson> {
        let refused = failure.refused.as_ref()?;
        let (status, words) = (refused.status?, &refused.words);
        if let Some(most) = refusal::longest_sound(status, words) {
            let is_new =
                self.learnt_seconds.is_none() && limit.seconds.is_none_or(|old| most < old);
            return is_new.then_some(Lesson::Seconds(most));
        }
        let kind = work.sound.kind.content_type;
        // A service that lists the format does not take this file for another reason.
        let is_listed = words.to_lowercase().contains(&work.sound.kind.format());
        let is_new = parts == 1 && !limit.converts && kind != "audio/wav" && !is_listed;
        (is_new && refusal::refuses_file(status, words)).then_some(Lesson::Format(kind))
    }

    /// Whether a sound can be cut without ffmpeg.
    fn can_cut(&self, work: &FileWork<'_>, lesson: Lesson) -> bool {
        let kind = work.sound.kind.content_type;
        matches!(lesson, Lesson::Seconds(_)) && matches!(kind, "audio/wav" | "audio/pcm")
    }

    /// A refusal of the whole file, with what helps.
    fn with_hint_of(&self, failure: Failure, work: &FileWork<'_>) -> Failure {
        let said = failure.refused.as_ref().and_then(|it| Some((it.status?, it.words.clone())));
        let Some((status, words)) = said else { return work.with_hint(failure) };
        if refusal::longest_sound(status, &words).is_some() {
            return failure
                .hint("with ffmpeg installed it is sent in parts; WAV files are without it");
        }
        let is_listed = words.to_lowercase().contains(&work.sound.kind.format());
        if refusal::refuses_file(status, &words) && !is_listed {
            return failure.hint(split::convert_hint(&work.name));
        }
        work.with_hint(failure)
    }

    /// The first part, and then the others beside each other. A failure comes with the number of its part,
    /// from 1.
    async fn each(
        &mut self,
        parts: AudioParts,
        work: &FileWork<'_>,
        script: &mut Transcript,
        exchange: &mut Exchange,
        io: &mut Io,
    ) -> Result<(), (usize, Failure)> {
        let kept = work.kept.filter(|_| parts.list.len() > 1);
        let keys = self.keys(&parts, kept, work.sound, &exchange.provider);
        let there =
            keys.iter().flatten().filter(|key| kept.is_some_and(|kept| kept.get(key).is_some()));
        let (there, number) = (there.count(), parts.list.len());
        if there > 0 {
            io.note(&format!("{there} of {number} parts are there from an earlier run"));
        }
        let key = |index: usize| keys.get(index).and_then(Option::as_deref);
        let Some((first, others)) = parts.list.split_first() else { return Ok(()) };
        if !others.is_empty() {
            exchange.for_parts();
        }
        // What a refusal teaches is learnt by the first part, so the others wait for it.
        let done = self.part(first, kept.zip(key(0)), script, exchange, io).await;
        done.map_err(|failure| (1, failure))?;
        let mut ahead = PartsAhead::new(self.form.clone(), &parts.list, &keys, kept);
        for (number, part) in (2..).zip(others) {
            let done = match ahead.next(exchange, io).await {
                Ok(heard) => {
                    script.begin_part();
                    self.take(heard, part, script, io)
                }
                Err(failure) => {
                    ahead.settle(exchange).await;
                    Err(failure)
                }
            };
            done.map_err(|failure| (number, failure))?;
        }
        Ok(())
    }

    /// The names under which the transcripts of parts are kept: another recording, service, model or
    /// field has another.
    fn keys(
        &self,
        parts: &AudioParts,
        kept: Option<&KeptParts>,
        sound: &AudioFile,
        provider: &Provider,
    ) -> Vec<Option<String>> {
        let Some(identity) = kept.and_then(|_| sound.identity()) else { return Vec::new() };
        let options = &self.form.options;
        let body = request::compose(options, provider, options.wire()).body;
        let body = Value::Object(body).to_string();
        let key = |part: &AudioPart| {
            let empty = AudioPart { pieces: Vec::new(), ..part.clone() };
            let url = self.form.request(empty, self.form.wire, provider).ok()?.url.to_string();
            let range = format!("{} {}", part.offset, part.length());
            Some(kept::key(&[
                url.as_bytes(),
                body.as_bytes(),
                identity.as_bytes(),
                range.as_bytes(),
            ]))
        };
        parts.list.iter().map(key).collect()
    }
}
