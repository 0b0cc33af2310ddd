//! Parses a `multipart/form-data` body (RFC 7578, RFC 2046).

use memchr::memmem;
use serde_json::{Map, Value};

/// The most parts of a form, and the most bytes of a part's header.
const MAX_PARTS: usize = 256;
const MAX_PART_HEADER: usize = 16 << 10;

/// One field of a form.
#[derive(Debug, PartialEq)]
pub(crate) struct FormField<'a> {
    pub(crate) name: String,
    /// Present for files; may be empty.
    pub(crate) file_name: Option<String>,
    pub(crate) data: &'a [u8],
}

/// The boundary that a `Content-Type` header names; `None` if it is not a form.
pub(crate) fn boundary(content_type: &str) -> Option<String> {
    let (kind, parameters) = content_type.split_once(';')?;
    if !kind.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    parameter(parameters, "boundary").filter(|boundary| !boundary.is_empty())
}

/// The parts of `body` in order. The error says what is wrong with the form.
pub(crate) fn parse<'a>(
    body: &'a [u8],
    boundary: &str,
) -> Result<Vec<FormField<'a>>, &'static str> {
    let delimiter = format!("\r\n--{boundary}");
    let finder = memmem::Finder::new(&delimiter);
    let mut rest = match body.strip_prefix(&delimiter.as_bytes()[2..]) {
        Some(rest) => rest,
        None => {
            &body[finder.find(body).ok_or("its boundary does not occur in the body")?
                + delimiter.len()..]
        }
    };
    let mut parts = Vec::new();
    loop {
        if rest.starts_with(b"--") {
            return Ok(parts);
        }
        let line = memmem::find(rest, b"\r\n").ok_or("it ends after a boundary")?;
        if !rest[..line].iter().all(|byte| matches!(byte, b' ' | b'\t')) {
            return Err("a boundary is followed by other text");
        }
        if parts.len() == MAX_PARTS {
            return Err("it has too many parts");
        }
        // The line end stays, so that a part without headers has its empty line too.
        rest = &rest[line..];
        let head = memmem::find(rest, b"\r\n\r\n").filter(|head| *head <= MAX_PART_HEADER);
        let head = head.ok_or("a part has no header or too long a header")?;
        let end = head + 2 + finder.find(&rest[head + 2..]).ok_or("its last part has no end")?;
        let data = rest.get(head + 4..end).unwrap_or_default();
        parts.push(part(&String::from_utf8_lossy(&rest[..head]), data)?);
        rest = &rest[end + delimiter.len()..];
    }
}

/// The fields that are not files, as strings; of fields with the same name the last one counts.
pub(crate) fn fields(parts: &[FormField<'_>]) -> Value {
    let plain = parts.iter().filter(|part| part.file_name.is_none());
    let text =
        |part: &FormField<'_>| Value::String(String::from_utf8_lossy(part.data).into_owned());
    Value::Object(plain.map(|part| (part.name.clone(), text(part))).collect::<Map<_, _>>())
}

fn part<'a>(head: &str, data: &'a [u8]) -> Result<FormField<'a>, &'static str> {
    let disposition =
        head.lines().filter_map(|line| line.split_once(':')).find_map(|(name, value)| {
            name.trim().eq_ignore_ascii_case("content-disposition").then_some(value)
        });
    let (_, parameters) =
        disposition.and_then(|value| value.split_once(';')).ok_or("a part has no name")?;
    let name = parameter(parameters, "name").ok_or("a part has no name")?;
    Ok(FormField { name, file_name: parameter(parameters, "filename"), data })
}

/// The parameter `wanted` of a list like `name="a"; filename="b.png"`.
fn parameter(list: &str, wanted: &str) -> Option<String> {
    let mut rest = list;
    loop {
        let (name, behind) = rest.split_once('=')?;
        let (value, behind) = value(behind.trim_start());
        if name.trim_matches([';', ' ', '\t']).eq_ignore_ascii_case(wanted) {
            return Some(value);
        }
        rest = behind;
    }
}

