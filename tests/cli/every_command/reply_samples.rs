//! The table of `tests/replies`: the answers of the jobs beside chat, in the shape of each service, go
//! through the program, which must lose nothing of them. What each file holds is in `expected.json`.

use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::image::samples::png;
use crate::support::{Llm, Reply, Server, llm};

/// One answer and what must come of it.
struct Sample {
    name: String,
    body: Vec<u8>,
    expected: Value,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join("replies")
}

fn table() -> serde_json::Map<String, Value> {
    let text = fs::read(folder().join("expected.json")).expect("the table is there");
    serde_json::from_slice(&text).expect("the table is a JSON object")
}

fn samples(command: &str) -> Vec<Sample> {
    let all = table().into_iter().map(|(name, expected)| Sample {
        body: fs::read(folder().join(&name)).unwrap_or_else(|error| panic!("{name}: {error}")),
        name,
        expected,
    });
    let chosen: Vec<Sample> = all.filter(|sample| sample.args()[0] == command).collect();
    assert!(!chosen.is_empty(), "no sample is for {command}");
    chosen
}

impl Sample {
    fn text(&self, key: &str) -> Option<&str> {
        self.expected.get(key).and_then(Value::as_str)
    }

    fn args(&self) -> Vec<&str> {
        let args = self.expected["args"].as_array().expect("the words of a command");
        args.iter().map(|word| word.as_str().expect("a word")).collect()
    }

    fn content_type(&self) -> &str {
        self.text("content_type").unwrap_or("application/json")
    }

    /// The command against a service that answers so, whose files are at `files`.
    fn run(&self, reply: Reply, files: &Server) -> (Llm, Server) {
        let server = Server::start([reply]);
        let config = format!(
            "[providers.test]\nbase_url = \"{}\"\nmodels = {{ embed = \"e\", image = \"i\", transcribe = \"t\", speak = \"s\" }}\n",
            server.url()
        );
        let run = llm().config(&config).watch(&server).watch(files);
        let run = run.file("音.mp3", b"ID3\x04\0\0\0\0\0\0 \xff\xfb\x90");
        (run.args(self.args()).args(["-u", "--retries", "0"]), server)
    }

    /// The body with the addresses of this run in it.
    fn at(&self, files: &Server) -> Vec<u8> {
        let address = files.origin().replace("http://", "");
        match String::from_utf8(self.body.clone()) {
            Ok(text) => text.replace("SERVER", &address).into_bytes(),
            Err(bytes) => bytes.into_bytes(),
        }
    }

    fn check(&self, is_in_pieces: bool) {
        let files =
            Server::new().reply(Reply::bytes(200, "image/png", picture())).allow_unused().start();
        let body = self.at(&files);
        let reply = match is_in_pieces {
            true => Reply::chunks(self.content_type(), body.chunks(7)),
            false => Reply::bytes(200, self.content_type(), body),
        };
        let (llm, _server) = self.run(reply, &files);
        let run = llm.run();
        let exit = self.expected.get("exit").and_then(Value::as_i64).unwrap_or(0);
        if run.code.map(i64::from) != Some(exit) {
            run.fail(&format!("{}: the exit code is not {exit}", self.name));
        }
        let expected = match self.text("sound") {
            Some(sound) => STANDARD.decode(sound).expect("base64"),
            None => self.text("out").expect("a text").as_bytes().to_vec(),
        };
        if run.stdout != expected {
            run.fail(&format!("{}: {expected:?} is not on standard output", self.name));
        }
        if let Some(name) = self.text("file") {
            assert_eq!(run.read(name), picture(), "{}", self.name);
        }
        if let Some(words) = self.text("error") {
            run.stderr_has(words);
        }
        if exit == 0 {
            let lines = run.stderr_lines();
            // Nothing else is to be said.
            assert_eq!(lines.len(), 1, "{}: {run}", self.name);
            let usage = self.text("usage").unwrap_or_default();
            let is_told = lines[0].starts_with("llm: usage: ") && lines[0].contains(usage);
            assert!(is_told, "{}: `{usage}` is not told: {run}", self.name);
        }
    }
}

/// What every picture of the table holds.
fn picture() -> Vec<u8> {
    png("")
}

fn replay(command: &str) {
    for sample in samples(command) {
        sample.check(false);
        sample.check(true);
    }
}

#[test]
fn no_file_is_without_its_line_in_the_table() {
    let mut names: Vec<String> = fs::read_dir(folder())
        .expect("the samples are there")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .filter(|name| name != "expected.json")
        .collect();
    names.sort();
    let mut known: Vec<String> = table().into_iter().map(|(name, _)| name).collect();
    known.sort();
    assert_eq!(names, known);
}

#[test]
fn vectors_come_out_of_every_shape() {
    replay("embed");
}

#[test]
fn pictures_come_out_of_every_shape() {
    replay("image");
}

#[test]
fn transcripts_come_out_of_every_shape() {
    replay("transcribe");
}

#[test]
fn sound_comes_out_of_every_shape() {
    replay("speak");
}
