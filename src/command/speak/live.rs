//! `--play` without a file: the text is read as it comes and asked for sentence by sentence, and each is
//! played while the next ones are on their way.

use std::io::Read;
use std::time::Instant;

use tokio::sync::mpsc::{Receiver, Sender, UnboundedReceiver, channel, unbounded_channel};
use tokio::task::JoinHandle;

use super::fetch::{AskPart, HeldSound, PartAudio};
use super::options::SpeakOptions;
use super::part::TextPart;
use super::plan::Plan;
use super::player::Player;
use super::speech::SpeechUsage;
use super::target::Temporary;
use super::track::{SpeechReply, SpeechWriter};
use crate::api::speech::sentences::Sentences;
use crate::api::speech::split::{self, TextLimit};
use crate::error::{Failure, reason};
use crate::exchange::Exchange;
use crate::input::stdin::{SILENT_INPUT, read_in_thread};
use crate::io::{Io, Stderr};
use crate::output::sink::Sink;

/// How many sentences are fetched ahead of the one that is played.
const AHEAD: usize = 2;

/// The text as it comes: what is there, standard input, what stands behind it.
pub(super) struct TextSource {
    pub(super) before: String,
    pub(super) stdin: Option<Box<dyn Read + Send + Sync>>,
    pub(super) behind: String,
}

/// A sentence on its way.
type Fetched = Result<(PartAudio, usize), Failure>;

/// Asks for all sentences, and plays them in order.
pub(super) async fn play(
    options: &SpeakOptions,
    player: &Player,
    plan: Plan,
    source: TextSource,
    exchange: &mut Exchange,
    io: &mut Io,
) -> Result<(), Failure> {
    let Some(model) = plan.parts.front().cloned() else { return Ok(()) };
    let mut account = SpeechUsage { asked: Instant::now(), tokens: None };
    let (sender, mut fetched) = channel(AHEAD);
    let (limit, is_plain) = (plan.limit, options.is_plain);
    let text = TextReader::new(source, io.stderr.clone());
    let work = fetch(text, Sentences::new(is_plain), model, limit, exchange.fork(io)?, sender);
    let _fetching = Fetching(tokio::spawn(work));
    let (mut characters, mut bytes, mut parts, mut began) = (0, 0, 0, None);
    while let Some(next) = next(&mut fetched, exchange).await? {
        let (mut audio, length) = next?;
        if let Some(sound) = audio.rest.sound(exchange, io).await? {
            audio.sound = sound;
        }
        let file = Temporary::new(plan.asked, io)?;
        let mut track = SpeechWriter::new(Sink::open(Some(file.path()))?, &plan, true);
        let (content_type, sound) = (audio.rest.content_type.clone(), &audio.sound);
        track.expect(SpeechReply { content_type, length: Some(sound.len() as u64) });
        track.write(sound, io)?;
        track.end_part(io)?;
        began = began.or(track.began);
        bytes += track.finish(exchange, io).await?;
        (characters, parts) = (characters + length, parts + 1);
        account.add(audio.rest.usage.as_ref());
        player.play(file.path(), exchange.interrupt()).await?;
    }
    if parts == 0 {
        return Err(no_text());
    }
    if options.shows_usage {
        let mut words = vec![match parts {
            1 => format!("{characters} characters"),
            _ => format!("{characters} characters in {parts} parts"),
        }];
        words.push(format!("{bytes} bytes"));
        words.extend(account.words(began));
        io.say(&format!("usage: {}", words.join(", ")));
    }
    Ok(())
}

/// The next sentence's sound, unless the run is ended from outside.
async fn next(
    fetched: &mut Receiver<Fetched>,
    exchange: &mut Exchange,
) -> Result<Option<Fetched>, Failure> {
    exchange.wait(fetched.recv()).await
}

/// Says that there is nothing to speak.
pub(super) fn no_text() -> Failure {
    Failure::usage("there is no text to speak")
        .hint("give it as an argument or through a pipe: llm speak -o hello.mp3 \"hello\"")
}

/// Given up when nobody listens any more.
struct Fetching(JoinHandle<()>);

