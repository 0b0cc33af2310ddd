//! A request as data: it can be sent, sent again, shown as curl or compared in a test. Knows no
//! sockets and no providers.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use super::form::{BytePiece, Form, FormPart, PartContent};
use super::splice::{Spliced, SplicedFile};
use crate::secret::{self, MASK, Secret, is_secret};

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

/// What of a URL must not be shown, as it is written there and as it is meant.
fn secrets_of_url(url: &Url) -> impl Iterator<Item = Secret> {
    let meant = |text: &str| String::from_utf8_lossy(&unescaped(text)).into_owned();
    let values = query_pieces(url.query().unwrap_or_default()).into_iter();
    let values = values.filter(|piece| piece.is_secret).map(|piece| piece.value.to_owned());
    // A name alone is a key, as `https://KEY@host` has it.
    let user = Some(url.username()).filter(|user| url.password().is_none() && !user.is_empty());
    let of_user = url.password().or(user).map(str::to_owned);
    let both = values.chain(of_user).flat_map(move |text| {
        let spaced = meant(&text.replace('+', " "));
        [meant(&text), spaced, text.replace("%20", "+"), text]
    });
    both.chain(basic_credentials(url)).map(Secret::new)
}

/// One `name=value` of a query, as it is written.
pub(super) struct QueryPiece<'q> {
    /// The name, and `=` if there is one.
    pub(super) head: &'q str,
    pub(super) value: &'q str,
    pub(super) is_secret: bool,
}

/// The pieces of a query, between which `&` stands.
pub(super) fn query_pieces(query: &str) -> Vec<QueryPiece<'_>> {
    let piece = |pair| {
        let at = str::find(pair, '=').map_or(pair.len(), |at| at + 1);
        let (head, value) = pair.split_at(at);
        let meant = |text: &str| String::from_utf8_lossy(&unescaped(text)).into_owned();
        let name = meant(head.trim_end_matches('='));
        // Names of signatures and keys in Azure's addresses.
        let is_named = secret::is_secret_name(&name) || ["sig", "code"].contains(&name.as_str());
        let is_secret = !value.is_empty() && (is_named || secret::is_secret_value(&meant(value)));
        QueryPiece { head, value, is_secret }
    };
    query.split('&').map(piece).collect()
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

/// A URL without user and password.
pub(super) fn without_user(url: &Url) -> Url {
    let mut url = url.clone();
    // Both fail only for URLs without a host, which have no user either.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url
}

/// A URL that is safe to show: no user, no password, and `***` for query values that carry a key.
pub(crate) fn shown(url: &Url) -> String {
    let url = without_user(url);
    let Some(query) = url.query() else { return url.to_string() };
    let piece = |piece: QueryPiece<'_>| {
        format!("{}{}", piece.head, if piece.is_secret { MASK } else { piece.value })
    };
    let query: Vec<String> = query_pieces(query).into_iter().map(piece).collect();
    let text = url.as_str();
    let before = text.split(['?', '#']).next().unwrap_or_default();
    let behind = url.fragment().map(|fragment| format!("#{fragment}")).unwrap_or_default();
    format!("{before}?{}{behind}", query.join("&"))
}

/// An address that may be no URL, without its user, its password and its secret query values.
pub(crate) fn shown_address(text: &str) -> String {
    if let Ok(url) = Url::parse(text)
        && url.has_host()
    {
        return shown(&url).replace("%7B", "{").replace("%7D", "}");
    }
    let (scheme, rest) = text.split_once("://").map_or(("", text), |parts| parts);
    let scheme = if scheme.is_empty() { String::new() } else { format!("{scheme}://") };
    let (rest, query) = rest.split_once('?').map_or((rest, ""), |parts| parts);
    let host = rest.split('/').next().unwrap_or_default();
    let rest = host.rfind('@').map_or(rest.to_owned(), |at| format!("{MASK}{}", &rest[at..]));
    let query = if query.is_empty() { String::new() } else { format!("?{MASK}") };
    format!("{scheme}{rest}{query}")
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
