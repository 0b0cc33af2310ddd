//! The files to transcribe: looked at before anything is sent, and brought to the disk where they come
//! through a pipe.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::audio::upload::{self, AudioUpload};
use crate::command::scratch::ScratchFolder;
use crate::error::{self, Failure, reason};
use crate::exchange::Exchange;
use crate::input::stdin::SILENT_INPUT;
use crate::io::Io;
use crate::output::kept;

/// One thing to transcribe, as it was named.
#[derive(Debug, Clone)]
pub(super) struct AudioInput {
    pub(super) path: PathBuf,
    pub(super) is_stdin: bool,
    /// The facts of a regular file; what comes through a pipe is looked at when it is there.
    found: Option<(u64, AudioUpload)>,
}

/// What a sound without a name is called, before the ending of its kind.
const UNNAMED: &str = "audio";

/// A sound that lies on the disk.
#[derive(Debug)]
pub(super) struct AudioFile {
    pub(super) path: PathBuf,
    /// In bytes.
    pub(super) size: u64,
    pub(super) kind: AudioUpload,
    /// Holds what came through a pipe.
    _scratch: Option<ScratchFolder>,
}

fn head_of(source: impl Read) -> std::io::Result<Vec<u8>> {
    let mut head = Vec::new();
    source.take(upload::HEAD_BYTES as u64).read_to_end(&mut head)?;
    Ok(head)
}

impl AudioFile {
    /// What tells this recording from others: where it lies, its size and its time, or its bytes where
    /// it came through a pipe.
    pub(super) fn identity(&self) -> Option<String> {
        if self._scratch.is_some() {
            return kept::file_key(&self.path).ok();
        }
        let facts = std::fs::metadata(&self.path).ok()?;
        let path = std::fs::canonicalize(&self.path).ok()?;
        Some(format!("{} {} {:?}", path.display(), facts.len(), facts.modified().ok()?))
    }
}

impl AudioInput {
    /// Looks at what was named.
    ///
    /// # Errors
    /// Exit 2: it is missing, a directory, empty, not readable, or certainly no sound.
    pub(super) fn check(path: &Path, io: &Io) -> Result<Self, Failure> {
        let is_stdin = path.as_os_str() == "-";
        let mut input = Self { path: path.to_owned(), is_stdin, found: None };
        if is_stdin {
            return match io.stdin_is_terminal {
                true => Err(Failure::usage("standard input is a terminal, not audio")
                    .hint("name a file, or use a pipe: llm transcribe - < talk.mp3")),
                false => Ok(input),
            };
        }
        let facts = std::fs::metadata(path).map_err(|error| input.unreadable(&error))?;
        if facts.is_dir() {
            return Err(Failure::usage(format!("cannot read {}: it is a directory", input.name())));
        }
        if facts.is_file() {
            let kind = input.look(path, path)?;
            input.found = Some((facts.len(), kind));
        }
        Ok(input)
    }

    /// How messages and headings call it.
    pub(super) fn name(&self) -> String {
        if self.is_stdin { "standard input".into() } else { self.path.display().to_string() }
    }

    /// The kind of the sound in `path`; `named` is the name that it is known by.
    fn look(&self, path: &Path, named: &Path) -> Result<AudioUpload, Failure> {
        let head = File::open(path).and_then(head_of).map_err(|error| self.unreadable(&error))?;
        if head.is_empty() {
            return Err(Failure::usage(format!("{} is empty", self.name())));
        }
        self.kind_of(&head, named)
    }

    fn kind_of(&self, head: &[u8], named: &Path) -> Result<AudioUpload, Failure> {
        AudioUpload::of(named, head)
            .map_err(|what| Failure::usage(format!("{} is not audio: it is {what}", self.name())))
    }

    fn unreadable(&self, error: &std::io::Error) -> Failure {
        Failure::usage(format!("cannot read {}: {}", self.name(), reason(error)))
    }

