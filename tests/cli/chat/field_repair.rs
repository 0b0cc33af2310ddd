//! A request that is refused for one field which the user did not ask for is made once more.

use serde_json::json;

use crate::support::{Reply, Server, ask, llm};

fn refusal(param: &str, words: &str) -> Reply {
    Reply::json(400, json!({"error": {"message": words, "param": param}}))
}

fn unsupported(field: &str) -> Reply {
    refusal(field, &format!("Unsupported parameter: '{field}' is not supported with this model."))
}

#[test]
fn what_we_added_is_left_out_the_second_time() {
    let server = Server::start([unsupported("stream_options"), Reply::chat(&["好"])]);
    let outcome = ask(&server).args(["-u"]).run();
    outcome.code(0).stdout("好\n");
    outcome.stderr_has("llm: warning: test refuses `stream_options`; sent again without it");
    outcome.stderr_has("[providers.test] avoids the refused request: stream_usage = \"never\"");
    let [mut first, second] = server.bodies().try_into().expect("two requests");
    assert!(first["stream_options"].is_object());
    first.as_object_mut().expect("an object").shift_remove("stream_options");
    assert_eq!(first, second);
    // The line does what it promises.
    let server = Server::start([Reply::chat(&["好"])]);
    let config = format!(
        "[providers.test]\nbase_url = \"{}\"\nmodel = \"m\"\nstream_usage = \"never\"\n",
        server.url()
    );
    llm().watch(&server).config(&config).args(["chat", "-u", "你好"]).run().code(0);
    assert!(server.bodies()[0].get("stream_options").is_none());
}

#[test]
fn a_stream_that_is_refused_is_asked_for_whole() {
    let words = "Your organization must be verified to stream this model.";
    let server = Server::start([refusal("stream", words), Reply::chat_json("好")]);
    let outcome = ask(&server).args(["-u"]).run();
    outcome.code(0).stdout("好\n").stderr_has("refuses `stream`");
    let rule = "rules = [{ jobs = [\"chat\"], models = [\"test-model\"], drop = [\"stream\"] }]";
    outcome.stderr_has(rule);
    let second = &server.bodies()[1];
    assert!(second.get("stream").is_none() && second.get("stream_options").is_none(), "{second}");
    // The rule does what it promises.
    let server = Server::start([Reply::chat_json("好")]);
    let config = format!(
        "[providers.test]\nbase_url = \"{}\"\nmodel = \"test-model\"\n{rule}\n",
        server.url()
    );
    llm().watch(&server).config(&config).args(["chat", "你好"]).run().code(0).stderr_empty();
    assert!(server.bodies()[0].get("stream").is_none());
}

#[test]
fn a_new_name_is_taken_for_what_the_user_set_too() {
    let words = "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.";
    let server = Server::start([refusal("max_tokens", words), Reply::chat(&["好"])]);
    let outcome = ask(&server).args(["--max-tokens", "7"]).run();
    outcome.code(0).stdout("好\n");
    outcome.stderr_has("test expects `max_completion_tokens` instead of `max_tokens`");
    let rule = "rules = [{ jobs = [\"chat\"], models = [\"test-model\"], rename = { max_tokens = \"max_completion_tokens\" } }]";
    outcome.stderr_has(rule);
    let bodies = server.bodies();
    assert_eq!(
        (&bodies[0]["max_tokens"], &bodies[1]["max_completion_tokens"]),
        (&json!(7), &json!(7))
    );
    assert!(bodies[1].get("max_tokens").is_none());
    // What -O sets is no rule's matter.
    let server = Server::start([refusal("max_tokens", words), Reply::chat(&["好"])]);
    let outcome = ask(&server).args(["-O", "max_tokens=7"]).run();
    outcome.code(0).stderr_has("`-O max_completion_tokens=…` avoids the refused request");
}

#[test]
fn what_the_user_set_is_the_users_error() {
    for (args, hint) in
        [(&["--stop", "x"][..], "`--stop` sets `stop`"), (&["-O", "stop=x"], "`-O stop=…` sets it")]
    {
        let server = Server::start([unsupported("stop")]);
        let outcome = ask(&server).args(args).run();
        outcome.code(4).stdout_empty().stderr_has("'stop' is not supported").stderr_has(hint);
        assert_eq!(outcome.stderr_lines().len(), 2, "{outcome}");
    }
    let server = Server::start([unsupported("seed")]);
    let config = format!(
        "[providers.test]\nbase_url = \"{}\"\nmodel = \"m\"\noptions = {{ seed = 1 }}\n",
        server.url()
    );
    let run = llm().watch(&server).config(&config).args(["chat", "你好"]);
    let place = format!("`options.seed` ({}:4) sets `seed`", run.config_file().display());
    run.run().code(4).stderr_has(&place);
    // A rule renames it: it stays the user's.
    let server = Server::start([unsupported("random_seed")]);
    let config = format!(
        "[providers.mistral]\nbase_url = \"{}\"\napi_key = \"sk-netz-0001\"\n",
        server.url()
    );
    let run = llm().watch(&server).config(&config).args(["chat", "--seed", "1", "你好"]);
    run.run().code(4).stderr_has("`--seed` sets `random_seed`");
}

