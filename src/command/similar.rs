//! `llm similar`: the lines that are nearest to a query.

use std::path::PathBuf;

use serde_json::Map;

use super::options::RunOptions;
use super::steps::{check_model, print_request, refuse_own_input, settle_output};
use super::tally::Tally;
use crate::cli::similar::{SimilarFormat, SimilarLine};
use crate::command::embed::compose;
use crate::config::{self, Config};
use crate::error::{Failure, FailureKind};
use crate::exchange::{self, Exchange};
use crate::input::texts::{InputTexts, TextSources};
use crate::io::Io;
use crate::nearest::{Best, Hit};
use crate::output::sink::Sink;
use crate::provider::user_fields::SetBy;
use crate::provider::{Job, Provider, resolve};

mod beside;
mod embedded;
mod files;
mod judge;
mod options;
mod show;

use embedded::Embedder;
use files::ToldFile;
use judge::Question;
use options::{Searched, SimilarOptions};

/// What is searched, ready to be read.
enum Rows {
    Vectors(Vec<ToldFile>),
    Lines(Box<InputTexts>),
}

/// Runs the command.
///
/// # Errors
/// As the table of exit codes has them.
pub(crate) fn run(line: &SimilarLine, run: &RunOptions, io: &mut Io) -> anyhow::Result<()> {
    settle_output(line.args.output.as_deref(), io);
    let config = config::load(run.config.as_deref(), io)?;
    let options = SimilarOptions::new(line, run, io)?;
    let rows = match &options.searched {
        Searched::Vectors(files) => {
            let told = files.iter().map(|file| ToldFile::new(file.clone(), &options, io));
            Rows::Vectors(told.collect::<Result<_, _>>()?)
        }
        Searched::Lines(paths) => {
            refuse_own_input(options.output.as_deref(), paths)?;
            Rows::Lines(Box::new(lines_of(paths, io)?))
        }
    };
    // A dry run writes nothing.
    let mut sink = Sink::open(options.output.as_deref().filter(|_| !run.dry_run))?;
    let mut tally = Tally::new();
    let hits = match rows {
        Rows::Lines(texts) if options.rerank => {
            let provider = reranker(run, true, &config, io)?;
            match run.dry_run {
                true => return Ok(show_question(provider, &options, judge::lines(*texts), io)?),
                false => judged(provider, &options, run, judge::lines(*texts), &mut tally, io)?,
            }
        }
        rows => match nearest(rows, &options, run, &config, &mut tally, io)? {
            Some(hits) => hits,
            None => return Ok(()),
        },
    };
    let is_terminal = io.stdout_is_terminal && matches!(sink, Sink::Stdout);
    let text = show::written(&hits, options.format, is_terminal);
    sink.write(text.as_bytes(), io)?;
    sink.commit()?;
    if options.shows_usage {
        io.say(&tally.line());
    }
    Ok(())
}

/// The nearest lines by their vectors, judged by a reranker if that was asked for. `None`: the request
/// was printed instead.
fn nearest(
    rows: Rows,
    options: &SimilarOptions,
    run: &RunOptions,
    config: &Config,
    tally: &mut Tally,
    io: &mut Io,
) -> Result<Option<Vec<Hit>>, Failure> {
    let mut provider = resolve(&run.service, Job::Embed, config, io)?;
    let length = match &rows {
        Rows::Vectors(files) => ask_their_model(files, options, &mut provider, io)?,
        Rows::Lines(_) => None,
    };
    let composed = compose(&provider, vec![options.query.clone()].into(), &Map::new(), true);
    composed.warnings.iter().for_each(|warning| io.warn(warning));
    check_model(&composed, "embeddings", &provider)?;
    // Found out before anything is asked and paid for.
    let reranker = match options.rerank {
        true => Some(reranker(run, false, config, io)?),
        false => None,
    };
    if run.dry_run {
        let body = composed.body;
        print_request(&mut provider, io, |provider| Ok(provider.post(Job::Embed, body)))?;
        return Ok(None);
    }
    // What was typed is asked for as it is.
    let length = length.filter(|_| composed.own.by("dimensions") != Some(&SetBy::Setting));
    let (asked, mut counted) = (options.clone(), tally.clone());
    let hits;
    (hits, *tally) = exchange::run(provider, run.exchange, io, move |exchange, io| {
        Box::pin(async move {
            let hits = by_vectors(asked, rows, length, &mut counted, exchange, io).await?;
            Ok((hits, counted))
        })
    })?;
    check_texts(&hits, options)?;
    let Some(reranker) = reranker else { return Ok(Some(hits)) };
    let ids: Vec<(u64, Option<String>)> =
        hits.iter().map(|hit| (hit.number, hit.id.clone())).collect();
    let mut rows = hits.into_iter();
    let next = move || Ok(rows.next().map(|hit| (hit.number, hit.text.unwrap_or_default())));
    let mut judged = judged(reranker, options, run, next, tally, io)?;
    for hit in &mut judged {
        hit.id =
            ids.iter().find(|(number, _)| *number == hit.number).and_then(|(_, id)| id.clone());
    }
    Ok(Some(judged))
}

