//! What was typed after `llm embed`, as it is meant.

use std::path::PathBuf;

use serde_json::{Map, Value};

use crate::api::embed::format::VectorFormat;
use crate::api::embed::reply::DecimalVectors;
use crate::cli::embed::EmbedArgs;
use crate::command::options::RunOptions;
use crate::error::Failure;

/// How vectors are to be written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Style {
    /// `None`: the provider's replies as they came.
    pub(super) format: Option<VectorFormat>,
    pub(super) skip_errors: bool,
}

/// What a run is to do.
#[derive(Debug, Clone)]
pub(super) struct EmbedOptions {
    pub(super) texts: Vec<String>,
    pub(super) files: Vec<PathBuf>,
    /// Every line is a text of its own.
    pub(super) lines: bool,
    /// Fields of the request that flags set.
    pub(super) flags: Map<String, Value>,
    /// Most texts of a request, if the user says so.
    pub(super) batch_size: Option<usize>,
    /// The most requests at the same time, if the user says so.
    pub(super) concurrency: Option<usize>,
    pub(super) style: Style,
    pub(super) output: Option<PathBuf>,
    /// What an interrupted run kept is forgotten.
    pub(super) fresh: bool,
    /// The provider's replies are printed as they are.
    pub(super) json: bool,
    pub(super) shows_usage: bool,
}

impl EmbedOptions {
    /// # Errors
    /// Exit 2: the format contradicts the ending of the output file.
    pub(super) fn new(args: &EmbedArgs, run: &RunOptions) -> Result<Self, Failure> {
        let dimensions = args.dimensions.map(|number| ("dimensions".to_owned(), number.into()));
        Ok(Self {
            texts: args.texts.clone(),
            files: args.file.clone(),
            lines: args.lines,
            flags: dimensions.into_iter().collect(),
            batch_size: args.batch_size.and_then(|most| usize::try_from(most).ok()),
            concurrency: args.concurrency.map(|most| most as usize),
            style: style(args, run.json)?,
            output: args.output.clone(),
            fresh: args.fresh,
            json: run.json,
            shows_usage: run.usage,
        })
    }

    /// What decimal numbers in a reply become.
    pub(super) fn numbers(&self) -> DecimalVectors {
        match self.style.format {
            Some(VectorFormat::Npy) => DecimalVectors::Floats,
            _ => DecimalVectors::AsTheyCame,
        }
    }

    /// The format, if it has no place for a text without a vector.
    pub(super) fn strict_format(&self) -> Option<String> {
        let format = self.style.format.filter(|format| !format.has_null());
        format.filter(|_| !self.style.skip_errors).map(VectorFormat::name)
    }
}

/// The format: as asked for, by the ending of the file, or an array.
fn style(args: &EmbedArgs, json: bool) -> Result<Style, Failure> {
    let named = args.output.as_deref().filter(|path| path.as_os_str() != "-");
    let ending = named.and_then(VectorFormat::of_ending);
    let contradiction = |asked: &str, ending: VectorFormat| {
        let path = named.map(|path| path.display().to_string()).unwrap_or_default();
        let ending = ending.name();
        Failure::usage(format!("{asked} contradicts the ending of {path}, which is {ending}'s"))
    };
    let format = match (json, args.format, ending) {
        (true, _, Some(ending @ (VectorFormat::Csv | VectorFormat::Npy))) => {
            return Err(contradiction("--json", ending));
        }
        (true, ..) => None,
        (false, Some(format), Some(ending)) if format != ending => {
            return Err(contradiction(&format!("--format {}", format.name()), ending));
        }
        (false, format, ending) => Some(format.or(ending).unwrap_or(VectorFormat::Array)),
    };
    Ok(Style { format, skip_errors: args.skip_errors })
}
