//! Reading profile files and laying them over each other: values with their lines, mistakes with
//! their places.

use std::path::Path;

use serde_json::{Value, json};

use super::catalogue::TEXT;
use super::document::{Document, document};
use super::field::FieldRow;
use super::job::Job;
use super::profile::Profile;
use super::prompt::Prompt;
use super::schema::{StreamUsage, Word as _};
use super::{Config, location};
use crate::error::Failure;
use crate::io::Env;

mod layers;

fn read(text: &str) -> Result<Document, Failure> {
    document(text, Some(Path::new("p.toml")))
}

fn config(catalogue: &'static str, user: &str) -> Config {
    Config::new(catalogue, read(user).expect("the file is right")).expect("`like` is right")
}

/// Every field of a profile: name, value, origin.
fn shown(profile: &Profile) -> Vec<String> {
    let line = |field: FieldRow| {
        let name = [field.section, &field.key].join(".");
        let value = field.value.as_str().map_or_else(|| field.value.to_string(), str::to_owned);
        format!("{} {value} {}", name.trim_start_matches('.'), field.origin)
    };
    profile.fields().into_iter().map(line).collect()
}

/// The message and the hint for a file that is wrong.
#[track_caller]
fn wrong(text: &str) -> (String, String) {
    let failure = read(text).expect_err(text);
    assert_eq!(failure.kind.exit_code(), 2);
    assert!(!failure.message.contains('\n'), "{}", failure.message);
    (failure.message, failure.hint.unwrap_or_default())
}

#[test]
fn every_value_knows_its_line() {
    let text = "default = \"x\"\n\n[providers.x]\nmodel = \"模型\"\nmodels = { embed = \"e\",\n  speak = \"s\" }\n\
                api_key_cmd = [\n  \"pass\",\n  \"show\",\n]\n[providers.x.headers]\n# 注\nX-Team = \"研究\"\n\
                [[providers.x.rules]]\ndrop = [\"a\"]\n[[providers.x.rules]]\ndrop = [\"b\"]\n\
                [providers.\"ein name\"]\nbase_url = \"u\"\n";
    let found = read(text).expect("it is right");
    assert_eq!(found.default.origin().map(ToString::to_string), Some("p.toml:1".into()));
    let [x, named] = &found.providers[..] else { panic!("two profiles: {:?}", found.providers) };
    assert_eq!(
        shown(x),
        [
            "model 模型 p.toml:4",
            "models.embed e p.toml:5",
            "models.speak s p.toml:6",
            "api_key_cmd [\"pass\",\"show\"] p.toml:7",
            "headers.X-Team 研究 p.toml:13",
        ]
    );
    let rules: Vec<_> = x.rules.iter().map(|rule| rule.origin.to_string()).collect();
    assert_eq!(rules, ["p.toml:14", "p.toml:16"]);
    assert_eq!((named.name.as_str(), named.base_url.as_deref()), ("ein name", Some("u")));
    let built_in = document(text, None).expect("it is right");
    assert!(shown(&built_in.providers[0]).iter().all(|line| line.ends_with(" built in")));
}

