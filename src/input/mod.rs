//! What the user gives a command to work on: words, standard input, files and addresses. Knows no
//! endpoint.

mod address;
mod attachment;
mod folder;
mod frame;
mod item;
mod kind;
mod stdin;
mod text;
pub(crate) mod texts;

use std::path::{Path, PathBuf};

use address::{address, is_url};
use stdin::STDIN;

use crate::error::Failure;
use crate::http::request::{Url, shown};
use crate::http::splice::Insert;
use crate::io::Io;

pub(crate) use attachment::Attachment;
pub(crate) use frame::{PromptFrame, PromptTemplate};
pub(crate) use item::InputItem;
pub(crate) use kind::AttachmentGroup;

/// Where a prompt is made of.
#[derive(Debug)]
pub(crate) struct InputSources<'a> {
    pub(crate) words: &'a [String],
    /// Files, folders and addresses to put before the prompt; `-` is standard input.
    pub(crate) files: &'a [PathBuf],
    /// Do not read standard input.
    pub(crate) no_stdin: bool,
}

/// All that the user gave, in the order in which it goes into the prompt.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct PromptInput {
    pub(crate) items: Vec<InputItem>,
    /// What stands around the texts.
    pub(crate) frame: Option<PromptFrame>,
    /// What went along with earlier questions and is sent again with this one.
    pub(crate) earlier: Vec<Insert>,
}

impl PromptInput {
    /// A text and nothing else.
    pub(crate) fn of_text(text: &str) -> Self {
        Self { items: vec![InputItem::Text(text.to_owned())], ..Self::default() }
    }

    /// The texts with a blank line between two of them, in their frame; empty if there is none.
    pub(crate) fn text(&self) -> String {
        let input = text::joined(self.items.iter().filter_map(|item| match item {
            InputItem::Text(text) => Some(text.as_str()),
            _ => None,
        }));
        self.frame.as_ref().map_or_else(|| input.clone(), |frame| frame.around(&input))
    }

    /// The pictures, recordings and documents.
    pub(crate) fn attachments(&self) -> impl Iterator<Item = &Attachment> {
        self.items.iter().filter_map(|item| match item {
            InputItem::Attachment(attachment) => Some(attachment),
            _ => None,
        })
    }

    /// The first address that is still to be fetched.
    pub(crate) fn address(&self) -> Option<&Url> {
        self.items.iter().find_map(|item| match item {
            InputItem::Address(url) => Some(url),
            _ => None,
        })
    }
}

/// The prompt: the files with their names, standard input, the words.
///
/// # Errors
/// No prompt at all, a file that can't be read, or one that can't go into a request.
pub(crate) fn read_prompt(sources: &InputSources<'_>, io: &mut Io) -> Result<PromptInput, Failure> {
    let given = read_optional_prompt(sources, io)?;
    if given.items.is_empty() {
        return Err(Failure::usage("there is no prompt and no input")
            .hint("give it as an argument or through a pipe: llm chat \"hello\""));
    }
    Ok(given)
}

/// The same where it is not a mistake to give nothing.
///
/// # Errors
/// A file that can't be read, or one that can't go into a request.
pub(crate) fn read_optional_prompt(
    sources: &InputSources<'_>,
    io: &mut Io,
) -> Result<PromptInput, Failure> {
    let mut items = Vec::new();
    for path in sources.files {
        items.extend(file(path, io)?);
    }
    let stdin_is_named = sources.files.iter().any(|path| path.as_os_str() == "-");
    if !(sources.no_stdin || stdin_is_named || io.stdin_is_terminal) {
        items.extend(piped(io)?);
    }
    let words = sources.words.join(" ");
    if !words.trim().is_empty() {
        items.push(InputItem::Text(words));
    }
    Ok(PromptInput { items, ..PromptInput::default() })
}

/// A file that was kept, by the name that the user had for it.
///
/// # Errors
/// As those of a file that is named.
pub(crate) fn read_kept_file(path: &Path, given: &str) -> Result<InputItem, Failure> {
    item::called(path, given)
}

/// A text to be spoken: files, standard input and words, without names and fences.
///
/// # Errors
/// No text at all, a file that can't be read, or one that is no text.
pub(crate) fn read_speech_text(sources: &InputSources<'_>, io: &mut Io) -> Result<String, Failure> {
    let mut parts = Vec::new();
    for path in sources.files {
        parts.push(match path.as_os_str() == "-" {
            true => text::decoded(read_stdin(io)?, STDIN)?,
            false => text::of_file(path)?,
        });
    }
    let stdin_is_named = sources.files.iter().any(|path| path.as_os_str() == "-");
    if !(sources.no_stdin || stdin_is_named || io.stdin_is_terminal) {
        parts.push(text::decoded(read_stdin(io)?, STDIN)?);
    }
    parts.push(sources.words.join(" "));
    parts.retain(|part| !part.trim().is_empty());
    if parts.is_empty() {
        return Err(Failure::usage("there is no text to speak")
            .hint("give it as an argument or through a pipe: llm speak -o hello.mp3 \"hello\""));
    }
    Ok(text::joined(parts.iter().map(String::as_str)))
}

