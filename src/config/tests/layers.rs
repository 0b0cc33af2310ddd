//! Layers of profiles: the user's over the built-in ones, and one over another that it is like.

use proptest::prelude::*;

use super::{config, read, shown, wrong};
use crate::config::Config;
use crate::config::field::FieldRow;

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
    assert_eq!(
        shown(&a),
        [
            "base_url ua built in",
            "model mein p.toml:4",
            "api_key_env A_KEY built in",
            "models.embed e built in",
            "models.speak laut p.toml:5",
        ]
    );
    let dropped: Vec<_> = a.rules.iter().flat_map(|rule| &rule.drop).collect();
    assert_eq!(dropped, ["eins", "zwei"], "the user's rules come last");
    let b = config.profile("b").expect("it is there");
    assert_eq!(b.base_url.as_deref(), Some("ub"));
    assert!(config.profile("neu").is_some() && config.profile("c").is_none());
    assert!(!config.default().is_set());
}

#[test]
fn a_key_source_of_the_user_leaves_no_other() {
    let catalogue = "[providers.a]\napi_key_env = \"A_KEY\"\n";
    for line in ["api_key = \"k\"", "api_key_cmd = \"pass\"", "api_key_file = \"f\""] {
        let config = config(catalogue, &format!("[providers.a]\n{line}\n"));
        let a = config.profile("a").expect("it is there");
        assert!(a.names_a_key() && !a.api_key_env.is_set(), "{line}");
    }
}

#[test]
fn a_profile_takes_what_it_does_not_set_from_the_one_that_it_is_like() {
    let catalogue = "[providers.a]\ntitle = \"A\"\nbase_url = \"ua\"\napi_key_env = \"A_KEY\"\nmodel = \"ma\"\n\
                     models = { embed = \"e\", speak = \"s\" }\nrules = [{ drop = [\"eins\"] }]\n\
                     [providers.b]\ntitle = \"B\"\nlike = \"a\"\nbase_url = \"ub\"\n";
    let user = "[providers.a]\napi_key = \"k\"\n[providers.c]\nlike = \"d\"\napi_key_cmd = \"pass\"\n\
                [providers.d]\nlike = \"a\"\nmodels = { speak = \"laut\" }\nrules = [{ drop = [\"zwei\"] }]\n";
    let found = config(catalogue, user);
    // A built-in twin has nothing of what the user set for the other, the key above all.
    let b = found.profile("b").expect("it is there");
    assert_eq!(
        shown(&b),
        [
            "like a built in",
            "title B built in",
            "base_url ub built in",
            "api_key_env A_KEY built in",
            "model ma built in",
            "models.embed e built in",
            "models.speak s built in",
        ]
    );
    assert_eq!((b.name.as_str(), b.rules.len()), ("b", 1));
    let c = found.profile("c").expect("it is there");
    assert_eq!(
        shown(&c),
        [
            "like d p.toml:4",
            "title A built in",
            "base_url ua built in",
            "model ma built in",
            "models.embed e built in",
            "models.speak laut p.toml:8",
            "api_key_cmd pass p.toml:5",
        ]
    );
    let dropped: Vec<_> = c.rules.iter().flat_map(|rule| &rule.drop).collect();
    assert_eq!(dropped, ["eins", "zwei"]);
    assert_eq!(c.name, "c");
    assert!(found.profile("d").is_some_and(|d| d.api_key.is_set()), "the user's a is below d");
    // What a twin is like is a field as others are: the user's counts.
    let user = "[providers.b]\nlike = \"e\"\n[providers.e]\nmodel = \"me\"\n";
    let b = config(catalogue, user).profile("b").expect("it is there");
    assert_eq!((b.model.as_deref(), b.base_url.as_deref()), (Some("me"), Some("ub")));
    assert_eq!(b.like.origin().map(ToString::to_string), Some("p.toml:2".into()));
}

#[test]
fn a_like_that_leads_nowhere_is_refused_with_its_place() {
    let catalogue = "[providers.openai]\nmodel = \"m\"\n";
    for (text, words, hint) in [
        (
            "[providers.x]\nlike = \"opnai\"\n",
            "p.toml:2: `like` names no profile: `opnai`",
            "`openai`",
        ),
        (
            "[providers.x]\nlike = \"全\"\n",
            "p.toml:2: `like` names no",
            "your profiles: x; `llm providers` lists all",
        ),
        ("[providers.x]\nlike = \"x\"\n", "p.toml:2: `like` goes in a circle: x, x", ""),
        (
            "[providers.openai]\nlike = \"x\"\n[providers.x]\nlike = \"openai\"\n",
            "p.toml:4: `like` goes in a circle: openai, x, openai",
            "",
        ),
    ] {
        let failure = Config::new(catalogue, read(text).expect(text)).expect_err(text);
        assert!(failure.message.starts_with(words), "{failure}");
        assert!(failure.hint.unwrap_or_default().contains(hint), "{text}");
    }
    assert!(wrong("[providers.x]\nlike = 3\n").0.starts_with("p.toml:2: `like` must be a text"));
}

/// Lines of a profile, each with one field of its own.
const LINES: [&str; 8] = [
    "title = \"t\"",
    "api_key = \"k\"",
    "api_key_env = [\"A\", \"B\"]",
    "models.embed = \"e\"",
    "models.speak = \"s\"",
    "jobs = [\"chat\"]",
    "options = { a = [1, { b = 2.5 }] }",
    "limits.upload_bytes = 1",
];

fn with_lines(chosen: &[bool; 8]) -> String {
    let lines = LINES.iter().zip(chosen).filter(|(_, is_chosen)| **is_chosen);
    lines.fold("[providers.x]\n".to_owned(), |text, (line, _)| format!("{text}{line}\n"))
}