/// One value of each type of TOML, and which of them a shape takes.
#[test]
fn every_shape_refuses_the_types_that_it_does_not_take() {
    const VALUES: [(&str, &str); 8] = [
        ("text", "\"wort\""),
        ("texts", "[\"a\", \"b\"]"),
        ("none", "[]"),
        ("mixed", "[\"a\", 1]"),
        ("number", "1"),
        ("fraction", "1.5"),
        ("truth", "true"),
        ("table", "{ a = [1] }"),
    ];
    // What each field takes beside what stands in no row: a table of strings or numbers takes none.
    let takes = |table: &str, name: &str| -> &[&str] {
        match name {
            "api_key_env" | "api_key_cmd" | "slow_down_codes" => &["text", "texts"],
            "thinks_untagged" | "untimed" | "fallback" => &["text", "texts", "none"],
            "extract" | "extract_last" => &["truth"],
            // Only the address of a page, or the names of what there is.
            "key_url" | "audio_data" | "pdf_data" | "stream_usage" | "finish_reason" | "api" => &[],
            "result_files" | "tool_schema" => &[],
            "limits" | "bodies" | "paths" | "rerank" | "batch" | "search" | "vars" => &[],
            "schema" if table == "providers" => &[],
            "models" | "headers" | "key_headers" | "models_headers" => &[],
            "jobs" | "takes_no" | "responses_takes" | "rules" | "prices" => &["none"],
            "aliases" => &["texts", "none"],
            "options" | "embed" | "image" | "transcribe" | "speak" | "speakers" => &["table"],
            "pcm_rate" | "audio_seconds" => &["number"],
            _ => &["text"],
        }
    };
    let of = |table: &'static str, fields: &'static [&'static str]| {
        fields.iter().map(move |name| (table, *name))
    };
    let profiles = of("providers", Profile::FIELDS);
    for (table, name) in profiles.chain(of("prompts", Prompt::FIELDS)) {
        let takes = takes(table, name);
        for (kind, value) in VALUES {
            let text = format!("[{table}.x]\n\n{name} = {value}\n");
            match read(&text) {
                Ok(_) => assert!(takes.contains(&kind), "{text}"),
                Err(failure) => {
                    assert!(!takes.contains(&kind), "{text}{failure}");
                    let said = failure.message.strip_prefix("p.toml:3: ").unwrap_or_default();
                    let said = said.strip_prefix("unknown field ").unwrap_or(said);
                    let place = said.starts_with('`');
                    assert!(place && failure.message.contains(name), "{failure}");
                }
            }
        }
    }
}

#[test]
fn what_a_shape_takes_is_taken_as_it_is() {
    let text = "[providers.x]\nstream_usage = \"sent\"\njobs = [\"chat\", \"speak\"]\nlimits = { upload_bytes = 26_214_400 }\n\
                headers = { A = \"1\" }\n\
                options = { n = -3, hex = 0xff, oct = 0o17, f = 1.50, e = 1e3, plus = +4, t = true, day = 2026-01-02, list = [1, { a = \"b\" }], text = '''\n多行''' }\n";
    let x = read(text).expect("it is right").providers.remove(0);
    assert_eq!(x.stream_usage.get(), Some(&StreamUsage::Sent));
    assert_eq!(x.jobs.as_deref(), Some(&[Job::Chat, Job::Speak][..]));
    assert_eq!(x.limits.get("upload_bytes").map(|field| field.value), Some(26_214_400));
    let options: Vec<(&str, &Value)> =
        x.options.iter().map(|(name, field)| (name, &field.value)).collect();
    let expected = [
        ("n", json!(-3)),
        ("hex", json!(255)),
        ("oct", json!(15)),
        ("f", json!(1.5)),
        ("e", json!(1000.0)),
        ("plus", json!(4)),
        ("t", json!(true)),
        ("day", json!("2026-01-02")),
        ("list", json!([1, {"a": "b"}])),
        ("text", json!("多行")),
    ];
    let expected: Vec<(&str, &Value)> = expected.iter().map(|(key, value)| (*key, value)).collect();
    assert_eq!(options, expected, "in the order in which they were written");
}

#[test]
fn a_rule_is_read_whole() {
    let text = "[[providers.x.rules]]\njobs = [\"chat\"]\nmodels = [\"a*\"]\nmodels_except = [\"ab\"]\n\
                rename = { b = \"c\" }\ndrop = [\"d\"]\nset = { e = { f = 1 } }\nmap = { g = { h = 2 } }\nwhy = \"原因\"\n";
    let rule = read(text).expect("it is right").providers.remove(0).rules.remove(0);
    assert_eq!((rule.jobs, rule.models), (vec![Job::Chat], vec!["a*".to_owned()]));
    assert_eq!((rule.models_except, rule.drop), (vec!["ab".to_owned()], vec!["d".to_owned()]));
    assert_eq!(rule.rename, [("b".to_owned(), "c".to_owned())]);
    assert_eq!(Value::Object(rule.set), json!({"e": {"f": 1}}));
    let [(field, changes)] = &rule.map[..] else { panic!("one field: {:?}", rule.map) };
    assert_eq!((field.as_str(), &changes["h"]), ("g", &json!(2)));
    assert_eq!(rule.why.as_deref(), Some("原因"));
}

