//! The nearest lines on their way out.

use serde_json::json;

use crate::cli::similar::SimilarFormat;
use crate::nearest::Hit;
use crate::sanitize;

/// The lines as they are written. On a terminal nothing in a text can steer it.
pub(super) fn written(hits: &[Hit], format: SimilarFormat, is_terminal: bool) -> String {
    let mut out = String::new();
    for hit in hits {
        let text = hit.text.as_deref().unwrap_or_default();
        match format {
            SimilarFormat::Jsonl => out.push_str(&object(hit)),
            SimilarFormat::Text if is_terminal => out.push_str(&sanitize::for_terminal(text)),
            SimilarFormat::Text => out.push_str(text),
            SimilarFormat::Tsv => {
                let text = text.replace(['\t', '\n', '\r'], " ");
                let text = if is_terminal { sanitize::one_line(&text) } else { text };
                out.push_str(&format!("{}\t{}\t{text}", score(hit), hit.number));
            }
        }
        out.push('\n');
    }
    out
}

/// A cosine with six digits, which is what 32-bit numbers tell; the score of a service as it came.
fn score(hit: &Hit) -> String {
    hit.written.clone().unwrap_or_else(|| format!("{:.6}", hit.score))
}

fn object(hit: &Hit) -> String {
    let mut object = format!("{{\"score\":{},\"number\":{}", score(hit), hit.number);
    if let Some(id) = &hit.id {
        object.push_str(&format!(",\"id\":{id}"));
    }
    let text = json!(hit.text);
    object.push_str(&format!(",\"text\":{text}}}"));
    object
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_format_has_its_line() {
        let hit = Hit { text: Some("一\t二\u{1b}".to_owned()), ..Hit::new(0.5, 7) };
        let hits = [
            hit,
            Hit {
                written: Some("-1e3".to_owned()),
                id: Some("\"a\"".to_owned()),
                ..Hit::new(0.1, 2)
            },
        ];
        let tsv = written(&hits, SimilarFormat::Tsv, false);
        assert_eq!(tsv, "0.500000\t7\t一 二\u{1b}\n-1e3\t2\t\n");
        assert!(!written(&hits, SimilarFormat::Tsv, true).contains('\u{1b}'));
        assert!(!written(&hits, SimilarFormat::Text, true).contains('\u{1b}'));
        let jsonl = written(&hits, SimilarFormat::Jsonl, false);
        let wanted = "{\"score\":0.500000,\"number\":7,\"text\":\"一\\t二\\u001b\"}\n\
                      {\"score\":-1e3,\"number\":2,\"id\":\"a\",\"text\":null}\n";
        assert_eq!(jsonl, wanted);
        assert_eq!(written(&hits[..1], SimilarFormat::Text, false), "一\t二\u{1b}\n");
    }
}
