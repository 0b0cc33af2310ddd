//! The thin layer over the wire: sends a [`Request`], gives the reply's bytes as they come, and
//! turns whatever goes wrong on the way into a [`Failure`]. Knows no endpoint and no profile.

mod whole;

use std::future::Future as _;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use bytes::Bytes;
use reqwest::RequestBuilder;

use super::activity::Activity;
use super::form::{self, Piece};
use super::network::{self, Phase};
use super::refusal;
use super::request::{Body, Method, Request, Url};
use super::trace;
use super::transport;
use super::{Service, redirect};
use crate::error::{Failure, Kind, Retry};
use crate::interrupt::Interrupt;
use crate::io::{Env, Io, Voice};

/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(10);

/// So many idle connections are kept for later requests of the same run.
const CONNECTIONS: usize = 16;

/// An error's body is read to here.
const ERROR_BODY: usize = 64 * 1024;

/// What the user may set of an exchange.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// The longest silence on the wire.
    pub(crate) silence: Duration,
    /// When the whole run must be over, and the time that it was given.
    pub(crate) until: Option<(Instant, Duration)>,
    pub(crate) verbose: bool,
}

/// A client for one service. It lives on a current-thread runtime.
pub(crate) struct Client {
    inner: reqwest::Client,
    pub(crate) service: Service,
    limits: Limits,
    /// Told how many bytes of a streamed body were handed to the network.
    pub(crate) on_sent: Option<Arc<dyn Fn(u64) + Send + Sync>>,
    pub(crate) interrupt: Interrupt,
}

/// A reply whose status says success.
#[derive(Debug)]
pub(crate) struct Response {
    inner: reqwest::Response,
    /// The silence that is allowed now; shorter once an answer has come to its end.
    pub(crate) silence: Duration,
    url: Url,
    any: bool,
}

impl Client {
    /// A client for the host of `url`.
    ///
    /// # Errors
    /// A proxy variable that is no URL, or a system without certificate roots.
    pub(crate) fn new(
        service: Service,
        url: &Url,
        limits: Limits,
        env: &Env,
        mut interrupt: Interrupt,
    ) -> Result<Self, Failure> {
        interrupt.limit(limits.until);
        let builder = reqwest::Client::builder()
            .user_agent(concat!("llm/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT)
            .redirect(reqwest::redirect::Policy::none())
            .pool_max_idle_per_host(CONNECTIONS);
        let builder = transport::with_proxy(builder, &service, url)?;
        let builder = transport::with_roots(builder, &service, url, env)?;
        // An error here means that it is installed already, which is all that is wanted.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let inner = builder.build().map_err(|error| {
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            Failure::new(
                Kind::Network,
                format!(
                    "cannot set up the connection: {}",
                    cause.unwrap_or_else(|| error.to_string())
                ),
            )
        })?;
        Ok(Self { inner, service, limits, on_sent: None, interrupt })
    }

    /// Sends a request and waits for the head of its reply.
    ///
    /// # Errors
    /// The network's failure, silence beyond the limit, an interruption, a redirect that must not
    /// be followed, or the provider's refusal in its own words.
    pub(crate) async fn send(
        &mut self,
        request: &Request,
        voice: &Voice,
    ) -> Result<Response, Failure> {
        let mut request = request.clone();
        for _ in 0..redirect::MOST {
            let response = self.exchange(&request, voice).await?;
            let status = response.inner.status().as_u16();
            match status {
                200..=299 => return Ok(response),
                300..=399 => {
                    request = redirect::follow(
                        &request,
                        status,
                        response.header("location"),
                        &self.service,
                    )?
                }
                _ => return Err(self.refusal(response, &request).await?),
            }
        }
        Err(Failure::new(Kind::Refused, format!("{} redirects without end", self.service.name)))
    }

