//! The audio formats of speech: their names, file name endings and first bytes.

use crate::media::{self, FileFormat};

/// A format in which speech can be requested (specification, `response_format` of speech).
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum SpeechFormat {
    Mp3,
    /// Opus in an Ogg file
    #[value(alias = "ogg")]
    Opus,
    Aac,
    Flac,
    Wav,
    /// Samples without a header: 16 bits, 24 kHz, one channel with most services
    Pcm,
}

/// How many bytes are enough for [`SpeechFormat::of_bytes`].
pub(crate) const HEAD_BYTES: usize = 16;

impl SpeechFormat {
    /// The name on the wire.
    pub(crate) fn name(self) -> &'static str {
        match self {
            SpeechFormat::Mp3 => "mp3",
            SpeechFormat::Opus => "opus",
            SpeechFormat::Aac => "aac",
            SpeechFormat::Flac => "flac",
            SpeechFormat::Wav => "wav",
            SpeechFormat::Pcm => "pcm",
        }
    }

    /// The format for an ending of file names, without the dot and in any letter case.
    pub(crate) fn of_ending(ending: &str) -> Option<Self> {
        Some(match ending.to_ascii_lowercase().as_str() {
            "mp3" => SpeechFormat::Mp3,
            "opus" | "ogg" | "oga" => SpeechFormat::Opus,
            "aac" => SpeechFormat::Aac,
            "flac" => SpeechFormat::Flac,
            "wav" | "wave" => SpeechFormat::Wav,
            "pcm" | "raw" => SpeechFormat::Pcm,
            _ => return None,
        })
    }

    /// The format by a file's first bytes; `None` for samples without a header. `wanted` is the format
    /// that was requested: samples can look like the twelve bits at the beginning of an MP3 or AAC frame,
    /// and an ID3 tag can precede both formats.
    pub(crate) fn of_bytes(head: &[u8], wanted: Option<Self>) -> Option<Self> {
        let detected = media::detect(head)?;
        match detected.format {
            FileFormat::Wav => Some(SpeechFormat::Wav),
            FileFormat::Ogg => Some(SpeechFormat::Opus),
            FileFormat::Flac => Some(SpeechFormat::Flac),
            FileFormat::Mp3 if detected.is_certain() && wanted == Some(SpeechFormat::Aac) => wanted,
            FileFormat::Mp3 | FileFormat::Aac
                if !detected.is_certain() && wanted == Some(SpeechFormat::Pcm) =>
            {
                None
            }
            FileFormat::Mp3 => Some(SpeechFormat::Mp3),
            FileFormat::Aac => Some(SpeechFormat::Aac),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_bytes_tell_the_format() {
        let real = |head: &[u8]| SpeechFormat::of_bytes(head, None);
        assert_eq!(real(b"RIFF\xFF\xFF\xFF\xFFWAVEfmt "), Some(SpeechFormat::Wav));
        assert_eq!(real(b"RIFF\0\0\0\0AVI LIST"), None);
        assert_eq!(real(b"OggS\0\x02"), Some(SpeechFormat::Opus));
        assert_eq!(real(b"fLaC\0"), Some(SpeechFormat::Flac));
        assert_eq!(real(b"ID3\x04"), Some(SpeechFormat::Mp3));
        assert_eq!(real(b"\xFF\xFB\x90\x64"), Some(SpeechFormat::Mp3));
        assert_eq!(real(b"\xFF\xF3\x84\xC4"), Some(SpeechFormat::Mp3));
        assert_eq!(real(b"\xFF\xF1\x50\x80"), Some(SpeechFormat::Aac));
        assert_eq!(real(b"\xFF\xFF\xFF\xFF"), None);
        assert_eq!(real(b"\0\0\x01\0"), None);
        assert_eq!(real(b""), None);
        assert_eq!(SpeechFormat::of_bytes(b"\xFF\xFB\x90\x64", Some(SpeechFormat::Pcm)), None);
        assert_eq!(
            SpeechFormat::of_bytes(b"RIFF\0\0\0\0WAVE", Some(SpeechFormat::Pcm)),
            Some(SpeechFormat::Wav)
        );
        assert_eq!(
            SpeechFormat::of_bytes(b"ID3\x04", Some(SpeechFormat::Aac)),
            Some(SpeechFormat::Aac)
        );
    }

    #[test]
    fn endings_and_names_agree() {
        for ending in ["mp3", "opus", "aac", "flac", "wav", "pcm"] {
            assert_eq!(SpeechFormat::of_ending(ending).map(SpeechFormat::name), Some(ending));
        }
        assert_eq!(SpeechFormat::of_ending("OGG"), Some(SpeechFormat::Opus));
        assert_eq!(SpeechFormat::of_ending("m4a"), None);
        assert_eq!(SpeechFormat::of_ending(""), None);
    }
}
