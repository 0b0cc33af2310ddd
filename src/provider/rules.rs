//! Applies request rules to the fields of a request. Pure: fields in, fields out.

use serde_json::{Map, Value};

use super::options::Setting;
use crate::config::job::Job;
use crate::config::rule::{Rule, plain};

/// Whether a rule is meant for this job and model.
pub(super) fn applies(rule: &Rule, job: Job, model: &str) -> bool {
    (rule.jobs.is_empty() || rule.jobs.contains(&job))
        && (rule.models.is_empty() || is_model_of(&rule.models, model))
        && !is_model_of(&rule.models_except, model)
}

/// Whether a request fulfils a rule's conditions. `settings` are what `-O` will set in the end: a
/// condition holds for the request that goes out.
pub(super) fn is_met(rule: &Rule, body: &Map<String, Value>, settings: &[Setting]) -> bool {
    let set = |field: &str| {
        let of_field = |setting: &&Setting| setting.path.first().is_some_and(|name| name == field);
        settings.iter().rev().find(of_field)
    };
    let has = |field: &String| set(field).is_some() || body.contains_key(field);
    let is_one_of = |(field, values): &(String, Vec<Value>)| {
        let value = match set(field) {
            Some(setting) if setting.path.len() == 1 => Some(&setting.value),
            // A member of it is set: that is none of the plain values.
            Some(_) => None,
            None => body.get(field),
        };
        value.is_some_and(|value| values.iter().any(|one| plain(one) == plain(value)))
    };
    rule.with.iter().all(has)
        && !rule.without.iter().any(has)
        && rule.with_value.iter().all(is_one_of)
        && !rule.without_value.iter().any(is_one_of)
}

/// What a rule did to fields that were there.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Changes {
    /// The names of the fields that it took away.
    pub(super) dropped: Vec<String>,
    /// The fields that got another word as their value, with the old one and the new one.
    pub(super) mapped: Vec<(String, String, String)>,
}

/// Applies one rule: rename, drop, map, then set what is absent.
pub(super) fn apply(rule: &Rule, body: &mut Map<String, Value>) -> Changes {
    for (from, to) in &rule.rename {
        if body.contains_key(from) {
            *body = std::mem::take(body)
                .into_iter()
                .map(|(name, value)| (if name == *from { to.clone() } else { name }, value))
                .collect();
        }
    }
    let dropped =
        rule.drop.iter().filter(|name| body.shift_remove(*name).is_some()).cloned().collect();
    let mut mapped = Vec::new();
    for (field, changes) in &rule.map {
        let Some(value) = body.get_mut(field) else { continue };
        let old = plain(value);
        if let Some(new) = changes.get(&old).filter(|new| *new != value) {
            *value = new.clone();
            // A value of another type says the same in the service's words: `none` as an object.
            if new.is_string() {
                mapped.push((field.clone(), old, plain(new)));
            }
        }
    }
    for (field, value) in &rule.set {
        body.entry(field.clone()).or_insert_with(|| value.clone());
    }
    Changes { dropped, mapped }
}

/// Sets a field that the user names in a body.
pub(crate) fn set_field(body: &mut Map<String, Value>, setting: &Setting) {
    set_path(body, &setting.path, setting.value.clone());
}

/// Sets a nested field; what stands in the way and is not an object is replaced.
pub(super) fn set_path(body: &mut Map<String, Value>, path: &[String], value: Value) {
    let [name, rest @ ..] = path else { return };
    if rest.is_empty() {
        body.insert(name.clone(), value);
        return;
    }
    let inner = body.entry(name.clone()).or_insert_with(|| Value::Object(Map::new()));
    if !inner.is_object() {
        *inner = Value::Object(Map::new());
    }
    if let Value::Object(inner) = inner {
        set_path(inner, rest, value);
    }
}

/// Whether a model's name matches one of the patterns: the whole name, or what stands in it behind a
/// `/`. Gateways put the vendor in front (`openai/gpt-6-luna`), and Gemini's list puts `models/`.
pub(super) fn is_model_of(patterns: &[String], model: &str) -> bool {
    let behind = model.match_indices('/').filter_map(|(at, slash)| model.get(at + slash.len()..));
    let names: Vec<&str> = std::iter::once(model).chain(behind).collect();
    patterns.iter().any(|pattern| names.iter().any(|name| glob(pattern, name)))
}

