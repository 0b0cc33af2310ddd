//! `llm embed` over rows and folders, what the output says of the model, and files that are brought up to date.

use serde_json::{Value, json};

use super::inputs_and_formats::{data, embed, numbers};
use crate::support::{Reply, Server};

fn inputs(server: &Server) -> Vec<String> {
    server.bodies().into_iter().map(|body| body["input"].to_string()).collect()
}

#[test]
fn a_column_of_rows_is_embedded_and_their_ids_are_kept() {
    let jsonl = "{\"id\":7,\"doc\":{\"text\":\"一\"},\"n\":1}\n\n{\"id\":\"b\",\"doc\":{\"text\":\"二\"},\"n\":2}\n";
    let csv = "\u{feff}id,doc.text,n\r\n7,一,1\r\nb,\"二\",2\r\n";
    for (name, rows, first_id) in [("r.jsonl", jsonl, "7"), ("r.csv", csv, "\"7\"")] {
        let server = Server::start([numbers(&[1.0, 2.0])]);
        let run = embed(&server).args(["--field", "doc.text", "--id", "id", "--format", "jsonl"]);
        let run = run.args(["-f", name]).file(name, rows).run();
        run.code(0).stderr_empty().stdout(&format!(
            "{{\"index\":0,\"id\":{first_id},\"input\":\"一\",\"embedding\":[1.0],\"model\":\"bge\"}}\n\
             {{\"index\":1,\"id\":\"b\",\"input\":\"二\",\"embedding\":[2.0],\"model\":\"bge\"}}\n"
        ));
        assert_eq!(inputs(&server), [r#"["一","二"]"#]);
        // From a pipe the form is told by the first sign.
        let server = Server::start([numbers(&[1.0, 2.0])]);
        embed(&server).args(["--field", "n"]).stdin(rows).run().code(0).stdout("[1.0]\n[2.0]\n");
        assert_eq!(inputs(&server), [r#"["1","2"]"#]);
    }
}

#[test]
fn rows_that_cannot_be_used_are_told_before_anything_is_sent() {
    for (name, rows, words) in [
        (
            "r.jsonl",
            "{\"text\":\"a\"}\n{\"body\":\"b\"}\n",
            "row 2 of r.jsonl has no `text`\nhint: it has body",
        ),
        ("r.jsonl", "{\"text\":\"a\"}\nno\n", "row 2 of r.jsonl is not JSON"),
        ("r.jsonl", "{\"text\":[1]}\n", "`text` in row 1 of r.jsonl is no text"),
        ("r.csv", "id,name\n1,a\n", "row 1 of r.csv has no `text`\nhint: it has id, name"),
        ("r.csv", "id,text\n1,a,b\n", "row 1 of r.csv has 3 columns, the head has 2"),
        ("r.csv", "id,text\n1,\"a\n", "row 1 of r.csv has a quote that does not end"),
    ] {
        let server = Server::start([]);
        let run = embed(&server).args(["--field", "text", "-f", name]).file(name, rows).run();
        run.code(2).stdout_empty().stderr_has(words);
    }
    let server = Server::start([]);
    for format in ["array", "csv"] {
        let run = embed(&server).args(["--field", "text", "--id", "id", "--format", format]);
        run.stdin("{}").run().code(2).stderr_has(&format!("--id id has no place in {format}"));
    }
    let run = embed(&server).args(["--id", "x", "a", "--format", "jsonl"]).run();
    run.code(2).stderr_has("--field");
    embed(&server).args(["--field", "x", "--lines"]).stdin("{}").run().code(2);
}

#[test]
fn the_text_files_of_a_folder_are_texts() {
    let server = Server::start([numbers(&[1.0, 2.0])]);
    let llm = embed(&server).args(["-f", "docs", "--format", "jsonl", "-o", "docs/v.jsonl"]);
    for (name, bytes) in [
        ("a.txt", &b"one\n"[..]),
        ("sub/b.md", b"two"),
        (".git", b"x"),
        ("c.bin", b"\0\x01"),
        ("d", b" "),
    ] {
        let path = llm.dir().join("docs").join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        std::fs::write(path, bytes).expect("written");
    }
    std::fs::write(llm.dir().join("docs/v.jsonl"), "old").expect("written");
    let run = llm.run();
    run.code(0).stderr("llm: docs: 2 files without text are left out\n");
    assert_eq!(inputs(&server), [r#"["one","two"]"#]);
}

#[test]
fn the_file_that_is_read_is_not_replaced() {
    let server = Server::start([]);
    for args in [["-o", "t.txt"], ["-o", "./t.txt"], ["--update", "t.txt"]] {
        let run =
            embed(&server).args(["--lines", "-f", "t.txt"]).args(args).file("t.txt", "a\n").run();
        run.code(2).stdout_empty().stderr_has("t.txt is read and would be replaced");
        assert_eq!(run.read("t.txt"), b"a\n");
    }
}

#[test]
fn a_file_beside_tells_the_model() {
    for output in ["v.npy", "v.csv"] {
        let beside = format!("{output}.json");
        let server = Server::start([
            data(json!([{"embedding": [1, 2]}])),
            data(json!([{"embedding": [1, 2]}])),
        ]);
        let llm =
            embed(&server).args(["--lines", "-f", "t.txt", "-o", output]).file("t.txt", "a\n");
        let run = llm.run();
        run.code(0).stderr_empty();
        let told: Value = serde_json::from_slice(&run.read(&beside)).expect("is JSON");
        let expected = json!({"llm": 1, "model": "bge", "provider": "test", "dimensions": 2, "texts": "t.txt"});
        assert_eq!(told, expected);
        let run = llm.file(&beside, "{\"mine\":true}").run();
        run.code(0).stderr_has(&format!("llm: warning: {beside} is no file of llm's"));
        assert_eq!(run.read(&beside), b"{\"mine\":true}");
    }
    let server = Server::start([numbers(&[1.0])]);
    let run = embed(&server).args(["a", "-o", "v.jsonl"]).run();
    assert_eq!(run.code(0).names(), ["v.jsonl"]);
    // What a text is in the files is told where it is no line.
    for (args, more) in [
        (&["-f", "t.csv", "--field", "x"][..], json!({"texts": "t.csv", "field": "x"})),
        (&["-f", "t.csv"], json!({"texts": "t.csv", "whole_files": true})),
        (&["a"], json!({"texts": null})),
    ] {
        let server = Server::start([numbers(&[1.0])]);
        let run = embed(&server).file("t.csv", "x\na\n").args(args).args(["-o", "v.npy"]).run();
        run.code(0).stderr_empty();
        let told: Value = serde_json::from_slice(&run.read("v.npy.json")).expect("is JSON");
        let known = json!({"llm": 1, "model": "bge", "provider": "test", "dimensions": 1});
        let expected = known.as_object().into_iter().chain(more.as_object()).flatten();
        assert_eq!(told.as_object().map(serde_json::Map::len), Some(expected.clone().count()));
        assert!(expected.into_iter().all(|(key, value)| told[key] == *value), "{told}");
    }
}

#[test]
fn an_update_asks_only_for_what_is_new() {
    let server = Server::start([numbers(&[1.5, 2.5]), numbers(&[3.5])]);
    let args = ["--lines", "-f", "t.txt", "--update", "v.jsonl"];
    let llm = embed(&server).args(args).file("t.txt", "一\n二\n");
    llm.run().code(0).stdout_empty().stderr_empty();
    let run = llm.file("t.txt", "三\n二\n").run();
    run.code(0).stdout_empty().stderr_empty();
    assert_eq!(inputs(&server), [r#"["一","二"]"#, r#"["三"]"#]);
    let expected = "{\"index\":0,\"input\":\"三\",\"embedding\":[3.5],\"model\":\"bge\"}\n\
                    {\"index\":1,\"input\":\"二\",\"embedding\":[2.5],\"model\":\"bge\"}\n";
    assert_eq!(String::from_utf8_lossy(&run.read("v.jsonl")), expected);
    assert_eq!(run.names(), ["t.txt", "v.jsonl"]);
}

#[test]
fn a_dry_run_of_an_update_shows_only_what_is_new() {
    let server = Server::start([]);
    let line = "{\"index\":0,\"input\":\"二\",\"embedding\":[2.5],\"model\":\"bge\"}\n";
    let args = ["--lines", "-f", "t.txt", "--update", "v.jsonl", "--dry-run"];
    let llm = embed(&server).args(args).file("v.jsonl", line);
    let run = llm.clone().file("t.txt", "三\n二\n").run();
    run.code(0).stdout_has("\"input\":[\"三\"]").stderr_empty();
    let run = llm.clone().file("t.txt", "二\n\n").run();
    run.code(0).stdout_empty();
    run.stderr("llm: nothing would be sent: v.jsonl has all texts\n");
    // What the real run would refuse is refused here.
    let other = line.replace("bge", "m3");
    let run = llm.file("t.txt", "三\n").file("v.jsonl", &other).run();
    run.code(2).stdout_empty().stderr_has("v.jsonl has vectors of the model m3, and bge is asked");
    assert_eq!(run.read("v.jsonl"), other.as_bytes());
}

#[test]
fn vectors_of_another_model_are_not_mixed_in() {
    let line =
        |model: &str| format!("{{\"index\":0,\"input\":\"a\",\"embedding\":[1,2]{model}}}\n");
    let server = Server::start([]);
    let args = ["a", "b", "--update", "v.jsonl"];
    let run = embed(&server).args(args).file("v.jsonl", line(",\"model\":\"e5\"")).run();
    run.code(2).stderr_has("llm: v.jsonl has vectors of the model e5, and bge is asked\n");
    let run = embed(&server).args(args).args(["--dimensions", "3"]).file("v.jsonl", line("")).run();
    run.code(2).stderr_has("v.jsonl has vectors of 2 numbers, 3 are asked for");
    let run = embed(&server).args(args).file("v.jsonl", "{\"x\":1}\n").run();
    run.code(2).stderr_has("line 1 of v.jsonl is none that `llm embed` writes as jsonl");
    embed(&server).args(args).args(["--format", "csv"]).run().code(2);
    let run = embed(&server).args(["a", "--update", "v.npy"]).run();
    run.code(2).stderr_has("llm: --update keeps jsonl, and the ending of v.npy is npy's\n");
    assert!(run.names().is_empty());
    // Without a model the length decides.
    let server = Server::start([numbers(&[1.0])]);
    let run = embed(&server).args(args).file("v.jsonl", line("")).run();
    run.code(2).stderr_has("llm: warning: v.jsonl does not say which model made its vectors");
    run.stderr_has("the file has vectors of 2 numbers, those from test have 1");
    assert_eq!(
        (run.names(), run.read("v.jsonl")),
        (vec!["v.jsonl".to_owned()], line("").into_bytes())
    );
    let server = Server::start([data(json!([{"embedding": [3, 4]}]))]);
    let run = embed(&server).args(args).file("v.jsonl", line("")).run();
    run.code(0).stderr_has("llm: warning: v.jsonl does not say");
    assert!(
        run.read("v.jsonl").ends_with(b"\"input\":\"b\",\"embedding\":[3,4],\"model\":\"bge\"}\n")
    );
}

#[test]
fn an_update_that_ends_early_goes_on() {
    let no_money = || Reply::json(402, json!({"error": {"message": "top up"}}));
    let server = Server::start([numbers(&[1.0]), no_money(), numbers(&[2.0])]);
    let args = ["--batch-size", "1", "--concurrency", "1", "--update", "v.jsonl", "a", "b"];
    let llm = embed(&server).args(args);
    llm.run().code(5).stderr_has("the same command goes on; 1 of 2 texts are done");
    let run = llm.run();
    assert_eq!(run.code(0).names(), ["v.jsonl"]);
    assert_eq!(inputs(&server), [r#"["a"]"#, r#"["b"]"#, r#"["b"]"#]);
}
