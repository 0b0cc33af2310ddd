use super::*;
use crate::http::activity::Activity;
use crate::http::form::{Form, FormPart};
use crate::http::request::{Body, Method};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

const PATIENCE: Duration = Duration::from_secs(5);

/// More than the network takes without a reader, in bytes.
const LARGE: usize = 20 << 20;

async fn listen() -> (TcpListener, Request) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/v1/图?a=1#x", listener.local_addr().expect("bound"));
    let url = Url::parse(&url).expect("a URL");
    let body = Body::Form(Form::new(vec![FormPart::text("model", "m".repeat(LARGE))]));
    (
        listener,
        Request { method: Method::Post, url, headers: Vec::new(), body, body_secrets: Vec::new() },
    )
}

async fn send(
    connections: &Connections,
    request: &Request,
) -> Result<(ReplyHead, Reply), NetworkError> {
    let outgoing = Outgoing::of(&request.body, &Activity::default(), None);
    let sent = connections.send(request, outgoing, Reuse::Any, PATIENCE).await;
    sent.expect("can be sent")
}

async fn content(reply: &mut Reply) -> Vec<u8> {
    let mut content = Vec::new();
    while let Some(piece) = reply.piece().await.expect("comes") {
        content.extend_from_slice(&piece);
    }
    content
}

#[tokio::test]
async fn a_request_goes_on_when_the_answer_has_begun() {
    let (listener, request) = listen().await;
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a client");
        let head = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n";
        stream.write_all(head).await.expect("written");
        stream.read_exact(&mut vec![0; LARGE]).await.expect("all of it comes");
        stream.write_all("你好".as_bytes()).await.expect("written");
    });
    let connections = Connections::new(1);
    let (head, mut reply) = send(&connections, &request).await.expect("is answered");
    assert_eq!((head.status, content(&mut reply).await), (200, "你好".into()));
    server.await.expect("heard all");
}

#[tokio::test]
async fn what_a_server_said_before_it_closed_is_heard() {
    let (listener, request) = listen().await;
    let listener = listener.into_std().expect("a listener");
    listener.set_nonblocking(false).expect("it waits");
    // In a thread of its own: the connection must be reset in the middle of a write.
    std::thread::spawn(move || {
        use std::io::{Read as _, Write as _};
        for mut stream in listener.incoming().flatten() {
            stream.read_exact(&mut vec![0; LARGE / 2]).expect("half of it comes");
            let head = "HTTP/1.1 413 Much\r\nContent-Length: 6\r\n\r\n太大";
            stream.write_all(head.as_bytes()).expect("written");
        }
    });
    for _ in 0..10 {
        let (head, mut reply) = send(&Connections::new(1), &request).await.expect("is answered");
        assert_eq!((head.status, content(&mut reply).await), (413, "太大".into()));
        assert_eq!(head.line(), "HTTP/1.1 413 Much");
    }
}