/// Whether `text` matches a pattern in which `*` stands for any run of characters. Letter case does
/// not matter, as services write their models' names in both.
pub(crate) fn glob(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.to_lowercase(), text.to_lowercase());
    let mut pieces = pattern.split('*');
    let Some(mut rest) = text.strip_prefix(pieces.next().unwrap_or_default()) else { return false };
    let mut pieces = pieces.peekable();
    if pieces.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(piece) = pieces.next() {
        if pieces.peek().is_none() {
            return rest.ends_with(piece);
        }
        match rest.find(piece) {
            Some(at) => rest = &rest[at + piece.len()..],
            None => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn rule() -> Rule {
        Rule {
            jobs: vec![Job::Chat],
            models: vec!["gpt-5*".into(), "o3".into()],
            models_except: vec!["*-chat".into()],
            rename: vec![("max_tokens".into(), "max_completion_tokens".into())],
            drop: vec!["stop".into()],
            set: object(json!({"store": false})),
            map: vec![("reasoning_effort".into(), object(json!({"minimal": "low"})))],
            ..Rule::default()
        }
    }

    fn object(value: Value) -> Map<String, Value> {
        value.as_object().cloned().expect("an object")
    }

    #[test]
    fn globs() {
        for (pattern, text) in [
            ("*", ""),
            ("a", "a"),
            ("a*", "abc"),
            ("*c", "abc"),
            ("a*c", "abbc"),
            ("*b*", "abc"),
            ("a*b*c", "a-b-c"),
            ("GPT*", "gpt-5"),
            ("ab*b", "abb"),
            ("通义*", "通义千问"),
        ] {
            assert!(glob(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [("a", "ab"), ("a*", "ba"), ("a*c", "ab"), ("ab*b", "ab"), ("", "a")]
        {
            assert!(!glob(pattern, text), "{pattern} {text}");
        }
    }

    #[test]
    fn a_rule_is_for_its_jobs_and_models() {
        assert!(applies(&rule(), Job::Chat, "gpt-5.6-luna"));
        assert!(applies(&rule(), Job::Chat, "o3"));
        assert!(!applies(&rule(), Job::Chat, "o3-mini"));
        assert!(!applies(&rule(), Job::Chat, "gpt-5-chat"));
        assert!(!applies(&rule(), Job::Embed, "gpt-5"));
    }

    #[test]
    fn a_vendor_in_front_of_the_name_changes_nothing() {
        for name in ["gpt-5.6-luna", "gpt-5-2027-01-01", "GPT-5", "o3"] {
            for front in ["", "openai/", "vendor/openai/", "models/"] {
                assert!(applies(&rule(), Job::Chat, &format!("{front}{name}")), "{front}{name}");
            }
            assert!(!applies(&rule(), Job::Chat, &format!("x-{name}")), "{name}");
            assert!(!applies(&rule(), Job::Chat, &format!("{name}/x-chat")), "{name}");
        }
        let patterns = |text: &str| vec![text.to_owned()];
        assert!(is_model_of(&patterns("openai/gpt-*"), "gateway/openai/gpt-6"));
        assert!(!is_model_of(&patterns("openai/gpt-*"), "gpt-6"));
        assert!(!is_model_of(&patterns("gpt-*"), ""));
    }

    /// Every condition, against bodies and `-O` that fulfil it and that just miss it.
    #[test]
    fn conditions_hold_for_the_request_that_goes_out() {
        let fields = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let values = |values: Value| {
            let values = values.as_array().cloned().expect("a list");
            vec![("effort".to_owned(), values)]
        };
        let with = Rule { with: fields(&["effort", "tools"]), ..Rule::default() };
        let without = Rule { without: fields(&["effort", "tools"]), ..Rule::default() };
        let is = Rule { with_value: values(json!(["none", "low", 3])), ..Rule::default() };
        let is_not = Rule { without_value: values(json!(["none"])), ..Rule::default() };
        // body, -O, and whether `with`, `without`, `with_value`, `without_value` hold.
        for (body, set, expected) in [
            (json!({}), &[][..], [false, true, false, true]),
            (json!({"tools": []}), &[], [false, false, false, true]),
            (json!({"effort": "none"}), &[], [false, false, true, false]),
            (json!({"effort": "None"}), &[], [false, false, false, true]),
            (json!({"effort": "high", "tools": []}), &[], [true, false, false, true]),
            (json!({"effort": 3}), &[], [false, false, true, true]),
            (json!({"effort": {"none": 1}}), &[], [false, false, false, true]),
            (json!({"Effort": "none"}), &[], [false, true, false, true]),
            (json!({}), &["effort=none"], [false, false, true, false]),
            (json!({"effort": "none"}), &["effort=high"], [false, false, false, true]),
            (
                json!({"effort": "high"}),
                &["effort=high", "effort=none"],
                [false, false, true, false],
            ),
            (json!({"effort": "none"}), &["effort.x=none"], [false, false, false, true]),
            (json!({"effort": "low"}), &["tools=[]"], [true, false, true, true]),
        ] {
            let settings: Vec<Setting> =
                set.iter().map(|text| Setting::parse(text).expect("a setting")).collect();
            let found = [&with, &without, &is, &is_not]
                .map(|rule| is_met(rule, &object(body.clone()), &settings));
            assert_eq!(found, expected, "{body} {set:?}");
            // All conditions of a rule must hold.
            let both = Rule { without_value: is_not.without_value.clone(), ..with.clone() };
            let met = is_met(&both, &object(body.clone()), &settings);
            assert_eq!(met, expected[0] && expected[3], "{body} {set:?}");
        }
    }

    #[test]
    fn fields_are_renamed_in_place_dropped_mapped_and_set() {
        let mut body = object(json!({
            "model": "gpt-5", "max_tokens": 5, "stop": ["x"], "reasoning_effort": "minimal"
        }));
        let changes = apply(&rule(), &mut body);
        assert_eq!(changes.dropped, ["stop"]);
        let effort = ["reasoning_effort", "minimal", "low"].map(str::to_owned);
        assert_eq!(changes.mapped, [effort.into()]);
        let wire = serde_json::to_string(&body).expect("serialises");
        assert_eq!(
            wire,
            r#"{"model":"gpt-5","max_completion_tokens":5,"reasoning_effort":"low","store":false}"#
        );
        let mut body = object(json!({"store": true}));
        apply(&rule(), &mut body);
        assert_eq!(body["store"], json!(true), "`set` leaves what is there");
    }

    #[test]
    fn a_path_makes_its_way() {
        let mut body = object(json!({"a": 1}));
        let path = |text: &str| text.split('.').map(str::to_owned).collect::<Vec<_>>();
        set_path(&mut body, &path("a.b"), json!(2));
        set_path(&mut body, &path("c"), json!(null));
        set_path(&mut body, &path("a.d.e"), json!([1]));
        assert_eq!(Value::Object(body), json!({"a": {"b": 2, "d": {"e": [1]}}, "c": null}));
    }
}
