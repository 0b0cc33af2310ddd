//! A request as data: it can be sent, sent again, shown as curl or compared in a test. Knows no
//! sockets and no providers.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use super::form::{BytePiece, Form, FormPart, PartContent};
use super::splice::{Spliced, SplicedFile};
use crate::secret::{Secret, is_secret_name};

pub(crate) use reqwest::Url;

/// The methods that the specification's endpoints use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    Get,
    Post,
}

impl Method {
    /// The name on the wire.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Method::Get => "GET",
            Method::Post => "POST",
        }
    }
}

impl From<Method> for hyper::Method {
    fn from(method: Method) -> Self {
        match method {
            Method::Get => Self::GET,
            Method::Post => Self::POST,
        }
    }
}

/// A header's value, in a form that can be shown without its secret.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum HeaderValue {
    Plain(String),
    /// A key: `scheme` (`Bearer `, or nothing) and the secret. `variable` stands for the secret
    /// wherever the request is shown. A dry run has no secret.
    Key {
        scheme: &'static str,
        secret: Option<Secret>,
        variable: String,
    },
}

/// One request header.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Header {
    pub(crate) name: String,
    pub(crate) value: HeaderValue,
    /// Belongs to the profile or the user, and so must not reach another origin.
    pub(crate) is_private: bool,
}

impl Header {
    /// A header that says nothing about user or profile.
    pub(crate) fn public(name: &str, value: &str) -> Self {
        let value = HeaderValue::Plain(value.to_owned());
        Self { name: name.to_owned(), value, is_private: false }
    }

    /// A header of the profile's or the user's.
    pub(crate) fn private(name: &str, value: &str) -> Self {
        Self { is_private: true, ..Self::public(name, value) }
    }

    /// The value as it goes over the wire. Empty where a dry run has no key.
    pub(crate) fn exposed(&self) -> String {
        match &self.value {
            HeaderValue::Plain(text) => text.clone(),
            HeaderValue::Key { scheme, secret, .. } => {
                format!("{scheme}{}", secret.as_ref().map_or("", Secret::expose))
            }
        }
    }

    /// The value for logs: a secret is `***`.
    pub(crate) fn masked(&self) -> String {
        match &self.value {
            HeaderValue::Key { scheme, .. } => format!("{scheme}***"),
            HeaderValue::Plain(_) if is_secret_name(&self.name) => "***".to_owned(),
            HeaderValue::Plain(text) => text.clone(),
        }
    }
}

/// What a request carries.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Body {
    Empty,
    Json(Value),
    /// JSON with the bytes of files in it.
    Spliced(Spliced),
    Form(Form),
}

impl Body {
    /// The bytes of a JSON body; what `--dry-run` shows is the same. What is streamed
    /// has none.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        match self {
            Body::Empty | Body::Form(_) | Body::Spliced(_) => Vec::new(),
            // A `Value` has only text keys and finite numbers, so it always serialises.
            Body::Json(value) => serde_json::to_vec(value).unwrap_or_default(),
        }
    }
}

impl Body {
    /// The length in bytes of all that is sent.
    pub(crate) fn length(&self) -> u64 {
        match self {
            Body::Empty => 0,
            Body::Json(_) => self.bytes().len() as u64,
            Body::Spliced(spliced) => spliced.length(),
            Body::Form(form) => form.pieces().iter().map(BytePiece::length).sum(),
        }
    }

    /// The fields of a JSON body; none for other bodies.
    pub(crate) fn fields(&self) -> Option<&Map<String, Value>> {
        match self {
            Body::Json(value) => value.as_object(),
            Body::Spliced(spliced) => spliced.value().as_object(),
            Body::Empty | Body::Form(_) => None,
        }
    }

    /// The model that a request names.
    pub(crate) fn model(&self) -> Option<&str> {
        match self {
            Body::Form(form) => form.parts.iter().find_map(|part| match &part.content {
                PartContent::Text(text) if part.name == "model" => Some(text.as_str()),
                _ => None,
            }),
            body => body.fields()?.get("model")?.as_str(),
        }
    }

    /// Names a model, in the place of another one or before everything else.
    pub(crate) fn set_model(&mut self, model: &str) {
        if let Body::Form(form) = self {
            let place = form.parts.iter().position(|part| part.name == "model");
            let part = FormPart::text("model", model);
            match place {
                Some(place) => form.parts[place] = part,
                None => form.parts.insert(0, part),
            }
        }
        match self.fields_mut() {
            Some(fields) if fields.contains_key("model") => {
                fields.insert("model".to_owned(), model.into());
            }
            Some(fields) => {
                fields.shift_insert(0, "model".to_owned(), model.into());
            }
            None => {}
        }
    }

