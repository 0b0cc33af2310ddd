//! The loop of an exchange: a request is sent until its reply is read or no further try makes sense.

use std::sync::Arc;

use super::operation::{Operation, ReadError};
use super::reply::Reply;
use super::retries::is_too_fast;
use super::state::Exchange;
use super::{account, bad_reply, hints};
use crate::api::about_tokens::about_tokens;
use crate::error::Failure;
use crate::http::request::Request;
use crate::output::progress::Progress;

/// The status with which Portkey gives an answer that failed a guardrail. In a stream it is the only
/// sign.
const GUARDRAIL_FAILED: u16 = 246;

impl Exchange {
    /// Sends an operation's request until its reply is read or no further try makes sense.
    ///
    /// # Errors
    /// Those of the last try: the network's, the service's refusal, a reply without an answer, an
    /// interruption, or what the operation itself fails with.
    pub(crate) async fn ask<O: Operation>(
        &mut self,
        operation: &mut O,
    ) -> Result<O::Output, Failure> {
        let draft = operation.request(&self.provider)?;
        let is_charged = draft.is_charged;
        let mut retries = self.shared.retries(is_charged);
        let mut request = self.made(draft).await?;
        let shared = Arc::clone(&self.shared);
        loop {
            let pass = match &shared.throttle {
                Some(throttle) => {
                    let about = if throttle.counts_tokens() { tokens_of(&request) } else { 0 };
                    Some(self.client.interrupt.race(throttle.enter(about)).await?)
                }
                None => None,
            };
            self.client.is_charged = is_charged;
            // On the heap: a future of some kilobytes would be copied into each one around it.
            let failure = match Box::pin(self.attempt(&request, operation)).await {
                Ok(output) => {
                    let taken = self.taken.take();
                    pass.iter().for_each(|pass| pass.good(taken));
                    return Ok(output);
                }
                Err(failure) => hints::hinted(failure, &self.provider),
            };
            let nothing_shown = !operation.has_shown();
            if nothing_shown && operation.changes_request(&failure, &self.provider) {
                request = self.made(operation.request(&self.provider)?).await?;
            } else if let Err(failure) = self.repair(failure, nothing_shown, &mut request)
                && let Err(failure) = self.stand_in(failure, &mut request).await
            {
                let failure = operation.reword(failure, &self.provider);
                match pass.filter(|_| nothing_shown && is_too_fast(&failure)) {
                    // The wait is at the gate, which holds all requests up.
                    Some(pass) => retries.pause(failure, &pass, &self.stderr)?,
                    None => {
                        let (client, stderr) = (&mut self.client, &self.stderr);
                        retries.again(failure, nothing_shown, client, stderr).await?;
                    }
                }
            }
            operation.begin_again();
        }
    }

    /// Sends a request and reads whatever comes, whatever its status: for asking what a server has.
    /// Nothing is tried again.
    ///
    /// # Errors
    /// The network's failure, silence beyond the limit, an interruption.
    pub(crate) async fn probe(&mut self, request: &Request) -> Result<(u16, Vec<u8>), Failure> {
        self.client.ask(request, &self.stderr).await
    }

    async fn attempt<O: Operation>(
        &mut self,
        request: &Request,
        operation: &mut O,
    ) -> Result<O::Output, Failure> {
        let progress = operation.sending(request);
        self.client.on_sent = progress.as_ref().map(Progress::counter);
        let model = request.body.model().or(self.provider.model.as_deref()).unwrap_or_default();
        if self.model != model {
            self.model = model.to_owned();
        }
        let sent = self.client.send(request, &self.stderr).await;
        self.client.on_sent = None;
        if let Some(progress) = progress {
            progress.done();
        }
        if sent.as_ref().err().is_none_or(account::has_reached) {
            self.was_asked();
        }
        let sent = sent?;
        if let Some(throttle) = &self.shared.throttle
            && let Some(wait) = sent.limit_reset()
        {
            throttle.used_up(wait);
        }
        if sent.status() == GUARDRAIL_FAILED {
            let name = &self.client.service.name;
            self.stderr.warn(&format!(
                "{name} says ({GUARDRAIL_FAILED}) that this answer failed a check of its guardrails"
            ));
        }
        let mut reply = Reply::new(sent, self);
        let bad = match operation.read(&mut reply).await {
            Ok(output) => return Ok(output),
            Err(ReadError::Failed(failure)) => return Err(carried_out(failure)),
            Err(ReadError::NoAnswer(bad)) => bad,
        };
        let place = reply.doubtful_proxy();
        let id = reply.request_id().map(str::to_owned);
        let (words, service) = (operation.words(), &self.client.service);
        let mut failure = bad_reply::failure(&bad, &words, id.as_deref(), request, service);
        if let Some(place) = place {
            failure.hint = Some(format!("it may be a page of the proxy {place}"));
        }
        Err(carried_out(failure))
    }

    /// Changes the request if that may make it acceptable.
    fn repair(
        &self,
        failure: Failure,
        nothing_shown: bool,
        request: &mut Request,
    ) -> Result<(), Failure> {
        match self.shared.repair().as_mut() {
            Some(repair) => {
                repair.repair(failure, nothing_shown, request, &self.provider, &self.stderr)
            }
            None => Err(failure),
        }
    }
}

/// About how many tokens a request takes: those of what it sends, and those that its answer may have.
fn tokens_of(request: &Request) -> u64 {
    let Some(fields) = request.body.fields() else { return 0 };
    let number = |name: &&str| fields.get(*name)?.as_u64();
    let answer =
        ["max_tokens", "max_completion_tokens", "max_output_tokens"].iter().find_map(number);
    let sent = serde_json::to_string(fields).unwrap_or_default();
    about_tokens(&sent) + answer.unwrap_or(0)
}

/// A reply had begun when this failed: the request was carried out, whatever came of it.
fn carried_out(mut failure: Failure) -> Failure {
    if let Some(retry) = &mut failure.retry {
        retry.may_have_run |= retry.status.is_none();
    }
    failure
}
