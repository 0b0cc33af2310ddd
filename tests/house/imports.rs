//! Which file of the crate uses which: the paths of all sources, followed through re-exports to the
//! files that hold the named items.

use std::collections::{BTreeMap, BTreeSet};

use super::source::{Paths, Segments, Source};

/// The files of the crate by their modules, and what each names.
pub(crate) struct Imports {
    files: BTreeMap<Segments, File>,
}

struct File {
    name: String,
    paths: Paths,
}

impl Imports {
    pub(crate) fn new(sources: &[Source]) -> Self {
        let file = |source: &Source| {
            (source.module(), File { name: source.name.clone(), paths: source.paths() })
        };
        Self { files: sources.iter().map(file).collect() }
    }

    /// The top-level modules that the files of each top-level module name: user, used, `file:line`.
    pub(crate) fn between_rooms(&self) -> Vec<(String, String, String)> {
        let mut found = Vec::new();
        for (module, file) in &self.files {
            let Some(user) = module.first() else { continue };
            for (path, line) in &file.paths.all {
                let path = self.absolute(module, path, 0).unwrap_or_default();
                let used = path.first().filter(|used| *used != user);
                if let Some(used) =
                    used.filter(|used| self.files.contains_key(&[(*used).clone()][..]))
                {
                    found.push((user.clone(), used.clone(), format!("{}:{line}", file.name)));
                }
            }
        }
        found
    }

    /// The circles: groups of files in which each file uses each other one, at once or by way of the
    /// others. Each group is sorted; so are the groups.
    ///
    /// A file uses another one if it names an item that stands there. An item counts where it is
    /// defined and not where it is re-exported; a re-export itself is a use. `mod child;` is none. So a
    /// parent file that names an item of its child, by a re-export even, closes a circle if the child
    /// names an item that the parent defines.
    pub(crate) fn circles(&self) -> Vec<Vec<String>> {
        let edges: BTreeMap<&str, BTreeSet<&str>> = self
            .files
            .iter()
            .map(|(module, file)| (file.name.as_str(), self.used_by(module, file)))
            .collect();
        let reach: BTreeMap<&str, BTreeSet<&str>> =
            edges.keys().map(|name| (*name, reachable(name, &edges))).collect();
        let mut circles = BTreeSet::new();
        for (name, ahead) in &reach {
            let group: Vec<String> = ahead
                .iter()
                .filter(|other| reach[**other].contains(name))
                .map(|other| (*other).to_owned())
                .collect();
            if !group.is_empty() {
                circles.insert(group);
            }
        }
        circles.into_iter().collect()
    }

    /// Who uses whom within a circle, each with a line.
    pub(crate) fn uses_within(&self, circle: &[String]) -> Vec<String> {
        let mut uses = BTreeSet::new();
        for (module, file) in self.files.iter().filter(|(_, file)| circle.contains(&file.name)) {
            for (path, line) in &file.paths.all {
                for used in self.files_of(module, path) {
                    if used != file.name && circle.iter().any(|name| name == used) {
                        let path = path.join("::");
                        uses.insert(format!("    src/{}:{line} {path} -> {used}", file.name));
                    }
                }
            }
        }
        uses.into_iter().collect()
    }

    fn used_by<'a>(&'a self, module: &[String], file: &File) -> BTreeSet<&'a str> {
        let paths = file.paths.all.iter();
        let used = paths.flat_map(|(path, _)| self.files_of(module, path));
        used.filter(|used| *used != file.name).collect()
    }

    /// The files that hold what a path names, as seen from a module.
    fn files_of(&self, module: &[String], path: &[String]) -> Vec<&str> {
        let mut found = Vec::new();
        if let Some(path) = self.absolute(module, path, 0) {
            self.follow(&path, &mut found, 0);
        }
        found
    }

    /// The path from the crate's root; none for what stands in other crates.
    fn absolute(&self, module: &[String], path: &[String], depth: usize) -> Option<Segments> {
        let (first, rest) = path.split_first()?;
        let mut start = match first.as_str() {
            "crate" => Vec::new(),
            "self" => module.to_vec(),
            "super" => {
                let mut above = module.to_vec();
                above.pop();
                let ups = rest.iter().take_while(|word| *word == "super").count();
                above.truncate(above.len().saturating_sub(ups));
                above.extend(rest[ups..].iter().cloned());
                return Some(above);
            }
            name => {
                let child = [module, &[name.to_owned()]].concat();
                let import = self.files.get(module)?.paths.imports.get(name);
                match import.filter(|import| import.as_slice() != path && depth < 8) {
                    _ if self.files.contains_key(&child) => child,
                    Some(import) => self.absolute(module, import, depth + 1)?,
                    None => return None,
                }
            }
        };
        start.extend(rest.iter().cloned());
        Some(start)
    }

    /// Follows a path from the root to the file, or files, that define what it names. A module that is
    /// named alone is nothing: what is used of it stands elsewhere.
    fn follow<'a>(&'a self, path: &[String], found: &mut Vec<&'a str>, depth: usize) {
        let length =
            (0..=path.len()).rev().find(|length| self.files.contains_key(&path[..*length]));
        let Some(length) = length else { return };
        // A name may be that of a module and, re-exported, of an item in it.
        let is_module = length == path.len();
        let (module, rest) = path.split_at(if is_module { length.max(1) - 1 } else { length });
        let (Some(file), Some(name)) = (self.files.get(module), rest.first()) else { return };
        match file.paths.imports.get(name) {
            Some(import) if depth < 8 => {
                if let Some(mut target) = self.absolute(module, import, 0) {
                    target.extend(rest[1..].iter().cloned());
                    if target != path {
                        self.follow(&target, found, depth + 1);
                    }
                }
            }
            _ if is_module => {}
            _ => found.push(&file.name),
        }
    }
}

fn reachable<'a>(
    start: &'a str,
    edges: &BTreeMap<&'a str, BTreeSet<&'a str>>,
) -> BTreeSet<&'a str> {
    let (mut seen, mut next) = (BTreeSet::new(), vec![start]);
    while let Some(name) = next.pop() {
        for used in edges.get(name).into_iter().flatten() {
            if seen.insert(*used) {
                next.push(used);
            }
        }
    }
    seen
}
