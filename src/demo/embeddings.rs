//! `POST /v1/embeddings`: hashed words as vectors, so that texts with common words are near each other.
//! Meaning plays no part.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::fields::{choice, field, whole};
use super::hash::hash;
use super::pieces::{self, is_cjk};
use super::reply::{DemoReply, MODEL};

const DEFAULT_DIMENSIONS: u64 = 256;

/// The most dimensions, and the most inputs of one request; the latter is OpenAI's limit.
const MAX_DIMENSIONS: u64 = 4096;
const MAX_INPUTS: usize = 2048;

/// Answers an embeddings request by the specification; invalid fields are a 400.
pub(crate) fn answer(body: &Value) -> Result<DemoReply, DemoReply> {
    let inputs = inputs(body)?;
    let dimensions =
        whole(body, "dimensions", 1..=MAX_DIMENSIONS)?.unwrap_or(DEFAULT_DIMENSIONS) as usize;
    let base64 = choice(body, "encoding_format", &["float", "base64"])? == "base64";
    let entry = |(index, input): (usize, &&str)| {
        let numbers = vector(input, dimensions);
        let embedding =
            if base64 { encoded(&numbers) } else { numbers.into_iter().map(short).collect() };
        json!({"object": "embedding", "index": index, "embedding": embedding})
    };
    let tokens: u64 = inputs.iter().map(|input| pieces::count(input)).sum();
    Ok(DemoReply::json(&json!({
        "object": "list", "model": MODEL,
        "data": inputs.iter().enumerate().map(entry).collect::<Vec<_>>(),
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
    })))
}

fn inputs(body: &Value) -> Result<Vec<&str>, DemoReply> {
    let listed = match field(body, "input") {
        None => return Err(DemoReply::missing("input")),
        Some(Value::Array(listed)) => listed.as_slice(),
        Some(one) => std::slice::from_ref(one),
    };
    if listed.is_empty() || listed.len() > MAX_INPUTS {
        let problem = format_args!("has {} texts, it needs from 1 to {MAX_INPUTS}", listed.len());
        return Err(DemoReply::refused("input", problem));
    }
    let texts: Option<Vec<&str>> = listed.iter().map(Value::as_str).collect();
    let texts = texts.ok_or_else(|| {
        DemoReply::refused("input", "must be a string or strings, the demo accepts no token IDs")
    })?;
    match texts.iter().position(|text| text.is_empty()) {
        Some(index) => Err(DemoReply::refused(&format!("input[{index}]"), "is empty")),
        None => Ok(texts),
    }
}

/// Signed feature hashing (Weinberger and others, 2009), normalised to length 1.
fn vector(text: &str, dimensions: usize) -> Vec<f32> {
    let mut sums = vec![0f32; dimensions];
    for feature in features(text) {
        let hash = hash(feature.as_bytes());
        let sign = if hash >> 63 == 1 { -1.0 } else { 1.0 };
        sums[(hash % dimensions as u64) as usize] += sign;
    }
    let length = sums.iter().map(|sum| sum * sum).sum::<f32>().sqrt();
    if length > 0.0 {
        sums.iter_mut().for_each(|sum| *sum /= length);
    } else {
        // All features have cancelled each other out, as can happen in few dimensions.
        sums[0] = 1.0;
    }
    sums
}

/// Words in lower case; in scripts without spaces, characters and pairs of neighbours.
fn features(text: &str) -> Vec<String> {
    let mut features = Vec::new();
    let mut word = String::new();
    let mut before = None;
    for character in text.chars() {
        if character.is_alphanumeric() && !is_cjk(character) {
            word.extend(character.to_lowercase());
            before = None;
            continue;
        }
        if !word.is_empty() {
            features.push(std::mem::take(&mut word));
        }
        before = is_cjk(character).then(|| {
            features.push(character.to_string());
            features.extend(before.map(|before| String::from_iter([before, character])));
            character
        });
    }
    if !word.is_empty() {
        features.push(word);
    }
    if features.is_empty() {
        features.push(text.to_owned());
    }
    features
}

