//! The house rules that a machine can hold: which module may know which, how long files and functions
//! may be, and that the README names every service. It reads the sources as text and runs nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Which top-level module may use which. A new edge is a decision: it is made here, and it must not
/// close a circle. `lib` and `main` stand above all others and nothing may know them.
const EDGES: &[(&str, &[&str])] = &[
    ("api", &["audio", "http", "provider"]),
    ("audio", &[]),
    ("cli", &["api", "audio", "error", "io", "provider"]),
    (
        "command",
        &[
            "api",
            "audio",
            "cli",
            "config",
            "conversation",
            "dialect",
            "error",
            "exchange",
            "history",
            "http",
            "input",
            "interrupt",
            "io",
            "output",
            "picture",
            "provider",
            "sanitize",
            "secret",
            "tool",
        ],
    ),
    ("config", &["error", "io"]),
    ("conversation", &["input"]),
    ("demo", &[]),
    ("dialect", &["conversation", "http", "input", "provider"]),
    ("error", &[]),
    (
        "exchange",
        &["demo", "error", "http", "interrupt", "io", "output", "provider", "secret", "stop"],
    ),
    ("fuzzing", &["api", "audio", "config", "dialect", "http"]),
    ("history", &["conversation", "error", "io"]),
    ("http", &["error", "interrupt", "io", "secret"]),
    ("input", &["error", "http", "io"]),
    ("interrupt", &["error", "io", "stop"]),
    ("io", &["sanitize", "secret", "stop"]),
    ("markdown", &[]),
    ("output", &["error", "io", "markdown", "sanitize", "stop"]),
    ("picture", &[]),
    ("provider", &["config", "error", "http", "io", "secret"]),
    ("sanitize", &[]),
    ("secret", &[]),
    ("stop", &["error"]),
    ("tool", &["error", "interrupt"]),
];

/// The longest file under `src` and the longest function, in lines.
const FILE_LINES: usize = 400;
const FUNCTION_LINES: usize = 60;

/// Functions that may be longer, as they are tables and no logic: `path under src: name`.
const LONG_TABLES: &[&str] = &[];

#[test]
fn modules_know_only_what_the_table_allows() {
    let allowed: BTreeMap<&str, &[&str]> = EDGES.iter().copied().collect();
    let mut problems = Vec::new();
    for source in sources() {
        let Some(module) = source.module() else { continue };
        let Some(allowed) = allowed.get(module.as_str()) else {
            problems.push(format!("{}: `{module}` has no row in the table", source.name));
            continue;
        };
        for (used, line) in source.uses() {
            if used != module && !allowed.contains(&used.as_str()) {
                problems.push(format!("src/{}:{line}: `{module}` uses `{used}`", source.name));
            }
        }
    }
    assert!(problems.is_empty(), "edges that no row allows:\n{}", problems.join("\n"));
}

#[test]
fn the_table_has_no_circle_and_no_dead_row() {
    let mut used: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for source in sources() {
        if let Some(module) = source.module() {
            let uses = source.uses().into_iter().map(|(name, _)| name);
            used.entry(module).or_default().extend(uses);
        }
    }
    for (module, edges) in EDGES {
        let uses = used.get(*module);
        assert!(uses.is_some(), "the table has a row for `{module}`, which is gone");
        for edge in *edges {
            let is_used = uses.is_some_and(|uses| uses.contains(*edge));
            assert!(is_used, "the table allows {module} -> {edge}, which nothing needs any more");
        }
    }
    // Taking away, again and again, what needs nothing that is left: a circle can't be taken away.
    let mut left: BTreeMap<&str, &[&str]> = EDGES.iter().copied().collect();
    loop {
        let free: Vec<&str> = left
            .iter()
            .filter(|(_, edges)| !edges.iter().any(|edge| left.contains_key(edge)))
            .map(|(module, _)| *module)
            .collect();
        if free.is_empty() {
            break;
        }
        left.retain(|module, _| !free.contains(module));
    }
    assert!(left.is_empty(), "modules in a circle: {:?}", left.keys().collect::<Vec<_>>());
}

