//! What a service refuses of a question's form: the way out is taken once and told, or the refusal
//! says what to leave out.

use serde_json::{Value, json};

use crate::support::{Llm, Reply, Server, llm};

fn refusal(status: u16, words: &str) -> Reply {
    Reply::json(status, json!({"error": {"message": words}}))
}

fn asking(server: &Server, more: &str) -> Llm {
    let profile = format!(
        "[providers.test]\nbase_url = \"{}\"\nmodel = \"m\"\n{more}\n[tools.t]\ncommand = \"echo 1\"\n",
        server.url()
    );
    llm().config(&profile).watch(server).arg("chat")
}

fn messages(server: &Server) -> Vec<Value> {
    server.requests().iter().map(|request| request.json()["messages"].clone()).collect()
}

#[test]
fn a_system_message_that_is_refused_goes_in_front_of_the_first_message() {
    for (status, words) in [
        (400, "system role is not supported"),
        (400, "Developer instruction is not enabled for models/gemma-3-27b-it"),
        (422, "Template error: invalid operation: System role not supported (in <string>:1)"),
        (500, "System role not supported"),
        (400, "messages with role system are not allowed"),
        (400, "This model does not support system messages"),
        (400, "Conversation roles must alternate user/assistant/user/assistant/..."),
    ] {
        let server = Server::start([refusal(status, words), Reply::chat(&["好"])]);
        let run = asking(&server, "").args(["-s", "简短", "问"]).run();
        run.code(0).stdout("好\n").stderr_has("refuses the system role");
        run.stderr_has(
            "rules = [{ jobs = [\"chat\"], models = [\"m\"], takes_no = [\"system\"] }]",
        );
        let told = messages(&server);
        assert_eq!(told[0][0], json!({"role": "system", "content": "简短"}));
        assert_eq!(told[1], json!([{"role": "user", "content": "简短\n\n问"}]), "{words}");
    }
    // By the field that is named, whatever the words.
    let error = json!({"message": "Unsupported value", "param": "messages[0].role", "code": "unsupported_value"});
    let server = Server::start([Reply::json(400, json!({"error": error})), Reply::chat(&["好"])]);
    asking(&server, "").args(["-s", "简短", "问"]).run().code(0);
}

#[test]
fn the_system_message_is_moved_once_and_only_where_there_is_one() {
    let words = "System role not supported";
    let server = Server::start([refusal(400, words), refusal(400, words)]);
    asking(&server, "").args(["-s", "简短", "问"]).run().code(4).stderr_has(words);
    let server = Server::start([refusal(400, words)]);
    asking(&server, "").args(["问"]).run().code(4).stderr_has(words);
    // What -O puts there is the user's own.
    let server = Server::start([refusal(400, words)]);
    let own =
        "messages=[{\"role\":\"system\",\"content\":\"a\"},{\"role\":\"user\",\"content\":\"b\"}]";
    asking(&server, "").args(["-s", "简短", "-O", own, "问"]).run().code(4);
}

#[test]
fn a_profile_that_knows_it_is_spared_the_refusal() {
    for line in [
        "takes_no = [\"system\"]",
        "rules = [{ jobs = [\"chat\"], models = [\"m\"], takes_no = [\"system\"] }]",
    ] {
        let server = Server::start([Reply::chat(&["好"]), Reply::chat(&["又"])]);
        let llm = asking(&server, line);
        let run = llm.clone().args(["-s", "简短", "问"]).run();
        run.code(0).stderr("");
        llm.args(["-c", "再问"]).run().code(0);
        let told = messages(&server);
        assert_eq!(told[0], json!([{"role": "user", "content": "简短\n\n问"}]));
        assert_eq!(told[1][0], json!({"role": "user", "content": "简短\n\n问"}));
        assert_eq!(told[1][2], json!({"role": "user", "content": "再问"}));
    }
}

#[test]
fn what_was_learnt_holds_for_the_rounds_of_a_question() {
    let call = json!([{"index": 0, "id": "a", "function": {"name": "t", "arguments": "{}"}}]);
    let calling = Reply::sse(&[
        crate::support::chunk(json!({"tool_calls": call}), Some("tool_calls")),
        "[DONE]".to_owned(),
    ]);
    let server =
        Server::start([refusal(400, "System role not supported"), calling, Reply::chat(&["完"])]);
    let run = asking(&server, "").args(["--yes", "--tool", "t", "-s", "简短", "问"]).run();
    run.code(0).stdout("完\n");
    assert_eq!(run.stderr_text().matches("system role").count(), 1, "{run}");
    assert_eq!(messages(&server)[2][0], json!({"role": "user", "content": "简短\n\n问"}));
}

#[test]
fn a_schema_goes_into_the_instructions_where_its_form_is_refused() {
    for words in [
        "This response_format type is unavailable now",
        "'response_format' of type 'json_schema' is not supported with this model.",
        "This model does not support response format `json_schema`",
        "response_format.type: unknown variant `json_schema`, expected `text` or `json_object`",
    ] {
        let server = Server::start([refusal(400, words), Reply::chat(&["{\"a\":\"b\"}"])]);
        let run = asking(&server, "").args(["--schema", "a", "问"]).run();
        run.code(0).stdout("{\"a\":\"b\"}\n").stderr_has("schema = \"json_object\"");
        let body = server.requests()[1].json();
        assert_eq!(body["response_format"], json!({"type": "json_object"}), "{words}");
        let system = body["messages"][0].to_string();
        assert!(system.contains("JSON Schema") && system.contains("properties"), "{system}");
    }
}

