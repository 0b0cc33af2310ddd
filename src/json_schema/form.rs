//! The form of a schema: which keyword has which kind of value, and where a `$ref` leads.

use std::collections::{HashMap, HashSet};

use fancy_regex::Regex;
use serde_json::{Map, Value};

use super::ecma;
use super::misfit::escaped;

/// What reading a schema finds.
#[derive(Debug, Default)]
pub(super) struct ReadSchema {
    /// By their text.
    pub(super) patterns: HashMap<String, Regex>,
    pub(super) places: ReferenceTargets,
}

/// Where references lead.
#[derive(Debug, Default)]
pub(super) struct ReferenceTargets {
    /// JSON Pointers by `$id`, and by `#` with an anchor.
    named: HashMap<String, String>,
    /// Before 2019-09 nothing beside a `$ref` counts.
    pub(super) is_ref_alone: bool,
}

impl ReferenceTargets {
    /// The JSON Pointer of what a reference names, if it can be in the document.
    fn pointer(&self, reference: &str) -> Option<String> {
        if let Some(pointer) = self.named.get(reference) {
            return Some(pointer.clone());
        }
        let (resource, fragment) = reference.split_once('#').unwrap_or((reference, ""));
        let base = if resource.is_empty() { "" } else { self.named.get(resource)? };
        match fragment {
            "" => Some(base.to_owned()),
            anchor if !anchor.starts_with('/') => self.named.get(&format!("#{anchor}")).cloned(),
            pointer => Some(format!("{base}{}", unescaped(pointer))),
        }
    }

    /// The schema that a reference names.
    pub(super) fn target<'a>(&self, root: &'a Value, reference: &str) -> Option<&'a Value> {
        root.pointer(&self.pointer(reference)?)
    }
}

/// A fragment without its percent signs (RFC 3986, section 2.1).
pub(crate) fn unescaped(fragment: &str) -> String {
    let mut parts = fragment.split('%');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        match part.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                bytes.extend_from_slice(&part.as_bytes()[2..]);
            }
            None => bytes.extend([b"%", part.as_bytes()].concat()),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The form of a keyword's value.
#[derive(Debug, Clone, Copy, PartialEq)]
enum KeywordForm {
    Schema,
    SchemaList,
    SchemaMap,
    SchemaOrList,
    SchemaOrNamesMap,
    Names,
    NamesMap,
    Types,
    Text,
    Count,
    Number,
    Positive,
    /// A number; in draft 4 `true` or `false`.
    NumberOrFlag,
    Flag,
    List,
}

const FORMS: [(KeywordForm, &[&str], &str); 15] = [
    (
        KeywordForm::Schema,
        &[
            "additionalItems",
            "additionalProperties",
            "contains",
            "else",
            "if",
            "not",
            "propertyNames",
            "then",
            "unevaluatedItems",
            "unevaluatedProperties",
        ],
        "a schema",
    ),
    (KeywordForm::SchemaList, &["allOf", "anyOf", "oneOf", "prefixItems"], "a list of schemas"),
    (
        KeywordForm::SchemaMap,
        &["$defs", "definitions", "dependentSchemas", "patternProperties", "properties"],
        "an object of schemas",
    ),
    (KeywordForm::SchemaOrList, &["items"], "a schema or a list of schemas"),
    (KeywordForm::SchemaOrNamesMap, &["dependencies"], "an object of schemas or lists of names"),
    (KeywordForm::Names, &["required"], "a list of names, each once"),
    (KeywordForm::NamesMap, &["dependentRequired"], "an object of lists of names"),
    (
        KeywordForm::Types,
        &["type"],
        "array, boolean, integer, null, number, object, string, or a list of these",
    ),
    (
        KeywordForm::Text,
        &["$anchor", "$dynamicAnchor", "$dynamicRef", "$id", "$recursiveRef", "$ref", "pattern"],
        "a text",
    ),
    (
        KeywordForm::Count,
        &[
            "maxContains",
            "maxItems",
            "maxLength",
            "maxProperties",
            "minContains",
            "minItems",
            "minLength",
            "minProperties",
        ],
        "a whole number that is not negative",
    ),
    (KeywordForm::Number, &["maximum", "minimum"], "a number"),
    (KeywordForm::Positive, &["multipleOf"], "a number above 0"),
    (KeywordForm::NumberOrFlag, &["exclusiveMaximum", "exclusiveMinimum"], "a number"),
    (KeywordForm::Flag, &["uniqueItems"], "true or false"),
    (KeywordForm::List, &["enum"], "a list"),
];

