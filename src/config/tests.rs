//! Reading profile files and laying them over each other: values with their lines, mistakes with
//! their places.

use std::path::Path;

use serde_json::{Value, json};

use super::catalogue::TEXT;
use super::read::{Document, document};
use super::schema::{JOBS, PROFILE, PROMPT, Shape};
use super::{Config, location};
use crate::error::Failure;
use crate::io::Env;

fn read(text: &str) -> Result<Document, Failure> {
    document(text, Some(Path::new("p.toml")))
}

fn config(catalogue: &'static str, user: &str) -> Config {
    Config { catalogue, user: read(user).expect("the file is right") }
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
    let line = |origin: &dyn ToString| origin.to_string();
    assert_eq!(found.default.map(|field| line(&field.origin)), Some("p.toml:1".into()));
    let [x, named] = &found.profiles[..] else { panic!("two profiles: {:?}", found.profiles) };
    for (section, key, place) in [
        ("", "model", "p.toml:4"),
        ("models", "embed", "p.toml:5"),
        ("models", "speak", "p.toml:6"),
        ("", "api_key_cmd", "p.toml:7"),
        ("headers", "X-Team", "p.toml:13"),
    ] {
        let origin = x.field(section, key).map(|field| line(&field.origin));
        assert_eq!(origin.as_deref(), Some(place), "{section} {key}");
    }
    let rules: Vec<_> = x.rules.iter().map(|rule| line(&rule.origin)).collect();
    assert_eq!(rules, ["p.toml:14", "p.toml:16"]);
    assert_eq!((named.name.as_str(), named.text("base_url")), ("ein name", Some("u")));
    let built_in = document(text, None).expect("it is right");
    assert!(built_in.profiles[0].fields.iter().all(|field| line(&field.origin) == "built in"));
}

#[test]
fn the_user_lies_over_the_catalogue_field_by_field() {
    let catalogue = "[providers.a]\nbase_url = \"ua\"\nmodel = \"ma\"\napi_key_env = \"A_KEY\"\n\
                     models = { embed = \"e\", speak = \"s\" }\nrules = [{ drop = [\"eins\"] }]\n\
                     [providers.b]\nbase_url = \"ub\"\n";
    let user = "[providers.neu]\nmodel = \"n\"\n[providers.a]\nmodel = \"mein\"\nmodels = { speak = \"laut\" }\n\
                rules = [{ drop = [\"zwei\"] }]\n";
    let config = config(catalogue, user);
    assert_eq!(config.names(), ["neu", "a", "b"]);
    assert_eq!(config.user_names(), ["neu", "a"]);
    let a = config.profile("a").expect("it is there");
    assert_eq!((a.text("base_url"), a.text("model")), (Some("ua"), Some("mein")));
    let model = |job: &str| a.field("models", job).and_then(|field| field.value.as_str());
    assert_eq!((model("embed"), model("speak")), (Some("e"), Some("laut")));
    assert_eq!(a.texts("api_key_env"), Some(vec!["A_KEY"]));
    let dropped: Vec<_> = a.rules.iter().flat_map(|rule| &rule.drop).collect();
    assert_eq!(dropped, ["eins", "zwei"], "the user's rules come last");
    assert_eq!(
        config.profile("b").and_then(|b| b.text("base_url").map(str::to_owned)),
        Some("ub".into())
    );
    assert!(config.profile("neu").is_some() && config.profile("c").is_none());
    assert!(config.default().is_none());
}

