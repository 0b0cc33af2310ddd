//! Replies with vectors, and vectors as they are written.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::api::embed::element::Element;
use crate::api::embed::format::VectorFormat;
use crate::api::embed::reply::{self, DecimalVectors, VectorProblem, Vectors};
use crate::api::embed::{npy, vector};

/// The reader of embeddings, through its quick way and its slow one, and the writers.
pub fn vectors(data: &[u8]) {
    as_reply(data);
    as_floats(data);
}

fn read(body: &[u8], numbers: DecimalVectors) -> Option<Vectors> {
    let found = match reply::read(body.to_vec(), 1, numbers, Element::Float, Vec::new()) {
        Err(VectorProblem::Count(asked)) => {
            reply::read(body.to_vec(), asked, numbers, Element::Float, Vec::new())
        }
        found => found,
    };
    found.ok()
}

fn as_reply(data: &[u8]) {
    let _ = (reply::fault_in(data), reply::usage_in(data));
    let Some(found) = read(data, DecimalVectors::AsTheyCame) else { return };
    assert!(found.bytes() <= 8 * data.len());
    check(&found);
    let in_floats = read(data, DecimalVectors::Floats).expect("is read in either way");
    check(&in_floats);
    for index in 0..found.len() {
        // Numbers that no float holds are digits, but no floats.
        let are_finite = |floats: &Vec<f32>| floats.iter().all(|float| float.is_finite());
        assert_eq!(floats(&found, index).filter(are_finite), floats(&in_floats, index));
    }
    if let Some((columns, bytes)) = in_floats.as_table() {
        assert_eq!(bytes.len(), 4 * columns * in_floats.len());
    }
    // A member with an escape in its name is nothing that the quick way takes.
    let Some(rest) = data.trim_ascii_start().strip_prefix(b"{") else { return };
    let slow = [b"{\"\\u0078\":0,", rest].concat();
    let Some(slow) = read(&slow, DecimalVectors::AsTheyCame) else { return };
    check(&slow);
    assert_eq!((found.len(), &found.usage), (slow.len(), &slow.usage));
    for index in 0..found.len() {
        match (floats(&found, index), floats(&slow, index)) {
            (Some(quick), Some(slow)) => {
                assert_eq!(quick.len(), slow.len());
                // The slow way rounds twice: decimal to 64 bits to 32.
                let near = |a: f32, b: f32| a == b || (a - b).abs() <= a.abs() * 1e-6 + 1e-44;
                assert!(quick.iter().zip(&slow).all(|(a, b)| near(*a, *b)), "{quick:?} {slow:?}");
            }
            (quick, slow) => assert_eq!(quick.is_some(), slow.is_some()),
        }
    }
}

fn floats(vectors: &Vectors, index: usize) -> Option<Vec<f32>> {
    let mut bytes = Vec::new();
    vectors.get(index)?.push_floats(&mut bytes);
    let (fours, rest) = bytes.as_chunks::<4>();
    assert!(rest.is_empty());
    Some(fours.iter().map(|four| f32::from_le_bytes(*four)).collect())
}

/// Every vector has as many numbers in each form, and none of them is NaN.
fn check(vectors: &Vectors) {
    for index in 0..vectors.len() {
        let floats = floats(vectors, index);
        let mut line = Vec::new();
        let facts = vector::LineFacts { index: 7, id: None, input: "字\n", model: None };
        vector::push_line(VectorFormat::Jsonl, facts, vectors.get(index), &mut line);
        assert_eq!(line.iter().filter(|byte| **byte == b'\n').count(), 1);
        let Some(floats) = floats else { continue };
        assert!(!floats.iter().any(|float| float.is_nan()));
        assert_eq!(vectors.get(index).map(|vector| vector.dimensions()), Some(floats.len()));
        // A number beyond 64 bits is none for a parser, though JSON allows it.
        if let Ok(value) = serde_json::from_slice::<Value>(&line) {
            assert_eq!(value["embedding"].as_array().map(Vec::len), Some(floats.len()));
        }
        let head = npy::head(vectors.len() as u64, floats.len());
        let shape = format!("'shape': ({}, {}), }}", vectors.len(), floats.len());
        assert!(String::from_utf8_lossy(&head).contains(&shape));
    }
}

/// The bytes as two vectors of floats, sent as base64: the same come back.
fn as_floats(data: &[u8]) {
    // Most numbers of other sizes are told to be no floats.
    let usual = |four: &[u8; 4]| {
        let number = f32::from_le_bytes(*four).abs();
        number == 0.0 || (1e-12..1e9).contains(&number)
    };
    let fours: Vec<[u8; 4]> = data.as_chunks().0.iter().copied().filter(usual).collect();
    let (one, two) = fours.split_at(fours.len() / 2);
    if one.is_empty() {
        return;
    }
    let text = |fours: &[[u8; 4]]| STANDARD.encode(fours.as_flattened());
    let list = json!([{"index": 1, "embedding": text(two)}, {"embedding": text(one), "index": 0}]);
    let found = read(json!({"data": list}).to_string().as_bytes(), DecimalVectors::AsTheyCame)
        .expect("two vectors");
    for (index, sent) in [one, two].into_iter().enumerate() {
        let mut bytes = Vec::new();
        found.get(index).expect("finite").push_floats(&mut bytes);
        assert_eq!(bytes, sent.as_flattened());
    }
    check(&found);
}
