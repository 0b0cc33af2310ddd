//! A value held against a schema whose form was checked.

use std::collections::{HashMap, HashSet};

use fancy_regex::Regex;
use serde_json::{Map, Value};

use super::form::ReferenceTargets;
use super::format;
use super::leaf::{self, must};
use super::misfit::{Misfit, shown};
use super::same::are_unique;

/// How many schemas may be open at a time: a level of a value takes two or three. The stack has room
/// for them.
const MAX_DEPTH: usize = 256;

type Rules = Map<String, Value>;
type Outcome = Result<(), Misfit>;

/// A check that is under way.
pub(super) struct Check<'a> {
    root: &'a Value,
    patterns: &'a HashMap<String, Regex>,
    places: &'a ReferenceTargets,
    path: Vec<String>,
    depth: usize,
    /// What branches found, by schema and value: nested unions try the same again and again.
    known: HashMap<(*const Value, *const Value), Outcome>,
}

/// The members or items that some keyword has a schema for, and the schemas that were asked.
#[derive(Default)]
struct Evaluated {
    names: HashSet<String>,
    schemas: HashSet<*const Value>,
}

impl<'a> Check<'a> {
    pub(super) fn new(
        root: &'a Value,
        patterns: &'a HashMap<String, Regex>,
        places: &'a ReferenceTargets,
    ) -> Self {
        Self { root, patterns, places, path: Vec::new(), depth: 0, known: HashMap::new() }
    }

    /// Checks a value against a schema.
    ///
    /// # Errors
    /// The first thing that does not fit.
    pub(super) fn fits(&mut self, schema: &'a Value, value: &'a Value) -> Outcome {
        let rules = match schema {
            Value::Object(rules) => rules,
            Value::Bool(false) => return self.misfit("nothing is allowed here"),
            _ => return Ok(()),
        };
        if self.depth == MAX_DEPTH {
            return self.misfit("it nests too deep to be checked");
        }
        self.depth += 1;
        let outcome = self.fits_rules(rules, value);
        self.depth -= 1;
        outcome
    }

    fn fits_rules(&mut self, rules: &'a Rules, value: &'a Value) -> Outcome {
        for target in self.targets(rules) {
            self.branch(target, value)?;
        }
        if self.places.is_ref_alone && rules.contains_key("$ref") {
            return Ok(());
        }
        self.told(leaf::any(rules, value))?;
        match value {
            Value::Number(number) => self.told(leaf::number(rules, number))?,
            Value::String(text) => self.told(self.text(rules, text))?,
            Value::Array(items) => self.array(rules, items)?,
            Value::Object(members) => self.object(rules, members)?,
            Value::Null | Value::Bool(_) => {}
        }
        self.branches(rules, value)?;
        self.unevaluated(rules, value)
    }

    /// Checks a value against a schema beside the one that is open, once. What comes back to itself
    /// does not fit.
    fn branch(&mut self, schema: &'a Value, value: &'a Value) -> Outcome {
        let key = (std::ptr::from_ref(schema), std::ptr::from_ref(value));
        if let Some(outcome) = self.known.get(&key) {
            return outcome.clone();
        }
        let endless = self.misfit("its schema refers to itself without end");
        self.known.insert(key, endless);
        let outcome = self.fits(schema, value);
        self.known.insert(key, outcome.clone());
        outcome
    }

    /// Checks a part of the value.
    fn inner(&mut self, name: String, schema: &'a Value, value: &'a Value) -> Outcome {
        self.path.push(name);
        let outcome = self.fits(schema, value);
        self.path.pop();
        outcome
    }

    fn misfit(&self, what: impl Into<String>) -> Outcome {
        Err(Misfit::new(what.into(), self.path.clone()))
    }

    /// Words with their place.
    fn told(&self, outcome: Result<(), String>) -> Outcome {
        outcome.or_else(|what| self.misfit(what))
    }