    /// Sends a request and reads whatever comes, whatever its status: for asking what a server
    /// has. Redirects are not followed.
    ///
    /// # Errors
    /// The network's failure, silence beyond the limit, an interruption.
    pub(crate) async fn ask(
        &mut self,
        request: &Request,
        voice: &Voice,
    ) -> Result<(u16, Vec<u8>), Failure> {
        let mut response = self.exchange(request, voice).await?;
        let mut body = Vec::new();
        while body.len() < ERROR_BODY {
            match response.chunk(self).await? {
                Some(bytes) => body.extend_from_slice(&bytes),
                None => break,
            }
        }
        Ok((response.inner.status().as_u16(), body))
    }

    async fn exchange(&mut self, request: &Request, voice: &Voice) -> Result<Response, Failure> {
        let body = request.body.bytes();
        // Behind a redirect the request carries less, but what was sent before stays secret.
        voice.conceal(request.secrets());
        if self.limits.verbose {
            match &request.body {
                Body::Spliced(spliced) => {
                    trace::request(request, spliced.abridged().as_bytes(), voice);
                }
                _ => trace::request(request, &body, voice),
            }
        }
        let method = match request.method {
            Method::Get => reqwest::Method::GET,
            Method::Post => reqwest::Method::POST,
        };
        let activity = Activity::default();
        let mut builder = self.inner.request(method, request.url.clone());
        for header in &request.headers {
            builder = builder.header(&header.name, header_value(header)?);
        }
        builder = match &request.body {
            Body::Empty => builder,
            Body::Json(_) => builder.body(body),
            Body::Spliced(spliced) => {
                self.streamed(builder, activity.clone(), spliced.length(), spliced.reader())
            }
            Body::Form(form) => {
                let pieces = form.pieces();
                let length = pieces.iter().map(Piece::length).sum();
                let builder = builder.header(reqwest::header::CONTENT_TYPE, form.content_type());
                self.streamed(builder, activity.clone(), length, form::Reader::new(pieces))
            }
        };
        let silence = self.limits.silence;
        let sent = activity.while_active(silence, builder.send());
        let sent = self.interrupt.race(sent).await?;
        let name = self.service.name.clone();
        let inner =
            sent.ok_or_else(|| silent(&name, silence, "no reply began"))?.map_err(|error| {
                self.service.with_start_hint(
                    network::failure(&error, Phase::Sending, &name, &request.url),
                    &error,
                )
            })?;
        if self.limits.verbose {
            trace::reply(&inner, voice);
        }
        Ok(Response { inner, silence, url: request.url.clone(), any: false })
    }

    /// Streams a body from where its parts are, with its length said in advance.
    fn streamed(
        &self,
        builder: RequestBuilder,
        activity: Activity,
        length: u64,
        reads: impl Iterator<Item = std::io::Result<Bytes>> + Send + 'static,
    ) -> RequestBuilder {
        let sent = self.on_sent.clone();
        let read = reads.inspect(move |piece| {
            activity.happened();
            if let (Some(sent), Ok(bytes)) = (&sent, piece) {
                sent(bytes.len() as u64);
            }
        });
        builder
            .header(reqwest::header::CONTENT_LENGTH, length)
            .body(reqwest::Body::wrap_stream(futures_util::stream::iter(read)))
    }

    /// Another client of the same connections, for work that runs beside this one's.
    ///
    /// # Errors
    /// The system refuses a signal handler.
    pub(crate) fn fork(&self, io: &Io) -> anyhow::Result<Self> {
        let mut interrupt = Interrupt::new(io)?;
        interrupt.limit(self.limits.until);
        Ok(Self {
            inner: self.inner.clone(),
            service: self.service.clone(),
            limits: self.limits,
            on_sent: self.on_sent.clone(),
            interrupt,
        })
    }

