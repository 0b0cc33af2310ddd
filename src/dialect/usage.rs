//! The token counts of a reply, out of the shapes that services give them. Knows no prices.

use serde_json::Value;

use crate::conversation::PromptTokens;

/// Token counts; `None` where the service gave none.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct TokenCounts {
    /// All of the prompt: what was read from a cache and written to one is among it.
    pub(crate) input: Option<u64>,
    /// The prompt as the service counts it, which may leave out what its cache holds.
    pub(crate) told_input: Option<u64>,
    /// The answer, as the service counts it.
    pub(crate) output: Option<u64>,
    /// The part of the prompt that came out of the service's cache.
    pub(crate) cached: Option<u64>,
    /// The part of the prompt that the service put into its cache.
    pub(crate) cache_write: Option<u64>,
    pub(crate) thinking: Option<u64>,
    /// What is paid for as output: some count thinking into the total alone (xAI, Gemini).
    pub(crate) paid_output: u64,
    /// What the service says that it costs, in US dollars.
    pub(crate) dollars: Option<f64>,
}

/// How many tokens a service counted of a prompt; `None` where it gave no count that can be one.
///
/// OpenAI means the cached tokens to be among the prompt's, Anthropic does not. Where there are more of
/// them than of the prompt's they can't be among them.
pub(crate) fn prompt_tokens(usage: &Value) -> Option<PromptTokens> {
    let prompt =
        ["/prompt_tokens", "/input_tokens"].iter().find_map(|path| number(at(usage, path)?))?;
    let mut cached = Vec::new();
    collect_cached(usage, &mut cached);
    let largest = cached.iter().copied().max().filter(|largest| *largest > prompt);
    let least = prompt.saturating_add(largest.unwrap_or(0));
    let most = cached.iter().fold(prompt, |sum, count| sum.saturating_add(*count));
    (most >= LEAST_COUNT).then_some(PromptTokens { least, most })
}

/// A count below this is none: some services always say 0 or 1.
pub(crate) const LEAST_COUNT: u64 = 64;

/// Whether so many tokens are more than a limit allowed, and not only counted in another way.
pub(crate) fn is_over(tokens: u64, limit: u64) -> bool {
    tokens > limit.saturating_add(limit / 10) && tokens > limit.saturating_add(8)
}

/// What stands at a path such as `/a/b`. Names of usage have no escapes, so none are looked for as
/// [`Value::pointer`] does, which costs two texts a name; every reply is asked for some forty.
pub(crate) fn at<'v>(value: &'v Value, path: &str) -> Option<&'v Value> {
    path.split('/').skip(1).try_fold(value, |value, name| value.get(name))
}

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

/// Names of the counts, in the order in which they are looked for; the last ones are Gemini's own. Of the cached
/// tokens: OpenAI's, DeepSeek's, Moonshot's and Hugging Face's, Mistral's, Anthropic's.
const INPUT: [&str; 4] = ["/prompt_tokens", "/input_tokens", "/promptTokenCount", "/promptTokens"];
const OUTPUT: [&str; 4] =
    ["/completion_tokens", "/output_tokens", "/candidatesTokenCount", "/completionTokens"];
const TOTAL: [&str; 3] = ["/total_tokens", "/totalTokenCount", "/totalTokens"];
const CACHED: [&str; 7] = [
    "/prompt_tokens_details/cached_tokens",
    "/input_tokens_details/cached_tokens",
    "/prompt_cache_hit_tokens",
    "/cached_tokens",
    "/num_cached_tokens",
    "/cache_read_input_tokens",
    "/cachedContentTokenCount",
];
/// Of tokens written to the cache: OpenAI's, LiteLLM's, DashScope's, Anthropic's.
const CACHE_WRITE: [&str; 6] = [
    "/prompt_tokens_details/cache_write_tokens",
    "/input_tokens_details/cache_write_tokens",
    "/prompt_tokens_details/cache_creation_tokens",
    "/prompt_tokens_details/cache_creation_input_tokens",
    "/input_tokens_details/cache_creation_tokens",
    "/cache_creation_input_tokens",
];
const THINKING: [&str; 4] = [
    "/completion_tokens_details/reasoning_tokens",
    "/output_tokens_details/reasoning_tokens",
    "/reasoning_tokens",
    "/thoughtsTokenCount",
];
/// Of money in dollars: OpenRouter's, Perplexity's, DeepInfra's.
const DOLLARS: [&str; 3] = ["/cost", "/cost/total_cost", "/estimated_cost"];
/// Of money in parts of a dollar, and how many of them make one: xAI's.
const TICKS: (&str, f64) = ("/cost_in_usd_ticks", 1e10);

