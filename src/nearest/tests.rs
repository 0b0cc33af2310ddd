use std::io::Write as _;
use std::path::PathBuf;

use tempfile::TempDir;

use super::look::Look;
use super::*;
use crate::api::embed::npy;

struct Files(TempDir);

impl Files {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::File::create(&path).and_then(|mut file| file.write_all(bytes)).expect("writes");
        path
    }

    fn table(&self, name: &str, rows: &[Vec<f32>]) -> PathBuf {
        let mut bytes = npy::head(rows.len() as u64, rows[0].len()).to_vec();
        rows.iter().flatten().for_each(|number| bytes.extend(number.to_le_bytes()));
        self.write(name, &bytes)
    }
}

fn query(numbers: &[f32]) -> Query {
    Query::new(numbers.to_vec()).expect("has a direction")
}

fn numbers(best: Best) -> Vec<u64> {
    best.into_hits().into_iter().map(|hit| hit.number).collect()
}

/// A row of many numbers that is turned away from the first axis, so that few of them are a large file.
fn turned(by: f32) -> Vec<f32> {
    let mut row = vec![0.0; 2000];
    (row[1], row[0]) = by.sin_cos();
    row
}

#[test]
fn rows_of_every_form_are_found_in_order() {
    let files = Files::new();
    let jsonl = "{\"input\":\"甲\",\"embedding\":[0,1]}\n\n{\"input\":\"乙\",\"embedding\":[1,0]}\n\
                 {\"input\":\"丙\",\"embedding\":null}\n{\"input\":\"丁\",\"embedding\":[1,1],\"id\":7}";
    for (name, text) in [
        ("a.jsonl", jsonl),
        ("b.csv", "0,1\n1,0\nnull\n1,1\n"),
        ("c.json", "[0,1]\r\n[1, 0]\r\nnull\r\n[1,1]"),
    ] {
        let mut best = Best::new(2, None);
        let rows = search(&files.write(name, text.as_bytes()), &query(&[1.0, 0.1]), &mut best, 10);
        assert_eq!(rows.expect("is searched"), 4, "{name}");
        let hits = best.into_hits();
        assert_eq!(hits.iter().map(|hit| hit.number).collect::<Vec<_>>(), [12, 14], "{name}");
        if name == "a.jsonl" {
            assert_eq!(hits[0].text.as_deref(), Some("乙"));
            assert_eq!(hits[1].id.as_deref(), Some("7"));
        }
    }
}

#[test]
fn a_large_table_is_searched_in_regions() {
    let files = Files::new();
    let mut rows: Vec<Vec<f32>> = (0..3000).map(|row| turned(row as f32 / 1000.0)).collect();
    rows.push(turned(0.0));
    let path = files.table("x.npy", &rows);
    let mut best = Best::new(3, None);
    let count = search(&path, &query(&turned(0.0)), &mut best, 0).expect("is searched");
    assert_eq!(count, rows.len() as u64);
    // The first row and the last are the same: the earlier comes first.
    assert_eq!(numbers(best), [1, rows.len() as u64, 2]);
}

#[test]
fn lines_are_counted_over_regions() {
    let files = Files::new();
    let pad = " ".repeat(200);
    let mut text: String = (0..100_000).map(|row| format!("[0.5,{pad}{row}]\n")).collect();
    text.push_str("[1,0]");
    let mut best = Best::new(1, None);
    let count = search(&files.write("x.json", text.as_bytes()), &query(&[1.0, 0.0]), &mut best, 0);
    assert_eq!(count.expect("is searched"), 100_001);
    assert_eq!(numbers(best), [1]);
    let mut best = Best::new(1, None);
    let query = query(&[1.0, 10.0]);
    let path = files.write("y.json", text.replace("[0.5", "[-900000").as_bytes());
    search(&path, &query, &mut best, 0).expect("is searched");
    assert_eq!(numbers(best), [100_001]);
    // Whichever region a line is in.
    for number in [3, 90_000] {
        let damaged = text.replacen(&format!("{number}]\n"), "x]\n", 1);
        let path = files.write("z.json", damaged.as_bytes());
        let found = search(&path, &query, &mut Best::new(1, None), 0);
        let Err(SearchError::BadLine { line, .. }) = found else { panic!("{found:?}") };
        assert_eq!(line, number + 1);
    }
}

#[test]
fn a_bound_leaves_rows_out() {
    let files = Files::new();
    let path = files.table("x.npy", &[vec![1.0, 0.0], vec![0.0, 1.0], vec![0.0, 0.0]]);
    let mut best = Best::new(9, Some(0.5));
    search(&path, &query(&[1.0, 0.0]), &mut best, 0).expect("is searched");
    assert_eq!(numbers(best), [1]);
    let mut best = Best::new(9, None);
    search(&path, &query(&[1.0, 0.0]), &mut best, 0).expect("is searched");
    assert_eq!(numbers(best), [1, 2], "a row without a direction is near to nothing");
}

