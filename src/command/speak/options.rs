//! What was typed after `llm speak`, as it is meant.

use std::path::{Path, PathBuf};

use serde_json::{Map, Number, Value};

use crate::audio::format::SpeechFormat;
use crate::cli::speak::SpeakArgs;
use crate::command::options::RunOptions;
use crate::error::Failure;

/// What a run is to do.
#[derive(Debug, Clone)]
pub(super) struct SpeakOptions {
    pub(super) words: Vec<String>,
    pub(super) files: Vec<PathBuf>,
    pub(super) no_stdin: bool,
    pub(super) output: Option<PathBuf>,
    /// The sound is played.
    pub(super) plays: bool,
    /// The marks of Markdown are not spoken.
    pub(super) is_plain: bool,
    /// Parts that an earlier run kept are forgotten.
    pub(super) is_fresh: bool,
    /// The format that the user wants, by `--format` or the ending of the file.
    pub(super) wish: Option<SpeechFormat>,
    voice: Option<String>,
    instructions: Option<String>,
    speed: Option<Number>,
    pub(super) json: bool,
    pub(super) shows_usage: bool,
}

impl SpeakOptions {
    /// # Errors
    /// Exit 2: the format contradicts the ending of the output file, or neither tells.
    pub(super) fn new(args: &SpeakArgs, run: &RunOptions) -> Result<Self, Failure> {
        Ok(Self {
            words: args.text.clone(),
            files: args.file.clone(),
            no_stdin: args.no_stdin,
            output: args.output.clone(),
            plays: args.play,
            is_plain: args.plain,
            is_fresh: args.fresh,
            wish: wish(args, run)?,
            voice: args.voice.clone(),
            instructions: args.instructions.clone(),
            speed: args.speed.clone(),
            json: run.json,
            shows_usage: run.usage,
        })
    }

    /// The sound is played alone: sentence by sentence, as the text comes.
    pub(super) fn is_live(&self) -> bool {
        self.plays && self.output.is_none()
    }

    /// The fields of the request that the user set; `format` is the one that is wanted by now.
    pub(super) fn flags(&self, format: Option<SpeechFormat>) -> Map<String, Value> {
        let fields = [
            ("voice", self.voice.clone().map(Value::from)),
            ("instructions", self.instructions.clone().map(Value::from)),
            ("response_format", format.map(|format| format.name().into())),
            ("speed", self.speed.clone().map(Value::Number)),
        ];
        fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
    }
}

/// The format that the user wants, by `--format` or the ending of the file.
fn wish(args: &SpeakArgs, run: &RunOptions) -> Result<Option<SpeechFormat>, Failure> {
    let is_set = |path: &[String]| path == ["response_format"];
    let is_by_option = run.service.settings.iter().any(|setting| is_set(&setting.path));
    let Some(path) = args.output.as_deref().filter(|path| is_named(path)) else {
        return Ok(args.format);
    };
    if run.json {
        return Ok(args.format);
    }
    match (named(Some(path)), args.format) {
        // `-O` wins over all; the ending then says nothing.
        (_, None) if is_by_option => Ok(None),
        (Some(by_name), Some(format)) if by_name != format => Err(Failure::usage(format!(
            "{} has the ending of {}, but --format says {}",
            path.display(),
            by_name.name(),
            format.name()
        ))
        .hint("leave --format out, or give the file another ending")),
        (Some(format), _) | (None, Some(format)) => Ok(Some(format)),
        (None, None) => {
            let name = path.display();
            Err(Failure::usage(format!("the ending of {name} names no audio format"))
                .hint("mp3, opus, ogg, aac, flac, wav and pcm do; or name one with --format"))
        }
    }
}

/// The format that the ending of the file means.
pub(super) fn named(output: Option<&Path>) -> Option<SpeechFormat> {
    let ending = output.filter(|path| is_named(path))?.extension()?;
    SpeechFormat::of_ending(&ending.to_string_lossy())
}

/// Whether a path names a file by its ending: not standard output, no device and no folder.
pub(super) fn is_named(path: &Path) -> bool {
    path.as_os_str() != "-" && std::fs::metadata(path).map_or(true, |facts| facts.is_file())
}
