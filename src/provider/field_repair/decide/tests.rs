//! Refusals as services word them, and what is made of them.

use super::*;

/// The verdict on a refusal of a request with these fields, of which `own` are the user's.
fn verdict(param: &str, words: &str, fields: &[&str], own: &[&str]) -> RepairVerdict {
    let refused = Refused {
        status: Some(400),
        code: None,
        param: (!param.is_empty()).then(|| param.to_owned()),
        words: words.to_owned(),
        ..Refused::default()
    };
    let mut owned = UserFields::default();
    for field in own {
        owned.add(field, SetBy::Setting);
    }
    let all = ["model", "messages"].iter().chain(fields);
    let fields: Vec<_> = all.map(|name| ((*name).to_owned(), Some("text".to_owned()))).collect();
    decide(&refused, &fields, &owned, &[])
}

fn drop(field: &str) -> RepairVerdict {
    RepairVerdict::Change(FieldChange::Drop(field.to_owned()))
}

fn rename(from: &str, to: &str) -> RepairVerdict {
    RepairVerdict::Change(FieldChange::Rename { from: from.to_owned(), to: to.to_owned() })
}

#[test]
fn a_field_of_ours_is_left_out() {
    for (param, words, field) in [
        ("stop", "Unsupported parameter: 'stop' is not supported with this model.", "stop"),
        ("stream", "Your organization must be verified to stream this model.", "stream"),
        ("store", "body.store: Extra inputs are not permitted", "store"),
        ("", "body.store: Extra inputs are not permitted", "store"),
        ("stream_options.include_usage", "no", "stream_options"),
        ("", "unprocessable entity: n is not supported", "n"),
        ("", "Invalid JSON payload received. Unknown name \"top_k\": Cannot find field.", "top_k"),
        ("", "Argument not supported on this model: presencePenalty", "presence_penalty"),
        ("", "Argument not supported on this model: stop", "stop"),
        ("", "Unexpected fields in the request: {'top_k'}", "top_k"),
        (
            "",
            "Stream options can only be defined when `stream=True`. (parameter=stream_options)",
            "stream_options",
        ),
        (
            "",
            "[{'type': 'extra_forbidden', 'loc': ('body', 'stream_options'), 'msg': 'Extra inputs are not permitted'}]",
            "stream_options",
        ),
        ("", "参数 `encoding_format` 不支持", "encoding_format"),
    ] {
        let fields = [field, "temperature"];
        assert_eq!(verdict(param, words, &fields, &["temperature"]), drop(field), "{words}");
    }
}

#[test]
fn a_field_of_theirs_is_their_matter() {
    let words = "Unsupported parameter: 'stop' is not supported with this model.";
    let theirs = RepairVerdict::Theirs { field: "stop".into(), by: SetBy::Setting };
    assert_eq!(verdict("stop", words, &["stop"], &["stop"]), theirs);
    assert_eq!(verdict("", words, &["stop"], &["stop"]), theirs);
}

#[test]
fn a_value_of_theirs_is_not_to_be_left_out() {
    let value = |field: &str| RepairVerdict::TheirValue { field: field.into(), by: SetBy::Setting };
    for (param, words, field) in [
        (
            "max_tokens",
            "max_tokens is too large: 100000. This model supports at most 16384",
            "max_tokens",
        ),
        (
            "",
            "Unsupported value: 'reasoning_effort' does not support this. Supported values are: low",
            "reasoning_effort",
        ),
        ("body.reasoning_effort", "Input should be 'low' or 'high'", "reasoning_effort"),
        ("temperature", "temperature must be in [0, 2]", "temperature"),
        ("", "参数 `temperature` 取值范围不支持", "temperature"),
        ("temperature", "invalid temperature: only 1 is allowed for this model", "temperature"),
    ] {
        assert_eq!(verdict(param, words, &[field], &[field]), value(field), "{words}");
    }
}