    /// The fields of a JSON body, to be changed.
    pub(crate) fn fields_mut(&mut self) -> Option<&mut Map<String, Value>> {
        match self {
            Body::Json(value) => value.as_object_mut(),
            Body::Spliced(spliced) => spliced.value_mut().as_object_mut(),
            Body::Empty | Body::Form(_) => None,
        }
    }
}

/// A whole request.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: Vec<Header>,
    pub(crate) body: Body,
}

impl Request {
    /// The request with the base64 of these inserts in the place of their marks.
    pub(crate) fn with_inserts(mut self, inserts: Vec<SplicedFile>) -> Self {
        self.body = match self.body {
            Body::Json(value) if !inserts.is_empty() => Body::Spliced(Spliced::new(value, inserts)),
            body => body,
        };
        self
    }

    /// The secrets that the request carries, for masking words that come back.
    pub(crate) fn secrets(&self) -> Vec<Secret> {
        let secrets = self.headers.iter().filter_map(|header| match &header.value {
            HeaderValue::Key { secret, .. } => secret.clone(),
            HeaderValue::Plain(text) if is_secret_name(&header.name) => {
                // `Authorization: Bearer abc`: what may be echoed is the last word.
                text.split_whitespace().last().map(Secret::new)
            }
            HeaderValue::Plain(_) => None,
        });
        let pairs = self.url.query_pairs().filter(|(name, _)| is_secret_name(name));
        let in_url = pairs.map(|(_, value)| value.into_owned());
        let in_url = in_url.chain(self.url.password().map(str::to_owned));
        let password = |text: &str| String::from_utf8_lossy(&unescaped(text)).into_owned();
        let in_url = in_url.chain(self.url.password().map(password));
        let in_url = in_url.chain(basic_credentials(&self.url));
        secrets.chain(in_url.map(Secret::new)).collect()
    }
}

/// User and password of a URL, as the Basic scheme has them (RFC 7617); `None` if it has neither.
pub(super) fn basic_credentials(url: &Url) -> Option<String> {
    if url.username().is_empty() && url.password().is_none() {
        return None;
    }
    let mut pair = unescaped(url.username());
    pair.push(b':');
    pair.extend(unescaped(url.password().unwrap_or_default()));
    Some(STANDARD.encode(pair))
}

/// A part of a URL with each `%E5` as the byte that it stands for (RFC 3986, section 2.1).
pub(crate) fn unescaped(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, behind @ ..] = rest {
        let digits = behind.get(..2).and_then(|two| std::str::from_utf8(two).ok());
        let byte =
            digits.filter(|_| *first == b'%').and_then(|two| u8::from_str_radix(two, 16).ok());
        bytes.push(byte.unwrap_or(*first));
        rest = if byte.is_some() { &behind[2..] } else { behind };
    }
    bytes
}

/// A URL that is safe to show: no user, no password, and `***` for query values that carry a key.
pub(crate) fn shown(url: &Url) -> String {
    let mut url = url.clone();
    // Both fail only for URLs without a host, which have no user either.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    if url.query().is_none() {
        return url.to_string();
    }
    let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    let masked = pairs.iter().map(|(name, value)| {
        (name.as_str(), if is_secret_name(name) { "***" } else { value.as_str() })
    });
    url.query_pairs_mut().clear().extend_pairs(masked);
    url.to_string()
}

/// Whether a URL's host is the machine itself.
pub(crate) fn is_this_machine(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host.eq_ignore_ascii_case("localhost")
        || host.to_ascii_lowercase().ends_with(".localhost")
        || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_holds_no_secret() {
        let url =
            Url::parse("https://user:pw@h.example/v1?api-version=1&api-key=sk-1").expect("a URL");
        assert_eq!(shown(&url), "https://h.example/v1?api-version=1&api-key=***");
        let key = HeaderValue::Key {
            scheme: "Bearer ",
            secret: Some(Secret::new("sk-123456")),
            variable: "K".into(),
        };
        let header = Header { name: "Authorization".into(), value: key, is_private: true };
        let url = Url::parse("http://li:g%40heim@h.example/").expect("a URL");
        let request = Request { method: Method::Get, url, headers: Vec::new(), body: Body::Empty };
        let secrets = request.secrets();
        let echo = "g%40heim g@heim Basic bGk6Z0BoZWlt".to_owned();
        let masked = secrets.iter().fold(echo, |text, secret| secret.mask(&text));
        assert_eq!(masked, "*** *** Basic ***");
        assert_eq!(header.masked(), "Bearer ***");
        assert_eq!(header.exposed(), "Bearer sk-123456");
        assert_eq!(Header::private("X-Api-Key", "abcdef").masked(), "***");
        assert!(!format!("{header:?}").contains("sk-123456"));
    }
}
