//! What `batch` is measured by: many rows over many connections, limits, and runs that are killed. Each figure is
//! printed beside what is aimed at; a row that is lost or asked twice ends the bench.

use std::fmt::Write as _;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use super::measure::{self, Ran};
use super::works::CURL;

/// What stands before each row.
const PROMPT: &str = "译成英文";

/// The rows of the run that is killed, and how often.
const KILLED_ROWS: usize = 1000;
const KILLS: usize = 100;

/// The requests that are out at a time in it.
const KILLED_AT_A_TIME: usize = 4;

/// The program, the server, and the folder of the files.
pub(crate) struct RowBench<'a> {
    pub(crate) llm: &'a str,
    pub(crate) has_curl: bool,
    /// The base URL of the server of rows.
    pub(crate) base: &'a str,
    pub(crate) home: &'a Path,
}

impl RowBench<'_> {
    /// All figures whose name is wanted.
    pub(crate) fn all(&self, is_wanted: impl Fn(&str) -> bool) {
        let figures: [(&str, &dyn Fn()); 6] = [
            ("rows: slow", &|| self.slow()),
            ("rows: many", &|| self.many()),
            ("rows: million", &|| self.million()),
            ("rows: limits", &|| self.limits()),
            ("rows: killed", &|| self.killed()),
            ("rows: form", &|| self.form()),
        ];
        for (name, figure) in figures.iter().filter(|(name, _)| is_wanted(name)) {
            println!("\n{name}");
            figure();
            self.clear();
        }
    }

    /// Rows that take a second each.
    fn slow(&self) {
        let ran = self.ask("after-1000", 200, &["--concurrency", "32"]);
        println!("  200 rows of 1 s, 32 at a time: {:.2} s (aim: 8)", ran.time.as_secs_f64());
    }

    /// Rows that take some time each, beside curl on the same requests.
    fn many(&self) {
        const ROWS: usize = 10_000;
        self.write_curl(ROWS, "after-50");
        let (mut llm, mut curl) = (Vec::new(), Vec::new());
        for _ in 0..super::rounds(5) {
            llm.push(self.ask("after-50", ROWS, &["--concurrency", "500"]));
            if self.has_curl {
                curl.push(self.curl());
            }
        }
        println!(
            "  {ROWS} rows of 50 ms, 500 at a time (aim: time 1.1 of curl's with 300, CPU 1.0)"
        );
        let median = |runs: &[Ran], of: fn(&Ran) -> Duration| {
            measure::at_share(&runs.iter().map(of).collect::<Vec<_>>(), 0.5).as_secs_f64()
        };
        for (name, runs) in [("llm", &llm), ("curl", &curl)] {
            let (time, cpu) = (median(runs, |ran| ran.time), median(runs, |ran| ran.cpu));
            println!("  {name:<4}  {time:.2} s  CPU {cpu:.2} s");
        }
        if self.has_curl {
            let ratio = |of| median(&llm, of) / median(&curl, of);
            println!("  time {:.2}  CPU {:.2}", ratio(|ran| ran.time), ratio(|ran| ran.cpu));
        }
    }

    /// As many rows as the two programs get through, and the memory that this takes.
    fn million(&self) {
        println!("  rows that are answered at once, 64 at a time (aim: 10000 rows/s, 64 MB)");
        for rows in [10_000, 100_000, 1_000_000] {
            let ran = self.ask("now", rows, &["--concurrency", "64"]);
            let (time, cpu) = (ran.time.as_secs_f64(), ran.cpu.as_secs_f64());
            println!(
                "  {rows:>9}  {:>6.0} rows/s  CPU {:.1} µs each  {:.1} MB",
                rows as f64 / time,
                cpu * 1e6 / rows as f64,
                ran.peak as f64 / 1e6
            );
        }
    }

    /// Services that allow so many requests a second.
    fn limits(&self) {
        const ROWS: usize = 2000;
        println!("  {ROWS} rows, 50 allowed a second (aim: 46 s, 10 % refused)");
        for model in ["window-50", "window-50-bare", "bucket-50", "bucket-50-bare"] {
            let (_, before) = self.count();
            let ran = self.ask(model, ROWS, &[]);
            let refused = self.count().1 - before;
            let (time, share) = (ran.time.as_secs_f64(), refused as f64 * 100.0);
            let share = share / (ROWS as f64 + refused as f64);
            println!("  {model:<15}  {time:.1} s  {share:.1} % refused");
        }
    }

    /// One run that is killed again and again.
    fn killed(&self) {
        self.write_rows(KILLED_ROWS);
        let at_a_time = KILLED_AT_A_TIME.to_string();
        let options = ["--concurrency", &at_a_time, "-o", "out.jsonl"];
        let (part, mut lost, mut done) = (self.home.join("out.jsonl.part"), 0, 0);
        let first = self.count().0;
        // Moments that differ, the same ones each time that the bench runs.
        let mut moment = 1_u64;
        for kill in 1..=KILLS {
            moment = moment.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(kill as u64);
            let pause = Duration::from_micros((moment >> 33) % 90_000);
            let mut command = measure::command(self.llm, self.home);
            let arguments = self.arguments("after-20", &options);
            let mut llm = command.args(arguments).stdout(Stdio::null()).spawn().expect("it starts");
            std::thread::sleep(pause);
            llm.kill().and_then(|()| llm.wait()).expect("a child can be killed");
            if self.home.join("out.jsonl").exists() {
                println!("  the run was over after {kill} kills");
                break;
            }
            // What was sent is with the server by then.
            std::thread::sleep(Duration::from_millis(20));
            let kept = rows_kept(&part);
            let in_flight = (self.count().0 - first) - lost - kept;
            assert!(in_flight <= KILLED_AT_A_TIME as u64, "{in_flight} rows were in flight");
            assert!(kept >= done, "rows that were kept are gone");
            (lost, done) = (lost + in_flight, kept);
        }
        let ran = measure::run(
            measure::command(self.llm, self.home).args(self.arguments("after-20", &options)),
        );
        assert!(ran.is_success, "the last run failed");
        let asked = self.count().0 - first;
        self.check(KILLED_ROWS, true);
        println!(
            "  {KILLED_ROWS} rows, killed {KILLS} times, {done} done by then: {asked} requests, {lost} in flight at kills"
        );
        assert!(asked <= KILLED_ROWS as u64 + lost, "rows were asked twice");
    }

    /// The file of requests, answered as a batch engine does it, and back.
    fn form(&self) {
        let ran = self.ask("after-0", 1000, &["--concurrency", "8"]);
        assert!(ran.is_success);
        let direct = fs::read(self.home.join("kept.jsonl")).expect("the answers");
        let mut make = measure::command(self.llm, self.home);
        let made = make.args(["batch", "make", "-q", "-m", "after-0", "-f", "rows.txt", PROMPT]);
        let made = made.args(["--base-url", self.base]).output().expect("it runs").stdout;
        fs::write(self.home.join("out-requests.jsonl"), made).expect("written");
        let mut run = measure::command(self.llm, self.home);
        let run = run.args(["batch", "-q", "--base-url", self.base, "--rows", "requests", "-f"]);
        let run = run.args(["out-requests.jsonl", "--format", "openai", "-o", "out-results.jsonl"]);
        assert!(measure::run(run).is_success, "the requests are asked");
        let mut fetch = measure::command(self.llm, self.home);
        let fetch = fetch.args(["batch", "fetch", "-q", "-m", "after-0", "-f", "rows.txt", PROMPT]);
        let fetch = fetch.args(["--base-url", self.base, "--from", "out-results.jsonl"]);
        let fetched = fetch.args(["-o", "out-fetched.jsonl"]);
        assert!(measure::run(fetched).is_success, "the results are read");
        let fetched = fs::read(self.home.join("out-fetched.jsonl")).expect("the answers");
        assert!(direct == fetched, "the answers differ");
        println!("  1000 rows by way of a file of requests: the same {} bytes", fetched.len());
    }

    fn arguments(&self, model: &str, options: &[&str]) -> Vec<String> {
        let mut all = vec!["batch", "-q", "--no-log", "--base-url", self.base, "-m", model];
        all.extend(["-f", "rows.txt", PROMPT]);
        all.extend(options);
        all.into_iter().map(str::to_owned).collect()
    }

    /// Asks for so many rows; all of them must be answered.
    fn ask(&self, model: &str, rows: usize, options: &[&str]) -> Ran {
        self.write_rows(rows);
        let mut arguments = self.arguments(model, options);
        arguments.extend(["-o", "out.jsonl"].map(str::to_owned));
        let ran = measure::run(measure::command(self.llm, self.home).args(&arguments));
        assert!(ran.is_success, "failed: {}", arguments.join(" "));
        self.check(rows, model != "now");
        fs::rename(self.home.join("out.jsonl"), self.home.join("kept.jsonl")).expect("renamed");
        ran
    }

    /// Looks whether each row stands in the file once, in its place, and has its own answer.
    fn check(&self, rows: usize, is_echo: bool) {
        let text = fs::read_to_string(self.home.join("out.jsonl")).expect("a file of answers");
        assert_eq!(text.lines().count(), rows, "lines in the file of answers");
        for (number, line) in (1..).zip(text.lines()) {
            let has_place = line.starts_with(&format!("{{\"id\":\"{number}\","));
            let own = format!("\"answer\":\"{PROMPT}\\n\\nrow {number}\"}}");
            let has_answer = !is_echo || line.ends_with(&own);
            assert!(has_place && has_answer, "row {number}: {line}");
        }
    }

    fn write_rows(&self, rows: usize) {
        let mut file = std::io::BufWriter::new(
            fs::File::create(self.home.join("rows.txt")).expect("a file can be made"),
        );
        for number in 1..=rows {
            writeln!(file, "row {number}").expect("a file can be written");
        }
        file.flush().expect("a file can be written");
    }

    /// The same requests for curl.
    fn write_curl(&self, rows: usize, model: &str) {
        let mut config = String::new();
        for number in 1..=rows {
            let next = if number == 1 { "" } else { "next\n" };
            let body = format!(
                r#"{{\"model\":\"{model}\",\"messages\":[{{\"role\":\"user\",\"content\":\"{PROMPT}\\n\\nrow {number}\"}}]}}"#
            );
            let _ = writeln!(
                config,
                "{next}url = \"{}/chat/completions\"\nheader = \"Content-Type: application/json\"\ndata = \"{body}\"",
                self.base
            );
        }
        fs::write(self.home.join("curl.txt"), config).expect("a file can be written");
    }

    /// curl with as many requests at a time as it takes.
    fn curl(&self) -> Ran {
        let mut curl = measure::command(CURL, self.home);
        let options =
            ["--no-progress-meter", "--parallel", "--parallel-max", "300", "-K", "curl.txt"];
        let ran = measure::run(curl.args(options));
        assert!(ran.is_success, "curl failed");
        ran
    }

    /// How many requests came to the server, and how many it refused.
    fn count(&self) -> (u64, u64) {
        let place = self.base.trim_start_matches("http://").trim_end_matches("/v1");
        let mut stream = TcpStream::connect(place).expect("the server is there");
        stream.write_all(b"GET /v1/count HTTP/1.1\r\n\r\n").expect("it is asked");
        let (mut reply, mut piece) = (Vec::new(), [0; 512]);
        let begin = Instant::now();
        loop {
            let length = stream.read(&mut piece).expect("it answers");
            reply.extend_from_slice(&piece[..length]);
            let text = String::from_utf8_lossy(&reply).into_owned();
            let numbers = text.split_once("\r\n\r\n").and_then(|(_, body)| body.split_once(' '));
            if let Some((requests, refused)) = numbers
                && let (Ok(requests), Ok(refused)) = (requests.parse(), refused.parse())
            {
                return (requests, refused);
            }
            assert!(begin.elapsed() < Duration::from_secs(10), "no count came");
        }
    }

    fn clear(&self) {
        for entry in fs::read_dir(self.home).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if ["out", "rows.txt", "kept.jsonl", "curl.txt"].iter().any(|it| name.starts_with(it)) {
                let _ = fs::remove_file(entry.path());
            }
        }
    }
}

/// How many rows a journal has: each begins with a head of its own.
fn rows_kept(part: &Path) -> u64 {
    let text = fs::read(part).unwrap_or_default();
    memchr::memmem::find_iter(&text, b"{\"row\":").count() as u64
}
