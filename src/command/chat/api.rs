//! Which endpoint of chat a question goes to, and who chose it.

use crate::dialect::{ChatDialect, ModelOptions};
use crate::error::Failure;
use crate::provider::{ChatApi, Provider};

/// An endpoint of chat, and who chose it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ChosenApi {
    pub(super) api: ChatApi,
    pub(super) by: ChosenBy,
}

/// Who chose an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ChosenBy {
    /// `--api`.
    Flag,
    /// `api` of the profile.
    Profile,
    /// A rule with `via`.
    Rule,
    /// A refusal, whose words name the other endpoint.
    Refusal,
    /// `--search`, which the service has there alone.
    Search,
    /// Nobody: it is the usual one.
    Default,
}

/// The endpoint for a question, before anything was learnt of the service: what was typed wins over
/// the profile, in which a rule for such questions wins over `api`.
pub(super) fn chosen(
    typed: Option<ChatApi>,
    by_rule: Option<ChatApi>,
    provider: &Provider,
) -> ChosenApi {
    let choices =
        [(typed, ChosenBy::Flag), (by_rule, ChosenBy::Rule), (provider.api(), ChosenBy::Profile)];
    let choice = choices.into_iter().find_map(|(api, by)| Some(ChosenApi { api: api?, by }));
    choice.unwrap_or(ChosenApi { api: ChatApi::default(), by: ChosenBy::Default })
}

impl ChosenApi {
    /// Its dialect.
    pub(super) fn dialect(self) -> &'static dyn ChatDialect {
        crate::dialect::of(self.api)
    }

    /// Refuses flags for which the endpoint that the user chose has no field.
    ///
    /// # Errors
    /// Exit 2.
    pub(super) fn check(self, options: &ModelOptions) -> Result<(), Failure> {
        let flag = match (options.seed, options.stop.as_slice()) {
            (Some(_), _) => "--seed",
            (None, [_, ..]) => "--stop",
            (None, []) => return Ok(()),
        };
        let is_users = matches!(self.by, ChosenBy::Flag | ChosenBy::Profile);
        if self.api == ChatApi::Completions || !is_users {
            return Ok(());
        }
        let by = match self.by {
            ChosenBy::Flag => "",
            _ => ", which the profile's `api` chooses,",
        };
        let what = format!("/responses{by} has no field for {flag}");
        Err(Failure::usage(what).hint(format!("`--api completions` takes {flag}")))
    }
}
