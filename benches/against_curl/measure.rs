//! Runs a program to its end, in an empty home and with nothing of the caller's environment but the
//! search path. It does not know what the program is.

use std::io::Read as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Where the `time` program is that knows a process's peak of memory from the system itself.
const TIME: &str = "/usr/bin/time";

/// One run.
pub(crate) struct Ran {
    pub(crate) success: bool,
    /// From the start of the process to its end.
    pub(crate) time: Duration,
    /// Bytes on its standard output, which is a pipe.
    pub(crate) bytes: u64,
}

/// What one run needed.
pub(crate) struct Peak {
    pub(crate) kibibytes: u64,
    /// User and system time together, in steps of 10 ms.
    pub(crate) cpu: Option<Duration>,
}

/// Runs a program.
pub(crate) fn run(program: &str, arguments: &[String], home: &Path) -> Ran {
    let start = Instant::now();
    let child = start_piped(command(program, home).args(arguments));
    finish(child, start)
}

/// Runs a program and watches its memory: by GNU `time` where it is there, else by asking the system
/// again and again while the program runs, which may miss the last moment.
pub(crate) fn peak(program: &str, arguments: &[String], home: &Path) -> (Ran, Option<Peak>) {
    if Path::new(TIME).exists() {
        let report = home.join("time.txt");
        let mut timed = command(TIME, home);
        timed.args(["-f", "%M %U %S", "-o"]).arg(&report).arg(program).args(arguments);
        let ran = finish(start_piped(&mut timed), Instant::now());
        if let Some(peak) = std::fs::read_to_string(&report).ok().and_then(|text| read(&text)) {
            return (ran, Some(peak));
        }
    }
    let child = start_piped(command(program, home).args(arguments));
    let id = child.id();
    let (ran, kibibytes) = std::thread::scope(|scope| {
        let watcher = scope.spawn(move || watch(id));
        (finish(child, Instant::now()), watcher.join().ok().flatten())
    });
    (ran, kibibytes.map(|kibibytes| Peak { kibibytes, cpu: None }))
}

/// The middle one of the times; zero if there are none.
pub(crate) fn median(times: &[Duration]) -> Duration {
    let mut times = times.to_vec();
    times.sort();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

fn command(program: &str, home: &Path) -> Command {
    let mut command = Command::new(program);
    command.env_clear().env("HOME", home).current_dir(home).stdin(Stdio::null());
    #[expect(clippy::disallowed_methods, reason = "the bench is no part of the program")]
    if let Some(path) = std::env::var_os("PATH") {
        command.env("PATH", path);
    }
    command
}

fn start_piped(command: &mut Command) -> Child {
    command.stdout(Stdio::piped()).spawn().expect("the program can be started")
}

/// Reads the program's output to the end and waits for it.
fn finish(mut child: Child, start: Instant) -> Ran {
    let mut stdout = child.stdout.take().expect("it was made a pipe");
    let (mut bytes, mut buffer) = (0, vec![0; 64 * 1024]);
    while let Ok(length @ 1..) = stdout.read(&mut buffer) {
        bytes += length as u64;
    }
    let success = child.wait().is_ok_and(|status| status.success());
    Ran { success, time: start.elapsed(), bytes }
}

/// The highest `VmHWM` that was seen, in KiB, until the process ends; none where there is no `/proc`.
fn watch(id: u32) -> Option<u64> {
    let file = format!("/proc/{id}/status");
    let mut highest = None;
    while let Ok(status) = std::fs::read_to_string(&file) {
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        // An ended process that nobody waited for yet has a status, but no memory any more.
        let Some(now) = line.and_then(|line| line.split_whitespace().next()?.parse().ok()) else {
            break;
        };
        highest = highest.max(Some(now));
        std::thread::sleep(Duration::from_micros(200));
    }
    highest
}

/// Reads the three numbers: KiB, seconds of user time, seconds of system time.
fn read(report: &str) -> Option<Peak> {
    // A line before it tells of an exit code that is not 0.
    let mut numbers = report.lines().last()?.split(' ').map(|number| number.parse::<f64>());
    let [memory, user, system] =
        [numbers.next()?.ok()?, numbers.next()?.ok()?, numbers.next()?.ok()?];
    Some(Peak { kibibytes: memory as u64, cpu: Some(Duration::from_secs_f64(user + system)) })
}
