//! `llm chat`: one question, its answer written as it is made.

use std::sync::Arc;

use serde_json::Value;

use super::{exchange_options, settle_output, was_dry_run, with_model};
use crate::api::chat::answers::Answers;
use crate::api::chat::request::{Ask, fields, message};
use crate::api::chat::schema::{Form, instruct};
use crate::cli::Common;
use crate::cli::chat::{ChatArgs, MarkdownWhen, Reasoning};
use crate::config;
use crate::error::Failure;
use crate::exchange;
use crate::input::{InputSources, PromptInput};
use crate::io::Io;
use crate::output::extract::BlockChoice;
use crate::output::sink::Sink;
use crate::output::text::TextWriter;
use crate::provider::price::Price;
use crate::provider::user_fields::UserFields;
use crate::provider::{Asked, Composed, Job, Provider, resolve};
use log::Log;
use prepared::{Prepared, is_conversation, prepare};
use repl::Session;
use schema::Wanted;
use tools::Tools;
use turn::Chat;

mod attach;
mod checked;
mod earlier;
mod lines;
mod log;
mod outcome;
mod prepared;
mod repl;
mod schema;
mod slash;
mod tools;
mod turn;
mod usage;
mod whole;

/// What the run needs to know once the request is out.
#[derive(Debug, Clone)]
struct Plan {
    number: u32,
    /// The answers get numbers above them.
    numbers: bool,
    /// The user limited the answer's length.
    is_limited: bool,
    shows_usage: bool,
    /// What the model's tokens cost, if the user knows.
    price: Option<Price>,
    /// Print the provider's JSON as it is.
    json: bool,
    extract: Option<BlockChoice>,
    shows_thinking: bool,
    schema: Option<Wanted>,
    /// What the model may call.
    tools: Option<Arc<Tools>>,
    /// The model's answers begin with thinking that no tag opens.
    thinks_untagged: bool,
    /// Which fields of the request are the user's.
    own: UserFields,
}

impl Plan {
    /// What takes the reply.
    fn answers(&self) -> Answers {
        Answers::new(self.number).thinking_untagged(self.thinks_untagged).numbered(self.numbers)
    }
}

/// The model that a request asks for.
fn model(body: &serde_json::Map<String, Value>) -> &str {
    body.get("model").and_then(Value::as_str).unwrap_or_default()
}

/// Runs the command.
///
/// # Errors
/// As the table of exit codes has them.
pub(crate) fn run(args: &ChatArgs, common: &Common, io: &mut Io) -> anyhow::Result<()> {
    settle_output(args.output.as_deref(), io);
    let config = config::load(common.config.as_deref(), io)?;
    let Prepared { args, common, preset } = &prepare(args, common, &config)?;
    let is_markdown = shows_markdown(args, common, io)?;
    let mut log = Log::open(args, &config, io)?;
    let common = &log.common(common, &config);
    if !preset.needs_no_input() && is_conversation(args, common, io) {
        return Ok(Session::new(args, common, &config, log).with(preset.clone()).run(io)?);
    }
    let mut provider = resolve(Asked { common, job: Job::Chat }, &config, io)?;
    preset.lay_over(&mut provider);
    let schema = Wanted::of(args, common)?;
    let tools = tools::open(args, common, &config, &provider, io)?;
    let sources = InputSources { words: &args.prompt, files: &args.file, no_stdin: args.no_stdin };
    let mut given = preset.given(&sources, io)?;
    let messages = messages(args, &mut log, &provider, &mut given, io);
    let sent = schema.as_ref().map(|schema| (&schema.sent, Form::of(provider.schema_form())));
    let (Composed { body, own, warnings, .. }, is_limited) =
        compose(args, common, &provider, messages, (sent, tools.as_deref()))?;
    warnings.iter().for_each(|warning| io.warn(warning));
    attach::check(&provider, &body, &given)?;
    let number = number(args, &body, tools.is_some())?;
    let plan = Plan {
        thinks_untagged: provider.thinks_untagged(model(&body)),
        price: provider.price(model(&body)),
        own,
        number,
        numbers: numbers(args, number, io),
        is_limited,
        shows_usage: common.usage,
        json: common.json,
        extract: extracts(args),
        shows_thinking: shows_thinking(args.reasoning, io),
        schema,
        tools,
    };
    if common.dry_run {
        exchange::name_demo(&mut provider, io)?;
        was_dry_run(common, &attach::dry(&provider, body, &given)?, io)?;
        return Ok(());
    }
    let sink = Sink::open(args.output.as_deref())?;
    let asked = log.asked(args, common, &provider, &body);
    let options = exchange_options(common);
    let (said, given, result) = exchange::run(provider, options, io, move |exchange, io| {
        Box::pin(async move {
            let mut chat = Chat::new(plan, TextWriter::new(sink).with_markdown(is_markdown));
            let result = match attach::request(body, &mut given, exchange, io).await {
                Ok(request) => chat.run(request, exchange, io).await,
                Err(failure) => Err(failure),
            };
            Ok((chat.said(), given, result))
        })
    })?;
    log.keep(asked, &given, said, result.as_ref().err(), io);
    Ok(result?)
}

