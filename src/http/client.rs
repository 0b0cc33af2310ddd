//! The client: sends a [`Request`], gives the reply's bytes as they come, and
//! turns whatever goes wrong on the way into a [`Failure`]. Knows no endpoint and no profile.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::activity::Activity;
use super::direct::Reuse;
use super::encoded::Content;
use super::head::ReplyHead;
use super::network::{self, ExchangePhase, NetworkError};
use super::outgoing::{OnSent, Outgoing};
use super::proxy::Proxy;
use super::refusal::{self, RefusalHead};
use super::request::{Request, Url};
use super::silence::SilenceLimit;
use super::trace;
use super::transport::{Incoming, Route, Transport};
use super::{Service, redirect};
use crate::error::{Failure, FailureKind, Retry};
use crate::interrupt::Interrupt;
use crate::io::{Env, Io, Stderr};

/// An error's body is read to here.
const MAX_ERROR_BODY: usize = 64 * 1024;

/// A request that is charged each time goes only over a connection that was used so shortly before: on
/// an older one, which may have died, it could get lost with nobody knowing whether it was carried out.
const SURELY_ALIVE: Duration = Duration::from_secs(1);

/// What the user may set of an exchange.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ExchangeLimits {
    /// The longest silence on the wire.
    pub(crate) silence: Duration,
    /// When the whole run must be over, and the time that it was given.
    pub(crate) until: Option<(Instant, Duration)>,
    pub(crate) verbose: bool,
    /// No certificate of a server is checked.
    pub(crate) is_insecure: bool,
    /// A request that is charged each time may be sent again although it may have been carried out.
    pub(crate) repeats_charged: bool,
}

/// A client for one service. It lives on a current-thread runtime.
pub(crate) struct Client {
    transport: Arc<Transport>,
    pub(crate) service: Service,
    limits: ExchangeLimits,
    /// Told how many bytes of a streamed body were handed to the network.
    pub(crate) on_sent: Option<OnSent>,
    /// Each time that the next request is carried out is paid for.
    pub(crate) is_charged: bool,
    pub(crate) interrupt: Interrupt,
}

/// A reply whose status says success.
#[derive(Debug)]
pub(crate) struct Response {
    head: ReplyHead,
    body: Content,
    silence: SilenceLimit,
    url: Url,
    any: bool,
    /// The proxy that has fetched the reply.
    forwarder: Option<Proxy>,
}

impl Client {
    /// A client for a service.
    pub(crate) fn new(
        service: Service,
        limits: ExchangeLimits,
        env: &Env,
        mut interrupt: Interrupt,
    ) -> Self {
        interrupt.limit(limits.until);
        let transport = Transport::new(service.clone(), env.clone(), limits.is_insecure);
        let transport = Arc::new(transport);
        Self { transport, service, limits, on_sent: None, is_charged: false, interrupt }
    }

    /// Sends a request and waits for the head of its reply.
    ///
    /// # Errors
    /// The network's failure, silence beyond the limit, an interruption, a redirect that must not
    /// be followed, or the provider's refusal in its own words.
    pub(crate) async fn send(
        &mut self,
        request: &Request,
        stderr: &Stderr,
    ) -> Result<Response, Failure> {
        let (response, redirected) = self.reply(request, stderr).await?;
        match response.head.status {
            200..=299 => Ok(response),
            _ => Err(self.refusal(response, redirected.as_ref().unwrap_or(request)).await?),
        }
    }

    /// Sends a request and waits for the head of its reply, whatever its status is; with the request that led to
    /// it where that is another one.
    ///
    /// # Errors
    /// The network's failure, silence beyond the limit, an interruption, a redirect that must not
    /// be followed.
    pub(crate) async fn reply(
        &mut self,
        request: &Request,
        stderr: &Stderr,
    ) -> Result<(Response, Option<Request>), Failure> {
        let mut redirected: Option<Request> = None;
        for _ in 0..redirect::MAX_HOPS {
            let request = redirected.as_ref().unwrap_or(request);
            let response = self.exchange(request, stderr).await?;
            let status = response.head.status;
            if !(300..=399).contains(&status) {
                return Ok((response, redirected));
            }
            let target = response.header("location");
            redirected = Some(redirect::follow(request, status, target, &self.service)?);
        }
        let what = format!("{} redirects too many times", self.service.name);
        Err(Failure::new(FailureKind::Refused, what))
    }

    /// Sends a request and reads whatever comes, whatever its status: for asking what a server
    /// has. Redirects are not followed.
    ///
    /// # Errors
    /// The network's failure, silence beyond the limit, an interruption.
    pub(crate) async fn ask(
        &mut self,
        request: &Request,
        stderr: &Stderr,
    ) -> Result<(u16, Vec<u8>), Failure> {
        let mut response = self.exchange(request, stderr).await?;
        let mut body = Vec::new();
        while body.len() < MAX_ERROR_BODY {
            match response.chunk(self).await? {
                Some(bytes) => body.extend_from_slice(&bytes),
                None => break,
            }
        }
        Ok((response.head.status, body))
    }

