//! `--markdown`: an answer coloured while it comes, its text as it was; and untouched elsewhere.

use std::time::Duration;

use serde_json::json;

use crate::support::{
    Llm, Outcome, Reply, Server, Step, chunk, in_terminal, llm, spawn_in_terminal,
};

const LONG: Duration = Duration::from_secs(10);

const ANSWER: [&str; 4] = ["# 题\n**你", "好**世界 `ls", "`\n```sh\necho 'a*", "b*'\n```"];

fn asking(reply: Reply) -> (Server, Llm) {
    let server = Server::start([reply]);
    let llm = llm().profile(&server).args(["chat", "你好"]);
    (server, llm)
}

/// What is shown without its colours.
fn bare(shown: &str) -> String {
    let mut parts = shown.split("\u{1b}[");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| {
        let (codes, behind) = part.split_once('m').expect("only colours are there");
        assert!(codes.chars().all(|c| c.is_ascii_digit() || c == ';'), "{codes:?} in {shown:?}");
        text + behind
    })
}

#[test]
fn the_answer_is_coloured_and_its_text_stays() {
    let (_server, llm) = asking(Reply::chat(&ANSWER).pace(Duration::from_millis(2)));
    let run = llm.args(["--markdown", "always"]).run();
    run.code(0).stderr_empty();
    let shown = run.stdout_text();
    assert_eq!(bare(&shown), format!("{}\n", ANSWER.concat()));
    for styled in [
        "\u{1b}[0;1;35m# 题\u{1b}[0m\n",
        "\u{1b}[0;2m**\u{1b}[0;1m你",
        "好\u{1b}[0;2m**\u{1b}[0m世界 ",
        "\u{1b}[0;36mls",
        "\u{1b}[0;35mecho\u{1b}[0m ",
        "\u{1b}[0;32mb*'\u{1b}[0m\n",
    ] {
        run.stdout_has(styled);
    }
}

#[test]
fn a_pipe_gets_the_text_as_it_is() {
    for more in [&[] as &[&str], &["--color", "always"], &["--markdown", "never"]] {
        let (_server, llm) = asking(Reply::chat(&ANSWER));
        let run = llm.args(more).env("CLICOLOR_FORCE", "1").run();
        run.code(0).stdout(&format!("{}\n", ANSWER.concat()));
    }
}

#[test]
fn a_terminal_that_takes_colour_is_enough() {
    let (_server, llm) = asking(Reply::chat(&ANSWER));
    let Some(shown) = in_terminal(&llm) else { return };
    assert!(shown.contains("\u{1b}[0;1;35m# 题\u{1b}[0m\r\n"), "{shown:?}");
    assert_eq!(bare(&shown), format!("{}\r\n", ANSWER.concat().replace('\n', "\r\n")));
}

#[test]
fn a_terminal_without_colour_and_answers_for_programs_get_none() {
    let plain = |llm: &Llm| in_terminal(llm).is_none_or(|shown| !shown.contains('\u{1b}'));
    for more in [&["--color", "never"] as &[&str], &["--markdown", "never"], &["-x"]] {
        let (_server, llm) = asking(Reply::chat(&ANSWER));
        assert!(plain(&llm.args(more)), "{more:?}");
    }
    let (_server, llm) = asking(Reply::chat(&ANSWER));
    assert!(plain(&llm.env("NO_COLOR", "1")));
    let (_server, llm) = asking(Reply::chat_json("**甲**"));
    assert!(plain(&llm.arg("--json")));
}

#[test]
fn colours_are_refused_where_the_answer_is_for_a_program() {
    let server = Server::start([]);
    let schemas = [&["--schema", "{}"] as &[&str], &["--schema-multi", "名字"]];
    for more in [&["-x"] as &[&str], &["--json"], &["-o", "答.md"]].into_iter().chain(schemas) {
        let llm = llm().profile(&server).args(["chat", "你好", "--markdown", "always"]);
        let run = llm.args(more).run();
        run.code(2).stdout_empty().stderr_has("--markdown always can't be combined with --");
    }
    assert_eq!(server.requests().len(), 0);
}

#[test]
fn text_is_shown_when_it_comes_and_not_when_its_line_ends() {
    let part = |text: &str| chunk(json!({"content": text}), None);
    let first = Reply::sse(&[part("- **半"), part("行 *")]).then([Step::UntilClosed]);
    let (_server, llm) = asking(first);
    let mut run = llm.args(["--markdown", "always"]).spawn();
    run.read_stdout_until("行 \u{1b}[0m", LONG);
    run.signal("INT");
    let run: Outcome = run.wait();
    // What was held back is shown, and the terminal has its own colours again.
    assert_eq!(bare(&run.code(130).stdout_text()), "- **半行 *\n");
    assert!(run.stdout_text().ends_with("\u{1b}[0m\n"), "{run}");
}

#[test]
fn control_sequences_of_a_model_are_harmless_with_colours_too() {
    let (_server, llm) = asking(Reply::chat(&["**\u{1b}]52;c;aGk=\u{7}**\r", "\n`\u{1b}[2J`"]));
    let run = llm.args(["--markdown", "always"]).run();
    let shown = bare(&run.code(0).stdout_text());
    assert_eq!(shown, "**\\u{1b}]52;c;aGk=\\u{7}**\n`\\u{1b}[2J`\n");
}

#[test]
fn a_conversation_is_coloured_and_each_answer_begins_anew() {
    let server = Server::start([Reply::chat(&["```\n没有结束"]), Reply::chat(&["**乙**"])]);
    let llm = llm().profile(&server).arg("chat");
    let Some(mut run) = spawn_in_terminal(&llm) else { return };
    for (before, typed) in [("leaves", "一\r"), ("没有结束", "二\r"), ("乙", "\x04")] {
        run.read_stdout_until(before, LONG);
        std::thread::sleep(Duration::from_millis(50));
        run.write_stdin(typed);
    }
    run.wait().code(0).stdout_has("\u{1b}[0;1m乙");
}
