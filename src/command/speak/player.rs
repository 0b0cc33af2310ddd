//! Plays a file with a program that is there. Knows programs, and nothing of where the file came from.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::audio::format::SpeechFormat;
use crate::command::ffmpeg::find_program;
use crate::error::{Failure, FailureKind, reason};
use crate::interrupt::Interrupt;
use crate::io::Env;

/// A program that plays.
#[derive(Debug)]
struct KnownPlayer {
    name: &'static str,
    /// What stands before the file.
    args: &'static [&'static str],
    /// What it plays in all its versions; samples are given a WAV head.
    formats: &'static [SpeechFormat],
    /// Whether it plays whatever a service may send unasked.
    takes_all: bool,
}

const ALL: &[SpeechFormat] = &[
    SpeechFormat::Mp3,
    SpeechFormat::Opus,
    SpeechFormat::Aac,
    SpeechFormat::Flac,
    SpeechFormat::Wav,
    SpeechFormat::Pcm,
];

/// In the order in which they are looked for.
const PLAYERS: &[KnownPlayer] = &[
    KnownPlayer {
        name: "ffplay",
        args: &["-nodisp", "-autoexit", "-loglevel", "error"],
        formats: ALL,
        takes_all: true,
    },
    KnownPlayer { name: "mpv", args: &["--no-terminal", "--"], formats: ALL, takes_all: true },
    KnownPlayer {
        name: "afplay",
        args: &[],
        formats: &[
            SpeechFormat::Mp3,
            SpeechFormat::Aac,
            SpeechFormat::Flac,
            SpeechFormat::Wav,
            SpeechFormat::Pcm,
        ],
        takes_all: true,
    },
    KnownPlayer {
        name: "paplay",
        args: &[],
        formats: &[SpeechFormat::Wav, SpeechFormat::Flac, SpeechFormat::Pcm],
        takes_all: false,
    },
    KnownPlayer {
        name: "aplay",
        args: &["-q"],
        formats: &[SpeechFormat::Wav, SpeechFormat::Pcm],
        takes_all: false,
    },
    // What Windows ships. It makes one text of script and file, and words of the file again where it has blanks.
    #[cfg(windows)]
    KnownPlayer {
        name: "powershell",
        args: &[
            "-NoProfile",
            "-Command",
            "& { (New-Object System.Media.SoundPlayer ($args -join ' ')).PlaySync() }",
        ],
        formats: &[SpeechFormat::Wav, SpeechFormat::Pcm],
        takes_all: false,
    },
];

/// How often it is looked whether the player is done.
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// A player that was found.
#[derive(Debug)]
pub(super) struct Player {
    known: &'static KnownPlayer,
    path: PathBuf,
}

impl Player {
    /// The first player on the search path that plays the format.
    ///
    /// # Errors
    /// Exit 2 if there is none.
    pub(super) fn find(format: Option<SpeechFormat>, env: &Env) -> Result<Self, Failure> {
        let mut others = Vec::new();
        for known in PLAYERS {
            let Some(path) = find_program(known.name, env) else { continue };
            if format.is_none_or(|format| known.formats.contains(&format)) {
                return Ok(Self { known, path });
            }
            others.push(known.name);
        }
        let (Some(format), false) = (format, others.is_empty()) else {
            let names = PLAYERS.iter().map(|known| known.name).collect::<Vec<_>>().join(", ");
            return Err(Failure::usage(format!("there is no player for audio: none of {names}"))
                .hint("install one of them, or write a file with -o FILE"));
        };
        let message = format!("{} cannot play {}", others.join(" and "), format.name());
        Err(Failure::usage(message).hint("try --format wav, which every player can play"))
    }

    /// The format to ask for where the user wants none, if what comes unasked may not be playable.
    pub(super) fn only_format(&self) -> Option<SpeechFormat> {
        (!self.known.takes_all).then_some(SpeechFormat::Wav)
    }

    /// Plays the file to its end. An interruption stops the player.
    ///
    /// # Errors
    /// The player can't be started, or fails in its own words; the interruption.
    pub(super) async fn play(&self, file: &Path, interrupt: &mut Interrupt) -> Result<(), Failure> {
        let name = self.known.name;
        let failed =
            |why: &str| Failure::new(FailureKind::Other, format!("{name} cannot play it: {why}"));
        let mut child = Command::new(&self.path)
            .args(self.known.args)
            .arg(file)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| failed(&reason(&error)))?;
        let words = last_words(&mut child);
        let status = loop {
            match child.try_wait() {
                Ok(Some(status)) => break status,
                Ok(None) => {}
                Err(error) => return Err(failed(&reason(&error))),
            }
            if let Err(interruption) = interrupt.race(tokio::time::sleep(POLL_INTERVAL)).await {
                // It may have ended just now, on the same Ctrl-C.
                let _ = child.kill();
                let _ = child.wait();
                return Err(interruption);
            }
        };
        if status.success() { Ok(()) } else { Err(failed(&last_line(words, status))) }
    }
}

/// Reads what the player says, in a thread, so that it never waits for us.
fn last_words(child: &mut Child) -> Option<JoinHandle<String>> {
    let mut pipe = child.stderr.take()?;
    let thread = std::thread::Builder::new().spawn(move || {
        let (mut words, mut piece) = (Vec::new(), [0; 4096]);
        while let Ok(length @ 1..) = pipe.read(&mut piece) {
            words.extend_from_slice(&piece[..length]);
            let surplus = words.len().saturating_sub(4096);
            words.drain(..surplus);
        }
        String::from_utf8_lossy(&words).into_owned()
    });
    thread.ok()
}

fn last_line(words: Option<JoinHandle<String>>, status: ExitStatus) -> String {
    let words = words.and_then(|thread| thread.join().ok()).unwrap_or_default();
    let line = words.lines().map(str::trim).rfind(|line| !line.is_empty());
    line.map_or_else(|| format!("it ended with {status}"), str::to_owned)
}
