//! A conversation on a terminal: lines are read and edited, each is a question with its answer, and
//! whatever goes wrong with one of them, the conversation goes on.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustyline::error::ReadlineError;
use rustyline::history::History as _;

use super::super::exchange_options;
use super::super::history::readable;
use super::lines::{INPUTS, editor};
use super::log::Log;
use super::prepared::Preset;
use super::slash::{self, Line};
use super::tools::{self, Tools};
use super::turn::Chat;
use super::{
    Plan, attach, compose, earlier, messages, model, shows_markdown, shows_thinking, usage,
};
use crate::cli::Common;
use crate::cli::chat::ChatArgs;
use crate::config::Config;
use crate::error::{Failure, Kind};
use crate::exchange;
use crate::input::{self, InputSources, PromptInput};
use crate::io::Io;
use crate::output::file::OutputFile;
use crate::output::sink::{Sink, to_stdout};
use crate::output::text::TextWriter;
use crate::provider::{Asked, Composed, Job, Provider, resolve};

/// What stands before every question.
const PROMPT: &str = "> ";

/// A conversation and what it is held with.
pub(super) struct Session<'a> {
    args: ChatArgs,
    common: Common,
    config: &'a Config,
    log: Log,
    /// Kept between questions, so that a command that gives the key runs once.
    provider: Option<Provider>,
    /// What a prompt of the profile file adds to the questions.
    preset: Preset,
    /// Files for the next question.
    files: Vec<PathBuf>,
    /// A question without an answer, for `/retry`.
    unanswered: Option<PromptInput>,
    tools: Option<Arc<Tools>>,
    /// The warnings that were given.
    told: Vec<String>,
}

impl<'a> Session<'a> {
    /// A conversation that goes on with what `log` holds.
    pub(super) fn new(args: &ChatArgs, common: &Common, config: &'a Config, log: Log) -> Self {
        Self {
            args: args.clone(),
            common: common.clone(),
            config,
            log,
            provider: None,
            preset: Preset::default(),
            files: Vec::new(),
            unanswered: None,
            tools: None,
            told: Vec::new(),
        }
    }

    /// The same with a prompt of the profile file: its frame for the first message, the rest for all.
    pub(super) fn with(self, preset: Preset) -> Self {
        Self { preset, ..self }
    }

    /// Holds the conversation until the user leaves it.
    ///
    /// # Errors
    /// A service that can't be resolved at the beginning, a terminal that can't be read, a signal
    /// that ends the program.
    pub(super) fn run(mut self, io: &mut Io) -> Result<(), Failure> {
        let provider = self.resolve(&self.common, io)?;
        self.tools = tools::open(&self.args, &self.common, self.config, &provider, io)?;
        self.greet(&provider, io);
        self.provider = Some(provider);
        let mut editor = editor().map_err(|error| unreadable(&error))?;
        let store = self.log.store(io);
        for input in store.iter().flat_map(|store| store.inputs(INPUTS)) {
            let _ = editor.history_mut().add_owned(input);
        }
        loop {
            if let Some(stop) = &io.stop {
                stop.rest();
            }
            let typed = match editor.readline(PROMPT) {
                Ok(typed) => typed,
                Err(ReadlineError::Interrupted) => {
                    if let Some(lines) = editor.helper_mut() {
                        lines.ends.take();
                    }
                    continue;
                }
                Err(ReadlineError::Eof) => return Ok(()),
                Err(error) => return Err(unreadable(&error)),
            };
            if typed.trim().is_empty() {
                continue;
            }
            let _ = editor.history_mut().add(&typed);
            if let Some(store) = &store {
                // The arrow keys alone miss it.
                let _ = store.add_input(&typed);
            }
            let ends = editor.helper_mut().map(|lines| lines.ends.take()).unwrap_or_default();
            let typed = slash::joined(&typed, &ends);
            match self.take(&slash::read(&typed), io) {
                Ok(true) => {}
                Ok(false) => return Ok(()),
                Err(failure) if ends_all(failure.kind) => return Err(failure),
                Err(failure) => tell(&failure, io),
            }
        }
    }

    fn resolve(&self, common: &Common, io: &mut Io) -> Result<Provider, Failure> {
        let mut provider = resolve(Asked { common, job: Job::Chat }, self.config, io)?;
        self.preset.lay_over(&mut provider);
        Ok(provider)
    }

