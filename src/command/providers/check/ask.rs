//! Asks one service everything that a check wants to know, one request after the other.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::ending;
use super::one_token::{AskOneToken, OneTokenAnswer, chat};
use super::report::{CheckResult, CheckState, ServiceReport};
use crate::api::models;
use crate::api::probe::{self, Endpoint};
use crate::command::models::{ListModels, ModelList};
use crate::error::{Failure, FailureClass, FailureKind};
use crate::exchange::Exchange;
use crate::http::form::FormPart;
use crate::http::request::{Request, shown};
use crate::io::Env;
use crate::provider::{ChatApi, Job, Provider};

mod other_api;

/// A service that is being asked.
pub(super) struct ServiceCheck {
    exchange: Exchange,
    report: ServiceReport,
    /// What the service said of the key, as far as it is known.
    key: Option<Result<(), Failure>>,
    /// The endpoint of chat that a refusal named.
    named: Option<ChatApi>,
}

/// The jobs that are checked by whether their endpoint is there.
fn others(provider: &Provider) -> Vec<Job> {
    let is_other = |job: &Job| match job {
        Job::Chat | Job::Models => false,
        // Few services have one: it is looked for where the profile says so.
        Job::Rerank => provider.profile.names_a_reranker(),
        _ => true,
    };
    provider.jobs().into_iter().filter(is_other).collect()
}

/// Every request that a check of this service sends, as far as it is known beforehand.
pub(super) fn requests(provider: &Provider) -> Vec<Request> {
    let jobs = provider.jobs();
    let mut requests = Vec::new();
    if jobs.contains(&Job::Models) {
        requests.push(provider.get(Job::Models));
    }
    requests.extend(others(provider).into_iter().map(|job| endpoint(provider, job)));
    if jobs.contains(&Job::Chat) {
        let model = provider.model.as_deref();
        let api = provider.api_for_model(model);
        let chats = [false, true].map(|stream| chat(provider, model, api, stream).into_request());
        requests.extend(chats);
        let api = provider.api_for_model(model).other();
        requests.extend(other_api::probe(provider, api));
    }
    requests
}

/// A request that the endpoint of a job can only refuse.
fn endpoint(provider: &Provider, job: Job) -> Request {
    match job {
        // All such shapes are JSON, and none of them takes these fields.
        _ if provider.has_own_shape(job) => provider.post(job, probe::fields()),
        Job::ImageEdit | Job::Transcribe | Job::Translate => {
            provider.post_form(job, vec![FormPart::text("model", "")])
        }
        _ => provider.post(job, probe::fields()),
    }
}

impl ServiceCheck {
    /// A service that nothing is known of yet.
    pub(super) fn new(exchange: Exchange) -> Self {
        let provider = &exchange.provider;
        let report = ServiceReport {
            name: provider.name.clone(),
            base_url: shown(&provider.base_url),
            model: provider.model.clone(),
            checks: Vec::new(),
            failed: None,
            warnings: Box::default(),
        };
        Self { exchange, report, key: None, named: None }
    }

    /// Asks, notes what that took, and tells what was found.
    ///
    /// # Errors
    /// An interruption; whatever else goes wrong is a finding.
    pub(super) async fn run(mut self, env: &Env) -> Result<ServiceReport, Failure> {
        let looked = self.look().await;
        let ended = looked.as_ref().err().map_or(self.report.failed, |failure| Some(failure.kind));
        self.exchange.note(ended, env);
        Ok(self.end(looked?))
    }

    /// Whether it never came to a chat.
    async fn look(&mut self) -> Result<bool, Failure> {
        let jobs = self.exchange.provider.jobs();
        let has_chat = jobs.contains(&Job::Chat);
        let listed = match jobs.contains(&Job::Models) {
            true => self.list().await?,
            false => None,
        };
        if self.host().is_some_and(|host| host.state == CheckState::Fails) {
            return Ok(has_chat);
        }
        // A list that is refused may be one that nobody gets: chat tells, before anything else is asked.
        let mut jobs = others(&self.exchange.provider).into_iter();
        let mut endpoints = Vec::new();
        if has_chat && self.is_key_refused() {
            self.chats(listed.as_ref()).await?;
            if !self.is_key_refused() {
                self.endpoints(&mut jobs, &mut endpoints).await?;
            }
        } else {
            self.endpoints(&mut jobs, &mut endpoints).await?;
            if has_chat {
                self.chats(listed.as_ref()).await?;
            }
        }
        let works = endpoints.iter().any(|one| one.state == CheckState::Works);
        if !works && self.is_absent("chat").unwrap_or(!has_chat) && !endpoints.is_empty() {
            for one in &mut endpoints {
                one.state = CheckState::Fails;
            }
        }
        if !works && self.is_absent("chat").unwrap_or(!has_chat) {
            self.report.failed.get_or_insert(FailureKind::Refused);
        }
        if has_chat {
            self.both_apis().await?;
        }
        self.report.checks.extend(endpoints);
        Ok(false)
    }

