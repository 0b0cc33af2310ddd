//! What `llm usage` makes of the notes.

use serde_json::json;

use crate::support::{Llm, Reply, Server, in_terminal, llm};

const NOTES: &str = concat!(
    r#"{"time":"2026-11-01T10:00:00Z","command":"chat","provider":"a","model":"m","input_tokens":1000,"output_tokens":20,"cost":{"USD":0.1}}"#,
    "\n",
    r#"{"time":"2026-11-02T10:00:00Z","command":"chat","provider":"a","model":"千问","input_tokens":500000,"output_tokens":2,"cost":{"USD":0.2,"元":3}}"#,
    "\n",
    r#"{"time":"2026-11-02T11:00:00Z","command":"speak","provider":"b","model":"t","characters":7,"exit":130}"#,
    "\n",
    r#"{"time":"2026-11-02T12:00:00Z","command":"chat","provider":"b","model":"m"}"#,
    "\n",
    r#"{"time":"2026-11-0"#,
    "\n",
);

fn with_notes(notes: &str) -> Llm {
    let llm = llm().arg("usage");
    let folder = llm.folder("data").join("llm");
    std::fs::create_dir_all(&folder).expect("the folder can be made");
    std::fs::write(folder.join("usage.jsonl"), notes).expect("the file can be written");
    llm
}

#[test]
fn programs_get_one_document() {
    let llm = with_notes(NOTES);
    let run = llm.clone().args(["--json", "--by", "provider"]).run();
    let found = run.code(0).stdout_json();
    let total = &found["total"];
    assert_eq!((&total["runs"], &total["uncounted_runs"]), (&json!(4), &json!(1)));
    assert_eq!((&total["input_tokens"], &total["output_tokens"]), (&json!(501_000), &json!(22)));
    assert_eq!(total["cost"], json!({"USD": 0.3, "元": 3.0}));
    let by = found["by"].as_array().expect("a list");
    let keys: Vec<_> =
        by.iter().map(|group| (&group["key"], &group["runs"], &group["characters"])).collect();
    assert_eq!(keys, [(&json!("a"), &json!(2), &json!(0)), (&json!("b"), &json!(2), &json!(7))]);
    let path = llm.folder("data").join("llm/usage.jsonl");
    assert_eq!(found["file"], json!(path.to_string_lossy()));
    run.stderr(&format!("llm: warning: {}: 1 line is no note and is skipped\n", path.display()));
}

#[test]
fn a_pipe_gets_columns_with_tabs_between() {
    let run = with_notes(NOTES).args(["--by", "day", "-q"]).run();
    run.code(0).stderr_empty().stdout(
        "day\truns\tinput_tokens\tcached_tokens\tcache_write_tokens\toutput_tokens\treasoning_tokens\tcharacters\tpictures\tseconds\tcost\n\
         2026-11-01\t1\t1000\t0\t0\t20\t0\t0\t0\t0\t0.10 USD\n\
         2026-11-02\t3\t500000\t0\t0\t2\t0\t7\t0\t0\t0.20 USD, 3.00 元\n\
         total\t4\t501000\t0\t0\t22\t0\t7\t0\t0\t0.30 USD, 3.00 元\n",
    );
}

#[test]
fn a_time_cuts_the_notes() {
    let llm = with_notes(NOTES);
    let runs = |since: &str| {
        let run = llm.clone().args(["--json", "-q", "--since", since]).run();
        run.code(0).stdout_json()["total"]["runs"].clone()
    };
    assert_eq!(runs("2026-11-02"), 3);
    assert_eq!(runs("2026-11-02T11:00:00Z"), 2);
    assert_eq!(runs("1h"), 0);
    assert_eq!(runs("9999w"), 4);
    let wrong = llm.clone().args(["--since", "gestern"]).run();
    wrong
        .code(2)
        .stdout_empty()
        .stderr_has("neither a span such as 7d nor a date such as 2026-11-01");
}

#[test]
fn without_notes_the_sums_are_zero() {
    let llm = llm().arg("usage");
    let path = llm.folder("data").join("llm/usage.jsonl");
    let run = llm.run();
    run.code(0)
        .stdout_has("total\t0\t0")
        .stderr(&format!("llm: no run is noted yet in {}\n", path.display()));
    assert!(!path.exists());
}

#[test]
fn a_service_and_a_model_choose_notes() {
    let runs = |args: &[&str]| {
        let run = with_notes(NOTES).args(["--json", "-q"]).args(args).run();
        run.code(0).stdout_json()["total"]["runs"].clone()
    };
    assert_eq!(runs(&["-p", "a"]), 2);
    assert_eq!(runs(&["--provider=b", "-m", "m"]), 1);
    assert_eq!(runs(&["-m", "千问", "--since", "2026-11-01"]), 1);
    // What else is asked by default is no choice of notes.
    let run =
        with_notes(NOTES).env("LLM_PROVIDER", "a").env("LLM_MODEL", "x").args(["--json", "-q"]);
    assert_eq!(run.run().stdout_json()["total"]["runs"], 4);
    let none = with_notes(NOTES).args(["-p", "nobody"]).run();
    none.code(0).stderr_has("llm: no such run is noted in ");
    // Notes have the name of the profile, and people type its other ones; a wrong profile file is no
    // reason to count wrong.
    let notes = NOTES.replace("\"a\"", "\"dashscope\"");
    let run = with_notes(&notes).config("[providers.x]\nnonsense = 1\n");
    let run = run.args(["-p", "百炼", "--json", "-q"]).run();
    assert_eq!(run.code(0).stdout_json()["total"]["runs"], 2);
}

#[test]
fn a_day_may_be_named() {
    let vectors = Reply::json(200, json!({"data": [{"index": 0, "embedding": [1.0]}]}));
    let server = Server::start([vectors]);
    let llm = with_notes(NOTES).profile(&server);
    llm.clone().bare_args(["embed", "-q", "a"]).run().code(0);
    for (since, runs) in [("yesterday", 1), ("2026-11", 5), ("2026/11/02", 4)] {
        let run = llm.clone().args(["--json", "-q", "--since", since]).run();
        assert_eq!(run.code(0).stdout_json()["total"]["runs"], runs, "{since}");
    }
}

/// The columns that a line takes: Chinese letters take two.
fn width(line: &str) -> usize {
    line.chars().map(|letter| if letter >= '\u{2e80}' { 2 } else { 1 }).sum()
}

#[test]
fn a_table_fits_into_a_terminal() {
    let long = NOTES.replace("千问", "通义千问-最大版-2026-11-01-长上下文预览版").replace(
        "\"output_tokens\":2,",
        "\"output_tokens\":2,\"cached_tokens\":70000,\"cache_write_tokens\":80000,\"reasoning_tokens\":1,",
    );
    let Some(shown) = in_terminal(&with_notes(&long)) else { return };
    let (notes, table): (Vec<&str>, Vec<&str>) =
        shown.lines().partition(|line| line.starts_with("llm: "));
    let widest = table.iter().map(|line| width(line)).max();
    assert!(widest <= Some(80), "{shown}");
    assert!(table.iter().any(|line| line.starts_with("通义千问") && line.contains('…')), "{shown}");
    let total = ["total", "4", "501,000", "70,000", "22", "7", "0.30", "USD"];
    let last: Vec<&str> = table[table.len() - 2].split_whitespace().collect();
    assert_eq!(last, total, "{shown}");
    assert_eq!(table[table.len() - 1].trim(), "3.00 元", "{shown}");
    assert!(notes.iter().any(|note| note.starts_with("llm: no room for cache written")), "{shown}");
}
