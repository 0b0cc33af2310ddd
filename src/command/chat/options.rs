//! What the user wants of a chat, resolved once: flags, the prompt of the profile file, the
//! environment and the terminal. Nothing behind it knows what can be typed.

use std::path::PathBuf;

use super::made::kind_of_file;
use super::prompts::Preset;
use super::schema::AnswerSchema;
use crate::cli::chat::{ChatArgs, MarkdownWhen, Reasoning};
use crate::command::options::RunOptions;
use crate::config::Config;
use crate::dialect::ModelOptions;
use crate::error::Failure;
use crate::exchange::ExchangeOptions;
use crate::io::Io;
use crate::output::extract::BlockChoice;
use crate::provider::{ChatApi, ServiceOptions};

/// The replies with calls that are answered without `--max-turns`.
const MAX_ROUNDS: u32 = 10;

/// What the user wants of a chat.
#[derive(Debug)]
pub(super) struct ChatOptions {
    /// The service that is asked.
    pub(super) service: ServiceOptions,
    /// `PROVIDER[:MODEL]`, asked one after the other where that one gives no answer.
    pub(super) fallbacks: Vec<String>,
    pub(super) exchange: ExchangeOptions,
    /// The request is printed as a curl command, and not sent.
    pub(super) dry_run: bool,
    pub(super) input: InputOptions,
    /// What a prompt of the profile file adds.
    pub(super) preset: Preset,
    pub(super) log: LogOptions,
    pub(super) tools: ToolOptions,
    /// What every question asks for.
    pub(super) question: QuestionOptions,
    pub(super) answer: AnswerOptions,
    /// A conversation on a terminal, and not one question.
    pub(super) is_conversation: bool,
}

/// What the question is made of.
#[derive(Debug)]
pub(super) struct InputOptions {
    pub(super) words: Vec<String>,
    pub(super) files: Vec<PathBuf>,
    pub(super) no_stdin: bool,
}

/// The conversation that a chat goes on with, and whether it is kept.
#[derive(Debug)]
pub(super) struct LogOptions {
    pub(super) keeps: bool,
    pub(super) session: Option<String>,
    /// With the last one.
    pub(super) goes_on: bool,
}

/// What the model may call.
#[derive(Debug)]
pub(super) struct ToolOptions {
    /// Tables of the profile file, and commands.
    pub(super) named: Vec<String>,
    /// Servers of tools: tables of the profile file, addresses, files of other programs.
    pub(super) servers: Vec<String>,
    /// They run without asking.
    pub(super) is_allowed: bool,
    /// How many replies with tool calls are answered.
    pub(super) max_rounds: u32,
}

/// What a question asks for beside its words.
#[derive(Debug, Clone)]
pub(in crate::command) struct QuestionOptions {
    /// Instructions in place of the conversation's own.
    pub(in crate::command) system: Option<String>,
    pub(in crate::command) model: ModelOptions,
    /// The endpoint that was typed.
    pub(in crate::command) api: Option<ChatApi>,
    /// A flag for which the endpoint has no field is left out, whoever chose the endpoint.
    pub(in crate::command) leaves_out: bool,
    pub(in crate::command) streams: bool,
    pub(in crate::command) wants_usage: bool,
    /// The model's thinking is shown.
    pub(in crate::command) wants_thinking: bool,
    /// The service searches the web.
    pub(in crate::command) wants_search: bool,
    pub(in crate::command) schema: Option<AnswerSchema>,
}

/// What becomes of the answer.
#[derive(Debug, Clone)]
pub(super) struct AnswerOptions {
    /// The file for the text, or `-`.
    pub(super) output: Option<PathBuf>,
    /// The file for pictures or sounds, by its ending.
    pub(super) made: Option<PathBuf>,
    /// The service's JSON as it is.
    pub(super) is_json: bool,
    /// The code block that is wanted alone.
    pub(super) extract: Option<BlockChoice>,
    pub(super) shows_thinking: bool,
    /// The pages that it cites are listed.
    pub(super) shows_sources: bool,
    pub(super) is_markdown: bool,
    /// Several answers get numbers above them.
    pub(super) is_numbered: bool,
}

