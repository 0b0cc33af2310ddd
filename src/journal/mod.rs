//! FILE.part: what a run has got so far, row by row, so that the same command goes on where an earlier
//! one ended, after `kill -9` as well. It knows neither what a row is nor what its answer means.
//!
//! The file begins with one line, `{"llm":1,"fingerprint":"…","model":"…"}`, and grows at its end only.
//! A finished row is a head, `{"row":N,"hash":"…","bytes":M}` and a line end, then M bytes of whatever
//! the run keeps for it, then a line end; the hash is that of the row's request. Whole rows are handed
//! to the system in one write, so that a process that is killed leaves whole rows and at most one torn
//! one, which is cut off. Nothing waits for the disk while the run is on its way: after a power cut the
//! newest rows may be missing, and are asked for again. A run that ends early waits for it once.
//!
//! A lock on the file keeps two runs apart. A file that does not begin with our first line is somebody
//! else's: it is neither read nor replaced nor removed.

mod form;
mod hash;
mod index;
mod lock;

use std::fs::File;
use std::io::{BufReader, ErrorKind, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub(crate) use form::KeptRow;
use form::{Copied, Head, Owner};
pub(crate) use hash::{Fingerprint, RowHash};
pub(crate) use index::FoundRow;
use index::RowIndex;
use lock::cannot_write;

use crate::error::{Failure, FailureKind, reason};
use crate::io::{PlacedReader, resolved};

/// How much is written at once, unless a single row is larger.
const WRITE_SIZE: usize = 256 * 1024;

/// A run's FILE.part, locked for this run. Dropping it leaves the file as it is.
#[derive(Debug)]
pub(crate) struct Journal {
    file: Arc<File>,
    path: PathBuf,
    /// For rows that are taken one by one.
    taking: Option<JournalReader>,
    /// Rows of earlier runs that were not taken yet.
    found: RowIndex,
    /// Rows of this run that stand in it.
    kept: u64,
}

/// With what a journal begins.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Begin {
    /// With what an earlier run left.
    GoOn,
    /// With nothing.
    Anew,
    /// With rows that are to be copied into it.
    Copy,
}

impl Journal {
    /// Whether there is a FILE.part beside `target` that holds more than rows which were being copied into
    /// it when a run was killed.
    pub(crate) fn has_begun(target: &Path) -> bool {
        let path = path_beside(target);
        // To open something else than a file may take for ever.
        if std::fs::metadata(&path).is_ok_and(|facts| !facts.is_file()) {
            return true;
        }
        let mut file = match File::open(&path) {
            Ok(file) => file,
            Err(error) => return error.kind() != ErrorKind::NotFound,
        };
        match form::owner(&mut file) {
            Ok(Owner::Nobody) => false,
            Ok(Owner::Ours(head, _)) => head.copy != Some(Copied::Begun),
            // Opening it tells what it is.
            Ok(Owner::Foreign) | Err(_) => true,
        }
    }

    /// Opens the journal of a run that writes `target`, and finds the rows that it has. With `fresh` what
    /// an earlier run left is forgotten.
    ///
    /// # Errors
    /// Exit 2: FILE.part is not ours, or that of another run. Exit 1: another run has it open now, or it
    /// can't be written.
    pub(crate) fn open(target: &Path, run: &Fingerprint, fresh: bool) -> Result<Self, Failure> {
        Self::begin(target, run, if fresh { Begin::Anew } else { Begin::GoOn })
    }

    /// Opens a journal that begins with a copy of rows that stand elsewhere. Until
    /// [`Journal::end_copy`] it counts as one that has not begun.
    ///
    /// # Errors
    /// As [`Journal::open`]; exit 1 where one has begun meanwhile.
    pub(crate) fn open_to_copy(target: &Path, run: &Fingerprint) -> Result<Self, Failure> {
        Self::begin(target, run, Begin::Copy)
    }

    fn begin(target: &Path, run: &Fingerprint, begin: Begin) -> Result<Self, Failure> {
        let path = path_beside(target);
        let mut file = lock::open_locked(&path)?;
        let cannot = |error: std::io::Error| cannot_write(&path, &error);
        let found = match form::owner(&mut file).map_err(cannot)? {
            Owner::Foreign => return Err(foreign(&path)),
            Owner::Ours(other, _)
                if begin != Begin::Anew && other.fingerprint != run.fingerprint =>
            {
                return Err(of_another_run(&path, target, &other));
            }
            Owner::Ours(other, _) if begin == Begin::Copy && other.copy != Some(Copied::Begun) => {
                return Err(lock::in_use(&path));
            }
            Owner::Ours(other, start) if begin == Begin::GoOn => {
                let (found, end) = form::read_index(&mut file, start).map_err(cannot)?;
                // A torn row makes room for the next one.
                file.set_len(end).map_err(cannot)?;
                if other.copy == Some(Copied::Begun) {
                    // What was copied is nowhere else any more.
                    form::end_copy(other, &file).map_err(cannot)?;
                }
                found
            }
            Owner::Ours(..) | Owner::Nobody => {
                file.set_len(0).map_err(cannot)?;
                let copy = (begin == Begin::Copy).then_some(Copied::Begun);
                Head::new(run, copy).write(&file).map_err(cannot)?;
                RowIndex::default()
            }
        };
        Ok(Self { file: Arc::new(file), path, taking: None, found, kept: 0 })
    }

    /// How many rows of earlier runs wait to be taken.
    #[cfg(test)]
    fn waiting(&self) -> u64 {
        self.found.len()
    }

