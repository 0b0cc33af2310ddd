//! Where the values of a resolved profile come from.

use super::*;

#[test]
fn flags_and_environment_say_where_a_value_came_from() {
    let shown = |options: &[&str], env: &[(&str, &str)], text: &str| {
        let profile = profile_for(&service_options(options), None, &config(text), &mut io(env))
            .expect("is there");
        let origin = |field: &Field<String>| field.origin().map(ToString::to_string);
        (origin(&profile.model).unwrap_or_default(), origin(&profile.base_url).unwrap_or_default())
    };
    let both = [("LLM_MODEL", "u"), ("OPENAI_BASE_URL", "http://u.example")];
    let openai = ["-p", "openai"];
    assert_eq!(shown(&openai, &[], ""), ("built in".into(), "built in".into()));
    let expected = ("environment LLM_MODEL".to_owned(), "environment OPENAI_BASE_URL".to_owned());
    assert_eq!(shown(&openai, &both, ""), expected);
    let flags = ["-p", "openai", "-m", "f", "--base-url", "http://f.example"];
    let expected = ("flag --model".to_owned(), "flag --base-url".to_owned());
    assert_eq!(shown(&flags, &both, ""), expected);
    // The variable is for the built-in address, not for one that the user wrote down.
    let text = "[providers.openai]\nbase_url = \"http://d.example\"\n";
    assert!(shown(&openai, &both, text).1.ends_with(":2"));
    // A one-off server has no layers below.
    let one_off = ["--base-url", "http://h.example:8000/v1", "-m", "m"];
    assert_eq!(
        shown(&one_off, &[("LLM_PROVIDER", "openai")], ""),
        ("flag --model".into(), "flag --base-url".into())
    );
    let found = provider_for(Job::Chat, &one_off, &[], "").expect("it resolves");
    assert_eq!(found.name, "h.example:8000");
    assert_eq!(found.choice, "--base-url http://h.example:8000/v1");
    assert!(found.key.is_none());
}