impl TokenCounts {
    /// Reads the `usage` of a reply.
    pub(crate) fn of(usage: &Value) -> Self {
        let count = |names: &[&str]| names.iter().find_map(|name| number(at(usage, name)?));
        let (told_input, output) = (count(&INPUT), count(&OUTPUT));
        let mut input = told_input;
        let (cached, cache_write) = (count(&CACHED), count(&CACHE_WRITE));
        let beyond_input = count(&TOTAL)
            .and_then(|total| total.checked_sub(input?))
            .filter(|rest| input.is_some_and(|input| input > 0) && *rest > 0);
        let through_cache = cached.unwrap_or(0).saturating_add(cache_write.unwrap_or(0));
        // Anthropic counts them beside the prompt's; so does whoever counts more of them than of those.
        let is_beside = |input: u64| through_cache > input || is_of_anthropic(usage);
        if let Some(all) = input.filter(|input| is_beside(*input)) {
            input = Some(all.saturating_add(through_cache));
        }
        Self {
            input,
            told_input,
            output,
            cached,
            cache_write,
            thinking: count(&THINKING),
            paid_output: output.max(beyond_input).unwrap_or_default(),
            dollars: dollars(usage),
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
            told_input: sum(self.told_input, other.told_input),
            output: sum(self.output, other.output),
            cached: sum(self.cached, other.cached),
            cache_write: sum(self.cache_write, other.cache_write),
            thinking: sum(self.thinking, other.thinking),
            paid_output: self.paid_output.saturating_add(other.paid_output),
            dollars: self.dollars.into_iter().chain(other.dollars).reduce(|sum, more| sum + more),
        }
    }
}

/// Whether token counts are in Anthropic's own form.
fn is_of_anthropic(usage: &Value) -> bool {
    let has = |name: &str| usage.get(name).is_some();
    has("input_tokens") && (has("cache_read_input_tokens") || has("cache_creation_input_tokens"))
}

/// What the service says that a reply costs; some gateways write numbers as text.
fn dollars(usage: &Value) -> Option<f64> {
    let amount = |name: &str| match at(usage, name)? {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    let of_dollars = DOLLARS.iter().find_map(|name| amount(name));
    let (name, of_one) = TICKS;
    let amount = of_dollars.or_else(|| Some(amount(name)? / of_one));
    amount.filter(|amount| amount.is_finite() && *amount >= 0.0)
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
            told_input: Some(100),
            output: Some(50),
            cached: Some(64),
            cache_write: None,
            thinking: Some(30),
            paid_output: 50,
            dollars: None,
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
    fn what_goes_through_a_cache_is_read() {
        let read = |usage: Value| {
            let counts = TokenCounts::of(&usage);
            (counts.input, counts.cached, counts.cache_write)
        };
        // xAI has been seen to count so; what is told to the user is the service's own number.
        let xai = json!({"prompt_tokens": 10, "completion_tokens": 213, "total_tokens": 223,
            "prompt_tokens_details": {"cached_tokens": 161}});
        assert_eq!(TokenCounts::of(&xai).told_input, Some(10));
        assert_eq!(read(xai), (Some(171), Some(161), None));
        let responses = json!({"input_tokens": 2000, "output_tokens": 5,
            "input_tokens_details": {"cached_tokens": 1500, "cache_write_tokens": 400}});
        assert_eq!(read(responses), (Some(2000), Some(1500), Some(400)));
        // Anthropic's own counts stand beside each other, LiteLLM's don't.
        let anthropic = json!({"input_tokens": 10, "output_tokens": 5, "cache_read_input_tokens": 8,
            "cache_creation_input_tokens": 1});
        assert_eq!(read(anthropic), (Some(19), Some(8), Some(1)));
        let litellm = json!({"prompt_tokens": 4000, "completion_tokens": 5, "cache_read_input_tokens": 3900,
            "cache_creation_input_tokens": 50});
        assert_eq!(read(litellm), (Some(4000), Some(3900), Some(50)));
        let dashscope = json!({"prompt_tokens": 1500,
            "prompt_tokens_details": {"cached_tokens": 0, "cache_creation_input_tokens": 1400}});
        assert_eq!(read(dashscope), (Some(1500), Some(0), Some(1400)));
    }

    #[test]
    fn what_the_service_says_of_money_is_read() {
        for (usage, expected) in [
            (json!({"cost": 0.00014}), Some(0.00014)),
            (json!({"cost": "0.5"}), Some(0.5)),
            (json!({"cost": 0, "cost_details": {"upstream_inference_cost": null}}), Some(0.0)),
            (json!({"cost_in_usd_ticks": 5_143_500}), Some(0.000_514_35)),
            (json!({"cost": {"total_cost": 0.006, "request_cost": 0.005}}), Some(0.006)),
            (json!({"estimated_cost": 1.8e-5}), Some(1.8e-5)),
            (json!({"cost": -1}), None),
            (json!({"cost": null, "prompt_tokens": 1}), None),
        ] {
            assert_eq!(TokenCounts::of(&usage).dollars, expected, "{usage}");
        }
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
