//! `llm batch run`: every row is asked here and now.

use std::path::{Path, PathBuf};

use super::ask::RowAsker;
use super::attach;
use super::flow::{FlowOptions, RowFlow};
use super::keep::{AnswerKeeper, JournalKeeper};
use super::open::Opening;
use super::outcome::RowOutcome;
use super::preview;
use super::record::{self, AnswerStyle};
use super::reply::AnswerWish;
use super::request::RowRequests;
use super::setup::RowSetup;
use super::source::{NumberedRow, RowFiles};
use super::survey::RowIds;
use super::tally::{RunTally, grouped};
use super::template::RowTemplate;
use super::whole::{FailedRows, WholeNote};
use crate::cli::batch::{AnswerFormat, BatchRunArgs, BatchWorkArgs};
use crate::command::options::RunOptions;
use crate::command::steps::{refuse_own_input, settle_output};
use crate::config::{self, Config};
use crate::error::{Failure, FailureKind};
use crate::exchange::{self, MinuteLimits};
use crate::io::Io;
use crate::journal::Fingerprint;
use crate::output::sink::Sink;
use crate::provider::Provider;

/// Asks for every row.
///
/// # Errors
/// As the table of exit codes has them.
pub(super) fn run(args: &BatchRunArgs, run: &RunOptions, io: &mut Io) -> Result<(), Failure> {
    let config = config::load(run.config.as_deref(), io)?;
    let prepared = Prepared::new(args, run, &config, io)?;
    if run.dry_run {
        return preview::show(prepared.setup, &prepared.requests, io);
    }
    let Some(job) = prepared.open_unless_whole(args, run.usage, Some(io))? else { return Ok(()) };
    let (provider, work) = (job.setup.provider.clone(), args.work.clone());
    exchange::run(provider, run.exchange, io, move |exchange, io| {
        Box::pin(async move {
            let limits = MinuteLimits { requests: work.rpm, tokens: work.tpm };
            exchange.for_many(work.concurrency.map(|most| most as usize), limits);
            job.ask(&work, exchange, io).await
        })
    })
}

/// What is asked for which rows, and how the answers are written.
pub(super) struct Prepared {
    pub(super) setup: RowSetup,
    requests: RowRequests,
    format: AnswerFormat,
}

impl Prepared {
    /// Resolves what was typed.
    ///
    /// # Errors
    /// Exit 2: wrong usage; and those of looking up the model, unless nothing is sent.
    pub(super) fn new(
        args: &BatchRunArgs,
        run: &RunOptions,
        config: &Config,
        io: &mut Io,
    ) -> Result<Self, Failure> {
        let output = args.answers.output.as_deref();
        settle_output(output, io);
        let format = record::format(args.answers.format, run.json, output)?;
        refuse_own_input(output, &args.rows.file)?;
        let mut setup = RowSetup::new(&args.rows, run, config, io)?;
        if !run.service.is_dry {
            exchange::look_up_model(&mut setup.provider, run.exchange, io)?;
        }
        let options = setup.options.clone();
        let (requests, warnings) = RowRequests::new(&setup.template, options, &setup.provider)?;
        warnings.iter().for_each(|warning| io.warn(warning));
        Ok(Self { setup, requests, format })
    }

    /// Looks at all rows, and opens where their answers go; what is in FILE already does not count.
    ///
    /// # Errors
    /// Exit 2: a row that can't be asked, a FILE.part of another run. Exit 1: an output that can't be
    /// written.
    pub(super) fn open(self, args: &BatchRunArgs, shows_usage: bool) -> Result<RowJob, Failure> {
        let none = || Failure::new(FailureKind::Other, "there is nothing to do");
        self.open_unless_whole(args, shows_usage, None)?.ok_or_else(none)
    }

    /// As [`Prepared::open`]; with `io`, rows that FILE has already are taken from it, and `None` tells that
    /// it has all of them.
    fn open_unless_whole(
        self,
        args: &BatchRunArgs,
        shows_usage: bool,
        io: Option<&Io>,
    ) -> Result<Option<RowJob>, Failure> {
        let Self { setup, requests, format } = self;
        let fingerprint = fingerprint(&setup, &requests, format);
        let wish = wish(&setup, &requests, format);
        let opening = Opening {
            answers: &args.answers,
            setup: &setup,
            requests: &requests,
            wish: &wish,
            run: &fingerprint,
            format,
            shows_usage,
        };
        let Some(opened) = opening.open(io)? else { return Ok(None) };
        let (keeper, style, ids) = (opened.keeper, opened.style, opened.survey.ids);
        let (tally, output) = (RunTally::new(opened.survey.count), args.answers.output.clone());
        Ok(Some(RowJob {
            setup,
            requests,
            keeper,
            style,
            tally,
            format,
            ids,
            output,
            shows_usage,
            fingerprint,
        }))
    }
}

