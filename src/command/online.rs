//! What every command does to go to the network: a runtime, a client, retries; and the demo server
//! where it is the service.

use std::future::Future;
use std::time::{Duration, Instant};

use anyhow::Context as _;

use crate::cli::Common;
use crate::demo;
use crate::error::{self, Failure, Kind};
use crate::http::Service;
use crate::http::client::{Client, Limits};
use crate::http::request::{Body, Method, Request, Url, shown};
use crate::http::retries::Retries;
use crate::interrupt::Interrupt;
use crate::io::Io;
use crate::provider::Provider;
use crate::stop::Stop;

const SILENCE: Duration = Duration::from_secs(300);
const MAX_WAIT: Duration = Duration::from_secs(60);
const RETRIES: u32 = 2;

/// The pace of the demo's stream on a terminal, a piece each.
const PACE: Duration = Duration::from_millis(40);

/// A command's hold on the network.
pub(super) struct Online {
    pub(super) provider: Provider,
    pub(super) client: Client,
    pub(super) io: Io,
    limits: (u32, Duration),
    exchange: Limits,
}

impl Online {
    /// The retries of one request.
    pub(super) fn retries(&self) -> Retries {
        Retries::new(self.limits.0, self.limits.1, self.exchange.silence)
    }

    /// A client for an address that the service or the user named: nothing of the provider goes with
    /// it, and errors speak of its host.
    ///
    /// # Errors
    /// As [`Client::elsewhere`].
    pub(super) fn client_for(&self, url: &Url) -> anyhow::Result<Client> {
        let host = url.host_str().unwrap_or_default();
        let name = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        self.client.elsewhere(Service { name, ..Service::default() }, &self.io)
    }

    /// What is at an address that the service or the user named, in memory; `None` if that is more than
    /// `most` bytes. Nothing of the profile goes there: no key, no header, no proxy.
    ///
    /// # Errors
    /// An address that can't be fetched.
    pub(super) async fn fetch(
        &mut self,
        url: &Url,
        most: usize,
    ) -> Result<Option<Vec<u8>>, Failure> {
        let mut client = self.client_for(url).map_err(|error| error::classify(&error))?;
        let request = Request {
            method: Method::Get,
            url: url.clone(),
            headers: Vec::new(),
            body: Body::Empty,
        };
        let mut retries = self.retries();
        loop {
            let fetched = match client.send(&request, &self.io.voice).await {
                Ok(reply) => reply.at_most(most, &mut client).await,
                Err(failure) => Err(failure),
            };
            match fetched {
                Ok(fetched) => return Ok(fetched),
                Err(failure) => {
                    let failure = of_fetching(failure, url);
                    retries.again(failure, true, &mut client, &self.io.voice).await?;
                }
            }
        }
    }
}

/// A failure in words that tell it from one of the service that is asked. No key was sent, so none
/// was refused.
fn of_fetching(mut failure: Failure, url: &Url) -> Failure {
    if failure.is_silent() {
        return failure;
    }
    failure.message = format!("cannot fetch {}: {}", shown(url), failure.message);
    if failure.kind == Kind::Credentials {
        failure.kind = Kind::Refused;
        failure.retry = None;
    }
    if failure.kind == Kind::Refused {
        failure.hint = None;
    }
    failure
}

/// Runs `work` with a client for the provider, on a current-thread runtime that ends with it.
///
/// # Errors
/// Those of `work`, and of setting up.
pub(super) fn run<T, W, F>(
    mut provider: Provider,
    common: &Common,
    io: &mut Io,
    work: W,
) -> anyhow::Result<T>
where
    T: Send + 'static,
    W: FnOnce(Online) -> F + Send + 'static,
    F: Future<Output = (Io, anyhow::Result<T>)> + Send,
{
    let limits = Limits {
        silence: common.timeout.unwrap_or(SILENCE),
        until: common.max_time.map(|time| (Instant::now() + time, time)),
        verbose: common.verbose,
    };
    let retries = (common.retries.unwrap_or(RETRIES), common.max_wait.unwrap_or(MAX_WAIT));
    on_runtime(io, move |lent| async move {
        let pace = if lent.stdout_is_terminal { PACE } else { Duration::ZERO };
        match connect(&mut provider, limits, pace, &lent).await {
            Ok(client) => {
                work(Online { provider, client, io: lent, limits: retries, exchange: limits }).await
            }
            Err(error) => (lent, Err(error)),
        }
    })
}

/// Runs `work` with the program's streams lent to it, on a current-thread runtime that ends with it.
///
/// # Errors
/// Those of `work`, and of setting up.
pub(super) fn on_runtime<T, W, F>(io: &mut Io, work: W) -> anyhow::Result<T>
where
    T: Send + 'static,
    W: FnOnce(Io) -> F + Send + 'static,
    F: Future<Output = (Io, anyhow::Result<T>)> + Send,
{
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot set up the runtime")?;
    match &io.stop {
        // A conversation comes here again and again; handlers stay for the life of the process.
        Some(stop) => stop.renew(),
        None => {
            let stop = Stop::watch().context("cannot listen to signals")?;
            io.stop = (!io.stdout_is_file).then_some(stop);
        }
    }
    let lent = std::mem::replace(io, Io::nowhere());
    // As a task of its own, the work is woken by the library's task that reads from TLS without a
    // detour over the system: with block_on alone each piece of a fast stream costs two system calls.
    let task = runtime.spawn(async move { work(lent).await });
    let done = runtime.block_on(task);
    // A name that is still being looked up must not hold the exit.
    runtime.shutdown_background();
    let (lent, result) = done.context("the work ended early")?;
    *io = lent;
    result
}

/// A client for the provider; the demo server is started if it is the one.
///
/// # Errors
/// A proxy or certificates that can't be used, a system that refuses a signal handler.
pub(super) async fn connect(
    provider: &mut Provider,
    limits: Limits,
    pace: Duration,
    io: &Io,
) -> anyhow::Result<Client> {
    let interrupt = Interrupt::new(io)?;
    if provider.base_url.scheme() == "demo" {
        let address = demo::start(pace).await.context("cannot start the demo server")?;
        provider.base_url = demo_url(&address.to_string())?;
    }
    Ok(Client::new(provider.service(), limits, &io.env, interrupt))
}

/// Gives the demo an address that can be shown in a dry run, and says what it is worth.
pub(super) fn name_demo(provider: &mut Provider, io: &mut Io) -> Result<(), Failure> {
    if provider.base_url.scheme() == "demo" {
        io.warn("the demo server runs only while llm does; no curl can reach it");
        provider.base_url = demo_url("127.0.0.1")?;
    }
    Ok(())
}

/// The demo server's base URL.
fn demo_url(address: &str) -> Result<Url, Failure> {
    Url::parse(&format!("http://{address}/v1")).map_err(|error| {
        Failure::new(Kind::Other, format!("the demo server has no address: {error}"))
    })
}
