//! Thinking that a service wants back as it came, while its pieces come in. Reads no more of an item
//! than what tells pieces of one apart.

use serde_json::Value;

/// What is sealed in one answer.
#[derive(Debug, Default)]
pub(super) struct Sealed(Vec<Value>);

/// The fields of an item that come in pieces.
const PIECES: [&str; 2] = ["text", "summary"];

/// The fields that only one item has: where both have one, these are two items.
const OWN: [&str; 2] = ["id", "data"];

impl Sealed {
    /// Takes an item, or the next piece of the last one: same `type`, same `index`.
    pub(super) fn add(&mut self, item: &Value) {
        let number = item.get("index").filter(|index| index.is_u64());
        let filled = |item: &Value, name: &str| item.get(name).is_some_and(Value::is_string);
        let last = self.0.last_mut().filter(|last| {
            let are_two = |name: &str| {
                filled(last, name) && filled(item, name) && last.get(name) != item.get(name)
            };
            number.is_some()
                && last.get("index") == number
                && last.get("type") == item.get("type")
                && !OWN.iter().any(|name| are_two(name))
        });
        let (Some(Value::Object(last)), Some(item)) = (last, item.as_object()) else {
            return self.0.push(item.clone());
        };
        for (name, value) in item {
            match (last.get_mut(name), value) {
                (Some(_), Value::Null) => {}
                (Some(Value::String(text)), Value::String(more)) if PIECES.contains(&&**name) => {
                    text.push_str(more);
                }
                (Some(old), new) => old.clone_from(new),
                (None, new) => _ = last.insert(name.clone(), new.clone()),
            }
        }
    }

    /// Whether nothing is sealed.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Gives the items away.
    pub(super) fn take(&mut self) -> Vec<Value> {
        std::mem::take(&mut self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn pieces_of_an_item_are_joined() {
        let mut sealed = Sealed::default();
        for item in [
            json!({"type": "reasoning.text", "text": "想", "format": "anthropic-claude-v1", "index": 0}),
            json!({"type": "reasoning.text", "text": "一想", "index": 0, "format": null}),
            json!({"type": "reasoning.text", "signature": "Eq", "index": 0}),
            json!({"type": "reasoning.text", "text": "再", "index": 1}),
            json!({"type": "reasoning.encrypted", "data": "gAA", "id": "rs_1", "index": 1}),
            json!({"type": "reasoning.encrypted", "data": "gBB", "id": "rs_2", "index": 1}),
            json!({"type": "reasoning.encrypted", "data": "gCC", "id": "rs_3"}),
            json!({"type": "reasoning.encrypted", "data": "gDD", "id": "rs_3"}),
        ] {
            sealed.add(&item);
        }
        let whole = [
            json!({"type": "reasoning.text", "text": "想一想", "format": "anthropic-claude-v1", "index": 0, "signature": "Eq"}),
            json!({"type": "reasoning.text", "text": "再", "index": 1}),
            json!({"type": "reasoning.encrypted", "data": "gAA", "id": "rs_1", "index": 1}),
            json!({"type": "reasoning.encrypted", "data": "gBB", "id": "rs_2", "index": 1}),
            json!({"type": "reasoning.encrypted", "data": "gCC", "id": "rs_3"}),
            json!({"type": "reasoning.encrypted", "data": "gDD", "id": "rs_3"}),
        ];
        assert_eq!(sealed.take(), whole);
    }
}
