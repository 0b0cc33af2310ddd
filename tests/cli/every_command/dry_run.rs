//! `--dry-run`: the printed command, run by a shell with the real curl, sends the request that the
//! program itself sends. Where there is no curl only the text is looked at.
#![cfg(unix)]

use crate::support::{Llm, Recorded, Reply, Server, llm, program};

const KEY: &str = "sk-geheim-0123456789";

fn has_curl() -> bool {
    program("sh").args(["-c", "command -v curl"]).run().code == Some(0)
}

/// Headers that curl and we send of ourselves, each in our own way.
const OWN: [&str; 4] = ["user-agent", "accept", "accept-encoding", "connection"];

/// Method, path, headers and body, for comparison.
fn essence(request: &Recorded) -> (String, String, Vec<(String, String)>, String) {
    let headers = request.headers.iter().map(|(name, value)| (name.to_lowercase(), value.clone()));
    let mut headers: Vec<_> = headers.filter(|(name, _)| !OWN.contains(&name.as_str())).collect();
    headers.sort();
    let body = String::from_utf8(request.body.clone()).expect("a JSON body is UTF-8");
    (request.method.clone(), request.path.clone(), headers, body)
}

/// Runs the command dry, then for real, then as curl with the key in `variable`; gives the text.
#[track_caller]
fn same_as_curl(server: &Server, run: &Llm, variable: &str) -> String {
    let before = server.requests().len();
    let dry = run.clone().arg("--dry-run").run();
    dry.code(0).stderr_empty();
    let text = dry.stdout_text();
    assert!(text.starts_with("curl ") && text.ends_with('\n'), "{dry}");
    assert!(!text.contains(KEY), "{dry}");
    assert_eq!(server.requests().len(), before, "a dry run sends nothing");
    run.run().code(0);
    if has_curl() {
        let curl = program("sh").args(["-c", &text]).env(variable, KEY).watch(server).run();
        curl.code(0).stderr_empty();
        let requests = server.requests();
        let [ours, curls] = &requests[before..] else { panic!("two requests:\n{dry}") };
        assert_eq!(essence(ours), essence(curls), "{dry}");
    }
    text
}

fn with(server: &Server, query: &str, lines: &str) -> Llm {
    let config =
        format!("[providers.x]\nbase_url = \"{}{query}\"\nmodel = \"m\"\n{lines}\n", server.url());
    llm().watch(server).config(&config).env("MEIN_KEY", KEY)
}

#[test]
fn the_command_sends_what_we_send() {
    let server = Server::always(Reply::chat(&["好"]));
    let run = with(&server, "", "api_key_env = \"MEIN_KEY\"");
    for prompt in [
        "你好，世界！",
        "it's \"quoted\" and ''doubly''",
        "$HOME ${HOME} $(id) `id` \\$x \\",
        "zeile eins\nzeile zwei\r\n\tdrei\n",
        "!! * ? [a] {b,c} ~ # & ; | > < %s",
        "@datei",
        "🙂 e\u{301} \u{1b}[31m \u{7f}",
    ] {
        let text = same_as_curl(&server, &run.clone().args(["chat", prompt]), "MEIN_KEY");
        assert!(text.contains("\"Authorization: Bearer $MEIN_KEY\""), "{text}");
    }
    let flags =
        ["chat", "-s", "它's", "-t", "0.2", "--stop", "\n\n", "-O", "a.b={\"c\":\"`\"}", "x"];
    same_as_curl(&server, &run.clone().args(flags), "MEIN_KEY");
    same_as_curl(&server, &run.clone().args(["chat", "-S", "x"]), "MEIN_KEY");
    same_as_curl(&server, &run.args(["chat", "翻译"]).stdin("管道 'x' $y\n"), "MEIN_KEY");
}

#[test]
fn keys_and_secret_headers_are_variables() {
    let server = Server::always(Reply::chat(&["好"]));
    let chat = |lines: &str| with(&server, "", lines).args(["chat", "你好"]);
    let header = "api_key_env = \"MEIN_KEY\"\nkey_header = \"api-key\"";
    let text = same_as_curl(&server, &chat(header), "MEIN_KEY");
    assert!(text.contains("\"api-key: $MEIN_KEY\""), "{text}");
    let literal = format!("api_key = \"{KEY}\"");
    let text = same_as_curl(&server, &chat(&literal), "LLM_API_KEY");
    assert!(text.contains("\"Authorization: Bearer $LLM_API_KEY\""), "{text}");
    let headers = format!("headers = {{ X-Api-Key = \"{KEY}\", X-Team = \"研究 it's $HOME\" }}");
    same_as_curl(&server, &chat(&headers), "LLM_API_KEY");
    let bearer = format!("Authorization: Bearer {KEY}");
    same_as_curl(&server, &chat("").args(["-H", &bearer, "-H", "X-Leer:"]), "LLM_API_KEY");
    let query = format!("?api-version=1&api-key={KEY}");
    let run = with(&server, &query, "").args(["chat", "你好"]);
    let text = same_as_curl(&server, &run, "LLM_API_KEY");
    assert!(text.contains("api-key=$LLM_API_KEY"), "{text}");
}

