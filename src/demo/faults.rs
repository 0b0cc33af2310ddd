//! Faults that the demo plays when it is asked to, so that a bulk run can be seen to meet them:
//! `X-Demo: limit=5, refuse=cherry, break=plum, expire`.

use super::reply::DemoReply;

/// The header that asks for faults.
pub(crate) const HEADER: &str = "x-demo";

/// What a request asks to go wrong.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Faults {
    /// So many requests a second are answered, the others get a 429.
    pub(crate) limit: Option<u64>,
    /// A question that contains this is refused.
    refuse: Option<String>,
    /// A question that contains this meets a failure of the server.
    breaks: Option<String>,
    /// A batch ends before its second half is done.
    pub(crate) expire: bool,
}

impl Faults {
    /// Reads the header's value; unknown words say nothing.
    pub(crate) fn of(header: &str) -> Self {
        let mut faults = Self::default();
        for word in header.split(',').map(str::trim) {
            let (name, value) = word.split_once('=').unwrap_or((word, ""));
            let text = || Some(value.to_owned()).filter(|text| !text.is_empty());
            match name {
                "limit" => faults.limit = value.parse().ok(),
                "refuse" => faults.refuse = text(),
                "break" => faults.breaks = text(),
                "expire" => faults.expire = true,
                _ => {}
            }
        }
        faults
    }

    /// The error that this question meets.
    pub(crate) fn met_by(&self, question: &str) -> Option<DemoReply> {
        let has = |word: &Option<String>| word.as_ref().is_some_and(|word| question.contains(word));
        if has(&self.refuse) {
            let message = "this question is refused, as the header X-Demo asks for it";
            return Some(DemoReply::error(400, message, Some("messages"), Some("refused")));
        }
        if has(&self.breaks) {
            let message = "this question breaks the server, as the header X-Demo asks for it";
            return Some(DemoReply::error(500, message, None, Some("server_error")));
        }
        None
    }
}

/// The reply to a request beyond the limit.
pub(crate) fn too_fast(limit: u64) -> DemoReply {
    let message = format!("only {limit} requests a second, as the header X-Demo asks for it");
    let reply = DemoReply::error(429, message, None, Some("rate_limit_exceeded"));
    DemoReply { retry_after: Some("1"), ..reply }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_the_header_are_faults() {
        let faults = Faults::of("limit=5, refuse=樱桃,break=plum, expire, dance");
        assert_eq!((faults.limit, faults.expire), (Some(5), true));
        let status = |question: &str| faults.met_by(question).map(|reply| reply.status);
        assert_eq!(status("一颗樱桃"), Some(400));
        assert_eq!(status("a plum"), Some(500));
        assert_eq!(status("an apple"), None);
        for odd in ["", "limit=x", "refuse=", "=", "refuse"] {
            assert_eq!(Faults::of(odd), Faults::default(), "{odd}");
        }
        assert_eq!((too_fast(2).status, too_fast(2).retry_after), (429, Some("1")));
    }
}
