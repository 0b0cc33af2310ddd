//! Runs one program without a shell: input, output and time are bounded, and whatever ends the wait
//! ends the program with all that it started.

use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, Command};

use crate::error::{Failure, reason};
use crate::interrupt::Interrupt;

/// One run of a program.
#[derive(Debug)]
pub(crate) struct ToolInvocation<'a> {
    /// Program and arguments.
    pub(crate) command: &'a [String],
    /// A further argument.
    pub(crate) more: Option<&'a str>,
    /// What it reads on standard input.
    pub(crate) input: &'a [u8],
    /// The longest that it may take.
    pub(crate) limit: Duration,
    /// The most that is kept of its standard output, in bytes.
    pub(crate) most: usize,
    /// Environment variables that it must not see.
    pub(crate) hidden: &'a [String],
}

/// How a program ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ToolEnd {
    Well,
    /// In words: `exit status: 3`.
    Badly(String),
    /// Stopped at its limit of time.
    TooLate,
    /// It can't be started; why.
    Never(String),
}

/// What came of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ToolResult {
    pub(crate) ended: ToolEnd,
    /// The beginning of its standard output.
    pub(crate) output: Vec<u8>,
    /// Its output went on.
    pub(crate) is_cut: bool,
    /// The end of its standard error.
    pub(crate) complaint: String,
}

/// The most that is kept of standard error, in bytes.
const MAX_STDERR: usize = 8 * 1024;

/// The most that is read of standard output: a flood is not waited for.
const MAX_STDOUT: usize = 16 * 1024 * 1024;

/// How long output is still read that a program's own children hold open.
const OUTPUT_GRACE: Duration = Duration::from_millis(300);

/// How long a program may take to end when it is asked to.
const STOP_GRACE: Duration = Duration::from_millis(500);

/// Runs a program to its end, its limit, or an interruption.
///
/// # Errors
/// The interruption alone; a program that fails is a result.
pub(crate) async fn run(
    job: &ToolInvocation<'_>,
    interrupt: &mut Interrupt,
) -> Result<ToolResult, Failure> {
    let mut ran = ToolResult {
        ended: ToolEnd::Well,
        output: Vec::new(),
        is_cut: false,
        complaint: String::new(),
    };
    let mut child = match start(job) {
        Ok(child) => child,
        Err(error) => return Ok(ToolResult { ended: ToolEnd::Never(reason(&error)), ..ran }),
    };
    let (mut output, mut complaint) =
        (OutputExcerpt::head(job.most), OutputExcerpt::tail(MAX_STDERR));
    let attended = attend(&mut child, job.input, &mut output, &mut complaint);
    let attended = interrupt.race(tokio::time::timeout(job.limit, attended)).await;
    let is_over = matches!(attended, Ok(Ok(_)));
    if !is_over {
        end(&mut child).await;
    }
    let is_flood = output.seen > MAX_STDOUT;
    ran.ended = match attended? {
        Err(_) => ToolEnd::TooLate,
        Ok(Err(error)) => ToolEnd::Badly(reason(&error)),
        // Its output was not wanted any more, and it noticed.
        Ok(Ok(_)) if is_flood => ToolEnd::Well,
        Ok(Ok(status)) if status.success() => ToolEnd::Well,
        Ok(Ok(status)) => ToolEnd::Badly(status.to_string()),
    };
    ran.is_cut = output.seen > output.most;
    ran.output = output.bytes;
    ran.complaint = String::from_utf8_lossy(&complaint.bytes).trim().to_owned();
    Ok(ran)
}

fn start(job: &ToolInvocation<'_>) -> std::io::Result<Child> {
    let (program, arguments) = job.command.split_first().ok_or(std::io::ErrorKind::InvalidInput)?;
    let mut command = Command::new(program);
    command.args(arguments).args(job.more);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    for variable in job.hidden {
        command.env_remove(variable);
    }
    // A group of its own, so that it can be ended with all that it started.
    #[cfg(unix)]
    command.process_group(0);
    command.kill_on_drop(true).spawn()
}

/// Feeds the program, takes what it writes, and waits for its end.
async fn attend(
    child: &mut Child,
    input: &[u8],
    output: &mut OutputExcerpt,
    complaint: &mut OutputExcerpt,
) -> std::io::Result<ExitStatus> {
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let feed = async move {
        if let Some(mut stdin) = stdin {
            // A program need not read what it is given.
            let _ = stdin.write_all(input).await;
        }
    };
    let pipes = async { tokio::join!(feed, output.take(stdout), complaint.take(stderr)) };
    let mut pipes = std::pin::pin!(pipes);
    tokio::select! {
        _ = &mut pipes => child.wait().await,
        status = child.wait() => {
            let _ = tokio::time::timeout(OUTPUT_GRACE, pipes).await;
            status
        }
    }
}

/// Asks the program's group to end, and makes it.
async fn end(child: &mut Child) {
    #[cfg(unix)]
    if let Some(group) = child.id().and_then(|id| i32::try_from(id).ok()) {
        use rustix::process::{Pid, Signal, kill_process_group};
        if let Some(group) = Pid::from_raw(group) {
            // An error means that nobody is left.
            let _ = kill_process_group(group, Signal::TERM);
            let _ = tokio::time::timeout(STOP_GRACE, child.wait()).await;
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
    let _ = child.kill().await;
}

/// The beginning or the end of what a program writes.
#[derive(Debug)]
struct OutputExcerpt {
    bytes: Vec<u8>,
    most: usize,
    /// How many bytes came.
    seen: usize,
    is_tail: bool,
}

impl OutputExcerpt {
    fn head(most: usize) -> Self {
        Self { bytes: Vec::new(), most, seen: 0, is_tail: false }
    }

    fn tail(most: usize) -> Self {
        Self { is_tail: true, ..Self::head(most) }
    }

    /// Takes what comes until the end, or a flood of it.
    async fn take(&mut self, pipe: Option<impl AsyncRead + Unpin>) {
        let Some(mut pipe) = pipe else { return };
        let mut piece = vec![0; 16 * 1024];
        while let Ok(length @ 1..) = pipe.read(&mut piece).await {
            self.add(&piece[..length]);
            if self.seen > MAX_STDOUT {
                return;
            }
        }
    }

    fn add(&mut self, piece: &[u8]) {
        self.seen += piece.len();
        if self.is_tail {
            self.bytes.extend_from_slice(piece);
            let surplus = self.bytes.len().saturating_sub(self.most);
            self.bytes.drain(..surplus);
        } else {
            let room = self.most.saturating_sub(self.bytes.len());
            self.bytes.extend_from_slice(&piece[..piece.len().min(room)]);
        }
    }
}
