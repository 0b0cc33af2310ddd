//! What the user can do about a refusal: the one place that knows.

use super::report::Report;
use crate::error::FailureClass;
use crate::http::Service;
use crate::http::request::{Method, Request};

impl Report<'_> {
    /// The hint for the class of the refusal.
    pub(super) fn hint(&self) -> Option<String> {
        let choice = &self.service.choice;
        let is_models = self.request.method == Method::Get;
        match self.class() {
            FailureClass::Money => {
                Some("top up the account, or raise the limit of the key".to_owned())
            }
            FailureClass::MoneyOrRate => Some(
                "either no money is left (top up the account), or a limit of the service behind the \
                 gateway is reached (wait a while)"
                    .to_owned(),
            ),
            FailureClass::DayQuota => Some(
                "this quota is one of a day or longer: ask again when it starts anew, or take \
                 another model or key"
                    .to_owned(),
            ),
            FailureClass::Rate => {
                Some("wait a while, or let --retries N and --max-wait SECS do it".to_owned())
            }
            FailureClass::Key => Some(self.key_hint()),
            FailureClass::Access => Some(
                "this is about the account, its rights or its country, not about the key's letters; \
                 the service's own pages show the account's state"
                    .to_owned(),
            ),
            FailureClass::Endpoint => address(self.request, self.service).or_else(|| {
                let list = format!("`llm models {choice}` lists the models");
                Some(match (is_models, choice.strip_prefix("-p ")) {
                    (true, _) => "the service may have no list of models".to_owned(),
                    (false, Some(name)) => format!(
                        "the service may not have this endpoint (`llm providers check {name}` shows \
                         what it has), or not this model ({list})"
                    ),
                    (false, None) => {
                        format!("the service may not have this endpoint, or not this model; {list}")
                    }
                })
            }),
            FailureClass::Model if !is_models => {
                Some(format!("`llm models {choice}` lists the models"))
            }
            FailureClass::TooLong => Some(
                "shorten the input, or take a model or a server setting that allows more".to_owned(),
            ),
            FailureClass::Request => {
                let param = self.fault.param.as_deref().filter(|param| !param.is_empty())?;
                let names = format!("the service names the field `{param}`");
                Some(format!("{names}; `--dry-run` shows what is sent"))
            }
            FailureClass::Impossible => {
                Some("another try would end the same; another model or service may do it".to_owned())
            }
            _ => None,
        }
    }

    fn key_hint(&self) -> String {
        let Service { name, table, choice, key_url, key_variable, .. } = self.service;
        let page =
            key_url.as_ref().map(|page| format!("; create keys at {page}")).unwrap_or_default();
        let is_one_off = choice.starts_with("--base-url");
        if !self.sent_key() {
            return match is_one_off {
                true => "no key was sent: name the variable that holds one with --api-key-env VAR"
                    .to_owned(),
                false => format!(
                    "no key was sent: `api_key_env = \"VAR\"` in {table} names the \
                     variable that holds one, as --api-key-env VAR does{page}"
                ),
            };
        }
        match key_variable {
            Some(variable) => format!("check the key in {variable}{page}"),
            None if is_one_off => {
                "name the variable that holds its key with --api-key-env VAR".to_owned()
            }
            None => format!(
                "check the key in the profile `{name}`, or name one with --api-key-env VAR{page}"
            ),
        }
    }
}

/// What may be wrong with the base URL, with its right form; `None` if nothing can be seen.
pub(crate) fn address(request: &Request, service: &Service) -> Option<String> {
    let is_version = |part: &str| {
        part.strip_prefix('v').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    };
    let base = service.base_url.trim_end_matches('/');
    let mut parts = request.url.path().split('/').filter(|part| !part.is_empty()).peekable();
    let mut has_version = false;
    while let Some(part) = parts.next() {
        has_version |= is_version(part);
        if is_version(part) && parts.peek() == Some(&part) {
            let once = base.replacen(&format!("/{part}/{part}"), &format!("/{part}"), 1);
            return Some(format!("`/{part}` stands twice in the base URL; is {once} meant?"));
        }
    }
    if has_version {
        return None;
    }
    Some(match base.is_empty() || base.contains('?') {
        true => "the base URL may need `/v1` at its end".to_owned(),
        false => format!("the base URL may need `/v1` at its end: {base}/v1"),
    })
}
