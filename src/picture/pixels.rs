//! The pixels of a picture file, and scaling them down. Knows no terminal.

use std::io::Cursor;

use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use crate::media::{self, FileFormat};

/// The most pixels that are decoded: a file of a few bytes can claim any number of them.
const MAX_PIXELS: usize = 100_000_000;

/// The longest side that is decoded, in pixels.
const MAX_SIDE: usize = 32_768;

/// A decoded picture: red, green, blue and opacity of every pixel, row by row.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Pixels {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) rgba: Vec<[u8; 4]>,
}

impl Pixels {
    /// Decodes a PNG, JPEG or WebP file; of an animation the first picture.
    ///
    /// # Errors
    /// In words: another format, a damaged file, or one that is too large.
    pub(super) fn decode(file: &[u8]) -> Result<Self, String> {
        match media::sent_picture(file) {
            Some(FileFormat::Png) => decode_png(file),
            Some(FileFormat::Jpeg) => decode_jpeg(file),
            Some(FileFormat::WebP) => decode_webp(file),
            Some(other) => Err(format!("a {} can't be drawn", other.ending())),
            None => Err("it is not a picture".to_owned()),
        }
    }

    /// The picture in a smaller size. Neither side is 0 or above the picture's own. A new pixel is the
    /// mean of the old ones that it covers, weighted by their opacity.
    pub(super) fn scaled_down(&self, width: usize, height: usize) -> Self {
        if (width, height) == (self.width, self.height) {
            return self.clone();
        }
        let mut rgba = Vec::with_capacity(width * height);
        for y in 0..height {
            let rows = y * self.height / height..((y + 1) * self.height).div_ceil(height);
            for x in 0..width {
                let columns = x * self.width / width..((x + 1) * self.width).div_ceil(width);
                rgba.push(self.mean(rows.clone(), columns));
            }
        }
        Self { width, height, rgba }
    }

    fn mean(&self, rows: std::ops::Range<usize>, columns: std::ops::Range<usize>) -> [u8; 4] {
        let count = (rows.len() * columns.len()) as u64;
        let (mut colours, mut opacity) = ([0_u64; 3], 0_u64);
        for row in rows {
            for [red, green, blue, alpha] in
                &self.rgba[row * self.width + columns.start..row * self.width + columns.end]
            {
                let alpha = u64::from(*alpha);
                opacity += alpha;
                for (sum, channel) in colours.iter_mut().zip([red, green, blue]) {
                    *sum += u64::from(*channel) * alpha;
                }
            }
        }
        let [red, green, blue] = colours.map(|sum| (sum / opacity.max(1)) as u8);
        [red, green, blue, (opacity / count.max(1)) as u8]
    }

    /// From bytes with 1 to 4 channels: grey, grey and opacity, RGB, RGB and opacity.
    fn from_channels(
        width: usize,
        height: usize,
        channels: usize,
        bytes: &[u8],
    ) -> Result<Self, String> {
        let rgba: Vec<[u8; 4]> = bytes
            .chunks_exact(channels)
            .map(|pixel| match *pixel {
                [red, green, blue, alpha] => [red, green, blue, alpha],
                [red, green, blue] => [red, green, blue, 255],
                [grey, alpha] => [grey, grey, grey, alpha],
                [grey] => [grey, grey, grey, 255],
                _ => [0; 4],
            })
            .collect();
        if rgba.len() != width * height || rgba.is_empty() {
            return Err("it has fewer pixels than it declares".to_owned());
        }
        Ok(Self { width, height, rgba })
    }
}

fn check_size(width: usize, height: usize) -> Result<(), String> {
    let is_fine = width.max(height) <= MAX_SIDE && width.saturating_mul(height) <= MAX_PIXELS;
    if is_fine { Ok(()) } else { Err(format!("{width}x{height} is too large to draw")) }
}

fn broken(error: impl std::fmt::Display) -> String {
    format!("it is broken: {error}")
}

