//! Answers that the user types on the terminal.

use std::io::Read as _;

use super::Io;

impl Io {
    /// Whether the user can be asked a question: stdin and stderr are terminals.
    pub(crate) fn can_ask(&self) -> bool {
        self.stdin_is_terminal && self.stderr.is_terminal
    }

    /// The line that was typed, if there is one. Never waits. Empty at the end of input; a line has at
    /// least its line feed.
    pub(crate) fn typed(&mut self) -> Option<String> {
        let Some(stdin) = &mut self.stdin else { return Some(String::new()) };
        if !is_ready() {
            return None;
        }
        // A terminal returns one line per read.
        let mut line = [0; 4096];
        let length = stdin.read(&mut line).unwrap_or_default();
        self.stderr.line_was_typed();
        Some(String::from_utf8_lossy(&line[..length]).into_owned())
    }
}

#[cfg(unix)]
fn is_ready() -> bool {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let stdin = std::io::stdin();
    let mut wanted = [PollFd::new(&stdin, PollFlags::IN)];
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    matches!(poll(&mut wanted, Some(&now)), Ok(1..))
}

/// On other systems the read itself waits.
#[cfg(not(unix))]
fn is_ready() -> bool {
    true
}
