//! The pictures and sounds of an answer on their way to files: the one that the user named with `-o`, or
//! files named after the prompt. Each appears when it is whole, and no file is replaced that the user
//! did not name.

use std::path::{Path, PathBuf};

use crate::dialect::{MediaKind, MediaSource, ReplyMedia};
use crate::error::{Failure, FailureKind};
use crate::exchange::{Exchange, resolved};
use crate::http::request::shown;
use crate::io::Io;
use crate::output::file::OutputFile;
use crate::output::naming::{name_from_text, numbered_path};
use content::Content;

mod content;

/// The most bytes of one that is fetched.
const MAX_BYTES: usize = 100 << 20;

/// A picture or a sound that came, for the history.
#[derive(Debug)]
pub(super) struct MadeFile {
    /// The file that it went to.
    pub(super) name: String,
    pub(super) bytes: Vec<u8>,
}

/// Where the pictures and sounds of an answer go.
#[derive(Debug, Default)]
pub(super) struct MadeFiles {
    named: Option<NamedFile>,
}

/// The file that the user named; it takes what is of its kind.
#[derive(Debug)]
struct NamedFile {
    kind: MediaKind,
    path: PathBuf,
    file: Option<OutputFile>,
}

/// What a file's ending says that it is for; `None` for text. An SVG picture is text that models write.
pub(super) fn kind_of_file(path: &Path) -> Option<MediaKind> {
    let ending = path.extension()?.to_str()?.to_ascii_lowercase();
    match ending.as_str() {
        "png" | "jpg" | "jpeg" | "webp" | "gif" | "avif" => Some(MediaKind::Picture),
        "mp3" | "opus" | "ogg" | "oga" | "aac" | "flac" | "wav" | "pcm" | "m4a" => {
            Some(MediaKind::Sound)
        }
        _ => None,
    }
}

fn word(kind: MediaKind) -> &'static str {
    match kind {
        MediaKind::Picture => "picture",
        MediaKind::Sound => "sound",
    }
}

impl MadeFiles {
    /// Opens the file that the user named for pictures or sounds, if there is one.
    ///
    /// # Errors
    /// Exit 1: it can't be written.
    pub(super) fn open(named: Option<&Path>) -> Result<Self, Failure> {
        let Some((path, kind)) = named.and_then(|path| Some((path, kind_of_file(path)?))) else {
            return Ok(Self::default());
        };
        let file = Some(OutputFile::open(path)?);
        Ok(Self { named: Some(NamedFile { kind, path: path.to_owned(), file }) })
    }

    /// Writes what came with an answer that is whole. One that fails does not stop the others.
    /// `wanted` is the format of sound that was asked for, `title` what files are named after.
    ///
    /// # Errors
    /// The class of the first failure, in the words of the last: what can't be fetched or read, a file
    /// that can't be written, nothing for the file that the user named.
    pub(super) async fn give(
        mut self,
        media: Vec<ReplyMedia>,
        wanted: Option<&str>,
        title: &str,
        made: &mut Vec<MadeFile>,
        exchange: &mut Exchange,
        io: &Io,
    ) -> Result<(), Failure> {
        let mut failures = Vec::new();
        let mut contents = Vec::new();
        for one in media {
            let (kind, stated) = (one.kind, content::stated(&one));
            let wanted = wanted.filter(|_| kind == MediaKind::Sound);
            match bytes(one.source, kind, exchange, io).await {
                Ok(bytes) => {
                    contents.push(Content::new(kind, bytes, stated.as_deref().or(wanted)));
                }
                Err(failure) if failure.is_silent() => return Err(failure),
                Err(failure) => failures.push(failure),
            }
        }
        self.write_all(contents, title, made, &mut failures, &exchange.provider.name, io);
        ended(failures, io)
    }

    /// Writes what came whole before an answer broke off, as far as no file was named for it and
    /// nothing has to be fetched.
    pub(super) fn rescue(
        media: Vec<ReplyMedia>,
        title: &str,
        made: &mut Vec<MadeFile>,
        name: &str,
        io: &Io,
    ) {
        let whole = media.into_iter().filter(|one| one.kind == MediaKind::Picture);
        let whole = whole.filter_map(|one| {
            let bytes = content::decoded(&one.source)?;
            Some(Content::new(one.kind, bytes, content::stated(&one).as_deref()))
        });
        let mut failures = Vec::new();
        Self::default().write_all(whole.collect(), title, made, &mut failures, name, io);
        failures.iter().for_each(|failure| io.say(&failure.message));
    }

    fn write_all(
        &mut self,
        contents: Vec<Content>,
        title: &str,
        made: &mut Vec<MadeFile>,
        failures: &mut Vec<Failure>,
        name: &str,
        io: &Io,
    ) {
        let named = self.named.as_ref().map(|named| named.kind);
        let count = |kind| contents.iter().filter(|content| content.kind == kind).count();
        let counts = [MediaKind::Picture, MediaKind::Sound].map(|kind| (kind, count(kind)));
        let of_kind = |kind| counts.iter().find(|(one, _)| *one == kind).map_or(0, |one| one.1);
        if let Some(kind) = named
            && of_kind(kind) == 0
            && failures.is_empty()
        {
            failures.push(nothing(kind, name));
        }
        let mut numbers = [0, 0];
        for content in contents {
            let number = &mut numbers[usize::from(content.kind == MediaKind::Sound)];
            *number += 1;
            let of = of_kind(content.kind);
            let written = match named == Some(content.kind) {
                true => self.write_named(&content, *number, of, io),
                false => write_derived(&content, title, *number, of, io),
            };
            let name = match written {
                Ok(path) => path.display().to_string(),
                Err(failure) => {
                    failures.push(failure);
                    word(content.kind).to_owned()
                }
            };
            made.push(MadeFile { name, bytes: content.bytes });
        }
    }