#[test]
fn another_name_is_taken_whoever_set_the_field() {
    let tokens = "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.";
    for own in [&[][..], &["max_tokens"]] {
        let expected = rename("max_tokens", "max_completion_tokens");
        assert_eq!(verdict("max_tokens", tokens, &["max_tokens"], own), expected);
        assert_eq!(verdict("", tokens, &["max_tokens"], own), expected);
    }
    for (words, from, to) in [
        ("`seed` is not allowed, did you mean `random_seed`?", "seed", "random_seed"),
        (
            "unknown field dimensions: please use output_dimension instead",
            "dimensions",
            "output_dimension",
        ),
        ("field `size` was renamed to `image_size`", "size", "image_size"),
        (
            "Parameter 'voice' is deprecated. Please use the 'voice_id' parameter.",
            "voice",
            "voice_id",
        ),
    ] {
        assert_eq!(verdict("", words, &[from], &[from]), rename(from, to), "{words}");
    }
}

#[test]
fn a_value_is_no_name() {
    let words = "response_format 'text' is not compatible with this model. Use 'json' or 'verbose_json' instead.";
    assert_eq!(
        verdict("response_format", words, &["response_format"], &[]),
        drop("response_format")
    );
    let words =
        "Function tools with reasoning_effort are not supported. Please use /v1/responses instead.";
    let theirs = RepairVerdict::Theirs { field: "reasoning_effort".into(), by: SetBy::Setting };
    let found = verdict("reasoning_effort", words, &["reasoning_effort"], &["reasoning_effort"]);
    assert_eq!(found, theirs);
    // Both names are there: one of them must go, and only if it is ours.
    let words = "'max_tokens' is not supported. Use 'max_completion_tokens' instead.";
    let both = ["max_tokens", "max_completion_tokens"];
    assert_eq!(verdict("max_tokens", words, &both, &["max_completion_tokens"]), drop("max_tokens"));
}

#[test]
fn what_names_no_field_or_several_changes_nothing() {
    for (param, words) in [
        ("model", "The model 'gpt' is not supported"),
        ("messages", "Invalid type for 'messages'"),
        ("tools", "unknown"),
        ("", "stop is what you should do"),
        ("", "the seed `seed` and the stop `stop` are not supported together"),
        ("", "this is not supported"),
        ("", ""),
    ] {
        let found = verdict(param, words, &["stop", "seed"], &[]);
        assert_eq!(found, RepairVerdict::Nothing, "{words}");
    }
    let refused = |status| Refused { status, param: Some("stop".into()), ..Refused::default() };
    let fields = [("stop".to_owned(), None)];
    for status in [None, Some(401), Some(404), Some(429), Some(500)] {
        assert_eq!(
            decide(&refused(status), &fields, &UserFields::default(), &[]),
            RepairVerdict::Nothing
        );
    }
    assert_eq!(decide(&refused(Some(422)), &fields, &UserFields::default(), &[]), drop("stop"));
}

#[test]
fn to_name_what_is_for_our_own_ease_is_enough() {
    let fields = ["model", "input", "encoding_format", "dimensions"];
    let fields = fields.map(|name| (name.to_owned(), None));
    let decided = |status: u16, words: &str, own: &UserFields| {
        let refused =
            Refused { status: Some(status), words: words.to_owned(), ..Refused::default() };
        decide(&refused, &fields, own, &["encoding_format"])
    };
    for status in [400, 404, 500, 501] {
        let found = decided(status, "encoding_format: no", &UserFields::default());
        assert_eq!(found, drop("encoding_format"), "{status}");
    }
    let mut own = UserFields::default();
    own.add("encoding_format", SetBy::Setting);
    assert_eq!(decided(500, "encoding_format: no", &own), RepairVerdict::Nothing);
    for (status, words) in [
        (429, "encoding_format: no"),
        (403, "encoding_format: no"),
        (500, "`dimensions` and encoding_format: no"),
        (500, "format: no"),
    ] {
        assert_eq!(
            decided(status, words, &UserFields::default()),
            RepairVerdict::Nothing,
            "{words}"
        );
    }
}

proptest::proptest! {
    #[test]
    fn any_words_are_borne(param in ".{0,20}", words in "(\\PC|['\"`_ ]|use|instead|stop){0,60}") {
        let _ = verdict(&param, &words, &["stop", "max_tokens"], &["stop"]);
    }
}
