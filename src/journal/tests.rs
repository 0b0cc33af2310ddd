use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

fn run(model: &str) -> Fingerprint {
    Fingerprint::new([model.as_bytes()], Some(model))
}

fn hash(text: &str) -> RowHash {
    RowHash::of([text.as_bytes()])
}

/// Keeps a row for each text, numbered from 0; its answer is the text behind a mark.
fn keep(journal: &mut Journal, first: u64, texts: &[String]) {
    let rows = texts.iter().zip(first..).map(|(text, row)| KeptRow {
        row,
        hash: hash(text),
        parts: [b"=", text.as_bytes()],
    });
    journal.keep(rows).expect("is kept");
}

fn code(result: Result<Journal, Failure>) -> (u8, String) {
    let failure = result.expect_err("is refused");
    (failure.kind.exit_code(), failure.message)
}

#[test]
fn what_was_kept_is_found_by_number_and_request() {
    let folder = tempfile::tempdir().expect("a folder");
    let target = folder.path().join("v.npy");
    let texts = ["一", "二", "一"].map(str::to_owned);
    let mut journal = Journal::open(&target, &run("m"), false).expect("opens");
    keep(&mut journal, 0, &texts);
    drop(journal);
    let mut journal = Journal::open(&target, &run("m"), false).expect("opens");
    assert_eq!(journal.waiting(), 3);
    let mut take = |row, text: &str| journal.take(row, hash(text)).expect("is read");
    assert_eq!(take(1, "三"), None, "a changed row");
    assert_eq!(take(9, "二"), Some("=二".into()), "a row that has moved");
    assert_eq!(take(2, "一"), Some("=一".into()));
    assert_eq!(take(2, "一"), Some("=一".into()), "the other one");
    assert_eq!(take(0, "一"), None, "each is given once");
    assert_eq!(journal.leave(), 3);
}

#[test]
fn a_file_of_somebody_else_is_left_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let target = folder.path().join("v.npy");
    let part = folder.path().join("v.npy.part");
    for text in ["my notes", "{}", "{\"llm\":2}\n", "{\"llm\":1,\"fingerprint\":\"x\n", "\n"] {
        std::fs::write(&part, text).expect("written");
        for fresh in [false, true] {
            let (code, message) = code(Journal::open(&target, &run("m"), fresh));
            assert_eq!(code, 2, "{message}");
            assert_eq!(std::fs::read_to_string(&part).expect("is there"), text);
        }
    }
}

#[test]
fn another_run_is_told_and_forgotten_only_if_asked() {
    let folder = tempfile::tempdir().expect("a folder");
    let target = folder.path().join("v.npy");
    keep(&mut Journal::open(&target, &run("bge"), false).expect("opens"), 0, &["一".into()]);
    let (code, message) = code(Journal::open(&target, &run("e5"), false));
    assert_eq!(code, 2);
    assert!(
        message.ends_with("v.npy.part belongs to another run (its model was bge)"),
        "{message}"
    );
    let mut journal = Journal::open(&target, &run("e5"), true).expect("opens");
    assert_eq!(journal.take(0, hash("一")).expect("is read"), None);
    assert_eq!(journal.leave(), 0);
    assert!(!folder.path().join("v.npy.part").exists(), "nothing is in it");
}

#[test]
fn two_runs_at_once_are_kept_apart() {
    let folder = tempfile::tempdir().expect("a folder");
    let target = folder.path().join("v.npy");
    let mut first = Journal::open(&target, &run("m"), false).expect("opens");
    for fresh in [false, true] {
        assert_eq!(code(Journal::open(&target, &run("m"), fresh)).0, 1);
    }
    keep(&mut first, 0, &["一".into()]);
    first.remove().expect("is removed");
    drop(first);
    assert_eq!(Journal::open(&target, &run("m"), false).expect("opens").waiting(), 0);
}

#[test]
fn a_copy_counts_only_once_it_is_whole() {
    let folder = tempfile::tempdir().expect("a folder");
    let target = folder.path().join("o.jsonl");
    let texts = ["一", "二"].map(str::to_owned);
    for _ in 0..2 {
        assert!(!Journal::has_begun(&target));
        let mut journal = Journal::open_to_copy(&target, &run("m")).expect("opens");
        keep(&mut journal, 0, &texts[..1]);
    }
    assert_eq!(code(Journal::open_to_copy(&target, &run("e5"))).0, 2);
    // What was copied is found even if it is nowhere else any more.
    assert_eq!(Journal::open(&target, &run("m"), false).expect("opens").waiting(), 1);
    assert!(Journal::has_begun(&target));
    assert_eq!(code(Journal::open_to_copy(&target, &run("m"))).0, 1);
    Journal::open(&target, &run("m"), true).expect("opens").remove().expect("is removed");
    let mut journal = Journal::open_to_copy(&target, &run("m")).expect("opens");
    keep(&mut journal, 0, &texts);
    journal.end_copy().expect("is whole");
    assert_eq!(journal.waiting(), 2);
    keep(&mut journal, 2, &texts[..1]);
    drop(journal);
    assert!(Journal::has_begun(&target));
    assert_eq!(Journal::open(&target, &run("m"), false).expect("opens").waiting(), 3);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]
    /// A run that is killed at any byte of its journal loses at most the row that it was writing, and what
    /// the next run adds is found by the one after it.
    #[test]
    fn a_run_may_be_killed_at_any_byte(
        texts in prop::collection::vec("[a-z\n\"{}\u{2028}一]{0,40}", 0..6),
        more in prop::collection::vec("[a-z\n]{0,20}", 0..3),
        cut in any::<prop::sample::Index>(),
    ) {
        let folder = tempfile::tempdir().expect("a folder");
        let (target, part) = (folder.path().join("f"), folder.path().join("f.part"));
        keep(&mut Journal::open(&target, &run("m"), false).expect("opens"), 0, &texts);
        let whole = std::fs::read(&part).expect("is there");
        let length = cut.index(whole.len() + 1);
            std::fs::write(&part, &whole[..length]).expect("written");
            let mut journal = Journal::open(&target, &run("m"), false).expect("opens");
            let rows = journal.waiting();
            keep(&mut journal, 100, &more);
            drop(journal);
            let mut journal = Journal::open(&target, &run("m"), false).expect("opens");
            prop_assert_eq!(journal.waiting(), rows + more.len() as u64);
            let mut expected = BTreeMap::new();
            for (row, text) in (0..rows).zip(&texts).chain((100..).zip(&more)) {
                expected.insert(row, text);
            }
            for (row, text) in expected {
                let kept = journal.take(row, hash(text)).expect("is read");
                prop_assert_eq!(kept, Some(format!("={text}").into_bytes()));
            }
            prop_assert!(length < whole.len() || rows == texts.len() as u64);
    }
}
