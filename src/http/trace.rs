//! The exchange in words for `--verbose`: secrets masked, every line with our prefix.

use super::head::ReplyHead;
use super::request::{Request, shown};
use crate::io::Stderr;
use crate::secret::is_secret_name;

/// How much of a request's body is shown, in bytes.
const BODY: usize = 4096;

/// Shows a request that is about to be sent.
pub(super) fn request(request: &Request, body: &[u8], stderr: &Stderr) {
    stderr.say(&format!("> {} {}", request.method.name(), shown(&request.url)));
    for header in &request.headers {
        stderr.say(&format!("> {}: {}", header.name, header.masked()));
    }
    if !body.is_empty() {
        let cut = &body[..body.len().min(BODY)];
        let mut text = String::from_utf8_lossy(cut).into_owned();
        for secret in request.secrets() {
            text = secret.mask(&text);
        }
        let more = body.len() - cut.len();
        let more = if more > 0 { format!(" … and {more} more bytes") } else { String::new() };
        stderr.say(&format!("> {text}{more}"));
    }
}

/// Shows the head of a reply.
pub(super) fn reply(head: &ReplyHead, stderr: &Stderr) {
    stderr.say(&format!("< {}", head.line()));
    for (name, value) in head.headers() {
        let value = String::from_utf8_lossy(value);
        stderr.say(&format!("< {name}: {}", if is_secret_name(name) { "***" } else { &value }));
    }
}
