//! The exchange in words for `--verbose`: secrets masked, every line with our prefix.

use super::head::ReplyHead;
use super::request::{Request, shown};
use crate::io::Stderr;
use crate::secret::{MASK, is_secret};

/// How much of a request's body is shown, in bytes.
const BODY: usize = 4096;

/// Shows a request that is about to be sent.
pub(super) fn request(request: &Request, stderr: &Stderr) {
    stderr.say(&format!("> {} {}", request.method.name(), shown(&request.url)));
    for header in &request.headers {
        stderr.say(&format!("> {}: {}", header.name, header.masked()));
    }
    // Masked as a whole: a secret that the end of what is shown cuts would be none any more.
    let body = request.shown_body();
    if !body.is_empty() {
        let cut = &body[..body.floor_char_boundary(BODY)];
        let more = body.len() - cut.len();
        let more = if more > 0 { format!(" … and {more} more bytes") } else { String::new() };
        stderr.say(&format!("> {cut}{more}"));
    }
}

/// Shows the head of a reply.
pub(super) fn reply(head: &ReplyHead, stderr: &Stderr) {
    stderr.say(&format!("< {}", head.line()));
    for (name, value) in head.headers() {
        let value = String::from_utf8_lossy(value);
        stderr.say(&format!("< {name}: {}", if is_secret(name, &value) { MASK } else { &value }));
    }
}
