//! A provider's refusal as a failure: class, words, hint, and whether trying again makes sense.

use super::Service;
use super::fault::{self, Fault};
use super::request::{Method, Request};
use crate::error::{Failure, FailureKind, Refused, Retry};
use crate::secret::mask;

/// Headers in which services give an exchange's id.
pub(super) const REQUEST_IDS: [&str; 5] =
    ["x-request-id", "request-id", "apim-request-id", "mistral-correlation-id", "eagleeye-traceid"];

/// Codes with which services say that the account has no money, so that waiting doesn't help
/// (OpenAI, Moonshot, Zhipu, DashScope).
const NO_MONEY: [&str; 6] = [
    "insufficient_quota",
    "credit_balance_exhausted",
    "billing_hard_limit_reached",
    "exceeded_current_quota_error",
    "1113",
    "Arrearage",
];

/// The parts of a reply's head that a refusal is told from.
#[derive(Debug)]
pub(super) struct RefusalHead {
    pub(super) status: u16,
    pub(super) request_id: Option<String>,
    pub(super) retry: Retry,
}

/// The failure for a reply whose status is an error.
pub(super) fn failure(
    head: &RefusalHead,
    body: &[u8],
    request: &Request,
    service: &Service,
) -> Failure {
    let mut fault = fault::read(body);
    fault.message = mask(&request.secrets(), &fault.message);
    let id = head.request_id.as_deref().or(fault.request_id.as_deref());
    let kind = class(head.status, &fault, service);
    let message = sentence(kind, Some(head.status), &fault, id, service);
    let mut failure = Failure::new(kind, message).refused(said(Some(head.status), &fault));
    failure.hint = hint(kind, head.status, &fault, request, service);
    failure.field = field(head.status, &fault);
    let is_loading = head.status == 503 && says_loading(&fault);
    let retry = Retry { body_delay: fault.retry_after, is_loading, ..head.retry.clone() };
    let is_final = kind == FailureKind::Credentials
        || (kind == FailureKind::Quota && says_no_money(head.status, &fault, service));
    if is_final { failure } else { failure.retry(retry) }
}

/// The failure for an error that came inside a reply whose status said success.
pub(crate) fn carried(
    fault: &Fault,
    id: Option<&str>,
    secrets: &[crate::secret::Secret],
    service: &Service,
) -> Failure {
    let mut fault = fault.clone();
    fault.message = mask(secrets, &fault.message);
    // Without a code of its own the stream simply failed: the same class as one that broke off.
    let kind = fault.status.map_or(FailureKind::Network, |status| class(status, &fault, service));
    let id = id.or(fault.request_id.as_deref());
    let mut failure = Failure::new(kind, sentence(kind, fault.status, &fault, id, service))
        .refused(said(fault.status, &fault));
    let Some(status) = fault.status else { return failure };
    failure.field = field(status, &fault);
    if kind == FailureKind::Credentials || says_no_money(status, &fault, service) {
        return failure;
    }
    failure.retry(Retry { status: Some(status), body_delay: fault.retry_after, ..Retry::default() })
}

/// The parts of a fault that a program can act on.
fn said(status: Option<u16>, fault: &Fault) -> Refused {
    Refused {
        status,
        code: fault.code.clone().or_else(|| fault.kind.clone()),
        param: fault.param.clone(),
        words: fault.message.clone(),
    }
}

/// The class of a refusal. The status decides, save where it is known to lie.
fn class(status: u16, fault: &Fault, service: &Service) -> FailureKind {
    if status == 400 && says_bad_key(fault) {
        return FailureKind::Credentials;
    }
    if (400..500).contains(&status) && status != 429 && says_no_money(status, fault, service) {
        return FailureKind::Quota;
    }
    FailureKind::of_status(status)
}

/// llama-server says `Loading model`, LocalAI gives the code `model_loading` (PROVIDERS-local).
fn says_loading(fault: &Fault) -> bool {
    fault.code.as_deref() == Some("model_loading")
        || fault.message.to_lowercase().contains("loading model")
}

/// xAI and Gemini answer 400 to a bad key (PROVIDERS-cloud, section 0.6).
fn says_bad_key(fault: &Fault) -> bool {
    let message = fault.message.to_lowercase();
    let about_key = message.contains("api key") || message.contains("authorization header");
    about_key
        && ["incorrect", "not correct", "invalid", "not valid", "missing"]
            .iter()
            .any(|word| message.contains(word))
}

