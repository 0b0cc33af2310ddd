//! What was asked and answered before: a file for each conversation in the user's data folder. Knows
//! neither services nor how an answer is made or shown.

mod files;
mod name;
mod store;
mod terminal;
mod turn;

pub(crate) use name::{Key, new_id, now};
pub(crate) use store::{Conversation, Store};
pub(crate) use terminal::here;
pub(crate) use turn::{Answer, End, File, Service, Turn, messages, step_message};
