//! The files that went along with earlier questions: kept once an answer came, and sent again with the
//! next question. Knows nothing of how an answer is made.

use std::fs::File;
use std::io::{Cursor, Read, Seek as _, SeekFrom};

use super::attach;
use super::log::Log;
use crate::api::chat::content;
use crate::error::reason;
use crate::history::{self, Store, Turn};
use crate::http::form::Piece;
use crate::http::splice::Insert;
use crate::input::{self, Attachment, InputItem, PromptInput};
use crate::io::Io;
use crate::provider::Provider;

/// A larger file is not kept, in bytes.
const MOST: u64 = 20 * 1024 * 1024;

/// Keeps the attachments of a question in the data folder; without one, and where that is not
/// possible, their names. What can't be written earns a warning.
pub(super) fn keep(given: &PromptInput, store: Option<&Store>, io: &Io) -> Vec<history::File> {
    let keep = |attachment: &Attachment| {
        let data = &attachment.insert.data;
        let store = store.filter(|_| data.iter().map(Piece::length).sum::<u64>() <= MOST)?;
        let kept = open(data).and_then(|content| store.keep_file(content));
        kept.map_err(|error| {
            let name = &attachment.given;
            io.warn(&format!("{name} is not kept with the conversation: {}", reason(&error)));
        })
        .ok()
    };
    given
        .attachments()
        .map(|attachment| history::File {
            name: attachment.given.clone(),
            content: keep(attachment),
        })
        .collect()
}

/// The bytes of an attachment once more.
fn open(data: &[Piece]) -> std::io::Result<Box<dyn Read>> {
    let mut whole: Box<dyn Read> = Box::new(std::io::empty());
    for piece in data {
        whole = match piece {
            Piece::Bytes(bytes) => Box::new(whole.chain(Cursor::new(bytes.clone()))),
            Piece::File { path, offset, length } => {
                let mut file = File::open(path)?;
                file.seek(SeekFrom::Start(*offset))?;
                Box::new(whole.chain(file.take(*length)))
            }
        };
    }
    Ok(whole)
}

impl Log {
    /// What was said before with its files, as the service takes them, and the files' bytes. A file
    /// that can't go along is named in the text; the user is told once.
    pub(super) fn recall(&mut self, provider: &Provider, io: &Io) -> (Vec<Turn>, Vec<Insert>) {
        let mut turns = self.turns().to_vec();
        let mut inserts = Vec::new();
        let store = Store::find(&io.env);
        for turn in turns.iter_mut().filter(|turn| !turn.files.is_empty()) {
            let Some(text) = bare(turn) else { continue };
            let (mut found, mut missing) = (Vec::new(), Vec::new());
            for file in &turn.files {
                match recalled(file, store.as_ref(), provider) {
                    Ok(attachment) => found.push(attachment),
                    Err(why) => {
                        self.tell(format!("only the name of {} goes along: {why}", file.name), io);
                        missing.push(file.name.clone());
                    }
                }
            }
            let text = attach::noted(&text, missing);
            turn.user = content::content(text, &found, provider.takes_audio_as_url());
            inserts.extend(found.into_iter().map(|attachment| attachment.insert));
        }
        (turns, inserts)
    }
}

/// A question to be asked again, with its files as far as they are kept.
pub(super) fn again(turn: &Turn, io: &Io) -> PromptInput {
    let Some(text) = bare(turn) else { return PromptInput::of_text(&turn.user_text()) };
    let store = Store::find(&io.env);
    let (mut items, mut missing) = (Vec::new(), Vec::new());
    for file in &turn.files {
        match kept(file, store.as_ref()) {
            Ok(attachment) => items.push(InputItem::Attachment(attachment)),
            Err(_) => missing.push(file.name.clone()),
        }
    }
    let mut given = PromptInput::of_text(&attach::noted(&text, missing));
    given.items.splice(..0, items);
    given
}

/// A question's text without the names of its files; `None` if it is none.
fn bare(turn: &Turn) -> Option<String> {
    let text = turn.user.as_str()?;
    if turn.files.is_empty() {
        return Some(text.to_owned());
    }
    let note = attach::note(turn.files.iter().map(|file| file.name.clone()).collect());
    Some(text.strip_suffix(&note).map_or(text, str::trim_end).to_owned())
}

/// A kept file for a request, or why it can't go along.
fn recalled(
    file: &history::File,
    store: Option<&Store>,
    provider: &Provider,
) -> Result<Attachment, String> {
    let attachment = kept(file, store)?;
    let model = provider.model.as_deref().unwrap_or_default();
    match attach::is_refused(provider, model, &attachment) {
        false => Ok(attachment),
        true => Err(format!("{} does not take it for {model}", provider.name)),
    }
}

/// A kept file, or why it is none.
fn kept(file: &history::File, store: Option<&Store>) -> Result<Attachment, String> {
    let path = file.content.as_deref().zip(store).and_then(|(name, store)| store.kept_file(name));
    let Some(path) = path else {
        return Err(format!("it is not kept (files up to {} MiB are)", MOST >> 20));
    };
    if !path.exists() {
        return Err(format!("{} is gone", path.display()));
    }
    match input::read_kept_file(&path, &file.name) {
        Ok(InputItem::Attachment(attachment)) => Ok(attachment),
        Ok(_) => Err(format!("{} is not what was kept", path.display())),
        Err(failure) => Err(failure.message),
    }
}
