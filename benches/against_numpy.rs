//! Runs `llm similar` and NumPy by turns on the same file of vectors, and prints who took how long and
//! how much memory, and whether both found the same rows in the same order.
//!
//! `cargo bench --bench against_numpy` searches 100,000 rows (0.6 GB) and compares the order of 1,000
//! queries; `cargo bench --bench against_numpy -- million` 1,000,000 rows (6.1 GB) and that of 10. The
//! file is made first and read once before the clock runs, so that both read it from the memory. The
//! query arrives from a server of the bench. Both are timed from the start of the process to its end.
//! Variables of the environment set the rest:
//!
//! - `LLM_BENCH_NEW`: a binary of `llm` to be measured instead of the one that was built with the bench;
//! - `LLM_BENCH_PYTHON`: a Python that has NumPy, if `python3` has not; without one only `llm` is timed;
//! - `LLM_BENCH_ROUNDS`, `LLM_BENCH_QUERIES`: the number of rounds and of queries;
//! - `TMPDIR`: the place of the file, which is removed at the end.
#![expect(clippy::print_stdout, reason = "a bench shows its table")]

#[path = "against_numpy/embedder.rs"]
mod embedder;
#[path = "against_curl/measure.rs"]
mod measure;
#[path = "against_numpy/table.rs"]
mod table;

use std::fs::File;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use measure::{Ran, at_share};
use table::{Table, cosine};

/// The rows that are asked for.
const NEAREST: usize = 10;

/// Rows whose scores differ by less than this may stand in either order: 32-bit floats tell no more.
const SAME_SCORE: f64 = 1e-6;

/// NumPy is given so many queries of a comparison at once.
const QUERIES_AT_ONCE: usize = 250;

/// What the time and the memory of `llm` should not exceed.
const MOST_TIME: f64 = 1.0;
const MOST_MEMORY: u64 = 100_000_000;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    // Without this flag the bench was built by `cargo test` or the like, which should be quick.
    if !arguments.iter().any(|argument| argument == "--bench") {
        println!("this is run by `cargo bench --bench against_numpy`");
        return;
    }
    let is_million = arguments.iter().any(|argument| argument == "million");
    let (rows, queries) = if is_million { (1_000_000, 10) } else { (100_000, 1_000) };
    let queries = number("LLM_BENCH_QUERIES", queries);
    let bench = Bench::start(rows, queries);
    bench.times(number("LLM_BENCH_ROUNDS", 7));
    bench.orders(queries);
}

struct Bench {
    home: tempfile::TempDir,
    vectors: Table,
    queries: Table,
    base_url: String,
    llm: String,
    /// One that has NumPy.
    python: Option<String>,
}

impl Bench {
    fn start(rows: usize, queries: usize) -> Self {
        let home = tempfile::tempdir().expect("a temporary folder can be made");
        let vectors = Table::make(&home.path().join("vectors.npy"), rows, 0x9e37_79b9);
        let queries = Table::make(&home.path().join("queries.npy"), queries, 0x2545_f491);
        let mut warm = File::open(&vectors.path).expect("can be read");
        std::io::copy(&mut warm, &mut std::io::sink()).expect("can be read");
        println!("{rows} rows of {} numbers", table::COLUMNS);
        let base_url = embedder::serve(Table { path: queries.path.clone() });
        let llm = setting("LLM_BENCH_NEW").unwrap_or(env!("CARGO_BIN_EXE_llm").to_owned());
        let python = setting("LLM_BENCH_PYTHON").unwrap_or("python3".to_owned());
        let has_numpy = Command::new(&python).args(["-c", "import numpy"]).output();
        let has_numpy = has_numpy.is_ok_and(|run| run.status.success());
        if !has_numpy {
            println!("{python} has no NumPy: only llm is timed");
        }
        Self { home, vectors, queries, base_url, llm, python: has_numpy.then_some(python) }
    }

    fn llm(&self, query: usize) -> Command {
        let mut command = measure::command(&self.llm, self.home.path());
        command.args(["similar", "-q", "--no-log", "-m", "bench", "--base-url", &self.base_url]);
        command.args(["-n", &NEAREST.to_string(), "--in"]).arg(&self.vectors.path);
        command.arg(query.to_string());
        command
    }

    fn numpy(&self, python: &str, first: usize, count: usize) -> Command {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/against_numpy/nearest.py");
        let mut command = measure::command(python, self.home.path());
        command.arg(script).arg(&self.vectors.path).arg(&self.queries.path);
        command.args([first.to_string(), count.to_string()]);
        command
    }