/// Asks the model that made the vectors, unless another was named. Gives the length of the vectors where
/// the model that is asked made them: if it makes others by itself, this one was asked for.
fn ask_their_model(
    files: &[ToldFile],
    options: &SimilarOptions,
    provider: &mut Provider,
    io: &Io,
) -> Result<Option<usize>, Failure> {
    let Some(made_by) = files::model_of(files)? else { return Ok(None) };
    if !options.names_model {
        provider.model = Some(made_by.clone());
    }
    if provider.model.as_ref() == Some(&made_by) {
        return Ok(files::length_of(files));
    }
    // The same model may have two names, so it is no error.
    io.warn(&format!(
        "the vectors were made by {made_by}, and the query's is asked of another model: scores of two \
         models mean nothing"
    ));
    Ok(None)
}

/// The nearest lines by their vectors. `length` is that of vectors which the query's own model made.
async fn by_vectors(
    options: SimilarOptions,
    rows: Rows,
    length: Option<usize>,
    tally: &mut Tally,
    exchange: &mut Exchange,
    io: &mut Io,
) -> Result<Vec<Hit>, Failure> {
    let mut embedder = Embedder::new(&exchange.provider, None, tally);
    let mut query = embedder.query(&options.query, exchange, io).await?;
    // Few models take a length, so it is asked for only where it is needed.
    if let Some(length) = length.filter(|length| *length != query.dimensions()) {
        let mut shortening = Embedder::new(&exchange.provider, Some(length), embedder.tally);
        match shortening.query(&options.query, exchange, io).await {
            Ok(shortened) => query = shortened,
            // The search tells both lengths.
            Err(failure) if failure.kind == FailureKind::Refused => {}
            Err(failure) => return Err(failure),
        }
    }
    // What a reranker judges is bounded by its scores alone.
    let least = options.least.filter(|_| !options.rerank);
    let mut best = Best::new(options.candidates(), least);
    let (hits, warnings) = match rows {
        Rows::Lines(texts) => {
            let refused = embedder.lines(*texts, &query, &mut best, exchange).await?;
            (best.into_hits(), refused)
        }
        Rows::Vectors(files) => {
            let work = tokio::task::spawn_blocking(move || files::search(files, &query, best));
            exchange.wait(work).await?.map_err(exchange::ended_early)??
        }
    };
    warnings.iter().for_each(|words| io.warn(words));
    Ok(hits)
}

/// What could not be known before the search: a row without a text where one is needed.
fn check_texts(hits: &[Hit], options: &SimilarOptions) -> Result<(), Failure> {
    let mut bare = hits.iter().filter(|hit| hit.text.is_none());
    let (bare, what) = match options.format {
        _ if options.rerank => (bare.next(), "that a reranker could read"),
        // A blank line may stand for one among others.
        SimilarFormat::Text if bare.clone().count() == hits.len() => (bare.next(), "to print"),
        _ => return Ok(()),
    };
    match bare {
        Some(hit) => Err(Failure::usage(format!("row {} has no text {what}", hit.number))
            .hint(files::TEXTS_HINT)),
        None => Ok(()),
    }
}

/// Has texts judged by a reranker, and gives the best ones.
fn judged(
    provider: Provider,
    options: &SimilarOptions,
    run: &RunOptions,
    next: impl FnMut() -> Result<Option<(u64, String)>, Failure> + Send + 'static,
    tally: &mut Tally,
    io: &mut Io,
) -> Result<Vec<Hit>, Failure> {
    let (query, count, least) = (options.query.clone(), options.count, options.least);
    let mut counted = tally.clone();
    let hits;
    (hits, *tally) = exchange::run(provider, run.exchange, io, move |exchange, _| {
        Box::pin(async move {
            let mut best = Best::new(count, least);
            judge::judge(&query, count, next, &mut best, exchange, &mut counted).await?;
            Ok((best.into_hits(), counted))
        })
    })?;
    Ok(hits)
}

/// The service whose reranker is asked. `-m` names its model where no vectors are asked for.
fn reranker(
    run: &RunOptions,
    takes_model: bool,
    config: &Config,
    io: &mut Io,
) -> Result<Provider, Failure> {
    let mut service = run.service.clone();
    service.model = service.model.filter(|_| takes_model);
    let provider = resolve(&service, Job::Rerank, config, io)?;
    let question = Question { query: "", documents: Vec::new(), most: 1 };
    let composed = question.compose(&provider);
    composed.warnings.iter().for_each(|warning| io.warn(warning));
    if provider.profile.rerank_form().takes_model() {
        check_model(&composed, "reranking", &provider)?;
    }
    Ok(provider)
}

/// `--dry-run`: the first request to a reranker.
fn show_question(
    mut provider: Provider,
    options: &SimilarOptions,
    mut next: impl FnMut() -> Result<Option<(u64, String)>, Failure>,
    io: &mut Io,
) -> Result<(), Failure> {
    let mut documents = Vec::new();
    while let Some(document) = next()? {
        documents.push(document);
    }
    let question = Question { query: &options.query, documents, most: options.count };
    let body = question.compose(&provider).body;
    print_request(&mut provider, io, |provider| Ok(provider.post(Job::Rerank, body)))
}

/// The lines that are searched without vectors.
fn lines_of(paths: &[PathBuf], io: &mut Io) -> Result<InputTexts, Failure> {
    if paths.is_empty() && io.stdin_is_terminal {
        let failure = Failure::usage("there is nothing to search");
        return Err(failure.hint("name vectors with --in, or lines with -f FILE or through a pipe"));
    }
    InputTexts::find(&TextSources { files: paths, lines: true, ..TextSources::default() }, io)
}
