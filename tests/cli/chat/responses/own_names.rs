//! Fields that the user sets under the endpoint's own names, beside the same ones by flags and under
//! the names of `/chat/completions`: `-O` wins over a flag, a flag over the profile.

use serde_json::{Value, json};

use super::{asking, saying};
use crate::support::Server;

/// The body of the request of a run with these lines in the profile and these arguments.
#[track_caller]
fn sent(lines: &str, args: &[&str]) -> Value {
    let server = Server::start([saying("{\"a\":\"b\"}")]);
    asking(&server, lines).args(args).arg("问").run().code(0).stderr("");
    server.request().json()
}

#[test]
fn what_weighs_more_wins_under_whatever_name() {
    let low = "options = { reasoning_effort = \"low\" }";
    let own_low = "options = { reasoning = { effort = \"low\" } }";
    let whole = "reasoning={\"effort\":\"high\"}";
    for (lines, args) in [
        ("", &["--reasoning-effort", "low", "-O", "reasoning.effort=high"][..]),
        ("", &["--reasoning-effort", "low", "-O", whole]),
        (low, &["-O", "reasoning.effort=high"]),
        (low, &["-O", whole]),
        (own_low, &["--reasoning-effort", "high"]),
        (own_low, &["-O", "reasoning_effort=high"]),
        (own_low, &["--reasoning-effort", "low", "-O", "reasoning.effort=high"]),
        // The later of two.
        ("", &["-O", "reasoning.effort=low", "-O", "reasoning_effort=high"]),
        ("", &["-O", "reasoning_effort=low", "-O", "reasoning.effort=high"]),
    ] {
        assert_eq!(sent(lines, args)["reasoning"], json!({"effort": "high"}), "{lines} {args:?}");
    }
    let verbosity = "options = { verbosity = \"low\" }";
    let body = sent(verbosity, &["-O", "text.verbosity=high"]);
    assert_eq!(body["text"], json!({"verbosity": "high"}));
    // A member that is set says nothing of the others.
    let members = "options = { reasoning = { effort = \"low\", mode = \"pro\" } }";
    let body = sent(members, &["--reasoning-effort", "high", "-O", "reasoning.context=auto"]);
    assert_eq!(body["reasoning"], json!({"effort": "high", "mode": "pro", "context": "auto"}));
}

#[test]
fn limits_and_the_conversation_too() {
    let profile = "options = { max_output_tokens = 5 }";
    for (lines, args) in [
        (profile, &["--max-tokens", "9"][..]),
        (profile, &["--max-tokens", "7", "-O", "max_output_tokens=9"]),
        ("", &["--max-tokens", "7", "-O", "max_output_tokens=9"]),
        ("options = { max_tokens = 5 }", &["-O", "max_output_tokens=9"]),
    ] {
        assert_eq!(sent(lines, args)["max_output_tokens"], 9, "{lines} {args:?}");
    }
    let own = json!([{"role": "user", "content": "别的"}]);
    for name in ["input", "messages"] {
        assert_eq!(sent("", &["-O", &format!("{name}={own}")])["input"], own);
    }
}

#[test]
fn the_format_of_the_text_is_the_users() {
    let form = |args: &[&str], lines: &str| {
        sent(lines, &[&["--schema", "a"], args].concat())["text"]["format"].clone()
    };
    let object = json!({"type": "json_object"});
    assert_eq!(form(&["-O", &format!("text.format={object}")], ""), object);
    let profile = "options = { text = { format = { type = \"text\" }, verbosity = \"low\" } }";
    for args in [&[][..], &["-O", "text.verbosity=low"]] {
        assert_eq!(form(args, profile)["type"], "json_schema");
    }
    // A part of it stands beside the rest.
    let named = form(&["-O", "text.format.name=mine"], "");
    assert_eq!((&named["type"], &named["name"]), (&json!("json_schema"), &json!("mine")));
    assert!(named["schema"].is_object() && named["strict"] == true, "{named}");
}

#[test]
fn a_summary_is_asked_for_beside_the_profiles_effort() {
    let lines = |options: &str| {
        format!("responses_takes = [\"summary\"]\noptions = {{ reasoning = {{ {options} }} }}")
    };
    for (options, args, expected) in [
        ("effort = \"low\"", &[][..], json!({"effort": "low", "summary": "auto"})),
        ("summary = \"concise\"", &[], json!({"summary": "concise"})),
        (
            "effort = \"low\"",
            &["-O", "reasoning.effort=high"],
            json!({"effort": "high", "summary": "auto"}),
        ),
        ("effort = \"low\"", &["-O", "reasoning={\"effort\":\"high\"}"], json!({"effort": "high"})),
    ] {
        let body = sent(&lines(options), &[&["--reasoning", "show"], args].concat());
        assert_eq!(body["reasoning"], expected, "{options} {args:?}");
    }
    let body = sent(&lines("effort = \"low\""), &[]);
    assert_eq!(body["reasoning"], json!({"effort": "low"}));
}

#[test]
fn nothing_that_is_set_by_hand_is_lost() {
    let tool = json!({"type": "web_search"});
    let body = sent(
        "",
        &[
            "-O",
            &format!("tools={tool}"),
            "-O",
            "logprobs=3",
            "-O",
            "include=x",
            "-O",
            "stream_options={\"include_usage\":true,\"own\":1}",
        ],
    );
    assert_eq!((&body["tools"], &body["logprobs"]), (&tool, &json!(3)));
    assert_eq!((&body["include"], &body["stream_options"]), (&json!("x"), &json!({"own": 1})));
    // What is asked for beside it joins it.
    let options = ["-O", "include=x", "-O", "logprobs=true", "-O", "web_search_options={}"];
    let body = sent("", &[&options[..], &["-O", &format!("tools={tool}")]].concat());
    assert_eq!(body["include"], json!(["x", "message.output_text.logprobs"]));
    assert_eq!(body["tools"], json!([tool, tool]));
    // What says that nothing is wanted is no field.
    let body = sent("", &["-O", "logprobs=false", "-O", "stream_options={\"include_usage\":true}"]);
    assert_eq!((body.get("logprobs"), body.get("stream_options")), (None, None));
    // The profile's is told.
    let server = Server::start([saying("好")]);
    let run = asking(&server, "options = { logprobs = 3 }").arg("问").run();
    run.code(0).stderr_has("`options.logprobs`").stderr_has("left out");
}
