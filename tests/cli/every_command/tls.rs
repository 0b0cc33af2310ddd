//! TLS: the way to every service that is not on this machine.

use crate::every_command::faults::subjects;
use crate::support::{Llm, Reply, Server, Step, Tls, chat_events, llm};

/// The program at a door of TLS that it trusts.
fn trusting(tls: &Tls) -> Llm {
    let (url, authority) = (tls.url(), Tls::authority());
    let models = r#"{ transcribe = "m", embed = "m" }"#;
    llm().env("TEST_KEY", "sk-geheim-0001").config(&format!(
        "[providers.test]\nbase_url = \"{url}\"\nmodel = \"m\"\nmodels = {models}\n\
         api_key_env = \"TEST_KEY\"\nca_file = \"{}\"\n",
        authority.display()
    ))
}

#[test]
fn an_answer_comes_through_tls() {
    let server = Server::start([Reply::chat(&["早", "上好"])]);
    let tls = Tls::in_front_of(&server);
    trusting(&tls).args(["chat", "你好"]).run().code(0).stdout("早上好\n").stderr_empty();
    let request = server.request();
    assert_eq!(request.path, "/v1/chat/completions");
    assert_eq!(request.header("authorization"), Some("Bearer sk-geheim-0001"));
    assert_eq!(request.header("user-agent"), Some(concat!("llm/", env!("CARGO_PKG_VERSION"))));
}

#[test]
fn an_upload_goes_through_tls() {
    let server = Server::start([Reply::json(200, serde_json::json!({"text": "你好"}))]);
    let tls = Tls::in_front_of(&server);
    let sound = subjects::sound().repeat(20);
    let run = trusting(&tls).file("a.wav", &sound).args(["transcribe", "a.wav"]).run();
    run.code(0).stdout("你好\n").stderr_empty();
    let parts = server.request().parts();
    assert!(parts.iter().any(|part| part.bytes == sound), "the file arrived whole");
}

#[test]
fn what_came_before_a_break_is_printed() {
    let mut bytes = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n".to_vec();
    for data in &chat_events(&["半句"])[..2] {
        bytes.extend(format!("data: {data}\n\n").bytes());
    }
    let steps = vec![Step::Write(bytes), Step::Close];
    let server = Server::start([Reply::raw(steps)]);
    let tls = Tls::in_front_of(&server);
    let run = trusting(&tls).args(["chat", "你好"]).run();
    run.code(6).stdout("半句\n").stderr_has("ended early");
}

#[test]
fn a_stranger_is_not_trusted() {
    let server = Server::start([]);
    let tls = Tls::in_front_of(&server);
    let run = llm().profile_at(&tls.url()).args(["chat", "你好"]).run();
    run.code(6).stdout_empty().stderr_has("nobody known to this machine signed it");
    assert_eq!(run.stderr_lines().len(), 2, "not tried again: {run}");
}
