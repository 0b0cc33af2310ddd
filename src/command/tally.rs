//! `-u` of commands whose requests are counted together.

use std::time::Instant;

/// What all requests of a run took.
#[derive(Debug, Clone)]
pub(super) struct Tally {
    /// `None` as long as no reply told any.
    tokens: Option<u64>,
    requests: u64,
    began: Instant,
}

impl Tally {
    /// Time runs from now on.
    pub(super) fn new() -> Self {
        Self { tokens: None, requests: 0, began: Instant::now() }
    }

    /// Takes what some more requests took.
    pub(super) fn add(&mut self, tokens: Option<u64>, requests: u64) {
        self.tokens = self.tokens.into_iter().chain(tokens).reduce(|sum, more| sum + more);
        self.requests += requests;
    }

    /// The line that tells it.
    pub(super) fn line(&self) -> String {
        let tokens = match self.tokens {
            Some(tokens) => format!("{tokens} tokens in"),
            None => "no token counts given".to_owned(),
        };
        let (requests, seconds) = (self.requests, self.began.elapsed().as_secs_f64());
        let plural = if requests == 1 { "" } else { "s" };
        format!("usage: {tokens}, {requests} request{plural}, {seconds:.2} s in all")
    }
}