    fn is_key_refused(&self) -> bool {
        matches!(self.key, Some(Err(_)))
    }

    /// Whether the endpoints of these jobs are there, up to the first one that refuses the key.
    async fn endpoints(
        &mut self,
        jobs: &mut impl Iterator<Item = Job>,
        checks: &mut Vec<CheckResult>,
    ) -> Result<(), Failure> {
        for job in jobs {
            let check = self.endpoint(job).await?;
            let is_refused = check.state == CheckState::Open && check.words.starts_with("401");
            checks.push(check);
            if is_refused {
                break;
            }
        }
        Ok(())
    }

    /// Whether something that was looked at is not there; `None` if it was not looked at.
    fn is_absent(&self, name: &str) -> Option<bool> {
        let check = self.report.checks.iter().find(|check| check.name == name)?;
        Some(check.state == CheckState::Absent)
    }

    fn host(&self) -> Option<&CheckResult> {
        self.report.checks.iter().find(|check| check.name == "host")
    }

    /// What every reply tells, and every failure: whether the host is there, and what of the key.
    ///
    /// # Errors
    /// An interruption.
    fn hear(&mut self, failure: Option<&Failure>, latency: Duration) -> Result<(), Failure> {
        if let Some(failure) = failure.filter(|failure| failure.is_silent()) {
            return Err(failure.clone());
        }
        let unreachable = failure
            .filter(|failure| failure.kind == FailureKind::Network && failure.refused.is_none());
        if self.host().is_none() {
            let check = match unreachable {
                Some(failure) => CheckResult::failed("host", failure),
                None => CheckResult {
                    latency: Some(latency),
                    ..CheckResult::new("host", CheckState::Works, "")
                },
            };
            self.report.checks.push(check);
            self.report.failed = unreachable.map(|failure| failure.kind);
        }
        Ok(())
    }

    /// The models, if the service has a list of them.
    async fn list(&mut self) -> Result<Option<ModelList>, Failure> {
        let started = Instant::now();
        let found = self.exchange.ask(&mut ListModels).await;
        self.hear(found.as_ref().err(), started.elapsed())?;
        match found {
            Ok(list) => {
                self.key = Some(Ok(()));
                self.report.warnings =
                    ending::warnings(&self.exchange.provider, self.report.model.as_ref(), &list);
                Ok(Some(list))
            }
            Err(failure) => {
                if failure.kind == FailureKind::Credentials {
                    self.key = Some(Err(failure));
                }
                Ok(None)
            }
        }
    }

    /// Whether a job's endpoint is there.
    async fn endpoint(&mut self, job: Job) -> Result<CheckResult, Failure> {
        let started = Instant::now();
        let request = endpoint(&self.exchange.provider, job);
        let reply = self.exchange.probe(&request).await;
        self.hear(reply.as_ref().err(), started.elapsed())?;
        let check = |state, words| CheckResult::new(job.name(), state, words);
        Ok(match reply.map(|(status, body)| probe::read(status, &body)) {
            Ok(Endpoint::There) => check(CheckState::Works, String::new()),
            Ok(Endpoint::Absent(words)) => check(CheckState::Absent, words),
            Ok(Endpoint::Unclear(words)) => check(CheckState::Open, words),
            Err(failure) => check(CheckState::Open, failure.message),
        })
    }

    /// One token at once, then one in a stream.
    async fn chats(&mut self, listed: Option<&ModelList>) -> Result<(), Failure> {
        if self.report.model.is_none() {
            self.report.model = listed.and_then(|listed| listed.chat.clone());
        }
        // A server of vectors or sound alone is not broken.
        let has_others = !others(&self.exchange.provider).is_empty();
        if self.report.model.is_none()
            && has_others
            && listed.is_some_and(|list| !list.ids.is_empty())
        {
            let words = "no model for chat is listed";
            self.report.checks.push(CheckResult::new("chat", CheckState::Absent, words));
            return Ok(());
        }
        if self.report.model.is_none() {
            let failure = Failure::usage("no model is set, and none is listed")
                .hint("name one with -m MODEL, or `model` in the profile");
            self.report.checks.push(CheckResult::failed("model", &failure));
            self.report.failed.get_or_insert(failure.kind);
            return Ok(());
        }
        let whole = self.chat(false).await?;
        if let Err(failure) = &whole
            && class(failure).is_some_and(|class| {
                matches!(class, FailureClass::Endpoint | FailureClass::Impossible)
            })
            && has_others
        {
            let words = failure.message.clone();
            self.report.checks.push(CheckResult::new("model", CheckState::Open, ""));
            self.report.checks.push(CheckResult::new("chat", CheckState::Absent, words));
            self.report.checks.push(CheckResult::new("stream", CheckState::Open, ""));
            return Ok(());
        }
        let check = self.model(listed, &whole);
        self.report.checks.push(check);
        let goes_on =
            whole.as_ref().err().is_none_or(|failure| failure.kind == FailureKind::Refused);
        self.tell("chat", &whole);
        if !goes_on {
            self.report.checks.push(CheckResult::new("stream", CheckState::Open, ""));
            return Ok(());
        }
        let streamed = self.chat(true).await?.and_then(|answer| match answer.is_stream {
            true => Ok(answer),
            false => {
                let words = "the answer came whole although a stream was asked for";
                Err(Failure::new(FailureKind::Refused, words))
            }
        });
        self.tell("stream", &streamed);
        Ok(())
    }

