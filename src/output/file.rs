//! `-o FILE`: a file that gets its name only when it is complete.

use std::fs::{File, Metadata, OpenOptions, Permissions};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf, is_separator};

use super::part;
use crate::error::{Failure, FailureKind, reason};
use crate::io::resolved;

/// A file that is being written. Without [`OutputFile::commit`] an existing file stays as it was.
#[derive(Debug)]
pub(crate) struct OutputFile {
    file: File,
    name: String,
    part: Option<PartFile>,
}

/// The part file beside its target.
#[derive(Debug)]
struct PartFile {
    path: PathBuf,
    target: PathBuf,
    permissions: Permissions,
}

impl OutputFile {
    /// Opens `path` for writing. A device or a FIFO is written to directly; for anything else a
    /// part file is created next to the target. Symbolic links are followed.
    ///
    /// # Errors
    /// Exit 1, with the reason: a directory, a missing folder, no permission.
    pub(crate) fn open(path: &Path) -> Result<Self, Failure> {
        let name = path.display().to_string();
        let failed = |error: &std::io::Error| cannot_write(&name, &reason(error));
        let is_device = Self::is_device(path)?;
        let facts = std::fs::metadata(path).ok();
        if is_device || facts.is_some() {
            // Opening tells whether it may be written; a rename would replace a read-only file.
            let file = OpenOptions::new().write(true).open(path).map_err(|error| failed(&error))?;
            if is_device {
                return Ok(Self { file, name, part: None });
            }
        }
        let target = resolved(path);
        let permissions = match facts {
            Some(facts) => Ok(facts.permissions()),
            None => part::usual_permissions(&target),
        };
        let permissions = permissions.map_err(|error| failed(&error))?;
        let (file, part_path) = part::create_beside(&target).map_err(|error| failed(&error))?;
        Ok(Self { file, name, part: Some(PartFile { path: part_path, target, permissions }) })
    }

    /// Whether there is something at `path` that is written to directly: a device or a FIFO.
    ///
    /// # Errors
    /// Exit 1: it is a directory.
    pub(crate) fn is_device(path: &Path) -> Result<bool, Failure> {
        let name = path.display().to_string();
        let facts = std::fs::metadata(path).ok();
        if facts.as_ref().is_some_and(Metadata::is_dir) || name.ends_with(is_separator) {
            return Err(cannot_write(&name, "it is a directory"));
        }
        // Windows knows no facts of its device, and no part file could get this name.
        let is_nul = cfg!(windows) && name.eq_ignore_ascii_case("nul");
        Ok(is_nul || facts.is_some_and(|facts| !facts.is_file()))
    }

    /// A part file in a folder; [`OutputFile::commit_new`] chooses its name at the end.
    ///
    /// # Errors
    /// Exit 1, with the reason.
    pub(crate) fn open_in(folder: &Path) -> Result<Self, Failure> {
        let name = format!("a file in {}", folder.display());
        let target = folder.join("unnamed");
        let made = part::usual_permissions(&target)
            .and_then(|permissions| Ok((permissions, part::create_beside(&target)?)));
        let (permissions, (file, path)) =
            made.map_err(|error| cannot_write(&name, &reason(&error)))?;
        let part = PartFile { path, target, permissions };
        Ok(Self { file, name, part: Some(part) })
    }

    /// Gives the file the first of these names that is free, and returns it. No file is replaced.
    ///
    /// # Errors
    /// Exit 1: no name is free, or the file can't be renamed.
    pub(crate) fn commit_new(
        mut self,
        names: impl IntoIterator<Item = PathBuf>,
    ) -> Result<PathBuf, Failure> {
        for path in names {
            match OpenOptions::new().write(true).create_new(true).open(&path) {
                Ok(_) => {
                    if let Some(part) = &mut self.part {
                        part.target.clone_from(&path);
                    }
                    let committed = self.commit();
                    if committed.is_err() {
                        let _ = std::fs::remove_file(&path);
                    }
                    return committed.map(|()| path);
                }
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(error) => {
                    return Err(cannot_write(&path.display().to_string(), &reason(&error)));
                }
            }
        }
        Err(cannot_write(&self.name, "every name for it is taken"))
    }

    /// Gives the file another name than the one that it was opened for. What goes straight to its target
    /// stays there.
    pub(crate) fn retarget(&mut self, path: &Path) {
        if let Some(part) = &mut self.part {
            self.name = path.display().to_string();
            part.target = resolved(path);
        }
    }

    /// Whether bytes go straight to the target, which is a device or a FIFO.
    pub(crate) fn is_direct(&self) -> bool {
        self.part.is_none()
    }

