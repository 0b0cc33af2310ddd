//! A conversation on a terminal: lines are read and edited, each is a question with its answer, and
//! whatever goes wrong with one of them, the conversation goes on.

use std::path::{Path, PathBuf};

use rustyline::error::ReadlineError;
use rustyline::history::History as _;

use super::asker::{Asker, Outputs};
use super::lines::{KEPT_INPUTS, LineEditor, editor};
use super::made::MadeFiles;
use super::slash::{self, TypedLine};
use super::tab::KnownNames;
use super::{aside, earlier, search, usage};
use crate::command::history::readable;
use crate::command::{listed, models};
use crate::config::Config;
use crate::error::{Failure, FailureKind};
use crate::input::{self, InputSources, PromptInput};
use crate::io::Io;
use crate::mcp::Watch;
use crate::output::file::OutputFile;
use crate::output::sink::{Sink, to_stdout};
use crate::provider::{Provider, ServiceOptions};
use crate::sanitize;
use crate::stop::StopSignal;

/// What stands before every question.
const PROMPT: &str = "> ";

/// A conversation and what it is held with.
pub(super) struct Session<'a> {
    asker: Asker,
    config: &'a Config,
    /// Kept between questions, so that a command that gives the key runs once.
    provider: Option<Provider>,
    /// Files for the next question.
    files: Vec<PathBuf>,
    /// A question without an answer, for `/retry`.
    unanswered: Option<PromptInput>,
}

impl<'a> Session<'a> {
    /// A conversation that goes on with what `asker` holds. A prompt's frame goes around its first
    /// message.
    pub(super) fn new(asker: Asker, config: &'a Config) -> Self {
        let files = asker.options.input.files.clone();
        Self { asker, config, provider: None, files, unanswered: None }
    }

    /// Holds the conversation until the user leaves it.
    ///
    /// # Errors
    /// A service that can't be resolved at the beginning, a terminal that can't be read, a signal
    /// that ends the program.
    pub(super) fn run(mut self, io: &mut Io) -> Result<(), Failure> {
        let provider = self.asker.resolve(self.config, io)?;
        search::check_service(&self.asker.options.question, &provider)?;
        self.asker.open_tools(self.config, &provider, io)?;
        self.asker.ready_tools(io)?;
        // A file that can't be read is said before anything is typed.
        let files = InputSources { words: &[], files: &self.files, no_stdin: true };
        if !self.files.is_empty() {
            input::read_prompt(&files, io)?;
        }
        let mut editor = editor().map_err(|error| unreadable(&error))?;
        let store = self.asker.log.store(io);
        for input in store.iter().flat_map(|store| store.inputs(KEPT_INPUTS)) {
            let _ = editor.history_mut().add_owned(input);
        }
        self.greet(&provider, io);
        self.provider = Some(provider);
        while let Some(typed) = self.read_line(&mut editor, io)? {
            if typed.trim().is_empty() {
                continue;
            }
            let _ = editor.history_mut().add(&typed);
            if let Some(store) = &store {
                // The arrow keys alone miss it.
                let _ = store.add_input(&typed, self.asker.log.key());
            }
            match self.take(&slash::read(slash::unquoted(&typed)), io) {
                Ok(true) => {}
                Ok(false) => return Ok(()),
                Err(failure) if ends_all(failure.kind) => return Err(failure),
                Err(failure) => tell(&failure, io),
            }
        }
        Ok(())
    }

    /// The next input, as it is sent; `None` at the end of input.
    fn read_line(&self, editor: &mut LineEditor, io: &mut Io) -> Result<Option<String>, Failure> {
        loop {
            match self.asker.tools().filter(|tools| tools.has_servers()) {
                // They have to end before the program does.
                Some(tools) => tools.watch(Watch::HereButInterrupts),
                None => io.stop.iter().for_each(StopSignal::exit_on_signals),
            }
            if let Some(lines) = editor.helper_mut() {
                lines.ends.take();
                lines.known = self.known_names(io);
            }
            let ahead = aside::typed_ahead(PROMPT, io);
            let begun = match ahead.as_deref() {
                None => "",
                Some("") => return Ok(None),
                Some(line) if goes_on(line.trim_end(), editor) => line,
                Some(line) => return Ok(Some(line.trim_end_matches('\n').to_owned())),
            };
            match editor.readline_with_initial(PROMPT, (begun, "")) {
                Ok(typed) => {
                    let ends = editor.helper_mut().map(|lines| lines.ends.take());
                    // What the arrow keys bring back is what is sent, without the `\` that went on.
                    return Ok(Some(slash::joined(&typed, &ends.unwrap_or_default())));
                }
                Err(ReadlineError::Interrupted) => {}
                Err(ReadlineError::Eof) => return Ok(None),
                Err(error) => return Err(unreadable(&error)),
            }
        }
    }

