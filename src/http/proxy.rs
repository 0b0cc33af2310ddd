//! Which proxy leads to an address. What a proxy does wrong is told as its own, with the place where its
//! address was written.

use std::fmt;

use hyper_util::client::proxy::matcher::Matcher;

use super::Service;
use super::address::basic_credentials;
use super::network::{self, NetworkError};
use super::request::{Url, is_this_machine, unescaped};
use crate::error::Failure;
use crate::io::Env;
use crate::secret::Secret;

/// The port of SOCKS proxies (RFC 1928, section 3).
const SOCKS_PORT: u16 = 1080;

const KINDS_HINT: &str =
    "http, https, socks4, socks4a, socks5 and socks5h work: http://host:8080, socks5h://host:1080";

/// What the library says of a proxy that does not lead on, and what that means.
const ANSWERS: [(&str, &str); 15] = [
    ("tunnel error: unexpected end of file", "it closed the connection instead of making one"),
    ("tunnel error: unsuccessful", "it does not connect"),
    ("tunnel error: proxy response headers too long", "what it answers is no HTTP"),
    ("io error during SOCKS handshake", "it closed the connection instead of making one"),
    ("SOCKS error: failed parsing server response", "what it answers is no SOCKS"),
    ("SOCKS error: failed to create underlying connection", "it can't be reached"),
    ("SOCKS error: general server failure", "it does not connect: it failed"),
    ("SOCKS error: server failed to execute command", "it does not connect: it failed"),
    ("SOCKS error: connection not allowed", "it does not connect: its rules do not allow it"),
    ("SOCKS error: network unreachable", "it does not connect: the network is unreachable"),
    ("SOCKS error: host unreachable", "it does not connect: the host is unreachable"),
    ("SOCKS error: connection refused", "it does not connect: connection refused"),
    ("SOCKS error: ttl expired", "it does not connect: the way is too long"),
    ("SOCKS error: command not supported", "it does not make connections"),
    ("SOCKS error: IPV6 is not supported", "it takes no IPv6 address; socks5:// does"),
];

/// What the library says where the proxy does not let the user in.
const UNAUTHORIZED: [&str; 3] = [
    "proxy authorization required",
    "credentials not accepted",
    "server does not support user/pass authentication",
];

/// A proxy.
#[derive(Clone)]
pub(super) struct Proxy {
    pub(super) url: Url,
    /// `HTTPS_PROXY`, or a field of a profile.
    pub(super) source: String,
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.place())
    }
}

impl Proxy {
    /// The proxy for an address: the profile's, else the environment's. No proxy could reach the caller's
    /// own machine, so that only the profile's is asked to.
    ///
    /// # Errors
    /// Exit 2: an address that is none, or a kind of proxy that is not spoken.
    pub(super) fn of(service: &Service, env: &Env, url: &Url) -> Result<Option<Self>, Failure> {
        if let Some(text) = &service.proxy {
            return Self::parse(text, format!("the `proxy` of {}", service.name)).map(Some);
        }
        if is_this_machine(url) {
            return Ok(None);
        }
        // A server that runs programs for its visitors hands on their headers in such names.
        let is_cgi = env.get("REQUEST_METHOD").is_some();
        let names: &[&str] = match url.scheme() {
            "https" => &["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"],
            _ if is_cgi => &["http_proxy", "all_proxy", "ALL_PROXY"],
            _ => &["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"],
        };
        let found = names.iter().find_map(|name| Some((env.get(name)?, (*name).to_owned())));
        let Some((text, source)) = found.or_else(|| of_system(url)) else { return Ok(None) };
        let around = ["no_proxy", "NO_PROXY"].iter().find_map(|name| env.get(name));
        if around.is_some_and(|list| is_listed(&list, url)) {
            return Ok(None);
        }
        Self::parse(&text, source).map(Some)
    }

