//! `llm batch make`: the requests of all rows in a file, and nothing sent.

use super::fetch::without_key;
use super::lines;
use super::request::RowRequests;
use super::setup::RowSetup;
use super::survey::RowSurvey;
use super::tally::grouped;
use crate::api::batch::line;
use crate::cli::batch::BatchMakeArgs;
use crate::command::options::RunOptions;
use crate::command::steps::{refuse_own_input, settle_output};
use crate::config;
use crate::error::Failure;
use crate::io::Io;
use crate::output::sink::Sink;

/// How much is written at once.
const WRITE_SIZE: usize = 256 * 1024;

/// The endpoint of rows, as it stands in their lines.
const URL: &str = "/v1/chat/completions";

/// Writes the requests.
///
/// # Errors
/// As the table of exit codes has them.
pub(super) fn run(args: &BatchMakeArgs, run: &RunOptions, io: &mut Io) -> Result<(), Failure> {
    let output = args.output.as_deref();
    settle_output(output, io);
    refuse_own_input(output, &args.rows.file)?;
    let config = config::load(run.config.as_deref(), io)?;
    let run = without_key(&args.rows, run, &config, io);
    let setup = RowSetup::new(&args.rows, &run, &config, io)?;
    let (requests, warnings) =
        RowRequests::new(&setup.template, setup.options.clone(), &setup.provider)?;
    warnings.iter().for_each(|warning| io.warn(warning));
    let url = setup.provider.batch_api().map_or(URL.to_owned(), |api| api.url);
    let survey =
        RowSurvey::of(&setup.files, &setup.template, setup.id.as_deref(), &mut |_, _| Ok(()))?;
    let mut sink = Sink::open(output)?;
    // Standard output is to hold all of them or none.
    lines::each(&setup, &requests, &survey, io, &mut |row, _| row.check())?;
    let mut out = Vec::new();
    lines::each(&setup, &requests, &survey, io, &mut |row, io| {
        let url = line::url_for(&url, &row.body);
        out.extend_from_slice(line::line(&row.custom_id, &url, &row.body).as_bytes());
        match out.len() {
            ..WRITE_SIZE => Ok(()),
            _ => sink.write(&std::mem::take(&mut out), io),
        }
    })?;
    sink.write(&out, io)?;
    sink.commit()?;
    let are = if survey.count == 1 { "request is" } else { "requests are" };
    if let Some(output) = output.filter(|path| path.as_os_str() != "-") {
        io.note(&format!("{} {are} in {}", grouped(survey.count), output.display()));
    }
    Ok(())
}
