//! The JSON Schema of a tool's arguments as services take it: an object with properties, no references,
//! nothing but types at the top. Whoever runs the tool checks the arguments by its own schema.

use serde_json::{Map, Value, json};

use crate::json_schema::unescaped;

/// A schema that services take.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct RepairedSchema {
    pub(crate) schema: Value,
    /// What the arguments must fit beside it, as JSON: services refuse it in the schema, so the
    /// description has to say it.
    pub(crate) conditions: Option<Value>,
}

/// What services refuse at the top of a schema.
const CONDITIONS: [&str; 5] = ["oneOf", "anyOf", "allOf", "not", "enum"];

/// What says nothing of the arguments.
const DROPPED: [&str; 8] = [
    "$schema",
    "$id",
    "$comment",
    "$anchor",
    "$defs",
    "definitions",
    "x-mcp-header",
    "$dynamicAnchor",
];

/// Members whose members are schemas, with names of the user's.
const MAPS: [&str; 3] = ["properties", "patternProperties", "dependentSchemas"];

/// Members that are no schemas, whatever they look like.
const DATA: [&str; 5] = ["enum", "const", "default", "examples", "required"];

/// So many references may lead to each other; then anything is allowed.
const MOST_REFERENCES: usize = 5;

/// The most members that a schema has once its references are followed.
const MOST_NODES: usize = 20_000;

/// Repairs a schema. One that is right stays as it is.
///
/// # Errors
/// Why it can't be repaired, in words that go on after "its schema".
pub(crate) fn repaired(schema: &Value) -> Result<RepairedSchema, String> {
    let empty = json!({});
    let root = match schema {
        Value::Null | Value::Bool(true) => &empty,
        Value::Object(_) => schema,
        _ => return Err("is not an object".to_owned()),
    };
    let mut inliner = Inliner { root, followed: Vec::new(), nodes: 0 };
    let Value::Object(mut schema) = inliner.schema(root)? else {
        return Err("is not an object".to_owned());
    };
    let conditions: Map<String, Value> = CONDITIONS
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), schema.get(*name)?.clone())))
        .collect();
    if !conditions.is_empty() {
        let merged = merged(&schema);
        schema.retain(|name, _| !CONDITIONS.contains(&name.as_str()));
        schema.insert("properties".to_owned(), merged.properties.into());
        if !merged.required.is_empty() {
            schema.insert("required".to_owned(), merged.required.into());
        }
    }
    let conditions = (!conditions.is_empty()).then_some(Value::Object(conditions));
    Ok(RepairedSchema { schema: Value::Object(as_object(schema)?), conditions })
}

/// The schema of an object, with its type and its properties.
fn as_object(mut schema: Map<String, Value>) -> Result<Map<String, Value>, String> {
    let is_object = |kind: &Value| kind == "object";
    match schema.get("type") {
        Some(kind) if is_object(kind) => {}
        Some(Value::Array(kinds)) if kinds.iter().any(is_object) => {
            schema.insert("type".to_owned(), "object".into());
        }
        None | Some(Value::Null) => {
            schema.shift_remove("type");
            schema.shift_insert(0, "type".to_owned(), "object".into());
        }
        Some(kind) => return Err(format!("is one of {kind}, not of an object")),
    }
    if !matches!(schema.get("properties"), Some(Value::Object(_))) {
        schema.insert("properties".to_owned(), json!({}));
    }
    Ok(schema)
}

/// Puts in the place of each reference what it stands for.
struct Inliner<'a> {
    root: &'a Value,
    /// The references that led here.
    followed: Vec<String>,
    nodes: usize,
}

