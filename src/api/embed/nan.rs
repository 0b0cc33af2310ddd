//! NaN and the infinities, which are no JSON.

/// A reply in which `null` stands for NaN and the infinities, which JSON has no word for and Python writes
/// all the same.
pub(super) fn without_nan(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len());
    let mut rest = body;
    let (mut is_text, mut is_escaped) = (false, false);
    while let Some((first, behind)) = rest.split_first() {
        let word = [&b"NaN"[..], b"-Infinity", b"Infinity"].into_iter();
        if !is_text && let Some(word) = { word }.find(|word| rest.starts_with(word)) {
            out.extend_from_slice(b"null");
            rest = &rest[word.len()..];
            continue;
        }
        is_text ^= *first == b'"' && !is_escaped;
        is_escaped = is_text && *first == b'\\' && !is_escaped;
        out.push(*first);
        rest = behind;
    }
    out
}
