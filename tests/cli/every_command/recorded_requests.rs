//! For every service of the catalogue and every job that it offers: the exact request that goes out,
//! as `--dry-run` prints it, is kept in `tests/requests/NAME.txt`, with what is said beside it. A
//! service without a file and a job without a row make a test fail, as does any change of a request.
//! `SNAPSHOTS=overwrite` writes the files anew; what changed in them is for a person to judge.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::support::{Llm, Outcome, Server, llm, wav};

/// Every job, with runs that show it plain and with all that can be asked for.
const JOBS: [(&str, &[&[&str]]); 8] = [
    (
        "chat",
        &[
            &["chat", "你好"],
            &[
                "chat",
                "-u",
                "-s",
                "要短",
                "-t",
                "0.2",
                "--top-p",
                "0.9",
                "--max-tokens",
                "100",
                "--seed",
                "7",
                "--stop",
                "完",
                "--reasoning-effort",
                "low",
                "-n",
                "2",
                "你好",
            ],
            &["chat", "-S", "--schema", "{\"type\":\"object\",\"required\":[\"a\"]}", "你好"],
            &["chat", "-f", "图.png", "-f", "音.wav", "-f", "文.pdf", "这是什么？"],
        ],
    ),
    ("embed", &[&["embed", "你好", "世界"], &["embed", "--dimensions", "8", "你好"]]),
    (
        "image",
        &[
            &["image", "一只猫"],
            &[
                "image",
                "-n",
                "2",
                "--size",
                "1024x1024",
                "--quality",
                "low",
                "--background",
                "opaque",
                "--format",
                "png",
                "一只猫",
            ],
        ],
    ),
    (
        "image_edit",
        &[
            &["image", "-f", "图.png", "变蓝"],
            &[
                "image", "-f", "图.png", "-f", "图.png", "--mask", "图.png", "--size", "512x512",
                "变蓝",
            ],
        ],
    ),
    (
        "transcribe",
        &[
            &["transcribe", "音.wav"],
            &["transcribe", "--language", "zh", "--prompt", "人名", "--temperature", "0", "音.wav"],
            &["transcribe", "--format", "srt", "音.wav"],
            &["transcribe", "--words", "--format", "vtt", "音.wav"],
            &["transcribe", "--speakers", "音.wav"],
        ],
    ),
    ("translate", &[&["transcribe", "--translate", "音.wav"]]),
    (
        "speak",
        &[
            &["speak", "早上好"],
            &[
                "speak",
                "--voice",
                "某人",
                "--format",
                "wav",
                "--speed",
                "1.5",
                "--instructions",
                "慢一点",
                "早上好",
            ],
        ],
    ),
    ("models", &[&["models"]]),
];

/// Runs over the other endpoint of chat, for the services that are known to have it.
const OVER_RESPONSES: &[&[&str]] = &[
    &["chat", "--api", "responses", "你好"],
    &[
        "chat",
        "--api",
        "responses",
        "-u",
        "-s",
        "要短",
        "-t",
        "0.2",
        "--top-p",
        "0.9",
        "--max-tokens",
        "100",
        "--reasoning-effort",
        "low",
        "--reasoning",
        "show",
        "-n",
        "2",
        "你好",
    ],
    &[
        "chat",
        "--api",
        "responses",
        "-S",
        "--schema",
        "{\"type\":\"object\",\"required\":[\"a\"]}",
        "你好",
    ],
    &["chat", "--api", "responses", "-f", "图.png", "-f", "文.pdf", "这是什么？"],
];

/// Those of them whose profile says nothing of it.
const HAVE_RESPONSES: [&str; 6] =
    ["groq", "mistral", "dashscope", "huggingface", "transformers", "zhipu"];

/// A run with the service's own search, over each endpoint for which the profile has it.
const SEARCHING: [(&str, &[&str]); 2] = [
    ("completions", &["chat", "--search", "--api", "completions", "你好"]),
    ("responses", &["chat", "--search", "--api", "responses", "你好"]),
];

