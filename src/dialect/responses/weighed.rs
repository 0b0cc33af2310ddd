//! A body in which a field may be set under two names: what weighs more stays.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::provider::user_fields::SettingWeight;

/// A body, and what its fields weigh that may be set twice.
#[derive(Debug, Default)]
pub(super) struct WeighedBody {
    pub(super) fields: Map<String, Value>,
    /// Of a field, or of a member of one; and whether a part of it alone was set.
    weights: BTreeMap<(String, String), (SettingWeight, bool)>,
}

impl WeighedBody {
    /// Sets a field, unless it is there and weighs more.
    pub(super) fn set(&mut self, name: &str, value: Value, weight: SettingWeight) {
        let key = (name.to_owned(), String::new());
        let known = self.weights.get(&key);
        if known.is_none_or(|(known, _)| *known <= weight) {
            self.fields.insert(name.to_owned(), value);
            self.weights.insert(key, (weight, false));
        }
    }

    /// Sets a member of an object, unless it is there and weighs as much. What weighs more and is a part
    /// of it alone leaves the rest of the other.
    pub(super) fn lay(
        &mut self,
        object: &str,
        name: &str,
        value: Value,
        weight: (SettingWeight, bool),
    ) {
        let fields = self.fields.entry(object.to_owned()).or_insert_with(|| json!({}));
        let Value::Object(fields) = fields else { return };
        let known = self.weights.entry((object.to_owned(), name.to_owned()));
        let Some(there) = fields.get_mut(name) else {
            known.or_insert(weight);
            fields.insert(name.to_owned(), value);
            return;
        };
        let known = known.or_default();
        let mut under = value;
        if known.0 < weight.0 {
            std::mem::swap(there, &mut under);
            *known = weight;
        }
        if known.1 {
            fill(there, under);
        }
    }

    /// A list of the body, made if there is none. What stood there alone is in it.
    pub(super) fn list(&mut self, name: &str) -> &mut Vec<Value> {
        let place = self.fields.entry(name.to_owned()).or_insert_with(|| json!([]));
        if !place.is_array() {
            *place = json!([place.take()]);
        }
        place.as_array_mut().expect("it was just made one")
    }
}

/// Puts members into an object that it has not.
fn fill(object: &mut Value, members: Value) {
    if let (Value::Object(object), Value::Object(members)) = (object, members) {
        for (name, value) in members {
            match object.get_mut(&name) {
                Some(there) => fill(there, value),
                None => _ = object.insert(name, value),
            }
        }
    }
}
