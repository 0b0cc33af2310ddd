//! Where a key comes from, that it reaches the service and nobody else, and that it is never shown.

use crate::support::{Llm, Outcome, Recorded, Reply, Server, chunk, llm};
use serde_json::json;

/// A run without arguments and a profile at the server with these lines.
fn profile(server: &Server, lines: &str) -> Llm {
    let url = server.url();
    let config = format!("[providers.x]\nbase_url = \"{url}\"\nmodel = \"m\"\n{lines}\n");
    llm().watch(server).config(&config)
}

/// A chat with that profile.
fn with(server: &Server, lines: &str) -> Llm {
    profile(server, lines).args(["chat", "你好"])
}

/// Asks, expects the answer and nothing else, and gives the request.
#[track_caller]
fn asked(run: &Llm, server: &Server) -> Recorded {
    run.run().code(0).stdout("好\n").stderr_empty();
    server.requests().pop().expect("a request came")
}

#[track_caller]
fn authorization(run: &Llm, server: &Server) -> String {
    asked(run, server).header("authorization").unwrap_or("none").to_owned()
}

/// Expects exit 2 with one line and perhaps a hint, and that nothing was sent.
#[track_caller]
fn refused(run: &Llm, server: &Server) -> Outcome {
    let outcome = run.run();
    outcome.code(2).stdout_empty();
    let lines = outcome.stderr_lines();
    let fits = lines.len() <= 2 && lines[0].starts_with("llm: ");
    if !fits || !lines.iter().skip(1).all(|line| line.starts_with("hint: ")) {
        outcome.fail("expected one line of ours, and at most a hint");
    }
    assert_eq!(server.requests().len(), 0, "{outcome}");
    outcome
}

#[test]
fn the_key_is_looked_for_in_the_documented_order() {
    let server = Server::always(Reply::chat(&["好"]));
    let lines = [
        "api_key = \"sk-wort-0001\"",
        "api_key_env = [\"ERSTE\", \"ZWEITE\"]",
        "api_key_cmd = \"echo sk-befehl-01\"",
        "api_key_file = \"~/schluessel\"",
    ];
    let run = |from: usize| {
        let run = with(&server, &lines[from..].join("\n"));
        std::fs::write(run.folder("home").join("schluessel"), "sk-datei-0001\n").expect("home");
        run
    };
    let env = |run: Llm| run.env("ERSTE", "sk-erste-001").env("ZWEITE", "sk-zweite-01");
    assert_eq!(authorization(&env(run(0)), &server), "Bearer sk-wort-0001");
    assert_eq!(authorization(&env(run(1)), &server), "Bearer sk-erste-001");
    assert_eq!(
        authorization(&run(1).env("ZWEITE", "sk-zweite-01"), &server),
        "Bearer sk-zweite-01"
    );
    assert_eq!(authorization(&run(1), &server), "Bearer sk-befehl-01");
    assert_eq!(authorization(&run(2), &server), "Bearer sk-befehl-01");
    assert_eq!(authorization(&run(3), &server), "Bearer sk-datei-0001");
}

#[test]
fn a_key_source_of_the_user_replaces_the_built_in_one() {
    let server = Server::always(Reply::chat(&["好"]));
    let config = format!(
        "[providers.openai]\nbase_url = \"{}\"\napi_key_cmd = \"echo sk-befehl-01\"\n",
        server.url()
    );
    let run = llm().watch(&server).config(&config).env("OPENAI_API_KEY", "sk-umgebung-1");
    assert_eq!(authorization(&run.args(["chat", "你好"]), &server), "Bearer sk-befehl-01");
}

