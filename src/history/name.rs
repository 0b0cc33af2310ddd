//! The names of conversations: ids that sort by time, and the user's own names as safe file names.

use crate::error::Failure;
use crate::random;

/// A conversation's key: its file's name without the ending.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ConversationKey(String);

/// Stands before the name that a user gave, so that no name looks like an id.
const NAME_PREFIX: char = '@';

/// The letters of ids, in the order of their bytes; without those that are easily misread
/// (Crockford's base 32).
const LETTERS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// A file's name may have 255 bytes on the usual systems; beyond this a name is cut and told apart
/// by a sum over all of it.
const MAX_NAME_BYTES: usize = 160;

impl ConversationKey {
    /// The key of the conversation with the name that a user gave it.
    ///
    /// # Errors
    /// A name of nothing but white space.
    pub(crate) fn named(name: &str) -> Result<Self, Failure> {
        if name.trim().is_empty() {
            return Err(Failure::usage("the name of the session is empty")
                .hint("give it one: --session NAME"));
        }
        Ok(Self(format!("{NAME_PREFIX}{}", encoded(name))))
    }

    /// A key for a new conversation without a name.
    pub(crate) fn new() -> Self {
        Self(new_id())
    }

    /// The key as it stands in a file's name; `None` for what no conversation has.
    pub(crate) fn of_stem(stem: &str) -> Option<Self> {
        let body = stem.strip_prefix(NAME_PREFIX).unwrap_or(stem);
        let fits = |letter: char| letter.is_ascii_alphanumeric() || "-_%~".contains(letter);
        (!body.is_empty() && body.chars().all(fits)).then(|| Self(stem.to_owned()))
    }

    /// Whether the user gave the conversation a name.
    pub(crate) fn is_named(&self) -> bool {
        self.0.starts_with(NAME_PREFIX)
    }

    /// The key as text: the file's name without its ending.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// This moment (RFC 3339, UTC, to the second).
pub(crate) fn now() -> String {
    let now = jiff::Timestamp::now();
    jiff::Timestamp::from_second(now.as_second()).unwrap_or(now).to_string()
}

/// An id for something that happens now: nine letters of time, three of chance.
pub(crate) fn new_id() -> String {
    let now = jiff::Timestamp::now().as_millisecond();
    id(u64::try_from(now).unwrap_or_default(), random::bits())
}

/// The id of a moment (in milliseconds since 1970) and a number of chance.
fn id(milliseconds: u64, chance: u64) -> String {
    let letters = |number: u64, count: u32| {
        (0..count).rev().map(move |place| {
            let digit = (number >> (5 * place)) & 31;
            char::from(LETTERS[usize::try_from(digit).unwrap_or_default()])
        })
    };
    letters(milliseconds, 9).chain(letters(chance, 3)).collect()
}

/// A name with everything but small ASCII letters, digits, `-` and `_` written as `%XX`: no folder
/// separator, no dot, no difference that a file system may overlook (letter case, Unicode forms).
fn encoded(name: &str) -> String {
    let mut text = String::new();
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' => text.push(char::from(byte)),
            _ => text.push_str(&format!("%{byte:02X}")),
        }
    }
    if text.len() > MAX_NAME_BYTES {
        text.truncate(MAX_NAME_BYTES);
        text.push_str(&format!("~{:016x}", sum(name.as_bytes())));
    }
    text
}

/// FNV-1a of 64 bits: it stays the same for ever, which the standard library's hashes don't promise.
fn sum(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |sum, byte| {
        (sum ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ids_sort_by_time_and_differ_by_chance() {
        assert_eq!(id(1_760_000_000_000, 0), "1k742sg00000");
        assert!(id(1_760_000_000_001, 0) > id(1_760_000_000_000, u64::MAX));
        assert_ne!(id(1, 1), id(1, 2));
        assert_eq!(new_id().len(), 12);
    }

    #[test]
    fn a_name_is_written_safely() {
        let key = |name: &str| ConversationKey::named(name).map(|key| key.as_str().to_owned()).ok();
        assert_eq!(key("work-1_a").as_deref(), Some("@work-1_a"));
        assert_eq!(key("../../etc").as_deref(), Some("@%2E%2E%2F%2E%2E%2Fetc"));
        assert_eq!(key("诗").as_deref(), Some("@%E8%AF%97"));
        assert_ne!(key("Work"), key("work"));
        assert_eq!(key(" \t"), None);
        assert_eq!(key(""), None);
    }

    #[test]
    fn what_no_conversation_is_called_is_no_key() {
        for stem in ["", "@", "a.b", "a/b", "..", "你"] {
            assert_eq!(ConversationKey::of_stem(stem), None, "{stem}");
        }
    }

    proptest! {
        #[test]
        fn every_name_stays_in_the_folder(name in "(\\PC|[/.\\\\\u{0}-\u{1f}]|[你好]){1,300}") {
            prop_assume!(!name.trim().is_empty());
            let key = ConversationKey::named(&name).unwrap();
            prop_assert!(key.as_str().len() < 200);
            prop_assert_eq!(ConversationKey::of_stem(key.as_str()), Some(key.clone()));
            let other = ConversationKey::named(&format!("{name}的")).unwrap();
            prop_assert_ne!(key, other);
        }
    }
}
