//! A file that several readers read, each from a place of its own.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::sync::Arc;

/// Reads a file from its own place on, whoever else reads or writes it.
#[derive(Debug)]
pub(crate) struct PlacedReader {
    file: Arc<File>,
    at: u64,
}

impl PlacedReader {
    /// Reads from the beginning.
    pub(crate) fn new(file: Arc<File>) -> Self {
        Self { file, at: 0 }
    }

    /// Where the next byte is read from.
    pub(crate) fn place(&self) -> u64 {
        self.at
    }
}

impl Read for PlacedReader {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        #[cfg(unix)]
        let read = std::os::unix::fs::FileExt::read_at(&*self.file, buffer, self.at)?;
        #[cfg(windows)]
        let read = std::os::windows::fs::FileExt::seek_read(&*self.file, buffer, self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}

impl Seek for PlacedReader {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        let moved = match to {
            SeekFrom::Start(place) => Some(place),
            SeekFrom::Current(step) => self.at.checked_add_signed(step),
            SeekFrom::End(step) => self.file.metadata()?.len().checked_add_signed(step),
        };
        self.at = moved.ok_or(std::io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}
