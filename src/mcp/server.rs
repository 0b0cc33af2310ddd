//! One server from its start to its end: the handshake in either era, the list of its tools, calls. One
//! request at a time.

use std::collections::BTreeSet;
use std::future::Future;
use std::time::Duration;

use serde_json::{Map, Value};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::answer::{self, ToolAnswer};
use super::environment;
use super::message::{self, METHOD_NOT_FOUND, RpcError};
use super::process::Process;
use super::protocol::{self, Era, ListedTool};
use super::settings::{Reach, ServerSettings};
use super::stdio::{Ended, Stdio};
use super::waiting::{Progress, ProgressSender};
use crate::error::{Failure, reason};
use crate::io::{Env, Stderr};

/// The most pages of a list.
const MOST_PAGES: usize = 100;

/// The clock of a call begins anew with each sign of progress, up to this many times its length.
const MOST_EXTENSIONS: u32 = 10;

/// Where servers run.
#[derive(Clone)]
pub(crate) struct HostContext {
    pub(crate) stderr: Stderr,
    pub(crate) env: Env,
    /// What programs log is shown.
    pub(crate) verbose: bool,
}

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
}

/// A connection to a server.
pub(super) struct Connection {
    settings: ServerSettings,
    context: HostContext,
    link: Stdio,
    era: Era,
    last_id: u64,
    /// What is waited for, to be called off.
    in_flight: Option<u64>,
    /// It was started once more.
    was_revived: bool,
}

/// Why a call has no answer, in words that go on after the server's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum CallFailed {
    /// The server refuses the call.
    Refused(String),
    /// It did not come to an answer.
    Broken(String),
}

impl Connection {
    /// Starts a server.
    ///
    /// # Errors
    /// It can't be started.
    pub(super) fn open(settings: ServerSettings, context: HostContext) -> Result<Self, Failure> {
        let link = link(&settings, &context)?;
        let era = Era::Legacy(String::new());
        Ok(Self { settings, context, link, era, last_id: 0, in_flight: None, was_revived: false })
    }

