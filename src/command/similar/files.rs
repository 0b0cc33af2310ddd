//! Files of vectors: which model made them, and the rows in them that are nearest.

use std::path::Path;

use super::beside::{self, Beside};
use super::options::VectorFile;
use crate::cli::similar::SimilarFormat;
use crate::error::{Failure, FailureKind, reason};
use crate::input::texts::InputTexts;
use crate::nearest::{self, Best, Hit, Query, SearchError};

/// A file of vectors, and the texts that were embedded as `embed` tells them beside it.
pub(super) type ToldFile = (VectorFile, Option<InputTexts>);

/// The model that made the vectors, where the files or those beside them say so.
///
/// # Errors
/// Exit 2: two models made them.
pub(super) fn model_of(files: &[ToldFile]) -> Result<Option<String>, Failure> {
    let mut known: Option<(String, &Path)> = None;
    for (file, _) in files {
        let path = file.path.as_path();
        let model = Beside::read(path).and_then(|beside| beside.model);
        let Some(model) = model.or_else(|| nearest::first_row_model(path)) else { continue };
        match &known {
            Some((other, earlier)) if *other != model => {
                let (earlier, path) = (earlier.display(), path.display());
                let what = format!("{earlier} was made by {other}, and {path} by {model}");
                let hint =
                    "vectors of two models can't be compared; search them one after the other";
                return Err(Failure::usage(what).hint(hint));
            }
            Some(_) => {}
            None => known = Some((model, path)),
        }
    }
    Ok(known.map(|(model, _)| model))
}

/// Finds out what can be known of the files before anything is asked.
///
/// # Errors
/// Exit 2: a file that can't be read or is none of vectors, one that is also what is written, or one
/// without texts where nothing else is printed.
pub(super) fn check(
    files: &[ToldFile],
    format: SimilarFormat,
    output: Option<&Path>,
) -> Result<(), Failure> {
    let same = |path: &Path| {
        let output = output.and_then(|output| output.canonicalize().ok());
        output.is_some() && output == path.canonicalize().ok()
    };
    for (file, told) in files {
        nearest::check(&file.path).map_err(failure)?;
        let ending = file.path.extension().and_then(|ending| ending.to_str());
        let has_rows_alone = matches!(ending, Some("npy" | "csv"));
        let has_texts = file.texts.is_some() || told.is_some();
        if format == SimilarFormat::Text && has_rows_alone && !has_texts {
            let failure = Failure::usage(format!("{} has no texts to print", file.path.display()));
            return Err(failure.hint("--texts FILE names the lines that its rows belong to"));
        }
        for path in file.texts.iter().chain([&file.path]) {
            if same(path) {
                let what = format!("{} is read and can't be written too", path.display());
                return Err(Failure::usage(what));
            }
        }
        if let Some(texts) = &file.texts {
            std::fs::metadata(texts)
                .map_err(|error| failure(SearchError::Unreadable(texts.clone(), error)))?;
        }
    }
    Ok(())
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
    for (file, _) in &files {
        let count = nearest::search(&file.path, query, &mut best, rows).map_err(failure)?;
        ranges.push((rows + 1, count));
        rows += count;
    }
    let mut hits = best.into_hits();
    let mut warnings = Vec::new();
    for ((file, told), (first, count)) in files.into_iter().zip(ranges) {
        if let Some(texts) = &file.texts {
            nearest::add_texts(&mut hits, texts, first, count).map_err(failure)?;
        } else if let Some(texts) = told
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
        SearchError::OtherLength { path, row, query } => Failure::new(
            FailureKind::Usage,
            format!(
                "{} has vectors of {row} numbers, and the query's has {query}: another model made them",
                path.display()
            ),
        )
        .hint("-m MODEL names the model that made the vectors"),
        SearchError::OtherLineCount { path, lines, rows } => {
            let plural = if lines == 1 { "" } else { "s" };
            let what = format!("{} has {lines} line{plural}, and there are {rows} vectors", path.display());
            Failure::usage(what).hint("line N has to be the text of vector N")
        }
    }
}
