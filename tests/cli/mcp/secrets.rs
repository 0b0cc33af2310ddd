//! Secrets of a server's table: nothing of them is printed, on stdout neither.

use serde_json::json;

use super::with_servers;
use crate::support::{Outcome, Reply, Server, llm};

/// The words of a command, each with what is shown of it.
const WORDS: [(&str, &str); 22] = [
    ("npx", "npx"),
    ("mcp-remote@0.15", "mcp-remote@0.15"),
    (
        "https://user:pw12345678@x.example/?api_key=QSECRET123&a=1",
        "https://x.example/?api_key=***&a=1",
    ),
    ("--header", "--header"),
    ("Authorization: Bearer abc123secret99", "Authorization: Bearer ***"),
    ("--api-key", "--api-key"),
    ("plainsecretvalue77", "***"),
    ("API_KEY=eqsecret88", "API_KEY=***"),
    ("--token=tok99", "--token=***"),
    ("--header=X-Api-Key:header11", "--header=X-Api-Key:***"),
    ("--url=postgres://me:dbpass12@h/db", "--url=postgres://h/db"),
    ("Bearer lone12", "Bearer ***"),
    ("{\"api_key\":\"jsonkey1\"}", "***"),
    ("Authorization:", "Authorization:"),
    ("Bearer", "Bearer"),
    ("apart123", "***"),
    ("--password", "--password"),
    ("--port=8000", "--port=8000"),
    ("-e", "-e"),
    ("GITHUB_TOKEN", "GITHUB_TOKEN"),
    ("/home/li/notes", "/home/li/notes"),
    ("--a=b:c", "--a=b:c"),
];

#[track_caller]
fn lacks(outcome: &Outcome, secrets: &[&str]) {
    let printed = outcome.stdout_text() + &outcome.stderr_text();
    for secret in secrets {
        assert!(!printed.contains(secret), "{secret} is shown\n{outcome}");
    }
}

#[test]
fn a_command_is_listed_without_its_secrets() {
    let words: Vec<&str> = WORDS.iter().map(|(word, _)| *word).collect();
    let shown: Vec<&str> = WORDS.iter().map(|(_, shown)| *shown).collect();
    let run = llm().config(&format!("[mcp.a]\ncommand = {}\n", json!(words)));
    let listed = run.clone().args(["mcp"]).run();
    listed.code(0).stdout(&format!("a  {}\n", shown.join(" ")));
    let listed = run.args(["mcp", "--json"]).run().code(0).stdout_json();
    assert_eq!(listed[0]["command"], json!(shown));
}

#[test]
fn what_a_server_echoes_of_its_secrets_is_not_told() {
    let secrets = ["tok-env-secret-777", "cmdsecret88"];
    let script = "echo \"bad token $API_TOKEN, nor $0 for you\" >&2; exit 1";
    let command = |script: &str| json!(["sh", "-c", script, "--api-key", "cmdsecret88"]);
    let more = "env = { API_TOKEN = \"$MYTOK\" }";
    let run = with_servers(&[
        format!("[mcp.a]\ncommand = {}\n{more}\n", command(script)),
        format!("[mcp.b]\ncommand = {}\n", command("echo \"no $1\" >&2; exit 1")),
    ]);
    let run = run.env("MYTOK", secrets[0]);
    let checked = run.clone().args(["mcp", "check"]).run();
    lacks(&checked, &secrets);
    checked.code(2).stdout_has("(exit 1): bad token ***, nor --api-key for you\n");
    checked.stdout_has("(exit 1): no ***\n");
    let checked = run.clone().args(["mcp", "check", "--json"]).run();
    lacks(&checked, &secrets);
    let reason = &checked.code(2).stdout_json()["servers"][0]["reason"];
    assert!(reason.as_str().is_some_and(|reason| reason.contains("bad token ***,")), "{reason}");
    lacks(&run.args(["mcp", "tools", "a"]).run(), &secrets);
}

#[test]
fn a_secret_with_quotes_is_masked_in_json_too() {
    let more = "env = { API_TOKEN = \"$MYTOK\" }";
    let command = json!(["sh", "-c", "printf 'bad %s' \"$API_TOKEN\" >&2; exit 1"]);
    let run = with_servers(&[format!("[mcp.a]\ncommand = {command}\n{more}\n")]);
    let run = run.env("MYTOK", "quote\"d-secret\\1");
    let checked = run.args(["mcp", "check", "--json"]).run();
    checked.code(2).stdout_has("bad ***\"");
}

#[test]
fn a_variable_in_the_path_of_an_address_is_not_shown() {
    let refusals = || Server::start([Reply::text(401, ""), Reply::text(401, "")]);
    let secret = "pathsecret-66778899";
    let server = refusals();
    let table = format!("[mcp.a]\nurl = \"{}/s/$PSEC/mcp?key=$PSEC\"\n", server.origin());
    let file =
        json!({"mcpServers": {"b": {"url": format!("{}/s/${{PSEC}}/mcp", server.origin())}}});
    let run = with_servers(&[table]).file("mcp.json", file.to_string());
    let run = run.env("PSEC", secret).watch(&server);
    let checked = run.clone().args(["mcp", "check", "a", "-v"]).run();
    checked.code(3).stdout_has("/s/***/mcp");
    lacks(&checked, &[secret]);
    let checked = run.args(["mcp", "check", "mcp.json", "--json"]).run();
    checked.code(3).stdout_has("/s/***/mcp");
    lacks(&checked, &[secret]);
    assert_eq!(server.requests()[1].path, format!("/s/{secret}/mcp"));
}

#[test]
fn a_variable_in_the_host_of_an_address_is_shown() {
    let server = Server::start([Reply::text(401, "")]);
    let host = format!("127.0.0.1:{}", server.port());
    let run = with_servers(&["[mcp.a]\nurl = \"http://$WHERE/mcp\"\n".to_owned()]);
    let checked = run.env("WHERE", &host).args(["mcp", "check"]).run();
    checked.code(3).stdout_has(&format!("http://{host}/mcp"));
}
