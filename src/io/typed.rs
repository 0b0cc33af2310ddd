//! What a person types on the terminal, in answer to a question.

use std::io::Read as _;

use super::Io;

impl Io {
    /// Whether somebody sits there who can be asked: a terminal to read from and one to ask on.
    pub(crate) fn can_ask(&self) -> bool {
        self.stdin_is_terminal && self.stderr.is_terminal
    }

    /// The line that was typed, if one is there: never waits. Empty once the input has ended; a line
    /// has at least its line feed.
    pub(crate) fn typed(&mut self) -> Option<String> {
        let Some(stdin) = &mut self.stdin else { return Some(String::new()) };
        if !is_ready() {
            return None;
        }
        // A terminal gives one line at a time.
        let mut line = [0; 4096];
        let length = stdin.read(&mut line).unwrap_or_default();
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

/// Here the read itself waits.
#[cfg(not(unix))]
fn is_ready() -> bool {
    true
}
