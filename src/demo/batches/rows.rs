//! The rows of a batch's file, and what became of each.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::super::chat;
use super::super::faults::Faults;
use super::super::messages::hear;
use super::super::reply::{DemoBody, DemoReply, Stamp};

/// What came of a file.
#[derive(Debug, Default)]
pub(super) struct Rows {
    pub(super) total: usize,
    pub(super) answered: usize,
    pub(super) failed: usize,
    /// The two files of results. Later rows stand first, as nobody may rely on their order.
    pub(super) output: Vec<u8>,
    pub(super) errors: Vec<u8>,
    /// Why the file is refused as a whole.
    pub(super) problems: Vec<Value>,
}

impl Rows {
    /// Answers the rows of a file. With `ended` the second half is left undone, for that reason.
    pub(super) fn answered(
        input: &[u8],
        faults: &Faults,
        ended: Option<&str>,
        endpoint: &str,
        stamp: &Stamp,
    ) -> Self {
        let lines: Vec<&[u8]> = input.split(|byte| *byte == b'\n').collect();
        let is_blank = |line: &&[u8]| line.trim_ascii().is_empty();
        let lines: Vec<&[u8]> = lines.into_iter().filter(|line| !is_blank(line)).collect();
        let mut rows = Self { total: lines.len(), ..Self::default() };
        let requests = rows.requests(&lines, endpoint);
        if !rows.problems.is_empty() {
            return rows;
        }
        let half = requests.len().div_ceil(2);
        for (index, request) in requests.iter().enumerate().rev() {
            let undone = ended.filter(|_| index >= half);
            rows.answer(index, request, undone, faults, stamp);
        }
        rows
    }

    /// The lines as requests, as far as they are some.
    fn requests(&mut self, lines: &[&[u8]], endpoint: &str) -> Vec<Value> {
        let mut seen = HashSet::new();
        let mut requests = Vec::new();
        for (index, line) in lines.iter().enumerate() {
            let mut bad = |code: &str, message: String| {
                let line = index + 1;
                self.problems
                    .push(json!({"code": code, "message": message, "line": line, "param": null}));
            };
            let Ok(request) = serde_json::from_slice::<Value>(line) else {
                bad("invalid_json_line", "This line is not parseable as valid JSON.".into());
                continue;
            };
            match request["custom_id"].as_str() {
                None => bad("missing_required_parameter", "custom_id is missing.".into()),
                Some(id) if !seen.insert(id.to_owned()) => {
                    bad("duplicate_custom_id", format!("The custom_id '{id}' appears twice."));
                }
                Some(_) if request["url"] != endpoint => {
                    bad("url_mismatch", format!("The url must be {endpoint}."));
                }
                Some(_) => {}
            }
            requests.push(request);
        }
        if lines.is_empty() {
            let message = "The file has no requests.";
            self.problems.push(
                json!({"code": "empty_file", "message": message, "line": null, "param": null}),
            );
        }
        requests
    }

    fn answer(
        &mut self,
        index: usize,
        request: &Value,
        undone: Option<&str>,
        faults: &Faults,
        stamp: &Stamp,
    ) {
        let id = &request["custom_id"];
        let own = format!("batch_req_demo_{}", index + 1);
        if let Some(code) = undone {
            self.failed += 1;
            let error = json!({"code": code, "message": "This request was not executed in time."});
            let line = json!({"id": own, "custom_id": id, "response": null, "error": error});
            return push(&mut self.errors, &line);
        }
        let body = &request["body"];
        let reply = match body.get("stream") == Some(&json!(true)) {
            true => Err(DemoReply::refused("stream", "has no place in a batch")),
            false => hear(body).and_then(|heard| match faults.met_by(&heard.text) {
                Some(refusal) => Err(refusal),
                None => chat::answer(body, stamp),
            }),
        };
        let reply = reply.unwrap_or_else(|refusal| refusal);
        let is_good = reply.status == 200;
        let content = match reply.body {
            DemoBody::Whole(bytes) => serde_json::from_slice(&bytes).unwrap_or_default(),
            DemoBody::Stream(_) => Value::Null,
        };
        let response = json!({"status_code": reply.status, "request_id": format!("req-{own}"), "body": content});
        let line = json!({"id": own, "custom_id": id, "response": response, "error": null});
        match is_good {
            true => self.answered += 1,
            false => self.failed += 1,
        }
        push(if is_good { &mut self.output } else { &mut self.errors }, &line);
    }
}

fn push(lines: &mut Vec<u8>, line: &Value) {
    lines.extend_from_slice(line.to_string().as_bytes());
    lines.push(b'\n');
}
