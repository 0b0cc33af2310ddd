//! The sound of a part out of its reply, and requests that run ahead of their turn.

use std::collections::VecDeque;

use serde_json::Value;
use tokio::task::JoinHandle;

use super::part::TextPart;
use crate::api::speech::answer::SpeechReader;
use crate::api::speech::split::TextLimit;
use crate::audio::format::SpeechFormat;
use crate::error::{Failure, FailureKind};
use crate::exchange::{Draft, Exchange, Operation, ReadError, Reply, ReplyWords, ended_early};
use crate::http::bad_reply::BadReply;
use crate::http::request::Url;
use crate::io::Io;
use crate::output::kept::KeptParts;
use crate::provider::Provider;

/// How many requests run ahead of the part that is being written.
const REQUESTS_AHEAD: usize = 2;

/// A part that waits for its turn is held whole; it must not be larger, in bytes.
const MAX_PART: usize = 512 << 20;

/// The sound of one part.
#[derive(Debug)]
pub(super) struct PartAudio {
    pub(super) sound: Vec<u8>,
    pub(super) rest: ReplyRest,
}

/// What a reply holds beside its sound.
#[derive(Debug, Default)]
pub(super) struct ReplyRest {
    pub(super) content_type: String,
    /// Token counts, if the service gives them.
    pub(super) usage: Option<Value>,
    /// Where the sound is, if not in the reply.
    pub(super) address: Option<String>,
}

impl ReplyRest {
    /// The sound that the reply only gives the address of.
    ///
    /// # Errors
    /// An address that can't be fetched.
    pub(super) async fn sound(
        &self,
        exchange: &mut Exchange,
        io: &Io,
    ) -> Result<Option<Vec<u8>>, Failure> {
        let Some(address) = &self.address else { return Ok(None) };
        let name = &exchange.provider.name;
        let url = Url::parse(address).ok();
        let url = url.filter(|url| matches!(url.scheme(), "http" | "https")).ok_or_else(|| {
            let what = format!("{name} gave the audio at an address that can't be fetched");
            Failure::new(FailureKind::Refused, what).hint("--json prints the reply as it came")
        })?;
        match exchange.fetch(&url, MAX_PART, io).await? {
            Some(sound) => Ok(Some(sound)),
            None => Err(too_large()),
        }
    }
}

/// Takes a piece of the sound, and how many bytes of the reply came with it.
pub(super) type Take<'a> = dyn FnMut(&[u8], usize) -> Result<(), Failure> + Send + 'a;

/// Reads the reply to a part to its end and hands out its sound as it comes. Gives what else it holds.
///
/// # Errors
/// The network's, a reply without sound, and those of `take`.
pub(super) async fn receive(
    reply: &mut Reply<'_>,
    part: &TextPart,
    take: &mut Take<'_>,
) -> Result<ReplyRest, ReadError> {
    let content_type = reply.content_type().to_owned();
    let mut reader = SpeechReader::new(&content_type, part.format);
    let (mut sound, mut is_empty) = (Vec::new(), true);
    loop {
        let bytes = reply.chunk().await?;
        let (length, is_over) = (bytes.as_ref().map_or(0, |bytes| bytes.len()), bytes.is_none());
        let read = match bytes {
            Some(bytes) => reader.push(bytes, &mut sound),
            None => reader.finish(&mut sound),
        };
        // What came before an error is sound anyway.
        let mut came = length;
        for piece in sound.drain(..) {
            is_empty &= piece.is_empty();
            take(&piece, std::mem::take(&mut came))?;
        }
        read?;
        if is_over {
            break;
        }
    }
    let address = reader.address().map(str::to_owned);
    if is_empty && address.is_none() {
        return Err(BadReply::Empty.into());
    }
    reply.exchange().spend(part.spent(reader.usage()));
    Ok(ReplyRest { content_type, usage: reader.usage().cloned(), address })
}

/// A part that is asked for beside others.
pub(super) struct AskPart(pub(super) TextPart);

impl Operation for AskPart {
    type Output = PartAudio;

    fn request(&mut self, provider: &Provider) -> Result<Draft, Failure> {
        self.0.draft(provider)
    }

    fn words(&self) -> ReplyWords {
        TextPart::words()
    }

    async fn read(&mut self, reply: &mut Reply<'_>) -> Result<PartAudio, ReadError> {
        let mut sound = Vec::new();
        let rest = receive(reply, &self.0, &mut |piece, _| {
            if sound.len() + piece.len() > MAX_PART {
                return Err(too_large());
            }
            sound.extend_from_slice(piece);
            Ok(())
        })
        .await?;
        Ok(PartAudio { sound, rest })
    }
}

fn too_large() -> Failure {
    Failure::new(FailureKind::Network, "a part of the audio is larger than 512 MiB")
}

/// Why a part failed; the part itself where it can be asked for in another way.
pub(super) type FailedPart = Box<(Option<TextPart>, Failure)>;

/// The parts that are still to come: those that an earlier run brought, and requests that run while
/// earlier parts are written, in order.
#[derive(Debug)]
pub(super) struct RequestsAhead {
    waiting: VecDeque<TextPart>,
    running: VecDeque<RunningPart>,
    kept: Option<KeptParts>,
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
        Self { waiting: parts, running: VecDeque::new(), kept }
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
        let running = self.running.drain(..).map(|running| running.part);
        let all: Vec<TextPart> =
            std::iter::once(part).chain(running).chain(self.waiting.drain(..)).collect();
        self.waiting = all.iter().flat_map(|part| part.split(limit)).collect();
    }

    /// All parts are to be asked for in another format.
    pub(super) fn set_format(&mut self, format: SpeechFormat) {
        self.waiting.iter_mut().for_each(|part| part.set_format(format));
    }

    /// Sends as many requests as may run.
    ///
    /// # Errors
    /// The system refuses a signal handler.
    pub(super) fn start(&mut self, exchange: &Exchange, io: &Io) -> Result<(), Failure> {
        while self.running.len() < REQUESTS_AHEAD {
            // What is there already needs no request, and waits for its turn on the disk.
            let is_there = |part: &TextPart| self.kept(part, &exchange.provider).is_some();
            if self.waiting.front().is_none_or(is_there) {
                break;
            }
            let Some(part) = self.waiting.pop_front() else { break };
            let mut beside = exchange.fork(io)?;
            let (mut asked, kept) = (AskPart(part.clone()), self.kept.clone());
            let key = part.key(&exchange.provider);
            let work = async move {
                let audio = beside.ask(&mut asked).await?;
                if let Some(kept) = kept.filter(|_| audio.rest.address.is_none()) {
                    kept.put(&key, &audio.rest.content_type, &audio.sound);
                }
                Ok(audio)
            };
            self.running
                .push_back(RunningPart { part, request: RunningRequest(tokio::spawn(work)) });
        }
        Ok(())
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
        self.start(exchange, io)?;
        let Some(mut running) = self.running.pop_front() else {
            return Err(Failure::new(FailureKind::Other, "a part of the text was not asked for"));
        };
        let done = exchange.wait(&mut running.request.0).await?;
        let mut audio = done.map_err(ended_early)??;
        self.start(exchange, io)?;
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
