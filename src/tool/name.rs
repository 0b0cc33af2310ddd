//! The names under which tools are offered. Services take 64 letters, digits, `_` and `-`; one other
//! name, and they refuse the whole request.

use std::collections::{BTreeMap, BTreeSet};

use ring::digest;

/// The longest name (specification, `FunctionObject.name`).
const MOST: usize = 64;

/// A tool of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ServerTool<'a> {
    pub(crate) server: &'a str,
    pub(crate) tool: &'a str,
}

/// A name for each of these tools, in their order: a tool's own where services take it and nothing else
/// has it, else one with its server's. `taken` are names that tools of the user's own have. The same
/// tools always get the same names.
pub(crate) fn names(tools: &[ServerTool<'_>], taken: &BTreeSet<&str>) -> Vec<String> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for tool in tools {
        *counts.entry(tool.tool).or_default() += 1;
    }
    let keeps = |tool: &ServerTool<'_>| {
        fits(tool.tool) && counts.get(tool.tool) == Some(&1) && !taken.contains(tool.tool)
    };
    let mut used: BTreeSet<String> = taken.iter().map(|name| (*name).to_owned()).collect();
    used.extend(tools.iter().filter(|tool| keeps(tool)).map(|tool| tool.tool.to_owned()));
    let mut names = Vec::with_capacity(tools.len());
    for tool in tools {
        let name = match keeps(tool) {
            true => tool.tool.to_owned(),
            false => with_server(*tool, &used),
        };
        used.insert(name.clone());
        names.push(name);
    }
    names
}

/// Whether services take a name.
pub(crate) fn fits(name: &str) -> bool {
    (1..=MOST).contains(&name.len()) && name.chars().all(is_plain)
}

fn is_plain(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-')
}

/// The name of server and tool, with what tells it from others behind it where that is needed.
fn with_server(tool: ServerTool<'_>, used: &BTreeSet<String>) -> String {
    let whole = format!("{}_{}", tool.server, tool.tool);
    let plain: String = whole.chars().map(|c| if is_plain(c) { c } else { '_' }).collect();
    if plain.len() <= MOST && !used.contains(&plain) {
        return plain;
    }
    let mut mark = format!("_{}", hash(&format!("{}/{}", tool.server, tool.tool)));
    loop {
        let room = MOST - mark.len();
        let name = match plain.len() <= room {
            true => format!("{plain}{mark}"),
            false => {
                let (head, tail) = (room / 2, room - room / 2);
                format!("{}{}{mark}", &plain[..head], &plain[plain.len() - tail..])
            }
        };
        if !used.contains(&name) {
            return name;
        }
        mark = format!("_{}", hash(&name));
    }
}

fn hash(text: &str) -> String {
    let sum = digest::digest(&digest::SHA256, text.as_bytes());
    sum.as_ref()[..3].iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn named(tools: &[(&str, &str)], taken: &[&str]) -> Vec<String> {
        let tools: Vec<ServerTool<'_>> =
            tools.iter().map(|(server, tool)| ServerTool { server, tool }).collect();
        names(&tools, &taken.iter().copied().collect())
    }

    #[test]
    fn a_tool_keeps_its_name_where_it_can() {
        let tools = [
            ("files", "read"),
            ("git", "read"),
            ("git", "log"),
            ("git", "now"),
            ("git", "repo.status"),
            ("笔记", "查 找"),
        ];
        let expected = ["files_read", "git_read", "log", "git_now", "git_repo_status", "______"];
        assert_eq!(named(&tools, &["now"]), expected);
    }

    #[test]
    fn long_names_and_twins_get_a_hash() {
        let long = "x".repeat(70);
        let names = named(&[("s", &long), ("a", "b.c"), ("a", "b_c"), ("a", "b:c")], &["a_b_c"]);
        assert_eq!(names[0].len(), 64);
        assert!(names[0].starts_with("s_xxx") && names[0].as_bytes()[57] == b'_', "{names:?}");
        assert_eq!(names[2], "b_c");
        assert!(names[1].starts_with("a_b_c_") && names[1].len() == 12, "{names:?}");
        assert_ne!(names[1], names[3]);
        assert_eq!(named(&[("s", &long)], &[])[0], names[0], "the same name each time");
    }

    proptest! {
        #[test]
        fn all_names_fit_and_differ(
            tools in prop::collection::btree_set(("[a-b._]{1,3}", "[a-b._中-]{1,70}"), 0..12),
            taken in prop::collection::btree_set("[a-b_]{1,4}", 0..6),
        ) {
            let tools: Vec<(&str, &str)> =
                tools.iter().map(|(server, tool)| (server.as_str(), tool.as_str())).collect();
            let taken: Vec<&str> = taken.iter().map(String::as_str).collect();
            let names = named(&tools, &taken);
            let all: BTreeSet<&str> = names.iter().map(String::as_str).chain(taken.iter().copied()).collect();
            prop_assert_eq!(all.len(), names.len() + taken.len());
            prop_assert!(names.iter().all(|name| fits(name)), "{:?}", names);
        }
    }
}
