//! Collects a reply's events into answers: what can be shown now, and at the end a verdict.

use std::collections::BTreeMap;

use serde_json::Value;

use super::calls::Calls;
use super::event::{ChatEvent, Finish};
use super::kept::BoundedText;
use super::think::{ThinkFilter, ThinkPiece};
use crate::conversation::{Addressee, Citation, ModelReply, SealedThinking, ToolCall};

/// Text that can be shown. The reader takes it out and empties it.
#[derive(Debug, Default)]
pub(crate) struct VisibleText {
    pub(crate) text: String,
    pub(crate) thinking: String,
}

/// The answers of one reply. The first one is live, the others wait for its end.
#[derive(Debug)]
pub(crate) struct Answers {
    choices: BTreeMap<u64, Choice>,
    live: u64,
    expects_many: bool,
    usage: Option<Value>,
    /// Answers begin with thinking that no tag opens.
    thinks_untagged: bool,
    /// A number stands above each answer.
    numbers: bool,
    /// Bytes that wait for the end: text of later answers, calls, what is sealed.
    held: usize,
}

#[derive(Debug, Default)]
struct Choice {
    /// What is still to be put above the answer.
    heading: Option<String>,
    filter: ThinkFilter,
    /// Answer text that waits for its turn.
    waiting: String,
    /// All answer text, and all thinking, for the caller that keeps them.
    text: BoundedText,
    thoughts: BoundedText,
    refusal: BoundedText,
    calls: Calls,
    sealed: Vec<Value>,
    sources: Vec<Citation>,
    finish: Option<(Finish, String)>,
    last: Option<char>,
}

/// The most sources of one answer.
const MAX_SOURCES: usize = 256;

/// The most that is held back for the end (text of later answers, calls), in bytes, and the most answers.
const MAX_HELD: usize = 64 << 20;
const MAX_CHOICES: usize = 4096;

/// What became of a reply that came to its end.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum ReplyVerdict {
    Done,
    /// Cut by a limit of tokens.
    Length,
    /// Stopped by a content filter.
    Filter,
    /// The service failed in the middle of the answer; its word for it.
    Failed(String),
    /// No text; what there was instead, in words.
    NoText(String),
}

impl Answers {
    /// For a reply of `number` answers.
    pub(crate) fn new(number: u32) -> Self {
        Self {
            choices: BTreeMap::new(),
            live: 0,
            expects_many: number > 1,
            usage: None,
            thinks_untagged: false,
            numbers: false,
            held: 0,
        }
    }

    /// The same with a line above each answer that numbers it, `[1]`, if `numbers`.
    pub(crate) fn numbered(self, numbers: bool) -> Self {
        Self { numbers, ..self }
    }

    /// The same for a model whose answers begin with thinking that no tag opens, if `untagged`.
    pub(crate) fn thinking_untagged(self, untagged: bool) -> Self {
        Self { thinks_untagged: untagged, ..self }
    }

    /// Whether more text waits than any reply has: it must not fill the memory.
    pub(crate) fn is_overfull(&self) -> bool {
        self.held > MAX_HELD || self.choices.len() > MAX_CHOICES
    }

    /// Takes an event; what can be shown is added to `shown`.
    pub(crate) fn take(&mut self, event: ChatEvent<'_>, shown: &mut VisibleText) {
        match event {
            ChatEvent::Usage(usage) => self.usage = Some(usage.clone()),
            ChatEvent::Text { index, text, is_thought } => {
                let is_live = self.is_live(index);
                self.held += if is_live { 0 } else { text.len() };
                self.choice(index).text(text, is_thought, is_live, shown);
            }
            ChatEvent::Thinking { index, text, sealed } => {
                let is_live = self.is_live(index);
                self.held += sealed.map_or(0, |item| item.to_string().len());
                let choice = self.choice(index);
                choice.sealed.extend(sealed.cloned());
                choice.filter.expect_tag();
                choice.thinking(text, is_live, shown);
            }
            ChatEvent::Refusal { index, text } => self.choice(index).refusal.add(text),
            ChatEvent::ToolCall { index, delta } => {
                self.held += self.choice(index).calls.take(*delta);
            }
            ChatEvent::Source { index, url, title } => self.choice(index).cite(url, title),
            ChatEvent::Finish { index, finish, word } => {
                // OpenRouter repeats the reason with the usage; the first one counts.
                self.choice(index).finish.get_or_insert_with(|| (finish, word.to_owned()));
            }
        }
    }

