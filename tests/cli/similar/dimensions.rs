//! `llm similar --in`: vectors that were made shorter than their model makes them by itself.

use serde_json::{Value, json};

use super::vectors::{QUERY, vectors};
use crate::support::{Llm, Reply, Server, llm};

/// The query's vector as the model makes it by itself.
const WHOLE: &[f32] = &[1.0, 0.0, 0.0];

const LINE: &str = "{\"index\":0,\"input\":\"x\",\"embedding\":[1,0],\"model\":\"bge\"}\n";
const BESIDE: &str = r#"{"llm":1,"model":"bge","provider":"test","dimensions":2,"texts":null}"#;

/// `llm similar` in a folder with such vectors.
fn shortened(server: &Server) -> Llm {
    let files = llm().profile(server).file("v.jsonl", LINE).file("v.csv", "1,0\n");
    files.file("v.csv.json", BESIDE).file("other.csv", "1,0\n").args(["similar", "q", "--in"])
}

fn asked(server: &Server) -> Vec<Value> {
    server.bodies().iter().map(|body| body["dimensions"].clone()).collect()
}

#[test]
fn the_query_is_asked_for_in_the_length_of_the_vectors() {
    for (name, expected) in [("v.jsonl", "1.000000\t1\tx\n"), ("v.csv", "1.000000\t1\t\n")] {
        let server = Server::start([vectors(&[WHOLE]), vectors(&[QUERY])]);
        let run = shortened(&server).arg(name).run();
        run.code(0).stdout(expected).stderr_empty();
        assert_eq!(asked(&server), [json!(null), json!(2)], "{name}");
    }
}

#[test]
fn dimensions_that_were_typed_are_not_asked_for_otherwise() {
    let server = Server::start([vectors(&[QUERY])]);
    let run = shortened(&server).args(["v.csv", "-O", "dimensions=2"]).run();
    run.code(0).stdout("1.000000\t1\t\n").stderr_empty();
    assert_eq!(asked(&server), [json!(2)]);
    let server = Server::start([vectors(&[WHOLE])]);
    let run = shortened(&server).args(["v.csv", "-O", "dimensions=3"]).run();
    run.code(2).stdout_empty().stderr_has("v.csv has vectors of 2 numbers, and the query's has 3");
    assert_eq!(asked(&server), [json!(3)]);
}

#[test]
fn a_length_that_can_not_be_had_is_told_with_both() {
    let refused = json!({"error": {"message": "no such field", "param": "dimensions"}});
    for (name, replies) in [
        ("v.jsonl", vec![vectors(&[WHOLE]), vectors(&[WHOLE])]),
        ("v.jsonl", vec![vectors(&[WHOLE]), Reply::json(400, refused), vectors(&[WHOLE])]),
        // Nobody knows whether the same model made them.
        ("other.csv", vec![vectors(&[WHOLE])]),
    ] {
        let server = Server::start(replies);
        let run = shortened(&server).args([name, "-m", "bge"]).run();
        run.code(2).stdout_empty();
        run.stderr_has(&format!(
            "llm: {name} has vectors of 2 numbers, and the query's has 3: they can't be compared\n"
        ));
        run.stderr_has("-O dimensions=2");
    }
}
