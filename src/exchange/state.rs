//! What a run knows of the service that it asks: one part that all its requests share, and one client
//! for each request that runs at a time.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::draft::Draft;
use super::meter::Meter;
use super::pace::MinuteLimits;
use super::retries::{LastSaid, Retries};
use super::throttle::Throttle;
use crate::error::{Failure, classify};
use crate::http::client::{Client, ExchangeLimits};
use crate::http::request::{Request, Url};
use crate::http::retry::RetryPolicy;
use crate::interrupt::Interrupt;
use crate::io::{Io, Stderr};
use crate::provider::Provider;
use crate::provider::field_repair::FieldRepair;

/// What the user allows an exchange.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ExchangeOptions {
    /// The longest silence on the wire, and the longest wait for a server that loads its model; `None`
    /// is five minutes.
    pub(crate) silence: Option<Duration>,
    /// The longest time for the whole run, and when that began: with the exchange, unless it is the
    /// second one of a run.
    pub(crate) max_time: Option<Duration>,
    pub(crate) began: Option<Instant>,
    /// How many tries may follow the first one; `None`: the user did not say.
    pub(crate) retries: Option<u32>,
    /// The longest wait between two tries.
    pub(crate) max_wait: Duration,
    /// What the notes of the run call it.
    pub(crate) command: &'static str,
    /// The exchange is shown on stderr.
    pub(crate) verbose: bool,
    /// No certificate of a server is checked.
    pub(crate) is_insecure: bool,
}

/// Tries after a failed one where the user says nothing of them.
const RETRIES: u32 = 2;

/// The most requests of a bulk run at a time, unless the user says otherwise: of a service on this
/// machine, and of any other.
const MOST_NEAR: usize = 32;
const MOST_FAR: usize = 64;

/// The same for the parts of a long text or recording: each takes a service long, and its sound or file is
/// large.
const MOST_PARTS_NEAR: usize = 4;
const MOST_PARTS_FAR: usize = 16;

/// Open files that are left for other things than connections.
#[cfg(unix)]
const OTHER_FILES: usize = 32;

/// The longest silence on the wire where the user says nothing of it.
const SILENCE: Duration = Duration::from_secs(300);

impl ExchangeOptions {
    fn silence(&self) -> Duration {
        self.silence.unwrap_or(SILENCE)
    }

    fn policy(&self) -> RetryPolicy {
        RetryPolicy { retries: self.retries.unwrap_or(RETRIES), max_wait: self.max_wait }
    }

    /// What a client may do from now on.
    pub(super) fn limits(&self) -> ExchangeLimits {
        ExchangeLimits {
            silence: self.silence(),
            until: self.max_time.map(|time| (self.began.unwrap_or_else(Instant::now) + time, time)),
            verbose: self.verbose,
            is_insecure: self.is_insecure,
            repeats_charged: self.retries.is_some_and(|retries| retries > 0),
        }
    }
}

/// A command's connection to a service: what [`Exchange::ask`] works with. It carries one request at a
/// time; [`Exchange::fork`] makes another one for a request beside it.
pub(crate) struct Exchange {
    /// The service that is asked.
    pub(crate) provider: Arc<Provider>,
    /// The model that is asked, by the name that is sent; empty where there is none.
    pub(super) model: String,
    pub(super) client: Client,
    pub(super) stderr: Stderr,
    pub(super) shared: Arc<Shared>,
    /// The tokens that the last reply took.
    pub(super) taken: Option<u64>,
}

/// What all requests of a run share.
pub(super) struct Shared {
    options: ExchangeOptions,
    /// Only in a bulk run: what all requests pass on their way out.
    pub(super) throttle: Option<Throttle>,
    /// What the run took.
    pub(super) meter: Arc<Meter>,
    /// What was said last of a failed try.
    said: Arc<LastSaid>,
    /// What the first refusal of a field taught.
    repair: Mutex<Option<FieldRepair>>,
    /// The model that was looked up: the only one that is there. Locked while it is looked up, so that
    /// this is done once.
    pub(super) model_there: tokio::sync::Mutex<Option<String>>,
    /// What is to be said of a default of the built-in list that is gone, once that is known.
    pub(super) dead_default: tokio::sync::OnceCell<String>,
}

impl Exchange {
    /// An exchange with a service over this client.
    pub(super) fn with(
        provider: Arc<Provider>,
        client: Client,
        options: ExchangeOptions,
        stderr: Stderr,
    ) -> Self {
        let shared = Arc::new(Shared::new(options));
        Self { provider, model: String::new(), client, stderr, shared, taken: None }
    }

    /// Prepares for a bulk run of at most `most` requests at a time, where the user says so; else their
    /// number finds its own level. `limits` is what the user allows in a minute. To be called before anything is asked.
    pub(crate) fn for_many(&mut self, most: Option<usize>, limits: MinuteLimits) {
        let wanted = most.unwrap_or_else(|| self.most(MOST_NEAR, MOST_FAR));
        self.pass_gate(wanted, most.is_some(), limits);
    }

    /// Prepares for the parts of a long text or recording, as [`Exchange::for_many`] does for rows; once is enough.
    pub(crate) fn for_parts(&mut self) {
        if self.shared.throttle.is_some() {
            return;
        }
        let wanted = self.most(MOST_PARTS_NEAR, MOST_PARTS_FAR);
        self.pass_gate(wanted, false, MinuteLimits::default());
    }

