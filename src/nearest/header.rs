//! The head of a NumPy file. The layout is that of NumPy's document "NPY format" (`numpy.lib.format`),
//! versions 1 to 3.

/// What a file begins with.
pub(super) const MAGIC: &[u8] = b"\x93NUMPY";

/// The longest description that is read: NumPy writes some 100 bytes.
const MAX_DESCRIPTION: usize = 64 << 10;

/// How the numbers of a file are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NumberKind {
    Float32,
    Float64,
}

impl NumberKind {
    /// The bytes of a number.
    pub(super) fn width(self) -> usize {
        match self {
            Self::Float32 => 4,
            Self::Float64 => 8,
        }
    }
}

/// A table of vectors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    /// Where the first row begins, in bytes.
    pub(super) start: u64,
    pub(super) rows: u64,
    /// The numbers of a row, at least one.
    pub(super) columns: usize,
    pub(super) kind: NumberKind,
}

impl Header {
    /// The bytes of a row.
    pub(super) fn row_bytes(&self) -> usize {
        self.columns * self.kind.width()
    }

    /// Finds out whether a file of this size has all rows.
    ///
    /// # Errors
    /// What is wrong with it, as the end of a sentence that begins with the file's name.
    pub(super) fn check_size(&self, size: u64) -> Result<(), String> {
        let whole = size.saturating_sub(self.start) / self.row_bytes() as u64;
        if whole >= self.rows {
            return Ok(());
        }
        Err(format!("is cut: of its {} rows {whole} are there", self.rows))
    }

    /// Reads the head out of the first bytes of a file.
    ///
    /// # Errors
    /// What is wrong with it, as the end of a sentence that begins with the file's name.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, String> {
        let cut = || "is cut within its head".to_owned();
        let version = *bytes.get(6).ok_or_else(cut)?;
        let width = match version {
            1 => 2,
            2 | 3 => 4,
            other => return Err(format!("is a NumPy file of version {other}, which is not known")),
        };
        let length = bytes.get(8..8 + width).ok_or_else(cut)?;
        let length = length.iter().rev().fold(0, |sum, byte| sum << 8 | usize::from(*byte));
        if length > MAX_DESCRIPTION {
            return Err("has no readable head".to_owned());
        }
        let start = 8 + width + length;
        let description = bytes.get(8 + width..start).ok_or_else(cut)?;
        let description = String::from_utf8_lossy(description);
        if value_of(&description, "fortran_order") != Some("False") {
            return Err("is stored column by column (fortran_order), not row by row".to_owned());
        }
        let (rows, columns) = shape(&description)?;
        Ok(Self { start: start as u64, rows, columns, kind: kind(&description)? })
    }
}

/// The text behind a key of the description, up to the end of the literal.
fn value_of<'a>(description: &'a str, key: &str) -> Option<&'a str> {
    let rest = description.split_once(&format!("'{key}':"))?.1.trim_start();
    let end = if rest.starts_with('(') { rest.find(')')? + 1 } else { rest.find([',', '}'])? };
    Some(rest[..end].trim())
}

fn kind(description: &str) -> Result<NumberKind, String> {
    match value_of(description, "descr").map(|kind| kind.trim_matches('\'')) {
        Some("<f4") => Ok(NumberKind::Float32),
        Some("<f8") => Ok(NumberKind::Float64),
        other => {
            let other = other.unwrap_or("nothing");
            Err(format!("holds numbers of the type {other}, and only <f4 and <f8 are read"))
        }
    }
}

/// Rows and columns; a list of numbers is one row.
fn shape(description: &str) -> Result<(u64, usize), String> {
    let text = value_of(description, "shape").ok_or("has a head without a shape")?;
    let sizes: Option<Vec<u64>> = text
        .trim_matches(['(', ')'])
        .split(',')
        .map(str::trim)
        .filter(|size| !size.is_empty())
        .map(|size| size.parse().ok())
        .collect();
    let (rows, columns) = match sizes.as_deref() {
        Some([columns]) => (1, *columns),
        Some([rows, columns]) => (*rows, *columns),
        _ => return Err(format!("has the shape {text}, which is no table of vectors")),
    };
    match usize::try_from(columns) {
        // So large a row fits into no memory, and its size into no number.
        Ok(columns @ 1..=0x1000_0000) => Ok((rows, columns)),
        _ => Err(format!("has the shape {text}, which is no table of vectors")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(version: u8, description: &str) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend([version, 0]);
        let length = description.len() as u32;
        let width = if version == 1 { 2 } else { 4 };
        bytes.extend(&length.to_le_bytes()[..width]);
        bytes.extend(description.as_bytes());
        bytes
    }

    #[test]
    fn tables_are_read() {
        let text = "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 1536), }   \n";
        let header = Header::parse(&file(1, text)).expect("is read");
        assert_eq!((header.rows, header.columns, header.row_bytes()), (3, 1536, 6144));
        assert_eq!(header.start, 10 + text.len() as u64);
        let text = "{'shape':(7,),'fortran_order':False,'descr':'<f8'}";
        let header = Header::parse(&file(2, text)).expect("is read");
        assert_eq!((header.rows, header.columns, header.row_bytes()), (1, 7, 56));
    }

    #[test]
    fn other_files_are_told() {
        for (text, words) in [
            ("{'descr': '<f4', 'fortran_order': True, 'shape': (3, 2), }", "column by column"),
            ("{'descr': '>f4', 'fortran_order': False, 'shape': (3, 2), }", ">f4"),
            ("{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2, 1), }", "no table"),
            ("{'descr': '<f4', 'fortran_order': False, 'shape': (3, 0), }", "no table"),
            ("{'descr': '<f4', 'fortran_order': False, 'shape': (), }", "no table"),
            ("{}", "column by column"),
        ] {
            let error = Header::parse(&file(1, text)).expect_err(text);
            assert!(error.contains(words), "{error}");
        }
        assert!(Header::parse(&file(9, "{}")).is_err());
        let whole = file(1, "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), }");
        for end in 6..whole.len() {
            assert!(Header::parse(&whole[..end]).is_err(), "{end}");
        }
    }
}