/// What is wanted of the answers.
fn wish(setup: &RowSetup, requests: &RowRequests, format: AnswerFormat) -> AnswerWish {
    AnswerWish {
        schema: setup.options.schema.clone(),
        extract: setup.extract,
        is_limited: requests.is_limited(),
        keeps_replies: format == AnswerFormat::Openai,
        thinks_untagged: setup.provider.thinks_untagged(&requests.model()),
    }
}

/// What makes a run the same as another one.
fn fingerprint(setup: &RowSetup, requests: &RowRequests, format: AnswerFormat) -> Fingerprint {
    let made = requests.made();
    let (url, body) = made.told();
    let schema = requests.schema().map(|schema| schema.sent.to_string());
    let wish = format!("{:?} {:?}", setup.extract, setup.id);
    // Only this form needs the replies themselves.
    let keeps_replies = if format == AnswerFormat::Openai { "replies" } else { "" };
    let properties = [
        "batch",
        &url,
        &body,
        &setup.template.properties(),
        &schema.unwrap_or_default(),
        &wish,
        keeps_replies,
    ];
    Fingerprint::new(properties.map(str::as_bytes), Some(&requests.model()))
}

/// A run that is ready to begin.
pub(super) struct RowJob {
    pub(super) setup: RowSetup,
    pub(super) requests: RowRequests,
    pub(super) keeper: AnswerKeeper,
    style: AnswerStyle,
    pub(super) tally: RunTally,
    format: AnswerFormat,
    pub(super) ids: RowIds,
    output: Option<PathBuf>,
    shows_usage: bool,
    fingerprint: Fingerprint,
}

impl RowJob {
    /// What is wanted of the answers.
    pub(super) fn wish(&self) -> AnswerWish {
        wish(&self.setup, &self.requests, self.format)
    }

    /// Counts what earlier runs are done with.
    ///
    /// # Errors
    /// Exit 1: FILE.part can't be read.
    pub(super) fn begin(&mut self, io: &Io) -> Result<(), Failure> {
        let Self { keeper, tally, .. } = self;
        if let AnswerKeeper::Journal(keeper) = keeper {
            keeper.each_done(tally.all, &mut |outcome| tally.add_earlier(outcome))?;
            if tally.over > 0 {
                io.note(&format!("goes on: {}", tally.done()));
            }
        }
        Ok(())
    }

    async fn ask(
        mut self,
        work: &BatchWorkArgs,
        exchange: &mut exchange::Exchange,
        io: &mut Io,
    ) -> Result<(), Failure> {
        self.requests.remake(&exchange.provider)?;
        self.begin(io)?;
        let wish = self.wish();
        let Self { setup, requests, keeper, style, tally, output, shows_usage, .. } = self;
        let fingerprint = self.fingerprint;
        let asker = RowAsker::new(requests, wish, io);
        let options = FlowOptions { template: setup.template, max_failures: work.max_failures };
        let mut flow = RowFlow::new(asker, options, keeper, tally, io);
        let result = flow.run(setup.files.rows(), exchange, io).await;
        let (keeper, tally, template) = flow.into_parts();
        let end = RowEnd {
            files: &setup.files,
            template: &template,
            style: &style,
            run: &fingerprint,
            output: output.as_deref(),
            is_past: setup.is_past,
        };
        end.reach(result, keeper, &tally, shows_usage, &exchange.provider, io)
    }

    /// Writes what came of the rows, as far as it can be.
    ///
    /// # Errors
    /// `result`, which ended the run early; else how the rows ended.
    pub(super) fn end(self, result: Result<(), Failure>, io: &mut Io) -> Result<(), Failure> {
        let (files, output) = (&self.setup.files, self.output.as_deref());
        let (template, run) = (&self.setup.template, &self.fingerprint);
        let (style, is_past) = (&self.style, self.setup.is_past);
        let end = RowEnd { files, template, style, run, output, is_past };
        end.reach(result, self.keeper, &self.tally, self.shows_usage, &self.setup.provider, io)
    }
}

