//! Asks questions, one after the other, and keeps them with their answers: what a single run and a
//! conversation on a terminal have in common.

use std::sync::Arc;
use std::time::Instant;

use super::addresses;
use super::cuts::SilentCuts;
use super::earlier::EarlierTurns;
use super::fallback::{Fallback, fallbacks};
use super::log::ConversationLog;
use super::made::MadeFiles;
use super::options::{ChatOptions, QuestionOptions};
use super::plan::ChatPlan;
use super::question::{Earlier, Question, chosen_api};
use super::tools::{self, Opening, Tools};
use super::turn::ChatTurn;
use super::waiting::WaitingLine;
use super::warnings::Warnings;
use super::ways_out::AllLearned;
use crate::config::Config;
use crate::conversation::{Answerer, Conversation, Message};
use crate::error::Failure;
use crate::exchange::{self, ExchangeOptions};
use crate::input::PromptInput;
use crate::io::Io;
use crate::ledger::{Ledger, Note};
use crate::mcp::Watch;
use crate::output::sink::Sink;
use crate::output::text::TextWriter;
use crate::provider::{Job, Provider, resolve};

/// Asks questions of one conversation.
pub(super) struct Asker {
    pub(super) options: ChatOptions,
    pub(super) log: ConversationLog,
    opening: Option<Opening>,
    tools: Option<Arc<Tools>>,
    warnings: Warnings,
    /// What earlier questions found out of the service.
    learned: AllLearned,
    /// The services that are asked where the first one gives no answer.
    fallbacks: Vec<Fallback>,
}

impl Asker {
    /// Goes on with the conversation that the options name; the service that was asked there is
    /// asked again unless a flag says otherwise.
    ///
    /// # Errors
    /// As [`ConversationLog::open`].
    pub(super) fn new(
        mut options: ChatOptions,
        config: &Config,
        io: &mut Io,
    ) -> Result<Self, Failure> {
        let log = ConversationLog::open(&options.log, io)?;
        log.choose_service(&mut options.service, config);
        Ok(Self {
            options,
            log,
            opening: None,
            tools: None,
            warnings: Warnings::default(),
            learned: AllLearned::default(),
            fallbacks: Vec::new(),
        })
    }

    /// The service that the options name, under the prompt's own fields; and those that are asked where it
    /// gives no answer.
    ///
    /// # Errors
    /// As [`resolve`] and [`fallbacks`].
    pub(super) fn resolve(&mut self, config: &Config, io: &mut Io) -> Result<Provider, Failure> {
        let mut provider = resolve(&self.options.service, Job::Chat, config, io)?;
        self.options.preset.lay_over(&mut provider);
        self.fallbacks = fallbacks(&self.options, &provider, config, io)?;
        Ok(provider)
    }

    /// Looks for the tools that the options name. Servers only begin to start.
    ///
    /// # Errors
    /// As [`tools::begin`].
    pub(super) fn open_tools(
        &mut self,
        config: &Config,
        provider: &Provider,
        io: &mut Io,
    ) -> Result<(), Failure> {
        let runs_none = self.options.answer.is_json || self.options.dry_run;
        let (named, allowed) = (&self.options.tools, self.options.exchange);
        self.opening = tools::begin(named, runs_none, allowed, config, provider, io)?;
        Ok(())
    }

    /// Waits until the tools that were looked for are ready.
    ///
    /// # Errors
    /// As [`Tools::finish`].
    pub(super) fn ready_tools(&mut self, io: &mut Io) -> Result<(), Failure> {
        if let Some(opening) = self.opening.take() {
            self.tools = Some(Arc::new(Tools::finish(opening, &self.options.tools, io)?));
        }
        Ok(())
    }

    /// The tools that the model may call.
    pub(super) fn tools(&self) -> Option<&Tools> {
        self.tools.as_deref()
    }

    /// A question behind what was said before. Warns of what is left out of it.
    ///
    /// # Errors
    /// As [`Question::new`].
    pub(super) fn question(
        &mut self,
        given: PromptInput,
        provider: &Provider,
        io: &mut Io,
    ) -> Result<Question, Failure> {
        let options = self.options.question.clone();
        self.question_with(options, given, provider, io)
    }

