//! `--color` of a line that is not read in full: one that asks for help, or that is wrong.

use std::ffi::OsString;

use clap::ValueEnum as _;

use crate::io::ColorWhen;

/// What a line (the program's name first) says of colour.
pub(crate) fn wanted(line: &[OsString]) -> Option<ColorWhen> {
    let words = line.iter().skip(1).map(|word| word.to_str().unwrap_or_default());
    let mut words = words.take_while(|word| *word != "--");
    while let Some(word) = words.next() {
        let value = match word.strip_prefix("--color") {
            Some("") => words.next()?,
            Some(value) => value.strip_prefix('=').unwrap_or_default(),
            None => continue,
        };
        if let Ok(when) = ColorWhen::from_str(value, false) {
            return Some(when);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_flag_is_found_wherever_it_stands() {
        for (words, expected) in [
            (&["--color", "never", "--help"][..], Some(ColorWhen::Never)),
            (&["chat", "-h", "--color=always"], Some(ColorWhen::Always)),
            (&["chat", "--color", "mauve"], None),
            (&["chat", "--colors=never", "--color"], None),
            (&["chat", "--", "--color=never"], None),
        ] {
            let line: Vec<OsString> =
                ["llm"].iter().chain(words).map(|word| OsString::from(*word)).collect();
            assert_eq!(wanted(&line), expected, "{words:?}");
        }
    }
}
