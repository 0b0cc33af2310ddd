//! Puts the answers for batches, which come in the order of the texts, on their way out.

use std::path::{Path, PathBuf};

use super::answer::{AnswerPart, BatchAnswer};
use super::batch::{Batch, BatchText};
use super::kept;
use super::options::Style;
use super::sidecar::{self, VectorOrigin};
use crate::api::embed::format::VectorFormat;
use crate::api::embed::npy;
use crate::api::embed::vector::{LineFacts, Vector, push_line};
use crate::error::{Failure, FailureKind};
use crate::input::texts::TextPlace;
use crate::io::Io;
use crate::output::progress::Progress;
use crate::output::sink::Sink;
use crate::output::spool::Spool;
use crate::sanitize;

/// How much is written at once.
const WRITE_SIZE: usize = 256 * 1024;

const NO_NUMBER: &str = "its vector contains a value that is no 32-bit number, such as NaN";

/// Writes answers, and keeps account of them.
pub(super) struct VectorWriter {
    sink: Sink,
    /// The file that was named.
    target: Option<PathBuf>,
    /// Where a NumPy file grows whose head can't be written later.
    spool: Option<Spool>,
    style: Style,
    /// Who made the vectors.
    origin: VectorOrigin,
    buffer: Vec<u8>,
    rows: u64,
    /// The dimensions of all vectors, for a format that is a table.
    columns: Option<usize>,
    texts: u64,
    refused: u64,
    empty: Option<(u64, TextPlace)>,
    /// The last reply that was printed ended with a line end.
    is_line_ended: bool,
}

impl VectorWriter {
    /// Opens the place that `output` names.
    ///
    /// # Errors
    /// Exit 1 for a file that can't be written, exit 2 for bytes on a terminal.
    pub(super) fn open(
        output: Option<&Path>,
        style: Style,
        origin: VectorOrigin,
        io: &Io,
    ) -> Result<Self, Failure> {
        let is_npy = style.format == Some(VectorFormat::Npy);
        let sink = match is_npy {
            true => Sink::open_binary(output, "a NumPy file", io)?,
            false => Sink::open(output)?,
        };
        let can_patch = matches!(&sink, Sink::File(file) if file.can_patch());
        let spool = if is_npy && !can_patch { Some(Spool::open(io)?) } else { None };
        Ok(Self {
            sink,
            spool,
            style,
            origin,
            target: output.map(Path::to_owned),
            // The head's numbers are known at the end.
            buffer: if is_npy { npy::head(0, 0).to_vec() } else { Vec::new() },
            rows: 0,
            columns: None,
            texts: 0,
            refused: 0,
            empty: None,
            is_line_ended: true,
        })
    }

    /// Whether vectors are to be kept while they come: for a file that appears at the end.
    pub(super) fn is_kept(&self) -> bool {
        self.style.format.is_some() && matches!(&self.sink, Sink::File(file) if !file.is_direct())
    }

    /// Writes the answer for a batch.
    ///
    /// # Errors
    /// A medium that takes no more, a missing vector where the format has no place for that.
    pub(super) fn write(
        &mut self,
        batch: &Batch,
        answer: &BatchAnswer,
        progress: &Progress,
        io: &mut Io,
    ) -> Result<(), Failure> {
        if self.table(batch, answer, io)? {
            self.texts += batch.texts.len() as u64;
            progress.add(batch.texts.len() as u64);
            return Ok(());
        }
        let mut results = answer.parts.iter().flat_map(results);
        for text in &batch.texts {
            if text.text().is_empty() {
                self.empty.get_or_insert_with(|| (0, text.place().clone())).0 += 1;
                self.row(text, None)?;
            } else if let Some(vector) = text.kept.as_deref().and_then(kept::vector) {
                self.row(text, Some(vector))?;
            } else {
                match results.next() {
                    Some(VectorRow::Vector(vector)) => self.row(text, Some(vector))?,
                    Some(VectorRow::Refused(words)) => {
                        let message = format!("{}: {words}", text.place());
                        if !self.has_place() {
                            return Err(Failure::new(FailureKind::Refused, message)
                                .hint("--skip-errors leaves such texts out"));
                        }
                        io.say(&message);
                        self.refused += 1;
                        self.row(text, None)?;
                    }
                    // Its reply is printed as it came.
                    None => {}
                }
            }
            self.flush(WRITE_SIZE, io)?;
        }
        self.texts += batch.texts.len() as u64;
        for part in &answer.parts {
            if let AnswerPart::Reply(body) = part {
                self.reply(body, io)?;
            }
        }
        progress.add(batch.texts.len() as u64);
        match &self.sink {
            Sink::Stdout => self.flush(1, io),
            Sink::File(_) => Ok(()),
        }
    }

    /// Writes the rows of a NumPy file from where they are, without a copy of them. Only if nothing is
    /// unusual about the batch: each text has its vector, and all are alike. What is less than one
    /// write gathers with what follows instead.
    fn table(&mut self, batch: &Batch, answer: &BatchAnswer, io: &mut Io) -> Result<bool, Failure> {
        let (Some(VectorFormat::Npy), [AnswerPart::Vectors(vectors)]) =
            (self.style.format, &answer.parts[..])
        else {
            return Ok(false);
        };
        let Some((columns, bytes)) = vectors.as_table() else { return Ok(false) };
        let are_alike = self.columns.is_none_or(|expected| expected == columns);
        if !are_alike || vectors.len() != batch.texts.len() || bytes.len() < WRITE_SIZE {
            return Ok(false);
        }
        self.columns = Some(columns);
        self.rows += vectors.len() as u64;
        self.flush(1, io)?;
        self.pass_on(bytes, io)?;
        Ok(true)
    }

