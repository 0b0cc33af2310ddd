//! A server at an address: what is sent there beside the messages.

use crate::http::request::{Header, HeaderValue, Url, is_this_machine, shown};
use crate::io::Io;
use crate::mcp::Reach;
use crate::secret::{self, Secret};

/// A way to an address. A connection that anybody can read along earns a warning.
///
/// # Errors
/// It is no address of a web server.
pub(super) fn reach_of_address(url: &str, headers: Vec<Header>, io: &Io) -> Result<Reach, String> {
    let parsed = Url::parse(url).map_err(|error| format!("its address is wrong: {error}"))?;
    if !matches!(parsed.scheme(), "http" | "https") {
        return Err("its address does not begin with https:// or http://".to_owned());
    }
    if parsed.scheme() == "http" && !is_this_machine(&parsed) {
        io.warn(&format!("{} is not encrypted: others can read along", shown(&parsed)));
    }
    Ok(Reach::Address { url: parsed, headers })
}

/// A header of a server's table. One that holds a variable is a secret, whatever it is called.
pub(super) fn header(name: &str, value: &str, is_secret: bool) -> Header {
    if !is_secret {
        return Header::private(name, value);
    }
    let (scheme, rest) = secret::scheme_and_rest(value);
    let (scheme, rest) = match scheme.eq_ignore_ascii_case("bearer ") {
        true => ("Bearer ", rest),
        false => ("", value),
    };
    let secret = Some(Secret::new(rest));
    let value = HeaderValue::Key { scheme, secret, variable: String::new() };
    Header { name: name.to_owned(), value, is_private: true }
}
