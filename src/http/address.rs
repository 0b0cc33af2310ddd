//! Addresses as they may be shown, and what in them may not. Knows no requests.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Url;

use crate::secret::{self, MASK, Secret};

/// What of a URL must not be shown, as it is written there and as it is meant.
pub(super) fn secrets_of_url(url: &Url) -> impl Iterator<Item = Secret> {
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

/// What of an address must not be shown, where it is a URL.
pub(crate) fn secrets_of_address(text: &str) -> Vec<Secret> {
    Url::parse(text).ok().iter().flat_map(secrets_of_url).collect()
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
