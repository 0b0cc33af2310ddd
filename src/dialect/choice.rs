//! One answer of a reply while it comes in: what of it can be shown, and what is kept of it.

use super::calls::Calls;
use super::cited::CitedPages;
use super::event::Finish;
use super::kept::BoundedText;
use super::media::MediaList;
use super::sealed::Sealed;
use super::think::{ThinkFilter, ThinkPiece};

/// Text that can be shown. The reader takes it out and empties it.
#[derive(Debug, Default)]
pub(crate) struct VisibleText {
    pub(crate) text: String,
    pub(crate) thinking: String,
}

/// One answer.
#[derive(Debug, Default)]
pub(super) struct Choice {
    /// What is still to be put above the answer.
    heading: Option<String>,
    filter: ThinkFilter,
    /// White space that begins the answer: without any word behind it, it is none.
    space: String,
    /// A word came that can be shown.
    pub(super) has_words: bool,
    /// Answer text that waits for its turn.
    pub(super) waiting: String,
    /// All answer text, and all thinking, for the caller that keeps them.
    pub(super) text: BoundedText,
    pub(super) thoughts: BoundedText,
    pub(super) refusal: BoundedText,
    pub(super) calls: Calls,
    pub(super) sealed: Sealed,
    pub(super) cited: CitedPages,
    pub(super) media: MediaList,
    pub(super) finish: Option<(Finish, String)>,
    pub(super) last: Option<char>,
    /// In how many pieces text and thinking came.
    pieces: usize,
    thinking_pieces: usize,
    /// Thinking came that a flag alone marks, and some that has a field of its own.
    is_flagged: bool,
    has_own_thinking: bool,
}

/// The most white space that waits for a word, in bytes.
const MAX_SPACE: usize = 64 * 1024;

impl Choice {
    /// An answer of which nothing came; `heading` goes above it.
    pub(super) fn new(filter: ThinkFilter, heading: Option<String>) -> Self {
        Self { filter, heading, ..Self::default() }
    }

    /// Takes answer text, or what a flag marks as thinking.
    pub(super) fn take_text(
        &mut self,
        text: &str,
        is_thought: bool,
        is_live: bool,
        shown: &mut VisibleText,
    ) {
        if self.finish.is_some() && self.repeats(text, is_thought) {
            return;
        }
        self.pieces += 1;
        self.is_flagged |= is_thought;
        // The usual piece of a long answer.
        if !is_thought && self.has_words && self.filter.is_open() {
            return self.show(text, is_live, shown);
        }
        let mut filter = std::mem::take(&mut self.filter);
        filter.push(text, is_thought, &mut |piece| self.piece(piece, is_live, shown));
        self.filter = filter;
    }

    /// Takes thinking that has a field of its own.
    pub(super) fn take_thinking(&mut self, text: &str, is_live: bool, shown: &mut VisibleText) {
        let is_again = || self.thoughts.is_whole() && self.thoughts.as_str() == text;
        if self.finish.is_some() && self.thinking_pieces > 1 && is_again() {
            return;
        }
        self.thinking_pieces += usize::from(!text.is_empty());
        self.has_own_thinking |= !text.is_empty();
        self.filter.expect_tag();
        self.thinking(text, is_live, shown);
    }

    /// Takes how the answer ended. The first word counts, as OpenRouter repeats it with the usage,
    /// unless a later one says that the answer is not what it seemed.
    pub(super) fn end_by(&mut self, finish: Finish, word: &str) {
        let is_worse = |(old, _): &(Finish, String)| finish.is_bad() && !old.is_bad();
        if self.finish.as_ref().is_none_or(is_worse) {
            self.finish = Some((finish, word.to_owned()));
        }
    }

    /// Whether the answer came to its own end, by its word or as a call that is whole.
    pub(super) fn is_ended(&self) -> bool {
        self.finish.is_some() || self.calls.are_whole()
    }

