//! A refusal whose words say that the other endpoint serves the model: it is followed once, told with the
//! rule that spares the refused request, and holds for the run.

use serde_json::{Value, json};

use super::{message, response, saying};
use crate::support::{Llm, Reply, Server, chunk, llm};
#[cfg(unix)]
use crate::support::{Running, spawn_in_terminal};

const ONLY_THERE: &str =
    "This model is only supported in v1/responses and not in v1/chat/completions.";
const NOT_THERE: &str = "This model is not supported in the v1/responses endpoint.";

fn refusal(status: u16, words: &str) -> Reply {
    let error = json!({"message": words, "type": "invalid_request_error", "param": "model"});
    Reply::json(status, json!({ "error": error }))
}

/// A run against this server, whose profile has these further lines.
fn asking(server: &Server, more: &str) -> Llm {
    let profile = format!(
        "[providers.test]\nbase_url = \"{}\"\nmodel = \"o9-pro\"\n{more}\n[tools.t]\ncommand = \"echo 1\"\n",
        server.url()
    );
    llm().config(&profile).watch(server).arg("chat")
}

fn paths(server: &Server) -> Vec<String> {
    let short = |path: &str| path.trim_start_matches("/v1/").to_owned();
    server.requests().iter().map(|request| short(&request.path)).collect()
}

#[test]
fn the_other_endpoint_is_asked_and_told_with_the_rule() {
    for status in [400, 403, 404, 422] {
        let server = Server::start([refusal(status, ONLY_THERE), saying("好")]);
        let run = asking(&server, "").args(["-s", "简短", "问"]).run();
        run.code(0)
            .stdout("好\n")
            .stderr_has("llm: warning: test serves o9-pro over /responses only; asked again there")
            .stderr_has("rules = [{ models = [\"o9-pro\"], via = \"responses\" }]");
        assert_eq!(paths(&server), ["chat/completions", "responses"]);
        let body = server.requests()[1].json();
        assert_eq!((&body["instructions"], &body["store"]), (&json!("简短"), &json!(false)));
    }
    // In the other direction, out of the profile's choice.
    for status in [400, 403] {
        let server = Server::start([refusal(status, NOT_THERE), Reply::chat(&["好"])]);
        let run = asking(&server, "api = \"responses\"").arg("问").run();
        run.code(0).stdout("好\n").stderr_has("via = \"completions\"");
        assert_eq!(paths(&server), ["responses", "chat/completions"]);
    }
}

#[test]
fn the_rule_that_is_told_spares_the_refused_request() {
    for (api, rule, reply) in [
        ("", "rules = [{ models = [\"o9-pro\"], via = \"responses\" }]", saying("好")),
        (
            "api = \"responses\"\n",
            "rules = [{ models = [\"o9-pro\"], via = \"completions\" }]",
            Reply::chat(&["好"]),
        ),
    ] {
        let server = Server::start([reply]);
        asking(&server, &format!("{api}{rule}")).arg("问").run().code(0).stdout("好\n").stderr("");
    }
    let rule = "rules = [{ models = [\"o9-pro\"], with = [\"tools\"], via = \"responses\" }]";
    let server = Server::start([saying("好"), Reply::chat(&["好"])]);
    let llm = asking(&server, rule);
    llm.clone().args(["--yes", "--tool", "t", "问"]).run().code(0);
    llm.arg("问").run().code(0);
    assert_eq!(paths(&server), ["responses", "chat/completions"]);
}

#[test]
fn an_error_in_a_200_is_followed_too() {
    let error = json!({"error": {"message": ONLY_THERE, "code": null}});
    for refused in [Reply::json(200, error.clone()), Reply::sse(&[error.to_string()])] {
        let server = Server::start([refused, saying("好")]);
        asking(&server, "").arg("问").run().code(0).stdout("好\n");
    }
    let mut failed = response(&json!([]));
    failed["status"] = "failed".into();
    failed["error"] = json!({"code": "model_not_supported", "message": NOT_THERE});
    let server = Server::start([Reply::json(200, failed), Reply::chat(&["好"])]);
    asking(&server, "api = \"responses\"").arg("问").run().code(0).stdout("好\n");
}

