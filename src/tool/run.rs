//! Runs one program without a shell, with limits on its output and its time. Whatever ends the wait also
//! ends the program and its children.

use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, Command};

use crate::error::{Failure, reason};
use crate::interrupt::Interrupt;

/// One run of a program.
#[derive(Debug)]
pub(crate) struct ToolInvocation<'a> {
    /// The program and its arguments.
    pub(crate) command: &'a [String],
    /// An argument after those.
    pub(crate) extra_argument: Option<&'a str>,
    /// What it can read on stdin.
    pub(crate) input: &'a [u8],
    pub(crate) timeout: Duration,
    /// How many bytes of its stdout are kept.
    pub(crate) max_stdout: usize,
    /// Environment variables that it must not see.
    pub(crate) hidden_variables: &'a [String],
}

/// How a program ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ToolEnd {
    Success,
    /// In words: `exit status: 3`.
    Failed(String),
    /// It was stopped at its timeout.
    TimedOut,
    /// It can't be started, for this reason.
    NotStarted(String),
}

/// What a run led to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ToolResult {
    pub(crate) end: ToolEnd,
    /// The beginning of its stdout.
    pub(crate) stdout: Vec<u8>,
    /// Its stdout was longer.
    pub(crate) is_cut: bool,
    /// The end of its stderr.
    pub(crate) stderr: String,
}

/// How many bytes of stderr are kept.
const MAX_STDERR: usize = 8 * 1024;

/// How many bytes of stdout are read. A program that writes more is not waited for.
const MAX_STDOUT: usize = 16 * 1024 * 1024;

/// How long output is still read after the program's end: its own children may hold the pipe open.
const OUTPUT_GRACE: Duration = Duration::from_millis(300);

/// How long a program may take to end when it is asked to.
#[cfg(unix)]
const STOP_GRACE: Duration = Duration::from_millis(500);

/// Runs a program to its end, its timeout, or an interruption.
///
/// # Errors
/// Only the interruption; a program that fails is a result.
pub(crate) async fn run(
    invocation: &ToolInvocation<'_>,
    interrupt: &mut Interrupt,
) -> Result<ToolResult, Failure> {
    let (mut stdout, mut stderr) =
        (OutputExcerpt::start(invocation.max_stdout), OutputExcerpt::end(MAX_STDERR));
    let end = match start(invocation) {
        Err(error) => ToolEnd::NotStarted(reason(&error)),
        Ok(mut child) => {
            let exchange = exchange(&mut child, invocation.input, &mut stdout, &mut stderr);
            let exchange = tokio::time::timeout(invocation.timeout, exchange);
            let exited = interrupt.race(exchange).await;
            if !matches!(exited, Ok(Ok(_))) {
                stop(&mut child).await;
            }
            match exited? {
                Err(_) => ToolEnd::TimedOut,
                Ok(Err(error)) => ToolEnd::Failed(reason(&error)),
                // It may fail because nobody reads the rest of its output.
                Ok(Ok(_)) if stdout.seen > MAX_STDOUT => ToolEnd::Success,
                Ok(Ok(status)) if status.success() => ToolEnd::Success,
                Ok(Ok(status)) => ToolEnd::Failed(status.to_string()),
            }
        }
    };
    let is_cut = stdout.seen > stdout.capacity;
    let stderr = String::from_utf8_lossy(&stderr.bytes).trim().to_owned();
    Ok(ToolResult { end, stdout: stdout.bytes, is_cut, stderr })
}

fn start(invocation: &ToolInvocation<'_>) -> std::io::Result<Child> {
    let (program, arguments) =
        invocation.command.split_first().ok_or(std::io::ErrorKind::InvalidInput)?;
    let mut command = Command::new(program);
    command.args(arguments).args(invocation.extra_argument);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    for variable in invocation.hidden_variables {
        command.env_remove(variable);
    }
    // A process group of its own, so that it can be ended with all that it started.
    #[cfg(unix)]
    command.process_group(0);
    command.kill_on_drop(true).spawn()
}

/// Writes the program's input, reads its output, and waits for its end.
async fn exchange(
    child: &mut Child,
    input: &[u8],
    stdout: &mut OutputExcerpt,
    stderr: &mut OutputExcerpt,
) -> std::io::Result<ExitStatus> {
    let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let write = async move {
        if let Some(mut stdin) = pipes.0 {
            // A program need not read its input.
            let _ = stdin.write_all(input).await;
        }
    };
    let pipes = async { tokio::join!(write, stdout.read(pipes.1), stderr.read(pipes.2)) };
    let mut pipes = std::pin::pin!(pipes);
    tokio::select! {
        _ = &mut pipes => child.wait().await,
        status = child.wait() => {
            let _ = tokio::time::timeout(OUTPUT_GRACE, pipes).await;
            status
        }
    }
}

/// Asks the program's process group to end, and then kills it.
async fn stop(child: &mut Child) {
    #[cfg(unix)]
    if let Some(group) = child.id().and_then(|id| i32::try_from(id).ok()) {
        use rustix::process::{Pid, Signal, kill_process_group};
        if let Some(group) = Pid::from_raw(group) {
            // An error means that nothing is left to end.
            let _ = kill_process_group(group, Signal::TERM);
            let _ = tokio::time::timeout(STOP_GRACE, child.wait()).await;
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
    let _ = child.kill().await;
}

/// The first or the last bytes of what a program writes.
#[derive(Debug)]
struct OutputExcerpt {
    bytes: Vec<u8>,
    /// How many bytes are kept.
    capacity: usize,
    /// How many bytes came.
    seen: usize,
    keeps_end: bool,
}

impl OutputExcerpt {
    fn start(capacity: usize) -> Self {
        Self { bytes: Vec::new(), capacity, seen: 0, keeps_end: false }
    }

    fn end(capacity: usize) -> Self {
        Self { keeps_end: true, ..Self::start(capacity) }
    }

    /// Reads to the end, or until more than [`MAX_STDOUT`] came.
    async fn read(&mut self, pipe: Option<impl AsyncRead + Unpin>) {
        let Some(mut pipe) = pipe else { return };
        let mut buffer = vec![0; 16 * 1024];
        while let Ok(length @ 1..) = pipe.read(&mut buffer).await {
            self.add(&buffer[..length]);
            if self.seen > MAX_STDOUT {
                return;
            }
        }
    }

    fn add(&mut self, bytes: &[u8]) {
        self.seen += bytes.len();
        if self.keeps_end {
            self.bytes.extend_from_slice(bytes);
            let surplus = self.bytes.len().saturating_sub(self.capacity);
            self.bytes.drain(..surplus);
        } else {
            let room = self.capacity.saturating_sub(self.bytes.len());
            self.bytes.extend_from_slice(&bytes[..bytes.len().min(room)]);
        }
    }
}
