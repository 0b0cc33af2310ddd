//! The exchange: the first part is written as it comes, the others follow whole, one after the other.

use std::time::Instant;

use serde_json::Value;

use super::ahead::{FailedPart, RequestsAhead};
use super::fetch::{PartAudio, ReplyRest, receive};
use super::part::TextPart;
use super::plan::Plan;
use super::too_long::{said, say_smaller, smaller, too_long};
use super::track::{SpeechReply, SpeechWriter};
use crate::api::speech::refusal;
use crate::audio::format::SpeechFormat;
use crate::error::Failure;
use crate::exchange::{Draft, Exchange, Operation, ReadError, Reply, ReplyWords};
use crate::io::Io;
use crate::output::kept::{self, KeptParts};
use crate::output::progress::Progress;
use crate::provider::Provider;

/// What became of the requests.
#[derive(Debug)]
pub(super) struct SpeechUsage {
    pub(super) asked: Instant,
    /// Tokens in and out, where the service counts them.
    pub(super) tokens: Option<(u64, u64)>,
}

/// A bar that goes away with this value.
#[derive(Default)]
struct Bar(Option<Progress>);

impl Drop for Bar {
    fn drop(&mut self) {
        if let Some(progress) = &self.0 {
            progress.done();
        }
    }
}

impl Bar {
    fn add(&self, count: usize) {
        if let Some(progress) = &self.0 {
            progress.add(count as u64);
        }
    }
}

/// Asks for all parts, and writes them. Parts that came are kept with `kept` where the run fails.
pub(super) async fn speak(
    plan: Plan,
    track: SpeechWriter,
    kept: Option<KeptParts>,
    shows_usage: bool,
    exchange: &mut Exchange,
    io: &mut Io,
) -> Result<(), Failure> {
    let characters = plan.characters;
    if plan.parts.len() > 1 {
        exchange.for_parts();
    }
    let account = SpeechUsage { asked: Instant::now(), tokens: None };
    let ahead = RequestsAhead::new(plan.parts, kept.clone());
    let mut run = SpeechRun { part: 1, track, ahead, bar: Bar::default(), account };
    let number = run.number();
    let there = run.ahead.already_there(&exchange.provider);
    if there > 0 {
        io.note(&format!("{there} of {number} parts are there from an earlier run"));
    }
    if let Err(failure) = run.all(exchange, io).await {
        let there = kept.as_ref().map_or(0, KeptParts::count);
        return Err(match there {
            0 => failure,
            _ if failure.is_silent() => failure,
            there => kept::with_hint(failure, there),
        });
    }
    let SpeechRun { mut track, account, part, .. } = run;
    let (began, warning, number) = (track.began, track.warning.take(), part - 1);
    let bytes = track.finish(exchange, io).await?;
    if let Some(kept) = kept {
        kept.forget();
    }
    if let Some(warning) = warning {
        io.warn(&warning);
    }
    if shows_usage {
        let mut words = vec![match number {
            1 => format!("{characters} characters"),
            _ => format!("{characters} characters in {number} parts"),
        }];
        words.push(format!("{bytes} bytes"));
        words.extend(account.words(began));
        io.say(&format!("usage: {}", words.join(", ")));
    }
    Ok(())
}

/// The work on all parts.
struct SpeechRun {
    /// The part that comes next, counted from 1.
    part: usize,
    track: SpeechWriter,
    ahead: RequestsAhead,
    bar: Bar,
    account: SpeechUsage,
}

impl SpeechRun {
    /// How many parts there are.
    fn number(&self) -> usize {
        self.part - 1 + self.ahead.left()
    }

