//! The works: what `llm` and `curl` are started with, what each must give, and what is aimed at.
//! Runs nothing.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use super::load;

/// The lines of the works with vectors.
const LINES: usize = 100_000;

/// What a program must have given at its end.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Gives {
    /// Bytes on standard output.
    Bytes(u64),
    /// Bytes in the file `out`.
    File(u64),
    /// More than can be told beforehand.
    Something,
}

/// One of the two programs with its arguments.
#[derive(Debug, Clone)]
pub(crate) struct Side {
    pub(crate) program: &'static str,
    pub(crate) arguments: Vec<String>,
    pub(crate) gives: Gives,
}

/// What is aimed at, as ratios to curl and as megabytes.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Target {
    pub(crate) time: Option<f64>,
    pub(crate) cpu: Option<f64>,
    pub(crate) peak: Option<f64>,
}

/// One line of the table.
#[derive(Debug)]
pub(crate) struct Work {
    pub(crate) name: &'static str,
    pub(crate) target: Target,
    pub(crate) rounds: usize,
    /// How often it is done in a round: a single run of some milliseconds says little.
    pub(crate) repeats: usize,
    pub(crate) llm: Side,
    pub(crate) curl: Side,
}

/// A chat, to a pipe.
pub(crate) fn chat(base: &str, kind: &str, chunks: usize) -> (Side, Side) {
    let model = format!("{kind}-{chunks}");
    let body = format!(
        r#"{{"model":"{model}","messages":[{{"role":"user","content":"你好"}}],"stream":true}}"#
    );
    // The text, and the line end that closes the answer.
    let text = Gives::Bytes(load::text_bytes(chunks) + 1);
    let events = Gives::Bytes(load::body_bytes(chunks));
    (
        llm(base, &["chat", "-m", &model, "--no-stdin", "你好"], text),
        post(base, "chat/completions", &body, &["-N"], events),
    )
}

/// All works, in the order of the table. What they read is put into `home`, without much memory: what
/// this process has had counts for those that it starts.
pub(crate) fn all(base: &str, home: &Path) -> Vec<Work> {
    let version = (
        Side { program: LLM, arguments: words(&["--version"]), gives: Gives::Something },
        Side { program: "curl", arguments: words(&["--version"]), gives: Gives::Something },
    );
    let work = |name, target, (rounds, repeats), (llm, curl)| Work {
        name,
        target,
        rounds,
        repeats,
        llm,
        curl,
    };
    let vectors = |kind, format, encoding| vectors(base, home, kind, format, encoding);
    vec![
        work("--version", aim(0.15, 4.0), (9, 20), version),
        work("chat, 20 tokens", aim(0.35, 6.0), (9, 20), chat(base, "at-once", 20)),
        work("1,000,000 chunks", aim(0.5, 6.0), (5, 1), chat(base, "at-once", 1_000_000)),
        work("100,000 chunks one by one", aim(1.0, 6.0), (5, 1), chat(base, "one-by-one", 100_000)),
        work("speech, 1 GiB to a file", aim(1.0, 6.0), (5, 1), speech(base)),
        work("upload of 1 GiB", aim(1.1, 6.0), (5, 1), upload(base, home)),
        work("picture of 20 MB to a file", aim(1.2, 40.0), (5, 3), picture(base)),
        work("100,000 vectors, npy", aim(1.2, 130.0), (5, 1), vectors("base64", "npy", "base64")),
        work(
            "the same, sent as floats",
            aim(2.0, 200.0),
            (3, 1),
            vectors("floats", "npy", "float"),
        ),
        work(
            "the same, to JSON lines",
            Target { time: None, cpu: Some(6.0), peak: Some(150.0) },
            (3, 1),
            vectors("base64", "jsonl", "base64"),
        ),
    ]
}

/// What `llm` is mostly used for, for the order of its functions.
pub(crate) fn usual(base: &str, home: &Path) -> Vec<Side> {
    let chats = [("at-once", 20), ("at-once", 10_000), ("one-by-one", 1_000)];
    let mut sides: Vec<Side> =
        chats.iter().map(|(kind, chunks)| chat(base, kind, *chunks).0).collect();
    sides.extend([speech(base).0, upload(base, home).0]);
    sides
}

const LLM: &str = env!("CARGO_BIN_EXE_llm");

fn aim(time: f64, peak: f64) -> Target {
    Target { time: Some(time), cpu: None, peak: Some(peak) }
}

