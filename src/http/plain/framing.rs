//! Where the content of a reply stands among the bytes of its connection (RFC 9112, sections 6 and 7).
//! Pure: knows no socket.

/// The longest line of a chunk's size or of a trailer, and the most of trailers, in bytes: no server
/// comes near it.
const LONGEST: usize = 16 * 1024;

/// How far the content of a reply goes, and how much of it is still to come.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::http) enum Framing {
    /// So many more bytes.
    Length(u64),
    Chunked(Chunks),
    /// All there is until the connection ends.
    UntilClose,
}

/// A reader of the chunked transfer coding (RFC 9112, section 7.1).
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::http) struct Chunks {
    state: State,
    /// Bytes of the chunk that are still to come, or its size so far.
    left: u64,
    /// Bytes of the line or the trailers so far.
    line: usize,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Before the first digit of a size.
    #[default]
    Size,
    /// Behind at least one digit.
    Digits,
    /// Behind the size, up to the end of its line.
    Extension,
    Data,
    /// Behind the data, where a line ends.
    DataEnd,
    /// At the beginning of a line of trailers.
    Trailer,
    /// Inside such a line.
    TrailerLine,
    Over,
    Malformed,
}

/// What the bytes of a read were.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::http) struct Taken {
    /// So many bytes of content, which stand at the beginning now.
    pub(in crate::http) content: usize,
    /// So many bytes belong to the reply at all.
    pub(in crate::http) used: usize,
}

/// The bytes are no chunks.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::http) struct Malformed;

impl Framing {
    /// Takes bytes as they came, and moves the content among them to their beginning.
    ///
    /// # Errors
    /// They should be chunks and are not. Content that came before is given first: the next call
    /// fails.
    pub(in crate::http) fn take(&mut self, bytes: &mut [u8]) -> Result<Taken, Malformed> {
        match self {
            Self::Length(left) => {
                let content = bytes.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
                *left -= content as u64;
                Ok(Taken { content, used: content })
            }
            Self::Chunked(chunks) => chunks.take(bytes),
            Self::UntilClose => Ok(Taken { content: bytes.len(), used: bytes.len() }),
        }
    }

    /// Whether the reply has come to its own end.
    pub(in crate::http) fn is_over(&self) -> bool {
        match self {
            Self::Length(left) => *left == 0,
            Self::Chunked(chunks) => chunks.state == State::Over,
            Self::UntilClose => false,
        }
    }

    /// Whether a connection that ends now has ended the reply, and not broken it off.
    pub(in crate::http) fn may_end(&self) -> bool {
        self.is_over() || matches!(self, Self::UntilClose)
    }
}

impl Chunks {
    fn take(&mut self, bytes: &mut [u8]) -> Result<Taken, Malformed> {
        let (mut content, mut at) = (0, 0);
        while at < bytes.len() && self.state != State::Over {
            if self.state == State::Malformed {
                return if content > 0 { Ok(Taken { content, used: at }) } else { Err(Malformed) };
            } else if self.state == State::Data {
                let length =
                    (bytes.len() - at).min(usize::try_from(self.left).unwrap_or(usize::MAX));
                bytes.copy_within(at..at + length, content);
                content += length;
                at += length;
                self.left -= length as u64;
                if self.left == 0 {
                    self.state = State::DataEnd;
                }
            } else {
                self.state = self.step(bytes[at]).unwrap_or(State::Malformed);
                at += usize::from(self.state != State::Malformed);
            }
        }
        Ok(Taken { content, used: at })
    }

    /// What is behind one byte that is no content; `None` if the byte can't stand there. A line may
    /// end without its CR, as the robust reader of section 2.2 has it.
    fn step(&mut self, byte: u8) -> Option<State> {
        self.line += 1;
        if self.line > LONGEST {
            return None;
        }
        Some(match (self.state, byte) {
            (State::Size | State::Digits, b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F') => {
                self.add(byte)?;
                State::Digits
            }
            (State::Digits | State::Extension, b'\n') => {
                self.line = 0;
                if self.left == 0 { State::Trailer } else { State::Data }
            }
            (State::Digits, b'\r' | b';' | b' ' | b'\t') | (State::Extension, _) => {
                State::Extension
            }
            (State::DataEnd, b'\r') => State::DataEnd,
            (State::DataEnd, b'\n') => {
                self.line = 0;
                State::Size
            }
            (State::Trailer, b'\r') => State::Trailer,
            (State::Trailer, b'\n') => State::Over,
            (State::TrailerLine, b'\n') => State::Trailer,
            (State::Trailer | State::TrailerLine, _) => State::TrailerLine,
            _ => return None,
        })
    }

