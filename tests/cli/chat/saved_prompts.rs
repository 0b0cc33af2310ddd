//! `llm chat --prompt NAME`: prompts that the user wrote down, laid under the flags.

use serde_json::{Value, json};

use crate::support::{Llm, Outcome, Reply, Server, llm, spawn_in_terminal};

/// A profile file with the profiles `test` and `other` at a server, and these lines.
fn with(server: &Server, lines: &str) -> Llm {
    let url = server.url();
    let head = format!(
        "default = \"test\"\n[providers.test]\nbase_url = \"{url}\"\nmodel = \"m\"\noptions = {{ temperature = 0.1, top_p = 0.2 }}\n\
         [providers.other]\nbase_url = \"{url}\"\nmodel = \"o\"\n"
    );
    llm().config(&format!("{head}{lines}")).watch(server).arg("chat")
}

/// The request that goes out with these lines in the profile file.
#[track_caller]
fn sent(lines: &str, run: impl FnOnce(Llm) -> Llm) -> Value {
    let server = Server::start([Reply::chat(&["好"])]);
    run(with(&server, lines)).run().code(0).stdout("好\n").stderr_empty();
    server.request().json()
}

#[track_caller]
fn refused(lines: &str, args: &[&str]) -> Outcome {
    let server = Server::start([]);
    let outcome = with(&server, lines).args(args).run();
    outcome.code(2).stdout_empty();
    assert!(server.requests().is_empty());
    outcome
}

fn question(body: &Value) -> &Value {
    &body["messages"].as_array().expect("a list").last().expect("a message")["content"]
}

