//! The connections of plain HTTP: kept, found dead, answered early.

use std::fs::File;

use serde_json::json;

use crate::support::{Llm, Reply, Server, Step, chat_body, llm};

/// Three texts, a request each, one after the other.
fn three(server: &Server) -> Llm {
    let one_by_one = ["--batch-size", "1", "--concurrency", "1"];
    llm().profile(server).args(["embed", "-m", "m", "一", "二", "三"]).args(one_by_one)
}

fn vector(number: u8) -> Vec<u8> {
    json!({"data": [{"index": 0, "embedding": [number]}]}).to_string().into_bytes()
}

fn whole(framing: &str, body: &[u8]) -> Step {
    let head = format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n{framing}\r\n\r\n");
    Step::Write([head.as_bytes(), body].concat())
}

fn of_length(body: &[u8]) -> Step {
    whole(&format!("Content-Length: {}", body.len()), body)
}

fn connections(server: &Server) -> Vec<usize> {
    server.requests().iter().map(|request| request.connection).collect()
}

#[test]
fn a_connection_is_used_again() {
    let length = Reply::bytes(200, "application/json", vector(1));
    let server = Server::start([
        length,
        Reply::chunks("application/json", [vector(2)]),
        Reply::bytes(200, "application/json", vector(3)),
    ]);
    three(&server).run().code(0).stdout("[1]\n[2]\n[3]\n").stderr_empty();
    assert_eq!(connections(&server), [1, 1, 1]);
}

#[test]
fn a_connection_that_may_not_be_used_again_is_not() {
    let closes = format!("Content-Length: {}\r\nConnection: close", vector(1).len());
    let length = format!("Content-Length: {}", vector(2).len());
    // Something behind the reply: the next one could not be told from it.
    let more = [&vector(2)[..], b"HTTP/1.1 200 OK\r\n"].concat();
    let server = Server::start([
        Reply::raw([whole(&closes, &vector(1)), Step::UntilClosed]),
        Reply::raw([whole(&length, &more), Step::UntilClosed]),
        Reply::bytes(200, "application/json", vector(3)),
    ]);
    three(&server).run().code(0).stdout("[1]\n[2]\n[3]\n").stderr_empty();
    assert_eq!(connections(&server), [1, 2, 3]);
}

#[test]
fn a_connection_that_died_meanwhile_is_no_failure() {
    let server = Server::start([
        Reply::raw([of_length(&vector(1)), Step::Close]),
        Reply::raw([of_length(&vector(2)), Step::Reset]),
        Reply::bytes(200, "application/json", vector(3)),
    ]);
    // The second try is for a connection that dies while the request is on its way.
    let run = three(&server).args(["--retries", "1", "-q"]).run();
    run.code(0).stdout("[1]\n[2]\n[3]\n").stderr_empty();
    assert_eq!(connections(&server), [1, 2, 3]);
}

#[test]
fn a_connection_that_ends_when_it_is_used_again_is_replaced_at_once() {
    for end in [Step::Close, Step::Reset] {
        let server = Server::start([
            Reply::bytes(200, "application/json", vector(1)),
            Reply::raw([end]),
            Reply::bytes(200, "application/json", vector(2)),
            Reply::bytes(200, "application/json", vector(3)),
        ]);
        let run = three(&server).args(["--retries", "0"]).run();
        run.code(0).stdout("[1]\n[2]\n[3]\n").stderr_empty();
        assert_eq!(connections(&server), [1, 1, 2, 2]);
    }
}

#[test]
fn it_is_replaced_once_and_only_before_a_byte_of_the_reply() {
    let begun = Reply::raw([Step::Write(b"HTTP/1.1 20".to_vec()), Step::Close]);
    for (end, expected) in [(Reply::raw([Step::Close]), vec![1, 1, 2]), (begun, vec![1, 1])] {
        let first = Reply::text(429, "später").header("retry-after-ms", "1");
        let ends = std::iter::repeat_n(end, expected.len() - 1);
        let server = Server::start(std::iter::once(first).chain(ends));
        let run = llm().profile(&server).args(["chat", "--retries", "1", "你好"]).run();
        run.code(6).stdout_empty().stderr_has("the connection was closed before a reply came");
        assert_eq!(connections(&server), expected);
    }
}