    async fn all(&mut self, exchange: &mut Exchange, io: &mut Io) -> Result<(), Failure> {
        let mut splits = 0;
        loop {
            let number = self.number();
            let step = match self.ahead.take_first(&exchange.provider) {
                Some(part) if !self.track.is_touched() => {
                    self.first(part, number, exchange, io).await
                }
                Some(part) => {
                    self.ahead.put_back(part);
                    self.next(exchange, io).await
                }
                None => self.next(exchange, io).await,
            };
            match step {
                Ok(true) => self.part += 1,
                Ok(false) => return Ok(()),
                Err(failed) => {
                    let (part, failure) = *failed;
                    let text = part.as_ref().map_or("", |part| &part.text);
                    match (smaller(&failure, text), part) {
                        // Of a part whose sound has gone out nothing can be asked for again.
                        (Some(limit), Some(part))
                            if splits < MAX_SPLITS && self.can_split(number) =>
                        {
                            splits += 1;
                            say_smaller(limit, &part.text, &exchange.provider.name, io);
                            self.ahead.split_again(part, limit);
                            exchange.for_parts();
                            self.track.set_parts(self.number());
                        }
                        (limit, part) => {
                            self.ahead.settle(exchange).await;
                            let text = part.as_ref().map_or("", |part| &part.text);
                            let failure = too_long(failure, limit, text);
                            return Err(in_part(failure, self.part, number));
                        }
                    }
                }
            }
        }
    }

    /// Whether more parts can be joined than were planned.
    fn can_split(&self, number: usize) -> bool {
        number > 1 || !self.track.is_touched()
    }

    /// The first part: it is written as it comes.
    async fn first(
        &mut self,
        part: TextPart,
        number: usize,
        exchange: &mut Exchange,
        io: &mut Io,
    ) -> Result<bool, FailedPart> {
        let (track, ahead, bar) = (&mut self.track, &mut self.ahead, &mut self.bar);
        let mut first = FirstPart { part, number, track, ahead, bar, io, copy: Vec::new() };
        match exchange.ask(&mut first).await {
            Ok(rest) => {
                let (part, copy) = (first.part, std::mem::take(&mut first.copy));
                self.account.add(rest.usage.as_ref());
                self.ahead.saw(copy.len());
                let audio = PartAudio { sound: copy, rest };
                self.ahead.keep(&part, &audio, &exchange.provider);
                Ok(true)
            }
            Err(failure) => Err(Box::new((Some(first.part), failure))),
        }
    }

    /// The next part, whole. False if there is no more.
    async fn next(&mut self, exchange: &mut Exchange, io: &mut Io) -> Result<bool, FailedPart> {
        let Some(fetched) = self.ahead.next(exchange, io).await? else { return Ok(false) };
        self.bar.add(fetched.sound.len());
        let content_type = fetched.rest.content_type.clone();
        self.track.expect(SpeechReply { content_type, length: Some(fetched.sound.len() as u64) });
        let written = self.track.write(&fetched.sound, io).and_then(|()| self.track.end_part(io));
        written.map_err(|failure| Box::new((None, failure)))?;
        self.account.add(fetched.rest.usage.as_ref());
        Ok(true)
    }
}

/// How often a service may say that a text is too long.
const MAX_SPLITS: usize = 3;

/// The first part, which goes out as it comes.
struct FirstPart<'a> {
    part: TextPart,
    /// How many parts there are.
    number: usize,
    track: &'a mut SpeechWriter,
    ahead: &'a mut RequestsAhead,
    bar: &'a mut Bar,
    io: &'a mut Io,
    /// The sound once more, to be kept where there are several parts.
    copy: Vec<u8>,
}

