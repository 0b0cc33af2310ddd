use super::*;
use crate::command::batch::outcome::RowErrorKind;
use crate::command::batch::source::of_row;

fn answered(answer: Value) -> RowOutcome {
    let answer = serde_json::value::to_raw_value(&answer).expect("JSON");
    RowOutcome { answer: Some(answer), ..RowOutcome::default() }
}

fn failed() -> RowOutcome {
    let error =
        RowError { kind: RowErrorKind::RateLimit, status: Some(429), message: "慢".to_owned() };
    RowOutcome::failed(error)
}

fn style(format: AnswerFormat, ids: RowIds, columns: &[&str]) -> AnswerStyle {
    let columns = columns.iter().map(|name| (*name).to_owned()).collect();
    let survey = RowSurvey { count: 1, ids, columns };
    AnswerStyle::new(format, None, false, &survey).expect("a style")
}

fn written(style: &AnswerStyle, row: Row, outcome: &RowOutcome) -> String {
    let mut out = style.head();
    style.push(&of_row(row), outcome, &mut out);
    String::from_utf8(out).expect("text")
}

fn object(value: Value) -> Row {
    match value {
        Value::Object(object) => Row::Object(object.into()),
        other => panic!("{other}"),
    }
}

#[test]
fn jsonl_has_the_row_and_its_answer() {
    let of_number = style(AnswerFormat::Jsonl, RowIds::Number, &["input"]);
    let line = Row::Line("你\u{2028}好".to_owned());
    assert_eq!(
        written(&of_number, line.clone(), &answered("hello".into())),
        "{\"id\":\"1\",\"input\":\"你\u{2028}好\",\"answer\":\"hello\"}\n"
    );
    assert_eq!(
        written(&of_number, line, &failed()),
        "{\"id\":\"1\",\"input\":\"你\u{2028}好\",\"answer\":null,\
         \"error\":{\"kind\":\"rate_limit\",\"status\":429,\"message\":\"慢\"}}\n"
    );
    let of_column = style(AnswerFormat::Jsonl, RowIds::Column("id".into(), false), &["t", "id"]);
    let outcome =
        RowOutcome { finish_reason: Some("length".into()), ..answered(json!({"a": [1]})) };
    assert_eq!(
        written(&of_column, object(json!({"t": 1.0, "id": 7})), &outcome),
        "{\"id\":7,\"t\":1.0,\"answer\":{\"a\":[1]},\"finish_reason\":\"length\"}\n"
    );
}

#[test]
fn csv_has_the_columns_of_the_rows() {
    let csv = style(AnswerFormat::Csv, RowIds::Number, &["a", "b"]);
    let row = || object(json!({"b": "x,\"y\"\n"}));
    assert_eq!(
        written(&csv, row(), &answered("一".into())),
        "a,b,answer,error\n,\"x,\"\"y\"\"\n\",一,\n"
    );
    assert_eq!(
        written(&csv, row(), &failed()),
        "a,b,answer,error\n,\"x,\"\"y\"\"\n\",,rate limit: 慢\n"
    );
}

#[test]
fn the_form_of_batch_apis_has_the_reply() {
    let openai = style(AnswerFormat::Openai, RowIds::Number, &["input"]);
    let body = serde_json::value::to_raw_value(&json!({"choices": []})).expect("JSON");
    let reply = crate::command::batch::outcome::RowReplyBody {
        status: 200,
        request_id: Some("r".into()),
        body,
    };
    let outcome = RowOutcome { reply: Some(reply), ..answered("x".into()) };
    assert_eq!(
        written(&openai, Row::Line("a".into()), &outcome),
        "{\"id\":\"batch_req_1\",\"custom_id\":\"row-1\",\"response\":{\"status_code\":200,\
         \"request_id\":\"r\",\"body\":{\"choices\":[]}},\"error\":null}\n"
    );
    let line = written(&openai, Row::Line("a".into()), &failed());
    let line: Value = serde_json::from_str(&line).expect("JSON");
    assert_eq!(line["response"]["status_code"], 429);
    let error = RowError::new(RowErrorKind::Network, "x");
    let line = written(&openai, Row::Line("a".into()), &RowOutcome::failed(error));
    assert!(line.contains("\"response\":null,\"error\":{\"code\":\"network\""), "{line}");
}

#[test]
fn a_column_of_ours_never_hides_one_of_the_rows() {
    let survey = |columns: &[&str]| RowSurvey {
        count: 1,
        ids: RowIds::Number,
        columns: columns.iter().map(|name| (*name).to_owned()).collect(),
    };
    let new = |columns: &[&str], name| {
        AnswerStyle::new(AnswerFormat::Jsonl, name, true, &survey(columns))
    };
    for columns in [&["answer"][..], &["error"]] {
        let refused = new(columns, None).expect_err("taken");
        assert!(refused.hint.is_some_and(|hint| hint.contains("--answer-column")));
    }
    let style = new(&["answer", "error", "usage"], Some("reply")).expect("is free");
    let row = object(json!({"answer": 1, "error": 2, "usage": 3}));
    let line: Value = serde_json::from_str(&written(&style, row, &failed())).expect("JSON");
    assert_eq!((&line["answer"], &line["error"]), (&json!(1), &json!(2)));
    assert_eq!((&line["reply"], &line["reply_error"]["status"]), (&Value::Null, &json!(429)));
    assert!(new(&["reply"], Some("reply")).is_err());
}

#[test]
fn the_format_is_that_of_the_ending() {
    let of = |typed, json, path: &str| format(typed, json, Some(Path::new(path)));
    assert_eq!(of(None, false, "a.CSV").ok(), Some(AnswerFormat::Csv));
    assert_eq!(of(None, false, "a.txt").ok(), Some(AnswerFormat::Jsonl));
    assert_eq!(of(None, true, "a.jsonl").ok(), Some(AnswerFormat::Openai));
    assert_eq!(of(Some(AnswerFormat::Csv), false, "-").ok(), Some(AnswerFormat::Csv));
    assert!(of(Some(AnswerFormat::Csv), false, "a.jsonl").is_err());
    assert!(of(None, true, "a.csv").is_err());
    assert!(of(Some(AnswerFormat::Csv), true, "a").is_err());
}
