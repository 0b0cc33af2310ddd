//! Signals as a flag that any code can look at. Knows nothing about what is interrupted.

use std::sync::Arc;
#[cfg(unix)]
use std::sync::LazyLock;
#[cfg(unix)]
use std::sync::atomic::AtomicBool;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::error::{Failure, FailureKind};

/// What a signal asked for, as plain data: for code that can't wait in the runtime because it waits
/// for a reader of standard output.
#[derive(Debug, Clone, Default)]
pub(crate) struct StopSignal {
    /// The signal that came, 0 for none.
    asked: Arc<AtomicUsize>,
    /// For each signal, whether the next one ends the process at once.
    #[cfg(unix)]
    final_ones: Vec<(usize, Arc<AtomicBool>)>,
}

impl StopSignal {
    /// The failure that ends the run, if a signal asked for it.
    pub(crate) fn failure(&self) -> Option<Failure> {
        match self.asked.load(Ordering::Relaxed) {
            0 => None,
            SIGTERM => Some(Failure::new(FailureKind::Terminated, "terminated")),
            SIGHUP => Some(Failure::new(FailureKind::HungUp, "hung up")),
            _ => Some(Failure::new(FailureKind::Interrupted, "interrupted")),
        }
    }

    /// Starts to watch. The first signal is answered in order; a second one ends the process at
    /// once, whatever it is doing.
    ///
    /// # Errors
    /// The system refuses a signal handler.
    #[cfg(unix)]
    pub(crate) fn watch() -> std::io::Result<Self> {
        let mut stop = Self::default();
        for &signal in watched() {
            let asked_before = Arc::new(AtomicBool::new(false));
            let number = i32::try_from(signal).unwrap_or_default();
            // In this order: at the first signal the flag is still down.
            signal_hook::flag::register_conditional_default(number, Arc::clone(&asked_before))?;
            signal_hook::flag::register(number, Arc::clone(&asked_before))?;
            signal_hook::flag::register_usize(number, Arc::clone(&stop.asked), signal)?;
            stop.final_ones.push((signal, asked_before));
        }
        Ok(stop)
    }

    /// Forgets what was asked for: new work begins, for which no signal came yet.
    pub(crate) fn renew(&self) {
        self.asked.store(0, Ordering::Relaxed);
        #[cfg(unix)]
        for (_, is_final) in &self.final_ones {
            is_final.store(false, Ordering::Relaxed);
        }
    }

    /// Between two pieces of work nobody listens: a signal that means the end is obeyed at once. Not
    /// a SIGINT, which may have been meant for the work that just ended.
    pub(crate) fn rest(&self) {
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

/// The numbers of signals (POSIX, `kill`).
pub(crate) const SIGHUP: usize = 1;
const SIGINT: usize = 2;
pub(crate) const SIGTERM: usize = 15;

/// The signals that are answered. A SIGHUP that the parent had ignored (`nohup`) stays ignored.
#[cfg(unix)]
pub(crate) fn watched() -> &'static [usize] {
    static WATCHED: LazyLock<Vec<usize>> = LazyLock::new(find_watched);
    &WATCHED
}

#[cfg(unix)]
fn find_watched() -> Vec<usize> {
    let mut signals = vec![SIGINT, SIGTERM];
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    // Where the system doesn't tell, the default action is left in place.
    if mask.is_some_and(|mask| mask & 1 == 0) {
        signals.push(SIGHUP);
    }
    signals
}
