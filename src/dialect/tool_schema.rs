//! The schema of a tool's arguments in the form that a service takes: JSON Schema, or the part of OpenAPI 3.0
//! that Gemini has. Whoever runs the tool checks the arguments by its own schema.

use std::borrow::Cow;

use serde_json::{Map, Value, json};

use super::question::ToolDefinition;
use crate::provider::ToolSchemaForm;

/// What a schema may hold there (Gemini API, `Schema`). Anything else is refused: `Unknown name "const"`.
const KNOWN: [&str; 20] = [
    "type",
    "format",
    "title",
    "description",
    "nullable",
    "enum",
    "minItems",
    "maxItems",
    "properties",
    "required",
    "minProperties",
    "maxProperties",
    "minLength",
    "maxLength",
    "pattern",
    "anyOf",
    "default",
    "items",
    "minimum",
    "maximum",
];

/// The formats that it has, by type.
const FORMATS: [(&str, &[&str]); 3] = [
    ("string", &["date-time", "enum"]),
    ("integer", &["int32", "int64"]),
    ("number", &["float", "double"]),
];

/// The schema of a tool's arguments. `None` where nothing is to be said of them: an object without
/// properties is refused there.
pub(super) fn parameters(tool: &ToolDefinition, form: ToolSchemaForm) -> Option<Cow<'_, Value>> {
    let schema = match (form, &tool.parameters) {
        (ToolSchemaForm::OpenApi, Value::Object(schema)) => plain(schema),
        (_, schema) => return Some(Cow::Borrowed(schema)),
    };
    schema.contains_key("properties").then(|| Cow::Owned(schema.into()))
}

fn of_value(schema: &Value) -> Value {
    // `true` allows anything, as a schema that says nothing does.
    schema.as_object().map(plain).unwrap_or_default().into()
}

/// A schema in those words.
fn plain(schema: &Map<String, Value>) -> Map<String, Value> {
    let mut plain = schema.clone();
    for branch in taken(&mut plain, "allOf") {
        fill(&mut plain, branch);
    }
    let mut is_nullable = take_types(&mut plain) | take_values(&mut plain);
    is_nullable |= take_branches(&mut plain);
    if let Some(Value::Object(properties)) = plain.get_mut("properties") {
        properties.values_mut().for_each(|schema| *schema = of_value(schema));
        if properties.is_empty() {
            plain.shift_remove("properties");
        }
    }
    take_items(&mut plain);
    take_required(&mut plain);
    let kind = plain.get("type").and_then(Value::as_str).unwrap_or_default();
    let formats = FORMATS.iter().find(|(of, _)| *of == kind).map_or(&[][..], |(_, known)| known);
    if !plain.get("format").is_some_and(|format| formats.iter().any(|known| format == known)) {
        plain.shift_remove("format");
    }
    if is_nullable {
        plain.insert("nullable".to_owned(), true.into());
    }
    plain.retain(|name, value| {
        KNOWN.contains(&name.as_str()) && !(name == "default" && value.is_null())
    });
    alone(plain)
}

/// Takes the schemas of a list out.
fn taken(schema: &mut Map<String, Value>, name: &str) -> Vec<Map<String, Value>> {
    let Some(Value::Array(all)) = schema.shift_remove(name) else { return Vec::new() };
    let objects = all.into_iter().map(|one| match one {
        Value::Object(one) => one,
        _ => Map::new(),
    });
    objects.collect()
}

/// Adds what another schema says of the same value.
fn fill(schema: &mut Map<String, Value>, more: Map<String, Value>) {
    for (name, value) in more {
        match (schema.get_mut(&name), value) {
            (Some(Value::Object(own)), Value::Object(more)) if name == "properties" => {
                more.into_iter().for_each(|(name, schema)| {
                    own.entry(name).or_insert(schema);
                });
            }
            (Some(Value::Array(own)), Value::Array(more)) if name == "required" => {
                own.extend(more);
            }
            (Some(_), _) => {}
            (None, value) => {
                schema.insert(name, value);
            }
        }
    }
}

/// One type stays the type, several become alternatives. True if null is one of them.
fn take_types(schema: &mut Map<String, Value>) -> bool {
    let kinds = match schema.get("type") {
        Some(Value::Array(kinds)) => kinds.clone(),
        Some(kind) => vec![kind.clone()],
        None => return false,
    };
    let is_null = |kind: &Value| kind == "null";
    let is_nullable = kinds.iter().any(is_null);
    let mut kinds: Vec<Value> = kinds.into_iter().filter(|kind| !is_null(kind)).collect();
    schema.shift_remove("type");
    match kinds.len() {
        0 => {}
        1 => {
            schema.shift_insert(0, "type".to_owned(), kinds.remove(0));
        }
        _ => {
            let each = kinds.into_iter().map(|kind| json!({"type": kind}));
            schema.entry("anyOf").or_insert_with(|| each.collect());
        }
    }
    is_nullable
}

/// The values that are allowed: texts as they are, others in the description. True if null is one of
/// them.
fn take_values(schema: &mut Map<String, Value>) -> bool {
    let only = schema.shift_remove("const").map(|only| vec![only]);
    let values = match schema.shift_remove("enum") {
        Some(Value::Array(values)) => only.unwrap_or(values),
        _ => match only {
            Some(only) => only,
            None => return false,
        },
    };
    let is_nullable = values.iter().any(Value::is_null);
    let values: Vec<Value> = values.into_iter().filter(|value| !value.is_null()).collect();
    if values.is_empty() {
        return is_nullable;
    }
    if values.iter().all(Value::is_string) {
        schema.insert("type".to_owned(), "string".into());
        schema.insert("enum".to_owned(), values.into());
        return is_nullable;
    }
    let values: Vec<String> = values.iter().map(Value::to_string).collect();
    let what = format!("One of: {}", values.join(", "));
    let text = match schema.get("description").and_then(Value::as_str) {
        Some(text) if !text.is_empty() => format!("{text}. {what}"),
        _ => what,
    };
    schema.insert("description".to_owned(), text.into());
    is_nullable
}

