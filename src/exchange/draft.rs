//! A request as an operation makes it, and what may be changed of it.

use std::sync::Arc;

use crate::http::request::{Body, Request};
use crate::provider::Job;
use crate::provider::field_repair::FieldRepair;
use crate::provider::user_fields::UserFields;

/// A request that is not sent yet.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    pub(super) request: Request,
    /// What repairs a field of it that the service refuses.
    pub(super) repair: Option<Arc<FieldRepair>>,
    /// Each time that it is carried out is paid for, and nothing tells the service that two are one.
    pub(super) is_charged: bool,
}

impl Draft {
    /// A request of which a field that the service refuses may be changed. `user_fields` tells which
    /// are the user's, as [`crate::provider::Provider::compose`] gives it.
    pub(crate) fn repairable(request: Request, job: Job, user_fields: UserFields) -> Self {
        let is_charged = matches!(job, Job::Image | Job::ImageEdit | Job::Speak);
        let repair = FieldRepair::new(job, request.url.path(), user_fields);
        Self { request, repair: Some(Arc::new(repair)), is_charged }
    }

    /// A request that is paid for each time that it is carried out.
    pub(crate) fn charged(request: Request) -> Self {
        Self { is_charged: true, ..request.into() }
    }

    /// Names fields that are sent for our own ease: of these the first that a refusal names is left
    /// out, whatever the refusal's words and status are.
    pub(crate) fn with_eases(mut self, eases: &'static [&'static str]) -> Self {
        self.repair =
            self.repair.map(|repair| Arc::new(Arc::unwrap_or_clone(repair).with_eases(eases)));
        self
    }

    /// The same request with another body, which differs in what is asked and in no field.
    pub(crate) fn with_body(&self, body: Body) -> Self {
        let Request { method, url, headers, body_secrets, .. } = &self.request;
        let request = Request {
            method: *method,
            url: url.clone(),
            headers: headers.clone(),
            body,
            body_secrets: body_secrets.clone(),
        };
        Self { request, repair: self.repair.clone(), is_charged: self.is_charged }
    }

    /// The request as it stands.
    pub(crate) fn request(&self) -> &Request {
        &self.request
    }

    /// The request, to be shown.
    pub(crate) fn into_request(self) -> Request {
        self.request
    }
}

impl From<Request> for Draft {
    fn from(request: Request) -> Self {
        Self { request, repair: None, is_charged: false }
    }
}
