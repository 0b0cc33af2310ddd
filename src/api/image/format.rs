//! The file formats that pictures can be asked for in.

use clap::ValueEnum;

/// A file format for pictures (specification, `output_format` of images).
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ImageFormat {
    Png,
    #[value(alias = "jpg")]
    Jpeg,
    Webp,
    /// Where the service has it
    Svg,
    /// Where the service has it
    Gif,
}

impl ImageFormat {
    /// The name in a request and on the command line.
    pub(crate) fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

    /// The format that a file's ending stands for, if it stands for one of these.
    pub(crate) fn of_ending(ending: &str) -> Option<Self> {
        Self::from_str(ending, true).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endings_name_formats() {
        assert_eq!(ImageFormat::of_ending("JPG"), Some(ImageFormat::Jpeg));
        assert_eq!(ImageFormat::of_ending("webp").map(ImageFormat::name).as_deref(), Some("webp"));
        assert_eq!(ImageFormat::of_ending("svg").map(ImageFormat::name).as_deref(), Some("svg"));
        assert_eq!(ImageFormat::of_ending("bmp"), None);
    }
}
