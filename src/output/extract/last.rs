//! Takes the last fenced code block out of a streamed text. Which one that is, is known at the end.

use super::block::BlockExtractor;

/// Keeps the newest fenced code block of a text.
#[derive(Debug, Default)]
pub(crate) struct LastBlock {
    current: BlockExtractor,
    /// What came of the current block.
    block: String,
    /// The newest block that was closed.
    last: Option<String>,
}

impl LastBlock {
    /// Takes the next text.
    pub(super) fn push(&mut self, mut text: &str) {
        while !text.is_empty() {
            text = self.current.push(text, &mut self.block);
            if self.current.closed {
                self.last = Some(std::mem::take(&mut self.block));
                self.current = BlockExtractor::default();
            }
        }
    }

    /// How many bytes are kept.
    pub(super) fn kept(&self) -> usize {
        self.current.kept() + self.block.len() + self.last.as_ref().map_or(0, String::len)
    }

    /// Ends the text: appends the last block, or the whole text if there is none. A block that is
    /// not closed goes to the end of the text; one that did not even begin is left out if another
    /// one came before, as models end an answer with one fence too many.
    pub(super) fn finish(&mut self, out: &mut String) {
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
mod tests {
    use super::super::block::tests::{fenced, first};
    use super::*;
    use proptest::prelude::*;

    fn extracted<'t>(texts: impl IntoIterator<Item = &'t str>) -> String {
        let mut extractor = LastBlock::default();
        let mut out = String::new();
        texts.into_iter().for_each(|text| extractor.push(text));
        extractor.finish(&mut out);
        out
    }

    #[test]
    fn the_last_block_is_given() {
        for (text, block) in [
            ("```\n一\n```\n文\n~~~py\n二\n~~~\n尾", "二\n"),
            ("```\n一\n```\r\n````\n```\n二\n````", "```\n二\n"),
            ("```\n一\n```\n  ```\n  二\n未完", "二\n未完"),
            ("```\n一\n```\n```", "一\n"),
            ("```\n一\n```\n```sh\n", "一\n"),
            ("```\n一\n```\n```\n```\n", ""),
            ("没有代码块\r\n", "没有代码块\r\n"),
            ("```\n只有一个", "只有一个"),
        ] {
            assert_eq!(extracted([text]), block, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn splitting_never_changes_the_block(text in fenced()) {
            let whole = extracted([text.as_str()]);
            for (at, _) in text.char_indices() {
                prop_assert_eq!(&extracted([&text[..at], &text[at..]]), &whole, "split at {}", at);
            }
            prop_assert_eq!(extracted(text.split_inclusive(|_| true)), whole);
        }

        /// A text of one block has the same first and last block.
        #[test]
        fn the_only_block_is_the_last(content in "([`~]{1,2}|[\n\ta你]){0,12}") {
            let fence = "`".repeat(30);
            let text = format!("前\n{fence}\n{content}\n{fence}\n后");
            prop_assert_eq!(extracted([text.as_str()]), first(&text));
        }
    }
}
