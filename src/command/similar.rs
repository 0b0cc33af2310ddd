//! `llm similar`: the lines that are nearest to a query.

use std::path::PathBuf;

use serde_json::Map;

use super::options::RunOptions;
use super::steps::{check_model, print_request, settle_output};
use crate::cli::similar::SimilarLine;
use crate::command::embed::{BatchAsker, EmbedOptions, compose, most_inputs};
use crate::config::{self, Config};
use crate::error::Failure;
use crate::exchange::{self, Exchange};
use crate::input::texts::{InputTexts, TextSources};
use crate::io::Io;
use crate::nearest::{Best, Hit};
use crate::output::sink::Sink;
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
use options::{Searched, SimilarOptions, VectorFile};

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
        Searched::Vectors(files) => Rows::Vectors(told(files, &options, io)?),
        Searched::Lines(paths) => Rows::Lines(Box::new(lines_of(paths, io)?)),
    };
    // A dry run writes nothing.
    let mut sink = Sink::open(options.output.as_deref().filter(|_| !run.dry_run))?;
    let hits = match rows {
        Rows::Lines(texts) if options.rerank => {
            let provider = reranker(run, true, &config, io)?;
            match run.dry_run {
                true => return Ok(show_question(provider, &options, judge::lines(*texts), io)?),
                false => judged(provider, &options, run, judge::lines(*texts), io)?,
            }
        }
        rows => match nearest(rows, &options, run, &config, io)? {
            Some(hits) => hits,
            None => return Ok(()),
        },
    };
    let is_terminal = io.stdout_is_terminal && matches!(sink, Sink::Stdout);
    let text = show::written(&hits, options.format, is_terminal);
    sink.write(text.as_bytes(), io)?;
    sink.commit()?;
    Ok(())
}

/// The files of vectors with what is told beside them, checked.
fn told(
    files: &[VectorFile],
    options: &SimilarOptions,
    io: &mut Io,
) -> Result<Vec<ToldFile>, Failure> {
    let of_file = |file: &VectorFile| (file.clone(), beside::texts_of(file, io));
    let told: Vec<ToldFile> = files.iter().map(of_file).collect();
    files::check(&told, options.format, options.output.as_deref())?;
    Ok(told)
}

/// The nearest lines by their vectors, judged by a reranker if that was asked for. `None`: the request
/// was printed instead.
fn nearest(
    rows: Rows,
    options: &SimilarOptions,
    run: &RunOptions,
    config: &Config,
    io: &mut Io,
) -> Result<Option<Vec<Hit>>, Failure> {
    let mut provider = resolve(&run.service, Job::Embed, config, io)?;
    if let Rows::Vectors(files) = &rows {
        match files::model_of(files)? {
            Some(made_by) if !options.names_model => provider.model = Some(made_by),
            // The same model may have two names, so it is no error.
            Some(made_by) if provider.model.as_ref() != Some(&made_by) => io.warn(&format!(
                "the vectors were made by {made_by}, and the query's is asked of another model: scores \
                 of two models mean nothing"
            )),
            _ => {}
        }
    }
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
    let asked = options.clone();
    let hits = exchange::run(provider, run.exchange, io, move |exchange, io| {
        Box::pin(async move { by_vectors(asked, rows, exchange, io).await })
    })?;
    let Some(reranker) = reranker else { return Ok(Some(hits)) };
    if let Some(hit) = hits.iter().find(|hit| hit.text.is_none()) {
        let what = format!("row {} has no text that a reranker could read", hit.number);
        return Err(
            Failure::usage(what).hint("--texts FILE names the lines that its rows belong to")
        );
    }
    let ids: Vec<(u64, Option<String>)> =
        hits.iter().map(|hit| (hit.number, hit.id.clone())).collect();
    let mut rows = hits.into_iter();
    let next = move || Ok(rows.next().map(|hit| (hit.number, hit.text.unwrap_or_default())));
    let mut judged = judged(reranker, options, run, next, io)?;
    for hit in &mut judged {
        hit.id =
            ids.iter().find(|(number, _)| *number == hit.number).and_then(|(_, id)| id.clone());
    }
    Ok(Some(judged))
}

async fn by_vectors(
    options: SimilarOptions,
    rows: Rows,
    exchange: &mut Exchange,
    io: &mut Io,
) -> Result<Vec<Hit>, Failure> {
    let asking = EmbedOptions::of_compared_lines();
    let most = most_inputs(&asking, &exchange.provider);
    let asker = BatchAsker::new(&exchange.provider, &asking, most, false, None, None);
    let mut embedder = Embedder { asker, tokens: None, requests: 0 };
    let words = [options.query.clone()];
    let query = TextSources { words: &words, ..TextSources::default() };
    let query = embedder.query(InputTexts::find(&query, io)?, exchange).await?;
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
    if options.shows_usage {
        let tokens = embedder
            .tokens
            .map_or("no token counts given".to_owned(), |tokens| format!("{tokens} tokens in"));
        let plural = if embedder.requests == 1 { "" } else { "s" };
        io.say(&format!("usage: {tokens}, {} request{plural}", embedder.requests));
    }
    Ok(hits)
}

/// Has texts judged by a reranker, and gives the best ones.
fn judged(
    provider: Provider,
    options: &SimilarOptions,
    run: &RunOptions,
    next: impl FnMut() -> Result<Option<(u64, String)>, Failure> + Send + 'static,
    io: &mut Io,
) -> Result<Vec<Hit>, Failure> {
    let (query, count, least) = (options.query.clone(), options.count, options.least);
    exchange::run(provider, run.exchange, io, move |exchange, _| {
        Box::pin(async move {
            let mut best = Best::new(count, least);
            judge::judge(&query, count, next, &mut best, exchange).await?;
            Ok(best.into_hits())
        })
    })
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
