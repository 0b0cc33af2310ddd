//! What the documents say of the code is held against the code.

use std::collections::BTreeSet;
use std::fs;

use super::source::{root, sources};

/// The document that says how the code is laid out.
const LAYOUT: &str = "CONTRIBUTING.md";

fn text(name: &str) -> String {
    fs::read_to_string(root().join(name)).expect("the file is there")
}

/// Every profile of the catalogue stands in a row of the table of services, in backticks.
#[test]
fn the_table_of_services_names_every_service() {
    let readme = text("docs/services.md");
    let rows: Vec<&str> =
        readme.lines().filter(|line| line.trim_start().starts_with('|')).collect();
    let catalogue = text("providers.example.toml");
    let names = catalogue.lines().filter_map(|line| line.strip_prefix("[providers."));
    let names: Vec<&str> = names.filter_map(|line| line.split([']', '.']).next()).collect();
    assert!(names.len() > 20, "the catalogue lists only {names:?}");
    let is_named = |name: &str| rows.iter().any(|row| row.contains(&format!("`{name}`")));
    let missing: Vec<&&str> = names.iter().filter(|name| !is_named(name)).collect();
    assert!(missing.is_empty(), "docs/services.md lacks {missing:?}");
}

/// Every field that the reader of profiles knows stands in the document about them, in backticks.
#[test]
fn the_document_about_profiles_names_every_field() {
    let reader = text("src/config/profile.rs");
    let (_, table) = reader.split_once(" reads {").expect("the table of fields");
    let (table, _) = table.split_once("\n    }\n").expect("its end");
    let name = |line: &str| line.trim().split_once(": ").map(|(name, _)| name.to_owned());
    let fields: Vec<String> =
        table.lines().filter(|line| !line.trim().starts_with('/')).filter_map(name).collect();
    assert!(fields.len() > 30, "the reader knows only {fields:?}");
    let document = text("docs/profiles.md");
    let is_named = |field: &&String| document.contains(&format!("`{field}`"));
    let missing: Vec<&String> = fields.iter().filter(|field| !is_named(field)).collect();
    assert!(missing.is_empty(), "docs/profiles.md lacks {missing:?}");
}

/// The rows of the table `| module | duty |`.
fn table_of_modules(text: &str) -> Vec<&str> {
    let lines = text.lines().map(|line| line.trim_start_matches("//!").trim());
    let rows = lines.skip_while(|line| *line != "| module | duty |").skip(2);
    rows.take_while(|line| line.starts_with('|')).collect()
}

#[test]
fn both_tables_of_modules_are_the_same_and_name_every_module() {
    let (layout, library) = (text(LAYOUT), text("src/lib.rs"));
    let rows = table_of_modules(&library);
    assert!(rows.len() > 10, "src/lib.rs has only these rows: {rows:?}");
    assert_eq!(table_of_modules(&layout), rows, "{LAYOUT} and src/lib.rs differ");
    let first_cells = rows.iter().filter_map(|row| row.split('|').nth(1));
    let named: BTreeSet<String> = first_cells
        .flat_map(|cell| cell.split('`').skip(1).step_by(2))
        .map(str::to_owned)
        .collect();
    let entries = fs::read_dir(root().join("src")).expect("the folder can be read");
    let name = |entry: fs::DirEntry| {
        let name = entry.file_name().into_string().expect("file names are text");
        name.trim_end_matches(".rs").to_owned()
    };
    let modules: BTreeSet<String> = entries
        .map(|entry| name(entry.expect("the entry can be read")))
        .filter(|name| !["lib", "main"].contains(&name.as_str()))
        .collect();
    assert_eq!(named, modules);
}

/// The code spans of a document, those of fenced blocks left out.
fn code_spans(text: &str) -> Vec<&str> {
    let outside = text.split("```").step_by(2);
    outside.flat_map(|part| part.split('`').skip(1).step_by(2)).collect()
}

