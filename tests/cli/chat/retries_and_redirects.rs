//! When `llm chat` tries again, how long it waits before that, and when it must not; and redirects.

use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Outcome, Recorded, Reply, Server, Step, ask, ask_for, chunk, llm};

fn refusal(status: u16) -> Reply {
    Reply::json(status, json!({"error": {"message": "稍后再来", "type": "x"}}))
}

/// A refusal that asks for a wait of a few milliseconds, so that the tests are fast.
fn short(status: u16) -> Reply {
    refusal(status).header("retry-after-ms", "5")
}

fn good() -> Reply {
    Reply::chat(&["好"])
}

/// As [`ask_for`], where every request must be one for a stream.
fn run(replies: impl IntoIterator<Item = Reply>, args: &[&str]) -> (Outcome, Vec<Recorded>) {
    let (run, requests) = ask_for(replies, args);
    for request in &requests {
        assert_eq!((&*request.method, request.json()["stream"].clone()), ("POST", json!(true)));
    }
    (run, requests)
}

#[test]
fn a_try_after_a_failed_one_sends_the_same_and_is_told() {
    let (run, requests) = run([short(429), good()], &[]);
    run.code(0).stdout("好\n").stderr_has("稍后再来").stderr_has("429");
    assert_eq!(run.stderr_lines().len(), 1, "{run}");
    assert!(run.stderr_text().starts_with("llm: "), "{run}");
    assert_eq!(requests.len(), 2);
    assert_eq!(requests[0].body, requests[1].body);
    assert_eq!(requests[0].path, requests[1].path);
}

#[test]
fn two_tries_follow_the_first_unless_told_otherwise() {
    let (end, _) = run([short(503), short(503), good()], &[]);
    end.code(0).stdout("好\n");
    assert_eq!(end.stderr_lines().len(), 2, "{end}");
    let (end, _) = run([short(503), short(503), short(503)], &[]);
    end.code(6).stdout_empty().stderr_has("稍后再来");
    let (end, _) = run([short(429)], &["--retries", "0"]);
    end.code(5).stdout_empty().stderr_has("稍后再来").stderr_lacks("trying again");
    let (end, _) = run((0..4).map(|_| short(500)).chain([good()]), &["--retries", "4", "-q"]);
    end.code(0).stdout("好\n").stderr_empty();
}

#[test]
fn every_passing_failure_is_tried_again() {
    for status in [408, 409, 429, 500, 502, 503, 504, 529] {
        let (end, requests) = run([short(status), good()], &["-q"]);
        end.code(0).stdout("好\n").stderr_empty();
        assert_eq!(requests.len(), 2, "{status}");
    }
}

#[test]
fn a_refusal_is_not_tried_again() {
    for (status, code) in
        [(400, 4), (401, 3), (402, 5), (403, 3), (404, 4), (405, 4), (410, 4), (413, 4), (422, 4)]
    {
        let (end, requests) = run([short(status)], &[]);
        end.code(code).stdout_empty().stderr_has("稍后再来").stderr_has(&status.to_string());
        assert_eq!(requests.len(), 1, "{status}");
    }
}

#[test]
fn no_money_is_not_tried_again_under_any_status() {
    for status in [402, 429] {
        let body = json!({"error": {"message": "余额不足", "code": "insufficient_quota"}});
        let reply = Reply::json(status, body).header("retry-after-ms", "5");
        let (end, _) = run([reply.header("x-should-retry", "true")], &[]);
        end.code(5).stdout_empty().stderr_has("余额不足");
    }
    let (end, _) = run([short(401).header("x-should-retry", "true")], &[]);
    end.code(3).stdout_empty();
}

#[test]
fn the_service_says_whether_to_try_again() {
    let (end, _) = run([short(503).header("x-should-retry", "false")], &[]);
    end.code(6).stdout_empty().stderr_lacks("trying again");
    let (end, _) = run([short(404).header("x-should-retry", "true"), good()], &[]);
    end.code(0).stdout("好\n");
}

