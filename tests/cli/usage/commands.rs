//! Every command that talks to a service notes its run.

use serde_json::{Value, json};

use super::notes;
use crate::support::{Llm, Reply, Server, llm};

const PNG: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGNgYPhfDwAChAGA60e6kgAAAABJRU5ErkJggg==";

const MODELS: &str = "models = { chat = \"c\", embed = \"e\", image = \"i\", transcribe = \"t\", speak = \"s\", rerank = \"r\" }";

/// The profile `test` with a model for each job, prices, and the files `d.txt` and `a.mp3`.
fn place(server: &Server) -> Llm {
    let url = server.url();
    let prices = "prices = [{ input = 1, output = 2, characters = 10, minute = 0.6, picture = 0.04, currency = \"USD\" }]";
    let profile = format!(
        "[providers.test]\nbase_url = \"{url}\"\n{MODELS}\n{prices}\nrerank = {{ path = \"/rerank\" }}\n"
    );
    let llm = llm().config(&profile).watch(server);
    llm.file("d.txt", "一\n二\n").file("a.mp3", b"ID3\x04\0\0\0\0\0\0 sound")
}

/// The notes of a run with these arguments against these replies.
fn noted(replies: Vec<Reply>, args: &[&str]) -> Vec<Value> {
    let server = Server::start(replies);
    let llm = place(&server).args(args);
    llm.run().code(0);
    notes(&llm)
}

fn vectors(count: usize) -> Reply {
    let entry = |index| json!({"index": index, "embedding": [1.0, 0.5]});
    let data: Vec<Value> = (0..count).map(entry).collect();
    Reply::json(200, json!({"data": data, "usage": {"prompt_tokens": 6, "total_tokens": 6}}))
}

#[test]
fn embed_notes_tokens() {
    let expected = json!({"command": "embed", "provider": "test", "model": "e", "input_tokens": 12,
        "cost": {"USD": 0.000_012}});
    let args = ["embed", "--lines", "-f", "d.txt", "--batch-size", "1", "-q", "-o", "v.jsonl"];
    assert_eq!(noted(vec![vectors(1), vectors(1)], &args)[0], expected);
    let args = ["embed", "--lines", "-f", "d.txt", "--batch-size", "1", "--json"];
    assert_eq!(noted(vec![vectors(1), vectors(1)], &args), [expected]);
}

