//! A request as a curl command that a person can read, change and run. Sends nothing.

mod shell;
mod way;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::Service;
use super::address::{QueryPiece, basic_credentials, query_pieces, without_user};
use super::form::{BytePiece, FormPart, PartContent};
use super::request::{Body, Header, HeaderValue, Method, Request, with_secrets_as};
use super::splice::{BodySegment, Spliced};
use crate::error::Failure;
use crate::io::Env;
use crate::secret::{is_secret, scheme_and_rest};
use shell::{Variables, Word, quoted};

/// A body of so many bytes goes through standard input: Linux takes 128 KiB for one argument
/// (execve(2), `MAX_ARG_STRLEN`).
const LONGEST_ARGUMENT: usize = 100 * 1024;

/// The command that sends a request to a service, ending in a newline. Secrets appear as shell variables; the bytes
/// of the body are the ones that would be sent. No certificate is checked if `is_insecure`.
///
/// # Errors
/// Exit 2: a proxy that can't be used.
pub(crate) fn command(
    request: &Request,
    service: &Service,
    is_insecure: bool,
    env: &Env,
) -> Result<String, Failure> {
    let way = way::flags(&request.url, service, is_insecure, env)?;
    Ok(command_over(request, &way))
}

/// The command with further flags.
fn command_over(request: &Request, flags: &str) -> String {
    let mut variables =
        Variables::new(request.headers.iter().filter_map(|header| match &header.value {
            HeaderValue::Key { variable, .. } => Some(variable.as_str()),
            HeaderValue::Plain(_) => None,
        }));
    let mut text = format!("curl -sN{flags}");
    // With a body curl sends a POST by itself.
    if request.method != Method::Post || request.body == Body::Empty {
        text.push_str(&format!(" -X {}", request.method.name()));
    }
    if request.url.as_str().contains(['[', ']', '{', '}']) {
        // Else curl takes them for a pattern of several addresses.
        text.push_str(" -g");
    }
    text.push(' ');
    text.push_str(&url(request, &mut variables));
    for header in &request.headers {
        text.push_str(" \\\n  -H ");
        text.push_str(&header_word(header, &mut variables));
    }
    match with_variables(request, &mut variables) {
        Body::Empty => {}
        Body::Form(form) => {
            for part in &form.parts {
                text.push_str(" \\\n  ");
                text.push_str(&form_flag(part, request, &mut variables));
            }
        }
        Body::Spliced(spliced) => match short_body(&spliced) {
            Some(body) => {
                let body = variables.word(&body).to_string();
                text.push_str(&format!(" \\\n  --data-raw {body}"));
            }
            None => {
                let pieces = pieces(&spliced, &variables);
                text = format!("{pieces} |\n{text} \\\n  --data-binary @-");
            }
        },
        body @ Body::Json(_) => {
            // `--data-raw`: with `-d` a body that begins with `@` would name a file.
            let body = String::from_utf8_lossy(&body.bytes()).into_owned();
            let word = variables.word(&body);
            if body.len() < LONGEST_ARGUMENT {
                text.push_str(&format!(" \\\n  --data-raw {word}"));
            } else if word.is_plain() {
                // `-d @-` leaves out line ends, of which the body, being compact JSON, has none.
                text.push_str(&format!(" \\\n  -d @- <<'END_OF_BODY'\n{body}\nEND_OF_BODY"));
            } else {
                text = format!("printf %s {word} |\n{text} \\\n  --data-binary @-");
            }
        }
    }
    text.push('\n');
    text
}

