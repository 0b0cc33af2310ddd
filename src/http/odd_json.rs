//! JSON that is beyond the limits of a tree of values: a number that no float holds, or deep nesting.

use std::borrow::Cow;

use serde::de::IgnoredAny;
use serde_json::Value;

/// So many levels are kept; a tree of values takes 127.
const MAX_LEVELS: usize = 100;

/// The value of a body. A number beyond a float is read as a very large one, and what nests too deep as `null`.
///
/// # Errors
/// It is not JSON.
pub(crate) fn value(body: &[u8]) -> serde_json::Result<Value> {
    serde_json::from_slice(body).or_else(|error| {
        let tamed = tamed(body).ok_or(error)?;
        serde_json::from_slice(&tamed)
    })
}

/// JSON within the limits, as [`value`] reads it; `None` if a body is within them already, or no JSON.
pub(crate) fn tamed(body: &[u8]) -> Option<Vec<u8>> {
    serde_json::from_slice::<IgnoredAny>(body).ok()?;
    let (mut out, mut levels, mut rest) = (Vec::with_capacity(body.len()), 0_usize, body);
    while let Some(first) = rest.first() {
        let length = match first {
            b'"' => text_length(rest),
            b'-' | b'0'..=b'9' => {
                let is_in =
                    |byte: &u8| matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E' | b'0'..=b'9');
                rest.iter().position(|byte| !is_in(byte)).unwrap_or(rest.len())
            }
            _ => 1,
        };
        let (mut piece, behind) = (Cow::from(&rest[..length]), &rest[length..]);
        let mut is_kept = levels <= MAX_LEVELS;
        match first {
            b'{' | b'[' => {
                levels += 1;
                is_kept = levels <= MAX_LEVELS + 1;
                if levels == MAX_LEVELS + 1 {
                    piece = Cow::from(&b"null"[..]);
                }
            }
            // The end of what `null` stands for is left out with it.
            b'}' | b']' => levels = levels.saturating_sub(1),
            b'-' if !is_finite(&piece) => piece = Cow::from(&b"-1e308"[..]),
            b'0'..=b'9' if !is_finite(&piece) => piece = Cow::from(&b"1e308"[..]),
            _ => {}
        }
        if is_kept {
            out.extend_from_slice(&piece);
        }
        rest = behind;
    }
    (out != body).then_some(out)
}

/// How long the text is that begins a body, with its quotes.
fn text_length(body: &[u8]) -> usize {
    let mut at = 1;
    while let Some(byte) = body.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    body.len()
}

fn is_finite(number: &[u8]) -> bool {
    let text = std::str::from_utf8(number).unwrap_or_default();
    text.parse::<f64>().is_ok_and(f64::is_finite)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_beyond_the_limits_is_tamed() {
        let found = |body: &str| value(body.as_bytes()).ok();
        assert_eq!(
            found(r#"{"a":-1e999,"b\"1e999":"1e999 [","c":[1.5,2E+400]}"#),
            Some(json!({"a": -1e308, "b\"1e999": "1e999 [", "c": [1.5, 1e308]}))
        );
        let deep = format!("{{\"a\":{}1,\"]\"{},\"b\":7}}", "[".repeat(300), "]".repeat(300));
        assert_eq!(found(&deep).expect("is read")["b"], 7);
        assert_eq!(tamed(br#"{"a": [1, 2e5]}"#), None);
        for body in ["{\"a\":1e999", "", "[1e999}", "hi 1e999"] {
            assert_eq!(found(body), None, "{body}");
        }
    }
}
