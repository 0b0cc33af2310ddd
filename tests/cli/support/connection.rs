//! One connection of the scripted server: reads requests off the socket and plays steps onto it. It
//! knows nothing of the script.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use super::recorded::Recorded;
use super::reply::Step;

/// How the playing of a reply ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// Every step was played, and the connection is open.
    Open,
    /// The client closed the connection, or broke it, before the last step.
    ByClient,
    /// A step of ours closed the connection.
    ByServer,
}

/// A connection that holds the last byte of each request back in the socket, so that closing it can
/// still become a reset (see [`Step::Reset`]).
pub(super) struct Connection {
    stream: TcpStream,
    held: bool,
}

impl Connection {
    pub(super) fn new(stream: TcpStream) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        Ok(Self { stream, held: false })
    }

    /// Waits for the next request and reads its head; `None` if the client closed instead.
    pub(super) fn read_head(&mut self) -> io::Result<Option<Vec<u8>>> {
        const END: &[u8] = b"\r\n\r\n";
        self.release()?;
        let mut head = Vec::new();
        let mut buffer = [0; 16 * 1024];
        loop {
            let known = head.len();
            let seen = self.stream.peek(&mut buffer)?;
            if seen == 0 {
                return Ok(None);
            }
            head.extend_from_slice(&buffer[..seen]);
            let end = head.windows(END.len()).position(|window| window == END);
            head.truncate(end.map_or(head.len(), |end| end + END.len()));
            let take = head.len() - known - usize::from(end.is_some());
            self.stream.read_exact(&mut buffer[..take])?;
            if end.is_some() {
                self.held = true;
                return Ok(Some(head));
            }
        }
    }

    /// Reads the body of `request` into it, asked for with `100 Continue` if the client waits for that.
    pub(super) fn read_body(&mut self, request: &mut Recorded) -> io::Result<()> {
        let length =
            request.header("content-length").map_or(0, |length| length.parse().unwrap_or(0));
        let chunked = request
            .header("transfer-encoding")
            .is_some_and(|coding| coding.eq_ignore_ascii_case("chunked"));
        let waits = request
            .header("expect")
            .is_some_and(|value| value.eq_ignore_ascii_case("100-continue"));
        if waits {
            self.stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
        }
        if chunked {
            self.read_chunks(&mut request.body)?;
        } else if length > 0 {
            self.read_exactly(length - 1, &mut request.body)?;
            request.body.push(self.hold()?);
        }
        request.whole = true;
        Ok(())
    }

    /// Reads the chunked transfer coding (RFC 9112 section 7.1) and drops its trailers.
    fn read_chunks(&mut self, body: &mut Vec<u8>) -> io::Result<()> {
        loop {
            let line = self.read_line()?;
            let size = line.split(';').next().unwrap_or_default().trim();
            let size = usize::from_str_radix(size, 16).map_err(|_| ErrorKind::InvalidData)?;
            if size == 0 {
                break;
            }
            self.read_exactly(size, body)?;
            self.read_line()?;
        }
        while !self.read_line()?.is_empty() {}
        Ok(())
    }

    /// The next line without its end, whose last byte is held back.
    fn read_line(&mut self) -> io::Result<String> {
        let mut line = Vec::new();
        loop {
            match self.hold()? {
                b'\n' => break,
                byte => line.push(byte),
            }
        }
        Ok(String::from_utf8_lossy(&line).trim_end().to_owned())
    }

    fn read_exactly(&mut self, length: usize, into: &mut Vec<u8>) -> io::Result<()> {
        self.release()?;
        let wanted = length as u64;
        let read = (&self.stream).take(wanted).read_to_end(into)?;
        if read < length {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        Ok(())
    }

    /// Looks at the next byte and leaves it in the socket.
    fn hold(&mut self) -> io::Result<u8> {
        self.release()?;
        let mut byte = [0];
        if self.stream.peek(&mut byte)? == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        self.held = true;
        Ok(byte[0])
    }

    /// Takes the byte that was held back out of the socket.
    fn release(&mut self) -> io::Result<()> {
        if self.held {
            self.stream.read_exact(&mut [0])?;
            self.held = false;
        }
        Ok(())
    }

    /// Plays the steps of a reply.
    pub(super) fn play(&mut self, steps: &[Step]) -> Ended {
        let resets = steps.iter().any(|step| matches!(step, Step::Reset));
        if !resets && self.release().is_err() {
            return Ended::ByClient;
        }
        for step in steps {
            let gone = match step {
                Step::Write(bytes) => self.stream.write_all(bytes).is_err(),
                Step::Flood(bytes) => {
                    while self.stream.write_all(bytes).is_ok() {}
                    true
                }
                Step::Wait(time) if resets => {
                    thread::sleep(*time);
                    false
                }
                Step::Wait(time) => self.closed_within(*time),
                Step::UntilClosed => {
                    self.drain(Duration::MAX);
                    true
                }
                Step::Reset => {
                    thread::sleep(Duration::from_millis(50));
                    return Ended::ByServer;
                }
                Step::Close => {
                    self.close();
                    return Ended::ByServer;
                }
            };
            if gone {
                return Ended::ByClient;
            }
        }
        Ended::Open
    }

    /// Closes in order: what the client still sends is read, since unread bytes would become a reset
    /// that takes the reply away from it.
    pub(super) fn close(&mut self) {
        if self.release().is_ok() && self.stream.shutdown(Shutdown::Write).is_ok() {
            self.drain(Duration::from_secs(5));
        }
    }

    /// Whether the client closed the connection within `time`, all of which passes if it did not.
    fn closed_within(&mut self, time: Duration) -> bool {
        let start = Instant::now();
        loop {
            let left = time.saturating_sub(start.elapsed());
            if left.is_zero() {
                return false;
            }
            match self.with_timeout(left, |stream| stream.peek(&mut [0])) {
                Ok(0) => return true,
                Ok(_) => thread::sleep(left),
                Err(error) if is_timeout(&error) => {}
                Err(_) => return true,
            }
        }
    }

    /// Reads and drops what comes until the client closes, or has been silent for `time`.
    fn drain(&mut self, time: Duration) {
        let mut buffer = [0; 16 * 1024];
        while let Ok(1..) = self.with_timeout(time, |stream| stream.read(&mut buffer)) {}
    }

    fn with_timeout(
        &mut self,
        time: Duration,
        mut read: impl FnMut(&mut TcpStream) -> io::Result<usize>,
    ) -> io::Result<usize> {
        let limit = (time < Duration::from_secs(3600)).then_some(time);
        self.stream.set_read_timeout(limit)?;
        let result = read(&mut self.stream);
        self.stream.set_read_timeout(None)?;
        result
    }
}

/// A read timeout is `WouldBlock` on Unix and `TimedOut` on Windows.
fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}