    /// What TAB completes now.
    fn known_names(&self, io: &Io) -> KnownNames {
        let models = self.provider.as_ref().map(|provider| {
            let url = provider.profile.base_url.as_deref();
            let listed = listed::models_of(&provider.name, url, &io.env);
            listed::with_default(&provider.profile, listed)
        });
        KnownNames {
            models: models.unwrap_or_default(),
            profiles: self.config.names().into_iter().map(str::to_owned).collect(),
            home: io.env.home().map(PathBuf::from),
        }
    }

    fn greet(&self, provider: &Provider, io: &mut Io) {
        if let Some(last) = self.asker.log.turns().last() {
            let words: String = last.user.chars().take(60).collect();
            let count = self.asker.log.turns().len();
            let questions = if count == 1 { "question" } else { "questions" };
            io.note(&format!("continuing after {count} {questions}, the last one: {words}"));
        }
        let model = model(provider);
        let preset = &self.asker.options.preset;
        if preset.has_frame() {
            io.note(&format!("the prompt `{}` wraps your first message", preset.name));
        }
        for path in &self.files {
            io.note(&format!("{} will be put before the first message", path.display()));
        }
        io.note(&format!("{}, {model}; /help lists the commands, Ctrl-D leaves", provider.name));
    }

    /// Does what a line asks for. False if that is to leave.
    fn take(&mut self, line: &TypedLine<'_>, io: &mut Io) -> Result<bool, Failure> {
        match line {
            TypedLine::Nothing => {}
            TypedLine::Exit => return Ok(false),
            TypedLine::Say(text) => self.say(text, io)?,
            TypedLine::Help => aside::help(io)?,
            TypedLine::Model(name) => self.choose_model(name, io)?,
            TypedLine::Provider(name) => self.choose_provider(name, io)?,
            TypedLine::System("") => self.show_instructions(io)?,
            TypedLine::System(text) => {
                self.asker.options.question.system = Some((*text).to_owned());
            }
            TypedLine::File(path) => self.add_file(path, io)?,
            TypedLine::Tools => match self.asker.tools() {
                Some(tools) => to_stdout(tools.list().as_bytes(), io)?,
                None => io.note("there are no tools; --tool and --mcp offer some"),
            },
            TypedLine::Retry => self.retry(io)?,
            TypedLine::Undo => match self.asker.log.undo(io)? {
                Some(turn) => {
                    let words: String = turn.user.chars().take(60).collect();
                    io.note(&format!("removed: {words}"));
                }
                None => io.note("there is no question to remove"),
            },
            TypedLine::Save(path) => self.save(&io.env.expand_home(path), io)?,
            TypedLine::Usage => {
                let wants_usage = &mut self.asker.options.question.wants_usage;
                *wants_usage = !*wants_usage;
                let how = if *wants_usage { "shown after each answer" } else { "hidden" };
                io.note(&format!("usage is {how}"));
                if let Some(provider) = &self.provider
                    && let Some(words) = usage::total(self.asker.log.turns(), provider)
                {
                    io.note(&words);
                }
            }
            TypedLine::Search => self.toggle_search(io)?,
            TypedLine::Edit(text) => self.say_edited(text, io)?,
            TypedLine::Copy => aside::copy(self.asker.log.turns().last(), io)?,
            TypedLine::Set(text) => self.set(text, io)?,
            TypedLine::Models(word) => self.list_models(word, io)?,
            TypedLine::Clear => {
                self.asker.log.clear();
                (self.files, self.unanswered) = (Vec::new(), None);
                io.note("a new conversation begins");
            }
            TypedLine::Unknown(word) => {
                io.say(&format!("there is no command /{word}"));
                io.hint("/help lists the commands; a space before it sends the line to the model");
            }
            TypedLine::Lacking(usage) => io.say(&format!("an argument is missing: {usage}")),
        }
        Ok(true)
    }

    /// Asks what the user typed, with the files that were named for it.
    fn say(&mut self, text: &str, io: &mut Io) -> Result<(), Failure> {
        let words = [text.to_owned()];
        let sources = InputSources { words: &words, files: &self.files, no_stdin: true };
        let given = self.asker.options.preset.given(&sources, io)?;
        self.asker.options.preset.forget_frame();
        self.files.clear();
        self.ask(given, io)
    }

    fn say_edited(&mut self, text: &str, io: &mut Io) -> Result<(), Failure> {
        match aside::edited(text, io)? {
            text if text.is_empty() => io.note("nothing was written"),
            text => self.say(&text, io)?,
        }
        Ok(())
    }

    fn toggle_search(&mut self, io: &mut Io) -> Result<(), Failure> {
        let mut question = self.asker.options.question.clone();
        question.wants_search = !question.wants_search;
        if let Some(provider) = &self.provider {
            search::check_service(&question, provider)?;
        }
        let how = if question.wants_search { "on" } else { "off" };
        io.note(&format!("the service's web search is {how}"));
        self.asker.options.question = question;
        Ok(())
    }

