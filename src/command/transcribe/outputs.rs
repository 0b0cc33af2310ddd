//! Where transcripts go, and in which form: told by `--format`, `-o` and its ending.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::inputs::Input;
use crate::cli::transcribe::{Format, TranscribeArgs};
use crate::error::{Failure, Kind};
use crate::io::Io;
use crate::output::file::OutputFile;
use crate::output::sink::Sink;
use crate::output::text::TextWriter;
use crate::sanitize;

/// The form of the transcript, and whether the user named it (by `--format` or an ending).
///
/// # Errors
/// Exit 2: the two contradict each other, or `--json`.
pub(super) fn format(args: &TranscribeArgs, json: bool) -> Result<(Format, bool), Failure> {
    let output = args.output.as_deref().filter(|path| path.as_os_str() != "-");
    let ending = output.filter(|path| !is_folder(path)).and_then(of_ending);
    let is_same =
        |format: Format| ending.is_none_or(|of_file| ending_of(of_file) == ending_of(format));
    if let (Some(format), Some(path)) = (args.format.filter(|format| !is_same(*format)), output) {
        let words =
            format!("--format {} and -o {} contradict each other", name(format), path.display());
        return Err(Failure::usage(words)
            .hint(format!("leave one out, or name a file that ends in .{}", ending_of(format))));
    }
    let chosen = args.format.or(ending);
    if json && let Some(format @ (Format::Srt | Format::Vtt)) = chosen {
        let words = format!("--json and subtitles ({}) contradict each other", name(format));
        return Err(
            Failure::usage(words).hint("`--json --format verbose_json` prints the times as JSON")
        );
    }
    Ok((chosen.unwrap_or(Format::Text), chosen.is_some()))
}

fn of_ending(path: &Path) -> Option<Format> {
    match path.extension()?.to_string_lossy().to_lowercase().as_str() {
        "txt" => Some(Format::Text),
        "json" => Some(Format::Json),
        "srt" => Some(Format::Srt),
        "vtt" => Some(Format::Vtt),
        _ => None,
    }
}

fn ending_of(format: Format) -> &'static str {
    match format {
        Format::Text => "txt",
        Format::Json | Format::VerboseJson => "json",
        Format::Srt => "srt",
        Format::Vtt => "vtt",
    }
}

/// As the command line has it.
pub(super) fn name(format: Format) -> &'static str {
    match format {
        Format::VerboseJson => "verbose_json",
        Format::Text => "text",
        other => ending_of(other),
    }
}

fn is_folder(path: &Path) -> bool {
    path.is_dir() || path.as_os_str().to_string_lossy().ends_with(['/', std::path::MAIN_SEPARATOR])
}

/// Where the transcripts of a run go.
#[derive(Debug)]
pub(super) struct Outputs {
    place: Place,
    /// Each transcript on standard output stands under its name.
    has_headings: bool,
    /// Several transcripts follow each other on standard output: each ends its line.
    pub(super) is_shared: bool,
    any_shown: bool,
}

#[derive(Debug)]
enum Place {
    Stdout,
    File(PathBuf),
    Folder { folder: PathBuf, ending: &'static str },
}

impl Outputs {
    /// Settles where each transcript goes. `is_json`: what is printed is JSON, which headings would
    /// spoil.
    ///
    /// # Errors
    /// Exit 2 where two transcripts would meet in one file, or one would replace its own sound.
    pub(super) fn settle(
        output: Option<&Path>,
        inputs: &[Input],
        is_many: bool,
        format: Format,
        is_json: bool,
    ) -> Result<Self, Failure> {
        let ending = if is_json { "json" } else { ending_of(format) };
        let place = match output {
            None => Place::Stdout,
            Some(path) if path.as_os_str() == "-" => Place::Stdout,
            Some(path) if is_folder(path) => Place::Folder { folder: path.to_owned(), ending },
            Some(path) if is_many => {
                let words = format!("-o {} is one file for several transcripts", path.display());
                return Err(Failure::usage(words).hint("name a folder that exists: -o FOLDER/"));
            }
            Some(path) => Place::File(path.to_owned()),
        };
        let is_stdout = matches!(place, Place::Stdout);
        let outputs = Self {
            place,
            has_headings: is_many && is_stdout && !is_json,
            is_shared: is_many && is_stdout,
            any_shown: false,
        };
        outputs.refuse_collisions(inputs)?;
        Ok(outputs)
    }

    fn refuse_collisions(&self, inputs: &[Input]) -> Result<(), Failure> {
        let mut taken: HashMap<PathBuf, String> = HashMap::new();
        for input in inputs {
            let Some(target) = self.target(input) else { continue };
            let real = |path: &Path| std::fs::canonicalize(path).ok();
            if !input.is_stdin && real(&target).is_some_and(|file| Some(file) == real(&input.path))
            {
                let words =
                    format!("the transcript would replace the sound itself, {}", input.name());
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

    fn target(&self, input: &Input) -> Option<PathBuf> {
        match &self.place {
            Place::Stdout => None,
            Place::File(path) => Some(path.clone()),
            Place::Folder { folder, ending } => {
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
    pub(super) fn try_out(&self, inputs: &[Input]) -> Result<(), Failure> {
        if let Place::Folder { folder, .. } = &self.place
            && !folder.is_dir()
        {
            let words = format!("cannot write into {}: there is no such folder", folder.display());
            return Err(Failure::new(Kind::Other, words));
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
    pub(super) fn open(&self, input: &Input) -> Result<Paper, Failure> {
        let sink = Sink::open(self.target(input).as_deref())?;
        let heading = self.has_headings.then(|| {
            let gap = if self.any_shown { "\n" } else { "" };
            // A name with a line end would look like two lines.
            format!("{gap}==> {} <==\n", sanitize::one_line(&input.name()))
        });
        let is_stdout = matches!(sink, Sink::Stdout);
        Ok(Paper { writer: TextWriter::new(sink), heading, is_stdout, is_touched: false })
    }

    /// Something of a transcript was shown, so that the next one needs a gap.
    pub(super) fn was_shown(&mut self, paper_is_touched: bool) {
        self.any_shown |= paper_is_touched;
    }
}

/// One transcript's place, with its heading.
#[derive(Debug)]
pub(super) struct Paper {
    writer: TextWriter,
    heading: Option<String>,
    is_stdout: bool,
    is_touched: bool,
}

impl Paper {
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
    /// As [`Paper::write`].
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