impl Operation for FirstPart<'_> {
    /// What the reply holds beside its sound.
    type Output = ReplyRest;

    fn request(&mut self, provider: &Provider) -> Result<Draft, Failure> {
        self.part.draft(provider)
    }

    fn words(&self) -> ReplyWords {
        TextPart::words()
    }

    fn has_shown(&self) -> bool {
        self.track.is_touched()
    }

    fn begin_again(&mut self) {
        self.track.forget();
        self.copy.clear();
    }

    /// A service that gives bare samples alone is asked for them; the head is made here.
    fn changes_request(&mut self, failure: &Failure, provider: &Provider) -> bool {
        let Some((status, words)) = said(failure) else { return false };
        let asked = self.part.body.get("response_format").and_then(Value::as_str);
        let asked = asked.and_then(SpeechFormat::of_ending);
        let wants_pcm = asked.is_some() && refusal::wants_pcm(status, words, asked);
        if let Some(asked) = asked.filter(|_| wants_pcm) {
            let (name, asked) = (&provider.name, asked.name());
            self.io.warn(&format!(
                "{name} gives no {asked}, only pcm; this rule in the profile spares the first try: \
                 {{ jobs = [\"speak\"], map = {{ response_format = {{ {asked} = \"pcm\" }} }} }}"
            ));
            self.part.set_format(SpeechFormat::Pcm);
            self.ahead.set_format(SpeechFormat::Pcm);
            self.track.set_asked(SpeechFormat::Pcm);
        }
        wants_pcm
    }

    async fn read(&mut self, reply: &mut Reply<'_>) -> Result<ReplyRest, ReadError> {
        // A service that refuses the first part would refuse the others too, so they wait for this.
        self.ahead.start(reply.exchange());
        let total = reply.content_length().filter(|_| self.number == 1);
        *self.bar = Bar(Some(Progress::bytes("speech", total, self.io)));
        let rest = self.write(reply).await;
        if rest.is_err() {
            *self.bar = Bar::default();
        }
        rest
    }
}

impl FirstPart<'_> {
    async fn write(&mut self, reply: &mut Reply<'_>) -> Result<ReplyRest, ReadError> {
        let content_type = reply.content_type().to_owned();
        let is_bare = content_type.starts_with("audio/");
        let length = reply.content_length().filter(|_| is_bare);
        self.track.expect(SpeechReply { content_type, length });
        let (track, bar, io) = (&mut *self.track, &*self.bar, &mut *self.io);
        let (copy, is_kept) = (&mut self.copy, self.number > 1);
        let rest = receive(reply, &self.part, &mut |piece, came| {
            bar.add(came);
            if is_kept {
                copy.extend_from_slice(piece);
            }
            track.write(piece, io)
        })
        .await?;
        if let Some(sound) = rest.sound(reply.exchange(), self.io).await? {
            self.bar.add(sound.len());
            self.track.write(&sound, self.io)?;
            if is_kept {
                self.copy = sound;
            }
        }
        self.track.end_part(self.io)?;
        Ok(rest)
    }
}

impl SpeechUsage {
    /// Adds the counts of a reply.
    pub(super) fn add(&mut self, usage: Option<&Value>) {
        let Some(usage) = usage else { return };
        let count = |names: [&str; 2]| {
            names.iter().find_map(|name| usage.get(*name)?.as_u64()).unwrap_or_default()
        };
        let (input, output) = self.tokens.unwrap_or_default();
        self.tokens = Some((
            input + count(["input_tokens", "prompt_tokens"]),
            output + count(["output_tokens", "completion_tokens"]),
        ));
    }

    /// Counts and times in words.
    pub(super) fn words(&self, began: Option<Instant>) -> Vec<String> {
        let tokens = self.tokens.filter(|(input, output)| input + output > 0);
        let mut words: Vec<String> = tokens
            .iter()
            .map(|(input, output)| format!("{input} tokens in, {output} out"))
            .collect();
        if let Some(began) = began {
            let wait = began.saturating_duration_since(self.asked).as_secs_f64();
            words.push(format!("first audio after {wait:.2} s"));
        }
        words.push(format!("{:.2} s in all", self.asked.elapsed().as_secs_f64()));
        words
    }
}

/// Says which part failed, where there are several.
fn in_part(mut failure: Failure, part: usize, number: usize) -> Failure {
    if number > 1 && !failure.is_silent() {
        failure.message = format!("{} (part {part} of {number} of the text)", failure.message);
    }
    failure
}
