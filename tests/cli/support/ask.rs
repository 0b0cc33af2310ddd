//! The usual question to a scripted server.

use super::command::{Llm, llm};
use super::outcome::Outcome;
use super::recorded::Recorded;
use super::reply::Reply;
use super::server::Server;

/// `llm chat 你好` with the profile `test` at this server.
pub(crate) fn ask(server: &Server) -> Llm {
    llm().profile(server).args(["chat", "你好"])
}

/// As [`ask`], with one try.
pub(crate) fn ask_once(server: &Server) -> Llm {
    ask(server).args(["--retries", "0"])
}

/// Runs [`ask`] with these further arguments against these replies, all of which must be asked for,
/// and gives the requests too, each of which must ask the question.
pub(crate) fn ask_for(
    replies: impl IntoIterator<Item = Reply>,
    args: &[&str],
) -> (Outcome, Vec<Recorded>) {
    let server = Server::start(replies);
    let run = ask(&server).args(args).run();
    let requests = server.requests();
    for request in &requests {
        assert_eq!(request.json()["messages"][0]["content"], "你好", "{run}");
    }
    (run, requests)
}