impl ChatOptions {
    /// Resolves what was typed.
    ///
    /// # Errors
    /// Exit 2: no such prompt, an invalid schema, flags that can't be combined.
    pub(super) fn resolve(
        args: &ChatArgs,
        run: RunOptions,
        config: &Config,
        io: &Io,
    ) -> Result<Self, Failure> {
        let preset = match &args.template {
            Some(name) => Preset::read(name, &args.var, config)?,
            None => Preset::default(),
        };
        let (schema, extract) = shape(args, run.json, &preset)?;
        let is_conversation = !preset.needs_no_input()
            && schema.is_none()
            && extract.is_none()
            && is_conversation(args, &run, io);
        let (made, output) = outputs(args, run.json)?;
        let is_markdown =
            shows_markdown(args, output.is_some(), &run, schema.is_some(), extract, io)?;
        let is_for_eyes = io.stdout_is_terminal && output.is_none() && extract.is_none();
        let shown = io.stderr.is_terminal && !io.stderr.is_quiet;
        let shows_thinking = args.reasoning.map_or(shown, |when| when == Reasoning::Show);
        Ok(Self {
            question: QuestionOptions {
                system: args.system.clone().or_else(|| preset.system.clone()),
                model: model(args),
                api: args.api.map(Into::into),
                leaves_out: false,
                streams: !args.no_stream && !run.json,
                wants_usage: run.usage,
                wants_thinking: shows_thinking,
                wants_search: args.search,
                schema: schema.map(|written| written.read(io)).transpose()?,
            },
            answer: AnswerOptions {
                output,
                made,
                is_json: run.json,
                extract,
                shows_thinking,
                shows_sources: args.sources || (shown && !run.json),
                is_markdown,
                is_numbered: is_for_eyes,
            },
            log: LogOptions {
                keeps: !run.service.no_log
                    && io.env.get("LLM_NO_LOG").is_none()
                    && config.keeps_log(),
                session: args.session.clone(),
                goes_on: args.go_on,
            },
            tools: tools(args),
            input: input(args),
            service: with_service(run.service, &preset),
            fallbacks: args.fallback.clone(),
            exchange: run.exchange,
            dry_run: run.dry_run,
            preset,
            is_conversation,
        })
    }
}

/// A schema as it was written, and what it is for.
#[derive(Debug, Clone, Copy)]
struct WrittenSchema<'a> {
    text: &'a str,
    /// As it is typed.
    flag: &'static str,
    /// Answers are lists of what fits it.
    is_list: bool,
}

impl WrittenSchema<'_> {
    fn read(self, io: &Io) -> Result<AnswerSchema, Failure> {
        let schema = AnswerSchema::read(self.text, self.flag, self.is_list)?;
        schema.warn_if_open(self.flag, io);
        Ok(schema)
    }
}

/// The schema that the answer must fit, and the code block that is wanted of it: flags win over the
/// prompt.
fn shape<'a>(
    args: &'a ChatArgs,
    is_json: bool,
    preset: &'a Preset,
) -> Result<(Option<WrittenSchema<'a>>, Option<BlockChoice>), Failure> {
    if args.schema_multi.is_some() && is_json {
        // `--json` does not show the text that the items come out of.
        let what = "--schema-multi prints items and can't be combined with --json";
        return Err(Failure::usage(what));
    }
    let written = |text, flag, is_list| Some(WrittenSchema { text, flag, is_list });
    let last = args.extract_last.then_some(BlockChoice::Last);
    let extract = last.or(args.extract.then_some(BlockChoice::First));
    match (&args.schema, &args.schema_multi) {
        (Some(text), _) => return Ok((written(text, "--schema", false), extract)),
        (None, Some(text)) => return Ok((written(text, "--schema-multi", true), extract)),
        (None, None) => {}
    }
    let Some(text) = &preset.schema else { return Ok((None, extract.or(preset.extract))) };
    let others = [
        (args.extract, "-x"),
        (args.extract_last, "--extract-last"),
        (args.number.is_some(), "-n"),
        (preset.extract.is_some(), "its own `extract`"),
    ];
    match others.iter().find(|(is_set, _)| *is_set) {
        Some((_, other)) => Err(Failure::usage(format!(
            "the schema of the prompt `{}` can't be combined with {other}",
            preset.name
        ))),
        None => Ok((written(text, "--schema", false), None)),
    }
}

