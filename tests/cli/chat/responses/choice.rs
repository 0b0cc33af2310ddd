//! Which endpoint is asked, and what a flag means that it has no field for.

use serde_json::json;

use super::{asking, message, response, saying};
use crate::support::{Reply, Server, llm};

#[test]
fn the_profile_chooses_and_the_flag_wins() {
    let server = Server::start([saying("好"), Reply::chat(&["好"]), saying("好")]);
    asking(&server, "").arg("问").run().code(0).stdout("好\n").stderr("");
    asking(&server, "").args(["--api", "completions", "问"]).run().code(0).stdout("好\n");
    let run = llm().profile(&server).args(["chat", "--api", "responses", "问"]).run();
    run.code(0).stdout("好\n").stderr("");
    let paths: Vec<String> = server.requests().iter().map(|one| one.path.clone()).collect();
    assert_eq!(paths, ["/v1/responses", "/v1/chat/completions", "/v1/responses"]);
    let body = server.requests()[0].json();
    let expected = json!({"model": "m", "input": [{"role": "user", "content": "问"}],
        "stream": true, "store": false});
    assert_eq!(body, expected);
}

#[test]
fn a_whole_answer_is_asked_for_as_one() {
    let whole = response(&json!([message("你好")]));
    let server = Server::start([Reply::json(200, whole.clone()), Reply::json(200, whole.clone())]);
    let llm = asking(&server, "");
    llm.clone().args(["-S", "-s", "简短", "问"]).run().code(0).stdout("你好\n").stderr("");
    let body = server.requests()[0].json();
    assert_eq!(body["instructions"], "简短");
    assert_eq!(body["stream"], json!(false));
    let run = llm.args(["--json", "问"]).run();
    assert_eq!(run.code(0).stdout_json(), whole);
}

#[test]
fn the_path_is_beside_that_of_the_other_endpoint_unless_the_profile_says_where() {
    for (line, path) in [
        ("", "/v1/responses"),
        ("paths = { responses = \"/api/answers?v=1\" }", "/v1/api/answers?v=1"),
        ("paths = { chat = \"/deep/chat/completions?v=1\" }", "/v1/deep/responses?v=1"),
        ("paths = { chat = \"/deep/talk\" }", "/v1/responses"),
    ] {
        let server = Server::start([saying("好")]);
        asking(&server, line).arg("问").run().code(0);
        assert_eq!(server.request().path, path, "{line}");
    }
}

#[test]
fn a_flag_without_a_field_there_is_told_before_anything_is_sent() {
    for flag in [["--seed", "1"], ["--stop", "x"]] {
        let server = Server::start([]);
        let run = asking(&server, "").args(flag).arg("问").run();
        run.code(2).stdout("").stderr_has(flag[0]).stderr_has("`--api completions`");
        let run =
            llm().profile(&server).args(["chat", "--api", "responses"]).args(flag).arg("问").run();
        run.code(2).stderr_has("`--api completions`");
        assert_eq!(server.requests().len(), 0);
    }
}

#[test]
fn an_unknown_endpoint_is_refused_with_the_known_ones() {
    let server = Server::start([]);
    let run = llm().profile(&server).args(["chat", "--api", "messages", "问"]).run();
    run.code(2).stderr_has("completions").stderr_has("responses");
    let profile = "[providers.test]\nbase_url = \"http://127.0.0.1:1/v1\"\napi = \"response\"\n";
    llm().config(profile).args(["chat", "问"]).run().code(2).stderr_has("responses");
}

#[test]
fn where_a_rule_chose_a_flag_without_a_field_is_left_out_and_told() {
    let server = Server::start([saying("好")]);
    let profile = format!(
        "[providers.test]\nbase_url = \"{}\"\nmodel = \"m\"\nrules = [{{ jobs = [\"chat\"], via = \"responses\" }}]\n",
        server.url()
    );
    let run = llm().config(&profile).watch(&server);
    let run = run.args(["chat", "--seed", "4", "--stop", "x", "问"]).run();
    run.code(0)
        .stdout("好\n")
        .stderr_has("`--seed` is left out")
        .stderr_has("`--stop` is left out");
    let body = server.request().json();
    assert_eq!((body.get("seed"), body.get("stop")), (None, None));
}