impl Drop for Fetching {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Asks for one sentence after the other, as they come.
async fn fetch(
    mut text: TextReader,
    mut sentences: Sentences,
    model: TextPart,
    limit: TextLimit,
    mut exchange: Exchange,
    sender: Sender<Fetched>,
) {
    let mut is_over = false;
    loop {
        while let Some(sentence) = sentences.next(is_over) {
            for part in split::parts(&sentence, limit) {
                let mut asked = AskPart { part: model.with_text(part), held: HeldSound::default() };
                let fetched = exchange.ask(&mut asked).await;
                let has_failed = fetched.is_err();
                let fetched = fetched.map(|audio| (audio, part.chars().count()));
                if sender.send(fetched).await.is_err() || has_failed {
                    return;
                }
            }
        }
        if is_over {
            return;
        }
        match text.next().await {
            Ok(Some(piece)) => sentences.push(&piece),
            Ok(None) => is_over = true,
            Err(failure) => {
                // Nobody listens if this can't be sent.
                let _ = sender.send(Err(failure)).await;
                return;
            }
        }
    }
}

/// Reads the text as it comes.
struct TextReader {
    before: Option<String>,
    pieces: Option<UnboundedReceiver<std::io::Result<Vec<u8>>>>,
    behind: Option<String>,
    /// Bytes of a character that is not complete.
    rest: Vec<u8>,
    stderr: Stderr,
    has_come: bool,
}

impl TextReader {
    fn new(source: TextSource, stderr: Stderr) -> Self {
        let gap =
            |text: String, gap: &str| (!text.trim().is_empty()).then(|| format!("{text}{gap}"));
        Self {
            before: gap(source.before, "\n\n"),
            pieces: source.stdin.map(|stdin| {
                let (sender, pieces) = unbounded_channel();
                read_in_thread(stdin, move |piece| sender.send(piece).is_ok());
                pieces
            }),
            behind: gap(source.behind, "").map(|text| format!("\n\n{text}")),
            rest: Vec::new(),
            stderr,
            has_come: false,
        }
    }

    /// The next piece; `None` at the end.
    async fn next(&mut self) -> Result<Option<String>, Failure> {
        if let Some(text) = self.before.take() {
            return Ok(Some(text));
        }
        while let Some(pieces) = &mut self.pieces {
            let next = match self.has_come {
                true => pieces.recv().await,
                false => match tokio::time::timeout(SILENT_INPUT, pieces.recv()).await {
                    Ok(next) => next,
                    Err(_) => {
                        self.stderr.note("waiting for standard input; --no-stdin ignores it");
                        self.has_come = true;
                        continue;
                    }
                },
            };
            self.has_come = true;
            let unreadable =
                |why: &str| Failure::usage(format!("cannot read standard input: {why}"));
            match next {
                Some(Ok(piece)) if !piece.is_empty() => {
                    self.rest.extend_from_slice(&piece);
                    return self.whole_letters().map(Some);
                }
                Some(Err(error)) => return Err(unreadable(&reason(&error))),
                Some(Ok(_)) | None if self.rest.is_empty() => self.pieces = None,
                Some(Ok(_)) | None => return Err(unreadable("it is not UTF-8 text")),
            }
        }
        Ok(self.behind.take())
    }

    /// The bytes so far, but for a character that is cut.
    fn whole_letters(&mut self) -> Result<String, Failure> {
        let length = match std::str::from_utf8(&self.rest) {
            Ok(text) => text.len(),
            Err(error) if error.error_len().is_none() => error.valid_up_to(),
            Err(_) => return Err(Failure::usage("standard input is not UTF-8 text")),
        };
        let text: Vec<u8> = self.rest.drain(..length).collect();
        let text = String::from_utf8(text).map_err(|_| ended_text())?;
        match text.contains('\0') {
            true => Err(Failure::usage("standard input is not text: there is a zero byte in it")),
            false => Ok(text),
        }
    }
}

fn ended_text() -> Failure {
    Failure::usage("standard input is not UTF-8 text")
}