#[test]
fn after_an_error_of_the_servers_own_its_connection_is_not_used_again() {
    for (status, expected) in [(500, [1, 2, 2, 2]), (503, [1, 2, 2, 2]), (429, [1, 1, 1, 1])] {
        let server = Server::start([
            Reply::text(status, "Internal Server Error").header("retry-after-ms", "1"),
            Reply::bytes(200, "application/json", vector(1)),
            Reply::bytes(200, "application/json", vector(2)),
            Reply::bytes(200, "application/json", vector(3)),
        ]);
        three(&server).args(["-q"]).run().code(0).stdout("[1]\n[2]\n[3]\n").stderr_empty();
        assert_eq!(connections(&server), expected, "{status}");
    }
}

/// A service of pictures and speech, and what a run of each is asked.
fn charged(server: &Server) -> [Llm; 2] {
    let llm = || {
        let models = "models = { image = \"m\", speak = \"m\" }";
        let url = server.url();
        llm().config(&format!("[providers.test]\nbase_url = \"{url}\"\n{models}\n")).watch(server)
    };
    [llm().args(["image", "-o", "a.png", "猫"]), llm().args(["speak", "-o", "a.mp3", "你好"])]
}

const PAID: &str =
    "it may have been carried out and paid for, so it was not sent again; --retries N";

