//! Reranking: how near texts are to a query, judged by a model that reads both. Every service has a form
//! of its own; Cohere's is the usual one.

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use crate::provider::{Fields, RerankForm};

/// The most texts of one request: what Cohere and Jina take.
pub(crate) const MAX_DOCUMENTS: usize = 1000;

/// One judged text.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Judgement {
    /// The place of the text in the request, from 0.
    pub(crate) index: usize,
    pub(crate) score: f64,
    /// The score as the service wrote it.
    pub(crate) written: String,
}

/// The fields of a request that asks for the best `most` of `documents`.
pub(crate) fn fields(
    form: RerankForm,
    model: Option<&str>,
    query: &str,
    documents: &[String],
    most: usize,
) -> Fields {
    let most = most.min(documents.len());
    let body = match form {
        RerankForm::Cohere => json!({"query": query, "documents": documents, "top_n": most}),
        RerankForm::Voyage => json!({"query": query, "documents": documents, "top_k": most}),
        RerankForm::Nim => {
            let passages: Vec<Value> = documents.iter().map(|text| json!({"text": text})).collect();
            json!({"query": {"text": query}, "passages": passages, "truncate": "END"})
        }
        RerankForm::Tei => json!({"query": query, "texts": documents, "truncate": true}),
    };
    let mut needed = Map::new();
    if let Some(model) = model.filter(|_| form.takes_model()) {
        needed.insert("model".to_owned(), model.into());
    }
    if let Value::Object(body) = body {
        needed.extend(body);
    }
    Fields { needed, ..Fields::default() }
}

/// A judged text in any of the forms.
#[derive(Deserialize)]
struct Item<'a> {
    index: Option<u64>,
    #[serde(borrow, alias = "logit", alias = "score")]
    relevance_score: &'a RawValue,
}

/// A reply in any of the forms.
#[derive(Deserialize)]
struct Lists<'a> {
    #[serde(borrow)]
    results: Option<Vec<Item<'a>>>,
    #[serde(borrow)]
    data: Option<Vec<Item<'a>>>,
    #[serde(borrow)]
    rankings: Option<Vec<Item<'a>>>,
}

/// Reads a reply about `asked` texts, in whatever form it comes; in the order of the reply. `None` if it
/// is no list of judgements, or judges a text that was not sent or one twice.
pub(crate) fn read(body: &[u8], asked: usize) -> Option<Vec<Judgement>> {
    let items = match body.trim_ascii_start().first()? {
        b'[' => serde_json::from_slice::<Vec<Item<'_>>>(body).ok()?,
        _ => {
            let lists: Lists<'_> = serde_json::from_slice(body).ok()?;
            lists.results.or(lists.data).or(lists.rankings)?
        }
    };
    let mut is_judged = vec![false; asked];
    let mut found = Vec::with_capacity(items.len());
    for (place, item) in items.into_iter().enumerate() {
        let index = item.index.map_or(Some(place), |index| usize::try_from(index).ok())?;
        if std::mem::replace(is_judged.get_mut(index)?, true) {
            return None;
        }
        let written = item.relevance_score.get().to_owned();
        let score = written.parse().ok().filter(|score: &f64| score.is_finite())?;
        found.push(Judgement { index, score, written });
    }
    Some(found)
}

/// What a reply says of its usage: Jina, Voyage and vLLM count tokens, Cohere searches.
pub(crate) fn usage(body: &[u8]) -> Option<Value> {
    #[derive(Deserialize)]
    struct Counted {
        usage: Option<Value>,
    }
    serde_json::from_slice::<Counted>(body).ok()?.usage
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(body: &str) -> Option<Vec<(usize, String)>> {
        let found = read(body.as_bytes(), 3)?;
        Some(found.into_iter().map(|one| (one.index, one.written)).collect())
    }

    #[test]
    fn every_form_is_read() {
        let wanted = Some(vec![(2, "0.90".to_owned()), (0, "-1e-3".to_owned())]);
        for body in [
            r#"{"id":"x","results":[{"index":2,"relevance_score":0.90,"document":{"text":"a"}},
                {"index":0,"relevance_score":-1e-3,"document":"b"}],"meta":{}}"#,
            r#"{"object":"list","data":[{"relevance_score":0.90,"index":2},{"relevance_score":-1e-3,"index":0}]}"#,
            r#"{"rankings":[{"index":2,"logit":0.90},{"index":0,"logit":-1e-3}]}"#,
            r#" [{"index":2,"score":0.90},{"index":0,"score":-1e-3}]"#,
        ] {
            assert_eq!(judged(body), wanted, "{body}");
        }
        let in_order = r#"{"results":[{"relevance_score":1},{"relevance_score":2}]}"#;
        assert_eq!(judged(in_order), Some(vec![(0, "1".to_owned()), (1, "2".to_owned())]));
    }

    #[test]
    fn what_fits_no_request_is_no_answer() {
        for body in [
            "",
            "{}",
            "null",
            r#"{"results":[{"index":3,"relevance_score":1}]}"#,
            r#"{"results":[{"index":1,"relevance_score":1},{"index":1,"relevance_score":1}]}"#,
            r#"{"results":[{"index":1,"relevance_score":null}]}"#,
            r#"{"results":[{"index":1}]}"#,
        ] {
            assert_eq!(judged(body), None, "{body}");
        }
    }

    #[test]
    fn each_form_is_asked_in_its_words() {
        let documents = ["甲".to_owned(), "乙".to_owned()];
        let body = |form| {
            let fields = fields(form, Some("m"), "q", &documents, 9);
            Value::Object(fields.needed).to_string()
        };
        let cohere = r#"{"model":"m","query":"q","documents":["甲","乙"],"top_n":2}"#;
        assert_eq!(body(RerankForm::Cohere), cohere);
        assert_eq!(body(RerankForm::Voyage), cohere.replace("top_n", "top_k"));
        let nim = r#"{"model":"m","query":{"text":"q"},"passages":[{"text":"甲"},{"text":"乙"}],"truncate":"END"}"#;
        assert_eq!(body(RerankForm::Nim), nim);
        let tei = r#"{"query":"q","texts":["甲","乙"],"truncate":true}"#;
        assert_eq!(body(RerankForm::Tei), tei);
    }
}
