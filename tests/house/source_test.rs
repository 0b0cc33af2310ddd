//! The reader of sources is tested itself: one that overlooks a path would make the rules worthless.

use super::imports::Imports;
use super::source::{Source, bare, functions};

fn source(name: &str, text: &str) -> Source {
    Source { name: name.to_owned(), text: text.to_owned() }
}

#[test]
fn paths_are_read_out_of_use_and_code_but_not_out_of_texts_and_tests() {
    let text = "use crate::{a::b, c::{self, d as e}, f};\npub(crate) use super::g; // crate::no\n\
                fn x<'a>(c: char) -> &'a str { if c == '{' { crate::h::y(\"crate::no }\") } else { r#\"{\"# } }\n\
                #[cfg(test)]\nmod tests {\n use crate::no;\n}\nfn z() {\n super::k::l(::m::n, o::<p::q>());\n}\n";
    let paths = source("m/mod.rs", text).paths();
    let all: Vec<(String, usize)> =
        paths.all.iter().map(|(path, line)| (path.join("::"), *line)).collect();
    let expected = [
        ("crate::a::b", 1),
        ("crate::c", 1),
        ("crate::c::d", 1),
        ("crate::f", 1),
        ("super::g", 2),
        ("crate::h::y", 3),
        ("super::k::l", 9),
        ("p::q", 9),
    ];
    assert_eq!(all, expected.map(|(path, line)| (path.to_owned(), line)));
    let names: Vec<&str> = paths.imports.keys().map(String::as_str).collect();
    assert_eq!(names, ["b", "c", "e", "f", "g"]);
}

#[test]
fn functions_are_measured_and_texts_blanked() {
    let text =
        "fn x<'a>() -> &'a str { if c == '{' { y(\"}\") } else { r#\"{\"# } }\nfn z() {\n\n}\n";
    assert_eq!(functions(&bare(text)), [("x".to_owned(), 1, 1), ("z".to_owned(), 2, 3)]);
    assert_eq!(bare(r"a('\'', '\\', 'b', 'ü')"), "a( ,  ,  ,  )");
}

#[test]
fn a_file_knows_its_module() {
    for (name, module) in [
        ("lib.rs", ""),
        ("io.rs", "io"),
        ("api/mod.rs", "api"),
        ("api/chat/view.rs", "api::chat::view"),
    ] {
        assert_eq!(source(name, "").module().join("::"), module);
    }
}

/// The circles of a crate of these files.
fn circles(files: &[(&str, &str)]) -> Vec<Vec<String>> {
    let sources: Vec<Source> = files.iter().map(|(name, text)| source(name, text)).collect();
    Imports::new(&sources).circles()
}

#[test]
fn files_that_use_each_other_are_a_circle() {
    // Over `use`, an imported module and an inline path; `b` is in it, `d` only beside it.
    let files = [
        ("lib.rs", "mod a; mod d;"),
        ("a/mod.rs", "mod b; mod c; mod e;"),
        ("a/b.rs", "use super::c;\nfn x() { c::y() }"),
        ("a/c.rs", "use crate::a::e::Z;\nfn y() {}"),
        ("a/e.rs", "struct Z;\nfn z() { super::b::x() }"),
        ("d.rs", "use crate::a::b::x;"),
    ];
    assert_eq!(circles(&files), [["a/b.rs", "a/c.rs", "a/e.rs"]]);
}

#[test]
fn a_parent_and_a_child_that_use_each_other_are_a_circle() {
    let child = ("a/b.rs", "use super::Shared;\nstruct Own;");
    for parent in ["mod b;\nstruct Shared;\npub use b::Own;", "mod b;\nstruct Shared(b::Own);"] {
        assert_eq!(circles(&[("lib.rs", ""), ("a.rs", parent), child]), [["a.rs", "a/b.rs"]]);
    }
    // To declare a child is no use of it, and what a parent only re-exports is not its own.
    let declares = "mod b;\nstruct Shared;";
    assert!(circles(&[("lib.rs", ""), ("a.rs", declares), child]).is_empty());
    let passes_on = "mod b;\nmod c;\npub use b::Own;\npub use c::Shared;";
    let shared = ("a/c.rs", "struct Shared;");
    assert!(circles(&[("lib.rs", ""), ("a.rs", passes_on), child, shared]).is_empty());
}

#[test]
fn a_reexport_with_the_name_of_its_module_is_followed() {
    let files = [
        ("lib.rs", ""),
        ("a/mod.rs", "mod take;\npub use take::take;"),
        ("a/take.rs", "use crate::b::y;\nfn take() {}"),
        ("b.rs", "use crate::a::take;\nfn y() {}"),
    ];
    assert_eq!(circles(&files), [["a/take.rs", "b.rs"]]);
}

#[test]
fn names_of_other_crates_are_none_of_ours() {
    let files = [
        ("lib.rs", ""),
        ("a.rs", "use serde_json::Value;\nuse std::fmt;\nfn a(_: fmt::Error, _: Value) { b::c() }"),
        ("b.rs", "use crate::a::Value;"),
    ];
    assert!(circles(&files).is_empty());
}