    fn greet(&self, provider: &Provider, io: &mut Io) {
        if let Some(last) = self.log.turns().last() {
            let words: String = last.user_text().chars().take(60).collect();
            let count = self.log.turns().len();
            let questions = if count == 1 { "question" } else { "questions" };
            io.note(&format!("going on after {count} {questions}, the last one: {words}"));
        }
        let model = provider.model.as_deref().unwrap_or("no model");
        if let Some(name) = self.args.template.as_ref().filter(|_| self.preset.has_frame()) {
            io.note(&format!("the prompt `{name}` goes around your first message"));
        }
        io.note(&format!("{}, {model}; /help lists the commands, Ctrl-D leaves", provider.name));
    }

    /// Does what a line asks for. False if that is to leave.
    fn take(&mut self, line: &Line<'_>, io: &mut Io) -> Result<bool, Failure> {
        match line {
            Line::Nothing => {}
            Line::Exit => return Ok(false),
            Line::Say(text) => self.say(text, io)?,
            Line::Help => help(io)?,
            Line::Model(name) => self.choose_model(name, io)?,
            Line::Provider(name) => self.choose_provider(name, io)?,
            Line::System("") => match self.args.system.as_deref().or(self.log.system()) {
                Some(text) => to_stdout(format!("{text}\n").as_bytes(), io)?,
                None => io.note("there are no instructions"),
            },
            Line::System(text) => self.args.system = Some((*text).to_owned()),
            Line::File(path) => self.add_file(path, io)?,
            Line::Retry => self.retry(io)?,
            Line::Undo => match self.log.undo(io)? {
                Some(turn) => {
                    let words: String = turn.user_text().chars().take(60).collect();
                    io.note(&format!("taken back: {words}"));
                }
                None => io.note("there is nothing to take back"),
            },
            Line::Save(path) => self.save(Path::new(path), io)?,
            Line::Usage => {
                self.common.usage = !self.common.usage;
                let how = if self.common.usage { "shown after each answer" } else { "hidden" };
                io.note(&format!("usage is {how}"));
                if let Some(provider) = &self.provider
                    && let Some(words) = usage::total(self.log.turns(), provider)
                {
                    io.note(&words);
                }
            }
            Line::Clear => {
                self.log.clear();
                (self.files, self.unanswered) = (Vec::new(), None);
                io.note("a new conversation begins");
            }
            Line::Unknown(word) => {
                io.say(&format!("there is no command /{word}"));
                io.hint("/help lists the commands; a space before it sends the line to the model");
            }
            Line::Lacking(usage) => io.say(&format!("something is missing: {usage}")),
        }
        Ok(true)
    }

    /// Asks what the user typed, with the files that were named for it.
    fn say(&mut self, text: &str, io: &mut Io) -> Result<(), Failure> {
        let words = [text.to_owned()];
        let sources = InputSources { words: &words, files: &self.files, no_stdin: true };
        let given = self.preset.given(&sources, io)?;
        self.preset.forget_frame();
        self.files.clear();
        self.ask(given, io)
    }

    /// Asks, shows the answer, keeps both.
    fn ask(&mut self, mut given: PromptInput, io: &mut Io) -> Result<(), Failure> {
        self.unanswered = Some(given.clone());
        let provider = match self.provider.take() {
            Some(provider) => provider,
            None => self.resolve(&self.common, io)?,
        };
        let messages = messages(&self.args, &mut self.log, &provider, &mut given, io);
        let offered = (None, self.tools.as_deref());
        let composed =
            compose(&self.args, &self.common, &provider, messages, offered).and_then(|composed| {
                attach::check(&provider, &composed.0.body, &given).map(|()| composed)
            });
        let (Composed { body, own, warnings, .. }, is_limited) = match composed {
            Ok(composed) => composed,
            Err(failure) => {
                self.provider = Some(provider);
                return Err(failure);
            }
        };
        self.warn(warnings, io);
        let plan = Plan {
            number: 1,
            numbers: false,
            is_limited,
            shows_usage: self.common.usage,
            json: false,
            extract: None,
            shows_thinking: shows_thinking(self.args.reasoning, io),
            schema: None,
            tools: self.tools.clone(),
            thinks_untagged: provider.thinks_untagged(model(&body)),
            price: provider.price(model(&body)),
            own,
        };
        let asked = self.log.asked(&self.args, &self.common, &provider, &body);
        let is_markdown = shows_markdown(&self.args, &self.common, io)?;
        let options = exchange_options(&self.common);
        let done = exchange::run(provider.clone(), options, io, move |exchange, io| {
            Box::pin(async move {
                let writer = TextWriter::new(Sink::Stdout).with_markdown(is_markdown);
                let mut chat = Chat::new(plan, writer);
                let result = match attach::request(body, &mut given, exchange, io).await {
                    Ok(request) => chat.run(request, exchange, io).await,
                    Err(failure) => Err(failure),
                };
                Ok((chat.said(), given, result))
            })
        });
        self.provider = Some(provider);
        let (said, given, result) = done?;
        if self.log.keep(asked, &given, said, result.as_ref().err(), io) {
            self.unanswered = None;
        }
        result
    }