proptest! {
    #[test]
    fn in_a_layered_profile_each_field_is_the_uppermost(
        below: [bool; 8],
        above: [bool; 8],
    ) {
        let one = |chosen| read(&with_lines(chosen)).expect("it is right").providers.remove(0);
        let (below, above) = (one(&below), one(&above));
        let mut both = below.clone();
        both.lay_over(above.clone());
        let (below, both, above) = (below.fields(), both.fields(), above.fields());
        let is_in = |rows: &[FieldRow], row: &FieldRow| {
            rows.iter().any(|one| (one.section, &one.key) == (row.section, &row.key))
        };
        let names_a_key = above.iter().any(|row| row.key.starts_with("api_key"));
        let kept = below.iter().filter(|row| {
            !(is_in(&above, row) || names_a_key && row.key.starts_with("api_key"))
        });
        for row in kept.clone().chain(&above) {
            prop_assert!(both.contains(row), "{row:?}");
        }
        prop_assert_eq!(both.len(), kept.count() + above.len());
    }

    #[test]
    fn any_text_is_read_or_refused(text in "([a-z\\[\\]{}.\"=# \n猫-]|providers\\.|like = ){0,40}") {
        if let Err(failure) = read(&text) {
            prop_assert!(failure.message.starts_with("p.toml:"), "{failure}");
        }
    }

    #[test]
    fn any_likes_are_resolved_or_refused(likes in prop::collection::vec(0..6_usize, 4)) {
        let profile = |(name, like): (usize, &usize)| format!("[providers.p{name}]\nlike = \"p{like}\"\n");
        let text: String = likes.iter().enumerate().map(profile).collect();
        let catalogue = "[providers.p4]\nlike = \"p5\"\n[providers.p5]\nmodel = \"m\"\n";
        if let Ok(config) = Config::new(catalogue, read(&text).expect("it is right")) {
            for name in config.names() {
                let profile = config.profile(name).expect("it is listed");
                prop_assert_eq!(profile.model.as_deref(), Some("m"), "{}", text);
            }
        }
    }
}

#[test]
fn an_alias_finds_its_profile_unless_a_profile_has_the_name() {
    let catalogue = "[providers.a]\nbase_url = \"ua\"\naliases = [\"qwen\", \"千问\"]\n\
                     [providers.twin]\nlike = \"a\"\nbase_url = \"ut\"\n\
                     [providers.kimi]\nbase_url = \"uk\"\naliases = [\"moon\"]\n";
    let named = |found: &Config, name: &str| found.profile(name).map(|profile| profile.name);
    let plain = config(catalogue, "");
    for (typed, name) in [("qwen", "a"), ("千问", "a"), ("moon", "kimi"), ("twin", "twin")] {
        assert_eq!(named(&plain, typed).as_deref(), Some(name), "{typed}");
        assert!(plain.has(typed), "{typed}");
    }
    assert!(plain.profile("Qwen").is_none() && !plain.has("qwe"));
    assert_eq!(plain.names(), ["a", "twin", "kimi"], "an alias is no profile of its own");
    let twin = plain.profile("twin").expect("it is there");
    assert!(!twin.aliases.is_set(), "other names are those of one profile alone");
    assert_eq!(plain.did_you_mean("qwenn").as_deref(), Some("did you mean `qwen` (a)?"));
    assert_eq!(plain.did_you_mean("kimmi").as_deref(), Some("did you mean `kimi`?"));
    // The user's profile of that name, and the user's aliases.
    let own = config(catalogue, "[providers.qwen]\nbase_url = \"mine\"\n");
    assert_eq!(own.profile("qwen").expect("mine").base_url.as_deref(), Some("mine"));
    assert_eq!(named(&own, "千问").as_deref(), Some("a"));
    let own =
        config(catalogue, "[providers.x]\nbase_url = \"ux\"\naliases = [\"qwen\", \"kimi\"]\n");
    assert_eq!(named(&own, "qwen").as_deref(), Some("x"), "the user's alias over a built-in one");
    assert_eq!(named(&own, "kimi").as_deref(), Some("kimi"), "a name over an alias");
    let own = config(catalogue, "[providers.a]\naliases = [\"q\"]\n");
    assert_eq!(named(&own, "q").as_deref(), Some("a"));
    assert!(own.profile("qwen").is_none(), "the user's list is in the place of the built-in one");
    // `like` by an alias, and in a circle by one.
    let like = config(catalogue, "[providers.x]\nlike = \"千问\"\nmodel = \"m\"\n");
    assert_eq!(like.profile("x").expect("it is there").base_url.as_deref(), Some("ua"));
    let circle = read("[providers.a]\nlike = \"qwen\"\n").expect("it is TOML");
    let failure = Config::new(catalogue, circle).expect_err("it leads back");
    assert!(failure.message.contains("circle"), "{}", failure.message);
}

#[test]
fn a_variable_for_an_address_goes_with_the_address() {
    let catalogue = "[providers.a]\nbase_url = \"ua\"\nbase_url_env = \"A_URL\"\nhost_env = \"A_HOST\"\n\
                     [providers.b]\nlike = \"a\"\nbase_url = \"ub\"\n[providers.c]\nlike = \"a\"\n";
    let found = config(catalogue, "");
    let b = found.profile("b").expect("it is there");
    assert!(!b.base_url_env.is_set() && !b.host_env.is_set());
    let c = found.profile("c").expect("it is there");
    assert!(c.base_url_env.is_set() && c.host_env.is_set());
}
