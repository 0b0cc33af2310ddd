//! The exchange: the first part is written as it comes, the others follow whole, one after the other.

use std::time::Instant;

use serde_json::Value;

use super::fetch::{RequestsAhead, TextPart, receive};
use super::plan::Plan;
use super::track::SpeechWriter;
use crate::api::speech::answer::SpeechReader;
use crate::error::{Failure, FailureKind};
use crate::exchange::{Draft, Exchange, Operation, ReadError, Reply, ReplyWords};
use crate::io::Io;
use crate::output::progress::Progress;
use crate::output::sink::Sink;
use crate::provider::Provider;

/// What became of the requests.
#[derive(Debug)]
struct SpeechUsage {
    asked: Instant,
    /// Tokens in and out, where the service counts them.
    tokens: Option<(u64, u64)>,
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

/// Asks for all parts, and writes them.
pub(super) async fn speak(
    plan: Plan,
    mut track: SpeechWriter,
    shows_usage: bool,
    exchange: &mut Exchange,
    io: &mut Io,
) -> Result<(), Failure> {
    let (characters, number) = (plan.characters, plan.bodies.len());
    let mut parts = plan.into_parts();
    let first = parts.pop_front();
    let mut ahead = RequestsAhead::new(parts);
    let mut account = SpeechUsage { asked: Instant::now(), tokens: None };
    let mut bar = Bar::default();
    if let Some(part) = first {
        let (track, ahead, bar) = (&mut track, &mut ahead, &mut bar);
        let mut first = FirstPart { part, number, track, ahead, bar, io };
        let usage = exchange.ask(&mut first).await;
        account.add(usage.map_err(|failure| in_part(failure, 1, number))?.as_ref());
    }
    let mut part = 1;
    loop {
        part += 1;
        let next = ahead.next(exchange, io).await;
        let Some(mut fetched) = next.map_err(|failure| in_part(failure, part, number))? else {
            break;
        };
        let elsewhere = fetched.rest.sound(exchange, io).await;
        if let Some(sound) = elsewhere.map_err(|failure| in_part(failure, part, number))? {
            fetched.sound = sound;
        }
        bar.add(fetched.sound.len());
        track.write(&fetched.sound, io)?;
        track.end_part(io)?;
        account.add(fetched.rest.usage.as_ref());
    }
    drop(bar);
    let (began, warning) = (track.began, track.warning.take());
    let bytes = track.finish(io)?;
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

/// The first part, which goes out as it comes.
struct FirstPart<'a> {
    part: TextPart,
    /// How many parts there are.
    number: usize,
    track: &'a mut SpeechWriter,
    ahead: &'a mut RequestsAhead,
    bar: &'a mut Bar,
    io: &'a mut Io,
}

impl Operation for FirstPart<'_> {
    /// Token counts, if the service gives them.
    type Output = Option<Value>;

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
    }

    async fn read(&mut self, reply: &mut Reply<'_>) -> Result<Option<Value>, ReadError> {
        // A service that refuses the first part would refuse the others too, so they wait for this.
        self.ahead.start(reply.exchange(), self.io)?;
        let total = reply.content_length().filter(|_| self.number == 1);
        *self.bar = Bar(Some(Progress::bytes("speech", total, self.io)));
        let usage = self.write(reply).await;
        if usage.is_err() {
            *self.bar = Bar::default();
        }
        usage
    }
}

impl FirstPart<'_> {
    async fn write(&mut self, reply: &mut Reply<'_>) -> Result<Option<Value>, ReadError> {
        let (track, bar, io) = (&mut *self.track, &*self.bar, &mut *self.io);
        let rest = receive(reply, self.part.format, &mut |piece, came| {
            bar.add(came);
            track.write(piece, io)
        })
        .await?;
        if let Some(sound) = rest.sound(reply.exchange(), self.io).await? {
            self.bar.add(sound.len());
            self.track.write(&sound, self.io)?;
        }
        self.track.end_part(self.io)?;
        Ok(rest.usage)
    }
}

impl SpeechUsage {
    fn add(&mut self, usage: Option<&Value>) {
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

    fn words(&self, began: Option<Instant>) -> Vec<String> {
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

/// `--json`: the replies as they are, one after the other.
pub(super) async fn json(
    plan: Plan,
    mut sink: Sink,
    exchange: &mut Exchange,
    io: &mut Io,
) -> Result<(), Failure> {
    let is_several = plan.bodies.len() > 1;
    for part in plan.into_parts() {
        let mut reply = exchange.ask(&mut JsonPart(part)).await?;
        if (is_several || io.stdout_is_terminal) && !reply.ends_with(b"\n") {
            reply.push(b'\n');
        }
        sink.write(&reply, io)?;
    }
    sink.commit()
}

/// A part whose reply is wanted as it is, once it is known to be text that holds sound.
struct JsonPart(TextPart);

impl Operation for JsonPart {
    type Output = Vec<u8>;

    fn request(&mut self, provider: &Provider) -> Result<Draft, Failure> {
        self.0.draft(provider)
    }

    fn words(&self) -> ReplyWords {
        TextPart::words()
    }

    async fn read(&mut self, reply: &mut Reply<'_>) -> Result<Vec<u8>, ReadError> {
        let mut reader = SpeechReader::new(reply.content_type(), self.0.format);
        let body = reply.whole_media().await?;
        let mut sound = Vec::new();
        reader.push(body.clone().into(), &mut sound)?;
        reader.finish(&mut sound)?;
        if reader.is_bare() {
            let name = &reply.exchange().provider.name;
            let message = format!("{name} answers with the audio itself, not with JSON");
            let failure = Failure::new(FailureKind::Refused, message).hint("leave --json out");
            return Err(failure.into());
        }
        Ok(body)
    }
}