fn tools(args: &ChatArgs) -> ToolOptions {
    ToolOptions {
        named: args.tool.clone(),
        servers: args.mcp.clone(),
        is_allowed: args.yes,
        max_rounds: args.max_turns.unwrap_or(MAX_ROUNDS),
    }
}

fn input(args: &ChatArgs) -> InputOptions {
    InputOptions { words: args.prompt.clone(), files: args.file.clone(), no_stdin: args.no_stdin }
}

/// The file for pictures or sounds, and the one for the text: the ending of `-o` tells.
///
/// # Errors
/// Exit 2: `--json` writes neither.
fn outputs(args: &ChatArgs, is_json: bool) -> Result<(Option<PathBuf>, Option<PathBuf>), Failure> {
    let (made, text) =
        args.output.clone().into_iter().partition::<Vec<_>, _>(|path| kind_of_file(path).is_some());
    if let Some(path) = made.first().filter(|_| is_json) {
        let name = path.display();
        let what =
            format!("--json prints a reply, but {name} has the ending of a picture or a sound");
        return Err(Failure::usage(what).hint("name the file .json, or leave out --json"));
    }
    Ok((made.into_iter().next(), text.into_iter().next()))
}

fn model(args: &ChatArgs) -> ModelOptions {
    ModelOptions {
        temperature: args.temperature.clone(),
        top_p: args.top_p.clone(),
        max_tokens: args.max_tokens,
        seed: args.seed,
        stop: args.stop.clone(),
        reasoning_effort: args.reasoning_effort.clone(),
        number: args.number,
    }
}

/// Whether the user means a conversation: a terminal, and nothing said that would be one question.
fn is_conversation(args: &ChatArgs, run: &RunOptions, io: &Io) -> bool {
    let reads_stdin = args.file.iter().any(|path| path.as_os_str() == "-");
    let is_plain = args.prompt.is_empty() && !reads_stdin && !args.no_stdin;
    let is_for_one = args.output.is_some() || args.number.is_some() || run.json || run.dry_run;
    is_plain && !is_for_one && io.stdin_is_terminal && io.stdout_is_terminal
}

/// Whether the answer is coloured as Markdown: by itself only where a terminal takes colour, and
/// never where the answer is for a program.
///
/// # Errors
/// Exit 2 where it is asked for and can't be.
fn shows_markdown(
    args: &ChatArgs,
    has_output: bool,
    run: &RunOptions,
    has_schema: bool,
    extract: Option<BlockChoice>,
    io: &Io,
) -> Result<bool, Failure> {
    let others = [
        (has_output, "--output"),
        (run.json, "--json"),
        (has_schema && args.schema_multi.is_none(), "--schema"),
        (args.schema_multi.is_some(), "--schema-multi"),
        (extract.is_some(), "--extract"),
    ];
    let other = others.into_iter().find(|(is_given, _)| *is_given).map(|(_, name)| name);
    match (args.markdown, other) {
        (MarkdownWhen::Always, Some(other)) => Err(Failure::usage(format!(
            "--markdown always can't be combined with {other}: its output is for programs"
        ))),
        (MarkdownWhen::Never, _) | (_, Some(_)) => Ok(false),
        (MarkdownWhen::Always, None) => Ok(true),
        (MarkdownWhen::Auto, None) => Ok(io.stdout_is_terminal && io.colors_stdout()),
    }
}

/// The prompt's service and model where no flag names any. A prompt that is written for one service
/// wins over the one that is set for everyday use (`LLM_PROVIDER`), and its model is not asked for at
/// another service.
pub(in crate::command) fn with_service(
    mut service: ServiceOptions,
    preset: &Preset,
) -> ServiceOptions {
    let names_other = service.base_url.is_some()
        || service.provider.is_some() && service.provider != preset.provider;
    if preset.provider.is_some() && names_other {
        return service;
    }
    service.provider = service.provider.or_else(|| preset.provider.clone());
    service.model = service.model.or_else(|| preset.model.clone());
    service
}
