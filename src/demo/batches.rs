//! `/v1/files` and `/v1/batches`: a Batch API that answers its rows as the chat endpoint does. A batch
//! is a file of what was asked for; what became of it follows from its age.

mod rows;

use serde_json::{Value, json};

use super::faults::Faults;
use super::fields::{field, text};
use super::multipart;
use super::reply::{DemoReply, Stamp};
use super::route::DemoRequest;
use super::shelf::Shelf;
use rows::Rows;

/// The seconds that a batch is looked at, and those after which it is done.
const VALIDATING: u64 = 1;
const DONE: u64 = 2;

/// The path of rows.
const ENDPOINT: &str = "/v1/chat/completions";

/// The reply to a request to one of these endpoints; `None` for other paths.
pub(crate) fn answer(
    request: &DemoRequest<'_>,
    stamp: &Stamp,
    shelf: &Shelf,
    faults: &str,
) -> Option<DemoReply> {
    let endpoint = request.path.strip_prefix("/v1/")?;
    let (kind, rest) = endpoint.split_once('/').unwrap_or((endpoint, ""));
    let service = Service { request, stamp, shelf };
    let reply = match (kind, rest) {
        ("files", "") => service.files(),
        ("files", rest) => service.file(rest),
        ("batches", "") => service.batches(faults),
        ("batches", rest) => service.batch(rest),
        _ => return None,
    };
    Some(reply.unwrap_or_else(|refusal| refusal))
}

struct Service<'a> {
    request: &'a DemoRequest<'a>,
    stamp: &'a Stamp,
    shelf: &'a Shelf,
}

type Outcome = Result<DemoReply, DemoReply>;

