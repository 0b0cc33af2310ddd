//! Which endpoints of chat a service has: the one that was asked tells by its answer, the other one is looked
//! for.

use super::ServiceCheck;
use crate::api::probe::{self, Endpoint};
use crate::command::providers::check::report::{CheckResult, CheckState};
use crate::config::schema::Word as _;
use crate::error::{Failure, FailureKind};
use crate::http::request::Request;
use crate::provider::{ChatApi, Job, Provider};

/// The request that looks for an endpoint of chat; none where chat is in a shape of the service's own.
pub(super) fn probe(provider: &Provider, api: ChatApi) -> Option<Request> {
    (!provider.has_own_shape(Job::Chat)).then(|| provider.post_chat(api, probe::fields()))
}

impl ServiceCheck {
    /// Tells of both endpoints whether they work. A service that has one of them is whole.
    ///
    /// # Errors
    /// An interruption.
    pub(super) async fn both_apis(&mut self) -> Result<(), Failure> {
        let model = self.report.model.as_deref();
        let was_asked = model.is_some() && self.report.failed != Some(FailureKind::Credentials);
        let chosen = self.exchange.provider.api_for_model(model);
        let Some(request) = probe(&self.exchange.provider, chosen.other()).filter(|_| was_asked)
        else {
            return Ok(());
        };
        let chat = self.report.checks.iter().find(|check| check.name == "chat");
        let answered = match chat.map(|check| check.state) {
            Some(CheckState::Fails) | None => CheckState::Open,
            Some(state) => state,
        };
        let (first, other) = match self.named {
            // The words of the refusal are told; an answer came from the other one.
            Some(_) => {
                let words = format!("{} alone serves this model", chosen.other().path());
                (CheckResult::new(chosen.word(), CheckState::Absent, words), answered)
            }
            None => {
                let reply = self.exchange.probe(&request).await;
                if let Some(failure) = reply.as_ref().err().filter(|failure| failure.is_silent()) {
                    return Err(failure.clone());
                }
                let state = match reply.map(|(status, body)| probe::read(status, &body)) {
                    Ok(Endpoint::There) => CheckState::Works,
                    Ok(Endpoint::Absent(_)) => CheckState::Absent,
                    Ok(Endpoint::Unclear(_)) | Err(_) => CheckState::Open,
                };
                (CheckResult::new(chosen.word(), answered, ""), state)
            }
        };
        self.report.checks.push(first);
        self.report.checks.push(CheckResult::new(chosen.other().word(), other, ""));
        Ok(())
    }
}
