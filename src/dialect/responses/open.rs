//! The items of a reply while they come: which one an event belongs to, and what of it was given out.

use serde_json::Value;

use super::piece::Place;
use super::sealed::kind as type_of;

/// What an item is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ItemKind {
    Message,
    Reasoning,
    Call,
    /// Something that this program does not read.
    Other,
}

impl ItemKind {
    pub(super) fn of(item: &Value) -> Self {
        match type_of(item) {
            "message" => Self::Message,
            "reasoning" => Self::Reasoning,
            "function_call" | "custom_tool_call" => Self::Call,
            // An item of the older form has no type.
            "" if item.get("content").is_some() => Self::Message,
            _ => Self::Other,
        }
    }
}

/// Which of the texts of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TextKind {
    Answer,
    Refusal,
    Thinking,
    Summary,
}

/// A text of an item, as far as it was given out.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) kind: TextKind,
    pub(super) part: u64,
    text: String,
    /// It is too long to be compared with anything.
    is_long: bool,
}

/// The most of a text that is kept to be compared with the whole.
const MAX_COMPARED: usize = 1 << 20;

impl Said {
    pub(super) fn add(&mut self, text: &str) {
        self.is_long |= self.text.len() + text.len() > MAX_COMPARED;
        match self.is_long {
            true => self.text.clear(),
            false => self.text.push_str(text),
        }
    }

    /// What the whole text has beyond what was given out; nothing where that is another text.
    pub(super) fn rest<'t>(&self, whole: &'t str) -> &'t str {
        match self.is_long {
            true => "",
            false => whole.strip_prefix(self.text.as_str()).unwrap_or_default(),
        }
    }
}

/// An item that began.
#[derive(Debug)]
pub(super) struct OpenItem {
    pub(super) kind: ItemKind,
    index: Option<u64>,
    id: String,
    /// The number of a call among the calls.
    pub(super) call: u64,
    pub(super) said: Vec<Said>,
    /// It came to its end.
    pub(super) is_done: bool,
    /// The item as it came, to be kept.
    pub(super) whole: Option<Value>,
}

impl OpenItem {
    /// The place of the text of this kind and part among all.
    pub(super) fn text(&mut self, kind: TextKind, part: u64) -> usize {
        let at = self.said.iter().position(|said| said.kind == kind && said.part == part);
        let last = self.said.len().checked_sub(1).filter(|last| *last >= MAX_TEXTS);
        at.or(last).unwrap_or_else(|| {
            self.said.push(Said { kind, part, text: String::new(), is_long: false });
            self.said.len() - 1
        })
    }
}

/// The most texts of an item; beyond that the last one takes what comes.
const MAX_TEXTS: usize = 256;

/// The most items of a reply.
pub(super) const MAX_ITEMS: usize = 4096;

/// All items of a reply, in the order in which they began.
#[derive(Debug, Default)]
pub(super) struct OpenItems(Vec<OpenItem>);

impl OpenItems {
    /// The place of the item that begins here; the same again for one that began before.
    ///
    /// Its number in the reply tells which it is, where there is one, else its id. A real Ollama gives
    /// a message and a call the same number.
    pub(super) fn begin(&mut self, kind: ItemKind, place: Place<'_>) -> usize {
        let known = self.known(kind, place).filter(|at| !self.0[*at].is_done);
        known.unwrap_or_else(|| self.add(kind, place))
    }

    fn known(&self, kind: ItemKind, place: Place<'_>) -> Option<usize> {
        let is_it = |item: &OpenItem| {
            item.kind == kind
                && match place.index {
                    Some(_) => item.index == place.index,
                    None => !place.id.is_empty() && item.id == place.id,
                }
        };
        self.0.iter().rposition(is_it)
    }

    fn add(&mut self, kind: ItemKind, place: Place<'_>) -> usize {
        // Beyond that the last one takes what comes.
        if self.0.len() >= MAX_ITEMS {
            return self.0.len() - 1;
        }
        let call = self.0.iter().filter(|item| item.kind == ItemKind::Call).count() as u64;
        let id = place.id.to_owned();
        let (index, said) = (place.index, Vec::new());
        self.0.push(OpenItem { kind, index, id, call, said, is_done: false, whole: None });
        self.0.len() - 1
    }

    /// The place of the item that an event belongs to: the newest of its kind that is not done where it
    /// names none that is known. Opened, if there is none.
    pub(super) fn of(&mut self, kind: ItemKind, place: Place<'_>) -> usize {
        // The usual event goes on with the last item.
        let last = self.0.len().wrapping_sub(1);
        if let Some(item) = self.0.last()
            && item.kind == kind
            && place.index.is_some()
            && item.index == place.index
        {
            return last;
        }
        let newest = || self.0.iter().rposition(|item| item.kind == kind && !item.is_done);
        let known = self.known(kind, place);
        known
            .or_else(|| newest().filter(|_| place.index.is_none()))
            .unwrap_or_else(|| self.add(kind, place))
    }

    /// The item at this place.
    pub(super) fn at(&mut self, place: usize) -> &mut OpenItem {
        &mut self.0[place]
    }

    /// The place of the `number`th item of a kind.
    pub(super) fn numbered(&self, kind: ItemKind, number: usize) -> Option<usize> {
        let of_kind = self.0.iter().enumerate().filter(|(_, item)| item.kind == kind);
        of_kind.map(|(at, _)| at).nth(number)
    }

    /// Whether something began and all of it came to its end.
    pub(super) fn are_done(&self) -> bool {
        !self.0.is_empty() && self.0.iter().all(|item| item.is_done)
    }

    /// The items as they came, as far as they are kept.
    pub(super) fn whole(&self) -> impl Iterator<Item = &Value> + Clone {
        self.0.iter().filter_map(|item| item.whole.as_ref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(index: Option<u64>, id: &str) -> Place<'_> {
        Place { index, id, part: 0 }
    }

    #[test]
    fn an_event_finds_its_item_by_number_then_by_id_then_by_what_is_open() {
        use ItemKind::{Call, Message};
        let mut items = OpenItems::default();
        // A real Ollama: two at one number.
        let message = items.begin(Message, place(Some(0), "m"));
        let call = items.begin(Call, place(Some(0), "f"));
        assert_ne!(message, call);
        assert_eq!(items.of(Message, place(Some(0), "other")), message);
        assert_eq!(items.of(Call, place(Some(0), "")), call);
        // llama-server: no number.
        let second = items.begin(Message, place(None, "n"));
        assert_eq!(items.of(Message, place(None, "n")), second);
        assert_eq!(items.of(Message, place(None, "?")), second);
        assert_eq!(items.of(Call, place(None, "")), call);
        items.at(call).is_done = true;
        assert_ne!(items.of(Call, place(None, "")), call);
    }

    #[test]
    fn a_flood_of_items_and_texts_is_bounded() {
        let mut items = OpenItems::default();
        for number in 0..2 * MAX_ITEMS as u64 {
            items.begin(ItemKind::Message, place(Some(number), ""));
        }
        assert_eq!(items.0.len(), MAX_ITEMS);
        let item = items.at(0);
        for part in 0..100_000 {
            let text = item.text(TextKind::Answer, part);
            item.said[text].add("x");
        }
        assert!(item.said.len() <= MAX_TEXTS + 1);
    }
}
