//! The conversation that a chat goes on with, and what is kept of it. Nothing of it stands between a
//! question without `-c` or `--session` and its first byte: files are touched after the answer.

use serde_json::{Map, Value};

use super::outcome::Said;
use super::{attach, earlier};
use crate::cli::Common;
use crate::cli::chat::ChatArgs;
use crate::config::Config;
use crate::error::{Failure, Kind, reason};
use crate::history::{self, Conversation, End, Key, Service, Store, Turn};
use crate::input::PromptInput;
use crate::io::Io;
use crate::provider::Provider;

/// What was said before, and whether what is said now is kept.
pub(super) struct Log {
    keeps: bool,
    /// The name of the conversation, if it has one.
    session: Option<String>,
    /// What the chat goes on with; a new conversation gets its key when it is kept first.
    before: Option<Conversation>,
    /// What the user was told of earlier files.
    told: Vec<String>,
}

/// A question as it is kept.
pub(super) struct Asked {
    service: Service,
    system: Option<String>,
}

impl Log {
    /// The conversation that the flags ask for; without them a new one.
    ///
    /// # Errors
    /// Exit 2: none to go on with, a name that is none. Exit 1: a file that can't be read.
    pub(super) fn open(args: &ChatArgs, config: &Config, io: &mut Io) -> Result<Self, Failure> {
        let is_off = args.no_log || io.env.get("LLM_NO_LOG").is_some() || !config.keeps_log();
        let mut log =
            Self { keeps: !is_off, session: args.session.clone(), before: None, told: Vec::new() };
        let key = match &args.session {
            Some(name) => Key::named(name)?,
            None if args.go_on => last(io)?,
            None => return Ok(log),
        };
        let store = store(io)?;
        let conversation = match store.read(&key) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && key.is_named() => {
                Conversation::new(key)
            }
            read => read.map_err(|error| cannot_read(&store, &key, &error))?,
        };
        if let Some(complaint) = conversation.complaint(&store) {
            io.warn(&complaint);
        }
        if log.session.is_none() {
            log.session = conversation.session().map(str::to_owned);
        }
        log.before = Some(conversation);
        Ok(log)
    }

    /// What was said before, oldest first.
    pub(super) fn turns(&self) -> &[Turn] {
        self.before.as_ref().map_or(&[], |conversation| &conversation.turns)
    }

    /// The options, with the conversation's own service and model where no flag says otherwise.
    pub(super) fn common(&self, common: &Common, config: &Config) -> Common {
        let mut common = common.clone();
        let Some(Turn { service, .. }) = self.turns().last() else { return common };
        let names_other = match (&common.provider, &common.base_url) {
            (None, None) => false,
            (Some(name), None) => *name != service.provider,
            (_, Some(url)) => service.base_url.as_ref() != Some(url),
        };
        if names_other {
            return common;
        }
        common.base_url = service.base_url.clone();
        // The name of a one-off server is none of a profile.
        if service.base_url.is_none() || config.profile(&service.provider).is_some() {
            common.provider = Some(service.provider.clone());
        }
        common.api_key_env = common.api_key_env.or_else(|| service.api_key_env.clone());
        common.model = common.model.or_else(|| Some(service.model.clone()));
        common
    }

    /// Tells the user something once.
    pub(super) fn tell(&mut self, text: String, io: &Io) {
        if !self.told.contains(&text) {
            io.warn(&text);
            self.told.push(text);
        }
    }

    /// The messages of these turns, before the user's: `system` instead of the conversation's own,
    /// if it is given.
    pub(super) fn messages(
        &self,
        turns: &[Turn],
        system: Option<&str>,
        provider: &Provider,
    ) -> Vec<Value> {
        let echo = provider.echoes_reasoning();
        history::messages(turns, system, echo, Some(&provider.name))
    }

    /// A question that is about to be sent, for [`Log::keep`].
    pub(super) fn asked(
        &self,
        args: &ChatArgs,
        common: &Common,
        provider: &Provider,
        body: &Map<String, Value>,
    ) -> Asked {
        // What stands beside a host may be a secret.
        let is_public = |url: &&String| !url.contains(['@', '?']);
        Asked {
            service: Service {
                provider: provider.name.clone(),
                model: body.get("model").and_then(Value::as_str).unwrap_or_default().to_owned(),
                base_url: common.base_url.as_ref().filter(is_public).cloned(),
                api_key_env: common.api_key_env.clone(),
            },
            system: args.system.as_deref().or(self.system()).map(str::to_owned),
        }
    }

    /// Keeps a question with its files and what was answered, whole or not; false if nothing was. What can't be
    /// written earns a warning: the answer itself was given.
    pub(super) fn keep(
        &mut self,
        asked: Asked,
        given: &PromptInput,
        said: Said,
        failure: Option<&Failure>,
        io: &mut Io,
    ) -> bool {
        let (end, why) = end(said.is_cut, failure, io);
        let mut answers = said.answers.into_iter();
        let answer = answers.next().unwrap_or_default();
        if answer.content.is_empty() && answer.reasoning.is_empty() && said.steps.is_empty() {
            return false;
        }
        let turn = Turn {
            turn: history::new_id(),
            time: history::now(),
            session: self.session.clone(),
            service: asked.service,
            system: asked.system,
            user: attach::kept(given),
            files: earlier::keep(given, self.store(io).as_ref(), io),
            steps: said.steps,
            answer,
            others: answers.map(|answer| answer.content).collect(),
            end,
            why,
            usage: said.usage,
        };
        let conversation = self.before.get_or_insert_with(|| Conversation::new(Key::new()));
        if let Some(store) = Store::find(&io.env).filter(|_| self.keeps) {
            let terminal = history::here();
            if let Err(error) = store.add(&conversation.key, &turn, terminal.as_deref()) {
                let words = cannot_write(&store, &conversation.key, &error);
                io.warn(&format!("the conversation is not kept: {words}"));
            }
        }
        conversation.turns.push(turn);
        true
    }

    /// Takes the last turn back and gives it.
    ///
    /// # Errors
    /// Exit 1: a file that can't be written.
    pub(super) fn undo(&mut self, io: &Io) -> Result<Option<Turn>, Failure> {
        let Some(conversation) = &mut self.before else { return Ok(None) };
        let Some(turn) = conversation.turns.last() else { return Ok(None) };
        if let Some(store) = Store::find(&io.env).filter(|_| self.keeps) {
            let key = &conversation.key;
            store
                .undo(key, &turn.turn)
                .map_err(|error| Failure::new(Kind::Other, cannot_write(&store, key, &error)))?;
        }
        Ok(conversation.turns.pop())
    }

    /// Begins a new conversation without a name.
    pub(super) fn clear(&mut self) {
        (self.session, self.before) = (None, None);
    }

    /// The conversation so far, if anything was said.
    pub(super) fn conversation(&self) -> Option<&Conversation> {
        self.before.as_ref().filter(|conversation| !conversation.turns.is_empty())
    }

    /// The conversation's own instructions.
    pub(super) fn system(&self) -> Option<&str> {
        self.before.as_ref().and_then(Conversation::system)
    }

    /// Where inputs are kept, if anything is.
    pub(super) fn store(&self, io: &Io) -> Option<Store> {
        Store::find(&io.env).filter(|_| self.keeps)
    }
}

