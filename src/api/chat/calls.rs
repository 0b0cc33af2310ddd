//! The calls of tools in an answer, put together from the pieces of any dialect. Runs nothing.

use serde_json::{Map, Value, json};

use crate::random;

/// A call of a tool, whole or as much of it as came.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Call {
    /// Never empty once the answer has ended.
    pub(crate) id: String,
    pub(crate) name: String,
    /// JSON text, if the model kept to the rules.
    pub(crate) arguments: String,
    /// What else the service wrote into the call and wants back (Gemini's `extra_content`, with the
    /// signature of its thinking).
    extra: Map<String, Value>,
    /// The place that the service gave it.
    index: Option<u64>,
}

/// The calls of one answer, in the order in which they began.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Calls(Vec<Call>);

/// The most that is kept of a call's arguments, in bytes.
const MOST: usize = 1024 * 1024;

/// The most calls of one answer.
const MOST_CALLS: usize = 64;

/// The most further fields of a call.
const MOST_EXTRA: usize = 16;

impl Calls {
    /// Takes a piece of a call: an element of `tool_calls`, or a `function_call` (the specification's
    /// older form). Gives the bytes of arguments that it kept.
    ///
    /// Services differ in how they tell what belongs together. The specification has an `index` in
    /// each piece, id and name in the first one. Gemini has no index and sends whole calls; DashScope
    /// repeats `"id": ""`, Together `null`; Anthropic counts its text as 0; Hugging Face gives no id;
    /// Ollama's own form has objects for arguments. So nothing is looked up by index alone.
    pub(super) fn take(&mut self, piece: &Value) -> usize {
        let function = ["function", "custom"].iter().find_map(|key| piece.get(key));
        let function = function.filter(|function| function.is_object()).unwrap_or(piece);
        let text = |value: &Value, key: &str| {
            value
                .get(key)
                .and_then(Value::as_str)
                .filter(|text| !text.is_empty())
                .map(str::to_owned)
        };
        let (id, name) = (text(piece, "id"), text(function, "name"));
        let index = piece.get("index").and_then(Value::as_u64);
        let place = match self.place(index, id.as_deref(), name.as_deref()) {
            Some(place) => place,
            None if self.0.len() >= MOST_CALLS => return 0,
            None => {
                self.0.push(Call { index, ..Call::default() });
                self.0.len() - 1
            }
        };
        let call = &mut self.0[place];
        if call.id.is_empty() {
            call.id = id.unwrap_or_default();
        }
        if call.name.is_empty() {
            call.name = name.unwrap_or_default();
        }
        let kept = call.argue(function.get("arguments").or_else(|| function.get("input")));
        for (key, value) in piece.as_object().into_iter().flatten() {
            let is_own = matches!(
                key.as_str(),
                "id" | "index" | "function" | "custom" | "type" | "name" | "arguments"
            );
            if !is_own && !value.is_null() && call.extra.len() < MOST_EXTRA {
                call.extra.insert(key.clone(), value.clone());
            }
        }
        kept
    }

    /// The call that a piece goes on with; `None` if it begins one.
    fn place(&self, index: Option<u64>, id: Option<&str>, name: Option<&str>) -> Option<usize> {
        let last = self.0.len().checked_sub(1)?;
        let same_id = || self.0.iter().rposition(|call| Some(call.id.as_str()) == id);
        let Some(index) = index else {
            return match (id, name) {
                (Some(_), _) => same_id(),
                (None, Some(_)) => None,
                (None, None) => Some(last),
            };
        };
        let place = self.0.iter().rposition(|call| call.index == Some(index))?;
        let call = &self.0[place];
        match (id, name) {
            // Some give every call the same index.
            (Some(id), _) if !call.id.is_empty() && call.id != id => same_id(),
            (None, Some(_)) if !call.name.is_empty() && call.is_whole() => None,
            _ => Some(place),
        }
    }

    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The names of the tools that are called, where they were given.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|call| call.name.as_str())
    }

    /// The calls, each with an id of its own.
    pub(super) fn finished(&self) -> Vec<Call> {
        let mut calls = self.0.clone();
        for at in 0..calls.len() {
            let (before, rest) = calls.split_at_mut(at);
            let is_taken = |id: &str| before.iter().any(|call| call.id == id);
            while rest[0].id.is_empty() || is_taken(&rest[0].id) {
                rest[0].id = new_id();
            }
        }
        calls
    }
}

