//! The items of a reply as [`ChatEvent`]s: words as they come, and at the end what no piece brought.

use serde_json::Value;

use super::open::{ItemKind, MAX_ITEMS, OpenItems, TextKind};
use super::piece::Place;
use super::sealed;
use crate::dialect::chat_completions::{annotation, sources};
use crate::dialect::event::{
    ArgumentsDelta, ChatEvent, MediaContent, MediaDelta, MediaKind, ToolCallDelta,
};

/// Takes the events of an answer.
pub(super) type Each<'e> = &'e mut dyn FnMut(ChatEvent<'_>);

/// The items of one reply.
#[derive(Debug, Default)]
pub(super) struct Output {
    items: OpenItems,
    /// Where the last words of the answer came from, and how they ended.
    words: Last,
    /// The same of the thinking.
    thoughts: Last,
    /// The text that was given out last.
    given: Option<Given>,
    /// The bytes of the items that are kept.
    kept: usize,
}

/// The most bytes of items that are kept so that they can go back.
const MAX_KEPT: usize = 64 << 20;

/// About how many bytes a value takes.
fn weight(value: &Value) -> usize {
    const NODE: usize = 32;
    NODE + match value {
        Value::String(text) => text.len(),
        Value::Array(list) => list.iter().map(weight).sum(),
        Value::Object(map) => map.iter().map(|(name, value)| name.len() + weight(value)).sum(),
        _ => 0,
    }
}

/// A text that is given out in pieces: its item, its kind, its place among the item's texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Given {
    item: usize,
    kind: TextKind,
    text: usize,
}

/// Which text was given out last: its item and part; and its last letter.
#[derive(Debug, Default)]
struct Last {
    of: Option<(usize, u64)>,
    letter: Option<char>,
}

impl Last {
    /// What goes between the last text and one from here: a blank line, if they are two.
    fn gap(&mut self, of: (usize, u64), text: &str) -> &'static str {
        let is_other = self.of.replace(of).is_some_and(|last| last != of);
        let letter = std::mem::replace(&mut self.letter, text.chars().next_back());
        match letter {
            Some('\n') if is_other => "\n",
            Some(_) if is_other => "\n\n",
            _ => "",
        }
    }
}

/// There is one answer.
const INDEX: u64 = 0;

impl Output {
    /// An item begins.
    pub(super) fn begin(&mut self, place: Place<'_>, item: &Value, each: Each<'_>) {
        let kind = ItemKind::of(item);
        let at = self.items.begin(kind, with_id(place, item));
        if kind == ItemKind::Call {
            call(self.items.at(at).call, item, ArgumentsDelta::Nothing, each);
        }
    }

    /// A piece of a text.
    pub(super) fn text(&mut self, kind: TextKind, place: Place<'_>, text: &str, each: Each<'_>) {
        let is_thinking = matches!(kind, TextKind::Thinking | TextKind::Summary);
        let of = if is_thinking { ItemKind::Reasoning } else { ItemKind::Message };
        let at = self.items.of(of, place);
        self.give(at, kind, place.part, text, each);
    }

    fn give(&mut self, at: usize, kind: TextKind, part: u64, text: &str, each: Each<'_>) {
        if text.is_empty() {
            return;
        }
        let item = self.items.at(at);
        // Where thinking and a summary of it come, both say the same.
        let is_told = |other: TextKind| item.said.iter().any(|said| said.kind == other);
        let is_twice = match kind {
            TextKind::Thinking => is_told(TextKind::Summary),
            TextKind::Summary => is_told(TextKind::Thinking),
            _ => false,
        };
        if is_twice {
            return;
        }
        let place = item.text(kind, part);
        item.said[place].add(text);
        self.given = Some(Given { item: at, kind, text: place });
        match kind {
            TextKind::Answer => {
                let gap = self.words.gap((at, 0), text);
                if !gap.is_empty() {
                    each(ChatEvent::Text { index: INDEX, text: gap, is_thought: false });
                }
                each(ChatEvent::Text { index: INDEX, text, is_thought: false });
            }
            TextKind::Refusal => each(ChatEvent::Refusal { index: INDEX, text }),
            TextKind::Thinking | TextKind::Summary => {
                let gap = self.thoughts.gap((at, part), text);
                if !gap.is_empty() {
                    each(ChatEvent::Thinking { index: INDEX, text: gap, sealed: None });
                }
                each(ChatEvent::Thinking { index: INDEX, text, sealed: None });
            }
        }
    }

