//! Tells one terminal session from another, so that a conversation can go on where it was.

/// What this terminal session is called: the same for all commands that one shell in a terminal
/// starts, another in every other window. `None` where there is no terminal.
#[cfg(unix)]
pub(crate) fn here() -> Option<String> {
    // It opens for a process with a terminal and for no other, whatever its streams are.
    std::fs::File::open("/dev/tty").ok()?;
    let leader = rustix::process::getsid(None).ok()?.as_raw_nonzero();
    Some(match started(&format!("/proc/{leader}/stat")) {
        Some(ticks) => format!("{leader}.{ticks}"),
        None => leader.to_string(),
    })
}

#[cfg(not(unix))]
pub(crate) fn here() -> Option<String> {
    None
}

/// When a process started: the numbers of processes come round again, together with this they
/// don't (proc_pid_stat(5), field 22; the name in field 2 may hold anything).
#[cfg(unix)]
fn started(path: &str) -> Option<String> {
    let text = std::fs::read_to_string(path).ok()?;
    let (_, rest) = text.rsplit_once(')')?;
    rest.split_whitespace().nth(19).map(str::to_owned)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    #[test]
    fn a_process_has_a_start() {
        let ticks = super::started("/proc/self/stat").expect("is told");
        assert!(ticks.parse::<u64>().is_ok(), "{ticks}");
    }
}
