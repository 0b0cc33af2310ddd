//! The promises of the fuzz targets, held against what services send, whole and spoilt.

use std::path::{Path, PathBuf};

use proptest::prelude::*;
use proptest::sample::Index;

use super::*;

type Target = fn(&[u8]);

const WIRE: &str = "tests/wire";
const SOUND: &str = "fuzz/seeds/sound";
const WORDS: &str = "fuzz/seeds/finishes";

/// The targets, and the folder or file of the inputs that say most to them.
const TARGETS: [(&str, Target, &str); 9] = [
    ("calls", calls, SOUND),
    ("errors", errors, WIRE),
    ("events", events, WIRE),
    ("finishes", finishes, WORDS),
    ("pictures", pictures, WIRE),
    ("profile", profile, "providers.example.toml"),
    ("replies", replies, WIRE),
    ("sound", sound, SOUND),
    ("vectors", vectors, WIRE),
];

/// A file's name and content.
type Seed = (String, Vec<u8>);

/// The files in a folder and the folders in it, or the one file of that name.
fn files(path: PathBuf) -> Vec<PathBuf> {
    match std::fs::read_dir(&path) {
        Ok(entries) => entries.flat_map(|entry| files(entry.expect("readable").path())).collect(),
        Err(_) => vec![path],
    }
}

/// All seeds under a path of this crate.
fn seeds(path: &str) -> Vec<Seed> {
    let mut paths = files(Path::new(env!("CARGO_MANIFEST_DIR")).join(path));
    // What the recorded replies should come to is no reply.
    paths.retain(|path| path.is_file() && !path.ends_with("expected.json"));
    paths.sort();
    let read =
        |path: PathBuf| (path.display().to_string(), std::fs::read(&path).expect("readable"));
    paths.into_iter().map(read).collect()
}

/// Runs `test` for all targets at once; each says itself what it found.
fn each_target(test: impl Fn(Target, &str) + Sync) {
    std::thread::scope(|scope| {
        for (name, target, folder) in TARGETS {
            let test = &test;
            let run = move || test(target, folder);
            let thread = std::thread::Builder::new().name(format!("target {name}"));
            thread.spawn_scoped(scope, run).expect("a thread can be started");
        }
    });
}

#[test]
fn what_services_send_keeps_the_promises() {
    each_target(|target, folder| {
        for (file, seed) in seeds(folder) {
            let ran = std::panic::catch_unwind(|| target(&seed));
            assert!(ran.is_ok(), "{file}");
        }
    });
}

/// A seed with some bytes changed and, perhaps, another one in its middle.
fn spoilt(seeds: &[Seed], pick: [Index; 4], bytes: &[(Index, u8)], is_spliced: bool) -> Vec<u8> {
    let [one, two, at, end] = pick;
    let mut data = one.get(seeds).1.clone();
    for (at, byte) in bytes {
        if !data.is_empty() {
            let at = at.index(data.len());
            data[at] = *byte;
        }
    }
    if is_spliced {
        let (other, at) = (&two.get(seeds).1, at.index(data.len() + 1));
        data.splice(at.., other[end.index(other.len() + 1)..].iter().copied());
    }
    data.truncate(4096);
    data
}

#[test]
fn what_is_spoilt_keeps_the_promises() {
    each_target(|target, folder| {
        let seeds = seeds(folder);
        let config = ProptestConfig { cases: 32, failure_persistence: None, ..Default::default() };
        proptest!(config, |(
            pick: [Index; 4],
            bytes in prop::collection::vec(any::<(Index, u8)>(), 0..4),
            is_spliced: bool,
        )| {
            target(&spoilt(&seeds, pick, &bytes, is_spliced));
        });
    });
}

#[test]
fn any_bytes_keep_the_promises() {
    each_target(|target, _| {
        let config = ProptestConfig { cases: 128, failure_persistence: None, ..Default::default() };
        // Bytes that mean something to one of the readers come more often than others.
        let byte = prop_oneof![any::<u8>(), prop::sample::select(&b"\r\n :{}[]\"\\,dataOgS="[..])];
        proptest!(config, |(data in prop::collection::vec(byte, 0..200))| target(&data));
    });
}