    fn parse(text: &str, source: String) -> Result<Self, Failure> {
        let wrong = |what: &str| Failure::usage(format!("{source} {what}")).hint(KINDS_HINT);
        let text = text.trim();
        let text = match text.split_once("://") {
            None => format!("http://{text}"),
            // Desktops write `socks://` for proxies that speak version 5 and look up names.
            Some(("socks", rest)) => format!("socks5h://{rest}"),
            Some(_) => text.to_owned(),
        };
        let no_url = || wrong("is no address of a proxy");
        let mut url = Url::parse(&text).map_err(|_| no_url())?;
        if url.host_str().is_none_or(str::is_empty) {
            return Err(no_url());
        }
        match url.scheme() {
            "http" | "https" => {}
            "socks4" | "socks4a" | "socks5" | "socks5h" if url.port().is_some() => {}
            "socks4" | "socks4a" | "socks5" | "socks5h" => {
                url.set_port(Some(SOCKS_PORT)).map_err(|()| no_url())?;
            }
            other => {
                return Err(wrong(&format!(
                    "names a proxy of the kind `{other}`, which llm does not speak"
                )));
            }
        }
        Ok(Self { url, source })
    }

    /// Whether it is no SOCKS proxy.
    pub(super) fn is_http(&self) -> bool {
        matches!(self.url.scheme(), "http" | "https")
    }

    /// Address and source, without user and password.
    pub(super) fn place(&self) -> String {
        let (scheme, host) = (self.url.scheme(), self.url.host_str().unwrap_or_default());
        let port = self.url.port().map(|port| format!(":{port}")).unwrap_or_default();
        format!("{scheme}://{host}{port} ({})", self.source)
    }

    /// What can be done where the proxy fails.
    pub(super) fn hint(&self, url: &Url) -> String {
        let host = url.host_str().unwrap_or_default();
        let around = match self.source.to_ascii_lowercase().ends_with("_proxy") {
            true => format!(" NO_PROXY={host} goes around it"),
            false => String::new(),
        };
        format!("is the address in {} right, and the proxy running?{around}", self.source)
    }

    /// What must not be shown.
    pub(super) fn secrets(&self) -> Vec<Secret> {
        let written = self.url.password().map(str::to_owned);
        let meant =
            written.as_deref().map(|text| String::from_utf8_lossy(&unescaped(text)).into_owned());
        let texts = [written, meant, basic_credentials(&self.url)];
        texts.into_iter().flatten().map(Secret::new).collect()
    }

    /// Why the proxy has not led on, out of what the library says and of what was read from that.
    pub(super) fn failure(&self, error: &reqwest::Error, broken: NetworkError) -> NetworkError {
        let texts = network::texts(error);
        let says = |words: &str| texts.iter().any(|text| text.contains(words));
        if UNAUTHORIZED.into_iter().any(says) {
            let (what, hint) = self.unauthorized();
            return NetworkError::settled(what, hint);
        }
        if says("error resolving for socks proxy") {
            return NetworkError::settled(
                "the host's name was not found on this machine",
                "socks5h:// or socks4a:// leaves looking it up to the proxy",
            );
        }
        let known = ANSWERS.into_iter().find(|(words, _)| says(words));
        known.map_or(broken, |(_, words)| NetworkError::of_words(words).connecting())
    }

    /// What it means that the proxy wants to know who asks.
    pub(super) fn unauthorized(&self) -> (&'static str, String) {
        let what = match basic_credentials(&self.url) {
            Some(_) => "it refuses the user and the password that it was given (407)",
            None => "it asks for a user and a password (407)",
        };
        (
            what,
            format!(
                "write them into {}: {}://USER:PASSWORD@HOST:PORT",
                self.source,
                self.url.scheme()
            ),
        )
    }
}

/// What the system's settings say, where there are any. On Linux there are none but the variables.
fn of_system(url: &Url) -> Option<(String, String)> {
    if cfg!(target_os = "linux") {
        return None;
    }
    let uri = url.as_str().parse::<hyper::Uri>().ok()?;
    let found = Matcher::from_system().intercept(&uri)?;
    Some((found.uri().to_string(), "the system's settings".to_owned()))
}

