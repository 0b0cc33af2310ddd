//! Where the sound goes, as far as the command line and the file system tell.

use std::fs::File;
use std::path::{Path, PathBuf};

use super::options::{SpeakOptions, is_named};
use super::player::Player;
use crate::audio::format::SpeechFormat;
use crate::error::{Failure, FailureKind, reason};
use crate::io::Io;
use crate::output::sink::Sink;
use crate::private;

/// Where the sound goes.
#[derive(Debug)]
pub(super) struct Output {
    pub(super) sink: Sink,
    pub(super) player: Option<Player>,
    /// The file to play, if it is not the user's own.
    pub(super) temporary: Option<Temporary>,
}

/// The player for `--play`.
///
/// # Errors
/// Exit 2: nothing can play, or the sound is to go elsewhere as well.
pub(super) fn player(options: &SpeakOptions, io: &Io) -> Result<Player, Failure> {
    if options.json {
        return Err(Failure::usage("--json prints a reply, which --play cannot play"));
    }
    let own_file = options.output.as_deref();
    if own_file.is_some_and(|path| path.as_os_str() == "-" || !is_named(path)) {
        return Err(Failure::usage("--play needs a file, and -o names none")
            .hint("leave -o out, or name a file"));
    }
    Player::find(options.wish, &io.env)
}

/// Opens what the sound is written to; `asked` is the format that is asked for.
///
/// # Errors
/// Exit 2 for a terminal, exit 1 for a file that can't be written.
pub(super) fn open(
    options: &SpeakOptions,
    player: Option<Player>,
    asked: Option<SpeechFormat>,
    io: &Io,
) -> Result<Output, Failure> {
    let output = options.output.as_deref();
    let (sink, temporary) = match (&player, output) {
        _ if options.json => (Sink::open(output)?, None),
        (Some(_), None) => {
            let temporary = Temporary::new(asked, io)?;
            (Sink::open(Some(temporary.path()))?, Some(temporary))
        }
        _ => (Sink::open_binary(output, "audio", io)?, None),
    };
    Ok(Output { sink, player, temporary })
}

/// A file for the player alone, which goes away with this value.
#[derive(Debug)]
pub(super) struct Temporary(PathBuf);

impl Temporary {
    /// A file for sound of this format, where the system wants such files.
    ///
    /// # Errors
    /// Exit 1 when it can't be made.
    pub(super) fn new(format: Option<SpeechFormat>, io: &Io) -> Result<Self, Failure> {
        let folder = ["TMPDIR", "TEMP"].iter().find_map(|name| io.env.get(name));
        let folder = PathBuf::from(folder.unwrap_or_else(|| "/tmp".to_owned()));
        // Samples get a head for the player.
        let ending = match format {
            Some(SpeechFormat::Pcm) => "wav",
            format => format.unwrap_or(SpeechFormat::Mp3).name(),
        };
        let mut number = 0;
        loop {
            let path = folder.join(format!("llm-{}-{number}.{ending}", std::process::id()));
            match create_private(&path) {
                Ok(_) => return Ok(Self(path)),
                Err(error)
                    if error.kind() == std::io::ErrorKind::AlreadyExists && number < 1000 =>
                {
                    number += 1;
                }
                Err(error) => {
                    let (path, why) = (path.display(), reason(&error));
                    return Err(Failure::new(
                        FailureKind::Other,
                        format!("cannot write {path}: {why}"),
                    ));
                }
            }
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn create_private(path: &Path) -> std::io::Result<File> {
    private::file().write(true).create_new(true).open(path)
}
