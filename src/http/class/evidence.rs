//! The facts of a failure.

use crate::http::fault::Fault;

/// All that a failure's class is told from.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct Evidence<'e> {
    /// The status of the reply, or the one that an error inside a good reply carries.
    pub(in super::super) status: Option<u16>,
    /// The error stands in a reply whose own status says success.
    pub(in super::super) is_carried: bool,
    /// What the service said.
    pub(in super::super) fault: &'e Fault,
    /// A header names a time to wait.
    pub(in super::super) has_wait: bool,
    /// The host that was asked.
    pub(in super::super) host: &'e str,
    /// The model that was asked for.
    pub(in super::super) model: &'e str,
    /// Codes that say "no money" elsewhere, but only "slow down" at this service.
    pub(in super::super) slow_down_codes: &'e [String],
}
