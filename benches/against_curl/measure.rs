//! Runs a program to its end, in an empty home and with nothing of the caller's environment but the
//! search path. It does not know what the program is.

use std::io::Read as _;
use std::path::Path;
use std::process::{ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use wait4::Wait4 as _;

/// One run.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Ran {
    pub(crate) is_success: bool,
    /// From the start of the process to its end.
    pub(crate) time: Duration,
    /// User and system time together.
    pub(crate) cpu: Duration,
    /// The most bytes that were resident, as the system has counted them. Never less than what this
    /// process had when it started the other, which is why the server is none of its threads.
    pub(crate) peak: u64,
    /// Bytes on its standard output, which is a pipe.
    pub(crate) bytes: u64,
}

/// A program with the same home and search path as every one that is measured.
pub(crate) fn command(program: &str, home: &Path) -> Command {
    let mut command = Command::new(program);
    command.env_clear().env("HOME", home).current_dir(home);
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    #[expect(clippy::disallowed_methods, reason = "the bench is no part of the program")]
    if let Some(path) = std::env::var_os("PATH") {
        command.env("PATH", path);
    }
    command
}

/// Runs a program, and reads its output to the end.
pub(crate) fn run(command: &mut Command) -> Ran {
    run_with(command, |mut stdout| {
        let (mut bytes, mut buffer) = (0, vec![0; 64 * 1024]);
        while let Ok(length @ 1..) = stdout.read(&mut buffer) {
            bytes += length as u64;
        }
        bytes
    })
}

/// Runs a program; `read` is to read its output to the end and to tell how long it is.
pub(crate) fn run_with(command: &mut Command, read: impl FnOnce(ChildStdout) -> u64) -> Ran {
    let start = Instant::now();
    let mut child = command.spawn().expect("the program can be started");
    let bytes = read(child.stdout.take().expect("it was made a pipe"));
    let ended = child.wait4().expect("a child can be waited for");
    let (time, usage) = (start.elapsed(), ended.rusage);
    let cpu = usage.utime + usage.stime;
    Ran { is_success: ended.status.success(), time, cpu, peak: usage.maxrss, bytes }
}

/// The value at this share of the sorted values; the default if there are none.
pub(crate) fn at_share<T: Ord + Copy + Default>(values: &[T], share: f64) -> T {
    let mut values = values.to_vec();
    values.sort();
    let last = values.len().saturating_sub(1);
    values.get((last as f64 * share).round() as usize).copied().unwrap_or_default()
}