fn speech(base: &str) -> (Side, Side) {
    let body = r#"{"model":"flood","input":"你好","voice":"alloy","response_format":"mp3"}"#;
    let gives = Gives::File(load::SPEECH);
    let arguments =
        ["speak", "-m", "flood", "--voice", "alloy", "-o", "out.mp3", "--no-stdin", "你好"];
    (llm(base, &arguments, gives), post(base, "audio/speech", body, &["-o", "out.mp3"], gives))
}

fn upload(base: &str, home: &Path) -> (Side, Side) {
    // A file of holes is read from no medium.
    let file = fs::File::create(home.join("in.mp3")).expect("a file can be made");
    file.set_len(load::SPEECH).expect("a file can be long");
    let mut curl = plain(base, "audio/transcriptions", Gives::Bytes(load::HEARD.len() as u64));
    // Without the `Expect` header, whose answer curl would wait for.
    let form = ["-H", "Expect:", "-F", "model=flood", "-F", "file=@in.mp3"];
    curl.arguments.extend(words(&form));
    (llm(base, &["transcribe", "-m", "flood", "in.mp3"], Gives::Bytes(7)), curl)
}

fn picture(base: &str) -> (Side, Side) {
    let body = r#"{"model":"flood","prompt":"你好"}"#;
    let reply = Gives::File(load::picture_reply_bytes());
    let picture = Gives::File(load::PICTURE as u64);
    (
        llm(base, &["image", "-m", "flood", "-o", "out.png", "--no-stdin", "你好"], picture),
        post(base, "images/generations", body, &["-o", "out.png"], reply),
    )
}

/// Vectors for many lines. What `curl` does is the same requests, as many at a time, each answer to a
/// file as it came.
fn vectors(base: &str, home: &Path, kind: &str, format: &str, encoding: &str) -> (Side, Side) {
    let mut file = fs::File::create(home.join("lines.txt")).expect("a file can be made");
    let mut config = String::new();
    for (number, first) in (0..LINES).step_by(load::MOST_VECTORS).enumerate() {
        let last = LINES.min(first + load::MOST_VECTORS);
        let batch: Vec<String> = (first..last).map(|number| format!("第 {number} 行")).collect();
        writeln!(file, "{}", batch.join("\n")).expect("a file can be written");
        let body_file = format!("body-{kind}-{number}.json");
        let texts = batch.join("\",\"");
        let body =
            format!(r#"{{"model":"{kind}","input":["{texts}"],"encoding_format":"{encoding}"}}"#);
        fs::write(home.join(&body_file), body).expect("a file can be written");
        let next = if number == 0 { "" } else { "next\n" };
        config += &format!(
            "{next}url = \"{base}/embeddings\"\nheader = \"Content-Type: application/json\"\n\
             data-binary = \"@{body_file}\"\noutput = \"out-{number}.json\"\n"
        );
    }
    let config_file = format!("config-{kind}.txt");
    fs::write(home.join(&config_file), config).expect("a file can be written");
    let curl =
        words(&["--no-progress-meter", "--parallel", "--parallel-max", "4", "-K", &config_file]);
    let option = format!("encoding_format={encoding}");
    let mut arguments = vec!["embed", "-m", kind, "--lines", "-f", "lines.txt", "--format", format];
    arguments.extend(["--concurrency", "4", "-O", &option]);
    let mut gives = Gives::Something;
    if format == "npy" {
        arguments.extend(["-o", "out.npy"]);
        gives = Gives::File(128 + 4 * (load::DIMENSIONS * LINES) as u64);
    }
    let curl = Side { program: "curl", arguments: curl, gives: Gives::Something };
    (llm(base, &arguments, gives), curl)
}

/// `llm` with the command first and the flood server for its service.
fn llm(base: &str, arguments: &[&str], gives: Gives) -> Side {
    let (command, rest) = arguments.split_first().expect("a command");
    let mut all = words(&[command, "--base-url", base, "-q"]);
    all.extend(words(rest));
    Side { program: LLM, arguments: all, gives }
}

fn plain(base: &str, path: &str, gives: Gives) -> Side {
    Side { program: "curl", arguments: words(&["-s", &format!("{base}/{path}")]), gives }
}

fn post(base: &str, path: &str, body: &str, more: &[&str], gives: Gives) -> Side {
    let mut side = plain(base, path, gives);
    side.arguments.extend(words(&["-H", "Content-Type: application/json", "-d", body]));
    side.arguments.extend(words(more));
    side
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}
