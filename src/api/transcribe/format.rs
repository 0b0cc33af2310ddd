//! The forms of a transcript; the names are the specification's.

use std::path::Path;

use clap::ValueEnum;

/// The form of a transcript.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum TranscriptFormat {
    /// The words alone
    Text,
    /// JSON with the text
    Json,
    /// Subtitles, as most players take them
    Srt,
    /// Subtitles, as browsers take them
    Vtt,
    /// JSON with the time of each segment
    #[value(name = "verbose_json")]
    VerboseJson,
}

/// Endings of other subtitles, lyrics and tables of times.
const FOREIGN: [&str; 12] =
    ["ass", "ssa", "lrc", "sbv", "sub", "stl", "ttml", "dfxp", "itt", "smi", "scc", "tsv"];

impl TranscriptFormat {
    /// The format that the ending of a file means; none if it means none.
    pub(crate) fn of_ending(path: &Path) -> Option<Self> {
        let ending = path.extension()?.to_string_lossy().to_lowercase();
        let formats = [Self::Text, Self::Json, Self::Srt, Self::Vtt];
        formats.into_iter().find(|format| format.ending() == ending)
    }

    /// Whether an ending is that of subtitles or tables which are not made here.
    pub(crate) fn is_foreign(path: &Path) -> bool {
        let ending = path.extension().map(|ending| ending.to_string_lossy().to_lowercase());
        ending.is_some_and(|ending| FOREIGN.contains(&ending.as_str()))
    }

    /// The ending of its files, without the dot.
    pub(crate) fn ending(self) -> &'static str {
        match self {
            Self::Text => "txt",
            Self::Json | Self::VerboseJson => "json",
            Self::Srt => "srt",
            Self::Vtt => "vtt",
        }
    }

    /// The name on the command line.
    pub(crate) fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

    /// The specification's name of what is asked for. Plain text is taken out of the JSON answer:
    /// `json` is the one format that every service has (gpt-4o-transcribe, llama-server and OpenRouter
    /// have no other, LocalAI answers `text` with an error, vLLM answers it with JSON).
    pub(crate) fn wire_name(self) -> String {
        if self == Self::Text { Self::Json.name() } else { self.name() }
    }

    /// Whether it tells when each part was said.
    pub(crate) fn has_times(self) -> bool {
        !matches!(self, Self::Text | Self::Json)
    }

    /// Whether it is subtitles.
    pub(crate) fn is_subtitles(self) -> bool {
        matches!(self, Self::Srt | Self::Vtt)
    }
}