    /// What an earlier run kept for a row with this request. Each kept row is given once: by its number,
    /// else by its hash alone, as numbers change when a row before is added or taken away.
    ///
    /// # Errors
    /// Exit 1: the file can't be read any more.
    pub(crate) fn take(&mut self, row: u64, hash: RowHash) -> Result<Option<Vec<u8>>, Failure> {
        let Some(found) = self.find(row, hash) else { return Ok(None) };
        let mut kept = Vec::new();
        if self.taking.is_none() {
            self.taking = Some(self.reader());
        }
        self.taking.as_mut().map_or(Ok(()), |reader| reader.read(found.at, &mut kept))?;
        Ok(Some(kept))
    }

    /// Where a row with this request stands that an earlier run kept. As [`Journal::take`], but nothing is
    /// read.
    pub(crate) fn find(&mut self, row: u64, hash: RowHash) -> Option<FoundRow> {
        let found = self.found.take(row, hash)?;
        self.kept += 1;
        Some(found)
    }

    /// All rows that this run has were looked for: the others are none of its own, and the list of them
    /// takes no more room.
    pub(crate) fn forget_found(&mut self) {
        self.found = RowIndex::default();
    }

    /// All rows were copied: they are found from now on as if an earlier run had kept them.
    ///
    /// # Errors
    /// Exit 1: the file can't be read, or a full disk.
    pub(crate) fn end_copy(&mut self) -> Result<(), Failure> {
        let found = form::copied(&self.file);
        self.found = found.map_err(|error| cannot_write(&self.path, &error))?;
        self.kept = 0;
        Ok(())
    }

    /// Reads what is kept for rows, by their places.
    pub(crate) fn reader(&self) -> JournalReader {
        let reader = PlacedReader::new(Arc::clone(&self.file));
        let reader = BufReader::with_capacity(form::ROW_READ_SIZE, reader);
        JournalReader { reader, path: self.path.clone() }
    }

    /// Keeps rows. Gives the places of their heads.
    ///
    /// # Errors
    /// Exit 1: a full disk, say. Rows that were kept before stay.
    pub(crate) fn keep<'a>(
        &mut self,
        rows: impl IntoIterator<Item = KeptRow<'a>>,
    ) -> Result<Vec<u64>, Failure> {
        let mut buffer = Vec::new();
        let (mut places, mut written) = (Vec::new(), 0);
        for row in rows {
            places.push(buffer.len() as u64);
            form::push_row(&row, &mut buffer);
            if buffer.len() >= WRITE_SIZE {
                self.append(&buffer, &mut places[written..])?;
                written = places.len();
                buffer.clear();
            }
        }
        self.append(&buffer, &mut places[written..])?;
        Ok(places)
    }

    /// Writes whole rows behind those that are there; `rows` are their places in `bytes`, and become those
    /// in the file. What a failed write leaves is cut off.
    fn append(&mut self, bytes: &[u8], rows: &mut [u64]) -> Result<(), Failure> {
        let cannot = |error: std::io::Error| cannot_write(&self.path, &error);
        let mut file = &*self.file;
        let end = file.seek(SeekFrom::End(0)).map_err(cannot)?;
        if let Err(error) = file.write_all(bytes) {
            // If this fails too, the next run cuts the torn row off.
            let _ = self.file.set_len(end);
            return Err(cannot(error));
        }
        rows.iter_mut().for_each(|place| *place += end);
        self.kept += rows.len() as u64;
        Ok(())
    }

    /// The run ended early: what was kept stays, on the disk. Gives the number of rows that the next run
    /// need not ask for; without any the file goes.
    pub(crate) fn leave(&mut self) -> u64 {
        let rows = self.kept + self.found.len();
        if rows == 0 {
            let _ = std::fs::remove_file(&self.path);
        } else {
            // The rows are with the system already; a disk that can't be waited for loses nothing more.
            let _ = self.file.sync_data();
        }
        rows
    }

    /// The run's own file is whole: what was kept is not needed any more.
    ///
    /// # Errors
    /// Exit 1: it can't be removed.
    pub(crate) fn remove(&mut self) -> Result<(), Failure> {
        std::fs::remove_file(&self.path).map_err(|error| cannot_write(&self.path, &error))
    }
}

/// Reads what is kept for rows.
#[derive(Debug)]
pub(crate) struct JournalReader {
    reader: BufReader<PlacedReader>,
    path: PathBuf,
}

impl JournalReader {
    /// Reads what is kept for the row whose head stands at a place.
    ///
    /// # Errors
    /// Exit 1: the file can't be read any more.
    pub(crate) fn read(&mut self, at: u64, kept: &mut Vec<u8>) -> Result<(), Failure> {
        form::read_row(&mut self.reader, at, kept).map_err(|error| cannot_read(&self.path, &error))
    }
}

fn cannot_read(path: &Path, error: &std::io::Error) -> Failure {
    let message = format!("cannot read {}: {}", path.display(), reason(error));
    Failure::new(FailureKind::Other, message)
}

/// `FILE.part`; of a link it lies beside the file itself, which all names of it have in common.
pub(crate) fn path_beside(target: &Path) -> PathBuf {
    let mut name = resolved(target).into_os_string();
    name.push(".part");
    PathBuf::from(name)
}

fn foreign(path: &Path) -> Failure {
    let path = path.display();
    Failure::usage(format!("{path} is in the way: llm did not write it, and leaves it alone"))
        .hint("give it another name, or write to another file with -o")
}

fn of_another_run(path: &Path, target: &Path, other: &Head) -> Failure {
    let model = other.model.as_deref().map(|model| format!(" (its model was {model})"));
    let (path, target) = (path.display(), target.display());
    let message = format!("{path} belongs to another run{}", model.unwrap_or_default());
    Failure::usage(message)
        .hint(format!("--fresh forgets it and writes {target} anew; or name another file with -o"))
}

#[cfg(test)]
mod tests;
