//! The arguments of `llm transcribe`.

use std::path::PathBuf;

use clap::Args;
use serde_json::Number;

use super::chat::number;
use crate::api::transcribe::format::TranscriptFormat;

const MODEL: &str = "The model's behaviour";
const ANSWER: &str = "The answer";

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  llm transcribe -p openai 会议.mp3
  llm transcribe talk.m4a -o talk.srt -m whisper-1    the ending chooses the format
  llm transcribe *.mp3 -o subtitles/ --format vtt     a file each, in a folder that exists
  llm transcribe --translate 采访.wav                  into English
  ffmpeg -i film.mkv -vn -f mp3 - | llm transcribe -
  llm transcribe --speakers interview.mp3             who says what, where the service can
  llm transcribe -O stream=true talk.wav              text as it is heard, where the service can

Several files are printed under lines like `==> talk.m4a <==`, JSON without them. A file that
fails does not stop the others. A file above the service's limit is sent in parts and joined
again: WAV and raw samples as they are, others by way of ffmpeg.")]
pub(crate) struct TranscribeArgs {
    /// Audio files; `-` is stdin
    #[arg(value_name = "FILE", required = true)]
    pub(crate) files: Vec<PathBuf>,

    /// The spoken language, such as `zh` or `en`, if the service should not guess
    #[arg(long, value_name = "LANG", help_heading = MODEL)]
    pub(crate) language: Option<String>,

    /// Words that may occur in the recording: names, terms, or what was said before
    #[arg(long, value_name = "TEXT", help_heading = MODEL)]
    pub(crate) prompt: Option<String>,

    /// Randomness, 0 to 1 with most services
    #[arg(long, value_name = "F", value_parser = number, allow_negative_numbers = true, help_heading = MODEL)]
    pub(crate) temperature: Option<Number>,

    /// Translate what is said into English
    #[arg(long, help_heading = MODEL)]
    pub(crate) translate: bool,

    /// Say who speaks: a label a line, and in subtitles; where the service can
    #[arg(long, help_heading = ANSWER)]
    pub(crate) speakers: bool,

    /// Ask for the time of each word: in JSON, and for subtitles of short lines
    #[arg(long, help_heading = ANSWER)]
    pub(crate) words: bool,

    /// The most characters in a line of subtitles (42 with --words)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..), help_heading = ANSWER)]
    pub(crate) max_line: Option<u16>,

    /// The most lines of a subtitle (2 with --words)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..), help_heading = ANSWER)]
    pub(crate) max_lines: Option<u16>,

    /// Forget the parts of a long recording that an interrupted run with the same -o kept
    #[arg(long, help_heading = ANSWER)]
    pub(crate) fresh: bool,

    /// The format of the transcript [default: by the ending of -o, else text]
    #[arg(long, value_enum, value_name = "FORMAT", help_heading = ANSWER)]
    pub(crate) format: Option<TranscriptFormat>,

    /// Write to a file, which appears only when it is whole, or to files in a folder; `-` is stdout
    #[arg(short = 'o', long, value_name = "FILE|FOLDER", help_heading = ANSWER)]
    pub(crate) output: Option<PathBuf>,
}
