//! Speech to text, as pure functions: the request's fields, every shape of answer, subtitles, and
//! parts put together.

pub(crate) mod answer;
pub(crate) mod cue;
pub(crate) mod format;
pub(crate) mod join;
pub(crate) mod read;
pub(crate) mod refusal;
pub(crate) mod request;
pub(crate) mod stream;
pub(crate) mod subtitles;
mod words;
