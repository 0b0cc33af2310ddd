//! Tells thinking from answer text while it streams; it does not know where either is shown.
//!
//! Models without a field of their own for thinking begin their answer with it, in tags: `<think>` and
//! those of [`TAGS`]. Gemini marks the text (`extra_content.google.thought`) and writes
//! tags as well; the closing one then begins the first text without the mark.
//!
//! Templates that end in the opening tag leave it out of the answer, which then begins with thinking
//! and holds the closing tag alone. That can't be seen while it streams; the caller must know it.

/// What closes the channels of gpt-oss that are no answer, where a server passes its channels on: the
/// header of the channel that is. What stands between is of the other channels.
const FINAL: &[&str] = &[
    "<|end|><|start|>assistant<|channel|>final<|message|>",
    "<|start|>assistant<|channel|>final<|message|>",
    "<|channel|>final<|message|>",
];

/// The opening tags with what closes them. One that nothing closes opens the answer itself.
const TAGS: [(&str, &[&str]); 16] = [
    ("<think>", &["</think>"]),
    ("<thinking>", &["</thinking>"]),
    ("<thought>", &["</thought>"]),
    // Magistral, Kimi, Gemma, Seed-OSS, LongCat, Command A, OpenThinker.
    ("[THINK]", &["[/THINK]"]),
    ("◁think▷", &["◁/think▷"]),
    ("<|channel>thought", &["<channel|>"]),
    ("<seed:think>", &["</seed:think>"]),
    ("<longcat_think>", &["</longcat_think>"]),
    ("<|START_THINKING|>", &["<|END_THINKING|>"]),
    ("<|begin_of_thought|>", &["<|end_of_thought|>"]),
    ("<|channel|>analysis<|message|>", FINAL),
    ("<|channel|>commentary<|message|>", FINAL),
    ("<|start|>assistant<|channel|>analysis<|message|>", FINAL),
    ("<|start|>assistant<|channel|>commentary<|message|>", FINAL),
    ("<|channel|>final<|message|>", &[]),
    ("<|start|>assistant<|channel|>final<|message|>", &[]),
];

/// Thinking that no tag closes is kept up to here, in bytes, as it may have been the answer.
const MAX_UNCLOSED: usize = 16 << 20;

/// The white space around tags. That of Unicode stays: U+3000 indents a Chinese paragraph.
const SPACE: [char; 4] = [' ', '\t', '\n', '\r'];

/// A piece of text, never empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ThinkPiece<'a> {
    /// Text that answers.
    Answer(&'a str),
    /// Text that the model thought with, without its tags.
    Thinking(&'a str),
}

/// What text without a mark is, seen from its beginning.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
enum ThinkState {
    /// Nothing of the answer came yet: an opening tag may come.
    #[default]
    Start,
    /// In thinking that one of these tags closes.
    Inside(&'static [&'static str]),
    /// Behind the closing tag and its white space.
    Closed,
    Answer,
}

/// Splits one answer into thinking and answer text, however its text is cut into pieces.
#[derive(Debug, Default)]
pub(crate) struct ThinkFilter {
    state: ThinkState,
    /// Whether the text before this one was marked.
    marked: bool,
    /// Whether the marked text at hand may still begin with a tag of its own.
    may_open: bool,
    /// Whether marked text just ended, so that a closing tag may come.
    may_close: bool,
    /// The white space before what could be a tag.
    space: String,
    /// The beginning of what could be a tag.
    held: String,
    /// Text without an opening tag begins with thinking.
    is_untagged: bool,
    has_tag: bool,
    /// The thinking that no tag opened, until a tag closes it: without one it was the answer.
    unclosed: Option<String>,
}

/// What stands at the beginning of a text, behind white space.
enum ThinkLead {
    /// A tag of this length; an opening one comes with what closes it.
    Tag(usize, Option<&'static [&'static str]>),
    /// What may become a tag.
    Unclear,
    Other,
}

impl ThinkFilter {
    /// A filter for an answer that begins with thinking even if no tag opens it.
    pub(crate) fn untagged() -> Self {
        Self { is_untagged: true, ..Self::default() }
    }

    /// The thinking came elsewhere: text without an opening tag is the answer.
    pub(crate) fn expect_tag(&mut self) {
        self.is_untagged = false;
    }

    /// The text that was handed out as thinking although no tag opened or closed it.
    pub(crate) fn unclosed(&self) -> Option<String> {
        self.unclosed.as_ref().map(|text| format!("{text}{}", self.held))
    }

    /// Whether text passes through as it is: the answer has begun, and nothing is kept.
    pub(super) fn is_open(&self) -> bool {
        let is_empty = self.held.is_empty() && self.space.is_empty();
        self.state == ThinkState::Answer && !self.marked && !self.may_close && is_empty
    }

    /// Whether a tag told thinking from the answer.
    pub(crate) fn has_tag(&self) -> bool {
        self.has_tag
    }

