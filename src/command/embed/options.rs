//! What was typed after `llm embed`, as it is meant.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::sidecar::{self, TextUnit, VectorOrigin};
use crate::api::embed::format::VectorFormat;
use crate::api::embed::reply::DecimalVectors;
use crate::cli::embed::EmbedArgs;
use crate::command::options::RunOptions;
use crate::command::steps::refuse_own_input;
use crate::error::Failure;
use crate::input::RowColumns;
use crate::input::stdin::is_stdin;
use crate::input::texts::TextSources;
use crate::journal::path_beside;

/// How vectors are to be written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Style {
    /// `None`: the provider's replies as they came.
    pub(super) format: Option<VectorFormat>,
    pub(super) skip_errors: bool,
}

/// What a run is to do.
#[derive(Debug, Clone)]
pub(in crate::command) struct EmbedOptions {
    pub(super) texts: Vec<String>,
    pub(super) files: Vec<PathBuf>,
    /// Every line is a text of its own.
    pub(super) lines: bool,
    /// The columns of rows that are read.
    pub(super) columns: Option<RowColumns>,
    /// The output is a file that is brought up to date.
    pub(super) is_update: bool,
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
        let style = style(args, run.json)?;
        if let Some(id) = args.id.as_ref().filter(|_| style.format != Some(VectorFormat::Jsonl)) {
            let format = style.format.map(VectorFormat::name).unwrap_or_default();
            let words = format!("--id {id} has no place in {format}: only jsonl keeps it");
            return Err(Failure::usage(words).hint("add --format jsonl, or write to a .jsonl file"));
        }
        if args.id.is_some() && args.field.is_none() {
            return Err(Failure::usage(
                "--id names a column of rows, and --field the one of the texts",
            )
            .hint("add --field NAME"));
        }
        let columns = args.field.clone().map(|text| RowColumns { text, id: args.id.clone() });
        let output = args.update.clone().or_else(|| args.output.clone());
        refuse_own_input(output.as_deref(), &args.file)?;
        Ok(Self {
            texts: args.texts.clone(),
            files: args.file.clone(),
            lines: args.lines,
            flags: dimensions_field(args.dimensions),
            batch_size: args.batch_size.and_then(|most| usize::try_from(most).ok()),
            concurrency: args.concurrency.map(|most| most as usize),
            columns,
            is_update: args.update.is_some(),
            style,
            output,
            fresh: args.fresh,
            json: run.json,
            shows_usage: run.usage,
        })
    }

    /// For lines whose vectors are compared and not written; `dimensions` is the length that is asked for.
    pub(in crate::command) fn of_compared_lines(dimensions: Option<usize>) -> Self {
        Self {
            texts: Vec::new(),
            files: Vec::new(),
            lines: true,
            columns: None,
            is_update: false,
            flags: dimensions_field(dimensions),
            batch_size: None,
            concurrency: None,
            style: Style { format: Some(VectorFormat::Npy), skip_errors: true },
            output: None,
            fresh: false,
            json: false,
            shows_usage: false,
        }
    }

    /// Where the texts come from.
    pub(super) fn sources(&self) -> TextSources<'_> {
        let beside = |path: &PathBuf| [path.clone(), path_beside(path), sidecar::path_beside(path)];
        TextSources {
            words: &self.texts,
            files: &self.files,
            lines: self.lines,
            columns: self.columns.clone(),
            skip: self.output.iter().flat_map(beside).collect(),
        }
    }

    /// What is told of the vectors beside a file that has no place for it.
    pub(super) fn origin(&self, model: Option<String>, provider: String) -> VectorOrigin {
        let is_elsewhere = !self.texts.is_empty() || self.files.iter().any(|path| is_stdin(path));
        let texts = if is_elsewhere { Vec::new() } else { self.files.clone() };
        let unit = match &self.columns {
            Some(columns) => TextUnit::Field(columns.text.clone()),
            None if self.lines => TextUnit::Line,
            None => TextUnit::File,
        };
        VectorOrigin { model, provider, texts, unit }
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

/// The field of a request that asks for so many numbers.
fn dimensions_field(dimensions: Option<impl Into<Value>>) -> Map<String, Value> {
    dimensions.map(|number| ("dimensions".to_owned(), number.into())).into_iter().collect()
}

/// The format: as asked for, by the ending of the file, or an array.
fn style(args: &EmbedArgs, json: bool) -> Result<Style, Failure> {
    let output = args.update.as_deref().or(args.output.as_deref());
    let named = output.filter(|path| path.as_os_str() != "-");
    let of_ending = named.and_then(VectorFormat::of_ending);
    if args.update.is_some()
        && let Some(other @ (VectorFormat::Csv | VectorFormat::Npy)) = of_ending
    {
        let path = output.unwrap_or(Path::new("")).display();
        let words = format!("--update keeps jsonl, and the ending of {path} is {}'s", other.name());
        return Err(Failure::usage(words)
            .hint("-o makes such a file anew, --update FILE.jsonl asks for new lines alone"));
    }
    let ending = match args.update {
        Some(_) => Some(VectorFormat::Jsonl),
        None => of_ending,
    };
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