fn cannot_write(store: &Store, key: &Key, error: &std::io::Error) -> String {
    format!("cannot write {}: {}", store.path(key).display(), reason(error))
}

/// How an answer ended, as it is kept.
fn end(is_cut: bool, failure: Option<&Failure>, io: &Io) -> (End, Option<String>) {
    match failure {
        None if is_cut => (End::Cut, None),
        None => (End::Done, None),
        Some(failure) if failure.kind == Kind::Cut => (End::Cut, None),
        Some(failure) if failure.is_silent() => (End::Interrupted, None),
        Some(failure) => (End::Failed, Some(io.stderr.masked(&failure.message))),
    }
}

fn store(io: &Io) -> Result<Store, Failure> {
    Store::find(&io.env).ok_or_else(|| {
        Failure::usage("there is no home directory to keep conversations in").hint("set HOME")
    })
}

/// The last conversation of this terminal, else the last one.
fn last(io: &Io) -> Result<Key, Failure> {
    let last = store(io)?.last(history::here().as_deref());
    last.ok_or_else(|| {
        Failure::usage("there is no conversation to go on with")
            .hint("`llm chat \"hello\"` begins one")
    })
}

fn cannot_read(store: &Store, key: &Key, error: &std::io::Error) -> Failure {
    let message = format!("cannot read {}: {}", store.path(key).display(), reason(error));
    Failure::new(Kind::Other, message)
}