impl Service<'_> {
    fn files(&self) -> Outcome {
        if self.request.method == "GET" {
            let files = self.shelf.names("file-").into_iter().filter_map(|id| self.described(&id));
            return Ok(list(files.collect()));
        }
        let parts = self.request.form()?;
        let file = parts.iter().find(|part| part.name == "file" && part.file_name.is_some());
        let file = file.ok_or_else(|| DemoReply::missing("file"))?;
        let name = file.file_name.as_deref().unwrap_or_default();
        if !name.ends_with(".jsonl") {
            return Err(DemoReply::refused("file", "must be a .jsonl file"));
        }
        let purpose = multipart::fields(&parts);
        if text(&purpose, "purpose")? != Some("batch") {
            return Err(DemoReply::refused("purpose", "must be 'batch' at the demo"));
        }
        let id = self.new_id("file");
        self.keep(&id, file.data)?;
        Ok(DemoReply::json(&self.described(&id).unwrap_or_default()))
    }

    fn described(&self, id: &str) -> Option<Value> {
        Some(self.describe(id, self.shelf.get(id)?.len()))
    }

    fn describe(&self, id: &str, bytes: usize) -> Value {
        json!({"id": id, "object": "file", "bytes": bytes, "created_at": self.stamp.created,
            "filename": format!("{id}.jsonl"), "purpose": "batch", "status": "processed"})
    }

    fn file(&self, rest: &str) -> Outcome {
        let (id, rest) = rest.split_once('/').unwrap_or((rest, ""));
        let unknown = || not_found("file", id);
        match (self.request.method, rest) {
            ("GET", "") => {
                let bytes = self.results_of(id).or_else(|| self.shelf.get(id));
                let file = bytes.map(|bytes| self.describe(id, bytes.len()));
                file.map(|file| DemoReply::json(&file)).ok_or_else(unknown)
            }
            ("DELETE", "") => {
                // Results are made when they are asked for; a mark says that they are gone.
                let mark = format!("gone-{id}");
                let is_result =
                    self.batch_of(id).is_some_and(|(_, batch)| self.kept(batch).is_some());
                let gone = match is_result {
                    true if self.shelf.get(&mark).is_some() => false,
                    true => self.keep(&mark, b"").map(|()| true)?,
                    false => self.shelf.remove(id),
                };
                let reply = json!({"id": id, "object": "file", "deleted": true});
                gone.then(|| DemoReply::json(&reply)).ok_or_else(unknown)
            }
            ("GET", "content") => {
                let bytes =
                    self.results_of(id).or_else(|| self.shelf.get(id)).ok_or_else(unknown)?;
                Ok(DemoReply::content("application/octet-stream", bytes))
            }
            _ => self.request.check_method("GET").and_then(|()| Err(unknown())),
        }
    }

    /// The bytes of a batch's output or error file.
    fn results_of(&self, id: &str) -> Option<Vec<u8>> {
        if self.shelf.get(&format!("gone-{id}")).is_some() {
            return None;
        }
        let (kind, batch) = self.batch_of(id)?;
        let rows = self.rows(&self.kept(batch)?)?;
        let lines = if kind == "output" { rows.output } else { rows.errors };
        (!lines.is_empty()).then_some(lines)
    }

    /// Which of the two files of results this is, and of which batch.
    fn batch_of<'i>(&self, id: &'i str) -> Option<(&'static str, &'i str)> {
        let of = |kind: &'static str| Some((kind, id.strip_prefix(kind)?.strip_prefix('-')?));
        of("output").or_else(|| of("errors"))
    }

    fn batches(&self, faults: &str) -> Outcome {
        if self.request.method == "GET" {
            let batches = self.shelf.names("batch-").into_iter().rev();
            let batches = batches.filter_map(|id| Some(self.state(&id, &self.kept(&id)?)));
            return Ok(list(batches.collect()));
        }
        let body = self.request.json()?;
        let input =
            text(&body, "input_file_id")?.ok_or_else(|| DemoReply::missing("input_file_id"))?;
        if self.shelf.get(input).is_none() {
            return Err(not_found("file", input));
        }
        if text(&body, "endpoint")? != Some(ENDPOINT) {
            return Err(DemoReply::refused(
                "endpoint",
                format_args!("must be {ENDPOINT} at the demo"),
            ));
        }
        if text(&body, "completion_window")? != Some("24h") {
            return Err(DemoReply::refused("completion_window", "must be '24h'"));
        }
        let id = self.new_id("batch");
        let kept = json!({
            "input_file_id": input, "created_at": self.stamp.created, "faults": faults,
            "metadata": field(&body, "metadata"),
        });
        self.keep(&id, kept.to_string().as_bytes())?;
        Ok(DemoReply::json(&self.state(&id, &kept)))
    }

    fn batch(&self, rest: &str) -> Outcome {
        let (id, rest) = rest.split_once('/').unwrap_or((rest, ""));
        let mut kept = self.kept(id).ok_or_else(|| not_found("batch", id))?;
        match rest {
            "" => self.request.check_method("GET")?,
            "cancel" => {
                self.request.check_method("POST")?;
                if self.state(id, &kept)["status"] == "completed" {
                    return Err(DemoReply::error(409, "the batch is done already", None, None));
                }
                kept["cancelled_at"] = json!(self.stamp.created);
                self.keep(id, kept.to_string().as_bytes())?;
            }
            _ => return Err(not_found("path", rest)),
        }
        Ok(DemoReply::json(&self.state(id, &kept)))
    }

    /// A batch as it stands now.
    fn state(&self, id: &str, kept: &Value) -> Value {
        let created = kept["created_at"].as_u64().unwrap_or_default();
        let age = self.stamp.created.saturating_sub(created);
        let faults = Faults::of(kept["faults"].as_str().unwrap_or_default());
        let is_cancelled = kept["cancelled_at"].is_u64();
        let rows = self.rows(kept);
        // The names of results outlive the files.
        let is_removed = rows.is_none();
        let rows = rows.unwrap_or_default();
        let has_ended = age >= DONE || is_cancelled;
        let status = match () {
            () if is_cancelled => "cancelled",
            () if age < VALIDATING => "validating",
            () if !rows.problems.is_empty() => "failed",
            () if !has_ended => "in_progress",
            () if faults.expire => "expired",
            () => "completed",
        };
        let file = |kind: &str, lines: &[u8]| {
            let is_there = has_ended && status != "failed" && (is_removed || !lines.is_empty());
            is_there.then(|| format!("{kind}-{id}"))
        };
        let (answered, failed) = if has_ended { (rows.answered, rows.failed) } else { (0, 0) };
        let errors = (status == "failed").then(|| json!({"object": "list", "data": rows.problems}));
        json!({
            "id": id, "object": "batch", "endpoint": ENDPOINT, "errors": errors, "status": status,
            "input_file_id": kept["input_file_id"], "completion_window": "24h",
            "output_file_id": file("output", &rows.output), "error_file_id": file("errors", &rows.errors),
            "created_at": created, "expires_at": created + 24 * 3600,
            "request_counts": {"total": rows.total, "completed": answered, "failed": failed},
            "metadata": kept["metadata"],
        })
    }

    fn rows(&self, kept: &Value) -> Option<Rows> {
        let input = self.shelf.get(kept["input_file_id"].as_str()?)?;
        let faults = Faults::of(kept["faults"].as_str().unwrap_or_default());
        let ended = match kept["cancelled_at"].is_u64() {
            true => Some("batch_cancelled"),
            false => faults.expire.then_some("batch_expired"),
        };
        Some(Rows::answered(&input, &faults, ended, ENDPOINT, self.stamp))
    }

    fn kept(&self, id: &str) -> Option<Value> {
        let id = Some(id).filter(|id| id.starts_with("batch-"))?;
        serde_json::from_slice(&self.shelf.get(id)?).ok()
    }

    fn keep(&self, name: &str, bytes: &[u8]) -> Result<(), DemoReply> {
        self.shelf.put(name, bytes).map_err(|error| {
            DemoReply::error(507, format_args!("the demo can't keep files: {error}"), None, None)
        })
    }

    /// No other request has it, in this run of the program or another.
    fn new_id(&self, kind: &str) -> String {
        let Stamp { number, created, .. } = self.stamp;
        format!("{kind}-{created:x}-{:x}-{number:x}", std::process::id())
    }
}

fn list(data: Vec<Value>) -> DemoReply {
    DemoReply::json(&json!({"object": "list", "data": data, "has_more": false}))
}

fn not_found(what: &str, id: &str) -> DemoReply {
    DemoReply::error(404, format_args!("no such {what}: {id}"), None, Some("not_found"))
}

#[cfg(test)]
mod tests;