    fn choice(&mut self, index: u64) -> &mut Choice {
        let filter =
            if self.thinks_untagged { ThinkFilter::untagged } else { ThinkFilter::default };
        let heading = self.numbers.then(|| format!("[{}]\n", index + 1));
        let new = || Choice { filter: filter(), heading, ..Choice::default() };
        self.choices.entry(index).or_insert_with(new)
    }

    /// Whether the choice's text is shown as it comes.
    fn is_live(&mut self, index: u64) -> bool {
        // One answer may carry any index.
        if !self.expects_many && self.choices.is_empty() {
            self.live = index;
        }
        index == self.live
    }

    /// Gives out what was held back, and the answers that waited, in index order.
    pub(crate) fn finish(&mut self, shown: &mut VisibleText) {
        let live = self.live;
        let mut last = None;
        for (index, choice) in &mut self.choices {
            let is_live = *index == live;
            choice.end(is_live, shown);
            if !is_live && !choice.waiting.is_empty() {
                // A blank line between two answers.
                match last {
                    None => {}
                    Some('\n') => shown.text.push('\n'),
                    Some(_) => shown.text.push_str("\n\n"),
                }
                shown.text.push_str(&std::mem::take(&mut choice.waiting));
            }
            last = choice.last.or(last);
        }
    }

    /// Whether every answer that began came to its own end.
    pub(crate) fn is_finished(&self) -> bool {
        !self.choices.is_empty() && self.choices.values().all(|choice| choice.finish.is_some())
    }

    /// How many answers have text.
    pub(crate) fn count(&self) -> usize {
        self.choices.values().filter(|choice| !choice.text.as_str().is_empty()).count()
    }

    /// What every answer said so far, in index order, given away: a verdict comes before. Its calls
    /// are not in it, but in [`Answers::calls`]. What it sealed belongs to the service that replied.
    pub(crate) fn take_replies(&mut self, by: &Addressee) -> Vec<ModelReply> {
        let sealed = |items: Vec<Value>| {
            let Addressee { provider, base_url } = by.clone();
            (!items.is_empty()).then_some(SealedThinking { provider, base_url, items })
        };
        let reply = |choice: &mut Choice| ModelReply {
            text: std::mem::take(&mut choice.text).into(),
            thinking: std::mem::take(&mut choice.thoughts).into(),
            sealed: sealed(std::mem::take(&mut choice.sealed)),
            calls: Vec::new(),
            sources: std::mem::take(&mut choice.sources),
        };
        self.choices.values_mut().map(reply).collect()
    }

    /// Whether [`Answers::take_replies`] will give all that was said.
    pub(crate) fn is_kept_whole(&self) -> bool {
        self.choices.values().all(|choice| choice.text.is_whole() && choice.thoughts.is_whole())
    }

    /// The calls of tools that can be carried out: none if the reply failed or was stopped, as the
    /// last one may lack its end.
    pub(crate) fn calls(&self) -> Vec<ToolCall> {
        let is_right = |choice: &&Choice| {
            choice.finish.as_ref().is_none_or(|(finish, _)| *finish == Finish::Done)
        };
        let choices: Option<Vec<&Choice>> =
            self.choices.values().map(|choice| Some(choice).filter(is_right)).collect();
        choices
            .into_iter()
            .flatten()
            .next()
            .map(|choice| choice.calls.finished())
            .unwrap_or_default()
    }

    /// The token counts, if the provider gave any.
    pub(crate) fn usage(&self) -> Option<&Value> {
        self.usage.as_ref()
    }

    /// How the answers ended, in the service's words, each once.
    pub(crate) fn ends(&self) -> Vec<&str> {
        let mut ends: Vec<&str> = Vec::new();
        for (_, reason) in self.choices.values().filter_map(|choice| choice.finish.as_ref()) {
            if !ends.contains(&reason.as_str()) {
                ends.push(reason);
            }
        }
        ends
    }

    /// How many answers the reply has, with text or without.
    pub(crate) fn number(&self) -> usize {
        self.choices.len()
    }

    /// Whether an answer was cut by a limit of tokens.
    pub(crate) fn is_cut(&self) -> bool {
        let mut finishes = self.choices.values().filter_map(|choice| choice.finish.as_ref());
        finishes.any(|(finish, _)| *finish == Finish::Length)
    }

