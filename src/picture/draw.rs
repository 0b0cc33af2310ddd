//! Turns a picture into characters and control sequences for a terminal. Writes nothing itself.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::pixels::Pixels;
use super::sixel;
use super::terminal::{ColorDepth, PictureProtocol};
use crate::media::{self, FileFormat};

/// The most base64 in one of kitty's sequences, by its documentation.
const KITTY_CHUNK: usize = 4096;

/// The width and height of a terminal's cell in pixels, roughly: terminals don't tell.
const CELL_PIXELS: (usize, usize) = (8, 16);

/// The space for the picture, in columns and rows of characters.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct CharacterArea {
    pub(crate) columns: usize,
    pub(crate) rows: usize,
}

/// The bytes that show the picture in `file`, with a line end. A picture that is too large is scaled
/// down; none is scaled up.
///
/// # Errors
/// Why the file can't be drawn.
pub(crate) fn draw(
    file: &[u8],
    protocol: PictureProtocol,
    area: CharacterArea,
) -> Result<Vec<u8>, String> {
    let picture = Pixels::decode(file)?;
    let (width, height) = (picture.width, picture.height);
    match protocol {
        PictureProtocol::Kitty => {
            let columns = columns(&picture, area);
            Ok(match media::format_of(file) {
                Some(FileFormat::Png) => kitty("f=100", file, columns),
                _ => {
                    let keys = format!("f=32,s={width},v={height}");
                    kitty(&keys, picture.rgba.as_flattened(), columns)
                }
            })
        }
        PictureProtocol::Iterm => Ok(iterm(file, columns(&picture, area))),
        PictureProtocol::Sixel => {
            let (width, height) =
                fit(&picture, area.columns * CELL_PIXELS.0, area.rows * CELL_PIXELS.1);
            let mut text = sixel::encode(&picture.scaled_down(width, height));
            text.push(b'\n');
            Ok(text)
        }
        PictureProtocol::Blocks(depth) => {
            let (width, height) = fit(&picture, area.columns, area.rows * 2);
            Ok(blocks(&picture.scaled_down(width, height), depth).into_bytes())
        }
    }
}

/// The size of the picture in a box of this size, with its own proportions.
fn fit(picture: &Pixels, most_wide: usize, most_high: usize) -> (usize, usize) {
    let (width, height) = (picture.width, picture.height);
    let mut fitted = (width, height);
    if fitted.0 > most_wide {
        fitted = (most_wide, height * most_wide / width);
    }
    if fitted.1 > most_high {
        fitted = (width * most_high / height, most_high);
    }
    (fitted.0.max(1), fitted.1.max(1))
}

/// How many columns the picture needs where the terminal scales it.
fn columns(picture: &Pixels, area: CharacterArea) -> usize {
    let (width, _) = fit(picture, area.columns * CELL_PIXELS.0, area.rows * CELL_PIXELS.1);
    width.div_ceil(CELL_PIXELS.0)
}

/// <https://sw.kovidgoyal.net/kitty/graphics-protocol/>: transmit and show, answers suppressed.
fn kitty(keys: &str, data: &[u8], columns: usize) -> Vec<u8> {
    let encoded = STANDARD.encode(data);
    let mut pieces = encoded.as_bytes().chunks(KITTY_CHUNK).peekable();
    let mut text = Vec::with_capacity(encoded.len() + encoded.len() / 200 + 64);
    let mut keys = format!("{keys},a=T,q=2,c={columns},");
    while let Some(piece) = pieces.next() {
        let more = u8::from(pieces.peek().is_some());
        text.extend_from_slice(format!("\x1b_G{keys}m={more};").as_bytes());
        text.extend_from_slice(piece);
        text.extend_from_slice(b"\x1b\\");
        keys.clear();
    }
    text.push(b'\n');
    text
}

/// <https://iterm2.com/documentation-images.html>.
fn iterm(file: &[u8], columns: usize) -> Vec<u8> {
    let size = file.len();
    let head =
        format!("\x1b]1337;File=inline=1;size={size};width={columns};preserveAspectRatio=1:");
    [head.as_bytes(), STANDARD.encode(file).as_bytes(), b"\x07\n"].concat()
}

/// Two rows of pixels in each line of characters. Where a pixel is at least half transparent, the
/// terminal's own background shows.
fn blocks(picture: &Pixels, depth: ColorDepth) -> String {
    const FOREGROUND: u8 = 38;
    const BACKGROUND: u8 = 48;
    let mut text = String::new();
    for rows in picture.rgba.chunks(picture.width * 2) {
        let (upper, lower) = rows.split_at(picture.width);
        for (column, top) in upper.iter().enumerate() {
            let bottom = lower.get(column).copied().and_then(visible);
            let color = |layer, pixel| color(layer, pixel, depth);
            let cell = match (visible(*top), bottom) {
                (None, None) => "\x1b[0m ".to_owned(),
                (Some(top), None) => format!("\x1b[0;{}m▀", color(FOREGROUND, top)),
                (None, Some(bottom)) => format!("\x1b[0;{}m▄", color(FOREGROUND, bottom)),
                (Some(top), Some(bottom)) => {
                    format!("\x1b[{};{}m▀", color(FOREGROUND, top), color(BACKGROUND, bottom))
                }
            };
            text.push_str(&cell);
        }
        text.push_str("\x1b[0m\n");
    }
    text
}

fn visible([red, green, blue, alpha]: [u8; 4]) -> Option<[u8; 3]> {
    (alpha >= 128).then_some([red, green, blue])
}

