//! A picture or a sound as bytes: decoded, recognised, and as a file of some ending holds it. Writes
//! nothing.

use std::borrow::Cow;

use crate::api::image::base64text;
use crate::api::speech::pcm::PcmStated;
use crate::audio::format::{HEAD_BYTES, SpeechFormat};
use crate::audio::wav;
use crate::dialect::{MediaKind, MediaSource, ReplyMedia};
use crate::media::{self, FileFormat, PICTURE_HEAD};

/// Samples a second where nothing says how many: what OpenAI's and 百炼's models speak with.
const SAMPLE_RATE: u32 = 24_000;

/// A picture or a sound.
#[derive(Debug)]
pub(super) struct Content {
    pub(super) kind: MediaKind,
    pub(super) bytes: Vec<u8>,
    form: Form,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// By its first bytes.
    Known(FileFormat),
    /// Samples of 16 bits without a head, one channel, so many a second.
    Samples(u32),
    /// Nobody knows; the ending that the service's word for it stands for.
    Said(&'static str),
}

impl Content {
    /// `format` is the service's word for the format, or the one that was asked for.
    pub(super) fn new(kind: MediaKind, bytes: Vec<u8>, format: Option<&str>) -> Self {
        let form = match kind {
            MediaKind::Picture => picture(&bytes, format),
            MediaKind::Sound => sound(&bytes, format),
        };
        Self { kind, bytes, form }
    }

    /// The usual ending of a file with it.
    pub(super) fn ending(&self) -> &'static str {
        match self.form {
            Form::Known(format) => format.ending(),
            Form::Samples(_) => "wav",
            Form::Said(ending) => ending,
        }
    }

    /// Whether the bytes are what they should be, as far as that can be told.
    pub(super) fn is_known(&self) -> bool {
        !matches!(self.form, Form::Said(_))
    }

    /// What it is, in words, where a file's ending says something else.
    pub(super) fn contradicts(&self, ending: &str) -> Option<&'static str> {
        let ending = ending.to_ascii_lowercase();
        match self.form {
            Form::Known(format) if format.has_ending(&ending) => None,
            Form::Known(FileFormat::Ogg) if matches!(&*ending, "opus" | "oga") => None,
            Form::Known(format) => Some(format.words()),
            Form::Samples(_) if matches!(&*ending, "wav" | "pcm") => None,
            Form::Samples(_) => Some(FileFormat::Wav.words()),
            Form::Said(_) => Some(match self.kind {
                MediaKind::Picture => "no picture that is known here",
                MediaKind::Sound => "no sound that is known here",
            }),
        }
    }

    /// The bytes of a file with this ending: samples get a head, as no player knows what they are.
    pub(super) fn written(&self, ending: &str) -> Cow<'_, [u8]> {
        match self.form {
            Form::Samples(rate) if !ending.eq_ignore_ascii_case("pcm") => {
                let mut file = wav::header(&format_of_samples(rate), self.bytes.len() as u64);
                file.extend_from_slice(&self.bytes);
                Cow::Owned(file)
            }
            _ => Cow::Borrowed(&self.bytes),
        }
    }
}

/// The `fmt ` chunk of a WAV file with samples of 16 bits in one channel.
fn format_of_samples(rate: u32) -> Vec<u8> {
    let (pcm, channels, frame, bits) = (1_u16, 1_u16, 2_u16, 16_u16);
    let mut format = pcm.to_le_bytes().to_vec();
    format.extend(channels.to_le_bytes());
    format.extend(rate.to_le_bytes());
    format.extend((rate * u32::from(frame)).to_le_bytes());
    format.extend(frame.to_le_bytes());
    format.extend(bits.to_le_bytes());
    format
}

fn picture(bytes: &[u8], format: Option<&str>) -> Form {
    let head = &bytes[..bytes.len().min(PICTURE_HEAD)];
    let any =
        || media::format_of(head).filter(|format| format.group() == media::FormatGroup::Picture);
    if let Some(known) = media::sent_picture(head).or_else(any) {
        return Form::Known(known);
    }
    let said = format.unwrap_or("png").rsplit(['/', '.']).next().unwrap_or_default();
    let endings = ["jpg", "webp", "gif", "svg", "avif", "bmp"];
    let said = said.to_ascii_lowercase();
    let said = if said == "jpeg" { "jpg" } else { said.strip_suffix("+xml").unwrap_or(&said) };
    Form::Said(endings.into_iter().find(|ending| *ending == said).unwrap_or("png"))
}

/// Samples are what is left: a stream has no other sound, whatever format was asked for.
fn sound(bytes: &[u8], format: Option<&str>) -> Form {
    let format = format.unwrap_or_default();
    let name = format.split(';').next().unwrap_or_default().rsplit('/').next().unwrap_or_default();
    let wanted = match name {
        "mpeg" => Some(SpeechFormat::Mp3),
        "pcm16" => Some(SpeechFormat::Pcm),
        name => SpeechFormat::of_ending(name),
    };
    let head = &bytes[..bytes.len().min(HEAD_BYTES)];
    let container = media::format_of(head).filter(|format| {
        matches!(format, FileFormat::M4a | FileFormat::Mp4 | FileFormat::Matroska)
    });
    let known = SpeechFormat::of_bytes(head, wanted).map(|format| match format {
        SpeechFormat::Mp3 => FileFormat::Mp3,
        SpeechFormat::Opus => FileFormat::Ogg,
        SpeechFormat::Aac => FileFormat::Aac,
        SpeechFormat::Flac => FileFormat::Flac,
        SpeechFormat::Wav | SpeechFormat::Pcm => FileFormat::Wav,
    });
    match (known.or(container), wanted) {
        (Some(known), _) => Form::Known(known),
        (None, None | Some(SpeechFormat::Pcm | SpeechFormat::Wav)) => {
            let rate = PcmStated::of(format).and_then(|stated| stated.rate);
            Form::Samples(rate.unwrap_or(SAMPLE_RATE))
        }
        (None, Some(format)) => Form::Said(format.name()),
    }
}