#[test]
fn a_service_that_has_no_form_for_json_gets_the_instructions_alone() {
    let server = Server::start([
        refusal(400, "response_format json_schema is not supported"),
        refusal(422, "response_format is not supported"),
        Reply::chat(&["{\"a\":\"b\"}"]),
    ]);
    let run = asking(&server, "").args(["--schema", "a", "-s", "简短", "问"]).run();
    run.code(0).stderr_has("schema = \"json_object\"").stderr_has("schema = \"instructions\"");
    let body = server.requests()[2].json();
    assert_eq!(body.get("response_format"), None);
    assert!(
        body["messages"][0]["content"].as_str().is_some_and(|text| text.starts_with("简短\n\n"))
    );
    // A profile's form comes first.
    let server = Server::start([
        refusal(400, "Json mode response is not supported when enable_thinking is true"),
        Reply::chat(&["{\"a\":\"b\"}"]),
    ]);
    let run = asking(&server, "schema = \"json_object\"").args(["--schema", "a", "问"]).run();
    run.code(0).stderr_has("schema = \"instructions\"");
    assert_eq!(server.requests()[0].json()["response_format"], json!({"type": "json_object"}));
    // All three forms, and the role that the last two need: each is tried once.
    let server = Server::start([
        refusal(400, "response_format json_schema is not supported"),
        refusal(400, "System role not supported"),
        refusal(400, "response_format json_object is not supported"),
        Reply::chat(&["{\"a\":\"b\"}"]),
    ]);
    asking(&server, "").args(["--schema", "a", "问"]).run().code(0);
    let last = server.requests()[3].json();
    assert_eq!(last["messages"].as_array().map(Vec::len), Some(1));
}

#[test]
fn a_schema_that_is_wrong_itself_stays_the_users() {
    for words in [
        "Invalid schema for response_format 'answer': In context=(), 'oneOf' is not permitted.",
        "'response_format.json_schema.schema' must be an object",
    ] {
        let server = Server::start([refusal(400, words)]);
        asking(&server, "").args(["--schema", "a", "问"]).run().code(4);
    }
    // What -O sets is not taken away.
    let server = Server::start([refusal(400, "response_format json_schema is not supported")]);
    let own = "response_format={\"type\":\"json_schema\"}";
    asking(&server, "").args(["--schema", "a", "-O", own, "问"]).run().code(4);
}

#[test]
fn refused_tools_are_named() {
    for (status, words) in [
        (400, "registry.ollama.ai/library/gemma:2b does not support tools"),
        (404, "No endpoints found that support tool use"),
        (500, "tool use is not supported"),
        (400, "`tools` is not supported"),
    ] {
        let server = Server::start([refusal(status, words)]);
        let run = asking(&server, "").args(["--yes", "--tool", "t", "问"]).run();
        run.code(4)
            .stderr_has(words)
            .stderr_has("hint: this model takes no tools: leave out --tool");
    }
}

#[test]
fn refused_attachments_are_named() {
    let png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0".to_vec();
    for (status, words) in [
        (404, "No endpoints found that support image input"),
        (400, "image_url is only supported by certain models"),
        (500, "image input is not supported - hint: you may need to provide the mmproj"),
        (400, "This model does not support vision"),
        (422, "messages[0]: unknown variant `image_url`, expected `text`"),
    ] {
        let server = Server::start([refusal(status, words)]);
        let run = asking(&server, "").file("a.png", &png).args(["-f", "a.png", "问"]).run();
        run.code(4).stderr_has("hint: this model takes no pictures: leave out a.png (-f)");
        run.stderr_has("takes_no = [\"image\"]");
    }
    for (name, bytes, words, hint) in [
        ("a.pdf", &b"%PDF-1.4\n%%EOF"[..], "PDF is not supported", "takes no PDF: leave out a.pdf"),
        (
            "a.mp3",
            b"ID3\x03\0\0\0\0\0\0",
            "audio input is not supported",
            "takes no audio: leave out a.mp3",
        ),
    ] {
        let server = Server::start([refusal(500, words)]);
        let run = asking(&server, "").file(name, bytes).args(["-f", name, "问"]).run();
        run.code(4).stderr_has(hint);
    }
    // Without a picture the words mean something else.
    let server = Server::start([refusal(400, "image input is not supported")]);
    asking(&server, "").args(["问"]).run().code(4).stderr_lacks("leave out");
}

#[test]
fn calls_of_another_service_get_the_placeholder_that_gemini_wants() {
    let call = json!([{"index": 0, "id": "a", "function": {"name": "t", "arguments": "{}"}}]);
    let calling = || {
        Reply::sse(&[
            crate::support::chunk(json!({"tool_calls": call}), Some("tool_calls")),
            "[DONE]".to_owned(),
        ])
    };
    let words = "Function call is missing a thought_signature in functionCall parts. This is required for tools to work correctly";
    let server =
        Server::start([calling(), Reply::chat(&["完"]), refusal(400, words), Reply::chat(&["又"])]);
    let other = format!("[providers.gem]\nbase_url = \"{}\"\nmodel = \"g\"", server.url());
    let llm = asking(&server, &other);
    llm.clone().args(["-p", "test", "--yes", "--tool", "t", "问"]).run().code(0);
    let run = llm.args(["-c", "-p", "gem", "再问"]).run();
    run.code(0).stdout("又\n").stderr_has("Google's placeholder");
    let requests = messages(&server);
    assert_eq!(requests[2][1]["tool_calls"][0].get("extra_content"), None);
    assert_eq!(
        requests[3][1]["tool_calls"][0]["extra_content"],
        json!({"google": {"thought_signature": "skip_thought_signature_validator"}})
    );
}
