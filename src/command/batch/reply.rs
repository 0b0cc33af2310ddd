//! A whole reply as what came of a row. Sends nothing.

use serde_json::Value;
use serde_json::value::RawValue;

use super::outcome::{RowError, RowErrorKind, RowOutcome, RowReplyBody};
use crate::command::chat::{AnswerSchema, read_whole, usage_sum};
use crate::dialect::addressee;
use crate::dialect::answers::{Answers, ReplyVerdict};
use crate::dialect::reader::ChatReader;
use crate::exchange::ReadError;
use crate::http::bad_reply::BadReply;
use crate::ledger::Spent;
use crate::output::extract::{BlockChoice, CodeBlockExtractor};
use crate::provider::Provider;

/// What is wanted of the answers of a run.
#[derive(Debug, Clone)]
pub(super) struct AnswerWish {
    pub(super) schema: Option<AnswerSchema>,
    pub(super) extract: Option<BlockChoice>,
    /// The user limited their length.
    pub(super) is_limited: bool,
    /// Replies are kept as they came.
    pub(super) keeps_replies: bool,
    /// The model's answers begin with thinking that no tag opens.
    pub(super) thinks_untagged: bool,
}

impl AnswerWish {
    /// Whether an answer that a limit cut is to be told of: under a schema whosever limit it was.
    pub(super) fn minds_cuts(&self) -> bool {
        !self.is_limited || self.schema.is_some()
    }
}

/// A reply that was read.
#[derive(Debug)]
pub(super) struct ReadReply {
    pub(super) text: String,
    verdict: ReplyVerdict,
    /// Why it ended, where that is not its usual end.
    finish: Option<String>,
    pub(super) usage: Option<Value>,
    pub(super) spent: Spent,
    pub(super) reply: Option<RowReplyBody>,
}

/// An answer that does not fit its schema.
#[derive(Debug)]
pub(super) struct Misfit {
    pub(super) why: String,
    /// It was not cut: another one may fit.
    pub(super) is_whole: bool,
}

impl ReadReply {
    /// Reads the body of a reply with `reader`.
    ///
    /// # Errors
    /// An error that the reply carries, or a reply that is no answer.
    pub(super) fn read(
        body: &[u8],
        reader: ChatReader,
        wish: &AnswerWish,
        provider: &Provider,
    ) -> Result<Self, ReadError> {
        let mut answers = Answers::new(1).thinking_untagged(wish.thinks_untagged);
        read_whole(body, reader, provider.gives_finish_reason(), &mut answers, None)?;
        let verdict = answers.verdict();
        if let Some(word) = answers.failure().filter(|_| answers.count() == 0) {
            return Err(BadReply::Failed(word.to_owned()).into());
        }
        let odd = match &verdict {
            ReplyVerdict::Length => answers.ends().first().copied(),
            _ => answers.failure().or_else(|| answers.unknown_ends().first().copied()),
        };
        let (finish, usage) = (odd.map(str::to_owned), answers.usage().cloned());
        let text = answers.take_replies(&addressee(provider)).into_iter().next();
        let text = text.unwrap_or_default().text;
        Ok(Self { text, verdict, finish, usage, spent: Spent::default(), reply: None })
    }

    /// Keeps the reply as it came.
    pub(super) fn keep(&mut self, status: u16, request_id: Option<&str>, body: &[u8]) {
        let body = serde_json::from_slice::<&RawValue>(body).map(|body| one_line(body.get()));
        let Ok(Some(body)) = body.map(raw) else { return };
        let request_id = request_id.map(str::to_owned);
        self.reply = Some(RowReplyBody { status, request_id, body });
    }

    /// This reply as one that followed another: the tokens of both are counted.
    pub(super) fn behind(mut self, first: &Self) -> Self {
        self.spent.add(&first.spent);
        self.usage = match (&first.usage, self.usage) {
            (Some(spent), Some(last)) => Some(usage_sum(spent, &last)),
            (spent, last) => last.or_else(|| spent.clone()),
        };
        self
    }

