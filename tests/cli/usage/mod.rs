//! `llm usage`, and the notes that it sums.

mod notes;
mod sums;

use serde_json::Value;

use crate::support::Llm;

/// The notes of this place, without their times.
pub(super) fn notes(llm: &Llm) -> Vec<Value> {
    let path = llm.folder("data").join("llm/usage.jsonl");
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let lines = text.lines().filter(|line| !line.is_empty());
    let note = |line| -> Value {
        let mut note: Value = serde_json::from_str(line).expect("a note is JSON");
        let time =
            note.as_object_mut().and_then(|note| note.remove("time")).expect("it has a time");
        assert!(time.as_str().is_some_and(|time| time.ends_with('Z')), "{time}");
        note
    };
    lines.map(note).collect()
}
