//! What a command needs to talk to a service: a runtime, a client, and the demo server where that is the
//! service.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinError;

use super::state::{Exchange, ExchangeOptions};
use crate::demo;
use crate::error::{Failure, FailureKind, classify, reason};
use crate::http::client::Client;
use crate::http::request::Url;
use crate::interrupt::Interrupt;
use crate::io::Io;
use crate::provider::Provider;
use crate::stop::StopSignal;

/// The pace of the demo's stream on a terminal: the time between two chunks.
const DEMO_PACE: Duration = Duration::from_millis(40);

/// A command's work on the network.
pub(crate) type Work<'a, T> = Pin<Box<dyn Future<Output = Result<T, Failure>> + Send + 'a>>;

/// Runs `work` with an exchange for the provider, on a current-thread runtime that ends with it, and notes
/// what it took.
///
/// # Errors
/// Those of `work`, and of setting up.
pub(crate) fn run<T, W>(
    provider: Provider,
    options: ExchangeOptions,
    io: &mut Io,
    work: W,
) -> Result<T, Failure>
where
    T: Send + 'static,
    W: for<'a> FnOnce(&'a mut Exchange, &'a mut Io) -> Work<'a, T> + Send + 'static,
{
    on_runtime(io, move |io| {
        Box::pin(async move {
            let pace = if io.stdout_is_terminal { DEMO_PACE } else { Duration::ZERO };
            let mut exchange = Exchange::open(provider, options, pace, io).await?;
            let result = work(&mut exchange, io).await;
            exchange.note(result.as_ref().err().map(|failure| failure.kind), &io.env);
            result
        })
    })
}

/// Runs `work` with the program's streams, on a current-thread runtime that ends with it.
///
/// # Errors
/// Those of `work`, and of setting up.
pub(crate) fn on_runtime<T, W>(io: &mut Io, work: W) -> Result<T, Failure>
where
    T: Send + 'static,
    W: for<'a> FnOnce(&'a mut Io) -> Work<'a, T> + Send + 'static,
{
    let cannot = |what: &str, error: std::io::Error| {
        Failure::new(FailureKind::Other, format!("cannot {what}: {}", reason(&error)))
    };
    check_descriptors()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| cannot("set up the runtime", error))?;
    match &io.stop {
        // A conversation comes here again and again; handlers stay for the life of the process.
        Some(stop) => stop.reset(),
        None => {
            let stop = StopSignal::watch().map_err(|error| cannot("listen to signals", error))?;
            io.stop = (!io.stdout_is_file).then_some(stop);
        }
    }
    // As a task of its own, the work is woken by the library's task that reads from TLS without a
    // detour over the system: with block_on alone each chunk of a fast stream costs two system calls.
    // A task can borrow nothing, so the streams are lent to it and come back with the result.
    let mut lent = std::mem::replace(io, Io::nowhere());
    let task = runtime.spawn(async move {
        let result = work(&mut lent).await;
        (lent, result)
    });
    let done = runtime.block_on(task);
    // A name that is still being looked up must not hold the exit.
    runtime.shutdown_background();
    let (lent, result) = done.map_err(ended_early)?;
    *io = lent;
    result
}

impl Exchange {
    /// An exchange with a provider; the demo server is started if it is the one. `pace` is the time
    /// between two chunks of the demo's streams.
    ///
    /// # Errors
    /// A proxy or certificates that can't be used, a system that refuses a signal handler.
    pub(crate) async fn open(
        mut provider: Provider,
        options: ExchangeOptions,
        pace: Duration,
        io: &Io,
    ) -> Result<Self, Failure> {
        let interrupt = Interrupt::new(io).map_err(|error| classify(&error))?;
        if provider.base_url.scheme() == "demo" {
            let folder = io.env.data_folder().map(|folder| folder.join("demo"));
            let address = demo::start(pace, folder).await.map_err(|error| {
                Failure::new(
                    FailureKind::Other,
                    format!("cannot start the demo server: {}", reason(&error)),
                )
            })?;
            provider.base_url = demo_url(&address.to_string())?;
        }
        let client = Client::new(provider.service(), options.limits(), &io.env, interrupt);
        Ok(Self::with(Arc::new(provider), client, options, io.stderr.clone()))
    }
}

/// The open files that a run needs at the least: those of the runtime, of the signals, a connection.
#[cfg(unix)]
const FILES: usize = 12;

/// With fewer open files allowed than this they are counted before work begins.
#[cfg(unix)]
const MANY_FILES: u64 = 64;

/// Makes sure that the runtime, which gives up in its own way without them, has the files that it opens.
///
/// # Errors
/// There are too few.
fn check_descriptors() -> Result<(), Failure> {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, getrlimit};
        let limit = getrlimit(Resource::Nofile).current;
        if limit.is_none_or(|limit| limit >= MANY_FILES) {
            return Ok(());
        }
        let opened: Result<Vec<_>, _> =
            std::iter::repeat_with(|| std::fs::File::open("/dev/null")).take(FILES).collect();
        if let Err(error) = opened
            && error.raw_os_error() == Some(rustix::io::Errno::MFILE.raw_os_error())
        {
            let what = "too few open files are allowed for a connection";
            return Err(Failure::new(FailureKind::Other, what)
                .hint("`ulimit -n 1024` in this shell allows more"));
        }
    }
    Ok(())
}

/// The failure for a task that panicked.
pub(crate) fn ended_early(error: JoinError) -> Failure {
    Failure::new(FailureKind::Other, format!("the work ended early: {error}"))
}

/// Gives the demo an address that can be shown in a dry run, and says what it is worth.
///
/// # Errors
/// None that is known: the address is a constant.
pub(crate) fn name_demo(provider: &mut Provider, io: &Io) -> Result<(), Failure> {
    if provider.base_url.scheme() == "demo" {
        io.warn("the demo server runs only while llm does; curl can't reach it");
        provider.base_url = demo_url("127.0.0.1")?;
    }
    Ok(())
}

/// The demo server's base URL.
fn demo_url(address: &str) -> Result<Url, Failure> {
    Url::parse(&format!("http://{address}/v1")).map_err(|error| {
        Failure::new(FailureKind::Other, format!("the demo server has no address: {error}"))
    })
}
