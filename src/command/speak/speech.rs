//! The exchange: the first part is written as it comes, the others follow whole, one after the other.

use std::time::Instant;

use serde_json::{Map, Value};

use super::fetch::{self, Ahead};
use super::track::Track;
use super::{Online, Plan};
use crate::api::speech::answer::Reader;
use crate::audio::format::Format;
use crate::error::{Failure, Kind};
use crate::http::request::Request;
use crate::output::progress::Progress;
use crate::output::sink::Sink;
use crate::provider::Job;
use crate::provider::field_repair::FieldRepair;

/// What became of the requests.
#[derive(Debug)]
struct Account {
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
    mut track: Track,
    shows_usage: bool,
    online: &mut Online,
) -> Result<(), Failure> {
    let (characters, number) = (plan.characters, plan.bodies.len());
    let format = plan.asked.or(plan.wish);
    let requests = plan.bodies.iter().map(|body| request(body, online));
    let mut requests = requests.collect::<Result<Vec<Request>, Failure>>()?;
    let others = requests.split_off(1.min(requests.len()));
    let mut ahead = Ahead::new(others, format, FieldRepair::new(Job::Speak, plan.own));
    let mut account = Account { asked: Instant::now(), tokens: None };
    let mut bar = Bar::default();
    if let Some(first) = requests.pop() {
        let mut asked = First { request: first, format, number };
        let usage = asked.write(&mut track, &mut ahead, &mut bar, online).await;
        account.add(usage.map_err(|failure| in_part(failure, 1, number))?.as_ref());
    }
    let mut part = 1;
    loop {
        part += 1;
        let next = ahead.next(online).await.map_err(|failure| in_part(failure, part, number))?;
        let Some(mut fetched) = next else { break };
        let elsewhere = fetched.rest.sound(online).await;
        if let Some(sound) = elsewhere.map_err(|failure| in_part(failure, part, number))? {
            fetched.sound = sound;
        }
        bar.add(fetched.sound.len());
        track.write(&fetched.sound, &mut online.io)?;
        track.end_part(&mut online.io)?;
        account.add(fetched.rest.usage.as_ref());
    }
    drop(bar);
    let (began, warning) = (track.began, track.warning.take());
    let bytes = track.finish(&mut online.io)?;
    if let Some(warning) = warning {
        online.io.warn(&warning);
    }
    if shows_usage {
        let mut words = vec![match number {
            1 => format!("{characters} characters"),
            _ => format!("{characters} characters in {number} parts"),
        }];
        words.push(format!("{bytes} bytes"));
        words.extend(account.words(began));
        online.io.say(&format!("usage: {}", words.join(", ")));
    }
    Ok(())
}

/// The request for one part.
fn request(body: &Map<String, Value>, online: &Online) -> Result<Request, Failure> {
    online.provider.shape(Job::Speak, body, Vec::new())
}

/// The first part, which goes out as it comes.
struct First {
    request: Request,
    format: Option<Format>,
    /// How many parts there are.
    number: usize,
}

impl First {
    async fn write(
        &mut self,
        track: &mut Track,
        ahead: &mut Ahead,
        bar: &mut Bar,
        online: &mut Online,
    ) -> Result<Option<Value>, Failure> {
        let mut retries = online.retries();
        loop {
            match self.attempt(track, ahead, bar, online).await {
                Ok(usage) => return Ok(usage),
                Err(failure) => {
                    *bar = Bar::default();
                    let untouched = !track.is_touched();
                    track.forget();
                    let (request, voice) = (&mut self.request, &online.io.voice);
                    let repair = &mut ahead.repair;
                    match repair.repair(failure, untouched, request, &online.provider, voice) {
                        Ok(()) => {}
                        Err(failure) => {
                            retries.again(failure, untouched, &mut online.client, voice).await?;
                        }
                    }
                }
            }
        }
    }

    async fn attempt(
        &self,
        track: &mut Track,
        ahead: &mut Ahead,
        bar: &mut Bar,
        online: &mut Online,
    ) -> Result<Option<Value>, Failure> {
        let mut reply = online.client.send(&self.request, &online.io.voice).await?;
        // A service that refuses the first part would refuse the others too, so they wait for this.
        ahead.start(online)?;
        let length = reply.header("content-length").and_then(|length| length.parse().ok());
        let total = length.filter(|_| self.number == 1);
        *bar = Bar(Some(Progress::bytes("speech", total, &online.io)));
        let (io, shown) = (&mut online.io, &*bar);
        let client = &mut online.client;
        let rest =
            fetch::receive(&mut reply, &self.request, self.format, client, &mut |piece, came| {
                shown.add(came);
                track.write(piece, io)
            })
            .await?;
        if let Some(sound) = rest.sound(online).await? {
            shown.add(sound.len());
            track.write(&sound, &mut online.io)?;
        }
        track.end_part(&mut online.io)?;
        Ok(rest.usage)
    }
}

impl Account {
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
pub(super) async fn json(plan: Plan, mut sink: Sink, online: &mut Online) -> Result<(), Failure> {
    let is_several = plan.bodies.len() > 1;
    let asked = plan.asked.or(plan.wish);
    let mut repair = FieldRepair::new(Job::Speak, plan.own);
    for body in &plan.bodies {
        let mut request = request(body, online)?;
        repair.prepare(&mut request);
        let mut retries = online.retries();
        let mut reply = loop {
            match json_reply(&request, asked, online).await {
                Ok(reply) => break reply,
                Err(failure) => {
                    let voice = &online.io.voice;
                    match repair.repair(failure, true, &mut request, &online.provider, voice) {
                        Ok(()) => {}
                        Err(failure) => {
                            retries.again(failure, true, &mut online.client, voice).await?;
                        }
                    }
                }
            }
        };
        if (is_several || online.io.stdout_is_terminal) && !reply.ends_with(b"\n") {
            reply.push(b'\n');
        }
        sink.write(&reply, &mut online.io)?;
    }
    sink.commit()
}

/// A reply's bytes, once they are known to be text that holds sound.
async fn json_reply(
    request: &Request,
    asked: Option<Format>,
    online: &mut Online,
) -> Result<Vec<u8>, Failure> {
    let reply = online.client.send(request, &online.io.voice).await?;
    let id = reply.request_id().map(str::to_owned);
    let mut reader = Reader::new(reply.header("content-type").unwrap_or_default(), asked);
    let body = reply.whole_media(&mut online.client).await?;
    let mut sound = Vec::new();
    let read = reader.push(body.clone().into(), &mut sound);
    let read = read.and_then(|()| reader.finish(&mut sound));
    let client = &online.client;
    read.map_err(|wrong| fetch::failure(wrong, id.as_deref(), request, client))?;
    if reader.is_bare() {
        let message =
            format!("{} answers with the audio itself, not with JSON", client.service.name);
        return Err(Failure::new(Kind::Refused, message).hint("leave --json out"));
    }
    Ok(body)
}
