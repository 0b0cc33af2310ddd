//! What is sent: the names of `/chat/completions` as those of `/responses`.

use serde_json::{Value, json};

use super::super::attachments::PNG;
use super::{asking, message, response, saying};
use crate::support::{Llm, Reply, Server, llm};

/// The body of the one request of this run, without what every request has.
fn sent(more: &str, command: impl Fn(Llm) -> Llm) -> Value {
    let server = Server::start([saying("好")]);
    command(asking(&server, more)).run().code(0).stderr("");
    bare(&server.request().json())
}

fn bare(body: &Value) -> Value {
    let mut bare = body.as_object().expect("an object").clone();
    for name in ["model", "stream", "store"] {
        bare.remove(name).unwrap_or_else(|| panic!("`{name}` is missing in {body}"));
    }
    bare.into()
}

fn input(text: &str) -> Value {
    json!([{"role": "user", "content": text}])
}

#[test]
fn flags_have_their_names_there() {
    let flags = ["-t", "0.5", "--top-p", "0.9", "--max-tokens", "20", "--reasoning-effort", "low"];
    let body = sent("", |llm| llm.args(flags).args(["-s", "简短", "问"]));
    let expected = json!({"instructions": "简短", "input": input("问"), "temperature": 0.5,
        "top_p": 0.9, "max_output_tokens": 20, "reasoning": {"effort": "low"}});
    assert_eq!(body, expected);
}

#[test]
fn a_schema_is_the_format_of_the_text() {
    let server = Server::start([saying("{\"a\":\"b\"}"), saying("{\"a\":\"b\"}")]);
    asking(&server, "").args(["--schema", "a", "问"]).run().code(0).stderr("");
    let form = server.requests()[0].json()["text"]["format"].clone();
    let schema = json!({"type": "object", "properties": {"a": {"type": "string"}},
        "required": ["a"], "additionalProperties": false});
    let expected =
        json!({"type": "json_schema", "name": "answer", "schema": schema, "strict": true});
    assert_eq!(form, expected);
    // A service that looks for the word JSON looks for it in the input.
    let run =
        asking(&server, "schema = \"json_object\"").args(["-s", "短", "--schema", "a", "问"]).run();
    run.code(0).stderr("");
    let body = server.requests()[1].json();
    assert_eq!(body["text"], json!({"format": {"type": "json_object"}}));
    assert_eq!(body.get("instructions"), None);
    let system = &body["input"][0];
    assert_eq!(system["role"], "system");
    assert!(system["content"].as_str().is_some_and(|text| text.contains("JSON")), "{body}");
}

#[test]
fn a_tool_is_flat_and_says_that_it_is_not_strict() {
    let body = sent("", |llm| llm.args(["--yes", "--tool", "t", "问"]));
    let tool = &body["tools"][0];
    let fields: Vec<&String> = tool.as_object().expect("an object").keys().collect();
    assert_eq!(fields, ["type", "name", "parameters", "strict"]);
    assert_eq!((&tool["name"], &tool["strict"]), (&json!("t"), &json!(false)));
}

