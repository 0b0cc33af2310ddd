//! Fields of a question that are the user's own, so that a refusal of them has no way out.

use crate::provider::user_fields::{SetBy, UserFields};

/// What the user sets by `-O` or in the profile, so that no other form of it goes out.
#[derive(Debug, Clone, Copy)]
pub(super) struct FixedFields {
    pub(super) messages: bool,
    pub(super) response_format: bool,
}

impl FixedFields {
    /// By their names over both endpoints.
    pub(super) fn of(own: &UserFields) -> Self {
        let is_set = |name: &str| own.by(name).is_some();
        let is_no_flag = |name: &str| own.by(name).is_some_and(|by| !matches!(by, SetBy::Flag(_)));
        Self {
            messages: is_set("messages") || is_set("input"),
            response_format: is_no_flag("response_format") || is_no_flag("text"),
        }
    }
}
