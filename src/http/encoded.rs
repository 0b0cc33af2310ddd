//! A reply's content that a server has compressed although nobody asked for it (RFC 9110, section 8.4).

use std::io;

use bytes::{Buf as _, Bytes};
use flate2::write::{GzDecoder, ZlibDecoder};

use super::network::NetworkError;
use super::transport::Incoming;

/// So much compressed content is unpacked at once, in bytes: what comes of it, a thousand times as much
/// at worst, is bounded by whoever reads it.
const STEP: usize = 8 << 10;

/// The content of a reply on its way in, unpacked.
#[derive(Debug)]
pub(super) enum Content {
    Plain(Incoming),
    Packed(Box<Packed>),
}

/// Compressed content.
#[derive(Debug)]
pub(super) struct Packed {
    incoming: Incoming,
    /// Absent before the first byte and behind the end.
    decoder: Option<Decoder>,
    is_begun: bool,
    /// What came and was not unpacked yet.
    waiting: Bytes,
}

#[derive(Debug)]
enum Decoder {
    Gzip(GzDecoder<Vec<u8>>),
    /// `deflate`, which is the format of zlib.
    Zlib(ZlibDecoder<Vec<u8>>),
    /// The head said so, but nothing is compressed.
    None,
}

impl Content {
    /// The content behind a head with this `Content-Encoding`.
    ///
    /// # Errors
    /// The name of an encoding that is not known.
    pub(super) fn of(incoming: Incoming, encoding: Option<&str>) -> Result<Self, String> {
        match encoding.unwrap_or_default().trim().to_ascii_lowercase().as_str() {
            "" | "identity" => Ok(Self::Plain(incoming)),
            "gzip" | "x-gzip" | "deflate" => {
                let (decoder, waiting) = (None, Bytes::new());
                Ok(Self::Packed(Box::new(Packed { incoming, decoder, is_begun: false, waiting })))
            }
            other => Err(other.to_owned()),
        }
    }

    /// The next piece, `None` at the end.
    ///
    /// # Errors
    /// The connection ends or breaks before the content does; what came can't be unpacked.
    pub(super) async fn piece(&mut self) -> Result<Option<Bytes>, NetworkError> {
        let packed = match self {
            Self::Plain(incoming) => return incoming.piece().await,
            Self::Packed(packed) => packed,
        };
        loop {
            let unpacked = packed.unpacked()?;
            if !unpacked.is_empty() {
                return Ok(Some(unpacked));
            }
            if packed.waiting.is_empty() {
                match packed.incoming.piece().await? {
                    Some(piece) => packed.waiting = piece,
                    None => return packed.end(),
                }
            }
        }
    }

    /// As [`Content::piece`], but only what can be had without waiting; `None` if there is nothing yet.
    pub(super) async fn ready_piece(&mut self) -> Option<Result<Option<Bytes>, NetworkError>> {
        let packed = match self {
            Self::Plain(incoming) => return incoming.ready_piece().await,
            Self::Packed(packed) => packed,
        };
        if packed.waiting.is_empty() {
            match packed.incoming.ready_piece().await? {
                Ok(Some(piece)) => packed.waiting = piece,
                Ok(None) => return Some(packed.end()),
                Err(broken) => return Some(Err(broken)),
            }
        }
        let unpacked = packed.unpacked();
        let is_nothing = unpacked.as_ref().is_ok_and(Bytes::is_empty);
        (!is_nothing).then(|| unpacked.map(Some))
    }

    /// Adds the next content to `to`; gives how much, 0 at its end.
    ///
    /// # Errors
    /// As [`Content::piece`].
    pub(super) async fn piece_into(&mut self, to: &mut Vec<u8>) -> Result<usize, NetworkError> {
        if let Self::Plain(incoming) = self {
            return incoming.piece_into(to).await;
        }
        let piece = self.piece().await?.unwrap_or_default();
        to.extend_from_slice(&piece);
        Ok(piece.len())
    }
}

impl Packed {
    /// What the next bytes that wait are unpacked.
    fn unpacked(&mut self) -> Result<Bytes, NetworkError> {
        if self.waiting.is_empty() {
            return Ok(Bytes::new());
        }
        if !std::mem::replace(&mut self.is_begun, true) {
            self.decoder = Some(match self.waiting[0] {
                // How the formats begin (RFC 1952, section 2.3; RFC 1950, section 2.2).
                0x1f => Decoder::Gzip(GzDecoder::new(Vec::new())),
                0x78 => Decoder::Zlib(ZlibDecoder::new(Vec::new())),
                _ => Decoder::None,
            });
        }
        let step = self.waiting.len().min(STEP);
        let unpacked = match &mut self.decoder {
            Some(Decoder::Gzip(decoder)) => {
                unpack(decoder, &self.waiting[..step], GzDecoder::get_mut)
            }
            Some(Decoder::Zlib(decoder)) => {
                unpack(decoder, &self.waiting[..step], ZlibDecoder::get_mut)
            }
            Some(Decoder::None) | None => return Ok(std::mem::take(&mut self.waiting)),
        };
        self.waiting.advance(step);
        unpacked.map_err(|_| unreadable())
    }

    /// The end of what came.
    fn end(&mut self) -> Result<Option<Bytes>, NetworkError> {
        let rest = match self.decoder.take() {
            Some(Decoder::Gzip(decoder)) => decoder.finish(),
            Some(Decoder::Zlib(decoder)) => decoder.finish(),
            Some(Decoder::None) | None => return Ok(None),
        };
        match rest {
            Ok(rest) => Ok((!rest.is_empty()).then(|| rest.into())),
            Err(_) => Err(unreadable()),
        }
    }
}

/// Unpacks all of `bytes`; `written` gives what a decoder has made of them.
fn unpack<D: io::Write>(
    decoder: &mut D,
    bytes: &[u8],
    written: fn(&mut D) -> &mut Vec<u8>,
) -> io::Result<Bytes> {
    decoder.write_all(bytes)?;
    decoder.flush()?;
    Ok(std::mem::take(written(decoder)).into())
}

fn unreadable() -> NetworkError {
    NetworkError::of_words("what came is compressed, and can't be unpacked to its end")
}