    /// Times of single queries by turns, another program first in each round.
    fn times(&self, rounds: usize) {
        let (mut of_llm, mut of_numpy) = (Vec::new(), Vec::new());
        for round in 0..rounds {
            let mut llm = || of_llm.push(run(&mut self.llm(0)));
            let mut numpy = || {
                let python = self.python.as_deref();
                of_numpy.extend(python.map(|python| run(&mut self.numpy(python, 0, 1))));
            };
            if round % 2 == 0 {
                llm();
                numpy();
            } else {
                numpy();
                llm();
            }
        }
        let time =
            |runs: &[Ran]| at_share(&runs.iter().map(|ran| ran.time).collect::<Vec<_>>(), 0.5);
        let peak = |runs: &[Ran]| runs.iter().map(|ran| ran.peak).max().unwrap_or_default();
        let show = |name: &str, runs: &[Ran]| {
            let least = runs.iter().map(|ran| ran.time).min().unwrap_or_default();
            let cpu = runs.iter().map(|ran| ran.cpu).min().unwrap_or_default();
            let [time, least, cpu] = [time(runs), least, cpu].map(milliseconds);
            let peak = megabytes(peak(runs));
            println!("{name:<6} median {time}  least {least}  CPU {cpu}  peak {peak:.1} MB");
        };
        show("llm", &of_llm);
        assert!(peak(&of_llm) <= MOST_MEMORY, "llm took more memory than {MOST_MEMORY} bytes");
        if !of_numpy.is_empty() {
            show("numpy", &of_numpy);
            let ratio = time(&of_llm).as_secs_f64() / time(&of_numpy).as_secs_f64();
            println!("llm / numpy {ratio:.2} (aim: {MOST_TIME})");
        }
    }

    /// Compares the rows that both find for each query, in their order.
    fn orders(&self, queries: usize) {
        let Some(python) = &self.python else { return };
        let mut expected = Vec::new();
        for first in (0..queries).step_by(QUERIES_AT_ONCE) {
            let count = QUERIES_AT_ONCE.min(queries - first);
            let said = output(&mut self.numpy(python, first, count));
            let row = |word: &str| -> usize { word.parse().expect("a row's number") };
            expected.extend(said.lines().map(|line| line.split(' ').map(row).collect::<Vec<_>>()));
        }
        assert_eq!(expected.len(), queries, "answers of NumPy");
        let (mut swapped, mut wrong) = (0, 0);
        for (number, expected) in expected.iter().enumerate() {
            let said = output(&mut self.llm(number));
            let row = |line: &str| line.split('\t').nth(1).and_then(|row| row.parse().ok());
            let found: Vec<usize> = said.lines().filter_map(row).collect();
            assert_eq!((found.len(), expected.len()), (NEAREST, NEAREST), "rows of query {number}");
            let query = self.queries.row(number);
            let score = |row: usize| cosine(&self.vectors.row(row - 1), &query);
            for (found, expected) in found.into_iter().zip(expected) {
                if found == *expected {
                    continue;
                }
                let apart = (score(found) - score(*expected)).abs();
                swapped += usize::from(apart < SAME_SCORE);
                if apart >= SAME_SCORE {
                    wrong += 1;
                    println!(
                        "query {number}: row {found} where NumPy has {expected}, {apart} apart"
                    );
                }
            }
        }
        let all = queries * NEAREST;
        println!("order of {all} rows: {swapped} are others of the same score, {wrong} are wrong");
        assert_eq!(wrong, 0, "rows in another order than NumPy's");
    }
}

/// Runs a program once. A run that failed is no run.
fn run(command: &mut Command) -> Ran {
    let ran = measure::run(command);
    assert!(ran.is_success && ran.bytes > 0, "failed: {command:?}");
    ran
}

/// What a program says.
fn output(command: &mut Command) -> String {
    let ran = command.output().expect("the program can be started");
    assert!(ran.status.success(), "failed: {command:?}: {}", String::from_utf8_lossy(&ran.stderr));
    String::from_utf8_lossy(&ran.stdout).into_owned()
}

#[expect(clippy::disallowed_methods, reason = "the bench is no part of the program")]
fn setting(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn number(name: &str, usual: usize) -> usize {
    setting(name).and_then(|text| text.parse().ok()).filter(|count| *count > 0).unwrap_or(usual)
}

fn milliseconds(time: Duration) -> String {
    format!("{:.0} ms", time.as_secs_f64() * 1e3)
}

fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}
