//! The line that is shown below all else on the terminal for a while: a progress bar, or what is waited for.
//! Knows what has to be written for it; writes nothing.

/// Back to the line's beginning, and clears it.
const CLEAR: &str = "\r\x1b[K";

/// The line, and where the terminal's cursor is.
#[derive(Debug, Default)]
pub(super) struct ShownLine {
    text: Option<String>,
    /// The line comes back after other bytes were written.
    is_lasting: bool,
    is_visible: bool,
    /// Other text has not ended its line yet. The shown line would stand behind it, and go away with it.
    is_mid_line: bool,
}

impl ShownLine {
    /// The bytes that put a line in place of the one before.
    pub(super) fn show(&mut self, text: &str, is_lasting: bool) -> String {
        let hidden = self.end();
        self.text = Some(text.to_owned());
        self.is_lasting = is_lasting;
        format!("{hidden}{}", self.back_after(b""))
    }

    /// The bytes that take the line away for good.
    pub(super) fn end(&mut self) -> &'static str {
        self.is_lasting = false;
        self.hide()
    }

    /// The bytes that take the line away before others are written.
    pub(super) fn hide(&mut self) -> &'static str {
        if !self.is_lasting {
            self.text = None;
        }
        match std::mem::take(&mut self.is_visible) {
            true => CLEAR,
            false => "",
        }
    }

    /// The bytes that bring the line back after others were written.
    pub(super) fn back_after(&mut self, written: &[u8]) -> &str {
        self.is_mid_line = is_mid_line(written).unwrap_or(self.is_mid_line);
        match &self.text {
            Some(text) if !self.is_mid_line => {
                self.is_visible = true;
                text
            }
            _ => "",
        }
    }
}

/// Whether bytes end within a line; `None` if they show nothing.
fn is_mid_line(bytes: &[u8]) -> Option<bool> {
    let start = memchr::memrchr(b'\n', bytes);
    let last = &bytes[start.map_or(0, |at| at + 1)..];
    match is_invisible(last) {
        true => start.map(|_| false),
        false => Some(true),
    }
}

/// Whether bytes are control sequences alone, as for colours or the clipboard (ECMA-48).
fn is_invisible(mut bytes: &[u8]) -> bool {
    while let [first, rest @ ..] = bytes {
        bytes = match (first, rest) {
            (0x1b, [b'[', rest @ ..]) => behind(rest, |byte| (0x40..=0x7e).contains(&byte)),
            (0x1b, [b']' | b'P' | b'X' | b'^' | b'_', rest @ ..]) => {
                let rest = behind(rest, |byte| matches!(byte, 0x07 | 0x1b));
                rest.strip_prefix(b"\\").unwrap_or(rest)
            }
            (0x1b, [_, rest @ ..]) => rest,
            (0x1b, []) | (..0x20, _) => rest,
            _ => return false,
        };
    }
    true
}

/// What stands behind the first byte that is an end.
fn behind(bytes: &[u8], is_end: impl Fn(u8) -> bool) -> &[u8] {
    let end = bytes.iter().position(|byte| is_end(*byte));
    &bytes[end.map_or(bytes.len(), |at| at + 1)..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_shows_nothing_is_no_text() {
        for (bytes, expected) in [
            ("a", Some(true)),
            ("a\n", Some(false)),
            ("a\nb", Some(true)),
            ("", None),
            ("\x1b[0m", None),
            ("a\n\x1b[0m", Some(false)),
            ("\x1b]52;c;YQ==\x07", None),
            ("\n\x1b_Ga=T;AAAA\x1b\\", Some(false)),
            ("\x1b_Ga=T;AAAA\x1b\\b", Some(true)),
            ("\x1b[1m好", Some(true)),
        ] {
            assert_eq!(is_mid_line(bytes.as_bytes()), expected, "{bytes:?}");
        }
    }

    #[test]
    fn a_lasting_line_comes_back_where_a_line_was_ended() {
        let mut line = ShownLine::default();
        assert_eq!(line.show("1/3", true), "1/3");
        assert_eq!(line.show("2/3", true), "\r\x1b[K2/3");
        assert_eq!((line.hide(), line.back_after(b"half ")), (CLEAR, ""));
        assert_eq!((line.show("3/3", true).as_str(), line.hide()), ("", ""));
        assert_eq!(line.back_after(b"a line\n"), "3/3");
        assert_eq!((line.end(), line.back_after(b"more\n")), (CLEAR, ""));
    }

    #[test]
    fn a_passing_line_goes_away_with_the_next_bytes() {
        let mut line = ShownLine::default();
        assert_eq!(line.show("waiting", false), "waiting");
        assert_eq!((line.hide(), line.back_after(b"a line\n")), (CLEAR, ""));
    }
}
