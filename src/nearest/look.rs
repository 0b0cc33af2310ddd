//! What can be known of a file of vectors before it is searched.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read as _};
use std::path::Path;

use super::header::{Header, MAGIC};
use super::lines;
use super::search::{HEAD, MAX_LINE, SearchError, bad_line};

/// What a file of vectors tells at its beginning. Of what can't be read twice nothing is known.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Look {
    /// How many numbers its vectors have.
    pub(crate) length: Option<usize>,
    /// Its rows have no place for a text, or the first one has none.
    pub(crate) lacks_texts: bool,
    /// The model that made its first row.
    pub(crate) model: Option<String>,
}

/// Looks at the beginning of a file.
///
/// # Errors
/// The file can't be read, or does not begin as a file of vectors does.
pub(crate) fn look(path: &Path) -> Result<Look, SearchError> {
    let failed = |error| SearchError::Unreadable(path.into(), error);
    let misformed = |what| SearchError::Misformed(path.into(), what);
    let Some((head, file)) = begin(path).map_err(failed)? else { return Ok(Look::default()) };
    if head.is_empty() {
        return Err(misformed("is empty".to_owned()));
    }
    if head.starts_with(MAGIC) {
        let header = Header::parse(&head).map_err(misformed)?;
        header.check_size(file.metadata().map_err(failed)?.len()).map_err(misformed)?;
        return Ok(Look { length: Some(header.columns), lacks_texts: true, model: None });
    }
    let mut reader = BufReader::new(io::Cursor::new(head).chain(file)).take(MAX_LINE);
    let (mut line, mut floats, mut first) = (Vec::new(), Vec::new(), None);
    for number in 1.. {
        line.clear();
        if reader.read_until(b'\n', &mut line).map_err(failed)? == 0 || reader.limit() == 0 {
            break;
        }
        if line.trim_ascii().is_empty() {
            continue;
        }
        let row =
            lines::read(&line, &mut floats).map_err(|what| bad_line(path, number, &line, &what))?;
        let first = first.get_or_insert_with(|| Look {
            length: None,
            lacks_texts: row.text.is_none(),
            model: row.model.map(std::borrow::Cow::into_owned),
        });
        if row.vector.is_some() {
            first.length = Some(floats.len() / 4);
            break;
        }
    }
    Ok(first.unwrap_or_default())
}

/// How many rows a file has; `None` for what can't be read twice.
///
/// # Errors
/// The file can't be read, or begins as a NumPy file and is none.
pub(crate) fn count_rows(path: &Path) -> Result<Option<u64>, SearchError> {
    let failed = |error| SearchError::Unreadable(path.into(), error);
    let Some((head, file)) = begin(path).map_err(failed)? else { return Ok(None) };
    if head.starts_with(MAGIC) {
        let header = Header::parse(&head);
        let header = header.map_err(|what| SearchError::Misformed(path.into(), what))?;
        return Ok(Some(header.rows));
    }
    let mut reader = BufReader::with_capacity(1 << 20, io::Cursor::new(head).chain(file));
    let (mut line, mut rows) = (Vec::new(), 0);
    while reader.by_ref().take(MAX_LINE).read_until(b'\n', &mut line).map_err(failed)? > 0 {
        rows += u64::from(!line.trim_ascii().is_empty());
        line.clear();
    }
    Ok(Some(rows))
}

/// The first bytes of a file, and what follows them; `None` for what can't be read twice.
fn begin(path: &Path) -> io::Result<Option<(Vec<u8>, File)>> {
    if !std::fs::metadata(path)?.is_file() {
        return Ok(None);
    }
    let (mut head, mut file) = (Vec::new(), File::open(path)?);
    file.by_ref().take(HEAD as u64).read_to_end(&mut head)?;
    Ok(Some((head, file)))
}
