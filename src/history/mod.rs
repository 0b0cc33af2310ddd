//! What was asked and answered before: a file for each conversation in the user's data folder. Knows
//! neither services nor how an answer is made or shown.

mod files;
mod inputs;
mod line;
mod name;
mod remove;
mod store;
mod terminal;

pub(crate) use name::{ConversationKey, new_id, now};
pub(crate) use store::{Store, StoredConversation};
pub(crate) use terminal::here;
