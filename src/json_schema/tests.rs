use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

/// What is wrong with a value, in words; nothing if it fits.
fn check(schema: &Value, value: &Value) -> String {
    let schema = Schema::new(schema.clone()).unwrap_or_else(|why| panic!("{schema}: {why}"));
    schema.check(value).map_or_else(|misfit| misfit.to_string(), |()| String::new())
}

#[test]
fn the_first_misfit_is_told_with_its_place() {
    let long = "好".repeat(60);
    for (schema, value, words) in [
        (json!({"type": "integer"}), json!("二"), "\"二\" is not of type \"integer\""),
        (
            json!({"type": ["null", "array"]}),
            json!({}),
            "an object is not of type \"null\", \"array\"",
        ),
        (json!({"enum": ["甲", 2, []]}), json!(3), "3 is not one of \"甲\", 2, an array"),
        (json!({"const": 1}), json!("1"), "\"1\" is not 1"),
        (json!({"required": ["a"]}), json!({}), "\"a\" is a required property"),
        (
            json!({"additionalProperties": false}),
            json!({"b": 1}),
            "the property \"b\" is not allowed",
        ),
        (
            json!({"properties": {"年/月": {"items": {"minimum": 2}}}}),
            json!({"年/月": [2, 1]}),
            "1 is less than the minimum of 2 at /年~1月/1",
        ),
        (json!({"exclusiveMaximum": 2}), json!(2), "2 is not less than 2"),
        (json!({"multipleOf": 0.01}), json!(0.075), "0.075 is not a multiple of 0.01"),
        (json!({"minLength": 2}), json!("好"), "a text has fewer than 2 characters"),
        (
            json!({"pattern": "^(?!x)\\p{Han}+$"}),
            json!("x好"),
            "\"x好\" does not match `^(?!x)\\p{Han}+$`",
        ),
        (
            json!({"pattern": "b"}),
            json!(long),
            &format!("\"{}…\" does not match `b`", "好".repeat(40)),
        ),
        (json!({"maxItems": 1}), json!([1, 2]), "an array has more than 1 items"),
        (
            json!({"uniqueItems": true}),
            json!([{"a": 1, "b": 2}, {"b": 2, "a": 1.0}]),
            "an array has the same item twice",
        ),
        (
            json!({"contains": {"type": "null"}}),
            json!([1]),
            "an array has no item that fits `contains`",
        ),
        (
            json!({"propertyNames": {"maxLength": 1}}),
            json!({"ab": 1}),
            "the name of a property: a text has more than 1 characters",
        ),
        (
            json!({"dependentRequired": {"a": ["b"]}}),
            json!({"a": 1}),
            "\"b\" is a required property",
        ),
        (
            json!({"anyOf": [{"type": "string"}, {"type": "null"}]}),
            json!(1),
            "1 fits no schema of `anyOf`",
        ),
        (
            json!({"oneOf": [{"minimum": 1}, {"type": "integer"}]}),
            json!(2),
            "2 fits more than one schema of `oneOf`",
        ),
        (json!({"not": {"type": "null"}}), json!(null), "null fits the schema of `not`"),
        (
            json!({"if": {"type": "string"}, "then": {"minLength": 1}, "else": false}),
            json!(1),
            "nothing is allowed here",
        ),
        (
            json!({"allOf": [{"properties": {"a": {}}}], "unevaluatedProperties": false}),
            json!({"a": 1, "b": 2}),
            "nothing is allowed here at /b",
        ),
    ] {
        assert_eq!(check(&schema, &value), words, "{schema}");
    }
}

#[test]
fn the_misfit_of_a_union_is_that_of_the_branch_that_was_meant() {
    let schema = json!({"anyOf": [
        {"type": "null"},
        {"type": "object", "properties": {"kind": {"const": "a"}, "n": {"type": "integer"}}},
    ]});
    assert_eq!(
        check(&schema, &json!({"kind": "a", "n": "x"})),
        "\"x\" is not of type \"integer\" at /n"
    );
}

#[test]
fn a_count_of_what_is_contained_is_no_keyword_of_older_drafts() {
    let schema = |draft: &str, least: u32| {
        json!({"$schema": format!("{draft}/schema"), "contains": {"const": 1}, "minContains": least,
            "maxContains": 1})
    };
    let (older, newer) =
        ("http://json-schema.org/draft-07", "https://json-schema.org/draft/2020-12");
    assert_eq!(check(&schema(older, 2), &json!([1])), "");
    assert_eq!(check(&schema(older, 0), &json!([1, 1])), "");
    let words = "an array has no item that fits `contains`";
    assert_eq!(check(&schema(older, 0), &json!([2])), words);
    assert_eq!(check(&schema(newer, 0), &json!([2])), "");
    assert!(check(&schema(newer, 2), &json!([1])).contains("fewer than 2"));
}