/// Keywords that say nothing of a value by themselves.
const NAMING: [&str; 5] = ["$anchor", "$defs", "$dynamicAnchor", "$id", "definitions"];

/// Whether a member of a schema says more of a value than that it is an object.
pub(super) fn is_constraint((name, value): (&String, &Value)) -> bool {
    let is_empty = match value {
        Value::Object(map) => map.is_empty(),
        Value::Array(list) => list.is_empty(),
        value => *value == Value::Bool(true),
    };
    let name = name.as_str();
    let is_keyword = || FORMS.iter().any(|(_, names, _)| names.contains(&name));
    match name {
        "type" => value != "object",
        "const" | "enum" | "not" => true,
        "format" => value.is_string(),
        _ => !is_empty && !NAMING.contains(&name) && is_keyword(),
    }
}

const TYPES: [&str; 7] = ["array", "boolean", "integer", "null", "number", "object", "string"];

impl KeywordForm {
    fn is_of(self, value: &Value) -> bool {
        let is_schema = |value: &Value| value.is_object() || value.is_boolean();
        let is_type = |value: &Value| value.as_str().is_some_and(|name| TYPES.contains(&name));
        let are = |is: &dyn Fn(&Value) -> bool| {
            value.as_array().is_some_and(|list| list.iter().all(is))
                || value.as_object().is_some_and(|map| map.values().all(is))
        };
        match self {
            Self::Schema => is_schema(value),
            Self::SchemaList => {
                value.as_array().is_some_and(|list| !list.is_empty()) && are(&is_schema)
            }
            Self::SchemaMap => value.is_object() && are(&is_schema),
            Self::SchemaOrList => is_schema(value) || (value.is_array() && are(&is_schema)),
            Self::SchemaOrNamesMap => {
                value.is_object() && are(&|one| is_schema(one) || Self::Names.is_of(one))
            }
            Self::Names => {
                let names = value.as_array().map_or(&[][..], Vec::as_slice);
                let each: HashSet<_> = names.iter().filter_map(Value::as_str).collect();
                value.is_array() && each.len() == names.len()
            }
            Self::NamesMap => value.is_object() && are(&|one| Self::Names.is_of(one)),
            Self::Types => {
                let is_list = value.as_array().is_some_and(|types| !types.is_empty());
                is_type(value) || (is_list && are(&is_type))
            }
            Self::Text => value.is_string(),
            Self::Count => value.as_f64().is_some_and(|count| count >= 0.0 && count.fract() == 0.0),
            Self::Number => value.is_number(),
            Self::Positive => value.as_f64().is_some_and(|step| step > 0.0),
            Self::NumberOrFlag => value.is_number() || value.is_boolean(),
            Self::Flag => value.is_boolean(),
            Self::List => value.is_array(),
        }
    }
}

/// Reads a schema with all that it holds and refers to.
///
/// # Errors
/// Words for what is wrong.
pub(super) fn read(root: &Value) -> Result<ReadSchema, String> {
    let mut reader = Reader::default();
    let dialect = root.get("$schema").and_then(Value::as_str).unwrap_or_default();
    reader.read.places.is_ref_alone =
        ["draft-04", "draft-06", "draft-07"].iter().any(|draft| dialect.contains(draft));
    reader.waiting.push((String::new(), root));
    loop {
        while let Some((pointer, schema)) = reader.waiting.pop() {
            if reader.seen.insert(pointer.clone()) {
                reader.schema(&pointer, schema)?;
            }
        }
        // What is referred to may stand where no keyword is.
        let Some(reference) = reader.references.pop() else { return Ok(reader.read) };
        let pointer = reader.read.places.pointer(reference);
        let target = pointer.and_then(|pointer| Some((root.pointer(&pointer)?, pointer)));
        let Some((schema, pointer)) = target else {
            return Err(format!("it refers to `{reference}`, which is not in it"));
        };
        reader.waiting.push((pointer, schema));
    }
}

