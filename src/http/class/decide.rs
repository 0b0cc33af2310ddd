//! Which evidence wins over which.

use super::evidence::Evidence;
use super::words::{Words, split_code};
use super::{codes, phrases};
use crate::error::FailureClass;

/// Hosts and models of a service whose `insufficient_quota` means its throttle (DashScope).
const THROTTLING_HOST: &str = "aliyuncs.com";
const THROTTLING_MODELS: &str = "qwen";

/// What a service said, ready to be looked at.
struct Said<'e> {
    evidence: &'e Evidence<'e>,
    words: Words,
    /// A time to wait stands in the body.
    has_wait: bool,
}

/// The class of a failure. `has_wait`: the body names a time to wait.
pub(super) fn class(evidence: &Evidence<'_>, has_wait: bool) -> FailureClass {
    let fault = evidence.fault;
    let split: Vec<String> = codes(evidence).map(split_code).collect();
    let quotas = fault.quotas.iter().map(|quota| split_code(quota)).collect::<Vec<_>>();
    let texts = std::iter::once(fault.message.as_str())
        .chain(split.iter().map(String::as_str))
        .chain(quotas.iter().map(String::as_str));
    let said = Said { evidence, words: Words::of(texts), has_wait };
    said.money()
        .or_else(|| said.rate())
        .or_else(|| said.loading())
        .or_else(|| said.model())
        .or_else(|| said.key())
        .or_else(|| said.access())
        .or_else(|| said.code(FailureClass::Request))
        .or_else(|| said.too_long())
        .or_else(|| said.impossible())
        .or_else(|| said.overload())
        .unwrap_or_else(|| said.by_number())
}

/// The codes and types that a service gave.
fn codes<'e>(evidence: &'e Evidence<'_>) -> impl Iterator<Item = &'e str> {
    let fault = evidence.fault;
    fault.code.iter().chain(&fault.kind).chain(&fault.inner_codes).map(String::as_str)
}

