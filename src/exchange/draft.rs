//! A request as an operation makes it, and what may be changed of it.

use crate::http::request::Request;
use crate::provider::Job;
use crate::provider::field_repair::FieldRepair;
use crate::provider::user_fields::UserFields;

/// A request that is not sent yet.
pub(crate) struct Draft {
    pub(super) request: Request,
    /// What repairs a field of it that the service refuses.
    pub(super) repair: Option<FieldRepair>,
    /// Each time that it is carried out is paid for, and nothing tells the service that two are one.
    pub(super) is_charged: bool,
}

impl Draft {
    /// A request of which a field that the service refuses may be changed. `user_fields` tells which
    /// are the user's, as [`crate::provider::Provider::compose`] gives it.
    pub(crate) fn repairable(request: Request, job: Job, user_fields: UserFields) -> Self {
        let is_charged = matches!(job, Job::Image | Job::ImageEdit | Job::Speak);
        Self { request, repair: Some(FieldRepair::new(job, user_fields)), is_charged }
    }

    /// Names fields that are sent for our own ease: of these the first that a refusal names is left
    /// out, whatever the refusal's words and status are.
    pub(crate) fn with_eases(mut self, eases: &'static [&'static str]) -> Self {
        self.repair = self.repair.map(|repair| repair.with_eases(eases));
        self
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
