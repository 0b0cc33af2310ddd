//! How texts go to a service: a single one as a text, several as a list, and what becomes of it where
//! the service takes only the other form.

use serde_json::{Value, json};

use crate::support::{Llm, Reply, Server, llm};

const NO_LIST: &str = include_str!("../../gateways/portkey-error-400-embed-array.json");

fn vectors(count: usize) -> Reply {
    let data: Vec<Value> =
        (0..count).map(|index| json!({"index": index, "embedding": [1.0, 2.0]})).collect();
    Reply::json(200, json!({"data": data}))
}

fn refusal(words: &str) -> Reply {
    Reply::json(400, json!({"error": {"message": words}}))
}

fn no_list() -> Reply {
    Reply::bytes(400, "application/json", NO_LIST)
}

fn asking(server: &Server) -> Llm {
    llm().profile(server).arg("embed")
}

fn inputs(server: &Server) -> Vec<Value> {
    server.bodies().into_iter().map(|body| body["input"].clone()).collect()
}

#[test]
fn a_single_text_goes_as_a_text_and_several_as_a_list() {
    let server = Server::start([vectors(1), vectors(2), vectors(1), vectors(1)]);
    asking(&server).arg("你好").run().code(0).stderr("");
    asking(&server).arg("--lines").stdin("甲\n乙\n").run().code(0);
    // How many lines there are is not known before they are read.
    asking(&server).arg("--lines").stdin("甲\n").run().code(0);
    asking(&server).args(["-f", "a"]).file("a", "全文").run().code(0);
    assert_eq!(inputs(&server), [json!("你好"), json!(["甲", "乙"]), json!(["甲"]), json!("全文")]);
    let shown = asking(&Server::new().start()).args(["--dry-run", "你好"]).run();
    shown.code(0).stdout_has("\"input\":\"你好\"");
}

#[test]
fn a_text_that_is_refused_as_such_goes_as_a_list_of_one() {
    for words in [
        "json: cannot unmarshal string into Go struct field .input of type []string",
        "input must be an array",
        "Input should be a valid list",
    ] {
        let server = Server::start([refusal(words), vectors(1)]);
        let run = asking(&server).arg("你好").run();
        run.code(0).stderr_has("takes only a list as `input`; sent again as a list of one");
        assert_eq!(inputs(&server), [json!("你好"), json!(["你好"])]);
    }
    // Once, and no other refusal is one of the form.
    let server = Server::start([refusal("input must be an array"), no_list()]);
    asking(&server).args(["你好", "--json"]).run().code(4);
    let server = Server::start([refusal("input is too long, at most 512 tokens")]);
    asking(&server).arg("你好").run().code(4);
}

#[test]
fn a_list_that_is_refused_as_such_goes_as_single_texts() {
    let server = Server::start([no_list(), vectors(1), vectors(1), vectors(1), vectors(1)]);
    let run = asking(&server).args(["--lines", "--concurrency", "1", "--batch-size", "3"]);
    let run = run.stdin("甲\n乙\n丙\n丁\n").run();
    run.code(0).stderr_has("takes no list as `input`; each text is sent alone");
    assert_eq!(run.stderr_text().matches("takes no list").count(), 1, "{run}");
    assert_eq!(run.stdout_text().lines().count(), 4);
    let all = [json!(["甲", "乙", "丙"]), json!("甲"), json!("乙"), json!("丙"), json!("丁")];
    assert_eq!(inputs(&server), all);
}

#[test]
fn a_list_of_one_that_is_refused_goes_as_a_text() {
    let server = Server::start([no_list(), vectors(1)]);
    let run = asking(&server).args(["--lines"]).stdin("甲\n").run();
    run.code(0).stderr_has("takes no list as `input`");
    assert_eq!(inputs(&server), [json!(["甲"]), json!("甲")]);
}
