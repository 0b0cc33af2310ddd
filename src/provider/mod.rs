//! A service, ready to be asked: a resolved profile that gives URLs, headers and request bodies.
//! Reads no files. Opens sockets only to see which servers are there when no service is chosen.

mod base_url;
pub(crate) mod batch_api;
mod body_secrets;
mod chat_api;
mod choose;
mod endpoint;
mod environment;
pub(crate) mod field_repair;
mod host;
mod job;
pub(crate) mod key;
mod limit;
mod on_this_machine;
mod options;
pub(crate) mod price;
mod resolve;
mod resolved;
pub(crate) mod rules;
mod search;
pub(crate) mod shape;
mod takes;
#[cfg(test)]
mod tests;
mod told;
mod usable;
pub(crate) mod user_fields;

pub(crate) use crate::config::name;
pub(crate) use crate::config::schema::{
    ChatApi, RerankForm, ResponsesExtra, SchemaForm, ToolSchemaForm,
};
pub(crate) use choose::is_chosen;
pub(crate) use job::Job;
pub(crate) use limit::RequestLimit;
pub(crate) use options::{ServiceOptions, Setting};
pub(crate) use resolve::{offered, profile_for, profile_if_chosen, provider_of, resolve};
pub(crate) use resolved::{Composed, Fields, KEY, Provider, limit_in, limits_of};
pub(crate) use rules::set_field;
