//! Collects a reply's events into answers: what can be shown now, and at the end a verdict.

use std::collections::BTreeMap;

use serde_json::Value;

use super::choice::Choice;
pub(crate) use super::choice::VisibleText;
use super::event::{ChatEvent, Finish};
use super::media::ReplyMedia;
use super::think::ThinkFilter;
use crate::conversation::{Addressee, Citation, ModelReply, SealedThinking, ToolCall};

/// The answers of one reply. The first one is live, the others wait for its end.
#[derive(Debug)]
pub(crate) struct Answers {
    choices: BTreeMap<u64, Choice>,
    live: u64,
    /// The place of the current reply's first answer: behind those of replies before it.
    first: u64,
    expects_many: bool,
    usage: Option<Value>,
    /// Answers begin with thinking that no tag opens.
    thinks_untagged: bool,
    /// A number stands above each answer.
    numbers: bool,
    /// Bytes that wait for the end: text of later answers, calls, what is sealed.
    held: usize,
    /// Bytes of pictures and sound, as base64.
    made: usize,
}

/// The most that is held back for the end (text of later answers, calls), in bytes, and the most answers.
const MAX_HELD: usize = 64 << 20;
const MAX_CHOICES: usize = 4096;

/// The most bytes of pictures and sound, as base64.
const MAX_MADE: usize = 512 << 20;

/// What became of a reply that came to its end.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum ReplyVerdict {
    Done,
    /// Cut by a limit of tokens.
    Length,
    /// Stopped by a content filter; with the words of a refusal, if there are any.
    Filter(String),
    /// The model refuses in the middle of its answer; its words.
    Refusal(String),
    /// Neither text nor a picture or a sound; what there was instead, in words.
    NoText(String),
}

