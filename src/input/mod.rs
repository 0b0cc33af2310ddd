//! The input of a command: words, standard input, files and addresses. Knows no endpoint.

mod address;
mod attachment;
mod encoding;
mod field_texts;
mod folder;
mod frame;
mod item;
mod kind;
mod object;
pub(crate) mod rows;
pub(crate) mod stdin;
mod text;
pub(crate) mod texts;

use std::path::{Path, PathBuf};

use address::{is_url, parse_address};
use stdin::{STDIN, is_stdin};
use text::{check_length, fenced};

pub(crate) use text::read_bounded;

use crate::error::Failure;
use crate::http::form::BytePiece;
use crate::http::request::{Url, shown};
use crate::http::splice::SplicedFile;
use crate::io::Io;

pub(crate) use attachment::Attachment;
pub(crate) use field_texts::RowColumns;
pub(crate) use frame::{PromptFrame, PromptTemplate, TemplatePiece};
pub(crate) use item::InputItem;
pub(crate) use kind::AttachmentGroup;

/// Ends the line that tells that standard input is waited for.
const UNNAMED_REMEDY: &str = "; --no-stdin ignores it";

/// What a prompt is made of.
#[derive(Debug)]
pub(crate) struct InputSources<'a> {
    /// `-` alone is standard input.
    pub(crate) words: &'a [String],
    /// Files, folders and addresses to put before the prompt; `-` is standard input.
    pub(crate) files: &'a [PathBuf],
    /// Standard input is not read unless it is named.
    pub(crate) no_stdin: bool,
}

/// All input of a question, in the order in which it goes into the prompt.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct PromptInput {
    pub(crate) items: Vec<InputItem>,
    /// The text around the items' texts.
    pub(crate) frame: Option<PromptFrame>,
    /// The files of earlier questions, which are sent again with this one.
    pub(crate) earlier: Vec<SplicedFile>,
}

impl PromptInput {
    /// A text alone.
    pub(crate) fn of_text(text: &str) -> Self {
        Self { items: vec![InputItem::Text(text.to_owned())], ..Self::default() }
    }

    /// The texts, separated by blank lines, in their frame; empty if there is none.
    pub(crate) fn text(&self) -> String {
        let texts = self.items.iter().filter_map(|item| match item {
            InputItem::Text(text) => Some(text.clone()),
            _ => None,
        });
        self.framed(text::joined(texts))
    }

    /// Takes the texts out, as [`PromptInput::text`] gives them. [`PromptInput::put_text`] puts them
    /// back: a long text is not held twice.
    pub(crate) fn take_text(&mut self) -> String {
        let (texts, others) = std::mem::take(&mut self.items)
            .into_iter()
            .partition::<Vec<_>, _>(|item| matches!(item, InputItem::Text(_)));
        self.items = others;
        let texts = texts.into_iter().filter_map(|item| match item {
            InputItem::Text(text) => Some(text),
            _ => None,
        });
        let text = self.framed(text::joined(texts));
        self.frame = None;
        text
    }

    /// Puts a text behind the other items.
    pub(crate) fn put_text(&mut self, text: String) {
        self.items.push(InputItem::Text(text));
    }

    fn framed(&self, input: String) -> String {
        match &self.frame {
            Some(frame) => frame.around(&input),
            None => input,
        }
    }

    /// The pictures, recordings and documents.
    pub(crate) fn attachments(&self) -> impl Iterator<Item = &Attachment> {
        self.items.iter().filter_map(|item| match item {
            InputItem::Attachment(attachment) => Some(attachment),
            _ => None,
        })
    }

    /// The first address that has not been fetched yet.
    pub(crate) fn address(&self) -> Option<&Url> {
        self.items.iter().find_map(|item| match item {
            InputItem::Address(url) => Some(url),
            _ => None,
        })
    }
}

