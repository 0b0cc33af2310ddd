//! The words that a profile file may use as values, and the nearest known name to a mistyped one.

/// A value out of a closed list of words.
pub(crate) trait Word: Copy + 'static {
    /// Every word, in the order in which messages list them.
    const WORDS: &'static [Self];

    /// The word as it is written.
    fn word(self) -> &'static str;

    /// The value that a word stands for.
    fn of(word: &str) -> Option<Self> {
        Self::WORDS.iter().copied().find(|known| known.word() == word)
    }

    /// All words as they are written.
    fn names() -> Vec<&'static str> {
        Self::WORDS.iter().map(|known| known.word()).collect()
    }
}

/// Declares an enum whose values are words.
macro_rules! words {
    (
        $(#[$meta:meta])*
        enum $name:ident { $($(#[$variant_meta:meta])* $variant:ident = $word:literal,)* }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
        pub(crate) enum $name {
            $($(#[$variant_meta])* #[serde(rename = $word)] $variant,)*
        }

        impl $crate::config::schema::Word for $name {
            const WORDS: &'static [Self] = &[$(Self::$variant),*];

            fn word(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)*
                }
            }
        }
    };
}

pub(super) use words;

words! {
    /// What a service may be known not to take: attachments of a kind, or of one format, or a message
    /// with the system role.
    enum AttachmentKind {
        Image = "image",
        Audio = "audio",
        Pdf = "pdf",
        Png = "png",
        Jpeg = "jpeg",
        Gif = "gif",
        Webp = "webp",
        Wav = "wav",
        Mp3 = "mp3",
        System = "system",
    }
}

words! {
    /// How chat takes audio.
    enum AudioData {
        /// Plain base64, as the specification has it.
        Base64 = "base64",
        /// A data URL.
        Url = "url",
    }
}

words! {
    /// How chat takes PDF.
    enum PdfData {
        /// A part `file`, as the specification has it.
        File = "file",
        /// A part `document_url` with a data URL.
        DocumentUrl = "document_url",
    }
}

words! {
    /// The endpoint that a chat asks.
    #[derive(Default)]
    enum ChatApi {
        /// `/chat/completions`.
        #[default]
        Completions = "completions",
        /// `/responses`.
        Responses = "responses",
    }
}

words! {
    /// What a service's `/responses` takes beyond what all take.
    enum ResponsesExtra {
        /// It gives its thinking encrypted if it is asked to, and takes it back.
        Encrypted = "encrypted",
        /// It gives summaries of its thinking if it is asked to, and only then.
        Summary = "summary",
        /// It takes thinking back that came in plain words.
        Thinking = "thinking",
        /// It takes the words of a refusal back as a refusal.
        Refusal = "refusal",
        /// It wants an id and a status with what the model said.
        Ids = "ids",
        /// It takes pictures and documents in the answer of a tool.
        ResultFiles = "result_files",
    }
}

words! {
    /// How token counts come into a stream.
    enum StreamUsage {
        /// They have to be asked for.
        Ask = "ask",
        /// They come by themselves.
        Sent = "sent",
        /// There are none.
        Never = "never",
    }
}

words! {
    /// Whether the chunks of a stream come to a `finish_reason` where they have the field.
    enum FinishReason {
        Sent = "sent",
        /// It is null to the end: `[DONE]` is all that tells it.
        Never = "never",
    }
}

words! {
    /// How a service is told of a schema.
    #[derive(Default)]
    enum SchemaForm {
        /// `response_format` holds the schema.
        #[default]
        JsonSchema = "json_schema",
        /// `response_format` asks for JSON, the instructions hold the schema.
        JsonObject = "json_object",
        /// Only the instructions.
        Instructions = "instructions",
    }
}

words! {
    /// How a service is told of a tool's arguments.
    #[derive(Default)]
    enum ToolSchemaForm {
        /// JSON Schema, as the specification has it.
        #[default]
        JsonSchema = "json_schema",
        /// The part of OpenAPI 3.0 that Gemini has.
        OpenApi = "openapi",
    }
}

words! {
    /// Where in chat the pictures and recordings of a tool's answer stand.
    enum ResultFiles {
        /// In a message of the user's behind the answer, as the specification has no other place.
        User = "user",
        /// In the answer itself.
        Tool = "tool",
    }
}

words! {
    /// The form of requests to a reranker.
    #[derive(Default)]
    enum RerankForm {
        /// `documents`, and `top_n` of them.
        #[default]
        Cohere = "cohere",
        /// `documents`, and `top_k` of them.
        Voyage = "voyage",
        /// `passages` of NVIDIA's NIM.
        Nim = "nim",
        /// `texts` of Hugging Face's Text Embeddings Inference.
        Tei = "tei",
    }
}

impl RerankForm {
    /// Whether a request names a model: a server of Hugging Face's has one alone.
    pub(crate) fn takes_model(self) -> bool {
        self != Self::Tei
    }
}

words! {
    /// The form of a service's Batch API.
    enum BatchForm {
        /// A file is uploaded, a batch is made of it, its results are files.
        OpenAi = "openai",
        /// Mistral's jobs: the model belongs to the job.
        Mistral = "mistral",
        /// Results come in pages, and no word tells the state.
        Xai = "xai",
        /// The requests stand in the call itself, and the results in its state.
        OpenRouter = "openrouter",
        /// Anthropic's own requests, which are not those of chat.
        Anthropic = "anthropic",
    }
}

/// The known name nearest to a mistyped one, if one is near enough to be meant.
pub(crate) fn nearest<'a>(
    typed: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    known
        .into_iter()
        .map(|name| (strsim::jaro_winkler(typed, name), name))
        .filter(|(likeness, _)| *likeness > 0.75)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typing_error_finds_its_name() {
        let fields = || ["title", "model", "models", "api_key", "api_key_cmd", "base_url"];
        assert_eq!(nearest("modle", fields()), Some("model"));
        assert_eq!(nearest("api_key_command", fields()), Some("api_key_cmd"));
        assert_eq!(nearest("baseurl", fields()), Some("base_url"));
        assert_eq!(nearest("zzz", fields()), None);
    }

    #[test]
    fn a_word_is_found_by_its_name() {
        assert_eq!(SchemaForm::of("json_object"), Some(SchemaForm::JsonObject));
        assert_eq!(SchemaForm::of("JsonObject"), None);
        assert_eq!(StreamUsage::names(), ["ask", "sent", "never"]);
    }
}