    /// The text that was given out last.
    pub(super) fn given(&self) -> Option<Given> {
        self.given
    }

    /// The next piece of the text that was given out last.
    pub(super) fn go_on(&mut self, given: Given, text: &str, each: Each<'_>) {
        if text.is_empty() {
            return;
        }
        self.items.at(given.item).said[given.text].add(text);
        let last = text.chars().next_back();
        match given.kind {
            TextKind::Answer => {
                self.words.letter = last;
                each(ChatEvent::Text { index: INDEX, text, is_thought: false });
            }
            TextKind::Refusal => each(ChatEvent::Refusal { index: INDEX, text }),
            TextKind::Thinking | TextKind::Summary => {
                self.thoughts.letter = last;
                each(ChatEvent::Thinking { index: INDEX, text, sealed: None });
            }
        }
    }

    /// A piece of a call's arguments.
    pub(super) fn arguments(&mut self, place: Place<'_>, text: &str, each: Each<'_>) {
        self.more_of_call(place, ArgumentsDelta::More(text), each);
    }

    /// All of a call's arguments, in the place of their pieces.
    pub(super) fn whole_arguments(&mut self, place: Place<'_>, text: &str, each: Each<'_>) {
        if !text.is_empty() {
            self.more_of_call(place, ArgumentsDelta::Whole(text.into()), each);
        }
    }

    fn more_of_call(&mut self, place: Place<'_>, arguments: ArgumentsDelta<'_>, each: Each<'_>) {
        let at = self.items.of(ItemKind::Call, place);
        let item = self.items.at(at);
        if !item.is_done {
            let delta =
                ToolCallDelta { position: Some(item.call), arguments, ..ToolCallDelta::default() };
            each(ChatEvent::ToolCall { index: INDEX, delta: Box::new(delta) });
        }
    }

    /// All of a text, where its pieces may have brought less.
    pub(super) fn whole_text(
        &mut self,
        kind: TextKind,
        place: Place<'_>,
        text: &str,
        each: Each<'_>,
    ) {
        let is_thinking = matches!(kind, TextKind::Thinking | TextKind::Summary);
        let of = if is_thinking { ItemKind::Reasoning } else { ItemKind::Message };
        let at = self.items.of(of, place);
        let item = self.items.at(at);
        let known = item.text(kind, place.part);
        let rest = item.said[known].rest(text);
        self.give(at, kind, place.part, rest, each);
    }

    /// An item came to its end: what no piece of it brought.
    pub(super) fn end_item(&mut self, place: Place<'_>, item: &Value, each: Each<'_>) {
        let kind = ItemKind::of(item);
        let at = self.items.of(kind, with_id(place, item));
        self.complete(at, item, each);
    }

    fn complete(&mut self, at: usize, item: &Value, each: Each<'_>) {
        if std::mem::replace(&mut self.items.at(at).is_done, true) {
            return;
        }
        match self.items.at(at).kind {
            ItemKind::Message => {
                for kind in [TextKind::Answer, TextKind::Refusal] {
                    self.complete_texts(at, kind, item, each);
                }
                parts(item, "content").for_each(|part| cite(part, each));
            }
            ItemKind::Reasoning => {
                for kind in [TextKind::Thinking, TextKind::Summary] {
                    self.complete_texts(at, kind, item, each);
                }
            }
            ItemKind::Call => {
                let arguments = ["arguments", "input"].iter().find_map(|name| item.get(*name));
                let text = match arguments {
                    Some(Value::String(text)) => text.as_str().into(),
                    None | Some(Value::Null) => "".into(),
                    Some(other) => other.to_string().into(),
                };
                call(self.items.at(at).call, item, ArgumentsDelta::Whole(text), each);
            }
            ItemKind::Other => return made(item, each),
        }
        self.kept = self.kept.saturating_add(weight(item));
        if self.kept <= MAX_KEPT {
            self.items.at(at).whole = Some(item.clone());
        }
    }

