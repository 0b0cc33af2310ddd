//! The sound of a part out of its reply.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;

use super::part::TextPart;
use crate::api::speech::answer::SpeechReader;
use crate::error::{Failure, FailureKind};
use crate::exchange::{Draft, Exchange, Operation, ReadError, Reply, ReplyWords};
use crate::http::bad_reply::BadReply;
use crate::http::request::Url;
use crate::io::Io;
use crate::provider::Provider;

/// A part that waits for its turn is held whole; it must not be larger, in bytes.
const MAX_PART: usize = 512 << 20;

/// As many parts are on their way as come to this, if they are as large as those before.
const MAX_COMING: usize = 64 << 20;

/// All parts that wait must not be larger, whatever comes.
const MAX_HELD: usize = 1 << 30;

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

/// A part that is asked for beside others, and held whole until its turn.
pub(super) struct AskPart {
    pub(super) part: TextPart,
    pub(super) held: HeldSound,
}

/// Counts the sound that waits for its turn, of all parts. Clones count together.
#[derive(Debug, Clone, Default)]
pub(super) struct HeldSound(Arc<HeldCounts>);

#[derive(Debug, Default)]
struct HeldCounts {
    all: AtomicUsize,
    /// The largest part so far.
    largest: AtomicUsize,
}

impl HeldSound {
    /// Whether another part may be asked for where so many are on their way: all of them may come at the same
    /// time, as large as the largest so far.
    pub(super) fn has_room(&self, running: usize) -> bool {
        let largest = self.0.largest.load(Ordering::Relaxed);
        running == 0 || (running + 1).saturating_mul(largest) <= MAX_COMING
    }

    /// The sound of a part was so large.
    pub(super) fn saw(&self, length: usize) {
        self.0.largest.fetch_max(length, Ordering::Relaxed);
    }

    /// A piece came.
    fn add(&self, length: usize) -> Result<(), Failure> {
        let before = self.0.all.fetch_add(length, Ordering::Relaxed);
        if before + length > MAX_HELD { Err(too_large()) } else { Ok(()) }
    }

    /// So much waits no more.
    pub(super) fn release(&self, length: usize) {
        self.0.all.fetch_sub(length, Ordering::Relaxed);
    }
}

impl Operation for AskPart {
    type Output = PartAudio;

    fn request(&mut self, provider: &Provider) -> Result<Draft, Failure> {
        self.part.draft(provider)
    }

    fn words(&self) -> ReplyWords {
        TextPart::words()
    }

    async fn read(&mut self, reply: &mut Reply<'_>) -> Result<PartAudio, ReadError> {
        let (held, mut sound) = (&self.held, Vec::new());
        let mut take = |piece: &[u8], _| {
            if sound.len() + piece.len() > MAX_PART {
                return Err(too_large());
            }
            sound.extend_from_slice(piece);
            held.add(piece.len())
        };
        let received = receive(reply, &self.part, &mut take).await;
        match received {
            Ok(rest) => Ok(PartAudio { sound, rest }),
            Err(error) => {
                held.release(sound.len());
                Err(error)
            }
        }
    }
}

fn too_large() -> Failure {
    Failure::new(FailureKind::Network, "a part of the audio is larger than 512 MiB")
}
