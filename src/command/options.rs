//! What was typed of the options that all commands have, as it is meant: the door behind which nothing
//! knows the command line.

use std::path::PathBuf;
use std::time::Duration;

use crate::cli::Common;
use crate::exchange::ExchangeOptions;
use crate::provider::ServiceOptions;

/// The longest wait between two tries, without `--max-wait`.
const DEFAULT_MAX_WAIT: Duration = Duration::from_secs(60);

/// What a run is to do, whatever its command is.
#[derive(Debug, Clone)]
pub(crate) struct RunOptions {
    pub(crate) service: ServiceOptions,
    pub(crate) exchange: ExchangeOptions,
    /// The profile file, instead of the user's own.
    pub(crate) config: Option<PathBuf>,
    /// The requests are printed as curl commands, and none is sent.
    pub(crate) dry_run: bool,
    /// The provider's JSON is printed as it came.
    pub(crate) json: bool,
    /// Token counts and times are told when all is done.
    pub(crate) usage: bool,
}

impl RunOptions {
    /// The options as they are meant, with the defaults of those that were not given. `command` is what
    /// notes call the run.
    pub(crate) fn new(common: &Common, command: &'static str) -> Self {
        Self {
            service: ServiceOptions {
                provider: common.provider.clone(),
                model: common.model.clone(),
                base_url: common.base_url.clone(),
                api_key_env: common.api_key_env.clone(),
                headers: common.header.clone(),
                settings: common.option.clone(),
                is_dry: common.dry_run,
                is_insecure: common.insecure,
                no_log: common.no_log,
            },
            exchange: ExchangeOptions {
                silence: common.timeout,
                max_time: common.max_time,
                began: None,
                retries: common.retries,
                max_wait: common.max_wait.unwrap_or(DEFAULT_MAX_WAIT),
                verbose: common.verbose,
                command,
                is_insecure: common.insecure,
            },
            config: common.config.clone(),
            dry_run: common.dry_run,
            json: common.json,
            usage: common.usage,
        }
    }
}
