//! Runs `llm` and `curl` by turns on the same work and prints who took how long. The server is a
//! process of the bench, so that nothing but the two programs differs; every answer is checked for its
//! length.
//!
//! `cargo bench --bench against_curl` runs all of it, `cargo bench --bench against_curl -- chat` the
//! rows of the table whose name holds that word; what `batch` does with many rows is `rows`. With `--profile
//! dist` the binary that is shipped is measured.
//! Variables of the environment set the rest:
//!
//! - `LLM_BENCH_NEW`: a binary of `llm` to be measured instead of the one that was built with the bench;
//! - `LLM_BENCH_OLD`: a second one, an older release say, whose ratios stand beside those of the first;
//! - `LLM_BENCH_ROUNDS`: the number of rounds;
//! - `TMPDIR`: the place of the files; a folder in memory leaves the disk out.
#![expect(clippy::print_stdout, reason = "a bench shows its table")]

#[path = "against_curl/flood.rs"]
mod flood;
#[path = "against_curl/instructions.rs"]
mod instructions;
#[path = "against_curl/latency.rs"]
mod latency;
#[path = "against_curl/load.rs"]
mod load;
#[path = "against_curl/measure.rs"]
mod measure;
#[path = "against_curl/row_server.rs"]
mod row_server;
#[path = "against_curl/rows.rs"]
mod rows;
#[path = "against_curl/works.rs"]
mod works;

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use measure::{Ran, at_share};
use works::{CURL, Gives, Server, Side, Work};

/// With this argument the bench is the server.
const SERVE: &str = "serve";

/// The lengths of stream whose cost is compared; the last one only when it is asked for by `growth`.
const GROWTH: [usize; 5] = [1_000, 10_000, 100_000, 1_000_000, 10_000_000];

/// Tokens of a paced stream: 4 s.
const PACED: usize = 200;

/// The chunks of the two streams whose instructions are counted.
const COUNTED: [usize; 2] = [10_000, 30_000];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().is_some_and(|first| first == SERVE) {
        #[expect(clippy::disallowed_methods, reason = "the bench is no part of the program")]
        let until = std::io::stdin();
        return flood::serve(until, |url| println!("{url}"));
    }
    // Without this flag the bench was built by `cargo test` or the like, which should be quick.
    if !arguments.iter().any(|argument| argument == "--bench") {
        println!("this is run by `cargo bench --bench against_curl`");
        return;
    }
    let words: Vec<&String> = arguments.iter().filter(|word| !word.starts_with('-')).collect();
    let is_wanted = |name: &str| words.is_empty() || words.iter().any(|word| name.contains(*word));
    let bench = Bench::start();
    bench.works(is_wanted);
    if is_wanted("latency") {
        bench.latency();
    }
    if is_wanted("growth") {
        bench.growth(&GROWTH[..if words.is_empty() { 4 } else { 5 }]);
    }
    if is_wanted("instructions") {
        bench.instructions();
    }
    bench.rows(is_wanted);
}

struct Bench {
    home: tempfile::TempDir,
    server: Server,
    has_curl: bool,
    /// An older `llm`.
    old: Option<String>,
    /// Ends with the bench: it reads its standard input to the end.
    process: Child,
}

impl Drop for Bench {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

impl Bench {
    fn start() -> Self {
        let curl = Command::new("curl").arg("--version").output();
        if curl.is_err() {
            println!("curl is missing: only llm is measured");
        }
        let this = std::env::current_exe().expect("a program knows its own place");
        let mut process = Command::new(this);
        process.arg(SERVE).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = process.spawn().expect("the server can be started");
        let said = process.stdout.as_mut().expect("it was made a pipe");
        let mut said = BufReader::new(said).lines();
        let mut next = || said.next().and_then(Result::ok).expect("the server says where it is");
        let server = Server { plain: next(), tls: next(), rows: next() };
        let home = tempfile::tempdir().expect("a temporary folder can be made");
        server.write_profile(home.path());
        Self { home, server, has_curl: curl.is_ok(), old: works::setting("LLM_BENCH_OLD"), process }
    }