#[test]
fn it_is_done_once_and_only_for_one_field() {
    let server = Server::start([unsupported("stream_options"), unsupported("stream")]);
    let outcome = ask(&server).args(["-u"]).run();
    outcome.code(4).stdout_empty().stderr_has("'stream' is not supported");
    for words in ["`stream` and `stream_options` are unknown here", "bad request"] {
        let server = Server::start([refusal("", words)]);
        ask(&server).args(["-u"]).run().code(4).stderr_has(words).stderr_lacks("asked again");
    }
    let server = Server::start([refusal("model", "model 'test-model' is not supported")]);
    ask(&server).run().code(4).stderr_lacks("asked again");
}

#[test]
fn the_second_request_has_all_its_tries() {
    let busy =
        Reply::json(503, json!({"error": {"message": "busy"}})).header("retry-after-ms", "1");
    let replies = [busy.clone(), unsupported("stream_options"), busy, Reply::chat(&["好"])];
    let server = Server::start(replies);
    ask(&server).args(["-u"]).run().code(0).stdout("好\n");
    let sent: Vec<bool> =
        server.bodies().iter().map(|body| body.get("stream_options").is_some()).collect();
    assert_eq!(sent, [true, true, false, false]);
}

#[test]
fn an_error_inside_a_reply_counts_too() {
    let body = json!({"error": {"message": "stream_options is not supported", "code": 400}});
    let server = Server::start([Reply::sse(&[body.to_string()]), Reply::chat(&["好"])]);
    ask(&server).args(["-u"]).run().code(0).stdout("好\n").stderr_has("refuses `stream_options`");
}

#[test]
fn json_and_a_server_without_a_profile_have_the_net_as_well() {
    let words = "max_tokens is not supported, use max_completion_tokens instead";
    let server = Server::start([refusal("", words), Reply::chat_json("好")]);
    let url = server.url();
    let run = llm().watch(&server).args(["chat", "--base-url", &url, "-m", "m", "--json"]);
    let outcome = run.args(["--max-tokens", "7", "你好"]).run();
    outcome.code(0).stderr_has("sent again that way").stderr_lacks("rules = ");
    assert_eq!(outcome.stdout_json()["choices"][0]["message"]["content"], "好");
}

#[test]
fn a_check_has_the_net_too() {
    let words = "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.";
    let other = Reply::json(404, json!({"detail": "Not Found"}));
    let answers = [Reply::chat_json("好"), Reply::chat(&["好"]), other];
    let replies = [refusal("max_tokens", words)].into_iter().chain(answers);
    let server = Server::start(replies);
    let config = format!(
        "[providers.test]\nbase_url = \"{}\"\nmodel = \"m\"\njobs = [\"chat\"]\n",
        server.url()
    );
    let run = llm().watch(&server).config(&config).args(["providers", "check", "test"]);
    run.run().code(0).stderr_has("test expects `max_completion_tokens` instead of `max_tokens`");
    // What the first refusal taught holds for the stream too.
    for body in &server.bodies()[1..3] {
        assert_eq!(body["max_completion_tokens"], json!(1));
    }
}

#[test]
fn an_option_of_the_file_that_a_built_in_rule_drops_is_told_once() {
    let server = Server::start([Reply::chat(&["好"])]);
    let config = format!(
        "[providers.openai]\nbase_url = \"{}\"\napi_key = \"sk-netz-0001\"\noptions = {{ temperature = 0.5 }}\n",
        server.url()
    );
    let run = llm().watch(&server).config(&config).args(["chat", "-m", "gpt-5", "你好"]);
    let place = format!("`options.temperature` ({}:4) is left out", run.config_file().display());
    let outcome = run.run();
    outcome.code(0).stdout("好\n").stderr_has(&format!("llm: warning: {place}"));
    assert_eq!(outcome.stderr_lines().len(), 1, "{outcome}");
    assert!(server.bodies()[0].get("temperature").is_none());
}
