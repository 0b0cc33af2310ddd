//! What `llm chat` makes its prompt of: arguments, standard input and files. Nothing may be lost on the way.

use std::time::Duration;

use crate::support::{Llm, Reply, Server, llm};

const LONG: Duration = Duration::from_secs(10);

/// The user's message that arrives when `command` is given a plain profile.
fn message(command: impl Fn(Llm) -> Llm) -> String {
    let server = Server::start([Reply::chat(&["好"])]);
    let run = command(llm().profile(&server).arg("chat")).run();
    run.code(0).stdout("好\n").stderr_empty();
    let body = server.request().json();
    let messages = body["messages"].as_array().expect("a list of messages");
    assert_eq!(messages.len(), 1, "{body}");
    assert_eq!(messages[0]["role"], "user");
    messages[0]["content"].as_str().expect("a text").to_owned()
}

/// Asserts that this run is refused before anything is sent, with these words on standard error.
fn refused(command: impl Fn(Llm) -> Llm, words: &[&str]) {
    let server = Server::start([]);
    let run = command(llm().profile(&server).arg("chat")).run();
    run.code(2).stdout_empty();
    for word in words {
        run.stderr_has(word);
    }
    assert!(run.stderr_text().starts_with("llm: "), "{run}");
    assert!(run.stderr_lines().len() <= 2, "{run}");
    assert!(server.requests().is_empty(), "{run}");
}

#[test]
fn standard_input_stands_before_the_prompt() {
    let piped = |text: &'static str| move |llm: Llm| llm.stdin(text).arg("写一句话");
    assert_eq!(message(piped("差异\n")), "差异\n\n写一句话");
    assert_eq!(message(piped("差异")), "差异\n\n写一句话");
    assert_eq!(message(piped("")), "写一句话");
    assert_eq!(message(piped("\r\n  缩进\r\n\n")), "\r\n  缩进\r\n\n\n写一句话");
}

#[test]
fn standard_input_alone_is_the_prompt() {
    assert_eq!(message(|llm| llm.stdin("第一行\n第二行\n")), "第一行\n第二行\n");
    assert_eq!(message(|llm| llm.stdin("没有换行")), "没有换行");
}

#[test]
fn a_large_input_arrives_whole() {
    let text = "很长的一行文字 🙂\n".repeat(60_000);
    let sent = message(|llm| llm.stdin(&text).arg("总结"));
    assert_eq!(sent.len(), text.len() + "\n总结".len());
    assert!(sent == format!("{text}\n总结"), "the text was changed on its way");
}

#[test]
fn no_stdin_leaves_it_alone() {
    assert_eq!(message(|llm| llm.stdin("别读").args(["--no-stdin", "你好"])), "你好");
    assert_eq!(message(|llm| llm.stdin_pipe_open().args(["你好", "--no-stdin"])), "你好");
}

#[test]
fn a_silent_pipe_is_waited_for_with_a_word_and_loses_nothing() {
    let server = Server::start([Reply::chat(&["好"])]);
    let command = llm().profile(&server).args(["chat", "总结"]);
    let mut run = command.clone().stdin_pipe_open().spawn();
    let mut interrupted = command.stdin_pipe_open().spawn();
    run.write_stdin("先来的\n");
    let told = run.read_stderr_until("\n", LONG);
    if cfg!(unix) {
        interrupted.read_stderr_until("\n", LONG);
        interrupted.signal("INT");
        let end = interrupted.wait();
        // The process may leave the signal to the system: a shell sees 130 both ways.
        assert!(end.code == Some(130) || end.signal == Some(2), "{end}");
        end.stdout_empty();
    }
    assert!(told.starts_with("llm: ") && told.contains("--no-stdin"), "{told}");
    assert!(server.requests().is_empty(), "the input is not at its end");
    run.write_stdin("后来的\n");
    run.close_stdin();
    let run = run.wait();
    run.code(0).stdout("好\n");
    assert_eq!(run.stderr_lines().len(), 1, "{run}");
    assert_eq!(server.request().json()["messages"][0]["content"], "先来的\n后来的\n\n总结");
}

