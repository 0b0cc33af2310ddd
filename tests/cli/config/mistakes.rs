//! Profile files and command lines that are wrong: one line says what and where, one what to do, and
//! nothing is sent.

use crate::support::{Llm, Outcome, Server, llm};

/// Expects exit 2, a line of ours and perhaps a hint; no Rust in the words.
#[track_caller]
fn refused(run: &Llm) -> Outcome {
    let outcome = run.run();
    outcome.code(2).stdout_empty();
    let lines = outcome.stderr_lines();
    let voices = [lines.first(), lines.get(1)].map(|line| line.map_or("", String::as_str));
    let fits =
        voices[0].starts_with("llm: ") && (lines.len() == 1 || voices[1].starts_with("hint: "));
    if !fits || lines.len() > 2 || voices[0].ends_with('.') {
        outcome.fail("expected one line of ours, and at most a hint");
    }
    for word in [
        "panicked",
        "RUST_BACKTRACE",
        "stack backtrace",
        "Some(",
        "Err(",
        "::",
        "os error",
        "error: ",
    ] {
        outcome.stderr_lacks(word);
    }
    outcome
}

/// The refusal of a profile file: the place, the words, the hint.
#[track_caller]
fn refused_file(text: &str, line: usize, words: &str, hint: &str) {
    let server = Server::start([]);
    let text = text.replace("URL", &server.url());
    let run = llm().config(&text).args(["chat", "你好"]);
    let outcome = refused(&run);
    let place = format!("llm: {}:{line}: ", run.config_file().display());
    if !outcome.stderr_lines()[0].starts_with(&place) {
        outcome.fail(&format!("expected at the start: `{place}`"));
    }
    outcome.stderr_has(words);
    if !hint.is_empty() && !outcome.stderr_lines().get(1).is_some_and(|line| line.contains(hint)) {
        outcome.fail(&format!("expected in the hint: `{hint}`"));
    }
    assert_eq!(server.requests().len(), 0);
}

#[test]
fn toml_that_is_none_is_refused_with_its_place() {
    let head = "# 说明\n[providers.x]\nbase_url = \"URL\"\n";
    for (rest, line) in [
        ("model = \n", 4),
        ("model = \"offen\n", 4),
        ("model = unquoted\n", 4),
        ("\n\n[providers.y\n", 6),
        ("model = \"a\"\nmodel = \"b\"\n", 5),
        ("= 3\n", 4),
        ("headers = { a = \"b\" c }\n", 4),
        ("rules = [\n  { drop = [\"a\" },\n]\n", 5),
    ] {
        refused_file(&format!("{head}{rest}"), line, "", "");
    }
}

