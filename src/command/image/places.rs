//! Where pictures go: standard output, the file that the user named, or one named after the prompt.
//! A picture is written beside its place and takes it only once it is known to be one.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};

use crate::error::Failure;
use crate::io::Io;
use crate::media::{self, FileFormat, PICTURE_HEAD};
use crate::output::file::OutputFile;
use crate::output::naming::{name_from_text, numbered_path};
use crate::output::sink::to_stdout;

/// How many files are opened before anything is sent; a process may not open any number of them.
const FILES_AHEAD: usize = 64;

/// The name where the prompt has no letter.
const DEFAULT_NAME: &str = "image";

/// The places of a run's pictures.
pub(super) struct PictureTargets {
    place: PictureTarget,
    /// How many pictures were asked for.
    number: usize,
    /// Files that are open already: the ones of the first pictures.
    ready: VecDeque<(usize, OutputFile)>,
    /// A device or a FIFO, which takes all pictures, one behind the other.
    direct: Option<OutputFile>,
}

#[derive(Debug)]
enum PictureTarget {
    Stdout,
    Named(PathBuf),
    Prompt(String),
}

/// A picture that is being written.
pub(super) struct OpenPicture {
    index: usize,
    body: PictureBytes,
    /// Its first bytes.
    head: Vec<u8>,
    /// How many bytes it has so far.
    pub(super) length: u64,
    /// Its text was base64.
    pub(super) is_decoded: bool,
}

enum PictureBytes {
    Memory(Vec<u8>),
    File(OutputFile),
}

/// A picture in its place.
#[derive(Debug)]
pub(super) struct WrittenPicture {
    /// The file, if it has a name.
    pub(super) path: Option<PathBuf>,
    /// The bytes, where they were in memory.
    pub(super) bytes: Option<Vec<u8>>,
}

impl PictureTargets {
    /// Opens what can be opened before anything is sent.
    ///
    /// # Errors
    /// Exit 2: several pictures for a pipe. Exit 1: a file that can't be written.
    pub(super) fn open(
        output: Option<&Path>,
        prompt: &str,
        number: usize,
        io: &Io,
    ) -> Result<Self, Failure> {
        let place = match output {
            Some(path) if path.as_os_str() == "-" => PictureTarget::Stdout,
            Some(path) => PictureTarget::Named(path.to_owned()),
            None if io.stdout_is_terminal => {
                PictureTarget::Prompt(name_from_text(prompt, DEFAULT_NAME))
            }
            None => PictureTarget::Stdout,
        };
        let mut places = Self { place, number, ready: VecDeque::new(), direct: None };
        if matches!(places.place, PictureTarget::Stdout) {
            if number > 1 {
                let words = format!("{number} pictures can't go to standard output");
                return Err(Failure::usage(words).hint("name the files with -o FILE"));
            }
            return Ok(places);
        }
        if let PictureTarget::Named(path) = &places.place
            && OutputFile::is_device(path)?
        {
            places.direct = Some(OutputFile::open(path)?);
            return Ok(places);
        }
        for index in 0..number.min(FILES_AHEAD) {
            places.ready.push_back((index, places.file(index)?));
        }
        Ok(places)
    }

    /// Gives a picture another number, from 0: one before it did not come.
    pub(super) fn renumber(&self, picture: &mut OpenPicture, index: usize) {
        picture.index = index;
        if let (PictureTarget::Named(path), PictureBytes::File(file)) =
            (&self.place, &mut picture.body)
        {
            file.retarget(&self.path(path, index));
        }
    }

    /// Whether standard output takes the bytes of a picture.
    pub(super) fn is_stdout(&self) -> bool {
        matches!(self.place, PictureTarget::Stdout)
    }

    /// The picture with this number, from 0, with nothing in it.
    ///
    /// # Errors
    /// Exit 1: its file can't be written.
    pub(super) fn picture(&mut self, index: usize) -> Result<OpenPicture, Failure> {
        let body = if self.is_stdout() || self.direct.is_some() {
            PictureBytes::Memory(Vec::new())
        } else {
            let at = self.ready.iter().position(|(ready, _)| *ready == index);
            match at.and_then(|at| self.ready.remove(at)) {
                Some((_, file)) => PictureBytes::File(file),
                None => PictureBytes::File(self.file(index)?),
            }
        };
        Ok(OpenPicture { index, body, head: Vec::new(), length: 0, is_decoded: true })
    }

    fn file(&self, index: usize) -> Result<OutputFile, Failure> {
        match &self.place {
            PictureTarget::Named(path) => OutputFile::open(&self.path(path, index)),
            PictureTarget::Prompt(_) | PictureTarget::Stdout => OutputFile::open_in(Path::new(".")),
        }
    }

    /// The name of the picture with this number: a single one has the user's own.
    fn path(&self, path: &Path, index: usize) -> PathBuf {
        if self.number == 1 && index == 0 {
            path.to_owned()
        } else {
            numbered_path(path, index + 1)
        }
    }