    /// The programs, as many of them as are there: `llm` first, then the older one, then curl.
    fn sides(&self, (llm, curl): (Side, Side)) -> Vec<Side> {
        let old = self.old.clone().map(|program| Side { program, ..llm.clone() });
        let curl = self.has_curl.then_some(curl);
        [llm].into_iter().chain(old).chain(curl).collect()
    }

    fn works(&self, is_wanted: impl Fn(&str) -> bool) {
        let works = works::all(&self.server, self.home.path());
        let mut works = works.into_iter().filter(|work| is_wanted(work.name)).peekable();
        if works.peek().is_none() {
            return;
        }
        let mut head = vec!["time", "aim", "CPU", "aim", "peak", "aim", "llm"];
        if self.old.is_some() {
            head.extend(["old: time", "CPU", "peak"]);
        }
        head.extend(["curl", "curl's peak"]);
        print_row("work", head.iter().map(ToString::to_string));
        print_row("---", head.iter().map(|_| "---:".to_owned()));
        for work in works {
            let sides = self.sides((work.llm.clone(), work.curl.clone()));
            let ran = by_turns(&work, &sides, self.home.path());
            print_row(work.name, self.row(&work, &ran).into_iter());
        }
    }

    /// What each program adds to the time of a token.
    fn latency(&self) {
        println!("\nlatency: what is added to a token at 50 tokens/s (median, 99 of 100)");
        let sides = self.sides(works::chat(self.server.plain(), "paced", PACED));
        let mut times = vec![Vec::new(); sides.len()];
        for _ in 0..rounds(2) {
            for (side, times) in sides.iter().zip(&mut times) {
                times.extend(latency::of(side, self.home.path()));
            }
        }
        for (side, times) in sides.iter().zip(&times) {
            assert_eq!(times.len(), rounds(2) * PACED, "tokens by {}", side.program);
            let micros = |share| at_share(times, share).as_secs_f64() * 1e6;
            println!("  {:<4}  {:6.0} µs  {:6.0} µs", self.name(side), micros(0.5), micros(0.99));
        }
    }

    /// The cost of a stream as it grows.
    fn growth(&self, lengths: &[usize]) {
        println!("\ngrowth: CPU time and peak by the chunks of a stream");
        for &chunks in lengths {
            for side in self.sides(works::chat(self.server.plain(), "at-once", chunks)) {
                let repeats = if chunks > 100_000 { 1 } else { 10 };
                let runs: Vec<Ran> =
                    (0..rounds(3) * repeats).map(|_| run(&side, self.home.path())).collect();
                let cpu = at_share(&of(&runs, |ran| ran.cpu), 0.0);
                let peak = at_share(&of(&runs, |ran| ran.peak), 1.0);
                let each = cpu.as_secs_f64() * 1e9 / chunks as f64;
                let name = self.name(&side);
                println!(
                    "  {chunks:>10}  {name:<4}  {:>9}  {each:>6.0} ns each  {:>9}",
                    milliseconds(cpu),
                    megabytes(peak)
                );
            }
        }
    }

    /// Many short requests.
    fn rows(&self, is_wanted: impl Fn(&str) -> bool) {
        let (llm, home) = (works::new_llm(), self.home.path());
        let (base, has_curl) = (&*self.server.rows, self.has_curl);
        rows::RowBench { llm: &llm, has_curl, base, home }.all(is_wanted);
    }

    fn instructions(&self) {
        println!("\ninstructions per chunk in a long stream (aim: 3500)");
        if !instructions::can_be_counted() {
            println!("  valgrind is missing: they are not counted");
            return;
        }
        let [short, long] = COUNTED.map(|count| works::chat(self.server.plain(), "at-once", count));
        for (short, long) in self.sides(short).iter().zip(self.sides(long)) {
            let count = |side: &Side| instructions::of(side, self.home.path());
            let each = count(&long)
                .zip(count(short))
                .map(|(long, short)| long.saturating_sub(short) / (COUNTED[1] - COUNTED[0]) as u64);
            match each {
                Some(each) => println!("  {:<4}  {each:>6}", self.name(short)),
                None => println!("  {:<4}  can't be counted", self.name(short)),
            }
        }
    }