#[test]
fn a_key_source_of_the_user_leaves_no_other() {
    let catalogue = "[providers.a]\napi_key_env = \"A_KEY\"\n";
    for line in ["api_key = \"k\"", "api_key_cmd = \"pass\"", "api_key_file = \"f\""] {
        let config = config(catalogue, &format!("[providers.a]\n{line}\n"));
        let a = config.profile("a").expect("it is there");
        assert!(a.names_a_key() && a.texts("api_key_env").is_none(), "{line}");
    }
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
    let of =
        |table: &'static str| move |(name, shape): &(&'static str, Shape)| (table, *name, *shape);
    let profiles = PROFILE.iter().map(of("providers"));
    for (table, name, shape) in profiles.chain(PROMPT.iter().map(of("prompts"))) {
        let takes: &[&str] = match shape {
            Shape::Text => &["text"],
            Shape::Texts => &["text", "texts"],
            Shape::Patterns => &["text", "texts", "none"],
            Shape::Flag => &["truth"],
            Shape::Word(_) => &[],
            Shape::Words(_) | Shape::Rules | Shape::Prices => &["none"],
            Shape::TextTable | Shape::NumberTable | Shape::Templates => &[],
            Shape::AnyTable => &["table"],
        };
        for (kind, value) in VALUES {
            let text = format!("[{table}.x]\n\n{name} = {value}\n");
            match read(&text) {
                Ok(_) => assert!(takes.contains(&kind), "{text}"),
                Err(failure) => {
                    assert!(!takes.contains(&kind), "{text}{failure}");
                    let place = failure.message.starts_with("p.toml:3: `");
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
    let x = read(text).expect("it is right").profiles.remove(0);
    let value = |section: &str, key: &str| x.field(section, key).map(|field| field.value.clone());
    assert_eq!(value("", "stream_usage"), Some(json!("sent")));
    assert_eq!(value("", "jobs"), Some(json!(["chat", "speak"])));
    assert_eq!(value("limits", "upload_bytes"), Some(json!(26_214_400)));
    let options: Vec<(&str, &Value)> =
        x.section("options").map(|field| (field.key.as_str(), &field.value)).collect();
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
    let rule = read(text).expect("it is right").profiles.remove(0).rules.remove(0);
    assert_eq!((rule.jobs, rule.models), (vec!["chat".to_owned()], vec!["a*".to_owned()]));
    assert_eq!((rule.models_except, rule.drop), (vec!["ab".to_owned()], vec!["d".to_owned()]));
    assert_eq!(rule.rename, [("b".to_owned(), "c".to_owned())]);
    assert_eq!(Value::Object(rule.set), json!({"e": {"f": 1}}));
    assert_eq!(rule.map, [("g".to_owned(), vec![("h".to_owned(), json!(2))])]);
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
        ("[providers.x]\na = 1\nb = 2\n", "p.toml:2: unknown field `a`", "known fields: title, "),
        (
            "[[providers.x.rules]]\nrenames = {}\n",
            "p.toml:2: unknown field `renames` in a rule",
            "`rename`",
        ),
        ("[profiles.x]\n", "p.toml:1: unknown field `profiles` in the profile file", "`providers`"),
        (
            "x = 1\n",
            "p.toml:1: unknown field `x`",
            "known fields: default, log, prompts, providers",
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
    let x = read(text).expect("it is right").profiles.remove(0);
    let template = x.field("bodies", "image").map(|field| field.value.clone());
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
        ("image = { a = \"5 $ \" }", "p.toml:3: unknown word `$` in", "`$$` is the sign itself"),
        (
            "image = { a = \"$picture.url\" }",
            "p.toml:3: unknown word `$picture.url`",
            "known words: $model",
        ),
        ("speak = { a = \"$input.url\" }", "p.toml:3: unknown word `$input.url`", "`$input`"),
        ("speak = { a = \"x$rest\" }", "p.toml:3: `$rest` stands alone", ""),
        ("speak = { \"$rest\" = 1 }", "p.toml:3: `$rest` must be true", ""),
        ("speak = { \"$voice\" = 1 }", "p.toml:3: `$voice` in bodies.speak is no name", ""),
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
    assert!(catalogue.default.is_none(), "the built-in list chooses nothing");
    for profile in &catalogue.profiles {
        let name = &profile.name;
        assert!(profile.text("title").is_some(), "{name} has a title");
        assert!(profile.text("base_url").is_some(), "{name} has a base_url");
        let jobs = profile.texts("jobs").unwrap_or_default();
        assert!(!jobs.is_empty(), "{name} has jobs");
        for field in profile.section("models") {
            assert!(JOBS.contains(&field.key.as_str()), "{name}: models.{}", field.key);
        }
        for section in ["bodies", "paths", "key_headers"] {
            for field in profile.section(section) {
                let job = field.key.as_str();
                assert!(jobs.contains(&job), "{name}: {section}.{job}, which it does not offer");
            }
        }
        for job in profile.rules.iter().flat_map(|rule| &rule.jobs) {
            assert!(
                jobs.contains(&job.as_str()),
                "{name} has a rule for {job}, which it does not offer"
            );
        }
        let is_remote = profile.texts("api_key_env").is_some();
        let tells = if is_remote { "key_url" } else { "start" };
        assert!(profile.text(tells).is_some() || name == "demo", "{name} has no {tells}");
        assert!(profile.text("api_key").is_none(), "{name} holds a key");
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
    assert_eq!(weather.parameters, Some(parameters));
    assert_eq!(found.tool("now").map(|tool| tool.command.len()), Some(2));
    for (lines, words, hint) in [
        ("[tools.x]\n", "p.toml:1: [tools.x] has no `command`", ""),
        ("[tools.x]\ncommand = \"\"\n", "p.toml:1: [tools.x] has no `command`", ""),
        (
            "[tools.x]\ncomand = \"a\"\n",
            "p.toml:2: unknown field `comand` in [tools.x]",
            "`command`",
        ),
        ("[tools.x]\ncommand = 3\n", "p.toml:2: `command` must be a text or a list", ""),
        ("[tools.x]\ntimeout = 0\n", "p.toml:2: `timeout` must be a number of seconds", ""),
        ("[tools.x]\nparameters = 1\n", "p.toml:2: `parameters` must be a table", ""),
        ("[tools.\"查 天\"]\ncommand = \"a\"\n", "p.toml:1: ", ""),
        ("tools = 1\n", "p.toml:1: `tools` must be a table", ""),
    ] {
        let (message, found) = wrong(lines);
        assert!(message.starts_with(words) && found.contains(hint), "{message}\n{found}");
    }
    let built_in = document("[tools.x]\ncommand = \"a\"\n", None).expect_err("the list has none");
    assert!(built_in.message.contains("unknown field `tools`"), "{built_in}");
}
