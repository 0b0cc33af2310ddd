//! A text that comes in pieces, sentence by sentence. Pure.

use super::plain::PlainText;
use super::split::first_end;

/// The sentences of a text that is still being written.
#[derive(Debug)]
pub(crate) struct Sentences {
    /// Takes the marks of Markdown out.
    plain: Option<PlainText>,
    buffer: String,
    is_at_line_start: bool,
}

impl Sentences {
    /// No text yet. With `is_plain` the marks of Markdown are taken out.
    pub(crate) fn new(is_plain: bool) -> Self {
        let plain = is_plain.then(PlainText::default);
        Self { plain, buffer: String::new(), is_at_line_start: true }
    }

    /// Takes more of the text.
    pub(crate) fn push(&mut self, text: &str) {
        self.buffer.push_str(text);
    }

    /// The next sentence, if it is whole; `is_over` says that the text is. Empty ones are left out.
    pub(crate) fn next(&mut self, is_over: bool) -> Option<String> {
        loop {
            let end =
                self.end().or((is_over && !self.buffer.is_empty()).then_some(self.buffer.len()))?;
            let piece: String = self.buffer.drain(..end).collect();
            let spoken = match &mut self.plain {
                None => piece.trim().to_owned(),
                Some(plain) if self.is_at_line_start => {
                    plain.line(piece.trim_end_matches(['\n', '\r']))
                }
                Some(plain) => plain.rest_of_line(&piece),
            };
            self.is_at_line_start = piece.ends_with('\n');
            if spoken.chars().any(char::is_alphanumeric) {
                return Some(spoken);
            }
        }
    }

    /// Where the first sentence ends. Where Markdown may go over its end, that is the line's.
    fn end(&self) -> Option<usize> {
        let line = || first_end(&self.buffer, true);
        let Some(plain) = &self.plain else { return first_end(&self.buffer, false) };
        let first = self.buffer.trim_start().chars().next();
        let is_block =
            self.is_at_line_start && first.is_none_or(|first| first.is_ascii_punctuation());
        if is_block || plain.is_in_code() {
            return line();
        }
        let end = first_end(&self.buffer, false)?;
        let piece = &self.buffer[..end];
        if piece.contains(['[', '<', '`']) || piece.contains("http") { line() } else { Some(end) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The sentences of a text that comes in pieces of so many characters.
    fn of(text: &str, piece: usize, is_plain: bool) -> Vec<String> {
        let mut sentences = Sentences::new(is_plain);
        let mut found = Vec::new();
        let letters: Vec<char> = text.chars().collect();
        for piece in letters.chunks(piece) {
            sentences.push(&piece.iter().collect::<String>());
            found.extend(std::iter::from_fn(|| sentences.next(false)));
        }
        found.extend(std::iter::from_fn(|| sentences.next(true)));
        found
    }

    #[test]
    fn sentences_come_as_soon_as_they_are_whole() {
        let text = "Hello there. How much is 3.5? 今天下雨。「好！」\nA line\n1. first thing\nrest";
        let expected = [
            "Hello there.",
            "How much is 3.5?",
            "今天下雨。",
            "「好！」",
            "A line",
            "1. first thing",
            "rest",
        ];
        for piece in [1, 3, 1000] {
            assert_eq!(of(text, piece, false), expected, "{piece}");
        }
        let mut sentences = Sentences::new(false);
        sentences.push("One. Tw");
        assert_eq!((sentences.next(false).as_deref(), sentences.next(false)), (Some("One."), None));
        assert_eq!(sentences.next(true).as_deref(), Some("Tw"));
    }

    #[test]
    fn marks_are_taken_out_on_the_way() {
        let text = "# Title\nSome **bold** words. See [the. page](http://x.y). End 🎉\n```sh\nls. now\n```\n- item. Two";
        let expected = ["Title", "Some bold words.", "See the. page. End", "item. Two"];
        for piece in [1, 5, 1000] {
            assert_eq!(of(text, piece, true), expected, "{piece}");
        }
    }
}
