//! Turns bytes into audible tones and back, as a telephone modem did. Knows nothing of text and
//! files.
//!
//! One of 16 tones, 200 Hz apart, carries four bits for 10 ms. A whole number of waves fits into
//! that time, so that tones join without a click and do not disturb each other in the decoder; all
//! are low enough for a file with 8000 samples a second. A frame is: the tones of `SYNC`, the
//! length in three bytes, the bytes, their CRC-32.

use super::checksum::crc32;

/// Samples a second of what `encode` makes.
pub(crate) const RATE: u32 = 24_000;

/// Tones a second.
const PACE: u32 = 100;

const LOWEST: f32 = 600.0;
const SPACING: f32 = 200.0;
const LOUDNESS: f32 = 0.25;

/// Silence before and after the tones, in tones.
const REST: usize = 5;

/// The tones that a frame begins with: far apart and like no shifted copy of themselves.
const SYNC: [u8; 8] = [0, 15, 5, 10, 0, 10, 15, 5];

/// Share of a tone's energy that has to be at the expected pitch: 1 is a pure tone, and noise of
/// many pitches has less than a tenth.
const PURE: f32 = 0.4;

/// Loudness (mean square) below which there is silence: an eighth of a step of 8 bits.
const SILENCE: f32 = 1e-6;

/// A frame that was found in a sound: its bytes, and where the first of them begins and the last
/// one ends, in seconds.
#[derive(Debug, PartialEq)]
pub(crate) struct Frame {
    pub(crate) bytes: Vec<u8>,
    pub(crate) begin: f64,
    pub(crate) end: f64,
}

/// The samples of one frame with `bytes`, 16 bits each, `RATE` a second. At most 2^24 - 1 bytes fit
/// into a frame.
pub(crate) fn encode(bytes: &[u8]) -> Vec<i16> {
    let mut tones = SYNC.to_vec();
    let length = (bytes.len() as u32).to_be_bytes();
    let sum = crc32(bytes).to_be_bytes();
    for byte in length[1..].iter().chain(bytes).chain(&sum) {
        tones.extend([byte >> 4, byte & 15]);
    }
    let size = (RATE / PACE) as usize;
    let waves: [Vec<i16>; 16] = std::array::from_fn(|tone| {
        let turn = std::f32::consts::TAU * pitch(tone as u8) / RATE as f32;
        (0..size)
            .map(|at| ((turn * at as f32).sin() * LOUDNESS * f32::from(i16::MAX)) as i16)
            .collect()
    });
    let mut samples = vec![0; REST * size];
    for tone in tones {
        samples.extend_from_slice(&waves[usize::from(tone)]);
    }
    samples.resize(samples.len() + REST * size, 0);
    samples
}

/// All frames in `samples`, which are from -1 to 1 and `rate` a second. Silence and other sound
/// between them is passed over, and so is a frame with a wrong sum.
pub(crate) fn decode(samples: &[f32], rate: u32) -> Vec<Frame> {
    // The highest tone is 3600 Hz; more than the upper bound is no sound.
    if !(8_000..=384_000).contains(&rate) {
        return Vec::new();
    }
    let ear = Ear { samples, tone: f64::from(rate) / f64::from(PACE), rate: rate as f32 };
    let mut frames = Vec::new();
    let step = (ear.tone / 4.0) as usize;
    let mut at = 0;
    while at + ear.tone as usize <= samples.len() {
        // The first tone alone is looked for at every step, since it is cheap and mostly not there.
        let found = (ear.purity(at, SYNC[0]) >= PURE)
            .then(|| ear.aligned(at))
            .flatten()
            .and_then(|at| ear.frame(at));
        match found {
            Some((frame, end)) => {
                at = end;
                frames.push(frame);
            }
            None => at += step,
        }
    }
    frames
}

fn pitch(tone: u8) -> f32 {
    LOWEST + SPACING * f32::from(tone)
}

