//! `llm similar --in`: files that `embed` did not write, or that are damaged, and the texts that belong to
//! rows.

use super::vectors::{QUERY, similar, vectors};
use crate::support::{Llm, Server, llm};

/// A NumPy file with this description and these bytes behind it.
fn npy(descr: &str, fortran: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    let text = format!("{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': {shape}, }}");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((118_u16).to_le_bytes());
    bytes.extend(format!("{text:<117}\n").bytes());
    bytes.extend(data);
    bytes
}

fn floats(numbers: &[f32]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
}

/// What is wrong with a file is told with its name, as exit 2, and nothing is printed.
fn is_refused(name: &str, bytes: impl AsRef<[u8]>, query: &[&[f32]], words: &str) {
    let server = Server::start(query.iter().map(|query| vectors(&[query])));
    let run = similar(&server).file(name, bytes).args(["--in", name, "q"]).run();
    run.code(2).stdout_empty().stderr_has(&format!("llm: {name} {words}"));
}

#[test]
fn a_table_that_is_stored_otherwise_is_told_before_anything_is_sent() {
    let two = floats(&[1.0, 0.0]);
    for (bytes, words) in [
        (npy(">f4", "False", "(1, 2)", &two), "holds numbers of the type >f4"),
        (npy("<f2", "False", "(1, 2)", &two), "holds numbers of the type <f2"),
        (npy("<i8", "False", "(1, 2)", &two), "holds numbers of the type <i8"),
        (npy("<f4", "True", "(1, 2)", &two), "is stored column by column (fortran_order)"),
        (npy("<f4", "False", "(1, 2, 1)", &two), "has the shape (1, 2, 1)"),
        (npy("<f4", "False", "()", &two), "has the shape ()"),
        (npy("<f4", "False", "(1, 99999999999999999999)", &two), "has the shape"),
        (b"\x93NUMPY\x01\x00\xff\xff{".to_vec(), "is cut within its head"),
        (b"\x93NUMPY\x02\x00\xff\xff\xff\xff{".to_vec(), "has no readable head"),
        (b"\x93NUMPY\x09\x00\x00\x00".to_vec(), "is a NumPy file of version 9"),
        (npy("<f4", "False", "(18446744073709551615, 2)", &two), "is cut: of its"),
        (npy("<f4", "False", "(3, 2)", &floats(&[1.0, 0.0, 1.0])), "is cut: of its 3 rows 1"),
        (Vec::new(), "is empty"),
    ] {
        is_refused("v.npy", bytes, &[], words);
    }
}

#[test]
fn doubles_and_one_row_alone_are_read() {
    let doubles: Vec<u8> =
        [0.0_f64, 1.0, 1.0, 0.0].iter().flat_map(|number| number.to_le_bytes()).collect();
    for (bytes, expected) in [
        (npy("<f8", "False", "(2, 2)", &doubles), "1.000000\t2\t\n0.000000\t1\t\n"),
        (npy("<f4", "False", "(2,)", &floats(&[1.0, 0.0])), "1.000000\t1\t\n"),
        (npy("<f4", "False", "(0, 2)", &[]), ""),
    ] {
        let server = Server::start([vectors(&[QUERY])]);
        let run = similar(&server).file("v.npy", bytes).args(["--in", "v.npy", "q"]).run();
        run.code(0).stdout(expected).stderr_empty();
    }
}

#[test]
fn rows_without_a_direction_are_near_to_nothing() {
    let rows = [0.0, 0.0, f32::NAN, 1.0, f32::INFINITY, 0.0, 1.0, 0.0];
    let bytes = npy("<f4", "False", "(4, 2)", &floats(&rows));
    let server = Server::start([vectors(&[QUERY])]);
    let run = similar(&server).file("v.npy", bytes).args(["--in", "v.npy", "q"]).run();
    run.code(0).stdout("1.000000\t4\t\n").stderr_empty();
    // Very small and very large numbers have a direction all the same.
    let rows = [1e-30, 0.0, 0.0, 1e-30, 1e30, 0.0, 0.0, -1e30];
    let bytes = npy("<f4", "False", "(4, 2)", &floats(&rows));
    let server = Server::start([vectors(&[QUERY])]);
    let run = similar(&server).file("v.npy", bytes).args(["--in", "v.npy", "q"]).run();
    let expected = "1.000000\t1\t\n1.000000\t3\t\n0.000000\t2\t\n0.000000\t4\t\n";
    run.code(0).stdout(expected).stderr_empty();
}

/// A query of 40 numbers, which fill whole registers and a rest, searched in a file of this size of number.
fn sized(name: &str, bytes: impl AsRef<[u8]>, query: f32) {
    let server = Server::start([vectors(&[&[query; 40]])]);
    let run = similar(&server).file(name, bytes).args(["--in", name, "q"]).run();
    run.code(0).stdout("1.000000\t1\t\n0.316228\t2\t\n").stderr_empty();
}

