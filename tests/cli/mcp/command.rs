//! `llm mcp list`, `tools`, `check` and `call`.

use std::time::Instant;

use serde_json::{Value, json};

use super::{HELLO, LIST, LONG, SERVER, answering, assert_gone, seen, table, with_servers};
use crate::support::llm;

#[test]
fn the_servers_of_the_profile_file_are_listed() {
    let tables = "[mcp.files]\ncommand = [\"npx\", \"-y\", \"server\", \"sk-secret-123456\"]\n\
                  [mcp.hub]\nurl = \"https://u:pw@h.example/mcp?token=abcdefgh\"\n";
    let run = llm().config(tables);
    for words in [&["mcp"][..], &["mcp", "list"]] {
        let listed = run.clone().args(words).run();
        listed.code(0).stderr_empty();
        listed.stdout("files  npx -y server ***\nhub    https://h.example/mcp?token=***\n");
    }
    let listed = run.args(["mcp", "--json"]).run().code(0).stdout_json();
    assert_eq!(listed[0], json!({"name": "files", "command": ["npx", "-y", "server", "***"]}));
    assert_eq!(listed[1]["url"], "https://h.example/mcp?token=***");
    let none = llm().args(["mcp"]).run();
    none.code(0).stdout_empty().stderr("llm: your profile file has no [mcp.NAME]\n");
}

#[test]
fn tools_are_listed_with_their_arguments() {
    let run = with_servers(&[table("a", "", "tools = [\"e*\", \"fail\"]\nallow = [\"echo\"]")]);
    let listed = run.clone().args(["mcp", "tools", "a"]).run();
    listed.code(0).stderr_empty();
    listed.stdout_has(
        "echo (runs without asking)  Says it again\n    text (string, required)  what to say\n",
    );
    listed.stdout_has("\nfail  Fails\nflood (not offered)  Says a lot\n");
    let one = run.clone().args(["mcp", "tools", "a/echo"]).run();
    one.code(0).stdout_has("echo (runs");
    assert_eq!(one.stdout_text().lines().count(), 2);
    let raw = run.clone().args(["mcp", "tools", "a", "--json"]).run().code(0).stdout_json();
    assert_eq!(raw["tools"][0]["name"], "echo");
    assert_eq!(raw["tools"][0]["inputSchema"]["required"], json!(["text"]));
    assert_gone(&run, &["a"]);
}

#[test]
fn a_tool_is_called() {
    let run = with_servers(&[table("a", "", "")]);
    let call = |args: &[&str]| run.clone().args(["mcp", "call", "a"]).args(args).run();
    let arguments = "{\"text\": \"甲\\\"乙\", \"n\": 1}";
    call(&["echo", arguments]).code(0).stdout("a {\"text\":\"甲\\\"乙\",\"n\":1}\n").stderr_empty();
    call(&["echo"]).code(0).stdout("a {}\n");
    let asked: Vec<Value> =
        seen(&run, "a").lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let params = json!({"protocolVersion": "2025-11-25", "capabilities": {},
        "clientInfo": {"name": "llm", "version": env!("CARGO_PKG_VERSION")}});
    assert_eq!(
        asked[0],
        json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params})
    );
    assert_eq!(asked[1], json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
    let failed = call(&["fail"]);
    failed.code(4).stdout("没有这个文件\n").stderr("llm: the tool a/fail says that it failed\n");
    let unknown = call(&["nothing"]);
    unknown
        .code(4)
        .stdout_empty()
        .stderr_has("llm: mcp a refuses the call of a/nothing: Unknown tool: nothing\n");
    unknown.stderr_has("hint: `llm mcp tools a` lists its tools");
    call(&["crash"])
        .code(6)
        .stderr("llm: mcp a: it ended in the middle of the call (exit 3): 崩溃了\n");
    call(&["echo", "[1]"]).code(2).stderr_has("llm: the arguments are not a JSON object");
    let picture = call(&["picture"]);
    picture.code(0).stdout("看\n\n[image, image/png, 70 bytes]\n");
    picture.stderr("llm: 给人看\n");
    let raw = call(&["picture", "--json"]).code(0).stdout_json();
    assert_eq!(raw["content"][1]["mimeType"], "image/png");
    let stdin = run.clone().args(["mcp", "call", "a", "echo", "-"]).stdin("{\"x\":2}").run();
    stdin.code(0).stdout("a {\"x\":2}\n");
    let dry = call(&["echo", "{\"x\":1}", "--dry-run"]).code(0).stdout_json();
    assert_eq!(dry["params"], json!({"name": "echo", "arguments": {"x": 1}}));
    assert_gone(&run, &["a"]);
}