    async fn exchange(&mut self, request: &Request, stderr: &Stderr) -> Result<Response, Failure> {
        // Behind a redirect the request carries less, but what was sent before stays secret.
        stderr.conceal(request.secrets());
        if self.limits.verbose {
            trace::request(request, stderr);
        }
        let route = self.transport.route(&request.url)?;
        stderr.conceal(route.secrets());
        let (head, body) = self.answered(request, &route).await?;
        if self.limits.verbose {
            trace::reply(&head, stderr);
        }
        let encoding = head.header("content-encoding");
        let body = Content::of(body, encoding).map_err(|encoding| {
            let name = &self.service.name;
            let what = format!(
                "the answer from {name} came in the encoding `{encoding}`, which was not asked for"
            );
            Failure::new(FailureKind::Network, what)
        })?;
        Ok(Response {
            head,
            body,
            silence: SilenceLimit::new(self.limits.silence),
            url: request.url.clone(),
            any: false,
            forwarder: route.forwarder(&request.url).cloned(),
        })
    }

    /// Sends a request until the head of a reply is there; a connection that was kept and turns out to be
    /// dead is replaced once.
    async fn answered(
        &mut self,
        request: &Request,
        route: &Route,
    ) -> Result<(ReplyHead, Incoming), Failure> {
        let (silence, on_sent) = (self.limits.silence, self.on_sent.clone());
        let name = &self.service.name;
        let mut reuse = match self.is_charged {
            true => Reuse::Within(SURELY_ALIVE),
            false => Reuse::Any,
        };
        loop {
            let activity = Activity::default();
            let outgoing = Outgoing::of(&request.body, &activity, on_sent.as_ref());
            let counted = outgoing.counted();
            // On the heap, as what waits for it would copy it from one future into the next.
            let sent = Box::pin(self.transport.send(request, outgoing, route, reuse));
            let sent = self.interrupt.race(activity.while_active(silence, sent)).await?;
            let is_whole = activity.sent() >= counted;
            let Some(sent) = sent else {
                return Err(marked(silent(name, silence, "no reply began"), is_whole));
            };
            let broken = match sent? {
                Ok(answered) => return Ok(answered),
                Err(broken) => broken,
            };
            let may_have_run = is_whole && !broken.is_connect();
            let must_not_repeat = self.is_charged && may_have_run && !self.limits.repeats_charged;
            if broken.is_stale() && !must_not_repeat {
                reuse = Reuse::Never;
                continue;
            }
            let failure = network::failure(&broken, ExchangePhase::Sending, name, &request.url);
            let failure = match broken.is_connect() {
                true => self.service.with_start_hint(failure),
                false => failure,
            };
            return Err(marked(failure, may_have_run));
        }
    }

    /// Another client of the same connections, for work that runs beside this one's.
    ///
    /// # Errors
    /// The system refuses a signal handler.
    pub(crate) fn fork(&self, io: &Io) -> anyhow::Result<Self> {
        let mut interrupt = Interrupt::new(io)?;
        interrupt.limit(self.limits.until);
        Ok(Self { interrupt, ..self.branch() })
    }

    /// Another client of the same connections, for work that is ended by whoever began it: it listens to no
    /// signal.
    pub(crate) fn branch(&self) -> Self {
        Self {
            transport: Arc::clone(&self.transport),
            service: self.service.clone(),
            limits: self.limits,
            on_sent: self.on_sent.clone(),
            is_charged: self.is_charged,
            interrupt: Interrupt::never(),
        }
    }

    /// A client for another place than the service's, with the limits of this one and nothing else
    /// of it.
    ///
    /// # Errors
    /// The system refuses a signal handler.
    pub(crate) fn elsewhere(&self, service: Service, io: &Io) -> anyhow::Result<Self> {
        Ok(Self::new(service, self.limits, &io.env, Interrupt::new(io)?))
    }

