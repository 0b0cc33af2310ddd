//! The short form of a schema, `name, age int, tags list: what it is about`, as a JSON Schema.

use serde_json::{Map, Value, json};

/// The types of fields, each with its other names.
const TYPES: [(&str, &[&str]); 5] = [
    ("str", &["string", "text"]),
    ("int", &["integer"]),
    ("float", &["number", "num"]),
    ("bool", &["boolean"]),
    ("list", &["array"]),
];

/// Reads the short form: fields with commas or, where it has several lines, line ends between them;
/// a field is a name, a type if it is not text, and behind a colon what it means. `list` is one of
/// texts, `list int` one of whole numbers. Commas and colons may be Chinese ones.
///
/// Every field is required and no other is allowed, which is what OpenAI's strict mode asks for.
///
/// # Errors
/// What is wrong, in words.
pub(crate) fn schema(text: &str) -> Result<Value, String> {
    let text = text.trim();
    // Behind a line's colon a comma is part of the words.
    let parts: Vec<&str> = match text.contains('\n') {
        true => text.lines().map(|line| line.trim().trim_end_matches([',', '，'])).collect(),
        false => text.split([',', '，']).collect(),
    };
    let mut properties = Map::new();
    let fields = parts.iter().map(|part| part.trim()).filter(|part| !part.is_empty());
    for part in fields {
        let (name, property) = field(part)?;
        if properties.insert(name.to_owned(), property).is_some() {
            return Err(format!("names the field `{name}` twice"));
        }
    }
    if properties.is_empty() {
        return Err("names no field".to_owned());
    }
    let required: Vec<&String> = properties.keys().collect();
    Ok(json!({
        "type": "object", "properties": properties, "required": required,
        "additionalProperties": false,
    }))
}

/// One field: its name and the schema of its value.
fn field(part: &str) -> Result<(&str, Value), String> {
    let (head, meaning) = match part.split_once([':', '：']) {
        Some((head, meaning)) => (head, meaning.trim()),
        None => (part, ""),
    };
    let mut words: Vec<&str> = head.split_whitespace().collect();
    // `age: int`, as in Python: a type alone behind the colon is meant as one.
    let behind: Vec<&str> = meaning.split_whitespace().collect();
    let is_type = match behind[..] {
        [kind] => known(kind).is_some(),
        [list, kind] => known(list) == Some("list") && known(kind).is_some(),
        _ => false,
    };
    let meaning = if is_type && words.len() == 1 { "" } else { meaning };
    if meaning.is_empty() {
        words.extend(behind);
    }
    let (name, mut property) = match words[..] {
        [name] => (name, json!({"type": "string"})),
        [name, kind] => (name, of_type(kind)?),
        [name, list, kind] if known(list) == Some("list") => {
            (name, json!({"type": "array", "items": of_type(kind)?}))
        }
        _ => {
            return Err(format!(
                "has a field that is not valid: `{}`; write NAME, NAME TYPE or NAME TYPE: MEANING",
                part.trim()
            ));
        }
    };
    let is_letter = |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '-' | '.');
    if !name.chars().all(is_letter) {
        return Err(format!(
            "has a name that is not valid: `{name}`; use letters, digits, `_` and `-`"
        ));
    }
    if !meaning.is_empty() {
        property["description"] = meaning.into();
    }
    Ok((name, property))
}

fn known(word: &str) -> Option<&'static str> {
    let is_meant = |(name, others): &&(&str, &[&str])| *name == word || others.contains(&word);
    TYPES.iter().find(is_meant).map(|(name, _)| *name)
}

fn of_type(word: &str) -> Result<Value, String> {
    Ok(match known(word) {
        Some("int") => json!({"type": "integer"}),
        Some("float") => json!({"type": "number"}),
        Some("bool") => json!({"type": "boolean"}),
        Some("list") => json!({"type": "array", "items": {"type": "string"}}),
        Some(_) => json!({"type": "string"}),
        None => {
            let names: Vec<&str> = TYPES.iter().map(|(name, _)| *name).collect();
            return Err(format!("has no type `{word}`; types are {}", names.join(", ")));
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn properties(text: &str) -> Value {
        schema(text).expect("is a schema")["properties"].take()
    }

    #[test]
    fn fields_have_names_types_and_meanings() {
        let expected = json!({
            "name": {"type": "string"}, "age": {"type": "integer"},
            "tags": {"type": "array", "items": {"type": "string"}, "description": "comma separated"},
            "share": {"type": "number"}, "open": {"type": "boolean"},
            "years": {"type": "array", "items": {"type": "integer"}},
        });
        let text =
            "name, age int, tags list: comma separated, share float, open bool, years list int,";
        assert_eq!(properties(text), expected);
        let all = schema(text).expect("is a schema");
        assert_eq!(all["required"], json!(["name", "age", "tags", "share", "open", "years"]));
        assert_eq!(all["additionalProperties"], false);
    }

    #[test]
    fn lines_separate_fields_too_and_then_commas_are_words() {
        let expected = json!({
            "城市": {"type": "string", "description": "中文名，不带省份"},
            "人口": {"type": "integer", "description": "a, b: c"},
        });
        assert_eq!(properties("城市：中文名，不带省份\r\n\n人口 int: a, b: c,\n"), expected);
        assert_eq!(properties("城市，人口 int：万").as_object().map(Map::len), Some(2));
    }

    #[test]
    fn a_type_behind_a_colon_is_a_type() {
        let plain = properties("name str, age int, tags list int, ok bool");
        assert_eq!(properties("name: str, age: int, tags: list int, ok：bool"), plain);
        // With a type before the colon, words are words.
        let said = properties("age int: number, kind: text of the law");
        assert_eq!(said["age"], json!({"type": "integer", "description": "number"}));
        assert_eq!(said["kind"], json!({"type": "string", "description": "text of the law"}));
    }

    #[test]
    fn what_is_wrong_is_told() {
        for (text, words) in [
            ("", "names no field"),
            (" ，, ", "names no field"),
            ("age integr", "has no type `integr`; types are str, int, float, bool, list"),
            ("full name str", "has a field that is not valid: `full name str`"),
            ("a, a int", "names the field `a` twice"),
            ("a[] int", "has a name that is not valid: `a[]`"),
            (": words", "has a field that is not valid: `: words`"),
        ] {
            let error = schema(text).expect_err(text);
            assert!(error.starts_with(words), "{text}: {error}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_read_is_a_schema(text in "([a你]{1,2}|int|list| |,|：|\n){0,12}") {
            if let Ok(schema) = schema(&text) {
                prop_assert!(jsonschema::validator_for(&schema).is_ok());
            }
        }
    }
}
