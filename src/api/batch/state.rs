//! What a service says of a batch: its state in any form, the id of an upload, a page of results.

use serde_json::Value;

/// A batch as its service tells it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct BatchState {
    pub(crate) id: String,
    pub(crate) phase: BatchPhase,
    /// The service's own word for it, in small letters.
    pub(crate) word: String,
    pub(crate) total: Option<u64>,
    /// Rows that are through, the failed ones among them.
    pub(crate) done: Option<u64>,
    pub(crate) failed: Option<u64>,
    /// How far it is in percent, where rows are not counted.
    pub(crate) percent: Option<u64>,
    pub(crate) input_file: Option<String>,
    pub(crate) output_file: Option<String>,
    pub(crate) error_file: Option<String>,
    /// Why the file was refused, or what went wrong most.
    pub(crate) problems: Vec<BatchProblem>,
    /// Which of our batches it is.
    pub(crate) mark: Option<String>,
}

/// How far a batch is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BatchPhase {
    /// Its file is still being looked at.
    Checking,
    Running,
    Completed,
    /// Its file was refused.
    Failed,
    Expired,
    Cancelled,
}

/// Something that the service says is wrong.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct BatchProblem {
    /// A line of the file, from 1.
    pub(crate) line: Option<u64>,
    pub(crate) code: Option<String>,
    pub(crate) message: String,
}

impl BatchPhase {
    /// Whether nothing more is to come.
    pub(crate) fn is_over(self) -> bool {
        !matches!(self, Self::Checking | Self::Running)
    }

    /// An unknown word counts as running.
    fn of(word: &str) -> Self {
        match word {
            "validating" | "queued" | "pending" | "created" | "submitted" => Self::Checking,
            "completed" | "success" | "succeeded" | "ended" | "done" => Self::Completed,
            "failed" | "error" => Self::Failed,
            "expired" | "timeout_exceeded" | "timed_out" => Self::Expired,
            "cancelled" | "canceled" => Self::Cancelled,
            _ => Self::Running,
        }
    }
}

impl BatchProblem {
    /// `line 2: duplicate_custom_id: …`
    pub(crate) fn words(&self) -> String {
        let line = self.line.map(|line| format!("line {line}: ")).unwrap_or_default();
        let code = self.code.as_ref().map(|code| format!("{code}: ")).unwrap_or_default();
        format!("{line}{code}{}", self.message)
    }
}

/// Reads a batch; `None` if the value is none.
pub(crate) fn read(value: &Value) -> Option<BatchState> {
    let batch = unwrapped(value)?;
    let id = id_of(batch)?;
    let counts = batch.get("request_counts").or_else(|| batch.get("state")).unwrap_or(batch);
    let count = |names: &[&str]| names.iter().find_map(|name| counts.get(*name)?.as_u64());
    let total = count(&["total", "num_requests", "total_requests"]);
    let failed = count(&["failed", "num_error", "failed_requests"]);
    let good = count(&["completed", "num_success", "succeeded_requests", "succeeded"]);
    let done = good.map(|good| good + failed.unwrap_or(0) + count(&["num_cancelled"]).unwrap_or(0));
    let mut problems = problems(batch);
    let (word, phase) = match batch.get("status").and_then(Value::as_str) {
        Some(word) => (word.to_lowercase(), BatchPhase::of(&word.to_lowercase())),
        // xAI tells numbers alone.
        None => {
            let stopped = batch.get("cancel_by_xai_message").and_then(Value::as_str);
            problems.extend(stopped.map(|message| problem(None, None, message)));
            let is_through = total > Some(0) && count(&["num_pending"]) == Some(0);
            let (word, phase) = match () {
                () if stopped.is_some() => ("failed", BatchPhase::Failed),
                () if is_through && !is_null(batch, "cancel_time") => {
                    ("cancelled", BatchPhase::Cancelled)
                }
                () if is_through => ("completed", BatchPhase::Completed),
                // Its file is still to be read.
                () if total.unwrap_or(0) == 0 => ("in_progress", BatchPhase::Checking),
                () => ("in_progress", BatchPhase::Running),
            };
            (word.to_owned(), phase)
        }
    };
    let file = |names: [&str; 2]| names.iter().find_map(|name| text(batch.get(*name)?));
    let name = batch.get("name").and_then(Value::as_str);
    let mark = batch.pointer("/metadata/llm").and_then(Value::as_str);
    Some(BatchState {
        id,
        phase,
        word,
        total: total.filter(|total| *total > 0),
        done,
        failed,
        percent: batch.get("progress").and_then(Value::as_f64).map(|percent| percent as u64),
        input_file: file(["input_file_id", "input_file"]),
        output_file: file(["output_file_id", "output_file"]),
        error_file: file(["error_file_id", "error_file"]),
        problems,
        mark: mark.or(name.and_then(|name| name.strip_prefix("llm-"))).map(str::to_owned),
    })
}

