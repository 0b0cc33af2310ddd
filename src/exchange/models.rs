//! Which models a service on this machine has: looked up where none is named, and where the one that was
//! asked is not there.

use std::sync::Arc;

use serde_json::Value;

use super::draft::Draft;
use super::run::run;
use super::state::{Exchange, ExchangeOptions};
use crate::api::{family, models::for_job};
use crate::error::{Failure, FailureKind};
use crate::http::request::{Body, Request};
use crate::io::Io;
use crate::provider::{Job, Provider};

/// Looks up the only model of a service on this machine where none is named, before the first request
/// would do so: for a command that has to know it. True if there was one to be looked up.
///
/// # Errors
/// As those of the first request.
pub(crate) fn look_up_model(
    provider: &mut Provider,
    options: ExchangeOptions,
    io: &mut Io,
) -> Result<bool, Failure> {
    let is_needed = provider.lacks_model();
    if is_needed {
        let model = run(provider.clone().unnoted(), options, io, |exchange, _| {
            Box::pin(async move { exchange.only_model().await })
        })?;
        provider.model = Some(model);
    }
    Ok(is_needed)
}

impl Exchange {
    /// The request of a draft, with what the run has learnt. Where no model is named, the only one of
    /// a service on this machine is looked up, once in a run.
    ///
    /// # Errors
    /// Exit 2: the service has no model for the job, or several. It is not there, or wants a key.
    pub(super) async fn made(&mut self, draft: Draft) -> Result<Request, Failure> {
        let mut request = self.shared.prepared(draft);
        if request.body == Body::Empty {
            return Ok(request);
        }
        let shared = Arc::clone(&self.shared);
        let mut found = shared.model_there.lock().await;
        if found.is_none() && self.provider.lacks_model() {
            *found = Some(self.only_model().await?);
        }
        if let Some(model) = &*found {
            self.ask_model(model);
            request.body.set_model(model);
        }
        Ok(request)
    }

    /// After a refusal of the model that was asked: the only one that a service on this machine has
    /// stands in for a default of the built-in list, which is no more than a wish there. Else the
    /// failure says how to get the model, and which ones there are.
    pub(super) async fn stand_in(
        &mut self,
        failure: Failure,
        request: &mut Request,
    ) -> Result<(), Failure> {
        let is_dead = self.is_dead_default(&failure);
        if is_dead && !self.provider.is_model_a_wish() {
            return Err(self.told_of_dead_default(failure).await);
        }
        let provider = &self.provider;
        let is_missing = failure.kind == FailureKind::Refused
            && (is_dead || failure.field.as_deref() == Some("model"))
            && provider.profile.offers(Job::Models);
        let is_wish = provider.is_model_a_wish();
        let can_be_told = is_wish || provider.profile.pull.is_set();
        let asked = request.body.model().filter(|_| is_missing && can_be_told);
        let Some(asked) = asked.map(str::to_owned) else { return Err(failure) };
        let shared = Arc::clone(&self.shared);
        let mut found = shared.model_there.lock().await;
        if found.is_none() {
            let there = match self.models_there().await {
                Ok(there) => there.unwrap_or_default(),
                Err(failure) if failure.is_silent() => return Err(failure),
                // What was asked for is told of, and not what was only looked up.
                Err(_) => Vec::new(),
            };
            let name = &self.provider.name;
            match &there[..] {
                [only] if is_wish && *only != asked => {
                    let what =
                        format!("{name} has no {asked}; the model that it has answers: {only}");
                    self.stderr.note(&what);
                    *found = Some(only.clone());
                }
                _ if is_dead => {
                    let heir = family::newest(&asked, &there);
                    return Err(failure.hint(self.provider.dead_default_hint(&asked, heir)));
                }
                _ => return Err(failure.hint(self.provider.models_hint(Some(&asked), &there))),
            }
        }
        match &*found {
            Some(model) if is_wish => {
                self.ask_model(model);
                request.body.set_model(model);
                Ok(())
            }
            _ => Err(failure),
        }
    }

    /// Whether the service says that it has no such model of a default of the built-in list: by 404, 410,
    /// or by a code (400 of OpenAI's `/responses`, and of Groq).
    /// A program that a user starts has the models that the user got for it: of such a one that says
    /// nothing.
    fn is_dead_default(&self, failure: &Failure) -> bool {
        let refused = failure.refused.as_ref();
        let code = refused.and_then(|refused| refused.code.as_deref()).unwrap_or_default();
        let is_gone = match refused.and_then(|refused| refused.status) {
            Some(404) => failure.field.as_deref() == Some("model"),
            Some(410) => true,
            Some(400) => matches!(code, "model_not_found" | "model_decommissioned"),
            _ => false,
        };
        let provider = &self.provider;
        failure.kind == FailureKind::Refused
            && is_gone
            && provider.is_model_built_in()
            && !provider.profile.start.is_set()
    }

    /// The failure with what to do, for which the list of models is asked once in a run.
    async fn told_of_dead_default(&mut self, failure: Failure) -> Failure {
        let shared = Arc::clone(&self.shared);
        if let Some(known) = shared.dead_default.get() {
            return failure.hint(known.clone());
        }
        let listed = match self.provider.profile.offers(Job::Models) {
            true => self.models_there().await.ok().flatten().unwrap_or_default(),
            false => Vec::new(),
        };
        let model = self.provider.model.clone().unwrap_or_default();
        let heir = family::newest(&model, &listed);
        let hint = self.provider.dead_default_hint(&model, heir);
        failure.hint(shared.dead_default.get_or_init(|| async { hint }).await.clone())
    }

    /// The only model for the job at hand.
    async fn only_model(&mut self) -> Result<String, Failure> {
        let there = self.models_there().await?;
        let (name, what) = (&self.provider.name, self.provider.job().words());
        let Some(there) = there else { return Err(self.provider.no_model(what)) };
        if let [only] = &there[..] {
            if self.shared.options().verbose {
                self.stderr.say(&format!("{name} has one model for {what}: {only}"));
            }
            return Ok(only.clone());
        }
        let why = match there.len() {
            0 => "none".to_owned(),
            number => number.to_string(),
        };
        Err(Failure::usage(format!("no model is set for {what} at {name}, which has {why} for it"))
            .hint(self.provider.models_hint(None, &there)))
    }

    /// The models for the job at hand that a service lists; `None` where it gives no such list.
    async fn models_there(&mut self) -> Result<Option<Vec<String>>, Failure> {
        let request = self.provider.get(Job::Models);
        let (status, body) = self.probe(&request).await?;
        if matches!(status, 401 | 403) {
            let what = format!("{} refused its list of models ({status})", self.provider.name);
            let hint = "name the variable that holds its key with --api-key-env VAR";
            return Err(Failure::new(FailureKind::Credentials, what).hint(hint));
        }
        let value: Option<Value> = serde_json::from_slice(&body).ok().filter(|_| status == 200);
        Ok(value.and_then(|value| for_job(&value, self.provider.job())))
    }

    /// Asks this model from now on.
    fn ask_model(&mut self, model: &str) {
        if self.provider.model.as_deref() != Some(model) {
            Arc::make_mut(&mut self.provider).model = Some(model.to_owned());
        }
    }
}
