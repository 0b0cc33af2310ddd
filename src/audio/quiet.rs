//! Cuts a long recording into parts where it is quiet, so that no word is cut.

use std::io::{Read, Result, Seek, SeekFrom};
use std::ops::Range;

use super::wav::WavSamples;

/// Loudness is measured in blocks of 20 ms, and a pause has 10 of them: shorter ones occur inside words,
/// before a `p` or a `t`.
const BLOCKS_A_SECOND: u32 = 50;
const PAUSE_BLOCKS: usize = 10;

/// Splits the samples in `source` into parts of at most `most` bytes, as byte ranges from the first
/// sample. Each cut is in the last tenth of a part, in the middle of the quietest pause there; no part
/// is shorter than a tenth of `most`.
///
/// # Errors
/// Whatever reading fails with.
pub(crate) fn split_at_pauses(
    samples: &WavSamples,
    source: &mut (impl Read + Seek),
    most: u64,
) -> Result<Vec<Range<u64>>> {
    let whole = |bytes: u64| bytes - bytes % samples.frame;
    let most = whole(most).max(samples.frame);
    let tenth = whole(most / 10);
    let mut parts = Vec::new();
    let mut at = 0;
    while samples.length - at > most {
        // Services refuse a last part of a few samples as too short.
        let end = at + most.min(samples.length - at - tenth);
        let cut = quietest_pause(samples, source, end - tenth..end)?;
        parts.push(at..cut);
        at = cut;
    }
    parts.push(at..samples.length);
    Ok(parts)
}

/// The middle of the quietest pause in a range; the last one of equally quiet pauses.
fn quietest_pause(
    samples: &WavSamples,
    source: &mut (impl Read + Seek),
    range: Range<u64>,
) -> Result<u64> {
    let block = samples.frame * u64::from((samples.rate / BLOCKS_A_SECOND).max(1));
    let loudness = loudness(samples, source, &range, block)?;
    let stretch = PAUSE_BLOCKS.min(loudness.len());
    if stretch == 0 {
        return Ok(range.end);
    }
    let sums = loudness.windows(stretch).map(|stretch| stretch.iter().sum::<f64>());
    let (first, _) =
        sums.enumerate().fold(
            (0, f64::INFINITY),
            |best, (index, sum)| {
                if sum <= best.1 { (index, sum) } else { best }
            },
        );
    Ok(range.start
        + block * (first as u64)
        + block * (stretch as u64) / 2 / samples.frame * samples.frame)
}

/// The energy of each complete block in a range.
fn loudness(
    samples: &WavSamples,
    source: &mut (impl Read + Seek),
    range: &Range<u64>,
    block: u64,
) -> Result<Vec<f64>> {
    let count = (range.end - range.start) / block;
    if count == 0 {
        // With the rate of a malicious header a block might not fit into memory.
        return Ok(Vec::new());
    }
    source.seek(SeekFrom::Start(samples.start + range.start))?;
    let mut bytes = vec![0; block as usize];
    let size = samples.sample.size() as usize;
    let mut loudness = Vec::with_capacity(count as usize);
    for _ in 0..count {
        source.read_exact(&mut bytes)?;
        let energy = |sample: &[u8]| f64::from(samples.sample.value(sample)).powi(2);
        let sum: f64 = bytes.chunks_exact(size).map(energy).sum();
        // A NaN must not hide the quiet blocks.
        loudness.push(if sum.is_nan() { f64::MAX / 1e6 } else { sum });
    }
    Ok(loudness)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    /// Seconds of raw samples at 16,000 a second, loud save for the given ranges of milliseconds.
    fn sound(seconds: u64, quiet: &[Range<u64>]) -> Vec<u8> {
        let sample = |at: u64| {
            let is_quiet = quiet.iter().any(|range| range.contains(&(at / 16)));
            if is_quiet { 3_i16 } else { if at % 40 < 20 { 9000 } else { -9000 } }
        };
        (0..seconds * 16_000).flat_map(|at| sample(at).to_le_bytes()).collect()
    }

    fn cut(bytes: &[u8], most: u64) -> Vec<Range<u64>> {
        let samples = WavSamples::raw(bytes.len() as u64);
        split_at_pauses(&samples, &mut Cursor::new(bytes), most).expect("bytes can be read")
    }

    #[test]
    fn cuts_lie_where_it_is_quiet() {
        let bytes = sound(20, &[7000..7300, 9500..9800, 18_600..18_900]);
        let found = cut(&bytes, 10 * 32_000);
        let times: Vec<u64> = found.iter().map(|part| part.end / 32).collect();
        assert_eq!(found.len(), 3, "{times:?}");
        assert!((9500..9800).contains(&times[0]), "{times:?}");
        assert!((18_600..18_900).contains(&times[1]), "{times:?}");
    }

    #[test]
    fn parts_follow_each_other_and_none_is_too_long_or_too_short() {
        for (seconds, most) in [(3, 32_000_u64), (10, 33_333), (5, 160_002), (1, 640), (1, 31_999)]
        {
            let bytes = sound(seconds, &[]);
            let found = cut(&bytes, most);
            let mut at = 0;
            for part in &found {
                assert_eq!(part.start, at);
                assert!(part.end - part.start <= most, "{part:?} of {most}");
                assert!((part.end - part.start) >= most / 10 - 2, "{part:?} of {most}");
                assert_eq!(part.end % 2, 0);
                at = part.end;
            }
            assert_eq!(at, bytes.len() as u64);
        }
    }

    #[test]
    fn a_header_that_lies_costs_no_memory() {
        let mut wav = b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0\x01\0".to_vec();
        wav.extend_from_slice(&16_000_u16.to_le_bytes());
        wav.extend_from_slice(&u32::MAX.to_le_bytes());
        wav.extend_from_slice(&[0; 4]);
        wav.extend_from_slice(&64_000_u16.to_le_bytes());
        wav.extend_from_slice(b"\x20\0data\0\0\0\0");
        wav.extend_from_slice(&[1; 64_000 * 4]);
        let mut source = Cursor::new(&wav);
        let samples = WavSamples::find(&mut source, wav.len() as u64).expect("readable");
        let samples = samples.expect("a WAV file");
        assert_eq!(samples.rate, u32::MAX);
        let found = split_at_pauses(&samples, &mut source, 64_000 * 3).expect("bytes can be read");
        assert_eq!(found.len(), 2);
    }

    #[test]
    fn what_fits_stays_whole() {
        let found = cut(&sound(1, &[]), 32_000);
        assert_eq!((found.len(), found[0].clone()), (1, 0..32_000));
    }
}
