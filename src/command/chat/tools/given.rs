//! What a call gave: a text for the model, and files beside it.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::conversation::{ResultFile, TurnFile};
use crate::input;

/// What a call gave.
#[derive(Debug, Default)]
pub(super) struct CallResult {
    pub(super) text: String,
    pub(super) files: Vec<ResultFile>,
}

impl From<String> for CallResult {
    fn from(text: String) -> Self {
        Self { text, files: Vec::new() }
    }
}

/// Gives the files of a run their names, each another one.
#[derive(Debug, Default)]
pub(super) struct ResultFileNames(AtomicUsize);

impl ResultFileNames {
    /// What a tool gave as a file, named after it; `None` if no model takes what it is.
    pub(super) fn named(&self, tool: &str, bytes: &[u8]) -> Option<ResultFile> {
        let number = self.0.load(Ordering::Relaxed) + 1;
        let attachment = input::attachment_of_bytes(&format!("{tool}-{number}"), bytes.to_vec())?;
        self.0.store(number, Ordering::Relaxed);
        let kept = TurnFile { name: attachment.name.clone(), content: None };
        Some(ResultFile { kept, attachment: Some(attachment) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_named_after_their_tool_and_counted() {
        let names = ResultFileNames::default();
        let named = |bytes: &[u8]| names.named("look", bytes).map(|file| file.kept.name);
        assert_eq!(named(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR").as_deref(), Some("look-1.png"));
        assert_eq!(named(b"<svg/>"), None);
        assert_eq!(named(b""), None);
        assert_eq!(named(b"RIFF\x24\0\0\0WAVEfmt ").as_deref(), Some("look-2.wav"));
    }
}
