//! The limits of a request, as profiles name them.

/// A limit out of a profile's `limits`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RequestLimit {
    /// Characters of a text that is to be spoken.
    SpeechCharacters,
    /// Bytes of a file that is sent.
    UploadBytes,
    /// Texts of one request for embeddings.
    EmbedInputs,
    /// Requests in the file of a batch.
    BatchRequests,
    /// Bytes of that file.
    BatchBytes,
}

impl RequestLimit {
    /// The name in a profile.
    pub(super) fn name(self) -> &'static str {
        match self {
            RequestLimit::SpeechCharacters => "speech_characters",
            RequestLimit::UploadBytes => "upload_bytes",
            RequestLimit::EmbedInputs => "embed_inputs",
            RequestLimit::BatchRequests => "batch_requests",
            RequestLimit::BatchBytes => "batch_bytes",
        }
    }
}