/// A service of the catalogue.
struct Service {
    name: String,
    base_url: String,
    /// What it offers.
    jobs: Vec<String>,
    has_responses: bool,
    /// The endpoints for which it has a search.
    searches: Vec<String>,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn kept(service: &str) -> PathBuf {
    root().join("tests").join("requests").join(format!("{service}.txt"))
}

fn services() -> Vec<Service> {
    let text = fs::read_to_string(root().join("providers.example.toml")).expect("the catalogue");
    let catalogue: toml::Table = text.parse().expect("it is TOML");
    let all = catalogue["providers"].as_table().expect("profiles");
    let profiles = all.iter();
    let words = |profile: &toml::Value, key: &str| -> Vec<String> {
        let base = profile.get("like").and_then(|like| all.get(like.as_str()?));
        let list = profile.get(key).or_else(|| base?.get(key));
        let list = list.and_then(toml::Value::as_array).into_iter().flatten();
        list.map(|word| word.as_str().expect("a word").to_owned()).collect()
    };
    let service = |(name, profile): (&String, &toml::Value)| {
        let jobs = words(profile, "jobs");
        let base_url = profile["base_url"].as_str().expect("an address").to_owned();
        let has_responses = !words(profile, "responses_takes").is_empty();
        let has_responses = has_responses || HAVE_RESPONSES.contains(&name.as_str());
        let base = profile.get("like").and_then(|like| all.get(like.as_str()?));
        let search = profile.get("search").or_else(|| base?.get("search"));
        let search = search.and_then(toml::Value::as_table).into_iter().flatten();
        let searches = search.map(|(endpoint, _)| endpoint.clone()).collect();
        Service { name: name.clone(), base_url, jobs, has_responses, searches }
    };
    profiles.map(service).collect()
}

/// A folder with a picture, a sound and a document, small as they can be.
fn place() -> Llm {
    llm()
        .file("图.png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR")
        .file("音.wav", wav(24_000, &[1, 2, 3, 4]))
        .file("文.pdf", b"%PDF-1.7\n")
}

/// The run of a service, with whatever of its address is the user's filled in.
fn ask(service: &Service, args: &[&str], more: &[&str]) -> (String, Outcome) {
    let mut run = place();
    if service.base_url.contains('{') {
        let base_url = service.base_url.replace("{resource}", "werkstatt");
        run = run.config(&format!("[providers.{}]\nbase_url = \"{base_url}\"\n", service.name));
    }
    let head = [&args[..1], &["-p", &service.name], more].concat();
    let typed = [&head[..], &args[1..]].concat();
    let quoted = |word: &&str| match word.contains(['{', '"', '？']) {
        true => format!("'{word}'"),
        false => (*word).to_owned(),
    };
    let line = typed.iter().map(quoted).collect::<Vec<_>>().join(" ");
    (format!("$ llm {line} --dry-run\n"), run.args(typed).arg("--dry-run").run())
}

/// What is to be kept of all jobs of a service.
fn told(service: &Service) -> String {
    let mut text = String::new();
    for (job, runs) in JOBS.iter().filter(|(job, _)| service.jobs.iter().any(|own| own == job)) {
        text.push_str(&format!("## {job}\n\n"));
        let is_chat = *job == "chat" && service.has_responses;
        let more = if is_chat { OVER_RESPONSES } else { &[] };
        let has_search =
            |endpoint: &str| *job == "chat" && service.searches.iter().any(|one| one == endpoint);
        let searching =
            SEARCHING.iter().filter(|(endpoint, _)| has_search(endpoint)).map(|(_, run)| run);
        for args in runs.iter().chain(more).chain(searching) {
            let (mut line, mut run) = ask(service, args, &[]);
            if run.code == Some(2) && run.stderr_text().contains("no model") {
                (line, run) = ask(service, args, &["-m", "某模型"]);
            }
            text.push_str(&line);
            text.push_str(&run.stderr_text());
            text.push_str(&run.stdout_text());
            if run.code != Some(0) {
                text.push_str(&format!("exit {}\n", run.code.unwrap_or_default()));
            }
            text.push('\n');
        }
    }
    text
}

/// Compares what goes out with what is kept; every `of`th service, beginning at `from`.
fn compare(from: usize, of: usize) {
    #[allow(clippy::disallowed_methods, reason = "a test has no `Io`")]
    let wish = std::env::var("SNAPSHOTS");
    let is_written = wish.is_ok_and(|wish| wish == "overwrite");
    let mut problems = Vec::new();
    for service in services().iter().skip(from).step_by(of) {
        let (path, found) = (kept(&service.name), told(service));
        if is_written {
            fs::write(&path, &found).expect("the file can be written");
        }
        let expected = fs::read_to_string(&path).unwrap_or_default().replace("\r\n", "\n");
        if let Some(line) = (0..).find(|line| {
            expected.lines().nth(*line) != found.lines().nth(*line)
                || found.lines().nth(*line).is_none()
        }) && expected != found
        {
            let of = |text: &str| text.lines().nth(line).unwrap_or("(nothing)").to_owned();
            problems.push(format!(
                "{}:{}\n  kept:  {}\n  found: {}",
                path.display(),
                line + 1,
                of(&expected),
                of(&found)
            ));
        }
    }
    assert!(
        problems.is_empty(),
        "requests that differ from what is kept:\n{}",
        problems.join("\n")
    );
}

#[test]
fn what_goes_out_is_what_is_kept_for_one_half_of_the_services() {
    compare(0, 2);
}

#[test]
fn what_goes_out_is_what_is_kept_for_the_other_half() {
    compare(1, 2);
}

#[test]
fn every_service_has_its_file_and_every_file_its_service() {
    let known: BTreeSet<String> = services().into_iter().map(|service| service.name).collect();
    let folder = kept("x").parent().map(Path::to_path_buf).expect("a folder");
    let files = fs::read_dir(folder).expect("the folder is there");
    let files = files.map(|entry| entry.expect("an entry").path());
    let files = files.map(|path| path.file_stem().expect("a name").to_string_lossy().into_owned());
    assert_eq!(known, files.collect());
    // What a row is for must be a job, and every job must have one.
    for service in services() {
        let text = fs::read_to_string(kept(&service.name)).expect("its file");
        let rows: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("## ")).collect();
        let order = JOBS.iter().map(|(job, _)| *job);
        let offered: Vec<&str> =
            order.filter(|job| service.jobs.iter().any(|own| own == job)).collect();
        assert_eq!(
            (rows, offered.len()),
            (offered.clone(), service.jobs.len()),
            "{}",
            service.name
        );
    }
}

