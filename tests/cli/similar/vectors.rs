//! `llm similar`: the nearest rows of files of vectors, and lines that are embedded on the spot.

use serde_json::json;

use crate::support::{Llm, Reply, Server, llm};

/// A reply with these vectors.
pub(super) fn vectors(rows: &[&[f32]]) -> Reply {
    let entry = |(index, row): (usize, &&[f32])| json!({"index": index, "embedding": row});
    let data: Vec<_> = rows.iter().enumerate().map(entry).collect();
    Reply::json(200, json!({"object": "list", "data": data, "usage": {"prompt_tokens": 3}}))
}

/// `llm similar` with the profile `test` at this server.
pub(super) fn similar(server: &Server) -> Llm {
    llm().profile(server).args(["similar", "-m", "bge"])
}

/// The vector of the query in most of these tests.
pub(super) const QUERY: &[f32] = &[1.0, 0.0];

const JSONL: &str = "\
{\"index\":0,\"input\":\"狗\",\"embedding\":[0.0,1.0]}\n\
{\"index\":1,\"input\":\"猫\\t和\\n鱼\",\"embedding\":[2.0,0.0],\"id\":\"k7\"}\n\
{\"index\":2,\"input\":\"\",\"embedding\":null}\n\
{\"index\":3,\"input\":\"车\",\"embedding\":[-1.0,0.0]}\n";

fn npy(rows: &[[f32; 2]]) -> Vec<u8> {
    let text =
        format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({}, 2), }}", rows.len());
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((118_u16).to_le_bytes());
    bytes.extend(format!("{text:<117}\n").bytes());
    rows.iter().flatten().for_each(|number| bytes.extend(number.to_le_bytes()));
    bytes
}

#[test]
fn the_nearest_rows_of_json_lines_come_first() {
    let server = Server::start([vectors(&[QUERY])]);
    let run = similar(&server).file("v.jsonl", JSONL).args([
        "--in",
        "v.jsonl",
        "-n",
        "2",
        "宠物",
        "是什么",
    ]);
    run.run().code(0).stdout("1.000000\t2\t猫 和 鱼\n0.000000\t1\t狗\n").stderr_empty();
    assert_eq!(server.request().json()["input"], json!(["宠物 是什么"]));
}

#[test]
fn every_format_says_the_same() {
    for (args, expected) in [
        (
            &["--format", "jsonl"][..],
            "{\"score\":1.000000,\"number\":2,\"id\":\"k7\",\"text\":\"猫\\t和\\n鱼\"}\n",
        ),
        (&["--format", "text"], "猫\t和\n鱼\n"),
        (&["--format", "tsv"], "1.000000\t2\t猫 和 鱼\n"),
    ] {
        let server = Server::start([vectors(&[QUERY])]);
        let run = similar(&server).file("v.jsonl", JSONL).args(["--in", "v.jsonl", "-n", "1", "q"]);
        run.args(args).run().code(0).stdout(expected).stderr_empty();
    }
}

#[test]
fn rows_of_numbers_take_their_texts_from_another_file() {
    let table = npy(&[[0.0, 1.0], [1.0, 0.1], [1.0, 0.0]]);
    for (name, bytes) in [
        ("v.npy", table),
        ("v.csv", b"0,1\n1,0.1\n1,0\n".to_vec()),
        ("v.json", b"[0,1]\n[1,0.1]\n[1,0]\n".to_vec()),
    ] {
        let server = Server::start([vectors(&[QUERY])]);
        let run = similar(&server).file(name, bytes).file("t.txt", "一\n二\n三\n");
        let run = run.args(["--in", name, "--texts", "t.txt", "-n", "2", "q"]).run();
        run.code(0).stdout("1.000000\t3\t三\n0.995037\t2\t二\n").stderr_empty();
    }
}

#[test]
fn the_texts_that_were_embedded_are_found_by_what_embed_wrote_beside_the_vectors() {
    let server = Server::start([vectors(&[QUERY])]);
    let beside = r#"{"llm":1,"model":"bge","dimensions":2,"texts":"t.txt"}"#;
    let run = similar(&server).file("v.csv", "0,1\n1,0\n").file("v.csv.json", beside);
    let run =
        run.file("t.txt", "一\n二\n").args(["--in", "v.csv", "-n", "1", "q", "--format", "text"]);
    run.run().code(0).stdout("二\n").stderr_empty();
}

#[test]
fn numbers_count_on_over_several_files_and_texts_belong_to_the_file_before() {
    let server = Server::start([vectors(&[QUERY])]);
    let run = similar(&server)
        .file("a.csv", "0,1\n1,1\n")
        .file("b.csv", "1,0\n")
        .file("b.txt", "乙\n")
        .file("c.jsonl", JSONL);
    let run = run.args(["--in", "a.csv", "--in", "b.csv", "--texts", "b.txt", "--in=c.jsonl", "q"]);
    let expected = "1.000000\t3\t乙\n1.000000\t5\t猫 和 鱼\n0.707107\t2\t\n0.000000\t1\t\n\
                    0.000000\t4\t狗\n-1.000000\t7\t车\n";
    run.run().code(0).stdout(expected).stderr_empty();
}