impl Call {
    fn argue(&mut self, arguments: Option<&Value>) -> usize {
        match arguments {
            Some(Value::String(text)) if self.arguments.len() + text.len() <= MOST => {
                self.arguments.push_str(text);
                text.len()
            }
            None | Some(Value::Null | Value::String(_)) => 0,
            Some(other) => {
                self.arguments = other.to_string();
                self.arguments.len()
            }
        }
    }

    /// Whether its arguments are a whole JSON object already.
    fn is_whole(&self) -> bool {
        self.parsed().is_ok()
    }

    /// The arguments. No text at all is what some models write where a tool takes none.
    ///
    /// # Errors
    /// What is wrong with them, in words for the model.
    pub(crate) fn parsed(&self) -> Result<Map<String, Value>, String> {
        if self.arguments.trim().is_empty() {
            return Ok(Map::new());
        }
        match serde_json::from_str(&self.arguments) {
            Ok(Value::Object(arguments)) => Ok(arguments),
            Ok(_) => Err("they are no JSON object".to_owned()),
            Err(error) => Err(error.to_string()),
        }
    }

    /// The call as it goes back into the conversation: as it came, but with arguments that are JSON
    /// in any case, as Ollama and vLLM refuse others.
    pub(crate) fn sent_back(&self) -> Value {
        let arguments = match self.parsed() {
            Ok(arguments) if arguments.is_empty() => "{}",
            Ok(_) => &self.arguments,
            Err(_) => "{}",
        };
        let function = json!({"name": self.name, "arguments": arguments});
        let mut call = json!({"id": self.id, "type": "function", "function": function});
        if let Some(fields) = call.as_object_mut() {
            fields.extend(self.extra.clone());
        }
        call
    }
}