/// Alternatives: a single one is the schema itself, those of an object with properties of its own go. True
/// if null is one of them.
fn take_branches(schema: &mut Map<String, Value>) -> bool {
    let mut branches = taken(schema, "oneOf");
    branches.extend(taken(schema, "anyOf"));
    let is_null =
        |branch: &Map<String, Value>| branch.get("type").is_some_and(|kind| kind == "null");
    let is_nullable = branches.iter().any(is_null);
    branches.retain(|branch| !is_null(branch));
    if schema.contains_key("properties") {
        return is_nullable;
    }
    match branches.len() {
        0 => {}
        1 => {
            let only = plain(&branches.remove(0));
            fill(schema, only);
        }
        _ => {
            let each = branches.iter().map(|branch| Value::Object(plain(branch)));
            schema.insert("anyOf".to_owned(), each.collect());
        }
    }
    is_nullable
}

/// Lists say of what they are.
fn take_items(schema: &mut Map<String, Value>) {
    let items = schema.shift_remove("items").or_else(|| schema.shift_remove("prefixItems"));
    let items = match items {
        Some(Value::Array(several)) => several.first().map(of_value),
        Some(Value::Object(items)) => Some(plain(&items).into()),
        _ => None,
    };
    let is_list = schema.get("type").is_some_and(|kind| kind == "array");
    let items = items.or_else(|| is_list.then(|| json!({"type": "string"})));
    if let Some(items) = items {
        schema.insert("items".to_owned(), items);
    }
}

/// Only what is a property can be required.
fn take_required(schema: &mut Map<String, Value>) {
    let Some(Value::Array(mut names)) = schema.shift_remove("required") else { return };
    let properties = schema.get("properties").and_then(Value::as_object);
    names.retain(|name| {
        let name = name.as_str().unwrap_or_default();
        properties.is_some_and(|properties| properties.contains_key(name))
    });
    if !names.is_empty() {
        schema.insert("required".to_owned(), names.into());
    }
}

/// Alternatives stand alone there; what is said beside them goes into each.
fn alone(mut schema: Map<String, Value>) -> Map<String, Value> {
    let Some(Value::Array(mut branches)) = schema.shift_remove("anyOf") else { return schema };
    schema.retain(|name, _| matches!(name.as_str(), "description" | "nullable" | "title"));
    for branch in branches.iter_mut().filter_map(Value::as_object_mut) {
        fill(branch, schema.clone());
    }
    Map::from_iter([("anyOf".to_owned(), branches.into())])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schema_is_told_in_the_words_of_openapi() {
        for (schema, expected) in [
            (
                json!({"type": ["string", "null"], "format": "uri"}),
                json!({"type": "string", "nullable": true}),
            ),
            (json!({"const": "a"}), json!({"type": "string", "enum": ["a"]})),
            (
                json!({"enum": [1, 2, null], "type": "integer", "description": "甲"}),
                json!({"type": "integer", "description": "甲. One of: 1, 2", "nullable": true}),
            ),
            (
                json!({"anyOf": [{"type": "integer"}, {"type": "null"}], "default": null, "description": "几"}),
                json!({"description": "几", "type": "integer", "nullable": true}),
            ),
            (
                json!({"oneOf": [{"type": "string"}, {"type": "array", "items": {"type": "integer", "exclusiveMinimum": 0}}], "description": "d"}),
                json!({"anyOf": [{"type": "string", "description": "d"}, {"type": "array", "items": {"type": "integer"}, "description": "d"}]}),
            ),
            (
                json!({"type": ["string", "integer"]}),
                json!({"anyOf": [{"type": "string"}, {"type": "integer"}]}),
            ),
            (json!({"type": "array"}), json!({"type": "array", "items": {"type": "string"}})),
            (
                json!({"type": "string", "format": "date-time"}),
                json!({"type": "string", "format": "date-time"}),
            ),
            (
                json!({"type": "object", "properties": {"a": true, "const": {"const": "x"}}, "required": ["a", "b"],
                "additionalProperties": false, "patternProperties": {"^x": {}}, "anyOf": [{"required": ["a"]}, {"required": ["const"]}]}),
                json!({"type": "object", "properties": {"a": {}, "const": {"type": "string", "enum": ["x"]}}, "required": ["a"]}),
            ),
            (
                json!({"allOf": [{"type": "object", "properties": {"a": {"type": "string"}}}, {"properties": {"b": {"type": "string"}}, "required": ["b"]}]}),
                json!({"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "string"}}, "required": ["b"]}),
            ),
        ] {
            assert_eq!(of_value(&schema), expected, "{schema}");
        }
    }

    #[test]
    fn a_tool_without_arguments_has_no_schema_there() {
        let schema = json!({"type": "object", "properties": {}, "additionalProperties": false});
        let tool =
            ToolDefinition { name: "t".to_owned(), description: None, parameters: schema.clone() };
        assert_eq!(parameters(&tool, ToolSchemaForm::OpenApi), None);
        assert_eq!(parameters(&tool, ToolSchemaForm::JsonSchema).as_deref(), Some(&schema));
    }
}
