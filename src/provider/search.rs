//! How the fields that turn a service's own web search on are laid into a body.

use serde_json::{Map, Value};

use super::user_fields::{SetBy, UserFields};

/// The flag that asks for it.
const FLAG: &str = "--search";

/// Lays these fields into a body: objects into objects, lists behind lists, anything else in the place of
/// what is there.
pub(super) fn lay(
    fields: &Map<String, Value>,
    body: &mut Map<String, Value>,
    own: &mut UserFields,
) {
    for (name, value) in fields {
        if own.by(name).is_none() {
            own.add(name, SetBy::Flag(FLAG.to_owned()));
        }
        lay_one(value, body.entry(name.clone()).or_insert(Value::Null));
    }
}

fn lay_one(value: &Value, place: &mut Value) {
    match (value, place) {
        (Value::Object(members), Value::Object(there)) => {
            for (name, value) in members {
                lay_one(value, there.entry(name.clone()).or_insert(Value::Null));
            }
        }
        (Value::Array(items), Value::Array(there)) => {
            for item in items {
                if !there.contains(item) {
                    there.push(item.clone());
                }
            }
        }
        (value, place) => *place = value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn fields_are_laid_into_what_is_there() {
        for (there, fields, expected) in [
            (json!({}), json!({"a": {"b": 1}, "c": [2]}), json!({"a": {"b": 1}, "c": [2]})),
            (
                json!({"a": {"x": 1, "b": 0}}),
                json!({"a": {"b": 1}}),
                json!({"a": {"x": 1, "b": 1}}),
            ),
            (
                json!({"c": [1, {"t": "s"}]}),
                json!({"c": [{"t": "s"}, 2]}),
                json!({"c": [1, {"t": "s"}, 2]}),
            ),
            (
                json!({"a": false, "c": "x"}),
                json!({"a": true, "c": [1]}),
                json!({"a": true, "c": [1]}),
            ),
            (json!({"a": 1}), json!({}), json!({"a": 1})),
        ] {
            let mut body = there.as_object().cloned().expect("an object");
            let mut own = UserFields::default();
            lay(fields.as_object().expect("an object"), &mut body, &mut own);
            assert_eq!(Value::Object(body), expected, "{there} {fields}");
        }
    }

    #[test]
    fn what_is_laid_is_the_users() {
        let (mut body, mut own) = (Map::new(), UserFields::default());
        own.add("tools", SetBy::Flag("--tool".to_owned()));
        let fields = json!({"tools": [], "enable_search": true});
        lay(fields.as_object().expect("an object"), &mut body, &mut own);
        assert_eq!(own.by("tools"), Some(&SetBy::Flag("--tool".to_owned())));
        assert_eq!(own.by("enable_search"), Some(&SetBy::Flag("--search".to_owned())));
    }
}
