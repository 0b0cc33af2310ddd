//! What is a row, and what is asked for it.

use serde_json::{Value, json};

use super::service::{Answer, Service};

/// The lines of an output as JSON.
fn lines(text: &[u8]) -> Vec<Value> {
    let text = std::str::from_utf8(text).expect("text");
    let line = |line: &str| serde_json::from_str(line).expect("JSON");
    // Not `lines`: U+2028 and its like end no line.
    text.split('\n').filter(|line| !line.is_empty()).map(line).collect()
}

#[test]
fn every_line_is_a_row_behind_the_prompt() {
    let service = Service::echo();
    let llm = service.batch().args(["译成英文", "-f", "w.txt", "-o", "o.jsonl"]);
    let run = llm.file("w.txt", "\u{feff}你好\r\n\n世界\u{2028}二\n").run();
    run.code(0).stdout_empty().stderr_empty();
    assert_eq!(
        lines(&run.read("o.jsonl")),
        [
            json!({"id": "1", "input": "你好", "answer": ">译成英文\n\n你好"}),
            json!({"id": "2", "input": "世界\u{2028}二", "answer": ">译成英文\n\n世界\u{2028}二"}),
        ]
    );
    assert_eq!(run.names(), ["o.jsonl", "w.txt"]);
    let body = &service.asked()[0].body;
    assert_eq!((&body["model"], body.get("stream")), (&json!("m"), None));
}

#[test]
fn rows_come_from_each_form_and_from_a_pipe() {
    for (name, text) in [
        ("r.jsonl", "{\"a\": \"一\", \"b\": 1}\n\n{\"a\": \"二\\n\", \"b\": null}\n"),
        ("r.csv", "\u{feff}a,b\r\n一,1\r\n\"二\n\",\r\n"),
        ("r.tsv", "a\tb\n一\t1\n\"二\n\"\t\n"),
    ] {
        let service = Service::echo();
        let prompt = ["{{a}}|{{ b }}|{{{a}}}"];
        let run = service.batch().args(["-f", name]).args(prompt).file(name, text).run();
        run.code(0).stderr_empty();
        let answers: Vec<Value> =
            lines(&run.stdout).into_iter().map(|line| line["answer"].clone()).collect();
        assert_eq!(answers, [">一|1|{一}", ">二\n||{二\n}"], "{name}");
        let form = name.strip_prefix("r.").expect("an ending");
        let piped = service.batch().args(["--rows", form]).args(prompt).stdin(text).run();
        piped.code(0).stdout_bytes(&run.stdout);
        let named = ["-f", "-", "--rows", form, "--limit", "1"];
        let first = service.batch().args(named).args(prompt).stdin(text).run();
        first.code(0);
        assert_eq!(lines(&first.stdout), lines(&run.stdout)[..1], "{name}");
    }
}

#[test]
fn bad_rows_are_told_before_anything_is_sent() {
    for (args, text, words) in [
        (&["{{b}}"][..], "{\"b\":1}\n{\"a\":1}\n", "row 2 of r.jsonl has no column `b`"),
        (&["{{a}}"], "{\"a\":1}\nnot json\n", "row 2 of r.jsonl is not JSON"),
        (&["{{a}}"], "{\"a\":1,\"id\":7}\n{\"a\":2,\"id\":\"7\"}\n", "have the same id, `7`"),
        (&["{{a}}", "--id", "a"], "{\"a\":\"x\"}\n{\"a\":\"x\"}\n", "have the same id, `x`"),
        (&["{{a}}", "--id", "k"], "{\"a\":1}\n", "has no column `k`, which --id names"),
        (&["同一句"], "{\"a\":1}\n", "the prompt names no column"),
        (&[], "{\"a\":1}\n", "there is no prompt"),
        (&["{{a}}"], "\n\n", "there are no rows in r.jsonl"),
        (&["{{a}}"], "{\"a\":1,\"answer\":2}\n", "have a column `answer` of their own"),
        (&["{{a}}", "-f", "{{a}}.png"], "{\"a\":1}\n", "cannot read 1.png: no such file"),
        (&["{{a}}", "--var", "x=1"], "{\"a\":1}\n", "`{{x}}`"),
        (
            &["{{a}} {{First Name}}"],
            "{\"a\":1}\n{\"a\":2,\"First Name\":3}\n",
            "row 1 of r.jsonl has no column `First Name`",
        ),
        (
            &["{{a}}", "-s", "{{b.c}}"],
            "{\"a\":1}\n{\"a\":2,\"b\":{\"c\":3}}\n",
            "row 1 of r.jsonl has no column `b.c`",
        ),
        (
            &["{{a}} {{First Nam}}"],
            "{\"a\":1,\"First Name\":2}\n",
            "no row has a column `First Nam`",
        ),
        (&["{{a}} {{first name}}"], "{\"a\":1,\"First Name\":2}\n", "did you mean {{First Name}}?"),
        (
            &["{{a}} {{价格(元)}}"],
            "{\"a\":1}\n{\"价格（元）\":2}\n",
            "no row has a column `价格(元)`",
        ),
    ] {
        let service = Service::echo();
        let llm = service.batch().args(["-f", "r.jsonl", "-o", "o.jsonl"]).args(args);
        let run = llm.file("r.jsonl", text).run();
        run.code(2).stdout_empty().stderr_has(words);
        assert_eq!(run.names(), ["r.jsonl"], "{words}");
        assert!(service.asked().is_empty(), "{words}");
        // What can be read only once is looked at before, too.
        let piped = ["--rows", "jsonl", "-o", "o.jsonl"];
        let run = service.batch().args(piped).args(args).stdin(text).run();
        run.code(2).stderr_has(&words.replace("r.jsonl", "standard input"));
        assert!(service.asked().is_empty(), "{words}");
    }
}

