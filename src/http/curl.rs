//! A request as a curl command that a person can read, change and run. Sends nothing.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::form::{BytePiece, FormPart, PartContent};
use super::request::{Body, Header, HeaderValue, Method, Request};
use super::splice::{BodySegment, Spliced};
use crate::secret::is_secret_name;

/// The name that stands for a secret of unknown origin.
const UNKNOWN_VARIABLE: &str = "LLM_API_KEY";

/// A body of so many bytes goes through standard input: Linux takes 128 KiB for one argument
/// (execve(2), `MAX_ARG_STRLEN`).
const LONGEST_ARGUMENT: usize = 100 * 1024;

/// The command, ending in a newline. Secrets appear as shell variables; the bytes of the body are
/// the ones that would be sent.
pub(crate) fn command(request: &Request) -> String {
    let mut text = String::from("curl -sN");
    if request.method != Method::Post {
        text.push_str(&format!(" -X {}", request.method.name()));
    }
    if request.url.as_str().contains(['[', ']', '{', '}']) {
        // Else curl takes them for a pattern of several addresses.
        text.push_str(" -g");
    }
    text.push(' ');
    text.push_str(&url(request));
    for header in &request.headers {
        text.push_str(" \\\n  -H ");
        text.push_str(&quoted_header(header));
    }
    match &request.body {
        Body::Empty => {}
        Body::Form(form) => {
            for part in &form.parts {
                text.push_str(" \\\n  ");
                text.push_str(&form_flag(part));
            }
        }
        Body::Spliced(spliced) => match short_body(spliced) {
            Some(body) => text.push_str(&format!(" \\\n  --data-raw {}", quoted(&body))),
            None => text = format!("{} |\n{text} \\\n  --data-binary @-", pieces(spliced)),
        },
        Body::Json(_) => {
            // `--data-raw`: with `-d` a body that begins with `@` would name a file.
            let body = String::from_utf8_lossy(&request.body.bytes()).into_owned();
            if body.len() < LONGEST_ARGUMENT {
                text.push_str(" \\\n  --data-raw ");
                text.push_str(&quoted(&body));
            } else {
                // `-d @-` leaves out line ends, of which the body, being compact JSON, has none.
                text.push_str(&format!(" \\\n  -d @- <<'END_OF_BODY'\n{body}\nEND_OF_BODY"));
            }
        }
    }
    text.push('\n');
    text
}

/// The whole of a body that fits into one argument and whose files can be read now.
fn short_body(spliced: &Spliced) -> Option<String> {
    if spliced.length() >= LONGEST_ARGUMENT as u64 {
        return None;
    }
    let parts: Result<Vec<_>, _> = spliced.reader().collect();
    String::from_utf8(parts.ok()?.concat()).ok()
}

/// Shell commands that print a body piece by piece, files by `base64`. `printf` is a builtin, which
/// has no limit for its arguments.
fn pieces(spliced: &Spliced) -> String {
    let mut text = String::from("{");
    for stretch in spliced.stretches() {
        let command = match stretch {
            BodySegment::Json(json) => {
                format!("printf %s {}", quoted(&String::from_utf8_lossy(&json)))
            }
            BodySegment::Base64(pieces) => encoded(&pieces),
        };
        text.push_str(&format!(" {command};\n "));
    }
    format!("{}\n}}", text.trim_end())
}

/// A shell command that prints base64: of a file that is read then, the whole of it if only a part is
/// meant, as a shell has no easy way to cut; else of bytes that are at hand.
fn encoded(pieces: &[BytePiece]) -> String {
    let file = pieces.iter().find_map(|piece| match piece {
        BytePiece::File { path, .. } => Some(path.display().to_string()),
        BytePiece::Bytes(_) => None,
    });
    match file {
        // Some write line ends into their base64, and some don't.
        Some(path) => format!("base64 < {} | tr -d '\\n'", quoted(&path)),
        None => {
            let bytes = pieces.iter().filter_map(|piece| match piece {
                BytePiece::Bytes(bytes) => Some(bytes.to_vec()),
                BytePiece::File { .. } => None,
            });
            format!("printf %s {}", STANDARD.encode(bytes.collect::<Vec<_>>().concat()))
        }
    }
}

