//! Writes an answer's text: live to standard output, or to a file.

use super::sink::{Sink, to_stdout};
use crate::error::Failure;
use crate::io::Io;
use crate::markdown::Markdown;
use crate::sanitize;

/// The capacity for the colours of a short piece, in bytes.
const COLOR_ROOM: usize = 64;

/// Writes text, and knows how it ended.
#[derive(Debug)]
pub(crate) struct TextWriter {
    sink: Option<Sink>,
    /// Colours what goes to standard output, if requested.
    markdown: Option<Markdown>,
    /// A carriage return whose line feed may follow in the next piece.
    held_cr: bool,
    last: Option<char>,
    /// What was given since [`TextWriter::hold`].
    held: Option<String>,
}

impl TextWriter {
    /// A writer without colours.
    pub(crate) fn new(sink: Sink) -> Self {
        Self { sink: Some(sink), markdown: None, held_cr: false, last: None, held: None }
    }

    /// The same. If `is_shown`, text on standard output is coloured as Markdown, and made safe for a
    /// terminal even if it is not one.
    pub(crate) fn with_markdown(self, is_shown: bool) -> Self {
        Self { markdown: is_shown.then(Markdown::default), ..self }
    }

    /// Keeps what is given from now on until the line ends, and writes it at once then: the lines of runs
    /// beside each other must not get mixed. For text that has come whole.
    pub(crate) fn hold(&mut self) {
        self.held.get_or_insert_default();
    }

    /// Writes a piece at once. For a terminal its control sequences are made harmless; elsewhere it is
    /// written unchanged.
    ///
    /// # Errors
    /// The reader is gone, or the write fails.
    pub(crate) fn write(&mut self, text: &str, io: &mut Io) -> Result<(), Failure> {
        let Some(last) = text.chars().next_back() else { return Ok(()) };
        self.last = Some(last);
        if let Some(held) = &mut self.held {
            held.push_str(text);
            return Ok(());
        }
        match &mut self.sink {
            Some(Sink::Stdout) if io.stdout_is_terminal || self.markdown.is_some() => {
                let mut whole = if self.held_cr { format!("\r{text}") } else { text.to_owned() };
                self.held_cr = whole.ends_with('\r');
                if self.held_cr {
                    whole.pop();
                }
                let harmless = sanitize::for_terminal(&whole);
                let Some(markdown) = &mut self.markdown else {
                    return to_stdout(harmless.as_bytes(), io);
                };
                let mut shown = String::with_capacity(harmless.len() + COLOR_ROOM);
                markdown.push(&harmless, &mut shown);
                to_stdout(shown.as_bytes(), io)
            }
            Some(sink) => sink.write(text.as_bytes(), io),
            None => Ok(()),
        }
    }

    /// Writes any bytes at once; on a terminal as text, in which invalid UTF-8 is replaced.
    ///
    /// # Errors
    /// As [`TextWriter::write`].
    pub(crate) fn write_bytes(&mut self, bytes: &[u8], io: &mut Io) -> Result<(), Failure> {
        match (std::str::from_utf8(bytes), &mut self.sink) {
            (Ok(text), _) => self.write(text, io),
            (Err(_), None) => Ok(()),
            (Err(_), Some(Sink::Stdout)) if io.stdout_is_terminal => {
                self.write(&String::from_utf8_lossy(bytes), io)
            }
            (Err(_), Some(sink)) => {
                self.last = bytes.last().map(|last| char::from(*last));
                sink.write(bytes, io)
            }
        }
    }

    /// Ends the text with a newline if it has none.
    ///
    /// # Errors
    /// As [`TextWriter::write`].
    pub(crate) fn end_line(&mut self, io: &mut Io) -> Result<(), Failure> {
        let mut text = self.held.take().unwrap_or_default();
        if !matches!(self.last, None | Some('\n')) {
            text.push('\n');
        }
        self.write(&text, io)
    }

    /// Ends the line and begins another text, outside any code block.
    ///
    /// # Errors
    /// As [`TextWriter::write`].
    pub(crate) fn begin_anew(&mut self, io: &mut Io) -> Result<(), Failure> {
        self.end_line(io)?;
        self.last = None;
        self.markdown = self.markdown.take().map(|_| Markdown::default());
        Ok(())
    }

    /// Whether anything was written.
    pub(crate) fn is_touched(&self) -> bool {
        self.last.is_some()
    }

    /// The text is complete: a file gets its name. Nothing is written after that.
    ///
    /// # Errors
    /// A file that can't be renamed.
    pub(crate) fn commit(&mut self) -> Result<(), Failure> {
        self.sink.take().map_or(Ok(()), Sink::commit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Keeps each write apart.
    #[derive(Clone, Default)]
    struct Writes(std::sync::Arc<std::sync::Mutex<Vec<String>>>);

    impl std::io::Write for Writes {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            let text = String::from_utf8_lossy(bytes).into_owned();
            self.0.lock().expect("no thread panics").push(text);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn what_is_held_goes_out_in_one_write() {
        let (writes, mut io) = (Writes::default(), Io::nowhere());
        io.stdout = Box::new(writes.clone());
        let mut writer = TextWriter::new(Sink::Stdout);
        writer.write("a", &mut io).expect("written");
        writer.hold();
        for piece in ["你", "好"] {
            writer.write(piece, &mut io).expect("kept");
        }
        writer.end_line(&mut io).expect("written");
        writer.write("b\n", &mut io).expect("written");
        writer.end_line(&mut io).expect("nothing to do");
        assert_eq!(*writes.0.lock().expect("no thread panics"), ["a", "你好\n", "b\n"]);
    }
}