fn says_no_money(status: u16, fault: &Fault, service: &Service) -> bool {
    let codes = [&fault.code, &fault.kind];
    status == 402
        || codes.into_iter().flatten().any(|code| {
            NO_MONEY.contains(&code.as_str()) && !service.slow_down_codes.contains(code)
        })
}

/// `openai refused the request (400): words (request id …)`.
fn sentence(
    kind: FailureKind,
    status: Option<u16>,
    fault: &Fault,
    id: Option<&str>,
    service: &Service,
) -> String {
    let name = &service.name;
    let did = match (kind, status) {
        (FailureKind::Credentials, Some(403)) => "refused access",
        (FailureKind::Credentials, _) => "refused the key",
        (FailureKind::Quota, Some(429)) => "asks to slow down, or the quota is used up",
        (FailureKind::Quota, _) => "requires payment",
        (FailureKind::Refused, _) => "refused the request",
        (_, Some(408)) => "timed out",
        _ => "failed",
    };
    let status = status.map(|status| format!(" ({status})")).unwrap_or_default();
    let words = match (&*fault.message, &fault.code) {
        ("", Some(code)) => format!(": {code}"),
        ("", None) => String::new(),
        (message, _) => format!(": {message}"),
    };
    let id = id.map(|id| format!(" (request id {id})")).unwrap_or_default();
    format!("{name} {did}{status}{words}{id}")
}

/// What the user can do about a refusal: the one place that knows.
fn hint(
    kind: FailureKind,
    status: u16,
    fault: &Fault,
    request: &Request,
    service: &Service,
) -> Option<String> {
    let name = &service.name;
    let message = fault.message.to_lowercase();
    let is_models = request.method == Method::Get;
    match kind {
        FailureKind::Credentials => {
            let page = service
                .key_url
                .as_ref()
                .map(|page| format!("; create keys at {page}"))
                .unwrap_or_default();
            Some(match &service.key_variable {
                Some(variable) => format!("check the key in {variable}{page}"),
                None if service.choice.starts_with("--base-url") => {
                    "name the variable that holds its key with --api-key-env VAR".to_owned()
                }
                None => format!(
                    "check the key in the profile `{name}`, or name one with --api-key-env VAR{page}"
                ),
            })
        }
        FailureKind::Refused
            if status == 404 && !message.contains("model") && !has_version(request) =>
        {
            Some("the base URL may need `/v1` at its end".to_owned())
        }
        FailureKind::Refused if says_unknown_model(status, fault) && !is_models => {
            Some(format!("`llm models {}` lists the models", service.choice))
        }
        FailureKind::Refused if fault.param.as_deref().is_some_and(|param| !param.is_empty()) => {
            let param = fault.param.as_deref().unwrap_or_default();
            Some(format!("the service names the field `{param}`; `--dry-run` shows what is sent"))
        }
        FailureKind::Quota if status == 429 => {
            Some("wait a while, or let --retries N and --max-wait SECS do it".to_owned())
        }
        _ => None,
    }
}

/// The field of the request that the refusal is about. Many services name none where the model is
/// unknown.
fn field(status: u16, fault: &Fault) -> Option<String> {
    if says_unknown_model(status, fault) {
        return Some("model".to_owned());
    }
    fault.param.clone().filter(|param| !param.is_empty())
}

fn says_unknown_model(status: u16, fault: &Fault) -> bool {
    let codes = ["model_not_found", "invalid_model", "model_not_supported", "model_not_available"];
    let is_code = |text: &Option<String>| text.as_deref().is_some_and(|text| codes.contains(&text));
    let message = fault.message.to_lowercase();
    let unknown = [
        "not found",
        "does not exist",
        "not a valid model",
        "unknown model",
        "no models loaded",
        "is not installed",
        "模型不存在",
    ];
    is_code(&fault.code)
        || is_code(&fault.kind)
        || (matches!(status, 400 | 404)
            && (message.contains("model") || message.contains("模型"))
            && unknown.iter().any(|words| message.contains(words)))
}

/// Whether a path segment looks like an API version (`v1`, `v1beta`).
fn has_version(request: &Request) -> bool {
    let mut segments = request.url.path().split('/');
    segments
        .any(|part| part.starts_with('v') && part[1..].starts_with(|c: char| c.is_ascii_digit()))
}
