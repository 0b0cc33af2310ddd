use super::*;
use serde_json::json;

fn of(value: &Value) -> (BatchPhase, Option<u64>, Option<u64>, Vec<String>) {
    let state = read(value).expect("a batch");
    let problems = state.problems.iter().map(BatchProblem::words).collect();
    (state.phase, state.total, state.done, problems)
}

#[test]
fn every_form_tells_its_state() {
    use BatchPhase::*;
    for (value, phase, total, done, problem) in [
        (
            json!({"id": "b", "status": "completed", "errors": null, "output_file_id": null,
                "request_counts": {"total": 3, "completed": 0, "failed": 3}}),
            Completed,
            Some(3),
            Some(3),
            None,
        ),
        (
            json!({"id": "b", "status": "failed", "request_counts": {"total": 0, "completed": 0, "failed": 0},
                "errors": {"data": [{"code": "duplicate_custom_id", "message": "twice.", "line": 2}]}}),
            Failed,
            None,
            Some(0),
            Some("line 2: duplicate_custom_id: twice."),
        ),
        (
            json!({"job": {"id": "b", "status": "IN_PROGRESS", "progress": 75, "error": ""}, "warning": ""}),
            Running,
            None,
            None,
            None,
        ),
        (
            json!({"id": "b", "status": "SUCCESS", "total_requests": 3, "succeeded_requests": 1,
                "failed_requests": 2, "errors": [{"message": "Invalid message role", "count": 2}]}),
            Completed,
            Some(3),
            Some(3),
            Some("Invalid message role (2 times)"),
        ),
        (
            json!({"batch_id": "b", "cancel_by_xai_message": null, "cancel_time": null,
                "state": {"num_requests": 2, "num_pending": 0, "num_success": 1, "num_error": 1, "num_cancelled": 0}}),
            Completed,
            Some(2),
            Some(2),
            None,
        ),
        (
            json!({"batch_id": "b", "cancel_by_xai_message": "abuse", "state": {"num_requests": 2, "num_pending": 2}}),
            Failed,
            Some(2),
            None,
            Some("abuse"),
        ),
        (
            json!({"batch_id": "b", "state": {"num_requests": 0, "num_pending": 0}}),
            Checking,
            None,
            None,
            None,
        ),
    ] {
        let problems: Vec<String> = problem.map(str::to_owned).into_iter().collect();
        assert_eq!(of(&value), (phase, total, done, problems), "{value}");
    }
}

#[test]
fn words_stand_for_a_phase() {
    use BatchPhase::*;
    for (word, phase) in [
        ("VALIDATING", Checking),
        ("TIMEOUT_EXCEEDED", Expired),
        ("Canceled", Cancelled),
        ("cancelling", Running),
        ("PROGRESS", Running),
        ("finalizing", Running),
        ("什么", Running),
    ] {
        assert_eq!(of(&json!({"id": "b", "status": word})).0, phase, "{word}");
    }
    assert_eq!(read(&json!({"status": "completed"})), None);
}

#[test]
fn files_marks_lists_and_pages_are_read() {
    let batch = json!({"id": "b", "status": "SUCCESS", "output_file": "o", "error_file_id": "e", "metadata": {"llm": "x"}});
    let state = read(&batch).expect("a batch");
    assert_eq!(state.output_file.as_deref(), Some("o"));
    assert_eq!(state.error_file.as_deref(), Some("e"));
    assert_eq!(state.mark.as_deref(), Some("x"));
    let xai = read(&json!({"batch_id": "b", "name": "llm-y"})).expect("a batch");
    assert_eq!(xai.mark.as_deref(), Some("y"));
    let file_of = |value: Value| file(&value);
    assert_eq!(file_of(json!({"data": {"id": "f"}})), Some(("f".into(), None)));
    let told = file_of(json!({"id": "f", "status": "pending"}));
    assert_eq!(told, Some(("f".into(), Some("pending".into()))));
    assert_eq!(file_of(json!({"message": "no"})), None);
    let read_list = |value: Value| list(&value).map(|(batches, more)| (batches.len(), more));
    assert_eq!(read_list(json!({"data": [batch], "has_more": true})), Some((1, true)));
    assert_eq!(read_list(json!({"data": null})), Some((0, false)));
    assert_eq!(read_list(json!({"batches": [batch, {}]})), Some((1, false)));
    assert_eq!(read_list(json!({"error": "x"})), None);
    let value = json!({"results": [1], "pagination_token": "next"});
    assert_eq!(page(&value), Some((&[json!(1)][..], Some("next"))));
    assert_eq!(page(&json!({"results": [], "pagination_token": ""})), Some((&[][..], None)));
}
