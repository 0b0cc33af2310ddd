//! Files of vectors: which model made them, and the rows in them that are nearest.

use std::path::Path;

use super::beside::{self, Beside};
use super::options::{SimilarOptions, VectorFile};
use crate::cli::similar::SimilarFormat;
use crate::command::embed::path_beside;
use crate::command::steps::refuse_own_input;
use crate::error::{Failure, reason};
use crate::input::texts::InputTexts;
use crate::io::Io;
use crate::nearest::{self, Best, Hit, Query, SearchError};

/// A file of vectors with what it and the file beside it tell.
pub(super) struct ToldFile {
    file: VectorFile,
    /// The texts that were embedded.
    texts: Option<InputTexts>,
    model: Option<String>,
    /// How many numbers the vectors have.
    length: Option<usize>,
}

impl ToldFile {
    /// Finds out what can be known of a file before anything is asked.
    ///
    /// # Errors
    /// Exit 2: it can't be searched, has no texts where they are needed, has another number of rows than
    /// `--texts` has lines, or would be replaced.
    pub(super) fn new(
        file: VectorFile,
        options: &SimilarOptions,
        io: &mut Io,
    ) -> Result<Self, Failure> {
        let path = file.path.as_path();
        let look = nearest::look(path).map_err(failure)?;
        let beside = Beside::read(path);
        let model = beside.as_ref().and_then(|beside| beside.model.clone()).or(look.model);
        let beside = beside.filter(|_| file.texts.is_none());
        let text_files = beside.as_ref().and_then(|beside| beside.text_files(path));
        let mut read = vec![path.to_owned(), path_beside(path)];
        read.extend(file.texts.iter().chain(text_files.iter().flatten()).cloned());
        refuse_own_input(options.output.as_deref(), &read)?;
        let texts =
            beside.zip(text_files).and_then(|(beside, files)| beside.texts(&files, path, io));
        let use_of_texts = match options.format {
            _ if options.rerank => Some("for a reranker"),
            SimilarFormat::Text => Some("to print"),
            _ => None,
        };
        let has_texts = file.texts.is_some() || texts.is_some() || !look.lacks_texts;
        if let Some(what) = use_of_texts.filter(|_| !has_texts) {
            let failure = Failure::usage(format!("{} has no texts {what}", path.display()));
            return Err(failure.hint(TEXTS_HINT));
        }
        if let Some(texts) = &file.texts {
            check_texts(path, texts).map_err(failure)?;
        }
        Ok(Self { file, texts, model, length: look.length })
    }
}

pub(super) const TEXTS_HINT: &str = "--texts FILE names the lines that its rows belong to";

/// Finds out whether a file of texts has a line for each row, if both can be read twice.
fn check_texts(vectors: &Path, texts: &Path) -> Result<(), SearchError> {
    let metadata = std::fs::metadata(texts);
    let metadata = metadata.map_err(|error| SearchError::Unreadable(texts.into(), error))?;
    match nearest::count_rows(vectors)?.filter(|_| metadata.is_file()) {
        Some(rows) => nearest::add_texts(&mut [], texts, 1, rows),
        None => Ok(()),
    }
}

/// The model that made the vectors, where the files or those beside them say so.
///
/// # Errors
/// Exit 2: two models made them.
pub(super) fn model_of(files: &[ToldFile]) -> Result<Option<String>, Failure> {
    let mut told = files.iter().filter_map(|told| Some((told.model.as_ref()?, &told.file.path)));
    let Some((first, earlier)) = told.next() else { return Ok(None) };
    match told.find(|(model, _)| *model != first) {
        Some((model, path)) => {
            let (earlier, path) = (earlier.display(), path.display());
            let what = format!("{earlier} was made by {first}, and {path} by {model}");
            let hint = "vectors of two models can't be compared; search them one after the other";
            Err(Failure::usage(what).hint(hint))
        }
        None => Ok(Some(first.clone())),
    }
}

/// How many numbers the vectors have, where a file says so.
pub(super) fn length_of(files: &[ToldFile]) -> Option<usize> {
    files.iter().find_map(|told| told.length)
}

/// The nearest rows of all files, with their texts, and what else is to be told.
///
/// # Errors
/// Exit 2: a file that can't be read, that holds no vectors, or those of another model.
pub(super) fn search(
    files: Vec<ToldFile>,
    query: &Query,
    mut best: Best,
) -> Result<(Vec<Hit>, Vec<String>), Failure> {
    let mut ranges = Vec::new();
    let mut rows = 0;
    for told in &files {
        let count = nearest::search(&told.file.path, query, &mut best, rows).map_err(failure)?;
        ranges.push((rows + 1, count));
        rows += count;
    }
    let mut hits = best.into_hits();
    let mut warnings = Vec::new();
    for (ToldFile { file, texts, .. }, (first, count)) in files.into_iter().zip(ranges) {
        if let Some(texts) = &file.texts {
            nearest::add_texts(&mut hits, texts, first, count).map_err(failure)?;
        } else if let Some(texts) = texts
            && let Err(why) = beside::add_texts(&mut hits, texts, first, count)
        {
            let path = file.path.display();
            warnings.push(format!("the texts of {path} are not shown: {why}"));
        }
    }
    Ok((hits, warnings))
}

fn failure(error: SearchError) -> Failure {
    match error {
        SearchError::Unreadable(path, error) => {
            Failure::usage(format!("cannot read {}: {}", path.display(), reason(&error)))
        }
        SearchError::Misformed(path, what) => Failure::usage(format!("{} {what}", path.display())),
        SearchError::BadLine { path, line, what } => {
            Failure::usage(format!("line {line} of {} {what}", path.display()))
        }
        SearchError::OtherLength { path, row, query } => {
            let path = path.display();
            Failure::usage(format!(
                "{path} has vectors of {row} numbers, and the query's has {query}: they can't be compared"
            ))
            .hint(format!(
                "-m MODEL names the model that made the vectors, -O dimensions={row} asks for so many numbers"
            ))
        }
        SearchError::OtherLineCount { path, lines, rows } => {
            let plural = if lines == 1 { "" } else { "s" };
            let what = format!(
                "{} has {lines} line{plural}, and there are {rows} vectors",
                path.display()
            );
            Failure::usage(what).hint("line N has to be the text of vector N")
        }
    }
}
