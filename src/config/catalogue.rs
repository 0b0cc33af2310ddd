//! The list of known services inside the binary. One profile is cut out of the text and read alone,
//! as reading all of them takes longer than a short answer.

use super::document::document;
use super::profile::Profile;

/// The list; the same file that users copy from.
pub(super) const TEXT: &str = include_str!("../../providers.example.toml");

/// The names, in the order of the list.
pub(super) fn names(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter_map(header).filter(|name| !name.contains('.'))
}

/// Every other name in the list, with the profile that it is a name of.
pub(super) fn aliases(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut profile = "";
    text.lines().flat_map(move |line| {
        profile = header(line).unwrap_or(profile);
        let list = line.strip_prefix("aliases = [").and_then(|rest| rest.split(']').next());
        // What stands between the first quote and the second, the third and the fourth, and so on.
        let quoted = list.into_iter().flat_map(|list| list.split('"').skip(1).step_by(2));
        quoted.map(move |alias| (alias, profile)).collect::<Vec<_>>()
    })
}

/// The profile of that name as it is written, without the one that it is like.
pub(super) fn written(text: &str, name: &str) -> Option<Profile> {
    // The list is in order: the test below reads all of it.
    document(cut(text, name)?, None).ok()?.providers.into_iter().next()
}

/// The profile of that name over the one that it is like.
pub(super) fn profile(text: &str, name: &str) -> Option<Profile> {
    let own = written(text, name)?;
    match own.like.as_deref().and_then(|like| profile(text, like)) {
        Some(below) => Some(own.laid_on(below)),
        None => Some(own),
    }
}

/// The tables of one profile: from its header to the next profile's.
fn cut<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    let belongs = |table: &str| {
        table.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    let mut start = None;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        match (header(line.trim_end()), start) {
            (Some(table), None) if table == name => start = Some(at),
            (Some(table), Some(start)) if !belongs(table) => return text.get(start..at),
            _ => {}
        }
        at += line.len();
    }
    start.and_then(|start| text.get(start..))
}

/// `NAME` of `[providers.NAME]`, `NAME.rules` of `[[providers.NAME.rules]]`.
fn header(line: &str) -> Option<&str> {
    line.trim_start_matches('[').strip_prefix("providers.")?.trim_end_matches(']').into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_cut_out_is_the_one_in_the_list() {
        let all = document(TEXT, None).expect("the list is in order").providers;
        assert!(names(TEXT).eq(all.iter().map(|profile| profile.name.as_str())));
        let listed = |profile: &Profile| {
            let aliases = profile.aliases.as_deref().unwrap_or_default().to_vec();
            aliases.into_iter().map(|alias| (alias, profile.name.clone())).collect::<Vec<_>>()
        };
        let expected: Vec<_> = all.iter().flat_map(listed).collect();
        let found = aliases(TEXT).map(|(alias, name)| (alias.to_owned(), name.to_owned()));
        assert_eq!(found.collect::<Vec<_>>(), expected);
        assert!(expected.len() > 10, "{expected:?}");
        for (at, (alias, _)) in expected.iter().enumerate() {
            let is_taken =
                names(TEXT).chain(expected[..at].iter().map(|(other, _)| other.as_str()));
            assert!(is_taken.into_iter().all(|name| name != alias), "{alias} means two profiles");
        }
        for whole in all {
            let cut = written(TEXT, &whole.name).expect("it is there");
            assert_eq!((cut.fields(), cut.rules), (whole.fields(), whole.rules));
        }
        assert_eq!(written(TEXT, "no-such-service"), None);
    }
}
