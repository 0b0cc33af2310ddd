//! Takes a fenced code block, the first or the last one, out of a streamed text.

mod block;
mod last;

use block::BlockExtractor;
use last::LastBlock;

/// Which block is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BlockChoice {
    First,
    Last,
}

/// Takes one block out of a text that comes in pieces.
#[derive(Debug)]
pub(crate) enum CodeBlockExtractor {
    First(BlockExtractor),
    Last(LastBlock),
}

impl CodeBlockExtractor {
    /// Nothing came yet.
    pub(crate) fn new(which: BlockChoice) -> Self {
        match which {
            BlockChoice::First => Self::First(BlockExtractor::default()),
            BlockChoice::Last => Self::Last(LastBlock::default()),
        }
    }

    /// Takes the next text and appends to `out` what of the block it makes certain.
    pub(crate) fn push(&mut self, text: &str, out: &mut String) {
        match self {
            Self::First(first) => {
                first.push(text, out);
            }
            Self::Last(last) => last.push(text),
        }
    }

    /// How many bytes are kept.
    pub(crate) fn kept(&self) -> usize {
        match self {
            Self::First(first) => first.kept(),
            Self::Last(last) => last.kept(),
        }
    }

    /// Ends the text: appends the rest of the block, or the whole text if no block came.
    pub(crate) fn finish(&mut self, out: &mut String) {
        match self {
            Self::First(first) => first.finish(out),
            Self::Last(last) => last.finish(out),
        }
    }
}
