//! The calls of tools as services stream them, put together.

use serde_json::{Value, json};

use crate::conversation::ToolCall;
use crate::dialect::AskedFor;
use crate::dialect::answers::{Answers, VisibleText};
use crate::dialect::reader::ChatReader;

/// The calls of a stream whose chunks carry one of these each.
fn finished(pieces: &[Value]) -> Vec<ToolCall> {
    let mut reader = ChatReader::new(AskedFor::default(), "text/event-stream");
    let (mut answers, mut shown) = (Answers::new(1), VisibleText::default());
    for piece in pieces {
        let delta = json!({"tool_calls": [piece]});
        let chunk = json!({"choices": [{"index": 0, "delta": delta}]});
        reader.push(format!("data: {chunk}\n\n").as_bytes(), &mut |event| {
            answers.take(event, &mut shown);
        });
    }
    answers.calls()
}

fn calls(pieces: &[Value]) -> Vec<(String, String)> {
    finished(pieces).into_iter().map(|call| (call.name, call.arguments)).collect()
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
    let repeated = json!({"index": 0, "id": "a", "function": {"name": "天气", "arguments": "{}"}});
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
        assert_eq!(calls(&[odd]), []);
    }
}

#[test]
fn what_else_stands_in_a_call_is_kept() {
    let signed = json!({"google": {"thought_signature": "EjQK"}});
    let call = json!({"extra_content": signed, "function": {"arguments": "{\"a\": 1}", "name": "读"}, "id": "c1", "index": 0, "type": "function"});
    let calls = finished(&[call]);
    let extra = json!({"extra_content": signed});
    assert_eq!(Some(&calls[0].extra), extra.as_object());
    assert_eq!((calls[0].id.as_str(), calls[0].arguments.as_str()), ("c1", "{\"a\": 1}"));
}

#[test]
fn a_known_id_belongs_to_its_call_whatever_its_number() {
    let head = |index: Value, id: &str, name: &str| json!({"index": index, "id": id, "function": {"name": name, "arguments": ""}});
    let piece = |index: Value, id: Value, text: &str| json!({"index": index, "id": id, "function": {"arguments": text}});
    let both = [one("a", "{\"x\":1}"), one("b", "{\"y\":2}")];
    let two = [head(json!(0), "i", "a"), head(json!(1), "j", "b")];
    let mixed = [
        piece(json!(1), json!("i"), "{\"x\":"),
        piece(json!(0), json!("j"), "{\"y\":"),
        piece(Value::Null, json!("j"), "2}"),
        piece(json!(9), json!("i"), "1}"),
    ];
    assert_eq!(calls(&[&two[..], &mixed].concat()), both);
    // A new id on each piece, and another number than the head's.
    let wandering = [
        head(json!(0), "i", "a"),
        piece(json!(1), Value::Null, "{\"x\":"),
        piece(json!(2), json!("k"), "1}"),
        head(json!(1), "j", "b"),
        piece(json!(2), json!(""), "{\"y\":2}"),
    ];
    assert_eq!(calls(&wandering), both);
    // The name on each piece, with a new id.
    let named = |id: &str, text: &str| json!({"index": 0, "id": id, "function": {"name": "a", "arguments": text}});
    assert_eq!(calls(&[named("i", "{\"x\":"), named("j", "1}")]), [one("a", "{\"x\":1}")]);
    // All of it once more, at the end.
    let again =
        json!({"index": 0, "id": "i", "function": {"name": "a", "arguments": "{\"x\": 1}"}});
    assert_eq!(calls(&[named("i", "{\"x\":"), named("i", "1}"), again]), [one("a", "{\"x\":1}")]);
}

#[test]
fn a_piece_without_a_name_opens_no_call() {
    let piece = |index: Value, text: &str| json!({"index": index, "function": {"arguments": text}});
    assert_eq!(calls(&[piece(json!(0), "{}"), piece(json!(1), "{}")]), []);
    let named = json!({"index": 0, "id": "i", "function": {"name": "a"}});
    assert_eq!(
        calls(&[piece(json!(0), "{\"x\":"), named.clone(), piece(json!(0), "1}")]),
        [one("a", "{\"x\":1}")]
    );
    // What came at another number may be what the call lacks.
    let unsure = finished(&[piece(json!(3), "{\"x\":1}"), named.clone()]);
    assert!(unsure[0].parsed().is_err(), "{unsure:?}");
    assert_eq!(finished(&[named])[0].parsed(), Ok(Default::default()));
}

#[test]
fn pieces_that_could_be_of_two_calls_make_neither() {
    let head = |index: Value, id: &str| json!({"index": index, "id": id, "function": {"name": "a", "arguments": ""}});
    let piece = |index: Value, text: &str| json!({"index": index, "function": {"arguments": text}});
    for (index, other) in [(Value::Null, Value::Null), (json!(0), json!(0)), (json!(0), json!(7))] {
        let pieces = [head(index.clone(), "i"), head(index, "j"), piece(other, "{\"x\":1}")];
        let calls = finished(&pieces);
        assert!(calls.len() == 2 && calls.iter().all(|call| call.parsed().is_err()), "{calls:?}");
    }
}

#[test]
fn what_is_too_long_or_too_many_is_not_taken_for_whole() {
    let half = "x".repeat(600 << 10);
    let head = json!({"index": 0, "id": "i", "function": {"name": "a", "arguments": "{\"x\":\""}});
    let piece = |text: &str| json!({"index": 0, "function": {"arguments": text}});
    let long = finished(&[head, piece(&half), piece(&half), piece("\"}")]);
    assert!(long[0].parsed().is_err() && long[0].arguments.len() < 1 << 20);
    let many = |number: usize| -> Vec<Value> {
        (0..number)
            .flat_map(|number| {
                let head = json!({"index": number, "id": format!("c{number}"), "function": {"name": "a", "arguments": ""}});
                [head, json!({"index": number, "function": {"arguments": "{\"n\":1}"}})]
            })
            .collect()
    };
    let kept = finished(&many(70));
    assert_eq!(kept.len(), 64);
    assert!(kept.iter().all(|call| call.arguments == "{\"n\":1}"), "{kept:?}");
}
