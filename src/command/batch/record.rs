//! An answered row as it is written: a line of jsonl, a record of CSV, or a line of a Batch API's output.

use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::outcome::{RowError, RowOutcome};
use super::source::NumberedRow;
use super::survey::{RowIds, RowSurvey};
use crate::cli::batch::AnswerFormat;
use crate::error::Failure;
use crate::input::rows::Row;

/// The usual name of the column of answers.
const ANSWER: &str = "answer";

/// The member that names a row where it has none of that name.
const ID: &str = "id";

/// How answers are written.
#[derive(Debug, Clone)]
pub(super) struct AnswerStyle {
    pub(super) format: AnswerFormat,
    pub(super) names: AnswerNames,
    /// The tokens of each row are written too.
    shows_usage: bool,
    ids: RowIds,
    /// The columns of the rows, for a head.
    columns: Vec<String>,
}

/// Where answers stand in an output, as it has to be known to read them back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct AnswerPlaces {
    pub(super) format: AnswerFormat,
    pub(super) names: AnswerNames,
}

/// What our own columns are called.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct AnswerNames {
    pub(super) answer: String,
    pub(super) error: String,
    pub(super) finish_reason: String,
    pub(super) usage: String,
}

/// The format that is meant.
///
/// # Errors
/// Exit 2: `--json`, `--format` and the ending of the output contradict each other.
pub(super) fn format(
    typed: Option<AnswerFormat>,
    is_json: bool,
    output: Option<&Path>,
) -> Result<AnswerFormat, Failure> {
    let typed = match (typed, is_json) {
        (Some(other @ (AnswerFormat::Jsonl | AnswerFormat::Csv)), true) => {
            let name = name(other);
            return Err(Failure::usage(format!("--json is --format openai and no {name}")));
        }
        (_, true) => Some(AnswerFormat::Openai),
        (typed, false) => typed,
    };
    let ending = output.and_then(Path::extension).and_then(|ending| ending.to_str());
    let told = match ending.map(str::to_ascii_lowercase).as_deref() {
        Some("csv") => Some(AnswerFormat::Csv),
        Some("jsonl" | "ndjson") => Some(AnswerFormat::Jsonl),
        _ => None,
    };
    match (typed, told) {
        // The lines of a Batch API are JSON lines as well.
        (Some(AnswerFormat::Openai), Some(AnswerFormat::Jsonl)) => Ok(AnswerFormat::Openai),
        (Some(typed), Some(told)) if typed != told => {
            let path = output.map(|path| path.display().to_string()).unwrap_or_default();
            let (typed, told) = (name(typed), name(told));
            let what = format!("the format {typed} contradicts the ending of {path}");
            Err(Failure::usage(format!("{what}, which is {told}'s")))
        }
        (typed, told) => Ok(typed.or(told).unwrap_or(AnswerFormat::Jsonl)),
    }
}

fn name(format: AnswerFormat) -> &'static str {
    match format {
        AnswerFormat::Jsonl => "jsonl",
        AnswerFormat::Csv => "csv",
        AnswerFormat::Openai => "openai",
    }
}

impl AnswerStyle {
    /// For these rows. `answer_column` is the user's name for the column of answers.
    ///
    /// # Errors
    /// Exit 2: the rows have a column of that name.
    pub(super) fn new(
        format: AnswerFormat,
        answer_column: Option<&str>,
        shows_usage: bool,
        survey: &RowSurvey,
    ) -> Result<Self, Failure> {
        let answer = answer_column.unwrap_or(ANSWER);
        let has = |name: &str| survey.columns.iter().any(|column| column == name);
        let taken = match answer_column {
            _ if format == AnswerFormat::Openai => None,
            Some(answer) => has(answer).then_some(answer),
            None => [ANSWER, "error"].into_iter().find(|name| has(name)),
        };
        if let Some(taken) = taken {
            let message = format!("the rows have a column `{taken}` of their own");
            return Err(Failure::usage(message)
                .hint("--answer-column NAME gives the answers another column"));
        }
        if answer == ID && format == AnswerFormat::Jsonl && !has(ID) {
            let what = "`id` names the rows, so the answers can't have a column of that name";
            return Err(Failure::usage(what));
        }
        let free = |name: &str| {
            let mut free = name.to_owned();
            while has(&free) || free == answer {
                free = format!("{answer}_{free}");
            }
            free
        };
        let names = AnswerNames {
            answer: answer.to_owned(),
            error: free("error"),
            finish_reason: free("finish_reason"),
            usage: free("usage"),
        };
        let (ids, columns) = (survey.ids.clone(), survey.columns.clone());
        Ok(Self { format, names, shows_usage, ids, columns })
    }