    /// What came of the row.
    ///
    /// # Errors
    /// The answer does not fit the schema.
    pub(super) fn outcome(&self, wish: &AnswerWish, name: &str) -> Result<RowOutcome, Misfit> {
        let usage = self.usage.as_ref().and_then(|usage| raw(usage.to_string()));
        let (reply, spent) = (self.reply.clone(), self.spent.clone());
        let base = RowOutcome { usage, reply, spent, ..RowOutcome::default() };
        let refused = |kind, message: String| {
            let error = Some(RowError::new(kind, message));
            Ok(RowOutcome { error, ..base.clone() })
        };
        let colon =
            |words: &str| if words.is_empty() { String::new() } else { format!(": {words}") };
        let is_cut = match &self.verdict {
            ReplyVerdict::Done => false,
            ReplyVerdict::Length => true,
            ReplyVerdict::Filter(words) => {
                let what =
                    format!("the content filter of {name} stopped the answer{}", colon(words));
                return refused(RowErrorKind::ContentFilter, what);
            }
            ReplyVerdict::Refusal(words) => {
                let what = format!("the model of {name} refuses to go on{}", colon(words));
                return refused(RowErrorKind::Refusal, what);
            }
            ReplyVerdict::NoText(words) => {
                let what = format!("the reply from {name} has no text{}", colon(words));
                return refused(RowErrorKind::NoAnswer, what);
            }
        };
        let answer = match &wish.schema {
            Some(schema) => {
                let fits = schema.document(&self.text);
                let json = fits.map_err(|why| Misfit { why, is_whole: !is_cut })?;
                raw(one_line(&json))
            }
            None => serde_json::value::to_raw_value(&extracted(&self.text, wish.extract)).ok(),
        };
        let is_cut = is_cut && wish.minds_cuts();
        Ok(RowOutcome { answer, finish_reason: self.finish.clone(), is_cut, ..base })
    }

    /// A row whose answer does not fit, after all tries.
    pub(super) fn unfit(&self, misfit: &Misfit, name: &str) -> RowOutcome {
        let cut = if misfit.is_whole { "" } else { "was cut at the token limit and " };
        let what = format!("the answer from {name} {cut}does not fit the schema: {}", misfit.why);
        let usage = self.usage.as_ref().and_then(|usage| raw(usage.to_string()));
        let reply = self.reply.clone();
        let failed = RowOutcome::failed(RowError::new(RowErrorKind::Schema, what));
        RowOutcome { usage, reply, spent: self.spent.clone(), ..failed }
    }
}

fn raw(json: String) -> Option<Box<RawValue>> {
    RawValue::from_string(json).ok()
}

/// The code block that is wanted of a text, without the line end behind it; the text itself where none is.
fn extracted(text: &str, choice: Option<BlockChoice>) -> String {
    let Some(choice) = choice else { return text.to_owned() };
    let (mut extractor, mut block) = (CodeBlockExtractor::new(choice), String::new());
    extractor.push(text, &mut block);
    extractor.finish(&mut block);
    block.truncate(block.trim_end_matches(['\n', '\r']).len());
    block
}

/// JSON in one line: without the white space between its parts.
fn one_line(json: &str) -> String {
    let mut line = String::with_capacity(json.len());
    let (mut is_text, mut is_escaped) = (false, false);
    for letter in json.chars() {
        if is_text || !matches!(letter, ' ' | '\n' | '\r' | '\t') {
            line.push(letter);
        }
        match letter {
            _ if is_escaped => is_escaped = false,
            '\\' if is_text => is_escaped = true,
            '"' => is_text = !is_text,
            _ => {}
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_becomes_one_line_and_stays_the_same() {
        for (json, line) in [
            (
                "{\n  \"a b\" : [ 1.0, 12345678901234567890123 ]\r\n}",
                "{\"a b\":[1.0,12345678901234567890123]}",
            ),
            (r#"{ "a\\" : "\" }" }"#, r#"{"a\\":"\" }"}"#),
            ("\" \u{2028} \"", "\" \u{2028} \""),
        ] {
            assert_eq!(one_line(json), line);
        }
    }

    #[test]
    fn a_block_is_taken_out() {
        let text = "好：\n```sh\nls\n```\n或\n```sh\npwd\n```\n";
        assert_eq!(extracted(text, Some(BlockChoice::First)), "ls");
        assert_eq!(extracted(text, Some(BlockChoice::Last)), "pwd");
        assert_eq!(extracted(text, None), text);
    }
}