/// Whether `NO_PROXY` lists the host of an address.
fn is_listed(list: &str, url: &Url) -> bool {
    // The library matches as curl does, but takes no star, no port and no blank between entries.
    let host = url.host_str().unwrap_or_default();
    let port = url.port_or_known_default().map(|port| format!(":{port}")).unwrap_or_default();
    let entries = list.split([',', ' ', '\t']).map(|entry| {
        let entry = entry.strip_prefix("*.").unwrap_or(entry);
        let name = entry.strip_suffix(&port).filter(|name| !name.is_empty()).unwrap_or(entry);
        name.trim_matches(['[', ']'])
    });
    let entries: Vec<&str> = entries.filter(|entry| !entry.is_empty()).collect();
    let Ok(uri) = format!("http://{host}").parse::<hyper::Uri>() else { return false };
    let matcher = Matcher::builder().all("http://proxy").no(entries.join(","));
    matcher.build().intercept(&uri).is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(variables: &[(&str, &str)], url: &str) -> Result<Option<Proxy>, Failure> {
        let table = variables.iter().map(|(name, value)| ((*name).into(), (*value).into()));
        let url = Url::parse(url).expect("a URL");
        Proxy::of(&Service::default(), &Env::Table(table.collect()), &url)
    }

    fn place(variables: &[(&str, &str)], url: &str) -> String {
        of(variables, url)
            .expect("understood")
            .map_or_else(|| "none".to_owned(), |found| found.place())
    }

    #[test]
    fn the_variables_say_which_proxy() {
        let all = [
            ("http_proxy", "a:81"),
            ("HTTPS_PROXY", "https://li:g%40heim@b"),
            ("ALL_PROXY", "socks5://c"),
        ];
        assert_eq!(place(&all, "http://h.example/"), "http://a:81 (http_proxy)");
        assert_eq!(place(&all, "https://h.example/"), "https://b (HTTPS_PROXY)");
        assert_eq!(place(&all[2..], "https://h.example/"), "socks5://c:1080 (ALL_PROXY)");
        for url in ["http://localhost/", "https://127.0.0.1:8443/", "http://[::1]/"] {
            assert_eq!(place(&all, url), "none", "{url}");
        }
        assert_eq!(
            place(&[("HTTP_PROXY", "a:81"), ("REQUEST_METHOD", "GET")], "http://h/"),
            "none"
        );
        let wrong = of(&[("ALL_PROXY", "ftp://li:geheim@h")], "http://h/").expect_err("not spoken");
        let words = "ALL_PROXY names a proxy of the kind `ftp`, which llm does not speak";
        assert_eq!((wrong.message.as_str(), wrong.kind.exit_code()), (words, 2));
        for text in ["http://", "http://li:geheim@h:99999", "socks5://"] {
            let wrong = of(&[("ALL_PROXY", text)], "http://h/").expect_err(text);
            assert_eq!(wrong.message, "ALL_PROXY is no address of a proxy");
        }
    }

    #[test]
    fn some_hosts_are_reached_without_a_proxy() {
        for (list, url, expected) in [
            ("example", "http://h.example/", true),
            (".example", "http://h.example/", true),
            ("*.example", "http://h.example/", true),
            (".example", "http://example/", true),
            ("h.example", "http://H.Example/", true),
            ("ample", "http://h.example/", false),
            ("h.example", "http://g.h.example/", true),
            ("a.b, h.example", "http://h.example/", true),
            ("a.b h.example", "http://h.example/", true),
            ("*", "http://h.example/", true),
            (",", "http://h.example/", false),
            ("h.example:443", "https://h.example/", true),
            ("h.example:444", "https://h.example/", false),
            ("10.0.0.0/8", "http://10.1.2.3/", true),
            ("10.0.0.0/8", "http://11.1.2.3/", false),
            ("10.1.2.3", "http://10.1.2.3/", true),
            ("10.1.2.3:80", "http://10.1.2.3/", true),
            ("0.0.0.0/0", "http://11.1.2.3/", true),
            ("0.0.0.0/0", "http://[fd00::1]/", false),
            ("fd00::/8", "http://[fd00::1]/", true),
            ("[fd00::1]:80", "http://[fd00::1]/", true),
            ("fd00::2", "http://[fd00::1]/", false),
        ] {
            let found = is_listed(list, &Url::parse(url).expect("a URL"));
            assert_eq!(found, expected, "{list} {url}");
        }
    }
}
