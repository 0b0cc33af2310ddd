//! What is asked for, once it is known: the request, and how its progress is shown.

use serde_json::{Map, Value};

use super::options::ImageOptions;
use super::sources::SourcePictures;
use crate::api::image::request::{self, EASES};
use crate::error::Failure;
use crate::exchange::Draft;
use crate::http::form::BytePiece;
use crate::http::request::{Body, Request};
use crate::io::Io;
use crate::output::progress::Progress;
use crate::provider::user_fields::UserFields;
use crate::provider::{Job, Provider};

/// Names of the number of pictures: the specification's, and those of services, which their rules or `-O`
/// put in its place.
const NUMBER_FIELDS: [&str; 8] = [
    "n",
    "batch_size",
    "num_images",
    "num_outputs",
    "num_images_per_prompt",
    "number_of_images",
    "sampleCount",
    "max_images",
];

/// One request for pictures.
pub(super) struct ImageWork {
    pub(super) job: Job,
    pub(super) body: Map<String, Value>,
    /// Which fields of the body are the user's.
    pub(super) user_fields: UserFields,
    pub(super) sources: SourcePictures,
    pub(super) options: ImageOptions,
}

impl ImageWork {
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
    /// As [`ImageWork::request`].
    pub(super) fn draft(&self, provider: &Provider) -> Result<Draft, Failure> {
        let request = self.request(provider)?;
        Ok(Draft::repairable(request, self.job, self.user_fields.clone()).with_eases(&EASES))
    }

    /// How many pictures the request asks for: at its top, or among the parameters of a shape that keeps
    /// them apart.
    ///
    /// # Errors
    /// As [`ImageWork::request`].
    pub(super) fn number(&self, provider: &Provider) -> Result<usize, Failure> {
        let request = self.request(provider)?;
        let fields = request.body.fields().unwrap_or(&self.body);
        let inner = fields.values().filter_map(Value::as_object);
        let of = |fields: &Map<String, Value>| {
            NUMBER_FIELDS.iter().find_map(|name| fields.get(*name)?.as_u64())
        };
        let number = std::iter::once(fields).chain(inner).find_map(of);
        Ok(number.and_then(|number| usize::try_from(number).ok()).unwrap_or(1).max(1))
    }

    /// A bar for what goes out: the bytes of a form, else only that something is being waited for.
    pub(super) fn sending(request: &Request, io: &Io) -> Progress {
        match &request.body {
            Body::Form(form) => {
                let length = form.pieces().iter().map(BytePiece::length).sum();
                Progress::bytes("sending", Some(length), io)
            }
            _ => Progress::waiting("drawing", io),
        }
    }
}