#[test]
fn a_bound_leaves_rows_out() {
    let server = Server::start([vectors(&[QUERY]), vectors(&[QUERY])]);
    let run = similar(&server).file("v.jsonl", JSONL).args(["--in", "v.jsonl", "q", "--min"]);
    run.arg("0.5").run().code(0).stdout("1.000000\t2\t猫 和 鱼\n").stderr_empty();
    let run = similar(&server).file("v.csv", "0,1\n").args(["--in", "v.csv", "q", "--min", "0.5"]);
    run.run().code(0).stdout("").stderr_empty();
}

#[test]
fn lines_are_embedded_on_the_spot() {
    let server = Server::start([vectors(&[QUERY]), vectors(&[&[0.0, 1.0], &[1.0, 1.0]])]);
    let run = similar(&server).args(["q"]).stdin("一\n\n三\n").run();
    run.code(0).stdout("0.707107\t3\t三\n0.000000\t1\t一\n").stderr_empty();
    assert_eq!(server.bodies()[1]["input"], json!(["一", "三"]));
    let server = Server::start([vectors(&[QUERY]), vectors(&[&[0.0, 1.0]])]);
    let run = similar(&server).file("l.txt", "一\n").args(["-f", "l.txt"]).stdin("问题\n").run();
    run.code(0).stdout("0.000000\t1\t一\n").stderr_empty();
    assert_eq!(server.bodies()[0]["input"], json!(["问题"]));
}

#[test]
fn the_query_is_embedded_by_the_model_that_made_the_vectors() {
    let line = "{\"index\":0,\"input\":\"x\",\"embedding\":[1,0],\"model\":\"bge-m3\"}\n";
    let run = |server: &Server| {
        llm().profile(server).file("a.jsonl", line).file("b.csv", "1,0\n").args(["similar", "q"])
    };
    let server = Server::start([vectors(&[QUERY]), vectors(&[QUERY]), vectors(&[QUERY])]);
    run(&server).args(["--in", "a.jsonl"]).run().code(0).stderr_empty();
    let beside = r#"{"model":"beside","provider":"x","dimensions":2}"#;
    run(&server).file("b.csv.json", beside).args(["--in", "b.csv"]).run().code(0).stderr_empty();
    let typed = run(&server).args(["--in", "a.jsonl", "-m", "typed"]).run();
    typed.code(0).stderr_has("llm: warning: the vectors were made by bge-m3, and ");
    let models: Vec<_> = server.bodies().iter().map(|body| body["model"].clone()).collect();
    assert_eq!(models, [json!("bge-m3"), json!("beside"), json!("typed")]);
    let server = Server::silent();
    let run =
        run(&server).file("b.csv.json", beside).args(["--in", "a.jsonl", "--in", "b.csv"]).run();
    run.code(2).stdout_empty();
    run.stderr_has("llm: a.jsonl was made by bge-m3, and b.csv by beside\n");
}

#[test]
fn vectors_of_another_length_are_not_compared() {
    let server = Server::start([vectors(&[QUERY])]);
    let run = similar(&server).file("v.csv", "1,2,3\n").args(["--in", "v.csv", "q"]).run();
    run.code(2).stdout_empty();
    run.stderr_has(
        "llm: v.csv has vectors of 3 numbers, and the query's has 2: they can't be compared\n",
    );
}

#[test]
fn what_can_not_be_searched_is_told_before_anything_is_sent() {
    let server = Server::silent();
    for (args, words) in [
        (&["q", "--in", "missing.npy"][..], "cannot read missing.npy"),
        (&["q", "--in", "v.npy", "--format", "text"], "v.npy has no texts to print"),
        (&["q", "--texts", "t.txt", "--in", "v.npy"], "--texts t.txt stands before any --in"),
        (&["--in", "v.npy"], "there is no query"),
        (&["q", "--in", "v.npy", "--json"], "--json"),
        (&["q", "--in", "v.npy", "--min", "nan"], "that is not a number"),
        (&["q", "--in", "v.npy", "--min", "hoch"], "that is not a number"),
        (&["q", "--in", "v.npy", "-o", "v.npy"], "v.npy"),
    ] {
        let run = similar(&server).file("v.npy", npy(&[[1.0, 0.0]])).args(args).run();
        run.code(2).stdout_empty();
        run.stderr_has(words);
    }
}

#[test]
fn a_dry_run_shows_the_question_and_a_file_appears_whole() {
    let server = Server::silent();
    let run = similar(&server).file("v.jsonl", JSONL).args(["--in", "v.jsonl", "q", "--dry-run"]);
    run.run().code(0).stdout_has("/v1/embeddings").stdout_has("\"input\":[\"q\"]");
    let server = Server::start([vectors(&[QUERY])]);
    let run = similar(&server).file("v.jsonl", JSONL);
    let run = run.args(["--in", "v.jsonl", "q", "-n", "1", "-o", "out.jsonl"]).run();
    run.code(0).stdout_empty().stderr_empty();
    let expected = "{\"score\":1.000000,\"number\":2,\"id\":\"k7\",\"text\":\"猫\\t和\\n鱼\"}\n";
    assert_eq!(String::from_utf8_lossy(&run.read("out.jsonl")), expected);
}
