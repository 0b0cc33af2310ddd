//! What a run takes of the services that it asks, model by model.

use std::sync::{Mutex, PoisonError};

use crate::ledger::Spent;

/// What the requests of a run took, for each model that was asked.
#[derive(Debug, Default)]
pub(super) struct Meter(Mutex<Vec<(String, Spent)>>);

impl Meter {
    /// Adds what a request of this model took.
    pub(super) fn add(&self, model: &str, spent: &Spent) {
        let mut models = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match models.iter_mut().find(|(name, _)| name == model) {
            Some((_, all)) => all.add(spent),
            None => models.push((model.to_owned(), spent.clone())),
        }
    }

    /// Gives what there is, and begins anew.
    pub(super) fn take(&self) -> Vec<(String, Spent)> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
