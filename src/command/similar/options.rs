//! What was typed after `llm similar`, as it is meant.

use std::path::PathBuf;

use crate::cli::similar::{SimilarFormat, SimilarLine};
use crate::command::options::RunOptions;
use crate::error::Failure;
use crate::input;
use crate::io::Io;

/// So many lines are handed to a reranker, unless more are to be shown: the nearest ones, among which
/// the right one is, if any are near at all.
const CANDIDATES: usize = 100;

/// A file of vectors.
#[derive(Debug, Clone)]
pub(super) struct VectorFile {
    pub(super) path: PathBuf,
    /// The file whose line N is the text of row N.
    pub(super) texts: Option<PathBuf>,
}

/// What is searched.
#[derive(Debug, Clone)]
pub(super) enum Searched {
    Vectors(Vec<VectorFile>),
    /// Lines of files, or of standard input if there are none.
    Lines(Vec<PathBuf>),
}

/// What a run is to do.
#[derive(Debug, Clone)]
pub(super) struct SimilarOptions {
    pub(super) query: String,
    pub(super) searched: Searched,
    pub(super) rerank: bool,
    /// How many lines are shown.
    pub(super) count: usize,
    pub(super) least: Option<f64>,
    pub(super) format: SimilarFormat,
    pub(super) output: Option<PathBuf>,
    pub(super) shows_usage: bool,
    /// The user named a model.
    pub(super) names_model: bool,
}

impl SimilarOptions {
    /// Reads standard input if that is the query.
    ///
    /// # Errors
    /// Exit 2: no query, a file of texts too many, `--json`.
    pub(super) fn new(line: &SimilarLine, run: &RunOptions, io: &mut Io) -> Result<Self, Failure> {
        let args = &line.args;
        if run.json {
            let failure = Failure::usage("`similar` has no reply of a service to print: --json");
            return Err(failure.hint("--format jsonl prints the lines as JSON"));
        }
        let searched = match args.vectors.is_empty() {
            false => Searched::Vectors(vector_files(line)?),
            true => Searched::Lines(args.file.clone()),
        };
        Ok(Self {
            query: query(args.query.join(" "), &searched, io)?,
            searched,
            rerank: args.rerank,
            count: args.count as usize,
            least: args.min,
            format: format(line),
            output: args.output.clone(),
            shows_usage: run.usage,
            names_model: run.service.model.is_some(),
        })
    }

    /// How many lines are looked for before a reranker judges them.
    pub(super) fn candidates(&self) -> usize {
        if self.rerank { self.count.max(CANDIDATES) } else { self.count }
    }
}

/// Each file of vectors with its texts.
fn vector_files(line: &SimilarLine) -> Result<Vec<VectorFile>, Failure> {
    let without_texts = |path: &PathBuf| VectorFile { path: path.clone(), texts: None };
    let mut files: Vec<VectorFile> = line.args.vectors.iter().map(without_texts).collect();
    for (texts, after) in line.args.texts.iter().zip(&line.texts_after) {
        let file = after.checked_sub(1).and_then(|place| files.get_mut(place));
        let Some(file) = file else {
            let what = format!("--texts {} stands before any --in", texts.display());
            return Err(Failure::usage(what).hint("each --texts belongs to the --in before it"));
        };
        if let Some(other) = file.texts.replace(texts.clone()) {
            let (path, other) = (file.path.display(), other.display());
            let what = format!("{path} has two files of texts: {other} and {}", texts.display());
            return Err(Failure::usage(what).hint("each --texts belongs to the --in before it"));
        }
    }
    Ok(files)
}

/// The query: what was typed, else standard input where nothing else is read from it.
fn query(typed: String, searched: &Searched, io: &mut Io) -> Result<String, Failure> {
    let missing = || {
        Failure::usage("there is no query")
            .hint("llm similar --in vectors.jsonl \"what is looked for\"")
    };
    if !typed.trim().is_empty() {
        return Ok(typed);
    }
    let takes_stdin = match searched {
        Searched::Vectors(_) => true,
        Searched::Lines(files) => {
            !files.is_empty() && !files.iter().any(|path| path.as_os_str() == "-")
        }
    };
    if !takes_stdin || io.stdin_is_terminal {
        return Err(missing());
    }
    let read = input::read_stdin(io)?;
    let text = String::from_utf8_lossy(&read).trim().to_owned();
    if text.is_empty() { Err(missing()) } else { Ok(text) }
}

fn format(line: &SimilarLine) -> SimilarFormat {
    let args = &line.args;
    let ending = args.output.as_deref().and_then(|path| path.extension()?.to_str());
    let of_ending = match ending {
        Some("jsonl" | "ndjson") => Some(SimilarFormat::Jsonl),
        _ => None,
    };
    args.format.or(of_ending).unwrap_or_default()
}