#[test]
fn what_is_wanted_as_it_came_is_that_of_the_endpoint_that_answered() {
    let whole = response(&json!([message("你好")]));
    let server = Server::start([refusal(400, ONLY_THERE), Reply::json(200, whole.clone())]);
    let run = asking(&server, "").args(["--json", "问"]).run();
    assert_eq!(run.code(0).stdout_json(), whole);
    assert_eq!(paths(&server), ["chat/completions", "responses"]);
}

#[test]
fn what_the_other_endpoint_has_no_field_for_is_left_out_and_told() {
    let server = Server::start([refusal(400, ONLY_THERE), saying("好")]);
    let run = asking(&server, "").args(["--seed", "4", "--stop", "x", "--max-tokens", "9", "问"]);
    run.run()
        .code(0)
        .stdout("好\n")
        .stderr_has("`--seed` is left out")
        .stderr_has("`--stop` is left out");
    let body = server.requests()[1].json();
    assert_eq!((body.get("seed"), body.get("stop")), (None, None));
    assert_eq!(body["max_output_tokens"], json!(9));
}

#[test]
fn it_is_followed_once_and_only_where_words_say_so() {
    // The other endpoint refuses too, and points back.
    let server = Server::start([refusal(400, ONLY_THERE), refusal(400, NOT_THERE)]);
    asking(&server, "").arg("问").run().code(4).stdout("").stderr_has(NOT_THERE);
    // A path that is not there, a model that is unknown.
    for (status, words) in [
        (404, "Invalid URL (POST /v1/chat/completions)"),
        (404, "404 page not found"),
        (404, "Unknown request URL: POST /v1/chat/completions, o9-pro"),
        (404, "The model `o9-pro` does not exist or you do not have access to it."),
    ] {
        let server = Server::start([refusal(status, words)]);
        asking(&server, "").arg("问").run().code(4).stderr_has(words);
    }
    let words = "The parameter 'truncation' is only supported in v1/responses";
    let server = Server::start([Reply::json(400, json!({"error": {"message": words}}))]);
    asking(&server, "").arg("问").run().code(4).stderr_has(words);
    let server = Server::start([Reply::text(404, "Not Found")]);
    asking(&server, "api = \"responses\"").arg("问").run().code(4);
    // The user's own messages are in one dialect.
    let server = Server::start([refusal(400, ONLY_THERE)]);
    let own = "messages=[{\"role\":\"user\",\"content\":\"b\"}]";
    asking(&server, "").args(["-O", own, "问"]).run().code(4);
    // A recording has no place there.
    let server = Server::start([refusal(400, ONLY_THERE)]);
    let run = asking(&server, "").file("a.mp3", b"ID3\x03\0\0\0\0\0\0").args(["-f", "a.mp3", "问"]);
    run.run().code(4).stderr_has(ONLY_THERE);
}

#[test]
fn an_endpoint_that_was_typed_is_not_left() {
    for (typed, words, other) in
        [("completions", ONLY_THERE, "responses"), ("responses", NOT_THERE, "completions")]
    {
        let server = Server::start([refusal(400, words)]);
        let run = asking(&server, "").args(["--api", typed, "问"]).run();
        run.code(4)
            .stdout("")
            .stderr_has(words)
            .stderr_has(&format!("hint: `--api {other}` asks the endpoint that serves this model"));
    }
    // A wrapped refusal is one too, and one under another number.
    for status in [403, 500] {
        let server = Server::start([refusal(status, ONLY_THERE)]);
        asking(&server, "").args(["--api", "completions", "问"]).run().code(4);
    }
}

fn calling() -> Reply {
    let call = json!({"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "t",
        "arguments": "{}", "status": "completed"});
    Reply::json(200, response(&json!([call])))
}

#[test]
fn tools_that_need_the_other_endpoint_get_it_and_the_rule_names_them() {
    let words = "Function tools with reasoning_effort are not supported for o9-pro in /v1/chat/completions. \
                 To use function tools, use /v1/responses or set reasoning_effort to 'none'.";
    let error = json!({"message": words, "param": "reasoning_effort"});
    let refused = Reply::json(400, json!({ "error": error }));
    let server =
        Server::start([refused, calling(), Reply::json(200, response(&json!([message("完")])))]);
    let run = asking(&server, "").args(["--yes", "--tool", "t", "-S", "问"]).run();
    run.code(0)
        .stdout("完\n")
        .stderr_has("serves o9-pro with tools over /responses only")
        .stderr_has("rules = [{ models = [\"o9-pro\"], with = [\"tools\"], via = \"responses\" }]");
    assert_eq!(paths(&server), ["chat/completions", "responses", "responses"]);
    let input = server.requests()[2].json()["input"].clone();
    assert_eq!(input[2]["type"], "function_call_output", "{input}");
}

