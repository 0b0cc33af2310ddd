//! Answers that fit a JSON Schema: what every dialect asks for them with. Checks none.

mod items;
pub(crate) mod short;

use serde_json::{Value, json};

pub(crate) use crate::provider::SchemaForm;
pub(crate) use items::ItemSplitter;

/// The instructions with the schema, where the request's fields don't hold it.
pub(super) fn instructions(
    own: Option<&str>,
    schema: Option<&Value>,
    form: SchemaForm,
) -> Option<String> {
    let Some(schema) = schema.filter(|_| form != SchemaForm::JsonSchema) else {
        return own.map(str::to_owned);
    };
    // DeepSeek and DashScope refuse `json_object` where no message has the word JSON.
    let words = format!(
        "Answer with one JSON document and nothing else, without a code fence. It must fit this JSON Schema:\n{schema}"
    );
    Some(own.map_or_else(|| words.clone(), |own| format!("{own}\n\n{words}")))
}

/// What the user is made to say to an answer that does not fit; `why` is what is wrong with it.
pub(crate) fn correction(why: &str) -> String {
    format!(
        "That does not fit: {why}. Answer again with the whole corrected JSON and nothing else."
    )
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

/// The schema's title as a name: at most 64 of `a-zA-Z0-9_-` (specification, `response_format`).
pub(super) fn name(schema: &Value) -> String {
    let title = schema.get("title").and_then(Value::as_str).unwrap_or_default();
    let fits = |letter: &char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-');
    let name: String =
        title.chars().map(|c| if c == ' ' { '_' } else { c }).filter(fits).take(64).collect();
    if name.is_empty() { "answer".to_owned() } else { name }
}

/// Whether every object of the schema closes itself and requires all its properties (specification,
/// structured outputs): `strict` is refused otherwise.
pub(super) fn is_strict(schema: &Value) -> bool {
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
        assert!(!is_strict(&open));
        let mut closed = open;
        closed["required"] = json!(["城市"]);
        closed["additionalProperties"] = json!(false);
        assert!(is_strict(&closed));
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
        let said = |own, form| instructions(own, Some(&schema), form);
        assert_eq!(said(None, SchemaForm::JsonSchema), None);
        assert_eq!(said(Some("简短"), SchemaForm::JsonSchema).as_deref(), Some("简短"));
        let words = said(None, SchemaForm::JsonObject).expect("words");
        assert!(words.contains("JSON") && words.ends_with(r#"{"type":"object"}"#), "{words}");
        let both = said(Some("简短"), SchemaForm::Instructions);
        assert_eq!(both, Some(format!("简短\n\n{words}")));
        assert_eq!(instructions(None, None, SchemaForm::Instructions), None);
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
        assert!(is_strict(&list_of(&closed)));
    }
}
