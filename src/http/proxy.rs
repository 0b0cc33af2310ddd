//! Which proxy leads to an address, and how it is asked to lead there: HTTP (RFC 9110, section 9.3.6) and
//! SOCKS (RFC 1928, RFC 1929). A proxy speaks for itself: what it does wrong is told as its own, with
//! the place where its address was written.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::connect::{self, Unreachable};
use super::network::NetworkError;
use super::request::{Url, basic_credentials, is_this_machine, unescaped};
use super::socket::Stream;
use super::{Service, fault, head};
use crate::error::Failure;
use crate::io::Env;
use crate::secret::Secret;

/// The longest head of an answer to CONNECT, and the most that is read of an error behind it.
const MAX_ANSWER: usize = 16 * 1024;

/// The port of SOCKS proxies (RFC 1928, section 3).
const SOCKS_PORT: u16 = 1080;

const KINDS_HINT: &str =
    "http, https, socks4, socks4a, socks5 and socks5h work: http://host:8080, socks5h://host:1080";

/// A proxy.
#[derive(Clone)]
pub(super) struct Proxy {
    url: Url,
    kind: Kind,
    /// `HTTPS_PROXY`, or a field of a profile.
    source: String,
}

/// What a proxy speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
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

    pub(super) fn url(&self) -> &Url {
        &self.url
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
            true => format!("; NO_PROXY={host} goes around it"),
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

    /// Has the proxy lead a stream, which ends at it, on to the host of `url`.
    ///
    /// # Errors
    /// The proxy refuses, fails, or is none.
    pub(super) async fn lead(&self, mut stream: Stream, url: &Url) -> Result<Stream, NetworkError> {
        match self.kind {
            Kind::Http => self.connect(&mut stream, url).await?,
            Kind::Socks4 | Kind::Socks4a => self.socks4(&mut stream, url).await?,
            Kind::Socks5 | Kind::Socks5h => self.socks5(&mut stream, url).await?,
        }
        Ok(stream)
    }

    async fn connect(&self, stream: &mut Stream, url: &Url) -> Result<(), NetworkError> {
        let (host, port) = target(url);
        let mut head = format!(
            "CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\nUser-Agent: {}\r\n",
            head::USER_AGENT
        );
        if let Some(value) = self.authorization() {
            head.push_str(&format!("Proxy-Authorization: {value}\r\n"));
        }
        head.push_str("\r\n");
        send(stream, head.as_bytes()).await?;
        let mut answer = Vec::new();
        let end = loop {
            if let Some(at) = memchr::memmem::find(&answer, b"\r\n\r\n") {
                break at + 4;
            }
            if answer.len() >= MAX_ANSWER || (answer.len() > 4 && !answer.starts_with(b"HTTP/")) {
                return Err(NetworkError::of_words("what it answers is no HTTP"));
            }
            if read_some(stream, &mut answer).await? == 0 {
                let what = "it closed the connection instead of making one";
                return Err(NetworkError::of_words(what));
            }
        };
        let line = answer.split(|byte| *byte == b'\r').next().unwrap_or_default();
        let line = String::from_utf8_lossy(line).into_owned();
        let status = line.split(' ').nth(1).and_then(|code| code.parse::<u16>().ok());
        match status {
            Some(200..=299) => return Ok(()),
            Some(407) => {
                let (what, hint) = self.unauthorized();
                return Err(NetworkError::settled(what, hint));
            }
            _ => {}
        }
        let reason = line.split_once(' ').map_or(line.as_str(), |(_, rest)| rest);
        let mut what = format!("it does not connect: {reason}");
        // Its own words, as far as they come by themselves.
        while answer.len() < MAX_ANSWER && matches!(read_some(stream, &mut answer).await, Ok(1..)) {
            if answer.ends_with(b"</html>\n") || answer.ends_with(b"</html>") {
                break;
            }
        }
        let words = fault::read(&answer[end..]).message;
        let words = self.secrets().iter().fold(words, |words, secret| secret.mask(&words));
        if !words.is_empty() && !reason.contains(&words) {
            what.push_str(&format!(": {words}"));
        }
        let is_settled = matches!(status, Some(400..=499)) && !matches!(status, Some(408 | 429));
        Err(match is_settled {
            true => NetworkError::settled(what, self.hint(url)),
            false => NetworkError::of_words(what),
        })
    }

    async fn socks4(&self, stream: &mut Stream, url: &Url) -> Result<(), NetworkError> {
        let (host, port) = target(url);
        let mut request = vec![4, 1];
        request.extend(port.to_be_bytes());
        let user = unescaped(self.url.username());
        match self.kind {
            Kind::Socks4 => {
                let SocketAddr::V4(address) = address(url, true).await? else {
                    return Err(NetworkError::settled(
                        "SOCKS 4 leads only to addresses of IPv4",
                        "socks5h:// leads to others as well, where the proxy speaks it",
                    ));
                };
                request.extend(address.ip().octets());
                request.extend(user);
                request.push(0);
            }
            _ => {
                request.extend([0, 0, 0, 1]);
                request.extend(user);
                request.push(0);
                request.extend(host.trim_matches(['[', ']']).bytes());
                request.push(0);
            }
        }
        send(stream, &request).await?;
        let mut answer = [0; 8];
        receive(stream, &mut answer).await?;
        match answer {
            [0, 90, ..] => Ok(()),
            [0, 91, ..] => Err(NetworkError::of_words("it could not connect, or does not want to")),
            [0, 92 | 93, ..] => {
                let hint = format!("is the user in {} right?", self.source);
                Err(NetworkError::settled("it does not accept the user", hint))
            }
            _ => Err(NetworkError::of_words("what it answers is no SOCKS 4")),
        }
    }

    async fn socks5(&self, stream: &mut Stream, url: &Url) -> Result<(), NetworkError> {
        let no_socks = || NetworkError::of_words("what it answers is no SOCKS 5");
        let (user, password) =
            (unescaped(self.url.username()), unescaped(self.url.password().unwrap_or_default()));
        let has_user = !user.is_empty();
        send(stream, if has_user { &[5, 2, 0, 2] } else { &[5, 1, 0] }).await?;
        let mut answer = [0; 2];
        receive(stream, &mut answer).await?;
        match answer {
            [5, 0] => {}
            [5, 2] if has_user => {
                let mut request = vec![1];
                for part in [&user, &password] {
                    request.push(u8::try_from(part.len()).map_err(|_| no_socks())?);
                    request.extend(part);
                }
                send(stream, &request).await?;
                receive(stream, &mut answer).await?;
                if answer[1] != 0 {
                    let hint = format!("are user and password in {} right?", self.source);
                    let what = "it refuses the user and the password that it was given";
                    return Err(NetworkError::settled(what, hint));
                }
            }
            [5, _] if has_user => {
                let hint = format!("are user and password in {} needed, and right?", self.source);
                return Err(NetworkError::settled("it takes no user and password", hint));
            }
            [5, _] => {
                let hint = format!(
                    "write them into {}: {}://USER:PASSWORD@HOST:PORT",
                    self.source,
                    self.url.scheme()
                );
                return Err(NetworkError::settled("it asks for a user and a password", hint));
            }
            _ => return Err(no_socks()),
        }
        send(stream, &self.socks5_request(url).await?).await?;
        let mut answer = [0; 4];
        receive(stream, &mut answer).await?;
        let [5, code, _, kind] = answer else { return Err(no_socks()) };
        if code != 0 {
            return Err(NetworkError::of_words(format!(
                "it does not connect: {}",
                socks5_words(code)
            )));
        }
        // The address that it connects from, which nobody needs.
        let length = match kind {
            1 => 4,
            4 => 16,
            3 => {
                let mut length = [0];
                receive(stream, &mut length).await?;
                usize::from(length[0])
            }
            _ => return Err(no_socks()),
        };
        receive(stream, &mut vec![0; length + 2]).await
    }

    async fn socks5_request(&self, url: &Url) -> Result<Vec<u8>, NetworkError> {
        let (host, port) = target(url);
        let bare = host.trim_matches(['[', ']']);
        let address = match bare.parse::<IpAddr>() {
            Ok(address) => Some(address),
            Err(_) if self.kind == Kind::Socks5 => Some(address(url, false).await?.ip()),
            Err(_) => None,
        };
        let mut request = vec![5, 1, 0];
        match address {
            Some(IpAddr::V4(address)) => {
                request.push(1);
                request.extend(address.octets());
            }
            Some(IpAddr::V6(address)) => {
                request.push(4);
                request.extend(address.octets());
            }
            None => {
                let length = u8::try_from(bare.len());
                let too_long = |_| NetworkError::of_words("the host's name is too long for SOCKS");
                request.extend([3, length.map_err(too_long)?]);
                request.extend(bare.bytes());
            }
        }
        request.extend(port.to_be_bytes());
        Ok(request)
    }
}