#[test]
fn a_file_is_put_in_with_its_name() {
    let sent = message(|llm| llm.file("说明.txt", "正文\n").args(["-f", "说明.txt", "总结"]));
    assert_eq!(sent, "说明.txt:\n```\n正文\n```\n\n总结");
    let sent = message(|llm| llm.file("a.md", "没有换行").args(["--file", "a.md"]));
    assert_eq!(sent, "a.md:\n```\n没有换行\n```\n");
}

#[test]
fn a_fence_in_a_file_does_not_end_its_own() {
    let text = "```rust\nfn main() {}\n```\n";
    let sent = message(|llm| llm.file("a.md", text).args(["-f", "a.md", "改"]));
    assert_eq!(sent, format!("a.md:\n````\n{text}````\n\n改"));
}

#[test]
fn files_input_and_prompt_come_in_this_order() {
    let sent = message(|llm| {
        let files = llm.file("一.txt", "1\n").file("二.txt", "2\n");
        files.stdin("输入\n").args(["-f", "一.txt", "-f", "二.txt", "比较"])
    });
    assert_eq!(sent, "一.txt:\n```\n1\n```\n\n二.txt:\n```\n2\n```\n\n输入\n\n比较");
}

#[test]
fn a_dash_as_file_is_standard_input_and_not_read_twice() {
    let sent = message(|llm| llm.stdin("管道\n").args(["-f", "-", "总结"]));
    assert_eq!(sent.matches("管道").count(), 1, "{sent}");
    assert!(sent.contains("```\n管道\n```\n\n总结"), "{sent}");
}

#[test]
fn a_byte_order_mark_and_line_ends_of_windows_do_no_harm() {
    let sent = message(|llm| llm.file("w.txt", "\u{feff}一\r\n二\r\n").args(["-f", "w.txt"]));
    assert!(sent.contains("一\r\n二\r\n"), "{sent:?}");
}

#[test]
fn nothing_to_ask_is_refused() {
    refused(|llm| llm, &["prompt", "\nhint: "]);
    refused(|llm| llm.stdin(""), &["prompt", "\nhint: "]);
    refused(|llm| llm.stdin("忽略").arg("--no-stdin"), &["prompt"]);
}

#[test]
fn input_that_is_no_text_is_refused() {
    refused(|llm| llm.stdin(b"ab\xff\xfe").arg("总结"), &["standard input", "UTF-8", "byte 2"]);
    refused(|llm| llm.stdin(b"a\0b"), &["standard input"]);
    let gbk = b"\xc4\xe3\xba\xc3";
    refused(|llm| llm.file("旧.txt", gbk).args(["-f", "旧.txt", "译"]), &["旧.txt", "UTF-8"]);
}

#[test]
fn a_file_that_can_not_be_read_is_refused() {
    refused(|llm| llm.args(["-f", "没有.txt", "译"]), &["没有.txt"]);
    refused(|llm| llm.args(["-f", ".", "译"]), &["directory"]);
}

