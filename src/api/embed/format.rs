//! The forms in which vectors are written.

use std::path::Path;

use clap::ValueEnum;

/// How vectors are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum VectorFormat {
    /// One JSON array of numbers per line
    Array,
    /// One JSON object per line, with index, input and embedding
    #[value(alias = "ndjson")]
    Jsonl,
    /// One vector per line, its numbers separated by commas, no header
    Csv,
    /// A NumPy file, float32, one vector per row
    Npy,
}

impl VectorFormat {
    /// The format that a file's ending asks for; none if the ending says nothing.
    pub(crate) fn of_ending(path: &Path) -> Option<Self> {
        let format = Self::from_str(path.extension()?.to_str()?, true).ok();
        format.filter(|format| *format != Self::Array)
    }

    /// The name on the command line.
    pub(crate) fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

    /// Whether `null` can stand for a vector that is not there.
    pub(crate) fn has_null(self) -> bool {
        matches!(self, Self::Array | Self::Jsonl)
    }
}
