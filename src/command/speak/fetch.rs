//! One request for speech, its reply turned into sound; and requests that run ahead of their turn.

use std::collections::VecDeque;

use serde_json::Value;
use tokio::task::JoinHandle;

use crate::api::speech::answer::{Reader, Wrong};
use crate::audio::format::Format;
use crate::command::online::Online;
use crate::error::{Failure, Kind, Retry};
use crate::http::client::{Client, Response};
use crate::http::refusal;
use crate::http::request::{Request, Url};
use crate::http::retries::Retries;
use crate::io::Voice;
use crate::provider::field_repair::FieldRepair;

/// So many requests run ahead of the part that is being written.
const AHEAD: usize = 2;

/// A part that waits for its turn is held whole; it must not be larger.
const LARGEST_PART: usize = 512 << 20;

/// The sound of one part.
#[derive(Debug)]
pub(super) struct Fetched {
    pub(super) sound: Vec<u8>,
    pub(super) rest: Rest,
}

/// What a reply holds beside its sound.
#[derive(Debug)]
pub(super) struct Rest {
    /// Token counts, if the service gives them.
    pub(super) usage: Option<Value>,
    /// Where the sound is, if not in the reply.
    pub(super) address: Option<String>,
}

impl Rest {
    /// The sound that the reply only gives the address of.
    ///
    /// # Errors
    /// An address that can't be fetched.
    pub(super) async fn sound(&self, online: &mut Online) -> Result<Option<Vec<u8>>, Failure> {
        let Some(address) = &self.address else { return Ok(None) };
        let name = &online.provider.name;
        let url = Url::parse(address).ok();
        let url = url.filter(|url| matches!(url.scheme(), "http" | "https")).ok_or_else(|| {
            let what = format!("{name} gave the audio at an address that can't be fetched");
            Failure::new(Kind::Refused, what).hint("--json prints the reply as it came")
        })?;
        match online.fetch(&url, LARGEST_PART).await? {
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
/// The network's, an error that the reply carries, a reply without sound, and those of `take`.
pub(super) async fn receive(
    reply: &mut Response,
    request: &Request,
    asked: Option<Format>,
    client: &mut Client,
    take: &mut Take<'_>,
) -> Result<Rest, Failure> {
    let id = reply.request_id().map(str::to_owned);
    let mut reader = Reader::new(reply.header("content-type").unwrap_or_default(), asked);
    let (mut sound, mut is_empty) = (Vec::new(), true);
    loop {
        let bytes = reply.chunk(client).await?;
        let (length, is_over) = (bytes.as_ref().map_or(0, |bytes| bytes.len()), bytes.is_none());
        let read = match bytes {
            Some(bytes) => reader.push(bytes, &mut sound),
            None => reader.finish(&mut sound),
        };
        // What came before an error is sound all the same.
        let mut came = length;
        for piece in sound.drain(..) {
            is_empty &= piece.is_empty();
            take(&piece, std::mem::take(&mut came))?;
        }
        read.map_err(|wrong| failure(wrong, id.as_deref(), request, client))?;
        if is_over {
            break;
        }
    }
    let address = reader.address().map(str::to_owned);
    if is_empty && address.is_none() {
        let message = format!("the reply of {} is empty", client.service.name);
        return Err(Failure::new(Kind::Refused, message));
    }
    Ok(Rest { usage: reader.usage().cloned(), address })
}

/// What is wrong with a reply, in words.
pub(super) fn failure(
    wrong: Wrong,
    id: Option<&str>,
    request: &Request,
    client: &Client,
) -> Failure {
    let name = &client.service.name;
    match wrong {
        Wrong::Fault(fault) => refusal::carried(&fault, id, &request.secrets(), &client.service),
        Wrong::NoSound(words) => {
            Failure::new(Kind::Refused, format!("the reply of {name} is no audio: {words}"))
                .hint("is the base URL that of an API? `-v` shows the exchange")
        }
        Wrong::Broken(what) => {
            Failure::new(Kind::Network, format!("the reply of {name} can't be read: {what}"))
        }
        Wrong::Unfinished => {
            let message = format!("the audio of {name} broke off before its end");
            Failure::new(Kind::Network, message).retry(Retry::default())
        }
    }
}

/// Asks until a part came whole or no further try makes sense.
async fn fetch(
    request: Request,
    asked: Option<Format>,
    mut client: Client,
    mut retries: Retries,
    voice: Voice,
) -> Result<Fetched, Failure> {
    loop {
        match attempt(&request, asked, &mut client, &voice).await {
            Ok(fetched) => return Ok(fetched),
            Err(failure) => retries.again(failure, true, &mut client, &voice).await?,
        }
    }
}

async fn attempt(
    request: &Request,
    asked: Option<Format>,
    client: &mut Client,
    voice: &Voice,
) -> Result<Fetched, Failure> {
    let mut reply = client.send(request, voice).await?;
    let mut sound = Vec::new();
    let rest = receive(&mut reply, request, asked, client, &mut |piece, _| {
        if sound.len() + piece.len() > LARGEST_PART {
            return Err(too_large());
        }
        sound.extend_from_slice(piece);
        Ok(())
    })
    .await?;
    Ok(Fetched { sound, rest })
}

fn too_large() -> Failure {
    Failure::new(Kind::Network, "a part of the audio is larger than 512 MiB")
}

/// Requests that run while earlier parts are written, in order.
#[derive(Debug)]
pub(super) struct Ahead {
    waiting: VecDeque<Request>,
    running: VecDeque<Running>,
    asked: Option<Format>,
    /// What the first part taught.
    pub(super) repair: FieldRepair,
}

/// A request that runs; dropped, it is given up.
#[derive(Debug)]
struct Running(JoinHandle<Result<Fetched, Failure>>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Ahead {
    /// For these requests; none is sent yet.
    pub(super) fn new(requests: Vec<Request>, asked: Option<Format>, repair: FieldRepair) -> Self {
        Self { waiting: requests.into(), running: VecDeque::new(), asked, repair }
    }

    /// Sends as many requests as may run.
    ///
    /// # Errors
    /// The system refuses a signal handler.
    pub(super) fn start(&mut self, online: &Online) -> Result<(), Failure> {
        while self.running.len() < AHEAD {
            let Some(mut request) = self.waiting.pop_front() else { break };
            self.repair.prepare(&mut request);
            let client = online.client.fork(&online.io);
            let client = client.map_err(|error| crate::error::classify(&error))?;
            let voice = online.io.voice.clone();
            let work = fetch(request, self.asked, client, online.retries(), voice);
            self.running.push_back(Running(tokio::spawn(work)));
        }
        Ok(())
    }

    /// The next part; `None` when there is no more.
    ///
    /// # Errors
    /// Those of the request, or an interruption.
    pub(super) async fn next(&mut self, online: &mut Online) -> Result<Option<Fetched>, Failure> {
        self.start(online)?;
        let Some(mut running) = self.running.pop_front() else { return Ok(None) };
        let done = online.client.interrupt.race(&mut running.0).await?;
        let fetched = done.map_err(|_| Failure::new(Kind::Other, "the work ended early"))??;
        self.start(online)?;
        Ok(Some(fetched))
    }
}
