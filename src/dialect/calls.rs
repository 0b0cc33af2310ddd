//! The calls of tools in an answer, put together from what any dialect says of them. Runs nothing.

use super::event::{ArgumentsDelta, ToolCallDelta};
use crate::conversation::{CallFlaw, ToolCall};
use crate::random;

/// The calls of one answer, in the order in which they began.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Calls {
    /// One more than [`MAX_CALLS`] at most: the last place is that of the newest call beyond, so that
    /// its pieces are not taken for those of another one.
    open: Vec<OpenCall>,
    /// How many calls came beyond [`MAX_CALLS`].
    excess: usize,
}

/// A call, with the place that the service gave it.
#[derive(Debug, Clone, Default, PartialEq)]
struct OpenCall {
    position: Option<u64>,
    call: ToolCall,
    nesting: Nesting,
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
    /// Anthropic counts its text as 0; Hugging Face gives no id; gateways give a new id or another
    /// number to each part. So an id that is known decides, then the name, then the number.
    pub(super) fn take(&mut self, delta: ToolCallDelta<'_>) -> usize {
        let place = self.place(&delta).unwrap_or_else(|| self.begin(delta.position));
        let is_beyond = place >= MAX_CALLS;
        let ToolCallDelta { id, name, arguments, extra, .. } = delta;
        let call = &mut self.open[place].call;
        if call.id.is_empty() {
            call.id = id.unwrap_or_default().to_owned();
        }
        if call.name.is_empty() {
            call.name = name.unwrap_or_default().to_owned();
        }
        if is_beyond {
            return 0;
        }
        for (key, value) in extra {
            if call.extra.len() < MAX_EXTRA {
                call.extra.insert(key.to_owned(), value.clone());
            }
        }
        self.open[place].argue(arguments)
    }

    /// A new call's place.
    fn begin(&mut self, position: Option<u64>) -> usize {
        if self.open.len() > MAX_CALLS {
            self.open.pop();
        }
        self.open.push(OpenCall { position, ..OpenCall::default() });
        self.excess += usize::from(self.open.len() > MAX_CALLS);
        self.open.len() - 1
    }

    /// The call that this goes on with; `None` if it begins one.
    fn place(&mut self, delta: &ToolCallDelta<'_>) -> Option<usize> {
        let last = self.open.len().checked_sub(1)?;
        let of_id = delta.id.and_then(|id| self.open.iter().rposition(|open| open.call.id == id));
        match delta.name {
            Some(name) => self.place_of_named(delta, name, of_id),
            None => of_id.or_else(|| Some(self.place_of_nameless(delta.position, last))),
        }
    }

    /// The newest call at this number.
    fn at(&self, position: Option<u64>) -> Option<usize> {
        self.open.iter().rposition(|open| position.is_some() && open.position == position)
    }

    /// The call that a part with a name goes on with: services repeat the name, and some give a new id
    /// with it.
    fn place_of_named(
        &self,
        delta: &ToolCallDelta<'_>,
        name: &str,
        of_id: Option<usize>,
    ) -> Option<usize> {
        let begins = delta.arguments.begins();
        if let Some(place) = of_id {
            let open = &self.open[place];
            let is_other = !open.call.name.is_empty() && open.call.name != name;
            // The same id for each call, each of them whole.
            let is_more = matches!(delta.arguments, ArgumentsDelta::More(_));
            let is_next =
                is_more && open.is_closed() && begins == Some(true) && !open.says(&delta.arguments);
            return (!is_other && !is_next).then_some(place);
        }
        let near = self.at(delta.position).or_else(|| self.open.len().checked_sub(1))?;
        let open = &self.open[near];
        let is_here = delta.position.is_none() || open.position == delta.position;
        let is_new_id = delta.id.is_some() && !open.call.id.is_empty();
        // Its first part had no name.
        if open.call.name.is_empty() {
            return is_here.then_some(near);
        }
        let goes_on = match (open.call.arguments.trim().is_empty(), begins) {
            // A first part without arguments, then all of them; or the same part once more.
            (true, Some(_)) => is_here && !is_new_id,
            (_, None) | (false, Some(true)) => {
                is_here && !is_new_id && delta.position.is_some() && !open.is_closed()
            }
            (false, Some(false)) => !open.is_closed(),
        };
        (goes_on && open.call.name == name).then_some(near)
    }

