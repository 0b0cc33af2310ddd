//! Reads `multipart/form-data` (RFC 7578) strictly enough to find a client's mistakes; it knows nothing
//! of HTTP.

/// One part of a form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    /// The field's name.
    pub(crate) name: String,
    /// The file name, if the part has one.
    pub(crate) filename: Option<String>,
    /// The part's own content type, if it has one.
    pub(crate) content_type: Option<String>,
    /// The content.
    pub(crate) bytes: Vec<u8>,
}

impl Part {
    /// The content as text, what is no UTF-8 replaced.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }
}

/// Takes a form apart; the error says which rule of the format was broken.
pub(super) fn parts(content_type: &str, body: &[u8]) -> Result<Vec<Part>, String> {
    if !content_type.starts_with("multipart/form-data") {
        return Err(format!("the content type is `{content_type}`"));
    }
    let boundary = parameter(content_type, "boundary").ok_or("no boundary is named")?;
    let delimiter = format!("--{boundary}").into_bytes();
    let mut rest = body
        .strip_prefix(delimiter.as_slice())
        .ok_or("the body does not open with the boundary")?;
    let between = [b"\r\n".as_slice(), &delimiter].concat();
    let mut parts = Vec::new();
    while let Some(part) = rest.strip_prefix(b"\r\n") {
        let end = find(part, &between).ok_or("a part is not closed by the boundary")?;
        parts.push(one(&part[..end])?);
        rest = &part[end + between.len()..];
    }
    match rest {
        b"--" | b"--\r\n" => Ok(parts),
        _ => Err("the last boundary does not end in `--`".to_owned()),
    }
}

fn one(part: &[u8]) -> Result<Part, String> {
    let end = find(part, b"\r\n\r\n").ok_or("a part has no blank line behind its headers")?;
    let head = str::from_utf8(&part[..end]).map_err(|_| "the headers of a part are no UTF-8")?;
    let header = |wanted: &str| {
        head.split("\r\n")
            .filter_map(|line| line.split_once(':'))
            .find(|(name, _)| name.eq_ignore_ascii_case(wanted))
            .map(|(_, value)| value.trim())
    };
    let disposition = header("content-disposition").ok_or("a part has no content-disposition")?;
    if !disposition.starts_with("form-data") {
        return Err(format!("a part is `{disposition}`"));
    }
    Ok(Part {
        name: parameter(disposition, "name").ok_or("a part has no name")?,
        filename: parameter(disposition, "filename"),
        content_type: header("content-type").map(str::to_owned),
        bytes: part[end + 4..].to_vec(),
    })
}

/// The value of `key=value` or `key="value"` behind a semicolon.
///
/// Browsers and their kind write a quote in a name as `%22` (HTML section 4.10.22.8), so the next quote
/// ends the value.
fn parameter(header: &str, key: &str) -> Option<String> {
    let mut rest = header;
    while let Some(at) = rest.find(';') {
        rest = rest[at + 1..].trim_start();
        let Some(value) = rest.strip_prefix(key).and_then(|r| r.strip_prefix('=')) else {
            continue;
        };
        let value = match value.strip_prefix('"') {
            Some(quoted) => quoted.split('"').next(),
            None => value.split(';').next(),
        };
        return value.map(str::to_owned);
    }
    None
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len()).position(|window| window == wanted)
}
