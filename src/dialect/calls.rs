//! The calls of tools in an answer, put together from what any dialect says of them. Runs nothing.

use super::event::{ArgumentsDelta, ToolCallDelta};
use crate::conversation::ToolCall;
use crate::random;

/// The calls of one answer, in the order in which they began.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Calls(Vec<OpenCall>);

/// A call, with the place that the service gave it.
#[derive(Debug, Clone, Default, PartialEq)]
struct OpenCall {
    position: Option<u64>,
    call: ToolCall,
}

/// The most that is kept of a call's arguments, in bytes.
const MAX_ARGUMENTS: usize = 1024 * 1024;

/// The most calls of one answer.
const MAX_CALLS: usize = 64;

/// The most further fields of a call.
const MAX_EXTRA: usize = 16;

impl Calls {
    /// Takes what a reply says of a call. Gives the bytes of arguments that it kept.
    ///
    /// Services differ in how they tell what belongs together. The specification counts the calls in
    /// each part, id and name stand in the first one. Gemini counts nothing and sends whole calls;
    /// Anthropic counts its text as 0; Hugging Face gives no id. So nothing is looked up by position
    /// alone.
    pub(super) fn take(&mut self, delta: ToolCallDelta<'_>) -> usize {
        let ToolCallDelta { position, id, name, arguments, extra } = delta;
        let place = match self.place(position, id, name) {
            Some(place) => place,
            None if self.0.len() >= MAX_CALLS => return 0,
            None => {
                self.0.push(OpenCall { position, ..OpenCall::default() });
                self.0.len() - 1
            }
        };
        let call = &mut self.0[place].call;
        if call.id.is_empty() {
            call.id = id.unwrap_or_default().to_owned();
        }
        if call.name.is_empty() {
            call.name = name.unwrap_or_default().to_owned();
        }
        for (key, value) in extra {
            if call.extra.len() < MAX_EXTRA {
                call.extra.insert(key.to_owned(), value.clone());
            }
        }
        argue(&mut call.arguments, arguments)
    }

    /// The call that this goes on with; `None` if it begins one.
    fn place(&self, position: Option<u64>, id: Option<&str>, name: Option<&str>) -> Option<usize> {
        let last = self.0.len().checked_sub(1)?;
        let same_id = || self.0.iter().rposition(|open| Some(open.call.id.as_str()) == id);
        let Some(position) = position else {
            return match (id, name) {
                (Some(_), _) => same_id(),
                (None, Some(_)) => None,
                (None, None) => Some(last),
            };
        };
        let place = self.0.iter().rposition(|open| open.position == Some(position))?;
        let call = &self.0[place].call;
        match (id, name) {
            // Some give every call the same position.
            (Some(id), _) if !call.id.is_empty() && call.id != id => same_id(),
            // Its arguments are whole already.
            (None, Some(_)) if !call.name.is_empty() && call.parsed().is_ok() => None,
            _ => Some(place),
        }
    }

    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The names of the tools that are called, where they were given.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|open| open.call.name.as_str())
    }

    /// The calls, each with an id of its own.
    pub(super) fn finished(&self) -> Vec<ToolCall> {
        let mut calls: Vec<ToolCall> = self.0.iter().map(|open| open.call.clone()).collect();
        for at in 0..calls.len() {
            let (before, rest) = calls.split_at_mut(at);
            let is_taken = |id: &str| before.iter().any(|call| call.id == id);
            while rest[0].id.is_empty() || is_taken(&rest[0].id) {
                rest[0].id = new_id();
            }
        }
        calls
    }
}

/// Adds to a call's arguments; gives how many bytes of it were kept.
fn argue(arguments: &mut String, delta: ArgumentsDelta<'_>) -> usize {
    match delta {
        ArgumentsDelta::More(text) if arguments.len() + text.len() <= MAX_ARGUMENTS => {
            arguments.push_str(text);
            text.len()
        }
        ArgumentsDelta::More(_) | ArgumentsDelta::Nothing => 0,
        ArgumentsDelta::Whole(text) => {
            *arguments = text.into_owned();
            arguments.len()
        }
    }
}

/// An id for a call that has none: nine letters and digits, as Mistral wants them.
fn new_id() -> String {
    const LETTERS: &[u8; 62] = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    let mut chance = random::bits();
    let mut letter = || {
        let digit = chance % 62;
        chance /= 62;
        char::from(LETTERS[usize::try_from(digit).unwrap_or_default()])
    };
    (0..9).map(|_| letter()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delta<'a>(position: Option<u64>, id: Option<&'a str>, name: &'a str) -> ToolCallDelta<'a> {
        let arguments = ArgumentsDelta::More("{}");
        ToolCallDelta { position, id, name: Some(name), arguments, ..ToolCallDelta::default() }
    }

    #[test]
    fn every_call_has_an_id_of_its_own() {
        let mut calls = Calls::default();
        for id in [None, Some("x"), Some("x"), None] {
            calls.take(delta(None, id, "a"));
            calls.take(delta(Some(7), id, "b"));
        }
        let ids: Vec<String> = calls.finished().into_iter().map(|call| call.id).collect();
        let mut sorted = ids.clone();
        sorted.sort();
        sorted.dedup();
        assert_eq!(sorted.len(), ids.len(), "{ids:?}");
        let is_made = |id: &&String| id.len() == 9 && id.chars().all(|c| c.is_ascii_alphanumeric());
        assert!(ids.iter().filter(|id| *id != "x").all(|id| is_made(&id)), "{ids:?}");
    }

    #[test]
    fn whole_arguments_replace_what_came() {
        let mut calls = Calls::default();
        calls.take(delta(Some(1), Some("c"), "a"));
        let whole = ArgumentsDelta::Whole("{\"x\":1}".into());
        let done = ToolCallDelta { arguments: whole, ..delta(Some(1), Some("c"), "a") };
        assert_eq!(calls.take(done), 7);
        let finished = calls.finished();
        assert_eq!((finished.len(), finished[0].arguments.as_str()), (1, "{\"x\":1}"));
    }
}
