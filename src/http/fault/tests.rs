//! Bodies in the shapes of the services, and hostile ones.

use proptest::prelude::*;
use serde_json::{Value, json};

use std::time::Duration;

use super::fields::{LONGEST_FIELD, LONGEST_MESSAGE};
use super::*;

fn message(body: &str) -> String {
    read(body.as_bytes()).message
}

fn found(body: Value) -> Fault {
    read(body.to_string().as_bytes())
}

fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

#[test]
fn the_members_of_an_error_object_are_read() {
    let inner = json!({
        "message": "模型不存在", "type": "invalid_request_error", "param": "model", "code": "model_not_found",
    });
    let expected = Fault {
        message: "模型不存在".into(),
        code: text("model_not_found"),
        kind: text("invalid_request_error"),
        param: text("model"),
        request_id: text("r-1"),
        ..Fault::default()
    };
    assert_eq!(found(json!({"error": inner, "request_id": "r-1"})), expected);
    assert_eq!(found(json!({"type": "error", "error": inner, "request_id": "r-1"})), expected);
    assert_eq!(found(json!([{"error": inner, "request_id": "r-1"}])), expected);
    assert_eq!(found(json!({"detail": {"error": inner}, "request_id": "r-1"})), expected);
    let empty = json!({"error": {"message": "忙", "type": "", "param": null, "code": ""}});
    assert_eq!(found(empty), Fault { message: "忙".into(), ..Fault::default() });
}