/// The id of an uploaded file, and its state where that is told; SiliconFlow wraps its answer.
pub(crate) fn file(value: &Value) -> Option<(String, Option<String>)> {
    let file = unwrapped(value)?;
    Some((id_of(file)?, file.get("status").and_then(text)))
}

/// The batches of a list, and whether there are more behind the last one.
pub(crate) fn list(value: &Value) -> Option<(Vec<BatchState>, bool)> {
    let entries = ["data", "batches"].iter().find_map(|name| value.get(*name)?.as_array());
    let entries = entries.or(value.as_array());
    // An empty list may be null.
    if entries.is_none() && value.get("data").is_none_or(|data| !data.is_null()) {
        return None;
    }
    let batches = entries.into_iter().flatten().filter_map(read).collect();
    Some((batches, value.get("has_more") == Some(&Value::Bool(true))))
}

/// The results that stand in a page, and the sign for the next one.
pub(crate) fn page(value: &Value) -> Option<(&[Value], Option<&str>)> {
    let place = value.get("data").filter(|data| data.is_object()).unwrap_or(value);
    let results = place.get("results")?.as_array()?;
    let next = place.get("pagination_token").and_then(Value::as_str);
    Some((results, next.filter(|next| !next.is_empty())))
}

fn unwrapped(value: &Value) -> Option<&Value> {
    let inner = ["job", "data", "batch"].iter().filter_map(|name| value.get(*name));
    [value].into_iter().chain(inner).find(|value| id_of(value).is_some())
}

fn id_of(value: &Value) -> Option<String> {
    ["id", "batch_id", "file_id"].iter().find_map(|name| text(value.get(*name)?))
}

fn text(value: &Value) -> Option<String> {
    value.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
}

fn is_null(value: &Value, name: &str) -> bool {
    value.get(name).is_none_or(Value::is_null)
}

fn problem(line: Option<u64>, code: Option<String>, message: &str) -> BatchProblem {
    BatchProblem { line, code, message: message.to_owned() }
}

/// `errors.data` (OpenAI), `errors` with counts (Mistral), `error` as a text (Together) or an object.
fn problems(batch: &Value) -> Vec<BatchProblem> {
    let errors = batch.get("errors");
    let listed = errors.and_then(|errors| errors.get("data").unwrap_or(errors).as_array());
    let listed = listed.into_iter().flatten();
    let one = batch.get("error").into_iter();
    let read = |entry: &Value| {
        let message = entry.as_str().or_else(|| entry.get("message")?.as_str()).unwrap_or_default();
        let code = entry.get("code").and_then(text);
        let line = entry.get("line").and_then(Value::as_u64);
        let count = entry.get("count").and_then(Value::as_u64);
        let times = count.map(|count| format!(" ({count} times)")).unwrap_or_default();
        let is_empty = message.is_empty() && code.is_none();
        (!is_empty).then(|| problem(line, code, &format!("{message}{times}")))
    };
    listed.chain(one).filter_map(read).collect()
}

#[cfg(test)]
mod tests;
