//! `POST /chat/completions`: the request's fields, and the answer out of a stream or a whole reply.

pub(crate) mod answers;
pub(crate) mod calls;
pub(crate) mod content;
mod event;
mod kept;
pub(crate) mod reader;
pub(crate) mod request;
pub(crate) mod schema;
mod template;
pub(crate) mod usage;
mod view;

pub(crate) use event::{ChatEvent, Finish};