#[test]
fn what_may_have_been_paid_for_is_sent_again_only_where_that_was_typed() {
    let ends = [
        Reply::text(504, "Gateway Timeout"),
        Reply::text(524, "A timeout occurred"),
        Reply::raw([Step::Close]),
        Reply::raw([Step::Reset]),
        Reply::raw([
            Step::Write(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{".into()),
            Step::Close,
        ]),
        Reply::raw([Step::UntilClosed]),
    ];
    for (index, end) in ends.into_iter().enumerate() {
        for command in [0, 1] {
            let server = Server::start([end.clone()]);
            let run = charged(&server)[command].clone().args(["--timeout", "1"]).run();
            run.code(6).stdout_empty().stderr_has(PAID);
            assert_eq!(server.requests().len(), 1, "{index}");
            assert!(run.names().is_empty(), "{:?}", run.names());
            let server = Server::start([end.clone(), Reply::text(400, "genug")]);
            let typed = ["--timeout", "1", "--retries", "1"];
            let run = charged(&server)[command].clone().args(typed).run();
            run.code(4).stdout_empty().stderr_lacks("paid for");
        }
    }
}

#[test]
fn what_was_not_carried_out_is_sent_again_for_these_too() {
    for status in [429, 500, 502, 503] {
        for command in [0, 1] {
            let refused = Reply::text(status, "später").header("retry-after-ms", "1");
            let server = Server::start([refused, Reply::text(400, "genug")]);
            let run = charged(&server)[command].run();
            run.code(4).stdout_empty().stderr_has("genug").stderr_lacks("paid for");
        }
    }
    let refusing = Server::refusing();
    let run =
        llm().profile_at(&refusing.url()).args(["image", "-m", "m", "-q", "-o", "a.png", "x"]);
    run.run().code(6).stderr_lacks("paid for");
}

#[test]
fn these_use_no_connection_that_was_idle_for_over_a_second() {
    for (wait, expected) in [("1", [1, 1]), ("1300", [1, 2])] {
        for command in [0, 1] {
            let refused = Reply::text(429, "später").header("retry-after-ms", wait);
            let server = Server::start([refused, Reply::text(400, "genug")]);
            charged(&server)[command].run().code(4).stderr_has("genug");
            assert_eq!(connections(&server), expected, "{wait}");
        }
    }
    // On one that was used just before, an end does not say whether the request was carried out.
    let refused = Reply::text(429, "später").header("retry-after-ms", "1");
    let server = Server::start([refused, Reply::raw([Step::Close])]);
    charged(&server)[1].run().code(6).stdout_empty().stderr_has(PAID);
    assert_eq!(connections(&server), [1, 1]);
}

#[test]
fn headers_that_say_where_a_request_ends_are_refused() {
    let server = Server::start([]);
    for header in ["Content-Length: 1", "transfer-encoding: chunked"] {
        let run = llm().profile(&server).args(["chat", "-H", header, "你好"]).run();
        run.code(2).stdout_empty().stderr_has("it tells where the request ends");
    }
    let url = server.url();
    let config = format!(
        "[providers.test]\nbase_url = \"{url}\"\nmodel = \"m\"\nkey_header = \"a b\"\napi_key = \"sk-nichts-0001\"\n"
    );
    llm()
        .config(&config)
        .args(["chat", "你好"])
        .run()
        .code(2)
        .stderr_has("`key_header` must be the name of a header");
}

#[test]
fn interim_replies_are_passed_over() {
    let interim = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n";
    let body = chat_body("好").to_string().into_bytes();
    let server = Server::start([Reply::raw([Step::Write(interim.to_vec()), of_length(&body)])]);
    llm().profile(&server).args(["chat", "-S", "你好"]).run().code(0).stdout("好\n").stderr_empty();
}

#[test]
fn a_reply_that_cannot_be_read_is_final() {
    let body = chat_body("好").to_string();
    let chunked = "Transfer-Encoding: chunked\r\n\r\n";
    for reply in [
        format!("HTTP/1.0 200 OK\r\n{chunked}{:x}\r\n{body}\r\n0\r\n\r\n", body.len()),
        format!("HTTP/1.1 200 OK\r\n{chunked}{:x}\n{body}\n0\n\n", body.len()),
        "SSH-2.0-OpenSSH_9\r\n".to_owned(),
        "HTTP/1.1 200 OK\r\nContent-Length: viel\r\n\r\n".to_owned(),
    ] {
        let steps = [Step::Write(reply.clone().into_bytes()), Step::UntilClosed];
        let server = Server::start([Reply::raw(steps)]);
        let run = llm().profile(&server).args(["chat", "-S", "你好"]).run();
        run.code(6).stdout_empty();
        assert_eq!(server.requests().len(), 1, "{reply}");
        assert!(!run.stderr_text().contains("trying again"), "{run}");
    }
}

#[test]
fn what_is_no_reply_of_http_is_told() {
    let ok = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n";
    let chunks = format!("{ok}Transfer-Encoding: chunked\r\n\r\n");
    for (reply, words) in [
        ("SSH-2.0-OpenSSH_9\r\n".to_owned(), "what came is no HTTP"),
        (format!("{ok}Content-Length: -1\r\n\r\n[]"), "what came is no HTTP"),
        (format!("{ok}Content-Length: 1\r\nContent-Length: 2\r\n\r\n[]"), "what came is no HTTP"),
        (format!("{ok}A: {}", "b".repeat(1 << 20)), "the head of the reply has no end"),
        (format!("{chunks}x\r\n[]\r\n0\r\n\r\n"), "its chunked encoding is not valid"),
        (format!("{chunks}11111111111111111\r\n[]"), "its chunked encoding is not valid"),
    ] {
        for is_proxy in [false, true] {
            let steps = [Step::Write(reply.clone().into_bytes()), Step::UntilClosed];
            let server = Server::start([Reply::raw(steps)]);
            let place = match is_proxy {
                false => format!("base_url = \"{}\"", server.url()),
                true => format!("base_url = \"http://x.invalid\"\nproxy = \"{}\"", server.origin()),
            };
            let llm = llm().config(&format!("[providers.test]\n{place}\nmodel = \"m\"\n"));
            let run = llm.watch(&server).args(["chat", "-S", "--retries", "0", "你好"]).run();
            run.code(6).stdout_empty().stderr_has(words);
        }
    }
}

/// A recording of holes that is larger than what the network takes without a reader.
fn large(llm: Llm) -> Llm {
    let file = File::create(llm.dir().join("a.mp3")).expect("a file can be made");
    file.set_len(20 << 20).expect("a file can be long");
    llm.args(["transcribe", "a.mp3", "--format", "text"])
}

fn at(server: &Server) -> Llm {
    let url = server.url();
    let models = "models = { transcribe = \"m\" }";
    llm().config(&format!("[providers.test]\nbase_url = \"{url}\"\n{models}\n")).watch(server)
}

#[test]
fn a_refusal_in_the_middle_of_an_upload_is_heard() {
    let words = json!({"error": {"message": "文件太大"}});
    let server = Server::start([Reply::json(413, words).early()]);
    let run = large(at(&server)).run();
    run.code(4).stdout_empty().stderr_has("test refused the request (413): 文件太大");
    assert!(!server.request().whole);
}

#[test]
fn names_and_users_in_the_address_are_understood() {
    let server = Server::start([Reply::chat(&["好"])]);
    let url = format!("http://li:g%40heim@localhost:{}/v1?k=1", server.port());
    llm().profile_at(&url).watch(&server).args(["chat", "你好"]).run().code(0).stdout("好\n");
    let request = server.request();
    assert_eq!(request.path, "/v1/chat/completions?k=1");
    assert_eq!(request.header("authorization"), Some("Basic bGk6Z0BoZWlt"));
    assert_eq!(request.header("host"), Some(format!("localhost:{}", server.port()).as_str()));
}
