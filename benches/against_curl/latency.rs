//! What a program adds to the time of a token: the server writes the time of sending into each piece
//! of text, and what is read from the program's standard output is looked at for such times.

use std::io::Read as _;
use std::path::Path;
use std::process::ChildStdout;
use std::time::{Duration, SystemTime};

use super::measure;
use super::works::Side;

/// The digits of a time, which stand behind an `@`.
const DIGITS: usize = 19;

/// Runs a program on a paced stream and gives the time that each piece was on its way.
pub(crate) fn of(side: &Side, home: &Path) -> Vec<Duration> {
    let mut found = Vec::new();
    let mut command = measure::command(&side.program, home);
    let ran = measure::run_with(command.args(&side.arguments), |stdout| read(stdout, &mut found));
    assert!(ran.is_success, "{} failed at the paced stream", side.program);
    found
}

fn read(mut stdout: ChildStdout, found: &mut Vec<Duration>) -> u64 {
    let (mut kept, mut piece) = (Vec::new(), vec![0; 64 * 1024]);
    while let Ok(length @ 1..) = stdout.read(&mut piece) {
        let now = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
        kept.extend_from_slice(&piece[..length]);
        while let Some(at) = kept.iter().position(|byte| *byte == b'@') {
            let Some(digits) = kept.get(at + 1..at + 1 + DIGITS) else { break };
            let sent = std::str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok());
            found.push(now.saturating_sub(Duration::from_nanos(sent.unwrap_or_default())));
            kept.drain(..at + 1 + DIGITS);
        }
    }
    found.len() as u64
}
