//! Routes a request by its path to an endpoint, with its body parsed as JSON or as a form.

use serde_json::Value;

use super::multipart::{self, FormField};
use super::reply::{DemoReply, Stamp};
use super::transcriptions::{self, Task};
use super::{chat, embeddings, images, models, speech};

/// One request. `path` is without the query; `content_type` is empty without the header.
pub(crate) struct DemoRequest<'a> {
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    pub(crate) content_type: &'a str,
    pub(crate) body: &'a [u8],
}

/// The reply to one request: a 404 for an unknown path, a 405 for a wrong method, a 400 for a body that
/// can't be read.
pub(crate) fn answer(request: &DemoRequest<'_>, stamp: &Stamp) -> DemoReply {
    find(request, stamp).unwrap_or_else(|refusal| refusal)
}

fn find(request: &DemoRequest<'_>, stamp: &Stamp) -> Result<DemoReply, DemoReply> {
    let Some(endpoint) = request.path.strip_prefix("/v1/") else {
        return Err(unknown(request));
    };
    if let Some(name) = endpoint.strip_prefix("demo/images/") {
        request.check_method("GET")?;
        return images::file(name);
    }
    if let Some(id) = endpoint.strip_prefix("models/") {
        request.check_method("GET")?;
        return Ok(models::one(id, stamp));
    }
    match endpoint {
        "models" => request.check_method("GET").map(|()| models::list(stamp)),
        "chat/completions" => chat::answer(&request.json()?, stamp),
        "embeddings" => embeddings::answer(&request.json()?),
        "images/generations" => images::generate(&request.json()?, stamp),
        "images/edits" if multipart::boundary(request.content_type).is_none() => {
            images::edit_json(&request.json()?, stamp)
        }
        "images/edits" => images::edit_form(&request.form()?, stamp),
        "audio/speech" => speech::answer(&request.json()?),
        "audio/transcriptions" => transcriptions::answer(Task::Transcribe, &request.form()?),
        "audio/translations" => transcriptions::answer(Task::Translate, &request.form()?),
        _ => Err(unknown(request)),
    }
}

fn unknown(request: &DemoRequest<'_>) -> DemoReply {
    let message = format!("unknown request URL: {} {}", request.method, request.path);
    DemoReply::error(404, message, None, Some("unknown_url"))
}

impl<'a> DemoRequest<'a> {
    pub(super) fn check_method(&self, allowed: &'static str) -> Result<(), DemoReply> {
        if self.method == allowed {
            return Ok(());
        }
        let message = format!("{} is not allowed on {}, only {allowed}", self.method, self.path);
        let reply = DemoReply::error(405, message, None, Some("method_not_supported"));
        Err(DemoReply { allow: Some(allowed), ..reply })
    }

    pub(super) fn json(&self) -> Result<Value, DemoReply> {
        self.check_method("POST")?;
        match serde_json::from_slice(self.body) {
            Ok(Value::Object(fields)) => Ok(Value::Object(fields)),
            Ok(_) => Err(DemoReply::unreadable("the request body must be a JSON object")),
            Err(error) => {
                let message = format_args!("could not parse the JSON request body: {error}");
                Err(DemoReply::unreadable(message))
            }
        }
    }

    pub(super) fn form(&self) -> Result<Vec<FormField<'a>>, DemoReply> {
        self.check_method("POST")?;
        let boundary = multipart::boundary(self.content_type).ok_or_else(|| {
            DemoReply::unreadable("the request must be multipart/form-data with a boundary")
        })?;
        let broken =
            |reason| DemoReply::unreadable(format_args!("could not read the form: {reason}"));
        multipart::parse(self.body, &boundary).map_err(broken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(method: &str, path: &str, content_type: &str, body: &str) -> DemoReply {
        let stamp = Stamp { number: 1, created: 1_700_000_000, base: String::new() };
        answer(&DemoRequest { method, path, content_type, body: body.as_bytes() }, &stamp)
    }

    #[test]
    fn every_endpoint_is_found() {
        let posts = [
            "chat/completions",
            "embeddings",
            "images/generations",
            "images/edits",
            "audio/speech",
            "audio/transcriptions",
            "audio/translations",
        ];
        for endpoint in posts {
            let path = format!("/v1/{endpoint}");
            let form = if endpoint.starts_with("audio/tran") {
                "multipart/form-data; boundary=b"
            } else {
                ""
            };
            let body = if form.is_empty() { "{}" } else { "--b--" };
            let reply = ask("POST", &path, form, body);
            assert_eq!(reply.status, 400, "{endpoint}");
            let error = reply.into_json();
            assert_eq!(error["error"]["code"], "missing_required_parameter", "{endpoint}");
            let reply = ask("GET", &path, form, "");
            assert_eq!((reply.status, reply.allow), (405, Some("POST")), "{endpoint}");
        }
        assert_eq!(ask("GET", "/v1/models", "", "").status, 200);
        assert_eq!(ask("GET", "/v1/models/demo", "", "").status, 200);
        assert_eq!(ask("GET", "/v1/demo/images/16x16-0.png", "", "").status, 200);
        assert_eq!(ask("POST", "/v1/models", "", "").status, 405);
    }

    #[test]
    fn unknown_paths_are_a_404() {
        for path in ["/", "/v1", "/v1/", "/v2/models", "/v1/responses", "/v1/模型"] {
            let reply = ask("POST", path, "", "");
            assert_eq!((reply.status, reply.content_type), (404, "application/json"), "{path}");
        }
    }

    #[test]
    fn bodies_that_cannot_be_read_are_a_400() {
        let message = |reply: DemoReply| {
            assert_eq!(reply.status, 400);
            reply.into_json()["error"]["message"].as_str().expect("a message").to_owned()
        };
        assert!(
            message(ask("POST", "/v1/embeddings", "", "{\"input\""))
                .contains("could not parse the JSON request body")
        );
        assert!(message(ask("POST", "/v1/embeddings", "", "[]")).contains("must be a JSON object"));
        let path = "/v1/audio/transcriptions";
        assert!(
            message(ask("POST", path, "application/json", "{}"))
                .contains("multipart/form-data with a boundary")
        );
        let form = "multipart/form-data; boundary=b";
        assert!(
            message(ask("POST", path, form, "x")).contains("could not read the form: its boundary")
        );
    }
}
