//! Where transcripts go, and in which form: told by `--format`, `-o` and its ending.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::inputs::AudioInput;
use super::options::{TranscribeOptions, is_folder};
use crate::error::{Failure, FailureKind};
use crate::io::Io;
use crate::output::file::OutputFile;
use crate::output::sink::Sink;
use crate::output::text::TextWriter;
use crate::sanitize;

/// Where the transcripts of a run go.
#[derive(Debug)]
pub(super) struct TranscriptOutputs {
    place: TranscriptTarget,
    /// Each transcript on standard output stands under its name.
    has_headings: bool,
    /// Several transcripts follow each other on standard output: each ends its line.
    pub(super) is_shared: bool,
    any_shown: bool,
}

#[derive(Debug)]
enum TranscriptTarget {
    Stdout,
    File(PathBuf),
    Folder { folder: PathBuf, ending: &'static str },
}

impl TranscriptOutputs {
    /// Settles where each transcript goes.
    ///
    /// # Errors
    /// Exit 2 where two transcripts would meet in one file, or one would replace its own sound.
    pub(super) fn settle(
        options: &TranscribeOptions,
        inputs: &[AudioInput],
    ) -> Result<Self, Failure> {
        let (is_many, is_json) = (options.is_many(), options.is_json());
        let ending = if is_json { "json" } else { options.format.ending() };
        let place = match options.output.as_deref() {
            None => TranscriptTarget::Stdout,
            Some(path) if path.as_os_str() == "-" => TranscriptTarget::Stdout,
            Some(path) if is_folder(path) => {
                TranscriptTarget::Folder { folder: path.to_owned(), ending }
            }
            Some(path) if is_many => {
                let words = format!("-o {} is one file for several transcripts", path.display());
                return Err(Failure::usage(words).hint("name a folder that exists: -o FOLDER/"));
            }
            Some(path) => TranscriptTarget::File(path.to_owned()),
        };
        let is_stdout = matches!(place, TranscriptTarget::Stdout);
        let outputs = Self {
            place,
            // Headings would spoil JSON.
            has_headings: is_many && is_stdout && !is_json,
            is_shared: is_many && is_stdout,
            any_shown: false,
        };
        outputs.refuse_collisions(inputs)?;
        Ok(outputs)
    }

    fn refuse_collisions(&self, inputs: &[AudioInput]) -> Result<(), Failure> {
        let mut taken: HashMap<PathBuf, String> = HashMap::new();
        for input in inputs {
            let Some(target) = self.target(input) else { continue };
            let real = |path: &Path| std::fs::canonicalize(path).ok();
            if !input.is_stdin && real(&target).is_some_and(|file| Some(file) == real(&input.path))
            {
                let words =
                    format!("the transcript would overwrite the recording, {}", input.name());
                return Err(Failure::usage(words));
            }
            if let Some(other) = taken.insert(target.clone(), input.name()) {
                let (name, target) = (input.name(), target.display());
                let words = format!("the transcripts of {other} and {name} would both be {target}");
                return Err(Failure::usage(words).hint("transcribe them in two runs"));
            }
        }
        Ok(())
    }

    /// The file that a transcript goes to; none on standard output.
    pub(super) fn target(&self, input: &AudioInput) -> Option<PathBuf> {
        match &self.place {
            TranscriptTarget::Stdout => None,
            TranscriptTarget::File(path) => Some(path.clone()),
            TranscriptTarget::Folder { folder, ending } => {
                let stem = input.path.file_stem().filter(|_| !input.is_stdin);
                let mut name = stem.unwrap_or("stdin".as_ref()).to_owned();
                name.push(format!(".{ending}"));
                Some(folder.join(name))
            }
        }
    }

    /// Makes sure that transcripts can be written, before anything is sent.
    ///
    /// # Errors
    /// Exit 1, with the reason.
    pub(super) fn try_out(&self, inputs: &[AudioInput]) -> Result<(), Failure> {
        if let TranscriptTarget::Folder { folder, .. } = &self.place
            && !folder.is_dir()
        {
            let words = format!("cannot write into {}: there is no such folder", folder.display());
            return Err(Failure::new(FailureKind::Other, words));
        }
        let target = inputs.first().and_then(|input| self.target(input));
        // Opening a device or a FIFO is no trial: somebody waits at its other end.
        let is_plain = |path: &PathBuf| {
            std::fs::metadata(path).map_or(true, |facts| facts.is_file() || facts.is_dir())
        };
        target.filter(is_plain).map(|target| OutputFile::open(&target)).transpose().map(|_| ())
    }

    /// Opens the place of one transcript.
    ///
    /// # Errors
    /// Exit 1 for a file that can't be written.
    pub(super) fn open(&self, input: &AudioInput) -> Result<TranscriptOutput, Failure> {
        let sink = Sink::open(self.target(input).as_deref())?;
        let heading = self.has_headings.then(|| {
            let gap = if self.any_shown { "\n" } else { "" };
            // A name with a line end would look like two lines.
            format!("{gap}==> {} <==\n", sanitize::one_line(&input.name()))
        });
        let is_stdout = matches!(sink, Sink::Stdout);
        Ok(TranscriptOutput {
            writer: TextWriter::new(sink),
            heading,
            is_stdout,
            is_touched: false,
        })
    }

    /// Something of a transcript was shown, so that the next one needs a gap.
    pub(super) fn was_shown(&mut self, paper_is_touched: bool) {
        self.any_shown |= paper_is_touched;
    }
}

/// One transcript's place, with its heading.
#[derive(Debug)]
pub(super) struct TranscriptOutput {
    writer: TextWriter,
    heading: Option<String>,
    is_stdout: bool,
    is_touched: bool,
}

impl TranscriptOutput {
    /// Writes bytes as they are (a terminal gets them made harmless), the heading first.
    ///
    /// # Errors
    /// A reader that went away, or a medium that takes no more.
    pub(super) fn write(&mut self, bytes: &[u8], io: &mut Io) -> Result<(), Failure> {
        if let Some(heading) = self.heading.take() {
            self.writer.write(&heading, io)?;
        }
        self.is_touched |= !bytes.is_empty();
        self.writer.write_bytes(bytes, io)
    }

    /// Ends the last line.
    ///
    /// # Errors
    /// As [`TranscriptOutput::write`].
    pub(super) fn end_line(&mut self, io: &mut Io) -> Result<(), Failure> {
        self.writer.end_line(io)
    }

    /// Whether the transcript goes to standard output.
    pub(super) fn is_stdout(&self) -> bool {
        self.is_stdout
    }

    /// Whether anything of the transcript was written.
    pub(super) fn is_touched(&self) -> bool {
        self.is_touched
    }

    /// The transcript is whole.
    ///
    /// # Errors
    /// A file that can't be renamed.
    pub(super) fn commit(mut self) -> Result<(), Failure> {
        self.writer.commit()
    }
}
