//! Where servers run: what is the same for all of a run's.

use crate::io::{Env, Stderr};

/// What is the same for all servers of a run.
#[derive(Clone)]
pub(crate) struct HostContext {
    pub(crate) stderr: Stderr,
    pub(crate) env: Env,
    /// What programs log, and what goes over HTTP, is shown.
    pub(crate) verbose: bool,
    /// No certificate of a server is checked.
    pub(crate) is_insecure: bool,
}