    /// What the references of a schema lead to.
    fn targets(&self, rules: &'a Rules) -> Vec<&'a Value> {
        let references = ["$ref", "$dynamicRef", "$recursiveRef"];
        let names = references.iter().filter_map(|name| rules.get(*name)?.as_str());
        names.filter_map(|name| self.places.target(self.root, name)).collect()
    }

    fn is_match(&self, pattern: &str, text: &str) -> bool {
        // A pattern that takes too many steps for a text does not match it.
        self.patterns.get(pattern).is_some_and(|regex| regex.is_match(text).unwrap_or(false))
    }

    fn text(&self, rules: &Rules, text: &str) -> Result<(), String> {
        leaf::count(rules, "Length", text.chars().count(), ["a text has", "characters"])?;
        // From draft 2019-09 on `format` is an annotation.
        if self.places.is_ref_alone
            && let Some(name) = rules.get("format").and_then(Value::as_str)
        {
            let what = || format!("{} is not of the format `{name}`", shown(&Value::from(text)));
            must(format::is_of(text, name), what)?;
        }
        rules.get("pattern").and_then(Value::as_str).map_or(Ok(()), |pattern| {
            let what = || format!("{} does not match `{pattern}`", shown(&Value::from(text)));
            must(self.is_match(pattern, text), what)
        })
    }

    fn array(&mut self, rules: &'a Rules, items: &'a [Value]) -> Outcome {
        self.told(leaf::count(rules, "Items", items.len(), ["an array has", "items"]))?;
        let must_differ = rules.get("uniqueItems") == Some(&Value::Bool(true));
        let what = || "an array has the same item twice".to_owned();
        self.told(must(!must_differ || are_unique(items), what))?;
        let (first, others) = item_schemas(rules);
        for (index, item) in items.iter().enumerate() {
            if let Some(schema) = first.get(index).or(others) {
                self.inner(index.to_string(), schema, item)?;
            }
        }
        if !rules.contains_key("contains") {
            return Ok(());
        }
        let each = items.iter().enumerate();
        let count = each.filter(|(index, item)| self.is_contained(rules, *index, item)).count();
        // `minContains` and `maxContains` came with draft 2019-09.
        let is_older = self.places.is_ref_alone;
        let is_some = count > 0 || (!is_older && rules.contains_key("minContains"));
        self.told(must(is_some, || "an array has no item that fits `contains`".to_owned()))?;
        if is_older {
            return Ok(());
        }
        let named = ["an array has", "items that fit `contains`"];
        self.told(leaf::count(rules, "Contains", count, named))
    }

    /// Whether an item fits `contains`.
    fn is_contained(&mut self, rules: &'a Rules, index: usize, item: &'a Value) -> bool {
        let Some(schema) = rules.get("contains") else { return false };
        self.path.push(index.to_string());
        let outcome = self.branch(schema, item);
        self.path.pop();
        outcome.is_ok()
    }

    fn object(&mut self, rules: &'a Rules, members: &'a Rules) -> Outcome {
        let named = ["an object has", "properties"];
        self.told(leaf::count(rules, "Properties", members.len(), named))?;
        let required = rules.get("required").and_then(Value::as_array).into_iter();
        let dependent = ["dependentRequired", "dependencies"].into_iter();
        let dependent = dependent
            .flat_map(|keyword| map(rules, keyword))
            .filter(|(name, _)| members.contains_key(*name))
            .filter_map(|(_, names)| names.as_array());
        for name in required.chain(dependent).flatten().filter_map(Value::as_str) {
            let what = || format!("{name:?} is a required property");
            self.told(must(members.contains_key(name), what))?;
        }
        for (name, member) in members {
            if let Some(schema) = rules.get("propertyNames") {
                let text = Value::from(name.as_str());
                let outcome = Check::new(self.root, self.patterns, self.places).fits(schema, &text);
                self.told(outcome.map_err(|misfit| format!("the name of a property: {misfit}")))?;
            }
            let schemas = self.member_schemas(rules, name);
            for schema in &schemas {
                self.inner(name.clone(), schema, member)?;
            }
            match rules.get("additionalProperties").filter(|_| schemas.is_empty()) {
                Some(Value::Bool(false)) => {
                    self.misfit(format!("the property {name:?} is not allowed"))?;
                }
                Some(schema) => self.inner(name.clone(), schema, member)?,
                None => {}
            }
        }
        Ok(())
    }

    /// The schemas that `properties` and `patternProperties` have for a name.
    fn member_schemas(&self, rules: &'a Rules, name: &str) -> Vec<&'a Value> {
        let named = rules.get("properties").and_then(|schemas| schemas.get(name));
        let matching = map(rules, "patternProperties");
        let matching = matching.filter(|(pattern, _)| self.is_match(pattern, name));
        named.into_iter().chain(matching.map(|(_, schema)| schema)).collect()
    }

    /// The keywords that hold other schemas against the same value.
    fn branches(&mut self, rules: &'a Rules, value: &'a Value) -> Outcome {
        for schema in list(rules, "allOf").iter().chain(dependent_schemas(rules, value)) {
            self.branch(schema, value)?;
        }
        self.union(rules, "anyOf", value)?;
        self.union(rules, "oneOf", value)?;
        if let Some(schema) = rules.get("not") {
            let does_fit = self.branch(schema, value).is_ok();
            let what = || format!("{} fits the schema of `not`", shown(value));
            self.told(must(!does_fit, what))?;
        }
        let Some(condition) = rules.get("if") else { return Ok(()) };
        let then = if self.branch(condition, value).is_ok() { "then" } else { "else" };
        rules.get(then).map_or(Ok(()), |schema| self.branch(schema, value))
    }

    fn union(&mut self, rules: &'a Rules, name: &str, value: &'a Value) -> Outcome {
        let schemas = list(rules, name);
        let (mut fitting, mut nearest) = (0, None::<Misfit>);
        for schema in schemas {
            match self.branch(schema, value) {
                Ok(()) if name == "anyOf" => return Ok(()),
                Ok(()) => fitting += 1,
                // What lies deepest is of the branch that was meant.
                Err(misfit)
                    if nearest.as_ref().is_some_and(|near| near.depth() >= misfit.depth()) => {}
                Err(misfit) => nearest = Some(misfit),
            }
        }
        match nearest {
            _ if fitting > 1 => {
                self.misfit(format!("{} fits more than one schema of `oneOf`", shown(value)))
            }
            Some(near) if fitting == 0 => {
                let is_meant = schemas.len() == 1 || near.depth() > self.path.len();
                let what = || format!("{} fits no schema of `{name}`", shown(value));
                if is_meant { Err(near) } else { self.misfit(what()) }
            }
            _ => Ok(()),
        }
    }

    /// `unevaluatedProperties` and `unevaluatedItems`: for what no other keyword has a schema.
    fn unevaluated(&mut self, rules: &'a Rules, value: &'a Value) -> Outcome {
        let Some(schema) = rules.get(unevaluated_keyword(value)) else { return Ok(()) };
        let mut evaluated = Evaluated::default();
        self.evaluate(rules, value, &mut evaluated);
        for (name, part) in parts(value) {
            if !evaluated.names.contains(&name) {
                self.inner(name, schema, part)?;
            }
        }
        Ok(())
    }

    /// Adds the names of the members or items that a schema, which the value fits, has a schema for.
    fn evaluate(&mut self, rules: &'a Rules, value: &'a Value, evaluated: &mut Evaluated) {
        let (first, others) = item_schemas(rules);
        for (index, (name, part)) in parts(value).into_iter().enumerate() {
            let has_schema = match value {
                Value::Array(_) => {
                    index < first.len() || others.is_some() || self.is_contained(rules, index, part)
                }
                _ => {
                    rules.contains_key("additionalProperties")
                        || !self.member_schemas(rules, &name).is_empty()
                }
            };
            if has_schema {
                evaluated.names.insert(name);
            }
        }
        let mut schemas = self.targets(rules);
        schemas.extend(["allOf", "anyOf", "oneOf"].iter().flat_map(|name| list(rules, name)));
        schemas.extend(dependent_schemas(rules, value));
        if let Some(condition) = rules.get("if") {
            let then = if self.branch(condition, value).is_ok() { "then" } else { "else" };
            schemas.extend([Some(condition), rules.get(then)].into_iter().flatten());
        }
        for schema in schemas {
            let is_new = evaluated.schemas.insert(std::ptr::from_ref(schema));
            if let (true, Some(rules), Ok(())) =
                (is_new, schema.as_object(), self.branch(schema, value))
            {
                if rules.contains_key(unevaluated_keyword(value)) {
                    evaluated.names.extend(parts(value).into_iter().map(|(name, _)| name));
                }
                self.evaluate(rules, value, evaluated);
            }
        }
    }
}

/// A keyword's list of schemas.
fn list<'a>(rules: &'a Rules, keyword: &str) -> &'a [Value] {
    rules.get(keyword).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The entries of a keyword's object.
fn map<'a>(
    rules: &'a Rules,
    keyword: &str,
) -> impl Iterator<Item = (&'a String, &'a Value)> + use<'a> {
    rules.get(keyword).and_then(Value::as_object).into_iter().flatten()
}

