//! A service that reads the beginning of a text and gives a vector for it as if it were the whole.

use serde_json::{Value, json};

use crate::support::{Llm, Reply, Server, llm};

fn embed(server: &Server) -> Llm {
    let config = format!(
        "[providers.test]\nbase_url = \"{}\"\nmodels = {{ embed = \"m\" }}\n",
        server.url()
    );
    llm().config(&config).watch(server).args(["embed"])
}

/// Vectors for so many texts, and a count.
fn counted(texts: usize, usage: Value) -> Reply {
    let entry = |index: usize| json!({"index": index, "embedding": [1.5]});
    let data: Vec<Value> = (0..texts).map(entry).collect();
    Reply::json(200, json!({"data": data, "model": "m", "usage": usage}))
}

fn book(bytes: usize) -> String {
    "床前明月光，疑是地上霜。举头望明月，低头思故乡。\n".repeat(bytes / 73)
}

/// The bytes of a real Ollama: 280 kB were sent.
const CUT_BY_OLLAMA: &str = r#"{"object":"list","data":[{"object":"embedding","embedding":[-0.33085534,-0.93166375,0.11830747,-0.0924165],"index":0}],"model":"tiny-embed","usage":{"prompt_tokens":510,"total_tokens":510}}"#;

#[test]
fn ollama_makes_the_vector_of_a_book_out_of_its_first_page() {
    let server = Server::start([Reply::bytes(200, "application/json", CUT_BY_OLLAMA)]);
    let llm = llm()
        .watch(&server)
        .env("OLLAMA_HOST", format!("127.0.0.1:{}", server.port()))
        .args(["embed", "-p", "ollama", "-m", "tiny-embed", "--dimensions", "4", "-f", "book.txt"]);
    let text = book(280_000);
    let run = llm.file("book.txt", &text).run();
    run.code(0).stdout("[-0.33085534,-0.93166375,0.11830747,-0.0924165]\n");
    run.stderr(&format!(
        "llm: warning: ollama counted 510 tokens for book.txt, which has {} bytes: it did not read all of it\n\
         hint: `OLLAMA_CONTEXT_LENGTH=16384 ollama serve` reads more at once\n",
        text.trim_end().len()
    ));
}

#[test]
fn the_long_text_among_short_ones_is_named() {
    let lines = format!("短\n{}\n也短\n", book(30_000).replace('\n', " "));
    let server = Server::start([counted(3, json!({"prompt_tokens": 520}))]);
    let run = embed(&server).args(["--lines"]).stdin(&lines).run();
    run.code(0).stderr_has("test counted 520 tokens for line 2, which has ");
    run.stderr_has("\nhint: ");
    // Of several the longest may be meant.
    let (long, longer) = (book(10_000).replace('\n', " "), book(20_000).replace('\n', " "));
    let server = Server::start([counted(3, json!({"total_tokens": 520}))]);
    let run = embed(&server).args(["--lines"]).stdin(format!("{long}\n短\n{longer}\n")).run();
    run.code(0).stderr_has("it did not read all of it: these may be meant: line 3, line 1\n");
    let server = Server::start([counted(1, json!({"prompt_tokens": 520}))]);
    embed(&server).args(["-q", "--lines"]).stdin(&long).run().code(0).stderr_empty();
}

#[test]
fn all_requests_of_a_run_earn_one_warning() {
    let long = book(20_000).replace('\n', " ");
    let server = Server::start([1, 2, 3, 4, 5].map(|_| counted(1, json!({"prompt_tokens": 100}))));
    let lines = format!("{long}\n").repeat(5);
    let run = embed(&server).args(["--lines", "--batch-size", "1"]).stdin(&lines).run();
    run.code(0)
        .stderr_has("test counted 500 tokens for ")
        .stderr_has(": line 1, line 2, line 3 and 2 more\n");
    assert_eq!(run.stderr_lines().len(), 2);
}

#[test]
fn nothing_is_said_where_nothing_was_cut() {
    let short = "line\n".repeat(2000);
    let texts = [
        (book(40_000), 1, json!({"prompt_tokens": 9000})),
        (book(40_000), 1, json!({"prompt_tokens": 63})),
        (book(40_000), 1, json!({"prompt_tokens": 0})),
        (book(40_000), 1, json!({})),
        (book(40_000), 1, json!(null)),
        ("=".repeat(40_000), 1, json!({"prompt_tokens": 64})),
        (" ".repeat(40_000) + "x", 1, json!({"prompt_tokens": 64})),
        ("aGVsbG8gd29ybGQgaGVsbG8gd29ybGQ".repeat(1000), 1, json!({"prompt_tokens": 64})),
        ("a".repeat(4095), 1, json!({"prompt_tokens": 64})),
    ];
    for (text, count, usage) in texts {
        let server = Server::start([counted(count, usage.clone())]);
        let run = embed(&server).stdin(&text).run();
        assert_eq!(run.code(0).stderr_text(), "", "{usage}");
    }
    let server = Server::start([counted(2000, json!({"prompt_tokens": 2000}))]);
    embed(&server).args(["--lines"]).stdin(&short).run().code(0).stderr_empty();
}