#[test]
fn wrong_usage_is_refused_in_one_line() {
    for (args, word) in [
        (&["a", "--temperature", "hot"][..], "hot"),
        (&["a", "--max-tokens", "0"], "max-tokens"),
        (&["a", "-n", "0"], "0"),
        (&["a", "--seed", "1.5"], "1.5"),
        (&["a", "-O", "novalue"], "it has no `=`"),
        (&["a", "-H", "no colon"], "it has no `:`"),
        (&["a", "--timeout", "0"], "timeout"),
        (&["a", "--reasoning", "maybe"], "maybe"),
        (&["a", "--temprature", "1"], "--temperature"),
        (&["a", "--schema", "{"], "schema"),
        (&["a", "--schema", "没有.json"], "没有.json"),
        (&["a", "--schema", r#"{"type": "nonsense"}"#], "schema"),
        (&["a", "--schema", "{}", "-n", "2"], "schema"),
    ] {
        refused(|llm| llm.args(args), &[word]);
    }
}

#[test]
fn a_text_without_end_is_not_read_to_its_end() {
    let too_long = "a".repeat((64 << 20) + 1);
    refused(
        |llm| llm.stdin(&too_long).arg("x"),
        &["standard input is larger than 64 MiB", "hint: "],
    );
    refused(
        |llm| llm.args(["-f", "/dev/zero", "x"]),
        &["/dev/zero is not text (there is a zero byte"],
    );
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a.txt");
    std::fs::write(&path, &too_long).expect("written");
    let path = path.to_str().expect("a name");
    refused(|llm| llm.args(["-f", path, "x"]), &["a.txt is larger than 64 MiB"]);
    refused(|llm| llm.args(["--schema", path, "x"]), &["larger than 64 MiB"]);
    let half = folder.path().join("b.txt");
    std::fs::write(&half, &too_long[..40 << 20]).expect("written");
    let half = half.to_str().expect("a name");
    refused(|llm| llm.args(["-f", half, "-f", half, "x"]), &["the prompt is larger than 64 MiB"]);
    let deep = format!("{}a=1", "a.".repeat(1_000_000 / 20));
    refused(|llm| llm.args(["-O", &deep, "x"]), &["nests deeper than 127 levels"]);
}

#[test]
fn a_few_bytes_that_are_not_utf_8_are_replaced() {
    let mut log = "一行日志\n".repeat(100).into_bytes();
    log[598..600].copy_from_slice(b"\xff\xfe");
    let server = Server::start([Reply::chat(&["好"])]);
    let run = llm().profile(&server).arg("chat").stdin(log.clone()).arg("x").run();
    run.code(0).stderr_has("standard input: 3 bytes that are not UTF-8 are replaced");
    let body = server.request().json();
    let sent = body["messages"][0]["content"].as_str().expect("a text").to_owned();
    assert!(sent.contains('\u{fffd}') && sent.ends_with("x"), "{sent}");
    // Another encoding is named, if there is one that fits.
    for (bytes, words) in [
        (&b"\xc4\xe3\xba\xc3\xa3\xac\xca\xc0\xbd\xe7"[..], "iconv -f GB18030"),
        (b"caf\xe9 au lait", "iconv -f ISO-8859-1"),
        (b"ab\xff", "hint: text must be UTF-8"),
    ] {
        let server = Server::start([]);
        let run = llm().profile(&server).arg("chat").stdin(bytes).arg("x").run();
        run.code(2).stderr_has(words);
        assert_eq!(run.stderr_text().contains("iconv"), words.contains("iconv"), "{run}");
    }
}

#[test]
fn a_byte_order_mark_is_no_text() {
    let mark = "\u{feff}";
    assert_eq!(message(|llm| llm.stdin(format!("{mark}一")).arg("二")), "一\n\n二");
    assert_eq!(message(|llm| llm.stdin(format!("{mark}{mark}一"))), format!("{mark}一"));
    refused(|llm| llm.stdin(mark), &["no prompt and no input"]);
}

#[test]
fn a_dash_is_standard_input() {
    assert_eq!(message(|llm| llm.stdin("一").arg("-")), "一");
    assert_eq!(message(|llm| llm.stdin("一").args(["-", "二"])), "一\n\n二");
    assert_eq!(message(|llm| llm.stdin("一").args(["a - b"])), "一\n\na - b");
    refused(|llm| llm.stdin("").arg("-"), &["no prompt and no input"]);
}

#[cfg(unix)]
#[test]
fn a_list_that_a_loop_reads_from_earns_a_warning() {
    use std::io::{Read as _, Write as _};
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("list");
    std::fs::File::create(&path)
        .and_then(|mut file| file.write_all(b"one\ntwo\nthree\n"))
        .expect("written");
    for (taken, is_warned) in [(0, false), (4, true), (14, false)] {
        let mut file = std::fs::File::open(&path).expect("is there");
        file.read_exact(&mut vec![0; taken]).expect("is long enough");
        let server = Server::start([Reply::chat(&["好"])]);
        let run = llm().profile(&server).arg("chat").stdin_file(file).arg("x").run();
        run.code(0);
        let text = run.stderr_text();
        assert_eq!(
            text.contains("llm: warning: ") && text.contains("--no-stdin"),
            is_warned,
            "{text}"
        );
    }
}
