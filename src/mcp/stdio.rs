//! Messages to and from a program: one line each. Whatever it prints is read at once, so that it never waits
//! for us.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use memchr::memchr;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{ChildStdin, ChildStdout};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::message::{self, RpcError};
use super::process::{self, Pipes, Process};
use super::waiting::{ChangeMark, ProgressSender, Waiting};
use crate::io::Stderr;

/// The longest message, in bytes.
const MOST_MESSAGE: usize = 16 << 20;

/// So many lines of its log are kept, and so much of each, in bytes.
const KEPT_LINES: usize = 20;
const KEPT_LINE: usize = 4 * 1024;

/// How much of something that is no message is shown, in characters.
const SHOWN_JUNK: usize = 80;

/// How long the end of a program is waited for, and the rest of its answers and of its log behind it.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// How long the last messages may take to be written.
const LAST_MESSAGES: Duration = Duration::from_millis(200);

/// A program that is spoken to.
pub(super) struct Stdio {
    process: Process,
    outbox: Option<mpsc::UnboundedSender<Value>>,
    waiting: Arc<Waiting>,
    log: Arc<Log>,
    writer: JoinHandle<()>,
    /// Those of its output and of its log.
    readers: [JoinHandle<()>; 2],
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ended {
    /// `it ended`, or what else happened.
    pub(super) what: String,
    /// `exit 1`, if the program ended.
    pub(super) how: Option<String>,
    /// The last line of its log that says something.
    pub(super) last: Option<String>,
}

/// What a program says beside its messages.
struct Log {
    name: String,
    stderr: Stderr,
    /// Its log is shown as it comes.
    is_shown: bool,
    state: Mutex<LogState>,
}

#[derive(Default)]
struct LogState {
    lines: VecDeque<String>,
    /// It was warned of something that is no message.
    has_warned: bool,
    /// Why it is not listened to any more.
    fault: Option<&'static str>,
}

impl Stdio {
    /// Speaks to a program that was just started.
    pub(super) fn new(
        process: Process,
        pipes: Pipes,
        name: &str,
        log: &Stderr,
        shows_log: bool,
        changes: ChangeMark,
    ) -> Self {
        let waiting = Arc::new(Waiting::new(changes));
        let log = Arc::new(Log {
            name: name.to_owned(),
            stderr: log.clone(),
            is_shown: shows_log,
            state: Mutex::default(),
        });
        let (outbox, messages) = mpsc::unbounded_channel();
        let writer = tokio::spawn(write(pipes.stdin, messages, Arc::clone(&waiting)));
        let inbox = Inbox {
            waiting: Arc::clone(&waiting),
            log: Arc::clone(&log),
            outbox: outbox.downgrade(),
        };
        let readers = [
            tokio::spawn(inbox.read(pipes.stdout)),
            tokio::spawn(keep(pipes.stderr, Arc::clone(&log))),
        ];
        Self { process, outbox: Some(outbox), waiting, log, writer, readers }
    }

    /// Sends a request and waits for its answer.
    ///
    /// # Errors
    /// The program has ended, is not listened to any more, or answers with what can't be read.
    pub(super) async fn request(
        &mut self,
        id: u64,
        request: Value,
        progress: Option<ProgressSender>,
    ) -> Result<Result<Value, RpcError>, Ended> {
        let mut outcome = self.waiting.expect(id, progress);
        self.post(request);
        if self.is_closed() {
            self.waiting.forget_all();
        }
        let outcome = tokio::select! {
            biased;
            outcome = &mut outcome => outcome.ok(),
            // Others may hold its output open. What it wrote before its end is still read.
            () = self.process.wait() => timeout(LAST_WORDS, outcome).await.ok().and_then(Result::ok),
        };
        match outcome {
            Some(Ok(outcome)) => Ok(outcome),
            Some(Err(why)) => {
                let what = format!("its answer can't be read ({why})");
                Err(Ended { what, how: None, last: None })
            }
            None => Err(self.last_words().await),
        }
    }

    /// Sends a message that gets no answer.
    pub(super) fn send(&self, message: Value) {
        self.waiting.note_notification();
        self.post(message);
    }

    fn post(&self, message: Value) {
        if let Some(outbox) = &self.outbox {
            // A program that reads nothing any more is noticed by its output.
            let _ = outbox.send(message);
        }
    }

    /// An answer of this number is not waited for any more.
    pub(super) fn forget(&self, id: u64) {
        self.waiting.forget(id);
    }

    /// Whether the program has ended, or is not spoken to any more.
    pub(super) fn is_over(&mut self) -> bool {
        self.is_closed() || self.process.has_ended()
    }

    /// Whether it has closed its output or its input.
    fn is_closed(&self) -> bool {
        self.readers[0].is_finished() || self.writer.is_finished()
    }

    /// Why it ended.
    async fn last_words(&mut self) -> Ended {
        let status = self.process.ended(LAST_WORDS).await;
        if status.is_some() && !self.readers[1].is_finished() {
            let _ = timeout(LAST_WORDS, &mut self.readers[1]).await;
        }
        let state = self.log.state();
        let what = match (state.fault, status.is_some()) {
            (Some(fault), _) => fault,
            (None, true) => "it ended",
            (None, false) => "it closed its output",
        };
        Ended {
            what: what.to_owned(),
            how: status.map(process::words),
            last: telling(&state.lines),
        }
    }