#[derive(Default)]
struct Reader<'a> {
    read: ReadSchema,
    /// The pointers of the schemas that were read.
    seen: HashSet<String>,
    waiting: Vec<(String, &'a Value)>,
    references: Vec<&'a str>,
}

impl<'a> Reader<'a> {
    fn schema(&mut self, pointer: &str, schema: &'a Value) -> Result<(), String> {
        let Some(rules) = schema.as_object() else {
            let is_schema = schema.is_boolean();
            return is_schema.then_some(()).ok_or_else(|| format!("{pointer} is no schema"));
        };
        for (form, names, words) in FORMS {
            for name in names {
                let Some(value) = rules.get(*name) else { continue };
                let place = format!("{pointer}/{name}");
                if !form.is_of(value) {
                    return Err(format!("{place} must be {words}"));
                }
                self.wait_for(form, place, value);
            }
        }
        self.name(pointer, rules);
        let pattern = rules.get("pattern").and_then(Value::as_str);
        let more = rules.get("patternProperties").and_then(Value::as_object);
        let more = more.into_iter().flat_map(Map::keys).map(String::as_str);
        pattern.into_iter().chain(more).try_for_each(|pattern| self.pattern(pointer, pattern))
    }

    /// Remembers the schemas that a keyword's value is or holds.
    fn wait_for(&mut self, form: KeywordForm, place: String, value: &'a Value) {
        match (form, value) {
            (KeywordForm::SchemaMap | KeywordForm::SchemaOrNamesMap, Value::Object(map)) => {
                let each = map.iter().filter(|(_, one)| !one.is_array());
                let each = each.map(|(name, one)| (format!("{place}/{}", escaped(name)), one));
                self.waiting.extend(each);
            }
            (KeywordForm::SchemaList | KeywordForm::SchemaOrList, Value::Array(list)) => {
                let each = list.iter().enumerate();
                self.waiting.extend(each.map(|(index, one)| (format!("{place}/{index}"), one)));
            }
            (KeywordForm::Schema | KeywordForm::SchemaOrList, schema) => {
                self.waiting.push((place, schema))
            }
            _ => {}
        }
    }

    /// Remembers the names of a schema, and those that it refers to.
    fn name(&mut self, pointer: &str, rules: &'a Map<String, Value>) {
        let text = |name: &str| rules.get(name).and_then(Value::as_str);
        let anchors = ["$anchor", "$dynamicAnchor"].into_iter().filter_map(text);
        // In the older drafts an anchor is a `$id` that begins with `#`; in draft 4 it is `id`.
        let ids = ["$id", "id"].into_iter().filter_map(text);
        let ids = ids.map(|id| id.strip_suffix('#').unwrap_or(id).to_owned());
        for name in anchors.map(|anchor| format!("#{anchor}")).chain(ids) {
            self.read.places.named.insert(name, pointer.to_owned());
        }
        self.references
            .extend(["$ref", "$dynamicRef", "$recursiveRef"].into_iter().filter_map(text));
    }

    fn pattern(&mut self, pointer: &str, pattern: &str) -> Result<(), String> {
        let place = if pointer.is_empty() { "it" } else { pointer };
        let regex = Regex::new(&ecma::translated(pattern)).map_err(|error| {
            format!("{place} has the pattern `{pattern}`, which can't be read: {error}")
        })?;
        self.read.patterns.insert(pattern.to_owned(), regex);
        Ok(())
    }
}
