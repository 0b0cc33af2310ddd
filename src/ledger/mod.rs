//! What each run took of a service: a line each in one file of the data folder, and the sums of them.
//! Knows neither services nor their replies; appending is the business of `history`.

mod file;
mod note;
mod spent;
mod sum;

pub(crate) use file::Ledger;
pub(crate) use note::Note;
pub(crate) use spent::{Spent, rounded};
pub(crate) use sum::{ChosenNotes, GroupBy, Sum, Sums};
