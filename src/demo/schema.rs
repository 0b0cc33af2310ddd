//! Makes the smallest JSON value that fits a JSON Schema. It does not check
//! values.

use serde_json::{Map, Value, json};

/// The text of every string that may be anything.
const DEFAULT_TEXT: &str = "demo";

/// The most nodes of one document: schemas come from outside, and references can multiply without end.
const MAX_NODES: usize = 20_000;

/// The deepest nesting of one document.
const MAX_DEPTH: usize = 64;

/// A value that fits `schema`; `null` where there is none, as for a schema that refers to itself
/// endlessly.
///
/// Objects get all properties that end, strings are `demo`, numbers are the smallest allowed or zero,
/// arrays have as few elements as allowed but at least one (two objects), and of `enum`, `anyOf` and
/// `oneOf` the first possible choice is taken.
pub(crate) fn fill(schema: &Value) -> Value {
    fill_with(schema, DEFAULT_TEXT)
}

/// [`fill`] with `text` for every string that may be anything, unless it is empty.
pub(crate) fn fill_with(schema: &Value, text: &str) -> Value {
    let text = if text.is_empty() { DEFAULT_TEXT } else { text };
    let mut filler = SchemaFiller { root: schema, text, budget: MAX_NODES, active: Vec::new() };
    filler.value(schema, 0).unwrap_or_default()
}

struct SchemaFiller<'a> {
    root: &'a Value,
    text: &'a str,
    budget: usize,
    /// The references that are being resolved; one that appears twice would never end.
    active: Vec<&'a str>,
}

impl<'a> SchemaFiller<'a> {
    /// A value for a schema; `None` if none would end.
    fn value(&mut self, schema: &'a Value, depth: usize) -> Option<Value> {
        self.budget = self.budget.checked_sub(1)?;
        if depth > MAX_DEPTH {
            return None;
        }
        if let Some(fixed) = schema.get("const").or_else(|| list(schema, "enum").first()) {
            return Some(fixed.clone());
        }
        if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
            return self.referenced(reference, depth);
        }
        let chosen = ["anyOf", "oneOf"].into_iter().find(|word| schema.get(word).is_some());
        let composed = if let Some(word) = chosen {
            list(schema, word).iter().find_map(|choice| self.value(choice, depth + 1))?
        } else if let [first, rest @ ..] = list(schema, "allOf") {
            let mut merged = self.value(first, depth + 1)?;
            for part in rest {
                merged = with_members(merged, self.value(part, depth + 1)?);
            }
            merged
        } else {
            return self.by_type(schema, depth);
        };
        // Properties beside `anyOf`, `oneOf` or `allOf` belong to the same object.
        if !composed.is_object() || schema.get("properties").is_none() {
            return Some(composed);
        }
        Some(with_members(self.object(schema, depth)?, composed))
    }

    fn referenced(&mut self, reference: &'a str, depth: usize) -> Option<Value> {
        let target = self.root.pointer(reference.strip_prefix('#')?)?;
        if self.active.contains(&reference) {
            return None;
        }
        self.active.push(reference);
        let made = self.value(target, depth + 1);
        self.active.pop();
        made
    }

    fn by_type(&mut self, schema: &'a Value, depth: usize) -> Option<Value> {
        let named = list(schema, "type").first().or_else(|| schema.get("type"));
        let has = |word| schema.get(word).is_some();
        match named.and_then(Value::as_str) {
            Some("object") => self.object(schema, depth),
            Some("array") => self.array(schema, depth),
            Some("integer") => Some(number(schema, true)),
            Some("number") => Some(number(schema, false)),
            Some("boolean") => Some(Value::Bool(false)),
            Some("null") => Some(Value::Null),
            None if has("properties") || has("required") => self.object(schema, depth),
            None if has("items") || has("prefixItems") => self.array(schema, depth),
            None if has("minimum") || has("maximum") => Some(number(schema, false)),
            _ => Some(Value::String(string(schema, self.text))),
        }
    }

    fn object(&mut self, schema: &'a Value, depth: usize) -> Option<Value> {
        let required: Vec<&str> =
            list(schema, "required").iter().filter_map(Value::as_str).collect();
        let mut made = Map::new();
        let properties = schema.get("properties").and_then(Value::as_object);
        for (name, property) in properties.into_iter().flatten() {
            match self.value(property, depth + 1) {
                Some(value) => {
                    made.insert(name.clone(), value);
                }
                None if required.contains(&name.as_str()) => return None,
                None => {}
            }
        }
        let additional = schema.get("additionalProperties").filter(|schema| schema.is_object());
        for name in required {
            if !made.contains_key(name) {
                let value = match additional {
                    Some(additional) => self.value(additional, depth + 1)?,
                    None => json!(self.text),
                };
                made.insert(name.to_owned(), value);
            }
        }
        Some(Value::Object(made))
    }

    fn array(&mut self, schema: &'a Value, depth: usize) -> Option<Value> {
        let bound = |word| schema.get(word).and_then(Value::as_u64);
        let first = list(schema, "prefixItems");
        let fewest = bound("minItems").unwrap_or(0);
        // A single record would not show that it is a list.
        let is_of_records = schema.pointer("/items/type").is_some_and(|kind| *kind == "object");
        let usual = if is_of_records && schema.get("uniqueItems").is_none() { 2 } else { 1 };
        let most = bound("maxItems").unwrap_or(u64::MAX);
        let wanted = fewest.max(usual).max(first.len() as u64).min(most);
        let mut made = Vec::new();
        while (made.len() as u64) < wanted {
            let items = first.get(made.len()).or_else(|| schema.get("items"));
            match self.value(items.unwrap_or(&Value::Bool(true)), depth + 1) {
                Some(element) => made.push(element),
                None if made.len() as u64 >= fewest => break,
                None => return None,
            }
        }
        Some(Value::Array(made))
    }
}