#[test]
fn numbers_stay_as_they_came() {
    let service = Service::echo();
    let row =
        |id: &str| format!("{{\"id\":{id},\"p\":1.10,\"l\":[1e3,\"中\"],\"o\":{{\"x\":2.50}}}}");
    let (first, second) = ("12345678901234567890123", "12345678901234567890124");
    let rows = format!("{}\n{}\n", row(first), row(second));
    let llm = service.batch().args(["-f", "r.jsonl", "{{id}} {{p}} {{l}} {{o.x}}"]);
    let run = llm.file("r.jsonl", rows).run();
    run.code(0).stderr_empty();
    assert_eq!(service.texts()[0], format!("{first} 1.10 [1e3,\"中\"] 2.50"));
    let own = row(second);
    run.stdout_has(own.strip_suffix('}').expect("an object"));
}

#[test]
fn code_in_double_braces_is_text() {
    let code = "{{ {\"x\": 1} }} {{#if a}} {{ a | upper }} {{user.name}} {{}} {{first";
    for (name, text) in [("r.csv", "a,First Name\n1,2\n"), ("r.jsonl", "{\"a\":1}\n{\"a\":1}\n")] {
        let service = Service::echo();
        let prompt = format!("{{{{a}}}} {code}");
        let run = service.batch().args(["-f", name, &prompt]).file(name, text).run();
        run.code(0).stderr_empty();
        assert_eq!(service.asked()[0].text, format!("1 {code}"));
    }
}

#[test]
fn a_file_that_can_not_be_attached_is_told_before_anything_is_sent() {
    for (name, bytes) in [("bin", &b"\0\x01\x02"[..]), ("empty.txt", b"")] {
        let service = Service::echo();
        let args = ["look", "-f", "f.csv", "-f", "{{path}}", "-o", "o.jsonl"];
        let llm = service.batch().args(args).file("t.txt", "words").file(name, bytes);
        let run = llm.clone().file("f.csv", format!("path\nt.txt\nt.txt\n{name}\n")).run();
        run.code(2).stdout_empty().stderr_has(&format!("row 3 of f.csv: {name}"));
        assert!(service.asked().is_empty(), "{name}");
        assert!(!run.names().contains(&"o.jsonl.part".to_owned()));
        llm.file("f.csv", "path\nt.txt\nt.txt\n").run().code(0).stderr_empty();
    }
}

#[test]
fn rows_are_named_by_a_column_that_all_have() {
    let service = Service::echo();
    let of = |args: &[&str], text: &str| {
        let llm = service.batch().args(["-f", "r.jsonl", "{{a}}"]).args(args);
        lines(&llm.file("r.jsonl", text).run().code(0).stdout)
    };
    let both = "{\"a\":1,\"id\":\"x\"}\n{\"a\":2,\"id\":9}\n";
    assert_eq!(of(&[], both)[1], json!({"id": 9, "a": 2, "answer": ">2"}));
    let some = "{\"a\":1,\"custom_id\":\"x\"}\n{\"a\":2}\n";
    assert_eq!(of(&[], some)[1], json!({"id": "2", "a": 2, "answer": ">2"}));
    let named = of(&["--id", "a"], "{\"a\":\"k\",\"b\":1}\n");
    assert_eq!(named[0], json!({"id": "k", "a": "k", "b": 1, "answer": ">k"}));
    let kept = of(&["--id", "a"], both);
    assert_eq!(kept[0], json!({"a": 1, "id": "x", "answer": ">1"}));
    let column = of(&["--answer-column", "reply"], "{\"a\":1,\"answer\":\"own\",\"error\":2}\n");
    assert_eq!(column[0], json!({"id": "1", "a": 1, "answer": "own", "error": 2, "reply": ">1"}));
}

