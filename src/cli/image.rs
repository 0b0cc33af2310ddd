//! The arguments of `llm image`.

use std::path::PathBuf;

use clap::Args;

use crate::api::image::format::ImageFormat;

const PICTURE: &str = "The picture";
const RESULT: &str = "The result";

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  llm image \"a red kite over the sea\" -o kite.png
  llm image -n 3 --size 1024x1536 \"一只在读书的猫\" -o cat.png      cat-1.png, cat-2.png, cat-3.png
  llm image -f photo.jpg \"make it night\" -o night.png           an edit of a picture
  llm image -f room.png --mask wall.png \"a window here\"         only where the mask is transparent
  llm image \"a logo: two circles\" --show                        draws it in the terminal as well
  llm image \"a lighthouse\" | magick - -resize 50% small.png     in a pipe: the picture's bytes

Without -o a terminal gets a file named after the prompt, in the current folder. The paths of the
files are printed, one a line.")]
pub(crate) struct ImageArgs {
    /// The prompt: all words joined by a space; standard input, if it is not a terminal, before it
    #[arg(value_name = "PROMPT")]
    pub(crate) prompt: Vec<String>,

    /// A picture to edit; `-` is stdin; repeatable
    #[arg(short = 'f', long, value_name = "PICTURE")]
    pub(crate) file: Vec<PathBuf>,

    /// A picture that is transparent where the first one is to be edited
    #[arg(long, value_name = "PICTURE", requires = "file")]
    pub(crate) mask: Option<PathBuf>,

    /// Do not read standard input
    #[arg(long)]
    pub(crate) no_stdin: bool,

    /// How many pictures
    #[arg(short = 'n', long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), help_heading = PICTURE)]
    pub(crate) number: Option<u32>,

    /// Width and height in pixels, such as 1024x1024, or a word of the service: auto, 2K, 16:9
    #[arg(long, value_name = "WxH|WORD", value_parser = size, help_heading = PICTURE)]
    pub(crate) size: Option<String>,

    /// low, medium, high, auto, hd …, as the service has it
    #[arg(long, value_name = "Q", help_heading = PICTURE)]
    pub(crate) quality: Option<String>,

    /// transparent, opaque or auto
    #[arg(long, value_name = "B", help_heading = PICTURE)]
    pub(crate) background: Option<String>,

    /// The file format to ask for [default: as the ending of -o says]
    #[arg(long, value_enum, value_name = "FMT", help_heading = PICTURE)]
    pub(crate) format: Option<ImageFormat>,

    /// The file to write; several pictures become NAME-1, NAME-2 …; `-` is stdout
    #[arg(short = 'o', long, value_name = "FILE", help_heading = RESULT)]
    pub(crate) output: Option<PathBuf>,

    /// Draw it in the terminal, too
    #[arg(long, help_heading = RESULT)]
    pub(crate) show: bool,

    /// The largest picture that is downloaded from an address, in bytes [default: 104857600]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..), help_heading = RESULT)]
    pub(crate) max_bytes: Option<u64>,
}

/// A size as requests have it: `1024x1024`, whatever sign stood between; a word as it is typed.
fn size(text: &str) -> Result<String, String> {
    let is_word =
        |letter: char| letter.is_alphabetic() && !matches!(letter, 'x' | 'X') || letter == ':';
    if text.contains(is_word) {
        return Ok(text.to_owned());
    }
    let side = |text: &str| text.parse::<u32>().ok().filter(|side| (1..=99_999).contains(side));
    let sides = text.split_once(['x', 'X', '×', '*']);
    match sides.map(|(width, height)| (side(width), side(height))) {
        Some((Some(width), Some(height))) => Ok(format!("{width}x{height}")),
        _ => Err(
            "that is not a size; write WIDTHxHEIGHT, such as 1024x1024, or a word of the service"
                .to_owned(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_checked() {
        for (typed, wire) in [
            ("1024x768", "1024x768"),
            ("16×9", "16x9"),
            ("2X1", "2x1"),
            ("Auto", "Auto"),
            ("2K", "2K"),
            ("16:9", "16:9"),
            ("square_hd", "square_hd"),
        ] {
            assert_eq!(size(typed), Ok(wire.to_owned()));
        }
        for text in ["", "x", "0x5", "5x0", "1024", "5x", "-1x5", "1x2x3", "999999x1"] {
            assert!(size(text).is_err(), "{text}");
        }
    }
}