/// Host and port that a proxy is to lead to.
fn target(url: &Url) -> (&str, u16) {
    (url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or(80))
}

/// An address of the host, looked up on this machine.
async fn address(url: &Url, must_be_v4: bool) -> Result<SocketAddr, NetworkError> {
    let found = connect::addresses(url).await.map_err(|error| match error {
        Unreachable::NameNotFound => NetworkError::settled(
            "the host's name was not found on this machine",
            "socks5h:// or socks4a:// leaves looking it up to the proxy",
        ),
        Unreachable::Io(error) => NetworkError::of_io(&error),
    })?;
    let preferred = found.iter().find(|address| !must_be_v4 || address.is_ipv4());
    Ok(*preferred.unwrap_or(&found[0]))
}

/// What a code of RFC 1928, section 6, says.
fn socks5_words(code: u8) -> String {
    let words = match code {
        1 => "it failed",
        2 => "its rules do not allow it",
        3 => "the network is unreachable",
        4 => "the host is unreachable",
        5 => "connection refused",
        6 => "the way is too long",
        7 => "it does not make connections",
        8 => "it does not know this kind of address",
        other => return format!("code {other}"),
    };
    words.to_owned()
}

async fn send(stream: &mut Stream, bytes: &[u8]) -> Result<(), NetworkError> {
    let sent = async {
        stream.write_all(bytes).await?;
        stream.flush().await
    };
    sent.await.map_err(|error| NetworkError::of_io(&error))
}

async fn receive(stream: &mut Stream, answer: &mut [u8]) -> Result<(), NetworkError> {
    let received = stream.read_exact(answer).await;
    received.map(drop).map_err(|error| NetworkError::of_io(&error))
}

async fn read_some(stream: &mut Stream, to: &mut Vec<u8>) -> Result<usize, NetworkError> {
    stream.read_buf(to).await.map_err(|error| NetworkError::of_io(&error))
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