#[test]
fn a_prompt_of_the_profile_file_is_filled_by_columns() {
    let service = Service::echo();
    let profile = format!(
        "[providers.test]\nbase_url = \"{}\"\nmodel = \"m\"\n[prompts.t]\nprompt = \"译成{{{{lang}}}}：{{{{input}}}}\"\n\
         system = \"for {{{{who}}}}\"\nmodel = \"big\"\nvars = {{ lang = \"英文\", who = \"all\" }}\noptions = {{ top_k = 3 }}\n",
        service.url
    );
    let run = |args: &[&str], rows: &str| {
        let llm = service.batch().config(&profile).args(["--prompt", "t", "-f", "r.jsonl"]);
        let run = llm.args(args).file("r.jsonl", rows).run();
        run.code(0).stderr_empty();
        service.asked().pop().expect("asked").body
    };
    let body = run(&[], "{\"input\":\"你好\",\"who\":\"me\"}\n");
    assert_eq!(body["messages"][0]["content"], "for me");
    assert_eq!(body["messages"][1]["content"], "译成英文：你好");
    assert_eq!((&body["model"], &body["top_k"]), (&json!("big"), &json!(3)));
    let body = run(&["--var", "lang=法文", "说{{x}}"], "{\"x\":1,\"lang\":\"德文\"}\n");
    assert_eq!(body["messages"][0]["content"], "for all");
    assert_eq!(body["messages"][1]["content"], "译成法文：说1");
    let body = run(&["-s", "row {{x}}", "{{x}}"], "{\"x\":\"一\"}\n");
    assert_eq!(body["messages"][0]["content"], "row 一");
}

#[test]
fn files_go_along_with_rows_by_a_column() {
    let service = Service::echo();
    let png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
    let llm = service.batch().args(["-f", "r.csv", "-f", "{{path}}", "看图"]);
    let run =
        llm.file("r.csv", "path\n一.png\n二.txt\n").file("一.png", png).file("二.txt", "字").run();
    run.code(0).stderr_empty();
    let bodies: Vec<Value> = service.asked().into_iter().map(|asked| asked.body).collect();
    let find = |word: &str| bodies.iter().any(|body| body.to_string().contains(word));
    assert!(find("data:image/png;base64,iVBORw0KGgo") && find("二.txt:"), "{bodies:?}");
}

#[test]
fn a_dry_run_shows_the_first_request_and_counts_the_others() {
    let service = Service::echo();
    let llm = service.batch().args(["-f", "r.txt", "译", "--dry-run"]);
    let run = llm.file("r.txt", "一\n二\n三\n").run();
    run.code(0).stdout_has("译\\n\\n一").stderr_has("llm: 3 requests, ").stderr_has("tokens in\n");
    assert!(service.asked().is_empty());
}

#[test]
fn an_action_is_told_from_a_prompt() {
    let service = Service::echo();
    let rows = |llm: crate::support::Llm| llm.file("r.txt", "一\n").run();
    let run = rows(service.batch().args(["run", "-f", "r.txt", "list"]));
    run.code(0).stdout_has(">list\\n\\n一");
    let run = rows(service.batch().args(["-f", "r.txt", "run", "x"]));
    run.code(2).stdout_empty().stderr_has("stand behind its name");
    let run = rows(service.batch().args(["-f", "r.txt", "-o", "r.txt", "x"]));
    run.code(2).stderr_has("r.txt is read and would be replaced");
}

#[test]
fn a_field_that_replaces_the_row_is_told_before_anything_is_sent() {
    let service = Service::echo();
    let llm = service.batch().args(["-f", "r.txt", "-O", "messages=[]", "x"]);
    let run = llm.file("r.txt", "一\n").run();
    run.code(2).stderr_has("the request has no place for the row's text");
    assert!(service.asked().is_empty());
}

#[test]
fn what_one_refusal_teaches_holds_for_the_rows_that_follow() {
    let service = Service::start(|text, before| match (text, before) {
        ("一", 0) => Answer::error(
            400,
            "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
        ),
        (text, _) => Answer::text(text),
    });
    let llm = service.batch().args(["-f", "r.txt", "--max-tokens", "50", "--concurrency", "1"]);
    let run = llm.args(["{{input}}"]).file("r.txt", "一\n二\n三\n").run();
    run.code(0);
    let asked = service.asked();
    let names: Vec<bool> =
        asked.iter().map(|asked| asked.body.get("max_tokens").is_some()).collect();
    assert_eq!(names, [true, false, false, false]);
    assert!(asked[1..].iter().all(|asked| asked.body["max_completion_tokens"] == 50));
}
