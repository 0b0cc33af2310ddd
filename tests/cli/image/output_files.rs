//! Where `llm image` puts its pictures, what it prints, and what it draws.

use std::time::Duration;

use serde_json::json;

use crate::image::samples::{body, image, inline, jpeg, png, reply};
use crate::support::{Reply, Server, in_terminal, llm};

#[test]
fn a_picture_is_written_and_its_path_printed() {
    let server = Server::start([reply(&[png("猫")])]);
    let run = image(&server).args(["猫", "-o", "猫.png"]).run();
    run.code(0).stdout("猫.png\n").stderr_empty();
    assert_eq!(run.read("猫.png"), png("猫"));
    assert_eq!(run.names(), ["猫.png"]);
}

#[test]
fn several_pictures_are_numbered() {
    let server = Server::start([reply(&[png("1"), png("2"), png("3")])]);
    let run = image(&server).file("猫-2.png", "alt").args(["-n", "3", "猫", "-o", "猫.png"]).run();
    run.code(0).stdout("猫-1.png\n猫-2.png\n猫-3.png\n").stderr_empty();
    assert_eq!(run.names(), ["猫-1.png", "猫-2.png", "猫-3.png"]);
    assert_eq!(run.read("猫-2.png"), png("2"));
}

#[test]
fn one_more_than_asked_is_left_out_and_one_less_is_said_too() {
    let server = Server::start([reply(&[png("1"), png("2")])]);
    let run = image(&server).args(["猫", "-o", "猫.png"]).run();
    let left_out = |came, asked| {
        format!(
            "llm: warning: test gave {came} pictures, {asked} asked for; the others are left out\n"
        )
    };
    run.code(0).stdout("猫.png\n").stderr(&left_out(2, 1));
    assert_eq!((run.names(), run.read("猫.png")), (vec!["猫.png".to_owned()], png("1")));
    let server = Server::start([reply(&[png("1"), png("2"), png("3"), png("4")])]);
    let run = image(&server).args(["-n", "2", "猫", "-o", "猫.png"]).run();
    run.code(0).stdout("猫-1.png\n猫-2.png\n").stderr(&left_out(4, 2));
    assert_eq!(run.names(), ["猫-1.png", "猫-2.png"]);
    // A number under a service's own name counts.
    let server = Server::start([reply(&[png("1"), png("2")])]);
    let run = image(&server).args(["-O", "parameters.sampleCount=2", "猫", "-o", "猫.png"]).run();
    run.code(0).stdout("猫-1.png\n猫-2.png\n").stderr_empty();
    let server = Server::start([reply(&[png("1")])]);
    let run = image(&server).args(["-n", "2", "猫", "-o", "猫.png"]).run();
    run.code(0).stdout("猫-1.png\n").stderr("llm: warning: test gave 1 of 2 pictures\n");
    assert_eq!(run.names(), ["猫-1.png"]);
}

#[test]
fn a_pipe_gets_the_bytes() {
    for args in [&["猫"][..], &["猫", "-o", "-"]] {
        let server = Server::start([reply(&[jpeg("猫")])]);
        image(&server).args(args).run().code(0).stdout_bytes(&jpeg("猫")).stderr_empty();
    }
    let server = Server::start([reply(&[png("1"), png("2")])]);
    let run = image(&server).arg("猫").run();
    run.code(0).stdout_bytes(&png("1")).stderr_has("gave 2 pictures, 1 asked for");
}

#[test]
fn a_reply_in_small_pieces_is_the_same_picture() {
    let picture = png(&"像素".repeat(5000));
    let text = serde_json::to_string_pretty(&body([inline(&picture)])).expect("serialises");
    let escaped = text.replace('/', "\\/");
    let pieces = escaped.as_bytes().chunks(97).map(<[u8]>::to_vec);
    let server = Server::start([Reply::chunks("application/json", pieces)]);
    let run = image(&server).args(["猫", "-o", "猫.png"]).run();
    run.code(0);
    assert_eq!(run.read("猫.png"), picture);
}

#[test]
fn an_ending_that_lies_is_kept_and_said() {
    let server = Server::start([reply(&[jpeg("猫")])]);
    let run = image(&server).args(["猫", "-o", "猫.png"]).run();
    run.code(0).stdout("猫.png\n");
    run.stderr("llm: warning: 猫.png is a jpg picture, despite its ending\n");
}

#[test]
fn json_is_printed_unchanged() {
    let text = "{ \"data\" : [ {\"b64_json\":\"iVBORw0KGgo=\"} ] ,\n\"x\":1}";
    for args in [&["--json", "猫"][..], &["--json", "-n", "2", "猫"]] {
        let server = Server::start([Reply::bytes(200, "application/json", text)]);
        image(&server).args(args).run().code(0).stdout(text).stderr_empty();
    }
    let server = Server::start([Reply::bytes(200, "application/json", text)]);
    let run = image(&server).args(["--json", "猫", "-o", "a.json"]).run();
    run.code(0).stdout_empty();
    assert_eq!(run.read("a.json"), text.as_bytes());
    let server =
        Server::start([Reply::json(200, json!({"error": {"message": "违规", "code": 400}}))]);
    image(&server).args(["--json", "猫"]).run().code(4).stdout_empty().stderr_has("违规");
}

#[test]
fn usage_is_told() {
    let server = Server::start([reply(&[png("1")])]);
    let run = image(&server).args(["-u", "猫", "-o", "a.png"]).run();
    run.code(0).stderr_has("llm: usage: 12 tokens in, 196 out, ");
}