#[test]
fn files_and_functions_are_short() {
    let mut problems = Vec::new();
    for source in sources() {
        let lines = source.text.lines().count();
        if lines > FILE_LINES {
            problems.push(format!("src/{} has {lines} lines", source.name));
        }
        for (name, line, length) in functions(&bare(&source.text)) {
            let place = format!("{}: {name}", source.name);
            if length > FUNCTION_LINES && !LONG_TABLES.contains(&place.as_str()) {
                problems.push(format!("src/{}:{line}: `{name}` has {length} lines", source.name));
            }
        }
    }
    assert!(
        problems.is_empty(),
        "longer than {FILE_LINES} lines a file or {FUNCTION_LINES} a function:\n{}",
        problems.join("\n")
    );
}

/// Every profile of the catalogue stands in a row of the README's table of services, in backticks.
#[test]
fn the_readme_names_every_service() {
    let read = |name: &str| fs::read_to_string(root().join(name)).expect("the file is there");
    let readme = read("README.md");
    let rows: Vec<&str> =
        readme.lines().filter(|line| line.trim_start().starts_with('|')).collect();
    let catalogue = read("providers.example.toml");
    let names = catalogue.lines().filter_map(|line| line.strip_prefix("[providers."));
    let names: Vec<&str> = names.filter_map(|line| line.split([']', '.']).next()).collect();
    assert!(names.len() > 20, "the catalogue lists only {names:?}");
    let is_named = |name: &str| rows.iter().any(|row| row.contains(&format!("`{name}`")));
    let missing: Vec<&&str> = names.iter().filter(|name| !is_named(name)).collect();
    assert!(missing.is_empty(), "README.md's table lacks {missing:?}");
}

/// One file under `src`.
struct Source {
    /// The path under `src`, with `/`.
    name: String,
    text: String,
}

impl Source {
    /// The top-level module that the file belongs to; none for `lib.rs` and `main.rs`.
    fn module(&self) -> Option<String> {
        let first = self.name.split('/').next()?.trim_end_matches(".rs");
        (!["lib", "main"].contains(&first)).then(|| first.to_owned())
    }

    /// How many `super::` lead from the file's own items to the crate's root.
    fn depth(&self) -> usize {
        let parts = self.name.split('/').count();
        if self.name.ends_with("/mod.rs") { parts - 1 } else { parts }
    }

    /// The top-level names that the file uses outside its tests, each with the line.
    fn uses(&self) -> Vec<(String, usize)> {
        let code = without_tests(&bare(&self.text));
        let to_root = "super::".repeat(self.depth());
        let mut found = Vec::new();
        for start in ["crate::", &to_root] {
            for (at, _) in code.match_indices(start) {
                let is_tail = code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
                if !is_tail {
                    let line = code[..at].matches('\n').count() + 1;
                    let names = first_names(&code[at + start.len()..]);
                    found.extend(names.into_iter().map(|name| (name, line)));
                }
            }
        }
        found
    }
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// All Rust files under `src`, files of tests left out.
fn sources() -> Vec<Source> {
    let folder = root().join("src");
    let mut found = Vec::new();
    collect(&folder, &folder, &mut found);
    assert!(found.len() > 20, "only {} files were found", found.len());
    found
}

fn collect(top: &Path, folder: &Path, found: &mut Vec<Source>) {
    for entry in fs::read_dir(folder).expect("the folder can be read") {
        let path = entry.expect("the entry can be read").path();
        if path.is_dir() {
            collect(top, &path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            let name = path.strip_prefix(top).expect("it lies under src").to_string_lossy();
            let name = name.replace('\\', "/");
            let is_test = name.ends_with("/tests.rs") || name.contains("/tests/");
            let text = fs::read_to_string(&path).expect("the file can be read");
            if !is_test {
                found.push(Source { name, text });
            }
        }
    }
}

/// The names behind `crate::`: one, or those of a list in braces.
fn first_names(rest: &str) -> Vec<String> {
    let name = |text: &str| -> String {
        text.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
    };
    let Some(list) = rest.strip_prefix('{') else { return vec![name(rest)] };
    let (mut names, mut depth, mut start) = (Vec::new(), 0, 0);
    for (at, letter) in list.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            ',' | '}' if depth == 0 => {
                names.push(name(&list[start..at]));
                start = at + 1;
                if letter == '}' {
                    break;
                }
            }
            _ => {}
        }
    }
    names.retain(|name| !name.is_empty());
    names
}