/// The body with marks in the place of its secrets, which [`Variables::word`] finds.
fn with_variables(request: &Request, variables: &mut Variables) -> Body {
    let mut body = request.body.clone();
    if request.body_secrets.is_empty() {
        return body;
    }
    let mut mark = |value: &serde_json::Value| {
        with_secrets_as(value, "", &request.body_secrets, &mut |field| {
            variables.mark(&field.name, field.secret.expose())
        })
    };
    match &mut body {
        Body::Json(value) => *value = mark(value),
        Body::Spliced(spliced) => *spliced.value_mut() = mark(spliced.value()),
        Body::Empty | Body::Form(_) => {}
    }
    body
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
fn pieces(spliced: &Spliced, variables: &Variables) -> String {
    let mut text = String::from("{");
    for stretch in spliced.stretches() {
        let command = match stretch {
            BodySegment::Json(json) => {
                format!("printf %s {}", variables.word(&String::from_utf8_lossy(&json)))
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
fn url(request: &Request, variables: &mut Variables) -> String {
    let url = without_user(&request.url);
    let user = basic_credentials(&request.url).map(|pair| {
        let variable = variables.named("url-credentials", &pair);
        format!("-u {} ", Word::default().variable(variable))
    });
    let text = url.as_str();
    let (before, behind) = match url.query() {
        Some(query) => text.split_at(text.find('?').unwrap_or(0) + 1 + query.len()),
        None => (text, ""),
    };
    let mut word = Word::default();
    match url.query() {
        None => word = word.plain(before),
        Some(query) => {
            word = word.plain(&before[..before.len() - query.len()]);
            for (index, piece) in query_pieces(query).into_iter().enumerate() {
                let QueryPiece { head, value, is_secret } = piece;
                word = word.plain(if index == 0 { "" } else { "&" }).plain(head);
                word = match is_secret {
                    true => word.variable(variables.named(head, value)),
                    false => word.plain(value),
                };
            }
        }
    }
    format!("{}{}", user.unwrap_or_default(), word.plain(behind))
}

fn header_word(header: &Header, variables: &mut Variables) -> String {
    let name = &header.name;
    let word = Word::default().plain(name);
    let word = match &header.value {
        HeaderValue::Key { scheme, variable, .. } => {
            word.plain(": ").plain(scheme).variable(variable.clone())
        }
        HeaderValue::Plain(text) if is_secret(name, text) && !text.is_empty() => {
            let (scheme, rest) = scheme_and_rest(text);
            word.plain(": ").plain(scheme).variable(variables.named(name, rest))
        }
        // `Name:` would tell curl to leave the header out.
        HeaderValue::Plain(text) if text.is_empty() => word.plain(";"),
        HeaderValue::Plain(text) => word.plain(": ").plain(text),
    };
    word.to_string()
}

/// `--form-string` takes a value as it is; `-F` a file, whose name and type are said as we would.
/// A part that is cut out of a file is shown as the whole file: curl can't cut.
fn form_flag(part: &FormPart, request: &Request, variables: &mut Variables) -> String {
    match &part.content {
        PartContent::Text(text) => {
            let name = &part.name;
            let word = Word::default().plain(name).plain("=");
            let secret = request.body_secrets.iter().find(|field| field.is_at(name, text));
            let word = match secret {
                Some(field) => word.variable(variables.named(&field.name, text)),
                None => word.plain(text),
            };
            format!("--form-string {word}")
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
            body_secrets: Vec::new(),
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
        let text = command_over(&request("https://h.example/v1/chat", headers), "");
        assert_eq!(
            text,
            "curl -sN 'https://h.example/v1/chat' \\\n  -H \"Authorization: Bearer $OPENAI_API_KEY\" \\\n  \
             -H \"X-Token: $X_TOKEN\" \\\n  -H 'X-Name: 它'\\''s' \\\n  \
             --data-raw '{\"q\":\"it'\\''s 你好 $HOME\"}'\n"
        );
    }

    #[test]
    fn a_key_in_the_url_becomes_a_variable() {
        let text = command_over(&request("https://h.example/v1?key=abc&v=1", Vec::new()), "");
        assert!(
            text.starts_with("curl -sN \"https://h.example/v1?key=$LLM_API_KEY&v=1\""),
            "{text}"
        );
        assert!(!text.contains("abc"));
    }
}
