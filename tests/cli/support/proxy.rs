//! Small proxies on the loopback that lead every client to one server, whatever host it asks for. They
//! know nothing of what passes through.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// What a proxy speaks, and whom it lets through.
#[derive(Debug, Clone)]
pub(crate) enum Kind {
    /// CONNECT.
    Http,
    /// Version 4, with names as 4a has them.
    Socks4,
    /// Version 5; with a user and a password that must be told.
    Socks5(Option<(&'static str, &'static str)>),
    /// Answers this to whatever it hears first.
    Says(Vec<u8>),
}

/// A proxy that runs to the end of the tests.
#[derive(Debug)]
pub(crate) struct Proxy {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    /// A proxy that leads to this port of the loopback.
    pub(crate) fn start(kind: Kind, port: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = listener.local_addr().expect("a listener has an address");
        let asked = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&asked);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (kind, seen) = (kind.clone(), Arc::clone(&seen));
                // A client that goes away is none of the test's business.
                thread::spawn(move || drop(serve(stream, &kind, port, &seen)));
            }
        });
        Self { address, asked }
    }

    /// `127.0.0.1:PORT`.
    pub(crate) fn address(&self) -> String {
        self.address.to_string()
    }

    /// What each client has asked for: host and port, or for CONNECT the head of the request.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("no thread panics").clone()
    }
}

fn serve(
    mut stream: TcpStream,
    kind: &Kind,
    port: u16,
    seen: &Mutex<Vec<String>>,
) -> io::Result<()> {
    let asked = match kind {
        Kind::Http => connect(&mut stream)?,
        Kind::Socks4 => socks4(&mut stream)?,
        Kind::Socks5(user) => match socks5(&mut stream, *user)? {
            Some(asked) => asked,
            None => return Ok(()),
        },
        Kind::Says(answer) => {
            let _ = stream.read(&mut [0; 4096])?;
            stream.write_all(answer)?;
            stream.shutdown(Shutdown::Write)?;
            io::copy(&mut stream, &mut io::sink())?;
            return Ok(());
        }
    };
    seen.lock().expect("no thread panics").push(asked);
    let mut server = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    let (mut from, mut to) = (stream.try_clone()?, server.try_clone()?);
    thread::spawn(move || {
        let _ = io::copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Write);
    });
    io::copy(&mut server, &mut stream)?;
    stream.shutdown(Shutdown::Write)
}

fn connect(stream: &mut TcpStream) -> io::Result<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(byte(stream)?);
    }
    stream.write_all(b"HTTP/1.1 200 Connection established\r\nVia: test\r\n\r\n")?;
    Ok(String::from_utf8_lossy(&head).into_owned())
}

fn socks4(stream: &mut TcpStream) -> io::Result<String> {
    let mut head = [0; 8];
    stream.read_exact(&mut head)?;
    assert_eq!(head[..2], [4, 1], "version 4, connect");
    let port = u16::from_be_bytes([head[2], head[3]]);
    let user = text(stream)?;
    let host = match head[4..] {
        [0, 0, 0, _] => text(stream)?,
        [a, b, c, d] => Ipv4Addr::new(a, b, c, d).to_string(),
        _ => unreachable!("eight bytes"),
    };
    stream.write_all(&[0, 90, 0, 0, 0, 0, 0, 0])?;
    Ok(format!("{user}@{host}:{port}"))
}

/// `None` for a user that is not let through.
fn socks5(stream: &mut TcpStream, user: Option<(&str, &str)>) -> io::Result<Option<String>> {
    let [version, number] = [byte(stream)?, byte(stream)?];
    assert_eq!(version, 5);
    let methods = bytes(stream, number)?;
    let wanted = if user.is_some() { 2 } else { 0 };
    if !methods.contains(&wanted) {
        stream.write_all(&[5, 0xff])?;
        return Ok(None);
    }
    stream.write_all(&[5, wanted])?;
    if let Some((name, password)) = user {
        assert_eq!(byte(stream)?, 1);
        let length = byte(stream)?;
        let told = bytes(stream, length)?;
        let length = byte(stream)?;
        let is_right = told == name.as_bytes() && bytes(stream, length)? == password.as_bytes();
        stream.write_all(&[1, u8::from(!is_right)])?;
        if !is_right {
            return Ok(None);
        }
    }
    let head = bytes(stream, 4)?;
    assert_eq!(head[..3], [5, 1, 0], "version 5, connect");
    let host = match head[3] {
        1 => bytes(stream, 4)?.iter().map(u8::to_string).collect::<Vec<_>>().join("."),
        3 => {
            let length = byte(stream)?;
            String::from_utf8_lossy(&bytes(stream, length)?).into_owned()
        }
        kind => panic!("an address of kind {kind}"),
    };
    let port = u16::from_be_bytes([byte(stream)?, byte(stream)?]);
    stream.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0])?;
    Ok(Some(format!("{host}:{port}")))
}

fn byte(stream: &mut TcpStream) -> io::Result<u8> {
    let mut byte = [0];
    stream.read_exact(&mut byte)?;
    Ok(byte[0])
}

fn bytes(stream: &mut TcpStream, number: u8) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; number.into()];
    stream.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// Bytes up to a zero.
fn text(stream: &mut TcpStream) -> io::Result<String> {
    let mut text = Vec::new();
    loop {
        match byte(stream)? {
            0 => return Ok(String::from_utf8_lossy(&text).into_owned()),
            byte => text.push(byte),
        }
    }
}