/// An id for a call that has none: nine letters and digits, as Mistral wants them.
fn new_id() -> String {
    const LETTERS: &[u8; 62] = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    let mut chance = random::bits();
    let mut letter = || {
        let digit = chance % 62;
        chance /= 62;
        char::from(LETTERS[usize::try_from(digit).unwrap_or_default()])
    };
    (0..9).map(|_| letter()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calls(pieces: &[Value]) -> Vec<(String, String)> {
        let mut calls = Calls::default();
        for piece in pieces {
            calls.take(piece);
        }
        calls.finished().into_iter().map(|call| (call.name, call.arguments)).collect()
    }

    fn one(name: &str, arguments: &str) -> (String, String) {
        (name.to_owned(), arguments.to_owned())
    }

    #[test]
    fn pieces_of_a_call_are_joined() {
        let first = json!({"index": 0, "id": "a", "type": "function", "function": {"name": "天气", "arguments": ""}});
        let piece = |id: Value, text: &str| json!({"index": 0, "id": id, "type": "function", "function": {"arguments": text}});
        for id in [Value::Null, json!(""), json!("a")] {
            let pieces = [first.clone(), piece(id.clone(), "{\"城市\":"), piece(id, "\"上海\"}")];
            assert_eq!(calls(&pieces), [one("天气", "{\"城市\":\"上海\"}")]);
        }
        let named = json!({"index": 0, "id": null, "function": {"name": null, "arguments": "{}"}});
        assert_eq!(calls(&[first.clone(), named]), [one("天气", "{}")]);
        let repeated =
            json!({"index": 0, "id": "a", "function": {"name": "天气", "arguments": "{}"}});
        assert_eq!(calls(&[first, repeated]), [one("天气", "{}")]);
    }

    #[test]
    fn several_calls_are_told_apart() {
        let call = |index: Value, id: Value, name: &str, arguments: &str| json!({"index": index, "id": id, "function": {"name": name, "arguments": arguments}});
        let both = [one("a", "{}"), one("b", "{\"x\":1}")];
        let first = |index: Value, id: Value| call(index, id, "a", "{}");
        let second = |index: Value, id: Value| call(index, id, "b", "{\"x\":1}");
        // Counted, counted from 1, not counted, all with the same number, without ids.
        for (one, two) in [
            (json!(0), json!(1)),
            (json!(1), json!(2)),
            (Value::Null, Value::Null),
            (json!(0), json!(0)),
        ] {
            for (id, other) in
                [(json!("i"), json!("j")), (json!(""), json!("")), (Value::Null, Value::Null)]
            {
                assert_eq!(calls(&[first(one.clone(), id), second(two.clone(), other)]), both);
            }
        }
        // Pieces that alternate.
        let pieces = [
            json!({"index": 0, "id": "i", "function": {"name": "a"}}),
            json!({"index": 1, "id": "j", "function": {"name": "b"}}),
            json!({"index": 0, "function": {"arguments": "{}"}}),
            json!({"index": 1, "function": {"arguments": "{\"x\":1}"}}),
        ];
        assert_eq!(calls(&pieces), both);
    }

    #[test]
    fn other_forms_are_calls_too() {
        assert_eq!(calls(&[json!({"name": "a", "arguments": "{}"})]), [one("a", "{}")]);
        let object = json!({"function": {"name": "a", "arguments": {"城市": "上海"}}});
        assert_eq!(calls(&[object]), [one("a", "{\"城市\":\"上海\"}")]);
        let pieces = [
            json!({"index": 0, "function": {"name": "a"}}),
            json!({"index": 0, "function": {"arguments": "{}"}}),
        ];
        assert_eq!(calls(&pieces), [one("a", "{}")]);
        for odd in [json!(null), json!(1), json!({}), json!({"function": 3})] {
            assert_eq!(calls(&[odd]), [one("", "")]);
        }
    }

    #[test]
    fn every_call_has_an_id_of_its_own() {
        let mut calls = Calls::default();
        for id in ["", "x", "x", ""] {
            calls.take(&json!({"id": id, "function": {"name": "a", "arguments": "{}"}}));
            calls
                .take(&json!({"id": id, "index": 7, "function": {"name": "b", "arguments": "{}"}}));
        }
        let ids: Vec<String> = calls.finished().into_iter().map(|call| call.id).collect();
        let mut sorted = ids.clone();
        sorted.sort();
        sorted.dedup();
        assert_eq!(sorted.len(), ids.len(), "{ids:?}");
        let is_made = |id: &&String| id.len() == 9 && id.chars().all(|c| c.is_ascii_alphanumeric());
        assert!(ids.iter().filter(|id| *id != "x").all(|id| is_made(&id)), "{ids:?}");
    }

    #[test]
    fn a_call_goes_back_as_it_came() {
        let mut calls = Calls::default();
        let signed = json!({"google": {"thought_signature": "EjQK"}});
        calls.take(&json!({"extra_content": signed, "function": {"arguments": "{\"a\": 1}", "name": "读"}, "id": "c1", "index": 0, "type": "function"}));
        let expected = json!({"id": "c1", "type": "function", "function": {"name": "读", "arguments": "{\"a\": 1}"}, "extra_content": signed});
        assert_eq!(calls.finished()[0].sent_back(), expected);
        for (arguments, is_right) in [("", true), ("{", false), ("[1]", false), ("\"x\"", false)] {
            let call = Call { arguments: arguments.to_owned(), ..Call::default() };
            assert_eq!(call.parsed().is_ok(), is_right, "{arguments}");
            assert_eq!(call.sent_back()["function"]["arguments"], "{}");
        }
    }
}