/// A plain or quoted value and what follows it.
///
/// Quotes inside a value come as `\"` from programs and as `%22` from browsers (WHATWG HTML,
/// multipart encoding); any other backslash is a part of a Windows path.
fn value(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find(';').unwrap_or(text.len());
        return (text[..end].trim().to_owned(), &text[end..]);
    };
    let mut value = String::new();
    let mut characters = quoted.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return (unescaped(&value), &quoted[at + 1..]),
            '\\' => {
                let escaped = characters.next_if(|(_, next)| matches!(next, '"' | '\\'));
                value.push(escaped.map_or('\\', |(_, next)| next));
            }
            other => value.push(other),
        }
    }
    (unescaped(&value), "")
}

fn unescaped(value: &str) -> String {
    value.replace("%22", "\"").replace("%0D", "\r").replace("%0A", "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part<'a>(name: &str, file_name: Option<&str>, data: &'a [u8]) -> FormField<'a> {
        FormField { name: name.to_owned(), file_name: file_name.map(str::to_owned), data }
    }

    #[test]
    fn a_boundary_is_found_plain_and_quoted() {
        assert_eq!(boundary("multipart/form-data; boundary=abc").as_deref(), Some("abc"));
        assert_eq!(
            boundary("Multipart/Form-Data; charset=utf-8; Boundary=\"a b\"").as_deref(),
            Some("a b")
        );
        assert_eq!(boundary("multipart/form-data"), None);
        assert_eq!(boundary("application/json; boundary=abc"), None);
        assert_eq!(boundary("multipart/form-data; boundary="), None);
    }

    #[test]
    fn fields_and_files_are_taken_apart() {
        let body = "preamble\r\n--b\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\ndemo\r\n--b \r\n\
            content-type: audio/wav\r\nCONTENT-DISPOSITION: form-data; filename=\"录音 \\\"一\\\".wav\"; name=file\r\n\r\n\
            \r\n--\r\n\0\r\n--b\r\nContent-Disposition: form-data; name=\"空\"\r\n\r\n\r\n--b--\r\nepilogue";
        let parts = parse(body.as_bytes(), "b").expect("a form");
        let expected = [
            part("model", None, b"demo"),
            part("file", Some("录音 \"一\".wav"), b"\r\n--\r\n\0"),
            part("空", None, b""),
        ];
        assert_eq!(parts, expected);
        assert_eq!(fields(&parts), serde_json::json!({"model": "demo", "空": ""}));
    }

    #[test]
    fn names_survive_browsers_and_windows() {
        let of = |value: &str| parameter(&format!("name=\"f\"; filename={value}"), "filename");
        assert_eq!(of("\"a%22b.png\"").as_deref(), Some("a\"b.png"));
        assert_eq!(of(r#""C:\音\a.wav""#).as_deref(), Some(r"C:\音\a.wav"));
        assert_eq!(of("猫.png").as_deref(), Some("猫.png"));
        assert_eq!(of("\"a;b=c.png\"").as_deref(), Some("a;b=c.png"));
        assert_eq!(of("\"\"").as_deref(), Some(""));
        assert_eq!(parameter("name=\"f\"", "filename"), None);
    }

    #[test]
    fn broken_forms_are_refused() {
        let head = "Content-Disposition: form-data; name=\"a\"\r\n\r\n";
        let reason = |body: &str| parse(body.as_bytes(), "b").expect_err("broken");
        assert_eq!(reason(""), "its boundary does not occur in the body");
        assert_eq!(reason("--b"), "it ends after a boundary");
        assert_eq!(reason(&format!("--b\r\n{head}x")), "its last part has no end");
        assert_eq!(reason("--b\r\nno head"), "a part has no header or too long a header");
        assert_eq!(reason("--bad\r\n\r\n\r\n--b--"), "a boundary is followed by other text");
        assert_eq!(reason("--b\r\nX: y\r\n\r\nz\r\n--b--"), "a part has no name");
        let one = format!("--b\r\n{head}x\r\n");
        assert_eq!(reason(&one.repeat(257)), "it has too many parts");
        assert_eq!(parse(b"--b--", "b"), Ok(Vec::new()));
    }

    #[test]
    fn no_cut_of_a_form_makes_trouble() {
        let body = "--b\r\nContent-Disposition: form-data; name=\"文\"; filename=\"a\\\"\"\r\n\r\nx\r\n--b--";
        for end in 0..body.len() - 2 {
            assert!(parse(&body.as_bytes()[..end], "b").is_err(), "cut at {end}");
        }
        assert!(parse(body.as_bytes(), "b").is_ok());
    }
}