#[test]
fn pictures_and_documents_are_parts_and_recordings_are_refused() {
    let pdf = b"%PDF-1.4\n";
    let body = sent("", |llm| {
        llm.file("图.png", PNG).file("a.pdf", pdf).args(["-f", "图.png", "-f", "a.pdf", "看"])
    });
    let expected = json!([{"role": "user", "content": [
        {"type": "input_text", "text": "看"},
        {"type": "input_image", "image_url": "data:image/png;base64,iVBORw0KGgoAAAANSUhEUg=="},
        {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERi0xLjQK"},
    ]}]);
    assert_eq!(body["input"], expected);
    let server = Server::start([]);
    let wav = b"RIFF\x24\0\0\0WAVEfmt ";
    let run = asking(&server, "").file("声.wav", wav).args(["-f", "声.wav", "听"]).run();
    run.code(2).stdout("").stderr_has("no place for recordings").stderr_has("--api completions");
}

#[test]
fn options_of_the_profile_are_translated_or_told() {
    let options = "options = { max_tokens = 9, reasoning_effort = \"high\", verbosity = \"low\", top_k = 3, seed = 1, \
        response_format = { type = \"text\" }, logprobs = true, tool_choice = { type = \"function\", function = { name = \"t\" } } }";
    let server = Server::start([saying("好")]);
    let run = asking(&server, options).arg("问").run();
    run.code(0).stderr_has("`options.seed`").stderr_has("left out").stderr_has("--api completions");
    let expected = json!({"input": input("问"), "max_output_tokens": 9,
        "reasoning": {"effort": "high"}, "text": {"verbosity": "low", "format": {"type": "text"}},
        "top_k": 3, "include": ["message.output_text.logprobs"],
        "tool_choice": {"type": "function", "name": "t"}});
    assert_eq!(bare(&server.request().json()), expected);
}

#[test]
fn what_is_set_by_hand_goes_out() {
    let own = [
        "-O",
        "store=true",
        "-O",
        "seed=5",
        "-O",
        "max_tokens=7",
        "-O",
        "reasoning.mode=pro",
        "-O",
        "text.verbosity=low",
    ];
    let server = Server::start([saying("好")]);
    asking(&server, "")
        .args(own)
        .args(["--reasoning-effort", "low", "问"])
        .run()
        .code(0)
        .stderr("");
    let body = server.request().json();
    assert_eq!((&body["store"], &body["seed"]), (&json!(true), &json!(5)));
    assert_eq!(body["max_output_tokens"], 7);
    assert_eq!(body["reasoning"], json!({"effort": "low", "mode": "pro"}));
    assert_eq!(body["text"], json!({"verbosity": "low"}));
    // Others in the conversation's place.
    let server = Server::start([saying("好")]);
    let items = "input=[{\"role\":\"user\",\"content\":\"别的\"}]";
    asking(&server, "").args(["-O", items, "问"]).run().code(0);
    assert_eq!(server.request().json()["input"], input("别的"));
}

#[test]
fn rules_go_by_the_names_of_the_other_endpoint() {
    let rules = "rules = [{ jobs = [\"chat\"], rename = { max_tokens = \"max_completion_tokens\" } }, \
        { jobs = [\"chat\"], drop = [\"temperature\", \"store\"] }, { jobs = [\"chat\"], map = { reasoning_effort = { low = \"none\" } } }]";
    let server = Server::start([saying("好")]);
    let flags = ["--max-tokens", "5", "-t", "1", "--reasoning-effort", "low", "问"];
    let run = asking(&server, rules).args(flags).run();
    run.code(0).stderr_has("`temperature` is left out");
    let body = server.request().json();
    let expected = json!({"model": "m", "input": input("问"), "stream": true,
        "max_output_tokens": 5, "reasoning": {"effort": "none"}});
    assert_eq!(body, expected);
}

/// A run against `openai` at this server.
fn openai(server: &Server, model: &str) -> Llm {
    let profile = format!("[providers.openai]\nbase_url = \"{}\"\nkey = \"k\"\n", server.url());
    let run = llm().config(&profile).watch(server);
    run.args(["chat", "-p", "openai", "-m", model, "--api", "responses"])
}

#[test]
fn thinking_is_asked_for_where_it_is_to_be_seen_or_goes_back() {
    let encrypted = json!(["reasoning.encrypted_content"]);
    for (model, show, include, reasoning) in [
        ("gpt-5.6-luna", "show", encrypted.clone(), json!({"summary": "auto"})),
        ("gpt-5.6-luna", "hide", encrypted.clone(), Value::Null),
        ("gpt-4o", "show", Value::Null, Value::Null),
    ] {
        let server = Server::start([saying("好")]);
        openai(&server, model).args(["--reasoning", show, "问"]).run().code(0).stderr("");
        let body = server.request().json();
        assert_eq!(
            (&body["include"], &body["reasoning"]),
            (&include, &reasoning),
            "{model} {show}"
        );
    }
    let server = Server::start([saying("好")]);
    asking(&server, "").args(["--reasoning", "show", "问"]).run().code(0);
    assert_eq!(server.request().json().get("reasoning"), None);
}

#[test]
fn what_is_refused_of_asking_for_thinking_is_not_asked_for_again() {
    let refusal = |words: &str, param: &str| {
        let error = json!({"message": words, "type": "invalid_request_error", "param": param, "code": null});
        Reply::json(400, json!({"error": error}))
    };
    let verified = "Your organization must be verified to generate reasoning summaries.";
    let unknown = "Encrypted content is not supported with this model.";
    let server = Server::start([
        refusal(verified, "reasoning.summary"),
        refusal(unknown, "include"),
        saying("好"),
    ]);
    let flags = ["--reasoning", "show", "--reasoning-effort", "low", "问"];
    let run = openai(&server, "gpt-5.6-luna").args(flags).run();
    run.code(0).stdout("好\n").stderr_has("sum up its thinking").stderr_has("drop = [\"include\"]");
    let body = server.requests()[2].json();
    assert_eq!(body["reasoning"], json!({"effort": "low"}));
    assert_eq!(body.get("include"), None);
}

#[test]
fn several_answers_are_several_requests() {
    let server = Server::start([saying("甲"), saying("乙"), saying("丙")]);
    asking(&server, "").args(["-n", "3", "问"]).run().code(0).stdout("甲\n\n乙\n\n丙\n").stderr("");
    assert!(server.bodies().iter().all(|body| body.get("n").is_none()));
    let whole = response(&json!([message("甲")]));
    let server = Server::start([Reply::json(200, whole.clone()), Reply::json(200, whole)]);
    let run = asking(&server, "").args(["-n", "2", "--json", "问"]).run();
    assert_eq!(run.code(0).stdout_text().lines().count(), 2);
}

#[test]
fn a_dry_run_shows_the_request() {
    let server = Server::start([]);
    let run = asking(&server, "").args(["--dry-run", "-s", "短", "问"]).run();
    run.code(0).stdout_has("/v1/responses").stdout_has("\"instructions\":\"短\"");
    run.stdout_has("\"store\":false");
}

#[test]
fn a_service_without_a_place_for_instructions_gets_them_in_front() {
    let body = sent("takes_no = [\"system\"]", |llm| llm.args(["-s", "简短", "问"]));
    assert_eq!(body, json!({"input": input("简短\n\n问")}));
    // Refused, it is moved there, and never dropped.
    let words = json!({"error": {"message": "Unsupported parameter: 'instructions'", "param": "instructions"}});
    let server = Server::start([Reply::json(400, words.clone()), saying("好")]);
    let run = asking(&server, "").args(["-s", "简短", "问"]).run();
    run.code(0).stderr_has("in front of the first message");
    assert_eq!(bare(&server.bodies()[1]), json!({"input": input("简短\n\n问")}));
    let server = Server::start([Reply::json(400, words)]);
    let run = asking(&server, "").args(["-s", "简短", "-O", "input=别的", "问"]).run();
    run.code(4).stderr_has("`--system` sets `instructions`");
}
