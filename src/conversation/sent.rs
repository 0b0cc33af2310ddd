//! How large a request was and how many tokens the service counted of it, so that the next one can be
//! compared with it. Pure data and arithmetic.

use serde::{Deserialize, Serialize};

/// A prompt of fewer tokens than this is too short to tell what became of it.
const LEAST_COMPARED: u64 = 2000;

/// How many tokens a service counted of a prompt. It is not known whether it means the tokens out of its
/// cache to be among the others, so there are two numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct PromptTokens {
    /// The fewest that can be meant.
    pub(crate) least: u64,
    /// The most that can be meant.
    pub(crate) most: u64,
}

/// A request, as far as the count of its tokens depends on it, and that count.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct SentRequest {
    /// The bytes of its texts; thinking, which a service may drop, is not among them.
    pub(crate) bytes: u64,
    /// The lengths of what is attached, in bytes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) files: Vec<u64>,
    /// What else decides on the count (service, model, system text, tools, schema, number of
    /// answers), as a fingerprint.
    pub(crate) frame: String,
    /// Who replied, in the reply's own words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) replied: String,
    pub(crate) tokens: PromptTokens,
}

impl SentRequest {
    /// The tokens of an earlier request and of this one, if this one has lost a part of what was sent:
    /// it was longer and alike in all else, and counts over a quarter fewer tokens.
    pub(crate) fn lost_since(&self, before: &SentRequest) -> Option<(u64, u64)> {
        let is_alike = self.frame == before.frame
            && self.replied == before.replied
            && self.files == before.files;
        let (then, now) = (before.tokens.least, self.tokens.most);
        let is_fewer = then >= LEAST_COMPARED && now.saturating_mul(4) < then.saturating_mul(3);
        (is_alike && self.bytes > before.bytes && is_fewer).then_some((then, now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(bytes: u64, least: u64, most: u64) -> SentRequest {
        let tokens = PromptTokens { least, most };
        SentRequest { bytes, tokens, frame: "f".to_owned(), ..SentRequest::default() }
    }

    #[test]
    fn a_longer_request_with_over_a_quarter_fewer_tokens_lost_something() {
        let before = sent(9000, 3915, 3915);
        assert_eq!(sent(9001, 1026, 1026).lost_since(&before), Some((3915, 1026)));
        for (bytes, least, most) in [
            (9000, 1026, 1026), // no longer
            (9001, 1026, 2937), // perhaps out of a cache
            (9001, 2937, 2937),
            (9001, 5000, 5000),
        ] {
            assert_eq!(sent(bytes, least, most).lost_since(&before), None, "{bytes} {most}");
        }
        assert_eq!(sent(9001, 2936, 2936).lost_since(&before), Some((3915, 2936)));
        assert_eq!(sent(9001, 100, 100).lost_since(&sent(9000, 1999, 8000)), None);
        assert_eq!(sent(9001, 1499, 1499).lost_since(&sent(9000, 2000, 2000)), Some((2000, 1499)));
        assert_eq!(sent(9001, 1500, 1500).lost_since(&sent(9000, 2000, 2000)), None);
    }

    #[test]
    fn requests_that_differ_in_more_than_their_length_are_not_compared() {
        let before = sent(9000, 3915, 3915);
        let changes: [fn(&mut SentRequest); 3] = [
            |sent| sent.frame = "other".to_owned(),
            |sent| sent.replied = "other".to_owned(),
            |sent| sent.files = vec![7],
        ];
        for change in changes {
            let mut now = sent(9001, 1026, 1026);
            change(&mut now);
            assert_eq!(now.lost_since(&before), None);
        }
    }
}
