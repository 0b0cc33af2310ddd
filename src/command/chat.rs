//! `llm chat`: one question, its answer written as it is made; or a conversation on a terminal.

use super::options::RunOptions;
use super::steps::{print_request, settle_output};
use crate::cli::Common;
use crate::cli::chat::ChatArgs;
use crate::config;
use crate::input::InputSources;
use crate::io::Io;
use crate::output::sink::Sink;
use crate::provider::Provider;
use asker::{Asker, Outputs};
pub(super) use cuts::SilentCuts;
pub(super) use lacks::named as lack_named;
use made::MadeFiles;
use options::ChatOptions;
pub(super) use options::{QuestionOptions, with_service};
pub(super) use other_endpoint::named as endpoint_named;
pub(super) use prompts::Preset;
pub(super) use question::{Earlier, Question};
use repl::Session;
pub(super) use rounds::sum as usage_sum;
pub(super) use schema::AnswerSchema;
pub(super) use whole::read as read_whole;

mod addresses;
mod again;
mod api;
mod aside;
mod asked_form;
mod asker;
mod attach;
mod checked;
mod cited;
mod cuts;
mod display;
mod earlier;
mod fallback;
mod give;
mod lacks;
mod lines;
mod log;
mod made;
mod options;
mod other_endpoint;
mod outcome;
mod plan;
mod prompts;
mod question;
mod refusals;
mod repl;
mod rounds;
mod said;
mod schema;
mod search;
mod slash;
mod tab;
mod thinking_refusals;
mod tool_refusals;
mod tool_rounds;
mod tools;
mod turn;
mod usage;
mod waiting;
mod warnings;
mod ways_out;
mod whole;

/// Runs the command.
///
/// # Errors
/// As the table of exit codes has them.
pub(crate) fn run(args: &ChatArgs, common: &Common, io: &mut Io) -> anyhow::Result<()> {
    let text_file = args.output.as_deref().filter(|path| made::kind_of_file(path).is_none());
    settle_output(text_file, io);
    let config = config::load(common.config.as_deref(), io)?;
    let options = ChatOptions::resolve(args, RunOptions::new(common, "chat"), &config, io)?;
    let is_conversation = options.is_conversation;
    let asker = Asker::new(options, &config, io)?;
    match is_conversation {
        true => Ok(Session::new(asker, &config).run(io)?),
        false => ask_once(asker, &config, io),
    }
}

/// Asks the one question that the options hold.
fn ask_once(mut asker: Asker, config: &config::Config, io: &mut Io) -> anyhow::Result<()> {
    let mut provider = asker.resolve(config, io)?;
    search::check_service(&asker.options.question, &provider)?;
    asker.open_tools(config, &provider, io)?;
    let input = &asker.options.input;
    let sources =
        InputSources { words: &input.words, files: &input.files, no_stdin: input.no_stdin };
    let given = asker.options.preset.given(&sources, io)?;
    asker.ready_tools(io)?;
    let mut question = asker.question(given, &provider, io)?;
    let number = asker.number(&question)?;
    if asker.options.dry_run {
        let request = |provider: &Provider| {
            addresses::refuse(&question.given)?;
            Ok(question.draft(provider, &mut SilentCuts::default()).into_request())
        };
        return Ok(print_request(&mut provider, io, request)?);
    }
    let answer = &asker.options.answer;
    let outputs = Outputs {
        text: Sink::open(answer.output.as_deref())?,
        made: MadeFiles::open(answer.made.as_deref())?,
    };
    Ok(asker.ask(question, number, outputs, provider, io)?.result?)
}
