//! One server from its start to its end: the handshake in either era, the list of its tools, calls. One
//! request at a time.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::time::Duration;

use serde_json::{Map, Value};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout, timeout_at};

use super::answer::ToolAnswer;
use super::context::HostContext;
use super::headers::{self, ArgumentHeader};
use super::http::HttpError;
use super::link::{Asked, Link, LinkError};
use super::message::{self, METHOD_NOT_FOUND, RpcError};
use super::outcome::{CallFailed, of_http, outcome_of, told};
use super::protocol::{self, Era, ListedTool};
use super::settings::ServerSettings;
use super::waiting::{ChangeMark, Progress, ProgressSender};
use crate::error::Failure;
use crate::sanitize;

/// The most pages of a list.
const MOST_PAGES: usize = 100;

/// The clock of a call begins anew with each sign of progress, up to this many times its length.
const MOST_EXTENSIONS: u32 = 10;

/// How long a server that refuses the handshake, and so is there, may take to say whether it needs none.
const DISCOVERY: Duration = Duration::from_secs(3);

/// What is known of a server that is ready.
#[derive(Debug, Clone)]
pub(crate) struct Ready {
    pub(crate) tools: Vec<ListedTool>,
    /// What it says of its use.
    pub(crate) instructions: Option<String>,
    /// Its name and version, in its own words.
    pub(crate) title: String,
    /// The version of the protocol that is spoken.
    pub(crate) protocol: String,
    /// How long it took.
    pub(crate) time: Duration,
}

/// A connection to a server.
pub(super) struct Connection {
    settings: ServerSettings,
    context: HostContext,
    link: Link,
    era: Era,
    last_id: u64,
    /// What is waited for, to be called off.
    in_flight: Option<u64>,
    /// It was started once more.
    was_revived: bool,
    /// What calls of tools repeat in headers.
    headers: BTreeMap<String, Vec<ArgumentHeader>>,
    /// The tools as they were listed last.
    listed: Vec<ListedTool>,
    /// The server says that they are others now.
    changes: ChangeMark,
    /// What it is asked for, in words that go on after "it ended".
    stage: &'static str,
}

impl Connection {
    /// Starts a server.
    ///
    /// # Errors
    /// It can't be started.
    pub(super) fn open(
        settings: ServerSettings,
        context: HostContext,
        changes: ChangeMark,
    ) -> Result<Self, Failure> {
        Ok(Self {
            link: Link::open(&settings, &context, &changes)?,
            settings,
            context,
            era: Era::Legacy(String::new()),
            last_id: 0,
            in_flight: None,
            was_revived: false,
            headers: BTreeMap::new(),
            listed: Vec::new(),
            changes,
            stage: "",
        })
    }

    /// Waits until the server is ready, and asks for its tools.
    ///
    /// # Errors
    /// It ends, can't be spoken to, or takes too long.
    pub(super) async fn ready(&mut self) -> Result<Ready, Failure> {
        let began = Instant::now();
        let until = began + self.settings.startup;
        self.stage = " while starting";
        let about =
            self.within(until, "initialize", |server| Box::pin(server.shake_hands())).await?;
        let tools = self.within(until, "tools/list", |server| Box::pin(server.list())).await?;
        let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
        let meta =
            about.get("_meta").and_then(|meta| meta.get("io.modelcontextprotocol/serverInfo"));
        let info = about.get("serverInfo").or(meta);
        let named = |name: &str| text(info.and_then(|info| info.get(name))).unwrap_or_default();
        Ok(Ready {
            tools,
            instructions: text(about.get("instructions")).filter(|text| !text.trim().is_empty()),
            title: format!("{} {}", named("name"), named("version")).trim().to_owned(),
            protocol: self.era.version().to_owned(),
            time: began.elapsed(),
        })
    }

    /// The tools as they are now. It may take as long as the start.
    ///
    /// # Errors
    /// The server has ended, or gives no list.
    pub(super) async fn list_again(&mut self) -> Result<Vec<ListedTool>, Failure> {
        if self.link.is_over() {
            self.revive().await?;
        }
        self.stage = " while it listed its tools";
        let until = Instant::now() + self.settings.startup;
        self.within(until, "tools/list", |server| Box::pin(server.list())).await
    }

