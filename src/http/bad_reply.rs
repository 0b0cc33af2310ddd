//! Why a reply whose status says success holds no answer. The exchange turns it into words.

use super::fault::{self, Fault};

/// Why a reply holds no answer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum BadReply {
    /// It carries an error.
    Fault(Box<Fault>),
    /// It has no byte.
    Empty,
    /// It ended before its end.
    BrokenOff,
    /// It says that it is at its end, and nothing says that its answer is.
    Unfinished,
    /// The service failed in the middle of its answer; its word for it.
    Failed(String),
    /// It is something else than what was asked for: an HTML page, JSON of another kind. Holds its
    /// own words.
    NotAnAnswer(String),
    /// It has nothing in it; names what is missing.
    Lacks(&'static str),
    /// It holds something that can't be read; says what.
    Unreadable(String),
}

impl BadReply {
    /// A body that is not what was asked for: JSON that broke off, or something else.
    pub(crate) fn of_body(body: &[u8]) -> Self {
        match fault::is_cut(body) {
            true => Self::BrokenOff,
            false => Self::NotAnAnswer(fault::read(body).message),
        }
    }
}

impl From<Fault> for BadReply {
    fn from(fault: Fault) -> Self {
        Self::Fault(Box::new(fault))
    }
}
