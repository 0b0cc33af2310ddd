//! `multipart/form-data` (RFC 7578) as data: parts whose files are read only while they are sent.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::PathBuf;

use bytes::Bytes;

use super::buffers::Buffers;
use crate::random;

/// How much of a file is read at once.
const READ_SIZE: usize = 64 * 1024;

/// One part of a form.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct FormPart {
    pub(crate) name: String,
    pub(crate) content: PartContent,
}

/// What a part holds.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum PartContent {
    Text(String),
    File { filename: String, content_type: String, pieces: Vec<BytePiece> },
}

/// A stretch of bytes: at hand, or in a file on the disk. A file that is sent in part, or with
/// another header in front, is made of several.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum BytePiece {
    Bytes(Bytes),
    File { path: PathBuf, offset: u64, length: u64 },
}

impl BytePiece {
    /// The piece's length in bytes.
    pub(crate) fn length(&self) -> u64 {
        match self {
            BytePiece::Bytes(bytes) => bytes.len() as u64,
            BytePiece::File { length, .. } => *length,
        }
    }
}

/// A form with its boundary.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Form {
    pub(crate) parts: Vec<FormPart>,
    boundary: String,
}

impl FormPart {
    /// A part that is a field's value.
    pub(crate) fn text(name: &str, value: impl Into<String>) -> Self {
        Self { name: name.to_owned(), content: PartContent::Text(value.into()) }
    }
}

impl Form {
    /// A form of these parts, in this order.
    pub(crate) fn new(parts: Vec<FormPart>) -> Self {
        Self { parts, boundary: boundary() }
    }

    /// The value of the `Content-Type` header.
    pub(crate) fn content_type(&self) -> String {
        format!("multipart/form-data; boundary={}", self.boundary)
    }

    /// The whole body, in the order in which it is sent.
    pub(crate) fn pieces(&self) -> Vec<BytePiece> {
        let mut pieces = Vec::new();
        for part in &self.parts {
            let name = quoted(&part.name);
            let mut head =
                format!("--{}\r\nContent-Disposition: form-data; name=\"{name}\"", self.boundary);
            match &part.content {
                PartContent::Text(text) => {
                    head.push_str(&format!("\r\n\r\n{text}\r\n"));
                    pieces.push(BytePiece::Bytes(head.into()));
                }
                PartContent::File { filename, content_type, pieces: inner } => {
                    let filename = quoted(filename);
                    head.push_str(&format!("; filename=\"{filename}\"\r\n"));
                    head.push_str(&format!("Content-Type: {content_type}\r\n\r\n"));
                    pieces.push(BytePiece::Bytes(head.into()));
                    pieces.extend(inner.iter().cloned());
                    pieces.push(BytePiece::Bytes(Bytes::from_static(b"\r\n")));
                }
            }
        }
        pieces.push(BytePiece::Bytes(format!("--{}--\r\n", self.boundary).into()));
        pieces
    }
}

/// A name in the quotes of a `Content-Disposition`, as browsers write it (WHATWG HTML, "multipart
/// form data": only these three are escaped; the rest is UTF-8, RFC 7578 section 5.1).
fn quoted(name: &str) -> String {
    name.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A")
}

/// A boundary that no content holds: nobody can guess it, so no file can be made for it.
fn boundary() -> String {
    format!("llm-{}", nonce())
}

/// 32 hexadecimal digits that differ from call to call.
pub(super) fn nonce() -> String {
    format!("{:016x}{:016x}", random::bits(), random::bits())
}

/// Reads pieces one after the other, in stretches of at most 64 KiB.
#[derive(Debug)]
pub(super) struct PieceReader {
    pieces: std::vec::IntoIter<BytePiece>,
    open: Option<(File, u64)>,
    buffers: Buffers,
}

impl PieceReader {
    /// A reader of these pieces.
    pub(super) fn new(pieces: Vec<BytePiece>) -> Self {
        Self { pieces: pieces.into_iter(), open: None, buffers: Buffers::new(READ_SIZE) }
    }

    /// The next stretch of the open file; `None` when there is none, or no more of it.
    fn next_of_file(&mut self) -> Option<std::io::Result<Bytes>> {
        let (file, left) = self.open.as_mut()?;
        if *left == 0 {
            self.open = None;
            return None;
        }
        let mut buffer = self.buffers.take();
        let most = READ_SIZE.min(usize::try_from(*left).unwrap_or(READ_SIZE));
        Some(match file.read(&mut buffer.space()[..most]) {
            // Shorter than it was when its length was promised.
            Ok(0) => Err(std::io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => {
                *left -= count as u64;
                Ok(buffer.into_bytes(count))
            }
            Err(error) => Err(error),
        })
    }
}

impl Iterator for PieceReader {
    type Item = std::io::Result<Bytes>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(read) = self.next_of_file() {
                return Some(read);
            }
            match self.pieces.next()? {
                BytePiece::Bytes(bytes) if bytes.is_empty() => {}
                BytePiece::Bytes(bytes) => return Some(Ok(bytes)),
                BytePiece::File { path, offset, length } => {
                    let opened = File::open(path).and_then(|mut file| {
                        file.seek(SeekFrom::Start(offset))?;
                        Ok(file)
                    });
                    match opened {
                        Ok(file) => self.open = Some((file, length)),
                        Err(error) => return Some(Err(error)),
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(form: &Form) -> String {
        let reads = PieceReader::new(form.pieces());
        let bytes: Vec<u8> = reads.flat_map(|read| read.expect("readable").to_vec()).collect();
        let length: u64 = form.pieces().iter().map(BytePiece::length).sum();
        assert_eq!(length, bytes.len() as u64);
        String::from_utf8(bytes).expect("text").replace(&form.boundary, "B")
    }

    #[test]
    fn parts_are_framed_and_names_quoted() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("音.wav");
        std::fs::write(&path, "0123456789").expect("written");
        let file = PartContent::File {
            filename: "会\"议\n.wav".into(),
            content_type: "audio/wav".into(),
            pieces: vec![
                BytePiece::Bytes(Bytes::from_static(b"head:")),
                BytePiece::File { path, offset: 2, length: 3 },
            ],
        };
        let file = FormPart { name: "file".into(), content: file };
        let form = Form::new(vec![FormPart::text("model", "听"), file]);
        assert_eq!(
            body(&form),
            "--B\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\n听\r\n\
             --B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"会%22议%0A.wav\"\r\n\
             Content-Type: audio/wav\r\n\r\nhead:234\r\n--B--\r\n"
        );
        assert_ne!(Form::new(Vec::new()).boundary, form.boundary);
    }

    #[test]
    fn a_file_that_shrank_is_an_error() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a");
        std::fs::write(&path, "ab").expect("written");
        let mut reader = PieceReader::new(vec![BytePiece::File { path, offset: 0, length: 5 }]);
        assert_eq!(reader.next().expect("read").expect("readable").as_ref(), b"ab");
        assert!(reader.next().expect("read").is_err());
    }
}
