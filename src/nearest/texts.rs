//! The texts of rows whose file has none: line N of another file belongs to row N.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;

use super::best::Hit;
use super::search::SearchError;

/// The longest line of a file of texts, in bytes.
const MAX_LINE: u64 = 16 << 20;

/// Gives each hit among the rows from `first` on its line of a file of texts. `first` counts from 1;
/// there are `rows` rows.
///
/// # Errors
/// The file can't be read, is no UTF-8 where a hit needs it, or has not as many lines as there are rows.
pub(crate) fn add_texts(
    hits: &mut [Hit],
    path: &Path,
    first: u64,
    rows: u64,
) -> Result<(), SearchError> {
    let failed = |error: std::io::Error| SearchError::Unreadable(path.into(), error);
    let mut wanted: Vec<&mut Hit> =
        hits.iter_mut().filter(|hit| (first..first + rows).contains(&hit.number)).collect();
    // The next one on top.
    wanted.sort_by_key(|hit| std::cmp::Reverse(hit.number));
    let mut file = BufReader::with_capacity(1 << 20, File::open(path).map_err(failed)?);
    let (mut line, mut count, mut last_text) = (Vec::new(), 0, 0);
    loop {
        line.clear();
        let read = file.by_ref().take(MAX_LINE).read_until(b'\n', &mut line).map_err(failed)?;
        if read == 0 {
            break;
        }
        count += 1;
        let text = line.strip_suffix(b"\n").unwrap_or(&line);
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        if !text.is_empty() {
            last_text = count;
        }
        while let Some(hit) = wanted.pop_if(|hit| hit.number == first + count - 1) {
            hit.text = Some(String::from_utf8_lossy(text).into_owned());
        }
    }
    // Empty lines at the end belong to no row, where there are too many.
    if count < rows || last_text > rows {
        return Err(SearchError::OtherLineCount { path: path.into(), lines: count, rows });
    }
    Ok(())
}