    /// What is known of the model, from the list and from the first answer.
    fn model(
        &self,
        listed: Option<&ModelList>,
        whole: &Result<OneTokenAnswer, Failure>,
    ) -> CheckResult {
        let is_known = |model: &str| {
            let tagged = format!("{model}:latest");
            listed.map(|list| list.ids.iter().any(|id| *id == model || *id == tagged))
        };
        let model = self.report.model.clone().unwrap_or_default();
        match (is_known(&model), whole) {
            (Some(true), _) => CheckResult::new("model", CheckState::Works, ""),
            // Aliases and routes (`default`, `name:fastest`) stand in no list.
            (_, Ok(_)) => CheckResult::new("model", CheckState::Works, ""),
            (Some(false), Err(_)) => {
                let words = format!("`{model}` is not in the service's list");
                let hint =
                    format!("`llm models {}` prints the list", self.exchange.provider.choice);
                CheckResult {
                    hint: Some(hint),
                    ..CheckResult::new("model", CheckState::Fails, words)
                }
            }
            (None, Err(_)) => CheckResult::new("model", CheckState::Open, ""),
        }
    }

    fn tell(&mut self, name: &'static str, outcome: &Result<OneTokenAnswer, Failure>) {
        let check = match outcome {
            Ok(answer) => CheckResult {
                latency: Some(answer.latency),
                first: answer.first.filter(|_| answer.is_stream),
                ..CheckResult::new(name, CheckState::Works, "")
            },
            Err(failure) => {
                self.report.failed.get_or_insert(failure.kind);
                match failure.kind {
                    // Said once, by the key's own check.
                    FailureKind::Credentials if matches!(self.key, Some(Err(_))) => {
                        CheckResult::new(name, CheckState::Open, "")
                    }
                    _ => CheckResult::failed(name, failure),
                }
            }
        };
        self.report.checks.push(check);
    }

    async fn chat(&mut self, stream: bool) -> Result<Result<OneTokenAnswer, Failure>, Failure> {
        let model = self.report.model.as_deref();
        let api = self.named.unwrap_or_else(|| self.exchange.provider.api_for_model(model));
        let mut asking = AskOneToken { model, api, named: None, stream, started: Instant::now() };
        let outcome = self.exchange.ask(&mut asking).await;
        let latency = asking.started.elapsed();
        self.named = self.named.or(asking.named);
        self.hear(outcome.as_ref().err(), latency)?;
        match &outcome {
            // A key that was good for the list is not bad because of a right that it lacks.
            Err(failure)
                if failure.kind == FailureKind::Credentials
                    && self.key.as_ref().is_some_and(Result::is_ok)
                    && is_of_rights(failure) => {}
            Err(failure) if failure.kind == FailureKind::Credentials => {
                self.key = Some(Err(failure.clone()));
            }
            Err(failure) if failure.refused.is_none() && failure.kind == FailureKind::Network => {}
            // Whatever else it said, it did not mind the key.
            _ => self.key = Some(Ok(())),
        }
        Ok(outcome)
    }

    /// The report, with what is known of the key. `misses_chat`: it never came to a chat.
    fn end(mut self, misses_chat: bool) -> ServiceReport {
        let key = match &self.key {
            _ if !self.exchange.provider.has_key() && !matches!(self.key, Some(Err(_))) => {
                CheckResult::new("key", CheckState::Open, "")
            }
            Some(Ok(())) => CheckResult::new("key", CheckState::Works, ""),
            Some(Err(failure)) => {
                self.report.failed.get_or_insert(failure.kind);
                CheckResult::failed("key", failure)
            }
            None => CheckResult::new("key", CheckState::Open, ""),
        };
        let at = usize::from(self.host().is_some());
        self.report.checks.insert(at, key);
        if misses_chat {
            let open = |name| CheckResult::new(name, CheckState::Open, "");
            self.report.checks.extend(["model", "chat", "stream"].map(open));
        }
        self.report
    }
}

fn class(failure: &Failure) -> Option<FailureClass> {
    failure.refused.as_ref().map(|refused| refused.class)
}

/// Whether a refusal is one of rights, and not of the key itself.
fn is_of_rights(failure: &Failure) -> bool {
    let status = failure.refused.as_ref().and_then(|refused| refused.status);
    class(failure) == Some(FailureClass::Access) || status == Some(403)
}

/// The model to ask where none is set: the first whose name is not one for another job.
pub(super) fn first_for_chat(ids: &[String]) -> Option<String> {
    let list: Vec<Value> = ids.iter().map(|id| json!({"id": id})).collect();
    models::for_job(&Value::Array(list), Job::Chat)?.into_iter().next()
}
