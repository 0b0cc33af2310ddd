//! What the user gives a command to work on: words, standard input and files, as one text. Knows no
//! endpoint.

pub(crate) mod texts;

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::Duration;

use crate::error::{Failure, reason};
use crate::io::Io;

/// After so long a silence on standard input the user is told what is waited for.
const PATIENCE: Duration = Duration::from_secs(2);

/// Where a prompt is made of.
#[derive(Debug)]
pub(crate) struct Sources<'a> {
    pub(crate) words: &'a [String],
    /// Files to put before the prompt; `-` is standard input.
    pub(crate) files: &'a [PathBuf],
    /// Leave standard input alone.
    pub(crate) no_stdin: bool,
}

/// The prompt: the files with their names, standard input, the words, with a blank line between.
///
/// # Errors
/// No prompt at all, a file that can't be read, or one that is no text.
pub(crate) fn prompt(sources: &Sources<'_>, io: &mut Io) -> Result<String, Failure> {
    gathered(sources, fenced, io)?.ok_or_else(|| {
        Failure::usage("there is no prompt and no input")
            .hint("give it as an argument or through a pipe: llm chat \"hello\"")
    })
}

/// A text to be spoken: as [`prompt`], but the files without their names.
///
/// # Errors
/// No text at all, a file that can't be read, or one that is no text.
pub(crate) fn speech(sources: &Sources<'_>, io: &mut Io) -> Result<String, Failure> {
    let text = gathered(sources, |_, text| text.to_owned(), io)?;
    text.filter(|text| !text.trim().is_empty()).ok_or_else(|| {
        Failure::usage("there is no text to speak")
            .hint("give it as an argument or through a pipe: llm speak -o hello.mp3 \"hello\"")
    })
}

/// All that the sources hold, with a blank line between; `None` if that is nothing. `file` makes what
/// is put in for a file out of its name and its text.
fn gathered(
    sources: &Sources<'_>,
    file: impl Fn(&str, &str) -> String,
    io: &mut Io,
) -> Result<Option<String>, Failure> {
    let mut parts = Vec::new();
    let mut stdin_is_named = false;
    for path in sources.files {
        let is_stdin = path.as_os_str() == "-";
        stdin_is_named |= is_stdin;
        let (name, text) = match is_stdin {
            true => ("stdin".to_owned(), text_of_stdin(io)?),
            false => (path.display().to_string(), text_of_file(path)?),
        };
        parts.push(file(&name, &text));
    }
    if !(sources.no_stdin || stdin_is_named || io.stdin_is_terminal) {
        let text = text_of_stdin(io)?;
        // A pipe that gave nothing but line ends gave nothing.
        if !text.trim().is_empty() {
            parts.push(text);
        }
    }
    let words = sources.words.join(" ");
    if !words.trim().is_empty() {
        parts.push(words);
    }
    Ok((!parts.is_empty()).then(|| joined(parts)))
}

/// The parts with a blank line between two of them.
fn joined(parts: Vec<String>) -> String {
    let mut text = String::new();
    for part in parts {
        if !text.is_empty() {
            text.push_str(if text.ends_with('\n') { "\n" } else { "\n\n" });
        }
        text.push_str(&part);
    }
    text
}

