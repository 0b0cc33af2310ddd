//! The account of a run: what its replies took is counted, and noted once it has ended.

use super::state::Exchange;
use crate::error::{Failure, FailureKind};
use crate::io::Env;
use crate::ledger::{Ledger, Note, Spent};

impl Exchange {
    /// Counts what a reply took, as the service told it: to be called once for each reply. Where the
    /// profile has prices for the model, they say what it costs. Gives it with its cost.
    pub(crate) fn spend(&mut self, mut spent: Spent) -> Spent {
        if let Some((currency, amount)) = self.provider.price_of(&self.model, &spent) {
            spent.cost = [(currency, amount)].into();
        }
        self.shared.meter.add(&self.model, &spent);
        let tokens = [spent.input_tokens, spent.output_tokens];
        self.taken = tokens.into_iter().flatten().reduce(u64::saturating_add);
        spent
    }

    /// A request went out: the service was talked to, whatever comes of it.
    pub(super) fn was_asked(&self) {
        self.shared.meter.add(&self.model, &Spent::default());
    }

    /// Notes what the run took, once it has ended: with `ended` where it failed. Without any request
    /// there is nothing to note.
    pub(crate) fn note(&self, ended: Option<FailureKind>, env: &Env) {
        Ledger::add_all(&self.notes(ended), env, Some(&self.stderr));
    }

    /// The same for a caller that writes the notes itself; they are given once.
    pub(crate) fn notes(&self, ended: Option<FailureKind>) -> Vec<Note> {
        let models = self.shared.meter.take();
        if !self.provider.is_noted {
            return Vec::new();
        }
        let exit = ended.map_or(0, FailureKind::exit_code);
        let (command, name) = (self.shared.options().command, &self.provider.name);
        let note = |(model, spent): (String, Spent)| Note::new(command, name, &model, spent);
        models.into_iter().map(|one| note(one).ended(exit)).collect()
    }
}

/// Whether a request that failed reached the service, or may have.
pub(super) fn has_reached(failure: &Failure) -> bool {
    let may_have_run = failure.retry.as_ref().is_some_and(|retry| retry.may_have_run);
    failure.refused.is_some() || may_have_run || failure.is_silent()
}
