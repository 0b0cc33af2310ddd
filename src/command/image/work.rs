//! What is asked for, once it is known: the request, and how its progress is shown.

use serde_json::{Map, Value};

use super::sources::Sources;
use crate::api::image::request::{self, EASES};
use crate::error::Failure;
use crate::exchange::Draft;
use crate::http::form::Piece;
use crate::http::request::{Body, Request};
use crate::io::Io;
use crate::output::progress::Progress;
use crate::provider::field_repair::FieldRepair;
use crate::provider::user_fields::UserFields;
use crate::provider::{Job, Provider};

/// What the run needs to know once the request is out.
pub(super) struct Work {
    pub(super) job: Job,
    pub(super) body: Map<String, Value>,
    pub(super) own: UserFields,
    pub(super) sources: Sources,
    pub(super) number: usize,
    pub(super) most: u64,
    pub(super) verbose: bool,
    pub(super) usage: bool,
}

impl Work {
    /// # Errors
    /// A picture that the service has no place for.
    pub(super) fn request(&self, provider: &Provider) -> Result<Request, Failure> {
        if provider.has_own_shape(self.job) {
            return provider.shape(self.job, &self.body, self.sources.attached());
        }
        if self.sources.is_empty() {
            return Ok(provider.post(self.job, self.body.clone()));
        }
        let mut parts = request::parts(&self.body);
        parts.extend(self.sources.parts());
        Ok(provider.post_form(self.job, parts))
    }

    /// # Errors
    /// As [`Work::request`].
    pub(super) fn draft(&self, provider: &Provider) -> Result<Draft, Failure> {
        let repair = FieldRepair::new(self.job, self.own.clone()).with_eases(&EASES);
        Ok(Draft { request: self.request(provider)?, repair: Some(repair) })
    }

    /// A bar for what goes out: the bytes of a form, else only that something is being waited for.
    pub(super) fn sending(&self, request: &Request, io: &Io) -> Option<Progress> {
        self.bar(|| match &request.body {
            Body::Form(form) => {
                let length = form.pieces().iter().map(Piece::length).sum();
                Progress::bytes("sending", Some(length), io)
            }
            _ => Progress::waiting("drawing", io),
        })
    }

    /// A bar, unless the exchange is shown: its lines and a bar would tear each other.
    pub(super) fn bar(&self, bar: impl FnOnce() -> Progress) -> Option<Progress> {
        (!self.verbose).then(bar)
    }
}
