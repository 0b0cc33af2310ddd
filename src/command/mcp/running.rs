//! Servers that run: started together, and waited for together.

use std::time::{Duration, Instant};

use super::choice::ServerChoice;
use crate::error::{Failure, classify};
use crate::exchange::ExchangeOptions;
use crate::interrupt::Interrupt;
use crate::io::{Io, Stderr};
use crate::mcp::{Host, HostContext, Ready, Server};

/// After so long it is said what is waited for.
const SILENT_WAIT: Duration = Duration::from_secs(2);

/// A server that was started, and what is wanted of it.
#[derive(Debug)]
pub(crate) struct RunningServer {
    pub(crate) choice: ServerChoice,
    pub(crate) server: Server,
}

/// Starts servers and waits for none of them. They end with the host.
///
/// # Errors
/// As [`Host::start`].
pub(crate) fn start(
    choices: Vec<ServerChoice>,
    options: &ExchangeOptions,
    io: &Io,
) -> Result<(Host, Vec<RunningServer>), Failure> {
    let context = HostContext {
        stderr: io.stderr.clone(),
        env: io.env.clone(),
        verbose: options.verbose,
        is_insecure: options.is_insecure,
    };
    let settings = choices.iter().map(|choice| choice.settings.clone()).collect();
    let (host, servers) = Host::start(settings, context)?;
    let pair = |(choice, server)| RunningServer { choice, server };
    Ok((host, choices.into_iter().zip(servers).map(pair).collect()))
}

/// What can end the wait from outside, the user's limit of time included.
///
/// # Errors
/// The system refuses a signal handler.
pub(crate) fn interrupt(options: &ExchangeOptions, io: &Io) -> Result<Interrupt, Failure> {
    let mut interrupt = Interrupt::new(io).map_err(|error| classify(&error))?;
    interrupt.limit(options.max_time.map(|time| (Instant::now() + time, time)));
    Ok(interrupt)
}

/// Waits until each server is ready or known to fail.
///
/// # Errors
/// The interruption.
pub(crate) async fn all_ready(
    servers: &mut [RunningServer],
    interrupt: &mut Interrupt,
    stderr: &Stderr,
) -> Result<Vec<Result<Ready, Failure>>, Failure> {
    let silent = tokio::time::sleep(SILENT_WAIT);
    tokio::pin!(silent);
    let mut has_told = false;
    let mut all = Vec::with_capacity(servers.len());
    for at in 0..servers.len() {
        let (now, later) = servers[at..].split_at_mut(1);
        let name = now[0].choice.settings.name.clone();
        let ready = now[0].server.ready();
        tokio::pin!(ready);
        let ready = loop {
            let wait = async {
                tokio::select! {
                    ready = &mut ready => Some(ready),
                    () = &mut silent, if !has_told => None,
                }
            };
            if let Some(ready) = interrupt.race(wait).await? {
                break ready;
            }
            has_told = true;
            let others = names_of_slow(later);
            let names: Vec<&str> =
                std::iter::once(name.as_str()).chain(others.iter().map(String::as_str)).collect();
            stderr.note(&format!("waits for mcp {}", names.join(", ")));
        };
        all.push(ready);
    }
    Ok(all)
}

/// Those that are not ready yet.
fn names_of_slow(servers: &[RunningServer]) -> Vec<String> {
    let slow = servers.iter().filter(|running| !running.server.is_ready());
    slow.map(|running| running.choice.settings.name.clone()).collect()
}