/// The shortest decimal that reads back as the same 32-bit number, as a service would print it.
fn short(number: f32) -> Value {
    number.to_string().parse::<f64>().map_or(Value::Null, Value::from)
}

/// Little-endian 32-bit numbers in base64.
fn encoded(numbers: &[f32]) -> Value {
    let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
    Value::String(STANDARD.encode(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nearness(one: &str, other: &str) -> f32 {
        vector(one, 256).iter().zip(vector(other, 256)).map(|(a, b)| a * b).sum()
    }

    fn refused(body: Value) -> String {
        let reply = answer(&body).err().map(|reply| (reply.status, reply.into_json()));
        let (status, document) = reply.expect("refused");
        assert_eq!(status, 400);
        document["error"]["message"].as_str().expect("a message").to_owned()
    }

    fn answered(body: &Value) -> Value {
        answer(body).unwrap_or_else(|refusal| refusal).into_json()
    }

    #[test]
    fn texts_that_share_words_are_near() {
        assert!((nearness("今天天气很好", "今天天气很好") - 1.0).abs() < 1e-5);
        assert!(
            nearness("今天天气很好", "今天的天气不好")
                > nearness("今天天气很好", "股票下跌了") + 0.3
        );
        assert!(
            nearness("The cat sleeps", "a CAT sleeps!")
                > nearness("The cat sleeps", "stock markets fell") + 0.3
        );
    }

    #[test]
    fn features_are_words_characters_and_neighbours() {
        assert_eq!(features("Rust 很好 v2"), ["rust", "很", "好", "很好", "v2"]);
        assert_eq!(features("好a好"), ["好", "a", "好"]);
        assert_eq!(features("！？"), ["！？"]);
    }

    #[test]
    fn every_vector_has_length_one() {
        for text in ["你好", "!", "a b c d e f g", " "] {
            for dimensions in [1, 2, 256, 1000] {
                let numbers = vector(text, dimensions);
                assert_eq!(numbers.len(), dimensions);
                assert!(
                    (numbers.iter().map(|number| number * number).sum::<f32>() - 1.0).abs() < 1e-4
                );
            }
        }
    }

    #[test]
    fn both_encodings_hold_the_same_numbers() {
        let document =
            answered(&json!({"model": "demo", "input": ["你好，世界", "b"], "dimensions": 64}));
        assert_eq!(document["object"], "list");
        assert_eq!(document["data"][1]["index"], 1);
        assert_eq!(document["usage"]["prompt_tokens"], 4);
        let floats = document["data"][0]["embedding"].as_array().expect("numbers");
        let other = answered(
            &json!({"input": "你好，世界", "dimensions": 64, "encoding_format": "base64"}),
        );
        let bytes = STANDARD
            .decode(other["data"][0]["embedding"].as_str().expect("base64"))
            .expect("base64");
        let numbers: Vec<f32> =
            bytes.as_chunks::<4>().0.iter().map(|four| f32::from_le_bytes(*four)).collect();
        let expected: Vec<f32> =
            floats.iter().map(|number| number.as_f64().expect("a number") as f32).collect();
        assert_eq!(numbers, expected);
        assert_eq!(
            answered(&json!({"input": "x"}))["data"][0]["embedding"].as_array().map(Vec::len),
            Some(256)
        );
    }

    #[test]
    fn inputs_that_are_none_are_refused() {
        assert!(refused(json!({})).contains("missing required parameter: 'input'"));
        assert!(refused(json!({"input": ""})).contains("'input[0]' is empty"));
        assert!(refused(json!({"input": ["a", ""]})).contains("'input[1]' is empty"));
        assert!(refused(json!({"input": []})).contains("has 0 texts"));
        assert!(refused(json!({"input": vec!["x"; 2049]})).contains("has 2049 texts"));
        assert!(refused(json!({"input": [1, 2]})).contains("no token IDs"));
        assert!(refused(json!({"input": "a", "dimensions": 0})).contains("from 1 to 4096"));
        assert!(refused(json!({"input": "a", "encoding_format": "hex"})).contains("float, base64"));
    }
}
