//! What `embed` writes beside a file that has no place for it: the model, and where the texts are.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::command::embed::path_beside;
use crate::error::Failure;
use crate::input::RowColumns;
use crate::input::texts::{InputTexts, TextSources};
use crate::io::Io;
use crate::nearest::Hit;

/// FILE.json.
#[derive(Debug, Deserialize)]
pub(super) struct Beside {
    pub(super) model: Option<String>,
    /// The files that were embedded, as they were typed.
    texts: Option<Names>,
    /// The column of their rows; without one, each line is a text,
    field: Option<String>,
    /// or each file.
    #[serde(default)]
    whole_files: bool,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Names {
    One(PathBuf),
    Several(Vec<PathBuf>),
}

impl Beside {
    /// What is told of a file of vectors.
    pub(super) fn read(path: &Path) -> Option<Self> {
        serde_json::from_slice(&std::fs::read(path_beside(path)).ok()?).ok()
    }

    /// The files with the texts that were embedded, where they still lie where they did. Names are looked
    /// for from the folder of the vectors, then from the current one.
    pub(super) fn text_files(&self, vectors: &Path) -> Option<Vec<PathBuf>> {
        let names = match self.texts.as_ref()? {
            Names::One(name) => std::slice::from_ref(name),
            Names::Several(names) => names,
        };
        let folder = vectors.parent().unwrap_or(Path::new(""));
        let from = |folder: &Path| -> Option<Vec<PathBuf>> {
            names.iter().map(|name| Some(folder.join(name)).filter(|path| path.exists())).collect()
        };
        from(folder).or_else(|| from(Path::new("")))
    }

    /// The texts in these files. Files that can't be read any more earn a warning.
    pub(super) fn texts(
        self,
        files: &[PathBuf],
        vectors: &Path,
        io: &mut Io,
    ) -> Option<InputTexts> {
        let columns = self.field.map(|text| RowColumns { text, id: None });
        let lines = columns.is_none() && !self.whole_files;
        let sources = TextSources { files, lines, columns, ..TextSources::default() };
        match InputTexts::find(&sources, io) {
            Ok(texts) => Some(texts),
            Err(failure) => {
                let vectors = vectors.display();
                io.warn(&format!("the texts of {vectors} are not shown: {failure}"));
                None
            }
        }
    }
}

/// Gives each hit among the rows from `first` on its text. `first` counts from 1; there are `rows` rows.
///
/// # Errors
/// Why none of them has a text: the files changed, so that it might be another's.
pub(super) fn add_texts(
    hits: &mut [Hit],
    mut texts: InputTexts,
    first: u64,
    rows: u64,
) -> Result<(), String> {
    let mut found = Vec::new();
    let mut count = 0;
    while let Some(text) = texts.next().map_err(|failure: Failure| failure.to_string())? {
        let number = first + count;
        count += 1;
        found.extend(hits.iter().position(|hit| hit.number == number).map(|at| (at, text.text)));
    }
    if count != rows {
        let plural = if count == 1 { "" } else { "s" };
        return Err(format!("there are {count} text{plural} now, and {rows} vectors"));
    }
    for (at, text) in found {
        hits[at].text = Some(text);
    }
    Ok(())
}
