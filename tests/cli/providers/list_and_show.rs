//! `llm providers`: every profile with how things stand, and every value with its source.

use crate::support::{Llm, Outcome, llm};

/// The names in the catalogue, read as text.
fn catalogue() -> Vec<&'static str> {
    let text = include_str!("../../../providers.example.toml");
    let names = text.lines().filter_map(|line| line.strip_prefix("[providers."));
    names.filter_map(|line| line.strip_suffix(']')).filter(|name| !name.contains('.')).collect()
}

/// The row that begins with this word.
#[track_caller]
fn row<'a>(outcome: &'a Outcome, name: &str) -> Vec<&'a str> {
    let text = str::from_utf8(&outcome.stdout).expect("the list is UTF-8");
    let found = text.lines().find(|line| line.split_whitespace().next() == Some(name));
    let Some(line) = found else { outcome.fail(&format!("no row for `{name}`")) };
    line.split_whitespace().collect()
}

/// `show` prints name, value, source: asserts the three in one row.
#[track_caller]
fn shows(outcome: &Outcome, name: &str, value: &str, source: &str) {
    let line = row(outcome, name).join(" ");
    if !line.contains(value) || !line.ends_with(source) {
        outcome.fail(&format!("expected: {name} {value} {source}"));
    }
}

fn run(args: &[&str]) -> Llm {
    llm().arg("providers").args(args)
}

#[test]
fn every_built_in_profile_is_listed_and_shown() {
    let names = catalogue();
    assert!(names.len() > 20, "{names:?}");
    let list = run(&["list"]).run();
    list.code(0).stderr_empty();
    assert_eq!(list.stdout_text().lines().count(), names.len());
    run(&[]).run().code(0).stdout(&list.stdout_text()).stderr_empty();
    for name in names {
        row(&list, name);
        let shown = run(&["show", name]).run();
        shown.code(0).stderr_empty();
        assert_eq!(shown.stdout_text().lines().next(), Some(name));
        shows(&shown, "base_url", "", "built in");
    }
}

#[test]
fn the_list_puts_the_users_first_and_tells_of_keys() {
    let config = "default = \"b\"\n[providers.b]\nbase_url = \"http://b.example/v1\"\napi_key = \"sk-geheim-01\"\n\
                  [providers.a]\nbase_url = \"http://u:sk-passwort@a.example/v1?key=sk-query-001\"\napi_key_cmd = \"touch lief\"\n\
                  [providers.openai]\nmodel = \"m\"\n[providers.leer]\n";
    let list = run(&[]).config(config).env("OPENAI_API_KEY", "sk-umgebung-1").run();
    list.code(0).stderr_empty();
    let text = list.stdout_text();
    let first: Vec<&str> =
        text.lines().take(4).filter_map(|line| line.split_whitespace().next()).collect();
    assert_eq!(first, ["b", "a", "openai", "leer"]);
    assert_eq!(text.lines().filter(|line| line.starts_with("openai ")).count(), 1);
    assert!(row(&list, "b").contains(&"default"), "{list}");
    assert!(row(&list, "openai").join(" ").contains("key in OPENAI_API_KEY"), "{list}");
    assert!(row(&list, "mistral").join(" ").contains("no key; set MISTRAL_API_KEY"), "{list}");
    assert!(row(&list, "ollama").join(" ").contains("no key needed"), "{list}");
    for secret in ["sk-geheim", "sk-passwort", "sk-query", "sk-umgebung"] {
        assert!(!text.contains(secret), "{list}");
    }
    assert!(!list.dir().join("lief").exists(), "the key command ran");
}

