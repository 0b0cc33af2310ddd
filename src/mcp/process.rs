//! A server's program: started with its own environment and in a process group of its own, and ended with
//! all that it started.

use std::io;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

/// How long a program may take to end once its input is closed, and again once it is asked to.
const GRACE: Duration = Duration::from_secs(2);

/// The same for what a program has left behind that has ended itself.
const GRACE_OF_REST: Duration = Duration::from_millis(300);

/// A program that runs, or has run.
pub(super) struct Process {
    child: Child,
    /// The number of its group, which is that of the program.
    #[cfg(unix)]
    group: Option<rustix::process::Pid>,
}

/// What is written to it and read from it.
pub(super) struct Pipes {
    pub(super) stdin: ChildStdin,
    pub(super) stdout: ChildStdout,
    pub(super) stderr: ChildStderr,
}

impl Process {
    /// Starts a program with these variables and no others.
    ///
    /// # Errors
    /// It can't be started.
    pub(super) fn start(
        command: &[String],
        variables: Vec<(String, String)>,
        folder: Option<&Path>,
    ) -> io::Result<(Self, Pipes)> {
        let (program, arguments) = command.split_first().ok_or(io::ErrorKind::InvalidInput)?;
        let mut command = Command::new(program);
        command.args(arguments).env_clear().envs(variables);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        if let Some(folder) = folder {
            command.current_dir(folder);
        }
        #[cfg(unix)]
        command.process_group(0);
        let mut child = command.kill_on_drop(true).spawn()?;
        let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (Some(stdin), Some(stdout), Some(stderr)) = pipes else {
            return Err(io::ErrorKind::BrokenPipe.into());
        };
        #[cfg(unix)]
        let group = child
            .id()
            .and_then(|id| i32::try_from(id).ok())
            .and_then(rustix::process::Pid::from_raw);
        let process = Self {
            child,
            #[cfg(unix)]
            group,
        };
        Ok((process, Pipes { stdin, stdout, stderr }))
    }

    /// How it ended, if it does so within this time.
    pub(super) async fn ended(&mut self, within: Duration) -> Option<ExitStatus> {
        timeout(within, self.child.wait()).await.ok()?.ok()
    }

    /// Waits for its end.
    pub(super) async fn wait(&mut self) {
        // An error means that it can't be told any more, as it is gone.
        let _ = self.child.wait().await;
    }

    /// Whether it has ended.
    pub(super) fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    /// Ends it, whose input was closed, and all that it started. Only the program itself is waited for,
    /// not the end of its output, which others may hold open.
    pub(super) async fn end(&mut self) {
        let mut grace = GRACE_OF_REST;
        if self.ended(GRACE).await.is_none() {
            grace = GRACE;
        }
        if self.is_left() {
            self.signal(true);
            let started = tokio::time::Instant::now();
            while self.is_left() && started.elapsed() < grace {
                // The program's own end is told by the system, that of others has to be looked for.
                let _ = self.ended(Duration::from_millis(10)).await;
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            self.signal(false);
        }
        let _ = self.child.kill().await;
    }

    /// Whether the program or something that it started is still there.
    #[cfg(unix)]
    fn is_left(&self) -> bool {
        let in_group = |group| rustix::process::test_kill_process_group(group).is_ok();
        self.group.is_some_and(in_group)
    }

    #[cfg(not(unix))]
    fn is_left(&self) -> bool {
        self.child.id().is_some()
    }

    /// Asks the group to end, or makes it.
    #[cfg(unix)]
    fn signal(&self, asks: bool) {
        use rustix::process::{Signal, kill_process_group};
        if let Some(group) = self.group {
            // An error means that nothing is left to end.
            let _ = kill_process_group(group, if asks { Signal::TERM } else { Signal::KILL });
        }
    }

    #[cfg(not(unix))]
    fn signal(&self, _: bool) {}
}

/// How a program ended, in words.
pub(super) fn words(status: ExitStatus) -> String {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        return format!("signal {signal}");
    }
    status.code().map_or_else(|| status.to_string(), |code| format!("exit {code}"))
}
