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
        for whole in all {
            let cut = written(TEXT, &whole.name).expect("it is there");
            assert_eq!((cut.fields(), cut.rules), (whole.fields(), whole.rules));
        }
        assert_eq!(written(TEXT, "no-such-service"), None);
    }
}