#[test]
fn no_document_names_a_file_that_is_gone() {
    let text = text(LAYOUT);
    let is_path = |word: &&&str| {
        let is_plain = word.chars().all(|c| c.is_ascii_alphanumeric() || "_-./".contains(c));
        // Neither the path of an endpoint nor what a build makes.
        let is_plain = is_plain && !word.starts_with('/') && !word.starts_with("target/");
        is_plain && (word.ends_with(".rs") || word.ends_with(".toml") || word.contains('/'))
    };
    let spans = code_spans(&text);
    let paths: Vec<&&str> = spans.iter().filter(is_path).collect();
    assert!(paths.len() > 10, "only {paths:?}");
    for path in paths {
        let exists =
            ["", "src", "tests/cli"].iter().any(|top| root().join(top).join(path).exists());
        assert!(exists, "{LAYOUT} names `{path}`, which is not there");
    }
}

/// `a::b::c` is a module, or a function that the file of `a::b` defines or passes on.
#[test]
fn no_document_names_a_function_that_is_gone() {
    let text = text(LAYOUT);
    let is_path = |word: &&&str| {
        word.contains("::") && word.chars().all(|c| c.is_ascii_lowercase() || "_:".contains(c))
    };
    let file = |module: &[&str]| {
        let start = root().join("src").join(module.join("/"));
        let files = [start.with_extension("rs"), start.join("mod.rs")];
        files.into_iter().find(|file| file.exists())
    };
    let spans = code_spans(&text);
    let paths: Vec<&&str> = spans.iter().filter(is_path).collect();
    assert!(paths.len() > 10, "only {paths:?}");
    for path in paths {
        let words: Vec<&str> = path.split("::").skip_while(|word| *word == "llm").collect();
        let (last, module) = words.split_last().expect("a path has words");
        let holder = if module.is_empty() { Some(root().join("src/lib.rs")) } else { file(module) };
        let is_named = holder.is_some_and(|file| {
            let code = fs::read_to_string(file).expect("the file can be read");
            code.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == *last)
        });
        assert!(is_named || file(&words).is_some(), "{LAYOUT} names `{path}`, which is gone");
    }
}

#[test]
fn links_lead_to_files_that_exist() {
    let chinese = ["README.zh-CN.md", "docs/zh-CN/guide.md"];
    let english = ["README.md", "docs/guide.md", "docs/profiles.md", "docs/services.md"];
    for document in english.into_iter().chain(chinese).chain(["docs/scripts.md", LAYOUT]) {
        let text = text(document);
        let folder = root().join(document);
        let folder = folder.parent().expect("a document lies in a folder");
        let targets = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        let is_file = |target: &&str| !target.starts_with('#') && !target.contains("://");
        let files: Vec<&str> = targets.filter(is_file).collect();
        assert!(document != "README.md" || files.len() > 5, "README.md links to {files:?}");
        for file in files {
            let file = file.split('#').next().unwrap_or_default();
            assert!(folder.join(file).exists(), "{document} links to {file}");
        }
    }
}

#[test]
fn every_environment_variable_is_in_the_docs() {
    let docs = std::fs::read_to_string(root().join("docs/profiles.md")).expect("is there");
    let catalogue =
        std::fs::read_to_string(root().join("providers.example.toml")).expect("is there");
    let of_fields = catalogue.lines().filter_map(|line| {
        let (field, value) = line.split_once(" = ")?;
        let names_one = field.ends_with("_env") && !field.ends_with("api_key_env");
        value.split('"').nth(1).filter(|_| names_one).map(str::to_owned)
    });
    let mut read: BTreeSet<String> = of_fields.collect();
    let is_program = |name: &str| !name.contains("tests");
    for source in sources().into_iter().filter(|source| is_program(&source.name)) {
        let code = source.text.split("#[cfg(test)]").next().unwrap_or_default();
        let behind = |(at, opening): (usize, &str)| code[at + opening.len()..].split('"').next();
        let names = code.match_indices(".get(\"").filter_map(behind);
        let is_variable = |name: &&str| {
            name.len() > 2 && name.chars().all(|c| c.is_ascii_uppercase() || c == '_')
        };
        read.extend(names.filter(is_variable).map(str::to_owned));
    }
    assert!(read.contains("XDG_DATA_HOME") && read.contains("OLLAMA_HOST"), "{read:?}");
    read.retain(|name| !docs.contains(&format!("`{name}`")));
    assert!(read.is_empty(), "docs/profiles.md does not tell of {read:?}");
}