#[test]
fn the_size_of_the_numbers_makes_no_difference() {
    let rows = |size: f64| [[size; 40].to_vec(), [[size; 20], [-size / 2.0; 20]].concat()];
    let flat = |size| rows(size).concat();
    for size in [1e-37, 1e-25, 1e-21, 1.0, 1e20, 3e38] {
        let numbers: Vec<f32> = flat(size).into_iter().map(|number| number as f32).collect();
        for query in [1e-30, 1.0, 1e30] {
            sized("v.npy", npy("<f4", "False", "(2, 40)", &floats(&numbers)), query);
        }
    }
    for size in [1e-300, 1e-50, 1e50, 1e300] {
        let bytes: Vec<u8> = flat(size).into_iter().flat_map(f64::to_le_bytes).collect();
        sized("v.npy", npy("<f8", "False", "(2, 40)", &bytes), 1.0);
    }
    for size in [1e-300, 1e-25, 1e20, 1e300] {
        let lists = rows(size).map(|row| format!("{row:?}"));
        sized("v.json", lists.join("\n"), 1.0);
        sized("v.jsonl", lists.map(|list| format!("{{\"embedding\":{list}}}")).join("\n"), 1.0);
    }
}

#[test]
fn lines_that_are_no_vectors_are_told_with_their_number() {
    for (name, text, words) in [
        ("v.csv", "1,0,0\n1,0\n", "v.csv has vectors of 3 numbers, and the query's has 2"),
        ("v.csv", "1,0\n1,0,0\n", "line 2 of v.csv has 3 numbers, and the lines before it have 2"),
        ("v.csv", "a,b\n1,0\n", "line 1 of v.csv is no list of numbers: a,b"),
        ("v.csv", "1,0\n1;0\n", "line 2 of v.csv is no list of numbers: 1;0"),
        ("v.json", "[1,0]\n[1,\n", "line 2 of v.json is no list of numbers: [1,"),
        (
            "v.jsonl",
            "{\"embedding\":[1,0]}\n\n{\"embedding\":\"x\"}\n",
            "line 3 of v.jsonl has an `embedding` that is no list of numbers: {\"embedding\":\"x\"}",
        ),
        (
            "v.jsonl",
            "{\"embedding\":[1,0]}\n{\"input\":7}\n",
            "line 2 of v.jsonl is no JSON object with an `embedding`, an `input` and an `id`: {\"input\":7}",
        ),
    ] {
        // A first line is looked at before anything is sent.
        let server = Server::new().reply(vectors(&[QUERY])).allow_unused().start();
        let run = similar(&server).file(name, text).args(["--in", name, "q"]).run();
        run.code(2).stdout_empty().stderr_has(&format!("llm: {words}"));
    }
}

/// `embed` with the profile `test`, then `similar` in the same place.
fn embedded(args: &[&str], rows: &[&[f32]], files: &[(&str, &str)]) -> (Server, Llm) {
    let server = Server::start([vectors(rows)]);
    let mut llm = llm().profile(&server);
    for (name, text) in files {
        let path = llm.dir().join(name);
        std::fs::create_dir_all(path.parent().expect("it is in a folder")).expect("is made");
        llm = llm.file(name, text);
    }
    llm.clone().args(["embed", "-m", "bge", "-q"]).args(args).run().code(0);
    server.then(vectors(&[QUERY]));
    (server, llm.args(["similar", "-n", "1", "--in"]))
}

#[test]
fn the_texts_of_rows_files_and_several_files_are_found_again() {
    let rows: &[&[f32]] = &[&[0.0, 1.0], &[1.0, 0.0]];
    let csv = "id,body\n7,一\n8,\"二\n三\"\n";
    for (args, files, expected) in [
        (&["--field", "body", "-f", "r.csv", "-o", "v.npy"][..], &[("r.csv", csv)][..], "二 三"),
        (
            &["-f", "a.txt", "-f", "b.txt", "-o", "v.npy"],
            &[("a.txt", "一\n"), ("b.txt", "二\n三\n")],
            "二 三",
        ),
        (
            &["--lines", "-f", "a.txt", "-f", "b.txt", "-o", "v.csv"],
            &[("a.txt", "一\n"), ("b.txt", "二\n")],
            "二",
        ),
        // What was typed is in no file.
        (&["一", "二", "-o", "v.csv"], &[], ""),
    ] {
        let (_server, llm) = embedded(args, rows, files);
        let name = args[args.len() - 1];
        llm.args([name, "q"])
            .run()
            .code(0)
            .stdout(&format!("1.000000\t2\t{expected}\n"))
            .stderr_empty();
    }
}