impl InputSources<'_> {
    /// Whether standard input is read without being named by a `-f -`.
    fn reads_stdin(&self, io: &Io) -> bool {
        let is_file = self.files.iter().any(|path| is_stdin(path));
        let is_wanted = self.names_stdin() || !(self.no_stdin || io.stdin_is_terminal);
        is_wanted && !is_file
    }

    /// Whether one of the words is a `-`, which stands for standard input.
    fn names_stdin(&self) -> bool {
        self.words.iter().any(|word| word == "-")
    }

    /// The words, joined by spaces, without a `-`.
    fn joined_words(&self) -> String {
        let words: Vec<&str> =
            self.words.iter().map(String::as_str).filter(|word| *word != "-").collect();
        words.join(" ")
    }

    /// Warns where standard input is probably the list that a loop of a shell reads from: a file of
    /// which something was read before.
    fn warn_of_shared_stdin(&self, io: &Io) {
        if io.stdin_was_read && !self.joined_words().is_empty() {
            io.warn(
                "standard input is a file that another program has begun to read; the rest of it goes before the prompt. In a loop over its lines use --no-stdin",
            );
        }
    }
}

/// Reads a prompt: the files with their names, standard input, the words.
///
/// # Errors
/// Exit 2: no prompt at all, a file that can't be read, or one that can't go into a request.
pub(crate) fn read_prompt(sources: &InputSources<'_>, io: &mut Io) -> Result<PromptInput, Failure> {
    let input = read_optional_prompt(sources, io)?;
    if input.items.is_empty() {
        return Err(Failure::usage("there is no prompt and no input")
            .hint("give it as an argument or through a pipe: llm chat \"hello\""));
    }
    Ok(input)
}

/// [`read_prompt`] where no input at all is allowed.
///
/// # Errors
/// Exit 2: a file that can't be read, or one that can't go into a request.
pub(crate) fn read_optional_prompt(
    sources: &InputSources<'_>,
    io: &mut Io,
) -> Result<PromptInput, Failure> {
    let mut items = Vec::new();
    for path in sources.files {
        items.extend(read_items(path, io)?);
    }
    if sources.reads_stdin(io) {
        sources.warn_of_shared_stdin(io);
        items.extend(read_unnamed_stdin(io)?);
    }
    let words = sources.joined_words();
    if !words.trim().is_empty() {
        items.push(InputItem::Text(words));
    }
    let length = items.iter().map(|item| match item {
        InputItem::Text(text) => text.len(),
        _ => 0,
    });
    check_length(length.sum(), "the prompt")?;
    Ok(PromptInput { items, ..PromptInput::default() })
}

/// Reads a file of an earlier question again. `given` is the name that the user had for it.
///
/// # Errors
/// As those of [`read_prompt`] for a file.
pub(crate) fn read_kept_file(path: &Path, given: &str, io: &Io) -> Result<InputItem, Failure> {
    item::read_file(path, given, io)
}

/// Fails for a file that [`read_kept_file`] would fail for; nothing of it is kept or said.
///
/// # Errors
/// As [`read_kept_file`].
pub(crate) fn check_kept_file(path: &Path, given: &str) -> Result<(), Failure> {
    item::check_file(path, given)
}

/// Bytes that nobody has as a file, as an attachment with this name and the ending of its format; `None`
/// if they can't be one.
pub(crate) fn attachment_of_bytes(stem: &str, bytes: Vec<u8>) -> Option<Attachment> {
    let head = &bytes[..bytes.len().min(kind::HEAD_BYTES)];
    let format = attachment::detect_format(stem, head).ok().flatten()?;
    let name = format!("{stem}.{}", format.name());
    Some(attachment::new(&name, format, BytePiece::Bytes(bytes.into())))
}

/// Reads a text to be spoken: files, standard input and words, without names and fences.
///
/// # Errors
/// Exit 2: no text at all, a file that can't be read, or one that is not text.
pub(crate) fn read_speech_text(sources: &InputSources<'_>, io: &mut Io) -> Result<String, Failure> {
    let mut parts = Vec::new();
    for path in sources.files {
        parts.push(match is_stdin(path) {
            true => text::decoded(read_stdin(io)?, STDIN)?.told(STDIN, io),
            false => text::read_file(path)?.told(&path.display().to_string(), io),
        });
    }
    if sources.reads_stdin(io) {
        sources.warn_of_shared_stdin(io);
        parts.push(text::decoded(read_stdin(io)?, STDIN)?.told(STDIN, io));
    }
    parts.push(sources.joined_words());
    parts.retain(|part| !part.trim().is_empty());
    if parts.is_empty() {
        return Err(Failure::usage("there is no text to speak")
            .hint("give it as an argument or through a pipe: llm speak -o hello.mp3 \"hello\""));
    }
    check_length(parts.iter().map(String::len).sum(), "the text to speak")?;
    Ok(text::joined(parts))
}