    fn question_with(
        &mut self,
        options: QuestionOptions,
        given: PromptInput,
        provider: &Provider,
        io: &mut Io,
    ) -> Result<Question, Failure> {
        let learned = self.learned.of(provider);
        let tools = self.tools.as_deref().map(Tools::definitions).unwrap_or_default();
        let spoken = learned.spoken(chosen_api(&options, &tools, &learned, provider));
        let mut earlier = EarlierTurns::new(provider, spoken.api, &mut self.warnings, io);
        let system = self.options.question.system.as_deref();
        let mut conversation =
            Conversation::of_turns(self.log.turns(), system, |turn| earlier.question(turn));
        earlier.put_results(&mut conversation);
        for words in self.tools.iter().flat_map(|tools| tools.instructions()) {
            let own = conversation.instructions.take();
            let own = own.map(|own| format!("{own}\n\n")).unwrap_or_default();
            conversation.instructions = Some(format!("{own}{words}"));
        }
        let shown = earlier.shown();
        let earlier = Earlier { conversation, shown, learned };
        let question = Question::new(given, earlier, options, tools, provider)?;
        question.first.warnings.iter().for_each(|warning| self.warnings.warn(warning, io));
        Ok(question)
    }

    /// How many answers of a question are wanted.
    ///
    /// # Errors
    /// Exit 2 for several answers of a model that may call tools.
    pub(super) fn number(&self, question: &Question) -> Result<u32, Failure> {
        match question.first.number {
            2.. if self.tools.is_some() => {
                Err(Failure::usage("with --tool or --mcp there can be only one answer"))
            }
            number => Ok(number),
        }
    }

    /// Asks, shows `number` answers in `outputs`, and keeps question and answers. Where the service gives no
    /// answer, the others are asked, one after the other.
    ///
    /// # Errors
    /// Those of setting up; what goes wrong with the answer is given back.
    pub(super) fn ask(
        &mut self,
        question: Question,
        number: u32,
        outputs: Outputs,
        provider: Provider,
        io: &mut Io,
    ) -> Result<Asked, Failure> {
        if let Some(tools) = &self.tools {
            tools.watch(Watch::Elsewhere);
        }
        let began = Instant::now();
        let options = &self.options;
        let mut asked = self.log.asked(&options.question, &options.service, &provider, &question);
        let writer = TextWriter::new(outputs.text).with_markdown(options.answer.is_markdown);
        let cuts = SilentCuts::behind(self.log.sent_before());
        let plan = self.plan(&question, number, &provider);
        let chat = ChatTurn::new(plan, cuts, writer, outputs.made);
        let wanted = provider.model.clone();
        let turn = AskedTurn { number, began };
        let mut ran = self.run(question, chat, provider, turn, self.fallbacks.len(), io)?;
        // A model that stood in is the one to go on with.
        let stood_in = ran.model.take().filter(|model| Some(model) != wanted.as_ref());
        asked.service.model = stood_in.clone().unwrap_or(asked.service.model);
        let Ended { given, mut chat, notes, result } = self.ask_others(ran, turn, io)?;
        let is_kept = self.log.keep(asked, given, chat.said(), result.as_ref().err(), io);
        // Of a folder that can't be written to it is enough to hear once.
        let stderr = (!self.log.has_failed).then_some(&io.stderr);
        Ledger::add_all(&notes, &io.env, stderr);
        Ok(Asked { is_kept, stood_in, result })
    }

    /// Asks the other services, as long as the one before gave no answer.
    fn ask_others(&mut self, mut ran: Ran, turn: AskedTurn, io: &mut Io) -> Result<Ended, Failure> {
        let mut others = self.fallbacks.clone().into_iter();
        let mut notes = Vec::new();
        loop {
            let Ran { question, mut chat, notes: more, result, .. } = ran;
            notes.extend(more);
            self.learned.keep(&question.learned);
            let since = question.conversation().since().to_vec();
            let given = question.into_given();
            let failure = match &result {
                Err(failure) if chat.has_given_up() => failure,
                _ => return Ok(Ended { given, chat, notes, result }),
            };
            let is_over =
                self.options.exchange.max_time.is_some_and(|most| turn.began.elapsed() >= most);
            let next =
                if is_over { None } else { self.next(&mut others, &given, since, failure, io) };
            let Some((question, provider)) = next else {
                chat.break_off(failure.kind, io)?;
                return Ok(Ended { given, chat, notes, result });
            };
            let model = question.first.model.clone();
            let service = Answerer { provider: provider.name.clone(), model };
            chat.ask_instead(self.plan(&question, turn.number, &provider), service);
            ran = self.run(question, chat, provider, turn, others.len(), io)?;
        }
    }