#[cfg(unix)]
#[test]
fn a_key_command_is_a_line_for_the_shell_or_a_list_without_one() {
    let server = Server::always(Reply::chat(&["好"]));
    for (line, key) in [
        (r#""echo  sk-einfach-1""#, "sk-einfach-1"),
        (r#""printf 'sk-eins-0001\nsk-zwei-0001\n' | head -1""#, "sk-eins-0001"),
        (r#""printf 'sk-eins-0001\nsk-zwei-0001\n'""#, "sk-eins-0001"),
        (r#""printf '\\357\\273\\277 \n  sk-eins-0001 \r\nnotes: none'""#, "sk-eins-0001"),
        (r#""echo $KEY_OF_MINE""#, "sk-umgebung-1"),
        (r#""test -n x && echo sk-danach-01""#, "sk-danach-01"),
        (r#"["sh", "-c", "printf '  sk-liste-001\r\n'"]"#, "sk-liste-001"),
        (r#"["echo", "$HOME;id|x*"]"#, "$HOME;id|x*"),
        (r#"["printf", "sk-eins-0001\nsk-zwei-0001"]"#, "sk-eins-0001"),
    ] {
        let run = with(&server, &format!("api_key_cmd = {line}"));
        let run = run.env("KEY_OF_MINE", "sk-umgebung-1");
        assert_eq!(authorization(&run, &server), format!("Bearer {key}"), "{line}");
    }
    // The prompt on standard input is not the command's to read.
    let run = with(&server, "api_key_cmd = \"cat; echo sk-leise-001\"");
    let request = asked(&run.stdin("管道"), &server);
    assert_eq!(request.header("authorization"), Some("Bearer sk-leise-001"));
    assert_eq!(request.json()["messages"][0]["content"], "管道\n\n你好");
}

#[cfg(unix)]
#[test]
fn a_key_command_that_fails_is_quoted() {
    let server = Server::start([]);
    let run = with(&server, r#"api_key_cmd = "echo 保险箱 is locked >&2; exit 3""#);
    refused(&run, &server).stderr_has("`echo`").stderr_has("保险箱 is locked");
    let run = with(&server, "api_key_cmd = \"false\"");
    refused(&run, &server).stderr_has("`false`").stderr_has("exit status");
    for command in ["\"kein-solcher-befehl show x\"", "[\"kein-solcher-befehl\"]"] {
        let run = with(&server, &format!("api_key_cmd = {command}"));
        refused(&run, &server).stderr_has("`kein-solcher-befehl`").stderr_lacks("os error");
    }
    for command in ["\"true\"", "\" \"", "[\"\"]"] {
        let run = with(&server, &format!("api_key_cmd = {command}"));
        refused(&run, &server).stderr_has("api_key_cmd").stderr_has("empty");
    }
    let run = with(&server, "api_key_cmd = \"echo 'sk-befehl-01\"");
    refused(&run, &server).stderr_has("`echo` failed").stderr_lacks("sk-befehl");
    let run = with(&server, "api_key_cmd = \"cat sk-befehl-01\"");
    refused(&run, &server).stderr_has("`cat` failed").stderr_lacks("sk-befehl");
}

/// What belongs into `api_key`, written into another field: it is not repeated, and the hint names the
/// right one.
#[test]
fn a_key_in_the_wrong_place_is_not_repeated() {
    let server = Server::start([]);
    for key in
        ["sk-Geheim-0123456789", "hf_GeheimAbCdEf", "gsk_Geheim1234", "Geheim0123456789abcdef01"]
    {
        for field in [
            "api_key_env",
            "api_key_cmd",
            "api_key_file",
            "key_url",
            "key_header",
            "token",
            "secret",
            "apikey",
            "api_kye",
        ] {
            let run = with(&server, &format!("{field} = \"{key}\""));
            let outcome = refused(&run, &server);
            outcome.stderr_has("`api_key`").stderr_lacks("Geheim");
        }
        for line in [
            format!("api_key = {key}"),
            format!("\"{key}\" = 1"),
            format!("headers = {{ \"{key} x\" = \"a\" }}"),
            format!("like = \"{key}\""),
            format!("models = {{ \"{key}\" = \"a\" }}"),
        ] {
            refused(&with(&server, &line), &server).stderr_lacks("Geheim");
        }
        let chat = || profile(&server, "").args(["chat", "hi"]);
        refused(&chat().args(["--api-key-env", key]), &server).stderr_lacks("Geheim");
        refused(&chat().args(["-p", key]), &server).stderr_lacks("Geheim");
        refused(&chat().args(["--base-url", key]), &server).stderr_lacks("Geheim");
        refused(&chat().args(["-H", &format!("Authorization Bearer {key}")]), &server)
            .stderr_lacks("Geheim");
    }
    let header = "key_header = \"a b\"\napi_key = \"sk-nichts-0001\"";
    refused(&with(&server, header), &server).stderr_has("the name of a header");
    for name in ["MY-KEY", "A B", "$(id)", "1A", ""] {
        let run = profile(&server, "").args(["chat", "hi", "--api-key-env", name]);
        refused(&run, &server).stderr_has("the name of an environment variable");
    }
}

/// A key of 64 MiB is none.
#[cfg(unix)]
#[test]
fn a_key_without_end_is_refused() {
    let server = Server::start([]);
    for line in [
        "api_key_cmd = \"yes\"",
        "api_key_cmd = [\"cat\", \"/dev/zero\"]",
        "api_key_cmd = \"cat /dev/zero\"",
        "api_key_file = \"/dev/zero\"",
    ] {
        refused(&with(&server, line), &server).stderr_has("64 MiB");
    }
    let outcome = llm().args(["--config", "/dev/zero", "chat", "hi"]).run();
    outcome.code(2).stdout_empty().stderr_has("64 MiB").stderr_has("/dev/zero");
}

#[test]
fn a_key_file_that_is_not_there_is_named() {
    let server = Server::start([]);
    let run = with(&server, "api_key_file = \"~/fehlt\"");
    refused(&run, &server).stderr_has("~/fehlt").stderr_lacks("os error");
    let run = with(&server, "api_key_file = \"leer\"").file("leer", "\n");
    refused(&run, &server).stderr_has("leer").stderr_has("empty");
}

#[test]
fn a_missing_key_names_the_variable_and_the_page() {
    let server = Server::start([]);
    let run = llm().args(["chat", "-p", "openai", "你好"]).env("OPENAI_BASE_URL", server.url());
    let outcome = refused(&run, &server);
    outcome.stderr_has("OPENAI_API_KEY").stderr_has("https://platform.openai.com/api-keys");
    let run = llm().args(["chat", "-p", "gemini", "你好"]);
    refused(&run, &server)
        .stderr_has("GEMINI_API_KEY")
        .stderr_has("GOOGLE_API_KEY")
        .stderr_has("https://aistudio.google.com/apikey");
    let run = llm().args(["models", "-p", "dashscope"]).env("DASHSCOPE_API_KEY", "");
    refused(&run, &server).stderr_has("DASHSCOPE_API_KEY");
}

#[test]
fn a_key_that_no_header_can_carry_is_refused_unshown() {
    let server = Server::start([]);
    let keyed = |key: &str| with(&server, "api_key_env = \"MEIN_KEY\"").env("MEIN_KEY", key);
    for key in ["sk-geheim\nrest", "sk-geheim rest", "sk-geheim-密", "sk-geheim\u{7f}"] {
        let outcome = refused(&keyed(key), &server);
        outcome.stderr_has("MEIN_KEY").stderr_lacks("geheim");
    }
    refused(&with(&server, "api_key = \"\""), &server).stderr_has("api_key").stderr_has("empty");
}

/// White space around a key, a line end, a byte order mark and quotes are no part of it, wherever it
/// comes from.
#[test]
fn what_stands_around_a_key_is_no_part_of_it() {
    let server = Server::always(Reply::chat(&["好"]));
    for around in [
        " sk-geheim-01\t",
        "sk-geheim-01\r\n",
        "\u{feff}sk-geheim-01\n\n",
        " \u{feff}sk-geheim-01\u{feff}\n",
        "\"sk-geheim-01\"\n",
    ] {
        let toml = serde_json::to_string(around).expect("a string");
        let sources = [
            with(&server, "api_key_env = \"MEIN_KEY\"").env("MEIN_KEY", around),
            with(&server, &format!("api_key = {toml}")),
            with(&server, &format!("key = {toml}")),
            with(&server, "api_key_file = \"schluessel\"").file("schluessel", around),
        ];
        for run in sources {
            assert_eq!(authorization(&run, &server), "Bearer sk-geheim-01", "{around:?}");
        }
    }
    let both = with(&server, "key = \"a\"\napi_key = \"b\"");
    both.run().code(2).stderr_has("one field");
}

#[test]
fn the_key_travels_in_the_header_that_the_profile_names() {
    let server = Server::always(Reply::chat(&["好"]));
    let run = with(&server, "api_key = \"sk-kopf-0001\"\nkey_header = \"api-key\"");
    let request = asked(&run, &server);
    assert_eq!(request.header("api-key"), Some("sk-kopf-0001"));
    assert_eq!(request.header("authorization"), None);
    // A header of the user's own takes the key's place.
    let run =
        with(&server, "api_key = \"sk-kopf-0001\"").args(["-H", "authorization: Bearer anderer"]);
    assert_eq!(authorization(&run, &server), "Bearer anderer");
}

#[test]
fn a_profile_without_a_key_field_sends_none() {
    let server = Server::always(Reply::chat(&["好"]));
    let run = with(&server, "")
        .env("OPENAI_API_KEY", "sk-fremd-0001")
        .env("LLM_API_KEY", "sk-fremd-0001");
    assert_eq!(authorization(&run, &server), "none");
    let config = format!("[providers.ollama]\nbase_url = \"{}\"\n", server.url());
    assert_eq!(authorization(&run.config(&config), &server), "none");
}

#[cfg(unix)]
#[test]
fn a_key_in_a_file_that_others_can_read_earns_a_warning() {
    use std::os::unix::fs::PermissionsExt as _;
    let server = Server::always(Reply::chat(&["好"]));
    let open = |lines: &str, mode: u32| {
        let run = with(&server, lines);
        let mode = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(run.config_file(), mode).expect("the file is ours");
        run
    };
    let key = "api_key = \"sk-offen-0001\"";
    for mode in [0o644, 0o640, 0o604] {
        let run = open(key, mode);
        let outcome = run.run();
        outcome.code(0).stdout("好\n").stderr_lacks("sk-offen");
        let path = run.config_file();
        assert_eq!(outcome.stderr_lines().len(), 1, "{outcome}");
        outcome.stderr_has("llm: warning: ").stderr_has(&format!("chmod 600 {}", path.display()));
        run.arg("-q").run().code(0).stderr_empty();
    }
    assert_eq!(authorization(&open(key, 0o600), &server), "Bearer sk-offen-0001");
    let elsewhere = open("api_key_env = \"K\"", 0o644).env("K", "sk-variable-1");
    assert_eq!(authorization(&elsewhere, &server), "Bearer sk-variable-1");
}

/// Every way in which the key could come back or be shown; `***` stands in its place.
#[test]
fn the_key_is_never_shown() {
    const KEY: &str = "sk-Geheim-0123456789abcdef";
    let words = format!("Incorrect API key provided: {KEY}");
    let echo = json!({"error": {"message": words, "code": KEY, "param": KEY}});
    let only_code = json!({"error": {"message": "", "code": KEY}});
    let plain = json!({"error": {"message": "no"}});
    let elsewhere = format!("http://127.0.0.1:1/?q={KEY}");
    let replies = [
        (Reply::chat(&["好"]).header("x-echo", &format!("Bearer {KEY}")), 0),
        (Reply::json(401, echo.clone()), 3),
        (Reply::json(400, json!({"error": {"message": KEY, "param": KEY}})), 4),
        (Reply::json(400, only_code), 4),
        (Reply::json(400, plain).header("x-request-id", KEY), 4),
        (Reply::text(500, &format!("trace: {KEY}")), 6),
        (Reply::html(404, &format!("<html><title>{KEY}</title></html>")), 4),
        (Reply::json(200, echo.clone()), 3),
        (Reply::text(200, &format!("your key is {KEY}")), 4),
        (Reply::sse(&[chunk(json!({"content": "好"}), None), echo.to_string()]), 3),
        (Reply::text(301, "").header("location", &elsewhere), 4),
    ];
    let lines = format!("api_key = \"{KEY}\"");
    for (reply, code) in replies {
        for command in [["chat", "你好"], ["models", "好"]] {
            let server = Server::new().reply(reply.clone().repeat()).start();
            let run = profile(&server, &lines).args(command).args(["-v", "--retries", "0"]);
            let outcome = run.run();
            if command[0] == "chat" {
                outcome.code(code);
            }
            hides(&outcome, KEY);
            outcome.stderr_has("> Authorization: Bearer ***");
        }
    }
}

#[test]
fn secrets_in_headers_and_addresses_are_hidden_too() {
    let reply = Reply::json(400, json!({"error": {"message": "no: sk-Kopf-0001 sk-Adresse-1"}}));
    let server = Server::new().reply(reply.repeat()).start();
    let config = format!(
        "[providers.x]\nbase_url = \"{}?api-key=sk-Adresse-1\"\nmodel = \"m\"\n\
         headers = {{ X-Api-Key = \"sk-Kopf-0001\" }}\n",
        server.url()
    );
    let run = llm().watch(&server).config(&config).args(["chat", "你好", "-v"]);
    let run = run.args(["-H", "Cookie: sitzung=sk-Keks-0001"]);
    let outcome = run.run();
    outcome.code(4).stdout_empty();
    for secret in ["sk-Kopf-0001", "sk-Adresse-1", "sk-Keks-0001"] {
        hides(&outcome, secret);
    }
    let request = server.request();
    assert_eq!(request.path, "/v1/chat/completions?api-key=sk-Adresse-1");
    assert_eq!(request.header("x-api-key"), Some("sk-Kopf-0001"));
    let outcome = run.arg("--dry-run").run();
    outcome.code(0).stdout_has("$LLM_API_KEY").stdout_has("$X_API_KEY").stdout_has("$COOKIE");
    for secret in ["sk-Kopf-0001", "sk-Adresse-1", "sk-Keks-0001"] {
        hides(&outcome, secret);
    }
    let refusing = Server::refusing();
    let url = refusing.url().replace("http://", "http://ich:sk-Passwort@") + "?key=sk-Adresse-1";
    let outcome = llm().profile_at(&url).args(["chat", "你好", "-v", "--retries", "0"]).run();
    outcome.code(6).stdout_empty();
    hides(&outcome, "sk-Passwort");
    hides(&outcome, "sk-Adresse-1");
}

#[test]
fn a_dry_run_needs_no_key_and_shows_none() {
    let server = Server::start([]);
    for (lines, variable) in [
        ("api_key = \"sk-wort-0001\"", "$LLM_API_KEY"),
        ("api_key_env = [\"ERSTE\", \"ZWEITE\"]", "$ERSTE"),
        ("api_key_cmd = \"touch lief\"", "$LLM_API_KEY"),
        ("api_key_file = \"fehlt\"", "$LLM_API_KEY"),
    ] {
        let outcome = with(&server, lines).arg("--dry-run").run();
        outcome.code(0).stderr_empty();
        outcome.stdout_has(&format!("\"Authorization: Bearer {variable}\""));
        hides(&outcome, "sk-wort-0001");
        assert!(!outcome.dir().join("lief").exists(), "the key command ran");
    }
    // The variable that is set is the one that makes the command run.
    let run = with(&server, "api_key_env = [\"ERSTE\", \"ZWEITE\"]").env("ZWEITE", "sk-zweite-01");
    let outcome = run.arg("--dry-run").run();
    outcome.code(0).stdout_has("\"Authorization: Bearer $ZWEITE\"");
    hides(&outcome, "sk-zweite-01");
}

/// Asserts that a secret is on neither stream.
#[track_caller]
fn hides(outcome: &Outcome, secret: &str) {
    if outcome.stdout_text().contains(secret) || outcome.stderr_text().contains(secret) {
        outcome.fail(&format!("`{secret}` is shown"));
    }
}

#[test]
fn a_key_over_plain_http_to_another_host_earns_a_warning() {
    let config = "[providers.lan]\nbase_url = \"http://host.invalid/v1\"\nmodel = \"m\"\napi_key_env = \"LAN_KEY\"\n";
    let args = ["chat", "--dry-run", "-p", "lan", "hi"];
    let outcome = llm().config(config).env("LAN_KEY", "sk-123456").args(args).run();
    outcome.code(0).stderr_has("llm: warning: the key of lan is sent unencrypted to host.invalid");
    let outcome = llm().config(&config.replace("http:", "https:")).args(args).run();
    outcome.code(0).stderr_empty();
}
