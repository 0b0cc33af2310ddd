//! Splits the bytes of an event stream into events; it does no I/O and does not know what they mean.
//!
//! The rules are those of the WHATWG HTML standard, section "Interpreting an event stream", with
//! three deviations, all so that nothing a service sent is lost:
//!
//! - Bytes are not validated. UTF-8 is the business of whoever reads `Event::data`, so a bad byte
//!   spoils its own event and never stalls the stream.
//! - The event that the end of the stream cuts off is dispatched by [`Decoder::finish`].
//! - A line with the field name `error` counts as data of an event named `error`: older versions of
//!   llama-server report a failure as `error: {...}`.
//!
//! `id` and `retry` are ignored, since a paid request is never resumed by reconnecting.

use std::fmt;

use memchr::memchr2;

/// The longest accepted event in bytes: its name, its data and its unfinished line together.
///
/// A generated picture as base64 has some 8 MB; the limit only keeps a broken service from filling
/// the memory.
pub const MAX_EVENT: usize = 64 << 20;

/// The name that an event gets through an `error:` line.
const ERROR_NAME: &[u8] = b"error";

/// One event, valid during the call that hands it out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event<'a> {
    /// The value of the last `event` line, empty if there was none.
    pub event: &'a [u8],
    /// The values of the `data` lines, joined by `\n`.
    pub data: &'a [u8],
}

/// The stream holds an event longer than [`MAX_EVENT`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooLong;

impl fmt::Display for TooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an event of the stream is longer than {} MiB", MAX_EVENT >> 20)
    }
}

impl std::error::Error for TooLong {}

/// Decoder that takes the stream in pieces of any size.
///
/// An event that lies whole inside one piece and has a single data line is not copied.
#[derive(Debug)]
pub struct Decoder {
    /// The bytes of a line whose end has not come yet.
    line: Vec<u8>,
    /// The data of the current event, from `data_start` on.
    data: Vec<u8>,
    data_start: usize,
    /// Whether a data line came: an event with empty data is still an event.
    has_data: bool,
    name: Vec<u8>,
    /// Whether the first line is over: a byte order mark may only begin that one.
    begun: bool,
    /// Whether the last byte was a CR that ended a line, so that an LF behind it ends none.
    after_cr: bool,
    too_long: bool,
    limit: usize,
}

impl Default for Decoder {
    fn default() -> Self {
        Self {
            line: Vec::new(),
            data: Vec::new(),
            data_start: 0,
            has_data: false,
            name: Vec::new(),
            begun: false,
            after_cr: false,
            too_long: false,
            limit: MAX_EVENT,
        }
    }
}

/// The parts of the current event that lie in the current piece and need no copy yet.
#[derive(Default)]
struct BorrowedParts<'b> {
    name: Option<&'b [u8]>,
    data: Option<&'b [u8]>,
}

/// What a line without its end means.
enum Line<'l> {
    Blank,
    Name(&'l [u8]),
    Data(&'l [u8]),
    Error(&'l [u8]),
    Ignored,
}

impl<'l> Line<'l> {
    fn read(line: &'l [u8]) -> Self {
        if line.is_empty() {
            Self::Blank
        } else if let Some(value) = field(line, b"data") {
            Self::Data(value)
        } else if let Some(value) = field(line, b"event") {
            Self::Name(value)
        } else if let Some(value) = field(line, ERROR_NAME) {
            Self::Error(value)
        } else {
            Self::Ignored
        }
    }
}

/// The value of the line if its field has this name; a line without a colon is a field with an
/// empty value.
fn field<'l>(line: &'l [u8], name: &[u8]) -> Option<&'l [u8]> {
    match line.strip_prefix(name)? {
        [] => Some(&[]),
        [b':', b' ', value @ ..] | [b':', value @ ..] => Some(value),
        _ => None,
    }
}

