//! Servers whose tools a model may call, over the Model Context Protocol: started, asked, ended. Only its
//! tools, nothing else of the protocol. Knows no service, no conversation and no profile file.
//!
//! `message` and `protocol` are the protocol without any connection; `stdio` carries it to a
//! program, `http` to an address. `server` speaks it, and `host` keeps servers running on a thread of its own for as long as a run
//! lasts.

mod answer;
mod context;
mod environment;
mod headers;
mod host;
mod http;
mod link;
mod message;
mod outcome;
mod process;
mod protocol;
mod server;
mod settings;
mod stdio;
mod waiting;

pub(crate) use answer::ToolAnswer;
pub(crate) use context::HostContext;
pub(crate) use host::{CallFailed, Host, Server, Watch};
pub(crate) use protocol::ListedTool;
pub(crate) use server::Ready;
pub(crate) use settings::{DEFAULT_MOST, DEFAULT_STARTUP, DEFAULT_TIMEOUT, Reach, ServerSettings};
pub(crate) use waiting::Progress;
