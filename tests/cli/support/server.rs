//! A scripted HTTP/1.1 server on the loopback: the k-th request gets the k-th reply. It knows nothing of
//! the program that calls it.

use std::fmt::Write as _;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::connection::{Connection, Ended};
use super::recorded::Recorded;
use super::reply::{Reply, Step};

/// The longest that a reply is held back for others: a test fails then, and does not hang.
const PATIENCE: Duration = Duration::from_secs(15);

/// The replies of a server that is not started yet.
#[derive(Debug, Default)]
#[must_use]
pub(crate) struct Script {
    replies: Vec<Reply>,
    allow_unused: bool,
}

impl Script {
    /// The answer to the next request.
    pub(crate) fn reply(mut self, reply: Reply) -> Self {
        self.replies.push(reply);
        self
    }

    /// Lets the test pass although replies are left over or unscripted requests came.
    pub(crate) fn allow_unused(mut self) -> Self {
        self.allow_unused = true;
        self
    }

    /// Listens on a free port of the loopback.
    pub(crate) fn start(self) -> Server {
        let listener = listen();
        let address = address_of(&listener);
        let shared = Arc::new(Shared {
            state: Mutex::new(State { script: self.replies, ..State::default() }),
            changed: Condvar::new(),
        });
        let accepting = Arc::clone(&shared);
        thread::spawn(move || accept(&listener, &accepting));
        Server { address, shared, allow_unused: self.allow_unused }
    }
}

/// A running server. Dropping it fails the test if a reply was left over or an unscripted request came.
#[derive(Debug)]
pub(crate) struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
    allow_unused: bool,
}

impl Server {
    /// An empty script, to be filled and started.
    #[expect(clippy::new_ret_no_self, reason = "a server is always made through its script")]
    pub(crate) fn new() -> Script {
        Script::default()
    }

    /// A server with these replies.
    pub(crate) fn start(replies: impl IntoIterator<Item = Reply>) -> Self {
        replies.into_iter().fold(Self::new(), Script::reply).start()
    }

    /// A server that gives this reply to every request, however many there are.
    pub(crate) fn always(reply: Reply) -> Self {
        Self::new().reply(reply.repeat()).allow_unused().start()
    }

    /// A server that takes every request and never answers.
    pub(crate) fn silent() -> Self {
        Self::always(Reply::raw([Step::UntilClosed]))
    }

    /// An address that refuses connections, for as long as the value lives.
    pub(crate) fn refusing() -> Refusing {
        Refusing::new()
    }

    /// The base URL for a profile: `http://127.0.0.1:PORT/v1`.
    pub(crate) fn url(&self) -> String {
        format!("{}/v1", self.origin())
    }

    /// `http://127.0.0.1:PORT`.
    pub(crate) fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The port alone.
    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    /// Every request so far, in the order of arrival, unscripted ones too.
    pub(crate) fn requests(&self) -> Vec<Recorded> {
        self.shared.lock().requests.clone()
    }

    /// Answers one more request, behind those that are scripted.
    pub(crate) fn then(&self, reply: Reply) {
        self.shared.change(|state| state.script.push(reply));
    }

    /// The bodies of all requests as JSON; panics if one is none.
    #[track_caller]
    pub(crate) fn bodies(&self) -> Vec<Value> {
        self.requests().iter().map(Recorded::json).collect()
    }

    /// The one request; fails the test if there were none or several.
    #[track_caller]
    pub(crate) fn request(&self) -> Recorded {
        let mut requests = self.requests();
        assert_eq!(requests.len(), 1, "requests:\n{}", self.shared.report());
        requests.remove(0)
    }

    /// Waits until the heads of `count` requests have come; fails the test after `timeout`.
    #[track_caller]
    pub(crate) fn wait_requests(&self, count: usize, timeout: Duration) {
        let came = self.shared.wait(timeout, |state| (state.requests.len() >= count).then_some(()));
        assert!(
            came.is_some(),
            "no {count} requests within {timeout:?}:\n{}",
            self.shared.report()
        );
    }

    /// Starts the clock of [`Server::wait_closed`].
    pub(crate) fn mark(&self) {
        self.shared.lock().mark = Some(Instant::now());
    }

    /// Waits until the client closes a connection that the server would have kept open.
    ///
    /// The answer is the time from the last [`Server::mark`] (without one: from the last request) to
    /// the close. `None` if no client closed within `timeout`. The server sees a close while it waits,
    /// writes, or listens for the next request, so a reply should end in [`Step::UntilClosed`].
    pub(crate) fn wait_closed(&self, timeout: Duration) -> Option<Duration> {
        self.shared.wait(timeout, |state| {
            let request = state.requests.last().map(|request| request.at);
            let mark = state.mark.or(request)?;
            let closed = state.closed.iter().find(|closed| **closed >= mark)?;
            Some(*closed - mark)
        })
    }