#[test]
fn a_schema_that_constrains_nothing_is_known() {
    for (schema, expected) in [
        (json!({}), true),
        (json!({"type": "object"}), true),
        (json!({"name": "str"}), true),
        (json!({"name": {"type": "string"}}), true),
        (json!({"title": "A", "type": "object", "properties": {}, "required": []}), true),
        (json!({"$defs": {"a": {"type": "string"}}, "additionalProperties": true}), true),
        (json!({"type": "array"}), false),
        (json!({"type": ["object", "null"]}), false),
        (json!({"properties": {"a": {}}}), false),
        (json!({"required": ["a"]}), false),
        (json!({"additionalProperties": false}), false),
        (json!({"$ref": "#/x", "x": {"type": "object"}}), false),
        (json!({"enum": [1]}), false),
        (json!({"const": {}}), false),
        (json!({"minimum": 1}), false),
    ] {
        let read = Schema::new(schema.clone()).expect("a schema");
        assert_eq!(read.constrains_nothing(), expected, "{schema}");
    }
}

#[test]
fn what_is_no_schema_is_told() {
    for (schema, words) in [
        (
            json!({"type": "nonsense"}),
            "/type must be array, boolean, integer, null, number, object, string, or a list of these",
        ),
        (
            json!({"properties": {"a/b": {"minLength": -1}}}),
            "/properties/a~1b/minLength must be a whole number that is not negative",
        ),
        (json!({"anyOf": []}), "/anyOf must be a list of schemas"),
        (json!({"required": ["a", "b", "a"]}), "/required must be a list of names, each once"),
        (json!({"dependentRequired": {"a": ["b", "b"]}}), "/dependentRequired must be"),
        (json!({"items": 5}), "/items must be a schema or a list of schemas"),
        (json!({"$ref": "#/$defs/none"}), "it refers to `#/$defs/none`, which is not in it"),
        (
            json!({"$ref": "https://example.com/a.json"}),
            "it refers to `https://example.com/a.json`, which is not in it",
        ),
        (
            json!({"$ref": "file:///etc/passwd"}),
            "it refers to `file:///etc/passwd`, which is not in it",
        ),
        (json!({"pattern": "("}), "it has the pattern `(`, which can't be read: "),
        // A schema is checked where it is referred to as well.
        (json!({"$ref": "#/x", "x": {"type": 5}}), "/x/type must be"),
    ] {
        let why = Schema::new(schema).expect_err(words);
        assert!(why.starts_with(words), "{why}");
    }
}

#[test]
fn references_lead_to_what_they_name() {
    for schema in [
        json!({"$defs": {"a b": {"type": "integer"}}, "$ref": "#/$defs/a%20b"}),
        json!({"definitions": {"a": {"$anchor": "here", "type": "integer"}}, "$ref": "#here"}),
        json!({"$id": "https://example.com/s", "$defs": {"a": {"type": "integer"}}, "$ref": "https://example.com/s#/$defs/a"}),
        json!({"$defs": {"a": {"$id": "urn:a", "type": "integer"}}, "$ref": "urn:a"}),
        json!({"$schema": "http://json-schema.org/draft-07/schema#", "definitions": {"a": {"type": "integer"}},
            "$ref": "#/definitions/a", "minimum": 9}),
    ] {
        assert_eq!(check(&schema, &json!(1)), "", "{schema}");
        assert_eq!(check(&schema, &json!("1")), "\"1\" is not of type \"integer\"", "{schema}");
    }
}

