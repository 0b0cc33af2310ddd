//! The files that were uploaded to the demo, and its batches: kept in a folder, as another run of the
//! program asks for them.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use crate::private;

/// A folder of files. Without one nothing is kept.
#[derive(Debug, Clone, Default)]
pub(crate) struct Shelf {
    folder: Option<PathBuf>,
}

impl Shelf {
    /// What is kept in this folder; it is made when the first file comes.
    pub(crate) fn new(folder: Option<PathBuf>) -> Self {
        Self { folder }
    }

    /// Keeps a file, for its owner alone.
    ///
    /// # Errors
    /// There is no folder, or it can't be written.
    pub(super) fn put(&self, name: &str, bytes: &[u8]) -> std::io::Result<()> {
        let path = self.path(name).ok_or(std::io::ErrorKind::NotFound)?;
        private::folder().recursive(true).create(path.parent().unwrap_or(Path::new("")))?;
        let mut file = private::file();
        file.write(true).create(true).truncate(true).open(path)?.write_all(bytes)
    }

    /// The bytes of a file.
    pub(super) fn get(&self, name: &str) -> Option<Vec<u8>> {
        std::fs::read(self.path(name)?).ok()
    }

    /// Removes a file; false if it was not there.
    pub(super) fn remove(&self, name: &str) -> bool {
        self.path(name).is_some_and(|path| std::fs::remove_file(path).is_ok())
    }

    /// The names that begin so, in order.
    pub(super) fn names(&self, start: &str) -> Vec<String> {
        let entries = self.folder.as_ref().and_then(|folder| std::fs::read_dir(folder).ok());
        let names = entries.into_iter().flatten().flatten();
        let names = names.filter_map(|entry| entry.file_name().into_string().ok());
        let mut names: Vec<String> = names.filter(|name| name.starts_with(start)).collect();
        names.sort();
        names
    }

    /// A name out of a request may not lead out of the folder.
    fn path(&self, name: &str) -> Option<PathBuf> {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        let folder = self.folder.as_ref()?;
        (!name.is_empty() && name.bytes().all(is_plain)).then(|| folder.join(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_stay_in_the_folder() {
        let place = tempfile::tempdir().expect("a folder");
        let shelf = Shelf::new(Some(place.path().join("demo")));
        shelf.put("file-1", b"a\0").expect("kept");
        shelf.put("file-2", "二".as_bytes()).expect("kept");
        assert_eq!(shelf.get("file-1").as_deref(), Some(&b"a\0"[..]));
        assert_eq!(shelf.names("file-"), ["file-1", "file-2"]);
        assert!(shelf.remove("file-1"));
        assert!(!shelf.remove("file-1"));
        for name in ["", "../x", "a/b", "."] {
            assert!(shelf.put(name, b"").is_err(), "{name}");
            assert_eq!(shelf.get(name), None, "{name}");
        }
        assert!(Shelf::default().put("a", b"").is_err());
        assert!(Shelf::default().names("").is_empty());
    }
}