    /// What the server saw, for failure reports that outlive the server.
    pub(super) fn log(&self) -> Log {
        Log(Arc::clone(&self.shared))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.lock().stopped = true;
        drop(TcpStream::connect(self.address)); // wakes the accepting thread, which then ends
        if thread::panicking() || self.allow_unused {
            return;
        }
        let (left, unscripted) = {
            let state = self.shared.lock();
            (state.unused(), state.unscripted)
        };
        assert!(
            left == 0 && unscripted == 0,
            "{left} scripted replies were not used, {unscripted} requests were not scripted; requests:\n{}",
            self.shared.report()
        );
    }
}

/// The requests of a server, for reports.
#[derive(Clone, Debug)]
pub(super) struct Log(Arc<Shared>);

impl Log {
    pub(super) fn report(&self) -> String {
        self.0.report()
    }
}

/// An address of the loopback where nobody listens.
///
/// The port is that of our own end of a connection, so that no other socket can come to listen on it.
#[derive(Debug)]
pub(crate) struct Refusing {
    address: SocketAddr,
    _holder: (TcpListener, TcpStream),
}

impl Refusing {
    fn new() -> Self {
        let listener = listen();
        let stream = TcpStream::connect(address_of(&listener)).expect("the loopback connects");
        let address = stream.local_addr().expect("a connection has an address");
        Self { address, _holder: (listener, stream) }
    }

    /// The base URL for a profile: `http://127.0.0.1:PORT/v1`.
    pub(crate) fn url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// The port alone.
    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    script: Vec<Reply>,
    requests: Vec<Recorded>,
    unscripted: usize,
    connections: usize,
    closed: Vec<Instant>,
    mark: Option<Instant>,
    stopped: bool,
}

impl State {
    fn unused(&self) -> usize {
        self.script.len().saturating_sub(self.requests.len())
    }

    /// The reply to the request of this number, counted from 0.
    fn reply_to(&mut self, number: usize) -> Reply {
        let last = self.script.last().filter(|reply| reply.repeated);
        if let Some(reply) = self.script.get(number).or(last) {
            return reply.clone();
        }
        self.unscripted += 1;
        let text = format!("the script has no reply to request number {}", number + 1);
        Reply::text(500, &text).header("x-should-retry", "false")
    }
}

impl Shared {
    /// A panic elsewhere must not hide what was recorded, so a poisoned lock is taken all the same.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let result = change(&mut self.lock());
        self.changed.notify_all();
        result
    }

    fn wait<T>(&self, timeout: Duration, ready: impl Fn(&State) -> Option<T>) -> Option<T> {
        let start = Instant::now();
        let mut state = self.lock();
        loop {
            if let Some(value) = ready(&state) {
                return Some(value);
            }
            let left = timeout.checked_sub(start.elapsed())?;
            let (next, _) =
                self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner);
            state = next;
        }
    }

    fn report(&self) -> String {
        let mut text = String::new();
        for (number, request) in self.lock().requests.iter().enumerate() {
            let _ = write!(text, "--- request {}\n{request}", number + 1); // a String takes every write
        }
        text
    }
}

fn listen() -> TcpListener {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("the loopback has a free port")
}

fn address_of(listener: &TcpListener) -> SocketAddr {
    listener.local_addr().expect("a listener has an address")
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    for stream in listener.incoming().map_while(Result::ok) {
        if shared.lock().stopped {
            return;
        }
        let shared = Arc::clone(shared);
        thread::spawn(move || {
            if Connection::new(stream).is_ok_and(|connection| serve(connection, &shared)) {
                shared.change(|state| state.closed.push(Instant::now()));
            }
        });
    }
}

/// Answers the requests of one connection; true if it was the client that ended it.
fn serve(mut connection: Connection, shared: &Shared) -> bool {
    let which = shared.change(|state| {
        state.connections += 1;
        state.connections
    });
    while let Ok(Some(head)) = connection.read_head() {
        let mut request = Recorded::from_head(&head, which);
        let last =
            request.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
        let (number, reply) = shared.change(|state| {
            state.requests.push(request.clone());
            let number = state.requests.len() - 1;
            (number, state.reply_to(number))
        });
        if !reply.early {
            let read = connection.read_body(&mut request);
            shared.change(|state| state.requests[number] = request);
            if read.is_err() {
                return true;
            }
        }
        shared.wait(PATIENCE, |state| (state.requests.len() >= reply.behind).then_some(()));
        let (steps, keep_open) = reply.steps();
        match connection.play(&steps) {
            Ended::Open if keep_open && !last => {}
            Ended::Open => {
                connection.close();
                return false;
            }
            Ended::ByClient => return true,
            Ended::ByServer => return false,
        }
    }
    true
}
