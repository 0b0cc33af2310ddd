use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn schema(schema: Value) -> Value {
    repaired(&schema).expect("can be repaired").schema
}

#[test]
fn a_schema_that_is_right_stays_as_it_is() {
    for right in [
        json!({"type": "object", "properties": {}}),
        json!({"properties": {"a": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": null}},
            "required": ["a"], "type": "object", "additionalProperties": false}),
        json!({"type": "object", "properties": {"title": {"type": "string"}, "$id": {}, "enum":
            {"enum": [{"$ref": "#/x", "title": "kept", "type": 1}]}}}),
    ] {
        let repaired = repaired(&right).expect("is right");
        assert_eq!(repaired.schema.to_string(), right.to_string());
        assert_eq!(repaired.conditions, None);
    }
}

#[test]
fn what_is_missing_is_added() {
    let empty = json!({"type": "object", "properties": {}});
    for lacking in [json!(null), json!(true), json!({}), json!({"type": "object"})] {
        assert_eq!(schema(lacking), empty);
    }
    assert_eq!(
        schema(json!({"type": "object", "additionalProperties": false})),
        json!({"type": "object", "additionalProperties": false, "properties": {}})
    );
    assert_eq!(
        schema(json!({"properties": {"a": {}}, "required": true})).to_string(),
        r#"{"type":"object","properties":{"a":{}}}"#
    );
    let inner = json!({"type": "object", "properties": {}, "required": ["x", null, 2]});
    assert_eq!(
        schema(json!({"properties": {"a": inner, "b": {"required": true}}, "required": [1, "a"]})),
        json!({"type": "object", "required": ["a"], "properties":
            {"a": {"type": "object", "properties": {}, "required": ["x"]}, "b": {}}})
    );
    assert_eq!(schema(json!({"type": ["object", "null"], "properties": []})), empty);
    for bad in [json!([]), json!("x"), json!(false), json!({"type": "string"})] {
        assert!(repaired(&bad).is_err(), "{bad}");
    }
}

#[test]
fn what_says_nothing_of_the_arguments_is_dropped() {
    let given = json!({"$schema": "http://json-schema.org/draft-07/schema#", "$id": "x", "title": "Args",
        "type": "object", "$comment": "c", "properties": {"region": {"type": "string", "title": "Region",
        "x-mcp-header": "Region"}, "title": {"title": "kept: no type"}}});
    let sent = json!({"type": "object", "properties": {"region": {"type": "string"},
        "title": {"title": "kept: no type"}}});
    assert_eq!(schema(given), sent);
}

#[test]
fn references_are_followed_and_none_is_fetched() {
    let given = json!({"type": "object", "$defs": {"p": {"type": "string", "description": "a"}},
        "definitions": {"l": {"type": "array", "items": {"$ref": "#/$defs/p"}}},
        "properties": {
            "one": {"$ref": "#/$defs/p", "description": "own"},
            "list": {"$ref": "#/definitions/l"},
            "far": {"$ref": "https://example.com/schema.json", "description": "kept"},
            "none": {"$ref": "#/$defs/nothing"},
            "sibling": {"$ref": "#/properties/one"}}});
    let sent = json!({"type": "object", "properties": {
            "one": {"type": "string", "description": "own"},
            "list": {"type": "array", "items": {"type": "string", "description": "a"}},
            "far": {"description": "kept"},
            "none": {},
            "sibling": {"type": "string", "description": "own"}}});
    assert_eq!(schema(given), sent);
    let escaped = json!({"type": "object", "definitions": {"B C": {"type": "string"}, "a/b": {"type": "null"},
        "列": {"type": "integer"}, "100%": {"type": "number"}}, "properties": {
            "blank": {"$ref": "#/definitions/B%20C"}, "slash": {"$ref": "#/definitions/a~1b"},
            "word": {"$ref": "#/definitions/%E5%88%97"}, "sign": {"$ref": "#/definitions/100%"}}});
    let sent = json!({"type": "object", "properties": {"blank": {"type": "string"},
        "slash": {"type": "null"}, "word": {"type": "integer"}, "sign": {"type": "number"}}});
    assert_eq!(schema(escaped), sent);
    let root = json!({"$ref": "#/$defs/args", "$defs": {"args": {"type": "object",
        "properties": {"a": {"type": "integer"}}}}});
    assert_eq!(schema(root), json!({"type": "object", "properties": {"a": {"type": "integer"}}}));
}

#[test]
fn a_circle_of_references_ends() {
    let tree = json!({"type": "object", "properties": {"root": {"$ref": "#/$defs/node"}},
        "$defs": {"node": {"type": "object", "properties": {
            "children": {"type": "array", "items": {"$ref": "#/$defs/node"}}}}}});
    let text = schema(tree).to_string();
    assert_eq!(text.matches("children").count(), 5, "{text}");
    assert!(!text.contains("$ref") && text.contains("\"items\":{}"), "{text}");
    let itself = json!({"properties": {"again": {"$ref": "#"}}});
    assert!(!schema(itself).to_string().contains("$ref"));
    let wide: serde_json::Map<String, Value> =
        (0..100).map(|n| (format!("p{n}"), json!({"$ref": "#/$defs/node"}))).collect();
    let wide = json!({"$ref": "#/$defs/node", "$defs": {"node": {"properties": wide}}});
    assert!(repaired(&wide).is_err_and(|why| why.contains("more than")));
}

#[test]
fn branches_at_the_top_are_merged() {
    let one_of = json!([
        {"properties": {"kind": {"const": "a"}, "x": {"type": "integer"}}, "required": ["kind", "x"]},
        {"properties": {"kind": {"const": "b"}, "y": {"type": "string"}}, "required": ["kind"]},
        {"properties": {"kind": {"const": "c"}}, "required": ["kind", "y"]}]);
    let given = json!({"type": "object", "properties": {"id": {"type": "string"}}, "required": ["id"],
        "oneOf": one_of});
    let repaired = repaired(&given).expect("can be repaired");
    let sent = json!({"type": "object", "properties": {
            "id": {"type": "string"},
            "kind": {"anyOf": [{"const": "a"}, {"const": "b"}, {"const": "c"}]},
            "x": {"type": "integer"},
            "y": {"type": "string"}},
        "required": ["id", "kind"]});
    assert_eq!(repaired.schema, sent);
    assert_eq!(repaired.conditions, Some(json!({"oneOf": one_of})));
    let all = json!({"allOf": [{"$ref": "#/$defs/a"}, {"anyOf": [{"required": ["c"]}, {"required": ["d"]}]},
        {"properties": {"b": {}}, "required": ["b"]}], "$defs": {"a": {"properties": {"a": {}}, "required": ["a"]}}});
    assert_eq!(
        schema(all),
        json!({"type": "object", "properties": {"a": {}, "b": {}}, "required": ["a", "b"]})
    );
    let not =
        schema(json!({"type": "object", "properties": {"a": {}}, "not": {"required": ["a"]}}));
    assert_eq!(not, json!({"type": "object", "properties": {"a": {}}}));
}

fn any_schema() -> impl Strategy<Value = Value> {
    let key = prop::sample::select(vec![
        "type",
        "properties",
        "$ref",
        "oneOf",
        "allOf",
        "anyOf",
        "$defs",
        "a",
        "required",
        "items",
        "enum",
        "not",
    ]);
    let leaf = prop_oneof![
        Just(json!("object")),
        Just(json!("#")),
        Just(json!("#/$defs/a")),
        Just(json!(1)),
        Just(json!(null)),
    ];
    leaf.prop_recursive(5, 40, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((key.clone(), inner), 0..5).prop_map(|members| {
                Value::Object(members.into_iter().map(|(k, v)| (k.to_owned(), v)).collect())
            }),
        ]
    })
}

proptest! {
    #[test]
    fn whatever_comes_out_is_taken(given in any_schema()) {
        if let Ok(RepairedSchema { schema, .. }) = repaired(&given) {
            prop_assert_eq!(&schema["type"], "object");
            prop_assert!(schema["properties"].is_object());
            for name in CONDITIONS.iter().chain(&["$ref", "$defs"]) {
                prop_assert!(schema.get(name).is_none(), "{}", name);
            }
            prop_assert_eq!(&repaired(&schema).expect("again").schema, &schema);
        }
    }
}
