//! The arguments of `llm speak`.

use std::path::PathBuf;

use clap::Args;
use serde_json::Number;

use super::chat::number;
use crate::audio::format::SpeechFormat;

const SPEECH: &str = "The speech";

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  llm speak -p openai -o hello.mp3 \"你好，世界\"
  llm speak -o book.opus -f chapter.txt          a text of any length, in one file
  llm speak --play --voice nova \"good morning\"
  llm chat \"tell me a story\" | llm speak --plain --play
  llm speak -p demo -o tones.wav \"你好\"          no key, no network, no voice either

The file's ending chooses the format: mp3, opus (or ogg), aac, flac, wav, pcm. Without -o and
--format the service chooses, mostly mp3. A text longer than the service takes at once is cut at
sentence ends, and the parts are joined into one file.")]
pub(crate) struct SpeakArgs {
    /// The text: all words joined by a space
    #[arg(value_name = "TEXT")]
    pub(crate) text: Vec<String>,

    /// A text file to speak, before the other text; `-` is stdin; repeatable
    #[arg(short = 'f', long, value_name = "FILE")]
    pub(crate) file: Vec<PathBuf>,

    /// Do not read standard input
    #[arg(long)]
    pub(crate) no_stdin: bool,

    /// Write the audio to a file, which appears only when it is whole; `-` is stdout
    #[arg(short = 'o', long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,

    /// Leave out what is not for ears: marks of Markdown, code blocks, addresses of links, emoji
    #[arg(long)]
    pub(crate) plain: bool,

    /// Forget the parts of a long text that an interrupted run with the same -o kept
    #[arg(long)]
    pub(crate) fresh: bool,

    /// Play it with ffplay, mpv, afplay, paplay or aplay, whichever is installed; without -o sentence by
    /// sentence, as the text comes
    #[arg(long)]
    pub(crate) play: bool,

    /// The voice; each service has its own names
    #[arg(long, value_name = "NAME", help_heading = SPEECH)]
    pub(crate) voice: Option<String>,

    /// The audio format [default: by the file's ending]
    #[arg(long, value_enum, ignore_case = true, value_name = "FMT", help_heading = SPEECH)]
    pub(crate) format: Option<SpeechFormat>,

    /// How fast to speak, 0.25 to 4 with most services
    #[arg(long, value_name = "F", value_parser = number, allow_negative_numbers = true, help_heading = SPEECH)]
    pub(crate) speed: Option<Number>,

    /// How to speak: mood, accent, pace, where the model supports it
    #[arg(long, value_name = "TEXT", help_heading = SPEECH)]
    pub(crate) instructions: Option<String>,
}