impl Decoder {
    /// Takes the next bytes of the stream and calls `each` for every event that they complete.
    ///
    /// # Errors
    ///
    /// [`TooLong`] as soon as an event exceeds [`MAX_EVENT`]; the events before it have been handed
    /// out, and every further call fails the same way.
    pub fn push(&mut self, bytes: &[u8], mut each: impl FnMut(Event<'_>)) -> Result<(), TooLong> {
        if self.too_long {
            return Err(TooLong);
        }
        let mut rest = bytes;
        if self.after_cr && !rest.is_empty() {
            self.after_cr = false;
            rest = rest.strip_prefix(b"\n").unwrap_or(rest);
        }
        let mut here = BorrowedParts::default();
        while let Some(end) = line_end(rest) {
            let line = &rest[..end];
            let crlf = rest[end] == b'\r' && rest.get(end + 1) == Some(&b'\n');
            self.after_cr = rest[end] == b'\r' && end + 1 == rest.len();
            rest = &rest[end + 1 + usize::from(crlf)..];
            self.check(&here, line)?;
            if self.line.is_empty() {
                self.take(line, &mut here, &mut each);
            } else {
                self.line.extend_from_slice(line);
                self.take_kept(&mut each);
            }
        }
        self.check(&here, rest)?;
        self.keep(&here);
        self.line.extend_from_slice(rest);
        Ok(())
    }

    /// Ends the stream: what came of an unfinished event is handed out, unless its data is empty.
    ///
    /// Afterwards the decoder is as new.
    pub fn finish(&mut self, mut each: impl FnMut(Event<'_>)) {
        if !self.line.is_empty() {
            self.take_kept(&mut each);
        }
        if self.data.len() > self.data_start {
            self.dispatch(&BorrowedParts::default(), &mut each);
        }
        *self = Self { limit: self.limit, ..Self::default() };
    }

    /// Whether nothing is pending: the bytes so far ended with a whole event (or with comments
    /// after it).
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.line.is_empty() && self.name.is_empty() && !self.has_data
    }

    /// Fails if the current event, with `more` bytes added to its present line, is too long.
    fn check(&mut self, here: &BorrowedParts<'_>, more: &[u8]) -> Result<(), TooLong> {
        let name = here.name.map_or(self.name.len(), <[u8]>::len);
        let data = here.data.map_or(self.data.len() - self.data_start, <[u8]>::len);
        if name + data + self.line.len() + more.len() <= self.limit {
            return Ok(());
        }
        *self = Self { limit: self.limit, too_long: true, ..Self::default() };
        Err(TooLong)
    }

    /// Takes a line that lies whole in the current piece.
    fn take<'b>(
        &mut self,
        line: &'b [u8],
        here: &mut BorrowedParts<'b>,
        each: &mut impl FnMut(Event<'_>),
    ) {
        match Line::read(self.without_mark(line)) {
            Line::Blank => {
                self.dispatch(here, each);
                *here = BorrowedParts::default();
            }
            Line::Name(value) => here.name = Some(value),
            Line::Data(value) => self.add(value, here),
            Line::Error(value) => {
                here.name = Some(ERROR_NAME);
                self.add(value, here);
            }
            Line::Ignored => {}
        }
    }

    /// Takes the kept line, now complete. It is the first of its piece, so nothing lies in the
    /// piece yet.
    fn take_kept(&mut self, each: &mut impl FnMut(Event<'_>)) {
        let line = std::mem::take(&mut self.line);
        let read = Line::read(self.without_mark(&line));
        if matches!(read, Line::Error(_)) {
            ERROR_NAME.clone_into(&mut self.name);
        }
        match read {
            Line::Blank => self.dispatch(&BorrowedParts::default(), each),
            Line::Name(value) => value.clone_into(&mut self.name),
            Line::Data(value) | Line::Error(value) if self.has_data => self.append(value),
            Line::Data(value) | Line::Error(value) => {
                // The line becomes the data as it is: a picture of some MB is not copied once more.
                self.data_start = line.len() - value.len();
                self.has_data = true;
                self.line = std::mem::replace(&mut self.data, line);
                return;
            }
            Line::Ignored => {}
        }
        self.line = line;
        self.line.clear();
    }

    /// Adds a data value that lies in the current piece.
    fn add<'b>(&mut self, value: &'b [u8], here: &mut BorrowedParts<'b>) {
        if let Some(first) = here.data.take() {
            self.append(first);
        } else if !self.has_data {
            here.data = Some(value);
            return;
        }
        self.append(value);
    }

    fn append(&mut self, value: &[u8]) {
        if self.has_data {
            self.data.push(b'\n');
        }
        self.data.extend_from_slice(value);
        self.has_data = true;
    }

    /// Hands the event out if it has data, and forgets it.
    fn dispatch(&mut self, here: &BorrowedParts<'_>, each: &mut impl FnMut(Event<'_>)) {
        let event = here.name.unwrap_or(&self.name);
        if let Some(data) = here.data {
            each(Event { event, data });
        } else if self.has_data {
            each(Event { event, data: &self.data[self.data_start..] });
        }
        self.name.clear();
        self.data.clear();
        self.data_start = 0;
        self.has_data = false;
    }

    /// Copies what the next piece will need of this one.
    fn keep(&mut self, here: &BorrowedParts<'_>) {
        if let Some(name) = here.name {
            name.clone_into(&mut self.name);
        }
        if let Some(data) = here.data {
            self.append(data);
        }
    }

    fn without_mark<'l>(&mut self, line: &'l [u8]) -> &'l [u8] {
        if self.begun {
            return line;
        }
        self.begun = true;
        line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line)
    }
}

/// Where the first line ends. Every second line of a usual stream is blank: that case is first.
fn line_end(bytes: &[u8]) -> Option<usize> {
    match bytes.first()? {
        b'\n' | b'\r' => Some(0),
        _ => memchr2(b'\n', b'\r', bytes),
    }
}

#[cfg(test)]
mod tests;