    /// Whether the reply has thinking, in words or sealed.
    pub(crate) fn has_thinking(&self) -> bool {
        let mut choices = self.choices.values();
        choices.any(|choice| !choice.thoughts.as_str().is_empty() || !choice.sealed.is_empty())
    }

    /// What became of the reply, the worst first.
    pub(crate) fn verdict(&self) -> ReplyVerdict {
        let mut finishes = self.choices.values().filter_map(|choice| choice.finish.as_ref());
        if let Some((_, reason)) = finishes.clone().find(|(finish, _)| *finish == Finish::Failed) {
            return ReplyVerdict::Failed(reason.clone());
        }
        if finishes.clone().any(|(finish, _)| *finish == Finish::Filter) {
            return ReplyVerdict::Filter;
        }
        if self.count() == 0 {
            return ReplyVerdict::NoText(self.instead());
        }
        match finishes.any(|(finish, _)| *finish == Finish::Length) {
            true => ReplyVerdict::Length,
            false => ReplyVerdict::Done,
        }
    }

    /// What a reply without text held instead.
    fn instead(&self) -> String {
        let choices = || self.choices.values();
        if let Some(choice) = choices().find(|choice| !choice.refusal.as_str().is_empty()) {
            return format!("the model refuses: {}", choice.refusal.as_str().trim());
        }
        let is_cut = choices().any(|choice| matches!(choice.finish, Some((Finish::Length, _))));
        if choices().any(|choice| !choice.calls.is_empty()) {
            let names: Vec<String> = choices()
                .flat_map(|choice| choice.calls.names())
                .filter(|name| !name.is_empty())
                .map(|name| format!("`{name}`"))
                .collect();
            let names = names.join(", ");
            let names = if names.is_empty() { names } else { format!(": {names}") };
            let cut = if is_cut { "; the token limit cut the call" } else { "" };
            return format!("the model asks for tool calls{names}{cut}");
        }
        match (choices().any(|choice| !choice.thoughts.as_str().is_empty()), is_cut) {
            (true, true) => "it holds only thinking, up to the token limit".to_owned(),
            (true, false) => "it holds only thinking".to_owned(),
            (false, true) => "the token limit was reached before any text".to_owned(),
            (false, false) => "it holds nothing".to_owned(),
        }
    }
}

impl Choice {
    fn text(&mut self, text: &str, is_thought: bool, is_live: bool, shown: &mut VisibleText) {
        let mut filter = std::mem::take(&mut self.filter);
        filter.push(text, is_thought, &mut |piece| self.piece(piece, is_live, shown));
        self.filter = filter;
    }

    fn end(&mut self, is_live: bool, shown: &mut VisibleText) {
        let mut filter = std::mem::take(&mut self.filter);
        let unclosed = filter.unclosed();
        filter.finish(&mut |piece| self.piece(piece, is_live, shown));
        // A whole text without the closing tag was no thinking; one that was cut may have been.
        if let (Some(text), Some((Finish::Done, _))) = (unclosed, &self.finish)
            && !text.is_empty()
        {
            self.piece(ThinkPiece::Answer(&text), is_live, shown);
        }
    }

    fn piece(&mut self, piece: ThinkPiece<'_>, is_live: bool, shown: &mut VisibleText) {
        match piece {
            ThinkPiece::Thinking(text) => self.thinking(text, is_live, shown),
            ThinkPiece::Answer(text) => {
                self.text.add(text);
                self.last = text.chars().next_back().or(self.last);
                let target = if is_live { &mut shown.text } else { &mut self.waiting };
                target.push_str(&self.heading.take().unwrap_or_default());
                target.push_str(text);
            }
        }
    }

    /// Each source once.
    fn cite(&mut self, url: &str, title: &str) {
        let is_known = self.sources.iter().any(|source| source.url == url);
        if !is_known && self.sources.len() < MAX_SOURCES {
            self.sources.push(Citation { url: url.to_owned(), title: title.to_owned() });
        }
    }

    fn thinking(&mut self, text: &str, is_live: bool, shown: &mut VisibleText) {
        self.thoughts.add(text);
        // The thinking behind a later answer would stand among the words of the first.
        if is_live {
            shown.thinking.push_str(text);
        }
    }
}

#[cfg(test)]
mod tests;
