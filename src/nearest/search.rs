//! One file searched: cut into regions, each read by a thread of its own.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use super::best::{Best, Hit};
use super::cosine::Query;
use super::header::{Header, MAGIC, NumberKind};
use super::{lines, numbers};

/// How much is read at once: what the cache of a processor takes, so that it is still there when it is
/// computed with.
const BLOCK: usize = 256 << 10;

/// A region is at least so large, in bytes: a thread for less costs more than it gives.
const LEAST_REGION: u64 = 8 << 20;

/// The most threads.
const MAX_THREADS: u64 = 8;

/// The longest line, in bytes: a vector of some 100,000 numbers with its text.
pub(super) const MAX_LINE: u64 = 64 << 20;

/// So much of a file is looked at to tell what it is, in bytes; the head of a NumPy file fits in.
pub(super) const HEAD: usize = 72 << 10;

/// Why a file can't be searched.
#[derive(Debug)]
pub(crate) enum SearchError {
    Unreadable(PathBuf, io::Error),
    /// What is wrong with the file, as the end of a sentence that begins with its name.
    Misformed(PathBuf, String),
    /// What is wrong with a line of the file, as the end of a sentence that begins with its number.
    BadLine {
        path: PathBuf,
        line: u64,
        what: String,
    },
    /// A row is not as long as the query.
    OtherLength {
        path: PathBuf,
        row: usize,
        query: usize,
    },
    /// A file of texts has not one line for each row.
    OtherLineCount {
        path: PathBuf,
        lines: u64,
        rows: u64,
    },
}

/// Offers every row of a file to `best`; the numbers of its rows follow `before`. Gives how many rows the
/// file has, those without a vector among them.
///
/// # Errors
/// The file can't be read, or holds something else than vectors as long as the query.
pub(crate) fn search(
    path: &Path,
    query: &Query,
    best: &mut Best,
    before: u64,
) -> Result<u64, SearchError> {
    let searched = Searched { path, query };
    let failed = |error| SearchError::Unreadable(path.into(), error);
    let mut file = File::open(path).map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    let mut head = Vec::new();
    file.by_ref().take(HEAD as u64).read_to_end(&mut head).map_err(failed)?;
    let size = metadata.is_file().then_some(metadata.len());
    if head.starts_with(MAGIC) {
        let header = Header::parse(&head).map_err(|error| searched.misformed(error))?;
        return searched.table(header, (head, file), size, best, before);
    }
    if head.is_empty() {
        return Err(searched.misformed("is empty".to_owned()));
    }
    let regions = match size {
        Some(size) => regions(size, |at| at),
        None => {
            return searched.stream(
                BufReader::new(io::Cursor::new(head).chain(file)),
                best,
                before,
            );
        }
    };
    searched.in_regions(&regions, best, before, |(start, end), best| {
        searched.region_of_lines(start, end, best)
    })
}

/// Cuts `size` bytes or rows into regions; `bytes` tells how many bytes some are.
fn regions(size: u64, bytes: impl Fn(u64) -> u64) -> Vec<(u64, u64)> {
    let threads = std::thread::available_parallelism().map_or(1, |count| count.get() as u64);
    let worth = bytes(size).div_ceil(LEAST_REGION).clamp(1, threads.min(MAX_THREADS));
    let step = size.div_ceil(worth).max(1);
    (0..worth).map(|index| ((index * step).min(size), ((index + 1) * step).min(size))).collect()
}

/// A file with what is looked for in it.
#[derive(Clone, Copy)]
struct Searched<'a> {
    path: &'a Path,
    query: &'a Query,
}