    /// The next service that can be asked, and the question for it, after this failure of the one before.
    /// `since` is what was said since the question was asked.
    fn next(
        &mut self,
        others: &mut std::vec::IntoIter<Fallback>,
        given: &PromptInput,
        since: Vec<Message>,
        failure: &Failure,
        io: &mut Io,
    ) -> Option<(Question, Provider)> {
        for other in others {
            let options =
                QuestionOptions { api: None, leaves_out: true, ..self.options.question.clone() };
            let made = other.provider(io).and_then(|mut provider| {
                self.options.preset.lay_over(&mut provider);
                let question = self.question_with(options, given.clone(), &provider, io)?;
                Ok((question, provider))
            });
            match made {
                Ok((mut question, provider)) => {
                    since.into_iter().for_each(|message| question.go_on(message));
                    let model = match question.first.model.as_str() {
                        "" => String::new(),
                        model => format!(" ({model})"),
                    };
                    let name = &provider.name;
                    io.warn(&format!("{}; asking {name}{model} instead", failure.message));
                    return Some((question, provider));
                }
                Err(why) => {
                    let name = other.name();
                    io.warn(&format!("{name} can't be asked instead: {}", why.message));
                    why.hint.iter().for_each(|hint| io.warning_hint(hint));
                }
            }
        }
        None
    }

    /// Asks one service. `others` tells how many may be asked after it.
    fn run(
        &self,
        mut question: Question,
        mut chat: ChatTurn,
        provider: Provider,
        turn: AskedTurn,
        others: usize,
        io: &mut Io,
    ) -> Result<Ran, Failure> {
        let allowed = ExchangeOptions { began: Some(turn.began), ..self.options.exchange };
        chat.may_give_up = others > 0;
        exchange::run(provider, allowed, io, |exchange, io| {
            Box::pin(async move {
                let wanted = exchange.provider.model.clone();
                chat.display.waiting = Some(WaitingLine::begin(&exchange.provider, io));
                let result = match addresses::fetch_all(&mut question, exchange, io).await {
                    Ok(()) => chat.run(&mut question, exchange, io).await,
                    Err(failure) => Err(failure),
                };
                let ended = result.as_ref().err().map(|failure: &Failure| failure.kind);
                let (notes, model) = (exchange.notes(ended), exchange.provider.model.clone());
                if model != wanted {
                    chat.name_model(model.as_deref().unwrap_or_default());
                }
                Ok(Ran { question, chat, model, notes, result })
            })
        })
    }

    fn plan(&self, question: &Question, number: u32, provider: &Provider) -> ChatPlan {
        ChatPlan::new(question, number, &self.options.answer, self.tools.clone(), provider)
    }
}

/// What holds for a question, whichever service is asked.
#[derive(Debug, Clone, Copy)]
struct AskedTurn {
    /// How many answers are wanted.
    number: u32,
    began: Instant,
}

/// What became of a question at one service.
struct Ran {
    question: Question,
    chat: ChatTurn,
    /// The model that was asked in the end.
    model: Option<String>,
    notes: Vec<Note>,
    result: Result<(), Failure>,
}

/// What became of it at the last service that was asked.
struct Ended {
    given: PromptInput,
    chat: ChatTurn,
    /// The notes of all services.
    notes: Vec<Note>,
    result: Result<(), Failure>,
}

/// Where an answer goes.
pub(super) struct Outputs {
    pub(super) text: Sink,
    pub(super) made: MadeFiles,
}

/// What became of a question.
pub(super) struct Asked {
    /// Something was said and is part of the conversation.
    pub(super) is_kept: bool,
    /// The model that answered in the place of the one that was to be asked.
    pub(super) stood_in: Option<String>,
    pub(super) result: Result<(), Failure>,
}