/// A file's text with its name, in a fence that the text can't end: longer than any run of
/// backticks within.
fn fenced(name: &str, text: &str) -> String {
    let longest = text.split(|letter| letter != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    let end = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
    format!("{name}:\n{fence}\n{text}{end}{fence}\n")
}

fn text_of_file(path: &Path) -> Result<String, Failure> {
    let name = path.display();
    let bytes = std::fs::read(path)
        .map_err(|error| Failure::usage(format!("cannot read {name}: {}", reason(&error))))?;
    text(bytes, &name.to_string())
}

fn text_of_stdin(io: &mut Io) -> Result<String, Failure> {
    text(bytes_of_stdin(io)?, "standard input")
}

/// Standard input to its end; nothing if it was read before.
///
/// # Errors
/// Exit 2: it can't be read.
pub(crate) fn bytes_of_stdin(io: &mut Io) -> Result<Vec<u8>, Failure> {
    let Some(stdin) = io.stdin.take() else { return Ok(Vec::new()) };
    let bytes = if io.stdin_is_file || io.stdin_is_terminal {
        whole(stdin)
    } else {
        patiently(stdin, "; --no-stdin leaves it alone", io)
    };
    bytes.map_err(|error| Failure::usage(format!("cannot read standard input: {}", reason(&error))))
}

/// Bytes as text.
fn text(bytes: Vec<u8>, name: &str) -> Result<String, Failure> {
    let no_text = |offset: usize, what: &str| {
        Failure::usage(format!("{name} is no text: {what} at byte {offset}"))
            .hint("only UTF-8 text can be put into a prompt; `iconv -f GB18030 -t UTF-8` converts")
    };
    if let Some(offset) = memchr::memchr(0, &bytes) {
        return Err(no_text(offset, "there is a zero byte"));
    }
    String::from_utf8(bytes)
        .map_err(|error| no_text(error.utf8_error().valid_up_to(), "it is not UTF-8"))
}

fn whole(mut stdin: Box<dyn Read + Send + Sync>) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    stdin.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Reads to the end, and says after a silence what is waited for, with `remedy` behind it. A thread
/// reads, as a blocking read can't be left after a while.
fn patiently(
    stdin: Box<dyn Read + Send + Sync>,
    remedy: &str,
    io: &mut Io,
) -> std::io::Result<Vec<u8>> {
    let pieces = in_thread(stdin);
    let mut bytes = Vec::new();
    let mut has_told = false;
    loop {
        let piece = match has_told {
            true => pieces.recv().map_err(|_| RecvTimeoutError::Disconnected),
            false => pieces.recv_timeout(PATIENCE),
        };
        match piece {
            Ok(piece) => bytes.extend_from_slice(&piece?),
            Err(RecvTimeoutError::Disconnected) => return Ok(bytes),
            Err(RecvTimeoutError::Timeout) => {
                has_told = true;
                io.note(&format!("waiting for standard input to end{remedy}"));
            }
        }
    }
}

fn in_thread(mut stdin: Box<dyn Read + Send + Sync>) -> Receiver<std::io::Result<Vec<u8>>> {
    let (sender, receiver) = sync_channel(4);
    std::thread::spawn(move || {
        loop {
            let mut piece = vec![0; 64 * 1024];
            let read = stdin.read(&mut piece);
            let is_last = !matches!(read, Ok(1..));
            let piece = read.map(|length| {
                piece.truncate(length);
                piece
            });
            if sender.send(piece).is_err() || is_last {
                return;
            }
        }
    });
    receiver
}

#[cfg(test)]
mod tests {
    use super::*;

    fn io(stdin: &'static [u8]) -> Io {
        let mut io = Io::nowhere();
        io.stdin = Some(Box::new(stdin));
        io
    }

    fn made_of(words: &[&str], stdin: &'static [u8]) -> Result<String, String> {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        let sources = Sources { words: &words, files: &[], no_stdin: false };
        prompt(&sources, &mut io(stdin)).map_err(|failure| failure.message)
    }

    #[test]
    fn standard_input_stands_before_the_prompt() {
        assert_eq!(made_of(&["写一句", "话"], "差异\n".as_bytes()), Ok("差异\n\n写一句 话".into()));
        assert_eq!(made_of(&["a"], b"x"), Ok("x\n\na".into()));
        assert_eq!(made_of(&[], b"x\n"), Ok("x\n".into()));
        assert_eq!(made_of(&["a"], b"\n"), Ok("a".into()));
        assert!(made_of(&[], b"").is_err());
        assert!(made_of(&[""], b" ").is_err());
    }

    #[test]
    fn what_is_no_text_is_refused_with_its_place() {
        let words = made_of(&[], b"ab\xff").expect_err("is refused");
        assert_eq!(words, "standard input is no text: it is not UTF-8 at byte 2");
        assert!(made_of(&[], b"a\0b").is_err());
    }

    #[test]
    fn a_fence_cannot_be_broken_from_within() {
        assert_eq!(fenced("a.md", "```\nx\n```"), "a.md:\n````\n```\nx\n```\n````\n");
        assert_eq!(fenced("a", "你"), "a:\n```\n你\n```\n");
    }
}