/// The end of a run.
struct RowEnd<'a> {
    files: &'a RowFiles,
    template: &'a RowTemplate,
    style: &'a AnswerStyle,
    run: &'a Fingerprint,
    output: Option<&'a Path>,
    /// The answers were fetched, so that the same command would find the same ones.
    is_past: bool,
}

impl RowEnd<'_> {
    fn reach(
        self,
        result: Result<(), Failure>,
        keeper: AnswerKeeper,
        tally: &RunTally,
        shows_usage: bool,
        provider: &Provider,
        io: &mut Io,
    ) -> Result<(), Failure> {
        if shows_usage {
            io.say(&tally.usage());
        }
        match (keeper, self.output) {
            (AnswerKeeper::Journal(keeper), Some(target)) => {
                let written = match result {
                    Ok(()) => self.write(&keeper, target, tally.failed_rows(), io),
                    Err(failure) => Err(failure),
                };
                settle(written, self.is_past, keeper, tally, provider, io)
            }
            (AnswerKeeper::Stream(keeper), _) => {
                if result.as_ref().is_err_and(|failure| failure.kind == FailureKind::ReaderGone) {
                    return result;
                }
                let ended = keeper.end(io);
                result.and(ended)?;
                verdict(tally, provider)
            }
            (AnswerKeeper::Journal(_), None) => result,
        }
    }

    /// Writes FILE, which all rows are in.
    fn write(
        &self,
        keeper: &JournalKeeper,
        target: &Path,
        failed: FailedRows,
        io: &mut Io,
    ) -> Result<(), Failure> {
        let mut note = WholeNote::new(target, self.run, &io.env);
        let mut hashed = |row: &NumberedRow, outcome: &RowOutcome| {
            note.add(attach::past_row_hash(row, &self.template.fill(row)?), outcome.is_cut);
            Ok(())
        };
        let mut sink = Sink::open(Some(target))?;
        keeper.write(self.files, self.style, &mut hashed, &mut sink, io)?;
        sink.commit()?;
        note.keep(target, self.style.places(), failed);
        Ok(())
    }
}

/// The run is over: FILE.part goes if no row is left that another try may answer. A failure tells how to go
/// on.
fn settle(
    result: Result<(), Failure>,
    is_past: bool,
    mut keeper: JournalKeeper,
    tally: &RunTally,
    provider: &Provider,
    io: &Io,
) -> Result<(), Failure> {
    let (passing, refused) = (tally.passing() > 0, tally.failed() > tally.passing());
    let retry = "--retry-failed asks again for the rows that were refused";
    let mut again = format!("the same command goes on; {}", tally.done());
    if refused {
        again = format!("{again}; {retry} too");
    }
    let Err(failure) = result else {
        if !passing {
            keeper.journal.remove()?;
        } else {
            keeper.journal.leave();
        }
        let hint = match (is_past, passing) {
            (true, _) => run_instead(refused, &tally.done()),
            (false, true) => again,
            (false, false) => format!("{retry}; {}", tally.done()),
        };
        return verdict(tally, provider).map_err(|failure| match failure.kind {
            FailureKind::Cut => failure,
            _ => failure.hint(hint),
        });
    };
    if keeper.journal.leave() == 0 {
        return Err(failure);
    }
    if failure.is_silent() {
        io.hint(&again);
    }
    let hint = match &failure.hint {
        Some(other) => format!("{other}; {again}"),
        None => again,
    };
    Err(failure.hint(hint))
}

/// How rows without an answer are asked for that were fetched: the same command would find the same results.
fn run_instead(refused: bool, done: &str) -> String {
    let retry = if refused { " --retry-failed" } else { "" };
    format!(
        "`llm batch run{retry}` with the same rows, prompt and FILE asks for the others; {done}"
    )
}

/// What a run that went through all rows ends with.
fn verdict(tally: &RunTally, provider: &Provider) -> Result<(), Failure> {
    if let Some(words) = tally.failures() {
        return Err(Failure::new(FailureKind::Refused, words));
    }
    match tally.cut {
        0 => Ok(()),
        cut => {
            let (are, name) =
                (if cut == 1 { "answer was" } else { "answers were" }, &provider.name);
            let what = format!("{} {are} cut at the token limit of {name}", grouped(cut));
            Err(Failure::new(FailureKind::Cut, what)
                .hint("--max-tokens N asks for longer ones, where the service allows it"))
        }
    }
}
