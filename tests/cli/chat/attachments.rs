//! What `llm chat -f` makes of pictures, audio, documents and folders: the request that arrives, and
//! what is refused before one is sent.

use std::fs;

use serde_json::{Value, json};

use crate::support::{Llm, Recorded, Reply, Server, llm};

pub(crate) const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
const PNG_BASE64: &str = "iVBORw0KGgoAAAANSUhEUg==";
const WAV: &[u8] = b"RIFF\x24\0\0\0WAVEfmt ";
const WAV_BASE64: &str = "UklGRiQAAABXQVZFZm10IA==";
const MP3: &[u8] = b"\xff\xfb\x90\x64\0\0";
const MP3_BASE64: &str = "//uQZAAA";
const PDF: &[u8] = b"%PDF-1.4\n";
const PDF_BASE64: &str = "JVBERi0xLjQK";

fn sent(command: impl Fn(Llm) -> Llm) -> Recorded {
    let server = Server::start([Reply::chat(&["好"])]);
    let run = command(llm().profile(&server).arg("chat")).run();
    run.code(0).stdout("好\n").stderr_empty();
    server.request()
}

/// The content of the user's message that arrives.
fn content(command: impl Fn(Llm) -> Llm) -> Value {
    let request = sent(command);
    let length = request.body.len().to_string();
    assert_eq!(request.header("content-length"), Some(length.as_str()), "{request}");
    assert_eq!(request.header("content-type"), Some("application/json"), "{request}");
    let body = request.json();
    assert_eq!(body["messages"].as_array().map(Vec::len), Some(1), "{body}");
    body["messages"][0]["content"].clone()
}

fn picture(media_type: &str, data: &str) -> Value {
    json!({"type": "image_url", "image_url": {"url": format!("data:{media_type};base64,{data}")}})
}

fn text(text: &str) -> Value {
    json!({"type": "text", "text": text})
}

/// Asserts that a run is refused before anything is sent, with these words on standard error.
#[track_caller]
fn refused(command: impl Fn(Llm) -> Llm, words: &[&str]) {
    let server = Server::start([]);
    let run = command(llm().profile(&server).arg("chat")).run();
    run.code(2).stdout_empty();
    for word in words {
        run.stderr_has(word);
    }
    assert!(run.stderr_lines().len() <= 2, "{run}");
    assert!(server.requests().is_empty(), "{run}");
}

#[test]
fn a_picture_is_a_data_url_behind_the_text() {
    let sent = content(|llm| llm.file("图.png", PNG).args(["-f", "图.png", "这是什么？"]));
    assert_eq!(sent, json!([text("这是什么？"), picture("image/png", PNG_BASE64)]));
    for (bytes, media_type, data) in [
        (&b"\xff\xd8\xff\xe0\0"[..], "image/jpeg", "/9j/4AA="),
        (b"GIF89a\x01\0", "image/gif", "R0lGODlhAQA="),
        (b"RIFF\0\0\0\0WEBP", "image/webp", "UklGRgAAAABXRUJQ"),
    ] {
        let sent = content(|llm| llm.file("a", bytes).args(["-f", "a", "看"]));
        assert_eq!(sent, json!([text("看"), picture(media_type, data)]));
    }
}

#[test]
fn the_content_decides_and_not_the_name() {
    let sent = content(|llm| llm.file("图.png", "其实是文字\n").args(["-f", "图.png"]));
    assert_eq!(sent, "图.png:\n```\n其实是文字\n```\n");
    let sent = content(|llm| llm.file("笔记.txt", PNG).args(["-f", "笔记.txt", "看"]));
    assert_eq!(sent[1], picture("image/png", PNG_BASE64));
}