/// The schemas that count as the value has a certain member.
fn dependent_schemas<'a>(rules: &'a Rules, value: &Value) -> Vec<&'a Value> {
    let entries = map(rules, "dependentSchemas").chain(map(rules, "dependencies"));
    let present = entries.filter(|(name, _)| value.get(name.as_str()).is_some());
    present.map(|(_, schema)| schema).filter(|schema| !schema.is_array()).collect()
}

/// The schemas of the first items, and that of all others. Until 2019-09 both were called `items`.
fn item_schemas(rules: &Rules) -> (&[Value], Option<&Value>) {
    match rules.get("items") {
        Some(Value::Array(first)) => (first, rules.get("additionalItems")),
        others => (list(rules, "prefixItems"), others),
    }
}

fn unevaluated_keyword(value: &Value) -> &'static str {
    if value.is_array() { "unevaluatedItems" } else { "unevaluatedProperties" }
}

/// The members or items of a value, with their names or indexes.
fn parts(value: &Value) -> Vec<(String, &Value)> {
    match value {
        Value::Object(members) => {
            members.iter().map(|(name, member)| (name.clone(), member)).collect()
        }
        Value::Array(items) => {
            items.iter().enumerate().map(|(index, item)| (index.to_string(), item)).collect()
        }
        _ => Vec::new(),
    }
}