struct Ear<'a> {
    samples: &'a [f32],
    /// Samples of one tone, not always a whole number.
    tone: f64,
    rate: f32,
}

impl Ear<'_> {
    /// The tone that begins `index` tones behind the sample `at`; `None` behind the end.
    fn window(&self, at: usize, index: usize) -> Option<&[f32]> {
        let begin = at + (self.tone * index as f64) as usize;
        self.samples.get(begin..begin + self.tone as usize)
    }

    /// How much of the energy is at the pitch of `tone`, from 0 to about 1; 0 in silence.
    fn purity(&self, at: usize, tone: u8) -> f32 {
        self.window(at, 0).map_or(0.0, |window| self.share(window, tone))
    }

    fn share(&self, window: &[f32], tone: u8) -> f32 {
        let energy: f32 = window.iter().map(|sample| sample * sample).sum();
        if energy < SILENCE * window.len() as f32 {
            return 0.0;
        }
        2.0 * self.power(window, tone) / (energy * window.len() as f32)
    }

    /// Goertzel's filter (1958): the squared size of one frequency.
    fn power(&self, window: &[f32], tone: u8) -> f32 {
        let turn = 2.0 * (std::f32::consts::TAU * pitch(tone) / self.rate).cos();
        let (last, before) = window
            .iter()
            .fold((0.0, 0.0), |(last, before), sample| (sample + turn * last - before, last));
        last * last + before * before - turn * last * before
    }

    /// Where `SYNC` begins, near the sample `at`: the place where it sounds purest. `None` if it is
    /// not there.
    fn aligned(&self, at: usize) -> Option<usize> {
        let purity = |at: usize| -> f32 {
            let shares = SYNC.iter().enumerate();
            shares
                .map(|(index, tone)| {
                    self.window(at, index).map_or(0.0, |window| self.share(window, *tone))
                })
                .sum()
        };
        let enough = PURE * SYNC.len() as f32;
        // A tone that only goes on would otherwise cost the whole search at every step.
        if purity(at) < enough {
            return None;
        }
        let (reach, step) = ((self.tone / 2.0) as usize, ((self.tone / 40.0) as usize).max(1));
        let places = (at.saturating_sub(reach)..=at + reach).step_by(step);
        let best =
            places.map(|at| (purity(at), at)).max_by(|one, other| one.0.total_cmp(&other.0))?;
        (best.0 >= enough).then_some(best.1)
    }

    /// The frame whose `SYNC` begins at the sample `at`, and the sample behind it.
    fn frame(&self, at: usize) -> Option<(Frame, usize)> {
        let length = (0..3)
            .try_fold(0, |length, index| Some(length << 8 | usize::from(self.byte(at, index)?)))?;
        let bytes: Vec<u8> = (3..3 + length).map_while(|index| self.byte(at, index)).collect();
        if bytes.len() < length {
            return None;
        }
        let sum = (0..4).try_fold(0, |sum, index| {
            Some(sum << 8 | u32::from(self.byte(at, 3 + length + index)?))
        })?;
        let place = |byte: usize| at + (self.tone * (SYNC.len() + 2 * byte) as f64) as usize;
        let seconds = |byte: usize| place(byte) as f64 / f64::from(self.rate);
        let (begin, end) = (seconds(3), seconds(3 + length));
        (sum == crc32(&bytes)).then(|| (Frame { bytes, begin, end }, place(7 + length)))
    }

    /// The byte number `index` behind `SYNC`; `None` behind the end or where no tone sounds.
    fn byte(&self, at: usize, index: usize) -> Option<u8> {
        let half = |half: usize| {
            let window = self.window(at, SYNC.len() + 2 * index + half)?;
            let powers = (0..16).map(|tone| (self.power(window, tone), tone));
            let (_, tone) = powers.max_by(|one, other| one.0.total_cmp(&other.0))?;
            (self.share(window, tone) >= PURE).then_some(tone)
        };
        Some(half(0)? << 4 | half(1)?)
    }
}

