//! Runs `llm` and `curl` by turns on the same work and prints who took how long. The server is part of
//! the bench, so that nothing but the two programs differs; every answer is checked for its length.
//!
//! `cargo bench --bench against_curl` runs it; `LLM_BENCH_ROUNDS` sets the number of rounds.
#![expect(clippy::print_stdout, reason = "a bench shows its table")]

#[path = "against_curl/flood.rs"]
mod flood;
#[path = "against_curl/measure.rs"]
mod measure;

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use flood::{CHUNKS_AT_ONCE, CHUNKS_ONE_BY_ONE, CHUNKS_SHORT, Flood};
use measure::{Peak, Ran, median};

/// Rounds of the short works; the long ones take half of it.
const ROUNDS: usize = 7;

/// How often a short work is done in a round: a single run of some milliseconds says little.
const REPEATS: usize = 20;

/// One line of the table.
struct Work {
    name: &'static str,
    /// The model that the flood server knows the work by; none if only the version is asked for.
    model: Option<&'static str>,
    chunks: usize,
    is_long: bool,
}

const WORKS: [Work; 4] = [
    Work { name: "--version", model: None, chunks: 0, is_long: false },
    Work { name: "chat, 20 tokens", model: Some("short"), chunks: CHUNKS_SHORT, is_long: false },
    Work {
        name: "1,000,000 chunks at once",
        model: Some("at-once"),
        chunks: CHUNKS_AT_ONCE,
        is_long: true,
    },
    Work {
        name: "100,000 chunks one by one",
        model: Some("one-by-one"),
        chunks: CHUNKS_ONE_BY_ONE,
        is_long: true,
    },
];

/// One of the two programs, doing one work.
struct Runner {
    program: &'static str,
    arguments: Vec<String>,
    /// Bytes that it must write; none if they are not known beforehand.
    bytes: Option<u64>,
    times: Vec<Duration>,
    peak: Option<Peak>,
}

fn main() {
    // Without this flag the bench was built by `cargo test` or the like, which should be quick.
    if !std::env::args().any(|argument| argument == "--bench") {
        println!("this is run by `cargo bench --bench against_curl`");
        return;
    }
    let has_curl = Command::new("curl").arg("--version").output().is_ok();
    if !has_curl {
        println!("curl is missing: only llm is measured");
    }
    let home = tempfile::tempdir().expect("a temporary folder can be made");
    let url = flood::start();
    print_row(&["work", "llm", "curl", "llm/curl", "llm peak", "curl peak", "llm CPU", "curl CPU"]);
    print_row(&["---"; 8]);
    for work in &WORKS {
        let mut runners = vec![llm(work, &url)];
        if has_curl {
            runners.push(curl(work, &url));
        }
        measure(work, &mut runners, home.path());
        print_row(&row(work, &runners).each_ref().map(String::as_str));
    }
}

fn llm(work: &Work, url: &str) -> Runner {
    let arguments = match work.model {
        None => words(&["--version"]),
        Some(model) => words(&["chat", "--base-url", url, "-m", model, "--no-stdin", "你好"]),
    };
    // The text, and the line end that closes the answer.
    let bytes = work.model.map(|_| Flood::text_bytes(work.chunks) + 1);
    let program = env!("CARGO_BIN_EXE_llm");
    Runner { program, arguments, bytes, times: Vec::new(), peak: None }
}

fn curl(work: &Work, url: &str) -> Runner {
    let arguments = match work.model {
        None => words(&["--version"]),
        Some(model) => {
            let body = format!(
                r#"{{"model":"{model}","messages":[{{"role":"user","content":"你好"}}],"stream":true}}"#
            );
            let url = format!("{url}/chat/completions");
            words(&["-sN", "-H", "Content-Type: application/json", "-d", &body, &url])
        }
    };
    let bytes = work.model.map(|_| Flood::body_bytes(work.chunks));
    Runner { program: "curl", arguments, bytes, times: Vec::new(), peak: None }
}

/// Runs the programs by turns, a different one first in each round, then each once more for its
/// peak of memory and its CPU time.
fn measure(work: &Work, runners: &mut [Runner], home: &Path) {
    let rounds = rounds();
    let (rounds, repeats) = if work.is_long { (rounds.div_ceil(2), 1) } else { (rounds, REPEATS) };
    for round in 0..rounds {
        for turn in 0..runners.len() {
            let at = (round + turn) % runners.len();
            let runner = &mut runners[at];
            for _ in 0..repeats {
                let ran = measure::run(runner.program, &runner.arguments, home);
                check(work, runner, &ran);
                runner.times.push(ran.time);
            }
        }
    }
    for runner in runners {
        let (ran, peak) = measure::peak(runner.program, &runner.arguments, home);
        check(work, runner, &ran);
        runner.peak = peak;
    }
}

fn rounds() -> usize {
    #[expect(clippy::disallowed_methods, reason = "the bench is no part of the program")]
    let text = std::env::var("LLM_BENCH_ROUNDS").ok();
    let wanted = text.and_then(|text| text.parse().ok()).filter(|rounds| *rounds > 0);
    wanted.unwrap_or(ROUNDS)
}

/// A run that lost something is no run.
fn check(work: &Work, runner: &Runner, ran: &Ran) {
    let (program, name) = (runner.program, work.name);
    assert!(ran.success, "{program} failed at `{name}`");
    if let Some(expected) = runner.bytes {
        assert_eq!(ran.bytes, expected, "bytes that {program} wrote at `{name}`");
    }
}

fn row(work: &Work, runners: &[Runner]) -> [String; 8] {
    let [llm, others @ ..] = runners else { return [const { String::new() }; 8] };
    let curl = others.first();
    let absent = || "-".to_owned();
    let time = |runner: &Runner| milliseconds(median(&runner.times));
    let memory = |runner: &Runner| {
        let peak = runner.peak.as_ref();
        peak.map_or_else(absent, |peak| format!("{:.1} MB", peak.kibibytes as f64 * 1024.0 / 1e6))
    };
    let cpu = |runner: &Runner| {
        let cpu = runner.peak.as_ref().and_then(|peak| peak.cpu);
        cpu.map_or_else(absent, |cpu| format!("{:.2} s", cpu.as_secs_f64()))
    };
    let ratio = |curl: &Runner| {
        let (llm, curl) = (median(&llm.times), median(&curl.times));
        format!("{:.2}", llm.as_secs_f64() / curl.as_secs_f64())
    };
    [
        work.name.to_owned(),
        time(llm),
        curl.map_or_else(absent, time),
        curl.map_or_else(absent, ratio),
        memory(llm),
        curl.map_or_else(absent, memory),
        cpu(llm),
        curl.map_or_else(absent, cpu),
    ]
}

fn milliseconds(time: Duration) -> String {
    let milliseconds = time.as_secs_f64() * 1e3;
    let digits = if milliseconds < 100.0 { 2 } else { 0 };
    format!("{milliseconds:.digits$} ms")
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn print_row(cells: &[&str; 8]) {
    let [work, rest @ ..] = cells;
    let rest: Vec<String> = rest.iter().map(|cell| format!("{cell:>9}")).collect();
    println!("| {work:<25} | {} |", rest.join(" | "));
}
