//! Standard input, read to its end. While it is silent, a line tells the user what is waited for.

use std::io::Read;
use std::path::Path;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::Duration;

use super::text::{MAX_TEXT, check_length, read_bounded};
use crate::error::{Failure, reason};
use crate::io::Io;

/// What standard input is called.
pub(super) const STDIN: &str = "standard input";

/// After this much silence on standard input the user is told what is waited for.
pub(crate) const SILENT_INPUT: Duration = Duration::from_secs(2);

/// How much is read at once, in bytes, and how many such pieces may wait.
const PIECE: usize = 64 * 1024;
const WAITING: usize = 4;

/// Whether a path stands for standard input.
pub(crate) fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// All bytes of standard input; `None` if it was read before. `remedy` ends the line that tells what
/// is waited for.
///
/// # Errors
/// Exit 2: it can't be read, or is longer than a text may be.
pub(super) fn read_to_end(io: &mut Io, remedy: &str) -> Result<Option<Vec<u8>>, Failure> {
    let Some(stdin) = io.stdin.take() else { return Ok(None) };
    if io.stdin_is_file || io.stdin_is_terminal {
        return read_bounded(stdin, STDIN).map(Some);
    }
    let mut bytes = Vec::new();
    for_pieces(stdin, remedy, io, &mut |piece| {
        bytes.extend_from_slice(piece);
        // Of what is too long no more is read.
        Ok(bytes.len() <= MAX_TEXT)
    })?;
    check_length(bytes.len(), STDIN)?;
    Ok(Some(bytes))
}

/// Gives all bytes of standard input to `each` as they come. False if it was read before.
///
/// # Errors
/// Exit 2: it can't be read; and those of `each`.
pub(super) fn copy(
    io: &mut Io,
    each: &mut dyn FnMut(&[u8]) -> Result<(), Failure>,
) -> Result<bool, Failure> {
    let Some(stdin) = io.stdin.take() else { return Ok(false) };
    for_pieces(stdin, "", io, &mut |piece| each(piece).map(|()| true))?;
    Ok(true)
}

/// Reads to the end, or until `each` has enough, and tells after a silence what is waited for. A thread
/// reads, as a blocking read can't be interrupted.
fn for_pieces(
    stdin: Box<dyn Read + Send + Sync>,
    remedy: &str,
    io: &Io,
    each: &mut dyn FnMut(&[u8]) -> Result<bool, Failure>,
) -> Result<(), Failure> {
    let (sender, pieces) = sync_channel(WAITING);
    read_in_thread(stdin, move |piece| sender.send(piece).is_ok());
    let mut has_told = false;
    loop {
        let piece = match has_told {
            true => pieces.recv().map_err(|_| RecvTimeoutError::Disconnected),
            false => pieces.recv_timeout(SILENT_INPUT),
        };
        match piece {
            Ok(piece) => {
                let piece = piece.map_err(|error| {
                    Failure::usage(format!("cannot read {STDIN}: {}", reason(&error)))
                })?;
                // The thread ends when it finds that nobody takes its next piece.
                if !each(&piece)? {
                    return Ok(());
                }
            }
            Err(RecvTimeoutError::Disconnected) => return Ok(()),
            Err(RecvTimeoutError::Timeout) => {
                has_told = true;
                io.note(&format!("waiting for {STDIN} to end{remedy}"));
            }
        }
    }
}

/// Reads in a thread, as a blocking read can't be left, and gives each piece to `give`, the end as an empty
/// one. Ends where `give` takes no more. That no thread can be made is told as a failed read.
pub(crate) fn read_in_thread(
    mut stdin: Box<dyn Read + Send + Sync>,
    give: impl Fn(std::io::Result<Vec<u8>>) -> bool + Clone + Send + 'static,
) {
    let failed = give.clone();
    let thread = std::thread::Builder::new().spawn(move || {
        loop {
            let mut piece = vec![0; PIECE];
            let read = stdin.read(&mut piece);
            let is_last = !matches!(read, Ok(1..));
            let piece = read.map(|length| {
                piece.truncate(length);
                piece
            });
            if !give(piece) || is_last {
                return;
            }
        }
    });
    if let Err(error) = thread {
        failed(Err(error));
    }
}