/// The conversation that is sent: what was said before, and the user's message. The files of both go
/// into `given`.
fn messages(
    args: &ChatArgs,
    log: &mut Log,
    provider: &Provider,
    given: &mut PromptInput,
    io: &Io,
) -> Vec<Value> {
    let (turns, earlier) = log.recall(provider, io);
    given.earlier = earlier;
    let mut messages = log.messages(&turns, args.system.as_deref(), provider);
    messages.push(message("user", attach::content(provider, given)));
    messages
}

/// The request's body, and whether the user limited the answer's length.
fn compose(
    args: &ChatArgs,
    common: &Common,
    provider: &Provider,
    mut messages: Vec<Value>,
    (schema, tools): (Option<(&Value, Form)>, Option<&Tools>),
) -> Result<(Composed, bool), Failure> {
    let stream = !args.no_stream && !common.json;
    if let Some((schema, form)) = schema {
        instruct(&mut messages, schema, form);
    }
    let tools = tools.map(Tools::definitions).unwrap_or_default();
    let ask = Ask { model: provider.model.as_deref(), messages, schema, tools, stream };
    let fields = fields(args, ask);
    let is_limited = provider.is_limited_by_user(&fields.flags);
    let mut composed = provider.compose(Job::Chat, fields);
    with_model(&composed, "chat", provider)?;
    let streams = composed.body.get("stream") == Some(&Value::Bool(true));
    // Several services refuse `stream_options` without `stream`, and some at all.
    if common.usage
        && streams
        && provider.must_ask_for_usage()
        && !composed.body.contains_key("stream_options")
    {
        composed.body.insert("stream_options".into(), serde_json::json!({"include_usage": true}));
    }
    Ok((composed, is_limited))
}

/// Whether the answer is coloured as Markdown: by itself only where a terminal takes colour, and
/// never where the answer is for a program.
///
/// # Errors
/// Exit 2 where it is asked for and can't be.
fn shows_markdown(args: &ChatArgs, common: &Common, io: &Io) -> Result<bool, Failure> {
    let others = [
        (args.output.is_some(), "--output"),
        (common.json, "--json"),
        (args.schema.is_some(), "--schema"),
        (args.schema_multi.is_some(), "--schema-multi"),
        (extracts(args).is_some(), "--extract"),
    ];
    let other = others.into_iter().find(|(is_given, _)| *is_given).map(|(_, name)| name);
    match (args.markdown, other) {
        (MarkdownWhen::Always, Some(other)) => Err(Failure::usage(format!(
            "--markdown always does not go with {other}, whose result is for programs"
        ))),
        (MarkdownWhen::Never, _) | (_, Some(_)) => Ok(false),
        (MarkdownWhen::Always, None) => Ok(true),
        (MarkdownWhen::Auto, None) => Ok(io.stdout_is_terminal && io.colors_stdout()),
    }
}

/// The code block that is wanted alone.
fn extracts(args: &ChatArgs) -> Option<BlockChoice> {
    let last = args.extract_last.then_some(BlockChoice::Last);
    last.or(args.extract.then_some(BlockChoice::First))
}

/// How many answers come.
fn number(
    args: &ChatArgs,
    body: &serde_json::Map<String, Value>,
    has_tools: bool,
) -> Result<u32, Failure> {
    // `-O` and the profile can ask for several answers too.
    let sent = body.get("n").and_then(Value::as_u64).and_then(|n| u32::try_from(n).ok());
    let number = args.number.max(sent).unwrap_or(1);
    match has_tools && number > 1 {
        true => Err(Failure::usage("with --tool there can be only one answer")),
        false => Ok(number),
    }
}

/// Whether answers get numbers: several of them, for eyes alone.
fn numbers(args: &ChatArgs, number: u32, io: &Io) -> bool {
    let is_for_eyes = io.stdout_is_terminal && args.output.is_none() && extracts(args).is_none();
    number > 1 && is_for_eyes
}

fn shows_thinking(wanted: Option<Reasoning>, io: &Io) -> bool {
    match wanted {
        Some(Reasoning::Show) => true,
        Some(Reasoning::Hide) => false,
        None => io.stderr.is_terminal && !io.stderr.is_quiet,
    }
}