#[cfg(test)]
mod tests {
    use super::super::checksum::mixed;
    use super::*;

    fn heard(samples: &[i16]) -> Vec<f32> {
        samples.iter().map(|sample| f32::from(*sample) / 32_768.0).collect()
    }

    fn texts(frames: &[Frame]) -> Vec<&str> {
        frames.iter().map(|frame| std::str::from_utf8(&frame.bytes).expect("text")).collect()
    }

    #[test]
    fn chinese_text_comes_back() {
        for text in ["你好，世界！这是一段话。", "a", "", "🎉 mixed 混合\n"] {
            let frames = decode(&heard(&encode(text.as_bytes())), RATE);
            assert_eq!(texts(&frames), [text]);
        }
        let bytes: Vec<u8> = (0..=255).collect();
        assert_eq!(decode(&heard(&encode(&bytes)), RATE)[0].bytes, bytes);
    }

    #[test]
    fn a_byte_takes_two_tones() {
        let sizes = [0, 100].map(|length| encode(&vec![7; length]).len());
        assert_eq!(sizes[1] - sizes[0], 100 * 2 * 240);
        assert_eq!(sizes[0], (2 * REST + SYNC.len() + 14) * 240);
        let frames = decode(&heard(&encode(&[7; 100])), RATE);
        assert!((frames[0].begin - 0.19).abs() < 0.002, "{frames:?}");
        assert!((frames[0].end - frames[0].begin - 2.0).abs() < 0.002);
    }

    #[test]
    fn silence_before_and_between_does_not_matter() {
        for lead in [0, 1, 59, 777, 24_001] {
            let mut sound = vec![0.0; lead];
            sound.extend(heard(&encode("第一".as_bytes())));
            sound.extend(vec![0.0; 333]);
            sound.extend(heard(&encode("第二".as_bytes())));
            assert_eq!(texts(&decode(&sound, RATE)), ["第一", "第二"], "{lead}");
        }
    }

    #[test]
    fn noise_and_loudness_do_not_matter() {
        let noise = |at: usize| (mixed(at as u64) % 2001) as f32 / 1000.0 - 1.0;
        for loudness in [0.02, 3.9] {
            let tones = heard(&encode("嘈杂".as_bytes()));
            let sound: Vec<f32> = tones
                .iter()
                .enumerate()
                .map(|(at, tone)| (tone + noise(at) * 0.1) * loudness)
                .collect();
            assert_eq!(texts(&decode(&sound, RATE)), ["嘈杂"], "{loudness}");
        }
        let only_noise: Vec<f32> = (0..50_000).map(noise).collect();
        assert_eq!(decode(&only_noise, RATE), []);
    }

    #[test]
    fn another_sample_rate_does_not_matter() {
        let tones = heard(&encode("换个采样率".as_bytes()));
        for rate in [11_025, 16_000, 22_050, 44_100, 48_000] {
            let count = tones.len() * rate as usize / RATE as usize - 2;
            let sound: Vec<f32> = (0..count)
                .map(|at| {
                    let place = at as f64 * f64::from(RATE) / f64::from(rate);
                    let (left, part) = (place as usize, place.fract() as f32);
                    tones[left] * (1.0 - part) + tones[left + 1] * part
                })
                .collect();
            assert_eq!(texts(&decode(&sound, rate)), ["换个采样率"], "{rate}");
        }
        assert_eq!(decode(&tones, 4_000), []);
    }

    #[test]
    fn a_damaged_frame_is_none() {
        let whole = heard(&encode("损坏".as_bytes()));
        assert_eq!(decode(&whole[..whole.len() - 10 * 240], RATE), []);
        let mut swapped = whole.clone();
        let byte = (REST + SYNC.len() + 6) * 240;
        swapped[byte..byte + 480].rotate_left(240);
        assert_eq!(decode(&swapped, RATE), []);
        assert_eq!(decode(&[], RATE), []);
    }
}
