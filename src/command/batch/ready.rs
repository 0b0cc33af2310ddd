//! `--rows requests`: rows that are requests already, as `batch make` and others write them.

use serde_json::{Map, Value};

use super::source::NumberedRow;
use crate::cli::batch::BatchRowArgs;
use crate::error::Failure;
use crate::provider::{ServiceOptions, Setting, set_field};

/// What has no place in a batch: answers come whole.
pub(super) const OF_STREAMS: [&str; 2] = ["stream", "stream_options"];

/// What is changed of requests that are made already.
#[derive(Debug, Clone)]
pub(super) struct ReadyRequests {
    /// `-m`, in place of their own.
    model: Option<String>,
    /// `-O`.
    settings: Vec<Setting>,
}

impl ReadyRequests {
    /// With what the user says of all of them.
    ///
    /// # Errors
    /// Exit 2: a flag that would make them other requests.
    pub(super) fn new(args: &BatchRowArgs, service: &ServiceOptions) -> Result<Self, Failure> {
        let flags = [
            (!args.prompt.is_empty(), "a prompt"),
            (args.template.is_some(), "--prompt"),
            (!args.var.is_empty(), "--var"),
            (args.system.is_some(), "--system"),
            (args.temperature.is_some(), "--temperature"),
            (args.top_p.is_some(), "--top-p"),
            (args.max_tokens.is_some(), "--max-tokens"),
            (args.seed.is_some(), "--seed"),
            (!args.stop.is_empty(), "--stop"),
            (args.reasoning_effort.is_some(), "--reasoning-effort"),
            (args.schema.is_some(), "--schema"),
            (
                args.file.iter().any(|path| path.to_string_lossy().contains("{{")),
                "-f with a column",
            ),
        ];
        if let Some((_, flag)) = flags.iter().find(|(is_given, _)| *is_given) {
            let what =
                format!("--rows requests takes whole requests, and {flag} has no place in them");
            return Err(Failure::usage(what).hint("-O KEY=VALUE sets a field of each"));
        }
        Ok(Self { model: service.model.clone(), settings: service.settings.clone() })
    }

    /// The model that a row asks for itself: that of the run where the user names none.
    pub(super) fn model_of(row: &NumberedRow) -> Option<String> {
        row.row.get("body")?.get("model")?.as_str().map(str::to_owned)
    }

    /// The body of a row.
    ///
    /// # Errors
    /// Exit 2: it has none, or is one for another endpoint.
    pub(super) fn body(&self, row: &NumberedRow) -> Result<Map<String, Value>, Failure> {
        let Some(Value::Object(mut body)) = row.row.get("body") else {
            let columns = row.row.columns().join(", ");
            return Err(Failure::usage(format!("{} has no `body` that is an object", row.place()))
                .hint(format!(
                    "it has {columns}; without --rows requests the columns are for a prompt"
                )));
        };
        let url = row.row.text("url").unwrap_or_default();
        if !url.is_empty() && !url.ends_with("/chat/completions") {
            let what = format!(
                "{} is a request for {url}, and only those of chat can be asked",
                row.place()
            );
            return Err(Failure::usage(what));
        }
        if let Some(model) = &self.model {
            body.insert("model".to_owned(), model.as_str().into());
        }
        self.settings.iter().for_each(|setting| set_field(&mut body, setting));
        OF_STREAMS.iter().for_each(|name| drop(body.shift_remove(*name)));
        Ok(body)
    }

    /// What it does to the requests, for a fingerprint.
    pub(super) fn properties(&self) -> String {
        format!("requests {:?}", (&self.model, &self.settings))
    }
}
