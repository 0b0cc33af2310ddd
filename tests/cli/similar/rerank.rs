//! `llm similar --rerank`: lines judged by a model that reads query and text.

use serde_json::json;

use crate::support::{Llm, Reply, Server, llm};

/// The profile `test` with a reranker.
fn with_reranker(server: &Server, reranker: &str) -> Llm {
    let url = server.url();
    llm().config(&format!(
        "[providers.test]\nbase_url = \"{url}\"\nmodels = {{ embed = \"bge\", rerank = \"judge\" }}\n{reranker}\n"
    ))
}

fn judged(body: serde_json::Value) -> Reply {
    Reply::json(200, body)
}

#[test]
fn a_reranker_is_asked_alone() {
    let reply = json!({"results": [{"index": 0, "relevance_score": 0.25}, {"index": 1, "relevance_score": 0.5}]});
    let server = Server::start([judged(reply)]);
    let run = with_reranker(&server, "rerank = { path = \"/v2/rerank\" }");
    let run =
        run.file("d.txt", "一\n\n三\n").args(["similar", "--rerank", "-f", "d.txt", "问"]).run();
    run.code(0).stdout("0.5\t3\t三\n0.25\t1\t一\n").stderr_empty();
    let request = server.request();
    assert_eq!(request.path, "/v1/v2/rerank");
    let body = r#"{"model":"judge","query":"问","documents":["一","三"],"top_n":2}"#;
    assert_eq!(request.text(), body);
}

#[test]
fn each_form_of_a_reranker_is_spoken() {
    for (form, reply, body) in [
        (
            "voyage",
            json!({"data": [{"index": 0, "relevance_score": 0.5}]}),
            r#"{"model":"judge","query":"q","documents":["一"],"top_k":1}"#,
        ),
        (
            "nim",
            json!({"rankings": [{"index": 0, "logit": 0.5}]}),
            r#"{"model":"judge","query":{"text":"q"},"passages":[{"text":"一"}],"truncate":"END"}"#,
        ),
        (
            "tei",
            json!([{"index": 0, "score": 0.5}]),
            r#"{"query":"q","texts":["一"],"truncate":true}"#,
        ),
    ] {
        let server = Server::start([judged(reply)]);
        let run = with_reranker(&server, &format!("rerank = {{ form = \"{form}\" }}"));
        let run = run.args(["similar", "--rerank", "q"]).stdin("一\n").run();
        run.code(0).stdout("0.5\t1\t一\n").stderr_empty();
        assert_eq!(server.request().text(), body, "{form}");
        assert_eq!(server.request().path, "/v1/rerank");
    }
}

#[test]
fn the_nearest_rows_are_judged() {
    let vectors = json!({"data": [{"index": 0, "embedding": [1.0, 0.0]}]});
    let reply = json!({"results": [{"index": 1, "relevance_score": 9}, {"index": 0, "relevance_score": -2}]});
    let server = Server::start([judged(vectors), judged(reply)]);
    let rows = "{\"input\":\"近\",\"embedding\":[1,0],\"id\":1}\n{\"input\":\"远\",\"embedding\":[0,1],\"id\":2}\n";
    let run = with_reranker(&server, "").file("v.jsonl", rows);
    let run = run.args(["similar", "--rerank", "--in", "v.jsonl", "q", "--format", "jsonl"]).run();
    let expected = "{\"score\":9,\"number\":2,\"id\":2,\"text\":\"远\"}\n\
                    {\"score\":-2,\"number\":1,\"id\":1,\"text\":\"近\"}\n";
    run.code(0).stdout(expected).stderr_empty();
    let documents: Vec<_> = server.bodies().iter().map(|body| body["documents"].clone()).collect();
    assert_eq!(documents[1], json!(["近", "远"]));
}

#[test]
fn scores_that_fit_no_text_are_no_answer() {
    let reply = json!({"results": [{"index": 7, "relevance_score": 0.25}]});
    let server = Server::start([judged(reply)]);
    let run = with_reranker(&server, "")
        .args(["similar", "--rerank", "q", "--retries", "0"])
        .stdin("一\n");
    run.run().code(4).stdout_empty().stderr_has("is no list of scores");
}

#[test]
fn wrong_profiles_are_told() {
    let server = Server::silent();
    for (reranker, words) in [
        ("rerank = { form = \"x\" }", "cohere, voyage, nim, tei"),
        ("rerank = { url = \"x\" }", "unknown field `rerank.url`"),
        (
            "rerank = { path = \"https://elsewhere.example/rerank\" }",
            "`rerank.path` leaves the base_url",
        ),
    ] {
        let run =
            with_reranker(&server, reranker).args(["similar", "--rerank", "q"]).stdin("一\n").run();
        run.code(2).stdout_empty().stderr_has(words);
    }
    let run = llm()
        .env("OPENAI_API_KEY", "sk-test-123456789")
        .args(["similar", "-p", "openai", "--rerank", "q"]);
    let run = run.stdin("一\n").run();
    run.code(2).stdout_empty().stderr_has("openai does not offer reranking");
}
