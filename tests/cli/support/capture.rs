//! Reads one output pipe of a child process in a thread, no further than it is asked to. It knows
//! nothing of the process.

use std::io::Read;
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// How far to read.
enum Demand {
    /// Until this text has come behind so many bytes.
    Until(Vec<u8>, usize),
    ToTheEnd,
}

/// What came out of a pipe.
///
/// The thread is never inside a read when nothing is asked of it, so the pipe can be closed at any time.
pub(super) struct Capture {
    shared: Arc<Shared>,
    demands: Option<Sender<Demand>>,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    bytes: Vec<u8>,
    /// So far the bytes have been looked through.
    seen: usize,
    ended: bool,
}

impl Capture {
    /// Takes the pipe over; nothing is read yet.
    pub(super) fn new(mut pipe: impl Read + Send + 'static) -> Self {
        let shared = Arc::new(Shared { state: Mutex::default(), changed: Condvar::new() });
        let (demands, asked) = mpsc::channel();
        let filled = Arc::clone(&shared);
        thread::spawn(move || {
            for demand in asked {
                filled.fill(&mut pipe, &demand);
            }
            drop(pipe);
            filled.end();
        });
        Self { shared, demands: Some(demands) }
    }

    /// Reads until `text` was seen behind what the last call found; false if the pipe ended or `timeout` passed
    /// first.
    pub(super) fn read_until(&self, text: &[u8], timeout: Duration) -> bool {
        let seen = self.shared.lock().seen;
        self.ask(Demand::Until(text.to_vec(), seen));
        let ready = |state: &State| state.end_of(text, seen).is_some() || state.ended;
        let mut state = self.shared.wait(timeout, ready);
        let end = state.end_of(text, seen);
        state.seen = end.unwrap_or(seen);
        end.is_some()
    }

    /// Reads on to the end, in the background.
    pub(super) fn read_all(&self) {
        self.ask(Demand::ToTheEnd);
    }

    /// Waits until the pipe has ended; false if it is still open after `timeout`.
    pub(super) fn wait_end(&self, timeout: Duration) -> bool {
        self.shared.wait(timeout, |state| state.ended).ended
    }

    /// Closes our end, and waits until it is closed.
    pub(super) fn close(&mut self) {
        self.demands = None;
        assert!(self.wait_end(Duration::from_secs(5)), "the pipe is still being read");
    }

    /// What has been read so far.
    pub(super) fn bytes(&self) -> Vec<u8> {
        self.shared.lock().bytes.clone()
    }

    fn ask(&self, demand: Demand) {
        if let Some(demands) = &self.demands {
            let _ = demands.send(demand); // the thread is gone only when the pipe is
        }
    }
}

impl State {
    /// Where the text ends behind so many bytes.
    fn end_of(&self, text: &[u8], seen: usize) -> Option<usize> {
        if text.is_empty() {
            return Some(seen);
        }
        let at = self.bytes[seen..].windows(text.len()).position(|window| window == text)?;
        Some(seen + at + text.len())
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait(&self, timeout: Duration, ready: impl Fn(&State) -> bool) -> MutexGuard<'_, State> {
        let start = Instant::now();
        let mut state = self.lock();
        while !ready(&state) {
            let left = timeout.saturating_sub(start.elapsed());
            if left.is_zero() {
                break;
            }
            let waited = self.changed.wait_timeout(state, left);
            (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        }
        state
    }

    fn fill(&self, pipe: &mut impl Read, demand: &Demand) {
        let mut buffer = vec![0; 64 * 1024];
        loop {
            {
                let state = self.lock();
                if state.ended || demand.is_met(&state) {
                    return;
                }
            }
            match pipe.read(&mut buffer) {
                Ok(read @ 1..) => {
                    self.lock().bytes.extend_from_slice(&buffer[..read]);
                    self.changed.notify_all();
                }
                Ok(0) | Err(_) => return self.end(),
            }
        }
    }

    fn end(&self) {
        self.lock().ended = true;
        self.changed.notify_all();
    }
}

impl Demand {
    fn is_met(&self, state: &State) -> bool {
        match self {
            Self::Until(text, seen) => state.end_of(text, *seen).is_some(),
            Self::ToTheEnd => false,
        }
    }
}