const TRANSLATE: &str =
    "[prompts.\"译\"]\nsystem = \"你是{{语言}}译者\"\nprompt = '''译成{{语言}}（{{ 口吻 }}）：
{{input}}'''\nvars = { \"口吻\" = \"正式\" }\n";

#[test]
fn variables_and_input_fill_the_prompt() {
    let body = sent(TRANSLATE, |llm| {
        let llm = llm.file("文.txt", "正文\n").stdin("差异\n").args(["--prompt", "译"]);
        llm.args(["--var", "语言=法文", "-f", "文.txt", "请", "译"])
    });
    let input = "文.txt:\n```\n正文\n```\n\n差异\n\n请 译";
    assert_eq!(body["messages"][0], json!({"role": "system", "content": "你是法文译者"}));
    assert_eq!(question(&body), &json!(format!("译成法文（正式）：\n{input}")));
    // The last value counts, over the one in the file; what it holds is no gap.
    let body = sent(TRANSLATE, |llm| {
        let vars =
            ["--var", "语言=x", "--var", "口吻={{input}}={{语言}}", "--var", "语言={{口吻}}"];
        llm.args(["--prompt", "译"]).args(vars).args(["-s", "直接", "{{语言}}"])
    });
    assert_eq!(body["messages"][0]["content"], "直接");
    assert_eq!(question(&body), "译成{{口吻}}（{{input}}={{语言}}）：\n{{语言}}");
}

#[test]
fn a_prompt_without_a_place_for_the_input_has_it_behind() {
    let lines = "[prompts.\"总结\"]\nprompt = \"用 {{ 三 句 }} 总结\"\n[prompts.\"人\"]\nsystem = \"简短\"\n";
    let body = sent(lines, |llm| llm.stdin("正文").args(["--prompt", "总结"]));
    assert_eq!(question(&body), "用 {{ 三 句 }} 总结\n\n正文");
    let body = sent(lines, |llm| llm.args(["--prompt", "总结"]));
    assert_eq!(question(&body), "用 {{ 三 句 }} 总结");
    let body = sent(lines, |llm| llm.args(["--prompt", "人", "你好"]));
    assert_eq!(
        body["messages"],
        json!([
        {"role": "system", "content": "简短"}, {"role": "user", "content": "你好"}])
    );
    refused(lines, &["--prompt", "人"]).stderr_has("there is no prompt and no input");
}

#[test]
fn flags_stand_over_the_prompt_and_the_prompt_over_the_profile() {
    let lines = "[prompts.p]\nprovider = \"other\"\nmodel = \"p\"\n\
                 options = { temperature = 0.5, max_tokens = 7 }\n[prompts.q]\nmodel = \"q\"\noptions = { top_p = 0.9 }\n";
    let fields = |args: &[&str], name: &str, value: &str| {
        let body = sent(lines, |llm| llm.env(name, value).args(args).arg("你好"));
        (body["model"].clone(), body["temperature"].clone(), body["top_p"].clone())
    };
    let p = ["--prompt", "p"];
    assert_eq!(fields(&p, "X", ""), (json!("p"), json!(0.5), json!(null)));
    // Written for a service, it wins over the one of every day; a flag wins over both.
    assert_eq!(fields(&p, "LLM_PROVIDER", "test"), (json!("p"), json!(0.5), json!(null)));
    let flags = [&p[..], &["-p", "test", "-t", "1"]].concat();
    assert_eq!(fields(&flags, "X", ""), (json!("m"), json!(1), json!(0.2)));
    let flags = [&p[..], &["-m", "z", "-O", "temperature=2"]].concat();
    assert_eq!(fields(&flags, "LLM_MODEL", "e"), (json!("z"), json!(2), json!(null)));
    assert_eq!(fields(&["--prompt", "q"], "X", ""), (json!("q"), json!(0.1), json!(0.9)));
    let body = sent(lines, |llm| llm.args(["--prompt", "p", "你好"]));
    assert_eq!(body["max_tokens"], 7);
    // A limit in the prompt is the user's: a cut is no failure.
    let server = Server::start([Reply::sse(&[
        &crate::support::chunk(json!({"content": "切"}), Some("length")),
        "[DONE]",
    ])]);
    with(&server, lines)
        .args(["--prompt", "p", "你好"])
        .run()
        .code(0)
        .stderr_has("at your token limit");
}

#[test]
fn a_prompt_may_ask_for_a_schema_or_a_code_block() {
    let lines = "[prompts.\"块\"]\nextract = true\n[prompts.\"人\"]\nschema = '{\"type\": \"object\", \"required\": [\"名\"]}'\n\
                 [prompts.\"二\"]\nschema = \"{}\"\nextract = true\n";
    let server =
        Server::start([Reply::chat(&["看：\n```\n码\n```\n"]), Reply::chat(&["{\"名\": 1}"])]);
    with(&server, lines).args(["--prompt", "块", "写"]).run().code(0).stdout("码\n");
    with(&server, lines).args(["--prompt", "人", "谁"]).run().code(0).stdout("{\"名\": 1}\n");
    assert_eq!(server.requests()[1].json()["response_format"]["type"], "json_schema");
    refused(lines, &["--prompt", "人", "-x", "谁"]).stderr_has("can't be combined with -x");
    refused(lines, &["--prompt", "人", "-n", "2", "谁"]).stderr_has("can't be combined with -n");
    refused(lines, &["--prompt", "二", "谁"]).stderr_has("its own `extract`");
}

#[test]
fn what_is_wrong_with_a_prompt_is_said_before_anything_is_sent() {
    let lines = format!(
        "{TRANSLATE}[prompts.\"总结\"]\nprompt = \"总结\"\n[prompts.\"坏\"]\nsystem = \"{{{{input}}}}\"\n"
    );
    for (args, words, hint) in [
        (
            &["--prompt", "译文", "a"][..],
            "no prompt `译文`",
            "did you mean `译`? known prompts: 译, 总结, 坏",
        ),
        (&["--prompt", "x", "a"], "no prompt `x`", "hint: known prompts: 译, 总结, 坏"),
        (&["--prompt", "译", "a"], "needs the variable `语言`", "hint: add --var 语言=TEXT"),
        (
            &["--prompt", "译", "--var", "语=a", "b"],
            "no variable `语`",
            "hint: did you mean `语言`?",
        ),
        (&["--prompt", "总结", "--var", "a=b", "c"], "no variable `a`", "hint: it has none"),
        (
            &["--prompt", "译", "--var", "input=b", "c"],
            "no variable `input`",
            "words, stdin, files",
        ),
        (&["--prompt", "坏", "a"], "belongs in `prompt`", ""),
        (&["--prompt", "译", "--var", "语言", "b"], "write NAME=TEXT", ""),
        (&["--var", "a=b", "c"], "--prompt <NAME>", ""),
    ] {
        refused(&lines, args).stderr_has(words).stderr_has(hint);
    }
    refused("", &["--prompt", "x", "a"]).stderr_has("a prompt is a table [prompts.NAME]");
    let two = "[prompts.p]\nprompt = \"{{a}} {{b}} {{a}}\"\n";
    let outcome = refused(two, &["--prompt", "p", "x"]);
    outcome.stderr_has("needs the variables `a`, `b`").stderr_has("add --var a=TEXT --var b=TEXT");
}

#[test]
fn pictures_stay_attachments_and_the_filled_prompt_is_kept() {
    let server = Server::start([Reply::chat(&["一只猫"]), Reply::chat(&["是"])]);
    let llm = with(&server, "[prompts.\"图\"]\nprompt = \"描述：{{input}}。\"\n");
    let llm = llm.file("猫.png", b"\x89PNG\r\n\x1a\n\0");
    llm.clone().args(["--prompt", "图", "-f", "猫.png", "毛色"]).run().code(0);
    let body = server.requests()[0].json();
    assert_eq!(question(&body)[0], json!({"type": "text", "text": "描述：毛色。"}));
    assert_eq!(question(&body)[1]["type"], "image_url");
    llm.args(["-c", "它大吗"]).run().code(0);
    let body = server.requests()[1].json();
    let first = &body["messages"][0]["content"];
    assert_eq!(first[0], json!({"type": "text", "text": "描述：毛色。"}));
    assert_eq!(first[1]["type"], "image_url");
}

/// Text behind an address is part of the input, though it comes only when the rest is filled.
#[test]
fn a_fetched_text_stands_within_the_prompt() {
    let page = Server::start([Reply::bytes(200, "text/plain", "网文")]);
    let server = Server::start([Reply::chat(&["好"])]);
    let url = format!("{}/a.txt", page.url());
    let llm = with(&server, "[prompts.\"读\"]\nprompt = \"读：{{input}}！\"\n");
    llm.args(["--prompt", "读", "-f", &url, "完"]).run().code(0);
    let body = server.request().json();
    assert_eq!(question(&body), &json!(format!("读：{url}:\n```\n网文\n```\n\n完！")));
}

#[cfg(unix)]
#[test]
fn in_a_conversation_the_frame_is_for_the_first_message_and_the_rest_for_all() {
    let server = Server::start([Reply::chat(&["答甲"]), Reply::chat(&["答乙"])]);
    let lines = "[prompts.p]\nsystem = \"简短\"\nprompt = \"问：{{input}}\"\noptions = { seed = 5 }\n\
                 [prompts.\"笑话\"]\nprompt = \"讲个笑话\"\n";
    let llm = with(&server, lines);
    let Some(mut run) = spawn_in_terminal(&llm.clone().args(["--prompt", "p"])) else { return };
    for (before, typed) in [("leaves", "一\r"), ("答甲", "二\r"), ("答乙", "\x04")] {
        run.read_stdout_until(before, std::time::Duration::from_secs(15));
        std::thread::sleep(std::time::Duration::from_millis(50));
        run.write_stdin(typed);
    }
    run.wait().code(0);
    let second = server.requests()[1].json();
    let contents: Vec<&Value> =
        second["messages"].as_array().expect("a list").iter().map(|one| &one["content"]).collect();
    assert_eq!(contents, ["简短", "问：一", "答甲", "二"]);
    assert_eq!((&second["seed"], &server.requests()[0].json()["seed"]), (&json!(5), &json!(5)));
    // A prompt that says all by itself begins no conversation.
    let server = Server::start([Reply::chat(&["哈哈"])]);
    let Some(run) = spawn_in_terminal(&with(&server, lines).args(["--prompt", "笑话"])) else {
        return;
    };
    let outcome = run.wait();
    outcome.code(0).stdout_has("哈哈");
    assert!(!outcome.stdout_text().contains("leaves"), "{outcome}");
}