fn decode_png(file: &[u8]) -> Result<Pixels, String> {
    let mut decoder = png::Decoder::new(Cursor::new(file));
    decoder.set_transformations(
        png::Transformations::normalize_to_color8() | png::Transformations::ALPHA,
    );
    let mut reader = decoder.read_info().map_err(broken)?;
    check_size(reader.info().width as usize, reader.info().height as usize)?;
    let size = reader.output_buffer_size().ok_or("it is too large to draw")?;
    let mut bytes = vec![0; size];
    let frame = reader.next_frame(&mut bytes).map_err(broken)?;
    let channels = frame.color_type.samples();
    let bytes = &bytes[..frame.buffer_size()];
    Pixels::from_channels(frame.width as usize, frame.height as usize, channels, bytes)
}

fn decode_jpeg(file: &[u8]) -> Result<Pixels, String> {
    let options = DecoderOptions::default()
        .set_max_width(MAX_SIDE)
        .set_max_height(MAX_SIDE)
        .jpeg_set_out_colorspace(ColorSpace::RGB);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(file), options);
    decoder.decode_headers().map_err(broken)?;
    let (width, height) = decoder.dimensions().ok_or("it has no size")?;
    check_size(width, height)?;
    let bytes = decoder.decode().map_err(broken)?;
    Pixels::from_channels(width, height, 3, &bytes)
}

fn decode_webp(file: &[u8]) -> Result<Pixels, String> {
    let mut decoder = image_webp::WebPDecoder::new(Cursor::new(file)).map_err(broken)?;
    let (width, height) = decoder.dimensions();
    let (width, height) = (width as usize, height as usize);
    check_size(width, height)?;
    let channels = if decoder.has_alpha() { 4 } else { 3 };
    let mut bytes = vec![0; width * height * channels];
    decoder.read_image(&mut bytes).map_err(broken)?;
    Pixels::from_channels(width, height, channels, &bytes)
}

/// Files for the tests of this module and its neighbours.
#[cfg(test)]
pub(super) mod samples {
    /// A PNG with these pixels.
    pub(in super::super) fn png(width: u32, height: u32, rgba: &[[u8; 4]]) -> Vec<u8> {
        let mut file = Vec::new();
        let mut encoder = png::Encoder::new(&mut file, width, height);
        encoder.set_color(png::ColorType::Rgba);
        encoder.set_depth(png::BitDepth::Eight);
        let mut writer = encoder.write_header().expect("a header");
        writer.write_image_data(rgba.as_flattened()).expect("the pixels");
        writer.finish().expect("an end");
        file
    }

