//! Tells thinking from answer text while it streams; it does not know where either is shown.
//!
//! Models without a field of their own for thinking begin their answer with it, in tags: `<think>`,
//! `<thinking>` or `<thought>`. Gemini marks the text (`extra_content.google.thought`) and writes
//! tags as well; the closing one then begins the first text without the mark.
//!
//! Templates that end in the opening tag leave it out of the answer, which then begins with thinking
//! and holds the closing tag alone. That can't be seen while it streams; the caller must know it.

/// The opening tags with what closes them.
const TAGS: [(&str, &str); 3] =
    [("<think>", "</think>"), ("<thinking>", "</thinking>"), ("<thought>", "</thought>")];

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
    /// In thinking that this tag closes.
    Inside(&'static str),
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
    /// The thinking that no tag opened, until a tag closes it: without one it was the answer.
    unclosed: Option<String>,
}

/// What stands at the beginning of a text, behind white space.
enum ThinkLead {
    /// A tag of this length; an opening one comes with what closes it.
    Tag(usize, Option<&'static str>),
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
        let openings = TAGS.iter().filter(|_| opening).map(|(open, close)| (*open, Some(*close)));
        let closings = TAGS.iter().filter(|_| closing).map(|(_, close)| (*close, None));
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
        let end = text.find(closing).unwrap_or_else(|| text.len() - overlap(text, closing));
        if end > 0 {
            each(ThinkPiece::Thinking(&text[..end]));
            if let Some(unclosed) = &mut self.unclosed {
                unclosed.push_str(&text[..end]);
                if unclosed.len() > MAX_UNCLOSED {
                    self.unclosed = None;
                }
            }
        }
        match text[end..].strip_prefix(closing) {
            Some(rest) => {
                self.state = ThinkState::Closed;
                self.unclosed = None;
                self.answer(rest, each);
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

/// The length of the longest beginning of `tag` with which `text` ends.
fn overlap(text: &str, tag: &str) -> usize {
    (1..tag.len()).rev().find(|&length| text.ends_with(&tag[..length])).unwrap_or(0)
}

#[cfg(test)]
mod tests;
