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

/// One of the programs with its arguments.
#[derive(Debug, Clone)]
pub(crate) struct Side {
    pub(crate) program: String,
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

/// Where the server is.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) plain: String,
    pub(crate) tls: String,
    /// The one that answers the rows of `batch`.
    pub(crate) rows: String,
}

/// One way to it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Way<'s> {
    Plain(&'s str),
    /// By the profile of [`Server::write_profile`].
    Tls(&'s str),
}

impl Server {
    pub(crate) fn plain(&self) -> Way<'_> {
        Way::Plain(&self.plain)
    }

    fn tls(&self) -> Way<'_> {
        Way::Tls(&self.tls)
    }

    /// Writes the profile by which `llm` finds the server behind TLS.
    pub(crate) fn write_profile(&self, home: &Path) {
        let profile = format!(
            "[providers.{TLS_PROFILE}]\nbase_url = \"{}\"\nca_file = \"{AUTHORITY}\"\n",
            self.tls
        );
        fs::write(home.join(TLS_CONFIG), profile).expect("a file can be written");
    }
}

/// A chat, to a pipe.
pub(crate) fn chat(way: Way<'_>, kind: &str, chunks: usize) -> (Side, Side) {
    let model = format!("{kind}-{chunks}");
    let body = format!(
        r#"{{"model":"{model}","messages":[{{"role":"user","content":"你好"}}],"stream":true}}"#
    );
    // The text, and the line end that closes the answer.
    let text = Gives::Bytes(load::text_bytes(chunks) + 1);
    let events = Gives::Bytes(load::body_bytes(chunks));
    (
        llm(way, &["chat", "-m", &model, "--no-stdin", "你好"], text),
        post(way, "chat/completions", &body, &["-N"], events),
    )
}

