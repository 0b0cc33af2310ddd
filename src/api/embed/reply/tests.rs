use ::base64::Engine as _;
use ::base64::engine::general_purpose::{STANDARD as ENCODER, STANDARD_NO_PAD};
use proptest::prelude::*;
use serde_json::json;

use super::*;

fn encoded(numbers: &[f32]) -> String {
    let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
    ENCODER.encode(bytes)
}

fn read(body: Vec<u8>, asked: usize) -> Result<Vectors, VectorProblem> {
    super::read(body, asked, DecimalVectors::AsTheyCame, Element::Float, Vec::new())
}

fn read_slowly(body: &[u8], asked: usize) -> Result<Vectors, VectorProblem> {
    super::read_slowly(body, asked, DecimalVectors::AsTheyCame, Element::Float, Vec::new())
}

/// Reads as for a format of floats, into memory that was used before.
fn read_as_floats(body: Vec<u8>, asked: usize) -> Result<Vectors, VectorProblem> {
    super::read(body, asked, DecimalVectors::Floats, Element::Float, vec![7; 99])
}

fn floats(vectors: &Vectors) -> Vec<Option<Vec<f32>>> {
    let numbers = |index| {
        let mut bytes = Vec::new();
        vectors.get(index)?.push_floats(&mut bytes);
        Some(bytes.as_chunks::<4>().0.iter().map(|four| f32::from_le_bytes(*four)).collect())
    };
    (0..vectors.len()).map(numbers).collect()
}

fn problem(body: Value, asked: usize) -> VectorProblem {
    read(body.to_string().into_bytes(), asked).expect_err("is a problem")
}

#[test]
fn vectors_come_in_the_order_of_the_inputs() {
    let body = json!({
        "data": [
            {"index": 2, "embedding": [0.25, -1]},
            {"index": 0, "embedding": encoded(&[1.5, 2.5])},
            {"index": 1, "embedding": encoded(&[0.1])},
        ],
        "usage": {"prompt_tokens": 9, "total_tokens": 10},
    });
    let vectors = read(body.to_string().into_bytes(), 3).expect("is read");
    let expected = [Some(vec![1.5, 2.5]), Some(vec![0.1]), Some(vec![0.25, -1.0])];
    assert_eq!(floats(&vectors), expected);
    assert_eq!(vectors.usage.as_ref().and_then(tokens_of), Some(9));
}

