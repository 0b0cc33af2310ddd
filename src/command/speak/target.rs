//! Where the sound goes and in which format, as far as the command line and the file system tell.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};

use super::player::Player;
use super::{Output, Plan};
use crate::audio::format::SpeechFormat;
use crate::cli::Common;
use crate::cli::speak::SpeakArgs;
use crate::error::{Failure, Kind, reason};
use crate::io::Io;
use crate::output::sink::Sink;

/// The format that the user wants, by `--format` or the ending of the file.
///
/// # Errors
/// Exit 2: the two contradict each other, or neither tells.
pub(super) fn wish(args: &SpeakArgs, common: &Common) -> Result<Option<SpeechFormat>, Failure> {
    let is_set = |path: &[String]| path == ["response_format"];
    let is_by_option = common.option.iter().any(|setting| is_set(&setting.path));
    let Some(path) = args.output.as_deref().filter(|path| is_named(path)) else {
        return Ok(args.format);
    };
    if common.json {
        return Ok(args.format);
    }
    match (named(Some(path)), args.format) {
        // `-O` wins over all; the ending then says nothing.
        (_, None) if is_by_option => Ok(None),
        (Some(by_name), Some(format)) if by_name != format => Err(Failure::usage(format!(
            "{} is to be {}, but --format says {}",
            path.display(),
            by_name.name(),
            format.name()
        ))
        .hint("leave --format out, or give the file another ending")),
        (Some(format), _) | (None, Some(format)) => Ok(Some(format)),
        (None, None) => {
            let name = path.display();
            Err(Failure::usage(format!("the ending of {name} tells no audio format"))
                .hint("mp3, opus, ogg, aac, flac, wav and pcm do; or name one with --format"))
        }
    }
}

/// The format that the ending of the file means.
pub(super) fn named(output: Option<&Path>) -> Option<SpeechFormat> {
    let ending = output.filter(|path| is_named(path))?.extension()?;
    SpeechFormat::of_ending(&ending.to_string_lossy())
}

/// Whether a path names a file by its ending: not standard output, no device and no folder.
fn is_named(path: &Path) -> bool {
    path.as_os_str() != "-" && std::fs::metadata(path).map_or(true, |facts| facts.is_file())
}

/// The player for `--play`.
///
/// # Errors
/// Exit 2: nothing can play, or the sound is to go elsewhere as well.
pub(super) fn player(
    args: &SpeakArgs,
    common: &Common,
    wish: Option<SpeechFormat>,
    io: &Io,
) -> Result<Player, Failure> {
    if common.json {
        return Err(Failure::usage("--json prints a reply, which --play cannot play"));
    }
    let own_file = args.output.as_deref();
    if own_file.is_some_and(|path| path.as_os_str() == "-" || !is_named(path)) {
        return Err(Failure::usage("--play plays a file, and -o names none")
            .hint("leave -o out, or name a file"));
    }
    Player::find(wish, &io.env)
}

/// Opens what the sound is written to.
///
/// # Errors
/// Exit 2 for a terminal, exit 1 for a file that can't be written.
pub(super) fn open(
    args: &SpeakArgs,
    common: &Common,
    player: Option<Player>,
    plan: &Plan,
    io: &Io,
) -> Result<Output, Failure> {
    let output = args.output.as_deref();
    let (sink, temporary) = match (&player, output) {
        _ if common.json => (Sink::open(output)?, None),
        (Some(_), None) => {
            let temporary = Temporary::new(plan.asked, io)?;
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
    fn new(format: Option<SpeechFormat>, io: &Io) -> Result<Self, Failure> {
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
                    return Err(Failure::new(Kind::Other, format!("cannot write {path}: {why}")));
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
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
