//! One command-line client for every service that speaks the OpenAI HTTP specification.
//!
//! The library is the program: `main` calls [`run`] and nothing else. It is no public interface.
//!
//! | module | duty |
//! | --- | --- |
//! | `cli` | what can be typed |
//! | `config` | the profiles: the built-in list and the user's file |
//! | `provider` | a profile resolved for a command: URLs, headers, request rules |
//! | `input` | what the user gives a command to work on |
//! | `audio` | audio files as bytes: formats, joining, where they are quiet |
//! | `conversation` | what was said, in terms of our own |
//! | `dialect` | a conversation as a request, and a reply as events |
//! | `api` | the specification's other endpoints as pure functions |
//! | `exchange` | one request and its reply: sent, waited for, tried again, repaired, read |
//! | `history` | the conversations that were, a file each |
//! | `http` | requests as data, one client, the event stream, errors in words |
//! | `markdown` | Markdown coloured while it streams in |
//! | `output` | results on their way to terminal, pipe and file |
//! | `picture` | pictures as bytes: what they are, and how a terminal shows them |
//! | `command` | one file a command: resolve, read, open, send, write |
//! | `demo` | a small server inside the program, for trying it out |
//! | `interrupt` | signals, and a reader that goes away |
//! | `io` | the only door to terminal, standard input and environment |
//! | `error`, `secret`, `sanitize`, `stop` | failures and exit codes; keys; hostile text; signals |
//! | `fuzzing` | what must hold for any bytes, for fuzz targets and tests; not in the program |
//!
//! Dependencies point downwards only; `tests/house.rs` holds the table of allowed ones.
#![doc(hidden)]

mod api;
mod audio;
mod cli;
mod command;
mod config;
mod conversation;
mod demo;
mod dialect;
mod error;
mod exchange;
#[cfg(any(fuzzing, test))]
pub mod fuzzing;
mod history;
pub mod http;
mod input;
mod interrupt;
mod io;
mod markdown;
mod output;
mod picture;
mod provider;
mod sanitize;
mod secret;
mod stop;
mod tool;

use std::ffi::OsString;

use clap::error::ErrorKind;

use cli::{Cli, Command};
pub use io::Io;

/// What `--version` says. Scripts ask for it often, and it needs no description of the command line.
const VERSION: &str = concat!("llm ", env!("CARGO_PKG_VERSION"), "\n");

/// Runs the program with a command line (the program's name first) and gives its exit code.
pub fn run(args: impl IntoIterator<Item = OsString>, io: &mut Io) -> u8 {
    let args: Vec<OsString> = args.into_iter().collect();
    if let [_, word] = &args[..]
        && (word == "--version" || word == "-V")
    {
        return show(VERSION, io);
    }
    let cli = match Cli::read(&args) {
        Ok(cli) => cli,
        Err(error) => return of_command_line(&error, &args, io),
    };
    io.voice.is_quiet = cli.common.quiet;
    io.color = cli.common.color;
    match dispatch(&cli, io) {
        Ok(()) => 0,
        Err(error) => report(&error::classify(&error), io),
    }
}

fn dispatch(cli: &Cli, io: &mut Io) -> anyhow::Result<()> {
    let options = &command::options::RunOptions::new(&cli.common);
    match &cli.command {
        Command::Chat(args) => command::chat::run(args, &cli.common, io),
        Command::Image(args) => command::image::run(args, options, io),
        Command::Speak(args) => command::speak::run(args, options, io),
        Command::Transcribe(args) => command::transcribe::run(args, options, io),
        Command::Embed(args) => command::embed::run(args, options, io),
        Command::History(args) => command::history::run(args, options, io),
        Command::Models(args) => command::models::run(args, options, io),
        Command::Providers(args) => command::providers::run(args, options, io),
        Command::Config(args) => command::config::run(args, options, io),
        Command::Completions(args) => command::generate::completions(args, io),
        Command::Man(args) => command::generate::man(args, io),
    }
}

/// Help and version go to standard output; a wrong command line is said in our own voice.
fn of_command_line(error: &clap::Error, line: &[OsString], io: &mut Io) -> u8 {
    if !matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        return report(&cli::failure_of(error, line), io);
    }
    let text = error.render();
    let text = if io.colors_stdout() { text.ansi().to_string() } else { text.to_string() };
    show(&text, io)
}

fn show(text: &str, io: &mut Io) -> u8 {
    match output::sink::to_stdout(text.as_bytes(), io) {
        Ok(()) => 0,
        Err(failure) => report(&failure, io),
    }
}

/// Says what went wrong, once, and gives the exit code.
fn report(failure: &error::Failure, io: &mut Io) -> u8 {
    if !failure.is_silent() {
        io.say_failure(&failure.message, failure.hint.as_deref());
    }
    failure.kind.exit_code()
}
