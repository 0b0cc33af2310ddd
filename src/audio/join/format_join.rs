//! What the joiners of all formats have in common: the trait, its error, and what is written over the
//! beginning at the end.

use std::fmt::Debug;

/// Joins audio files of one format. Takes the bytes of the parts as they come.
pub(super) trait FormatJoin: Debug + Send + Sync {
    /// Takes the next bytes of the current part, and appends to `out` what they complete.
    ///
    /// # Errors
    /// The bytes are not of the format, or differ in their encoding from the parts before.
    fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), Unjoinable>;

    /// The current part is over; the next bytes begin another one.
    ///
    /// # Errors
    /// The part ends too early, or contains no audio.
    fn end_part(&mut self, out: &mut Vec<u8>) -> Result<(), Unjoinable>;

    /// The last part is over. Returns what is to be written over the beginning of the whole file, if
    /// it can be.
    fn finish(&mut self, out: &mut Vec<u8>) -> Vec<LengthPatch>;

    /// Whether more sound was written than the head in front of it says.
    fn head_is_short(&self) -> bool {
        false
    }
}

/// Why parts can't be joined, as the end of a sentence: `ends inside an Ogg page`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Unjoinable {
    pub(crate) why: String,
    pub(crate) kind: UnjoinableKind,
}

/// What is wrong with a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum UnjoinableKind {
    /// It is of another format, or damaged.
    Other,
    /// It holds no sound.
    NoAudio,
    /// It ends before the end that its head names.
    Short,
}

impl Unjoinable {
    /// A part of another format, or a damaged one.
    pub(crate) fn new(why: impl Into<String>) -> Self {
        Self { why: why.into(), kind: UnjoinableKind::Other }
    }

    pub(crate) fn no_audio(why: impl Into<String>) -> Self {
        Self { why: why.into(), kind: UnjoinableKind::NoAudio }
    }

    pub(super) fn short(why: impl Into<String>) -> Self {
        Self { why: why.into(), kind: UnjoinableKind::Short }
    }
}

/// Bytes to be written over those at an offset of the whole file, once its length is known.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct LengthPatch {
    pub(crate) at: u64,
    pub(crate) bytes: Vec<u8>,
}
