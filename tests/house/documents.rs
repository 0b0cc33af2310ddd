//! What the documents say of the code is held against the code.

use std::fs;

use super::source::root;

fn text(name: &str) -> String {
    fs::read_to_string(root().join(name)).expect("the file is there")
}

/// Every profile of the catalogue stands in a row of the README's table of services, in backticks.
#[test]
fn the_readme_names_every_service() {
    let readme = text("README.md");
    let rows: Vec<&str> =
        readme.lines().filter(|line| line.trim_start().starts_with('|')).collect();
    let catalogue = text("providers.example.toml");
    let names = catalogue.lines().filter_map(|line| line.strip_prefix("[providers."));
    let names: Vec<&str> = names.filter_map(|line| line.split([']', '.']).next()).collect();
    assert!(names.len() > 20, "the catalogue lists only {names:?}");
    let is_named = |name: &str| rows.iter().any(|row| row.contains(&format!("`{name}`")));
    let missing: Vec<&&str> = names.iter().filter(|name| !is_named(name)).collect();
    assert!(missing.is_empty(), "README.md's table lacks {missing:?}");
}
