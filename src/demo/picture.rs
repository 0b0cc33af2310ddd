//! Draws the demo's pictures: a pattern that depends on a number, with the word DEMO on it.

use super::hash::mixed;

/// The word, dot by dot.
const WORD: [&[u8; 17]; 5] = [
    b"##. ### #...# ###",
    b"#.# #.. ##.## #.#",
    b"#.# ##. #.#.# #.#",
    b"#.# #.. #...# #.#",
    b"##. ### #...# ###",
];

/// The palette indexes of the word's band and letters; those between them are the pattern's.
const DARK: u8 = 0;
const LIGHT: u8 = 15;

/// The cells of the pattern along each side.
const CELLS: usize = 8;

/// The PNG file of the picture for `seed` in this size. Each side has at least 16 pixels.
pub(crate) fn png(width: usize, height: usize, seed: u64) -> Vec<u8> {
    let picture = Picture { width, height, seed };
    let mut pixels = picture.pattern();
    picture.write_word(&mut pixels);
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, width as u32, height as u32);
    encoder.set_color(png::ColorType::Indexed);
    encoder.set_palette(picture.colours().as_flattened().to_vec());
    let written = encoder.write_header().and_then(|mut file| file.write_image_data(&pixels));
    written.expect("memory takes everything, and each pixel is a colour of the palette");
    file
}

/// Width, height and the pixels as indexes of their colours.
#[cfg(test)]
pub(super) fn decoded(file: &[u8]) -> (usize, usize, Vec<u8>) {
    let decoder = png::Decoder::new(std::io::Cursor::new(file));
    let mut reader = decoder.read_info().expect("a PNG file");
    let mut pixels = vec![0; reader.output_buffer_size().expect("a small picture")];
    let frame = reader.next_frame(&mut pixels).expect("all rows");
    assert_eq!(reader.info().palette.as_ref().map(|colours| colours.len()), Some(48));
    (frame.width as usize, frame.height as usize, pixels)
}

struct Picture {
    width: usize,
    height: usize,
    seed: u64,
}

impl Picture {
    /// A blend of two colours between black and white.
    fn colours(&self) -> [[u8; 3]; 16] {
        let [from, to] = [1, 2].map(|step| mixed(self.seed ^ step).to_le_bytes());
        let mut colours = [[0x18; 3]; 16];
        for (step, colour) in colours[1..15].iter_mut().enumerate() {
            for (channel, value) in colour.iter_mut().enumerate() {
                let blend =
                    usize::from(from[channel]) * (13 - step) + usize::from(to[channel]) * step;
                *value = (blend / 13) as u8;
            }
        }
        colours[usize::from(LIGHT)] = [0xFF; 3];
        colours
    }

    /// A symmetrical pattern of cells that changes from top to bottom; palette indexes 1 to 14.
    fn pattern(&self) -> Vec<u8> {
        let mut pixels = Vec::with_capacity(self.width * self.height);
        for y in 0..self.height {
            let row = y * CELLS / self.height;
            let shade = y * 8 / self.height;
            let values: [u8; CELLS] = std::array::from_fn(|column| {
                let place = row * CELLS + column.min(CELLS - 1 - column);
                1 + (mixed(self.seed.wrapping_add(place as u64)) % 7) as u8 + shade as u8
            });
            pixels.extend((0..self.width).map(|x| values[x * CELLS / self.width]));
        }
        pixels
    }

    /// The word in the middle, as large as it fits, on a dark band; only a picture of 16 pixels
    /// cuts its last column.
    fn write_word(&self, pixels: &mut [u8]) {
        let (columns, rows) = (WORD[0].len(), WORD.len());
        let dot = (self.width / (columns + 2)).min(self.height / (rows + 2)).max(1);
        let left = self.width.saturating_sub(columns * dot) / 2;
        let top = (self.height - rows * dot) / 2;
        pixels[(top - dot) * self.width..(top + (rows + 1) * dot) * self.width].fill(DARK);
        for y in 0..rows * dot {
            for x in 0..(columns * dot).min(self.width) {
                if WORD[y / dot][x / dot] == b'#' {
                    pixels[(top + y) * self.width + left + x] = LIGHT;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(width: usize, height: usize, seed: u64) -> Vec<u8> {
        let (w, h, pixels) = decoded(&png(width, height, seed));
        assert_eq!((w, h), (width, height));
        pixels
    }

    #[test]
    fn the_word_stands_in_the_middle() {
        let pixels = drawn(19, 16, 1);
        for (row, expected) in WORD.iter().enumerate() {
            let line = &pixels[(5 + row) * 19 + 1..][..17];
            let seen: Vec<bool> = line.iter().map(|pixel| *pixel == LIGHT).collect();
            assert_eq!(seen, expected.map(|dot| dot == b'#'));
        }
        assert!(pixels[4 * 19..5 * 19].iter().all(|pixel| *pixel == DARK));
        assert!(!pixels[..4 * 19].contains(&DARK));
    }

    #[test]
    fn every_size_can_be_drawn_and_every_seed_differs() {
        for (width, height) in [(16, 16), (2048, 16), (16, 2048), (257, 99)] {
            assert!(drawn(width, height, 5).contains(&LIGHT));
        }
        assert_eq!(drawn(64, 64, 5), drawn(64, 64, 5));
        assert_ne!(drawn(64, 64, 5), drawn(64, 64, 6));
    }
}