#[test]
fn a_device_is_written_into() {
    let server = Server::start([reply(&[png("1")])]);
    image(&server).args(["猫", "-o", "/dev/null"]).run().code(0).stdout_empty().stderr_empty();
    let server = Server::start([reply(&[png("1")])]);
    let run = image(&server).args(["猫", "-o", "/dev/full"]).run();
    run.code(1).stderr("llm: cannot write /dev/full: no space left on device\n");
    // It takes several, one behind the other.
    let server = Server::start([reply(&[png("1"), png("2")])]);
    let run = image(&server).args(["-n", "2", "猫", "-o", "/dev/stdout"]).run();
    run.code(0).stdout_bytes(&[png("1"), png("2")].concat()).stderr_empty();
}

#[test]
fn what_cannot_be_written_is_said_before_it_is_paid_for() {
    for (args, words) in [
        (&["-o", "fehlt/a.png"][..], "cannot write fehlt/a.png: no such file or directory"),
        (&["-o", "."], "cannot write .: it is a directory"),
        (&["-n", "2", "-o", "."], "cannot write .: it is a directory"),
        (&["-n", "2", "-o", "ordner-2.png"], "cannot write ordner-2.png: it is a directory"),
        (&["-n", "2", "-o", "neu/"], "cannot write neu/: it is a directory"),
        (&["-n", "2", "-o", "ordner.png"], "cannot write ordner-2.png: it is a directory"),
    ] {
        let server = Server::start([]);
        let llm = image(&server);
        std::fs::create_dir(llm.dir().join("ordner-2.png")).expect("a fresh folder takes folders");
        let run = llm.arg("猫").args(args).run();
        run.code(1).stdout_empty().stderr_has(words);
        assert_eq!(run.names(), ["ordner-2.png"]);
    }
}

#[test]
fn a_terminal_gets_a_file_named_after_the_prompt() {
    // Where there is no terminal to be had, the reply is left over.
    let server = Server::new().reply(reply(&[jpeg("新")])).allow_unused().start();
    let llm = image(&server).file("一只猫-在读书.jpg", "alt").args(["一只猫，", "在读书？/.."]);
    let Some(shown) = in_terminal(&llm) else { return };
    assert!(shown.ends_with("一只猫-在读书-2.jpg\r\n"), "{shown:?}");
    let read = |name: &str| std::fs::read(llm.dir().join(name)).expect("the file is there");
    assert_eq!(read("一只猫-在读书.jpg"), b"alt");
    assert_eq!(read("一只猫-在读书-2.jpg"), jpeg("新"));
    assert_eq!(std::fs::read_dir(llm.dir()).expect("readable").count(), 2);
}

#[test]
fn show_draws_half_blocks_in_a_plain_terminal() {
    let llm = llm().args(["image", "-p", "demo", "--size", "32x16", "--show", "猫"]);
    let Some(shown) = in_terminal(&llm) else { return };
    assert!(shown.contains("猫.png\r\n"), "{shown:?}");
    assert_eq!(shown.matches('▀').count(), 32 * 8, "{shown:?}");
    assert!(shown.contains("\x1b[38;5;"), "{shown:?}");
}

#[test]
fn show_speaks_the_terminals_protocol() {
    for (name, value, begin) in [
        ("KITTY_WINDOW_ID", "1", "\x1b_Gf=100,a=T,q=2,c=4,m=0;iVBORw0KGgo"),
        ("TERM_PROGRAM", "iTerm.app", "\x1b]1337;File=inline=1;size="),
    ] {
        let args = ["image", "-p", "demo", "--size", "32x16", "--show", "猫"];
        let Some(shown) = in_terminal(&llm().env(name, value).args(args)) else { return };
        assert!(shown.contains(begin), "{shown:?}");
        assert!(!shown.contains('▀'), "{shown:?}");
    }
}

#[test]
fn show_without_a_terminal_is_said() {
    let run = llm().args(["image", "-p", "demo", "--show", "猫", "-o", "a.png"]).run();
    run.code(0).stdout("a.png\n");
    run.stderr("llm: warning: --show needs a terminal; nothing is drawn\n");
}

#[test]
fn an_interrupted_run_leaves_nothing() {
    let reply = Reply::chunks("application/json", ["{\"data\":[{\"b64_json\":\"iVBORw0KGgoAAAAN"]);
    let server = Server::start([reply.then([crate::support::Step::UntilClosed])]);
    let llm = image(&server).file("a.png", "alt").args(["猫", "-o", "a.png"]);
    let running = llm.spawn();
    server.wait_requests(1, Duration::from_secs(10));
    std::thread::sleep(Duration::from_millis(100));
    running.signal("INT");
    let run = running.wait();
    run.code(130).stdout_empty().stderr_empty();
    assert_eq!((run.names(), run.read("a.png")), (vec!["a.png".to_owned()], b"alt".to_vec()));
}

#[test]
fn the_demo_draws_edits_and_gives_addresses() {
    let demo = || llm().args(["image", "-p", "demo", "--size", "32x32"]);
    let run = demo().args(["-n", "2", "猫", "-o", "猫.png"]).run();
    run.code(0).stdout("猫-1.png\n猫-2.png\n").stderr_empty();
    let (first, second) = (run.read("猫-1.png"), run.read("猫-2.png"));
    assert!(first.starts_with(b"\x89PNG") && first != second);
    let run = demo().args(["-O", "response_format=url", "猫"]).run();
    run.code(0).stdout_bytes(&first).stderr_empty();
    let run = demo().file("a.png", &first).args(["-f", "a.png", "变蓝", "-o", "b.png"]).run();
    run.code(0).stdout("b.png\n").stderr_empty();
    assert_ne!(run.read("b.png"), first);
}