    /// Writes bytes.
    ///
    /// # Errors
    /// Exit 1: a full disk, say.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.file.write_all(bytes).map_err(|error| cannot_write(&self.name, &reason(&error)))
    }

    /// Whether bytes that were written can be changed by [`OutputFile::patch`].
    pub(crate) fn can_patch(&self) -> bool {
        self.part.is_some()
    }

    /// Writes bytes over those at an offset from the beginning. Later writes go to the end again.
    ///
    /// # Errors
    /// Exit 1, as for [`OutputFile::write`]; or it is not a regular file.
    pub(crate) fn patch(&mut self, at: u64, bytes: &[u8]) -> Result<(), Failure> {
        let done = self.file.seek(SeekFrom::Start(at)).and_then(|_| {
            self.file.write_all(bytes)?;
            self.file.seek(SeekFrom::End(0))
        });
        done.map(drop).map_err(|error| cannot_write(&self.name, &reason(&error)))
    }

    /// Gives the complete file its name.
    ///
    /// # Errors
    /// Exit 1: it can't be renamed.
    pub(crate) fn commit(mut self) -> Result<(), Failure> {
        let Some(part) = self.part.take() else { return Ok(()) };
        let done = std::fs::set_permissions(&part.path, part.permissions.clone())
            .and_then(|()| std::fs::rename(&part.path, &part.target));
        done.map_err(|error| {
            let _ = std::fs::remove_file(&part.path);
            cannot_write(&self.name, &reason(&error))
        })
    }
}

impl Drop for OutputFile {
    fn drop(&mut self) {
        if let Some(part) = &self.part {
            let _ = std::fs::remove_file(&part.path);
        }
    }
}

fn cannot_write(name: &str, why: &str) -> Failure {
    Failure::new(FailureKind::Other, format!("cannot write {name}: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(folder).expect("readable");
        let mut names: Vec<String> = entries
            .map(|entry| entry.expect("readable").file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_appears_whole_or_not_at_all() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("答.txt");
        std::fs::write(&path, "old").expect("written");
        let mut file = OutputFile::open(&path).expect("opens");
        file.write(b"new").expect("written");
        assert_eq!(std::fs::read(&path).expect("readable"), b"old");
        drop(file);
        assert_eq!(names(folder.path()), ["答.txt"]);
        let mut file = OutputFile::open(&path).expect("opens");
        file.write(b"new").expect("written");
        file.commit().expect("commits");
        assert_eq!(std::fs::read(&path).expect("readable"), b"new");
        assert_eq!(names(folder.path()), ["答.txt"]);
    }

    #[cfg(unix)]
    #[test]
    fn links_are_followed_and_permissions_kept() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().expect("a folder");
        let (target, link) = (folder.path().join("target"), folder.path().join("link"));
        std::os::unix::fs::symlink("target", &link).expect("linked");
        OutputFile::open(&link).expect("opens").commit().expect("commits");
        std::fs::set_permissions(&target, Permissions::from_mode(0o640)).expect("changed");
        OutputFile::open(&link).expect("opens").commit().expect("commits");
        assert!(std::fs::symlink_metadata(&link).expect("there").is_symlink());
        assert_eq!(std::fs::metadata(&target).expect("there").permissions().mode() & 0o777, 0o640);
    }

    #[test]
    fn a_new_name_is_never_one_that_is_taken() {
        let folder = tempfile::tempdir().expect("a folder");
        let named = |name: &str| folder.path().join(name);
        std::fs::write(named("猫.png"), "old").expect("written");
        drop(OutputFile::open_in(folder.path()).expect("opens"));
        let mut file = OutputFile::open_in(folder.path()).expect("opens");
        file.write(b"new").expect("written");
        let path = file.commit_new([named("猫.png"), named("猫-2.png")]).expect("commits");
        assert_eq!(path, named("猫-2.png"));
        assert_eq!(std::fs::read(&path).expect("readable"), b"new");
        assert_eq!(std::fs::read(named("猫.png")).expect("readable"), b"old");
        assert_eq!(names(folder.path()), ["猫-2.png", "猫.png"]);
        let file = OutputFile::open_in(folder.path()).expect("opens");
        assert!(file.commit_new([named("猫.png")]).is_err());
        assert_eq!(names(folder.path()).len(), 2);
        assert!(OutputFile::open_in(&named("no")).is_err());
    }

    #[test]
    fn what_cannot_be_written_is_said_at_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let message = |path: &Path| OutputFile::open(path).expect_err("fails").message;
        assert!(message(folder.path()).ends_with("it is a directory"));
        assert!(message(&folder.path().join("no/where")).ends_with("no such file or directory"));
    }
}
