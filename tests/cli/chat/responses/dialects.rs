//! One conversation over both dialects: the user sees no difference.

use serde_json::{Value, json};

use super::super::attachments::PNG;
use super::{asking, completed, message, stream};
use crate::support::{Llm, Reply, Server, chunk};

/// What a model says in one reply, in the dialect that is asked for.
struct Said {
    thinking: &'static str,
    text: &'static str,
    calls: &'static [(&'static str, &'static str)],
}

const REPLIES: [Said; 7] = [
    Said { thinking: "", text: "你好！", calls: &[] },
    Said {
        thinking: "要查",
        text: "我查一下。",
        calls: &[("a1", "{\"城\":\"上海\"}"), ("a2", "{}")],
    },
    Said { thinking: "", text: "", calls: &[("a3", "{\"城\":\"北京\"}")] },
    Said { thinking: "", text: "晴。", calls: &[] },
    Said { thinking: "", text: "{\"a\":\"b\"}", calls: &[] },
    Said { thinking: "看", text: "一只猫。", calls: &[] },
    Said { thinking: "", text: "再见。", calls: &[] },
];

impl Said {
    fn over_completions(&self) -> Reply {
        let mut events = Vec::new();
        if !self.thinking.is_empty() {
            events.push(chunk(json!({"reasoning_content": self.thinking}), None));
        }
        if !self.text.is_empty() {
            events.push(chunk(json!({"content": self.text}), None));
        }
        for (index, (id, arguments)) in self.calls.iter().enumerate() {
            let call = json!({"index": index, "id": id, "type": "function",
                "function": {"name": "t", "arguments": arguments}});
            events.push(chunk(json!({"tool_calls": [call]}), None));
        }
        let reason = if self.calls.is_empty() { "stop" } else { "tool_calls" };
        events.push(chunk(json!({}), Some(reason)));
        let usage = json!({"prompt_tokens": 5, "completion_tokens": 3, "total_tokens": 8});
        events.push(json!({"choices": [], "usage": usage}).to_string());
        events.push("[DONE]".to_owned());
        Reply::sse(&events)
    }

    fn over_responses(&self) -> Reply {
        let (mut events, mut output) = (Vec::new(), Vec::new());
        if !self.thinking.is_empty() {
            let part = json!({"type": "reasoning_text", "text": self.thinking});
            events.push(json!({"type": "response.reasoning_text.delta", "output_index": 0, "delta": self.thinking}));
            output.push(json!({"type": "reasoning", "id": "r", "summary": [], "content": [part]}));
        }
        if !self.text.is_empty() {
            events.push(super::piece(output.len() as u64, self.text));
            output.push(message(self.text));
        }
        for (id, arguments) in self.calls {
            let item = json!({"type": "function_call", "id": format!("f{id}"), "call_id": id, "name": "t", "arguments": arguments});
            events.push(json!({"type": "response.output_item.done", "output_index": output.len(), "item": item}));
            output.push(item);
        }
        events.push(completed(&output.into()));
        stream(&events)
    }
}

const TURNS: [&[&str]; 5] = [
    &["-s", "简短", "--session", "谈", "你好"],
    &["--session", "谈", "--yes", "--tool", "t", "天气？"],
    &["--session", "谈", "--schema", "a", "给我 JSON"],
    &["--session", "谈", "-f", "图.png", "这是什么？"],
    &["--session", "谈", "再见"],
];

/// Runs all turns, each over the endpoint that is named; gives what was printed, and the history.
fn talk(apis: [&str; 5]) -> (Vec<String>, Value, Server) {
    let of_turns = [1, 3, 1, 1, 1];
    let mut replies = REPLIES.iter();
    let scripted: Vec<Reply> = of_turns
        .iter()
        .zip(apis)
        .flat_map(|(count, api)| {
            let said: Vec<&Said> = replies.by_ref().take(*count).collect();
            said.into_iter().map(move |said| match api {
                "responses" => said.over_responses(),
                _ => said.over_completions(),
            })
        })
        .collect();
    let server = Server::start(scripted);
    let llm: Llm = asking(&server, "").file("图.png", PNG);
    let run = |(args, api): (&&[&str], &str)| {
        let run = llm.clone().args(["--api", api]).args(*args).run();
        run.code(0).stdout_text()
    };
    let printed = TURNS.iter().zip(apis).map(run).collect();
    let shown = llm.bare_args(["history", "show", "谈", "--json"]).run();
    let mut history = shown.code(0).stdout_json();
    for turn in history["turns"].as_array_mut().expect("a list") {
        let turn = turn.as_object_mut().expect("an object");
        turn.retain(|name, _| !["turn", "time", "sent"].contains(&name.as_str()));
    }
    (printed, history["turns"].take(), server)
}

#[test]
fn five_turns_are_the_same_over_both_and_in_any_mixture() {
    let (printed, history, _server) = talk(["completions"; 5]);
    assert_eq!(printed[1], "我查一下。\n晴。\n");
    for apis in [
        ["responses"; 5],
        ["responses", "completions", "responses", "completions", "responses"],
        ["completions", "responses", "completions", "responses", "completions"],
    ] {
        let (others, kept, server) = talk(apis);
        assert_eq!(others, printed, "{apis:?}");
        assert_eq!(kept, history, "{apis:?}");
        // The last request tells the whole conversation.
        let last = server.bodies().pop().expect("there are requests");
        let told =
            last.get("input").or_else(|| last.get("messages")).expect("a conversation").to_string();
        for text in ["你好！", "我查一下。", "a3", "北京", "晴。", "一只猫。", "iVBORw0KGgo"]
        {
            assert!(told.contains(text), "{apis:?}: {text} is not in {told}");
        }
    }
}