#[test]
fn a_job_that_is_not_offered_is_refused_before_anything_is_sent() {
    let all = services();
    for (job, runs) in &JOBS {
        let with: Vec<&str> = all
            .iter()
            .filter(|service| service.jobs.iter().any(|own| own == job))
            .map(|service| service.name.as_str())
            .collect();
        for service in all.iter().filter(|service| !with.contains(&service.name.as_str())) {
            // Whatever went out would come by here.
            let server = Server::start([]);
            let config = format!(
                "[providers.{}]\nproxy = \"{}\"\napi_key = \"sk-nichts-0001\"\n",
                service.name,
                server.origin()
            );
            let args = runs[0];
            let run = place().config(&config).watch(&server).args(args);
            let run = run.args(["-p", &service.name, "-m", "某模型"]).run();
            run.code(2).stdout_empty().stderr_has(&service.name);
            assert!(server.requests().is_empty(), "{run}");
            let hint = run.stderr_lines().into_iter().find(|line| line.starts_with("hint: "));
            let hint = hint.unwrap_or_default();
            let is_named = |name: &&&str| {
                hint.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '-')
                    .any(|word| word == **name)
            };
            assert!(
                with.iter().any(|name| is_named(&name)),
                "no service with {job} is named: {run}"
            );
        }
    }
}