/// The URL in quotes, with user information and secret query values as variables.
fn url(request: &Request) -> String {
    let url = &request.url;
    let has_user = !url.username().is_empty() || url.password().is_some();
    let has_secret = url.query_pairs().any(|(name, _)| is_secret_name(&name));
    if !has_user && !has_secret {
        return quoted(url.as_str());
    }
    // `shown` writes secrets as `***`, percent-encoded or not.
    let shown = super::request::shown(url).replace("%2A%2A%2A", "***");
    let text = in_double_quotes(&shown).replace("***", &format!("${UNKNOWN_VARIABLE}"));
    if has_user { format!("-u \"${UNKNOWN_VARIABLE}\" \"{text}\"") } else { format!("\"{text}\"") }
}

fn quoted_header(header: &Header) -> String {
    match &header.value {
        HeaderValue::Key { scheme, variable, .. } => {
            format!("\"{}: {scheme}${variable}\"", header.name)
        }
        HeaderValue::Plain(text) if is_secret_name(&header.name) => {
            let scheme = text.split_once(' ').map_or("", |(scheme, _)| scheme);
            let space = if scheme.is_empty() { "" } else { " " };
            format!("\"{}: {}{space}${UNKNOWN_VARIABLE}\"", header.name, in_double_quotes(scheme))
        }
        // `Name:` would tell curl to leave the header out.
        HeaderValue::Plain(text) if text.is_empty() => quoted(&format!("{};", header.name)),
        HeaderValue::Plain(text) => quoted(&format!("{}: {text}", header.name)),
    }
}

/// `--form-string` takes a value as it is; `-F` a file, whose name and type are said as we would.
/// A part that is cut out of a file is shown as the whole file: curl can't cut.
fn form_flag(part: &FormPart) -> String {
    match &part.content {
        PartContent::Text(text) => {
            format!("--form-string {}", quoted(&format!("{}={text}", part.name)))
        }
        PartContent::File { filename, content_type, pieces } => {
            let path = pieces.iter().find_map(|piece| match piece {
                BytePiece::File { path, .. } => Some(path.display().to_string()),
                BytePiece::Bytes(_) => None,
            });
            let escape = |text: &str| text.replace('\\', r"\\").replace('"', r#"\""#);
            let path = escape(&path.unwrap_or_else(|| "-".to_owned()));
            let (name, filename) = (&part.name, escape(filename));
            let value = format!("{name}=@\"{path}\";filename=\"{filename}\";type={content_type}");
            format!("-F {}", quoted(&value))
        }
    }
}

/// A text as one word for a POSIX shell, in quotes only where it needs them.
pub(crate) fn word(text: &str) -> String {
    let is_plain = |letter: char| letter.is_alphanumeric() || "-_.:/@+,=%".contains(letter);
    match !text.is_empty() && text.chars().all(is_plain) {
        true => text.to_owned(),
        false => quoted(text),
    }
}

/// A text in single quotes for a POSIX shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

fn in_double_quotes(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        if matches!(letter, '"' | '\\' | '$' | '`') {
            escaped.push('\\');
        }
        escaped.push(letter);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::request::Url;
    use crate::secret::Secret;
    use serde_json::json;

    fn request(url: &str, headers: Vec<Header>) -> Request {
        Request {
            method: Method::Post,
            url: Url::parse(url).expect("a URL"),
            headers,
            body: Body::Json(json!({"q": "it's 你好 $HOME"})),
        }
    }

    #[test]
    fn the_command_quotes_for_a_shell_and_hides_the_key() {
        let key = HeaderValue::Key {
            scheme: "Bearer ",
            secret: Some(Secret::new("sk-secret")),
            variable: "OPENAI_API_KEY".into(),
        };
        let headers = vec![
            Header { name: "Authorization".into(), value: key, is_private: true },
            Header::private("X-Token", "abc"),
            Header::private("X-Name", "它's"),
        ];
        let text = command(&request("https://h.example/v1/chat", headers));
        assert_eq!(
            text,
            "curl -sN 'https://h.example/v1/chat' \\\n  -H \"Authorization: Bearer $OPENAI_API_KEY\" \\\n  \
             -H \"X-Token: $LLM_API_KEY\" \\\n  -H 'X-Name: 它'\\''s' \\\n  \
             --data-raw '{\"q\":\"it'\\''s 你好 $HOME\"}'\n"
        );
    }

    #[test]
    fn a_key_in_the_url_becomes_a_variable() {
        let text = command(&request("https://h.example/v1?key=abc&v=1", Vec::new()));
        assert!(
            text.starts_with("curl -sN \"https://h.example/v1?key=$LLM_API_KEY&v=1\""),
            "{text}"
        );
        assert!(!text.contains("abc"));
    }
}
