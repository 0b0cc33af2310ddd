//! Gives out the pictures of a reply: each is checked, put into its place, told, and drawn.

use std::path::Path;

use super::fetch::Download;
use super::options::ending_of;
use super::places::{OpenPicture, PictureTargets, WrittenPicture};
use super::receive::PicturesReply;
use super::show::Canvas;
use crate::api::image::base64text;
use crate::api::image::reply::ImageEntry;
use crate::error::{Failure, FailureKind, reason};
use crate::exchange::Exchange;
use crate::io::Io;
use crate::output::sink::to_stdout;
use crate::sanitize;

/// The last part of a run.
pub(super) struct Delivery {
    /// How many pictures were asked for.
    pub(super) asked: usize,
    /// The most bytes of one that is downloaded.
    pub(super) most: u64,
    pub(super) places: PictureTargets,
    pub(super) canvas: Option<Canvas>,
}

impl Delivery {
    /// Gives out all that can be given out; one that fails does not stop the others.
    ///
    /// # Errors
    /// The class of the first failure, in the words of the last; the others are said on the way.
    pub(super) async fn run(
        mut self,
        received: PicturesReply,
        exchange: &mut Exchange,
        io: &mut Io,
    ) -> Result<(), Failure> {
        let PicturesReply { mut entries, mut taken, .. } = received;
        let (name, asked) = (&exchange.provider.name, self.asked);
        let is_picture = |entry: &ImageEntry| !matches!(entry, ImageEntry::Nothing(_));
        let came = entries.iter().filter(|entry| is_picture(entry)).count();
        if came > asked {
            io.warn(&format!(
                "{name} gave {came} pictures, {asked} asked for; the others are left out"
            ));
            entries.retain(is_picture);
            entries.truncate(asked);
        }
        let count = entries.len();
        if count < asked {
            io.warn(&format!("{name} gave {count} of {asked} pictures"));
        }
        let mut failures: Vec<Failure> = Vec::new();
        for (index, entry) in entries.into_iter().enumerate() {
            let what = what(index, count);
            let done = match self.picture(entry, index, &what, &mut taken, exchange, io).await {
                Ok(mut picture) => {
                    self.places.renumber(&mut picture, index);
                    self.keep(picture, &what, io)
                }
                Err(failure) => Err(failure),
            };
            match done {
                Ok(()) => {}
                Err(failure) if failure.is_silent() => return Err(failure),
                Err(failure) => failures.push(failure),
            }
        }
        self.end(failures, io)
    }

    fn end(&self, mut failures: Vec<Failure>, io: &Io) -> Result<(), Failure> {
        let Some(last) = failures.pop() else { return Ok(()) };
        for failure in &failures {
            io.say(&failure.message);
        }
        let kind = failures.first().map_or(last.kind, |first| first.kind);
        Err(Failure { kind, ..last })
    }

    /// The bytes of an entry, wherever they are.
    async fn picture(
        &mut self,
        entry: ImageEntry,
        index: usize,
        what: &str,
        taken: &mut [Option<OpenPicture>],
        exchange: &mut Exchange,
        io: &Io,
    ) -> Result<OpenPicture, Failure> {
        let name = exchange.provider.name.clone();
        let nothing = |why: &str| {
            Failure::new(FailureKind::Refused, format!("{name} gave no picture: {why}"))
        };
        match entry {
            ImageEntry::Taken(number) => {
                let picture = taken.get_mut(number).and_then(Option::take);
                picture.ok_or_else(|| nothing("an entry stands for another one"))
            }
            ImageEntry::Nothing(why) => Err(nothing(&why)),
            ImageEntry::Address(address) if !is_data(&address) => {
                let download = Download::new(&address, index, what, self.most, exchange)?;
                download.run(&mut self.places, exchange, io).await
            }
            ImageEntry::Base64(text) | ImageEntry::Address(text) => {
                let mut picture = self.places.picture(index)?;
                match base64text::decode(&text) {
                    Some(bytes) => picture.write(&bytes)?,
                    None => picture.is_decoded = false,
                }
                Ok(picture)
            }
        }
    }

    fn keep(&mut self, picture: OpenPicture, what: &str, io: &mut Io) -> Result<(), Failure> {
        let kind = picture
            .kind()
            .map_err(|why| Failure::new(FailureKind::Refused, format!("{what} that came {why}")))?;
        if let Some(path) = self.places.named(&picture)
            && let Some(ending) = ending_of(&path)
            && !kind.has_ending(ending)
        {
            let (path, real) = (path.display(), kind.ending());
            io.warn(&format!("{path} is a {real} picture, despite its ending"));
        }
        let kept = self.places.keep(picture, kind, io)?;
        if let Some(path) = &kept.path {
            tell(path, io)?;
        }
        if let Some(canvas) = &self.canvas {
            canvas.show(&bytes(kept)?, what, io)?;
        }
        Ok(())
    }
}

/// The picture's name in messages.
fn what(index: usize, count: usize) -> String {
    if count > 1 { format!("picture {} of {count}", index + 1) } else { "the picture".to_owned() }
}

fn is_data(address: &str) -> bool {
    address.get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case("data:"))
}

/// Prints the path of a file that is there.
fn tell(path: &Path, io: &mut Io) -> Result<(), Failure> {
    let mut line = match io.stdout_is_terminal {
        true => sanitize::one_line(&path.to_string_lossy()).into_bytes(),
        false => path.as_os_str().as_encoded_bytes().to_vec(),
    };
    line.push(b'\n');
    to_stdout(&line, io)
}

fn bytes(kept: WrittenPicture) -> Result<Vec<u8>, Failure> {
    let read = |path: &Path| {
        std::fs::read(path).map_err(|error| {
            let name = path.display();
            Failure::new(FailureKind::Other, format!("cannot read {name}: {}", reason(&error)))
        })
    };
    match (kept.bytes, kept.path) {
        (Some(bytes), _) => Ok(bytes),
        (None, Some(path)) => read(&path),
        (None, None) => Ok(Vec::new()),
    }
}
