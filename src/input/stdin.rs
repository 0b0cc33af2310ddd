//! Standard input, read to its end; a silent one is waited for with a word. Knows nothing about what
//! is in it.

use std::io::Read;
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::Duration;

use crate::error::{Failure, reason};
use crate::io::Io;

/// What standard input is called.
pub(super) const STDIN: &str = "standard input";

/// After this much silence on standard input the user is told what is waited for.
const SILENT_INPUT: Duration = Duration::from_secs(2);

/// All bytes of standard input; `None` if it was read before.
///
/// # Errors
/// What keeps it from being read.
pub(super) fn read(io: &mut Io) -> Result<Option<Vec<u8>>, Failure> {
    let Some(stdin) = io.stdin.take() else { return Ok(None) };
    let bytes = if io.stdin_is_file || io.stdin_is_terminal {
        whole(stdin)
    } else {
        patiently(stdin, "; --no-stdin ignores it", io)
    };
    let bytes = bytes.map_err(|error| {
        Failure::usage(format!("cannot read standard input: {}", reason(&error)))
    })?;
    Ok(Some(bytes))
}

fn whole(mut stdin: Box<dyn Read + Send + Sync>) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    stdin.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Reads to the end, and says after a silence what is waited for, with `remedy` behind it. A thread
/// reads, as a blocking read can't be left after a while.
pub(super) fn patiently(
    stdin: Box<dyn Read + Send + Sync>,
    remedy: &str,
    io: &mut Io,
) -> std::io::Result<Vec<u8>> {
    let pieces = in_thread(stdin);
    let mut bytes = Vec::new();
    let mut has_told = false;
    loop {
        let piece = match has_told {
            true => pieces.recv().map_err(|_| RecvTimeoutError::Disconnected),
            false => pieces.recv_timeout(SILENT_INPUT),
        };
        match piece {
            Ok(piece) => bytes.extend_from_slice(&piece?),
            Err(RecvTimeoutError::Disconnected) => return Ok(bytes),
            Err(RecvTimeoutError::Timeout) => {
                has_told = true;
                io.note(&format!("waiting for standard input to end{remedy}"));
            }
        }
    }
}

fn in_thread(mut stdin: Box<dyn Read + Send + Sync>) -> Receiver<std::io::Result<Vec<u8>>> {
    let (sender, receiver) = sync_channel(4);
    std::thread::spawn(move || {
        loop {
            let mut piece = vec![0; 64 * 1024];
            let read = stdin.read(&mut piece);
            let is_last = !matches!(read, Ok(1..));
            let piece = read.map(|length| {
                piece.truncate(length);
                piece
            });
            if sender.send(piece).is_err() || is_last {
                return;
            }
        }
    });
    receiver
}