    /// Medians of the times, the least of the CPU times, the highest of the peaks.
    fn row(&self, work: &Work, runs: &[Vec<Ran>]) -> Vec<String> {
        let time = |runs: &Vec<Ran>| at_share(&of(runs, |ran| ran.time), 0.5);
        let cpu = |runs: &Vec<Ran>| at_share(&of(runs, |ran| ran.cpu), 0.0);
        let peak = |runs: &Vec<Ran>| megabytes(at_share(&of(runs, |ran| ran.peak), 1.0));
        let absent = || "-".to_owned();
        let curl = self.has_curl.then(|| &runs[runs.len() - 1]);
        let ratio = |of: &dyn Fn(&Vec<Ran>) -> Duration, llm| {
            let ratio = |curl| of(llm).as_secs_f64() / of(curl).as_secs_f64();
            curl.map_or_else(absent, |curl| format!("{:.2}", ratio(curl)))
        };
        let aim = |aim: Option<f64>| aim.map_or_else(String::new, |aim| aim.to_string());
        let mut row = vec![
            ratio(&time, &runs[0]),
            aim(work.target.time),
            ratio(&cpu, &runs[0]),
            aim(work.target.cpu),
            peak(&runs[0]),
            work.target.peak.map_or_else(String::new, |peak| format!("{peak} MB")),
            milliseconds(time(&runs[0])),
        ];
        if self.old.is_some() {
            row.extend([ratio(&time, &runs[1]), ratio(&cpu, &runs[1]), peak(&runs[1])]);
        }
        row.extend([
            curl.map_or_else(absent, |curl| milliseconds(time(curl))),
            curl.map_or_else(absent, peak),
        ]);
        row
    }

    /// What a program is called in a table.
    fn name(&self, side: &Side) -> &'static str {
        match &side.program {
            program if program == CURL => "curl",
            program if self.old.as_ref() == Some(program) => "old",
            _ => "llm",
        }
    }
}

/// Runs the programs by turns, a different one first in each round.
fn by_turns(work: &Work, sides: &[Side], home: &Path) -> Vec<Vec<Ran>> {
    let mut runs = vec![Vec::new(); sides.len()];
    for round in 0..rounds(work.rounds) {
        for turn in 0..sides.len() {
            let at = (round + turn) % sides.len();
            for _ in 0..work.repeats {
                runs[at].push(run(&sides[at], home));
            }
        }
    }
    runs
}

/// Runs a program once. A run that lost something is no run.
fn run(side: &Side, home: &Path) -> Ran {
    let ran = measure::run(measure::command(&side.program, home).args(&side.arguments));
    let (program, line) = (&side.program, side.arguments.join(" "));
    assert!(ran.is_success, "failed: {program} {line}");
    match side.gives {
        Gives::Bytes(expected) => assert_eq!(ran.bytes, expected, "bytes of: {program} {line}"),
        Gives::File(expected) => {
            let out = ["out.mp3", "out.png", "out.npy"].map(|file| fs::metadata(home.join(file)));
            let found = out.into_iter().flatten().map(|facts| facts.len()).next();
            assert_eq!(found, Some(expected), "bytes in the file of: {program} {line}");
        }
        Gives::Something => {}
    }
    clear(home);
    ran
}

/// Removes what was written, so that each run makes its files anew.
fn clear(home: &Path) {
    for entry in fs::read_dir(home).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with("out") {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// The rounds of a work that usually has so many.
fn rounds(usual: usize) -> usize {
    let wanted = works::setting("LLM_BENCH_ROUNDS")
        .and_then(|text| text.parse().ok())
        .filter(|rounds| *rounds > 0);
    wanted.unwrap_or(usual)
}

fn of<T>(runs: &[Ran], part: impl Fn(&Ran) -> T) -> Vec<T> {
    runs.iter().map(part).collect()
}

fn milliseconds(time: Duration) -> String {
    let milliseconds = time.as_secs_f64() * 1e3;
    let digits = if milliseconds < 100.0 { 2 } else { 0 };
    format!("{milliseconds:.digits$} ms")
}

fn megabytes(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}

fn print_row(work: &str, cells: impl Iterator<Item = String>) {
    let cells: Vec<String> = cells.map(|cell| format!("{cell:>10}")).collect();
    println!("| {work:<26} | {} |", cells.join(" | "));
}
