//! Pictures and recordings in the answers of tools.

use serde_json::{Value, json};

use super::chat::{calling, chat_at, results};
use super::table;
use crate::support::{Llm, Outcome, Reply, Server};

const PICTURE: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

const TEXT: &str = "看\n\n[image, image/png, 70 bytes: picture-1.png]";

fn left_out() -> String {
    format!("{TEXT}\n\n[not passed on: picture-1.png]")
}

/// A run that asks a service with this in its profile, and lets the model call.
fn run(service: &Server, more: &str, switches: &str) -> Llm {
    let run = chat_at(service, more, &[table("a", switches, "")]);
    run.args(["--mcp", "a", "--yes", "x"])
}

/// One call of `tool`, and the answer.
fn called(more: &str, switches: &str, tool: &str) -> (Server, Outcome) {
    let service = Server::start([calling(&[(tool, "{}")]), Reply::chat(&["完"])]);
    let outcome = run(&service, more, switches).run();
    outcome.code(0).stdout("完\n");
    (service, outcome)
}

fn behind() -> Value {
    let url = format!("data:image/png;base64,{PICTURE}");
    json!({"role": "user", "content": [
        {"type": "text", "text": "[from the tools: picture-1.png]"},
        {"type": "image_url", "image_url": {"url": url}}]})
}

/// The last message of a request.
fn last(service: &Server, number: usize) -> Value {
    let body = service.requests()[number].json();
    body["messages"].as_array().and_then(|messages| messages.last()).cloned().expect("a message")
}

#[test]
fn a_picture_goes_to_the_model_behind_the_result() {
    let (service, outcome) = called("", "", "picture");
    outcome.stderr("llm: the model calls a/picture {}\nllm: a/picture: 给人看\n");
    assert_eq!(results(&service.requests()[1]), [TEXT]);
    assert_eq!(last(&service, 1), behind());
}

#[test]
fn several_pictures_stand_behind_all_results_of_a_reply() {
    let calls = [("picture", "{}"), ("echo", "{}"), ("picture", "{}")];
    let service = Server::start([calling(&calls), Reply::chat(&["完"])]);
    run(&service, "", "").run().code(0);
    let body = service.requests()[1].json();
    let roles: Vec<&Value> = body["messages"].as_array().expect("a list")[1..]
        .iter()
        .map(|message| &message["role"])
        .collect();
    assert_eq!(roles, ["assistant", "tool", "tool", "tool", "user"]);
    let content = &body["messages"][5]["content"];
    assert_eq!(content[0]["text"], "[from the tools: picture-1.png, picture-2.png]");
    assert_eq!(content.as_array().map(Vec::len), Some(3));
}

#[test]
fn a_picture_stands_in_the_result_where_the_profile_says_so() {
    let (service, _) = called("result_files = \"tool\"", "", "picture");
    let url = format!("data:image/png;base64,{PICTURE}");
    let content =
        json!([{"type": "text", "text": TEXT}, {"type": "image_url", "image_url": {"url": url}}]);
    let result = json!({"role": "tool", "tool_call_id": "call_0", "content": content});
    assert_eq!(last(&service, 1), result);
}

#[test]
fn a_recording_goes_along_and_a_drawing_that_no_model_takes_does_not() {
    let (service, outcome) = called("", "sounds", "sound");
    outcome.stderr("llm: the model calls a/sound {}\n");
    let sound = json!({"type": "input_audio", "input_audio": {"data": "UklGRiQAAABXQVZFZm10IBAAAAA=", "format": "wav"}});
    assert_eq!(last(&service, 1)["content"][1], sound);
    assert_eq!(results(&service.requests()[1]), ["[audio, audio/wav, 20 bytes: sound-1.wav]"]);
    let (service, _) = called("", "sounds", "drawing");
    assert_eq!(results(&service.requests()[1]), ["[image, image/svg+xml, 6 bytes: not passed on]"]);
    assert_eq!(last(&service, 1)["role"], "tool");
}

#[test]
fn what_the_model_is_known_not_to_take_is_left_out_with_a_word() {
    for more in ["takes_no = [\"image\"]", "takes_no = [\"png\"]"] {
        let (service, outcome) = called(more, "", "picture");
        outcome.stderr_has(
            "llm: warning: picture-1.png of picture is a PNG picture, which test does not take: only its \
             name goes there\n",
        );
        assert_eq!(results(&service.requests()[1]), [left_out()]);
        assert_eq!(last(&service, 1)["role"], "tool");
    }
}

