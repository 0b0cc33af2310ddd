//! Which tool a service means that refuses one.

use std::sync::Arc;

use super::offered::OfferedTool;
use crate::error::Refused;

/// The shortest name that is looked for in the words of a service: a shorter one is there by chance.
const SHORTEST: usize = 3;

/// The tool that a refusal names: by its place in the list (`tools[12]`, `tools.12`), or by its name in
/// quotes.
pub(super) fn tool_of<'a>(
    refused: &Refused,
    offered: &'a [Arc<OfferedTool>],
) -> Option<&'a OfferedTool> {
    let words = format!("{} {}", refused.param.as_deref().unwrap_or_default(), refused.words);
    if let Some(place) = place(&words) {
        return offered.get(place).map(AsRef::as_ref);
    }
    let is_named = |tool: &&Arc<OfferedTool>| {
        let name = &tool.definition.name;
        ['\'', '"', '`'].iter().any(|quote| words.contains(&format!("{quote}{name}{quote}")))
    };
    let mut long = offered.iter().filter(|tool| tool.definition.name.len() >= SHORTEST);
    long.find(is_named).map(AsRef::as_ref)
}

/// The number behind the first `tools[` or `tools.` that has one.
fn place(words: &str) -> Option<usize> {
    words.match_indices("tools").find_map(|(at, found)| {
        let behind = words[at + found.len()..].strip_prefix(['[', '.'])?;
        let end = behind.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(behind.len());
        behind[..end].parse().ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_in_the_list_is_found() {
        for (words, expected) in [
            ("tools.12.custom.name: String should match", Some(12)),
            ("Invalid value for 'tools[0].function'", Some(0)),
            ("this model takes no tools.", None),
            ("tools are too many: 300", None),
        ] {
            assert_eq!(place(words), expected, "{words}");
        }
    }
}
