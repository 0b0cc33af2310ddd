//! What every test of the binary needs: a scripted server, a clean place to run the program in, and
//! assertions that tell everything when they fail. It knows nothing of what the program should do.
#![allow(dead_code, reason = "a set of tools: no single test module uses all of them")]

mod ask;
mod by_body;
mod capture;
mod command;
mod connection;
mod multipart;
mod outcome;
mod proxy;
mod pty;
mod recorded;
mod reply;
mod run_test;
mod running;
mod screen;
mod server;
mod server_test;
mod sse;
mod tls;
mod wav;

#[allow(
    unused_imports,
    reason = "the names are offered to all test modules, and some wait for their first user"
)]
pub(crate) use {
    ask::{ask, ask_for, ask_once},
    by_body::{ByBody, next_body},
    command::{Llm, llm, program},
    multipart::Part,
    outcome::{Outcome, names},
    proxy::{Kind, Proxy},
    pty::{in_terminal, spawn_in_terminal},
    recorded::Recorded,
    reply::{Reply, Step},
    running::Running,
    screen::screen,
    server::{Refusing, Script, Server},
    sse::{chat_body, chat_events, chunk},
    tls::{Door, Tls},
    wav::{wav, wav_head},
};
