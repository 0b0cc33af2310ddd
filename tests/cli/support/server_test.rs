//! The support of the tests is tested itself: a server that lies about what came would make every other
//! test worthless.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::{Part, Reply, Server, Step, chat_events};

const SECOND: Duration = Duration::from_secs(1);

fn connect(server: &Server) -> TcpStream {
    let stream = TcpStream::connect(("127.0.0.1", server.port())).expect("the server listens");
    stream.set_read_timeout(Some(10 * SECOND)).expect("the exchange works");
    stream
}

/// Sends one request that asks for the connection's end, and reads to that end.
fn exchange(server: &Server, request: &str) -> String {
    let mut stream = connect(server);
    stream.write_all(request.as_bytes()).expect("the exchange works");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("the exchange works");
    answer
}

fn post(body: &str) -> String {
    let length = body.len();
    format!(
        "POST /v1/chat/completions HTTP/1.1\r\nHost: test\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
    )
}

const GET: &str = "GET /v1/models?limit=2 HTTP/1.1\r\nHost: test\r\nConnection: close\r\nX-Name: first: value\r\n\r\n";

/// The words of the panic that `action` ends in.
fn panic_of(action: impl FnOnce()) -> String {
    let panic = catch_unwind(AssertUnwindSafe(action)).expect_err("no panic came");
    *panic.downcast::<String>().expect("the panic has words")
}

