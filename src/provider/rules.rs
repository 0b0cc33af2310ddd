//! Applies request rules to the fields of a request. Pure: fields in, fields out.

use serde_json::{Map, Value};

use crate::config::job::Job;
use crate::config::rule::Rule;

/// Whether a rule is meant for this job and model.
pub(super) fn applies(rule: &Rule, job: Job, model: &str) -> bool {
    let matches = |patterns: &[String]| patterns.iter().any(|pattern| glob(pattern, model));
    (rule.jobs.is_empty() || rule.jobs.contains(&job))
        && (rule.models.is_empty() || matches(&rule.models))
        && !matches(&rule.models_except)
}

/// Whether a request has the fields without which a rule leaves it alone.
pub(super) fn is_met(rule: &Rule, body: &Map<String, Value>) -> bool {
    rule.with.iter().all(|field| body.contains_key(field))
}

/// Applies one rule: rename, drop, map, then set what is absent. Gives the names of the fields that
/// were dropped.
pub(super) fn apply(rule: &Rule, body: &mut Map<String, Value>) -> Vec<String> {
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
    for (field, changes) in &rule.map {
        let Some(value) = body.get_mut(field) else { continue };
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        if let Some(new) = changes.get(&text) {
            *value = new.clone();
        }
    }
    for (field, value) in &rule.set {
        body.entry(field.clone()).or_insert_with(|| value.clone());
    }
    dropped
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
    fn fields_are_renamed_in_place_dropped_mapped_and_set() {
        let mut body = object(json!({
            "model": "gpt-5", "max_tokens": 5, "stop": ["x"], "reasoning_effort": "minimal"
        }));
        assert_eq!(apply(&rule(), &mut body), ["stop"]);
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
