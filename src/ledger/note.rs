//! One line of the file.

use serde::Serialize;

use super::spent::{Spent, rounded};
use crate::history;

/// What a run took of a service.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Note {
    /// When it ended (RFC 3339, UTC).
    time: String,
    command: String,
    provider: String,
    /// Empty where no model was asked.
    #[serde(skip_serializing_if = "String::is_empty")]
    model: String,
    #[serde(flatten)]
    spent: Spent,
    /// The exit code of a run that failed or was interrupted.
    #[serde(skip_serializing_if = "is_good")]
    exit: u8,
}

impl Note {
    /// For a run that ends now.
    pub(crate) fn new(command: &str, provider: &str, model: &str, mut spent: Spent) -> Self {
        spent.cost.values_mut().for_each(|amount| *amount = rounded(*amount));
        Self {
            time: history::now(),
            command: command.to_owned(),
            provider: provider.to_owned(),
            model: model.to_owned(),
            spent,
            exit: 0,
        }
    }

    /// With the exit code of the run.
    pub(crate) fn ended(mut self, exit: u8) -> Self {
        self.exit = exit;
        self
    }
}

fn is_good(exit: &u8) -> bool {
    *exit == 0
}
