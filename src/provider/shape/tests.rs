//! Templates filled with fields and files, and what becomes of what is absent.

use bytes::Bytes;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::http::form::BytePiece;

fn attached(role: FileRole, tag: &str) -> BodyFile {
    let data = vec![BytePiece::Bytes(Bytes::copy_from_slice(tag.as_bytes()))];
    let insert = SplicedFile { mark: format!("[{tag}]"), data };
    BodyFile { role, media_type: "image/png".to_owned(), format: "png".to_owned(), insert }
}

/// What comes of a template, and how many of the files found a place.
fn filled(template: &Value, fields: Value, attached: &[BodyFile]) -> (Value, usize) {
    let fields = fields.as_object().cloned().expect("an object");
    let words = template::all_words(template);
    let named: Vec<&str> =
        words.iter().map(|word| word.split('.').next().unwrap_or(word)).collect();
    let rest = fields.iter().filter(|(name, _)| !named.contains(&name.as_str()));
    let rest = rest.map(|(name, value)| (name.clone(), value.clone())).collect();
    let mut filler = TemplateFiller { fields: &fields, rest, attached, used: BTreeSet::new() };
    let value = Value::Object(filler.body(template));
    (value, filler.used.len())
}

#[track_caller]
fn check(template: Value, fields: Value, expected: Value) {
    assert_eq!(filled(&template, fields, &[]).0, expected, "{template}");
}

#[test]
fn words_stand_for_fields_of_any_type() {
    let fields = json!({"model": "画", "n": 2, "voice": {"id": 1}, "speed": 1.5});
    check(
        json!({"a": "$n", "b": ["$voice", "x"]}),
        fields.clone(),
        json!({"a": 2, "b": [{"id": 1}, "x"]}),
    );
    check(json!({"a": "用$model，$n"}), fields.clone(), json!({"a": "用画，2"}));
    check(json!({"a": "$$n", "b": "$$"}), fields, json!({"a": "$n", "b": "$"}));
}

#[test]
fn what_is_absent_takes_with_it_what_says_nothing_without_it() {
    let none = json!({});
    check(json!({"a": 1, "b": "$voice"}), none.clone(), json!({"a": 1}));
    check(json!({"a": 1, "b": {"c": {"d": "$voice"}}}), none.clone(), json!({"a": 1}));
    check(json!({"a": 1, "b": {"type": "x", "c": "$voice"}}), none.clone(), json!({"a": 1}));
    check(
        json!({"a": 1, "b": {"mode": ["X"], "c": {"d": "$voice"}}}),
        none.clone(),
        json!({"a": 1, "b": {"mode": ["X"]}}),
    );
    check(json!({"a": 1, "b": ["$voice", "In $language."]}), none.clone(), json!({"a": 1}));
    check(json!({"a": {}, "b": []}), none, json!({"a": {}, "b": []}));
}

#[test]
fn the_rest_is_what_no_word_names() {
    let fields = json!({"model": "m", "prompt": "猫", "n": 1, "watermark": true});
    let template = json!({"model": "$model", "p": "$rest", "i": {"$rest": true, "t": "$prompt", "watermark": false}});
    check(
        template,
        fields,
        json!({"model": "m", "p": {"n": 1, "watermark": true}, "i": {"n": 1, "watermark": false, "t": "猫"}}),
    );
    check(json!({"model": "$model", "p": "$rest"}), json!({"model": "m"}), json!({"model": "m"}));
}

#[test]
fn a_size_has_two_sides() {
    let template = json!({"a": "$size.width*$size.height", "w": "$size.width", "s": "$size"});
    check(
        template.clone(),
        json!({"size": "1024x768"}),
        json!({"a": "1024*768", "w": 1024, "s": "1024x768"}),
    );
    for size in ["auto", "1K", "", "x"] {
        check(template.clone(), json!({"size": size}), json!({"s": size}));
    }
}

#[test]
fn a_list_has_an_entry_for_each_picture() {
    let template = json!({
        "image": {"type": "t", "url": "$picture.url"},
        "images": [{"type": "t", "url": "$pictures.url"}],
        "all": [{"parts": ["x", {"raw": "$picture.data", "type": "$picture.type"}, "$prompt"]}],
        "mask": "$mask.format",
    });
    let (one, two) = (attached(FileRole::Picture, "一"), attached(FileRole::Picture, "二"));
    let mask = attached(FileRole::Mask, "三");
    let url = |tag: &str| format!("data:image/png;base64,[{tag}]");
    let raw = |tag: &str| json!({"raw": format!("[{tag}]"), "type": "image/png"});
    let (value, used) = filled(&template, json!({"prompt": "p"}), std::slice::from_ref(&one));
    let expected = json!({"image": {"type": "t", "url": url("一")}, "all": [{"parts": ["x", raw("一"), "p"]}]});
    assert_eq!((value, used), (expected, 1));
    let (value, used) = filled(&template, json!({}), &[one, mask, two]);
    let images = json!([{"type": "t", "url": url("一")}, {"type": "t", "url": url("二")}]);
    let expected =
        json!({"images": images, "all": [{"parts": ["x", raw("一"), raw("二")]}], "mask": "png"});
    assert_eq!((value, used), (expected, 3));
}

#[test]
fn a_recording_may_be_plain_or_a_url() {
    let template = json!({"messages": [{"content": [{"data": "$audio.data", "format": "$audio.format", "url": "$audio.url"}]}]});
    let (value, used) = filled(&template, json!({}), &[attached(FileRole::Audio, "a")]);
    let part = json!({"data": "[a]", "format": "png", "url": "data:image/png;base64,[a]"});
    assert_eq!((value, used), (json!({"messages": [{"content": [part]}]}), 1));
}

/// Templates with words at any place, right ones and wrong ones.
fn template() -> impl Strategy<Value = Value> {
    let text =
        "(\\$(prompt|n|size\\.width|picture\\.url|pictures\\.data|mask\\.type|rest|)|[a$你.]){0,3}";
    let leaf = prop_oneof![text.prop_map(Value::from), Just(json!(1)), Just(Value::Null)];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let name = prop_oneof![Just("$rest".to_owned()), "[a-c]"];
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            proptest::collection::vec((name, inner), 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn any_template_is_filled(template in template(), pictures in 0_usize..3, n in proptest::option::of(0..9)) {
        let mut files: Vec<BodyFile> =
            (0..pictures).map(|index| attached(FileRole::Picture, &index.to_string())).collect();
        files.push(attached(FileRole::Mask, "m"));
        let fields = json!({"n": n, "prompt": "猫", "size": "1x2", "seed": 1});
        let (value, used) = filled(&template, fields, &files);
        prop_assert!(used <= files.len());
        // A template without words is what goes out.
        if template.is_object() && !template.to_string().contains('$') {
            prop_assert_eq!(value, template);
        }
    }
}
