//! A request as data: it can be sent, sent again, shown as curl or compared in a test. Knows no
//! sockets and no providers.

use serde_json::{Map, Value};

use super::form::{BytePiece, Form, FormPart, PartContent};
use super::splice::{Spliced, SplicedFile};
use crate::secret::{self, MASK, Secret, is_secret};

use super::address::secrets_of_url;
pub(crate) use super::address::{secrets_of_address, shown, shown_address, unescaped};
pub(crate) use reqwest::Url;

/// The methods that the specification's endpoints use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    Get,
    Post,
    Delete,
}

impl Method {
    /// The name on the wire.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Method::Get => "GET",
            Method::Post => "POST",
            Method::Delete => "DELETE",
        }
    }
}

impl From<Method> for hyper::Method {
    fn from(method: Method) -> Self {
        match method {
            Method::Get => Self::GET,
            Method::Post => Self::POST,
            Method::Delete => Self::DELETE,
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
            HeaderValue::Key { scheme, .. } => format!("{scheme}{MASK}"),
            HeaderValue::Plain(text) if is_secret(&self.name, text) => {
                format!("{}{MASK}", secret::scheme_and_rest(text).0)
            }
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
    /// The bytes of a JSON body with its files in it.
    ///
    /// # Errors
    /// A file that can't be read.
    pub(crate) fn whole(&self) -> std::io::Result<Vec<u8>> {
        let Body::Spliced(spliced) = self else { return Ok(self.bytes()) };
        let mut whole = Vec::new();
        for piece in spliced.reader() {
            whole.extend_from_slice(&piece?);
        }
        Ok(whole)
    }

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

/// A text of a body that must not be shown, with the name of the field that the user set to it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct BodySecret {
    pub(crate) name: String,
    pub(crate) secret: Secret,
}

impl BodySecret {
    /// Whether this is the text of a body's member of this name. A short text may be that of
    /// another member by chance.
    pub(super) fn is_at(&self, name: &str, text: &str) -> bool {
        let last = self.name.rsplit('.').next();
        self.secret.expose() == text && (last == Some(name) || self.secret.is_searchable())
    }
}

/// A JSON value with what `shown` gives in the place of its secret texts.
pub(super) fn with_secrets_as(
    value: &Value,
    name: &str,
    secrets: &[BodySecret],
    shown: &mut dyn FnMut(&BodySecret) -> String,
) -> Value {
    match value {
        Value::String(text) => match secrets.iter().find(|secret| secret.is_at(name, text)) {
            Some(secret) => shown(secret).into(),
            None => value.clone(),
        },
        Value::Array(items) => {
            items.iter().map(|item| with_secrets_as(item, name, secrets, shown)).collect()
        }
        Value::Object(members) => {
            let mut changed = Map::with_capacity(members.len());
            for (name, value) in members {
                changed.insert(name.clone(), with_secrets_as(value, name, secrets, shown));
            }
            Value::Object(changed)
        }
        other => other.clone(),
    }
}

/// A whole request.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: Vec<Header>,
    pub(crate) body: Body,
    /// Texts of the body that must not be shown.
    pub(crate) body_secrets: Vec<BodySecret>,
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
        let in_headers = self.headers.iter().flat_map(|header| match &header.value {
            HeaderValue::Key { secret, .. } => secret.iter().cloned().collect(),
            HeaderValue::Plain(text) if is_secret(&header.name, text) => {
                secret::parts_of(&header.name, text)
            }
            HeaderValue::Plain(_) => Vec::new(),
        });
        let in_body = self.body_secrets.iter().map(|field| field.secret.clone());
        in_headers.chain(secrets_of_url(&self.url)).chain(in_body).collect()
    }

    /// A JSON body as it may be shown: a word in the place of each file, `***` in that of each secret.
    pub(super) fn shown_body(&self) -> String {
        let mut body = self.body.clone();
        let shown = |value: &Value| {
            with_secrets_as(value, "", &self.body_secrets, &mut |_| MASK.to_owned())
        };
        match &mut body {
            Body::Json(value) => *value = shown(value),
            Body::Spliced(spliced) => *spliced.value_mut() = shown(spliced.value()),
            Body::Empty | Body::Form(_) => {}
        }
        let text = match &body {
            Body::Spliced(spliced) => spliced.abridged(),
            body => String::from_utf8_lossy(&body.bytes()).into_owned(),
        };
        secret::mask(&self.secrets(), &text)
    }
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
        let url = Url::parse("http://li:g%40heim-1@h.example/").expect("a URL");
        let request = Request {
            method: Method::Get,
            url,
            headers: Vec::new(),
            body: Body::Empty,
            body_secrets: Vec::new(),
        };
        let secrets = request.secrets();
        let echo = "g%40heim-1 g@heim-1 Basic bGk6Z0BoZWltLTE=".to_owned();
        assert_eq!(secret::mask(&secrets, &echo), "*** *** Basic ***");
        assert_eq!(header.masked(), "Bearer ***");
        assert_eq!(header.exposed(), "Bearer sk-123456");
        assert_eq!(Header::private("X-Api-Key", "abcdef").masked(), "***");
        assert!(!format!("{header:?}").contains("sk-123456"));
    }
}