#[test]
fn audio_and_documents_have_parts_of_their_own() {
    let audio = |data: &str, format: &str| json!({"type": "input_audio", "input_audio": {"data": data, "format": format}});
    let sent = content(|llm| {
        llm.file("a.wav", WAV).file("b.mp3", MP3).args(["-f", "a.wav", "-f", "b.mp3", "听"])
    });
    assert_eq!(sent, json!([text("听"), audio(WAV_BASE64, "wav"), audio(MP3_BASE64, "mp3")]));
    let name = if cfg!(windows) { "年 报.pdf" } else { "年\"报\" \\.pdf" };
    let sent = content(|llm| llm.file(name, PDF).args(["-f", name, "总结"]));
    let url = format!("data:application/pdf;base64,{PDF_BASE64}");
    let file = json!({"type": "file", "file": {"filename": name, "file_data": url}});
    assert_eq!(sent, json!([text("总结"), file]));
}

#[test]
fn several_kinds_keep_their_order_and_the_texts_are_one() {
    let sent = content(|llm| {
        let files = llm.file("一.txt", "1\n").file("图.png", PNG).file("二.txt", "2\n");
        let files = files.file("录.wav", WAV).stdin("管道\n");
        files.args(["-f", "一.txt", "-f", "图.png", "-f", "二.txt", "-f", "录.wav", "比较"])
    });
    assert_eq!(sent[0], text("一.txt:\n```\n1\n```\n\n二.txt:\n```\n2\n```\n\n管道\n\n比较"));
    let kinds: Vec<&Value> = sent.as_array().expect("parts").iter().map(|p| &p["type"]).collect();
    assert_eq!(kinds, ["text", "image_url", "input_audio"]);
}

#[test]
fn a_picture_alone_is_a_prompt_and_may_come_through_the_pipe() {
    let only = json!([picture("image/png", PNG_BASE64)]);
    assert_eq!(content(|llm| llm.file("图.png", PNG).args(["-f", "图.png"])), only);
    assert_eq!(content(|llm| llm.stdin(PNG).args(["-f", "-"])), only);
    assert_eq!(content(|llm| llm.stdin(PNG)), only);
    let sent = content(|llm| llm.stdin(PDF).args(["-f", "-", "读"]));
    assert_eq!(sent[1]["file"]["filename"], "attachment.pdf");
}

#[test]
fn a_system_message_and_other_fields_stay_as_they_are() {
    let request =
        sent(|llm| llm.file("图.png", PNG).args(["-f", "图.png", "看", "-s", "简短", "-t", "0.5"]));
    let body = request.json();
    assert_eq!(body["messages"][0], json!({"role": "system", "content": "简短"}));
    assert_eq!(body["temperature"], json!(0.5));
    let request = sent(|llm| {
        let other = "messages=[{\"role\":\"user\",\"content\":\"别的\"}]";
        llm.file("图.png", PNG).args(["-f", "图.png", "看", "-O", other])
    });
    assert_eq!(request.json()["messages"], json!([{"role": "user", "content": "别的"}]));
}

#[test]
fn a_try_again_sends_the_file_again() {
    let server = Server::start([Reply::text(500, "坏"), Reply::chat(&["好"])]);
    let run = llm().profile(&server).file("图.png", PNG);
    run.args(["chat", "-f", "图.png", "看"]).run().code(0).stdout("好\n");
    let requests = server.requests();
    assert!(requests[0].body == requests[1].body, "the second body differs");
    assert!(requests[1].text().contains(PNG_BASE64));
}

#[test]
fn what_can_not_be_attached_is_refused_by_its_name() {
    let file =
        |bytes: &'static [u8]| move |llm: Llm| llm.file("音.x", bytes).args(["-f", "音.x", "听"]);
    refused(file(b"fLaC\0\0\0\x22"), &["音.x is a FLAC recording", "llm transcribe", "ffmpeg"]);
    refused(file(b"OggS\0\x02\0"), &["an Ogg recording", "llm transcribe"]);
    refused(file(b"\0\0\0\x20ftypheic"), &["a HEIC picture", "PNG, JPEG, GIF and WebP"]);
    refused(file(b"PK\x03\x04\x14\0word/"), &["a Word document", "PDF"]);
    refused(file(b"\x7fELF\x02\x01\x01\0"), &["a program", "can be attached"]);
    refused(file(b"ab\0cd"), &["音.x is not text", "byte 2", "can be attached"]);
    refused(file(b""), &["音.x is empty"]);
    refused(|llm| llm.args(["-f", "没有.png", "看"]), &["没有.png", "no such file"]);
    refused(|llm| llm.stdin(b"OggS\0\x02\0").arg("听"), &["standard input is an Ogg recording"]);
    refused(|llm| llm.stdin("").args(["-f", "-", "看"]), &["standard input is empty"]);
    refused(|llm| llm.args(["-f", "http://[::1", "看"]), &["not valid"]);
}

