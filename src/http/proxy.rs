//! Which proxy leads to an address. What a proxy does wrong is told as its own, with the place where its
//! address was written.

use std::fmt;
use std::net::IpAddr;

use super::Service;
use super::address::basic_credentials;
use super::request::{Url, is_this_machine, unescaped};
use crate::error::Failure;
use crate::io::Env;
use crate::secret::Secret;

/// The port of SOCKS proxies (RFC 1928, section 3).
const SOCKS_PORT: u16 = 1080;

const KINDS_HINT: &str =
    "http, https, socks4, socks4a, socks5 and socks5h work: http://host:8080, socks5h://host:1080";

/// A proxy.
#[derive(Clone)]
pub(super) struct Proxy {
    pub(super) url: Url,
    pub(super) kind: Kind,
    /// `HTTPS_PROXY`, or a field of a profile.
    pub(super) source: String,
}

/// What a proxy speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Http,
    Socks4,
    /// The proxy looks up names.
    Socks4a,
    Socks5,
    /// As [`Kind::Socks4a`].
    Socks5h,
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
        let text = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
        let no_url = || wrong("is no address of a proxy");
        let mut url = Url::parse(&text).map_err(|_| no_url())?;
        if url.host_str().is_none_or(str::is_empty) {
            return Err(no_url());
        }
        let kind = match url.scheme() {
            "http" | "https" => Kind::Http,
            "socks4" => Kind::Socks4,
            "socks4a" => Kind::Socks4a,
            "socks5" => Kind::Socks5,
            // Desktops write `socks://` for proxies that speak version 5.
            "socks5h" | "socks" => Kind::Socks5h,
            other => {
                return Err(wrong(&format!(
                    "names a proxy of the kind `{other}`, which llm does not speak"
                )));
            }
        };
        if kind != Kind::Http && url.port().is_none() {
            url.set_port(Some(SOCKS_PORT)).map_err(|()| no_url())?;
        }
        Ok(Self { url, kind, source })
    }

    pub(super) fn is_http(&self) -> bool {
        self.kind == Kind::Http
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

    /// The value of `Proxy-Authorization`, if the address has a user.
    pub(super) fn authorization(&self) -> Option<String> {
        basic_credentials(&self.url).map(|credentials| format!("Basic {credentials}"))
    }

    /// What must not be shown.
    pub(super) fn secrets(&self) -> Vec<Secret> {
        let written = self.url.password().map(str::to_owned);
        let meant =
            written.as_deref().map(|text| String::from_utf8_lossy(&unescaped(text)).into_owned());
        let texts = [written, meant, basic_credentials(&self.url)];
        texts.into_iter().flatten().map(Secret::new).collect()
    }

    /// What it means that the proxy wants to know who asks.
    pub(super) fn unauthorized(&self) -> (&'static str, String) {
        let what = match self.authorization() {
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

/// Host and port that a proxy is to lead to.
pub(super) fn target(url: &Url) -> (&str, u16) {
    (url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or(80))
}

/// What the system's settings say, where there are any. On Linux there are none but the variables.
fn of_system(url: &Url) -> Option<(String, String)> {
    if cfg!(target_os = "linux") {
        return None;
    }
    let uri = url.as_str().parse::<hyper::Uri>().ok()?;
    let found = hyper_util::client::proxy::matcher::Matcher::from_system().intercept(&uri)?;
    Some((found.uri().to_string(), "the system's settings".to_owned()))
}

/// Whether `NO_PROXY` lists the host of an address: by its name, the end of its name, its address or a
/// range of addresses, each perhaps with a port.
fn is_listed(list: &str, url: &Url) -> bool {
    let (host, port) = target(url);
    let host = host.trim_matches(['[', ']']).trim_end_matches('.').to_ascii_lowercase();
    let ip = host.parse::<IpAddr>().ok();
    list.split([',', ' ', '\t']).map(str::trim).filter(|entry| !entry.is_empty()).any(|entry| {
        let entry = entry.to_ascii_lowercase();
        if entry == "*" {
            return true;
        }
        let (name, wanted) = with_port(&entry);
        if wanted.is_some_and(|wanted| wanted != port) {
            return false;
        }
        match ip {
            Some(ip) => is_in(ip, name),
            None => {
                let name = name.trim_start_matches('*').trim_matches('.');
                let end = host.strip_suffix(name);
                !name.is_empty() && end.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
            }
        }
    })
}

/// An entry of `NO_PROXY` and its port.
fn with_port(entry: &str) -> (&str, Option<u16>) {
    if let Some(rest) = entry.strip_prefix('[')
        && let Some((name, rest)) = rest.split_once(']')
    {
        return (name, rest.strip_prefix(':').and_then(|port| port.parse().ok()));
    }
    match entry.split_once(':') {
        Some((name, port)) if !port.contains(':') => match port.parse() {
            Ok(port) => (name, Some(port)),
            Err(_) => (entry, None),
        },
        _ => (entry, None),
    }
}

/// Whether an address is one, or in a range such as `10.0.0.0/8`.
fn is_in(ip: IpAddr, range: &str) -> bool {
    let (first, length) = match range.split_once('/') {
        Some((first, length)) => (first, length.parse::<u32>().ok()),
        None => (range, Some(128)),
    };
    let bits = |ip: IpAddr| match ip {
        IpAddr::V4(ip) => (u128::from(ip.to_bits()) << 96, 32),
        IpAddr::V6(ip) => (ip.to_bits(), 128),
    };
    let (Ok(first), Some(length)) = (first.parse::<IpAddr>(), length) else { return false };
    let ((first, all), (ip, all_of_ip)) = (bits(first), bits(ip));
    let ignored = 128 - length.min(all);
    all == all_of_ip && first.checked_shr(ignored) == ip.checked_shr(ignored)
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