/// A gateway's profile has several secrets: each is a variable of its own, and the command runs.
#[test]
fn each_secret_has_its_own_variable() {
    let server = Server::always(Reply::chat(&["好"]));
    let secrets = [
        ("LLM_API_KEY", "sk-schluessel-01"),
        ("X_PORTKEY_API_KEY", "pk-geheim $HOME'\"`id`!-02"),
        ("X_PORTKEY_VIRTUAL_KEY", "vk-geheim-03"),
        ("X_PORTKEY_CONFIG", "{\"retry\":{\"attempts\":3},\"api_key\":\"sk-geheim-04\"}"),
        ("COOKIE", "a=geheim-05; b=geheim-06"),
        ("HELICONE_AUTH", "sk-geheim-07"),
        ("LLM_PATH", "sk-geheim-08"),
        ("UPSTREAM_TOKEN", "geheim-09"),
        ("SIG", "geheim-10"),
    ];
    let text = |index: usize| serde_json::to_string(secrets[index].1).expect("a string");
    let lines = format!(
        "key = {}\nheaders = {{ x-portkey-api-key = {}, x-portkey-virtual-key = {}, x-portkey-config = {}, \
         x-portkey-provider = \"openai\", Cookie = {} }}\noptions = {{ upstream.token = {} }}",
        text(0),
        text(1),
        text(2),
        text(3),
        text(4),
        text(7),
    );
    let run = with(&server, "?v=1&sig=geheim-10", &lines).args(["chat", "它's $HOME"]).args([
        "-H",
        "Helicone-Auth: Bearer sk-geheim-07",
        "-H",
        "Path: sk-geheim-08",
        "-O",
        "upstream_token=geheim-09",
    ]);
    let dry = run.clone().arg("--dry-run").run();
    dry.code(0).stderr_empty().stdout_has("'x-portkey-provider: openai'");
    for (variable, secret) in secrets {
        assert!(dry.stdout_text().contains(&format!("${variable}")), "{variable}: {dry}");
        assert!(!dry.stdout_text().contains(secret), "{secret}: {dry}");
    }
    run.run().code(0);
    if has_curl() {
        let script = dry.stdout_text();
        let curl = secrets
            .iter()
            .fold(program("sh").args(["-c", &script]), |sh, (name, value)| sh.env(name, *value));
        curl.watch(&server).run().code(0).stderr_empty();
        let requests = server.requests();
        let [ours, curls] = &requests[..] else { panic!("two requests:\n{dry}") };
        assert_eq!(essence(ours), essence(curls), "{dry}");
    }
}

#[test]
fn addresses_reach_curl_as_they_are() {
    let server = Server::always(Reply::chat(&["好"]));
    for query in ["?a=b&c=d%20e", "?liste[]=1&x[2]=3", "?q=%E4%BD%A0'$HOME`id`"] {
        same_as_curl(&server, &with(&server, query, "").args(["chat", "你好"]), "X");
    }
    let models = Server::new()
        .reply(Reply::json(200, serde_json::json!({"data": [{"id": "通义"}]})).repeat())
        .allow_unused()
        .start();
    let run = with(&models, "", "api_key_env = \"MEIN_KEY\"").args(["models"]);
    same_as_curl(&models, &run, "MEIN_KEY");
}

/// One argument of a command holds at most 128 KiB on Linux.
#[test]
fn a_long_prompt_still_makes_a_command_that_runs() {
    let server = Server::always(Reply::chat(&["好"]));
    let prompt = "长 $HOME `id` 'x' \\ \"y\"\n".repeat(10_000);
    let run = with(&server, "", "api_key_env = \"MEIN_KEY\"").args(["chat", "总结"]);
    let dry = run.clone().stdin(&prompt).arg("--dry-run").run();
    dry.code(0).stderr_empty();
    run.stdin(&prompt).run().code(0).stdout("好\n").stderr_empty();
    if has_curl() {
        let script = program("sh").env("MEIN_KEY", KEY).watch(&server).stdin(&dry.stdout);
        script.run().code(0).stderr_empty();
        let requests = server.requests();
        assert_eq!(requests.len(), 2);
        assert_eq!(requests[0].body.len(), requests[1].body.len());
        assert!(essence(&requests[0]).3 == essence(&requests[1]).3, "the bodies differ");
    }
}

#[test]
fn a_dry_run_needs_nothing_and_leaves_nothing_behind() {
    let run = llm().args(["chat", "-p", "openai", "你好", "--dry-run"]);
    let outcome = run.clone().args(["-o", "antwort.txt"]).run();
    outcome.code(0).stderr_empty().stdout_has("\"Authorization: Bearer $OPENAI_API_KEY\"");
    outcome.stdout_has("'https://api.openai.com/v1/chat/completions'");
    assert!(!outcome.dir().join("antwort.txt").exists());
    let outcome = llm().args(["models", "-p", "azure", "--dry-run"]).run();
    outcome.code(2).stdout_empty().stderr_has("{resource}");
    run.args(["-v", "-u", "--json"]).run().code(0).stderr_empty().stdout_has("curl ");
    // Without a prompt there is no request to show.
    llm().args(["chat", "-p", "openai", "--dry-run"]).run().code(2).stdout_empty();
}

#[test]
fn the_demo_says_that_no_curl_reaches_it() {
    for command in [vec!["chat", "你好"], vec!["models"]] {
        let outcome = llm().args(command).args(["-p", "demo", "--dry-run"]).run();
        outcome.code(0).stdout_has("curl ").stderr_has("llm: warning: ").stderr_has("demo");
        assert_eq!(outcome.stderr_lines().len(), 1, "{outcome}");
    }
}
