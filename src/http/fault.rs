//! Finds the service's own words in an error body; it does not know the request, the provider or
//! what the caller makes of the error.
//!
//! The shapes are those met in the replies of the services: OpenAI's `error` object and its many
//! relatives, FastAPI's `detail`, Gemini's array, event streams, HTML pages of proxies, plain text.

mod json;
mod reply;

use std::time::Duration;

use super::sse::Decoder;

pub(crate) use reply::in_reply;

/// The longest message, in characters.
const LONGEST_MESSAGE: usize = 2_000;
/// The longest code, type, parameter or request id, in characters.
const LONGEST_FIELD: usize = 200;
/// How often a text may hold a further body (OpenRouter's `metadata.raw`, JSON in a message).
const NESTING: u8 = 3;

/// What a service says about a failure.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Fault {
    /// The service's words in one line of at most 2,000 characters; empty if the body is empty.
    pub(crate) message: String,
    /// The service's code for the failure, unless it only repeats an HTTP code.
    pub(crate) code: Option<String>,
    /// The body's `type`, or Gemini's `status`.
    pub(crate) kind: Option<String>,
    /// The request field that the failure is about.
    pub(crate) param: Option<String>,
    /// The name under which the service knows the request.
    pub(crate) request_id: Option<String>,
    /// The HTTP code (400 to 599) that the body itself carries.
    pub(crate) status: Option<u16>,
    /// The wait that the body asks for: `retryDelay` of Gemini (google.rpc.RetryInfo).
    pub(crate) retry_after: Option<Duration>,
}

/// Reads the body of a reply whose HTTP code says that it failed.
///
/// The content type is not asked for, since several services send JSON under a wrong one. Bytes
/// that are not UTF-8 become U+FFFD.
pub(crate) fn read(body: &[u8]) -> Fault {
    finish(from_text(&String::from_utf8_lossy(body), NESTING))
}

/// Whether a body is JSON that broke off: a connection that is closed may be the only end that a
/// server marks.
pub(crate) fn is_cut(body: &[u8]) -> bool {
    let begins = matches!(body.trim_ascii_start().first(), Some(b'{' | b'['));
    let read = || serde_json::from_slice::<serde::de::IgnoredAny>(body);
    begins && read().is_err_and(|error| error.is_eof())
}

/// Brings the texts of a fault to one line each and to their longest length.
fn finish(fault: Fault) -> Fault {
    let field = |text: Option<String>| text.map(|text| fold(&text, LONGEST_FIELD));
    Fault {
        message: fold(&fault.message, LONGEST_MESSAGE),
        code: field(fault.code),
        kind: field(fault.kind),
        param: field(fault.param),
        request_id: field(fault.request_id),
        ..fault
    }
}

/// Reads a body of any kind; `nesting` says how many texts within texts may still be opened.
fn from_text(text: &str, nesting: u8) -> Fault {
    let text = text.trim_start_matches('\u{feff}').trim();
    if let Some(value) = json::parse(text).or_else(|| json::parse_first(text)) {
        return json::fault(&value, nesting);
    }
    if let Some(fault) = from_events(text, nesting) {
        return fault;
    }
    let message = from_markup(text).unwrap_or_else(|| text.to_owned());
    Fault { message, ..Fault::default() }
}

/// Reads a body that is framed as an event stream, as DashScope's when a stream was asked for.
fn from_events(text: &str, nesting: u8) -> Option<Fault> {
    if !["data:", "event:", "error:", "id:", "retry:", ":"]
        .iter()
        .any(|field| text.starts_with(field))
    {
        return None;
    }
    let mut decoder = Decoder::default();
    let mut found = None;
    let mut plain = None;
    let mut each = |data: &[u8]| {
        let data = String::from_utf8_lossy(data);
        match json::parse(&data) {
            Some(value) if found.is_none() => found = Some(json::fault(&value, nesting)),
            None if plain.is_none() && !data.trim().is_empty() => plain = Some(data.into_owned()),
            _ => {}
        }
    };
    decoder.push(text.as_bytes(), |event| each(event.data)).ok()?;
    decoder.finish(|event| each(event.data));
    // Plain text may begin with `error:` or `id:` too; `data:` is a sure sign.
    let plain = plain.filter(|_| text.lines().any(|line| line.starts_with("data:")));
    found.or_else(|| plain.map(|message| Fault { message, ..Fault::default() }))
}

/// The title or the first heading of an HTML page, the message of an XML document.
fn from_markup(text: &str) -> Option<String> {
    const BEGINNINGS: [&str; 10] = [
        "<!doctype",
        "<html",
        "<head",
        "<body",
        "<title",
        "<center",
        "<h1",
        "<?xml",
        "<!--",
        "<error",
    ];
    let lower = text.to_ascii_lowercase();
    if !BEGINNINGS.iter().any(|beginning| lower.starts_with(beginning)) {
        return None;
    }
    let html = ["<html", "<body", "<!doctype html"].iter().any(|tag| lower.contains(tag));
    ["title", "h1", "h2", "h3", "message"]
        .iter()
        .find_map(|name| element(text, &lower, name))
        .or_else(|| html.then(|| "an HTML page".to_owned()))
}

/// The text within the first element of this name, without tags; `lower` is `text` in lower case.
fn element(text: &str, lower: &str, name: &str) -> Option<String> {
    let open = format!("<{name}");
    let (start, _) = lower.match_indices(&open).find(|(at, _)| {
        let next = lower[at + open.len()..].chars().next();
        next.is_some_and(|next| next == '>' || next.is_whitespace())
    })?;
    let start = start + lower[start..].find('>')? + 1;
    let end =
        lower[start..].find(&format!("</{name}")).map_or(lower.len(), |length| start + length);
    let mut inner = String::new();
    for (number, piece) in text[start..end].split('<').enumerate() {
        let shown =
            if number == 0 { piece } else { piece.split_once('>').map_or("", |(_, after)| after) };
        inner.push_str(shown);
        inner.push(' ');
    }
    let inner = inner.trim();
    (!inner.is_empty()).then(|| without_entities(inner))
}

fn without_entities(text: &str) -> String {
    // `&amp;` comes last, or `&amp;lt;` would be decoded twice.
    [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#39;", "'"),
        ("&nbsp;", " "),
        ("&amp;", "&"),
    ]
    .iter()
    .fold(text.to_owned(), |text, (entity, character)| text.replace(entity, character))
}

/// The text with each run of white space as one space, cut to `most` characters, then ending in `…`.
fn fold(text: &str, most: usize) -> String {
    let mut characters = text
        .split_whitespace()
        .enumerate()
        .flat_map(|(number, word)| (number > 0).then_some(' ').into_iter().chain(word.chars()));
    let mut folded: String = characters.by_ref().take(most).collect();
    if characters.next().is_some() {
        folded.pop();
        folded.push('…');
    }
    folded
}

#[cfg(test)]
mod tests;
