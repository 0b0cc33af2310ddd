//! The house rules that a machine can hold: which module may use which, no circles between files, how
//! long files and functions may be, and that the documents name what there is. It reads the sources
//! as text and runs nothing.

mod house {
    mod documents;
    pub(crate) mod imports;
    pub(crate) mod source;
    mod source_test;
}

use std::collections::{BTreeMap, BTreeSet};

use house::imports::Imports;
use house::source::{bare, functions, sources};

/// Which top-level module may use which. A new edge is a decision: it is made here, and it must not
/// close a circle. `lib` and `main` stand above all others and nothing may know them.
const EDGES: &[(&str, &[&str])] = &[
    ("api", &["audio", "http", "provider"]),
    ("audio", &["media"]),
    ("cli", &["api", "audio", "error", "io", "provider", "secret"]),
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
            "journal",
            "json_schema",
            "ledger",
            "mcp",
            "media",
            "nearest",
            "output",
            "picture",
            "private",
            "provider",
            "sanitize",
            "secret",
            "stop",
            "tool",
        ],
    ),
    ("config", &["error", "io", "secret"]),
    ("conversation", &["input"]),
    ("demo", &["audio", "media", "private"]),
    ("dialect", &["conversation", "http", "input", "json_repair", "provider", "random"]),
    ("error", &[]),
    (
        "exchange",
        &[
            "api",
            "demo",
            "error",
            "http",
            "interrupt",
            "io",
            "ledger",
            "output",
            "provider",
            "random",
            "stop",
        ],
    ),
    ("fuzzing", &["api", "audio", "config", "dialect", "http", "provider"]),
    ("history", &["conversation", "error", "io", "private", "random"]),
    ("http", &["error", "interrupt", "io", "random", "secret"]),
    ("input", &["error", "http", "io", "media"]),
    ("interrupt", &["error", "io", "stop"]),
    ("io", &["sanitize", "secret", "stop"]),
    ("journal", &["error", "io", "private"]),
    ("json_repair", &[]),
    ("json_schema", &[]),
    ("ledger", &["error", "history", "io"]),
    ("markdown", &[]),
    ("mcp", &["error", "http", "interrupt", "io", "json_repair", "sanitize", "stop"]),
    ("media", &[]),
    ("nearest", &["api"]),
    ("output", &["error", "io", "markdown", "private", "sanitize", "stop"]),
    ("picture", &["media"]),
    ("provider", &["config", "error", "http", "io", "ledger", "secret"]),
    ("private", &[]),
    ("random", &[]),
    ("sanitize", &[]),
    ("secret", &[]),
    ("stop", &["error"]),
    ("tool", &["error", "interrupt", "json_schema"]),
];

/// The longest file under `src` and the longest function, in lines.
const FILE_LINES: usize = 400;
const FUNCTION_LINES: usize = 60;

/// Functions that may be longer, as they are tables and no logic: `path under src: name`.
const LONG_TABLES: &[&str] = &[];

#[test]
fn modules_use_only_what_the_table_allows() {
    let allowed: BTreeMap<&str, &[&str]> = EDGES.iter().copied().collect();
    let sources = sources();
    let mut problems = BTreeSet::new();
    for module in sources.iter().filter_map(|source| source.module().into_iter().next()) {
        if !allowed.contains_key(module.as_str()) {
            problems.insert(format!("`{module}` has no row in the table"));
        }
    }
    for (user, used, place) in Imports::new(&sources).between_rooms() {
        if !allowed.get(user.as_str()).is_some_and(|allowed| allowed.contains(&used.as_str())) {
            problems.insert(format!("src/{place}: `{user}` uses `{used}`"));
        }
    }
    let problems: Vec<String> = problems.into_iter().collect();
    assert!(problems.is_empty(), "edges that no row allows:\n{}", problems.join("\n"));
}

#[test]
fn the_table_has_no_circle_and_no_dead_row() {
    let sources = sources();
    let modules: BTreeSet<String> =
        sources.iter().filter_map(|source| source.module().into_iter().next()).collect();
    let uses = Imports::new(&sources).between_rooms();
    let used: BTreeSet<(&str, &str)> =
        uses.iter().map(|(user, used, _)| (user.as_str(), used.as_str())).collect();
    for (module, edges) in EDGES {
        assert!(modules.contains(*module), "the table has a row for `{module}`, which is gone");
        for edge in *edges {
            let is_used = used.contains(&(*module, *edge));
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

/// Files that use each other are hard to read and harder to take apart. What two of them share stands
/// in a third one that knows neither; so does what a parent file shares with its children.
#[test]
fn no_files_use_each_other() {
    let imports = Imports::new(&sources());
    let told =
        |circle: &Vec<String>| format!("  {circle:?}\n{}", imports.uses_within(circle).join("\n"));
    let circles: Vec<String> = imports.circles().iter().map(told).collect();
    assert!(circles.is_empty(), "files in a circle:\n{}", circles.join("\n"));
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