impl Answers {
    /// For a reply of `number` answers.
    pub(crate) fn new(number: u32) -> Self {
        Self {
            choices: BTreeMap::new(),
            live: 0,
            first: 0,
            expects_many: number > 1,
            usage: None,
            thinks_untagged: false,
            numbers: false,
            held: 0,
            made: 0,
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
        self.held > MAX_HELD || self.made > MAX_MADE || self.choices.len() > MAX_CHOICES
    }

    /// The answers of the next reply come behind those that are there.
    pub(crate) fn expect_more(&mut self) {
        self.first = self.choices.keys().next_back().map_or(0, |last| last.saturating_add(1));
        self.expects_many = true;
        self.usage = None;
    }

    /// Whether answers of an earlier reply stand before those of the current one.
    pub(crate) fn has_earlier(&self) -> bool {
        self.first > 0
    }

    /// As if nothing had come of the current reply.
    pub(crate) fn forget_reply(&mut self) {
        self.choices.split_off(&self.first);
        self.usage = None;
    }

    /// Takes an event; what can be shown is added to `shown`.
    pub(crate) fn take(&mut self, event: ChatEvent<'_>, shown: &mut VisibleText) {
        match event {
            ChatEvent::Usage(usage) => self.usage = Some(usage.clone()),
            ChatEvent::Text { index, text, is_thought } => {
                let is_live = self.is_live(index);
                self.held += if is_live { 0 } else { text.len() };
                self.choice(index).take_text(text, is_thought, is_live, shown);
            }
            ChatEvent::Thinking { index, text, sealed } => {
                let is_live = self.is_live(index);
                self.held += sealed.map_or(0, |item| item.to_string().len());
                let choice = self.choice(index);
                if let Some(item) = sealed {
                    choice.sealed.add(item);
                }
                choice.take_thinking(text, is_live, shown);
            }
            ChatEvent::Refusal { index, text } => self.choice(index).refusal.add(text),
            ChatEvent::ToolCall { index, delta } => {
                self.held += self.choice(index).calls.take(*delta);
            }
            ChatEvent::Source { index, page } => self.choice(index).cited.take(&page),
            ChatEvent::Media { index, delta } => {
                self.made += self.choice(index).media.take(&delta);
            }
            ChatEvent::Finish { index, finish, word } => self.choice(index).end_by(finish, word),
        }
    }

    /// The choice of the current reply at this index, as the reply counts them.
    fn choice(&mut self, index: u64) -> &mut Choice {
        let index = self.first.saturating_add(index);
        let filter =
            if self.thinks_untagged { ThinkFilter::untagged } else { ThinkFilter::default };
        let heading = self.numbers.then(|| format!("[{}]\n", index + 1));
        self.choices.entry(index).or_insert_with(|| Choice::new(filter(), heading))
    }

    /// Whether the choice's text is shown as it comes.
    fn is_live(&mut self, index: u64) -> bool {
        if self.has_earlier() {
            return false;
        }
        // One answer may carry any index.
        if !self.expects_many && self.choices.is_empty() {
            self.live = index;
        }
        index == self.live
    }

    /// Gives out what was held back, and the answers that waited, in index order. Where one answer was
    /// asked for, one is shown, however many came.
    pub(crate) fn finish(&mut self, shown: &mut VisibleText) {
        let live = self.live;
        self.choices.iter_mut().for_each(|(index, choice)| choice.end(*index == live, shown));
        let only = (!self.expects_many).then(|| self.main()).flatten();
        let mut last = None;
        for (index, choice) in &mut self.choices {
            let is_wanted = only.is_none_or(|only| only == *index);
            if *index != live && !choice.waiting.is_empty() && is_wanted {
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

    /// The same for a reply that broke off.
    pub(crate) fn break_off(&mut self, shown: &mut VisibleText) {
        let live = self.live;
        self.choices.iter_mut().for_each(|(index, choice)| {
            choice.end(*index == live, shown);
            choice.give_space(*index == live, shown);
        });
        self.finish(shown);
    }

    /// The answer that counts where only one was asked for: the one that was shown as it came, unless
    /// it has no words, and neither a picture nor a sound.
    fn main(&self) -> Option<u64> {
        let is_answer = |index: &u64| self.choices.get(index).is_some_and(Choice::is_answer);
        let others = self.choices.keys().copied();
        std::iter::once(self.live).chain(others).find(is_answer)
    }

    /// Whether no answer began.
    pub(crate) fn is_empty(&self) -> bool {
        self.choices.is_empty()
    }

    /// Whether the reason came for every answer that began.
    pub(crate) fn is_finished(&self) -> bool {
        !self.choices.is_empty() && self.choices.values().all(|choice| choice.finish.is_some())
    }

    /// Whether every answer that began came to its own end.
    pub(crate) fn is_ended(&self) -> bool {
        !self.choices.is_empty() && self.choices.values().all(Choice::is_ended)
    }

    /// How many answers have text, a picture or a sound.
    pub(crate) fn count(&self) -> usize {
        self.choices.values().filter(|choice| choice.is_answer()).count()
    }

    /// The pictures and sounds of the answers, in index order, given away: a verdict comes before.
    pub(crate) fn take_media(&mut self) -> Vec<ReplyMedia> {
        let only = (!self.expects_many).then(|| self.main()).flatten();
        let is_wanted = |index: &u64| only.is_none_or(|only| only == *index);
        let wanted = self.choices.iter_mut().filter(|(index, _)| is_wanted(index));
        wanted.flat_map(|(_, choice)| choice.media.take_all()).collect()
    }

    /// What every answer said so far, in index order, given away: a verdict comes before. Its calls
    /// are not in it, but in [`Answers::calls`]. What it sealed belongs to the service that replied.
    pub(crate) fn take_replies(&mut self, by: &Addressee) -> Vec<ModelReply> {
        let only = (!self.expects_many).then(|| self.main()).flatten();
        let sealed = |items: Vec<Value>| {
            let Addressee { provider, base_url } = by.clone();
            (!items.is_empty()).then_some(SealedThinking { provider, base_url, items })
        };
        let reply = |(_, choice): (&u64, &mut Choice)| ModelReply {
            text: std::mem::take(&mut choice.text).into(),
            thinking: std::mem::take(&mut choice.thoughts).into(),
            sealed: sealed(choice.sealed.take()),
            calls: Vec::new(),
            sources: choice.cited.all(),
            by: None,
        };
        let is_wanted = |index: &u64| only.is_none_or(|only| only == *index);
        self.choices.iter_mut().filter(|(index, _)| is_wanted(index)).map(reply).collect()
    }

    /// What every answer cites so far, in index order.
    pub(crate) fn sources(&self) -> Vec<Vec<Citation>> {
        let only = (!self.expects_many).then(|| self.main()).flatten();
        let is_wanted = |index: &u64| only.is_none_or(|only| only == *index);
        let wanted = self.choices.iter().filter(|(index, _)| is_wanted(index));
        wanted.map(|(_, choice)| choice.cited.all()).collect()
    }

    /// Whether [`Answers::take_replies`] will give all that was said.
    pub(crate) fn is_kept_whole(&self) -> bool {
        self.choices.values().all(|choice| choice.text.is_whole() && choice.thoughts.is_whole())
    }

    /// The calls of tools that can be carried out: none if the reply failed or was stopped, as the
    /// last one may lack its end. Of several answers those of the first that has some.
    pub(crate) fn calls(&self) -> Vec<ToolCall> {
        if !self.choices.values().all(Choice::is_right) {
            return Vec::new();
        }
        let calling = self.choices.values().find(|choice| !choice.calls.is_empty());
        calling.map(|choice| choice.calls.finished()).unwrap_or_default()
    }

    /// How many calls there were beyond those that an answer may have.
    pub(crate) fn excess_calls(&self) -> usize {
        self.choices.values().map(|choice| choice.calls.excess()).sum()
    }

    /// The token counts, if the provider gave any.
    pub(crate) fn usage(&self) -> Option<&Value> {
        self.usage.as_ref()
    }

    /// How the answers ended, in the service's words, each once.
    pub(crate) fn ends(&self) -> Vec<&str> {
        self.words_of(|_| true)
    }

    /// The words among [`Answers::ends`] that nobody knows.
    pub(crate) fn unknown_ends(&self) -> Vec<&str> {
        self.words_of(|finish| finish == Finish::Unknown)
    }

    fn words_of(&self, is_meant: impl Fn(Finish) -> bool) -> Vec<&str> {
        let mut words: Vec<&str> = Vec::new();
        for (finish, word) in self.choices.values().filter_map(|choice| choice.finish.as_ref()) {
            if is_meant(*finish) && !words.contains(&word.as_str()) {
                words.push(word);
            }
        }
        words
    }

    /// The service's word for its failure in the middle of an answer: then there is no verdict.
    pub(crate) fn failure(&self) -> Option<&str> {
        self.words_of(|finish| finish == Finish::Failed).first().copied()
    }

    /// How many answers the current reply has, with text or without.
    pub(crate) fn number(&self) -> usize {
        self.choices.range(self.first..).count()
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
        let has = |finish| !self.words_of(|one| one == finish).is_empty();
        let refusal = self.refusal();
        if has(Finish::Filter) {
            return ReplyVerdict::Filter(refusal.unwrap_or_default().to_owned());
        }
        if self.count() == 0 {
            return ReplyVerdict::NoText(self.instead());
        }
        if let Some(refusal) = refusal {
            return ReplyVerdict::Refusal(refusal.to_owned());
        }
        match has(Finish::Length) {
            true => ReplyVerdict::Length,
            false => ReplyVerdict::Done,
        }
    }

    /// The words with which the model refuses.
    fn refusal(&self) -> Option<&str> {
        let refusals = self.choices.values().map(|choice| choice.refusal.as_str().trim());
        refusals.into_iter().find(|refusal| !refusal.is_empty())
    }

    /// What a reply without text held instead.
    fn instead(&self) -> String {
        let choices = || self.choices.values();
        if let Some(refusal) = self.refusal() {
            return format!("the model refuses: {refusal}");
        }
        if let Some(word) = self.words_of(|finish| finish == Finish::Pending).first() {
            return format!("the service makes the answer later and only says `{word}`");
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
            (false, false) if choices().any(Choice::is_blank) => {
                "it holds only white space".to_owned()
            }
            (false, false) => "it holds nothing".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests;