    /// Waits until the server is ready, and asks for its tools.
    ///
    /// # Errors
    /// It ends, can't be spoken to, or takes too long.
    pub(super) async fn ready(&mut self) -> Result<Ready, Failure> {
        let until = Instant::now() + self.settings.startup;
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
        })
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
        let error = match self.ask("initialize", protocol::initialize()).await? {
            Ok(result) => {
                self.era = protocol::era_of_handshake(&result).map_err(|why| self.wrong(&why))?;
                self.link.send(message::notification("notifications/initialized", Map::new()));
                return Ok(result);
            }
            Err(error) => error,
        };
        self.era = Era::Modern;
        match self.ask("server/discover", Map::new()).await {
            Ok(Ok(result)) if protocol::is_modern(&result) => Ok(result),
            // The first refusal is the one that tells.
            Ok(_) => Err(self.wrong(&protocol::refused("initialize", &error))),
            Err(failure) => Err(failure),
        }
    }

    /// All pages of the list. A tool that is listed twice is one.
    async fn list(&mut self) -> Result<Vec<ListedTool>, Failure> {
        let (mut tools, mut names, mut cursors) = (Vec::new(), BTreeSet::new(), BTreeSet::new());
        let mut cursor: Option<String> = None;
        for _ in 0..MOST_PAGES {
            let result = match self.ask("tools/list", protocol::list(cursor.as_deref())).await? {
                Ok(result) => result,
                // It has other things than tools.
                Err(error) if error.code == METHOD_NOT_FOUND => break,
                Err(error) => return Err(self.wrong(&protocol::refused("tools/list", &error))),
            };
            let (page, next) = protocol::page(&result).map_err(|why| self.wrong(&why))?;
            tools.extend(page.into_iter().filter(|tool| names.insert(tool.name.clone())));
            match next {
                Some(next) if cursors.insert(next.clone()) => cursor = Some(next),
                _ => break,
            }
        }
        Ok(tools)
    }

    /// Asks something while the server starts.
    async fn ask(
        &mut self,
        method: &str,
        params: Map<String, Value>,
    ) -> Result<Result<Value, RpcError>, Failure> {
        let (id, request) = self.made(method, params);
        self.link.request(id, request, None).await.map_err(|ended| {
            let what = format!("mcp {}: {}", self.settings.name, told(&ended, " while starting"));
            Failure::usage(what)
        })
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
        arguments: Map<String, Value>,
        told: &ProgressSender,
        given_up: impl Future<Output = ()>,
    ) -> Option<Result<ToolAnswer, CallFailed>> {
        tokio::pin!(given_up);
        if self.link.is_over() {
            let revived = tokio::select! {
                revived = self.revive() => revived,
                () = &mut given_up => return None,
            };
            if let Err(failure) = revived {
                return Some(Err(CallFailed::Broken(failure.message)));
            }
        }
        let params = protocol::call(tool, arguments, self.last_id + 1);
        let (id, request) = self.made("tools/call", params);
        self.in_flight = Some(id);
        let limit = self.settings.timeout;
        let end = {
            let (progress, steps) = mpsc::unbounded_channel();
            let answer = self.link.request(id, request, Some(progress));
            wait(answer, steps, limit, told, given_up).await
        };
        match end {
            CallEnd::Answered(outcome) => {
                self.in_flight = None;
                Some(self.outcome(outcome))
            }
            CallEnd::GivenUp => {
                self.call_off("the user gave it up");
                None
            }
            CallEnd::TimedOut => {
                self.call_off("time-out");
                let what = format!("it did not answer within {} s", limit.as_secs_f64());
                Some(Err(CallFailed::Broken(what)))
            }
        }
    }

    fn outcome(
        &self,
        outcome: Result<Result<Value, RpcError>, Ended>,
    ) -> Result<ToolAnswer, CallFailed> {
        match outcome {
            Ok(Ok(result)) => {
                answer::read(result).map_err(|why| CallFailed::Broken(format!("it {why}")))
            }
            Ok(Err(error)) => Err(CallFailed::Refused(error.message)),
            Err(ended) => Err(CallFailed::Broken(told(&ended, " in the middle of the call"))),
        }
    }

    /// Starts the program that has ended once more, and no second time.
    async fn revive(&mut self) -> Result<(), Failure> {
        if std::mem::replace(&mut self.was_revived, true) {
            return Err(Failure::usage("it has ended".to_owned()));
        }
        let link = link(&self.settings, &self.context)?;
        let old = std::mem::replace(&mut self.link, link);
        old.close().await;
        self.era = Era::Legacy(String::new());
        self.ready().await.map(|_| ())
    }

    /// Tells the server that the answer it works at is not wanted any more.
    fn call_off(&mut self, why: &str) {
        if let Some(id) = self.in_flight.take() {
            self.link.forget(id);
            let params = self.era.params(protocol::cancelled(id, why));
            self.link.send(message::notification("notifications/cancelled", params));
        }
    }

    /// Ends the server.
    pub(super) async fn close(mut self) {
        self.call_off("the run has ended");
        self.link.close().await;
    }

    fn wrong(&self, why: &str) -> Failure {
        Failure::usage(format!("mcp {}: it {why}", self.settings.name))
    }
}

/// How the wait for an answer ended.
enum CallEnd {
    Answered(Result<Result<Value, RpcError>, Ended>),
    GivenUp,
    TimedOut,
}

/// Waits for an answer within `limit`, which begins anew with each step.
async fn wait(
    answer: impl Future<Output = Result<Result<Value, RpcError>, Ended>>,
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

fn link(settings: &ServerSettings, context: &HostContext) -> Result<Stdio, Failure> {
    let ServerSettings { name, reach, .. } = settings;
    let Reach::Program { command, env, folder } = reach;
    if let Some(folder) = folder.as_deref().filter(|folder| !folder.is_dir()) {
        let what = format!("mcp {name}: cannot start it: there is no folder {}", folder.display());
        return Err(Failure::usage(what));
    }
    let variables = environment::variables(&context.env, env);
    let started = Process::start(command, variables, folder.as_deref());
    let (process, pipes) = started.map_err(|error| {
        let program = command.first().map(String::as_str).unwrap_or_default();
        let why = match error.kind() {
            std::io::ErrorKind::NotFound => "not found".to_owned(),
            _ => reason(&error),
        };
        Failure::usage(format!("mcp {name}: cannot start it: {program}: {why}"))
    })?;
    Ok(Stdio::new(process, pipes, name, &context.stderr, context.verbose))
}

/// Why a program gives no answer: `it ended while starting (exit 1): …`.
fn told(ended: &Ended, when: &str) -> String {
    let Ended { what, how, last } = ended;
    let how = how.as_ref().map(|how| format!(" ({how})")).unwrap_or_default();
    let last = last.as_ref().map(|last| format!(": {last}")).unwrap_or_default();
    format!("{what}{when}{how}{last}")
}