#[test]
fn unknown_names_find_the_nearest() {
    for (text, words, hint) in [
        (
            "[providers.x]\nmodle = 1\n",
            "p.toml:2: unknown field `modle` in [providers.x]",
            "`model`",
        ),
        ("[providers.x]\nq = 1\nb = 2\n", "p.toml:2: unknown field `q`", "known fields: title, "),
        (
            "[[providers.x.rules]]\nrenames = {}\n",
            "p.toml:2: unknown field `renames` in a rule",
            "`rename`",
        ),
        ("[profiles.x]\n", "p.toml:1: unknown field `profiles` in the profile file", "`providers`"),
        (
            "x = 1\n",
            "p.toml:1: unknown field `x`",
            "known fields: default, log, mcp, prompts, providers",
        ),
    ] {
        let (message, found) = wrong(text);
        assert!(message.starts_with(words), "{message}");
        assert!(found.contains(hint), "{found}");
    }
}

#[test]
fn a_template_is_read_as_it_is_and_its_words_are_known() {
    let text = "[providers.x.bodies.image]\n\"$rest\" = true\ninput = { text = \"猫：$prompt\", n = 1 }\n\
                list = [\"$size.width*$size.height\", \"$$\"]\n";
    let x = read(text).expect("it is right").providers.remove(0);
    let template = x.bodies.get("image").map(|field| field.value.clone());
    let expected = json!({
        "$rest": true, "input": {"text": "猫：$prompt", "n": 1},
        "list": ["$size.width*$size.height", "$$"],
    });
    assert_eq!(template, Some(expected));
    for (lines, words, hint) in [
        (
            "image = { a = [\n{ b = \"$promt\" }] }",
            "p.toml:4: unknown word `$promt` in bodies.image",
            "`$prompt`",
        ),
        ("image = { a = \"5 $ \" }", "p.toml:3: unknown word `$` in", "`$$` is a dollar sign"),
        (
            "image = { a = \"$picture.url\" }",
            "p.toml:3: unknown word `$picture.url`",
            "known words: $model",
        ),
        ("speak = { a = \"$input.url\" }", "p.toml:3: unknown word `$input.url`", "`$input`"),
        ("speak = { a = \"x$rest\" }", "p.toml:3: `$rest` stands alone", ""),
        ("speak = { \"$rest\" = 1 }", "p.toml:3: `$rest` must be true", ""),
        (
            "speak = { \"$voice\" = 1 }",
            "p.toml:3: `$voice` in bodies.speak is not allowed as a name",
            "",
        ),
        ("speak = 1", "p.toml:3: `bodies.speak` must be a table", ""),
        ("chat = {}", "p.toml:3: `bodies` has no `chat`", ""),
    ] {
        let (message, found) = wrong(&format!("[providers.x]\n[providers.x.bodies]\n{lines}\n"));
        assert!(message.starts_with(words), "{message}");
        assert!(found.contains(hint), "{found}");
    }
}

#[test]
fn values_that_json_cannot_hold_are_refused() {
    for value in ["inf", "nan", "-inf", "99999999999999999999"] {
        let (message, _) = wrong(&format!("[providers.x]\noptions = {{ a = {value} }}\n"));
        assert!(message.starts_with("p.toml:2: "), "{message}");
    }
    assert!(wrong("a = \n").0.starts_with("p.toml:1: "));
    assert!(wrong("# 注\n\n[providers.x\n").0.starts_with("p.toml:3: "));
}

