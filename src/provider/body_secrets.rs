//! Which texts of a request's body must not be shown. Knows no requests.

use serde_json::Value;

use super::{Job, Provider};
use crate::http::request::BodySecret;
use crate::secret::{Secret, is_secret_field};

impl Provider {
    /// The texts among the profile's request fields and those of `-O` that are secrets.
    pub(super) fn body_secrets(&self, job: Job) -> Vec<BodySecret> {
        let fields = job.request_fields(&self.profile).into_iter();
        let fields = fields.flat_map(|(_, fields)| fields.iter());
        let fields = fields.map(|(name, field)| (name.to_owned(), &field.value));
        let settings = self.settings.iter();
        let settings = settings.map(|setting| (setting.path.join("."), &setting.value));
        let secret = |(name, value): (String, &Value)| {
            let text = value.as_str().filter(|text| is_secret_field(&name, text))?;
            Some(BodySecret { name, secret: Secret::new(text) })
        };
        fields.chain(settings).filter_map(secret).collect()
    }
}
