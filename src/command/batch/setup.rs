//! What every action on rows begins with: the service, the rows, and what is asked for each.

use super::attach;
use super::columns;
use super::ready::ReadyRequests;
use super::source::{NumberedRow, RowFiles};
use super::template::{RowQuestion, RowTemplate, TemplateSources};
use crate::cli::batch::{BatchRowArgs, RowsForm};
use crate::command::chat::{AnswerSchema, Preset, QuestionOptions, with_service};
use crate::command::options::RunOptions;
use crate::config::Config;
use crate::dialect::ModelOptions;
use crate::error::Failure;
use crate::input::rows::RowForm;
use crate::io::Io;
use crate::journal::RowHash;
use crate::output::extract::BlockChoice;
use crate::provider::{Job, Provider, resolve};

/// What is asked of whom, for which rows.
pub(super) struct RowSetup {
    pub(super) provider: Provider,
    pub(super) files: RowFiles,
    pub(super) template: RowTemplate,
    pub(super) options: QuestionOptions,
    /// The code block that is wanted of an answer.
    pub(super) extract: Option<BlockChoice>,
    /// The column that the user wants the rows named by.
    pub(super) id: Option<String>,
    /// The rows were asked already, and what went along with them may be gone.
    pub(super) is_past: bool,
}

impl RowSetup {
    /// Resolves what was typed, and opens the rows.
    ///
    /// # Errors
    /// Exit 2: no such prompt, an invalid schema, no rows, a prompt that asks nothing of them; and those of
    /// choosing a service.
    pub(super) fn new(
        args: &BatchRowArgs,
        run: &RunOptions,
        config: &Config,
        io: &mut Io,
    ) -> Result<Self, Failure> {
        let (preset, prompt) = match &args.template {
            Some(name) => {
                let (preset, prompt) = Preset::for_rows(name, config)?;
                (preset, Some(prompt))
            }
            None => (Preset::default(), None),
        };
        let service = with_service(run.service.clone(), &preset);
        let mut provider = resolve(&service, Job::Chat, config, io)?;
        preset.lay_over(&mut provider);
        let (schema, extract) = shape(args, &preset, io)?;
        let (attachments, paths): (Vec<_>, Vec<_>) =
            args.file.iter().cloned().partition(|path| path.to_string_lossy().contains("{{"));
        let files = RowFiles::open(&paths, args.rows.map(form), args.limit, io)?;
        let first = first_row(&files)?;
        let is_ready = args.rows == Some(RowsForm::Requests);
        if is_ready && provider.model.is_none() {
            provider.model = ReadyRequests::model_of(&first);
        }
        let sources = TemplateSources {
            words: args.prompt.join(" "),
            prompt,
            system: args.system.as_deref(),
            vars: &args.var,
            attachments: &attachments,
            columns: &[],
        };
        let template = match is_ready {
            true => RowTemplate::of_requests(ReadyRequests::new(args, &service)?),
            false => {
                let columns = &columns::of_later_rows(&sources, &files, &first)?;
                RowTemplate::new(&TemplateSources { columns, ..sources }, &first)?
            }
        };
        let options = QuestionOptions {
            system: None,
            model: model(args),
            api: args.api.map(Into::into),
            leaves_out: false,
            streams: false,
            wants_usage: false,
            wants_thinking: false,
            wants_search: false,
            schema,
        };
        let (id, is_past) = (args.id.clone(), false);
        Ok(Self { provider, files, template, options, extract, id, is_past })
    }

    /// The hash of a row's request.
    ///
    /// # Errors
    /// Exit 2: what goes along with it is not there.
    pub(super) fn hash(
        &self,
        row: &NumberedRow,
        question: &RowQuestion,
    ) -> Result<RowHash, Failure> {
        match self.is_past {
            true => Ok(attach::past_row_hash(row, question)),
            false => attach::row_hash(row, question),
        }
    }
}

fn first_row(files: &RowFiles) -> Result<NumberedRow, Failure> {
    let first = files.rows().next()?;
    first.ok_or_else(|| {
        let names: Vec<&str> = files.names().collect();
        Failure::usage(format!("there are no rows in {}", names.join(", ")))
    })
}

fn form(typed: RowsForm) -> RowForm {
    match typed {
        RowsForm::Lines => RowForm::Lines,
        RowsForm::Jsonl | RowsForm::Requests => RowForm::Json,
        RowsForm::Csv => RowForm::Csv(b','),
        RowsForm::Tsv => RowForm::Csv(b'\t'),
    }
}

/// The schema that answers must fit, and the code block that is wanted of them: flags win over the
/// prompt.
fn shape(
    args: &BatchRowArgs,
    preset: &Preset,
    io: &Io,
) -> Result<(Option<AnswerSchema>, Option<BlockChoice>), Failure> {
    let last = args.extract_last.then_some(BlockChoice::Last);
    let extract = last.or(args.extract.then_some(BlockChoice::First));
    let written = match (&args.schema, extract) {
        (Some(schema), _) => Some(schema),
        (None, Some(_)) => None,
        (None, None) => preset.schema.as_ref(),
    };
    let Some(written) = written else { return Ok((None, extract.or(preset.extract))) };
    let schema = AnswerSchema::read(written, "--schema", false)?;
    schema.warn_if_open("--schema", io);
    Ok((Some(schema), None))
}

fn model(args: &BatchRowArgs) -> ModelOptions {
    ModelOptions {
        temperature: args.temperature.clone(),
        top_p: args.top_p.clone(),
        max_tokens: args.max_tokens,
        seed: args.seed,
        stop: args.stop.clone(),
        reasoning_effort: args.reasoning_effort.clone(),
        number: None,
    }
}
