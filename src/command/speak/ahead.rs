//! Requests for parts of a text that run ahead of their turn: as many as the service bears and as their sound
//! has room for.

use std::collections::VecDeque;

use tokio::task::JoinHandle;

use super::fetch::{AskPart, HeldSound, PartAudio, ReplyRest};
use super::part::TextPart;
use crate::api::speech::split::TextLimit;
use crate::audio::format::SpeechFormat;
use crate::error::{Failure, FailureKind};
use crate::exchange::{Exchange, ended_early};
use crate::io::Io;
use crate::output::kept::KeptParts;
use crate::provider::Provider;

/// Why a part failed; the part itself where it can be asked for in another way.
pub(super) type FailedPart = Box<(Option<TextPart>, Failure)>;

/// The parts that are still to come: those that an earlier run brought, and requests that run while
/// earlier parts are written, in order.
#[derive(Debug)]
pub(super) struct RequestsAhead {
    waiting: VecDeque<TextPart>,
    running: VecDeque<RunningPart>,
    kept: Option<KeptParts>,
    held: HeldSound,
}

#[derive(Debug)]
struct RunningPart {
    part: TextPart,
    request: RunningRequest,
}

/// A request that runs; dropped, it is given up.
#[derive(Debug)]
struct RunningRequest(JoinHandle<Result<PartAudio, Failure>>);

impl Drop for RunningRequest {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl RequestsAhead {
    /// For these parts; none is asked for yet.
    pub(super) fn new(parts: VecDeque<TextPart>, kept: Option<KeptParts>) -> Self {
        Self { waiting: parts, running: VecDeque::new(), kept, held: HeldSound::default() }
    }

    /// How many parts an earlier run brought.
    pub(super) fn already_there(&self, provider: &Provider) -> usize {
        self.waiting.iter().filter(|part| self.kept(part, provider).is_some()).count()
    }

    /// How many parts have not been taken.
    pub(super) fn left(&self) -> usize {
        self.waiting.len() + self.running.len()
    }

    fn kept(&self, part: &TextPart, provider: &Provider) -> Option<PartAudio> {
        let found = self.kept.as_ref()?.get(&part.key(provider))?;
        let rest = ReplyRest { content_type: found.label, ..ReplyRest::default() };
        Some(PartAudio { sound: found.bytes, rest })
    }

    /// Keeps the sound of a part, for another run.
    pub(super) fn keep(&self, part: &TextPart, audio: &PartAudio, provider: &Provider) {
        if let Some(kept) = self.kept.as_ref().filter(|_| !audio.sound.is_empty()) {
            kept.put(&part.key(provider), &audio.rest.content_type, &audio.sound);
        }
    }

    /// The next part, if nothing runs and it is not there yet: it can be written as it comes.
    pub(super) fn take_first(&mut self, provider: &Provider) -> Option<TextPart> {
        let part = self.waiting.front().filter(|_| self.running.is_empty())?;
        match self.kept(part, provider) {
            Some(_) => None,
            None => self.waiting.pop_front(),
        }
    }

    /// A part that was taken waits again.
    pub(super) fn put_back(&mut self, part: TextPart) {
        self.waiting.push_front(part);
    }

    /// A part is to be asked for in smaller ones, and so are those behind it that are too long.
    pub(super) fn split_again(&mut self, part: TextPart, limit: TextLimit) {
        // What was held of parts that are given up counts no more.
        self.held = HeldSound::default();
        let running = self.running.drain(..).map(|running| running.part);
        let all: Vec<TextPart> =
            std::iter::once(part).chain(running).chain(self.waiting.drain(..)).collect();
        self.waiting = all.iter().flat_map(|part| part.split(limit)).collect();
    }

    /// All parts are to be asked for in another format.
    pub(super) fn set_format(&mut self, format: SpeechFormat) {
        self.waiting.iter_mut().for_each(|part| part.set_format(format));
    }

    /// The sound of the first part, which went out as it came, was so large.
    pub(super) fn saw(&self, length: usize) {
        self.held.saw(length);
    }

    /// Sends as many requests as may run.
    pub(super) fn start(&mut self, exchange: &Exchange) {
        while self.running.len() < exchange.level() && self.held.has_room(self.running.len()) {
            // What is there already needs no request, and waits for its turn on the disk.
            let is_there = |part: &TextPart| self.kept(part, &exchange.provider).is_some();
            if self.waiting.front().is_none_or(is_there) {
                break;
            }
            let Some(part) = self.waiting.pop_front() else { break };
            let mut beside = exchange.branch();
            let (held, kept) = (self.held.clone(), self.kept.clone());
            let mut asked = AskPart { part: part.clone(), held };
            let key = part.key(&exchange.provider);
            let work = async move {
                let audio = beside.ask(&mut asked).await?;
                asked.held.saw(audio.sound.len());
                if let Some(kept) = kept.filter(|_| audio.rest.address.is_none()) {
                    kept.put(&key, &audio.rest.content_type, &audio.sound);
                }
                Ok(audio)
            };
            self.running
                .push_back(RunningPart { part, request: RunningRequest(tokio::spawn(work)) });
        }
    }

    /// The next part; `None` when there is no more.
    ///
    /// # Errors
    /// Those of the request, or an interruption.
    pub(super) async fn next(
        &mut self,
        exchange: &mut Exchange,
        io: &Io,
    ) -> Result<Option<PartAudio>, FailedPart> {
        if self.running.is_empty()
            && let Some(part) = self.waiting.front()
            && let Some(audio) = self.kept(part, &exchange.provider)
        {
            self.waiting.pop_front();
            return Ok(Some(audio));
        }
        let Some(part) = self.running.front().map(|running| &running.part).or(self.waiting.front())
        else {
            return Ok(None);
        };
        let part = part.clone();
        match self.wait(&part, exchange, io).await {
            Ok(audio) => Ok(Some(audio)),
            Err(failure) => Err(Box::new((Some(part), failure))),
        }
    }

    async fn wait(
        &mut self,
        part: &TextPart,
        exchange: &mut Exchange,
        io: &Io,
    ) -> Result<PartAudio, Failure> {
        self.start(exchange);
        let Some(mut running) = self.running.pop_front() else {
            return Err(Failure::new(FailureKind::Other, "a part of the text was not asked for"));
        };
        let done = exchange.wait(&mut running.request.0).await?;
        let mut audio = done.map_err(ended_early)??;
        self.held.release(audio.sound.len());
        self.start(exchange);
        if let Some(sound) = audio.rest.sound(exchange, io).await? {
            audio.sound = sound;
            self.keep(part, &audio, &exchange.provider);
        }
        Ok(audio)
    }

    /// Waits for the requests that run, as their sound may have been paid for, and is kept.
    pub(super) async fn settle(&mut self, exchange: &mut Exchange) {
        if self.kept.is_none() {
            return;
        }
        while let Some(mut running) = self.running.pop_front() {
            if exchange.wait(&mut running.request.0).await.is_err() {
                return;
            }
        }
    }
}
