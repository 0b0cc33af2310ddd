//! Reads Rust source text just well enough for the house rules: which paths a file names, and how long
//! its functions are. It knows nothing of the rules.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// A path such as `crate::http::sse::Event`, one word for each segment.
pub(crate) type Segments = Vec<String>;

/// One file under `src`.
pub(crate) struct Source {
    /// The path under `src`, with `/`.
    pub(crate) name: String,
    /// The whole text.
    pub(crate) text: String,
}

/// The paths that a file names outside its tests, as they are written.
#[derive(Default)]
pub(crate) struct Paths {
    /// What `use` brings into the file: the name that it gets there, and its path.
    pub(crate) imports: BTreeMap<String, Segments>,
    /// Every path of two segments and more, those of `use` included, each with its line.
    pub(crate) all: Vec<(Segments, usize)>,
}

impl Source {
    /// The path of the file's module from the crate's root: none for `lib.rs`.
    pub(crate) fn module(&self) -> Segments {
        let path = self.name.trim_end_matches(".rs").trim_end_matches("/mod");
        path.split('/').filter(|word| *word != "lib").map(str::to_owned).collect()
    }

    /// The paths that the file names outside its tests.
    pub(crate) fn paths(&self) -> Paths {
        let mut paths = Paths::default();
        let mut code = without_tests(&bare(&self.text));
        while let Some(at) = find_word(&code, "use") {
            let end = code[at..].find(';').map_or(code.len(), |end| at + end);
            let line = line_of(&code, at);
            let mut leaves = Vec::new();
            read_tree(&code[at + "use".len()..end], &[], &mut leaves);
            for (path, name) in leaves {
                paths.imports.insert(name, path.clone());
                paths.all.push((path, line));
            }
            let blank: String =
                code[at..end].chars().map(|c| if c == '\n' { '\n' } else { ' ' }).collect();
            code.replace_range(at..end, &blank);
        }
        paths.all.extend(inline_paths(&code));
        paths
    }
}

/// The folder of the crate.
pub(crate) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// All Rust files under `src`, files of tests and `main.rs` left out.
pub(crate) fn sources() -> Vec<Source> {
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
            if !is_test && name != "main.rs" {
                found.push(Source { name, text });
            }
        }
    }
}

/// Where `word` begins as a word of its own with white space behind it.
fn find_word(code: &str, word: &str) -> Option<usize> {
    code.match_indices(word).map(|(at, _)| at).find(|at| {
        let behind = code[at + word.len()..].chars().next();
        !code[..*at].ends_with(is_of_name) && behind.is_some_and(char::is_whitespace)
    })
}

fn is_of_name(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

fn line_of(code: &str, at: usize) -> usize {
    code[..at].matches('\n').count() + 1
}

/// Takes a tree of `use` apart into whole paths, each with the name that it gets in the file.
fn read_tree(tree: &str, above: &[String], leaves: &mut Vec<(Segments, String)>) {
    let tree = tree.trim();
    if let Some((start, list)) = tree.split_once('{') {
        let mut path = above.to_vec();
        path.extend(
            start.split("::").map(str::trim).filter(|word| !word.is_empty()).map(str::to_owned),
        );
        let list = list.trim_end().strip_suffix('}').expect("a list of `use` is closed");
        for item in split_list(list) {
            read_tree(item, &path, leaves);
        }
        return;
    }
    let (path, alias) = match tree.split_once(" as ") {
        Some((path, alias)) => (path, Some(alias.trim().to_owned())),
        None => (tree, None),
    };
    let mut whole = above.to_vec();
    whole.extend(
        path.split("::").map(|word| word.trim().to_owned()).filter(|word| !word.is_empty()),
    );
    if whole.len() > 1 && whole.last().is_some_and(|word| word == "self") {
        whole.pop();
    }
    if let Some(last) = whole.last() {
        let name = alias.unwrap_or_else(|| last.clone());
        leaves.push((whole, name));
    }
}

/// The items between the commas that stand in no inner braces.
fn split_list(list: &str) -> Vec<&str> {
    let (mut items, mut depth, mut start) = (Vec::new(), 0, 0);
    for (at, letter) in list.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                items.push(&list[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    items.push(&list[start..]);
    items.into_iter().filter(|item| !item.trim().is_empty()).collect()
}

/// The paths of two segments and more in code without `use`.
fn inline_paths(code: &str) -> Vec<(Segments, usize)> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(letter) = code[at..].chars().next() {
        if !is_of_name(letter) {
            at += letter.len_utf8();
            continue;
        }
        // A path that begins with `::` is that of another crate.
        let is_tail = code[..at].ends_with("::");
        let line = line_of(code, at);
        let mut path = Vec::new();
        loop {
            let length = code[at..].find(|c| !is_of_name(c)).unwrap_or(code.len() - at);
            path.push(code[at..at + length].to_owned());
            at += length;
            let next = code[at..].strip_prefix("::");
            if !next.is_some_and(|rest| rest.starts_with(is_of_name)) {
                break;
            }
            at += "::".len();
        }
        if path.len() > 1 && !is_tail {
            found.push((path, line));
        }
    }
    found
}

/// The code with every item that only tests see blanked; lines stay.
fn without_tests(code: &str) -> String {
    let mut kept = String::with_capacity(code.len());
    let mut rest = code;
    let next_test = |code: &str| {
        ["#[cfg(test)]", "#[cfg(all(test,"].iter().filter_map(|start| code.find(start)).min()
    };
    while let Some(at) = next_test(rest) {
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
pub(crate) fn functions(code: &str) -> Vec<(String, usize, usize)> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices("fn ") {
        let is_word = !code[..at].ends_with(is_of_name);
        let name: String = code[at + 3..].chars().take_while(|c| is_of_name(*c)).collect();
        if is_word && !name.is_empty() {
            let item = &code[at..at + item_end(&code[at..])];
            let line = line_of(code, at);
            found.push((name, line, item.lines().count()));
        }
    }
    found
}

/// The code with the inside of comments, texts and letters blanked; lines stay.
pub(crate) fn bare(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        let before = code.chars().next_back();
        let skipped = match letter {
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => rest.find("*/").map_or(rest.len(), |at| at + 2),
            '"' => text_end(rest),
            'r' if !before.is_some_and(is_of_name) => raw_text_end(rest),
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