#[test]
fn it_holds_for_several_answers_each_way() {
    let one = |text: &str| saying(text);
    let server = Server::start([refusal(400, ONLY_THERE), one("甲"), one("乙"), one("丙")]);
    let run = asking(&server, "").args(["-n", "3", "问"]).run();
    run.code(0).stdout("甲\n\n乙\n\n丙\n");
    assert_eq!(paths(&server)[1..], ["responses"; 3]);
    let two = json!({"choices": [
        {"index": 0, "message": {"role": "assistant", "content": "甲"}, "finish_reason": "stop"},
        {"index": 1, "message": {"role": "assistant", "content": "乙"}, "finish_reason": "stop"}]});
    let server = Server::start([refusal(400, NOT_THERE), Reply::json(200, two)]);
    let run = asking(&server, "api = \"responses\"").args(["-n", "2", "-S", "问"]).run();
    run.code(0).stdout("甲\n\n乙\n");
    assert_eq!(server.requests()[1].json()["n"], json!(2));
}

#[test]
fn a_field_that_is_refused_there_is_repaired_as_anywhere() {
    let refused = |words: &str, param: &str| {
        Reply::json(400, json!({"error": {"message": words, "param": param}}))
    };
    let server = Server::start([
        refused("Unsupported parameter: 'stream' is not supported", "stream"),
        refusal(400, ONLY_THERE),
        refused("Unknown parameter: 'store'", "store"),
        saying("好"),
    ]);
    asking(&server, "").arg("问").run().code(0).stdout("好\n");
    let last = server.requests()[3].json();
    assert_eq!(last.get("store"), None, "{last}");
}

#[test]
fn rows_of_a_batch_learn_it_together() {
    let server = Server::start([
        refusal(400, ONLY_THERE),
        Reply::json(200, response(&json!([message("甲")]))),
        Reply::json(200, response(&json!([message("乙")]))),
    ]);
    let run = asking(&server, "").file("rows.txt", b"a\nb\n");
    let run = run.bare_args([
        "batch",
        "--concurrency",
        "1",
        "--seed",
        "3",
        "-f",
        "rows.txt",
        "-o",
        "out.jsonl",
        "说{{input}}",
    ]);
    let run = run.run();
    run.code(0)
        .stderr_has("over /responses only; asked again there")
        .stderr_has("`--seed` is left out");
    assert_eq!(paths(&server), ["chat/completions", "responses", "responses"]);
}

#[cfg(unix)]
#[test]
fn a_conversation_keeps_what_it_learnt_and_its_words() {
    let server = Server::start([refusal(400, ONLY_THERE), saying("答甲"), saying("答乙")]);
    let Some(mut run): Option<Running> = spawn_in_terminal(&asking(&server, "")) else { return };
    let long = std::time::Duration::from_secs(15);
    for (before, typed) in [("leaves", "一\r"), ("答甲", "二\r"), ("答乙", "\x04")] {
        run.read_stdout_until(before, long);
        std::thread::sleep(std::time::Duration::from_millis(50));
        run.write_stdin(typed);
    }
    let outcome = run.wait();
    outcome.code(0);
    assert_eq!(paths(&server), ["chat/completions", "responses", "responses"]);
    let input = server.requests()[2].json()["input"].clone();
    let texts: Vec<Value> = (0..3).map(|at| input[at]["content"].clone()).collect();
    assert_eq!(texts[0], "一", "{input}");
    assert_eq!(outcome.stdout_text().matches("asked again there").count(), 1, "{outcome}");
}

#[test]
fn the_two_dialects_meet_in_one_kept_conversation() {
    let stream = Reply::sse(&[chunk(json!({"content": "又"}), Some("stop")), "[DONE]".to_owned()]);
    let server = Server::start([refusal(400, ONLY_THERE), saying("好"), stream]);
    let llm = asking(&server, "");
    llm.clone().arg("问").run().code(0);
    // The next run has learnt nothing yet; this service now serves both.
    llm.args(["-c", "再问"]).run().code(0).stdout("又\n");
    let messages = server.requests()[2].json()["messages"].clone();
    assert_eq!(messages[1], json!({"role": "assistant", "content": "好"}));
}
