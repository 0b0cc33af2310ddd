//! Runs ffmpeg, for what this program does not decode or encode itself. Knows no service.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::scratch::ScratchFolder;
use crate::error::{Failure, FailureKind, reason};
use crate::exchange::Exchange;
use crate::io::Env;

/// How often a running ffmpeg is asked whether it is done.
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// The file in the scratch folder that takes what ffmpeg says.
const WORDS: &str = "words";

/// Why ffmpeg made nothing.
pub(super) enum FfmpegFailure {
    NoProgram,
    Failed(Failure),
}

impl From<Failure> for FfmpegFailure {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// Kills ffmpeg if it is still running when nobody waits for it any more.
struct RunningFfmpeg(Child);

impl Drop for RunningFfmpeg {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Whether ffmpeg is there.
pub(super) fn is_there(env: &Env) -> bool {
    find_program("ffmpeg", env).is_some()
}

/// Lets ffmpeg make `target`, a file in the scratch folder, of `source`; `args` tell what it is.
/// `refused` is the failure if it can't, made of its own words.
pub(super) async fn convert(
    source: &Path,
    args: &[&str],
    target: &str,
    scratch: &ScratchFolder,
    refused: impl Fn(&str) -> Failure,
    exchange: &mut Exchange,
) -> Result<(), FfmpegFailure> {
    let words = scratch.file(WORDS)?;
    let cannot_run = |error: &std::io::Error| {
        let words = format!("cannot run ffmpeg: {}", reason(error));
        Failure::new(FailureKind::Other, words)
    };
    let mut command = Command::new("ffmpeg");
    command.args(["-nostdin", "-v", "error", "-i"]).arg(file_name(source));
    command.args(args).arg(scratch.path(target));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(words);
    let mut running = match command.spawn() {
        Ok(child) => RunningFfmpeg(child),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(FfmpegFailure::NoProgram);
        }
        Err(error) => return Err(cannot_run(&error).into()),
    };
    let status = loop {
        match running.0.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) => exchange.wait(tokio::time::sleep(POLL_INTERVAL)).await?,
            Err(error) => return Err(cannot_run(&error).into()),
        }
    };
    let path = scratch.path(WORDS);
    let words = std::fs::read(&path).unwrap_or_default();
    let _ = std::fs::remove_file(&path);
    if status.success() {
        return Ok(());
    }
    let words = String::from_utf8_lossy(&words);
    let last = words.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("no reason given");
    Err(refused(last.trim()).into())
}

/// A path that ffmpeg takes neither for an option nor for a URL.
fn file_name(path: &Path) -> OsString {
    let mut name = OsString::from("file:");
    name.push(path);
    name
}

/// The program's path, if it is there and may be run.
pub(super) fn find_program(name: impl AsRef<OsStr>, env: &Env) -> Option<PathBuf> {
    let folders = env.get("PATH")?;
    std::env::split_paths(&folders)
        .map(|folder| folder.join(name.as_ref()))
        .find(|path| is_program(path))
}

#[cfg(unix)]
fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path)
        .is_ok_and(|facts| facts.is_file() && facts.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_program(path: &Path) -> bool {
    path.with_extension("exe").is_file()
}