    async fn within<'s, T>(
        &'s mut self,
        until: Instant,
        method: &str,
        work: impl FnOnce(
            &'s mut Self,
        )
            -> std::pin::Pin<Box<dyn Future<Output = Result<T, Failure>> + Send + 's>>,
    ) -> Result<T, Failure> {
        let (name, limit) = (self.settings.name.clone(), self.settings.startup.as_secs_f64());
        let waited = timeout_at(until, work(self)).await;
        waited.unwrap_or_else(|_| {
            let what = format!("mcp {name}: no answer to {method} within {limit} s");
            Err(Failure::usage(what)
                .hint(format!("`startup = SECONDS` in [mcp.{name}] allows more")))
        })
    }

    /// Opens the conversation; gives what the server says of itself. A server that refuses the handshake may
    /// be one that needs none.
    async fn shake_hands(&mut self) -> Result<Value, Failure> {
        let asked = self.ask("initialize", protocol::initialize()).await;
        let error = match asked.map_err(|error| self.failure(error))? {
            Ok(result) => {
                self.era = protocol::era_of_handshake(&result).map_err(|why| self.wrong(&why))?;
                let ready = message::notification("notifications/initialized", Map::new());
                self.link.send(ready, &self.era).await;
                return Ok(result);
            }
            Err(error) => error,
        };
        self.era = Era::Modern;
        let limit = DISCOVERY.min(self.settings.startup / 2);
        match timeout(limit, self.ask("server/discover", Map::new())).await {
            Ok(Ok(Ok(result))) if protocol::is_modern(&result) => Ok(result),
            // The first refusal is the one that tells, whatever comes behind it.
            _ => Err(self.wrong(&protocol::refused("initialize", &error))),
        }
    }

    /// Opens the conversation once more, as if nothing had been said.
    async fn begin_anew(&mut self) -> Result<(), Failure> {
        self.was_revived = true;
        self.in_flight = None;
        self.link.renew(&self.settings, &self.context, &self.changes).await?;
        self.era = Era::Legacy(String::new());
        Ok(())
    }

    /// All pages of the list. A tool that is listed twice is one.
    async fn list(&mut self) -> Result<Vec<ListedTool>, Failure> {
        let (mut tools, mut names, mut cursors) = (Vec::new(), BTreeSet::new(), BTreeSet::new());
        let mut cursor: Option<String> = None;
        for _ in 0..MOST_PAGES {
            let asked = self.ask("tools/list", protocol::list(cursor.as_deref())).await;
            let result = match asked {
                Ok(Ok(result)) => result,
                Err(LinkError::Http(HttpError::SessionLost)) if !self.was_revived => {
                    self.begin_anew().await?;
                    self.shake_hands().await?;
                    (tools, names, cursors, cursor) = Default::default();
                    continue;
                }
                Err(error) => return Err(self.failure(error)),
                // It has other things than tools.
                Ok(Err(error)) if error.code == METHOD_NOT_FOUND => break,
                Ok(Err(error)) => return Err(self.wrong(&protocol::refused("tools/list", &error))),
            };
            let (page, next) = protocol::page(&result).map_err(|why| self.wrong(&why))?;
            let page = page.into_iter().filter(|tool| names.insert(tool.name.clone()));
            tools.extend(page.filter(|tool| self.takes_headers_of(tool)));
            match next {
                Some(next) if cursors.insert(next.clone()) => cursor = Some(next),
                _ => break,
            }
        }
        // What was said before the list came is in it.
        self.changes.take();
        self.listed.clone_from(&tools);
        Ok(tools)
    }

    /// Notes which arguments of a tool are repeated in headers; false for one whose calls can't be made.
    fn takes_headers_of(&mut self, tool: &ListedTool) -> bool {
        if self.era != Era::Modern || !self.link.repeats_in_headers() {
            return true;
        }
        match headers::of_schema(&tool.schema) {
            Ok(headers) => {
                self.headers.insert(tool.name.clone(), headers);
                true
            }
            Err(why) => {
                let (server, tool) = (&self.settings.name, sanitize::one_line(&tool.name));
                self.context.stderr.warn(&format!("{server}/{tool} is left out: it {why}"));
                false
            }
        }
    }

    /// Asks something while the server starts.
    async fn ask(
        &mut self,
        method: &str,
        params: Map<String, Value>,
    ) -> Result<Result<Value, RpcError>, LinkError> {
        let (id, request) = self.made(method, params);
        let asked = Asked { id, request, era: &self.era, headers: Vec::new() };
        self.link.request(asked, None).await
    }

    /// Why there is no answer to what was asked last.
    fn failure(&self, error: LinkError) -> Failure {
        let name = &self.settings.name;
        match error {
            LinkError::Ended(ended) => {
                Failure::usage(format!("mcp {name}: {}", told(&ended, self.stage)))
            }
            LinkError::Http(error) => of_http(name, error),
        }
    }

    fn made(&mut self, method: &str, params: Map<String, Value>) -> (u64, Value) {
        self.last_id += 1;
        (self.last_id, message::request(self.last_id, method, self.era.params(params)))
    }

    /// Calls a tool, whose progress goes to `told`. A call that nobody waits for any more, as `given_up` is
    /// done, is called off; it gives nothing.
    pub(super) async fn call(
        &mut self,
        tool: &str,
        arguments: &Map<String, Value>,
        told: &ProgressSender,
        given_up: impl Future<Output = ()>,
    ) -> Option<Result<ToolAnswer, CallFailed>> {
        tokio::pin!(given_up);
        loop {
            if self.link.is_over() {
                let revived = tokio::select! {
                    revived = self.revive() => revived,
                    () = &mut given_up => return None,
                };
                if let Err(failure) = revived {
                    return Some(Err(CallFailed::Broken(failure.message)));
                }
            }
            let limit = self.settings.timeout;
            let end = self.call_once(tool, arguments, limit, told, given_up.as_mut()).await;
            match end {
                // Nothing was carried out.
                CallEnd::Answered(Err(LinkError::Http(HttpError::SessionLost)))
                    if !self.was_revived =>
                {
                    if let Err(failure) = self.revive().await {
                        return Some(Err(CallFailed::Broken(failure.message)));
                    }
                }
                CallEnd::Answered(outcome) => {
                    self.in_flight = None;
                    return Some(outcome_of(outcome));
                }
                CallEnd::GivenUp => {
                    self.call_off("the user gave it up").await;
                    return None;
                }
                CallEnd::TimedOut => {
                    self.call_off("time-out").await;
                    let what = format!("it did not answer within {} s", limit.as_secs_f64());
                    return Some(Err(CallFailed::Broken(what)));
                }
            }
        }
    }

    async fn call_once(
        &mut self,
        tool: &str,
        arguments: &Map<String, Value>,
        limit: Duration,
        told: &ProgressSender,
        given_up: std::pin::Pin<&mut impl Future<Output = ()>>,
    ) -> CallEnd {
        let params = protocol::call(tool, arguments.clone(), self.last_id + 1);
        let (id, request) = self.made("tools/call", params);
        self.in_flight = Some(id);
        let repeated = self.headers.get(tool).into_iter().flatten();
        let headers =
            repeated.filter_map(|header| header.of(&request["params"]["arguments"])).collect();
        let asked = Asked { id, request, era: &self.era, headers };
        let (progress, steps) = mpsc::unbounded_channel();
        let answer = self.link.request(asked, Some(progress));
        wait(answer, steps, limit, told, given_up).await
    }

    /// Starts the program that has ended once more, and no second time.
    async fn revive(&mut self) -> Result<(), Failure> {
        if self.was_revived {
            return Err(Failure::usage("it has ended"));
        }
        self.begin_anew().await?;
        let before = std::mem::take(&mut self.listed);
        if self.ready().await?.tools != before {
            self.changes.set();
        }
        Ok(())
    }

    /// Tells the server that the answer it works at is not wanted any more.
    async fn call_off(&mut self, why: &str) {
        if let Some(id) = self.in_flight.take() {
            self.link.forget(id);
            let params = self.era.params(protocol::cancelled(id, why));
            let message = message::notification("notifications/cancelled", params);
            self.link.send(message, &self.era).await;
        }
    }

    /// Ends the server.
    pub(super) async fn close(mut self) {
        self.call_off("the run has ended").await;
        self.link.close(&self.era).await;
    }

    fn wrong(&self, why: &str) -> Failure {
        Failure::usage(format!("mcp {}: it {why}", self.settings.name))
    }
}

/// How the wait for an answer ended.
enum CallEnd {
    Answered(Result<Result<Value, RpcError>, LinkError>),
    GivenUp,
    TimedOut,
}

/// Waits for an answer within `limit`, which begins anew with each step.
async fn wait(
    answer: impl Future<Output = Result<Result<Value, RpcError>, LinkError>>,
    mut steps: mpsc::UnboundedReceiver<Progress>,
    limit: Duration,
    told: &ProgressSender,
    mut given_up: std::pin::Pin<&mut impl Future<Output = ()>>,
) -> CallEnd {
    tokio::pin!(answer);
    let started = Instant::now();
    let mut until = started + limit;
    loop {
        tokio::select! {
            answer = &mut answer => return CallEnd::Answered(answer),
            () = &mut given_up => return CallEnd::GivenUp,
            Some(step) = steps.recv() => {
                until = (Instant::now() + limit).min(started + limit * MOST_EXTENSIONS);
                // Nobody need look at it.
                let _ = told.send(step);
            }
            () = sleep_until(until) => return CallEnd::TimedOut,
        }
    }
}
