//! The pictures that an edit starts from: checked before anything is sent, read while they are.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use crate::error::{Failure, reason};
use crate::http::curl;
use crate::http::form::{BytePiece, FormPart, PartContent};
use crate::http::splice::SplicedFile;
use crate::input;
use crate::io::Io;
use crate::media::{self, FileFormat, FormatGroup, PICTURE_HEAD};
use crate::provider::shape::{BodyFile, FileRole};

/// The pictures of a request, and its mask.
#[derive(Debug, Default)]
pub(super) struct SourcePictures {
    pictures: Vec<SourcePicture>,
    mask: Option<SourcePicture>,
    /// One of them was standard input.
    pub(super) took_stdin: bool,
}

#[derive(Debug, Clone)]
struct SourcePicture {
    filename: String,
    format: FileFormat,
    piece: BytePiece,
}

impl SourcePictures {
    /// Looks at the pictures; `-` is standard input.
    ///
    /// # Errors
    /// Exit 2: a file that can't be read, is empty or is not a picture.
    pub(super) fn read(
        files: &[std::path::PathBuf],
        mask: Option<&Path>,
        io: &mut Io,
    ) -> Result<Self, Failure> {
        let mut sources = Self::default();
        for file in files {
            let source = sources.source(file, io)?;
            sources.pictures.push(source);
        }
        sources.mask = mask.map(|mask| sources.source(mask, io)).transpose()?;
        Ok(sources)
    }

    fn source(&mut self, path: &Path, io: &mut Io) -> Result<SourcePicture, Failure> {
        if path.as_os_str() != "-" {
            return of_file(path);
        }
        if self.took_stdin {
            return Err(Failure::usage("standard input can be only one of the pictures"));
        }
        self.took_stdin = true;
        let bytes = input::read_stdin(io)?;
        let format = picture_format("standard input", &bytes)?;
        let filename = format!("stdin.{}", format.ending());
        Ok(SourcePicture { filename, format, piece: BytePiece::Bytes(bytes.into()) })
    }

    /// Whether there is nothing to edit: a new picture is asked for.
    pub(super) fn is_empty(&self) -> bool {
        self.pictures.is_empty()
    }

    /// The parts of a form: one picture is `image`, several are `image[]` (the specification's
    /// multipart style), with their real types: `application/octet-stream` is refused.
    pub(super) fn parts(&self) -> Vec<FormPart> {
        let name = if self.pictures.len() == 1 { "image" } else { "image[]" };
        let pictures = self.pictures.iter().map(|source| (name, source));
        let all = pictures.chain(self.mask.iter().map(|mask| ("mask", mask)));
        all.map(|(name, source)| FormPart {
            name: name.to_owned(),
            content: PartContent::File {
                filename: source.filename.clone(),
                content_type: source.format.media_type().to_owned(),
                pieces: vec![source.piece.clone()],
            },
        })
        .collect()
    }

    /// The same for a body in a shape of the service's own.
    pub(super) fn attached(&self) -> Vec<BodyFile> {
        let pictures = self.pictures.iter().map(|source| (FileRole::Picture, source));
        let all = pictures.chain(self.mask.iter().map(|mask| (FileRole::Mask, mask)));
        all.map(|(role, source)| BodyFile {
            role,
            media_type: source.format.media_type().to_owned(),
            format: source.format.ending().to_owned(),
            insert: SplicedFile::new(vec![source.piece.clone()]),
        })
        .collect()
    }
}

fn of_file(path: &Path) -> Result<SourcePicture, Failure> {
    let name = path.display().to_string();
    let failed =
        |error: &std::io::Error| Failure::usage(format!("cannot read {name}: {}", reason(error)));
    let file = File::open(path).map_err(|error| failed(&error))?;
    let facts = file.metadata().map_err(|error| failed(&error))?;
    if facts.is_dir() {
        return Err(Failure::usage(format!("cannot read {name}: it is a directory")));
    }
    let filename =
        path.file_name().map_or_else(|| name.clone(), |name| name.to_string_lossy().into_owned());
    if !facts.is_file() {
        // A pipe can be read only once, and has no length to promise.
        let bytes = input::read_bounded(file, &name)?;
        let format = picture_format(&name, &bytes)?;
        return Ok(SourcePicture { filename, format, piece: BytePiece::Bytes(bytes.into()) });
    }
    let mut bytes = Vec::new();
    file.take(PICTURE_HEAD as u64).read_to_end(&mut bytes).map_err(|error| failed(&error))?;
    let format = picture_format(&name, &bytes)?;
    let piece = BytePiece::File { path: path.to_owned(), offset: 0, length: facts.len() };
    Ok(SourcePicture { filename, format, piece })
}

fn picture_format(name: &str, head: &[u8]) -> Result<FileFormat, Failure> {
    if head.is_empty() {
        return Err(Failure::usage(format!("{name} is empty")));
    }
    let found = media::sent_picture(head).filter(|format| *format != FileFormat::Svg);
    found.ok_or_else(|| match media::format_of(head) {
        Some(other) if other.group() == FormatGroup::Picture => {
            let words = other.words();
            Failure::usage(format!("{name} is {words}, and png, jpeg, webp, gif or avif is needed"))
                .hint(format!("`magick {} picture.png` converts it", curl::word(name)))
        }
        _ => Failure::usage(format!("{name} is not a picture (png, jpeg, webp, gif or avif)")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_number_of_pictures() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("图 1.txt");
        std::fs::write(&path, b"\xff\xd8\xff\xe0abc").expect("written");
        let names = |files: &[std::path::PathBuf], mask: Option<&Path>| -> Vec<String> {
            let sources = SourcePictures::read(files, mask, &mut Io::nowhere()).expect("readable");
            sources.parts().into_iter().map(|part| part.name).collect()
        };
        assert_eq!(names(std::slice::from_ref(&path), None), ["image"]);
        let both = [path.clone(), path.clone()];
        assert_eq!(names(&both, Some(&path)), ["image[]", "image[]", "mask"]);
        let source = of_file(&path).expect("readable");
        assert_eq!((source.format, &*source.filename), (FileFormat::Jpeg, "图 1.txt"));
    }
}
