//! The calls of a Batch API, form by form: their paths, and the body that makes a batch.

use serde_json::{Map, Value, json};

use crate::provider::batch_api::{BatchApi, BatchForm};

/// The most entries of a page of a list, and of one of results.
const PAGE: usize = 100;
const RESULTS: usize = 1000;

/// What a batch is made of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NewBatch<'a> {
    /// The uploaded file; empty where the requests go along.
    pub(crate) file: &'a str,
    /// The model of its rows.
    pub(crate) model: Option<&'a str>,
    /// The time in which it is to be done.
    pub(crate) window: Option<&'a str>,
    /// What tells this batch from others, to find it again after a crash.
    pub(crate) mark: &'a str,
}

impl BatchApi {
    /// The path of batches.
    pub(crate) fn path(&self) -> &'static str {
        match self.form {
            BatchForm::Mistral => "/batch/jobs",
            _ => "/batches",
        }
    }

    /// Whether a file of requests is uploaded first; else they go along with the call.
    pub(crate) fn uploads(&self) -> bool {
        self.form != BatchForm::OpenRouter
    }

    /// The path of one batch.
    pub(crate) fn batch(&self, id: &str) -> String {
        format!("{}/{}", self.path(), segment(id))
    }

    /// The path that cancels it, where there is one.
    pub(crate) fn cancel(&self, id: &str) -> Option<String> {
        match self.form {
            BatchForm::Xai => Some(format!("{}:cancel", self.batch(id))),
            BatchForm::OpenRouter => None,
            _ => Some(format!("{}/cancel", self.batch(id))),
        }
    }

    /// The path of the service's list, behind the batch with this id.
    pub(crate) fn list(&self, after: Option<&str>) -> String {
        let path = self.path();
        match (self.form, after) {
            (BatchForm::Mistral, _) => format!("{path}?page_size={PAGE}"),
            (_, None) => format!("{path}?limit={PAGE}"),
            (_, Some(after)) => format!("{path}?limit={PAGE}&after={}", segment(after)),
        }
    }

    /// The path of a page of results, where they are no file.
    pub(crate) fn results(&self, id: &str, page: Option<&str>) -> Option<String> {
        if self.form != BatchForm::Xai {
            return None;
        }
        let page = page.map(|page| format!("&pagination_token={}", segment(page)));
        Some(format!("{}/results?limit={RESULTS}{}", self.batch(id), page.unwrap_or_default()))
    }

    /// The body of the call that makes a batch. `requests` stand in it where nothing is uploaded; what
    /// they are for must come first there.
    pub(crate) fn create(&self, new: &NewBatch<'_>, requests: Vec<Value>) -> Map<String, Value> {
        let mut body = match self.form {
            BatchForm::Mistral => json!({
                "input_files": [new.file], "endpoint": self.url, "model": new.model,
                "metadata": {"llm": new.mark}, "timeout_hours": new.window.and_then(hours),
            }),
            BatchForm::Xai => {
                json!({"name": format!("llm-{}", new.mark), "input_file_id": new.file})
            }
            BatchForm::OpenRouter => {
                json!({"endpoint": self.url, "model": new.model, "requests": requests})
            }
            BatchForm::OpenAi | BatchForm::Anthropic => json!({
                "input_file_id": new.file, "endpoint": self.url, "completion_window": new.window,
                "metadata": {"llm": new.mark},
            }),
        };
        let body = body.as_object_mut().map(std::mem::take).unwrap_or_default();
        body.into_iter().filter(|(_, value)| !value.is_null()).collect()
    }
}

/// The path of a file's bytes.
pub(crate) fn content(file: &str) -> String {
    format!("/files/{}/content", segment(file))
}

/// The path of a file.
pub(crate) fn file(id: &str) -> String {
    format!("/files/{}", segment(id))
}

/// A text as one segment of a path, or one value of a query.
fn segment(text: &str) -> String {
    let mut segment = String::new();
    for byte in text.bytes() {
        match byte {
            byte if byte.is_ascii_alphanumeric() || b"-_.~:".contains(&byte) => {
                segment.push(byte.into())
            }
            byte => segment.push_str(&format!("%{byte:02X}")),
        }
    }
    segment
}

/// `24h` or `7d` in hours.
pub(crate) fn hours(window: &str) -> Option<u64> {
    let number = |unit: char| window.strip_suffix(unit)?.parse::<u64>().ok();
    number('h').or_else(|| number('d')?.checked_mul(24))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn api(form: BatchForm) -> BatchApi {
        let text = str::to_owned;
        BatchApi {
            form,
            upload: text("/files"),
            purpose: text("batch"),
            url: text("/v1/chat/completions"),
            window: Some(text("24h")),
            one_model: true,
            most_requests: None,
            most_bytes: None,
        }
    }

    #[test]
    fn each_form_has_its_call() {
        let new = NewBatch { file: "f", model: Some("m"), window: Some("7d"), mark: "x" };
        for (form, path, body) in [
            (
                BatchForm::OpenAi,
                "/batches",
                r#"{"input_file_id":"f","endpoint":"/v1/chat/completions","completion_window":"7d","metadata":{"llm":"x"}}"#,
            ),
            (
                BatchForm::Mistral,
                "/batch/jobs",
                r#"{"input_files":["f"],"endpoint":"/v1/chat/completions","model":"m","metadata":{"llm":"x"},"timeout_hours":168}"#,
            ),
            (BatchForm::Xai, "/batches", r#"{"name":"llm-x","input_file_id":"f"}"#),
            (
                BatchForm::OpenRouter,
                "/batches",
                r#"{"endpoint":"/v1/chat/completions","model":"m","requests":[1]}"#,
            ),
        ] {
            let api = api(form);
            assert_eq!(api.path(), path);
            let made = Value::Object(api.create(&new, vec![json!(1)])).to_string();
            assert_eq!(made, body);
        }
        // No window (Zhipu).
        let none = NewBatch { window: None, ..new };
        assert!(
            !api(BatchForm::OpenAi).create(&none, Vec::new()).contains_key("completion_window")
        );
    }

    #[test]
    fn paths_hold_any_id() {
        let mistral = api(BatchForm::Mistral);
        assert_eq!(mistral.batch("a/b?c"), "/batch/jobs/a%2Fb%3Fc");
        assert_eq!(mistral.cancel("a").as_deref(), Some("/batch/jobs/a/cancel"));
        assert_eq!(mistral.list(None), "/batch/jobs?page_size=100");
        let xai = api(BatchForm::Xai);
        assert_eq!(xai.cancel("a").as_deref(), Some("/batches/a:cancel"));
        assert_eq!(
            xai.results("a", Some("p=")).as_deref(),
            Some("/batches/a/results?limit=1000&pagination_token=p%3D")
        );
        let openai = api(BatchForm::OpenAi);
        assert_eq!(openai.list(Some("一")), "/batches?limit=100&after=%E4%B8%80");
        assert_eq!(openai.results("a", None), None);
        assert_eq!(api(BatchForm::OpenRouter).cancel("a"), None);
        assert_eq!((content("f"), file("f")), ("/files/f/content".into(), "/files/f".into()));
        assert_eq!((hours("24h"), hours("7d"), hours("x")), (Some(24), Some(168), None));
    }
}