    /// The name that the user gave for a picture, if they gave one for a regular file.
    pub(super) fn named(&self, picture: &OpenPicture) -> Option<PathBuf> {
        match (&self.place, &picture.body) {
            (PictureTarget::Named(path), PictureBytes::File(_)) => {
                Some(self.path(path, picture.index))
            }
            _ => None,
        }
    }

    /// Puts a picture of this format into its place.
    ///
    /// # Errors
    /// Exit 1: it can't be written. A reader that went away.
    pub(super) fn keep(
        &mut self,
        picture: OpenPicture,
        format: FileFormat,
        io: &mut Io,
    ) -> Result<WrittenPicture, Failure> {
        let named = self.named(&picture);
        let file = match picture.body {
            PictureBytes::Memory(bytes) => {
                match &mut self.direct {
                    Some(device) => device.write(&bytes)?,
                    None => to_stdout(&bytes, io)?,
                }
                return Ok(WrittenPicture { path: None, bytes: Some(bytes) });
            }
            PictureBytes::File(file) => file,
        };
        let path = match (&self.place, named) {
            (PictureTarget::Prompt(stem), _) => {
                file.commit_new(self.names(stem, format.ending(), picture.index))?
            }
            (_, Some(path)) => {
                file.commit()?;
                path
            }
            // Memory is all that standard output is written from.
            (_, None) => return Ok(WrittenPicture { path: None, bytes: None }),
        };
        Ok(WrittenPicture { path: Some(path), bytes: None })
    }

    /// Names after the prompt, in the order in which they are tried: `猫.png`, `猫-2.png` …, for
    /// several pictures with a number, its own first.
    fn names(&self, stem: &str, ending: &str, index: usize) -> impl Iterator<Item = PathBuf> {
        let path = PathBuf::from(format!("{stem}.{ending}"));
        let bare = (self.number == 1).then(|| path.clone());
        let first = if self.number == 1 { index.max(1) + 1 } else { index + 1 };
        bare.into_iter().chain((first..100_000).map(move |number| numbered_path(&path, number)))
    }
}

impl OpenPicture {
    /// Adds bytes.
    ///
    /// # Errors
    /// Exit 1: a full disk, say.
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        let room = PICTURE_HEAD - self.head.len();
        self.head.extend_from_slice(&bytes[..bytes.len().min(room)]);
        self.length += bytes.len() as u64;
        match &mut self.body {
            PictureBytes::Memory(memory) => {
                memory.extend_from_slice(bytes);
                Ok(())
            }
            PictureBytes::File(file) => file.write(bytes),
        }
    }

    /// What kind of picture it is.
    ///
    /// # Errors
    /// None at all, in words.
    pub(super) fn kind(&self) -> Result<FileFormat, String> {
        if !self.is_decoded {
            return Err("is not valid base64".to_owned());
        }
        if self.head.is_empty() {
            return Err("has 0 bytes".to_owned());
        }
        media::sent_picture(&self.head).ok_or_else(|| {
            let text = String::from_utf8_lossy(&self.head);
            let is_text =
                !text.contains(|c: char| c == '\u{fffd}' || (c.is_control() && c != '\n'));
            let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
            let begin = if is_text { format!("; it begins `{words}`") } else { String::new() };
            format!("is not a picture{begin}")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_single_picture_has_the_name_itself() {
        let places = |number| PictureTargets {
            place: PictureTarget::Prompt("猫".to_owned()),
            number,
            ready: VecDeque::new(),
            direct: None,
        };
        let names =
            |number| -> Vec<PathBuf> { places(number).names("猫", "png", 0).take(2).collect() };
        assert_eq!(names(1), [Path::new("猫.png"), Path::new("猫-2.png")]);
        assert_eq!(names(2), [Path::new("猫-1.png"), Path::new("猫-2.png")]);
        let path = Path::new("a/猫.png");
        assert_eq!(places(1).path(path, 0), path);
        assert_eq!(places(1).path(path, 1), Path::new("a/猫-2.png"));
        assert_eq!(places(3).path(path, 0), Path::new("a/猫-1.png"));
    }

    #[test]
    fn what_is_no_picture_is_said() {
        let kind = |bytes: &[u8]| {
            let body = PictureBytes::Memory(Vec::new());
            let mut picture =
                OpenPicture { index: 0, body, head: Vec::new(), length: 0, is_decoded: true };
            picture.write(bytes).expect("memory takes it");
            picture.kind()
        };
        assert_eq!(kind(b"GIF89a"), Ok(FileFormat::Gif));
        assert_eq!(kind(b""), Err("has 0 bytes".to_owned()));
        assert_eq!(
            kind(b"<html>\n 404"),
            Err("is not a picture; it begins `<html> 404`".to_owned())
        );
        assert_eq!(kind(b"\0\x01"), Err("is not a picture".to_owned()));
    }
}