#[test]
fn a_wrong_type_is_refused_with_what_was_expected() {
    let head = "[providers.x]\nbase_url = \"URL\"\n";
    for (rest, line, words) in [
        ("model = 3\n", 3, "`model` must be a text, not an integer"),
        ("model = [\"m\"]\n", 3, "`model` must be a text, not an array"),
        ("\nheaders = 3\n", 4, "`headers` must be a table, not an integer"),
        ("headers = { A = \"b\", N = 1 }\n", 3, "`headers.N` must be a text"),
        ("options = \"warm\"\n", 3, "`options` must be a table"),
        (
            "limits = { speech_characters = \"viel\" }\n",
            3,
            "`limits.speech_characters` must be a whole number",
        ),
        ("api_key_env = 3\n", 3, "`api_key_env` must be a string or a list of strings"),
        ("api_key_env = []\n", 3, "`api_key_env` must be a string or a list of strings"),
        ("api_key_cmd = [\"a\", 1]\n", 3, "`api_key_cmd` must be a string or a list of strings"),
        ("stream_usage = \"yes\"\n", 3, "ask, sent, never"),
        ("jobs = [\"chat\", \"dance\"]\n", 3, "image_edit"),
        ("jobs = \"chat\"\n", 3, "`jobs`"),
        ("rules = { drop = [\"a\"] }\n", 3, "`rules` must be a list of rules"),
        ("rules = [3]\n", 3, "`rules` must be a list of tables"),
        ("rules = [\n  { drop = \"stop\" },\n]\n", 4, "`drop` must be a list of strings"),
        (
            "rules = [\n  {},\n  { rename = { a = 1 } },\n]\n",
            5,
            "`rename` must be a table of strings",
        ),
        ("[[providers.x.rules]]\nmap = { a = 1 }\n", 4, "`map` must be a table of tables"),
        ("[[providers.x.rules]]\njobs = [\"dance\"]\n", 4, "`dance` is no job"),
        ("[providers.x.models]\nembed = 1\n", 4, "`models.embed` must be a text"),
        ("[tools.t]\ncommand = \"cat 'a\"\n", 4, "a quote in `command` is not closed"),
        ("prices = { input = 1 }\n", 3, "`prices` must be a list of tables"),
        ("prices = [1]\n", 3, "`prices` must be a list of tables"),
        (
            "prices = [{ input = \"1\" }]\n",
            3,
            "`input` must be a number that is not below 0, not a string",
        ),
        ("prices = [{ output = -1 }]\n", 3, "`output` must be a number that is not below 0"),
        ("prices = [{ models = \"gpt\" }]\n", 3, "`models` must be a list of strings"),
        ("prices = [{ currency = 1 }]\n", 3, "`currency` must be a text"),
        ("options = { temperature = inf }\n", 3, "JSON"),
    ] {
        refused_file(&format!("{head}{rest}"), line, words, "");
    }
    refused_file("default = 3\n", 1, "`default` must be the name of a profile", "");
    refused_file("providers = 3\n", 1, "`providers` must be a table", "");
    refused_file(
        "[providers]\nx = \"URL\"\n",
        2,
        "`providers.x` must be a table, not a string",
        "",
    );
}

#[test]
fn an_unknown_field_is_met_with_the_nearest() {
    let head = "[providers.x]\nbase_url = \"URL\"\n";
    for (rest, line, words, hint) in [
        ("modle = \"m\"\n", 3, "`modle` in [providers.x]", "`model`"),
        ("api_key_command = \"pass\"\n", 3, "`api_key_command`", "`api_key_cmd`"),
        ("baseurl = \"x\"\n", 3, "`baseurl`", "`base_url`"),
        ("[prompts.\"译\"]\npromt = \"a\"\n", 4, "`promt` in [prompts.译]", "`prompt`"),
        ("\"全然不同\" = 1\n", 3, "`全然不同`", "known fields: "),
        (
            "rules = [\n{ drop = [\"a\"], modles = [\"b\"] },\n]\n",
            4,
            "`modles` in a rule",
            "`models`",
        ),
        ("[[providers.x.rules]]\nbecause = \"x\"\n", 4, "`because` in a rule", "why"),
        ("[provider.y]\nbase_url = \"x\"\n", 3, "`provider`", "`providers`"),
        ("prices = [{ inputs = 1 }]\n", 3, "`inputs` in a price", "`input`"),
        ("[prompts.翻译]\n", 3, "unquoted key", "[prompts.\"翻译\"]"),
        ("[gemischt]\n", 3, "`gemischt`", "providers"),
    ] {
        refused_file(&format!("{head}{rest}"), line, words, hint);
    }
    refused_file("defualt = \"x\"\n", 1, "`defualt`", "`default`");
}

#[test]
fn every_command_that_reads_the_file_says_so() {
    let bad = llm().config("[providers.x]\nmodle = \"m\"\n");
    for command in [vec!["models"], vec!["providers"], vec!["providers", "show", "openai"]] {
        refused(&bad.clone().args(command)).stderr_has("`modle`").stderr_has("`model`");
    }
    refused(&bad.clone().args(["chat", "--dry-run", "-p", "demo", "你好"])).stderr_has("`modle`");
    bad.clone().args(["config", "path"]).run().code(0).stderr_empty();
    bad.args(["chat", "--help"]).run().code(0).stderr_empty();
}