    /// Takes the next text of the answer and hands out what is known of it.
    ///
    /// `marked` says that the provider marked this text as thinking. Text that may be a part of a
    /// tag is kept until more comes.
    pub(crate) fn push(&mut self, text: &str, marked: bool, each: &mut dyn FnMut(ThinkPiece<'_>)) {
        if text.is_empty() {
            return;
        }
        if marked != self.marked {
            self.switch(marked, each);
        }
        if marked { self.take_marked(text, each) } else { self.take(text, each) }
    }

    /// Ends the answer: text that was kept is handed out as what it is. The filter is then as new.
    pub(crate) fn finish(&mut self, each: &mut dyn FnMut(ThinkPiece<'_>)) {
        self.release(each);
        *self = Self::default();
    }

    fn switch(&mut self, marked: bool, each: &mut dyn FnMut(ThinkPiece<'_>)) {
        if marked && self.held.is_empty() {
            // White space before thinking is not an answer yet.
            self.space.clear();
        }
        self.release(each);
        self.marked = marked;
        self.may_open = marked;
        self.may_close = !marked && !matches!(self.state, ThinkState::Inside(_));
    }

    /// Hands out what is kept: no tag will come of it.
    fn release(&mut self, each: &mut dyn FnMut(ThinkPiece<'_>)) {
        let kept = std::mem::take(&mut self.space) + &std::mem::take(&mut self.held);
        if kept.is_empty() {
            return;
        }
        if self.marked || matches!(self.state, ThinkState::Inside(_)) {
            each(ThinkPiece::Thinking(&kept));
        } else {
            self.answer(&kept, each);
        }
    }

    fn take_marked(&mut self, text: &str, each: &mut dyn FnMut(ThinkPiece<'_>)) {
        if !self.may_open {
            each(ThinkPiece::Thinking(text));
            return;
        }
        match self.lead(text, true, false) {
            ThinkLead::Unclear => return,
            ThinkLead::Tag(length, _) => {
                self.has_tag = true;
                self.space.clear();
                self.held.drain(..length);
            }
            ThinkLead::Other => {}
        }
        self.may_open = false;
        self.release(each);
    }

    fn take(&mut self, text: &str, each: &mut dyn FnMut(ThinkPiece<'_>)) {
        if self.state != ThinkState::Start && !self.may_close {
            self.take_plain(text, each);
            return;
        }
        match self.lead(text, self.state == ThinkState::Start, self.may_close) {
            ThinkLead::Unclear => {}
            ThinkLead::Tag(length, closing) => {
                self.has_tag = true;
                self.space.clear();
                self.may_close = false;
                self.state = closing.map_or(ThinkState::Closed, ThinkState::Inside);
                let held = std::mem::take(&mut self.held);
                self.take_plain(&held[length..], each);
            }
            ThinkLead::Other if self.state == ThinkState::Start && self.is_untagged => {
                self.state = ThinkState::Inside(TAGS[0].1);
                self.unclosed = Some(String::new());
                let text = std::mem::take(&mut self.space) + &std::mem::take(&mut self.held);
                self.take_plain(&text, each);
            }
            ThinkLead::Other => {
                self.may_close = false;
                self.release(each);
            }
        }
    }

    /// Adds a text to what is kept and tells what stands there.
    fn lead(&mut self, text: &str, opening: bool, closing: bool) -> ThinkLead {
        let mut text = text;
        if self.held.is_empty() {
            let rest = text.trim_start_matches(SPACE);
            self.space.push_str(&text[..text.len() - rest.len()]);
            text = rest;
        }
        self.held.push_str(text);
        let closed = |close: &'static [&str]| (!close.is_empty()).then_some(close);
        let openings = TAGS.iter().filter(|_| opening).map(|(open, close)| (*open, closed(close)));
        let closings = TAGS.iter().filter(|_| closing);
        let closings = closings.flat_map(|(_, close)| close.iter().map(|close| (*close, None)));
        for (tag, close) in openings.chain(closings) {
            if self.held.starts_with(tag) {
                return ThinkLead::Tag(tag.len(), close);
            }
            if tag.starts_with(&self.held) {
                return ThinkLead::Unclear;
            }
        }
        ThinkLead::Other
    }

    /// Takes text at whose beginning no tag can stand.
    fn take_plain(&mut self, text: &str, each: &mut dyn FnMut(ThinkPiece<'_>)) {
        let ThinkState::Inside(closing) = self.state else {
            self.answer(text, each);
            return;
        };
        let joined;
        let mut text = text;
        if !self.held.is_empty() {
            joined = std::mem::take(&mut self.held) + text;
            text = &joined;
        }
        let found = closing.iter().filter_map(|tag| Some((text.find(tag)?, *tag)));
        let found = found.min_by_key(|(at, tag)| (*at, std::cmp::Reverse(tag.len())));
        let end = found.map_or_else(|| text.len() - overlap(text, closing), |(at, _)| at);
        if end > 0 {
            each(ThinkPiece::Thinking(&text[..end]));
            if let Some(unclosed) = &mut self.unclosed {
                unclosed.push_str(&text[..end]);
                if unclosed.len() > MAX_UNCLOSED {
                    self.unclosed = None;
                }
            }
        }
        match found {
            Some((at, tag)) => {
                self.state = ThinkState::Closed;
                self.has_tag = true;
                self.unclosed = None;
                self.answer(&text[at + tag.len()..], each);
            }
            None => self.held.push_str(&text[end..]),
        }
    }

    fn answer(&mut self, text: &str, each: &mut dyn FnMut(ThinkPiece<'_>)) {
        let closed = self.state == ThinkState::Closed;
        let text = if closed { text.trim_start_matches(SPACE) } else { text };
        if !text.is_empty() {
            self.state = ThinkState::Answer;
            each(ThinkPiece::Answer(text));
        }
    }
}

/// The length of the longest beginning of one of the tags with which `text` ends.
fn overlap(text: &str, tags: &[&str]) -> usize {
    let of = |tag: &&str| {
        (1..tag.len()).rev().find(|&length| text.as_bytes().ends_with(&tag.as_bytes()[..length]))
    };
    // Both begin with the first byte of a character, so none is cut.
    tags.iter().filter_map(of).max().unwrap_or(0)
}

#[cfg(test)]
mod tests;
