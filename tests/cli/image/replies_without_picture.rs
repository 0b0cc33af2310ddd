//! Replies without a picture: a clear line, the right exit code, and nothing left behind.

use serde_json::{Value, json};

use crate::image::samples::{body, image, inline, png, reply};
use crate::support::{Outcome, Reply, Server};

/// Runs into this reply with an old file in the way, and checks that nothing was touched.
fn failed(reply: Reply) -> Outcome {
    let server = Server::start([reply]);
    let llm = image(&server).file("a.png", "alt");
    let run = llm.args(["--retries", "0", "猫", "-o", "a.png"]).run();
    run.stdout_empty();
    assert_eq!(
        (run.names(), run.read("a.png")),
        (vec!["a.png".to_owned()], b"alt".to_vec()),
        "{run}"
    );
    assert!(run.stderr_lines().len() <= 2, "{run}");
    run
}

fn with(entry: Value) -> Reply {
    Reply::json(200, body([entry]))
}

#[test]
fn entries_that_are_no_picture_exit_4() {
    for (reply, words) in [
        (with(json!({"b64_json": ""})), "the picture that came has 0 bytes"),
        (with(json!({"b64_json": "kein Bild!"})), "the picture that came is not valid base64"),
        (with(inline(b"<html>nein")), "is not a picture; it begins `<html>nein`"),
        (with(json!({"b64_json": null})), "test gave no picture: the entry contains no picture"),
        (with(json!({"b64_json": "*0"})), "is not valid base64"),
        (with(json!({"url": "https://a.example/x", "respect_moderation": false})), "moderation"),
        (with(json!({"error": {"message": "违规"}})), "test gave no picture: 违规"),
        (Reply::json(200, body([])), "the reply from test has no picture"),
        (Reply::json(200, json!({"choices": []})), "is not a list of pictures"),
        (
            Reply::html(200, "<html><title>Willkommen</title>"),
            "is not a list of pictures: Willkommen",
        ),
        (Reply::bytes(200, "application/json", ""), "the reply from test is empty"),
        (Reply::json(200, json!({"error": {"message": "违规", "code": 400}})), "(400): 违规"),
        (Reply::json(400, json!({"error": {"message": "太大"}})), "(400): 太大"),
    ] {
        failed(reply).code(4).stderr_has(words);
    }
}

#[test]
fn other_failures_have_their_codes() {
    failed(Reply::json(401, json!({"error": {"message": "no"}}))).code(3);
    failed(Reply::json(429, json!({"error": {"message": "slow"}}))).code(5);
    failed(Reply::text(502, "bad gateway")).code(6);
    failed(Reply::json(200, json!({"error": {"message": "kaputt", "code": 500}}))).code(6);
}

#[test]
fn a_reply_that_breaks_off_in_mid_picture_exits_6() {
    let text = body([inline(&png(&"x".repeat(3000)))]).to_string();
    let half = &text[..text.len() / 2];
    let length = text.len() as u64;
    failed(Reply::bytes(200, "application/json", half).content_length(length)).code(6);
    failed(Reply::bytes(200, "application/json", half)).code(6).stderr_has("ended early");
}

#[test]
fn a_broken_reply_is_asked_for_again_where_the_user_says_so() {
    let text = body([inline(&png("erst"))]).to_string();
    let half = &text[..text.len() - 20];
    let server =
        Server::start([Reply::bytes(200, "application/json", half), reply(&[png("dann")])]);
    let run = image(&server).args(["猫", "-o", "a.png", "--retries", "1"]).run();
    run.code(0).stdout("a.png\n").stderr_has("trying again");
    assert_eq!((run.names(), run.read("a.png")), (vec!["a.png".to_owned()], png("dann")));
    let server =
        Server::start([Reply::bytes(200, "application/json", half), reply(&[png("dann")])]);
    image(&server).args(["猫", "--retries", "1"]).run().code(0).stdout_bytes(&png("dann"));
    // It was made, and is paid for.
    let server = Server::start([Reply::bytes(200, "application/json", half)]);
    let run = image(&server).args(["猫", "-o", "a.png"]).run();
    run.code(6).stdout_empty().stderr_has("ended early").stderr_has("--retries N sends it again");
}

#[test]
fn a_good_picture_beside_a_bad_one_is_kept() {
    let server =
        Server::start([Reply::json(200, body([inline(&png("gut")), inline(b"schlecht")]))]);
    let run = image(&server).args(["-n", "2", "猫", "-o", "a.png"]).run();
    run.code(4).stdout("a-1.png\n").stderr_has("picture 2 of 2 that came is not a picture");
    assert_eq!(run.names(), ["a-1.png"]);
}
