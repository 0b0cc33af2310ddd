//! What was typed after `llm transcribe`, as it is meant.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use crate::api::transcribe::cue::{self, CueLayout};
use crate::api::transcribe::format::TranscriptFormat;
use crate::cli::transcribe::TranscribeArgs;
use crate::command::options::RunOptions;
use crate::error::Failure;
use crate::provider::Job;

/// What a run is to do.
#[derive(Debug, Clone)]
pub(super) struct TranscribeOptions {
    pub(super) files: Vec<PathBuf>,
    pub(super) job: Job,
    /// Fields of the request that flags set.
    pub(super) flags: Map<String, Value>,
    pub(super) format: TranscriptFormat,
    /// The user named the format.
    pub(super) is_chosen: bool,
    pub(super) output: Option<PathBuf>,
    /// The transcript says who speaks.
    pub(super) speakers: bool,
    /// The time of each word is asked for.
    pub(super) words: bool,
    /// How much a subtitle shows, where the user says so.
    pub(super) layout: Option<CueLayout>,
    /// Parts that an earlier run kept are forgotten.
    pub(super) is_fresh: bool,
    /// The provider's JSON is printed as it is.
    pub(super) json: bool,
    pub(super) shows_usage: bool,
}

impl TranscribeOptions {
    /// # Errors
    /// Exit 2: the format contradicts the ending of the output file, or `--json`.
    pub(super) fn new(args: &TranscribeArgs, run: &RunOptions) -> Result<Self, Failure> {
        let (format, is_chosen) = format(args, run.json)?;
        if args.words && format == TranscriptFormat::Text && !run.json {
            return Err(Failure::usage("--words has no place in plain text")
                .hint("--format srt, vtt or json shows times"));
        }
        let flags = [
            ("language", args.language.clone().map(Value::from)),
            ("prompt", args.prompt.clone().map(Value::from)),
            ("temperature", args.temperature.clone().map(Value::Number)),
        ];
        let flags =
            flags.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect();
        Ok(Self {
            files: args.files.clone(),
            job: if args.translate { Job::Translate } else { Job::Transcribe },
            flags,
            format,
            is_chosen,
            output: args.output.clone(),
            speakers: args.speakers,
            words: args.words,
            layout: layout(args, format)?,
            is_fresh: args.fresh,
            json: run.json,
            shows_usage: run.usage,
        })
    }

    /// Times are wanted, by the format or by a flag.
    pub(super) fn has_times(&self) -> bool {
        self.format.has_times() || self.words
    }

    /// The format that is asked for first: for words, or to say who speaks, the one that has them.
    pub(super) fn wire(&self) -> TranscriptFormat {
        let in_json = self.format.is_subtitles() && self.speakers;
        if self.words || in_json { TranscriptFormat::VerboseJson } else { self.format }
    }

    /// There are several files.
    pub(super) fn is_many(&self) -> bool {
        self.files.len() > 1
    }

    /// What is printed is JSON.
    pub(super) fn is_json(&self) -> bool {
        self.json || matches!(self.format, TranscriptFormat::Json | TranscriptFormat::VerboseJson)
    }
}

/// How much a subtitle shows, where a flag says so.
fn layout(args: &TranscribeArgs, format: TranscriptFormat) -> Result<Option<CueLayout>, Failure> {
    if (args.max_line.is_some() || args.max_lines.is_some()) && !format.is_subtitles() {
        let flag = if args.max_line.is_some() { "--max-line" } else { "--max-lines" };
        return Err(Failure::usage(format!("{flag} is for subtitles"))
            .hint("add --format srt or vtt, or -o FILE.srt"));
    }
    let is_asked = args.words || args.max_line.is_some() || args.max_lines.is_some();
    Ok((is_asked && format.is_subtitles()).then(|| CueLayout {
        line: args.max_line.map_or(cue::USUAL.line, usize::from),
        lines: args.max_lines.map_or(cue::USUAL.lines, usize::from),
    }))
}

/// The form of the transcript, and whether the user named it (by `--format` or an ending).
fn format(args: &TranscribeArgs, json: bool) -> Result<(TranscriptFormat, bool), Failure> {
    let output = args.output.as_deref().filter(|path| path.as_os_str() != "-");
    let ending = output.filter(|path| !is_folder(path)).and_then(TranscriptFormat::of_ending);
    if args.format.is_none()
        && let Some(path) = output.filter(|path| TranscriptFormat::is_foreign(path))
    {
        let words = format!("{} can't be written: its format is not known here", path.display());
        return Err(Failure::usage(words).hint(
            "the ending may be txt, json, srt or vtt; --format names one for another ending",
        ));
    }
    let is_same =
        |format: TranscriptFormat| ending.is_none_or(|of_file| of_file.ending() == format.ending());
    if let (Some(format), Some(path)) = (args.format.filter(|format| !is_same(*format)), output) {
        let (name, path) = (format.name(), path.display());
        let words = format!("--format {name} and -o {path} contradict each other");
        return Err(Failure::usage(words)
            .hint(format!("leave one out, or name a file that ends in .{}", format.ending())));
    }
    let chosen = args.format.or(ending);
    if json && let Some(format) = chosen.filter(|format| format.is_subtitles()) {
        let words = format!("--json and subtitles ({}) contradict each other", format.name());
        return Err(
            Failure::usage(words).hint("`--json --format verbose_json` prints the times as JSON")
        );
    }
    Ok((chosen.unwrap_or(TranscriptFormat::Text), chosen.is_some()))
}

/// Whether a path names a folder, there or not.
pub(super) fn is_folder(path: &Path) -> bool {
    path.is_dir() || path.as_os_str().to_string_lossy().ends_with(['/', std::path::MAIN_SEPARATOR])
}