    fn most(&self, near: usize, far: usize) -> usize {
        if is_this_machine(&self.provider.base_url) { near } else { far }
    }

    /// From now on all requests pass one gate.
    fn pass_gate(&mut self, wanted: usize, begins_at_ceiling: bool, limits: MinuteLimits) {
        let ceiling = wanted.min(most_connections());
        if ceiling < wanted {
            let what = format!(
                "at most {ceiling} requests at a time: the system allows no more open files"
            );
            self.stderr.note(&what);
        }
        let policy = self.shared.options.policy();
        let throttle = Throttle::new(policy, ceiling, begins_at_ceiling, limits);
        self.shared = Arc::new(self.shared.behind(throttle));
    }

    /// How many requests may be out at a time, as it is now: one, but in a bulk run.
    pub(crate) fn level(&self) -> usize {
        self.shared.throttle.as_ref().map_or(1, Throttle::level)
    }

    /// How long all requests of a bulk run wait now, as the service is asked too fast.
    pub(crate) fn pause(&self) -> Option<Duration> {
        self.shared.throttle.as_ref().and_then(Throttle::pause)
    }

    /// Another exchange of the same run over the same connections, for a request beside this one's.
    ///
    /// # Errors
    /// The system refuses a signal handler.
    pub(crate) fn fork(&self, io: &Io) -> Result<Self, Failure> {
        Ok(Self {
            provider: Arc::clone(&self.provider),
            model: self.model.clone(),
            client: self.client.fork(io).map_err(|error| classify(&error))?,
            stderr: self.stderr.clone(),
            shared: Arc::clone(&self.shared),
            taken: None,
        })
    }

    /// As [`Exchange::fork`], for work that is ended by whoever began it: signals and the limit of time are
    /// that one's business. A thousand of these take no more of the system than their connections.
    pub(crate) fn branch(&self) -> Self {
        Self {
            provider: Arc::clone(&self.provider),
            model: self.model.clone(),
            client: self.client.branch(),
            stderr: self.stderr.clone(),
            shared: Arc::clone(&self.shared),
            taken: None,
        }
    }

    /// A warning beside the result.
    pub(crate) fn warn(&self, text: &str) {
        self.stderr.warn(text);
    }

    /// Waits for `work`, or for what ends the run: a signal, the limit of time, a reader of standard
    /// output that went away.
    ///
    /// # Errors
    /// What ends the run.
    pub(crate) async fn wait<T>(&mut self, work: impl Future<Output = T>) -> Result<T, Failure> {
        self.client.interrupt.race(work).await
    }

    /// What can end the run from outside.
    pub(crate) fn interrupt(&mut self) -> &mut Interrupt {
        &mut self.client.interrupt
    }
}

impl Shared {
    fn new(options: ExchangeOptions) -> Self {
        Self {
            options,
            throttle: None,
            meter: Arc::default(),
            said: Arc::default(),
            repair: Mutex::default(),
            model_there: tokio::sync::Mutex::default(),
            dead_default: tokio::sync::OnceCell::new(),
        }
    }

    /// The same, with all that is known by now, behind a gate.
    fn behind(&self, throttle: Throttle) -> Self {
        // Nobody asks yet, so the model is not being looked up.
        let model_there = self.model_there.try_lock().map(|model| model.clone());
        Self {
            options: self.options,
            throttle: Some(throttle),
            meter: Arc::clone(&self.meter),
            said: Arc::clone(&self.said),
            repair: Mutex::new(self.repair().clone()),
            model_there: tokio::sync::Mutex::new(model_there.unwrap_or_default()),
            dead_default: self.dead_default.clone(),
        }
    }

    pub(super) fn options(&self) -> ExchangeOptions {
        self.options
    }

    /// The retries of one request, which may be one of those that are charged each time.
    pub(super) fn retries(&self, is_charged: bool) -> Retries {
        let is_typed = self.options.retries.is_some();
        let said = Arc::clone(&self.said);
        Retries::new(self.options.policy(), is_typed, is_charged, said, self.options.silence())
    }

    /// The request of a draft, with the change that an earlier request taught.
    pub(super) fn prepared(&self, draft: Draft) -> Request {
        let mut request = draft.request;
        if let Some(repair) = draft.repair {
            let mut known = self.repair();
            // The other endpoint of chat has other fields.
            let known = match &mut *known {
                Some(known) if known.is_for_that_of(&repair) => known,
                known => known.insert(FieldRepair::clone(&repair)),
            };
            known.prepare(&mut request);
        }
        request
    }

    /// What repairs the fields of this run's requests, once a draft brought it.
    pub(super) fn repair(&self) -> MutexGuard<'_, Option<FieldRepair>> {
        self.repair.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether an address is one of this machine.
fn is_this_machine(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// How many connections the system lets us have.
fn most_connections() -> usize {
    #[cfg(unix)]
    if let Some(files) = rustix::process::getrlimit(rustix::process::Resource::Nofile).current {
        return usize::try_from(files).unwrap_or(usize::MAX).saturating_sub(OTHER_FILES).max(1);
    }
    usize::MAX
}
