//! The files that went along with a question: kept after the answer, sent again with the next one, and
//! gone with the last conversation that speaks of them.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};

use crate::chat::attachments::PNG;
use crate::support::{Llm, Reply, Server, llm, spawn_in_terminal};

const PNG_URL: &str = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUg==";
const LONG: Duration = Duration::from_secs(15);

fn talk(answers: usize) -> (Server, Llm) {
    let server = Server::start(vec![Reply::chat(&["好"]); answers]);
    let llm = llm().profile(&server).file("图.png", PNG).arg("chat");
    (server, llm)
}

/// The contents of the messages of a request.
fn contents(server: &Server, number: usize) -> Vec<Value> {
    let request = &server.requests()[number];
    let length = request.body.len().to_string();
    assert_eq!(request.header("content-length"), Some(length.as_str()));
    let body = request.json();
    let messages = body["messages"].as_array().expect("a list");
    messages.iter().map(|message| message["content"].clone()).collect()
}

fn picture(text: &str) -> Value {
    json!([{"type": "text", "text": text}, {"type": "image_url", "image_url": {"url": PNG_URL}}])
}

/// The files that are kept.
fn kept(llm: &Llm) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(llm.folder("data").join("llm/files")) else {
        return Vec::new();
    };
    entries.map(|entry| entry.expect("readable").path()).collect()
}

#[test]
fn a_picture_is_sent_again_with_the_next_question() {
    let (server, llm) = talk(2);
    llm.clone().args(["-f", "图.png", "看图"]).run().code(0).stderr_empty();
    let files = kept(&llm);
    assert_eq!(files.len(), 1);
    assert_eq!(std::fs::read(&files[0]).expect("readable"), PNG);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = |path: &std::path::Path| {
            std::fs::metadata(path).expect("there").permissions().mode() & 0o777
        };
        assert_eq!(mode(&files[0]), 0o600);
        assert_eq!(mode(files[0].parent().expect("a folder")), 0o700);
    }
    // The file that the user named may be gone by then.
    std::fs::remove_file(llm.dir().join("图.png")).expect("removed");
    llm.clone().args(["-c", "再看"]).run().code(0).stderr_empty();
    assert_eq!(contents(&server, 1), [picture("看图"), json!("好"), json!("再看")]);
    let shown = llm.clone().bare_args(["history", "show"]).run();
    shown.code(0).stdout_has("看图\n\n[attached: 图.png]\n");
    let list = llm.clone().bare_args(["history", "list", "--json"]).run().stdout_json();
    let id = list[0]["id"].as_str().expect("an id");
    let export = llm.clone().bare_args(["history", "export", id]).run();
    export.code(0).stdout_has("[attached: 图.png]").stderr_has("by name only");
    let dry = llm.args(["-c", "--dry-run", "三"]).run();
    dry.code(0).stdout_has("iVBORw0KGgoAAAANSUhEUg==");
}

#[test]
fn files_go_with_the_last_conversation_that_has_them() {
    let (_server, llm) = talk(2);
    let file = ["-f", "图.png", "看图"];
    llm.clone().args(["--session", "甲"]).args(file).run().code(0);
    llm.clone().args(["--session", "乙"]).args(file).run().code(0);
    assert_eq!(kept(&llm).len(), 1);
    llm.clone().bare_args(["history", "rm", "甲"]).run().code(0);
    assert_eq!(kept(&llm).len(), 1);
    llm.clone().bare_args(["history", "rm", "乙"]).run().code(0);
    assert_eq!(kept(&llm).len(), 0);
}

#[test]
fn a_file_that_is_gone_or_too_large_is_named_with_a_warning() {
    let (server, llm) = talk(4);
    llm.clone().args(["-f", "图.png", "看图"]).run().code(0);
    std::fs::remove_file(&kept(&llm)[0]).expect("removed");
    let run = llm.clone().args(["-c", "再看"]).run();
    run.code(0).stderr_has("llm: warning: only the name of 图.png is sent: ");
    run.stderr_has("is gone");
    assert_eq!(contents(&server, 1)[0], "看图\n\n[attached: 图.png]");
    let large = [PNG, &vec![0; 20 << 20]].concat();
    let llm = llm.file("大.png", large);
    llm.clone().args(["-f", "大.png", "看大图"]).run().code(0).stderr_empty();
    assert_eq!(kept(&llm).len(), 0);
    let run = llm.args(["-c", "再看"]).run();
    run.code(0).stderr_has("only the name of 大.png is sent: it is not kept");
    assert_eq!(contents(&server, 3)[0], "看大图\n\n[attached: 大.png]");
}

#[test]
fn nothing_is_kept_without_an_answer_or_a_log() {
    let server = Server::start([
        Reply::json(400, json!({"error": {"message": "不行"}})),
        Reply::chat(&["好"]),
    ]);
    let llm = llm().profile(&server).file("图.png", PNG).args(["chat", "-f", "图.png", "看"]);
    llm.clone().run().code(4);
    llm.clone().arg("--no-log").run().code(0).stderr_empty();
    assert_eq!(kept(&llm).len(), 0);
}

#[test]
fn a_service_that_takes_no_pictures_gets_their_names() {
    let (server, llm) = talk(2);
    llm.clone().args(["-f", "图.png", "看图"]).run().code(0);
    let profile = "model = \"m\"\ntakes_no = [\"image\"]";
    let url = server.url();
    let llm = llm.config(&format!("[providers.other]\nbase_url = \"{url}\"\n{profile}\n"));
    let run = llm.args(["-c", "-p", "other", "再看"]).run();
    run.code(0).stderr_has("only the name of 图.png is sent: other does not accept it for m");
    assert_eq!(contents(&server, 1)[0], "看图\n\n[attached: 图.png]");
}

#[test]
fn what_an_address_gave_is_sent_again_without_fetching() {
    let web = Server::start([Reply::bytes(200, "image/png", PNG)]);
    let (server, llm) = talk(2);
    let url = format!("{}/%E5%9B%BE.png", web.origin());
    llm.clone().args(["-f", &url, "看图"]).run().code(0);
    llm.args(["-c", "再看"]).run().code(0).stderr_empty();
    assert_eq!(contents(&server, 1)[0], picture("看图"));
}

#[test]
fn a_conversation_on_a_terminal_keeps_its_pictures_in_sight() {
    let (server, llm) = talk(3);
    let Some(mut run) = spawn_in_terminal(&llm) else { return };
    let lines = [
        ("leaves", "/file 图.png\r"),
        ("will be put before", "一\r"),
        ("好", "/retry\r"),
        ("好", "二\r"),
    ];
    for (before, typed) in lines {
        run.read_stdout_until(before, LONG);
        std::thread::sleep(Duration::from_millis(50));
        run.write_stdin(typed);
    }
    run.read_stdout_until("好", LONG);
    // Before the prompt is there again the terminal would take the key for itself.
    run.read_stdout_until("> ", LONG);
    std::thread::sleep(Duration::from_millis(50));
    run.write_stdin("\x04");
    run.wait().code(0);
    assert_eq!(contents(&server, 1), [picture("一")]);
    assert_eq!(contents(&server, 2), [picture("一"), json!("好"), json!("二")]);
}
