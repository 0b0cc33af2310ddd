use super::*;

/// A form with a file in it, as an upload sends it.
fn form(rows: &str) -> String {
    format!(
        "--b\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\nbatch\r\n\
         --b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.jsonl\"\r\n\r\n{rows}\r\n--b--"
    )
}

struct Demo {
    shelf: Shelf,
    number: std::cell::Cell<u64>,
    _place: tempfile::TempDir,
}

impl Demo {
    fn new() -> Self {
        let place = tempfile::tempdir().expect("a folder");
        let shelf = Shelf::new(Some(place.path().join("demo")));
        Self { shelf, number: 0.into(), _place: place }
    }

    fn ask(&self, second: u64, method: &str, path: &str, body: &str, faults: &str) -> DemoReply {
        self.number.set(self.number.get() + 1);
        let stamp = Stamp { number: self.number.get(), created: second, base: String::new() };
        let path = format!("/v1{path}");
        let content_type = "multipart/form-data; boundary=b";
        let request = DemoRequest { method, path: &path, content_type, body: body.as_bytes() };
        answer(&request, &stamp, &self.shelf, faults).expect("one of these endpoints")
    }

    /// Uploads rows and makes a batch of them at second 0; gives its id.
    fn submit(&self, rows: &str, faults: &str) -> String {
        let file = self.ask(0, "POST", "/files", &form(rows), "").into_json();
        let body = json!({"input_file_id": file["id"], "endpoint": ENDPOINT,
            "completion_window": "24h", "metadata": {"llm": "x"}});
        let batch = self.ask(0, "POST", "/batches", &body.to_string(), faults).into_json();
        assert_eq!(batch["status"], "validating");
        assert_eq!(batch["metadata"]["llm"], "x");
        batch["id"].as_str().expect("an id").to_owned()
    }

    fn state(&self, second: u64, id: &str) -> Value {
        self.ask(second, "GET", &format!("/batches/{id}"), "", "").into_json()
    }

    fn lines(&self, id: &Value) -> Vec<Value> {
        let path = format!("/files/{}/content", id.as_str().expect("a file"));
        let bytes = self.ask(9, "GET", &path, "", "").into_bytes();
        let text = String::from_utf8(bytes).expect("text");
        text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    }
}

fn row(id: &str, text: &str) -> String {
    let body = json!({"model": "demo", "messages": [{"role": "user", "content": text}]});
    json!({"custom_id": id, "method": "POST", "url": ENDPOINT, "body": body}).to_string() + "\n"
}

#[test]
fn a_batch_goes_from_validating_to_its_files() {
    let demo = Demo::new();
    let rows = row("a", "早上好") + &row("b", "a cherry") + &row("c", "你好");
    let id = demo.submit(&rows, "refuse=cherry");
    assert_eq!(demo.state(1, &id)["status"], "in_progress");
    let done = demo.state(2, &id);
    assert_eq!(done["status"], "completed");
    assert_eq!(done["request_counts"], json!({"total": 3, "completed": 2, "failed": 1}));
    let output = demo.lines(&done["output_file_id"]);
    let ids: Vec<_> = output.iter().map(|line| line["custom_id"].clone()).collect();
    assert_eq!(ids, ["c", "a"]);
    let text = &output[1]["response"]["body"]["choices"][0]["message"]["content"];
    assert!(text.as_str().is_some_and(|text| text.contains("早上好")), "{text}");
    let errors = demo.lines(&done["error_file_id"]);
    assert_eq!(errors[0]["custom_id"], "b");
    assert_eq!(errors[0]["response"]["status_code"], 400);
    let listed = demo.ask(2, "GET", "/batches", "", "").into_json();
    assert_eq!(listed["data"][0]["id"], *id);
    for file in ["input_file_id", "output_file_id", "error_file_id"] {
        let path = format!("/files/{}", done[file].as_str().expect("a file"));
        assert_eq!(demo.ask(3, "DELETE", &path, "", "").status, 200, "{file}");
        assert_eq!(demo.ask(3, "DELETE", &path, "", "").status, 404, "{file}");
        assert_eq!(demo.ask(3, "GET", &format!("{path}/content"), "", "").status, 404, "{file}");
    }
}

#[test]
fn a_batch_can_expire_and_be_cancelled() {
    let demo = Demo::new();
    let rows = row("a", "1") + &row("b", "2") + &row("c", "3");
    let expired = demo.submit(&rows, "expire");
    let cancelled = demo.submit(&rows, "");
    demo.ask(1, "POST", &format!("/batches/{cancelled}/cancel"), "", "");
    for (id, status) in [(&expired, "expired"), (&cancelled, "cancelled")] {
        let state = demo.state(5, id);
        assert_eq!(state["status"], status);
        assert_eq!(demo.lines(&state["output_file_id"]).len(), 2, "{status}");
        let errors = demo.lines(&state["error_file_id"]);
        assert_eq!(errors[0]["error"]["code"], format!("batch_{status}"));
        assert!(errors[0]["response"].is_null());
    }
}

#[test]
fn a_file_that_cannot_be_used_fails_the_batch() {
    let bad_url = row("a", "x").replace("/v1/chat/completions", "/v1/embeddings");
    for (rows, code) in [
        (String::new(), "empty_file"),
        (row("a", "x") + "no\n", "invalid_json_line"),
        (row("a", "x") + &row("a", "y"), "duplicate_custom_id"),
        (bad_url, "url_mismatch"),
    ] {
        let demo = Demo::new();
        let id = demo.submit(&rows, "");
        let state = demo.state(1, &id);
        assert_eq!(
            (&state["status"], &state["errors"]["data"][0]["code"]),
            (&json!("failed"), &json!(code))
        );
        assert!(state["output_file_id"].is_null());
    }
}

#[test]
fn what_is_not_there_is_a_404() {
    let demo = Demo::new();
    let body = json!({"input_file_id": "file-x", "endpoint": ENDPOINT, "completion_window": "24h"});
    assert_eq!(demo.ask(0, "POST", "/batches", &body.to_string(), "").status, 404);
    for path in ["/batches/batch-x", "/files/file-x", "/files/file-x/content", "/files/../x"] {
        assert_eq!(demo.ask(0, "GET", path, "", "").status, 404, "{path}");
    }
    assert_eq!(demo.ask(0, "PUT", "/files/file-x", "", "").status, 405);
}
