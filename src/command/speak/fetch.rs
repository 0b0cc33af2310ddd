//! One part of the text on its way to its sound, and requests that run ahead of their turn.

use std::collections::VecDeque;

use serde_json::{Map, Value};
use tokio::task::JoinHandle;

use crate::api::speech::answer::SpeechReader;
use crate::audio::format::SpeechFormat;
use crate::error::{Failure, FailureKind};
use crate::exchange::{Draft, Exchange, Operation, ReadError, Reply, ReplyWords, ended_early};
use crate::http::bad_reply::BadReply;
use crate::http::request::Url;
use crate::io::Io;
use crate::provider::user_fields::UserFields;
use crate::provider::{Job, Provider};

/// How many requests run ahead of the part that is being written.
const REQUESTS_AHEAD: usize = 2;

/// A part that waits for its turn is held whole; it must not be larger, in bytes.
const MAX_PART: usize = 512 << 20;

/// One part of the text as it is asked for.
#[derive(Debug)]
pub(super) struct TextPart {
    /// The request's body.
    pub(super) body: Map<String, Value>,
    /// The user's part of it.
    pub(super) own: UserFields,
    /// The format that is asked for, if it is known.
    pub(super) format: Option<SpeechFormat>,
}

impl TextPart {
    /// # Errors
    /// None that is known: there is no file that the service could have no place for.
    pub(super) fn draft(&self, provider: &Provider) -> Result<Draft, Failure> {
        let request = provider.shape(Job::Speak, &self.body, Vec::new())?;
        Ok(Draft::repairable(request, Job::Speak, self.own.clone()))
    }

    /// How messages speak of its reply.
    pub(super) fn words() -> ReplyWords {
        ReplyWords::new("audio", "is not audio")
    }
}

/// The sound of one part.
#[derive(Debug)]
pub(super) struct PartAudio {
    pub(super) sound: Vec<u8>,
    pub(super) rest: ReplyRest,
}

/// What a reply holds beside its sound.
#[derive(Debug)]
pub(super) struct ReplyRest {
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

/// Reads a reply to its end and hands out its sound as it comes. Gives what else it holds.
///
/// # Errors
/// The network's, a reply without sound, and those of `take`.
pub(super) async fn receive(
    reply: &mut Reply<'_>,
    asked: Option<SpeechFormat>,
    take: &mut Take<'_>,
) -> Result<ReplyRest, ReadError> {
    let mut reader = SpeechReader::new(reply.content_type(), asked);
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
    Ok(ReplyRest { usage: reader.usage().cloned(), address })
}

impl Operation for TextPart {
    type Output = PartAudio;

    fn request(&mut self, provider: &Provider) -> Result<Draft, Failure> {
        self.draft(provider)
    }

    fn words(&self) -> ReplyWords {
        Self::words()
    }

    async fn read(&mut self, reply: &mut Reply<'_>) -> Result<PartAudio, ReadError> {
        let mut sound = Vec::new();
        let rest = receive(reply, self.format, &mut |piece, _| {
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

/// Requests that run while earlier parts are written, in order.
#[derive(Debug)]
pub(super) struct RequestsAhead {
    waiting: VecDeque<TextPart>,
    running: VecDeque<RunningRequest>,
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
    pub(super) fn new(parts: VecDeque<TextPart>) -> Self {
        Self { waiting: parts, running: VecDeque::new() }
    }

    /// Sends as many requests as may run.
    ///
    /// # Errors
    /// The system refuses a signal handler.
    pub(super) fn start(&mut self, exchange: &Exchange, io: &Io) -> Result<(), Failure> {
        while self.running.len() < REQUESTS_AHEAD {
            let Some(mut part) = self.waiting.pop_front() else { break };
            let mut beside = exchange.fork(io)?;
            let work = async move { beside.ask(&mut part).await };
            self.running.push_back(RunningRequest(tokio::spawn(work)));
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
    ) -> Result<Option<PartAudio>, Failure> {
        self.start(exchange, io)?;
        let Some(mut running) = self.running.pop_front() else { return Ok(None) };
        let done = exchange.wait(&mut running.0).await?;
        let fetched = done.map_err(ended_early)??;
        self.start(exchange, io)?;
        Ok(Some(fetched))
    }
}