    /// Where answers stand.
    pub(super) fn places(&self) -> AnswerPlaces {
        AnswerPlaces { format: self.format, names: self.names.clone() }
    }

    /// Whether a line of an output in this style is of this row, as far as what stands before its answer
    /// tells. A line of a Batch API's form has the row's name at most.
    pub(super) fn has_line(&self, row: &NumberedRow, line: &[u8]) -> bool {
        if self.format == AnswerFormat::Openai {
            #[derive(Deserialize)]
            struct Named<'a> {
                custom_id: std::borrow::Cow<'a, str>,
            }
            let named = serde_json::from_slice::<Named<'_>>(line);
            let has_name = |named: Named<'_>| named.custom_id == self.ids.custom_id(row);
            return matches!(self.ids, RowIds::Column(_, true)) && named.is_ok_and(has_name);
        }
        let mut own = Vec::new();
        self.push(row, &RowOutcome::default(), &mut own);
        let own = own.strip_suffix(b"null}\n").unwrap_or(&own);
        line.starts_with(own)
    }

    /// Whether a record of CSV in this style is of this row, as far as its own columns tell.
    pub(super) fn has_record(&self, row: &NumberedRow, record: &Row) -> bool {
        self.columns.iter().all(|name| {
            let own = row.row.text(name).unwrap_or_default();
            record.text(name).is_some_and(|cell| cell == own)
        })
    }

    /// What stands before all rows.
    pub(super) fn head(&self) -> Vec<u8> {
        let mut out = Vec::new();
        if self.format == AnswerFormat::Csv {
            let ours = [&self.names.answer, &self.names.error];
            push_record(self.columns.iter().chain(ours).map(|name| &**name), &mut out);
        }
        out
    }

    /// Adds a row with what came of it.
    pub(super) fn push(&self, row: &NumberedRow, outcome: &RowOutcome, out: &mut Vec<u8>) {
        match self.format {
            AnswerFormat::Jsonl => self.push_jsonl(row, outcome, out),
            AnswerFormat::Csv => self.push_csv(row, outcome, out),
            AnswerFormat::Openai => {
                let custom_id = self.ids.custom_id(row);
                push_openai(row.number, &custom_id, outcome, out);
            }
        }
    }

    fn push_jsonl(&self, row: &NumberedRow, outcome: &RowOutcome, out: &mut Vec<u8>) {
        let mut line = JsonLine { out, has_member: false };
        let id_column = self.ids.column();
        // A row's own `id` stays what it is.
        let is_id = id_column == Some(ID);
        if is_id || !row.row.has(ID) {
            match id_column.and_then(|column| row.row.exact(column)) {
                Some(json) => line.raw(ID, json),
                None => line.member(ID, &self.ids.id(row)),
            }
        }
        let is_own = |name: &str| !(is_id && name == ID);
        match &row.row {
            Row::Line(text) => line.text(crate::input::rows::LINE_COLUMN, text),
            Row::Object(object) => {
                let own = object.iter().filter(|(name, _)| is_own(name));
                own.for_each(|(name, value)| match object.exact(name) {
                    Some(json) => line.raw(name, json),
                    None => line.member(name, value),
                });
            }
            Row::Cells(cells, head) => {
                let own = head.iter().zip(cells).filter(|(name, _)| is_own(name));
                own.for_each(|(name, cell)| line.text(name, cell));
            }
        }
        let answer = outcome.answer.as_ref().map_or("null", |answer| answer.get());
        line.raw(&self.names.answer, answer);
        if let Some(reason) = &outcome.finish_reason {
            line.text(&self.names.finish_reason, reason);
        }
        if let Some(usage) = outcome.usage.as_ref().filter(|_| self.shows_usage) {
            line.raw(&self.names.usage, usage.get());
        }
        if let Some(error) = &outcome.error {
            line.member(&self.names.error, &json!(error));
        }
        line.out.extend_from_slice(b"}\n");
    }

    fn push_csv(&self, row: &NumberedRow, outcome: &RowOutcome, out: &mut Vec<u8>) {
        let cell = |name: &String| row.row.text(name).unwrap_or_default().into_owned();
        let mut cells: Vec<String> = self.columns.iter().map(cell).collect();
        cells.push(answer_text(outcome));
        cells.push(outcome.error.as_ref().map(error_text).unwrap_or_default());
        push_record(cells.iter().map(|cell| &**cell), out);
    }
}

