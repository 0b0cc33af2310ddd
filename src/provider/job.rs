//! The jobs that a service can be asked for: one row each.

/// What a service can be asked for. The names are those of profiles and rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Job {
    Chat,
    Embed,
    Image,
    ImageEdit,
    Transcribe,
    Translate,
    Speak,
    Models,
}

/// What is to be known of a job.
struct Facts {
    name: &'static str,
    words: &'static str,
    /// Behind the base URL, as the specification has it.
    path: &'static str,
    /// The table of a profile that holds request fields for the job.
    section: &'static str,
    /// Where a profile's `models` name the job's model, in order.
    models: &'static [&'static str],
}

impl Job {
    /// Every job.
    pub(crate) const ALL: [Self; 8] = [
        Job::Chat,
        Job::Embed,
        Job::Image,
        Job::ImageEdit,
        Job::Transcribe,
        Job::Translate,
        Job::Speak,
        Job::Models,
    ];

    fn facts(self) -> Facts {
        let facts =
            |name, words, path, section, models| Facts { name, words, path, section, models };
        match self {
            Job::Chat => facts("chat", "chat", "/chat/completions", "options", &["chat"]),
            Job::Embed => facts("embed", "embeddings", "/embeddings", "embed", &["embed"]),
            Job::Image => facts("image", "pictures", "/images/generations", "image", &["image"]),
            Job::ImageEdit => {
                let models = &["image_edit", "image"];
                facts("image_edit", "edits of pictures", "/images/edits", "image", models)
            }
            Job::Transcribe => {
                let path = "/audio/transcriptions";
                facts("transcribe", "transcription", path, "transcribe", &["transcribe"])
            }
            Job::Translate => {
                let (path, models) = ("/audio/translations", &["translate", "transcribe"]);
                facts("translate", "translation of speech", path, "transcribe", models)
            }
            Job::Speak => facts("speak", "speech", "/audio/speech", "speak", &["speak"]),
            Job::Models => facts("models", "a list of its models", "/models", "", &[]),
        }
    }

    /// The name in profiles and rules.
    pub(crate) fn name(self) -> &'static str {
        self.facts().name
    }

    /// The name in a sentence.
    pub(crate) fn words(self) -> &'static str {
        self.facts().words
    }

    /// The endpoint's path behind the base URL, as the specification has it.
    pub(super) fn path(self) -> &'static str {
        self.facts().path
    }

    /// The table of a profile that holds request fields for the job; empty if there is none.
    pub(super) fn section(self) -> &'static str {
        self.facts().section
    }

    /// The names in a profile's `models` that give the job's model, in order.
    pub(super) fn model_keys(self) -> &'static [&'static str] {
        self.facts().models
    }

    /// Whether a profile's `model` is meant for the job.
    pub(super) fn takes_chat_model(self) -> bool {
        matches!(self, Job::Chat | Job::Models)
    }
}
