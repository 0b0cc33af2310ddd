//! Encodes pixels as sixel graphics (DEC STD 070, chapter 9; VT330/VT340 Programmer Reference Manual,
//! volume 2, chapter 14). Knows no terminal.

use super::pixels::Pixels;

/// The steps of each colour channel. The palette has a colour for every combination.
const STEPS: usize = 6;

/// The picture as a device control string. Pixels that are at least half transparent are not drawn.
pub(super) fn encode(picture: &Pixels) -> Vec<u8> {
    let mut text = format!("\x1bP0;1q\"1;1;{};{}", picture.width, picture.height).into_bytes();
    for colour in 0..STEPS.pow(3) {
        let [red, green, blue] = steps(colour).map(|step| step * 100 / (STEPS - 1));
        text.extend_from_slice(format!("#{colour};2;{red};{green};{blue}").as_bytes());
    }
    for top in (0..picture.height).step_by(6) {
        push_band(picture, top, &mut text);
        text.push(b'-');
    }
    text.extend_from_slice(b"\x1b\\");
    text
}

/// The steps of red, green and blue of a colour of the palette.
fn steps(colour: usize) -> [usize; 3] {
    [colour / (STEPS * STEPS), colour / STEPS % STEPS, colour % STEPS]
}

/// Writes six rows: for each colour, which of the six pixels of every column have it.
fn push_band(picture: &Pixels, top: usize, text: &mut Vec<u8>) {
    let mut masks = vec![Vec::new(); STEPS.pow(3)];
    for row in top..picture.height.min(top + 6) {
        for column in 0..picture.width {
            let Some(colour) = nearest(picture.rgba[row * picture.width + column], row, column)
            else {
                continue;
            };
            let mask: &mut Vec<u8> = &mut masks[colour];
            mask.resize(picture.width, 0);
            mask[column] |= 1 << (row - top);
        }
    }
    for (colour, mask) in masks.iter().enumerate().filter(|(_, mask)| !mask.is_empty()) {
        text.extend_from_slice(format!("#{colour}").as_bytes());
        for run in mask.chunk_by(|left, right| left == right) {
            let character = b'?' + run[0];
            if run.len() > 3 {
                text.extend_from_slice(format!("!{}", run.len()).as_bytes());
                text.push(character);
            } else {
                text.extend(run.iter().map(|_| character));
            }
        }
        text.push(b'$');
    }
}

/// The palette's colour for a pixel. A value between two steps is dithered: the position in a 4 by 4
/// pattern (Bayer's matrix) decides between them.
fn nearest([red, green, blue, alpha]: [u8; 4], row: usize, column: usize) -> Option<usize> {
    const PATTERN: [[usize; 4]; 4] = [[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]];
    let threshold = PATTERN[row % 4][column % 4];
    let step = |channel: u8| (usize::from(channel) * (STEPS - 1) * 16 / 255 + threshold) / 16;
    let [red, green, blue] = [red, green, blue].map(|channel| step(channel).min(STEPS - 1));
    (alpha >= 128).then_some(red * STEPS * STEPS + green * STEPS + blue)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn six_rows_are_one_character() {
        let red = [255, 0, 0, 255];
        let clear = [0; 4];
        let mut rgba = vec![red; 5 * 7];
        rgba[1] = clear;
        let text = encode(&Pixels { width: 5, height: 7, rgba });
        let text = String::from_utf8(text).expect("text");
        assert!(text.starts_with("\x1bP0;1q\"1;1;5;7#0;2;0;0;0#1;2;0;0;20"));
        let drawn = text.rsplit_once("#215;2;100;100;100").expect("the palette").1;
        assert_eq!(drawn, "#180~}~~~$-#180!5@$-\x1b\\");
    }

    #[test]
    fn colours_in_between_are_mixed() {
        assert_eq!(nearest([0, 0, 0, 255], 0, 0), Some(0));
        assert_eq!(nearest([255, 255, 255, 255], 3, 3), Some(215));
        let grey: Vec<_> = (0..16).filter_map(|at| nearest([128; 4], at / 4, at % 4)).collect();
        let brighter = grey.iter().filter(|colour| **colour == 3 * 43).count();
        assert!((6..=10).contains(&brighter), "{grey:?}");
        assert_eq!(nearest([1, 2, 3, 100], 0, 0), None);
    }
}