impl Said<'_> {
    fn status(&self) -> Option<u16> {
        self.evidence.status
    }

    fn is_status(&self, statuses: &[u16]) -> bool {
        self.status().is_some_and(|status| statuses.contains(&status))
    }

    /// The class, if one of the codes decides for it.
    fn code(&self, class: FailureClass) -> Option<FailureClass> {
        codes(self.evidence).any(|code| codes::sure(code) == Some(class)).then_some(class)
    }

    fn has_weak_code(&self, class: FailureClass) -> bool {
        codes(self.evidence).any(|code| codes::weak(code) == Some(class))
    }

    /// Whether the request is refused for its form: then the words may quote it.
    fn is_about_form(&self) -> bool {
        let names_a_field =
            self.evidence.fault.param.as_deref().is_some_and(|param| param != "model");
        self.is_status(&[400, 413, 415, 422])
            && (names_a_field || self.words.have(phrases::MALFORMED))
    }

    /// No money, or a quota that looks like it.
    fn money(&self) -> Option<FailureClass> {
        if self.code(FailureClass::Money).is_some() {
            return Some(FailureClass::Money);
        }
        let is_quota_code = codes(self.evidence)
            .any(|code| codes::plain(code) == codes::INSUFFICIENT_QUOTA || self.slows_down(code));
        let is_filtered = self.code(FailureClass::Request).is_some();
        if (self.is_about_form() || is_filtered) && !is_quota_code {
            return None;
        }
        if self.words.have(phrases::NO_MONEY)
            || self.words.have_near(phrases::PURSE, phrases::SHORTAGE)
        {
            return Some(FailureClass::Money);
        }
        if self.words.have(phrases::DAY) && self.words.have(phrases::LIMIT) {
            return Some(FailureClass::DayQuota);
        }
        let is_billing = self.words.have(phrases::BILLING)
            || self.words.have_near(phrases::QUOTA, phrases::SHORTAGE);
        if is_quota_code {
            return Some(self.quota_code());
        }
        let is_reached = self.words.have_near(phrases::QUOTA, phrases::QUOTA_REACHED)
            && self.is_status(&[401, 402, 403]);
        if is_billing || is_reached {
            let is_pace = self.words.have(phrases::PACE)
                || self.has_wait
                || self.evidence.has_wait
                || self.has_weak_code(FailureClass::Rate);
            return Some(if is_pace { FailureClass::Rate } else { FailureClass::Money });
        }
        self.is_status(&[402]).then_some(FailureClass::Money)
    }

    /// What the code `insufficient_quota` means.
    fn quota_code(&self) -> FailureClass {
        let Evidence { host, model, .. } = self.evidence;
        let model = model.rsplit('/').next().unwrap_or_default().to_lowercase();
        let host = host.trim_end_matches('.');
        let is_throttler = host == THROTTLING_HOST
            || host.ends_with(&format!(".{THROTTLING_HOST}"))
            || model.starts_with(THROTTLING_MODELS)
            || codes(self.evidence).any(|code| self.slows_down(code));
        let may_throttle = matches!(self.status(), None | Some(429));
        if may_throttle && (is_throttler || self.has_wait || self.words.have(phrases::PACE)) {
            return FailureClass::Rate;
        }
        let says_money = self.words.have(phrases::BILLING);
        match self.words.have(phrases::LATER) && !says_money {
            true => FailureClass::MoneyOrRate,
            false => FailureClass::Money,
        }
    }

    fn slows_down(&self, code: &str) -> bool {
        self.evidence.slow_down_codes.iter().any(|known| known == code)
    }

    fn rate(&self) -> Option<FailureClass> {
        let is_quota_of_pace = || {
            self.words.have(phrases::PACE)
                && self.words.have_near(phrases::QUOTA, phrases::QUOTA_REACHED)
        };
        let says_rate = self.words.have(phrases::RATE) || is_quota_of_pace();
        let is_rate = self.has_weak_code(FailureClass::Rate) || says_rate && !self.is_about_form();
        // An overload that is counted as too many requests is still one of the server.
        is_rate.then_some(FailureClass::Rate)
    }

    fn model(&self) -> Option<FailureClass> {
        if self.is_status(&[408, 409, 429]) || self.words.have(phrases::OVERLOAD) {
            return None;
        }
        if self.code(FailureClass::Model).is_some() || self.words.have(phrases::NO_MODEL) {
            return Some(FailureClass::Model);
        }
        let says_so = || self.words.say_of(phrases::MODEL, phrases::OF_A_MODEL);
        let later = self.words.have(phrases::LATER) && self.is_status(&[500, 502, 503, 504, 529]);
        if !later && says_so() {
            return Some(FailureClass::Model);
        }
        // A 404 names what is not there; where it is the path, other words name nothing.
        if self.words.have(phrases::NO_PATH) {
            return None;
        }
        let asked = self.evidence.model;
        let named = || {
            self.words.have(&["model", "模型", "deployment"])
                || asked.len() > 2 && self.words.quote(asked)
        };
        (self.is_status(&[404, 410]) && named()).then_some(FailureClass::Model)
    }

    fn key(&self) -> Option<FailureClass> {
        let is_vague = matches!(self.status(), None | Some(400 | 401 | 403 | 404 | 407 | 500..));
        if self.code(FailureClass::Key).is_some() {
            return Some(FailureClass::Key);
        }
        let is_about_form = self.is_about_form();
        let says_key = || self.words.have_near(phrases::KEY, phrases::BAD_KEY);
        if is_vague && !is_about_form && says_key() {
            return Some(FailureClass::Key);
        }
        let says_so = || self.words.have(phrases::KEY_REFUSED);
        (self.status().is_none_or(|status| matches!(status, 401 | 403)) && says_so())
            .then_some(FailureClass::Key)
    }

    fn access(&self) -> Option<FailureClass> {
        let is_refused = matches!(self.status(), None | Some(401 | 403));
        let code = self.code(FailureClass::Access).filter(|_| is_refused);
        code.or_else(|| {
            let says = self.is_status(&[401, 403]) && self.words.have(phrases::ACCESS);
            says.then_some(FailureClass::Access)
        })
    }

    fn too_long(&self) -> Option<FailureClass> {
        let may_be = matches!(self.status(), None | Some(400 | 413 | 422 | 500));
        let code = self.code(FailureClass::TooLong);
        // Ollama says so of an empty text.
        let may_be = may_be && !self.words.have(&["cannot be truncated"]);
        code.or_else(|| {
            (may_be && self.words.have(phrases::TOO_LONG)).then_some(FailureClass::TooLong)
        })
    }

    fn loading(&self) -> Option<FailureClass> {
        let is_code = codes(self.evidence).any(|code| codes::plain(code) == "modelloading");
        let says = self.words.have(phrases::LOADING) && !self.words.have(phrases::LOAD_FAILED);
        let may_be = matches!(self.status(), None | Some(503));
        (may_be && (is_code || says)).then_some(FailureClass::Loading)
    }

    /// What the server can't do at all.
    fn impossible(&self) -> Option<FailureClass> {
        let is_impossible = self.is_status(&[501])
            || self.is_status(&[500, 502, 503]) && self.words.have(phrases::IMPOSSIBLE);
        is_impossible.then_some(FailureClass::Impossible)
    }

    fn overload(&self) -> Option<FailureClass> {
        let says = || self.words.have(phrases::OVERLOAD) && !self.is_about_form();
        let is_replaced = self.is_status(&[429]) && self.words.have(phrases::REPLACED);
        let is_so = self.has_weak_code(FailureClass::Server) || says() && !is_replaced;
        is_so.then_some(FailureClass::Server)
    }

    fn by_number(&self) -> FailureClass {
        match self.status() {
            Some(401 | 403) => FailureClass::Key,
            Some(402) => FailureClass::Money,
            Some(404 | 405) => FailureClass::Endpoint,
            Some(408) => FailureClass::Server,
            Some(409) => FailureClass::Conflict,
            Some(429) => FailureClass::Rate,
            Some(300..=499) => FailureClass::Request,
            Some(_) => FailureClass::Server,
            None => self.by_type(),
        }
    }

    /// Of an error without any status: by its type, or by the words of a path that is not there.
    fn by_type(&self) -> FailureClass {
        if self.words.have(phrases::NO_PATH) {
            return FailureClass::Endpoint;
        }
        codes(self.evidence).find_map(codes::of_type).unwrap_or_default()
    }
}