impl Searched<'_> {
    fn failed(&self, error: io::Error) -> SearchError {
        SearchError::Unreadable(self.path.into(), error)
    }

    fn misformed(&self, what: String) -> SearchError {
        SearchError::Misformed(self.path.into(), what)
    }

    fn check_length(&self, row: usize) -> Result<(), SearchError> {
        let query = self.query.dimensions();
        if row == query {
            return Ok(());
        }
        Err(SearchError::OtherLength { path: self.path.into(), row, query })
    }

    /// Searches all regions at the same time. A region gives how many rows it has; its own rows are
    /// numbered from 1.
    fn in_regions(
        &self,
        regions: &[(u64, u64)],
        best: &mut Best,
        before: u64,
        work: impl Fn((u64, u64), &mut Best) -> Result<u64, SearchError> + Sync,
    ) -> Result<u64, SearchError> {
        let empty = best.emptied();
        let one = |region| {
            let mut best = empty.clone();
            work(region, &mut best).map(|rows| (rows, best))
        };
        let one = &one;
        let found: Vec<Result<(u64, Best), SearchError>> = std::thread::scope(|scope| {
            // The last region needs no thread of its own.
            let Some((last, others)) = regions.split_last() else { return Vec::new() };
            let threads: Vec<_> =
                others.iter().map(|region| (scope.spawn(move || one(*region)), *region)).collect();
            let of_last = one(*last);
            let joined = threads.into_iter().map(|(thread, region)| {
                // A thread that panicked is tried again here, where the panic is seen.
                thread.join().unwrap_or_else(|_| one(region))
            });
            joined.chain([of_last]).collect()
        });
        let mut rows = 0;
        for region in found {
            let (count, found) = region?;
            best.take_in(found, before + rows);
            rows += count;
        }
        Ok(rows)
    }

    /// Searches a NumPy file, of which the first bytes were read.
    fn table(
        &self,
        header: Header,
        (head, file): (Vec<u8>, File),
        size: Option<u64>,
        best: &mut Best,
        before: u64,
    ) -> Result<u64, SearchError> {
        self.check_length(header.columns)?;
        let row_bytes = header.row_bytes() as u64;
        let Some(size) = size else {
            let mut rest = io::Cursor::new(head).chain(file);
            io::copy(&mut rest.by_ref().take(header.start), &mut io::sink())
                .map_err(|error| self.failed(error))?;
            let mut found = best.emptied();
            self.rows(rest, &header, header.rows, &mut found)?;
            best.take_in(found, before);
            return Ok(header.rows);
        };
        header.check_size(size).map_err(|what| self.misformed(what))?;
        let regions = regions(header.rows, |rows| rows * row_bytes);
        self.in_regions(&regions, best, before, |(start, end), best| {
            let mut file = File::open(self.path).map_err(|error| self.failed(error))?;
            file.seek(SeekFrom::Start(header.start + start * row_bytes))
                .map_err(|error| self.failed(error))?;
            self.rows(file, &header, end - start, best)?;
            Ok(end - start)
        })
    }

    /// Searches rows of numbers that follow each other.
    fn rows(
        &self,
        mut file: impl io::Read,
        header: &Header,
        rows: u64,
        best: &mut Best,
    ) -> Result<(), SearchError> {
        let row_bytes = header.row_bytes();
        let at_once = (BLOCK / row_bytes).max(1);
        let mut block = vec![0; at_once * row_bytes];
        let mut narrow = Vec::new();
        let mut number = 0;
        while number < rows {
            let count = at_once.min(usize::try_from(rows - number).unwrap_or(at_once));
            let block = &mut block[..count * row_bytes];
            file.read_exact(block).map_err(|error| self.failed(error))?;
            for row in block.chunks_exact(row_bytes) {
                number += 1;
                let score = match header.kind {
                    NumberKind::Float32 => self.query.cosine(row),
                    NumberKind::Float64 => self.query.cosine_or(narrowed(row, &mut narrow), || {
                        row.as_chunks().0.iter().map(|eight| f64::from_le_bytes(*eight)).collect()
                    }),
                };
                offer(score, number, best, || (None, None));
            }
        }
        Ok(())
    }

    /// Searches the lines that begin in a region of the file.
    fn region_of_lines(&self, start: u64, end: u64, best: &mut Best) -> Result<u64, SearchError> {
        let mut file = File::open(self.path).map_err(|error| self.failed(error))?;
        // The line that began in the region before is read there.
        let from = start.saturating_sub(1);
        file.seek(SeekFrom::Start(from)).map_err(|error| self.failed(error))?;
        let mut reader = BufReader::with_capacity(BLOCK, file);
        let mut at = from;
        if start > 0 {
            at += reader.skip_until(b'\n').map_err(|error| self.failed(error))? as u64;
        }
        self.lines(&mut reader, end.saturating_sub(at), best).map_err(|error| match error {
            SearchError::BadLine { path, line, what } => {
                let line = line + lines_before(self.path, at);
                SearchError::BadLine { path, line, what }
            }
            error => error,
        })
    }

    /// Searches what can't be read twice: a pipe.
    fn stream(
        &self,
        mut reader: impl io::BufRead,
        best: &mut Best,
        before: u64,
    ) -> Result<u64, SearchError> {
        let mut found = best.emptied();
        let rows = self.lines(&mut reader, u64::MAX, &mut found)?;
        best.take_in(found, before);
        Ok(rows)
    }

    /// Searches the lines that begin within the next `bytes` bytes, and gives how many there are.
    fn lines(
        &self,
        reader: &mut impl io::BufRead,
        mut bytes: u64,
        best: &mut Best,
    ) -> Result<u64, SearchError> {
        let (mut line, mut floats, mut rows, mut number) = (Vec::new(), Vec::new(), 0, 0);
        let mut has_vectors = false;
        let bad = |line, what| SearchError::BadLine { path: self.path.into(), line, what };
        while bytes > 0 {
            line.clear();
            number += 1;
            let read = reader.by_ref().take(MAX_LINE).read_until(b'\n', &mut line);
            let read = read.map_err(|error| self.failed(error))? as u64;
            if read == 0 {
                break;
            }
            if read == MAX_LINE {
                return Err(bad(number, "is longer than 64 MiB".to_owned()));
            }
            bytes = bytes.saturating_sub(read);
            if line.trim_ascii().is_empty() {
                continue;
            }
            rows += 1;
            let row = lines::read(&line, &mut floats)
                .map_err(|what| bad_line(self.path, number, &line, &what))?;
            if let Some(vector) = row.vector {
                let (length, query) = (floats.len() / 4, self.query.dimensions());
                if has_vectors && length != query {
                    let what =
                        format!("has {length} numbers, and the lines before it have {query}");
                    return Err(bad(number, what));
                }
                self.check_length(length)?;
                has_vectors = true;
                let score = self.query.cosine_or(&floats, || numbers::doubles(vector));
                offer(score, rows, best, || {
                    (row.text.map(|text| text.into_owned()), row.id.map(str::to_owned))
                });
            }
        }
        Ok(rows)
    }
}

