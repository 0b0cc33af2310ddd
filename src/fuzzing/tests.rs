//! The promises of the fuzz targets, held against what services send, whole and spoilt.

use super::*;

type Target = fn(&[u8]);

const TARGETS: [(&str, Target); 7] = [
    ("errors", errors),
    ("events", events),
    ("pictures", pictures),
    ("profile", profile),
    ("replies", replies),
    ("sound", sound),
    ("vectors", vectors),
];

/// All files of a folder of this crate.
fn files(folder: &str) -> Vec<(String, Vec<u8>)> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let entries = std::fs::read_dir(folder).expect("the folder is there");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("readable").path()).collect();
    paths.sort();
    let read = |path: std::path::PathBuf| {
        (path.display().to_string(), std::fs::read(&path).expect("readable"))
    };
    paths.into_iter().map(read).collect()
}

fn seeds() -> Vec<(String, Vec<u8>)> {
    let mut seeds = files("tests/wire");
    seeds.extend(files("fuzz/seeds/sound"));
    seeds.push(("the catalogue".into(), include_bytes!("../../providers.example.toml").to_vec()));
    seeds
}

#[test]
fn what_services_send_keeps_the_promises() {
    let seeds = seeds();
    for (name, target) in TARGETS {
        for (file, seed) in &seeds {
            let ran = std::panic::catch_unwind(|| target(seed));
            assert!(ran.is_ok(), "target {name}: {file}");
        }
    }
}
