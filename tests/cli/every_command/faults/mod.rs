//! The table of faults: everything that a server can do wrong, at every point of a reply, for every
//! command. Whatever happens, a run ends, says so in one line, keeps what came, leaves no part file,
//! and exits 0 only with the whole answer. The table is written to `target/tmp/faults.txt`.

mod points;
pub(crate) mod subjects;

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::support::{Outcome, Reply, Server};
use points::{Came, Expected, Fault};
use subjects::{OLD, Subject, Way};

/// So many cells run at a time: most of them only wait.
const THREADS: usize = 16;

/// A run that has not ended by then hangs. The longest wait of any cell is 1 s.
const LIMIT: Duration = Duration::from_secs(60);

#[test]
fn every_fault_at_every_point_for_every_command() {
    try_all(Way::Direct, "faults.txt");
}

#[test]
fn every_fault_is_met_alike_behind_a_proxy() {
    try_all(Way::Proxy, "faults-proxy.txt");
}

fn try_all(way: Way, file: &str) {
    let (faults, subjects) = (points::all(), subjects::all());
    let next = AtomicUsize::new(0);
    let cells = Mutex::new(vec![String::new(); faults.len() * subjects.len()]);
    let problems = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let Some(fault) = faults.get(number / subjects.len()) else { return };
                    let subject = &subjects[number % subjects.len()];
                    let (cell, problem) = try_out(fault, subject, way);
                    cells.lock().expect("no thread panics")[number] = cell;
                    if let Some(problem) = problem {
                        problems.lock().expect("no thread panics").push(problem);
                    }
                }
            });
        }
    });
    let cells = cells.into_inner().expect("no thread panicked");
    let table = table(&faults, &subjects, &cells);
    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(file);
    std::fs::write(path, &table).expect("the target folder takes files");
    let problems = problems.into_inner().expect("no thread panicked");
    assert!(problems.is_empty(), "{table}\n{}", problems.join("\n"));
}

/// What a cell shows, and what is wrong with it.
fn try_out(fault: &Fault, subject: &Subject, way: Way) -> (String, Option<String>) {
    let expected = (fault.expected)(subject);
    let reply = Reply::raw((fault.steps)(subject, &fault.then));
    let server = Server::new().reply(reply).allow_unused().start();
    let llm =
        subject.llm_by(way, &server).args(["--retries", "0"]).args(fault.args).watchdog(LIMIT);
    let run = llm.run();
    let count = server.requests().len();
    let wrong = wrong(subject, expected, &run, count);
    let code = run.code.map_or("killed".to_owned(), |code| code.to_string());
    let came = match expected.came {
        Came::Nothing => "-",
        Came::Between | Came::Inside if subject.half[0].is_empty() => "-",
        Came::Between | Came::Inside => "half",
        Came::Whole => "all",
    };
    match wrong {
        None => (format!("{code} {came}"), None),
        Some(wrong) => {
            let (point, kind, name) = (fault.point, fault.kind, subject.name);
            let problem = format!("{name}, {point}, {kind}: {wrong}; expected {expected:?}\n{run}");
            (format!("{code} !!"), Some(problem))
        }
    }
}

fn wrong(subject: &Subject, expected: Expected, run: &Outcome, requests: usize) -> Option<String> {
    if run.code != Some(expected.code) {
        return Some("the exit code".to_owned());
    }
    let stdout = match expected.came {
        Came::Nothing => &[][..],
        Came::Between => &subject.half[0],
        Came::Inside => &subject.half[1],
        Came::Whole => &subject.stdout,
    };
    if run.stdout != stdout {
        return Some("standard output".to_owned());
    }
    // An answer that a limit cut is all there is.
    let is_written = matches!(expected.code, 0 | 7);
    let content = if is_written { &subject.whole } else { OLD };
    if let Err(words) = subject.check_files(&run.dir(), content) {
        return Some(words);
    }
    let lines = run.stderr_lines();
    let ours = lines.iter().filter(|line| line.starts_with("llm: ")).count();
    let is_ours = lines.iter().all(|line| line.starts_with("llm: ") || line.starts_with("hint: "));
    if !is_ours || lines.len() > 2 || ours != usize::from(expected.code != 0) {
        return Some("standard error".to_owned());
    }
    let words = run.stderr_text();
    let of_rust = ["panicked", "os error", "Error {", "Error(", "::", "hyper", "reqwest"];
    if let Some(word) = of_rust.iter().find(|word| words.contains(**word)) {
        return Some(format!("standard error holds `{word}`"));
    }
    (requests != 1).then(|| format!("{requests} requests"))
}

/// Faults down, commands across: the exit code, and how much of the answer was put out.
fn table(faults: &[Fault], subjects: &[Subject], cells: &[String]) -> String {
    let mut table = format!("{:<19} {:<13}", "where", "what");
    for subject in subjects {
        table.push_str(&format!(" {:<8}", subject.name.replace("transcribe", "trans.")));
    }
    for (fault, row) in faults.iter().zip(cells.chunks(subjects.len())) {
        table.push_str(&format!("\n{:<19} {:<13}", fault.point, fault.kind));
        row.iter().for_each(|cell| table.push_str(&format!(" {cell:<8}")));
    }
    table + "\n"
}

#[test]
fn what_fails_before_any_output_is_tried_again() {
    let subjects = subjects::all();
    std::thread::scope(|scope| {
        for subject in &subjects {
            scope.spawn(move || {
                let fault = points::all().swap_remove(0);
                let broken = Reply::raw((fault.steps)(subject, &fault.then));
                let good = Reply::bytes(200, subject.content_type, subject.body.clone());
                let server = Server::start([broken, good]);
                let run = subject.llm(&server).args(["--retries", "1"]).run();
                run.code(0).stdout_bytes(&subject.stdout).stderr_has("llm: ");
                assert_eq!(run.stderr_lines().len(), 1, "{run}");
                subject.check_files(&run.dir(), &subject.whole).expect(subject.name);
            });
        }
    });
}