#[test]
fn the_wait_is_the_one_that_the_service_names() {
    let wait = |replies: [Reply; 2]| {
        let (end, requests) = run(replies, &[]);
        end.code(0).stdout("好\n");
        requests[1].at - requests[0].at
    };
    let millis = Duration::from_millis;
    let waited = wait([refusal(429).header("Retry-After", "1"), good()]);
    assert!(waited >= millis(1000), "{waited:?}");
    let exact = refusal(429).header("Retry-After", "50").header("retry-after-ms", "150.5");
    let waited = wait([exact, good()]);
    assert!(waited >= millis(150) && waited < millis(10_000), "{waited:?}");
}

#[test]
fn a_wait_in_the_body_is_obeyed() {
    let details =
        json!([{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "0.2s"}]);
    let body = json!([{"error": {"code": 429, "message": "慢一点", "details": details}}]);
    let (end, requests) = run([Reply::json(429, body), good()], &[]);
    end.code(0).stdout("好\n");
    let waited = requests[1].at - requests[0].at;
    assert!(waited >= Duration::from_millis(200), "{waited:?}");
}

#[test]
fn too_long_a_wait_ends_at_once_with_exit_5() {
    for status in [429, 503] {
        let (end, _) = run([refusal(status).header("Retry-After", "3600")], &[]);
        end.code(5).stdout_empty().stderr_has("稍后再来").stderr_has("60 min");
        end.stderr_has("\nhint: ").stderr_has("--max-wait");
        assert!(end.elapsed < Duration::from_secs(10), "{end}");
    }
    let (end, _) = run([refusal(429).header("Retry-After", "2")], &["--max-wait", "1"]);
    end.code(5).stdout_empty().stderr_has("2 s");
}

#[test]
fn a_refused_connection_is_tried_again_and_told() {
    let nobody = Server::refusing();
    let run = llm().profile_at(&nobody.url()).args(["chat", "你好", "--retries", "1"]).run();
    run.code(6).stdout_empty().stderr_has("connection refused").stderr_has("\nhint: ");
    run.stderr_has(&format!("127.0.0.1:{}", nobody.port()));
    assert_eq!(run.stderr_lines().len(), 3, "{run}");
    assert!(run.stderr_lines()[0].contains("trying again"), "{run}");
    let run = llm().profile_at(&nobody.url()).args(["chat", "你好", "--retries", "0"]).run();
    run.code(6).stdout_empty();
    assert_eq!(run.stderr_lines().len(), 2, "{run}");
}

#[test]
fn a_connection_that_breaks_before_any_output_is_tried_again() {
    let thinks = chunk(json!({"reasoning_content": "想"}), None);
    let broken = [
        Reply::raw([Step::Close]),
        Reply::raw([Step::Reset]),
        Reply::raw([Step::Write(b"HTTP/1.1 200 OK\r\ncontent-ty".to_vec()), Step::Close]),
        Reply::chunks("text/event-stream", [": wait\n\n"]).then([Step::Close]),
        Reply::sse(&[thinks]).then([Step::Reset]),
        Reply::sse(&[json!({"error": {"message": "满了", "code": 503}}).to_string()]),
    ];
    // At once, since each waits half a second.
    thread::scope(|scope| {
        for reply in broken {
            scope.spawn(|| {
                let (end, _) = run([reply, good()], &[]);
                end.code(0).stdout("好\n").stderr_has("trying again");
            });
        }
    });
}

#[test]
fn nothing_is_tried_again_after_output() {
    let half = || chunk(json!({"content": "一半"}), None);
    let error = json!({"error": {"message": "满了", "code": 503}}).to_string();
    for broken in [
        Reply::sse(&[half()]).then([Step::Close]),
        Reply::sse(&[half()]).then([Step::Reset]),
        Reply::sse(&[half()]),
        Reply::sse(&[half(), error]),
    ] {
        let (end, _) = run([broken], &[]);
        end.code(6).stdout("一半\n").stderr_has("llm: ").stderr_lacks("trying again");
    }
    let thinks = chunk(json!({"reasoning_content": "想"}), None);
    let (end, _) = run([Reply::sse(&[thinks])], &["--reasoning", "show"]);
    end.code(6).stdout_empty().stderr_has("想").stderr_lacks("trying again");
}