/// Bodies and their words.
const SHAPES: &[(&str, &str)] = &[
    (r#"{"error":"凭证无效"}"#, "凭证无效"),
    (r#"{"error":"unauthorized","signin_url":"https://a.example"}"#, "unauthorized"),
    (r#"{"code":"bad argument","error":"no such field"}"#, "no such field"),
    (
        r#"{"error":"Not Found here","message":"no handler for /v2"}"#,
        "Not Found here: no handler for /v2",
    ),
    (r#"{"detail":"未授权"}"#, "未授权"),
    (r#"{"detail":{"error":"invalid_model","message":"no model x"}}"#, "no model x"),
    (r#"{"detail":{"error":{"message":"","type":"t","code":"bad_key"}}}"#, "bad_key"),
    (r#"{"message":"请求过多","request_id":"9"}"#, "请求过多"),
    (r#"{"id":"1","message":"invalid token"}"#, "invalid token"),
    (r#"{"statusCode":401,"message":"令牌缺失"}"#, "令牌缺失"),
    (r#"{"code":20012,"message":"没有这个模型","data":null}"#, "没有这个模型"),
    (r#"{"success":false,"errors":[{"code":1,"message":"a"},{"message":"b"}]}"#, "a; b"),
    (r#"{"code":500,"msg":"内部错误","success":false}"#, "内部错误"),
    (r#"{"base_resp":{"status_code":1004,"status_msg":"登录失败"}}"#, "登录失败"),
    (r#"{"text":"**出错**\n\n(显存不足)","error_code":50002}"#, "**出错** (显存不足)"),
    (r#"{"error":"{\"error\":{\"message\":\"里面\"}}"}"#, "里面"),
    (r#"{"error":"[] is too short - 'messages'"}"#, "[] is too short - 'messages'"),
    (r#"{"error":true,"message":"x"}"#, "x"),
    (r#""令牌无效""#, "令牌无效"),
    (r#"{"weird":[1,2]}"#, r#"{"weird":[1,2]}"#),
    (r#"{"error":{}}"#, r#"{"error":{}}"#),
    ("{\"error\":\"first\"}\n{\"error\":\"second\"}", "first"),
    ("\u{feff}\r\n {\"error\":\"有 BOM\"}\n\n", "有 BOM"),
    ("404 page not found\n", "404 page not found"),
    ("[] is too short", "[] is too short"),
    ("<400> InternalError.Algo", "<400> InternalError.Algo"),
    ("error: out of memory\nat line 3", "error: out of memory at line 3"),
    (" \n", ""),
];

#[test]
fn every_shape_gives_its_words() {
    for (body, expected) in SHAPES {
        assert_eq!(message(body), *expected, "{body}");
    }
    assert_eq!(read(b""), Fault::default());
    assert_eq!(read(b"\xff\xfe {").message, "\u{fffd}\u{fffd} {");
    assert_eq!(read(b"{\"error\":\"\xe4\xbd\xa0\xff\"}").message, "你\u{fffd}");
}

#[test]
fn lists_of_mistakes_name_their_fields() {
    let list = json!([
        {"type": "extra_forbidden", "loc": ["body", "store"], "msg": "not permitted", "input": false},
        {"type": "missing", "loc": ["body", "messages", 0, "role"], "msg": "required"},
    ]);
    let words = "body.store: not permitted; body.messages.0.role: required";
    for body in [
        json!({"detail": list}),
        json!({"message": {"detail": list}}),
        json!({"message": list, "detail": list}),
    ] {
        let fault = found(body);
        assert_eq!(fault.message, words);
        assert_eq!((fault.param, fault.kind), (text("store"), text("extra_forbidden")));
    }
    let fault = found(
        json!({"object": "error", "message": list, "type": "invalid_request_error", "code": 3001}),
    );
    assert_eq!((fault.kind, fault.code), (text("invalid_request_error"), text("3001")));
}

#[test]
fn http_codes_are_told_from_own_codes() {
    let code = |code: Value| {
        let fault = found(json!({"error": {"message": "x", "code": code}}));
        (fault.status, fault.code)
    };
    assert_eq!(code(json!(429)), (Some(429), None));
    assert_eq!(code(json!("404")), (Some(404), None));
    assert_eq!(code(json!("1302")), (None, text("1302")));
    assert_eq!(code(json!(40303)), (None, text("40303")));
    assert_eq!(code(json!(200)), (None, text("200")));
    assert_eq!(code(json!(-1)), (None, text("-1")));
    assert_eq!(code(json!(0)), (None, None));
    for name in ["status", "status_code", "statusCode", "error_code", "code", "raw_status_code"] {
        assert_eq!(found(json!({"message": "x", name: 503})).status, Some(503), "{name}");
    }
    assert_eq!(
        found(json!({"detail": {"error": "invalid_model", "message": "x"}})).code,
        text("invalid_model")
    );
}

#[test]
fn google_errors_give_reason_and_delay() {
    let body = |delay: &str| {
        json!([{"error": {"code": 429, "message": "用尽", "status": "RESOURCE_EXHAUSTED", "details": [
            {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "RATE_LIMIT"},
            {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay},
        ]}}])
    };
    let expected = Fault {
        message: "用尽".into(),
        code: text("RATE_LIMIT"),
        kind: text("RESOURCE_EXHAUSTED"),
        status: Some(429),
        retry_after: Some(Duration::from_millis(34_500)),
        ..Fault::default()
    };
    assert_eq!(found(body("34.5s")), expected);
    for hostile in ["-1s", "NaNs", "infs", "1e300s", "s", "", "5", "5m"] {
        assert_eq!(found(body(hostile)).retry_after, None, "{hostile}");
    }
}

#[test]
fn the_upstream_service_is_quoted_after_the_router() {
    let words = |raw: Value| {
        let metadata = json!({"raw": raw, "provider_name": "P", "error_type": "provider"});
        found(json!({"error": {"message": "Provider returned error", "code": 400, "metadata": metadata}})).message
    };
    assert_eq!(words(json!("暂时限流。")), "Provider returned error: 暂时限流。");
    assert_eq!(
        words(json!("{\"code\":400,\"msg\":\"参数无效\"}")),
        "Provider returned error: 参数无效"
    );
    assert_eq!(words(json!("data: {\"error\":\"坏\"}\n\n")), "Provider returned error: 坏");
    assert_eq!(words(json!({"error": {"message": "inner"}})), "Provider returned error: inner");
    assert_eq!(words(json!("Provider returned error")), "Provider returned error");
    assert_eq!(words(json!("")), "Provider returned error");
}

#[test]
fn a_content_filter_names_its_categories() {
    let result = json!({
        "hate": {"filtered": true, "severity": "high"},
        "violence": {"filtered": false, "severity": "safe"},
        "jailbreak": {"filtered": true, "detected": true},
    });
    let fault = found(json!({"error": {
        "message": "The prompt was filtered.", "code": "content_filter", "status": 400,
        "innererror": {"code": "Policy", "content_filter_result": result},
    }}));
    assert_eq!(fault.message, "The prompt was filtered. (filtered: hate, jailbreak)");
    assert_eq!((fault.code, fault.status), (text("content_filter"), Some(400)));
}

#[test]
fn event_streams_and_pages_are_read() {
    let cases = [
        ("data: {\"error\":{\"message\":\"长度超限\"}}\n\n", "长度超限"),
        (
            ": ping\n\nevent:error\ndata:{\"code\":\"Bad\",\"message\":\"坏\"}\n\ndata: [DONE]\n\n",
            "坏",
        ),
        ("id:1\nevent:error\n:HTTP_STATUS/400\ndata:{\"message\":\"x\"}", "x"),
        ("error: {\"code\":500,\"message\":\"y\"}\n\n", "y"),
        ("data: plain\ndata: words\n\n", "plain words"),
        ("<html><head><title>502 Bad &amp;\n Gateway</title></head></html>", "502 Bad & Gateway"),
        (
            "<!DOCTYPE HTML><html><TITLE> </TITLE><header></header><h1 class=\"a\">服务 <b>不可用</b></h1>",
            "服务 不可用",
        ),
        (
            "<!doctype html>\n<html lang=\"en\"><head><meta></head><body>502</body></html>",
            "an HTML page",
        ),
        (
            "<?xml version=\"1.0\"?><Error><Code>Denied</Code><Message>无权限</Message></Error>",
            "无权限",
        ),
        ("<html><title>unclosed", "unclosed"),
    ];
    for (body, expected) in cases {
        assert_eq!(message(body), expected, "{body}");
    }
}

#[test]
fn long_texts_are_cut_between_characters() {
    let long = "汉".repeat(3_000);
    let fault = found(json!({"error": {"message": long, "code": long}}));
    assert_eq!(fault.message.chars().count(), LONGEST_MESSAGE);
    assert!(fault.message.ends_with("汉…"));
    assert_eq!(fault.code.map(|code| code.chars().count()), Some(LONGEST_FIELD));
    assert_eq!(message(&"字".repeat(LONGEST_MESSAGE)), "字".repeat(LONGEST_MESSAGE));
}

/// JSON made of the members that the reader looks for.
fn body() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-2..700_i64).prop_map(Value::from),
        prop::sample::select(vec![
            "",
            "x",
            "错误",
            "{\"error\":{\"message\":\"内\"}}",
            "<html>",
            "data: {}",
            "0.5s",
            "503"
        ])
        .prop_map(Value::from),
    ];
    let names = prop::sample::select(vec![
        "error",
        "message",
        "detail",
        "code",
        "status",
        "type",
        "metadata",
        "raw",
        "details",
        "retryDelay",
        "loc",
        "text",
        "error_code",
        "innererror",
        "content_filter_result",
        "hate",
        "filtered",
        "choices",
        "object",
        "base_resp",
    ]);
    leaf.prop_recursive(5, 40, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((names.clone(), inner), 0..5).prop_map(|members| members
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect()),
        ]
    })
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), prefix in "(data: |<html><title|[{]|\"|)") {
        let fault = read(&[prefix.as_bytes(), &bytes].concat());
        prop_assert!(fault.message.chars().count() <= LONGEST_MESSAGE);
    }

    #[test]
    fn arbitrary_bodies_give_one_short_line(body in body()) {
        for fault in in_reply(&body).into_iter().chain([found(body.clone())]) {
            prop_assert!(!fault.message.is_empty() || body.as_str().is_some_and(|text| text.trim().is_empty()));
            prop_assert!(!fault.message.contains('\n') && fault.message.chars().count() <= LONGEST_MESSAGE);
            prop_assert!(fault.status.is_none_or(|status| (400..=599).contains(&status)));
        }
    }
}
