//! The requests of all rows as lines, for `vllm run-batch` and Batch APIs.

use serde_json::{Map, Value};

use super::attach;
use super::ready::OF_STREAMS;
use super::request::RowRequests;
use super::setup::RowSetup;
use super::source::NumberedRow;
use super::survey::RowSurvey;
use crate::api::batch::check;
use crate::command::chat::SilentCuts;
use crate::error::{Failure, FailureKind, reason};
use crate::http::request::Body;
use crate::io::Io;

/// A row's request.
pub(super) struct RowLine<'a> {
    pub(super) row: &'a NumberedRow,
    pub(super) custom_id: String,
    pub(super) body: Map<String, Value>,
}

impl RowLine<'_> {
    /// The model that is asked.
    pub(super) fn model(&self) -> &str {
        self.body.get("model").and_then(Value::as_str).unwrap_or_default()
    }

    /// Fails for a request that `vllm run-batch` would not read.
    ///
    /// # Errors
    /// Exit 2, with the row and the field.
    pub(super) fn check(&self) -> Result<(), Failure> {
        // That of /responses is another one, which is refused row by row there.
        let is_other = self.body.contains_key("input") && !self.body.contains_key("messages");
        let Some(bad) = check::bad_field(&self.body).filter(|_| !is_other) else { return Ok(()) };
        let what = format!(
            "the request of {} can't be used: `{}` {}",
            self.row.place(),
            bad.field,
            bad.problem
        );
        Err(Failure::usage(what)
            .hint("one such line ends the whole run of `vllm run-batch`; `--dry-run` shows the first request"))
    }
}

/// Hands the request of every row to `each`, in the order of the rows.
///
/// # Errors
/// Exit 2: a row that can't be asked; and those of `each`.
pub(super) fn each(
    setup: &RowSetup,
    requests: &RowRequests,
    survey: &RowSurvey,
    io: &mut Io,
    each: &mut dyn FnMut(RowLine<'_>, &mut Io) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let made = requests.made();
    let mut rows = setup.files.rows();
    while let Some(row) = rows.next()? {
        let question = setup.template.fill(&row)?;
        let items = attach::items(&row, &question, io)?;
        let body = match items.is_empty() {
            true => made.filled(&question),
            false => {
                let mut question = requests.question(&question, items, &setup.provider)?;
                let draft = question.draft(&setup.provider, &mut SilentCuts::default());
                whole(draft.into_request().body, &row)?
            }
        };
        let Value::Object(mut body) = body else { continue };
        OF_STREAMS.iter().for_each(|name| drop(body.shift_remove(*name)));
        let custom_id = survey.ids.custom_id(&row);
        each(RowLine { row: &row, custom_id, body }, io)?;
    }
    Ok(())
}

/// A body with its files in it.
fn whole(body: Body, row: &NumberedRow) -> Result<Value, Failure> {
    let bytes = body.whole().map_err(|error| {
        let what = format!("{}: cannot read what goes along: {}", row.place(), reason(&error));
        Failure::new(FailureKind::Usage, what)
    })?;
    serde_json::from_slice(&bytes)
        .map_err(|_| Failure::usage(format!("{}: the request is no JSON", row.place())))
}
