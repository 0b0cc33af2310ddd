//! The jobs that a service can be asked for, by the names that profiles and rules use.

use super::schema::{Word, words};

words! {
    /// What a service can be asked for.
    enum Job {
        Chat = "chat",
        Embed = "embed",
        Image = "image",
        ImageEdit = "image_edit",
        Transcribe = "transcribe",
        Translate = "translate",
        Speak = "speak",
        Rerank = "rerank",
        Models = "models",
    }
}

impl Job {
    /// Every job.
    pub(crate) const ALL: &'static [Self] = Self::WORDS;

    /// The name in profiles and rules.
    pub(crate) fn name(self) -> &'static str {
        self.word()
    }
}
