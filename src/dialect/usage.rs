//! The token counts of a reply, out of the shapes that services give them. Knows no prices.

use serde_json::Value;

use crate::conversation::PromptTokens;

/// Token counts; `None` where the service gave none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct TokenCounts {
    /// All of the prompt, the cached part with it.
    pub(crate) input: Option<u64>,
    /// The answer, as the service counts it.
    pub(crate) output: Option<u64>,
    /// The part of the prompt that came out of the service's cache.
    pub(crate) cached: Option<u64>,
    pub(crate) thinking: Option<u64>,
    /// What is paid for as output: some count thinking into the total alone (xAI, Gemini).
    pub(crate) paid_output: u64,
}

/// How many tokens a service counted of a prompt; `None` where it gave no count that can be one.
///
/// OpenAI means the cached tokens to be among the prompt's, Anthropic does not. Where there are more of
/// them than of the prompt's they can't be among them.
pub(crate) fn prompt_tokens(usage: &Value) -> Option<PromptTokens> {
    let prompt =
        ["/prompt_tokens", "/input_tokens"].iter().find_map(|path| number(usage.pointer(path)?))?;
    let mut cached = Vec::new();
    collect_cached(usage, &mut cached);
    let largest = cached.iter().copied().max().filter(|largest| *largest > prompt);
    let least = prompt.saturating_add(largest.unwrap_or(0));
    let most = cached.iter().fold(prompt, |sum, count| sum.saturating_add(*count));
    (most >= LEAST_COUNT).then_some(PromptTokens { least, most })
}

/// A count below this is none: some services always say 0 or 1.
pub(crate) const LEAST_COUNT: u64 = 64;

/// A count: a number, or one that a gateway writes as text.
pub(crate) fn number(value: &Value) -> Option<u64> {
    let whole = |number: f64| (number >= 0.0 && number.fract() == 0.0).then_some(number as u64);
    match value {
        Value::Number(number) => number.as_u64().or_else(|| number.as_f64().and_then(whole)),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// Every number that is called cached: read, written, hit.
fn collect_cached(usage: &Value, found: &mut Vec<u64>) {
    for (name, value) in usage.as_object().into_iter().flatten() {
        let is_cached = name.contains("cache") && !name.contains("miss");
        match value {
            Value::Object(_) => collect_cached(value, found),
            _ => found.extend(number(value).filter(|_| is_cached)),
        }
    }
}

/// Other names of the cached tokens: DeepSeek's, Moonshot's and Hugging Face's, Mistral's.
const CACHED: [&str; 3] = ["/prompt_cache_hit_tokens", "/cached_tokens", "/num_cached_tokens"];

impl TokenCounts {
    /// Reads the `usage` of a reply.
    pub(crate) fn of(usage: &Value) -> Self {
        let count = |path: &str| usage.pointer(path).and_then(number);
        let (input, output) = (count("/prompt_tokens"), count("/completion_tokens"));
        let beyond_input = count("/total_tokens")
            .and_then(|total| total.checked_sub(input?))
            .filter(|rest| input.is_some_and(|input| input > 0) && *rest > 0);
        Self {
            input,
            output,
            cached: count("/prompt_tokens_details/cached_tokens")
                .or_else(|| CACHED.iter().find_map(|name| count(name))),
            thinking: count("/completion_tokens_details/reasoning_tokens")
                .or_else(|| count("/reasoning_tokens")),
            paid_output: output.max(beyond_input).unwrap_or_default(),
        }
    }

    /// Both together.
    pub(crate) fn and(self, other: Self) -> Self {
        let sum = |one: Option<u64>, two: Option<u64>| match (one, two) {
            (None, None) => None,
            (one, two) => Some(one.unwrap_or(0).saturating_add(two.unwrap_or(0))),
        };
        Self {
            input: sum(self.input, other.input),
            output: sum(self.output, other.output),
            cached: sum(self.cached, other.cached),
            thinking: sum(self.thinking, other.thinking),
            paid_output: self.paid_output.saturating_add(other.paid_output),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn counts_as_text_are_counts() {
        let usage =
            json!({"prompt_tokens": "100", "completion_tokens": 50.0, "cached_tokens": " 7 "});
        let counts = TokenCounts::of(&usage);
        assert_eq!((counts.input, counts.output, counts.cached), (Some(100), Some(50), Some(7)));
        for odd in [json!("x"), json!(-1), json!(0.5), json!("1.5"), json!(null), json!([1])] {
            assert_eq!(number(&odd), None, "{odd}");
        }
    }

    #[test]
    fn the_shapes_of_services_are_read() {
        let openai = TokenCounts::of(
            &json!({"prompt_tokens": 100, "completion_tokens": 50, "total_tokens": 150,
            "prompt_tokens_details": {"cached_tokens": 64}, "completion_tokens_details": {"reasoning_tokens": 30}}),
        );
        let expected = TokenCounts {
            input: Some(100),
            output: Some(50),
            cached: Some(64),
            thinking: Some(30),
            paid_output: 50,
        };
        assert_eq!(openai, expected);
        let deepseek =
            json!({"prompt_tokens": 9, "completion_tokens": 4, "prompt_cache_hit_tokens": 8});
        assert_eq!(TokenCounts::of(&deepseek).cached, Some(8));
        // xAI: thinking is in the total and not in the answer's count.
        let xai = json!({"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 115});
        assert_eq!(TokenCounts::of(&xai).paid_output, 105);
        assert_eq!(TokenCounts::of(&json!({"total_tokens": 7})), TokenCounts::default());
    }

    #[test]
    fn a_prompt_counts_whichever_way_the_cache_is_meant() {
        let told = |usage: Value| prompt_tokens(&usage).map(|tokens| (tokens.least, tokens.most));
        assert_eq!(told(json!({"prompt_tokens": 3915})), Some((3915, 3915)));
        // Among the prompt's, or not.
        let openai =
            json!({"prompt_tokens": 4000, "prompt_tokens_details": {"cached_tokens": 3900}});
        assert_eq!(told(openai), Some((4000, 7900)));
        // Certainly not.
        let anthropic = json!({"prompt_tokens": 20, "cache_read_input_tokens": 3900,
            "cache_creation_input_tokens": 100});
        assert_eq!(told(anthropic), Some((3920, 4020)));
        let deepseek = json!({"prompt_tokens": 4000, "prompt_cache_hit_tokens": 3900, "prompt_cache_miss_tokens": 100});
        assert_eq!(told(deepseek), Some((4000, 7900)));
        for none in [
            json!({}),
            json!({"prompt_tokens": null}),
            json!({"prompt_tokens": 0}),
            json!({"prompt_tokens": 63}),
            json!(null),
            json!({"total_tokens": 5000}),
        ] {
            assert_eq!(told(none), None);
        }
    }

    #[test]
    fn sums_leave_out_what_nobody_counted() {
        let one = TokenCounts::of(&json!({"prompt_tokens": 1, "completion_tokens": 2}));
        let two = TokenCounts::of(&json!({"prompt_tokens": 10, "prompt_cache_hit_tokens": 3}));
        let sum = one.and(two);
        assert_eq!((sum.input, sum.output, sum.cached), (Some(11), Some(2), Some(3)));
        assert_eq!((sum.thinking, sum.paid_output), (None, 2));
    }
}