    fn set(&mut self, text: &str, io: &mut Io) -> Result<(), Failure> {
        let mut service = self.asker.options.service.clone();
        match aside::set(&mut service.settings, text, io)? {
            true => self.choose(service, io),
            false => Ok(()),
        }
    }

    fn list_models(&mut self, word: &str, io: &mut Io) -> Result<(), Failure> {
        let provider = match &self.provider {
            Some(provider) => provider.clone(),
            None => self.asker.resolve(self.config, io)?,
        };
        let word = Some(word).filter(|word| !word.is_empty());
        models::show(provider, word, false, self.asker.options.exchange, io)
    }

    fn show_instructions(&self, io: &mut Io) -> Result<(), Failure> {
        let own = self.asker.options.question.system.as_deref();
        match own.or(self.asker.log.system()) {
            Some(text) => {
                let text = format!("{}\n", sanitize::for_terminal(text));
                to_stdout(text.as_bytes(), io)?;
            }
            None => io.note("there are no instructions"),
        }
        Ok(())
    }

    /// Asks, shows the answer, keeps both.
    fn ask(&mut self, given: PromptInput, io: &mut Io) -> Result<(), Failure> {
        self.unanswered = Some(given.clone());
        let provider = match self.provider.take() {
            Some(provider) => provider,
            None => self.asker.resolve(self.config, io)?,
        };
        let question = match self.asker.question(given, &provider, io) {
            Ok(question) => question,
            Err(failure) => {
                self.provider = Some(provider);
                return Err(failure);
            }
        };
        let outputs = Outputs { text: Sink::Stdout, made: MadeFiles::default() };
        let asked = self.asker.ask(question, 1, outputs, provider.clone(), io);
        let provider = self.provider.insert(provider);
        let asked = asked?;
        provider.model = asked.stood_in.or(provider.model.take());
        if asked.is_kept {
            self.unanswered = None;
        }
        asked.result
    }

    fn retry(&mut self, io: &mut Io) -> Result<(), Failure> {
        let given = match self.unanswered.take() {
            Some(given) => given,
            None => match self.asker.log.undo(io)? {
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
        let mut service = self.asker.options.service.clone();
        if !name.is_empty() {
            service.model = Some(name.to_owned());
        }
        self.choose(service, io)
    }

    fn choose_provider(&mut self, name: &str, io: &mut Io) -> Result<(), Failure> {
        let mut service = self.asker.options.service.clone();
        if !name.is_empty() {
            service.provider = Some(name.to_owned());
            (service.model, service.base_url, service.api_key_env) = (None, None, None);
        }
        self.choose(service, io)
    }

    /// Asks this service from now on, if it can be asked.
    fn choose(&mut self, service: ServiceOptions, io: &mut Io) -> Result<(), Failure> {
        let before = std::mem::replace(&mut self.asker.options.service, service);
        let provider = self.asker.resolve(self.config, io).inspect_err(|_| {
            self.asker.options.service = before;
        })?;
        let model = model(&provider);
        io.note(&format!("{}, {model}", provider.name));
        self.provider = Some(provider);
        Ok(())
    }

    /// Puts a file before the next question; one that can't be read is refused now.
    fn add_file(&mut self, path: &str, io: &mut Io) -> Result<(), Failure> {
        let path = io.env.expand_home(path);
        let files = std::slice::from_ref(&path);
        input::read_prompt(&InputSources { words: &[], files, no_stdin: true }, io)?;
        io.note(&format!("{} will be put before the next message", path.display()));
        self.files.push(path);
        Ok(())
    }

    fn save(&self, path: &Path, io: &mut Io) -> Result<(), Failure> {
        let Some(conversation) = self.asker.log.conversation() else {
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

/// The model that will be asked, in words.
fn model(provider: &Provider) -> &str {
    let only = || if provider.lacks_model() { "the model that it has" } else { "no model" };
    provider.model.as_deref().unwrap_or_else(only)
}

/// What ends the program even in a conversation.
fn ends_all(kind: FailureKind) -> bool {
    matches!(kind, FailureKind::Terminated | FailureKind::HungUp | FailureKind::ReaderGone)
}

/// Says what went wrong with one question.
fn tell(failure: &Failure, io: &mut Io) {
    match failure.kind {
        FailureKind::Interrupted => io.note("the answer was stopped"),
        FailureKind::Cut => io.warn(&failure.message),
        _ => {
            io.say(&failure.message);
            if let Some(hint) = &failure.hint {
                io.hint(hint);
            }
        }
    }
}

/// Whether a line that was typed ahead goes on in the next one; the line editor is told by what.
fn goes_on(line: &str, editor: &mut LineEditor) -> bool {
    let by_slash = slash::goes_on(line);
    if let Some(lines) = editor.helper_mut().filter(|_| by_slash) {
        lines.ends.borrow_mut().push(line.to_owned());
    }
    by_slash || slash::is_quote_open(line)
}

fn unreadable(error: &ReadlineError) -> Failure {
    Failure::new(FailureKind::Other, format!("cannot read from the terminal: {error}"))
}
