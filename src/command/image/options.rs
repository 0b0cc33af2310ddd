//! What was typed after `llm image`, as it is meant.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use crate::api::image::format::ImageFormat;
use crate::cli::image::ImageArgs;
use crate::command::options::RunOptions;
use crate::error::Failure;

/// The most bytes of a downloaded picture, unless `--max-bytes` says otherwise: 100 MiB.
const MAX_DOWNLOAD: u64 = 100 << 20;

/// What a run is to do.
#[derive(Debug, Clone)]
pub(super) struct ImageOptions {
    pub(super) words: Vec<String>,
    pub(super) no_stdin: bool,
    /// The pictures of an edit.
    pub(super) files: Vec<PathBuf>,
    pub(super) mask: Option<PathBuf>,
    /// Fields of the request that flags set.
    pub(super) flags: Map<String, Value>,
    /// The format that the ending of the output file stands for.
    pub(super) ending: Option<ImageFormat>,
    pub(super) output: Option<PathBuf>,
    /// The pictures are drawn in the terminal, too.
    pub(super) shows: bool,
    /// The most bytes of a picture that is downloaded.
    pub(super) max_bytes: u64,
    pub(super) shows_usage: bool,
}

impl ImageOptions {
    /// # Errors
    /// Exit 2: the format or `--json` contradicts the ending of the output file.
    pub(super) fn new(args: &ImageArgs, run: &RunOptions) -> Result<Self, Failure> {
        Ok(Self {
            words: args.prompt.clone(),
            no_stdin: args.no_stdin,
            files: args.file.clone(),
            mask: args.mask.clone(),
            flags: flags(args),
            ending: ending(args, run.json)?,
            output: args.output.clone(),
            shows: args.show,
            max_bytes: args.max_bytes.unwrap_or(MAX_DOWNLOAD),
            shows_usage: run.usage,
        })
    }
}

/// The fields of the request that flags set.
fn flags(args: &ImageArgs) -> Map<String, Value> {
    let fields = [
        ("n", args.number.map(|number| json!(number))),
        ("size", args.size.as_ref().map(|size| json!(size))),
        ("quality", args.quality.as_ref().map(|quality| json!(quality))),
        ("background", args.background.as_ref().map(|background| json!(background))),
        ("output_format", args.format.map(|format| json!(format.name()))),
    ];
    fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

/// The format that the output file's ending stands for.
fn ending(args: &ImageArgs, json: bool) -> Result<Option<ImageFormat>, Failure> {
    let Some(output) = &args.output else { return Ok(None) };
    let name = output.display();
    let format = ending_of(output).and_then(ImageFormat::of_ending);
    if json && format.is_some() {
        let failure =
            Failure::usage(format!("--json writes no picture, but {name} has the ending of one"));
        return Err(failure.hint("name the file .json, or leave out --json"));
    }
    match (format, args.format) {
        (Some(of_name), Some(asked)) if of_name != asked => {
            let asked = asked.name();
            Err(Failure::usage(format!("--format {asked} contradicts the ending of {name}")))
        }
        _ => Ok(format),
    }
}

/// The ending of a path, if it has one that is text.
pub(super) fn ending_of(path: &Path) -> Option<&str> {
    path.extension().and_then(|ending| ending.to_str())
}
