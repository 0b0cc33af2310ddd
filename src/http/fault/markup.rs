//! Finds the words of an HTML page or an XML document.

/// The title or the first heading of an HTML page, the message of an XML document.
pub(super) fn from_markup(text: &str) -> Option<String> {
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
