//! Output that can be written only when all of it is known: kept in a temporary file until then.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use super::part;
use super::sink::Sink;
use crate::error::{Failure, FailureKind, reason};
use crate::io::Io;
use crate::private;

/// How much is copied at once.
const COPY_SIZE: usize = 256 * 1024;

/// A temporary file, removed when the value is dropped.
#[derive(Debug)]
pub(crate) struct Spool {
    file: File,
    folder: String,
    /// Absent where the name could be removed while the file is open.
    path: Option<PathBuf>,
}

impl Spool {
    /// An empty spool in the folder for temporary files.
    ///
    /// # Errors
    /// Exit 1: no file can be created in the folder.
    pub(crate) fn open(io: &Io) -> Result<Self, Failure> {
        let folder = io.temporary_folder();
        let shown = folder.display().to_string();
        let (file, path) = create(&folder).map_err(|error| cannot_write(&shown, &error))?;
        // Except on Windows an open file outlives its name. So nothing is left even if the process is
        // killed.
        let path =
            if cfg!(unix) && std::fs::remove_file(&path).is_ok() { None } else { Some(path) };
        Ok(Self { file, folder: shown, path })
    }

    /// Appends bytes.
    ///
    /// # Errors
    /// Exit 1: a full disk, say.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.file.write_all(bytes).map_err(|error| cannot_write(&self.folder, &error))
    }

    /// A second handle on the file. Both have one position: what is read must be read by its place.
    ///
    /// # Errors
    /// Exit 1: the system gives no handle.
    pub(crate) fn handle(&self) -> Result<File, Failure> {
        self.file.try_clone().map_err(|error| cannot_write(&self.folder, &error))
    }

    /// Overwrites the first bytes with `start` and writes everything to the sink.
    ///
    /// # Errors
    /// Exit 1, and those of the sink.
    pub(crate) fn write_to(
        mut self,
        start: &[u8],
        sink: &mut Sink,
        io: &mut Io,
    ) -> Result<(), Failure> {
        let file = &mut self.file;
        let rewritten = (file.seek(SeekFrom::Start(0)))
            .and_then(|_| file.write_all(start))
            .and_then(|()| file.seek(SeekFrom::Start(0)));
        rewritten.map_err(|error| cannot_write(&self.folder, &error))?;
        let mut piece = vec![0; COPY_SIZE];
        loop {
            match self.file.read(&mut piece) {
                Ok(0) => return Ok(()),
                Ok(length) => sink.write(&piece[..length], io)?,
                Err(error) => return Err(cannot_write(&self.folder, &error)),
            }
        }
    }
}

impl Drop for Spool {
    fn drop(&mut self) {
        if let Some(path) = &self.path {
            let _ = std::fs::remove_file(path);
        }
    }
}

fn create(folder: &Path) -> std::io::Result<(File, PathBuf)> {
    part::create(folder, "tmp", private::file().read(true).write(true))
}

fn cannot_write(folder: &str, error: &std::io::Error) -> Failure {
    let message = format!("cannot keep a temporary file in {folder}: {}", reason(error));
    Failure::new(FailureKind::Other, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn everything_is_passed_on_with_its_new_start() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut io = Io::nowhere();
        let name = folder.path().display().to_string();
        io.env = crate::io::Env::Table(BTreeMap::from([("TMPDIR".to_owned(), name)]));
        let mut spool = Spool::open(&io).expect("opens");
        let body = "向量".repeat(COPY_SIZE);
        spool.write(b"????").expect("written");
        spool.write(body.as_bytes()).expect("written");
        let target = folder.path().join("out");
        let mut sink = Sink::open(Some(&target)).expect("opens");
        spool.write_to(b"HEAD", &mut sink, &mut io).expect("passes on");
        sink.commit().expect("commits");
        let written = std::fs::read_to_string(&target).expect("is text");
        assert!(written == format!("HEAD{body}"));
        assert_eq!(std::fs::read_dir(folder.path()).expect("readable").count(), 1);
    }
}