    /// Whether a text without a vector stops nothing.
    fn has_place(&self) -> bool {
        self.style.skip_errors || self.style.format.is_none_or(VectorFormat::has_null)
    }

    fn row(&mut self, text: &BatchText, vector: Option<Vector<'_>>) -> Result<(), Failure> {
        let Some(format) = self.style.format else { return Ok(()) };
        if vector.is_none() && self.style.skip_errors {
            return Ok(());
        }
        self.rows += 1;
        match vector {
            Some(vector) if format == VectorFormat::Npy => {
                let columns = vector.dimensions();
                let expected = *self.columns.get_or_insert(columns);
                if expected != columns {
                    let message = format!(
                        "the vector of {} has {columns} numbers, those before it had {expected}; npy needs equal lengths",
                        text.place()
                    );
                    return Err(Failure::new(FailureKind::Refused, message));
                }
                vector.push_floats(&mut self.buffer);
            }
            vector => {
                let facts = LineFacts {
                    index: text.row,
                    id: text.input.id.as_ref(),
                    input: text.text(),
                    model: self.origin.model.as_deref(),
                };
                if format == VectorFormat::Csv && self.columns.is_none() {
                    self.columns = vector.map(|vector| vector.dimensions());
                }
                push_line(format, facts, vector, &mut self.buffer);
            }
        }
        Ok(())
    }

    /// One reply as it came; further ones begin on a line of their own.
    fn reply(&mut self, body: &[u8], io: &mut Io) -> Result<(), Failure> {
        if !self.is_line_ended {
            self.buffer.push(b'\n');
        }
        self.is_line_ended = body.ends_with(b"\n");
        if matches!(self.sink, Sink::Stdout) && io.stdout_is_terminal {
            let text = String::from_utf8_lossy(body);
            self.buffer.extend_from_slice(sanitize::for_terminal(&text).as_bytes());
        } else {
            self.buffer.extend_from_slice(body);
        }
        self.flush(WRITE_SIZE, io)
    }

    /// Passes on what has gathered, once it is so much.
    fn flush(&mut self, least: usize, io: &mut Io) -> Result<(), Failure> {
        if self.buffer.len() < least {
            return Ok(());
        }
        let buffer = std::mem::take(&mut self.buffer);
        self.pass_on(&buffer, io)?;
        self.buffer = buffer;
        self.buffer.clear();
        Ok(())
    }

    fn pass_on(&mut self, bytes: &[u8], io: &mut Io) -> Result<(), Failure> {
        match &mut self.spool {
            Some(spool) => spool.write(bytes),
            None => self.sink.write(bytes, io),
        }
    }

    /// All answers were written: the file gets its head and its name. Says which texts have no
    /// vector. Gives the failure of the run if a text was refused; then all others are written.
    ///
    /// # Errors
    /// A medium that takes no more.
    pub(super) fn end(mut self, io: &mut Io) -> Result<Option<Failure>, Failure> {
        if !self.is_line_ended && matches!(self.sink, Sink::Stdout) && io.stdout_is_terminal {
            self.buffer.push(b'\n');
        }
        self.flush(1, io)?;
        if self.style.format == Some(VectorFormat::Npy) {
            let head = npy::head(self.rows, self.columns.unwrap_or(0));
            match (self.spool.take(), &mut self.sink) {
                (Some(spool), sink) => spool.write_to(&head, sink, io)?,
                (None, Sink::File(file)) => file.patch(0, &head)?,
                // Without a spool it is a file.
                (None, Sink::Stdout) => {}
            }
        }
        let is_beside = self.is_kept()
            && matches!(self.style.format, Some(VectorFormat::Npy | VectorFormat::Csv));
        self.sink.commit()?;
        if let Some(target) = self.target.as_deref().filter(|_| is_beside) {
            sidecar::write(target, &self.origin, self.columns, io)?;
        }
        if let Some((count, first)) = &self.empty {
            let what = match count {
                1 => format!("{first} is empty and has no vector"),
                count => {
                    format!("{count} lines are empty and have no vector, {first} is the first")
                }
            };
            io.warn(&what);
        }
        Ok((self.refused > 0).then(|| {
            let message = format!("{} of {} texts have no vector", self.refused, self.texts);
            Failure::new(FailureKind::Refused, message)
        }))
    }
}

/// The result for one text.
enum VectorRow<'a> {
    Vector(Vector<'a>),
    Refused(&'a str),
}

/// The results of a part, one for each of its texts; none for a reply that is printed as it came.
fn results(part: &AnswerPart) -> Box<dyn Iterator<Item = VectorRow<'_>> + '_> {
    match part {
        AnswerPart::Vectors(vectors) => Box::new((0..vectors.len()).map(|index| {
            vectors.get(index).map_or(VectorRow::Refused(NO_NUMBER), VectorRow::Vector)
        })),
        AnswerPart::Refused(words) => Box::new(std::iter::once(VectorRow::Refused(words))),
        AnswerPart::Reply(_) => Box::new(std::iter::empty()),
    }
}
