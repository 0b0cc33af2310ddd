//! What runs note.

use serde_json::{Value, json};

use super::notes;
use crate::support::{Llm, Reply, Server, llm};

/// A stream with an answer and these token counts.
fn counted(usage: &Value) -> Reply {
    Reply::sse(&[
        json!({"choices": [{"index": 0, "delta": {"content": "好"}, "finish_reason": "stop"}]})
            .to_string(),
        json!({"choices": [], "usage": usage}).to_string(),
        "[DONE]".to_owned(),
    ])
}

/// The profile `test` with further lines.
fn with(server: &Server, lines: &str) -> Llm {
    let url = server.url();
    let profile = format!("[providers.test]\nbase_url = \"{url}\"\nmodel = \"m\"\n{lines}\n");
    llm().config(&profile).watch(server)
}

/// The one note of a chat with these counts.
fn note_of_chat(usage: &Value, lines: &str) -> Value {
    let server = Server::start([counted(usage)]);
    let llm = with(&server, lines).args(["chat", "你好"]);
    llm.run().code(0).stdout("好\n").stderr_empty();
    let mut all = notes(&llm);
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0)
}

#[test]
fn a_chat_notes_what_the_service_counted() {
    let usage = json!({"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120,
        "prompt_tokens_details": {"cached_tokens": 64, "cache_write_tokens": 10},
        "completion_tokens_details": {"reasoning_tokens": 8}});
    let expected = json!({"command": "chat", "provider": "test", "model": "m", "input_tokens": 100,
        "cached_tokens": 64, "cache_write_tokens": 10, "output_tokens": 20, "reasoning_tokens": 8});
    assert_eq!(note_of_chat(&usage, ""), expected);
}

#[test]
fn money_is_noted_as_the_service_says_it() {
    for (usage, amount) in [
        (json!({"prompt_tokens": 1, "completion_tokens": 2, "cost": 0.00014}), 0.00014),
        (
            json!({"prompt_tokens": 1, "completion_tokens": 2, "cost_in_usd_ticks": 5_143_500}),
            0.000_514_35,
        ),
        (json!({"prompt_tokens": 1, "completion_tokens": 2, "cost": {"total_cost": 0.006}}), 0.006),
        (json!({"prompt_tokens": 1, "completion_tokens": 2, "estimated_cost": 0.25}), 0.25),
        (json!({"prompt_tokens": 1, "completion_tokens": 2, "cost": 0}), 0.0),
    ] {
        assert_eq!(note_of_chat(&usage, "")["cost"], json!({"USD": amount}), "{usage}");
    }
}

#[test]
fn prices_of_the_profile_tell_what_a_run_cost() {
    let prices = "prices = [\n\
        { models = [\"x\"], input = 9 },\n\
        { models = [\"m*\"], above = 1000, input = 4, output = 20, currency = \"元\" },\n\
        { models = [\"m*\"], input = 2, cached_input = 0.5, cache_write = 2.5, output = 10, currency = \"元\" }]";
    let cost = |usage: Value| note_of_chat(&usage, prices)["cost"].clone();
    // 600 at 2, 300 at 0.5, 100 at 2.5, 10 at 10.
    let cached = json!({"prompt_tokens": 1000, "completion_tokens": 10,
        "prompt_tokens_details": {"cached_tokens": 300, "cache_write_tokens": 100}});
    assert_eq!(cost(cached), json!({"元": 0.0017}));
    // A long context has its own price, and what the profile says wins over the service.
    let long = json!({"prompt_tokens": 1001, "completion_tokens": 10, "cost": 9.0});
    assert_eq!(cost(long), json!({"元": (1001.0 * 4.0 + 200.0) / 1e6}));
    let uncounted = note_of_chat(&json!({}), prices);
    assert_eq!(uncounted, json!({"command": "chat", "provider": "test", "model": "m"}));
}