    /// Looks at the beginning of what comes through standard input, and leaves the rest: enough to show the
    /// request. Where nothing comes it may come when the request is sent.
    ///
    /// # Errors
    /// Exit 2 as [`AudioInput::check`].
    pub(super) fn look_at_stdin(&mut self, io: &mut Io) -> Result<(), Failure> {
        let Some(stdin) = io.stdin.take() else { return Ok(()) };
        let head = head_of(stdin).map_err(|error| self.unreadable(&error))?;
        if !head.is_empty() {
            self.found = Some((0, self.kind_of(&head, Path::new(UNNAMED))?));
        }
        Ok(())
    }

    /// The sound of a regular file, or an empty stand-in where the file is not there yet.
    pub(super) fn sketch(&self) -> AudioFile {
        let unknown = || {
            (0, AudioUpload { filename: UNNAMED.into(), content_type: "application/octet-stream" })
        };
        let (size, kind) = self.found.clone().unwrap_or_else(unknown);
        AudioFile { path: self.path.clone(), size, kind, _scratch: None }
    }

    /// The sound on the disk: what comes through a pipe is copied there, so that its length is known
    /// and it can be sent again.
    ///
    /// # Errors
    /// Exit 2 as [`AudioInput::check`], exit 1 when the copy can't be written, an interruption.
    pub(super) async fn sound(
        &self,
        exchange: &mut Exchange,
        io: &mut Io,
    ) -> Result<AudioFile, Failure> {
        if self.found.is_some() {
            return Ok(self.sketch());
        }
        let scratch = ScratchFolder::new(&io.env)?;
        let target = scratch.file("sound")?;
        let stdin = if self.is_stdin { io.stdin.take() } else { None };
        let source = self.path.clone();
        let size = self.copy(exchange, io, move |copied| {
            let source: Box<dyn Read> = match stdin {
                Some(stdin) => stdin,
                None => Box::new(File::open(source)?),
            };
            copy(source, target, copied)
        });
        let size = size.await?;
        let path = scratch.path("sound");
        let named = self.path.file_name().filter(|_| self.path.extension().is_some());
        let kind = self.look(&path, named.map_or(Path::new(UNNAMED), Path::new))?;
        Ok(AudioFile { path, size, kind, _scratch: Some(scratch) })
    }

    /// Runs `work` in a thread, as a blocking read can't be left for an interruption.
    async fn copy(
        &self,
        exchange: &mut Exchange,
        io: &Io,
        work: impl FnOnce(&AtomicU64) -> Result<u64, CopyError> + Send + 'static,
    ) -> Result<u64, Failure> {
        let copied = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&copied);
        let mut work = tokio::task::spawn_blocking(move || work(&counted));
        let stderr = io.stderr.clone();
        let name = self.name();
        let patient = async move {
            tokio::select! {
                done = &mut work => return done,
                () = tokio::time::sleep(SILENT_INPUT) => {}
            }
            if copied.load(Ordering::Relaxed) == 0 {
                stderr.note(&format!("waiting for audio from {name}"));
            }
            work.await
        };
        match exchange.wait(patient).await? {
            Ok(Ok(size)) => Ok(size),
            Ok(Err(CopyError::Reading(error))) => Err(self.unreadable(&error)),
            Ok(Err(CopyError::Writing(error))) => {
                let words = format!("cannot keep {} on the disk: {}", self.name(), reason(&error));
                let hint = "TMPDIR names another folder for temporary files";
                Err(Failure::new(error::FailureKind::Other, words).hint(hint))
            }
            Err(_) => {
                let words = format!("reading {} ended early", self.name());
                Err(Failure::new(error::FailureKind::Other, words))
            }
        }
    }
}

enum CopyError {
    Reading(std::io::Error),
    Writing(std::io::Error),
}

impl From<std::io::Error> for CopyError {
    fn from(error: std::io::Error) -> Self {
        CopyError::Reading(error)
    }
}

/// Copies to the end; gives the number of bytes.
fn copy(mut source: Box<dyn Read>, mut target: File, copied: &AtomicU64) -> Result<u64, CopyError> {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let length = match source.read(&mut buffer) {
            Ok(0) => return Ok(copied.load(Ordering::Relaxed)),
            Ok(length) => length,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(CopyError::Reading(error)),
        };
        std::io::Write::write_all(&mut target, &buffer[..length]).map_err(CopyError::Writing)?;
        copied.fetch_add(length as u64, Ordering::Relaxed);
    }
}
