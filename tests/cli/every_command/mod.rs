//! What all commands share: help, dry runs, connections, faults of a server, signals, the README.
mod completions_and_man;
mod connections;
mod dry_run;
mod dry_run_way;
mod encoded;
pub(crate) mod faults;
mod field_repair;
mod gateways;
mod help;
#[cfg(unix)]
mod leftovers;
mod limits_and_signals;
mod progress;
mod proxies;
mod readme;
mod recorded_requests;
mod reply_limits;
mod reply_samples;
mod secrets;
#[cfg(unix)]
mod signals;
mod tls;
mod wire_samples;