#[test]
fn what_a_cache_took_has_its_price_in_the_counts_of_each_service() {
    let prices = "prices = [\n\
        { models = [\"m\"], input = 3, cached_input = 0.3, cache_write = 3.75, output = 15, currency = \"USD\" },\n\
        { models = [\"m\"], above = 200000, input = 6, cached_input = 0.6, cache_write = 7.5, output = 22.5, currency = \"USD\" }]";
    // 50 as they are, 900 read from the cache, 50 written to it, 10 out.
    let amount = (50.0 * 3.0 + 900.0 * 0.3 + 50.0 * 3.75 + 10.0 * 15.0) / 1e6;
    for usage in [
        json!({"prompt_tokens": 1000, "completion_tokens": 10,
            "prompt_tokens_details": {"cached_tokens": 900, "cache_write_tokens": 50}}),
        json!({"input_tokens": 50, "output_tokens": 10, "cache_read_input_tokens": 900,
            "cache_creation_input_tokens": 50}),
        json!({"prompt_tokens": 1000, "completion_tokens": 10,
            "prompt_tokens_details": {"cached_tokens": 900, "cache_creation_input_tokens": 50}}),
        json!({"prompt_tokens": 1000, "completion_tokens": 10, "cache_read_input_tokens": 900,
            "cache_creation_input_tokens": 50}),
    ] {
        let note = note_of_chat(&usage, prices);
        let counts = ["input_tokens", "cached_tokens", "cache_write_tokens"].map(|key| &note[key]);
        assert_eq!(counts, [&json!(1000), &json!(900), &json!(50)], "{usage}");
        assert_eq!(note["cost"], json!({"USD": amount}), "{usage}");
    }
    // What was read from the cache counts for the length of the context too.
    let long = json!({"input_tokens": 1, "output_tokens": 0, "cache_read_input_tokens": 200_000,
        "cache_creation_input_tokens": 0});
    let amount = (6.0 + 200_000.0 * 0.6) / 1e6;
    assert_eq!(note_of_chat(&long, prices)["cost"], json!({"USD": amount}));
}

#[test]
fn counts_over_responses_are_noted() {
    let usage = json!({"input_tokens": 1000, "output_tokens": 40, "total_tokens": 1040, "cost": 0.5,
        "input_tokens_details": {"cached_tokens": 600, "cache_write_tokens": 100},
        "output_tokens_details": {"reasoning_tokens": 30}});
    let text = json!({"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "好"}]});
    let response = json!({"id": "r", "status": "completed", "output": [text], "usage": usage});
    let events = [
        json!({"type": "response.output_text.delta", "output_index": 0, "content_index": 0, "delta": "好"}),
        json!({"type": "response.completed", "response": response}),
    ];
    let stream = || Reply::sse(&events.each_ref().map(Value::to_string));
    let server = Server::start([stream(), stream(), Reply::json(200, response.clone())]);
    let expected = json!({"command": "chat", "provider": "test", "model": "m", "input_tokens": 1000,
        "cached_tokens": 600, "cache_write_tokens": 100, "output_tokens": 40, "reasoning_tokens": 30,
        "cost": {"USD": 0.5}});
    let llm = with(&server, "api = \"responses\"").args(["chat", "你好"]);
    llm.run().code(0).stdout("好\n").stderr_empty();
    assert_eq!(notes(&llm), [expected]);
    let prices = "prices = [{ input = 2, cached_input = 0.2, cache_write = 2.5, output = 8, currency = \"元\" }]";
    let llm = with(&server, &format!("api = \"responses\"\n{prices}")).args(["chat", "你好"]);
    llm.run().code(0).stdout("好\n").stderr_empty();
    let amount = (300.0 * 2.0 + 600.0 * 0.2 + 100.0 * 2.5 + 40.0 * 8.0) / 1e6;
    assert_eq!(notes(&llm)[0]["cost"], json!({"元": amount}));
    let whole = llm.clone().args(["--no-stream"]);
    whole.run().code(0).stdout("好\n");
    assert_eq!(notes(&llm)[1]["cost"], json!({"元": amount}));
}

#[test]
fn nothing_is_noted_where_nothing_is_to_be_kept() {
    let server = Server::always(counted(&json!({"prompt_tokens": 1})));
    let llm = with(&server, "");
    llm.clone().args(["chat", "--no-log", "a"]).run().code(0);
    llm.clone().env("LLM_NO_LOG", "1").args(["chat", "a"]).run().code(0);
    llm.clone().args(["chat", "--dry-run", "a"]).run().code(0);
    assert!(!llm.folder("data").join("llm").exists());
    let url = server.url();
    let silent = llm
        .config(&format!("log = false\n[providers.test]\nbase_url = \"{url}\"\nmodel = \"m\"\n"));
    silent.clone().args(["chat", "a"]).run().code(0);
    assert!(!silent.folder("data").join("llm").exists());
}