/// The SGR parameters of a colour (ISO 8613-6).
fn color(layer: u8, [red, green, blue]: [u8; 3], depth: ColorDepth) -> String {
    match depth {
        ColorDepth::TrueColor => format!("{layer};2;{red};{green};{blue}"),
        ColorDepth::Palette => format!("{layer};5;{}", nearest_in_palette([red, green, blue])),
    }
}

/// The nearest colour of xterm's palette: from 16 on a cube with these steps, from 232 on greys.
fn nearest_in_palette(wanted: [u8; 3]) -> u8 {
    const STEPS: [u8; 6] = [0, 95, 135, 175, 215, 255];
    let far = |from: [u8; 3]| -> u32 {
        let pairs = from.into_iter().zip(wanted);
        pairs.map(|(from, to)| u32::from(from.abs_diff(to)).pow(2)).sum()
    };
    let nearest = |channel: u8| {
        (0..STEPS.len()).min_by_key(|step| STEPS[*step].abs_diff(channel)).unwrap_or(0)
    };
    let cube = wanted.map(nearest);
    let mean = wanted.iter().map(|channel| u16::from(*channel)).sum::<u16>() / 3;
    let grey = ((mean.saturating_sub(3)) / 10).min(23) as u8;
    if far([8 + 10 * grey; 3]) < far(cube.map(|step| STEPS[step])) {
        return 232 + grey;
    }
    let [red, green, blue] = cube.map(|step| step as u8);
    16 + 36 * red + 6 * green + blue
}

#[cfg(test)]
mod tests {
    use super::super::pixels::samples;
    use super::*;

    const RED: [u8; 4] = [255, 0, 0, 255];
    const BLUE: [u8; 4] = [0, 0, 255, 255];
    const CLEAR: [u8; 4] = [0; 4];
    const AREA: CharacterArea = CharacterArea { columns: 80, rows: 24 };

    fn drawn(file: &[u8], protocol: PictureProtocol, area: CharacterArea) -> String {
        String::from_utf8(draw(file, protocol, area).expect("draws")).expect("text")
    }

    #[test]
    fn half_blocks_show_two_rows_in_a_line() {
        let file = samples::png(2, 3, &[RED, CLEAR, BLUE, RED, CLEAR, CLEAR]);
        let text = drawn(&file, PictureProtocol::Blocks(ColorDepth::TrueColor), AREA);
        assert_eq!(
            text,
            "\x1b[38;2;255;0;0;48;2;0;0;255m▀\x1b[0;38;2;255;0;0m▄\x1b[0m\n\x1b[0m \x1b[0m \x1b[0m\n"
        );
        let text = drawn(&file, PictureProtocol::Blocks(ColorDepth::Palette), AREA);
        assert!(text.starts_with("\x1b[38;5;196;48;5;21m▀"), "{text:?}");
    }

    #[test]
    fn a_large_picture_is_made_to_fit() {
        let file = samples::png(400, 100, &vec![RED; 40_000]);
        let text = drawn(
            &file,
            PictureProtocol::Blocks(ColorDepth::Palette),
            CharacterArea { columns: 40, rows: 24 },
        );
        assert_eq!(text.lines().count(), 5);
        assert_eq!(text.lines().next().map(|line| line.matches('▀').count()), Some(40));
        let text = drawn(
            &file,
            PictureProtocol::Blocks(ColorDepth::Palette),
            CharacterArea { columns: 400, rows: 2 },
        );
        assert_eq!(text.matches('▀').count(), 16 * 2);
        assert_eq!(fit(&Pixels { width: 1, height: 9999, rgba: Vec::new() }, 10, 10), (1, 10));
    }

    #[test]
    fn kitty_takes_a_png_as_it_is_and_others_as_pixels() {
        let noise: Vec<[u8; 4]> =
            (0..4096_u32).map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
        let file = samples::png(64, 64, &noise);
        let text = drawn(&file, PictureProtocol::Kitty, AREA);
        let pieces: Vec<&str> = text.trim_end().split("\x1b\\").filter(|p| !p.is_empty()).collect();
        assert!(pieces[0].starts_with("\x1b_Gf=100,a=T,q=2,c=8,m=1;"), "{}", pieces[0]);
        assert!(pieces[1].starts_with("\x1b_Gm="));
        assert!(pieces.last().is_some_and(|last| last.starts_with("\x1b_Gm=0;")));
        let encoded: String =
            pieces.iter().filter_map(|piece| piece.split_once(';')).map(|p| p.1).collect();
        assert_eq!(STANDARD.decode(encoded).expect("base64"), file);
        let text = drawn(&samples::webp(2, 1, &[RED, BLUE]), PictureProtocol::Kitty, AREA);
        assert_eq!(text, "\x1b_Gf=32,s=2,v=1,a=T,q=2,c=1,m=0;/wAA/wAA//8=\x1b\\\n");
    }

    #[test]
    fn iterm_and_sixel_get_theirs() {
        let file = samples::png(2, 1, &[RED, BLUE]);
        let text = drawn(&file, PictureProtocol::Iterm, AREA);
        let size = file.len();
        let head =
            format!("\x1b]1337;File=inline=1;size={size};width=1;preserveAspectRatio=1:iVBORw0K");
        assert!(text.starts_with(&head) && text.ends_with("\x07\n"), "{text:?}");
        assert!(drawn(&file, PictureProtocol::Sixel, AREA).starts_with("\x1bP0;1q\"1;1;2;1"));
        assert!(draw(b"GIF89a", PictureProtocol::Iterm, AREA).is_err());
    }

    #[test]
    fn the_palette_has_its_colours() {
        for (rgb, index) in
            [([0, 0, 0], 16), ([255, 255, 255], 231), ([255, 0, 0], 196), ([128, 128, 128], 244)]
        {
            assert_eq!(nearest_in_palette(rgb), index, "{rgb:?}");
        }
    }
}