    /// What the pieces of an item's texts did not bring. The parts are told by their order: services
    /// number them otherwise in their events.
    fn complete_texts(&mut self, at: usize, kind: TextKind, item: &Value, each: Each<'_>) {
        let (list, types, field) = match kind {
            TextKind::Answer => ("content", &["output_text", "text"][..], "text"),
            TextKind::Refusal => ("content", &["refusal"][..], "refusal"),
            TextKind::Thinking => ("content", &["reasoning_text", "text"][..], "text"),
            TextKind::Summary => ("summary", &["summary_text", "text"][..], "text"),
        };
        let is_meant = |part: &&Value| types.contains(&sealed::kind(part));
        let texts = parts(item, list).filter(is_meant);
        let texts = texts.filter_map(|part| part.get(field)?.as_str());
        // A message of the simple form.
        let plain = item.get(list).and_then(Value::as_str).filter(|_| kind == TextKind::Answer);
        for (number, text) in texts.chain(plain).enumerate() {
            let open = self.items.at(at);
            let mut said = open.said.iter().filter(|said| said.kind == kind);
            let part = said.nth(number).map_or(number as u64, |said| said.part);
            let known = open.text(kind, part);
            let rest = open.said[known].rest(text);
            self.give(at, kind, part, rest, each);
        }
    }

    /// The reply came to its end, with all its items. They are told by their order among those of their
    /// kind: services give them other ids and another order than in their events.
    pub(super) fn settle(&mut self, items: &[Value], each: Each<'_>) {
        let mut numbers = [0; 4];
        for item in items.iter().take(MAX_ITEMS) {
            let kind = ItemKind::of(item);
            let number = &mut numbers[kind as usize];
            let at = self.items.numbered(kind, *number);
            let at = at.unwrap_or_else(|| self.items.begin(kind, with_id(Place::default(), item)));
            *number += 1;
            self.complete(at, item, each);
        }
    }

    /// Whether something began and all of it came to its end.
    pub(super) fn is_done(&self) -> bool {
        self.items.are_done()
    }

    /// What is to be kept, so that it can go back; with thinking in plain words, if `keeps_thinking`.
    pub(super) fn seal(&self, keeps_thinking: bool, each: Each<'_>) {
        for item in &sealed::kept(self.items.whole(), keeps_thinking) {
            each(ChatEvent::Thinking { index: INDEX, text: "", sealed: Some(item) });
        }
    }
}

/// The id that an item has itself; of a call without one, that by which it is answered.
fn with_id<'a>(place: Place<'a>, item: &'a Value) -> Place<'a> {
    let own = ["id", "call_id"].iter().find_map(|name| item.get(*name)?.as_str());
    Place { id: if place.id.is_empty() { own.unwrap_or_default() } else { place.id }, ..place }
}

fn parts<'v>(item: &'v Value, name: &str) -> impl Iterator<Item = &'v Value> {
    item.get(name).and_then(Value::as_array).into_iter().flatten()
}

fn call(position: u64, item: &Value, arguments: ArgumentsDelta<'_>, each: Each<'_>) {
    let filled = |name| item.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let delta = ToolCallDelta {
        position: Some(position),
        id: filled("call_id").or_else(|| filled("id")),
        name: filled("name"),
        arguments,
        extra: Vec::new(),
    };
    each(ChatEvent::ToolCall { index: INDEX, delta: Box::new(delta) });
}

/// What a part of a message, or a whole reply, cites.
pub(super) fn cite(part: &Value, each: Each<'_>) {
    sources(part, &mut |page| each(ChatEvent::Source { index: INDEX, page }));
}

/// What an annotation cites that comes in an event of its own.
pub(super) fn cite_note(note: &Value, each: Each<'_>) {
    annotation(note, &mut |page| each(ChatEvent::Source { index: INDEX, page }));
}

/// What a tool of the service's own made: a picture.
fn made(item: &Value, each: Each<'_>) {
    let filled = |name: &str| item.get(name)?.as_str().filter(|text| !text.is_empty());
    if sealed::kind(item) == "image_generation_call"
        && let Some(base64) = filled("result")
    {
        let (id, format) = (filled("id"), filled("output_format"));
        let content = MediaContent::Base64(base64);
        let delta = MediaDelta { kind: MediaKind::Picture, id, format, content };
        each(ChatEvent::Media { index: INDEX, delta });
    }
}
