//! Texts that a service did not read whole, and for which it gave vectors all the same. Its count of tokens
//! is the only sign.

use crate::api::least_tokens::{LONG_TEXT, can_be_all};
use crate::dialect::usage::LEAST_COUNT;
use crate::input::texts::InputText;

/// The most texts that are named.
const MAX_NAMED: usize = 3;

/// Long texts of which so few tokens were counted that they can't have been read.
#[derive(Debug, Default, PartialEq)]
pub(super) struct UnreadTexts {
    /// What was counted for the requests that they were in.
    tokens: u64,
    /// Length and place of each, the longest first.
    texts: Vec<(usize, String)>,
    /// Some of them may have been read: one count was for several.
    is_unsure: bool,
}

impl UnreadTexts {
    /// Those among the texts of one request for which so many tokens were counted.
    pub(super) fn of(texts: &[&InputText], tokens: Option<u64>) -> Option<Self> {
        let tokens = tokens.filter(|tokens| *tokens >= LEAST_COUNT)?;
        let long = texts.iter().filter(|text| text.text.len() >= LONG_TEXT);
        if can_be_all(tokens, long.clone().map(|text| text.text.as_str())) {
            return None;
        }
        let texts: Vec<(usize, String)> =
            long.map(|text| (text.text.len(), text.place.to_string())).collect();
        let is_unsure = texts.len() > 1;
        Some(Self { tokens, texts, is_unsure }.sorted())
    }

    /// Both together.
    pub(super) fn and(mut self, other: Self) -> Self {
        self.tokens += other.tokens;
        self.texts.extend(other.texts);
        self.is_unsure |= other.is_unsure;
        self.sorted()
    }

    fn sorted(mut self) -> Self {
        self.texts.sort_by_key(|(bytes, _)| std::cmp::Reverse(*bytes));
        self
    }

    /// What is told of them; `name` is the service's.
    pub(super) fn words(&self, name: &str) -> String {
        let bytes: usize = self.texts.iter().map(|(bytes, _)| bytes).sum();
        let tokens = self.tokens;
        if let [(_, place)] = &self.texts[..] {
            return format!(
                "{name} counted {tokens} tokens for {place}, which has {bytes} bytes: it did not read all of it"
            );
        }
        let places: Vec<&str> =
            self.texts.iter().take(MAX_NAMED).map(|(_, place)| place.as_str()).collect();
        let more = self.texts.len().saturating_sub(MAX_NAMED);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let which = if self.is_unsure { "these may be meant: " } else { "" };
        format!(
            "{name} counted {tokens} tokens for {bytes} bytes of text: it did not read all of it: {which}{}{more}",
            places.join(", ")
        )
    }
}