#[test]
fn requests_get_the_replies_in_turn() {
    let server = Server::new()
        .reply(Reply::json(200, json!({"answer": "你好"})).header("X-Request-Id", "req-1"))
        .reply(Reply::text(429, "later").keep_alive(false))
        .reply(Reply::html(502, "<p>no</p>").repeat())
        .start();
    assert_eq!(
        exchange(&server, GET),
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nX-Request-Id: req-1\r\ncontent-length: 19\r\n\r\n\
         {\"answer\":\"你好\"}"
    );
    assert_eq!(
        exchange(&server, GET),
        "HTTP/1.1 429 Too Many Requests\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: 5\r\n\
         connection: close\r\n\r\nlater"
    );
    for _ in 0..3 {
        assert!(exchange(&server, GET).starts_with("HTTP/1.1 502 Bad Gateway\r\n"));
    }
    assert_eq!(server.requests().len(), 5);
}

#[test]
fn one_connection_carries_several_requests() {
    let server = Server::start([Reply::text(200, "one"), Reply::text(200, "two")]);
    let mut stream = connect(&server);
    for (body, answer) in [("第一", "one"), ("", "two")] {
        let request = post(body).replace("connection: close\r\n", "");
        stream.write_all(request.as_bytes()).unwrap();
        let mut seen = Vec::new();
        while !seen.ends_with(answer.as_bytes()) {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            seen.push(byte[0]);
        }
    }
    let bodies: Vec<Vec<u8>> = server.requests().into_iter().map(|r| r.body).collect();
    assert_eq!(bodies, ["第一".as_bytes().to_vec(), Vec::new()]);
}

#[test]
fn a_request_is_recorded_as_it_came() {
    let server = Server::start([Reply::text(200, "")]);
    let before = Instant::now();
    exchange(&server, GET);
    let request = server.request();
    assert_eq!(request.method, "GET");
    assert_eq!(request.path, "/v1/models?limit=2");
    assert_eq!(request.header("x-name"), Some("first: value"));
    assert_eq!(request.headers[0], ("Host".to_owned(), "test".to_owned()));
    assert_eq!(request.header("content-type"), None);
    assert!(request.body.is_empty() && request.whole);
    assert!(request.at >= before && request.at <= Instant::now());
}

#[test]
fn bodies_come_by_length_in_chunks_and_after_100_continue() {
    let server = Server::start(vec![Reply::text(200, ""); 3]);
    exchange(&server, &post(r#"{"say":"你好"}"#));
    exchange(
        &server,
        "POST / HTTP/1.1\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n5;a=b\r\nhello\r\nA\r\n, 0123456!\r\n0\r\nx: y\r\n\r\n",
    );
    let mut stream = connect(&server);
    stream
        .write_all(b"POST / HTTP/1.1\r\nconnection: close\r\nExpect: 100-continue\r\ncontent-length: 2\r\n\r\n")
        .unwrap();
    let mut interim = [0; 25];
    stream.read_exact(&mut interim).unwrap();
    assert_eq!(&interim, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(b"ok").unwrap();
    stream.read_to_end(&mut Vec::new()).unwrap();

    let requests = server.requests();
    assert_eq!(requests[0].json(), json!({"say": "你好"}));
    assert_eq!(requests[1].text(), "hello, 0123456!");
    assert_eq!(requests[2].text(), "ok");
}

#[test]
fn a_large_body_and_one_that_comes_byte_by_byte_are_whole() {
    let server = Server::start([Reply::text(200, ""), Reply::text(200, "")]);
    let large = "音".repeat(1_000_000);
    exchange(&server, &post(&large));
    let mut stream = connect(&server);
    stream.set_nodelay(true).unwrap();
    for byte in post("慢").bytes() {
        stream.write_all(&[byte]).unwrap();
    }
    stream.read_to_end(&mut Vec::new()).unwrap();
    let requests = server.requests();
    assert!(requests[0].text() == large);
    assert_eq!(requests[1].text(), "慢");
}

#[test]
fn an_aborted_upload_is_recorded_as_not_whole() {
    let server = Server::new().reply(Reply::text(200, "")).start();
    let mut stream = connect(&server);
    stream.write_all(b"POST / HTTP/1.1\r\ncontent-length: 100\r\n\r\nhalf").unwrap();
    drop(stream);
    assert!(server.wait_closed(10 * SECOND).is_some());
    let request = server.request();
    assert!(!request.whole);
    assert_eq!(request.text(), "half");
}

#[test]
fn an_early_reply_does_not_wait_for_the_body() {
    let server = Server::start([Reply::text(413, "too large").early()]);
    let mut stream = connect(&server);
    stream
        .write_all(b"POST / HTTP/1.1\r\nconnection: close\r\ncontent-length: 1000000\r\n\r\nonly the start")
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.ends_with("\r\n\r\ntoo large"), "{answer}");
}

#[test]
fn a_form_is_taken_apart() {
    let server = Server::start([Reply::text(200, "")]);
    let body = "--XX\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nwhisper-1\r\n\
                --XX\r\ncontent-disposition: form-data; name=\"file\"; filename=\"录音.wav\"\r\n\
                Content-Type: audio/wav\r\n\r\nRIFF\r\n--X\r\n\r\n--XX--\r\n";
    let length = body.len();
    exchange(
        &server,
        &format!(
            "POST / HTTP/1.1\r\nconnection: close\r\nContent-Type: multipart/form-data; boundary=XX\r\nContent-Length: {length}\r\n\r\n{body}"
        ),
    );
    let part = |name: &str, filename: Option<&str>, content_type: Option<&str>, text: &str| Part {
        name: name.to_owned(),
        filename: filename.map(str::to_owned),
        content_type: content_type.map(str::to_owned),
        bytes: text.into(),
    };
    assert_eq!(
        server.request().parts(),
        [
            part("model", None, None, "whisper-1"),
            part("file", Some("录音.wav"), Some("audio/wav"), "RIFF\r\n--X\r\n"),
        ]
    );
}

#[test]
fn a_form_without_its_last_boundary_fails() {
    let server = Server::start([Reply::text(200, "")]);
    let body = "--XX\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nb\r\n--XX\r\n";
    let length = body.len();
    exchange(
        &server,
        &format!(
            "POST / HTTP/1.1\r\nconnection: close\r\nContent-Type: multipart/form-data; boundary=XX\r\nContent-Length: {length}\r\n\r\n{body}"
        ),
    );
    let words = panic_of(|| drop(server.request().parts()));
    assert!(words.contains("not closed by the boundary"), "{words}");
}

#[test]
fn a_chat_stream_has_one_chunk_an_event_and_keeps_its_pace() {
    let pause = Duration::from_millis(40);
    let server = Server::start([Reply::chat(&["你", "好"]).pace(pause)]);
    let start = Instant::now();
    let answer = exchange(&server, &post("{}"));
    assert!(start.elapsed() >= 4 * pause, "{:?}", start.elapsed());
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert_eq!(
        head,
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked"
    );
    let mut expected = String::new();
    for event in chat_events(&["你", "好"]) {
        let event = format!("data: {event}\n\n");
        expected.push_str(&format!("{:x}\r\n{event}\r\n", event.len()));
    }
    expected.push_str("0\r\n\r\n");
    assert_eq!(body, expected);
}

#[test]
fn a_length_may_be_a_lie() {
    let server = Server::start([Reply::text(200, "half").content_length(8)]);
    let answer = exchange(&server, GET);
    assert!(answer.ends_with("content-length: 8\r\n\r\nhalf"), "{answer}");
}

#[test]
fn raw_steps_are_sent_as_they_are() {
    let server = Server::start([Reply::raw([
        Step::Write(b"HTTP/1.1 200 OK\r\n".to_vec()),
        Step::Wait(Duration::from_millis(30)),
        Step::Write(b"\r\n\xff\xfe".to_vec()),
        Step::Close,
        Step::Write(b"never".to_vec()),
    ])]);
    let start = Instant::now();
    let mut stream = connect(&server);
    stream.write_all(GET.as_bytes()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    assert_eq!(answer, b"HTTP/1.1 200 OK\r\n\r\n\xff\xfe");
    assert!(start.elapsed() >= Duration::from_millis(30));
}

#[test]
fn a_reset_is_seen_as_one_behind_what_was_written() {
    for request in [GET.to_owned(), post("{}"), post("x")] {
        let server = Server::start([
            Reply::sse(&["1"]).then([Step::Wait(Duration::from_millis(10)), Step::Reset])
        ]);
        let mut stream = connect(&server);
        stream.write_all(request.as_bytes()).unwrap();
        let mut seen = Vec::new();
        let error = stream.read_to_end(&mut seen).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
        let seen = String::from_utf8(seen).unwrap();
        assert!(seen.ends_with("\r\n\r\n9\r\ndata: 1\n\n\r\n"), "{seen}");
    }
}

#[test]
fn a_close_by_the_client_is_timed() {
    let server = Server::start([Reply::sse(&["1"]).then([Step::UntilClosed])]);
    let mut stream = connect(&server);
    stream.write_all(GET.as_bytes()).unwrap();
    server.wait_requests(1, 10 * SECOND);
    assert_eq!(server.wait_closed(Duration::from_millis(50)), None);
    server.mark();
    std::thread::sleep(Duration::from_millis(60));
    drop(stream);
    let time = server.wait_closed(10 * SECOND).unwrap();
    assert!(time >= Duration::from_millis(60), "{time:?}");
    assert!(time < 5 * SECOND, "{time:?}");
}

#[test]
fn a_close_during_a_wait_ends_the_wait() {
    let server = Server::start([Reply::raw([Step::Wait(60 * SECOND)])]);
    let mut stream = connect(&server);
    stream.write_all(GET.as_bytes()).unwrap();
    server.wait_requests(1, 10 * SECOND);
    drop(stream);
    assert!(server.wait_closed(10 * SECOND).unwrap() < 10 * SECOND);
}

#[test]
fn a_reply_that_was_not_used_fails_the_test() {
    let server = Server::start([Reply::text(200, ""), Reply::text(200, "").repeat()]);
    exchange(&server, GET);
    let words = panic_of(|| drop(server));
    assert!(words.starts_with("1 scripted replies were not used, 0 requests"), "{words}");
    assert!(words.contains("GET /v1/models?limit=2"), "{words}");
}

#[test]
fn a_request_that_was_not_scripted_fails_the_test() {
    let server = Server::start([]);
    let answer = exchange(&server, GET);
    assert!(answer.starts_with("HTTP/1.1 500 "), "{answer}");
    assert!(answer.ends_with("no reply to request number 1"), "{answer}");
    let words = panic_of(|| drop(server));
    assert!(words.contains("1 requests were not scripted"), "{words}");
}

#[test]
fn both_may_be_allowed() {
    let server = Server::new().reply(Reply::text(200, "")).allow_unused().start();
    drop(server);
    let server = Server::new().allow_unused().start();
    exchange(&server, GET);
}

#[test]
fn a_silent_server_takes_the_request_and_says_nothing() {
    let server = Server::silent();
    let mut stream = connect(&server);
    let short = Duration::from_millis(80);
    stream.set_read_timeout(Some(short)).unwrap();
    stream.write_all(GET.as_bytes()).unwrap();
    let error = stream.read(&mut [0]).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut));
    server.wait_requests(1, Duration::from_secs(10));
    assert_eq!(server.request().method, "GET");
}

#[test]
fn a_refusing_address_refuses() {
    let nobody = Server::refusing();
    let error = TcpStream::connect(("127.0.0.1", nobody.port())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
    assert_eq!(nobody.url(), format!("http://127.0.0.1:{}/v1", nobody.port()));
}
