//! A service's Batch API as its profile has it: the form, the paths, the limits.

use super::{Job, Provider, RequestLimit};
use crate::config::schema::Word as _;
use crate::http::form::FormPart;
use crate::http::request::{Body, Method, Request};

pub(crate) use crate::config::schema::BatchForm;

/// What a profile says of its service's Batch API.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct BatchApi {
    pub(crate) form: BatchForm,
    /// The path that files are uploaded to, and what they are said to be for.
    pub(crate) upload: String,
    pub(crate) purpose: String,
    /// The endpoint of rows, as it stands in their lines.
    pub(crate) url: String,
    /// The time in which a batch is to be done; none where the service takes none.
    pub(crate) window: Option<String>,
    /// All rows of a file name the same model.
    pub(crate) one_model: bool,
    pub(crate) most_requests: Option<u64>,
    pub(crate) most_bytes: Option<u64>,
}

impl Provider {
    /// The service's Batch API, if the profile says that it has one.
    pub(crate) fn batch_api(&self) -> Option<BatchApi> {
        let fields = &self.profile.batch;
        let text = |name: &str| fields.get(name)?.value.as_str();
        let or = |name: &str, usual: &str| text(name).unwrap_or(usual).to_owned();
        // A profile that says anything of it says that there is one.
        fields.iter().next()?;
        Some(BatchApi {
            // The reader lets only known forms in.
            form: text("form").and_then(BatchForm::of).unwrap_or(BatchForm::OpenAi),
            upload: or("upload", "/files"),
            purpose: or("purpose", "batch"),
            url: or("url", "/v1/chat/completions"),
            window: Some(or("window", "24h")).filter(|window| !window.is_empty()),
            one_model: fields.get("one_model").is_none_or(|field| field.value != false),
            most_requests: self.limit(RequestLimit::BatchRequests),
            most_bytes: self.limit(RequestLimit::BatchBytes),
        })
    }

    /// A request to a path behind the base URL, as the service's chat is asked.
    pub(crate) fn request_at(&self, method: Method, path: &str, body: Body) -> Request {
        let mut request = self.get(Job::Chat);
        request.method = method;
        request.url = self.behind_base(path);
        if matches!(body, Body::Json(_)) {
            let json = crate::http::request::Header::public("Content-Type", "application/json");
            request.headers.insert(0, json);
            request.headers = super::resolved::unique(request.headers);
        }
        request.body = body;
        request
    }

    /// A POST of a form to a path behind the base URL.
    pub(crate) fn form_at(&self, path: &str, parts: Vec<FormPart>) -> Request {
        let form = crate::http::form::Form::new(parts);
        self.request_at(Method::Post, path, Body::Form(form))
    }
}