#[test]
fn numbers_become_floats() {
    let body = json!({"data": [
        {"index": 1, "embedding": [0.25, -1]},
        {"index": 0, "embedding": encoded(&[1.5, 2.5])},
        {"index": 2, "embedding": [null, 1]},
        {"index": 4, "embedding": encoded(&[3.5])},
        {"index": 3, "embedding": [1, null]},
    ]});
    let body = body.to_string().into_bytes();
    let huge = read_as_floats(br#"{"data":[{"embedding":[1e39,1]}]}"#.to_vec(), 1);
    assert_eq!(floats(&huge.expect("is read")), [None], "beyond a float");
    let mut as_they_came = read(body.clone(), 5).expect("is read");
    assert_eq!(as_they_came.get(1), Some(Vector::Digits(b"0.25,-1")));
    assert_eq!(as_they_came.spare_text(), None);
    let vectors = read_as_floats(body, 5).expect("is read");
    assert_eq!(
        vectors.get(1),
        Some(Vector::Floats(&[0.25f32, -1.0].map(f32::to_le_bytes).concat()))
    );
    let [first, second, last] = [vec![1.5, 2.5], vec![0.25, -1.0], vec![3.5]].map(Some);
    let expected = [first, second, None, None, last];
    assert_eq!(floats(&vectors), expected);
    assert_eq!(floats(&as_they_came), expected);
}

#[test]
fn vectors_that_are_alike_and_in_order_are_a_table() {
    let table = |body: &Value, asked| {
        let vectors = read_as_floats(body.to_string().into_bytes(), asked).expect("is read");
        vectors.as_table().map(|(columns, bytes)| (columns, bytes.to_vec()))
    };
    let entry = |index: usize, embedding: Value| json!({"index": index, "embedding": embedding});
    let base64 = |numbers: &[f32]| json!(encoded(numbers));
    let bytes = [1.0f32, 2.0, 3.0, 4.0].map(f32::to_le_bytes).concat();
    let expected = Some((2, bytes.clone()));
    let [one, two] = [[1.0, 2.0], [3.0, 4.0]];
    assert_eq!(
        table(&json!({"data": [entry(0, base64(&one)), entry(1, base64(&two))]}), 2),
        expected
    );
    assert_eq!(table(&json!({"data": [entry(0, json!(one)), entry(1, json!(two))]}), 2), expected);
    assert_eq!(
        table(&json!({"data": [entry(0, base64(&[1.0, 2.0, 3.0, 4.0]))]}), 1),
        Some((4, bytes))
    );
    let numbers = json!({"data": [entry(0, json!(one))]}).to_string().into_bytes();
    let mut vectors = read_as_floats(numbers, 1).expect("is read");
    assert!(vectors.spare_text().is_some_and(|text| !text.is_empty()));
    assert_eq!(floats(&vectors), [Some(one.to_vec())]);
    for unusual in [
        json!([]),
        json!([entry(1, base64(&two)), entry(0, base64(&one))]),
        json!([entry(0, base64(&one)), entry(1, base64(&two[..1]))]),
        json!([entry(0, base64(&one)), entry(1, json!(two))]),
        json!([entry(0, base64(&one)), entry(1, base64(&[3.0, f32::NAN]))]),
        json!([entry(0, json!(one)), entry(1, json!([null, 1]))]),
    ] {
        let count = unusual.as_array().map_or(0, Vec::len);
        let found = table(&json!({"data": unusual}), count);
        assert!(found.is_none(), "{count} {found:?}");
    }
}

#[test]
fn base64_may_lack_its_padding_and_have_escapes() {
    let bytes = [0.1f32, -7.5].map(f32::to_le_bytes).concat();
    let bare = STANDARD_NO_PAD.encode(bytes);
    let escaped = encoded(&[-1.0e30, 0.1]).replace('/', "\\/");
    let body = format!(r#"{{"data":[{{"embedding":"{bare}"}},{{"embedding":"{escaped}"}}]}}"#);
    let vectors = read(body.into_bytes(), 2).expect("is read");
    assert_eq!(floats(&vectors), [Some(vec![0.1, -7.5]), Some(vec![-1.0e30, 0.1])]);
}

#[test]
fn base64_of_any_length_is_decoded() {
    for count in [1, 2, 767, 768, 769, 1536, 3073] {
        let numbers: Vec<f32> = (0..count).map(|number| number as f32 / 7.0).collect();
        let body = json!({"data": [
            {"index": 1, "embedding": encoded(&numbers)},
            {"index": 2, "embedding": [0.5]},
            {"index": 0, "embedding": encoded(&numbers[..1])},
        ]});
        let vectors = read(body.to_string().into_bytes(), 3).expect("is read");
        let expected = [Some(vec![0.0]), Some(numbers), Some(vec![0.5])];
        assert_eq!(floats(&vectors), expected, "{count}");
    }
    let filled = format!("{}=={}", "A".repeat(4094), "A".repeat(8));
    let body = json!({"data": [{"embedding": filled}]});
    assert_eq!(problem(body, 1), VectorProblem::Vector(0, "it is not base64".to_owned()));
}

#[test]
fn what_is_no_number_leaves_its_place_empty() {
    let body = json!({"data": [
        {"index": 1, "embedding": [1, null]},
        {"index": 0, "embedding": [2]},
        {"index": 2, "embedding": encoded(&[1.0, f32::NAN])},
        {"index": 3, "embedding": encoded(&[3.0])},
    ]});
    let vectors = read(body.to_string().into_bytes(), 4).expect("is read");
    assert_eq!(floats(&vectors), [Some(vec![2.0]), None, None, Some(vec![3.0])]);
}

#[test]
fn a_reply_that_cannot_be_used_says_why() {
    let one = |embedding: Value| json!({"data": [{"index": 0, "embedding": embedding}]});
    assert_eq!(problem(one(json!([[1, 2], [3, 4]])), 1), VectorProblem::Nested);
    assert_eq!(problem(one(json!([1])), 2), VectorProblem::Count(1));
    let vector = |words: &str| VectorProblem::Vector(0, words.to_owned());
    assert_eq!(problem(one(json!([])), 1), VectorProblem::Empty(0));
    assert_eq!(problem(one(json!(["a"])), 1), vector("it contains something other than numbers"));
    assert_eq!(problem(one(json!({"Float": [1]})), 1), vector("it is neither numbers nor base64"));
    assert_eq!(problem(one(json!("中文")), 1), vector("it is not base64"));
    assert_eq!(problem(one(json!("AAA=")), 1), VectorProblem::NoFloats(0, 2));
    assert_eq!(problem(one(json!("")), 1), VectorProblem::Empty(0));
    let indexes = |first: Value, second: Value| {
        let entry = |index: Value| json!({"index": index, "embedding": [1]});
        problem(json!({"data": [entry(first), entry(second)]}), 2)
    };
    let index = |words: &str| VectorProblem::Index(words.to_owned());
    assert_eq!(indexes(json!(0), json!(2)), index("there is an unexpected index 2"));
    assert_eq!(indexes(json!(0), json!(-1)), index("there is an unexpected index -1"));
    assert_eq!(indexes(json!(1), json!(null)), index("index 1 comes twice"));
    assert!(matches!(
        problem(json!({"error": {"message": "坏"}}), 1),
        VectorProblem::Reply(BadReply::Fault(_))
    ));
    let other = || BadReply::NotAnAnswer("{\"models\":[]}".to_owned());
    assert_eq!(problem(json!({"models": []}), 1), VectorProblem::Nothing(other()));
    assert!(matches!(
        problem(json!({"data": "x"}), 1),
        VectorProblem::Reply(BadReply::NotAnAnswer(_))
    ));
}

/// A reply with vectors of every form, usual and not.
fn reply() -> impl Strategy<Value = (Value, usize)> {
    let number = prop_oneof![
        (-1.0e6f32..1.0e6).prop_map(|number| json!(number)),
        (-1000i64..1000).prop_map(|number| json!(number)),
    ];
    let numbers = prop::collection::vec(number, 1..6).prop_map(Value::Array);
    let base64 =
        prop::collection::vec(any::<f32>(), 1..6).prop_map(|numbers| json!(encoded(&numbers)));
    let odd = prop_oneof![Just(json!([])), Just(json!(null)), Just(json!([[1]])), Just(json!("é"))];
    let vector = prop_oneof![5 => numbers, 5 => base64, 1 => odd];
    (prop::collection::vec(vector, 0..5), any::<bool>(), any::<bool>()).prop_map(
        |(vectors, has_index, is_reversed)| {
            let count = vectors.len();
            let entry = |(index, vector)| match has_index {
                true => json!({"object": "embedding", "index": index, "embedding": vector}),
                false => json!({"embedding": vector}),
            };
            let mut data: Vec<Value> = vectors.into_iter().enumerate().map(entry).collect();
            if is_reversed {
                data.reverse();
            }
            (json!({"object": "list", "data": data, "usage": {"prompt_tokens": 3}}), count)
        },
    )
}

/// The outcome of a reading, to be compared.
fn outcome(result: Result<Vectors, VectorProblem>) -> (Vec<Option<Vec<f32>>>, String) {
    match result {
        Ok(vectors) => (floats(&vectors), format!("{:?}", vectors.usage)),
        Err(problem) => (Vec::new(), format!("{problem:?}")),
    }
}

/// The same where floats were asked for: a vector with a number that no float holds is none.
fn in_floats((mut rows, more): (Vec<Option<Vec<f32>>>, String)) -> (Vec<Option<Vec<f32>>>, String) {
    for row in &mut rows {
        *row = row.take().filter(|row| row.iter().all(|number| number.is_finite()));
    }
    (rows, more)
}

proptest! {
    #[test]
    fn both_ways_of_reading_agree((body, count) in reply(), is_pretty in any::<bool>()) {
        let body = match is_pretty {
            true => serde_json::to_vec_pretty(&body).expect("serialises"),
            false => body.to_string().into_bytes(),
        };
        let slow = outcome(read_slowly(&body, count));
        prop_assert_eq!(outcome(read(body.clone(), count)), slow.clone());
        let slow_as_floats = super::read_slowly(&body, count, DecimalVectors::Floats, Element::Float, Vec::new());
        prop_assert_eq!(outcome(slow_as_floats), in_floats(slow.clone()));
        prop_assert_eq!(outcome(read_as_floats(body, count)), in_floats(slow));
    }

    #[test]
    fn a_damaged_reply_is_read_the_same_way_or_not_at_all(
        (body, count) in reply(),
        at in any::<prop::sample::Index>(),
        with in r#"[\[\]{}",:0-9eE.\-+ nA=\\é]{0,3}"#,
        cut in 0usize..3,
    ) {
        let text = body.to_string();
        let start = at.index(text.len());
        let is_end = |at: &usize| text.is_char_boundary(*at);
        let start = (0..=start).rev().find(is_end).expect("0 is one");
        let end = (start + cut..=text.len()).find(is_end).unwrap_or(text.len());
        let body = format!("{}{with}{}", &text[..start], &text[end..]).into_bytes();
        let (quick, slow) = (read(body.clone(), count), read_slowly(&body, count));
        // A number too large for a double is none for the tree of values alone.
        let is_number_problem = matches!(&slow, Err(VectorProblem::Reply(BadReply::NotAnAnswer(_))))
            && serde_json::from_slice::<Value>(&body)
                .is_err_and(|error| error.to_string().contains("out of range"));
        if !is_number_problem {
            let slow = outcome(slow);
            prop_assert_eq!(outcome(quick), slow.clone());
            prop_assert_eq!(outcome(read_as_floats(body, count)), in_floats(slow));
        }
    }

    #[test]
    fn no_bytes_make_it_panic(body in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = read(body, 1);
    }
}