#[cfg(unix)]
#[test]
fn an_unreadable_file_is_refused() {
    use std::os::unix::fs::PermissionsExt as _;
    let run = llm().file("图.png", PNG);
    let path = run.dir().join("图.png");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).expect("an own file");
    if fs::read(&path).is_ok() {
        return; // root reads everything
    }
    let server = Server::start([]);
    let outcome = run.profile(&server).args(["chat", "-f", "图.png", "看"]).run();
    outcome.code(2).stderr_has("cannot read 图.png: permission denied");
}

/// A folder `d` with text, a picture, an empty file, and what is hidden or ignored.
fn with_folder(llm: Llm) -> Llm {
    let folder = llm.dir().join("d");
    for inner in ["子", ".git", "target", "node_modules/x"] {
        fs::create_dir_all(folder.join(inner)).expect("a folder");
    }
    for (name, bytes) in [
        ("乙.txt", "乙\n".as_bytes()),
        ("a.rs", b"fn main() {}\n"),
        ("子/c.md", "```\n丙\n```\n".as_bytes()),
        ("图.png", PNG),
        ("空", b""),
        ("旧.txt", b"\xc4\xe3\xba\xc3"),
        (".hidden", b"secret"),
        (".git/config", b"secret"),
        ("target/out.txt", b"secret"),
        ("node_modules/x/index.js", b"secret"),
        ("a.log", b"secret"),
        (".gitignore", b"target/\nnode_modules\n*.log\n"),
    ] {
        fs::write(folder.join(name), bytes).expect("a file");
    }
    llm
}

#[test]
fn a_folder_is_its_text_files() {
    let server = Server::start([Reply::chat(&["好"])]);
    let run = with_folder(llm().profile(&server)).args(["chat", "-f", "d", "总结"]).run();
    run.code(0).stdout("好\n");
    run.stderr("llm: d: 3 text files read, 3 left out (2 not text, 1 empty); hidden and ignored files are not counted\n");
    let sep = std::path::MAIN_SEPARATOR;
    let expected = format!(
        "d{sep}a.rs:\n```\nfn main() {{}}\n```\n\nd{sep}乙.txt:\n```\n乙\n```\n\nd{sep}子{sep}c.md:\n````\n```\n丙\n```\n````\n\n总结"
    );
    assert_eq!(server.request().json()["messages"][0]["content"], json!(expected));
}

#[test]
fn a_folder_without_text_or_with_too_much_is_refused() {
    let empty = |llm: Llm| {
        fs::create_dir(llm.dir().join("空")).expect("a folder");
        fs::write(llm.dir().join("空/.x"), "hidden").expect("a file");
        llm.args(["-f", "空", "看"])
    };
    refused(empty, &["the directory 空 contains no text file", "\nhint: "]);
    let large = |llm: Llm| {
        fs::create_dir(llm.dir().join("大")).expect("a folder");
        for name in ["a", "b"] {
            fs::write(llm.dir().join("大").join(name), "很长\n".repeat(400_000)).expect("a file");
        }
        llm.args(["-f", "大", "看"])
    };
    refused(large, &["大 contains more than 4 MiB of text", "\nhint: "]);
}