#[test]
fn structured_content_is_printed_where_no_text_says_it() {
    let empty = r#"{"type":"text","text":""}"#;
    let link = r#"{"type":"resource_link","uri":"file:///c","name":"c"}"#;
    let text = r#"{"type":"text","text":"a is 1"}"#;
    for (content, printed) in [
        ("", "{\"a\":1}\n"),
        (empty, "{\"a\":1}\n"),
        (link, "c: file:///c\n\n{\"a\":1}\n"),
        (text, "a is 1\n"),
    ] {
        let answer = format!(
            r#"{{"jsonrpc":"2.0","id":3,"result":{{"content":[{content}],"structuredContent":{{"a":1}}}}}}"#
        );
        let run = answering(&[HELLO, LIST, &answer]).args(["mcp", "call", "a", "t"]);
        run.run().code(0).stdout(printed).stderr_empty();
    }
}

#[test]
fn each_server_is_checked_and_the_first_that_fails_decides() {
    let tables = [
        table("good", "", "tools = [\"echo\"]"),
        table("odd", "odd", ""),
        table("dead", "dies", ""),
        "[mcp.none]\ncommand = \"no-such-program x\"\n".to_owned(),
        "[mcp.unset]\ncommand = \"sh\"\nenv = { TOKEN = \"$NO_SUCH_TOKEN\" }\n".to_owned(),
    ];
    let run = with_servers(&tables);
    let checked = run.clone().args(["mcp", "check"]).run();
    checked.code(2).stderr_has("llm: 3 of 5 servers do not work: dead, none, unset\n");
    checked.stdout_has("✓  good   1 of 10 tools offered  sh-good 1.2  2025-11-25  ");
    checked.stdout_has("✓  odd    3 of 4 tools offered  sh-odd 1.2");
    checked.stdout_has(
        "     bad can't be offered: its schema is one of \"string\", not of an object\n",
    );
    checked.stdout_has(
        "✗  dead   it ended while starting (exit 1): AttributeError: 'Server' has no list\n",
    );
    checked.stdout_has("✗  none   cannot start it: no-such-program: not found\n");
    checked.stdout_has("✗  unset  the variable NO_SUCH_TOKEN is not set\n");
    run.clone().args(["mcp", "check", "good"]).run().code(0).stderr_empty();
    let one = run.clone().args(["mcp", "check", "dead", "--json"]).run();
    let report = one.code(2).stderr("llm: mcp dead does not work\n").stdout_json();
    assert_eq!((&report["ok"], &report["servers"][0]["exit_code"]), (&json!(false), &json!(2)));
    assert_gone(&run, &["good", "odd", "dead"]);
}

#[test]
fn servers_of_other_programs_files_are_taken() {
    let file = json!({"mcpServers": {
        "a": {"command": "sh", "args": ["server.sh", "${NAME}", "${MORE:-}"], "env": {"TOKEN": "${env:TOKEN}"}, "type": "stdio"},
        "b": {"command": "sh", "args": ["server.sh", "b"], "disabled": true},
        "c": {"command": "sh", "args": ["server.sh", "c"], "env": {"KEY": "${input:key}"}}}});
    let run = llm().file("server.sh", SERVER).file("mcp.json", file.to_string());
    let run = run.env("NAME", "named").env("TOKEN", "t-12345678");
    let called = run.clone().args(["mcp", "call", "mcp.json#a", "environment"]).run();
    called.code(0).stdout_has(" TOKEN=t-12345678 ").stderr_empty();
    assert!(!called.stdout_text().contains("NAME=named"), "{called}");
    let off = run.clone().args(["mcp", "call", "mcp.json#b", "echo"]).run();
    off.code(0).stdout("b {}\n");
    let checked = run.clone().args(["mcp", "check", "mcp.json"]).run();
    checked.code(2).stdout_has("✓  a  10 tools").stdout_has("`${input:key}` is an input");
    let vs = json!({"servers": {"d": {"command": ["sh", "server.sh", "d"]}}}).to_string();
    let run = run.file("vs.json", vs);
    run.clone().args(["mcp", "call", "vs.json", "echo"]).run().code(0).stdout("d {}\n");
    for (words, told) in [
        ("mcp.json#x", "llm: mcp.json: it has no server `x`"),
        ("none.json", "llm: none.json: no such file"),
        ("server.sh#x", "llm: server.sh: it is not JSON"),
    ] {
        run.clone().args(["mcp", "tools", words]).run().code(2).stdout_empty().stderr_has(told);
    }
    // What lies in the folder is not read by itself.
    let run = run.file(".mcp.json", file.to_string());
    run.args(["mcp"]).run().code(0).stdout_empty();
}

