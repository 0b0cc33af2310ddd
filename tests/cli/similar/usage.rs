//! `llm similar -u`.

use serde_json::json;

use super::vectors::{QUERY, vectors};
use crate::support::{Llm, Reply, Server, llm};

/// A judgement of one text.
fn judged(usage: Option<u64>) -> Reply {
    let mut body = json!({"results": [{"index": 0, "relevance_score": 0.5}]});
    if let Some(tokens) = usage {
        body["usage"] = json!({"total_tokens": tokens});
    }
    Reply::json(200, body)
}

fn similar(server: &Server) -> Llm {
    let url = server.url();
    let llm = llm().config(&format!(
        "[providers.test]\nbase_url = \"{url}\"\n\
         models = {{ embed = \"bge\", rerank = \"judge\" }}\nrerank = {{}}\n"
    ));
    let line = "{\"input\":\"一\",\"embedding\":[1,0]}\n";
    llm.file("v.jsonl", line).file("t.txt", "一\n").args(["similar", "-u", "q"])
}

#[test]
fn usage_tells_the_tokens_requests_and_time_of_vectors_and_judgements() {
    for (args, replies, expected) in [
        (&["--in", "v.jsonl"][..], vec![vectors(&[QUERY])], "3 tokens in, 1 request, "),
        (
            &["--in", "v.jsonl", "--rerank"],
            vec![vectors(&[QUERY]), judged(Some(7))],
            "10 tokens in, 2 requests, ",
        ),
        (&["-f", "t.txt", "--rerank"], vec![judged(Some(7))], "7 tokens in, 1 request, "),
        (&["-f", "t.txt", "--rerank"], vec![judged(None)], "no token counts given, 1 request, "),
    ] {
        let server = Server::start(replies);
        let run = similar(&server).args(args).run();
        let lines = run.code(0).stdout_has("\t1\t一\n").stderr_lines();
        let [line] = &lines[..] else { panic!("{lines:?}") };
        assert!(line.starts_with(&format!("llm: usage: {expected}")), "{line}");
        assert!(line.ends_with(" s in all"), "{line}");
    }
}
