//! What joining gives besides the sound: why it failed, and what is to be written over the head.

/// Why parts can't be joined, as a sentence's end: `is cut off`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Unjoinable(pub(crate) String);

impl Unjoinable {
    pub(super) fn new(why: impl Into<String>) -> Self {
        Self(why.into())
    }
}

/// Bytes to be written over those at an offset of the whole, once its length is known.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct LengthPatch {
    pub(crate) at: u64,
    pub(crate) bytes: Vec<u8>,
}