    /// Ends the program: its input is closed first.
    pub(super) async fn close(mut self) {
        self.outbox = None;
        if timeout(LAST_MESSAGES, &mut self.writer).await.is_err() {
            self.writer.abort();
        }
        self.process.end().await;
        self.readers.iter().for_each(JoinHandle::abort);
    }
}

/// Writes whole lines until nobody sends any more; then the program's input is closed.
async fn write(
    mut stdin: ChildStdin,
    mut messages: mpsc::UnboundedReceiver<Value>,
    waiting: Arc<Waiting>,
) {
    while let Some(message) = messages.recv().await {
        let mut line = message.to_string().into_bytes();
        line.push(b'\n');
        if stdin.write_all(&line).await.is_err() {
            waiting.forget_all();
            return;
        }
    }
}

/// Who gets what the program prints.
struct Inbox {
    waiting: Arc<Waiting>,
    log: Arc<Log>,
    outbox: mpsc::WeakUnboundedSender<Value>,
}

impl Inbox {
    /// Reads messages to the end of the output; then nobody waits for an answer any more.
    async fn read(self, mut stdout: ChildStdout) {
        let mut unread: Vec<u8> = Vec::new();
        let mut looked = 0;
        let mut buffer = vec![0; 64 * 1024];
        while let Ok(length @ 1..) = stdout.read(&mut buffer).await {
            unread.extend_from_slice(&buffer[..length]);
            let mut start = 0;
            while let Some(end) = memchr(b'\n', &unread[looked..]) {
                self.take(&unread[start..looked + end]);
                looked += end + 1;
                start = looked;
            }
            unread.drain(..start);
            looked = unread.len();
            if unread.len() > MOST_MESSAGE {
                self.log.state().fault = Some("it prints a message of more than 16 MiB");
                unread.clear();
                break;
            }
        }
        if !unread.is_empty() {
            self.take(&unread);
        }
        self.waiting.forget_all();
    }

    fn take(&self, line: &[u8]) {
        let line = line.trim_ascii();
        if line.is_empty() {
            return;
        }
        let line = line.strip_prefix("\u{feff}".as_bytes()).unwrap_or(line);
        let Some(messages) = message::read(line) else { return self.log.warn_of(line) };
        for message in messages {
            let reply = self.waiting.take(message);
            if let (Some(reply), Some(outbox)) = (reply, self.outbox.upgrade()) {
                let _ = outbox.send(reply);
            }
        }
    }
}

/// Reads a program's log to its end.
async fn keep(mut pipe: impl AsyncRead + Unpin, log: Arc<Log>) {
    let mut line: Vec<u8> = Vec::new();
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(length @ 1..) = pipe.read(&mut buffer).await {
        let mut rest = &buffer[..length];
        while !rest.is_empty() {
            let end = memchr(b'\n', rest);
            let part = &rest[..end.unwrap_or(rest.len())];
            let room = KEPT_LINE.saturating_sub(line.len());
            line.extend_from_slice(&part[..part.len().min(room)]);
            if end.is_some() {
                log.keep(&line);
                line.clear();
            }
            rest = &rest[(part.len() + 1).min(rest.len())..];
        }
    }
    log.keep(&line);
}

impl Log {
    fn keep(&self, line: &[u8]) {
        let line = String::from_utf8_lossy(line.trim_ascii_end()).into_owned();
        if line.is_empty() {
            return;
        }
        if self.is_shown {
            self.stderr.say(&format!("mcp {}: {line}", self.name));
        }
        let mut state = self.state();
        if state.lines.len() == KEPT_LINES {
            state.lines.pop_front();
        }
        state.lines.push_back(line);
    }

    /// Warns of a line that is no message, once.
    fn warn_of(&self, line: &[u8]) {
        if std::mem::replace(&mut self.state().has_warned, true) {
            return;
        }
        let start: String = String::from_utf8_lossy(line).chars().take(SHOWN_JUNK).collect();
        let name = &self.name;
        self.stderr.warn(&format!("mcp {name}: prints \"{start}\" where messages belong"));
    }

    fn state(&self) -> MutexGuard<'_, LogState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The last line that says what happened: not one of a stack, nor the version of Node behind it.
fn telling(lines: &VecDeque<String>) -> Option<String> {
    let is_of_stack = |line: &&String| {
        line.starts_with(|letter: char| letter.is_whitespace() || letter == '}')
            || line.starts_with("Node.js v")
    };
    lines.iter().rev().find(|line| !is_of_stack(line)).or(lines.back()).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_that_tells_is_found() {
        let told = |lines: &[&str]| telling(&lines.iter().map(|line| (*line).to_owned()).collect());
        assert_eq!(told(&[]), None);
        let python = ["Traceback (most recent call last):", "  File \"x\"", "AttributeError: 'x'"];
        assert_eq!(told(&python).as_deref(), Some("AttributeError: 'x'"));
        let node =
            ["Error: Cannot find module 'x'", "    at a", "  code: 'E'", "}", "Node.js v22.1.0"];
        assert_eq!(told(&node).as_deref(), Some("Error: Cannot find module 'x'"));
        assert_eq!(told(&["  only this"]).as_deref(), Some("  only this"));
    }
}
