//! FILE.json beside an npy or csv file: which model made its vectors, and of which texts.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use crate::error::Failure;
use crate::io::Io;
use crate::output::file::OutputFile;

/// What every file of ours has.
const MARK: (&str, u64) = ("llm", 1);

/// What is told of a file of vectors.
#[derive(Debug, Clone)]
pub(super) struct VectorOrigin {
    pub(super) model: Option<String>,
    pub(super) provider: String,
    /// The files that the texts came from, as they were named; none where they came from elsewhere too.
    pub(super) texts: Vec<PathBuf>,
    /// What of these files is a text.
    pub(super) unit: TextUnit,
}

/// What a text is in the files that it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum TextUnit {
    Line,
    /// This column of a row.
    Field(String),
    File,
}

/// `FILE.json`.
pub(in crate::command) fn path_beside(target: &Path) -> PathBuf {
    let mut name = target.as_os_str().to_owned();
    name.push(".json");
    PathBuf::from(name)
}

/// Writes FILE.json. A file of that name that is not ours is left alone, with a warning.
///
/// # Errors
/// Exit 1: it can't be written.
pub(super) fn write(
    target: &Path,
    origin: &VectorOrigin,
    dimensions: Option<usize>,
    io: &Io,
) -> Result<(), Failure> {
    let path = path_beside(target);
    if path.exists() && !is_ours(&path) {
        let shown = path.display();
        io.warn(&format!(
            "{shown} is no file of llm's and stays as it is: it would tell the model"
        ));
        return Ok(());
    }
    let names: Vec<Value> =
        origin.texts.iter().map(|path| path.display().to_string().into()).collect();
    let texts = match &names[..] {
        [] => Value::Null,
        [one] => one.clone(),
        _ => Value::Array(names),
    };
    let mut told = json!({
        MARK.0: MARK.1,
        "model": origin.model,
        "provider": origin.provider,
        "dimensions": dimensions,
        "texts": texts,
    });
    match &origin.unit {
        _ if origin.texts.is_empty() => {}
        TextUnit::Line => {}
        TextUnit::Field(name) => told["field"] = name.as_str().into(),
        TextUnit::File => told["whole_files"] = true.into(),
    }
    let mut file = OutputFile::open(&path)?;
    file.write(format!("{told}\n").as_bytes())?;
    file.commit()
}

fn is_ours(path: &Path) -> bool {
    let read = std::fs::read(path).ok();
    let read = read.and_then(|bytes| serde_json::from_slice::<Map<String, Value>>(&bytes).ok());
    read.is_some_and(|object| {
        object.get(MARK.0) == Some(&MARK.1.into()) && object.contains_key("dimensions")
    })
}