    /// A client for another place than the service's, with the limits of this one and nothing else
    /// of it.
    ///
    /// # Errors
    /// As [`Client::new`], and the system refuses a signal handler.
    pub(crate) fn elsewhere(&self, service: Service, url: &Url, io: &Io) -> anyhow::Result<Self> {
        let mut reach = url.clone();
        if !transport::is_this_machine(url) {
            // A redirect may lead from plain HTTP to TLS, which needs the certificate roots. The
            // scheme of an http address can always be set to https.
            let _ = reach.set_scheme("https");
        }
        Ok(Self::new(service, &reach, self.limits, &io.env, Interrupt::new(io)?)?)
    }

    /// The failure for a reply whose status is an error. `Err` if even its body can't be read for
    /// an interruption.
    async fn refusal(
        &mut self,
        mut response: Response,
        request: &Request,
    ) -> Result<Failure, Failure> {
        let mut body = Vec::new();
        while body.len() < ERROR_BODY {
            match response.chunk(self).await {
                Ok(Some(bytes)) => body.extend_from_slice(&bytes),
                Ok(None) => break,
                Err(failure) if failure.is_silent() => return Err(failure),
                // The status is known; a body that breaks off changes nothing of it.
                Err(_) => break,
            }
        }
        body.truncate(ERROR_BODY);
        Ok(refusal::failure(&response.head(), &body, request, &self.service))
    }
}

impl Response {
    /// A header's value, if it is text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.inner.headers().get(name)?.to_str().ok()
    }

    /// The parts of the head that a refusal is told from.
    fn head(&self) -> refusal::Head {
        let header = |name: &str| self.header(name).map(str::to_owned);
        refusal::Head {
            status: self.inner.status().as_u16(),
            request_id: refusal::REQUEST_IDS.iter().find_map(|name| header(name)),
            retry: Retry {
                status: Some(self.inner.status().as_u16()),
                should_retry: header("x-should-retry"),
                retry_after_ms: header("retry-after-ms"),
                retry_after: header("retry-after"),
                ..Retry::default()
            },
        }
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
        let next = tokio::time::timeout(self.silence, self.inner.chunk());
        let next = client.interrupt.race(next).await?;
        let name = &client.service.name;
        let phase = if self.any { "the answer fell silent" } else { "no answer began" };
        let bytes = next
            .map_err(|_| silent(name, self.silence, phase))?
            .map_err(|error| network::failure(&error, Phase::Reading, name, &self.url))?;
        self.any |= bytes.is_some();
        Ok(bytes)
    }

    /// As [`Response::chunk`], but only what can be had without waiting; `None` if there is nothing
    /// yet. A fast stream is written in few large pieces that way, a slow one as it comes.
    pub(crate) async fn ready_chunk(
        &mut self,
        service: &str,
    ) -> Option<Result<Option<Bytes>, Failure>> {
        // The task that reads the socket must run once to hand over what it has. Waking oneself is
        // enough for that; tokio's own `yield_now` asks the system for news each time as well.
        let mut has_waited = false;
        std::future::poll_fn(|context| {
            if std::mem::replace(&mut has_waited, true) {
                return Poll::Ready(());
            }
            context.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
        let next = {
            let next = std::pin::pin!(self.inner.chunk());
            let mut context = Context::from_waker(Waker::noop());
            match next.poll(&mut context) {
                Poll::Ready(next) => next,
                Poll::Pending => return None,
            }
        };
        self.any |= matches!(next, Ok(Some(_)));
        Some(next.map_err(|error| network::failure(&error, Phase::Reading, service, &self.url)))
    }
}

fn silent(service: &str, silence: Duration, what: &str) -> Failure {
    let seconds = silence.as_secs_f64();
    Failure::new(Kind::Network, format!("time-out: {what} from {service} for {seconds} s"))
        .hint("--timeout SECS allows a longer silence")
}

fn header_value(header: &super::request::Header) -> Result<reqwest::header::HeaderValue, Failure> {
    let mut value = reqwest::header::HeaderValue::from_bytes(header.exposed().as_bytes())
        .map_err(|_| Failure::usage(format!("the header {} holds a line break", header.name)))?;
    value.set_sensitive(header.masked() != header.exposed());
    Ok(value)
}