    /// Writes one to the file that the user named; of several each gets a number.
    fn write_named(
        &mut self,
        content: &Content,
        number: usize,
        of: usize,
        io: &Io,
    ) -> Result<PathBuf, Failure> {
        let Some(named) = &mut self.named else { return Ok(PathBuf::new()) };
        let path = if of == 1 { named.path.clone() } else { numbered_path(&named.path, number) };
        let ending = named.path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        if let Some(words) = content.contradicts(ending) {
            io.warn(&format!("{} is {words}, despite its ending", path.display()));
        }
        // A device takes all of them.
        if let Some(file) = named.file.as_mut().filter(|file| file.is_direct()) {
            file.write(&content.written(ending))?;
            return Ok(named.path.clone());
        }
        let mut file = match named.file.take() {
            Some(file) => file,
            None => OutputFile::open(&path)?,
        };
        file.retarget(&path);
        file.write(&content.written(ending))?;
        file.commit()?;
        if of > 1 {
            tell(content.kind, &path, io);
        }
        Ok(path)
    }
}

/// Writes one to a file of the current folder that is named after the prompt.
fn write_derived(
    content: &Content,
    title: &str,
    number: usize,
    of: usize,
    io: &Io,
) -> Result<PathBuf, Failure> {
    let kind = word(content.kind);
    let ending = content.ending();
    let path = PathBuf::from(format!("{}.{ending}", name_from_text(title, kind)));
    let bare = (of == 1).then(|| path.clone());
    let first = if of == 1 { 2 } else { number };
    let names = bare.into_iter().chain((first..100_000).map(|next| numbered_path(&path, next)));
    let mut file = OutputFile::open_in(Path::new("."))?;
    file.write(&content.written(ending))?;
    let path = file.commit_new(names)?;
    if !content.is_known() {
        let what = format!("{} is no {kind} that is known here", path.display());
        io.warn(&format!("{what}; it is written as it came"));
    }
    tell(content.kind, &path, io);
    Ok(path)
}

/// Says where one is: nobody could guess a name that was made up.
fn tell(kind: MediaKind, path: &Path, io: &Io) {
    io.say(&format!("the {} is in {}", word(kind), path.display()));
}

/// The bytes of one, wherever they are.
async fn bytes(
    source: MediaSource,
    kind: MediaKind,
    exchange: &mut Exchange,
    io: &Io,
) -> Result<Vec<u8>, Failure> {
    let refused = |what: &str| {
        let name = &exchange.provider.name;
        let message = format!("the {} from {name} {what}", word(kind));
        Failure::new(FailureKind::Refused, message)
    };
    if let Some(bytes) = content::decoded(&source) {
        return match bytes.is_empty() {
            true => Err(refused("has 0 bytes")),
            false => Ok(bytes),
        };
    }
    let MediaSource::Url(address) = source else {
        return Err(refused("is not valid base64"));
    };
    if content::is_data(&address) {
        return Err(refused("is not valid base64"));
    }
    let Some(url) = resolved(&address, &exchange.provider.base_url) else {
        return Err(refused("is at an address that can't be fetched"));
    };
    let too_large = format!("at {} is larger than {} MiB", shown(&url), MAX_BYTES >> 20);
    let too_large = refused(&too_large);
    let bytes = exchange.fetch(&url, MAX_BYTES, io).await?.ok_or(too_large)?;
    let content = Content::new(kind, bytes, None);
    // What a server sends in its place is mostly a page.
    if content.is_known() {
        return Ok(content.bytes);
    }
    let what = format!("what is at {} is not a {}", shown(&url), word(kind));
    Err(Failure::new(FailureKind::Refused, what))
}

fn nothing(kind: MediaKind, name: &str) -> Failure {
    let what = format!("the answer from {name} has no {}", word(kind));
    Failure::new(FailureKind::Refused, what).hint(match kind {
        MediaKind::Picture => {
            "a model that makes pictures may have to be asked for them: -O 'modalities=[\"image\",\"text\"]'"
        }
        MediaKind::Sound => {
            "a model that speaks may have to be asked to: -O 'modalities=[\"text\",\"audio\"]' -O 'audio={\"voice\":\"alloy\",\"format\":\"wav\"}'"
        }
    })
}

fn ended(mut failures: Vec<Failure>, io: &Io) -> Result<(), Failure> {
    let Some(last) = failures.pop() else { return Ok(()) };
    failures.iter().for_each(|failure| io.say(&failure.message));
    let kind = failures.first().map_or(last.kind, |first| first.kind);
    Err(Failure { kind, ..last })
}