#[test]
fn a_refusal_is_answered_without_pictures_from_then_on() {
    let line = "; this line in [providers.test] avoids the refused request: rules = [{ jobs = [\"chat\"], \
                models = [\"m\"], takes_no = [\"image\"] }]";
    for (words, line) in [
        ("image input is not supported - hint: you may need to provide the mmproj", line),
        ("Unexpected role 'user' after role 'tool'", ""),
        (
            "3 validation errors for ToolMessage ... content.list[TextChunk].1.type Input should be <ChunkTypes.text>",
            "",
        ),
    ] {
        let service = Server::start([
            calling(&[("picture", "{}")]),
            Reply::json(400, json!({"error": {"message": words}})),
            calling(&[("picture", "{}")]),
            Reply::chat(&["完"]),
        ]);
        let outcome = run(&service, "", "").run();
        outcome.code(0).stdout("完\n").stderr_has(&format!(
            "llm: warning: test does not take what tools gave beside text; sent again without it{line}\n"
        ));
        assert_eq!(last(&service, 1)["role"], "user", "{words}");
        assert_eq!(results(&service.requests()[2]), [left_out()]);
        assert_eq!(last(&service, 2)["role"], "tool");
        assert_eq!(last(&service, 3)["role"], "tool", "not again");
    }
    // A refusal of something else is told as it is.
    let refusal = Reply::json(400, json!({"error": {"message": "seed is not good"}}));
    let service = Server::start([calling(&[("picture", "{}")]), refusal]);
    run(&service, "", "").run().code(4);
}

#[test]
fn pictures_are_kept_and_go_along_later() {
    let service = Server::start([
        calling(&[("picture", "{}")]),
        Reply::chat(&["好"]),
        Reply::chat(&["又"]),
        Reply::chat(&["再"]),
    ]);
    let asked = run(&service, "", "");
    asked.run().code(0);
    asked.clone().bare_args(["chat", "-c", "y"]).run().code(0).stderr_empty();
    let messages = service.requests()[2].json()["messages"].clone();
    assert_eq!(messages[2]["content"], TEXT);
    assert_eq!(messages[3], behind());
    let exported = asked.clone().bare_args(["history", "export"]).run();
    exported.code(0).stderr("llm: attached files are exported by name only\n");
    assert_eq!(exported.stdout_json()[2]["content"], TEXT);
    // What is gone is told by its name.
    let files = asked.folder("data/llm/files");
    let kept: Vec<_> = std::fs::read_dir(&files).expect("a folder").collect();
    assert_eq!(kept.len(), 1, "{kept:?}");
    std::fs::remove_file(kept[0].as_ref().expect("a file").path()).expect("it can go");
    let last = asked.clone().bare_args(["chat", "-c", "z"]).run();
    last.code(0).stderr_has("llm: warning: only the name of picture-1.png is sent: ");
    assert_eq!(results(&service.requests()[3]), [left_out()]);
}

#[test]
fn kept_pictures_go_with_their_conversation() {
    let service = Server::start([calling(&[("picture", "{}")]), Reply::chat(&["好"])]);
    let asked = run(&service, "", "").args(["--session", "图"]);
    asked.run().code(0);
    let files = asked.folder("data/llm/files");
    assert_eq!(std::fs::read_dir(&files).expect("a folder").count(), 1);
    asked.clone().bare_args(["history", "rm", "图", "--yes"]).run().code(0);
    assert_eq!(std::fs::read_dir(&files).expect("a folder").count(), 0);
}

/// The replies of `/responses`: a call, and an answer.
fn over_responses(tool: &str) -> [Reply; 2] {
    let reply = |output: Value| {
        let response =
            json!({"id": "resp_1", "object": "response", "status": "completed", "output": output});
        Reply::json(200, response)
    };
    let call = json!({"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": tool, "arguments": "{}"});
    let text = json!({"type": "output_text", "text": "完", "annotations": []});
    let message = json!({"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": [text]});
    [reply(json!([call])), reply(json!([message]))]
}

#[test]
fn over_responses_a_picture_stands_in_the_result_where_that_is_taken() {
    let picture =
        json!({"type": "input_image", "image_url": format!("data:image/png;base64,{PICTURE}")});
    let result = |output: Value| json!({"type": "function_call_output", "call_id": "call_1", "output": output});
    let text = |text: &str| json!({"type": "input_text", "text": text});
    let in_result = vec![result(json!([text(TEXT), picture]))];
    let introduced = json!([text("[from the tools: picture-1.png]"), picture]);
    let behind = vec![result(TEXT.into()), json!({"role": "user", "content": introduced})];
    for (more, expected) in [("responses_takes = [\"result_files\"]", in_result), ("", behind)] {
        let service = Server::start(over_responses("picture"));
        let run = run(&service, more, "").args(["--api", "responses"]).run();
        run.code(0).stdout("完\n");
        let input = service.requests()[1].json()["input"].as_array().cloned().expect("a list");
        assert_eq!(input[input.len() - expected.len()..], expected);
    }
    // There is no place for recordings.
    let service = Server::start(over_responses("sound"));
    let run = run(&service, "", "sounds").args(["--api", "responses"]).run();
    run.code(0).stderr_has("sound-1.wav of sound is a WAV recording, which test does not take");
    let input = service.requests()[1].json()["input"].as_array().cloned().expect("a list");
    let told = "[audio, audio/wav, 20 bytes: sound-1.wav]\n\n[not passed on: sound-1.wav]";
    assert_eq!(input.last(), Some(&result(told.into())));
}