/// A chat over `/responses`, to a pipe.
fn responses(way: Way<'_>, pieces: usize) -> (Side, Side) {
    let model = format!("at-once-{pieces}");
    let body = format!(r#"{{"model":"{model}","input":"你好","stream":true}}"#);
    let text = Gives::Bytes(load::text_bytes(pieces) + 1);
    let events = Gives::Bytes(load::response_bytes(pieces));
    (
        llm(way, &["chat", "--api", "responses", "-m", &model, "--no-stdin", "你好"], text),
        post(way, "responses", &body, &["-N"], events),
    )
}

/// All works, in the order of the table. What they read is put into `home`, without much memory: what
/// this process has had counts for those that it starts.
pub(crate) fn all(server: &Server, home: &Path) -> Vec<Work> {
    let version = |program: String| {
        let arguments = words(&["--version"]);
        Side { program, arguments, gives: Gives::Something }
    };
    let version = (version(new_llm()), version(CURL.to_owned()));
    let (plain, tls) = (server.plain(), server.tls());
    let work = |name, target, (rounds, repeats), (llm, curl)| Work {
        name,
        target,
        rounds,
        repeats,
        llm,
        curl,
    };
    let vectors = |kind, format, encoding| vectors(&server.plain, home, kind, format, encoding);
    vec![
        work("--version", aim(0.25, 8.0), (9, 20), version),
        work("chat, 20 tokens", aim(0.45, 8.0), (9, 20), chat(plain, "at-once", 20)),
        work("1,000,000 chunks", aim(0.6, 8.0), (5, 1), chat(plain, "at-once", 1_000_000)),
        // Within 1.3 of the row above.
        work(
            "1,000,000 pieces over /responses",
            aim(0.8, 8.0),
            (5, 1),
            responses(plain, 1_000_000),
        ),
        work(
            "100,000 chunks one by one",
            aim(1.0, 8.0),
            (5, 1),
            chat(plain, "one-by-one", 100_000),
        ),
        work("speech, 1 GiB to a file", aim(1.05, 8.0), (5, 1), speech(plain)),
        work("upload of 1 GiB", aim(1.05, 8.0), (5, 1), upload(plain, home)),
        work("TLS: chat, 20 tokens", aim(0.35, 12.0), (9, 10), chat(tls, "at-once", 20)),
        work("TLS: 1,000,000 chunks", aim(0.6, 12.0), (5, 1), chat(tls, "at-once", 1_000_000)),
        work("TLS: speech, 1 GiB", aim(1.05, 12.0), (5, 1), speech(tls)),
        work("TLS: upload of 1 GiB", aim(1.05, 12.0), (5, 1), upload(tls, home)),
        work("picture of 20 MB to a file", aim(1.0, 40.0), (5, 3), picture(plain)),
        work("100,000 vectors, npy", aim(1.0, 130.0), (5, 1), vectors("base64", "npy", "base64")),
        work(
            "the same, sent as floats",
            aim(1.5, 200.0),
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

/// The `llm` that is measured: the one that was built with the bench, unless `LLM_BENCH_NEW` names
/// another.
pub(crate) fn new_llm() -> String {
    setting("LLM_BENCH_NEW").unwrap_or_else(|| env!("CARGO_BIN_EXE_llm").to_owned())
}

/// A variable of the environment.
pub(crate) fn setting(name: &str) -> Option<String> {
    #[expect(clippy::disallowed_methods, reason = "the bench is no part of the program")]
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

pub(crate) const CURL: &str = "curl";

const TLS_PROFILE: &str = "tls";
const TLS_CONFIG: &str = "tls.toml";

/// The certificate that vouches for the server behind TLS.
const AUTHORITY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tls/ca.pem");

fn aim(time: f64, peak: f64) -> Target {
    Target { time: Some(time), cpu: None, peak: Some(peak) }
}

fn speech(way: Way<'_>) -> (Side, Side) {
    let body = r#"{"model":"flood","input":"你好","voice":"alloy","response_format":"mp3"}"#;
    let gives = Gives::File(load::SPEECH);
    let arguments =
        ["speak", "-m", "flood", "--voice", "alloy", "-o", "out.mp3", "--no-stdin", "你好"];
    (llm(way, &arguments, gives), post(way, "audio/speech", body, &["-o", "out.mp3"], gives))
}

fn upload(way: Way<'_>, home: &Path) -> (Side, Side) {
    // A file of holes is read from no medium.
    let file = fs::File::create(home.join("in.mp3")).expect("a file can be made");
    file.set_len(load::SPEECH).expect("a file can be long");
    let mut curl = plain(way, "audio/transcriptions", Gives::Bytes(load::HEARD.len() as u64));
    // Without the `Expect` header, whose answer curl would wait for.
    let form = ["-H", "Expect:", "-F", "model=flood", "-F", "file=@in.mp3"];
    curl.arguments.extend(words(&form));
    (llm(way, &["transcribe", "-m", "flood", "in.mp3"], Gives::Bytes(7)), curl)
}

fn picture(way: Way<'_>) -> (Side, Side) {
    let body = r#"{"model":"flood","prompt":"你好"}"#;
    let reply = Gives::File(load::picture_reply_bytes());
    let picture = Gives::File(load::PICTURE as u64);
    (
        llm(way, &["image", "-m", "flood", "-o", "out.png", "--no-stdin", "你好"], picture),
        post(way, "images/generations", body, &["-o", "out.png"], reply),
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
    let curl = Side { program: CURL.to_owned(), arguments: curl, gives: Gives::Something };
    (llm(Way::Plain(base), &arguments, gives), curl)
}

/// `llm` with the command first and the flood server for its service.
fn llm(way: Way<'_>, arguments: &[&str], gives: Gives) -> Side {
    let (command, rest) = arguments.split_first().expect("a command");
    let place = match way {
        Way::Plain(base) => words(&["--base-url", base]),
        Way::Tls(_) => words(&["--config", TLS_CONFIG, "-p", TLS_PROFILE]),
    };
    let mut all = words(&[command, "-q"]);
    all.extend(place);
    all.extend(words(rest));
    Side { program: new_llm(), arguments: all, gives }
}

fn plain(way: Way<'_>, path: &str, gives: Gives) -> Side {
    let mut arguments = words(&["-s"]);
    let (Way::Plain(base) | Way::Tls(base)) = way;
    if matches!(way, Way::Tls(_)) {
        arguments.extend(words(&["--cacert", AUTHORITY]));
    }
    arguments.push(format!("{base}/{path}"));
    Side { program: CURL.to_owned(), arguments, gives }
}

fn post(way: Way<'_>, path: &str, body: &str, more: &[&str], gives: Gives) -> Side {
    let mut side = plain(way, path, gives);
    side.arguments.extend(words(&["-H", "Content-Type: application/json", "-d", body]));
    side.arguments.extend(words(more));
    side
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}