#[test]
fn batch_notes_one_line_for_all_its_rows() {
    let answer = || {
        let usage = json!({"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10});
        let choice =
            json!({"message": {"role": "assistant", "content": "好"}, "finish_reason": "stop"});
        Reply::json(200, json!({"model": "c", "choices": [choice], "usage": usage}))
    };
    let note = |rows: u64| {
        let (input, output) = (rows * 7, rows * 3);
        json!({"command": "batch", "provider": "test", "model": "c", "input_tokens": input,
            "output_tokens": output, "cost": {"USD": (input + output * 2) as f64 / 1e6}})
    };
    let args = ["batch", "-f", "d.txt", "译", "-q", "--concurrency", "1"];
    assert_eq!(noted(vec![answer(), answer()], &args), [note(2)]);
    // A run that goes on notes what it took itself.
    let poor = Reply::json(402, json!({"error": {"message": "top up"}}));
    let server = Server::start([answer(), poor, answer()]);
    let llm = place(&server).args(args).args(["-o", "o.jsonl"]);
    llm.run().code(5);
    llm.run().code(0);
    let mut all = notes(&llm);
    assert_eq!(all[0].as_object_mut().and_then(|first| first.remove("exit")), Some(json!(5)));
    assert_eq!(all, [note(1), note(1)]);
}

#[test]
fn image_notes_pictures() {
    let reply = || {
        let usage = json!({"input_tokens": 10, "output_tokens": 20, "total_tokens": 30});
        Reply::json(200, json!({"data": [{"b64_json": PNG}, {"b64_json": PNG}], "usage": usage}))
    };
    let expected = json!({"command": "image", "provider": "test", "model": "i", "input_tokens": 10,
        "output_tokens": 20, "pictures": 2, "cost": {"USD": 0.080_05}});
    let args = ["image", "-n", "2", "猫", "-o", "c.png"];
    assert_eq!(noted(vec![reply()], &args)[0], expected);
    assert_eq!(noted(vec![reply()], &["image", "-n", "2", "猫", "--json"]), [expected]);
}

#[test]
fn transcribe_notes_seconds() {
    let reply =
        Reply::json(200, json!({"text": "好", "usage": {"type": "duration", "seconds": 30}}));
    let expected = json!({"command": "transcribe", "provider": "test", "model": "t", "seconds": 30.0,
        "cost": {"USD": 0.3}});
    assert_eq!(noted(vec![reply], &["transcribe", "a.mp3"]), [expected]);
    let verbose = json!({"text": "好", "duration": 1.5, "segments": [{"start": 0, "end": 1.5, "text": "好"}]});
    let all = noted(vec![Reply::json(200, verbose)], &["transcribe", "a.mp3", "--format", "srt"]);
    assert_eq!(all[0]["seconds"], 1.5);
}

#[test]
fn speak_notes_characters() {
    let sound = || Reply::bytes(200, "audio/mpeg", b"ID3\x04\0\0\0\0\0\x05 and a voice".to_vec());
    let expected = json!({"command": "speak", "provider": "test", "model": "s", "characters": 4,
        "cost": {"USD": 0.000_04}});
    assert_eq!(noted(vec![sound()], &["speak", "早上好！", "-o", "a.mp3"]), [expected]);
}

#[test]
fn similar_notes_both_models() {
    let ranks = json!({"results": [{"index": 0, "relevance_score": 0.5}, {"index": 1, "relevance_score": 0.25}],
        "usage": {"total_tokens": 9}});
    let embedded = json!({"command": "similar", "provider": "test", "model": "e", "input_tokens": 12,
        "cost": {"USD": 0.000_012}});
    let ranked = json!({"command": "similar", "provider": "test", "model": "r", "input_tokens": 9,
        "cost": {"USD": 0.000_009}});
    let args = ["similar", "-f", "d.txt", "问"];
    assert_eq!(noted(vec![vectors(1), vectors(2)], &args), [embedded]);
    let args = ["similar", "--rerank", "-f", "d.txt", "问"];
    assert_eq!(noted(vec![Reply::json(200, ranks)], &args), [ranked]);
}

#[test]
fn batch_notes_all_rows_together() {
    let answer = |tokens: u64| {
        let message = json!({"role": "assistant", "content": "好"});
        let usage = json!({"prompt_tokens": tokens, "completion_tokens": 2});
        let choice = json!({"index": 0, "finish_reason": "stop", "message": message});
        Reply::json(200, json!({"choices": [choice], "usage": usage}))
    };
    let args = ["batch", "-f", "d.txt", "译", "-o", "out.jsonl", "-q", "--concurrency", "1"];
    let expected = json!({"command": "batch", "provider": "test", "model": "c", "input_tokens": 12,
        "output_tokens": 4, "cost": {"USD": 0.000_02}});
    assert_eq!(noted(vec![answer(5), answer(7)], &args), [expected]);
}

#[test]
fn what_asks_no_model_is_noted_without_counts() {
    let list = Reply::json(200, json!({"data": [{"id": "c"}]}));
    let expected = json!({"command": "models", "provider": "test"});
    assert_eq!(noted(vec![list], &["models"]), [expected]);
}

#[test]
fn a_check_notes_what_its_tokens_took() {
    let server = Server::always(Reply::chat_json("hi"));
    let llm = place(&server).args(["providers", "check", "test"]);
    let _ = llm.run();
    let all = notes(&llm);
    assert!(all.iter().all(|note| note["command"] == "providers"), "{all:?}");
    assert!(all.iter().any(|note| note["model"] == "c"), "{all:?}");
}

#[test]
fn each_command_can_be_kept_from_noting() {
    for (replies, args) in [
        (vec![vectors(1)], &["embed", "--no-log", "a"][..]),
        (
            vec![Reply::json(200, json!({"data": [{"b64_json": PNG}]}))],
            &["image", "--no-log", "a", "-o", "a.png"],
        ),
        (vec![Reply::json(200, json!({"text": "好"}))], &["transcribe", "--no-log", "a.mp3"]),
        (
            vec![Reply::bytes(200, "audio/mpeg", b"ID3\x04\0\0\0\0\0\x05 and a voice".to_vec())],
            &["speak", "--no-log", "a", "-o", "b.mp3"],
        ),
        (vec![vectors(1), vectors(2)], &["similar", "--no-log", "-f", "d.txt", "a"]),
        (vec![Reply::json(200, json!({"data": [{"id": "m"}]}))], &["models", "--no-log"]),
        (
            vec![Reply::chat_json("a"), Reply::chat_json("b")],
            &["batch", "--no-log", "-f", "d.txt", "译"],
        ),
    ] {
        let server = Server::start(replies);
        let llm = place(&server).args(args);
        llm.run().code(0);
        assert!(!llm.folder("data").join("llm").exists(), "{args:?}");
    }
}

#[test]
fn the_models_own_tools_are_part_of_one_run() {
    let call = json!({"choices": [{"index": 0, "finish_reason": "tool_calls", "message": {"role": "assistant",
        "content": null, "tool_calls": [{"id": "1", "type": "function", "function": {"name": "now", "arguments": "{}"}}]}}],
        "usage": {"prompt_tokens": 100, "completion_tokens": 5, "cost": 0.1}});
    let answer = json!({"choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "好"}}],
        "usage": {"prompt_tokens": 200, "completion_tokens": 7, "cost": 0.2}});
    let server = Server::start([Reply::json(200, call), Reply::json(200, answer)]);
    let url = server.url();
    let llm = llm().watch(&server).config(&format!(
        "[providers.test]\nbase_url = \"{url}\"\nmodel = \"m\"\n\
         [tools.now]\ndescription = \"x\"\nparameters = {{ type = \"object\" }}\ncommand = [\"echo\", \"1\"]\n"
    ));
    let llm = llm.args(["chat", "--tool", "now", "--yes", "-u", "-S", "几点"]);
    llm.run().code(0).stdout("好\n").stderr_has("300 tokens in, 12 out").stderr_has("0.30 USD");
    let expected = json!({"command": "chat", "provider": "test", "model": "m", "input_tokens": 300,
        "output_tokens": 12, "cost": {"USD": 0.3}});
    let all = notes(&llm);
    assert_eq!(all.len(), 1);
    let money = all[0]["cost"]["USD"].as_f64().expect("money");
    assert!((money - 0.3).abs() < 1e-9);
    assert_eq!(all[0]["input_tokens"], expected["input_tokens"]);
    assert_eq!(all[0]["output_tokens"], expected["output_tokens"]);
}
