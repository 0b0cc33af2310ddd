//! The name and the media type under which an audio file is uploaded, by its name and its first bytes.

use std::path::Path;

use crate::media::{self, FileFormat, FormatGroup};

/// How many bytes at a file's beginning are enough for [`AudioUpload::of`].
pub(crate) const HEAD_BYTES: usize = 4096;

/// How an audio file is uploaded. Services go by the ending of its name, and refuse one that does not
/// fit the bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AudioUpload {
    /// The name to send, without folders.
    pub(crate) filename: String,
    pub(crate) content_type: &'static str,
}

impl AudioUpload {
    /// Decides by the first bytes (`head`, [`HEAD_BYTES`] are enough), and by the file's name where those
    /// tell nothing. What goes out has the ending of its format, in a spelling that services know.
    ///
    /// # Errors
    /// What the file is, if it is certainly not audio, in words that go on after "it is".
    pub(crate) fn of(path: &Path, head: &[u8]) -> Result<Self, &'static str> {
        let name = path.file_name().map_or("audio".into(), |name| name.to_string_lossy());
        let ending = path.extension().map(|ending| ending.to_string_lossy().to_lowercase());
        let known = ENDINGS.iter().find(|(known, _)| ending.as_deref() == Some(*known));
        let detected = media::detect(head);
        let sound = detected.filter(|detected| {
            matches!(detected.format.group(), FormatGroup::Audio | FormatGroup::Video)
        });
        // Raw samples can look like anything.
        let is_raw = known.is_some_and(|(ending, _)| *ending == "pcm");
        if sound.is_none() && !is_raw {
            if let Some(other) = detected.filter(|detected| detected.is_certain()) {
                return Err(words(other.format));
            }
            if is_text(head) {
                return Err("text");
            }
        }
        let by_name = |content_type| Self { filename: name.to_string(), content_type };
        Ok(match (known, sound) {
            (Some((_, content_type)), _) if is_raw => by_name(*content_type),
            (_, Some(sound)) => Self::named(&name, ending.as_deref(), sound.format),
            (Some((_, content_type)), None) => by_name(*content_type),
            (None, None) => by_name("application/octet-stream"),
        })
    }

    /// The name with an ending of this format: its own, if services know it for the format; else the
    /// format's in the place of an ending of sound, or behind the name.
    fn named(name: &str, ending: Option<&str>, format: FileFormat) -> Self {
        let content_type = format.media_type();
        let listed = ENDINGS.iter().find(|(known, _)| ending == Some(*known));
        let is_right =
            |(ending, kind): &(&str, &str)| *kind == content_type && !MISSPELT.contains(ending);
        if listed.is_some_and(is_right) {
            return Self { filename: name.to_owned(), content_type };
        }
        let stem = match listed {
            Some((ending, _)) => &name[..name.len() - ending.len() - 1],
            None => name,
        };
        Self { filename: format!("{stem}.{}", format.ending()), content_type }
    }

    /// Whether the specification's list of formats lacks this one (flac, mp3, mp4, mpeg, mpga, m4a, ogg,
    /// wav, webm). Services that convert by themselves take more.
    pub(crate) fn is_unlisted(&self) -> bool {
        matches!(
            self.content_type,
            "audio/aac"
                | "audio/amr"
                | "audio/x-ms-wma"
                | "audio/aiff"
                | "audio/x-caf"
                | "video/x-msvideo"
        )
    }

    /// The format's name in JSON: the usual ending of the media type, or that of the name.
    pub(crate) fn format(&self) -> String {
        let ending = Path::new(&self.filename).extension();
        let ending = ending.map(|ending| ending.to_string_lossy().to_lowercase());
        match self.content_type {
            "audio/mpeg" => "mp3".to_owned(),
            "audio/mp4" => "m4a".to_owned(),
            "audio/ogg" => "ogg".to_owned(),
            _ => ending.unwrap_or_else(|| "wav".to_owned()),
        }
    }
}

/// Endings by which services refuse what they take under the format's usual one.
const MISSPELT: [&str; 6] = ["oga", "opus", "m4b", "mov", "mkv", "mka"];

/// Endings with their media types (IANA; `audio/wav` and the like as services and browsers write them).
const ENDINGS: &[(&str, &str)] = &[
    ("mp3", "audio/mpeg"),
    ("mpga", "audio/mpeg"),
    ("mpeg", "audio/mpeg"),
    ("mp4", "audio/mp4"),
    ("m4a", "audio/mp4"),
    ("m4b", "audio/mp4"),
    ("mov", "audio/mp4"),
    ("mkv", "audio/webm"),
    ("mka", "audio/webm"),
    ("wav", "audio/wav"),
    ("webm", "audio/webm"),
    ("ogg", "audio/ogg"),
    ("oga", "audio/ogg"),
    ("opus", "audio/ogg"),
    ("flac", "audio/flac"),
    ("aac", "audio/aac"),
    ("amr", "audio/amr"),
    ("wma", "audio/x-ms-wma"),
    ("aif", "audio/aiff"),
    ("aiff", "audio/aiff"),
    ("caf", "audio/x-caf"),
    ("avi", "video/x-msvideo"),
    ("pcm", "audio/pcm"),
];