/// An answer as text: of one that is JSON the JSON.
fn answer_text(outcome: &RowOutcome) -> String {
    let Some(answer) = &outcome.answer else { return String::new() };
    let text = serde_json::from_str::<String>(answer.get());
    text.unwrap_or_else(|_| answer.get().to_owned())
}

fn error_text(error: &RowError) -> String {
    format!("{}: {}", error.kind.words(), error.message)
}

/// A JSON object that is written member by member.
struct JsonLine<'o> {
    out: &'o mut Vec<u8>,
    has_member: bool,
}

impl JsonLine<'_> {
    fn name(&mut self, name: &str) {
        self.out.push(if std::mem::replace(&mut self.has_member, true) { b',' } else { b'{' });
        self.text_alone(name);
        self.out.push(b':');
    }

    fn text_alone(&mut self, text: &str) {
        // Memory takes all, and a text always serialises.
        let _ = serde_json::to_writer(&mut *self.out, text);
    }

    fn text(&mut self, name: &str, text: &str) {
        self.name(name);
        self.text_alone(text);
    }

    fn member(&mut self, name: &str, value: &Value) {
        self.name(name);
        let _ = serde_json::to_writer(&mut *self.out, value);
    }

    fn raw(&mut self, name: &str, json: &str) {
        self.name(name);
        self.out.extend_from_slice(json.as_bytes());
    }
}

/// A line as a Batch API writes it. A reply that failed stands in `response`, as those do; `error` is for
/// rows without a reply.
fn push_openai(number: u64, custom_id: &str, outcome: &RowOutcome, out: &mut Vec<u8>) {
    let mut line = JsonLine { out, has_member: false };
    line.text("id", &format!("batch_req_{number}"));
    line.text("custom_id", custom_id);
    match (&outcome.reply, &outcome.error) {
        (Some(reply), _) => {
            line.name("response");
            let mut response = JsonLine { out: line.out, has_member: false };
            response.member("status_code", &reply.status.into());
            response.member("request_id", &json!(reply.request_id));
            response.raw("body", reply.body.get());
            response.out.push(b'}');
            line.raw("error", "null");
        }
        (None, Some(RowError { kind, status: Some(status), message })) => {
            let error = json!({"message": message, "code": kind.name()});
            let body = json!({"error": error});
            line.member(
                "response",
                &json!({"status_code": status, "request_id": null, "body": body}),
            );
            line.raw("error", "null");
        }
        (None, error) => {
            line.raw("response", "null");
            let error = error
                .as_ref()
                .map(|error| json!({"code": error.kind.name(), "message": error.message}));
            line.member("error", &json!(error));
        }
    }
    line.out.extend_from_slice(b"}\n");
}

/// A record of CSV (RFC 4180), with LF behind it.
fn push_record<'c>(cells: impl Iterator<Item = &'c str>, out: &mut Vec<u8>) {
    for (index, cell) in cells.enumerate() {
        if index > 0 {
            out.push(b',');
        }
        if !cell.contains(['"', ',', '\n', '\r']) {
            out.extend_from_slice(cell.as_bytes());
            continue;
        }
        out.push(b'"');
        out.extend_from_slice(cell.replace('"', "\"\"").as_bytes());
        out.push(b'"');
    }
    out.push(b'\n');
}

#[cfg(test)]
mod tests;