/// Standard input to its end; nothing if it was read before.
///
/// # Errors
/// Exit 2: it can't be read.
pub(crate) fn read_stdin(io: &mut Io) -> Result<Vec<u8>, Failure> {
    Ok(stdin::read(io)?.unwrap_or_default())
}

/// What a `-f` names: a file, the text files of a folder, an address to fetch, or `-` for standard
/// input. What it is, is told from its content.
///
/// # Errors
/// What is missing, unreadable or empty, and what can't go into a request.
pub(crate) fn file(path: &Path, io: &mut Io) -> Result<Vec<InputItem>, Failure> {
    if path.as_os_str() == "-" {
        let bytes = stdin::read(io)?.ok_or_else(|| {
            Failure::usage("standard input can be read only once, but is named twice")
        })?;
        // In the prompt it is called as in other tools.
        return Ok(vec![
            match attachment::known(STDIN, &bytes[..bytes.len().min(kind::HEAD_BYTES)])? {
                Some(_) => item::of_bytes(STDIN, bytes)?,
                None => InputItem::Text(text::fenced("stdin", &text::decoded(bytes, STDIN)?)),
            },
        ]);
    }
    if let Some(typed) = path.to_str().filter(|typed| is_url(typed)) {
        return Ok(vec![InputItem::Address(address(typed)?)]);
    }
    if path.is_dir() {
        return Ok(folder::texts(path, io)?.into_iter().map(InputItem::Text).collect());
    }
    Ok(vec![item::of_file(path)?])
}

/// The content of an address, as an item that can go into a request.
///
/// # Errors
/// As [`file`].
pub(crate) fn fetched_item(url: &Url, content: Vec<u8>) -> Result<InputItem, Failure> {
    item::of_bytes(&shown(url), content)
}

/// Standard input that was not asked for by name: it stands in the prompt as it is.
fn piped(io: &mut Io) -> Result<Option<InputItem>, Failure> {
    let bytes = stdin::read(io)?.unwrap_or_default();
    // A pipe that gave nothing but line ends gave nothing.
    if bytes.trim_ascii().is_empty() {
        return Ok(None);
    }
    Ok(Some(match attachment::known(STDIN, &bytes[..bytes.len().min(kind::HEAD_BYTES)])? {
        Some(_) => item::of_bytes(STDIN, bytes)?,
        None => {
            let text = text::decoded(bytes, STDIN)?;
            if text.trim().is_empty() {
                return Ok(None);
            }
            InputItem::Text(text)
        }
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn io(stdin: &'static [u8]) -> Io {
        let mut io = Io::nowhere();
        io.stdin = Some(Box::new(stdin));
        io
    }

    fn given(words: &[&str], files: &[&str], stdin: &'static [u8]) -> Result<PromptInput, String> {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        let files: Vec<PathBuf> = files.iter().map(PathBuf::from).collect();
        let sources = InputSources { words: &words, files: &files, no_stdin: false };
        read_prompt(&sources, &mut io(stdin)).map_err(|failure| failure.message)
    }

    fn made_of(words: &[&str], stdin: &'static [u8]) -> Result<String, String> {
        given(words, &[], stdin).map(|given| given.text())
    }

    #[test]
    fn standard_input_stands_before_the_prompt() {
        assert_eq!(made_of(&["写一句", "话"], "差异\n".as_bytes()), Ok("差异\n\n写一句 话".into()));
        assert_eq!(made_of(&["a"], b"x"), Ok("x\n\na".into()));
        assert_eq!(made_of(&[], b"x\n"), Ok("x\n".into()));
        assert_eq!(made_of(&["a"], b"\n"), Ok("a".into()));
        assert!(made_of(&[], b"").is_err());
        assert!(made_of(&[""], b" ").is_err());
        assert!(made_of(&[], "\u{3000}".as_bytes()).is_err());
    }

    #[test]
    fn standard_input_may_be_a_picture() {
        for files in [&["-"][..], &[]] {
            let given = given(&["看图"], files, b"\x89PNG\r\n\x1a\n\0").expect("taken");
            assert_eq!(given.text(), "看图");
            let formats: Vec<_> = given.attachments().map(|one| one.format.name()).collect();
            assert_eq!(formats, ["png"]);
        }
        assert!(given(&["a"], &["-", "-"], b"x").is_err_and(|words| words.contains("twice")));
    }

    #[test]
    fn an_address_is_told_by_its_scheme() {
        let given = given(&["读"], &["HTTPS://h.example/文.txt"], b"").expect("taken");
        assert_eq!(given.address().map(|url| url.scheme()), Some("https"));
        let item = fetched_item(given.address().expect("one"), "正文".into()).expect("text");
        assert!(matches!(item, InputItem::Text(text) if text.starts_with("https://h.example/")));
        assert!(is_url("http://a") && !is_url("http.txt") && !is_url("ftp://a") && !is_url("图"));
    }
}
