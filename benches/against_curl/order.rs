//! Writes `order.ld` beside this file: the functions that a chat, a speech and a recording run, so that
//! the linker puts them next to each other. Spread over the whole binary they make the system load four
//! times as much of it. Knows nothing of what they do.
//!
//! An old list does no harm: a name that is no more is passed over, a new one stands where it would
//! have stood without a list.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Stdio;

use super::measure;
use super::works::Side;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/against_curl/order.ld");

const HEAD: &str = "\
/* The functions that a chat, a speech and a recording run, to stand next to each other in the binary,
   those first that a chat calls most.
   Written by: cargo bench --bench against_curl --config profile.release.strip=false -- order */
SECTIONS {
  .text.near : {
";

const TAIL: &str = "  }\n}\nINSERT BEFORE .text;\n";

/// Runs the works under callgrind and writes the list of what they have called.
pub(crate) fn write(works: &[Side], home: &Path) {
    let mut found: BTreeMap<String, u64> = BTreeMap::new();
    for side in works {
        let is_chat = side.arguments.first().is_some_and(|command| command == "chat");
        for (name, calls) in called(side, home) {
            let most = found.entry(name).or_default();
            *most = (*most).max(if is_chat { calls } else { 0 });
        }
    }
    assert!(found.len() > 100, "the binary has no names; see the head of {FILE}");
    // What is called most stands first and together: where tokens are slow, it is fetched anew for each.
    let mut names: Vec<(&String, &u64)> = found.iter().collect();
    names.sort_by_key(|(_, calls)| Reverse(**calls));
    let lines: String = names
        .iter()
        .map(|(name, _)| format!("    *(.text.{name} .text.unlikely.{name})\n"))
        .collect();
    fs::write(FILE, HEAD.to_owned() + &lines + TAIL).expect("can be written");
    println!("{} names are in {FILE}", names.len());
}

/// The Rust functions that a program calls, as patterns, and how often each is called.
fn called(side: &Side, home: &Path) -> Vec<(String, u64)> {
    let report = home.join("callgrind.txt");
    let mut command = measure::command("valgrind", home);
    command.args(["--tool=callgrind", "--demangle=no"]);
    command.arg(format!("--callgrind-out-file={}", report.display()));
    command.arg(side.program).args(&side.arguments);
    let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
    assert!(status.is_ok_and(|status| status.success()), "valgrind can't run {}", side.program);
    let text = String::from_utf8_lossy(&fs::read(report).expect("a report")).into_owned();
    // A name stands behind its number where that comes first: `cfn=(12) name`, later `cfn=(12)`.
    let (mut names, mut calls) = (BTreeMap::new(), BTreeMap::<&str, u64>::new());
    let mut callee = None;
    for line in text.lines() {
        let (is_call, function) = match (line.strip_prefix("cfn="), line.strip_prefix("fn=")) {
            (Some(function), _) => (true, function),
            (_, Some(function)) => (false, function),
            _ => {
                let count = line.strip_prefix("calls=").and_then(|rest| rest.split(' ').next());
                if let (Some(count), Some(callee)) = (count, callee) {
                    *calls.entry(callee).or_default() += count.parse::<u64>().unwrap_or_default();
                }
                continue;
            }
        };
        let (number, name) = function.split_once(' ').unwrap_or((function, ""));
        if !name.is_empty() {
            names.insert(number, name);
        }
        if is_call {
            callee = Some(number);
        }
    }
    let count = |number: &str| calls.get(number).copied().unwrap_or_default();
    names.iter().filter_map(|(number, name)| Some((pattern(name)?, count(number)))).collect()
}

/// A mangled name without what differs from one compiler or version to the next: the hash at the end
/// of an old one, those of the crates in a new one.
fn pattern(name: &str) -> Option<String> {
    // Behind a quote stands how deep a recursion is, behind a dot which copy it is.
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let mut name = name;
    while let Some((rest, number)) = name.rsplit_once(['\'', '.'])
        && is_number(number)
    {
        name = rest;
    }
    if name.starts_with("_R") {
        let mut pattern = String::new();
        for (number, part) in name.split("Cs").enumerate() {
            let (hash, rest) = part.split_once('_').unwrap_or(("", part));
            let is_hash = number > 0 && hash.bytes().all(|byte| byte.is_ascii_alphanumeric());
            pattern += &if is_hash { format!("Cs*_{rest}") } else { part.to_owned() };
        }
        return Some(pattern + "*");
    }
    let hash = name.starts_with("_ZN").then(|| name.rfind("17h"))??;
    // A dollar sign means something to the linker.
    Some(format!("{}17h*", &name[..hash]).replace('$', "?"))
}