#[test]
fn what_a_failed_try_said_is_not_mixed_into_the_next() {
    let half = Reply::sse(&[chunk(json!({"content": "{\"a\""}), None)]);
    let whole = Reply::chat(&["{\"a\": 1}"]);
    let (end, _) = run([half, whole], &["--schema", "{\"type\": \"object\"}", "-q"]);
    end.code(0).stdout("{\"a\": 1}\n").stderr_empty();
    let half = Reply::sse(&[chunk(json!({"content": "文字 ```"}), None)]);
    let (end, _) = run([half, Reply::chat(&["```\n码\n```"])], &["-x", "-q"]);
    end.code(0).stdout("码\n").stderr_empty();
}

#[cfg(unix)]
#[test]
fn a_signal_ends_the_wait_for_another_try() {
    let server = Server::start([refusal(429).header("Retry-After", "50")]);
    let mut run = ask(&server).spawn();
    run.read_stderr_until("trying again", Duration::from_secs(10));
    run.signal("INT");
    let run = run.wait();
    run.code(130).stdout_empty();
    assert!(run.elapsed < Duration::from_secs(10), "{run}");
}

/// A server that redirects, with a key in the profile; the other server may be asked or not.
fn redirected(status: u16, target: &str, then: Option<Reply>) -> (Outcome, Vec<Recorded>) {
    let replies = [refusal(status).header("location", target)];
    let server = Server::start(replies.into_iter().chain(then));
    let url = server.url();
    let config = format!(
        "[providers.test]\nbase_url = \"{url}\"\nmodel = \"m\"\napi_key = \"sk-geheim-123456\"\n\
         headers = {{ \"X-Team\" = \"team-secret\" }}\n"
    );
    let run = llm().config(&config).watch(&server).args(["chat", "你好"]).run();
    (run, server.requests())
}

#[test]
fn a_redirect_within_the_origin_keeps_the_body() {
    for status in [307, 308] {
        let (run, requests) = redirected(status, "/v2/chat?x=1", Some(good()));
        run.code(0).stdout("好\n").stderr_empty();
        let [first, second] = &requests[..] else { panic!("{run}") };
        assert_eq!((&*second.method, &*second.path), ("POST", "/v2/chat?x=1"));
        assert_eq!(first.body, second.body);
        assert_eq!(second.header("authorization"), Some("Bearer sk-geheim-123456"));
    }
}

#[test]
fn any_other_redirect_of_a_post_is_an_error_that_names_the_target() {
    for status in [301, 302, 303] {
        let (run, requests) = redirected(status, "/v2/chat", None);
        run.code(4).stdout_empty().stderr_has("/v2/chat").stderr_has(&status.to_string());
        run.stderr_has("\nhint: ").stderr_lacks("geheim");
        assert_eq!(requests.len(), 1);
    }
}

#[test]
fn a_redirect_to_another_origin_takes_nothing_along() {
    let other = Server::start([]);
    for status in [301, 307, 308] {
        let (run, _) = redirected(status, &format!("{}/v1/chat", other.origin()), None);
        run.code(4).stdout_empty().stderr_has(&format!("{}/v1/chat", other.origin()));
    }
    assert!(other.requests().is_empty());
}

#[test]
fn a_list_of_models_takes_no_key_to_another_origin() {
    let body: Value = json!({"data": [{"id": "一"}]});
    let other = Server::new().reply(Reply::json(200, body).repeat()).allow_unused().start();
    let target = format!("{}/v1/models", other.origin());
    let server = Server::start([refusal(302).header("location", &target)]);
    let run = llm().profile(&server).env("K", "sk-geheim-123456");
    let run = run.args(["models", "--base-url", &server.url(), "--api-key-env", "K"]).run();
    assert_eq!(server.request().header("authorization"), Some("Bearer sk-geheim-123456"));
    let told = run.code == Some(4) && run.stderr_text().contains(&target);
    assert!(told || run.stdout == "一\n".as_bytes(), "{run}");
    for request in other.requests() {
        assert_eq!(request.header("authorization"), None, "{request}");
    }
}

#[test]
fn redirects_without_end_end() {
    let loops = refusal(308).header("location", "/v1/chat/completions").repeat();
    let server = Server::new().reply(loops).start();
    let run = ask(&server).run();
    run.code(4).stdout_empty().stderr_has("redirects");
    assert!(server.requests().len() <= 20, "{run}");
}