    /// Whether nothing says that the answer is not as it should be.
    pub(super) fn is_right(&self) -> bool {
        self.finish.as_ref().is_none_or(|(finish, _)| !finish.is_bad())
    }

    /// Whether a text behind the end says all again that came in pieces before, as some services end
    /// their streams.
    fn repeats(&self, text: &str, is_thought: bool) -> bool {
        if self.pieces < 2 || is_thought || !self.text.is_whole() || !self.has_words {
            return false;
        }
        let (mut filter, mut answer) = (ThinkFilter::default(), String::new());
        let mut each = |piece: ThinkPiece<'_>| {
            if let ThinkPiece::Answer(text) = piece {
                answer.push_str(text);
            }
        };
        filter.push(text, false, &mut each);
        filter.finish(&mut each);
        answer.trim() == self.text.as_str().trim()
    }

    /// Gives out what was held back.
    pub(super) fn end(&mut self, is_live: bool, shown: &mut VisibleText) {
        let mut filter = std::mem::take(&mut self.filter);
        let (unclosed, has_tag) = (filter.unclosed(), filter.has_tag());
        filter.finish(&mut |piece| self.piece(piece, is_live, shown));
        if !matches!(self.finish, Some((Finish::Done | Finish::Unknown, _))) {
            return;
        }
        // A whole text without the closing tag was no thinking; one that was cut may have been.
        if let Some(text) = unclosed.filter(|text| !text.is_empty()) {
            self.piece(ThinkPiece::Answer(&text), is_live, shown);
        }
        let is_by_flag_alone = self.is_flagged && !self.has_own_thinking && !has_tag;
        let has_else =
            self.is_answer() || !self.calls.is_empty() || !self.refusal.as_str().is_empty();
        if is_by_flag_alone && !has_else && self.thoughts.is_whole() {
            let text = String::from(std::mem::take(&mut self.thoughts));
            self.piece(ThinkPiece::Answer(&text), is_live, shown);
        }
    }

    fn piece(&mut self, piece: ThinkPiece<'_>, is_live: bool, shown: &mut VisibleText) {
        let text = match piece {
            ThinkPiece::Thinking(text) => return self.thinking(text, is_live, shown),
            ThinkPiece::Answer(text) => text,
        };
        if self.has_words {
            return self.show(text, is_live, shown);
        }
        self.has_words = !text.trim().is_empty();
        self.space.push_str(text);
        if self.has_words || self.space.len() > MAX_SPACE {
            let text = std::mem::take(&mut self.space);
            self.show(&text, is_live, shown);
        }
    }

    /// Gives out white space that waits for a word which does not come: of an answer that broke off
    /// all is shown that came.
    pub(super) fn give_space(&mut self, is_live: bool, shown: &mut VisibleText) {
        let space = std::mem::take(&mut self.space);
        if !space.is_empty() {
            self.show(&space, is_live, shown);
        }
    }

    fn show(&mut self, text: &str, is_live: bool, shown: &mut VisibleText) {
        self.text.add(text);
        self.last = text.chars().next_back().or(self.last);
        let target = if is_live { &mut shown.text } else { &mut self.waiting };
        target.push_str(&self.heading.take().unwrap_or_default());
        target.push_str(text);
    }

    fn thinking(&mut self, text: &str, is_live: bool, shown: &mut VisibleText) {
        self.thoughts.add(text);
        // The thinking behind a later answer would stand among the words of the first.
        if is_live {
            shown.thinking.push_str(text);
        }
    }

    /// Whether white space came and nothing else.
    pub(super) fn is_blank(&self) -> bool {
        let has_space = !self.space.is_empty() || !self.text.as_str().is_empty();
        has_space && !self.has_words
    }

    /// Whether it is an answer: words, a picture or a sound.
    pub(super) fn is_answer(&self) -> bool {
        self.has_words || !self.media.is_empty()
    }
}