/// The format that the service states: in a field of its own, or in the data URL.
pub(super) fn stated(media: &ReplyMedia) -> Option<String> {
    let in_url = || match &media.source {
        MediaSource::Url(url) if is_data(url) => url[5..].split([';', ',']).next(),
        _ => None,
    };
    media.format.as_deref().or_else(in_url).map(str::to_owned)
}

/// Whether an address is a `data:` URL.
pub(super) fn is_data(address: &str) -> bool {
    address.get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case("data:"))
}

/// The bytes, where they are at hand; `None` if they are not, or no valid base64.
pub(super) fn decoded(source: &MediaSource) -> Option<Vec<u8>> {
    match source {
        MediaSource::Url(url) if is_data(url) => base64text::decode(url),
        MediaSource::Url(_) => None,
        // Each piece of a stream may be filled up at its end.
        MediaSource::Base64(text) => {
            let (mut bytes, mut rest) = (Vec::new(), text.as_str());
            while !rest.is_empty() {
                let padding = rest.find('=').unwrap_or(rest.len());
                let behind = rest[padding..].trim_start_matches('=');
                bytes.extend(base64text::decode(&rest[..rest.len() - behind.len()])?);
                rest = behind;
            }
            Some(bytes)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_decoded_one_by_one() {
        let decode = |text: &str| decoded(&MediaSource::Base64(text.to_owned()));
        assert_eq!(decode("YQ==YmM=ZGVm").as_deref(), Some(&b"abcdef"[..]));
        assert_eq!(decode("YWJj\nZGVm\n").as_deref(), Some(&b"abcdef"[..]));
        assert_eq!(decode("YWJjZGVm").as_deref(), Some(&b"abcdef"[..]));
        assert_eq!(decode("你好"), None);
        let url = |text: &str| decoded(&MediaSource::Url(text.to_owned()));
        assert_eq!(url("data:image/png;charset=x;base64,YQ==").as_deref(), Some(&b"a"[..]));
        assert_eq!(url("https://a.example/x.png"), None);
    }

    #[test]
    fn bytes_tell_the_format_and_else_the_service() {
        let picture = |bytes: &[u8], said| Content::new(MediaKind::Picture, bytes.to_vec(), said);
        let png = picture(b"\x89PNG\r\n\x1a\n", Some("image/jpeg"));
        assert!(png.is_known() && png.ending() == "png");
        assert_eq!(png.contradicts("PNG"), None);
        assert_eq!(png.contradicts("jpg"), Some("a PNG picture"));
        for (said, ending) in [
            (Some("image/jpeg"), "jpg"),
            (Some("image/svg+xml"), "svg"),
            (Some("webp"), "webp"),
            (Some("text/html"), "png"),
            (None, "png"),
        ] {
            let content = picture(b"no picture", said);
            assert!(!content.is_known() && content.ending() == ending, "{said:?}");
        }
    }

    #[test]
    fn samples_get_a_head_that_players_know() {
        let sound = |bytes: &[u8], said| Content::new(MediaKind::Sound, bytes.to_vec(), said);
        for said in [None, Some("pcm16"), Some("wav"), Some("audio/pcm")] {
            let content = sound(b"\x01\0\x02\0", said);
            assert_eq!(content.ending(), "wav", "{said:?}");
            let file = content.written("wav");
            assert!(file.starts_with(b"RIFF") && file.ends_with(b"data\x04\0\0\0\x01\0\x02\0"));
            assert_eq!(file[24..28], 24_000_u32.to_le_bytes());
            assert_eq!(*content.written("pcm"), *b"\x01\0\x02\0");
            assert_eq!(content.contradicts("mp3"), Some("a WAV recording"));
        }
        let stated = sound(b"\x01\0", Some("audio/L16;rate=16000"));
        assert_eq!(stated.written("wav")[24..28], 16_000_u32.to_le_bytes());
        // The first bits are those of an MP3 frame too.
        assert_eq!(sound(b"\xff\xfb\x90\x64", Some("pcm16")).ending(), "wav");
        assert_eq!(sound(b"\xff\xfb\x90\x64", None).ending(), "mp3");
        assert_eq!(sound(b"RIFF\0\0\0\0WAVEfmt ", Some("mp3")).ending(), "wav");
        assert_eq!(*sound(b"RIFF\0\0\0\0WAVE", None).written("wav"), *b"RIFF\0\0\0\0WAVE");
        assert_eq!(sound(b"x", Some("mp3")).ending(), "mp3");
    }
}
