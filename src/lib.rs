//! One command-line client for every service that speaks the OpenAI HTTP specification.
//!
//! The library is the program: `main` calls [`run`] and nothing else. It is no public interface.
//!
//! | module | duty |
//! | --- | --- |
//! | `cli` | what can be typed: commands, flags, help; no behaviour |
//! | `command` | one file or folder for each command: from typed arguments to output |
//! | `exchange` | the only place that sends, waits, retries, repairs a refused field and reads |
//! | `conversation` | what was said: turns, attachments, thinking, calls and results; no wire format |
//! | `dialect` | a conversation as a request, and a reply or a stream as events |
//! | `api` | the endpoints of the other jobs as pure functions: fields of a request, meaning of a reply |
//! | `provider` | a profile resolved for one run: URLs, headers, request bodies, rules, field repair |
//! | `config` | the profiles: the built-in list and the user's file, each value with its origin |
//! | `http` | requests as data, connections, retries, the event stream, errors in words |
//! | `input` | the prompt: words, standard input, files, folders, addresses |
//! | `output` | text and files on their way out |
//! | `journal` | what a bulk run has got so far, so that the same command goes on |
//! | `history` | the kept conversations, a file each |
//! | `ledger` | what each run took of a service: a line each, and their sums |
//! | `tool` | what a model may call: programs described, run, limited; names and schemas that services take |
//! | `mcp` | servers of tools that a model may call: started, asked, ended |
//! | `nearest` | rows of vector files that are nearest to a query, by their cosine |
//! | `json_repair` | makes JSON of what gateways and servers cut or write wrong |
//! | `json_schema` | whether a value fits a JSON Schema |
//! | `media` | what a file is by its first bytes: one table of signatures, with media types and words |
//! | `audio` | audio files as bytes: cut at quiet places, joined |
//! | `picture` | pictures as bytes, drawn in a terminal |
//! | `markdown` | Markdown coloured while it streams in |
//! | `demo` | the server behind `-p demo`; of the rest it uses only what files of sound and pictures are |
//! | `io` | the only way to terminal, standard input and environment |
//! | `error` | failures and exit codes |
//! | `private` | how files and folders of the user alone are made |
//! | `random` | the one source of random numbers |
//! | `secret` | keys that can't be printed |
//! | `sanitize` | hostile text made harmless |
//! | `interrupt` | what ends a run from outside: signals, a reader of stdout that has gone away |
//! | `stop` | signals as a flag that any code can look at |
//! | `fuzzing` | what the readers promise for any bytes; only in fuzzers and tests |
//!
//! Which module may use which is a table in `tests/house.rs`; see CONTRIBUTING.md for the rest.
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
mod journal;
mod json_repair;
mod json_schema;
mod ledger;
mod markdown;
mod mcp;
mod media;
mod nearest;
mod output;
mod picture;
mod private;
mod provider;
mod random;
mod sanitize;
mod secret;
mod stop;
mod tool;

use std::ffi::{OsStr, OsString};

use clap::error::ErrorKind;

use cli::{Cli, Command};
pub use io::Io;

/// What `--version` says. Scripts ask for it often, and it needs no description of the command line.
const VERSION: &str = concat!("llm ", env!("CARGO_PKG_VERSION"), "\n");

/// Runs the program with a command line (the program's name first) and gives its exit code.
pub fn run(args: impl IntoIterator<Item = OsString>, io: &mut Io) -> u8 {
    let args = cli::meant::in_our_words(args.into_iter().collect());
    if let [_, word] = &args[..]
        && (word == "--version" || word == "-V")
    {
        return show(VERSION, io);
    }
    let cli = match cli::quick::read(&args) {
        Ok(cli) => cli,
        Err(error) => return of_command_line(&error, &args, io),
    };
    if let Some(failure) = cli::untaken::refusal(&cli.command, &args) {
        return report(&failure, io);
    }
    io.stderr.is_quiet = cli.common.quiet;
    io.color = cli.common.color;
    if cli.common.insecure {
        io.warn("no certificate is checked (--insecure): whoever is in between can read and change everything");
    }
    match dispatch(&cli, &args[0], io) {
        Ok(()) => 0,
        Err(error) => report(&error::classify(&error), io),
    }
}

fn dispatch(cli: &Cli, program: &OsStr, io: &mut Io) -> anyhow::Result<()> {
    let options = &command::options::RunOptions::new(&cli.common, cli.command.name());
    match &cli.command {
        Command::Chat(args) => command::chat::run(args, &cli.common, io),
        Command::Batch(args) => command::batch::run(args, options, io),
        Command::Image(args) => command::image::run(args, options, io),
        Command::Speak(args) => command::speak::run(args, options, io),
        Command::Transcribe(args) => command::transcribe::run(args, options, io),
        Command::Embed(args) => command::embed::run(args, options, io),
        Command::Similar(line) => command::similar::run(line, options, io),
        Command::Mcp(args) => command::mcp::run(args, options, io),
        Command::History(args) => command::history::run(args, options, io),
        Command::Usage(args) => command::usage::run(args, options, io),
        Command::Models(args) => command::models::run(args, options, io),
        Command::Providers(args) => command::providers::run(args, options, io),
        Command::Config(args) => command::config::run(args, options, io),
        Command::Completions(args) => command::completions::run(args, program, io),
        Command::Man(args) => command::man::run(args, io),
    }
}

/// Help and version go to standard output; a wrong command line is said in our own voice.
fn of_command_line(error: &clap::Error, line: &[OsString], io: &mut Io) -> u8 {
    if !matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        return report(&cli::misuse::failure_of(error, line), io);
    }
    io.color = cli::color::wanted(line).unwrap_or_default();
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
