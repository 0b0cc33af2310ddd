//! What a service says that a reply took, whatever the job, as it is counted.

use serde_json::Value;

use crate::dialect::usage::{TokenCounts, at, number};
use crate::ledger::Spent;

/// The currency of what services say of money.
const DOLLAR: &str = "USD";

/// Names of counts that are no tokens.
const SECONDS: [&str; 3] = ["/seconds", "/prompt_audio_seconds", "/audio_seconds"];
const CHARACTERS: [&str; 2] = ["/characters", "/input_characters"];
const PICTURES: [&str; 2] = ["/image_count", "/generated_images"];

/// Reads the `usage` of a reply; nothing where there is none.
pub(super) fn of_usage(usage: Option<&Value>) -> Spent {
    let Some(usage) = usage else { return Spent::default() };
    let counts = TokenCounts::of(usage);
    let count = |names: &[&str]| names.iter().find_map(|name| number(at(usage, name)?));
    let seconds = SECONDS.iter().find_map(|name| at(usage, name)?.as_f64());
    let is_told = counts.input.is_some() || counts.output.is_some();
    // Embedders and rerankers may tell the sum alone: they make nothing.
    let all = count(&["/total_tokens"]).filter(|_| !is_told);
    Spent {
        input_tokens: counts.input.or(all),
        cached_tokens: counts.cached,
        cache_write_tokens: counts.cache_write,
        output_tokens: counts.output.map(|_| counts.paid_output),
        reasoning_tokens: counts.thinking,
        seconds: seconds.filter(|seconds| seconds.is_finite() && *seconds >= 0.0),
        characters: count(&CHARACTERS),
        pictures: count(&PICTURES),
        cost: counts.dollars.map(|amount| (DOLLAR.to_owned(), amount)).into_iter().collect(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_job_tells_in_its_own_way() {
        let read = |usage: Value| of_usage(Some(&usage));
        let openrouter = read(json!({"prompt_tokens": 10, "completion_tokens": 4, "cost": 0.25}));
        assert_eq!((openrouter.input_tokens, openrouter.output_tokens), (Some(10), Some(4)));
        assert_eq!(openrouter.cost["USD"], 0.25);
        // xAI: thinking is paid for as output, and counted in the total alone.
        let xai = read(json!({"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 115,
            "completion_tokens_details": {"reasoning_tokens": 100}, "cost_in_usd_ticks": 200_000_000}));
        assert_eq!((xai.output_tokens, xai.reasoning_tokens), (Some(105), Some(100)));
        assert_eq!(xai.cost["USD"], 0.02);
        assert_eq!(read(json!({"total_tokens": 7})).input_tokens, Some(7));
        let whisper = read(json!({"type": "duration", "seconds": 11}));
        assert_eq!((whisper.seconds, whisper.input_tokens), (Some(11.0), None));
        assert_eq!(read(json!({"characters": 5})).characters, Some(5));
        assert_eq!(of_usage(None), Spent::default());
    }
}