    /// Adds a hexadecimal digit to the size; `None` for one that is beyond any sense.
    fn add(&mut self, digit: u8) -> Option<()> {
        let value = char::from(digit).to_digit(16)?;
        self.left = self.left.checked_mul(16)? | u64::from(value);
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What came of a chunked body.
    #[derive(Debug, Default, PartialEq)]
    struct Came {
        content: Vec<u8>,
        behind: Vec<u8>,
        is_over: bool,
        is_malformed: bool,
    }

    /// Reads a chunked body that comes in these pieces.
    fn read(pieces: &[&[u8]]) -> Came {
        let mut framing = Framing::Chunked(Chunks::default());
        let mut came = Came::default();
        for piece in pieces {
            let mut rest = piece.to_vec();
            while !rest.is_empty() && !framing.is_over() {
                let Ok(taken) = framing.take(&mut rest) else {
                    return Came { is_malformed: true, ..came };
                };
                came.content.extend_from_slice(&rest[..taken.content]);
                rest.drain(..taken.used);
            }
            came.behind.extend_from_slice(&rest);
        }
        Came { is_over: framing.is_over(), ..came }
    }

    fn chunked(parts: &[Vec<u8>]) -> Vec<u8> {
        let mut body = Vec::new();
        for part in parts.iter().filter(|part| !part.is_empty()) {
            body.extend_from_slice(format!("{:X}\r\n", part.len()).as_bytes());
            body.extend_from_slice(part);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(b"0\r\n\r\n");
        body
    }

    #[test]
    fn chunks_are_joined() {
        let came = |content: &str, behind: &str, is_over| Came {
            content: content.into(),
            behind: behind.into(),
            is_over,
            is_malformed: false,
        };
        let whole = |body: &str| read(&[body.as_bytes()]);
        let two = "6\r\n你好\r\n1\r\n!\r\n0\r\n\r\nHTTP";
        assert_eq!(whole(two), came("你好!", "HTTP", true));
        let more = "01;a=\"b\"\r\nx\r\n00\r\nTrailer: 1\r\nB: 2\r\n\r\n";
        assert_eq!(whole(more), came("x", "", true));
        assert_eq!(whole("1 \nx\n0\n\n"), came("x", "", true));
        assert_eq!(whole("5\r\nab"), came("ab", "", false));
        for wrong in ["\r\n", "x", "-1\r\n", "1\r\nab", "10000000000000000\r\n", "0x1\r\n"] {
            assert!(whole(wrong).is_malformed, "{wrong:?}");
        }
        assert!(whole(&format!("1;{}\r\n", "e".repeat(LONGEST))).is_malformed);
        assert!(whole(&format!("0\r\n{}", "a: b\r\n".repeat(LONGEST))).is_malformed);
    }

    #[test]
    fn what_came_before_a_fault_is_given() {
        let mut framing = Framing::Chunked(Chunks::default());
        let mut bytes = *b"1\r\na\r\nx1\r\nb";
        assert_eq!(framing.take(&mut bytes), Ok(Taken { content: 1, used: 6 }));
        assert_eq!(bytes[0], b'a');
        assert_eq!(framing.take(&mut bytes[6..]), Err(Malformed));
        assert_eq!(framing.take(&mut b"1\r\nb".to_owned()), Err(Malformed));
        assert!(!framing.may_end());
    }

    #[test]
    fn a_length_and_a_close_end_a_reply() {
        let mut framing = Framing::Length(3);
        assert_eq!(framing.take(&mut b"ab".to_owned()), Ok(Taken { content: 2, used: 2 }));
        assert!(!framing.may_end());
        assert_eq!(framing.take(&mut b"cd".to_owned()), Ok(Taken { content: 1, used: 1 }));
        assert!(framing.is_over() && framing.may_end());
        let mut framing = Framing::UntilClose;
        assert_eq!(framing.take(&mut b"ab".to_owned()), Ok(Taken { content: 2, used: 2 }));
        assert!(!framing.is_over() && framing.may_end());
    }

    proptest! {
        #[test]
        fn every_split_gives_the_same(
            parts in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..40), 0..6),
            cuts in proptest::collection::vec(any::<proptest::sample::Index>(), 0..8),
        ) {
            let body = chunked(&parts);
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(body.len() + 1)).collect();
            cuts.sort_unstable();
            let ends = cuts.iter().copied().chain([body.len()]);
            let starts = [0].into_iter().chain(cuts.iter().copied());
            let pieces: Vec<&[u8]> = starts.zip(ends).map(|(start, end)| &body[start..end]).collect();
            let came = read(&pieces);
            prop_assert!(came.is_over && came.behind.is_empty());
            prop_assert_eq!(came.content, parts.concat());
        }

        #[test]
        fn whatever_comes_is_taken_alike_whole_and_byte_by_byte(
            bytes in proptest::collection::vec(prop_oneof![
                4 => proptest::sample::select(b"0123aF;\r\n \t".to_vec()), 1 => any::<u8>(),
            ], 0..60),
        ) {
            let single: Vec<&[u8]> = bytes.chunks(1).collect();
            prop_assert_eq!(read(&[&bytes]), read(&single));
        }
    }
}