/// The list under this keyword; empty if there is none.
fn list<'a>(schema: &'a Value, keyword: &str) -> &'a [Value] {
    schema.get(keyword).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// `base` with the members of `over`; anything but two objects is `over`.
fn with_members(base: Value, over: Value) -> Value {
    match (base, over) {
        (Value::Object(mut base), Value::Object(over)) => {
            base.extend(over);
            Value::Object(base)
        }
        (_, over) => over,
    }
}

fn number(schema: &Value, integer: bool) -> Value {
    let bound = |word| schema.get(word).and_then(Value::as_f64);
    let step = bound("multipleOf").filter(|step| *step > 0.0);
    let beside = step.unwrap_or(1.0);
    let mut chosen = match (bound("minimum"), bound("exclusiveMinimum")) {
        (Some(least), _) => least,
        (None, Some(below)) => below + beside,
        (None, None) => match (bound("maximum"), bound("exclusiveMaximum")) {
            (Some(most), _) => most.min(0.0),
            (None, Some(above)) if above <= 0.0 => above - beside,
            _ => 0.0,
        },
    };
    if let Some(step) = step {
        chosen = (chosen / step).ceil() * step;
    }
    if integer {
        // A cast of a float beyond the range of `i64` gives the nearest `i64`.
        json!(chosen.ceil() as i64)
    } else if chosen == chosen.trunc() && chosen.abs() < 1e15 {
        json!(chosen as i64)
    } else {
        json!(chosen)
    }
}