#[cfg(unix)]
#[test]
fn texts_are_looked_for_from_the_folder_of_their_vectors() {
    let rows: &[&[f32]] = &[&[0.0, 1.0], &[1.0, 0.0]];
    let files = [("t.txt", "一\n二\n"), ("sub/t.txt", "别的\n行\n")];
    let (_server, llm) = embedded(&["--lines", "-f", "t.txt", "-o", "v.npy"], rows, &files);
    let run = llm.in_place("sh").bare_args([
        "-c",
        "cd sub && exec \"$0\" \"$@\"",
        env!("CARGO_BIN_EXE_llm"),
    ]);
    let run = run.args(["similar", "-m", "bge", "-n", "1", "--in", "../v.npy", "q"]).run();
    run.code(0).stdout("1.000000\t2\t二\n").stderr_empty();
}

#[test]
fn texts_that_changed_since_are_not_shown_for_others() {
    let rows: &[&[f32]] = &[&[0.0, 1.0], &[1.0, 0.0]];
    let (_server, llm) =
        embedded(&["--lines", "-f", "t.txt", "-o", "v.npy"], rows, &[("t.txt", "一\n二\n")]);
    let run = llm.file("t.txt", "零\n一\n二\n").args(["v.npy", "q"]).run();
    run.code(0).stdout("1.000000\t2\t\n");
    run.stderr(
        "llm: warning: the texts of v.npy are not shown: there are 3 texts now, and 2 vectors\n",
    );
}

#[test]
fn rows_without_texts_are_told_where_texts_are_needed_before_anything_is_sent() {
    let table = npy("<f4", "False", "(1, 2)", &floats(&[1.0, 0.0]));
    for (name, bytes) in [
        ("v.npy", table),
        ("v.csv", b"1,0\n".to_vec()),
        ("v.arr", b"\n[1,0]\n".to_vec()),
        ("v.jsonl", b"{\"embedding\":[1,0]}\n".to_vec()),
    ] {
        for (arg, words) in [("--format=text", "to print"), ("--rerank", "for a reranker")] {
            let server = Server::silent();
            let url = server.url();
            let llm = llm().config(&format!(
                "[providers.test]\nbase_url = \"{url}\"\n\
                models = {{ embed = \"bge\", rerank = \"judge\" }}\nrerank = {{}}\n"
            ));
            let run = llm.file(name, &bytes).args(["similar", "--in", name, arg, "q"]).run();
            run.code(2).stdout_empty().stderr_has(&format!("llm: {name} has no texts {words}\n"));
            assert_eq!(server.requests().len(), 0, "{name} {arg}");
        }
    }
}

#[cfg(unix)]
#[test]
fn rows_that_come_through_a_pipe_without_texts_are_not_printed_as_blank_lines() {
    let server = Server::start([vectors(&[QUERY])]);
    let run = similar(&server).args(["--in", "/dev/stdin", "--format", "text", "q"]);
    run.stdin("[1,0]\n").run().code(2).stdout_empty().stderr_has("has no text to print\n");
}

#[test]
fn texts_that_do_not_fit_the_rows_are_told_before_anything_is_sent() {
    let table = npy("<f4", "False", "(2, 2)", &floats(&[1.0, 0.0, 0.0, 1.0]));
    for (name, bytes) in [("v.npy", table), ("v.csv", b"1,0\n\n0,1\n".to_vec())] {
        let server = Server::silent();
        let run = similar(&server).file(name, bytes).file("t.txt", "一\n");
        let run = run.args(["--in", name, "--texts", "t.txt", "q"]).run();
        run.code(2).stdout_empty().stderr_has("llm: t.txt has 1 line, and there are 2 vectors\n");
        assert_eq!(server.requests().len(), 0);
    }
}

#[test]
fn a_file_that_is_read_is_not_replaced() {
    let beside = r#"{"llm":1,"model":"bge","dimensions":2,"texts":"told.txt"}"#;
    for args in [
        &["--in", "v.csv", "-o", "v.csv"][..],
        &["--in", "v.csv", "-o", "v.csv.json"],
        &["--in", "v.csv", "-o", "./told.txt"],
        &["--in", "v.csv", "--texts", "t.txt", "-o", "t.txt"],
        &["-f", "t.txt", "-o", "t.txt"],
    ] {
        let server = Server::silent();
        let llm = similar(&server).file("v.csv", "1,0\n").file("v.csv.json", beside);
        let run = llm.file("t.txt", "一\n").file("told.txt", "二\n").args(args).args(["q"]).run();
        run.code(2).stdout_empty().stderr_has(" is read and would be replaced\n");
        assert_eq!(server.requests().len(), 0, "{args:?}");
        assert_eq!((run.read("t.txt"), run.read("told.txt")), ("一\n".into(), "二\n".into()));
    }
}