/// The text to be spoken that stands before and behind standard input, and whether that is part of it.
/// Standard input is not read: it is to be taken as it comes.
///
/// # Errors
/// Exit 2: a file that can't be read, or one that is not text.
pub(crate) fn read_speech_around_stdin(
    sources: &InputSources<'_>,
    io: &Io,
) -> Result<(String, String, bool), Failure> {
    let (mut before, mut behind) = (Vec::new(), Vec::new());
    let mut reads_stdin = false;
    for path in sources.files {
        if is_stdin(path) {
            reads_stdin = true;
            continue;
        }
        let text = text::read_file(path)?.told(&path.display().to_string(), io);
        if reads_stdin { behind.push(text) } else { before.push(text) }
    }
    if sources.reads_stdin(io) {
        sources.warn_of_shared_stdin(io);
        reads_stdin = true;
    }
    behind.push(sources.joined_words());
    let whole = |mut parts: Vec<String>| {
        parts.retain(|part| !part.trim().is_empty());
        text::joined(parts)
    };
    Ok((whole(before), whole(behind), reads_stdin))
}

/// Reads standard input to its end; nothing if it was read before.
///
/// # Errors
/// Exit 2: it can't be read.
pub(crate) fn read_stdin(io: &mut Io) -> Result<Vec<u8>, Failure> {
    Ok(stdin::read_to_end(io, UNNAMED_REMEDY)?.unwrap_or_default())
}

/// Gives the bytes of standard input to `each` as they come, to their end. False if it was read before.
///
/// # Errors
/// Exit 2: it can't be read; and those of `each`.
pub(crate) fn copy_stdin(
    io: &mut Io,
    each: &mut dyn FnMut(&[u8]) -> Result<(), Failure>,
) -> Result<bool, Failure> {
    stdin::copy(io, each)
}

/// The content of an address, as an item that can go into a request.
///
/// # Errors
/// Exit 2: it is empty, or can't go into a request.
pub(crate) fn fetched_item(url: &Url, content: Vec<u8>, io: &Io) -> Result<InputItem, Failure> {
    let name = shown(url);
    item::from_bytes(&name, content, |text| fenced(&name, text), io)
}

/// Reads what a `-f` names: a file, the text files of a folder, standard input for `-`, or an address,
/// which is fetched later. The content decides what it is, not the name.
fn read_items(path: &Path, io: &mut Io) -> Result<Vec<InputItem>, Failure> {
    if is_stdin(path) {
        let bytes = stdin::read_to_end(io, UNNAMED_REMEDY)?.ok_or_else(|| {
            Failure::usage("standard input is named twice, but can be read only once")
        })?;
        // In the prompt it has the name that other tools use.
        return Ok(vec![item::from_bytes(STDIN, bytes, |text| fenced("stdin", text), io)?]);
    }
    if let Some(typed) = path.to_str().filter(|typed| is_url(typed)) {
        return Ok(vec![InputItem::Address(parse_address(typed)?)]);
    }
    if path.is_dir() {
        return Ok(folder::texts(path, io)?.into_iter().map(InputItem::Text).collect());
    }
    Ok(vec![item::read_file(path, &path.display().to_string(), io)?])
}

/// Reads standard input that is not named. Its text has no name and no fence in the prompt.
fn read_unnamed_stdin(io: &mut Io) -> Result<Option<InputItem>, Failure> {
    let bytes = read_stdin(io)?;
    let behind_mark = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&bytes);
    if behind_mark.trim_ascii().is_empty() {
        return Ok(None);
    }
    let item = item::from_bytes(STDIN, bytes, |text| text, io)?;
    let is_blank = matches!(&item, InputItem::Text(text) if text.trim().is_empty());
    Ok((!is_blank).then_some(item))
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
        let item = fetched_item(given.address().expect("one"), "正文".into(), &Io::nowhere())
            .expect("text");
        assert!(matches!(item, InputItem::Text(text) if text.starts_with("https://h.example/")));
        assert!(is_url("http://a") && !is_url("http.txt") && !is_url("ftp://a") && !is_url("图"));
    }
}