#[test]
fn the_built_in_list_is_sound() {
    let catalogue = document(TEXT, None).expect("it is right");
    assert!(!catalogue.default.is_set(), "the built-in list chooses nothing");
    assert!(catalogue.tools.is_empty(), "the built-in list runs nothing");
    let config = Config::new(TEXT, Document::default()).expect("it is in order");
    for written in &catalogue.providers {
        let name = &written.name;
        if let Some(like) = written.like.as_deref() {
            let base = catalogue.providers.iter().find(|profile| profile.name == like);
            let base = base.unwrap_or_else(|| panic!("{name} is like {like}, which is not there"));
            assert!(!base.like.is_set(), "{name}: one step is enough");
        }
        let profile = config.built_in(name).expect("it is listed");
        assert!(profile.title.is_set(), "{name} has a title");
        assert!(profile.base_url.is_set(), "{name} has a base_url");
        let jobs = profile.jobs.as_deref().unwrap_or_default();
        assert!(!jobs.is_empty(), "{name} has jobs");
        for (job, _) in profile.models.iter() {
            assert!(
                ["timed", "speakers"].contains(&job) || Job::of(job).is_some(),
                "{name}: models.{job}"
            );
        }
        let bodies = profile.bodies.iter().map(|(job, _)| job);
        let more = profile.paths.iter().chain(profile.key_headers.iter()).map(|(job, _)| job);
        for job in bodies.chain(more) {
            // Chat has a second endpoint.
            let job = if job == "responses" { "chat" } else { job };
            let is_offered = Job::of(job).is_some_and(|job| jobs.contains(&job));
            assert!(is_offered, "{name}: {job}, which it does not offer");
        }
        for job in profile.rules.iter().flat_map(|rule| &rule.jobs) {
            assert!(jobs.contains(job), "{name} has a rule for {job:?}, which it does not offer");
        }
        // Jan is started by hand, in its window.
        let tells = profile.key_url.is_set() || profile.start.is_set();
        assert!(tells || ["demo", "jan"].contains(&name.as_str()), "{name}: no key_url, no start");
        assert!(!profile.api_key.is_set(), "{name} holds a key");
    }
}

#[test]
fn the_file_is_looked_for_in_the_documented_order() {
    let env = |pairs: &[(&str, &str)]| {
        Env::Table(pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect())
    };
    let found = |flag: Option<&str>, pairs: &[(&str, &str)]| {
        let place = location(flag.map(Path::new), &env(pairs)).expect("a place is found");
        (place.path.display().to_string(), place.named)
    };
    let both = [("LLM_CONFIG", "b.toml"), ("XDG_CONFIG_HOME", "/x")];
    assert_eq!(found(Some("a.toml"), &both), ("a.toml".into(), true));
    assert_eq!(found(None, &both), ("b.toml".into(), true));
    #[cfg(unix)]
    assert_eq!(found(None, &both[1..]), ("/x/llm/providers.toml".into(), false));
    // A relative folder is to be ignored (XDG base directory specification).
    let (path, named) = found(None, &[("LLM_CONFIG", ""), ("XDG_CONFIG_HOME", "x")]);
    assert!(!path.starts_with('x') && path.ends_with("providers.toml") && !named, "{path}");
}

#[test]
fn tools_are_read_and_refused() {
    let text = "[tools.get_weather]\ndescription = \"查天气\"\ncommand = \"python3 'my tool.py'\"\ntimeout = 1.5\n\
                parameters = { type = \"object\", properties = { \"城市\" = { type = \"string\" } } }\n\
                [tools.now]\ncommand = [\"date\", \"+%s\"]\n";
    let found = config("", text);
    assert_eq!(found.tool_names(), ["get_weather", "now"]);
    let weather = found.tool("get_weather").expect("it is there");
    assert_eq!(weather.command, ["python3", "my tool.py"]);
    assert_eq!(weather.timeout, Some(std::time::Duration::from_millis(1500)));
    let parameters = json!({"type": "object", "properties": {"城市": {"type": "string"}}});
    assert_eq!(weather.parameters.clone().map(Value::Object), Some(parameters));
    assert_eq!(found.tool("now").map(|tool| tool.command.len()), Some(2));
    for (lines, words, hint) in [
        ("[tools.x]\n", "p.toml:1: [tools.x] has no `command`", ""),
        ("[tools.x]\ncommand = \"\"\n", "p.toml:1: [tools.x] has no `command`", ""),
        (
            "[tools.x]\ncomand = \"a\"\n",
            "p.toml:2: unknown field `comand` in [tools.x]",
            "`command`",
        ),
        ("[tools.x]\ncommand = 3\n", "p.toml:2: `command` must be a string or a list", ""),
        ("[tools.x]\ntimeout = 0\n", "p.toml:2: `timeout` must be a number of seconds", ""),
        ("[tools.x]\nparameters = 1\n", "p.toml:2: `parameters` must be a table", ""),
        ("[tools.\"查 天\"]\ncommand = \"a\"\n", "p.toml:1: ", ""),
        ("tools = 1\n", "p.toml:1: `tools` must be a table", ""),
    ] {
        let (message, found) = wrong(lines);
        assert!(message.starts_with(words) && found.contains(hint), "{message}\n{found}");
    }
}