    /// Says each warning once in a conversation.
    fn warn(&mut self, warnings: Vec<String>, io: &mut Io) {
        for warning in warnings {
            if !self.told.contains(&warning) {
                io.warn(&warning);
                self.told.push(warning);
            }
        }
    }

    fn retry(&mut self, io: &mut Io) -> Result<(), Failure> {
        let given = match self.unanswered.take() {
            Some(given) => given,
            None => match self.log.undo(io)? {
                Some(turn) => earlier::again(&turn, io),
                None => {
                    io.note("there is nothing to ask again");
                    return Ok(());
                }
            },
        };
        self.ask(given, io)
    }

    fn choose_model(&mut self, name: &str, io: &mut Io) -> Result<(), Failure> {
        if !name.is_empty() {
            self.common.model = Some(name.to_owned());
        }
        self.choose(self.common.clone(), io)
    }

    fn choose_provider(&mut self, name: &str, io: &mut Io) -> Result<(), Failure> {
        let mut common = self.common.clone();
        if !name.is_empty() {
            common.provider = Some(name.to_owned());
            (common.model, common.base_url, common.api_key_env) = (None, None, None);
        }
        self.choose(common, io)
    }

    /// Takes these options from now on, if they name a service that can be asked.
    fn choose(&mut self, common: Common, io: &mut Io) -> Result<(), Failure> {
        let provider = self.resolve(&common, io)?;
        let model = provider.model.as_deref().unwrap_or("no model");
        io.note(&format!("{}, {model}", provider.name));
        self.common = common;
        self.provider = Some(provider);
        Ok(())
    }

    /// Puts a file before the next question; one that can't be read is refused now.
    fn add_file(&mut self, path: &str, io: &mut Io) -> Result<(), Failure> {
        let path = PathBuf::from(path);
        let files = std::slice::from_ref(&path);
        input::read_prompt(&InputSources { words: &[], files, no_stdin: true }, io)?;
        io.note(&format!("{} goes before the next message", path.display()));
        self.files.push(path);
        Ok(())
    }

    fn save(&self, path: &Path, io: &mut Io) -> Result<(), Failure> {
        let Some(conversation) = self.log.conversation() else {
            io.note("there is nothing to save yet");
            return Ok(());
        };
        let mut file = OutputFile::open(path)?;
        file.write(readable(conversation, &jiff::tz::TimeZone::system()).as_bytes())?;
        file.commit()?;
        io.note(&format!("{} is written", path.display()));
        Ok(())
    }
}

/// What ends the program even in a conversation.
fn ends_all(kind: Kind) -> bool {
    matches!(kind, Kind::Terminated | Kind::HungUp | Kind::ReaderGone)
}

/// Says what went wrong with one question.
fn tell(failure: &Failure, io: &mut Io) {
    match failure.kind {
        Kind::Interrupted => io.note("the answer was stopped"),
        Kind::Cut => io.warn(&failure.message),
        _ => {
            io.say(&failure.message);
            if let Some(hint) = &failure.hint {
                io.hint(hint);
            }
        }
    }
}

fn help(io: &mut Io) -> Result<(), Failure> {
    let mut text = String::new();
    for (usage, what) in slash::HELP {
        text.push_str(&format!("{usage:<16}{what}\n"));
    }
    text.push_str("\nA line that ends with \\ goes on in the next one. Ctrl-C clears the line, and stops an answer.\n");
    to_stdout(text.as_bytes(), io)
}

fn unreadable(error: &ReadlineError) -> Failure {
    Failure::new(Kind::Other, format!("cannot read from the terminal: {error}"))
}