/// A format that is not audio, in words. Which picture format it is does not matter here.
fn words(format: FileFormat) -> &'static str {
    match format {
        FileFormat::Zip => "a ZIP archive or an office document",
        picture if picture.group() == FormatGroup::Picture => "a picture",
        other => other.words(),
    }
}

/// Whether bytes are certainly text: UTF-8, possibly cut at the end, without control characters.
fn is_text(head: &[u8]) -> bool {
    let valid = match std::str::from_utf8(head) {
        Ok(_) => head.len(),
        Err(error) if error.error_len().is_none() => error.valid_up_to(),
        Err(_) => return false,
    };
    let is_control = |byte: &u8| *byte < 0x20 && !b"\t\n\r\x0c\x1b".contains(byte);
    valid > 0 && !head[..valid].iter().any(is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(name: &str, head: &[u8]) -> Result<(String, &'static str), &'static str> {
        AudioUpload::of(Path::new(name), head).map(|kind| (kind.filename, kind.content_type))
    }

    #[test]
    fn the_bytes_decide_the_name_and_the_type() {
        let (ogg, mp4, mp3) = (&b"OggS\0\x02"[..], &b"\0\0\0\x20ftypisom"[..], &b"ID3\x04"[..]);
        for (name, head, sent, content_type) in [
            ("目录/会议.MP3", mp3, "会议.MP3", "audio/mpeg"),
            ("a.mpga", mp3, "a.mpga", "audio/mpeg"),
            ("a.m4a", mp3, "a.mp3", "audio/mpeg"),
            ("a.opus", ogg, "a.ogg", "audio/ogg"),
            ("a.oga", ogg, "a.ogg", "audio/ogg"),
            ("a.mp3", b"RIFF....WAVE", "a.wav", "audio/wav"),
            ("a.wav", mp4, "a.m4a", "audio/mp4"),
            ("a.ogg", mp4, "a.m4a", "audio/mp4"),
            ("a.mp4", mp4, "a.mp4", "audio/mp4"),
            ("a.m4b", b"\0\0\0\x20ftypM4B ", "a.m4a", "audio/mp4"),
            ("a.mov", b"\0\0\0\x20ftypqt  ", "a.m4a", "audio/mp4"),
            ("a.mkv", b"\x1a\x45\xdf\xa3", "a.webm", "audio/webm"),
            ("a.flac", b"fLaC", "a.flac", "audio/flac"),
            ("a.aac", b"\xff\xf1\x50\x80", "a.aac", "audio/aac"),
            ("a.m4a", b"\xff\xfb\x90\x64", "a.mp3", "audio/mpeg"),
            ("a.mp3", b"\0\x01", "a.mp3", "audio/mpeg"),
            ("a.pcm", b"RIFF....WAVE", "a.pcm", "audio/pcm"),
        ] {
            assert_eq!(kind(name, head), Ok((sent.into(), content_type)), "{name}");
        }
    }

    #[test]
    fn other_names_get_the_ending_of_their_bytes() {
        assert_eq!(kind("录音", b"RIFF\0\0\0\0WAVEfmt "), Ok(("录音.wav".into(), "audio/wav")));
        assert_eq!(kind("-", b"ID3\x04"), Ok(("-.mp3".into(), "audio/mpeg")));
        assert_eq!(kind("a.dat", b"\0\0\0\x20ftypM4A "), Ok(("a.dat.m4a".into(), "audio/mp4")));
        let unknown = Ok(("a.dat".into(), "application/octet-stream"));
        assert_eq!(kind("a.dat", b"\0\x01\x02\xff"), unknown);
    }

    #[test]
    fn what_is_certainly_no_sound_is_told() {
        assert_eq!(kind("a.mp3", "你好，世界\n".as_bytes()), Err("text"));
        assert_eq!(kind("a.mp3", &"你好".as_bytes()[..5]), Err("text"));
        assert_eq!(kind("a.wav", b"%PDF-1.7\x01"), Err("a PDF document"));
        assert_eq!(kind("a.docx", b"PK\x03\x04\0\0"), Err("a ZIP archive or an office document"));
        assert_eq!(kind("a.jpg", b"\xff\xd8\xff\xe0"), Err("a picture"));
        assert!(kind("a.mp3", b"text\0with a zero").is_ok());
        assert!(kind("a.mp3", b"\xff\xfe\x90").is_ok());
        assert!(kind("a.raw", b"\0\0\x01\0\xff\xff").is_ok());
        assert_eq!(kind("a.m4a", b"\0\0\0\x20ftypheic"), Err("a picture"));
        assert_eq!(kind("a.mp3", b"MThd\0\0\0\x06"), Err("a MIDI file"));
    }
}