    /// The call that a part without a name goes on with: the newest at its number, else the last one.
    /// Where others that lack their end could be meant as well, that is a guess: then none of them is
    /// carried out.
    fn place_of_nameless(&mut self, position: Option<u64>, last: usize) -> usize {
        let place = self.at(position);
        let is_meant =
            |open: &OpenCall| !open.is_closed() && (place.is_none() || open.position == position);
        if self.open.iter().filter(|open| is_meant(open)).count() > 1 {
            let unsure = self.open.iter_mut().filter(|open| is_meant(open));
            unsure.for_each(|open| open.call.flaw = Some(CallFlaw::Mixed));
        }
        place.unwrap_or(last)
    }

    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// Whether there are calls, and each is known to be whole.
    pub(super) fn are_whole(&self) -> bool {
        let is_whole = |open: &OpenCall| !open.call.name.is_empty() && open.call.is_whole();
        !self.open.is_empty() && self.open.iter().take(MAX_CALLS).all(is_whole)
    }

    /// The names of the tools that are called, where they were given.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.open.iter().map(|open| open.call.name.as_str())
    }

    /// How many calls came beyond those that are kept.
    pub(super) fn excess(&self) -> usize {
        self.excess
    }

    /// The calls, each with an id of its own. What never had a name is none.
    pub(super) fn finished(&self) -> Vec<ToolCall> {
        let all = || self.open.iter().take(MAX_CALLS).map(|open| &open.call);
        // Arguments that lack something may be those of a call that seems to have none.
        let is_broken = |call: &ToolCall| {
            !call.arguments.is_empty() && (call.name.is_empty() || call.parsed().is_err())
        };
        let is_unsure = all().any(is_broken);
        let mut calls: Vec<ToolCall> =
            all().filter(|call| !call.name.is_empty()).cloned().collect();
        for at in 0..calls.len() {
            let (before, rest) = calls.split_at_mut(at);
            let call = &mut rest[0];
            if is_unsure && call.arguments.trim().is_empty() {
                call.flaw = Some(CallFlaw::Mixed);
            }
            let is_taken = |id: &str| before.iter().any(|call| call.id == id);
            while call.id.is_empty() || is_taken(&call.id) {
                call.id = new_id();
            }
        }
        calls
    }
}

impl ArgumentsDelta<'_> {
    /// Whether this is the beginning of a JSON object; `None` where it says nothing.
    fn begins(&self) -> Option<bool> {
        let text = match self {
            ArgumentsDelta::Nothing => return None,
            ArgumentsDelta::More(text) => text.trim_start(),
            ArgumentsDelta::Whole(text) => text.trim_start(),
        };
        (!text.is_empty()).then(|| text.starts_with('{'))
    }
}

impl OpenCall {
    /// Whether the arguments' last brace came.
    fn is_closed(&self) -> bool {
        self.nesting.is_closed
    }

    /// Whether a part says again what is known of a call that is whole.
    fn says(&self, delta: &ArgumentsDelta<'_>) -> bool {
        let (ArgumentsDelta::More(text), true) = (delta, self.is_closed()) else { return false };
        // What is much shorter says something else; it is not read, as there may be many such parts.
        if text.len() < self.call.arguments.len() / 4 {
            return false;
        }
        let again = ToolCall { arguments: (*text).to_owned(), ..ToolCall::default() };
        again.is_whole() && again.parsed() == self.call.parsed()
    }

    /// Adds to the arguments; gives how many bytes of it were kept.
    fn argue(&mut self, delta: ArgumentsDelta<'_>) -> usize {
        if self.says(&delta) {
            return 0;
        }
        let (text, is_all) = match &delta {
            ArgumentsDelta::Nothing => return 0,
            ArgumentsDelta::More(text) => (*text, false),
            ArgumentsDelta::Whole(text) => (&**text, true),
        };
        let call = &mut self.call;
        if is_all {
            (call.flaw, self.nesting) = (None, Nesting::default());
            call.arguments.clear();
        }
        // With a gap in them the arguments are nothing any more.
        if call.flaw == Some(CallFlaw::TooLong) || call.arguments.len() + text.len() > MAX_ARGUMENTS
        {
            call.flaw = Some(CallFlaw::TooLong);
            return 0;
        }
        call.arguments.push_str(text);
        self.nesting.read(text);
        text.len()
    }
}

/// How deep a JSON text is nested that comes in pieces. Does not check it.
#[derive(Debug, Clone, Default, PartialEq)]
struct Nesting {
    depth: usize,
    is_in_text: bool,
    is_escaped: bool,
    /// The last brace came.
    is_closed: bool,
}

impl Nesting {
    fn read(&mut self, piece: &str) {
        for byte in piece.bytes() {
            match (byte, self.is_in_text) {
                _ if std::mem::take(&mut self.is_escaped) => {}
                (b'\\', true) => self.is_escaped = true,
                (b'"', _) => self.is_in_text = !self.is_in_text,
                (b'{' | b'[', false) => self.depth += 1,
                (b'}' | b']', false) => {
                    self.depth = self.depth.saturating_sub(1);
                    self.is_closed |= self.depth == 0;
                }
                _ => {}
            }
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
