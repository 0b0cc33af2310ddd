//! The dialect of each endpoint of chat.

use super::chat_completions::ChatCompletions;
use super::chat_dialect::ChatDialect;
use super::responses::Responses;
use crate::provider::ChatApi;

/// The dialect of an endpoint.
pub(crate) fn of(api: ChatApi) -> &'static dyn ChatDialect {
    match api {
        ChatApi::Completions => &ChatCompletions,
        ChatApi::Responses => &Responses,
    }
}