#[test]
fn what_a_service_is_known_not_to_take_is_not_sent() {
    let service = |name: &str, file: &str, bytes: &[u8], words: &[&str]| {
        let run =
            llm().file(file, bytes).env("ANTHROPIC_API_KEY", "k").env("DASHSCOPE_API_KEY", "k");
        let run = run.args(["chat", "-p", name, "-f", file, "看", "--retries", "0"]).run();
        run.code(2).stdout_empty();
        for word in words {
            run.stderr_has(word);
        }
    };
    service(
        "anthropic",
        "a.mp3",
        MP3,
        &["a.mp3 is an MP3 recording, which anthropic does not accept", "takes_no = []"],
    );
    service(
        "dashscope",
        "a.pdf",
        PDF,
        &["a.pdf is a PDF document, which dashscope does not accept"],
    );
    service("ollama", "a.pdf", PDF, &["ollama does not accept"]);
    service(
        "ollama",
        "a.gif",
        b"GIF89a\x01\0",
        &["a.gif is a GIF picture, which ollama does not accept"],
    );
}

#[test]
fn a_profile_says_what_it_does_not_take() {
    let server = Server::new().reply(Reply::chat(&["好"]).repeat()).allow_unused().start();
    let config = |lines: &str| {
        let base = format!("base_url = \"{}\"\nmodel = \"m\"\n", server.url());
        llm().watch(&server).config(&format!("[providers.x]\n{base}{lines}\n")).file("a.png", PNG)
    };
    let run = |lines: &str, model: &str| {
        config(lines).args(["chat", "-f", "a.png", "-m", model, "看"]).run()
    };
    run("takes_no = [\"image\"]", "m").code(2).stderr_has("x does not accept for m");
    run("takes_no = [\"png\"]", "m").code(2);
    run("takes_no = [\"gif\", \"audio\"]", "m").code(0);
    run("takes_no = []", "m").code(0);
    let rule = "rules = [{ models = [\"text-*\"], takes_no = [\"image\"] }]";
    run(rule, "text-1").code(2).stderr_has("x does not accept for text-1");
    run(rule, "vision-1").code(0);
    run("takes_no = [\"picture\"]", "m").code(2).stderr_has("image, audio, pdf");
    run("rules = [{ takes_no = [\"picture\"] }]", "m")
        .code(2)
        .stderr_has("is no attachment; attachments are image");
    // A profile of the user's over a built-in one lets through what the list forbids.
    let base = format!("[providers.ollama]\nbase_url = \"{}\"\n", server.url());
    let gif = |lines: &str| {
        let llm = llm().config(&format!("{base}{lines}\n")).file("a.gif", b"GIF89a\x01\0");
        llm.args(["chat", "-p", "ollama", "-f", "a.gif", "看"])
    };
    gif("").run().code(2);
    gif("takes_no = []").run().code(0);
    // What another address leads to, nobody knows.
    gif("").args(["--base-url", &server.url()]).run().code(0);
}

#[test]
fn a_service_that_wants_audio_as_an_address_gets_it() {
    let server = Server::start([Reply::chat(&["好"])]);
    let base = format!("base_url = \"{}\"\nmodel = \"m\"\naudio_data = \"url\"", server.url());
    let run = llm().config(&format!("[providers.x]\n{base}\n")).file("a.mp3", MP3);
    run.args(["chat", "-f", "a.mp3"]).run().code(0);
    let audio = &server.request().json()["messages"][0]["content"][0]["input_audio"];
    let url = format!("data:audio/mpeg;base64,{MP3_BASE64}");
    assert_eq!(*audio, json!({"data": url, "format": "mp3"}));
}

#[test]
fn the_exchange_is_shown_without_the_bytes() {
    let server = Server::start([Reply::chat(&["好"])]);
    let run =
        llm().profile(&server).file("图.png", PNG).args(["chat", "-v", "-f", "图.png", "看"]).run();
    run.code(0).stderr_has("data:image/png;base64,(16 bytes as base64)");
    assert!(!run.stderr_text().contains(PNG_BASE64), "{run}");
}

#[test]
fn the_demo_counts_what_came() {
    let run = llm().file("图.png", PNG).file("录.wav", WAV).file("报.pdf", PDF);
    let files = ["-f", "图.png", "-f", "录.wav", "-f", "报.pdf", "-f", "图.png"];
    let run = run.args(["chat", "-p", "demo", "看"]).args(files).run();
    run.code(0).stdout_has("随消息收到 2 张图片、1 段音频、1 个文件。");
}
