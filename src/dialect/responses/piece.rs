//! The usual event of a stream, a piece of text, read without what stands beside it.

use std::borrow::Cow;

use memchr::memmem;
use serde::Deserialize;

/// What an event of a stream says of the item that it belongs to.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Place<'a> {
    /// The item's place in the reply, where the service counts.
    pub(super) index: Option<u64>,
    /// The item's id, which some services change with each event.
    pub(super) id: &'a str,
    /// The part of the item.
    pub(super) part: u64,
}

/// A piece of something that comes in pieces.
#[derive(Debug, Deserialize)]
pub(super) struct Piece<'a> {
    #[serde(borrow, rename = "type")]
    pub(super) kind: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) delta: Cow<'a, str>,
    output_index: Option<u64>,
    #[serde(borrow, default)]
    item_id: Option<Cow<'a, str>>,
    content_index: Option<u64>,
    summary_index: Option<u64>,
}

impl<'a> Piece<'a> {
    /// The piece that an event's data is; `None` for anything else.
    pub(super) fn read(data: &'a [u8]) -> Option<Self> {
        // What is no piece may be long: it is not read twice.
        memmem::find(&data[..data.len().min(MOST_BEFORE)], b".delta\"")
            .or_else(|| memmem::rfind(data, b".delta\""))?;
        serde_json::from_slice(data).ok()
    }

    pub(super) fn place(&self) -> Place<'_> {
        Place {
            index: self.output_index,
            id: self.item_id.as_deref().unwrap_or_default(),
            part: self.content_index.or(self.summary_index).unwrap_or_default(),
        }
    }
}

/// The type mostly stands in the beginning, else at the end.
const MOST_BEFORE: usize = 128;
