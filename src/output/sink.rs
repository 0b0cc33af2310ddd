//! Where a result goes: standard output, or a file.

use std::path::Path;

use super::file::OutputFile;
use crate::error::{Failure, FailureKind, is_reader_gone, reason};
use crate::io::Io;

/// A destination for bytes.
#[derive(Debug)]
pub(crate) enum Sink {
    Stdout,
    File(OutputFile),
}

impl Sink {
    /// The file that `-o` names; standard output without `-o` and for `-o -`.
    ///
    /// # Errors
    /// Exit 1 for a file that can't be written.
    pub(crate) fn open(output: Option<&Path>) -> Result<Self, Failure> {
        match output {
            None => Ok(Sink::Stdout),
            Some(path) if path.as_os_str() == "-" => Ok(Sink::Stdout),
            Some(path) => OutputFile::open(path).map(Sink::File),
        }
    }

    /// [`Sink::open`] for binary data, which goes to a terminal only with `-o -`. `what` names the data in
    /// the error (`audio`).
    ///
    /// # Errors
    /// Exit 2 for a terminal, exit 1 for a file that can't be written.
    pub(crate) fn open_binary(output: Option<&Path>, what: &str, io: &Io) -> Result<Self, Failure> {
        if output.is_none() && io.stdout_is_terminal {
            let failure = Failure::usage(format!("{what} is not written to a terminal"));
            let hint = "name a file with -o FILE, or use a pipe; `-o -` writes it anyway";
            return Err(failure.hint(hint));
        }
        Self::open(output)
    }

    /// Writes bytes at once.
    ///
    /// # Errors
    /// The reader is gone, or the write fails.
    pub(crate) fn write(&mut self, bytes: &[u8], io: &mut Io) -> Result<(), Failure> {
        match self {
            Sink::Stdout => to_stdout(bytes, io),
            Sink::File(file) => file.write(bytes),
        }
    }

    /// Whether bytes can be changed after they were written: only in a regular file.
    pub(crate) fn can_patch(&self) -> bool {
        matches!(self, Sink::File(file) if file.can_patch())
    }

    /// Overwrites the bytes at an offset if [`Sink::can_patch`].
    ///
    /// # Errors
    /// As [`Sink::write`].
    pub(crate) fn patch(&mut self, at: u64, bytes: &[u8]) -> Result<(), Failure> {
        match self {
            Sink::File(file) if file.can_patch() => file.patch(at, bytes),
            _ => Ok(()),
        }
    }

    /// The output is complete: a file gets its name.
    ///
    /// # Errors
    /// Exit 1: a file that can't be renamed.
    pub(crate) fn commit(self) -> Result<(), Failure> {
        match self {
            Sink::Stdout => Ok(()),
            Sink::File(file) => file.commit(),
        }
    }
}

/// Writes bytes to standard output.
///
/// # Errors
/// The reader is gone ([`FailureKind::ReaderGone`]), or the write fails.
pub(crate) fn to_stdout(bytes: &[u8], io: &mut Io) -> Result<(), Failure> {
    let written = match (&io.stop, &io.stdout_handle) {
        (Some(_), Some(_)) => write_interruptibly(bytes, io)?,
        _ => io.stdout.write_all(bytes),
    };
    written.and_then(|()| io.stdout.flush()).map_err(|error| match is_reader_gone(&error) {
        true => Failure::new(FailureKind::ReaderGone, "the reader of standard output went away"),
        false => Failure::new(
            FailureKind::Other,
            format!("cannot write to standard output: {}", reason(&error)),
        ),
    })
}

/// How much a pipe with any room accepts without blocking (POSIX, `PIPE_BUF` on Linux).
#[cfg(unix)]
const PIPE_ROOM: usize = 4096;

/// Writes without blocking in `write`: a reader that does not read must not delay a Ctrl-C.
///
/// # Errors
/// Outside the interruption, inside the failed write.
#[cfg(unix)]
fn write_interruptibly(bytes: &[u8], io: &mut Io) -> Result<std::io::Result<()>, Failure> {
    if let Some(pipe) = io.nonblocking_stdout() {
        return write_nonblocking(bytes, pipe, io);
    }
    for piece in bytes.chunks(PIPE_ROOM) {
        await_room(io)?;
        if let Err(error) = io.stdout.write_all(piece) {
            return Ok(Err(error));
        }
    }
    Ok(Ok(()))
}

/// Writes to a nonblocking pipe, as much at once as there is room for.
#[cfg(unix)]
fn write_nonblocking(
    bytes: &[u8],
    mut pipe: &std::fs::File,
    io: &Io,
) -> Result<std::io::Result<()>, Failure> {
    use std::io::{ErrorKind, Write as _};
    let mut rest = bytes;
    while !rest.is_empty() {
        match pipe.write(rest) {
            Ok(written) => rest = &rest[written..],
            Err(error) if error.kind() == ErrorKind::WouldBlock => await_room(io)?,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Ok(Err(error)),
        }
    }
    Ok(Ok(()))
}

/// Waits until standard output has room.
///
/// # Errors
/// The interruption.
#[cfg(unix)]
fn await_room(io: &Io) -> Result<(), Failure> {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let mut patience = Timespec { tv_sec: 0, tv_nsec: 0 };
    let mut has_waited = false;
    while let Some(handle) = &io.stdout_handle {
        let mut wanted = [PollFd::new(handle, PollFlags::OUT)];
        // An interrupted or failed wait is ignored: the write will fail too.
        let ready = poll(&mut wanted, Some(&patience));
        let is_ready = !matches!(ready, Ok(0) | Err(rustix::io::Errno::INTR));
        // A signal that came in the meantime counts also where room came with it.
        if (has_waited || !is_ready)
            && let Some(failure) = io.stop.as_ref().and_then(crate::stop::StopSignal::failure)
        {
            return Err(failure);
        }
        if is_ready {
            break;
        }
        has_waited = true;
        patience.tv_nsec = 100_000_000;
    }
    Ok(())
}

#[cfg(not(unix))]
fn write_interruptibly(bytes: &[u8], io: &mut Io) -> Result<std::io::Result<()>, Failure> {
    Ok(io.stdout.write_all(bytes))
}
