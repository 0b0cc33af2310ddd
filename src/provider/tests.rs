//! From a command line, an environment and a file to requests: the layers of the configuration, and
//! what they come to on the wire.

use std::io::Write as _;

use serde_json::{Map, Value, json};

use super::field_repair::FieldRepair;
use super::resolved::unique;
use super::user_fields::UserFields;
use super::{Fields, Job, Provider, ServiceOptions, Setting, profile_for, resolve};
use crate::config::field::Field;
use crate::config::{self, Config};
use crate::error::{Failure, FailureKind, Refused};
use crate::http::request::{Header, Request};
use crate::io::{Env, Io};

mod origins;

fn io(env: &[(&str, &str)]) -> Io {
    let table = env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let mut io = Io::nowhere();
    io.env = Env::Table(table.collect());
    io
}

fn config(text: &str) -> Config {
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file can be made");
    file.write_all(text.as_bytes()).expect("it takes text");
    config::load(Some(file.path()), &mut io(&[])).expect("the file is right")
}

/// The provider for `job` with options, environment and profile file.
fn provider_for(
    job: Job,
    options: &[&str],
    env: &[(&str, &str)],
    text: &str,
) -> Result<Provider, Failure> {
    resolve(&service_options(options), job, &config(text), &mut io(env))
}

/// What these options say of the service, as they are typed.
fn service_options(typed: &[&str]) -> ServiceOptions {
    let mut options = ServiceOptions::default();
    let mut typed = typed.iter().copied();
    while let Some(name) = typed.next() {
        if name == "--dry-run" {
            options.is_dry = true;
            continue;
        }
        let value = typed.next().expect("an option has a value").to_owned();
        match name {
            "-p" => options.provider = Some(value),
            "-m" => options.model = Some(value),
            "--base-url" => options.base_url = Some(value),
            "--api-key-env" => options.api_key_env = Some(value),
            "-O" => options.settings.push(Setting::parse(&value).expect("it is a setting")),
            "-H" => {
                let (name, value) = value.split_once(':').expect("it is a header");
                options.headers.push((name.to_owned(), value.trim().to_owned()));
            }
            other => panic!("{other} is no option of a service"),
        }
    }
    options
}

fn provider(options: &[&str], text: &str) -> Provider {
    provider_for(Job::Chat, options, &[], text).expect("it resolves")
}

#[track_caller]
fn refused(options: &[&str], env: &[(&str, &str)], text: &str) -> (String, String) {
    let failure = provider_for(Job::Chat, options, env, text).expect_err("is refused");
    assert_eq!(failure.kind.exit_code(), 2);
    (failure.message, failure.hint.unwrap_or_default())
}

fn object(value: Value) -> Map<String, Value> {
    value.as_object().cloned().expect("an object")
}

fn composed(provider: &Provider, needed: Value, flags: Value) -> (Value, Vec<String>) {
    let fields = Fields { needed: object(needed), flags: object(flags), ..Fields::default() };
    let composed = provider.compose(Job::Chat, fields);
    (Value::Object(composed.body), composed.warnings)
}

const PLAIN: &str = "[providers.x]\nbase_url = \"http://h.example/v1\"\nmodel = \"m\"\n";

#[test]
fn the_layers_of_a_body_lie_over_each_other() {
    let text = format!(
        "{PLAIN}options = {{ a = \"profil\", b = \"profil\", c = \"profil\", d = \"profil\" }}\n\
         rules = [{{ set = {{ e = \"regel\", a = \"regel\" }}, map = {{ c = {{ profil = \"regel\" }} }} }}]\n"
    );
    let x = provider(&["-O", "d=wort", "-O", "n.m=1", "-O", "l=[1]", "-O", "z=null"], &text);
    let (body, warnings) =
        composed(&x, json!({"model": "m", "a": "bedarf", "f": "bedarf"}), json!({"b": "schalter"}));
    let expected = json!({
        "model": "m", "a": "profil", "f": "bedarf", "b": "schalter", "c": "regel", "d": "wort",
        "e": "regel", "n": {"m": 1}, "l": [1], "z": null,
    });
    assert_eq!(body, expected);
    assert!(warnings.is_empty(), "{warnings:?}");
}

#[test]
fn options_of_other_jobs_stay_away() {
    let text = format!("{PLAIN}options = {{ a = 1 }}\nembed = {{ b = 2 }}\nspeak = {{ c = 3 }}\n");
    let (body, _) = composed(&provider(&[], &text), json!({"model": "m"}), json!({}));
    assert_eq!(body, json!({"model": "m", "a": 1}));
}