/// The code with every item under `#[cfg(test)]` blanked; lines stay.
fn without_tests(code: &str) -> String {
    let mut kept = String::with_capacity(code.len());
    let mut rest = code;
    while let Some(at) = rest.find("#[cfg(test)]") {
        kept.push_str(&rest[..at]);
        let end = item_end(&rest[at..]) + at;
        kept.extend(rest[at..end].chars().filter(|c| *c == '\n'));
        rest = &rest[end..];
    }
    kept.push_str(rest);
    kept
}

/// Where the item that begins here ends: behind its `;` or its closing brace.
fn item_end(code: &str) -> usize {
    let (mut depth, mut inner) = (0, 0);
    for (at, letter) in code.char_indices() {
        match letter {
            '(' | '[' => inner += 1,
            ')' | ']' => inner -= 1,
            '{' => depth += 1,
            '}' => {
                depth -= 1;
                if depth == 0 {
                    return at + 1;
                }
            }
            ';' if depth == 0 && inner == 0 => return at + 1,
            _ => {}
        }
    }
    code.len()
}

/// Name, line and number of lines of every function with a body. `code` is bare.
fn functions(code: &str) -> Vec<(String, usize, usize)> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices("fn ") {
        let is_word = !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
        let name: String =
            code[at + 3..].chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        if is_word && !name.is_empty() {
            let item = &code[at..at + item_end(&code[at..])];
            let line = code[..at].matches('\n').count() + 1;
            found.push((name, line, item.lines().count()));
        }
    }
    found
}

/// The code with the inside of comments, texts and letters blanked; lines stay.
fn bare(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        let before = code.chars().next_back();
        let skipped = match letter {
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => rest.find("*/").map_or(rest.len(), |at| at + 2),
            '"' => text_end(rest),
            'r' if !before.is_some_and(|c| c.is_alphanumeric() || c == '_') => raw_text_end(rest),
            '\'' => letter_end(rest),
            _ => 0,
        };
        if skipped == 0 {
            code.push(letter);
            rest = &rest[letter.len_utf8()..];
        } else {
            code.push(' ');
            code.extend(rest[..skipped].chars().filter(|c| *c == '\n'));
            rest = &rest[skipped..];
        }
    }
    code
}

fn text_end(rest: &str) -> usize {
    let mut is_escaped = false;
    for (at, letter) in rest.char_indices().skip(1) {
        match letter {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

/// The length of `r"…"` or `r#"…"#`, 0 if it is none.
fn raw_text_end(rest: &str) -> usize {
    let hashes = rest[1..].chars().take_while(|c| *c == '#').count();
    if !rest[1 + hashes..].starts_with('"') {
        return 0;
    }
    let (start, end) = (2 + hashes, format!("\"{}", "#".repeat(hashes)));
    rest[start..].find(&end).map_or(rest.len(), |at| start + at + end.len())
}

/// The length of a letter in quotes, 0 for a lifetime.
fn letter_end(rest: &str) -> usize {
    let mut letters = rest.char_indices().skip(1);
    match letters.next() {
        // `'\''` and `'\\'`: what is behind the backslash is no end.
        Some((_, '\\')) => rest[3..].find('\'').map_or(0, |at| at + 4),
        _ => match letters.next() {
            Some((at, '\'')) => at + 1,
            _ => 0,
        },
    }
}

#[test]
fn the_reader_of_sources_reads_them_right() {
    let text = "use crate::{a::b, c::{d, e}, f};\npub use crate::g; // crate::no\n\
                fn x<'a>(c: char) -> &'a str { if c == '{' { crate::h::y(\"crate::no }\") } else { r#\"{\"# } }\n\
                #[cfg(test)]\nmod tests {\n use crate::no;\n}\nfn z() {\n super::k::l();\n}\n";
    let source = Source { name: "m/mod.rs".to_owned(), text: text.to_owned() };
    let names: BTreeSet<String> = source.uses().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names.into_iter().collect::<Vec<_>>(), ["a", "c", "f", "g", "h", "k"]);
    let lengths: Vec<_> = functions(&bare(text));
    assert_eq!(lengths, [("x".to_owned(), 3, 1), ("z".to_owned(), 8, 3)]);
    assert_eq!(bare(r"a('\'', '\\', 'b', 'ü')"), "a( ,  ,  ,  )");
}
