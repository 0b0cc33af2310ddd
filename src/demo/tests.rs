//! Tests of the server over a real socket.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::*;

/// Sends one request and reads the whole answer: its head and its body with any chunked coding
/// removed.
async fn exchange(address: SocketAddr, head: &str, body: &[u8]) -> (String, Vec<u8>) {
    exchange_as(address, head, "application/json", body).await
}

async fn exchange_as(
    address: SocketAddr,
    head: &str,
    content_type: &str,
    body: &[u8],
) -> (String, Vec<u8>) {
    let mut stream = TcpStream::connect(address).await.expect("the demo listens");
    let length = body.len();
    let head = format!(
        "{head} HTTP/1.1\r\nHost: demo\r\nConnection: close\r\nContent-Type: {content_type}\r\n\
        Content-Length: {length}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.expect("writes");
    stream.write_all(body).await.expect("writes");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.expect("reads");
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").expect("a head");
    let head = String::from_utf8(answer[..end].to_vec()).expect("a head is text").to_lowercase();
    let body = answer.split_off(end + 4);
    if head.contains("transfer-encoding: chunked") {
        (head, unchunked(&body))
    } else {
        (head, body)
    }
}

fn unchunked(mut coded: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    loop {
        let line = coded.windows(2).position(|two| two == b"\r\n").expect("a chunk has a size");
        let size = std::str::from_utf8(&coded[..line]).expect("a size is text");
        let size = usize::from_str_radix(size, 16).expect("a size is hexadecimal");
        coded = &coded[line + 2..];
        if size == 0 {
            return body;
        }
        body.extend_from_slice(&coded[..size]);
        coded = &coded[size + 2..];
    }
}

fn question(stream: bool) -> Vec<u8> {
    let body =
        serde_json::json!({"stream": stream, "messages": [{"role": "user", "content": "你好"}]});
    body.to_string().into_bytes()
}

#[tokio::test]
async fn a_question_is_answered_over_http() {
    let address = start(Duration::ZERO, None).await.expect("starts");
    assert!(address.ip().is_loopback());
    let (head, body) = exchange(address, "POST /v1/chat/completions", &question(false)).await;
    assert!(head.starts_with("http/1.1 200"), "{head}");
    assert!(head.contains("content-type: application/json"), "{head}");
    assert!(head.contains("x-request-id: req-demo-1"), "{head}");
    assert!(head.contains("x-llm-demo: demo inside llm, no model"), "{head}");
    let document: serde_json::Value = serde_json::from_slice(&body).expect("JSON");
    let answer = "这是 llm 自带的演示服务，背后没有模型。你说的是：“你好”。";
    assert_eq!(document["choices"][0]["message"]["content"], answer);
}

#[tokio::test]
async fn a_stream_keeps_its_pace() {
    let address = start(Duration::from_millis(5), None).await.expect("starts");
    let begun = std::time::Instant::now();
    let (head, body) = exchange(address, "POST /v1/chat/completions", &question(true)).await;
    assert!(head.contains("content-type: text/event-stream"), "{head}");
    let text = String::from_utf8(body).expect("text");
    assert!(text.ends_with("data: [DONE]\n\n"));
    let events = u32::try_from(text.matches("data: ").count()).expect("a few events");
    assert!(begun.elapsed() >= Duration::from_millis(5) * (events - 1));
}

#[tokio::test]
async fn what_is_spoken_can_be_transcribed() {
    let address = start(Duration::ZERO, None).await.expect("starts");
    let request = serde_json::json!({"input": "你好，世界"}).to_string();
    let (head, sound) = exchange(address, "POST /v1/audio/speech", request.as_bytes()).await;
    assert!(head.contains("content-type: audio/wav"), "{head}");
    let mut form =
        "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"录音.wav\"\r\n\r\n"
            .as_bytes()
            .to_vec();
    form.extend_from_slice(&sound);
    form.extend_from_slice(b"\r\n--b--\r\n");
    let kind = "multipart/form-data; boundary=b";
    let path = "POST /v1/audio/transcriptions";
    let (_, body) = exchange_as(address, path, kind, &form).await;
    let document: serde_json::Value = serde_json::from_slice(&body).expect("JSON");
    assert_eq!(document["text"], "你好，世界");
}

#[tokio::test]
async fn the_address_of_a_picture_is_this_server() {
    let address = start(Duration::ZERO, None).await.expect("starts");
    let request = serde_json::json!({"prompt": "猫", "size": "16x16", "response_format": "url"});
    let request = request.to_string();
    let (_, body) = exchange(address, "POST /v1/images/generations", request.as_bytes()).await;
    let document: serde_json::Value = serde_json::from_slice(&body).expect("JSON");
    let url = document["data"][0]["url"].as_str().expect("a url");
    let path = url.strip_prefix(&format!("http://{address}")).expect("this server");
    let (head, bytes) = exchange(address, &format!("GET {path}"), b"").await;
    assert!(head.contains("content-type: image/png"), "{head}");
    picture::decoded(&bytes);
}

#[tokio::test]
async fn a_client_that_leaves_does_no_harm() {
    let address = start(Duration::from_millis(1), None).await.expect("starts");
    for _ in 0..5 {
        let mut stream = TcpStream::connect(address).await.expect("connects");
        let body = question(true);
        let head = format!(
            "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).await.expect("writes");
        stream.write_all(&body).await.expect("writes");
        let mut first = [0; 16];
        stream.read_exact(&mut first).await.expect("the answer begins");
    }
    let mut garbage = TcpStream::connect(address).await.expect("connects");
    garbage.write_all(b"\x16\x03\x01 no http\r\n\r\n").await.expect("writes");
    drop(garbage);
    let (head, _) = exchange(address, "GET /v1/models", b"").await;
    assert!(head.starts_with("http/1.1 200"), "{head}");
}

#[tokio::test]
async fn a_body_beyond_the_limit_is_a_413() {
    let address = start(Duration::ZERO, None).await.expect("starts");
    let (head, body) = exchange(address, "POST /v1/embeddings", &vec![b' '; MAX_BODY + 1]).await;
    assert!(head.starts_with("http/1.1 413"), "{head}");
    let document: serde_json::Value = serde_json::from_slice(&body).expect("JSON");
    assert_eq!(document["error"]["code"], "request_too_large");
}

#[tokio::test]
async fn one_connection_carries_several_requests() {
    let address = start(Duration::ZERO, None).await.expect("starts");
    let mut stream = TcpStream::connect(address).await.expect("connects");
    let two = "GET /v1/models HTTP/1.1\r\nHost: x\r\n\r\nGET /v1/models HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    stream.write_all(two.as_bytes()).await.expect("writes");
    let mut answers = String::new();
    stream.read_to_string(&mut answers).await.expect("reads");
    assert_eq!(answers.matches("HTTP/1.1 200").count(), 2);
}
