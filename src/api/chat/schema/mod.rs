//! Answers that fit a JSON Schema: how they are asked for. Checks none.

mod items;
pub(crate) mod short;

use serde_json::{Map, Value, json};

use super::request::message;

pub(crate) use crate::provider::SchemaForm as Form;
pub(crate) use items::ItemSplitter;

/// `response_format` for a schema; none where the service would not look at it.
pub(super) fn response_format(schema: &Value, form: Form) -> Option<Value> {
    match form {
        Form::JsonSchema => Some(json_schema(schema)),
        Form::JsonObject => Some(json!({"type": "json_object"})),
        Form::Instructions => None,
    }
}

/// Puts the schema into the instructions, where the request's fields don't hold it.
pub(crate) fn instruct(messages: &mut Vec<Value>, schema: &Value, form: Form) {
    if form == Form::JsonSchema {
        return;
    }
    // DeepSeek and DashScope refuse `json_object` where no message has the word JSON.
    let words = format!(
        "Answer with one JSON document and nothing else, without a code fence. It must fit this JSON Schema:\n{schema}"
    );
    let first = messages.first_mut().filter(|first| first["role"] == "system");
    match first.and_then(|first| first.get_mut("content")).filter(|content| content.is_string()) {
        Some(content) => {
            let before = content.as_str().unwrap_or_default();
            *content = format!("{before}\n\n{words}").into();
        }
        None => messages.insert(0, message("system", words)),
    }
}

/// Asks once more, after an answer that did not fit.
pub(crate) fn ask_again(body: &mut Map<String, Value>, answer: &str, why: &str) {
    let words = format!(
        "That does not fit: {why}. Answer again with the whole corrected JSON and nothing else."
    );
    if let Some(messages) = body.get_mut("messages").and_then(Value::as_array_mut) {
        // Services refuse a message without any text.
        if !answer.trim().is_empty() {
            messages.push(message("assistant", answer));
        }
        messages.push(message("user", words));
    }
}

/// The schema of a list of what fits a schema. OpenAI wants an object at the top; what references
/// lead to must stay there too.
pub(crate) fn list_of(schema: &Value) -> Value {
    let mut item = schema.clone();
    let mut list = json!({
        "type": "object", "properties": {"items": {"type": "array"}}, "required": ["items"],
        "additionalProperties": false,
    });
    for name in ["$schema", "$defs", "definitions", "title"] {
        if let Some(moved) = item.as_object_mut().and_then(|item| item.shift_remove(name)) {
            list[name] = moved;
        }
    }
    list["properties"]["items"]["items"] = item;
    list
}

/// `strict` only where the schema meets its conditions, as OpenAI refuses it otherwise.
fn json_schema(schema: &Value) -> Value {
    let mut format = json!({"name": name(schema), "schema": schema});
    if is_strict(schema) {
        format["strict"] = true.into();
    }
    json!({"type": "json_schema", "json_schema": format})
}

/// The schema's title as a name: at most 64 of `a-zA-Z0-9_-` (specification, `response_format`).
fn name(schema: &Value) -> String {
    let title = schema.get("title").and_then(Value::as_str).unwrap_or_default();
    let fits = |letter: &char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-');
    let name: String =
        title.chars().map(|c| if c == ' ' { '_' } else { c }).filter(fits).take(64).collect();
    if name.is_empty() { "answer".to_owned() } else { name }
}

/// Whether every object of the schema closes itself and requires all its properties (specification,
/// structured outputs).
fn is_strict(schema: &Value) -> bool {
    let Value::Object(object) = schema else { return !schema.is_boolean() };
    let inner_fit = object.iter().all(|(key, value)| match (key.as_str(), value) {
        ("properties" | "$defs" | "definitions", Value::Object(map)) => map.values().all(is_strict),
        ("items" | "not", value) => is_strict(value),
        ("anyOf" | "oneOf" | "allOf" | "prefixItems", Value::Array(items)) => {
            items.iter().all(is_strict)
        }
        _ => true,
    });
    let is_object = object.get("type").is_some_and(|kind| *kind == "object")
        || object.contains_key("properties");
    if !is_object {
        return inner_fit;
    }
    let required: Vec<&str> = object
        .get("required")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let properties = object.get("properties").and_then(Value::as_object);
    let all = properties.is_some_and(|map| map.keys().all(|key| required.contains(&key.as_str())));
    inner_fit && all && object.get("additionalProperties") == Some(&Value::Bool(false))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strict_only_where_the_schema_allows_it() {
        let open = json!({"type": "object", "properties": {"城市": {"type": "string"}}});
        assert_eq!(json_schema(&open)["json_schema"].get("strict"), None);
        let mut closed = open;
        closed["required"] = json!(["城市"]);
        closed["additionalProperties"] = json!(false);
        assert_eq!(json_schema(&closed)["json_schema"]["strict"], json!(true));
        closed["properties"]["内"] = json!({"type": "object", "properties": {}});
        closed["required"] = json!(["城市", "内"]);
        assert!(!is_strict(&closed));
    }

    #[test]
    fn the_name_is_made_of_allowed_letters() {
        assert_eq!(name(&json!({"title": "My list: 城市"})), "My_list_");
        assert_eq!(name(&json!({"title": "城市"})), "answer");
        assert_eq!(name(&json!({})), "answer");
    }

    #[test]
    fn instructions_hold_the_schema_where_no_field_does() {
        let schema = json!({"type": "object"});
        let mut messages = vec![message("user", "你好")];
        instruct(&mut messages, &schema, Form::JsonSchema);
        assert_eq!(messages.len(), 1);
        instruct(&mut messages, &schema, Form::JsonObject);
        let said = messages[0]["content"].as_str().expect("a text").to_owned();
        assert!(said.contains("JSON") && said.ends_with(r#"{"type":"object"}"#), "{said}");
        messages[0] = message("system", "简短");
        instruct(&mut messages, &schema, Form::Instructions);
        assert_eq!(messages[0]["content"], format!("简短\n\n{said}"));
        assert_eq!(messages.len(), 2);
    }

    #[test]
    fn a_list_keeps_what_references_lead_to() {
        let item = json!({"$ref": "#/$defs/a", "$defs": {"a": {"type": "integer"}}});
        let list = list_of(&item);
        assert_eq!(list["properties"]["items"]["items"], json!({"$ref": "#/$defs/a"}));
        let validator = jsonschema::validator_for(&list).expect("is a schema");
        assert!(validator.is_valid(&json!({"items": [1]})));
        assert!(!validator.is_valid(&json!({"items": ["一"]})));
        let closed = short::schema("name, age int").expect("is a schema");
        assert_eq!(json_schema(&list_of(&closed))["json_schema"]["strict"], json!(true));
    }

    #[test]
    fn a_second_question_tells_what_was_wrong() {
        let mut body = Map::new();
        body.insert("messages".into(), json!([message("user", "你好")]));
        ask_again(&mut body, "5", "5 is not of type object");
        assert_eq!(body["messages"][1], message("assistant", "5"));
        let asked = body["messages"][2]["content"].as_str().expect("a text");
        assert!(asked.contains("5 is not of type object"), "{asked}");
    }
}
