//! Instructions per chunk, as callgrind counts them: those of a longer stream less those of a shorter
//! one, so that the start of the program is not among them.

use std::path::Path;
use std::process::{Command, Stdio};

use super::measure;
use super::works::Side;

/// Whether valgrind is there.
pub(crate) fn can_be_counted() -> bool {
    let mut valgrind = Command::new("valgrind");
    valgrind.arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
    valgrind.status().is_ok_and(|status| status.success())
}

/// The instructions of one run; none if the report can't be read.
pub(crate) fn of(side: &Side, home: &Path) -> Option<u64> {
    let mut command = measure::command("valgrind", home);
    command.args(["--tool=callgrind", "--callgrind-out-file=/dev/null", &side.program]);
    command.args(&side.arguments).stdout(Stdio::null()).stderr(Stdio::piped());
    let output = command.output().ok()?;
    let report = String::from_utf8_lossy(&output.stderr).into_owned();
    let (_, count) = report.split_once("Collected :")?;
    count.split_whitespace().next()?.parse().ok()
}
