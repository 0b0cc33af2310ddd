//! The schemas of tools in the words that a service takes.

use serde_json::{Value, json};

use super::chat::{chat_at, results};
use super::table;
use crate::support::{Llm, Reply, Server, llm};

/// A tool of the user's own whose schema has words that Gemini refuses.
const OWN: &str = r#"[tools.own]
command = "date"
parameters = { type = "object", additionalProperties = false, required = ["a"], properties = { a = { const = "x" }, b = { type = ["integer", "null"] } } }
"#;

const PLAIN: &str = r#"{"type":"object","required":["a"],"properties":{"a":{"enum":["x"],"type":"string"},"b":{"type":"integer","nullable":true}}}"#;

/// The parameters of the first tool of a request, with their members in any order.
fn first(body: &Value) -> Value {
    body["tools"][0]["function"]["parameters"].clone()
}

fn asking(service: &Server, more: &str) -> Llm {
    let tables = [OWN.to_owned(), table("a", "", "tools = [\"echo\", \"fail\"]")];
    chat_at(service, more, &tables).args(["--tool", "own", "--mcp", "a", "--yes", "x"])
}

#[test]
fn schemas_are_told_in_the_words_that_the_profile_names() {
    let plain: Value = serde_json::from_str(PLAIN).expect("JSON");
    let service = Server::start([Reply::chat(&["好"]), Reply::chat(&["好"])]);
    asking(&service, "tool_schema = \"openapi\"").run().code(0).stderr_empty();
    let body = service.requests()[0].json();
    assert_eq!(first(&body), plain);
    let string = json!({"type": "string", "description": "what to say"});
    let echo = json!({"type": "object", "properties": {"text": string}, "required": ["text"]});
    assert_eq!(body["tools"][1]["function"]["parameters"], echo);
    assert_eq!(body["tools"][2]["function"], json!({"name": "fail", "description": "Fails"}));
    asking(&service, "").run().code(0);
    let own = first(&service.requests()[1].json());
    assert_eq!(own["additionalProperties"], false, "elsewhere it stays as it is");
}

#[test]
fn geminis_own_profile_names_them() {
    let run = llm().config(OWN).env("GEMINI_API_KEY", "k-12345678").args([
        "chat",
        "-p",
        "gemini",
        "--tool",
        "own",
        "--yes",
        "--dry-run",
        "x",
    ]);
    let shown = run.run();
    shown.code(0).stdout_has("\"nullable\":true").stdout_has("\"enum\":[\"x\"]");
    assert!(!shown.stdout_text().contains("additionalProperties"), "{shown}");
}

#[test]
fn a_word_that_is_refused_is_told_in_other_words() {
    let refusal = json!({"error": {"code": 400, "status": "INVALID_ARGUMENT", "message":
        "Invalid JSON payload received. Unknown name \"const\" at 'tools[0].function_declarations[0].parameters.properties[0].value': Cannot find field."}});
    let service = Server::start([Reply::json(400, refusal.clone()), Reply::chat(&["好"])]);
    let run = asking(&service, "").run();
    run.code(0).stdout("好\n").stderr_has(
        "llm: warning: test refuses a word in the schema of a tool; sent again with schemas in the words of \
         OpenAPI; this line in [providers.test] avoids the refused request: tool_schema = \"openapi\"\n",
    );
    let plain: Value = serde_json::from_str(PLAIN).expect("JSON");
    assert_eq!(first(&service.requests()[1].json()), plain);
    assert!(results(&service.requests()[1]).is_empty());
    // A second refusal is told as it is.
    let service = Server::start([Reply::json(400, refusal.clone()), Reply::json(400, refusal)]);
    asking(&service, "").run().code(4).stderr_has("Unknown name \"const\"");
}