fn string(schema: &Value, text: &str) -> String {
    let of_format = match schema.get("format").and_then(Value::as_str) {
        Some("date-time") => "2000-01-01T00:00:00Z",
        Some("date") => "2000-01-01",
        Some("time") => "00:00:00Z",
        Some("duration") => "PT0S",
        Some("email") => "demo@example.com",
        Some("uri" | "url") => "https://example.com/demo",
        Some("hostname") => "example.com",
        Some("ipv4") => "127.0.0.1",
        Some("ipv6") => "::1",
        Some("uuid") => "00000000-0000-4000-8000-000000000000",
        _ => text,
    };
    let bound =
        |word| schema.get(word).and_then(Value::as_u64).map(|bound| bound.min(10_000) as usize);
    let longest = bound("maxLength").unwrap_or(usize::MAX);
    let length = bound("minLength").unwrap_or(0).max(of_format.chars().count()).min(longest);
    of_format.chars().cycle().take(length).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fills the schema and checks the result with a full validator.
    fn filled(schema: &Value) -> Value {
        let made = fill(schema);
        let validator = jsonschema::validator_for(schema).expect("the schema is valid");
        assert!(validator.is_valid(&made), "{made} does not fit {schema}");
        made
    }

    #[test]
    fn every_kind_has_its_value() {
        let schema = json!({"type": "object", "additionalProperties": false,
        "required": ["城市", "kind", "age", "share", "open", "tags", "none", "fixed", "maybe"],
        "properties": {
            "城市": {"type": "string"}, "kind": {"enum": ["甲", "乙"]}, "age": {"type": "integer", "minimum": 3},
            "share": {"type": "number", "exclusiveMinimum": 0, "multipleOf": 0.5}, "open": {"type": "boolean"},
            "tags": {"type": "array", "items": {"type": "string", "minLength": 6}, "minItems": 2},
            "none": {"type": "null"}, "fixed": {"const": {"a": 1}}, "maybe": {"type": ["integer", "null"]},
        }});
        let expected = json!({"城市": "demo", "kind": "甲", "age": 3, "share": 0.5, "open": false,
            "tags": ["demode", "demode"], "none": null, "fixed": {"a": 1}, "maybe": 0});
        assert_eq!(filled(&schema), expected);
    }

    #[test]
    fn bounds_are_kept() {
        assert_eq!(filled(&json!({"type": "integer", "maximum": -2})), -2);
        assert_eq!(filled(&json!({"type": "integer", "minimum": 7, "multipleOf": 5})), 10);
        assert_eq!(filled(&json!({"type": "number", "exclusiveMaximum": 0})), -1);
        assert_eq!(filled(&json!({"type": "string", "maxLength": 2})), "de");
        assert_eq!(filled(&json!({"type": "string", "format": "date"})), "2000-01-01");
        assert_eq!(filled(&json!({"type": "array", "maxItems": 0})), json!([]));
        assert_eq!(filled(&json!({"items": {"type": "object"}})), json!([{}, {}]));
        assert_eq!(
            filled(&json!({"prefixItems": [{"type": "integer"}, {"type": "null"}]})),
            json!([0, null])
        );
        assert_eq!(filled(&json!({"type": "object", "required": ["x"]})), json!({"x": "demo"}));
        assert_eq!(filled(&json!(true)), "demo");
    }

    #[test]
    fn references_and_choices_are_resolved() {
        let schema = json!({"$defs": {"place": {"type": "object", "properties": {"name": {"type": "string"}}}},
        "type": "object", "properties": {
            "from": {"$ref": "#/$defs/place"}, "to": {"$ref": "#/$defs/place"},
            "by": {"anyOf": [{"type": "integer"}, {"type": "string"}]},
            "all": {"allOf": [{"type": "object", "properties": {"a": {"type": "null"}}},
                {"type": "object", "properties": {"b": {"type": "boolean"}}}]},
        }});
        let expected = json!({"from": {"name": "demo"}, "to": {"name": "demo"}, "by": 0,
            "all": {"a": null, "b": false}});
        assert_eq!(filled(&schema), expected);
    }

    #[test]
    fn what_refers_to_itself_ends() {
        let tree = json!({"type": "object", "required": ["children", "next"], "properties": {
            "children": {"type": "array", "items": {"$ref": "#"}},
            "next": {"anyOf": [{"$ref": "#"}, {"type": "null"}]}, "other": {"$ref": "#"}}});
        let inner = json!({"children": [], "next": null});
        assert_eq!(filled(&tree), json!({"children": [inner], "next": inner, "other": inner}));
        assert_eq!(fill(&json!({"$ref": "#"})), Value::Null);
        assert_eq!(fill(&json!({"$ref": "#/nowhere"})), Value::Null);
    }

    #[test]
    fn a_hostile_schema_costs_no_more_than_the_budget() {
        let mut definitions = Map::new();
        for level in 0..30 {
            let next = json!({"$ref": format!("#/$defs/d{}", level + 1)});
            definitions.insert(
                format!("d{level}"),
                json!({"type": "array", "minItems": 9, "items": next}),
            );
        }
        definitions.insert("d30".to_owned(), json!({"type": "string"}));
        assert_eq!(fill(&json!({"$defs": definitions, "$ref": "#/$defs/d0"})), Value::Null);
        assert_eq!(fill(&json!({"type": "array", "minItems": 4_000_000_000u64})), Value::Null);
    }
}