    /// The failure for a reply whose status is an error. `Err` if even its body can't be read for
    /// an interruption.
    async fn refusal(
        &mut self,
        mut response: Response,
        request: &Request,
    ) -> Result<Failure, Failure> {
        let mut body = Vec::new();
        while body.len() < MAX_ERROR_BODY {
            match response.chunk(self).await {
                Ok(Some(bytes)) => body.extend_from_slice(&bytes),
                Ok(None) => break,
                Err(failure) if failure.is_silent() => return Err(failure),
                // The status is known; a body that breaks off changes nothing of it.
                Err(_) => break,
            }
        }
        body.truncate(MAX_ERROR_BODY);
        if let (407, Some(proxy)) = (response.head.status, &response.forwarder) {
            let (what, hint) = proxy.unauthorized();
            let (name, place) = (&self.service.name, proxy.place());
            let what = format!("cannot reach {name}: the proxy {place}: {what}");
            return Ok(Failure::new(FailureKind::Refused, what).hint(hint));
        }
        let mut failure =
            refusal::failure(&RefusalHead::of(&response.head), &body, request, &self.service);
        if let Some(place) = response.doubtful_proxy() {
            failure.message.push_str(&format!(" (a page, perhaps of the proxy {place})"));
        }
        if request.url.scheme() == "http" && speaks_of_tls(&body) {
            failure.hint = Some("the server speaks TLS there; is `https://` meant?".to_owned());
        }
        Ok(failure)
    }
}

impl Response {
    /// A header's value, if it is text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.header(name)
    }

    /// The status, one of success.
    pub(crate) fn status(&self) -> u16 {
        self.head.status
    }

    /// The proxy that may have made up the reply itself, in words: services do not answer with pages.
    pub(crate) fn doubtful_proxy(&self) -> Option<String> {
        let is_page = self.header("content-type").is_some_and(|kind| kind.contains("html"));
        self.forwarder.as_ref().filter(|_| is_page).map(Proxy::place)
    }

    /// Bears no silence longer than this from now on: an answer has come to its end.
    pub(crate) fn shorten_silence(&mut self, longest: Duration) {
        self.silence.shorten(longest);
    }

    /// The time until a limit of which nothing is left starts anew, as the head tells it.
    pub(crate) fn limit_reset(&self) -> Option<Duration> {
        refusal::limit_reset(&self.head)
    }

    /// The provider's id of this exchange, for support.
    pub(crate) fn request_id(&self) -> Option<&str> {
        refusal::REQUEST_IDS.iter().find_map(|name| self.header(name))
    }

    /// The next piece of the body, as it came off the wire; `None` at its end.
    ///
    /// # Errors
    /// A connection that breaks, silence beyond the limit, an interruption.
    pub(crate) async fn chunk(&mut self, client: &mut Client) -> Result<Option<Bytes>, Failure> {
        let next = self.silence.until(self.body.piece());
        let next = client.interrupt.race(next).await?;
        let bytes = self.came(next, client)?;
        self.any |= bytes.is_some();
        Ok(bytes)
    }

    /// As [`Response::chunk`], added to `body`: false at its end.
    ///
    /// # Errors
    /// As [`Response::chunk`].
    pub(crate) async fn chunk_into(
        &mut self,
        body: &mut Vec<u8>,
        client: &mut Client,
    ) -> Result<bool, Failure> {
        let next = self.silence.until(self.body.piece_into(body));
        let next = client.interrupt.race(next).await?;
        let length = self.came(next, client)?;
        self.any |= length > 0;
        Ok(length > 0)
    }

    /// As [`Response::chunk`], but only what can be had without waiting; `None` if there is nothing
    /// yet. A fast stream is written in few large pieces that way, a slow one as it comes.
    pub(crate) async fn ready_chunk(
        &mut self,
        service: &str,
    ) -> Option<Result<Option<Bytes>, Failure>> {
        let next = self.body.ready_piece().await?;
        self.any |= matches!(next, Ok(Some(_)));
        Some(next.map_err(|broken| {
            network::failure(&broken, ExchangePhase::Reading, service, &self.url)
        }))
    }

    /// What was waited for, or why it did not come.
    fn came<T>(
        &self,
        next: Option<Result<T, NetworkError>>,
        client: &Client,
    ) -> Result<T, Failure> {
        let name = &client.service.name;
        let phase = if self.any { "no more data" } else { "no answer" };
        next.ok_or_else(|| silent(name, self.silence.longest(), phase))?
            .map_err(|broken| network::failure(&broken, ExchangePhase::Reading, name, &self.url))
    }
}

fn silent(service: &str, silence: Duration, what: &str) -> Failure {
    let seconds = silence.as_secs_f64();
    Failure::new(FailureKind::Network, format!("time-out: {what} from {service} for {seconds} s"))
        .hint("--timeout SECS allows a longer silence")
        .retry(Retry { is_time_out: true, ..Retry::default() })
}

/// Notes whether the request may have been carried out.
fn marked(mut failure: Failure, may_have_run: bool) -> Failure {
    if let Some(retry) = &mut failure.retry {
        retry.may_have_run = may_have_run;
    }
    failure
}

/// Whether a server says that it was spoken to without TLS, as nginx, Apache and Go word it.
fn speaks_of_tls(body: &[u8]) -> bool {
    let words = String::from_utf8_lossy(body).to_lowercase();
    ["plain http request was sent to https", "http request to an https", "plain http to an ssl"]
        .iter()
        .any(|known| words.contains(known))
}
