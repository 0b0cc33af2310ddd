//! What a service says of the parts of a batch: of all that it still has.

use serde_json::Value;

use super::named::HandedBatch;
use super::service::BatchService;
use super::tally::grouped;
use crate::api::batch::state::{BatchPhase, BatchState};
use crate::error::{Failure, FailureKind};
use crate::io::Io;
use crate::sanitize;

/// What the service says of the parts that it still has.
pub(super) struct PartStates {
    pub(super) states: Vec<BatchState>,
    /// The same as it came.
    pub(super) replies: Vec<Value>,
    /// What it says of the other parts.
    gone: Vec<Failure>,
}

impl PartStates {
    /// Tells of the parts that are gone.
    pub(super) fn warn(&self, io: &Io) {
        self.gone.iter().for_each(|failure| io.warn(&failure.message));
    }
}

/// What the service says of all parts, which is noted. One that is gone does not stand in the way of the others.
///
/// # Errors
/// Those of the exchange; what it says of the first part where it has none of them.
pub(super) async fn states(
    batch: &mut HandedBatch,
    service: &mut BatchService<'_>,
) -> Result<PartStates, Failure> {
    let mut parts = PartStates { states: Vec::new(), replies: Vec::new(), gone: Vec::new() };
    for id in batch.parts() {
        match service.state(&id).await {
            Ok((state, reply)) => {
                parts.states.push(state);
                parts.replies.push(reply);
            }
            Err(failure) if failure.kind == FailureKind::Refused => parts.gone.push(failure),
            Err(failure) => return Err(failure),
        }
    }
    if parts.states.is_empty() {
        let what = format!("{} was not handed over", batch.id);
        let never = || {
            Failure::new(FailureKind::Other, what)
                .hint("the same `llm batch submit` hands it over, `llm batch rm` forgets it")
        };
        return Err(parts.gone.into_iter().next().unwrap_or_else(never));
    }
    batch.note(&parts.states);
    Ok(parts)
}

/// How far all parts are: `in_progress, 1,200 of 5,000, 12 failed`. `rows` is how many they are known to have.
pub(super) fn progress(states: &[BatchState], rows: Option<u64>) -> String {
    let mut words: Vec<&str> = Vec::new();
    for state in states {
        if !words.contains(&&*state.word) {
            words.push(&state.word);
        }
    }
    let sum = |count: fn(&BatchState) -> Option<u64>| {
        states.iter().try_fold(0, |sum, state| Some(sum + count(state)?))
    };
    let mut parts = vec![sanitize::one_line(&words.join("/"))];
    let total = rows.or_else(|| sum(|state| state.total));
    match (sum(|state| state.done), total) {
        (Some(done), Some(total)) => parts.push(format!("{} of {}", grouped(done), grouped(total))),
        (None, Some(total)) => parts.push(format!("{} rows", grouped(total))),
        (Some(done), None) if done > 0 => parts.push(format!("{} done", grouped(done))),
        _ => {}
    }
    if let Some(failed @ 1..) = sum(|state| state.failed) {
        parts.push(format!("{} failed", grouped(failed)));
    }
    if let [BatchState { percent: Some(percent), done: None, .. }] = states {
        parts.push(format!("{percent} %"));
    }
    parts.join(", ")
}

/// The words of services for why a batch failed.
pub(super) fn problems(states: &[BatchState]) -> Vec<String> {
    let all = states.iter().flat_map(|state| &state.problems);
    all.map(|problem| sanitize::one_line(&problem.words())).collect()
}

/// Whether no part of a batch has anything to fetch.
pub(super) fn is_refused(states: &[BatchState]) -> bool {
    states.iter().all(|state| {
        let has_file = state.output_file.is_some() || state.error_file.is_some();
        state.phase == BatchPhase::Failed && !has_file
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::batch::state;
    use serde_json::json;

    #[test]
    fn how_far_a_batch_is_fits_in_a_line() {
        let of = |values: &[Value], rows| {
            let states: Vec<BatchState> =
                values.iter().map(|value| state::read(value).expect("a batch")).collect();
            progress(&states, rows)
        };
        let part = |word: &str, done: u64, failed: u64| {
            json!({"id": "b", "status": word,
                "request_counts": {"total": 2500, "completed": done, "failed": failed}})
        };
        let two = [part("in_progress", 1000, 2), part("completed", 2490, 10)];
        assert_eq!(of(&two, None), "in_progress/completed, 3,502 of 5,000, 12 failed");
        assert_eq!(of(&[part("validating", 0, 0)], Some(7)), "validating, 0 of 7");
        let together = json!({"id": "b", "status": "IN_PROGRESS", "progress": 75});
        assert_eq!(of(std::slice::from_ref(&together), Some(9)), "in_progress, 9 rows, 75 %");
        assert_eq!(of(&[together], None), "in_progress, 75 %");
    }
}