/// What is wrong with a line, told with its beginning.
pub(super) fn bad_line(path: &Path, number: u64, line: &[u8], what: &str) -> SearchError {
    let begin: String = String::from_utf8_lossy(line).trim().chars().take(40).collect();
    SearchError::BadLine { path: path.into(), line: number, what: format!("{what}: {begin}") }
}

/// Keeps a row if it is among the best; `more` gives its text and id.
fn offer(
    score: Option<f64>,
    number: u64,
    best: &mut Best,
    more: impl FnOnce() -> (Option<String>, Option<String>),
) {
    if let Some(score) = score.filter(|score| best.wants(*score)) {
        let (text, id) = more();
        best.offer(Hit { text, id, ..Hit::new(score, number) });
    }
}

/// How many lines of a file end before a place; what can't be read any more counts none.
fn lines_before(path: &Path, end: u64) -> u64 {
    let Ok(file) = File::open(path) else { return 0 };
    let mut reader = BufReader::with_capacity(BLOCK, file.take(end));
    let mut count = 0;
    while let Ok(1..) = reader.skip_until(b'\n') {
        count += 1;
    }
    count
}

/// A row of 64-bit floats as 32-bit ones.
fn narrowed<'a>(row: &[u8], narrow: &'a mut Vec<u8>) -> &'a [u8] {
    narrow.clear();
    for eight in row.as_chunks::<8>().0 {
        narrow.extend_from_slice(&(f64::from_le_bytes(*eight) as f32).to_le_bytes());
    }
    narrow
}
