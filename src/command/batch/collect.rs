//! What came of a batch, out of its service: every part of it that is still there.

use std::fs::File;
use std::time::Duration;

use super::handed::wait_doubling;
use super::named::HandedBatch;
use super::part_states::{self, PartStates, problems, progress};
use super::service::{BatchService, write_lines};
use crate::api::batch::state;
use crate::error::{Failure, FailureKind};
use crate::io::Io;
use crate::output::spool::Spool;

/// With `--wait`, how long it waits at first until it looks again, and at most.
const WAIT: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(900));

/// The states of all parts once none has anything more to come.
///
/// # Errors
/// Exit 1: it is not over, and is not to be waited for. Exit 4: it was refused, or is gone altogether; and those
/// of the exchange.
pub(super) async fn ended(
    batch: &mut HandedBatch,
    service: &mut BatchService<'_>,
    waits: bool,
    io: &Io,
) -> Result<PartStates, Failure> {
    let (mut pause, mut told) = (WAIT.0, String::new());
    let rows = batch.kept.as_ref().map(|kept| kept.rows);
    loop {
        let parts = part_states::states(batch, service).await?;
        let states = &parts.states;
        let how_far = progress(states, rows);
        if part_states::is_refused(states) {
            let problems = problems(states);
            let name = &service.exchange.provider.name;
            let why = if problems.is_empty() { how_far } else { problems.join("; ") };
            return Err(Failure::new(
                FailureKind::Refused,
                format!("{name} refused the batch: {why}"),
            ));
        }
        if states.iter().all(|state| state.phase.is_over()) {
            parts.warn(io);
            return Ok(parts);
        }
        if !waits {
            let what = format!("the batch is not done: {how_far}");
            return Err(Failure::new(FailureKind::Other, what).hint("--wait waits until it is"));
        }
        if how_far != told {
            io.note(&format!("waits for the batch: {how_far}"));
            told = how_far;
        }
        pause = wait_doubling(service.exchange, pause, WAIT.1).await?;
    }
}

/// The results of all parts, in temporary files. A file that is gone is told, and the others are kept: they are
/// paid for.
///
/// # Errors
/// Those of the exchange; where nothing at all is there any more, the refusal of the first file.
pub(super) async fn downloaded(
    parts: &PartStates,
    service: &mut BatchService<'_>,
    io: &Io,
) -> Result<Vec<(Spool, File)>, Failure> {
    let (mut files, mut gone, mut came) = (Vec::new(), Vec::new(), false);
    for (state, reply) in parts.states.iter().zip(&parts.replies) {
        let spool = Spool::open(io)?;
        let mut file = spool.handle()?;
        match state::page(reply) {
            Some((results, _)) => {
                write_lines(results, &mut file)?;
                came = true;
            }
            None => {
                let mut results = vec![service.download_pages(&state.id, &mut file).await];
                for id in state.output_file.iter().chain(&state.error_file) {
                    results.push(service.download(id, &mut file, io).await.map(|()| true));
                }
                for result in results {
                    match result {
                        Ok(has_come) => came |= has_come,
                        Err(failure) if failure.kind == FailureKind::Refused => gone.push(failure),
                        Err(failure) => return Err(failure),
                    }
                }
            }
        }
        files.push((spool, file));
    }
    if came {
        gone.iter().for_each(|failure| io.warn(&failure.message));
        return Ok(files);
    }
    gone.into_iter().next().map_or(Ok(files), Err)
}
