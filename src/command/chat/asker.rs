//! Asks questions, one after the other, and keeps them with their answers: what a single run and a
//! conversation on a terminal have in common.

use std::sync::Arc;

use super::addresses;
use super::cuts::SilentCuts;
use super::earlier::EarlierTurns;
use super::log::ConversationLog;
use super::made::MadeFiles;
use super::options::ChatOptions;
use super::plan::ChatPlan;
use super::question::{Earlier, Question, chosen_api};
use super::tools::{self, Opening, Tools};
use super::turn::ChatTurn;
use super::waiting::WaitingLine;
use super::warnings::Warnings;
use super::ways_out::Learned;
use crate::config::Config;
use crate::conversation::Conversation;
use crate::error::Failure;
use crate::exchange;
use crate::input::PromptInput;
use crate::io::Io;
use crate::ledger::Ledger;
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
    learned: Learned,
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
            learned: Learned::default(),
        })
    }

    /// The service that the options name, under the prompt's own fields.
    ///
    /// # Errors
    /// As [`resolve`].
    pub(super) fn resolve(&self, config: &Config, io: &mut Io) -> Result<Provider, Failure> {
        let mut provider = resolve(&self.options.service, Job::Chat, config, io)?;
        self.options.preset.lay_over(&mut provider);
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
        let learned = self.learned.for_service(provider);
        let tools = self.tools.as_deref().map(Tools::definitions).unwrap_or_default();
        let options = self.options.question.clone();
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

    /// Asks, shows `number` answers in `outputs`, and keeps question and answers.
    ///
    /// # Errors
    /// Those of setting up; what goes wrong with the answer is given back.
    pub(super) fn ask(
        &mut self,
        mut question: Question,
        number: u32,
        outputs: Outputs,
        provider: Provider,
        io: &mut Io,
    ) -> Result<Asked, Failure> {
        if let Some(tools) = &self.tools {
            tools.watch(Watch::Elsewhere);
        }
        let options = &self.options;
        let plan = ChatPlan::new(&question, number, &options.answer, self.tools.clone(), &provider);
        let mut asked = self.log.asked(&options.question, &options.service, &provider, &question);
        let writer = TextWriter::new(outputs.text).with_markdown(options.answer.is_markdown);
        let allowed = options.exchange;
        let cuts = SilentCuts::behind(self.log.sent_before());
        let wanted = provider.model.clone();
        let (question, said, model, notes, result) =
            exchange::run(provider, allowed, io, |exchange, io| {
                Box::pin(async move {
                    let mut chat = ChatTurn::new(plan, cuts, writer, outputs.made);
                    chat.display.waiting = Some(WaitingLine::begin(&exchange.provider, io));
                    let result = match addresses::fetch_all(&mut question, exchange, io).await {
                        Ok(()) => chat.run(&mut question, exchange, io).await,
                        Err(failure) => Err(failure),
                    };
                    let ended = result.as_ref().err().map(|failure: &Failure| failure.kind);
                    let notes = exchange.notes(ended);
                    Ok((question, chat.said(), exchange.provider.model.clone(), notes, result))
                })
            })?;
        self.learned.clone_from(&question.learned);
        // A model that stood in is the one to go on with.
        let stood_in = model.filter(|model| Some(model) != wanted.as_ref());
        asked.service.model = stood_in.clone().unwrap_or(asked.service.model);
        let is_kept = self.log.keep(asked, question.into_given(), said, result.as_ref().err(), io);
        // Of a folder that can't be written to it is enough to hear once.
        let stderr = (!self.log.has_failed).then_some(&io.stderr);
        Ledger::add_all(&notes, &io.env, stderr);
        Ok(Asked { is_kept, stood_in, result })
    }
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
