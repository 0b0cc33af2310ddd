//! `llm chat` over `POST /responses`.

mod choice;
mod dialects;
mod endings;
mod other_endpoint;
mod own_names;
mod requests;
mod rounds;
mod samples;

use serde_json::{Value, json};

use crate::support::{Llm, Reply, Server, llm};

/// A run against this server, whose profile asks `/responses` and has these further lines.
fn asking(server: &Server, more: &str) -> Llm {
    let profile = format!(
        "[providers.test]\nbase_url = \"{}\"\nmodel = \"m\"\napi = \"responses\"\n{more}\n\
         [tools.t]\ncommand = \"echo 1\"\n",
        server.url()
    );
    llm().config(&profile).watch(server).arg("chat")
}

/// A whole response that holds these items.
fn response(output: &Value) -> Value {
    json!({"id": "resp_1", "object": "response", "status": "completed", "model": "m", "error": null,
        "output": output,
        "usage": {"input_tokens": 5, "output_tokens": 3, "total_tokens": 8}})
}

/// A message item.
fn message(text: &str) -> Value {
    json!({"type": "message", "id": "msg_1", "role": "assistant", "status": "completed",
        "content": [{"type": "output_text", "text": text, "annotations": []}]})
}

/// A piece of the text at this place of the output.
fn piece(index: u64, text: &str) -> Value {
    json!({"type": "response.output_text.delta", "output_index": index, "content_index": 0,
        "item_id": "msg_1", "delta": text})
}

/// A stream of these events.
fn stream(events: &[Value]) -> Reply {
    let texts: Vec<String> = events.iter().map(Value::to_string).collect();
    Reply::sse(&texts)
}

/// The event that ends a stream, with these items.
fn completed(output: &Value) -> Value {
    json!({"type": "response.completed", "response": response(output)})
}

/// A stream that says this text.
fn saying(text: &str) -> Reply {
    stream(&[
        json!({"type": "response.created", "response": {"id": "resp_1", "status": "in_progress", "model": "m", "output": []}}),
        piece(0, text),
        completed(&json!([message(text)])),
    ])
}