#[test]
fn a_wrong_table_is_told_with_what_is_right() {
    for (text, words, hint) in [
        (
            "[mcp.a]\ncommand = \"npx\"\nargs = [\"x\"]\n",
            ":3: unknown field `args` in [mcp.a]",
            "hint: `command` takes the program with its arguments",
        ),
        (
            "[mcp.a]\nurl = \"http://h/\"\ntype = \"http\"\n",
            ":3: unknown field `type`",
            "hint: leave it out",
        ),
        (
            "[mcpServers.a]\ncommand = \"npx\"\n",
            ":1: unknown field `mcpServers`",
            "hint: a server is a table [mcp.NAME]",
        ),
        (
            "[mcp.a]\ncommand = \"npx\"\nurl = \"http://h/\"\n",
            ":1: [mcp.a] has both `command` and `url`",
            "",
        ),
        ("[mcp.a]\ntimeout = 5\n", ":1: [mcp.a] has neither `command`", ""),
        ("[mcp.a]\ncommand = \"npx\"\nmost = 0\n", ":3: `most` must be a number of bytes", ""),
        (
            "[mcp.a]\ncommand = \"npx\"\ntimeot = 5\n",
            ":3: unknown field `timeot`",
            "did you mean `timeout`",
        ),
        ("[mcp.\"a/b\"]\ncommand = \"npx\"\n", ":1: [mcp.a/b]: the name of a server", ""),
    ] {
        let run = llm().config(text).args(["mcp"]).run();
        run.code(2).stdout_empty().stderr_has(words).stderr_has(hint);
    }
    let unknown = with_servers(&[table("files", "", "")]).args(["mcp", "tools", "flies"]).run();
    unknown
        .code(2)
        .stderr("llm: no [mcp.flies] in the profile file\nhint: did you mean `files`?\n");
    let none = llm().args(["mcp", "call", "x", "y"]).run();
    none.code(2).stderr_has("llm: no [mcp.x] in the profile file\nhint: a server is a table of the profile file: [mcp.x]");
}

#[test]
fn a_tool_that_a_server_does_not_have_is_told() {
    let run = with_servers(&[table("a", "", ""), table("b", "", "")]);
    let told = "llm: mcp a: it has no tool `nosuch`\nhint: `llm mcp tools a` lists its tools\n";
    for word in ["a/nosuch", "a/no*such"] {
        let words = &["chat", "-p", "demo", "--mcp", word, "--yes", "x"];
        let told = told.replace("nosuch", &word[2..]);
        run.clone().args(words).run().code(2).stdout_empty().stderr(&told);
        run.clone().args(["mcp", "tools", word]).run().code(2).stdout_empty().stderr(&told);
    }
    let checked = run.clone().args(["mcp", "check", "a/nosuch", "b/echo"]).run();
    checked.code(2).stderr("llm: 1 of 2 servers do not work: a\n");
    checked.stdout_has(
        "✗  a  it has no tool `nosuch`\n     hint: `llm mcp tools a` lists its tools\n",
    );
    checked.stdout_has("✓  b  1 of 10 tools offered");
    assert_gone(&run, &["a", "b"]);
}

#[test]
fn servers_are_checked_at_the_same_time() {
    let run =
        with_servers(&[table("a", "slow", ""), table("b", "slow", ""), table("c", "slow", "")]);
    let start = Instant::now();
    run.args(["mcp", "check"]).run().code(0);
    // One after the other they would take 4.5 s to begin.
    assert!(start.elapsed().as_secs_f64() < 4.3 && start.elapsed() < LONG, "{:?}", start.elapsed());
}
