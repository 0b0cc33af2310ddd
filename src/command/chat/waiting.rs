//! One line on the terminal while nothing has come of an answer for seconds: a model that is loaded first
//! looks like one that hangs.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::task::JoinHandle;

use crate::io::{Io, Stderr};
use crate::provider::Provider;
use crate::sanitize;

/// How long nothing is said.
const PATIENCE: Duration = Duration::from_secs(2);

/// How many letters of a model's name are shown, so that the line stays one.
const MOST_LETTERS: usize = 40;

/// The line, which goes away when this is dropped or ended.
pub(super) struct WaitingLine {
    stderr: Stderr,
    is_over: Arc<AtomicBool>,
    task: Option<JoinHandle<()>>,
}

impl WaitingLine {
    /// Begins to wait. Nothing is shown before [`PATIENCE`] is over, and nothing where nobody looks on.
    pub(super) fn begin(provider: &Provider, io: &Io) -> Self {
        let stderr = io.stderr.clone();
        let is_over = Arc::new(AtomicBool::new(false));
        let is_watched =
            stderr.is_terminal && !stderr.is_quiet && io.env.get("TERM").as_deref() != Some("dumb");
        let name = provider.model.as_deref().unwrap_or(&provider.name);
        let name: String = sanitize::one_line(name).chars().take(MOST_LETTERS).collect();
        let task =
            is_watched.then(|| tokio::spawn(tick(name, stderr.clone(), Arc::clone(&is_over))));
        Self { stderr, is_over, task }
    }

    /// Something has come.
    pub(super) fn end(&mut self) {
        let Some(task) = self.task.take() else { return };
        self.is_over.store(true, Ordering::Relaxed);
        task.abort();
        self.stderr.end_shown_line();
    }
}

impl Drop for WaitingLine {
    fn drop(&mut self) {
        self.end();
    }
}

/// Tells once a second how long it has been.
async fn tick(name: String, stderr: Stderr, is_over: Arc<AtomicBool>) {
    let began = Instant::now();
    tokio::time::sleep(PATIENCE).await;
    while !is_over.load(Ordering::Relaxed) {
        let seconds = began.elapsed().as_secs();
        stderr.show_passing_line(&format!(
            "llm: waiting for {name}, {seconds} s (it may be loading)"
        ));
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}
