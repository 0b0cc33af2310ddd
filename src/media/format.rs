//! The file formats that are recognised by their first bytes: names, endings, media types.

/// A file format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FileFormat {
    Png,
    Jpeg,
    Gif,
    WebP,
    /// Known as one only where a picture is expected: elsewhere it is text.
    Svg,
    Avif,
    Heic,
    JpegXl,
    Bmp,
    Tiff,
    Icon,
    Photoshop,
    Wav,
    /// A WAV file with 64-bit lengths (EBU Tech 3306).
    Wav64,
    Mp3,
    Aac,
    Flac,
    Ogg,
    M4a,
    Aiff,
    Caf,
    Amr,
    WindowsMedia,
    Mp4,
    Matroska,
    Avi,
    Pdf,
    Word,
    PowerPoint,
    Excel,
    OpenDocument,
    Epub,
    OldOffice,
    Zip,
    Gzip,
    Bzip2,
    Xz,
    Zstd,
    SevenZip,
    Rar,
    /// A program of Linux, macOS or Windows.
    Executable,
    WebAssembly,
    Utf16,
    Utf32,
    Midi,
    Sqlite,
    Gguf,
}

/// A group of formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FormatGroup {
    Picture,
    Audio,
    /// A container that may contain only audio.
    Video,
    Document,
    Archive,
    Program,
    /// Text in an encoding with zero bytes.
    Text,
    Data,
}

impl FileFormat {
    /// The group of the format.
    pub(crate) fn group(self) -> FormatGroup {
        self.group_and_words().0
    }

    /// The format in a sentence, with its article.
    pub(crate) fn words(self) -> &'static str {
        self.group_and_words().1
    }

    /// The usual ending of file names, without the dot; `bin` for what is never sent.
    pub(crate) fn ending(self) -> &'static str {
        self.ending_and_type().0
    }

    /// The media type (IANA; `audio/wav` and the like as services and browsers write them).
    pub(crate) fn media_type(self) -> &'static str {
        self.ending_and_type().1
    }

    /// Whether a file name's ending stands for this format; letter case does not matter.
    pub(crate) fn has_ending(self, ending: &str) -> bool {
        let ending = ending.to_ascii_lowercase();
        ending == self.ending() || (self == FileFormat::Jpeg && ending == "jpeg")
    }

    fn group_and_words(self) -> (FormatGroup, &'static str) {
        use FormatGroup::{Archive, Audio, Data, Document, Picture, Program, Text, Video};
        match self {
            Self::Png => (Picture, "a PNG picture"),
            Self::Jpeg => (Picture, "a JPEG picture"),
            Self::Gif => (Picture, "a GIF picture"),
            Self::WebP => (Picture, "a WebP picture"),
            Self::Svg => (Picture, "an SVG picture"),
            Self::Avif => (Picture, "an AVIF picture"),
            Self::Heic => (Picture, "a HEIC picture"),
            Self::JpegXl => (Picture, "a JPEG XL picture"),
            Self::Bmp => (Picture, "a BMP picture"),
            Self::Tiff => (Picture, "a TIFF picture"),
            Self::Icon => (Picture, "an icon"),
            Self::Photoshop => (Picture, "a Photoshop picture"),
            Self::Wav => (Audio, "a WAV recording"),
            Self::Wav64 => (Audio, "a 64-bit WAV recording"),
            Self::Mp3 => (Audio, "an MP3 recording"),
            Self::Aac => (Audio, "an AAC recording"),
            Self::Flac => (Audio, "a FLAC recording"),
            Self::Ogg => (Audio, "an Ogg recording"),
            Self::M4a => (Audio, "an M4A recording"),
            Self::Aiff => (Audio, "an AIFF recording"),
            Self::Caf => (Audio, "a CAF recording"),
            Self::Amr => (Audio, "an AMR recording"),
            Self::WindowsMedia => (Audio, "a Windows Media file"),
            Self::Mp4 => (Video, "an MP4 or QuickTime video"),
            Self::Matroska => (Video, "a Matroska or WebM video"),
            Self::Avi => (Video, "an AVI video"),
            Self::Pdf => (Document, "a PDF document"),
            Self::Word => (Document, "a Word document"),
            Self::PowerPoint => (Document, "a PowerPoint document"),
            Self::Excel => (Document, "an Excel document"),
            Self::OpenDocument => (Document, "an OpenDocument file"),
            Self::Epub => (Document, "an EPUB book"),
            Self::OldOffice => (Document, "an old Office document"),
            Self::Zip => (Archive, "a ZIP archive"),
            Self::Gzip => (Archive, "a gzip archive"),
            Self::Bzip2 => (Archive, "a bzip2 archive"),
            Self::Xz => (Archive, "an xz archive"),
            Self::Zstd => (Archive, "a zstd archive"),
            Self::SevenZip => (Archive, "a 7z archive"),
            Self::Rar => (Archive, "a RAR archive"),
            Self::Executable => (Program, "a program"),
            Self::WebAssembly => (Program, "a WebAssembly program"),
            Self::Utf16 => (Text, "UTF-16 text"),
            Self::Utf32 => (Text, "UTF-32 text"),
            Self::Midi => (Data, "a MIDI file"),
            Self::Sqlite => (Data, "an SQLite database"),
            Self::Gguf => (Data, "a GGUF model"),
        }
    }

    fn ending_and_type(self) -> (&'static str, &'static str) {
        match self {
            Self::Png => ("png", "image/png"),
            Self::Jpeg => ("jpg", "image/jpeg"),
            Self::Gif => ("gif", "image/gif"),
            Self::WebP => ("webp", "image/webp"),
            Self::Svg => ("svg", "image/svg+xml"),
            Self::Avif => ("avif", "image/avif"),
            Self::Wav | Self::Wav64 => ("wav", "audio/wav"),
            Self::Mp3 => ("mp3", "audio/mpeg"),
            Self::Aac => ("aac", "audio/aac"),
            Self::Flac => ("flac", "audio/flac"),
            Self::Ogg => ("ogg", "audio/ogg"),
            // Services take the sound of a video under the name of a sound.
            Self::M4a | Self::Mp4 => ("m4a", "audio/mp4"),
            Self::Matroska => ("webm", "audio/webm"),
            Self::Aiff => ("aiff", "audio/aiff"),
            Self::Caf => ("caf", "audio/x-caf"),
            Self::Amr => ("amr", "audio/amr"),
            Self::WindowsMedia => ("wma", "audio/x-ms-wma"),
            Self::Avi => ("avi", "video/x-msvideo"),
            Self::Pdf => ("pdf", "application/pdf"),
            _ => ("bin", "application/octet-stream"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endings_belong_to_formats() {
        assert!(FileFormat::Jpeg.has_ending("JPEG") && FileFormat::Jpeg.has_ending("jpg"));
        assert!(FileFormat::Png.has_ending("png") && !FileFormat::Png.has_ending("jpg"));
    }
}
