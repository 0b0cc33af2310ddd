//! A program that runs: what it writes is read, it can be written to and signalled, and it never outlives
//! its test. It knows nothing of how the command was put together.

use std::io::Write;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::capture::Capture;
use super::outcome::{Origin, Outcome};

/// What standard input is.
#[derive(Clone)]
pub(super) enum Input {
    Null,
    Bytes(Vec<u8>),
    OpenPipe,
    File(std::sync::Arc<std::fs::File>),
}

/// A started program; dropping it kills it.
#[must_use]
pub(crate) struct Running {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: Capture,
    stderr: Capture,
    started: Instant,
    limit: Duration,
    origin: Origin,
}

impl Running {
    /// Starts the command; `limit` is how long [`Running::wait`] lets it live.
    #[track_caller]
    pub(super) fn start(
        mut command: Command,
        input: Input,
        limit: Duration,
        origin: Origin,
    ) -> Self {
        let stdin = match &input {
            Input::Null => Stdio::null(),
            Input::Bytes(_) | Input::OpenPipe => Stdio::piped(),
            Input::File(file) => file.try_clone().expect("a file can be opened twice").into(),
        };
        command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped());
        let started = Instant::now();
        let mut child = match command.spawn() {
            Ok(child) => child,
            Err(error) => panic!("{command:?} can't be started: {error}"),
        };
        let mut stdin = child.stdin.take();
        if let Input::Bytes(bytes) = input
            && let Some(mut pipe) = stdin.take()
        {
            thread::spawn(move || {
                let _ = pipe.write_all(&bytes); // a program may end without reading its input
            });
        }
        let stderr = Capture::new(child.stderr.take().expect("standard error is piped"));
        stderr.read_all();
        Self {
            stdin,
            stdout: Capture::new(child.stdout.take().expect("standard output is piped")),
            stderr,
            child,
            started,
            limit,
            origin,
        }
    }

    /// The process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Reads standard output until `text` has come behind what the last call waited for, and gives all of it so
    /// far.
    ///
    /// Fails the test if the program closes its output or `timeout` passes before. Standard output is
    /// read here and in [`Running::wait`] alone: a program that writes more blocks on the pipe.
    #[track_caller]
    pub(crate) fn read_stdout_until(&mut self, text: &str, timeout: Duration) -> String {
        let seen = self.stdout.read_until(text.as_bytes(), timeout);
        self.so_far(seen, "standard output", text, timeout).stdout_text()
    }

    /// Waits until `text` has come on standard error behind what the last call waited for, and gives all of it
    /// so far.
    #[track_caller]
    pub(crate) fn read_stderr_until(&mut self, text: &str, timeout: Duration) -> String {
        let seen = self.stderr.read_until(text.as_bytes(), timeout);
        self.so_far(seen, "standard error", text, timeout).stderr_text()
    }

    #[track_caller]
    fn so_far(&self, seen: bool, stream: &str, text: &str, timeout: Duration) -> Outcome {
        let outcome = self.outcome(None);
        if !seen {
            outcome.fail(&format!("`{text}` did not come on {stream} within {timeout:?}"));
        }
        outcome
    }

    /// Closes our end of standard output, as a reader that went away.
    pub(crate) fn close_stdout(&mut self) {
        self.stdout.close();
    }

    /// Writes to standard input, which must be an open pipe.
    #[track_caller]
    pub(crate) fn write_stdin(&mut self, bytes: impl AsRef<[u8]>) {
        let pipe = self.stdin.as_mut().expect("standard input is an open pipe");
        if let Err(error) = pipe.write_all(bytes.as_ref()).and_then(|()| pipe.flush()) {
            self.outcome(None).fail(&format!("standard input does not take more: {error}"));
        }
    }

    /// Closes standard input: the program sees its end.
    pub(crate) fn close_stdin(&mut self) {
        self.stdin = None;
    }

    /// Sends the signal of this name (`INT`, `TERM`, ...) through the `kill` program.
    #[track_caller]
    pub(crate) fn signal(&self, name: &str) {
        let status = Command::new("kill")
            .args([format!("-{name}"), self.pid().to_string()])
            .status()
            .expect("the `kill` program is there");
        assert!(status.success(), "no signal {name} for {}", self.pid());
    }

    /// Waits for the end, and reads both streams to theirs.
    ///
    /// After a minute (or what `watchdog` said) the program is killed and the test fails.
    #[track_caller]
    pub(crate) fn wait(mut self) -> Outcome {
        self.stdout.read_all();
        let deadline = self.started + self.limit;
        let status = loop {
            match self.child.try_wait().expect("the child can be waited for") {
                Some(status) => break status,
                None if Instant::now() > deadline => self.overdue("it still runs"),
                None => thread::sleep(Duration::from_millis(1)),
            }
        };
        let elapsed = self.started.elapsed();
        let left = || deadline.saturating_duration_since(Instant::now());
        if !(self.stdout.wait_end(left()) && self.stderr.wait_end(left())) {
            self.overdue("a process that it left behind holds its output open");
        }
        let mut outcome = self.outcome(Some(status));
        outcome.elapsed = elapsed;
        outcome
    }

    #[track_caller]
    fn overdue(&mut self, problem: &str) -> ! {
        let _ = self.child.kill(); // it may have ended just now
        self.outcome(None).fail(&format!("not finished within {:?}: {problem}", self.limit))
    }

    fn outcome(&self, status: Option<ExitStatus>) -> Outcome {
        Outcome::new(
            self.origin.clone(),
            status,
            self.started.elapsed(),
            self.stdout.bytes(),
            self.stderr.bytes(),
        )
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill(); // nothing to do for a program that has ended
        let _ = self.child.wait();
    }
}
