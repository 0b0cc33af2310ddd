//! The head of a reply, and the content behind it.

use super::whole_or_cut;
use crate::http::framed;

/// A whole connection: what is read of the reply that begins with these bytes.
pub fn framing(data: &[u8]) {
    let read = whole_or_cut(data, framed);
    if let Ok((head, content, rest)) = read {
        assert!(head + content.len() + rest <= data.len(), "more came out than went in");
    }
}