#[test]
fn files_that_are_no_text_are_refused() {
    let named = |bytes: &[u8]| {
        llm().file("p.toml", bytes).args(["chat", "-p", "demo", "你好", "--config", "p.toml"])
    };
    refused(&named(b"default = \"\xff\"\n")).stderr_has("p.toml").stderr_lacks("config init");
    refused(&named(b"\0\0\0")).stderr_has("p.toml");
    // A byte order mark, as Windows editors write, is no mistake; neither is an empty file.
    let text = "\u{feff}[providers.demo]\r\nmodel = \"demo\"\r\n";
    named(text.as_bytes()).run().code(0).stderr_empty();
    named(b"").run().code(0).stderr_empty();
}

#[test]
fn command_lines_that_are_wrong_are_refused_in_the_same_voice() {
    for (line, words, hint) in [
        (vec![], "no command", "llm --help"),
        (vec!["chta"], "chta", "chat"),
        (vec!["chat", "--temperature", "hot", "x"], "'hot'", "llm chat --help"),
        (vec!["chat", "--temperature", "NaN", "x"], "NaN", ""),
        (vec!["chat", "--temprature", "1", "x"], "--temprature", "--temperature"),
        (vec!["chat", "--max-tokens", "0", "x"], "'0'", ""),
        (vec!["chat", "--max-tokens", "-5", "x"], "-5", ""),
        (vec!["chat", "--max-tokens"], "--max-tokens", ""),
        (vec!["chat", "-n", "0", "x"], "'0'", ""),
        (vec!["chat", "-n", "two", "x"], "two", ""),
        (vec!["chat", "--seed", "x", "y"], "--seed", ""),
        (vec!["chat", "-O", "temperature", "x"], "KEY=VALUE", ""),
        (vec!["chat", "-O", "=1", "x"], "KEY=VALUE", ""),
        (vec!["chat", "-H", "no colon", "x"], "Name: value", ""),
        (vec!["chat", "-H", "a: b\nc: d", "x"], "line break", ""),
        (vec!["chat", "--timeout", "soon", "x"], "soon", ""),
        (vec!["chat", "--timeout", "0", "x"], "greater than 0", ""),
        (vec!["chat", "--retries", "-1", "x"], "-1", ""),
        (vec!["chat", "--color", "blue", "x"], "blue", ""),
        (vec!["chat", "--reasoning", "maybe", "x"], "maybe", ""),
        (vec!["chat", "-p"], "--provider", ""),
        (vec!["chat", "-p", "a", "-p", "b", "x"], "--provider", ""),
        (vec!["chat", "--schema", "{}", "-x", "x"], "--extract", ""),
        (vec!["models", "a", "b"], "'b'", "llm models --help"),
        (vec!["providers", "shwo"], "shwo", "show"),
        (vec!["config", "delete"], "delete", ""),
        (vec!["completions"], "<SHELL>", "llm completions --help"),
        (vec!["completions", "tcsh"], "tcsh", ""),
        (vec!["--nonsense"], "--nonsense", "llm --help"),
    ] {
        let outcome = refused(&llm().args(&line));
        outcome.stderr_has(words);
        let lines = outcome.stderr_lines();
        if lines.len() != 2 || !lines[1].contains(hint) {
            outcome.fail(&format!("{line:?}: expected in the hint: `{hint}`"));
        }
    }
}

#[cfg(unix)]
#[test]
fn arguments_that_are_no_text_are_refused() {
    use std::os::unix::ffi::OsStrExt as _;
    let bad = std::ffi::OsStr::from_bytes(b"\xff\xfe");
    for run in [llm().arg("chat"), llm().args(["chat", "x", "-m"])] {
        refused(&run.arg(bad)).stderr_has("UTF-8");
    }
    refused(&llm().arg(bad)).stderr_has("subcommand");
}
