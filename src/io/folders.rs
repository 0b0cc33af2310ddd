//! Where the user's data lies.

use std::path::PathBuf;

use super::Env;

impl Env {
    /// The user's data folder of this program: that of `XDG_DATA_HOME`, or of the system's own habit.
    /// Looks at no file.
    pub(crate) fn data_folder(&self) -> Option<PathBuf> {
        let xdg = self.get("XDG_DATA_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
        match xdg {
            Some(folder) => Some(folder.join("llm")),
            None => Some(directories::ProjectDirs::from("", "", "llm")?.data_dir().to_owned()),
        }
    }
}