#[test]
fn rules_go_by_job_and_model_and_say_what_they_drop() {
    let text = format!(
        "{PLAIN}options = {{ user = \"u\" }}\nrules = [\n\
         {{ jobs = [\"chat\"], models = [\"gpt-5*\"], drop = [\"stop\", \"user\"], why = \"refused\" }},\n\
         {{ jobs = [\"embed\"], drop = [\"seed\"] }},\n\
         {{ rename = {{ seed = \"random_seed\" }} }},\n]\n"
    );
    let flags = json!({"stop": ["x"], "seed": 1});
    let x = provider(&[], &text);
    let (body, warnings) = composed(&x, json!({"model": "gpt-5-mini"}), flags.clone());
    assert_eq!(body, json!({"model": "gpt-5-mini", "random_seed": 1}));
    let [warning] = &warnings[..] else { panic!("one field of the user's: {warnings:?}") };
    for word in ["`stop`", "x ", "gpt-5-mini", "refused", "-O stop="] {
        assert!(warning.contains(word), "{warning}");
    }
    let (body, warnings) = composed(&x, json!({"model": "gpt-4o"}), flags.clone());
    assert_eq!(body, json!({"model": "gpt-4o", "user": "u", "stop": ["x"], "random_seed": 1}));
    assert!(warnings.is_empty());
    // What -O sets is sent as it is.
    let x = provider(&["-O", "stop=y", "-O", "seed=2"], &text);
    let (body, _) = composed(&x, json!({"model": "gpt-5"}), json!({}));
    assert_eq!(body, json!({"model": "gpt-5", "stop": "y", "seed": 2}));
}

#[test]
fn an_option_of_the_file_that_a_built_in_rule_drops_is_told() {
    let text =
        "[providers.openai]\napi_key = \"k\"\noptions = { temperature = 0.5, store = true }\n";
    let x = provider(&[], text);
    let (body, warnings) = composed(&x, json!({"model": "gpt-5"}), json!({}));
    assert_eq!(body, json!({"model": "gpt-5", "store": true}));
    let [warning] = &warnings[..] else { panic!("one field of the user's: {warnings:?}") };
    for word in ["`options.temperature` (", ":3) is left out: openai", "-O temperature="] {
        assert!(warning.contains(word), "{warning}");
    }
    // One warning, where a flag says the same; none for what the list itself sets.
    let (_, warnings) = composed(&x, json!({"model": "gpt-5"}), json!({"temperature": 1}));
    assert!(warnings.len() == 1 && warnings[0].starts_with("`temperature`"), "{warnings:?}");
    let x = provider_for(Job::Speak, &["-p", "openai"], &[("OPENAI_API_KEY", "k")], "");
    let composed = x.expect("it resolves").compose(Job::Speak, Fields::default());
    assert!(composed.warnings.is_empty());
}