impl Inliner<'_> {
    fn schema(&mut self, schema: &Value) -> Result<Value, String> {
        let Value::Object(members) = schema else { return Ok(schema.clone()) };
        let mut inlined = Map::new();
        if let Some(Value::String(reference)) = members.get("$ref")
            && let Value::Object(meant) = self.followed(reference)?
        {
            inlined = meant;
        }
        let has_type = members.contains_key("type") || inlined.contains_key("type");
        for (name, value) in members {
            let is_title = name == "title" && value.is_string() && has_type;
            // In an early draft it was true or false.
            let is_no_list = name == "required" && !value.is_array();
            if name == "$ref" || is_title || is_no_list || DROPPED.contains(&name.as_str()) {
                continue;
            }
            self.nodes += 1;
            if self.nodes > MOST_NODES {
                return Err(format!("has more than {MOST_NODES} members"));
            }
            let value = match value {
                Value::Object(named) if MAPS.contains(&name.as_str()) => self.map(named)?,
                Value::Array(names) if name == "required" => {
                    names.iter().filter(|name| name.is_string()).cloned().collect()
                }
                Value::Object(_) if !DATA.contains(&name.as_str()) => self.schema(value)?,
                Value::Array(items) if !DATA.contains(&name.as_str()) => {
                    items.iter().map(|item| self.schema(item)).collect::<Result<_, _>>()?
                }
                value => value.clone(),
            };
            inlined.insert(name.clone(), value);
        }
        Ok(Value::Object(inlined))
    }

    fn map(&mut self, named: &Map<String, Value>) -> Result<Value, String> {
        let mut inlined = Map::new();
        for (name, schema) in named {
            inlined.insert(name.clone(), self.schema(schema)?);
        }
        Ok(Value::Object(inlined))
    }

    /// What a reference within the schema stands for. Anything, where it leads elsewhere (nothing is
    /// fetched), nowhere, or in a circle.
    fn followed(&mut self, reference: &str) -> Result<Value, String> {
        let target = reference.strip_prefix('#').and_then(|pointer| {
            self.root.pointer(pointer).or_else(|| self.root.pointer(&unescaped(pointer)))
        });
        let Some(target) = target.filter(|_| self.followed.len() < MOST_REFERENCES) else {
            return Ok(json!({}));
        };
        self.followed.push(reference.to_owned());
        let inlined = self.schema(target);
        self.followed.pop();
        inlined
    }
}

/// The properties of a schema and of all its branches, and those that are there whichever holds.
#[derive(Default)]
struct Merged {
    properties: Map<String, Value>,
    required: Vec<String>,
}

fn merged(schema: &Map<String, Value>) -> Merged {
    let texts = |value: &Value| {
        let items = value.as_array().into_iter().flatten();
        items.filter_map(Value::as_str).map(str::to_owned).collect::<Vec<_>>()
    };
    let mut all = Merged {
        properties: schema
            .get("properties")
            .and_then(Value::as_object)
            .cloned()
            .unwrap_or_default(),
        required: schema.get("required").map(texts).unwrap_or_default(),
    };
    for (name, is_each) in [("allOf", true), ("anyOf", false), ("oneOf", false)] {
        let branches = schema.get(name).and_then(Value::as_array).into_iter().flatten();
        let branches: Vec<Merged> =
            branches.map(|branch| branch.as_object().map(merged).unwrap_or_default()).collect();
        let mut required: Vec<String> = match is_each {
            true => branches.iter().flat_map(|branch| branch.required.clone()).collect(),
            false => branches.first().map(|first| first.required.clone()).unwrap_or_default(),
        };
        if !is_each {
            required.retain(|name| branches.iter().all(|branch| branch.required.contains(name)));
        }
        let word = if is_each { "allOf" } else { "anyOf" };
        for branch in branches {
            for (name, schema) in branch.properties {
                add(&mut all.properties, name, schema, word);
            }
        }
        required.retain(|name| !all.required.contains(name));
        all.required.extend(required);
    }
    all
}

/// Adds a property; where there is one of this name, either may be meant.
fn add(properties: &mut Map<String, Value>, name: String, schema: Value, word: &str) {
    let Some(old) = properties.get_mut(&name) else {
        properties.insert(name, schema);
        return;
    };
    if *old == schema {
        return;
    }
    match old.as_object_mut().filter(|old| old.len() == 1).and_then(|old| old.get_mut(word)) {
        Some(Value::Array(several)) if several.contains(&schema) => {}
        Some(Value::Array(several)) => several.push(schema),
        _ => *old = json!({word: [old.take(), schema]}),
    }
}

#[cfg(test)]
mod tests;
