//! Names for files that the user did not name, and numbers for several files of one name.

use std::path::{Path, PathBuf};

/// The longest name, in characters and in bytes. Some file systems (eCryptfs) allow only 143 bytes, with
/// ending and number.
const MAX_NAME_LENGTH: (usize, usize) = (60, 120);

/// Names that Windows reserves for devices, with any ending.
const DEVICES: [&str; 6] = ["con", "prn", "aux", "nul", "com", "lpt"];

/// Makes a file name without ending of a text: letters, marks and digits of any script stay, and each run
/// of anything else becomes one `-`. Safe on all file systems; `otherwise` if nothing is left.
pub(crate) fn name_from_text(text: &str, otherwise: &str) -> String {
    let mut name = String::new();
    for letter in text.chars() {
        if is_kept(letter) {
            name.push(letter);
        } else if !name.is_empty() && !name.ends_with('-') {
            name.push('-');
        }
        if name.chars().count() > MAX_NAME_LENGTH.0 || name.len() > MAX_NAME_LENGTH.1 {
            name.pop();
            // Not inside a word, unless that word fills half of the name.
            let end = name.rfind('-').filter(|end| *end > name.len() / 2);
            name.truncate(end.unwrap_or(name.len()));
            break;
        }
    }
    let name = name.trim_end_matches('-');
    if name.is_empty() {
        return otherwise.to_owned();
    }
    let bare = name.to_lowercase();
    let bare = bare.trim_end_matches(|letter: char| letter.is_ascii_digit());
    if DEVICES.contains(&bare) { format!("{otherwise}-{name}") } else { name.to_owned() }
}

/// Letters, digits, the underscore, and combining marks, which words of many scripts contain.
fn is_kept(letter: char) -> bool {
    let is_mark =
        matches!(letter, '\u{300}'..='\u{36f}' | '\u{591}'..='\u{6ed}' | '\u{900}'..='\u{109f}');
    letter.is_alphanumeric() || letter == '_' || is_mark
}

/// `cat.png` with the number 2 is `cat-2.png`.
pub(crate) fn numbered_path(path: &Path, number: usize) -> PathBuf {
    let stem = path.file_stem().unwrap_or_default();
    let mut name = stem.to_owned();
    name.push(format!("-{number}"));
    if let Some(ending) = path.extension() {
        name.push(".");
        name.push(ending);
    }
    path.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_prompt_becomes_a_name() {
        for (text, name) in [
            ("a red kite", "a-red-kite"),
            ("一只猫，在读书。", "一只猫-在读书"),
            ("../../etc/passwd", "etc-passwd"),
            ("line\nbreak \"quoted\" <x>|y:z?*\\", "line-break-quoted-x-y-z"),
            ("-o file", "o-file"),
            (".hidden", "hidden"),
            ("", "image"),
            ("…!?", "image"),
            ("NUL", "image-NUL"),
            ("com1", "image-com1"),
            ("हिन्दी चित्र", "हिन्दी-चित्र"),
            ("e\u{301}te\u{301}", "e\u{301}te\u{301}"),
        ] {
            assert_eq!(name_from_text(text, "image"), name, "{text}");
        }
    }

    #[test]
    fn a_long_prompt_is_cut_between_words() {
        let name = name_from_text(&"word ".repeat(40), "image");
        assert_eq!(name, ["word"; 11].join("-") + "-word");
        assert_eq!(name_from_text(&"a".repeat(200), "image").len(), 60);
        assert_eq!(name_from_text(&"猫".repeat(200), "image").chars().count(), 40);
    }

    #[test]
    fn numbers_stand_before_the_ending() {
        for (path, expected) in [
            ("cat.png", "cat-2.png"),
            ("a.b/cat", "a.b/cat-2"),
            ("/x/猫.tar.png", "/x/猫.tar-2.png"),
        ] {
            assert_eq!(numbered_path(Path::new(path), 2), Path::new(expected));
        }
    }

    proptest! {
        #[test]
        fn every_name_is_safe(text in "\\PC{0,90}|[a-z./\\\\:\u{0}-\u{1f} ]{0,90}") {
            let name = name_from_text(&text, "image");
            prop_assert!(!name.is_empty() && name.len() <= 130 && name.chars().count() <= 66);
            prop_assert!(!name.starts_with(['-', '.']) && !name.ends_with(['-', '.', ' ']));
            prop_assert!(!name.contains(['/', '\\', ':', '*', '?', '"', '<', '>', '|', '\0', '\n', ' ', '.']));
            prop_assert_eq!(Path::new(&name).components().count(), 1);
        }
    }
}
