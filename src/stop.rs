//! Received signals as a flag that any code can check.

use std::sync::Arc;
#[cfg(unix)]
use std::sync::LazyLock;
#[cfg(unix)]
use std::sync::atomic::AtomicBool;
use std::sync::atomic::{AtomicUsize, Ordering};
#[cfg(unix)]
use std::sync::{Mutex, PoisonError};

#[cfg(unix)]
use crate::error::Failure;
use crate::error::FailureKind;

/// The signal that was received, for code that does not run in the runtime because it waits for the
/// reader of stdout.
#[derive(Debug, Clone, Default)]
pub(crate) struct StopSignal {
    /// The number of the signal, 0 for none.
    received: Arc<AtomicUsize>,
    /// For each signal, whether another one ends the process at once.
    #[cfg(unix)]
    final_ones: Vec<(usize, Arc<AtomicBool>)>,
}

impl StopSignal {
    /// The failure with which the run ends, if a signal was received.
    #[cfg(unix)]
    pub(crate) fn failure(&self) -> Option<Failure> {
        let received = self.received.load(Ordering::Relaxed);
        if received != 0 {
            notice();
        }
        match received {
            0 => None,
            SIGQUIT => Some(Failure::new(FailureKind::Quit, "quit")),
            SIGTERM => Some(Failure::new(FailureKind::Terminated, "terminated")),
            SIGHUP => Some(Failure::new(FailureKind::HungUp, "hung up")),
            _ => Some(Failure::new(FailureKind::Interrupted, "interrupted")),
        }
    }

    /// Starts to watch signals. The first one ends the run in order; another one ends the process at
    /// once, unless the first was noticed: then it takes a third one, as the run is about to end.
    ///
    /// # Errors
    /// The system refuses a signal handler.
    #[cfg(unix)]
    pub(crate) fn watch() -> std::io::Result<Self> {
        let mut stop = Self::default();
        for &signal in watched() {
            let asked_before = Arc::new(AtomicBool::new(false));
            let number = i32::try_from(signal).unwrap_or_default();
            // In this order: at the first signal the flag is not set yet.
            signal_hook::flag::register_conditional_default(number, Arc::clone(&asked_before))?;
            signal_hook::flag::register(number, Arc::clone(&asked_before))?;
            signal_hook::flag::register_usize(number, Arc::clone(&stop.received), signal)?;
            FINAL.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&asked_before));
            stop.final_ones.push((signal, asked_before));
        }
        // A file that becomes too large is an error of the write, which is told, and no reason to die.
        signal_hook::flag::register(SIGXFSZ, Arc::default())?;
        Ok(stop)
    }

    /// Forgets a received signal before new work begins.
    pub(crate) fn reset(&self) {
        self.received.store(0, Ordering::Relaxed);
        #[cfg(unix)]
        for (_, is_final) in &self.final_ones {
            is_final.store(false, Ordering::Relaxed);
        }
    }

    /// From now on a signal ends the process at once, as no work is there to be ended in order. Except
    /// SIGINT, which may have been meant for the work that just ended.
    pub(crate) fn exit_on_signals(&self) {
        #[cfg(unix)]
        for (signal, is_final) in &self.final_ones {
            is_final.store(*signal != SIGINT, Ordering::Relaxed);
        }
    }

    #[cfg(not(unix))]
    pub(crate) fn watch() -> std::io::Result<Self> {
        Ok(Self::default())
    }
}

/// What makes another signal end the process, of all signals that are watched.
#[cfg(unix)]
static FINAL: Mutex<Vec<Arc<AtomicBool>>> = Mutex::new(Vec::new());

/// A signal was noticed, and the run is being ended in order: a second Ctrl-C must not keep it from removing
/// its files and ending its programs.
#[cfg(unix)]
pub(crate) fn notice() {
    for is_final in FINAL.lock().unwrap_or_else(PoisonError::into_inner).iter() {
        is_final.store(false, Ordering::Relaxed);
    }
}

/// Ends the process as the signal does that this kind of failure stands for; nothing happens for other kinds.
pub(crate) fn end_by(kind: FailureKind) {
    #[cfg(unix)]
    {
        let number = match kind {
            FailureKind::Interrupted => SIGINT,
            FailureKind::Terminated => SIGTERM,
            FailureKind::HungUp => SIGHUP,
            FailureKind::Quit => SIGQUIT,
            _ => return,
        };
        // The number is small, and the system knows it: the handler for it is set.
        let _ = signal_hook::low_level::emulate_default_handler(
            i32::try_from(number).unwrap_or_default(),
        );
    }
    #[cfg(not(unix))]
    let _ = kind;
}

/// The numbers of signals (POSIX, `kill`).
#[cfg(unix)]
pub(crate) const SIGHUP: usize = 1;
#[cfg(unix)]
const SIGINT: usize = 2;
#[cfg(unix)]
pub(crate) const SIGQUIT: usize = 3;
#[cfg(unix)]
pub(crate) const SIGTERM: usize = 15;
#[cfg(unix)]
const SIGXFSZ: i32 = signal_hook::consts::SIGXFSZ;

/// The signals that end a run. A SIGHUP that the parent ignored (`nohup`) stays ignored.
#[cfg(unix)]
pub(crate) fn watched() -> &'static [usize] {
    static WATCHED: LazyLock<Vec<usize>> = LazyLock::new(find_watched);
    &WATCHED
}

#[cfg(unix)]
fn find_watched() -> Vec<usize> {
    let mut signals = vec![SIGINT, SIGQUIT, SIGTERM];
    if hears_hangup() {
        signals.push(SIGHUP);
    }
    signals
}

/// Whether SIGHUP ends the program, as it does unless its parent has said otherwise. If the system doesn't
/// tell, the default action stays.
#[cfg(target_os = "linux")]
fn hears_hangup() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask & 1 == 0)
}

/// Other systems have no file that tells what is ignored. `nohup` lets no output go to the terminal, so where
/// some does, nobody asked to outlive it.
#[cfg(all(unix, not(target_os = "linux")))]
#[expect(clippy::disallowed_methods, reason = "asked is what they are; nothing is written")]
fn hears_hangup() -> bool {
    use std::io::IsTerminal as _;
    std::io::stdout().is_terminal() || std::io::stderr().is_terminal()
}
