//! `host_env`: a variable that says where a service of this machine listens, as its own programs read it.
//! Text in, text out.

use crate::config::origin::Origin;
use crate::config::profile::Profile;
use crate::http::request::Url;

/// The base URL that such a variable means, with what it leaves out taken from the built-in one:
/// `host`, `host:port`, `:port`, `http://host:port/path`, with quotes and blanks around it. An address
/// that stands for every network of a machine is one to listen at; this machine is asked then. A port
/// behind `http://` or `https://` that is not named is the scheme's, as Ollama has it. `None` for a
/// blank text.
pub(super) fn base_url(text: &str, built_in: &str) -> Option<String> {
    let text = text.trim().trim_matches(['"', '\'']).trim();
    let built_in = Url::parse(built_in).ok()?;
    let own_port = built_in.port_or_known_default()?;
    if text.is_empty() {
        return None;
    }
    let (scheme, rest, default_port) = match text.split_once("://") {
        None => (built_in.scheme().to_owned(), text, own_port),
        Some((scheme, rest)) => {
            let scheme = scheme.to_lowercase();
            let port = match scheme.as_str() {
                "http" => 80,
                "https" => 443,
                _ => own_port,
            };
            (scheme, rest, port)
        }
    };
    let (place, path) = rest.split_once('/').unwrap_or((rest, ""));
    let (host, port) = host_and_port(place.trim());
    let port = port.and_then(|port| port.parse().ok()).unwrap_or(default_port);
    let (path, version) = (path.trim_matches('/'), built_in.path().trim_matches('/'));
    let path =
        match path.strip_suffix(version).filter(|rest| rest.is_empty() || rest.ends_with('/')) {
            Some(rest) => rest.trim_end_matches('/'),
            None => path,
        };
    let path = if path.is_empty() { version.to_owned() } else { format!("{path}/{version}") };
    Some(format!("{scheme}://{}:{port}/{path}", asked(host)))
}

/// `[::1]:80` and `::1` have colons of their own.
fn host_and_port(place: &str) -> (&str, Option<&str>) {
    if let Some((host, rest)) = place.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return (host, rest.strip_prefix(':'));
    }
    match place.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') => (host, Some(port)),
        _ => (place, None),
    }
}

/// The host to ask, as a URL has it.
fn asked(host: &str) -> String {
    match host {
        "" | "0.0.0.0" => "127.0.0.1".to_owned(),
        "::" => "[::1]".to_owned(),
        host if host.contains(':') => format!("[{host}]"),
        host => host.to_owned(),
    }
}

/// Whether the profile is at an address of the service itself: the built-in one, or the one that its
/// `host_env` names.
pub(super) fn is_own(profile: &Profile) -> bool {
    match profile.base_url.origin() {
        None | Some(Origin::BuiltIn) => true,
        _ => is_of_host_env(profile),
    }
}

/// Whether the address came out of the variable that `host_env` names.
pub(super) fn is_of_host_env(profile: &Profile) -> bool {
    match (profile.base_url.origin(), profile.host_env.get()) {
        (Some(Origin::Environment(name)), Some(own)) => name == own,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_a_host_is_read_as_ollama_reads_it() {
        for (text, expected) in [
            ("", None),
            ("  ", None),
            ("\"\"", None),
            ("box", Some("http://box:11434/v1")),
            ("box:1234", Some("http://box:1234/v1")),
            (":1234", Some("http://127.0.0.1:1234/v1")),
            ("0.0.0.0", Some("http://127.0.0.1:11434/v1")),
            ("0.0.0.0:8080", Some("http://127.0.0.1:8080/v1")),
            ("http://0.0.0.0:8080", Some("http://127.0.0.1:8080/v1")),
            ("http://box:1234/", Some("http://box:1234/v1")),
            ("http://box:1234/v1", Some("http://box:1234/v1")),
            ("http://box:1234/v1/", Some("http://box:1234/v1")),
            ("http://box", Some("http://box:80/v1")),
            ("https://box", Some("https://box:443/v1")),
            ("HTTP://box:1", Some("http://box:1/v1")),
            ("https://box/ollama/", Some("https://box:443/ollama/v1")),
            ("box/ollama", Some("http://box:11434/ollama/v1")),
            ("box/xv1", Some("http://box:11434/xv1/v1")),
            (" 'box:1234' ", Some("http://box:1234/v1")),
            ("\" box:1234 \"", Some("http://box:1234/v1")),
            ("box:http", Some("http://box:11434/v1")),
            ("box:70000", Some("http://box:11434/v1")),
            ("box:", Some("http://box:11434/v1")),
            ("::1", Some("http://[::1]:11434/v1")),
            ("[::1]:1234", Some("http://[::1]:1234/v1")),
            ("[::]:1234", Some("http://[::1]:1234/v1")),
            ("::", Some("http://[::1]:11434/v1")),
        ] {
            let found = base_url(text, "http://localhost:11434/v1");
            assert_eq!(found.as_deref(), expected, "{text}");
        }
    }
}