#[test]
fn every_value_is_shown_with_its_source() {
    let config = "# 注释\n[providers.openai]\nheaders = { X-Team = \"研究\", X-Api-Key = \"sk-kopf-0001\" }\n\
                  options = { temperature = 0.7 }\n\n[providers.openai.models]\nembed = \"e\"\n\
                  [[providers.openai.rules]]\ndrop = [\"user\"]\n";
    let run = run(&["show", "openai"]).config(config);
    let file = |line: usize| format!("{}:{line}", run.config_file().display());
    let plain = run.clone().env("OPENAI_API_KEY", "sk-umgebung-1").run();
    plain.code(0).stderr_empty();
    shows(&plain, "base_url", "https://api.openai.com/v1", "built in");
    shows(&plain, "key_url", "https://platform.openai.com/api-keys", "built in");
    shows(&plain, "headers.X-Team", "研究", &file(3));
    shows(&plain, "headers.X-Api-Key", "***", &file(3));
    shows(&plain, "options.temperature", "0.7", &file(4));
    shows(&plain, "models.embed", "e", &file(7));
    shows(&plain, "models.transcribe", "", "built in");
    assert!(plain.stdout_text().contains(&file(8)), "the rule's line: {plain}");
    shows(&plain, "key", "key in OPENAI_API_KEY", "");
    for secret in ["sk-kopf", "sk-umgebung"] {
        assert!(!plain.stdout_text().contains(secret), "{plain}");
    }
    let layered =
        run.clone().env("LLM_MODEL", "umgebung").env("OPENAI_BASE_URL", "http://h.example/v1");
    let outcome = layered.run();
    shows(&outcome, "model", "umgebung", "environment LLM_MODEL");
    shows(&outcome, "base_url", "http://h.example/v1", "environment OPENAI_BASE_URL");
    let flags = ["-m", "schalter", "--base-url", "http://f.example", "--api-key-env", "MEIN_KEY"];
    let outcome = layered.clone().args(flags).run();
    outcome.code(0).stderr_empty();
    shows(&outcome, "model", "schalter", "flag --model");
    shows(&outcome, "base_url", "http://f.example", "flag --base-url");
    shows(&outcome, "api_key_env", "MEIN_KEY", "flag --api-key-env");
}

#[test]
fn a_value_of_the_profile_that_one_is_like_has_the_source_of_that() {
    let config = "[providers.a]\nbase_url = \"http://a.example\"\nmodel = \"m\"\n\
                  [providers.b]\nlike = \"a\"\nmodel = \"n\"\n";
    let run = run(&["show", "b"]).config(config);
    let file = |line: usize| format!("{}:{line}", run.config_file().display());
    let outcome = run.run();
    outcome.code(0).stderr_empty();
    assert!(outcome.stdout_text().starts_with("b\n"), "{outcome}");
    shows(&outcome, "like", "a", &file(5));
    shows(&outcome, "base_url", "http://a.example", &file(2));
    shows(&outcome, "model", "n", &file(6));
}

#[test]
fn keys_are_never_shown() {
    let config = "[providers.x]\nbase_url = \"http://u:sk-passwort@h.example/v1?api-key=sk-query-001\"\napi_key = \"sk-geheim-01\"\n";
    let run = run(&["show", "x"]).config(config);
    let outcome = run.run();
    outcome.code(0).stderr_empty();
    shows(&outcome, "api_key", "***", &format!("{}:3", run.config_file().display()));
    shows(&outcome, "base_url", "h.example/v1", &format!("{}:2", run.config_file().display()));
    for secret in ["sk-geheim", "sk-passwort", "sk-query"] {
        assert!(!outcome.stdout_text().contains(secret), "{outcome}");
    }
}

#[test]
fn without_a_name_the_profile_in_force_is_shown() {
    let outcome = run(&["show", "-p", "ollama"]).run();
    outcome.code(0).stderr_empty();
    assert!(outcome.stdout_text().starts_with("ollama\n"), "{outcome}");
    let outcome = run(&["show"]).env("LLM_PROVIDER", "mistral").run();
    outcome.code(0).stderr_empty();
    assert!(outcome.stdout_text().starts_with("mistral\n"), "{outcome}");
    run(&["show"]).run().code(2).stdout_empty().stderr_has("no service is chosen");
    // A name that is given wins over the environment.
    let outcome = run(&["show", "openai"]).env("LLM_PROVIDER", "weg").run();
    outcome.code(0).stderr_empty();
}

#[test]
fn an_unknown_name_is_met_with_the_nearest() {
    let outcome = run(&["show", "opanai"]).run();
    outcome.code(2).stdout_empty().stderr_has("`opanai`").stderr_has("did you mean `openai`?");
    assert_eq!(outcome.stderr_lines().len(), 2, "{outcome}");
}

#[test]
fn control_characters_in_a_profile_do_no_harm() {
    let config = "[providers.x]\nbase_url = \"http://h.example\"\ntitle = \"a\\u001b[31mb\\nc\"\n";
    let outcome = run(&["show", "x"]).config(config).run();
    outcome.code(0).stderr_empty();
    assert!(!outcome.stdout.contains(&0x1b), "{outcome}");
    row(&outcome, "title");
}
