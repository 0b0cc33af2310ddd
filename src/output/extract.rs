//! Takes a fenced code block, the first or the last one, out of a streamed text.

mod block;

use block::BlockReader;

/// Which block is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BlockChoice {
    First,
    Last,
}

/// Takes one block out of a text that comes in pieces.
#[derive(Debug)]
pub(crate) struct CodeBlockExtractor {
    choice: BlockChoice,
    current: BlockReader,
    /// What came of the current block, while it may be the last one.
    block: String,
    /// The newest block that was closed, while it may be the last one.
    last: Option<String>,
}

impl CodeBlockExtractor {
    /// An extractor for one text.
    pub(crate) fn new(choice: BlockChoice) -> Self {
        Self { choice, current: BlockReader::default(), block: String::new(), last: None }
    }

    /// Takes the next text. Appends to `out` what is certainly content of the wanted block; which
    /// block is the last one is known only at the end.
    pub(crate) fn push(&mut self, mut text: &str, out: &mut String) {
        if self.choice == BlockChoice::First {
            self.current.push(text, out);
            return;
        }
        while !text.is_empty() {
            text = self.current.push(text, &mut self.block);
            if self.current.is_closed {
                self.last = Some(std::mem::take(&mut self.block));
                self.current = BlockReader::default();
            }
        }
    }

    /// How many bytes are kept.
    pub(crate) fn kept(&self) -> usize {
        self.current.kept() + self.block.len() + self.last.as_ref().map_or(0, String::len)
    }

    /// Ends the text: appends the rest of the block, or the whole text if there is no block. A block
    /// without an end goes to the end of the text. As the last block, one that holds nothing yet does
    /// not count if another came before: models end an answer with one fence too many.
    pub(crate) fn finish(&mut self, out: &mut String) {
        if self.choice == BlockChoice::First {
            return self.current.finish(out);
        }
        let is_open = self.current.fence.is_some();
        self.current.finish(&mut self.block);
        let open = std::mem::take(&mut self.block);
        match self.last.take() {
            Some(last) if !is_open || open.is_empty() => out.push_str(&last),
            _ => out.push_str(&open),
        }
    }
}

#[cfg(test)]
mod tests;
