//! Sound without a head, as a content type states it: `audio/pcm`, `audio/L16;rate=24000`.

/// What is stated of bare samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PcmStated {
    /// Samples a second.
    pub(crate) rate: Option<u32>,
}

impl PcmStated {
    /// What a content type says; `None` if it is not that of bare samples of 16 bits.
    pub(crate) fn of(content_type: &str) -> Option<Self> {
        let lower = content_type.to_ascii_lowercase();
        let mut fields = lower.split(';').map(str::trim);
        let kind = fields.next()?;
        let is_pcm =
            matches!(kind, "audio/pcm" | "audio/x-pcm" | "audio/l16" | "audio/raw" | "audio/x-raw");
        let rate = fields.find_map(|field| {
            let (name, value) = field.split_once('=')?;
            let is_rate = matches!(name.trim(), "rate" | "sample_rate" | "samplerate");
            value.trim().trim_matches('"').parse().ok().filter(|rate| is_rate && *rate > 0)
        });
        is_pcm.then_some(Self { rate })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_types_state_samples_and_their_rate() {
        let rate = |kind| PcmStated::of(kind).map(|stated| stated.rate);
        assert_eq!(rate("audio/pcm"), Some(None));
        assert_eq!(rate("audio/L16;codec=pcm;rate=24000"), Some(Some(24_000)));
        assert_eq!(rate("audio/pcm; channels=1; sample_rate=\"16000\""), Some(Some(16_000)));
        assert_eq!(rate("audio/pcm;rate=0"), Some(None));
        for kind in ["", "audio/wav", "application/octet-stream", "audio/mpeg;rate=1"] {
            assert_eq!(rate(kind), None, "{kind}");
        }
    }
}
