//! Replies that a server, or a proxy before it, has compressed although nobody asked for it.

use std::io::Write as _;

use crate::support::{Reply, Server, chat_events, llm};

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(text.as_bytes()).expect("writes into memory");
    encoder.finish().expect("writes into memory")
}

fn zlib(text: &str) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(text.as_bytes()).expect("writes into memory");
    encoder.finish().expect("writes into memory")
}

/// A streamed answer.
fn stream() -> String {
    let events = chat_events(&["你", "好，世界"]);
    events.iter().map(|event| format!("data: {event}\n\n")).collect()
}

fn ask(reply: Reply) -> crate::support::Outcome {
    let server = Server::start([reply]);
    llm().profile(&server).args(["chat", "你好", "--retries", "0"]).run()
}

#[test]
fn compressed_replies_are_unpacked() {
    for (encoding, body) in [
        ("gzip", gzip(&stream())),
        ("x-gzip", gzip(&stream())),
        ("deflate", zlib(&stream())),
        ("identity", stream().into_bytes()),
        // Some say so and do not do it.
        ("gzip", stream().into_bytes()),
    ] {
        let whole = Reply::bytes(200, "text/event-stream", body.clone());
        ask(whole.header("content-encoding", encoding))
            .code(0)
            .stdout("你好，世界\n")
            .stderr_empty();
        let pieces = Reply::chunks("text/event-stream", body.chunks(3).map(<[u8]>::to_vec));
        ask(pieces.header("content-encoding", encoding))
            .code(0)
            .stdout("你好，世界\n")
            .stderr_empty();
    }
    let refusal = gzip(r#"{"error":{"message":"这里没有这个模型 model"}}"#);
    let reply = Reply::bytes(404, "application/json", refusal).header("content-encoding", "gzip");
    ask(reply).code(4).stdout_empty().stderr_has("这里没有这个模型");
}

#[test]
fn what_can_not_be_unpacked_is_told() {
    let body = gzip(&stream());
    let cut = Reply::bytes(200, "text/event-stream", &body[..body.len() / 2]);
    let run = ask(cut.header("content-encoding", "gzip"));
    run.code(6).stderr_has("can't be unpacked");
    let other = Reply::bytes(200, "text/event-stream", body).header("content-encoding", "br");
    let run = ask(other);
    run.code(6).stdout_empty();
    run.stderr_has(
        "llm: the answer from test came in the encoding `br`, which was not asked for\n",
    );
}
