//! Lines judged by a reranker.

use crate::api::rerank::{self, Judgement, MAX_DOCUMENTS};
use crate::command::spent;
use crate::command::tally::Tally;
use crate::error::Failure;
use crate::exchange::{Draft, Exchange, Operation, ReadError, Reply, ReplyWords};
use crate::http::bad_reply::BadReply;
use crate::http::fault;
use crate::input::texts::InputTexts;
use crate::nearest::{Best, Hit};
use crate::provider::{Composed, Job, Provider};

/// The most bytes of the texts of one request.
const MAX_TEXT: usize = 4 << 20;

/// What a reranker is asked.
pub(super) struct Question<'a> {
    pub(super) query: &'a str,
    /// The texts, each with the line's number.
    pub(super) documents: Vec<(u64, String)>,
    pub(super) most: usize,
}

impl Question<'_> {
    /// The body of the request.
    pub(super) fn compose(&self, provider: &Provider) -> Composed {
        let documents: Vec<String> = self.documents.iter().map(|(_, text)| text.clone()).collect();
        let (form, model) = (provider.profile.rerank_form(), provider.model.as_deref());
        let fields = rerank::fields(form, model, self.query, &documents, self.most);
        provider.compose(Job::Rerank, fields)
    }
}

impl Operation for Question<'_> {
    /// And how many tokens the service counted.
    type Output = (Vec<Judgement>, Option<u64>);

    fn request(&mut self, provider: &Provider) -> Result<Draft, Failure> {
        let composed = self.compose(provider);
        let request = provider.post(Job::Rerank, composed.body);
        Ok(Draft::repairable(request, Job::Rerank, composed.own))
    }

    fn words(&self) -> ReplyWords {
        ReplyWords::new("answer", "is no list of scores")
    }

    async fn read(&mut self, reply: &mut Reply<'_>) -> Result<Self::Output, ReadError> {
        let body = reply.whole().await?;
        let value = serde_json::from_slice(&body).ok();
        if let Some(fault) = value.as_ref().and_then(fault::in_reply) {
            return Err(BadReply::from(fault).into());
        }
        let judged = rerank::read(&body, self.documents.len());
        let judged = judged.ok_or_else(|| ReadError::from(BadReply::of_body(&body)))?;
        let spent = spent::of_usage(rerank::usage(&body).as_ref());
        let tokens = spent.input_tokens;
        reply.exchange().spend(spent);
        Ok((judged, tokens))
    }
}

/// Has texts judged, and offers each to `best`. `next` gives the texts, each with its line's number.
///
/// # Errors
/// Those of the exchange, and of `next`.
pub(super) async fn judge(
    query: &str,
    most: usize,
    mut next: impl FnMut() -> Result<Option<(u64, String)>, Failure>,
    best: &mut Best,
    exchange: &mut Exchange,
    tally: &mut Tally,
) -> Result<(), Failure> {
    let mut held = None;
    loop {
        let (mut documents, mut bytes) = (Vec::new(), 0);
        while documents.len() < MAX_DOCUMENTS {
            let found = match held.take() {
                Some(found) => Some(found),
                None => next()?,
            };
            let Some((number, text)) = found else { break };
            bytes += text.len();
            if bytes > MAX_TEXT && !documents.is_empty() {
                held = Some((number, text));
                break;
            }
            documents.push((number, text));
        }
        if documents.is_empty() {
            return Ok(());
        }
        let mut question = Question { query, documents, most };
        let (judged, tokens) = exchange.ask(&mut question).await?;
        tally.add(tokens, 1);
        for one in judged {
            let (number, text) = question.documents[one.index].clone();
            let hit = Hit::new(one.score, number);
            best.offer(Hit { text: Some(text), written: Some(one.written), ..hit });
        }
    }
}

/// The lines of files one after the other, empty ones left out.
pub(super) fn lines(
    mut texts: InputTexts,
) -> impl FnMut() -> Result<Option<(u64, String)>, Failure> {
    let mut number = 0;
    move || {
        while let Some(text) = texts.next()? {
            number += 1;
            if !text.text.trim().is_empty() {
                return Ok(Some((number, text.text)));
            }
        }
        Ok(None)
    }
}