#[test]
fn requests_that_are_under_way_learn_from_the_first_that_is_refused() {
    let x = provider(&[], PLAIN);
    let request = || x.post(Job::Embed, object(json!({"model": "m", "encoding_format": "base64"})));
    let failure = |words: &str| {
        let refused = Refused { status: Some(400), words: words.to_owned(), ..Refused::default() };
        Failure::new(FailureKind::Refused, words).refused(refused)
    };
    let mut repair = FieldRepair::new(Job::Embed, "/v1/embeddings", UserFields::default());
    let stderr = Io::nowhere().stderr;
    let mut caught = |request: &mut Request, words: &str| {
        repair.repair(failure(words), true, request, &x, &stderr).is_ok()
    };
    let (mut first, mut second) = (request(), request());
    assert!(caught(&mut first, "Unknown field: encoding_format"));
    assert!(caught(&mut second, "Unknown field: encoding_format"));
    assert_eq!(
        (first.body.bytes(), second.body.bytes()),
        (br#"{"model":"m"}"#.to_vec(), first.body.bytes())
    );
    assert!(!caught(&mut first, "Unknown field: encoding_format"), "it is not there any more");
    let mut other = x.post(Job::Embed, object(json!({"model": "m", "user": "u"})));
    assert!(!caught(&mut other, "Unknown field: `user`"), "it catches once");
    let mut next = request();
    repair.prepare(&mut next);
    assert_eq!(next.body.bytes(), br#"{"model":"m"}"#);
}

#[test]
fn the_path_is_put_behind_the_base_url() {
    for (base, url) in [
        ("http://h.example", "http://h.example/chat/completions"),
        ("http://h.example/", "http://h.example/chat/completions"),
        ("http://h.example/v1", "http://h.example/v1/chat/completions"),
        ("http://h.example/v1/", "http://h.example/v1/chat/completions"),
        ("http://h.example/a/b/v4//", "http://h.example/a/b/v4/chat/completions"),
        (
            "https://h.example:8443/v1?api-version=1",
            "https://h.example:8443/v1/chat/completions?api-version=1",
        ),
        ("http://[::1]:8000/v1", "http://[::1]:8000/v1/chat/completions"),
        ("http://h.example/v1?a=1&b=%20#teil", "http://h.example/v1/chat/completions?a=1&b=%20"),
        ("http://h.example/通义", "http://h.example/%E9%80%9A%E4%B9%89/chat/completions"),
    ] {
        let x = provider(&[], &format!("[providers.x]\nbase_url = \"{base}\"\n"));
        let found = x.post(Job::Chat, Map::new()).url;
        assert_eq!(found.as_str(), url);
        assert_eq!(
            x.get(Job::Models).url.as_str(),
            found.as_str().replace("/chat/completions", "/models")
        );
    }
    for path in ["/anders", "anders"] {
        let text = format!("{PLAIN}paths = {{ chat = \"{path}\" }}\n");
        assert_eq!(
            provider(&[], &text).url(Job::Chat, None).as_str(),
            "http://h.example/v1/anders"
        );
    }
}

#[test]
fn a_path_may_lead_back_and_hold_the_model() {
    for (base, path, model, url) in [
        ("https://h.example/a/v1", "../../b/c", "m", "https://h.example/b/c"),
        ("https://h.example/v1", "../../../../b", "m", "https://h.example/b"),
        ("https://h.example", "../b?x={model}", "m", "https://h.example/b?x={model}"),
        (
            "https://h.example/a",
            "../models/{model}:go?x=1",
            "gem 1",
            "https://h.example/models/gem%201:go?x=1",
        ),
        (
            "https://h.example/a",
            "/models/{model}:go",
            "models/gem",
            "https://h.example/a/models/gem:go",
        ),
        (
            "https://h.example/a",
            "/{model}",
            "通义?#%2e",
            "https://h.example/a/%E9%80%9A%E4%B9%89%3F%23%252e",
        ),
        ("https://h.example/a", "//other.example/b", "m", "https://h.example/a/other.example/b"),
    ] {
        let text =
            format!("[providers.x]\nbase_url = \"{base}\"\npaths = {{ speak = \"{path}\" }}\n");
        let x = provider(&[], &text);
        let body = object(json!({"model": model}));
        assert_eq!(x.post(Job::Speak, body).url.as_str(), url);
    }
}

#[test]
fn a_job_may_have_a_key_header_of_its_own() {
    let text = format!("{PLAIN}api_key = \"k\"\nkey_headers = {{ speak = \"x-goog-api-key\" }}\n");
    let x = provider(&[], &text);
    let names = |job: Job| -> Vec<String> {
        let headers = x.post(job, Map::new()).headers;
        headers.into_iter().map(|header| header.name).collect()
    };
    assert_eq!(names(Job::Speak), ["Content-Type", "x-goog-api-key"]);
    assert_eq!(names(Job::Chat), ["Content-Type", "Authorization"]);
}

#[test]
fn of_headers_with_one_name_the_last_stays() {
    let header = |name: &str, value: &str| Header::private(name, value);
    let kept = unique(vec![
        header("Content-Type", "1"),
        header("X-A", "2"),
        header("content-type", "3"),
        header("x-a", "4"),
        header("X-B", "5"),
    ]);
    assert_eq!(kept, [header("content-type", "3"), header("x-a", "4"), header("X-B", "5")]);
}

#[test]
fn the_headers_of_all_layers_meet_in_the_request() {
    let text = format!(
        "{PLAIN}api_key = \"sk-0001\"\nheaders = {{ X-Team = \"研究\", X-Mehr = \"1\" }}\n"
    );
    let shown = |x: &Provider| {
        let request = x.post(Job::Chat, Map::new());
        request.headers.iter().map(|h| format!("{}: {}", h.name, h.exposed())).collect::<Vec<_>>()
    };
    let plain = [
        "Content-Type: application/json",
        "Authorization: Bearer sk-0001",
        "X-Team: 研究",
        "X-Mehr: 1",
    ];
    assert_eq!(shown(&provider(&[], &text)), plain);
    let options = ["-H", "authorization: Basic abc", "-H", "x-team: 生产", "-H", "X-Neu: 2"];
    let expected = [
        "Content-Type: application/json",
        "authorization: Basic abc",
        "x-team: 生产",
        "X-Mehr: 1",
        "X-Neu: 2",
    ];
    assert_eq!(shown(&provider(&options, &text)), expected);
    let keyed = format!("{PLAIN}api_key = \"sk-0001\"\nkey_header = \"api-key\"\n");
    assert_eq!(shown(&provider(&[], &keyed))[1], "api-key: sk-0001");
    assert_eq!(shown(&provider(&[], PLAIN)), ["Content-Type: application/json"]);
    // All but our own are for the profile's origin alone.
    let request = provider(&[], &text).post(Job::Chat, Map::new());
    let private: Vec<bool> = request.headers.iter().map(|header| header.is_private).collect();
    assert_eq!(private, [false, true, true, true]);
    assert!(provider(&[], PLAIN).get(Job::Models).headers.is_empty());
}

#[test]
fn the_user_set_a_limit_only_where_the_user_did() {
    let limited = |options: &[&str], lines: &str, flags: Value| {
        provider(options, &format!("{PLAIN}{lines}")).is_limited_by_user(&object(flags))
    };
    assert!(!limited(&[], "", json!({"temperature": 1})));
    assert!(limited(&[], "", json!({"max_tokens": 5})));
    assert!(limited(&["-O", "max_completion_tokens=5"], "", json!({})));
    assert!(limited(&["-O", "options.num_predict=5"], "", json!({})));
    assert!(limited(&[], "options = { max_tokens = 5 }\n", json!({})));
    assert!(!limited(&[], "embed = { max_tokens = 5 }\n", json!({})));
}

#[test]
fn what_cannot_be_resolved_is_said() {
    let at = |url: &str| format!("[providers.x]\nbase_url = \"{url}\"\n");
    for (text, words) in [
        ("[providers.x]\nmodel = \"m\"\n".to_owned(), "has no base_url"),
        (at("localhost:8000"), "has no scheme"),
        (at("ftp://h.example"), "scheme `ftp`"),
        (at("http://"), "has no host"),
        (at("https://{resource}.example/v1"), "has a part to fill in"),
    ] {
        let (message, hint) = refused(&[], &[], &text);
        assert!(message.contains(words) && !hint.is_empty(), "{message}");
    }
    assert!(refused(&["-p", "weg"], &[], PLAIN).0.contains("no profile `weg`"));
    assert!(refused(&["--base-url", "weg"], &[], PLAIN).0.contains("--base-url"));
    assert!(refused(&["-p", "openai"], &[], PLAIN).0.contains("OPENAI_API_KEY"));
    assert!(refused(&[], &[("LLM_PROVIDER", "weg")], PLAIN).0.contains("environment LLM_PROVIDER"));
}

#[test]
fn a_job_that_a_service_lacks_is_refused_with_those_that_have_it() {
    let (message, hint) = refused(&["-p", "kokoro"], &[], "");
    assert!(message.contains("kokoro does not offer chat"), "{message}");
    assert!(hint.contains("openai") && !hint.contains("kokoro"), "{hint}");
    // Behind another address anything may answer.
    let elsewhere = ["-p", "kokoro", "--base-url", "http://h.example"];
    assert!(provider_for(Job::Chat, &elsewhere, &[], "").is_ok());
    let moved = "[providers.kokoro]\nbase_url = \"http://h.example\"\n";
    assert!(provider_for(Job::Chat, &[], &[], moved).is_ok());
    let own = format!("{PLAIN}jobs = [\"speak\"]\n");
    assert!(refused(&[], &[], &own).0.contains("x does not offer chat"));
}

#[test]
fn every_built_in_profile_resolves() {
    let config = config("");
    let mut count = 0;
    for name in config.names() {
        let profile = config.profile(name).expect("it is listed");
        let variables = profile.key_variables();
        let env: Vec<(&str, &str)> =
            variables.iter().map(|name| (name.as_str(), "sk-0001")).collect();
        for job in [Job::Chat, Job::Models] {
            // Azure's address holds the name of the user's own resource.
            if !profile.offers(job) || name == "azure" {
                continue;
            }
            let found = provider_for(job, &["-p", name], &env, "").expect(name);
            assert_eq!((found.name.as_str(), found.choice), (name, format!("-p {name}")));
            assert_eq!(found.key.is_some(), !variables.is_empty(), "{name}");
            count += 1;
        }
    }
    assert!(count > 40, "{count}");
}
