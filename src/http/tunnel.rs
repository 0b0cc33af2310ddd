//! How a proxy is asked to lead on to another host: by CONNECT (RFC 9110, section 9.3.6) and by SOCKS
//! (RFC 1928, RFC 1929, and version 4 with the names of 4a).

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::connect::{self, Unreachable};
use super::network::NetworkError;
use super::proxy::{Kind, Proxy, target};
use super::request::{Url, unescaped};
use super::socket::Stream;
use super::{fault, head};

/// The longest head of an answer to CONNECT, and the most that is read of an error behind it.
const MAX_ANSWER: usize = 16 * 1024;

/// How long the words of a refusal are waited for.
const WORDS_WITHIN: Duration = Duration::from_millis(500);

impl Proxy {
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
        let end = read_head(stream, &mut answer).await?;
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
        let reason = line.split_once(' ').map_or(line.as_str(), |(_, rest)| rest.trim());
        let mut what = format!("it does not connect: {reason}");
        let rest = async {
            while answer.len() < MAX_ANSWER
                && !answer.trim_ascii_end().ends_with(b"</html>")
                && matches!(read_some(stream, &mut answer).await, Ok(1..))
            {}
        };
        let _ = tokio::time::timeout(WORDS_WITHIN, rest).await;
        let words = fault::read(&answer[end..]).message;
        let words = crate::secret::mask(&self.secrets(), &words);
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
        self.greet_socks5(stream).await?;
        send(stream, &self.socks5_request(url).await?).await?;
        let mut answer = [0; 4];
        receive(stream, &mut answer).await?;
        let [5, code, _, kind] = answer else { return Err(no_socks5()) };
        if code != 0 {
            let what = format!("it does not connect: {}", socks5_words(code));
            return Err(NetworkError::of_words(what));
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
            _ => return Err(no_socks5()),
        };
        receive(stream, &mut vec![0; length + 2]).await
    }

    /// Agrees on how the user is proved, and proves it.
    async fn greet_socks5(&self, stream: &mut Stream) -> Result<(), NetworkError> {
        let user = unescaped(self.url.username());
        let password = unescaped(self.url.password().unwrap_or_default());
        let has_user = !user.is_empty();
        send(stream, if has_user { &[5, 2, 0, 2] } else { &[5, 1, 0] }).await?;
        let mut answer = [0; 2];
        receive(stream, &mut answer).await?;
        match answer {
            [5, 0] => return Ok(()),
            [5, 2] if has_user => {}
            [5, _] => {
                let (_, hint) = self.unauthorized();
                return Err(NetworkError::settled("it asks for a user and a password", hint));
            }
            _ => return Err(no_socks5()),
        }
        let mut request = vec![1];
        for part in [&user, &password] {
            let too_long = |_| NetworkError::of_words("user or password is too long for SOCKS");
            request.push(u8::try_from(part.len()).map_err(too_long)?);
            request.extend(part);
        }
        send(stream, &request).await?;
        receive(stream, &mut answer).await?;
        if answer[1] == 0 {
            return Ok(());
        }
        let what = "it refuses the user and the password that it was given";
        let hint = format!("are user and password in {} right?", self.source);
        Err(NetworkError::settled(what, hint))
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

fn no_socks5() -> NetworkError {
    NetworkError::of_words("what it answers is no SOCKS 5")
}

/// Reads the head of an answer, and gives where it ends; more may have been read.
async fn read_head(stream: &mut Stream, answer: &mut Vec<u8>) -> Result<usize, NetworkError> {
    loop {
        if let Some(at) = memchr::memmem::find(answer, b"\r\n\r\n") {
            return Ok(at + 4);
        }
        if answer.len() >= MAX_ANSWER || (answer.len() > 4 && !answer.starts_with(b"HTTP/")) {
            return Err(NetworkError::of_words("what it answers is no HTTP"));
        }
        if read_some(stream, answer).await? == 0 {
            return Err(NetworkError::of_words("it closed the connection instead of making one"));
        }
    }
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