    /// A WebP with these pixels.
    pub(in super::super) fn webp(width: u32, height: u32, rgba: &[[u8; 4]]) -> Vec<u8> {
        let mut file = Vec::new();
        image_webp::WebPEncoder::new(&mut file)
            .encode(rgba.as_flattened(), width, height, image_webp::ColorType::Rgba8)
            .expect("the pixels");
        file
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const RED: [u8; 4] = [255, 0, 0, 255];
    const BLUE: [u8; 4] = [0, 0, 255, 255];
    const CLEAR: [u8; 4] = [9, 9, 9, 0];

    #[test]
    fn files_are_read() {
        let rgba = vec![RED, BLUE, CLEAR, RED, BLUE, CLEAR];
        let expected = Pixels { width: 3, height: 2, rgba: rgba.clone() };
        assert_eq!(Pixels::decode(&samples::png(3, 2, &rgba)), Ok(expected.clone()));
        let webp = Pixels::decode(&samples::webp(3, 2, &rgba)).expect("readable");
        assert_eq!((webp.width, webp.height, webp.rgba[1]), (3, 2, BLUE));
    }

    /// 8 by 8 pixels in one colour, by ffmpeg: red, and grey in a file without colours.
    const JPEGS: [(&str, [u8; 3]); 2] = [
        (
            "/9j/4AAQSkZJRgABAgAAAQABAAD//gAQTGF2YzU5LjM3LjEwMAD/2wBDAAgEBAQEBAUFBQUFBQYGBgYG\
         BgYGBgYGBgYHBwcICAgHBwcGBgcHCAgICAkJCQgICAgJCQoKCgwMCwsODg4RERT/xABMAAEBAAAAAAAA\
         AAAAAAAAAAAABgEBAQAAAAAAAAAAAAAAAAAABgcQAQAAAAAAAAAAAAAAAAAAAAARAQAAAAAAAAAAAAAA\
         AAAAAAD/wAARCAAIAAgDASIAAhEAAxEA/9oADAMBAAIRAxEAPwCLAFF/f//Z",
            [254, 0, 0],
        ),
        (
            "/9j/4AAQSkZJRgABAgAAAQABAAD//gAQTGF2YzU5LjM3LjEwMAD/2wBDAAgEBAQEBAUFBQUFBQYGBgYG\
         BgYGBgYGBgYHBwcICAgHBwcGBgcHCAgICAkJCQgICAgJCQoKCgwMCwsODg4RERT/xABKAAEAAAAAAAAA\
         AAAAAAAAAAAAAQEAAAAAAAAAAAAAAAAAAAAAEAEAAAAAAAAAAAAAAAAAAAAAEQEAAAAAAAAAAAAAAAAA\
         AAAA/8AAEQgACAAIAwESAAISAAMSAP/aAAwDAQACEQMRAD8AAA//2Q==",
            [128, 128, 128],
        ),
    ];

    #[test]
    fn jpegs_are_read_with_and_without_colours() {
        use base64::Engine as _;
        for (encoded, rgb) in JPEGS {
            let file = base64::engine::general_purpose::STANDARD.decode(encoded).expect("base64");
            let pixels = Pixels::decode(&file).expect("readable");
            assert_eq!((pixels.width, pixels.height), (8, 8));
            for [red, green, blue, alpha] in pixels.rgba {
                let far = [red, green, blue].into_iter().zip(rgb).map(|(is, was)| is.abs_diff(was));
                assert!(far.max() < Some(4) && alpha == 255, "{red} {green} {blue}");
            }
        }
    }

    #[test]
    fn what_is_broken_is_said() {
        let file = samples::png(3, 1, &[RED, BLUE, RED]);
        for length in [0, 8, 20, file.len() - 20] {
            assert!(Pixels::decode(&file[..length]).is_err(), "{length}");
        }
        assert!(Pixels::decode(b"\xff\xd8\xff\xe0").is_err());
        assert!(Pixels::decode(b"RIFF\x10\0\0\0WEBPVP8 ").is_err());
        assert_eq!(Pixels::decode(b"GIF89a"), Err("a gif can't be drawn".to_owned()));
    }

    #[test]
    fn a_size_that_cannot_be_is_refused() {
        let mut file = samples::png(1, 1, &[RED]);
        file[16..24].copy_from_slice(&[0, 1, 0, 0, 0, 1, 0, 0]);
        assert!(Pixels::decode(&file).is_err());
        assert!(check_size(20_000, 20_000).is_err());
    }

    #[test]
    fn scaling_down_takes_the_mean_of_what_can_be_seen() {
        let picture = Pixels { width: 4, height: 1, rgba: vec![RED, BLUE, RED, CLEAR] };
        let small = picture.scaled_down(2, 1);
        assert_eq!(small.rgba, [[127, 0, 127, 255], [255, 0, 0, 127]]);
        assert_eq!(picture.scaled_down(3, 1).rgba.len(), 3);
        assert_eq!(picture.scaled_down(4, 1), picture);
    }

    proptest! {
        #[test]
        fn a_spoilt_file_is_an_error_and_no_more(
            which in 0..3_usize,
            spoilt in proptest::collection::vec(any::<(prop::sample::Index, u8)>(), 1..6),
            length in any::<prop::sample::Index>(),
        ) {
            use base64::Engine as _;
            let rgba = [RED, BLUE, CLEAR, RED].repeat(16);
            let mut file = match which {
                0 => samples::png(8, 8, &rgba),
                1 => samples::webp(8, 8, &rgba),
                _ => base64::engine::general_purpose::STANDARD.decode(JPEGS[0].0).expect("base64"),
            };
            for (at, byte) in spoilt {
                let at = at.index(file.len());
                file[at] = byte;
            }
            file.truncate(file.len() - length.index(file.len()) / 4);
            if let Ok(pixels) = Pixels::decode(&file) {
                prop_assert_eq!(pixels.rgba.len(), pixels.width * pixels.height);
                prop_assert_eq!(pixels.scaled_down(1, 1).rgba.len(), 1);
            }
        }
    }
}
