//! What a chat reply is made of, whatever dialect it came in.

use std::borrow::Cow;

use serde_json::Value;

/// One thing that a part of a reply says. `index` is the answer that it belongs to; there are
/// several where the user asked for several.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum ChatEvent<'a> {
    /// More text. `is_thought`: the service marked it as thinking although it stands where the
    /// answer does (Gemini).
    Text { index: u64, text: &'a str, is_thought: bool },
    /// More thinking, from a field of its own. `sealed` is what the service wants back of it, as it
    /// came; it may come without words, and the words without it.
    Thinking { index: u64, text: &'a str, sealed: Option<&'a Value> },
    /// More of the words with which the model refuses.
    Refusal { index: u64, text: &'a str },
    /// A call of a tool, or more of one.
    ToolCall { index: u64, delta: Box<ToolCallDelta<'a>> },
    /// A page or a file that the answer cites.
    Source { index: u64, page: CitedPage<'a> },
    /// A picture or a sound that the model made, or more of one.
    Media { index: u64, delta: MediaDelta<'a> },
    /// The answer comes to its end, behind the text of the same piece; `word` is the service's own for it.
    Finish { index: u64, finish: Finish, word: &'a str },
    /// Token counts, as the service gives them: [`super::usage`] reads them.
    Usage(&'a Value),
}

/// A page or a file that an answer cites.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CitedPage<'a> {
    pub(crate) url: &'a str,
    /// May be empty.
    pub(crate) title: &'a str,
    /// The number by which the answer's text names it, where the service counts.
    pub(crate) number: Option<u32>,
}

/// What a part of a reply holds of a picture or a sound.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct MediaDelta<'a> {
    pub(crate) kind: MediaKind,
    /// Tells pieces of one from those of another.
    pub(crate) id: Option<&'a str>,
    /// Its format, where the service names it: a media type, or a short name such as `wav`.
    pub(crate) format: Option<&'a str>,
    pub(crate) content: MediaContent<'a>,
}

/// What the model made beside words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MediaKind {
    Picture,
    Sound,
}

/// The bytes of a picture or a sound, or a way to them. Empty texts are no event.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum MediaContent<'a> {
    /// Base64 text that goes on behind what came before of the same one.
    More(&'a str),
    /// All of it as base64 text.
    Base64(&'a str),
    /// All of it: a data URL, or an address that it can be fetched from.
    Url(&'a str),
}

/// What a part of a reply says of a call of a tool. Which call it belongs to is told by these three
/// together, as services leave out, repeat and make up any of them.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct ToolCallDelta<'a> {
    /// The place that the service gave the call.
    pub(crate) position: Option<u64>,
    /// Not empty.
    pub(crate) id: Option<&'a str>,
    /// Not empty.
    pub(crate) name: Option<&'a str>,
    pub(crate) arguments: ArgumentsDelta<'a>,
    /// What the service wants back with the call, by the names that it has there.
    pub(crate) extra: Vec<(&'a str, &'a Value)>,
}

/// What a part of a reply says of a call's arguments.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) enum ArgumentsDelta<'a> {
    #[default]
    Nothing,
    /// JSON text that goes on behind what came before.
    More(&'a str),
    /// The whole JSON text, in place of what came before.
    Whole(Cow<'a, str>),
}

/// Why an answer ended, in the classes that make a difference to the user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Finish {
    /// As it should.
    Done,
    /// For a reason that nobody knows: it may not be whole.
    Unknown,
    /// By a limit of tokens.
    Length,
    /// By a content filter.
    Filter,
    /// By a failure of the service in mid-answer.
    Failed,
    /// It did not come: the service makes it later, and keeps it.
    Pending,
}
