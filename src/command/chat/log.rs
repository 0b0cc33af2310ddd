//! The conversation that a chat goes on with, and what is kept of it. Nothing of it stands between a
//! question without `-c` or `--session` and its first byte: files are touched after the answer.

use super::options::{LogOptions, QuestionOptions};
use super::question::Question;
use super::said::ChatResult;
use super::{attach, earlier};
use crate::config::Config;
use crate::conversation::{AnswerEnd, SentRequest, Turn, TurnService};
use crate::error::{Failure, FailureKind, reason};
use crate::history::{self, ConversationKey, Store, StoredConversation};
use crate::input::PromptInput;
use crate::io::Io;
use crate::provider::{Provider, ServiceOptions};

/// What was said before, and whether what is said now is kept.
pub(super) struct ConversationLog {
    keeps: bool,
    /// The name of the conversation, if it has one.
    session: Option<String>,
    /// What the chat goes on with; a new conversation gets its key when it is kept first.
    before: Option<StoredConversation>,
    /// Something could not be kept, and a warning said so.
    pub(super) has_failed: bool,
}

/// A question as it is kept.
pub(super) struct LoggedQuestion {
    pub(super) service: TurnService,
    system: Option<String>,
}

impl ConversationLog {
    /// The conversation that the options ask for; if they ask for none, a new one.
    ///
    /// # Errors
    /// Exit 2: none to go on with, an invalid name. Exit 1: a file that can't be read.
    pub(super) fn open(options: &LogOptions, io: &mut Io) -> Result<Self, Failure> {
        let session = options.session.clone();
        let mut log = Self { keeps: options.keeps, session, before: None, has_failed: false };
        let key = match &options.session {
            Some(name) => ConversationKey::named(name)?,
            None if options.goes_on => last(io)?,
            None => return Ok(log),
        };
        let store = store(io)?;
        let conversation = match store.read(&key) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && key.is_named() => {
                StoredConversation::new(key)
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

    /// The first request of the turn before, where its tokens were counted.
    pub(super) fn sent_before(&self) -> Option<SentRequest> {
        let mut turns = self.turns().iter().rev();
        turns.find(|turn| turn.is_answered())?.sent.clone()
    }

    /// Chooses the conversation's own service and model where no flag says otherwise.
    pub(super) fn choose_service(&self, options: &mut ServiceOptions, config: &Config) {
        let Some(Turn { service, .. }) = self.turns().last() else { return };
        let names_other = match (&options.provider, &options.base_url) {
            (None, None) => false,
            (Some(name), None) => *name != service.provider,
            (_, Some(url)) => service.base_url.as_ref() != Some(url),
        };
        if names_other {
            return;
        }
        options.base_url.clone_from(&service.base_url);
        // The name of a one-off server is none of a profile.
        if service.base_url.is_none() || config.profile(&service.provider).is_some() {
            options.provider = Some(service.provider.clone());
        }
        options.api_key_env = options.api_key_env.take().or_else(|| service.api_key_env.clone());
        options.model = options.model.take().or_else(|| Some(service.model.clone()));
    }

    /// A question that is about to be sent, for [`ConversationLog::keep`].
    pub(super) fn asked(
        &self,
        options: &QuestionOptions,
        service: &ServiceOptions,
        provider: &Provider,
        question: &Question,
    ) -> LoggedQuestion {
        // What stands beside a host may be a secret.
        let is_public = |url: &&String| !url.contains(['@', '?']);
        LoggedQuestion {
            service: TurnService {
                provider: provider.name.clone(),
                model: question.first.model.clone(),
                base_url: service.base_url.as_ref().filter(is_public).cloned(),
                api_key_env: service.api_key_env.clone(),
            },
            system: options.system.as_deref().or(self.system()).map(str::to_owned),
        }
    }

    /// Keeps a question with its files and what was answered, whole or not; false if nothing was. What can't be
    /// written earns a warning: the answer itself was given.
    pub(super) fn keep(
        &mut self,
        asked: LoggedQuestion,
        given: PromptInput,
        said: ChatResult,
        failure: Option<&Failure>,
        io: &mut Io,
    ) -> bool {
        let (end, why) = end(said.is_cut, failure, io);
        let mut answers = said.answers.into_iter();
        let answer = answers.next().unwrap_or_default();
        let (others, mut other_sources): (Vec<_>, Vec<_>) =
            answers.map(|answer| (answer.text, answer.sources)).unzip();
        if other_sources.iter().all(Vec::is_empty) {
            other_sources.clear();
        }
        let is_empty = answer.text.is_empty() && answer.thinking.is_empty();
        if is_empty && said.rounds.is_empty() && said.made.is_empty() {
            return false;
        }
        let turn = Turn {
            turn: history::new_id(),
            time: history::now(),
            session: self.session.clone(),
            service: asked.service,
            system: asked.system,
            files: earlier::keep(&given, self.store(io).as_ref(), io),
            user: attach::kept(given),
            rounds: earlier::keep_results(said.rounds, self.store(io).as_ref(), io),
            answer,
            made: earlier::keep_made(said.made, self.store(io).as_ref(), io),
            others,
            other_sources,
            end,
            why,
            usage: said.usage,
            cost: said.cost,
            sent: said.sent,
        };
        let conversation =
            self.before.get_or_insert_with(|| StoredConversation::new(ConversationKey::new()));
        if let Some(store) = Store::find(&io.env).filter(|_| self.keeps) {
            let terminal = history::here();
            if let Err(error) = store.add(&conversation.key, &turn, terminal.as_deref()) {
                let words = cannot_write(&store, &conversation.key, &error);
                io.warn(&format!("the conversation is not kept: {words}"));
                self.has_failed = true;
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
            store.undo(key, &turn.turn).map_err(|error| {
                Failure::new(FailureKind::Other, cannot_write(&store, key, &error))
            })?;
        }
        Ok(conversation.turns.pop())
    }

    /// Begins a new conversation without a name.
    pub(super) fn clear(&mut self) {
        (self.session, self.before) = (None, None);
    }

    /// The conversation so far, if anything was said.
    pub(super) fn conversation(&self) -> Option<&StoredConversation> {
        self.before.as_ref().filter(|conversation| !conversation.turns.is_empty())
    }

    /// The key of the conversation, which a new one gets here.
    pub(super) fn key(&mut self) -> &ConversationKey {
        &self.before.get_or_insert_with(|| StoredConversation::new(ConversationKey::new())).key
    }

    /// The conversation's own instructions.
    pub(super) fn system(&self) -> Option<&str> {
        self.before.as_ref().and_then(StoredConversation::system)
    }

    /// Where inputs are kept, if anything is.
    pub(super) fn store(&self, io: &Io) -> Option<Store> {
        Store::find(&io.env).filter(|_| self.keeps)
    }
}

fn cannot_write(store: &Store, key: &ConversationKey, error: &std::io::Error) -> String {
    format!("cannot write {}: {}", store.path(key).display(), reason(error))
}

/// How an answer ended, as it is kept.
fn end(is_cut: bool, failure: Option<&Failure>, io: &Io) -> (AnswerEnd, Option<String>) {
    match failure {
        None if is_cut => (AnswerEnd::Cut, None),
        None => (AnswerEnd::Done, None),
        Some(failure) if failure.kind == FailureKind::Cut => (AnswerEnd::Cut, None),
        Some(failure) if failure.is_silent() => (AnswerEnd::Interrupted, None),
        Some(failure) => (AnswerEnd::Failed, Some(io.stderr.masked(&failure.message))),
    }
}

fn store(io: &Io) -> Result<Store, Failure> {
    Store::find(&io.env).ok_or_else(|| {
        Failure::usage("there is no home directory to keep conversations in").hint("set HOME")
    })
}

/// The last conversation of this terminal, else the last one.
fn last(io: &Io) -> Result<ConversationKey, Failure> {
    let last = store(io)?.last(history::here().as_deref());
    last.ok_or_else(|| {
        Failure::usage("there is no conversation to continue")
            .hint("`llm chat \"hello\"` begins one")
    })
}

fn cannot_read(store: &Store, key: &ConversationKey, error: &std::io::Error) -> Failure {
    let message = format!("cannot read {}: {}", store.path(key).display(), reason(error));
    Failure::new(FailureKind::Other, message)
}
