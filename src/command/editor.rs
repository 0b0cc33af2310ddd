//! The user's editor: `$VISUAL`, `$EDITOR`, else what the system has.

use std::path::Path;
use std::process::Command;

use crate::error::{Failure, FailureKind, reason};
use crate::io::Env;

/// Opens a file in the editor and waits until it is closed.
///
/// # Errors
/// Exit 2 without an editor, exit 1 for one that can't be started or that fails.
pub(super) fn open(path: &Path, env: &Env) -> Result<(), Failure> {
    let usual = if cfg!(windows) { "notepad" } else { "vi" };
    let editor =
        env.get("VISUAL").or_else(|| env.get("EDITOR")).unwrap_or_else(|| usual.to_owned());
    let mut words = editor.split_whitespace();
    let Some(program) = words.next() else {
        return Err(Failure::usage("no editor is set").hint("set VISUAL or EDITOR"));
    };
    let status = Command::new(program).args(words).arg(path).status().map_err(|error| {
        let message = format!("cannot start the editor `{program}`: {}", reason(&error));
        Failure::new(FailureKind::Other, message)
            .hint("set VISUAL or EDITOR to one that is installed")
    })?;
    match status.success() {
        true => Ok(()),
        false => {
            let message = format!("the editor `{program}` ended with {status}");
            Err(Failure::new(FailureKind::Other, message))
        }
    }
}
