//! The files that went along with questions, each kept once under the sum of its content. Knows nothing about
//! what they are.

use std::collections::BTreeSet;
use std::io::{ErrorKind, Read, Write as _};
use std::path::PathBuf;

use ring::digest::{Context, SHA256};

use super::line::HistoryLine;
use super::name::new_id;
use super::store::{Store, make_private};
use crate::private;

/// How much is read at once.
const READ_SIZE: usize = 64 * 1024;

/// The letters of a SHA-256 sum.
const LETTERS: usize = 64;

impl Store {
    pub(super) fn files(&self) -> PathBuf {
        self.file("files")
    }

    /// Where the content of this name is kept; `None` for what is not one of our names.
    pub(crate) fn kept_file(&self, name: &str) -> Option<PathBuf> {
        let is_sum = name.len() == LETTERS && name.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_sum.then(|| self.files().join(name))
    }

    /// Keeps a content, once, and gives its name. The file appears when it is whole.
    ///
    /// # Errors
    /// A content that can't be read, a folder or a file that can't be written.
    pub(crate) fn keep_file(&self, mut content: impl Read) -> std::io::Result<String> {
        make_private(&self.files())?;
        let part = self.files().join(format!("part-{}", new_id()));
        let mut file = private::file().write(true).create_new(true).open(&part)?;
        let mut write = || {
            let (mut sum, mut stretch) = (Context::new(&SHA256), vec![0; READ_SIZE]);
            loop {
                match content.read(&mut stretch) {
                    Ok(0) => break,
                    Ok(length) => {
                        sum.update(&stretch[..length]);
                        file.write_all(&stretch[..length])?;
                    }
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    Err(error) => return Err(error),
                }
            }
            let sum = sum.finish();
            let name: String = sum.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
            // The same content in the place of the one that may be there: nothing changes.
            std::fs::rename(&part, self.files().join(&name))?;
            Ok(name)
        };
        write().inspect_err(|_| {
            let _ = std::fs::remove_file(&part);
        })
    }

    /// Removes the files of a conversation that is gone, `contents` its lines, as far as no other
    /// one speaks of them.
    pub(super) fn remove_files(&self, contents: &[u8]) -> std::io::Result<()> {
        let mut names = BTreeSet::new();
        for line in contents.split(|byte| *byte == b'\n') {
            if let Some(HistoryLine::Turn(turn)) = HistoryLine::read(line) {
                let calls = turn.rounds.into_iter().flat_map(|reply| reply.calls);
                let of_calls = calls.flat_map(|call| call.files).map(|file| file.kept);
                let files = turn.files.into_iter().chain(turn.made).chain(of_calls);
                names.extend(files.filter_map(|file| file.content));
            }
        }
        if names.is_empty() {
            return Ok(());
        }
        for key in self.keys()? {
            let other = match std::fs::read(self.path(&key)) {
                // Another run removed it meanwhile.
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                read => read?,
            };
            names.retain(|name| memchr::memmem::find(&other, name.as_bytes()).is_none());
        }
        for path in names.iter().filter_map(|name| self.kept_file(name)) {
            match std::fs::remove_file(&path) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::io::Env;

    #[test]
    fn a_content_is_kept_once_and_whole() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().to_string_lossy().into_owned();
        let store = Store::find(&Env::Table(BTreeMap::from([("XDG_DATA_HOME".to_owned(), path)])));
        let store = store.expect("a store");
        let name = store.keep_file(&b"abc"[..]).expect("kept");
        assert_eq!(name, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(store.keep_file(&b"abc"[..]).expect("kept"), name);
        let files = std::fs::read_dir(store.files()).expect("readable").count();
        assert_eq!(files, 1);
        let kept = store.kept_file(&name).expect("a path");
        assert_eq!(std::fs::read(kept).expect("readable"), b"abc");
        for name in ["", "../../x", "ba7816bf", &"/".repeat(LETTERS)] {
            assert_eq!(store.kept_file(name), None, "{name}");
        }
    }
}
