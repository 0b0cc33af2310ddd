use super::*;

fn of(line: &Value) -> (Option<String>, RowOutcome) {
    let read = read(line.to_string().as_bytes()).expect("an object");
    (read.id, read.outcome)
}

fn reply(status: u16, body: Value) -> RowOutcome {
    RowOutcome::Reply { status, request_id: None, body }
}

fn lost(code: Option<&str>, message: &str) -> RowOutcome {
    RowOutcome::Lost { code: code.map(str::to_owned), message: message.to_owned() }
}

#[test]
fn every_form_is_read() {
    let body = json!({"choices": [{"message": {"content": "早"}}]});
    let good = reply(200, body.clone());
    for line in [
        json!({"id": "b", "custom_id": "a", "response": {"status_code": 200, "request_id": "", "body": body}, "error": null}),
        // Ray: floats, objects of nulls, JSON as a text.
        json!({"custom_id": "a", "response": {"status_code": 200.0, "body": body.to_string()}, "error": {"code": null, "message": null}}),
        json!({"custom_id": "a", "response": body.to_string()}),
        json!({"custom_id": "a", "status_code": 200, "body": body}),
        json!({"batch_request_id": "a", "batch_result": {"response": {"chat_get_completion": body}}}),
        json!({"custom_id": "a", "result": {"response": {"status_code": 200, "body": body}}}),
    ] {
        assert_eq!(of(&line), (Some("a".to_owned()), good.clone()), "{line}");
    }
    assert_eq!(
        of(&json!({"custom_id": 7, "response": {"status_code": 200, "body": body}})).0.as_deref(),
        Some("7")
    );
    assert_eq!(of(&json!({"custom_id": null, "response": {"body": body}})).0, None);
    for no_object in ["", "[]", "\"a\"", "{\"custom_id\":"] {
        assert_eq!(read(no_object.as_bytes()), None, "{no_object}");
    }
}

#[test]
fn every_kind_of_failure_is_read() {
    let error = json!({"error": {"message": "too large", "code": null}});
    let vllm =
        json!({"error": {"message": "hot", "type": "BadRequestError", "param": null, "code": 400}});
    let dead = json!({"error": {"message": "EngineCore", "code": 500}});
    for (line, outcome) in [
        (
            json!({"response": {"status_code": 400, "body": error}, "error": null}),
            reply(400, error),
        ),
        (
            json!({"response": {"status_code": 400, "body": null}, "error": vllm}),
            reply(400, vllm.clone()),
        ),
        (
            json!({"response": {"status_code": 500, "body": null}, "error": dead}),
            reply(500, dead.clone()),
        ),
        (json!({"response": null, "error": dead}), reply(500, dead)),
        (
            json!({"response": {"status_code": 400, "body": null}, "error": "URL x was used"}),
            reply(400, json!({"error": {"message": "URL x was used"}})),
        ),
        (
            json!({"response": null, "error": {"code": "batch_expired", "message": "too late"}}),
            lost(Some("batch_expired"), "too late"),
        ),
        (
            json!({"response": {"status_code": 0, "request_id": "", "body": ""}, "error": null}),
            lost(None, "the batch has no answer for this row (status 0)"),
        ),
        (
            json!({"response": {"status_code": 200, "body": ""}, "error": null}),
            lost(None, "the batch has no answer for this row (status 200)"),
        ),
        (
            json!({"response": null, "error": null}),
            lost(None, "the batch has no answer for this row"),
        ),
        (
            json!({"batch_result": {"error": {"code": 3, "message": "bad request"}}}),
            reply(400, json!({"error": {"code": 3, "message": "bad request"}})),
        ),
    ] {
        assert_eq!(of(&line).1, outcome, "{line}");
        assert!(!outcome.is_good());
    }
}