#[test]
fn nested_unions_and_loops_take_little_time_and_stack() {
    // Each level has two branches that try the next one: 2 to the 80th, if none is remembered.
    let node = |kind: &str| {
        json!({"type": "object", "required": ["child"],
        "properties": {"child": {"$ref": "#/$defs/node"}, "kind": {"const": kind}}})
    };
    let schema = json!({"$ref": "#/$defs/node",
        "$defs": {"node": {"anyOf": [node("a"), node("b"), {"type": "integer"}]}}});
    let nested = |leaf: Value, levels: u32| {
        (0..levels).fold(leaf, |child, _| json!({"child": child, "kind": "b"}))
    };
    assert_eq!(check(&schema, &nested(json!(1), 80)), "");
    let words = check(&schema, &nested(json!("一"), 80));
    assert!(words.contains("fits no schema of `anyOf` at /child/child"), "{words}");
    let words = check(&schema, &nested(json!(1), 120));
    assert!(words.contains("nests too deep to be checked"), "{words}");
    for schema in [json!({"$ref": "#"}), json!({"allOf": [{"$ref": "#"}]})] {
        assert_eq!(check(&schema, &json!(1)), "its schema refers to itself without end");
    }
    let schema = json!({"anyOf": [{"$ref": "#"}, {"properties": {"a": true}}], "unevaluatedProperties": false});
    assert_eq!(check(&schema, &json!({"a": 1})), "");
    // A pattern that would take 2 to the 40th steps.
    let words = check(&json!({"pattern": "^(a+)+(?=b)$"}), &json!("a".repeat(40)));
    assert!(words.contains("does not match"), "{words}");
}

/// Values of few names and numbers, so that they often fit.
fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(Value::from),
        (-3_i64..4).prop_map(Value::from),
        (-6_i64..7).prop_map(|halves| json!(halves as f64 / 2.0)),
        "[ab你]{0,3}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec(("[abc]", inner), 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn schemas() -> impl Strategy<Value = Value> {
    let types = prop::sample::select(vec![
        "array", "boolean", "integer", "null", "number", "object", "string",
    ]);
    let leaf = prop_oneof![
        any::<bool>().prop_map(Value::from),
        types.clone().prop_map(|name| json!({"type": name})),
        prop::collection::vec(types, 1..3)
            .prop_filter("no type twice", |names| names
                .iter()
                .collect::<std::collections::HashSet<_>>()
                .len()
                == names.len())
            .prop_map(|names| json!({"type": names})),
        prop::collection::vec(values(), 1..3).prop_map(|values| json!({"enum": values})),
        values().prop_map(|value| json!({"const": value})),
        (
            prop::sample::select(vec![
                "minimum",
                "maximum",
                "exclusiveMinimum",
                "exclusiveMaximum"
            ]),
            -4_i32..5
        )
            .prop_map(|(name, halves)| json!({name: f64::from(halves) / 2.0})),
        (1_i32..4).prop_map(|halves| json!({"multipleOf": f64::from(halves) / 2.0})),
        (
            prop::sample::select(vec![
                "minLength",
                "maxLength",
                "minItems",
                "maxItems",
                "minProperties",
                "maxProperties"
            ]),
            0_u32..4
        )
            .prop_map(|(name, count)| json!({name: count})),
        prop::sample::select(vec!["^a", "你$", "a.", "^(?!b)"])
            .prop_map(|pattern| json!({"pattern": pattern})),
        Just(json!({"uniqueItems": true})),
        prop::collection::hash_set("[abc]", 0..3).prop_map(|names| json!({"required": names})),
        ("[abc]", prop::collection::hash_set("[abc]", 0..2))
            .prop_map(|(name, names)| json!({"dependentRequired": {name: names}})),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let one = prop::sample::select(vec![
            "additionalProperties", "contains", "items", "not", "propertyNames",
            "unevaluatedItems", "unevaluatedProperties", "if", "then", "else",
        ]);
        let list = prop::sample::select(vec!["allOf", "anyOf", "oneOf", "prefixItems"]);
        let map = prop::sample::select(vec!["properties", "patternProperties", "dependentSchemas"]);
        let keyword = prop_oneof![
            3 => (one, inner.clone()).prop_map(|(name, schema)| (name, schema)),
            2 => (list, prop::collection::vec(inner.clone(), 1..4)).prop_map(|(name, list)| (name, Value::from(list))),
            3 => (map, prop::collection::hash_map("[abc]", inner.clone(), 0..3))
                .prop_map(|(name, map)| (name, Value::Object(map.into_iter().collect()))),
        ];
        (inner, prop::collection::vec(keyword, 1..4)).prop_map(|(base, keywords)| {
            let mut rules = base.as_object().cloned().unwrap_or_default();
            rules.extend(keywords.into_iter().map(|(name, value)| (name.to_owned(), value)));
            Value::Object(rules)
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]
    #[test]
    fn verdicts_are_those_of_a_whole_validator(schema in schemas(), value in values()) {
        let expected = jsonschema::validator_for(&schema).expect("is a schema").is_valid(&value);
        let words = check(&schema, &value);
        prop_assert_eq!(words.is_empty(), expected, "{} {} {}", schema, value, words);
    }
}