#[test]
fn doubles_are_read() {
    let files = Files::new();
    let mut bytes = npy::head(2, 2).to_vec();
    let at = bytes.windows(3).position(|three| three == b"<f4").expect("names its type");
    bytes[at + 2] = b'8';
    [0.0_f64, 1.0, 1.0, 0.0].iter().for_each(|number| bytes.extend(number.to_le_bytes()));
    let mut best = Best::new(1, None);
    search(&files.write("x.npy", &bytes), &query(&[1.0, 0.0]), &mut best, 0).expect("is searched");
    assert_eq!(numbers(best), [2]);
}

#[test]
fn wrong_files_are_told() {
    let files = Files::new();
    let cut = {
        let path = files.table("cut.npy", &[vec![1.0, 0.0], vec![0.0, 1.0]]);
        let bytes = std::fs::read(path).expect("reads");
        files.write("cut.npy", &bytes[..bytes.len() - 1])
    };
    for (path, words) in [(cut, "of its 2 rows 1"), (files.write("empty", b""), "is empty")] {
        let error = search(&path, &query(&[1.0, 0.0]), &mut Best::new(1, None), 0);
        let SearchError::Misformed(_, what) = error.expect_err("is wrong") else {
            panic!("{path:?} is told as something else")
        };
        assert!(what.contains(words), "{what}");
    }
    for (text, number, words) in [
        ("1,2\n\nname,words\n", 3, "is no list of numbers: name,words"),
        ("1,2\n1,2,3\n", 2, "has 3 numbers, and the lines before it have 2"),
    ] {
        let path = files.write("x.csv", text.as_bytes());
        let error = search(&path, &query(&[1.0, 0.0]), &mut Best::new(1, None), 0);
        let Err(SearchError::BadLine { line, what, .. }) = error else {
            panic!("{text:?} is told as something else")
        };
        assert_eq!((line, what.as_str()), (number, words));
    }
    let path = files.write("y.csv", b"1,2,3\n1,2,3\n");
    let error = search(&path, &query(&[1.0, 0.0]), &mut Best::new(1, None), 0);
    assert!(matches!(error, Err(SearchError::OtherLength { row: 3, query: 2, .. })), "{error:?}");
}

#[test]
fn texts_belong_to_rows() {
    let files = Files::new();
    let hit = |number| Hit::new(1.0, number);
    let texts = files.write("t.txt", "一\r\n二\n三\n\n".as_bytes());
    let mut hits = [hit(13), hit(11), hit(5)];
    add_texts(&mut hits, &texts, 11, 3).expect("has a line for each row");
    let found: Vec<_> = hits.iter().map(|hit| hit.text.as_deref()).collect();
    assert_eq!(found, [Some("三"), Some("一"), None]);
    for rows in [2, 5] {
        let error = add_texts(&mut hits, &texts, 11, rows).expect_err("another number");
        assert!(matches!(error, SearchError::OtherLineCount { lines: 4, .. }), "{error:?}");
    }
}

#[test]
fn the_beginning_of_a_file_is_known_before_the_search() {
    let files = Files::new();
    let known = |length, lacks_texts, model: Option<&str>| Look {
        length,
        lacks_texts,
        model: model.map(str::to_owned),
    };
    let rows = "\n{\"input\":\"\",\"embedding\":null,\"model\":\"m\"}\n\
                {\"input\":\"x\",\"embedding\":[1],\"model\":\"m\"}\n";
    for (name, bytes, expected, rows) in [
        ("a.jsonl", rows.as_bytes(), known(Some(1), false, Some("m")), 2),
        ("b.csv", b"1,2\n\nnull\n3,4", known(Some(2), true, None), 3),
        ("c.csv", b"null\n", known(None, true, None), 1),
    ] {
        let path = files.write(name, bytes);
        assert_eq!(look(&path).expect("is looked at"), expected, "{name}");
        assert_eq!(count_rows(&path).expect("is counted"), Some(rows), "{name}");
    }
    let table = files.table("x.npy", &[vec![1.0, 0.0], vec![0.0, 1.0]]);
    assert_eq!(look(&table).expect("is looked at"), known(Some(2), true, None));
    assert_eq!(count_rows(&table).expect("is counted"), Some(2));
    let error = look(&files.write("d.csv", b"\na,b\n1,2\n"));
    assert!(matches!(error, Err(SearchError::BadLine { line: 2, .. })), "{error:?}");
}
