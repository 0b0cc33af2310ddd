//! The files that went along with earlier questions: kept once an answer came, and sent again with the
//! next question. Knows nothing about how an answer is made.

use std::fs::File;
use std::io::{Cursor, Read, Seek as _, SeekFrom};

use super::attach;
use super::made::MadeFile;
use super::warnings::Warnings;
use crate::conversation::{self, Conversation, Message, ModelReply, Turn};
use crate::error::reason;
use crate::history::Store;
use crate::http::form::BytePiece;
use crate::input::{self, Attachment, AttachmentGroup, InputItem, PromptInput};
use crate::io::Io;
use crate::provider::{ChatApi, Provider};

/// A larger file is not kept, in bytes.
const MAX_KEPT_FILE_BYTES: u64 = 20 * 1024 * 1024;

/// Keeps the attachments of a question in the data folder; without one, and where that is not
/// possible, their names. What can't be written earns a warning.
pub(super) fn keep(
    given: &PromptInput,
    store: Option<&Store>,
    io: &Io,
) -> Vec<conversation::TurnFile> {
    given
        .attachments()
        .map(|attachment| conversation::TurnFile {
            name: attachment.given.clone(),
            content: keep_attachment(attachment, store, io),
        })
        .collect()
}

fn keep_attachment(attachment: &Attachment, store: Option<&Store>, io: &Io) -> Option<String> {
    let data = &attachment.insert.data;
    let store =
        store.filter(|_| data.iter().map(BytePiece::length).sum::<u64>() <= MAX_KEPT_FILE_BYTES)?;
    let kept = open(data).and_then(|content| store.keep_file(content));
    kept.map_err(|error| {
        let name = &attachment.given;
        io.warn(&format!("{name} is not kept with the conversation: {}", reason(&error)));
    })
    .ok()
}

/// Keeps what came with the results of calls in the same way.
pub(super) fn keep_results(
    mut rounds: Vec<ModelReply>,
    store: Option<&Store>,
    io: &Io,
) -> Vec<ModelReply> {
    let calls = rounds.iter_mut().flat_map(|reply| &mut reply.calls);
    for file in calls.flat_map(|call| &mut call.files) {
        if let Some(attachment) = &file.attachment {
            file.kept.content = keep_attachment(attachment, store, io);
        }
    }
    rounds
}

/// Keeps the pictures and sounds of an answer in the same way.
pub(super) fn keep_made(
    made: Vec<MadeFile>,
    store: Option<&Store>,
    io: &Io,
) -> Vec<conversation::TurnFile> {
    let keep = |file: MadeFile| {
        let store = store.filter(|_| file.bytes.len() as u64 <= MAX_KEPT_FILE_BYTES);
        let kept = store.map(|store| store.keep_file(file.bytes.as_slice())).transpose();
        let content = kept.unwrap_or_else(|error| {
            let why = reason(&error);
            io.warn(&format!("{} is not kept with the conversation: {why}", file.name));
            None
        });
        conversation::TurnFile { name: file.name, content }
    };
    made.into_iter().map(keep).collect()
}

/// The bytes of an attachment once more.
fn open(data: &[BytePiece]) -> std::io::Result<Box<dyn Read>> {
    let mut whole: Box<dyn Read> = Box::new(std::io::empty());
    for piece in data {
        whole = match piece {
            BytePiece::Bytes(bytes) => Box::new(whole.chain(Cursor::new(bytes.clone()))),
            BytePiece::File { path, offset, length } => {
                let mut file = File::open(path)?;
                file.seek(SeekFrom::Start(*offset))?;
                Box::new(whole.chain(file.take(*length)))
            }
        };
    }
    Ok(whole)
}

/// Earlier questions with their files, as a service takes them.
pub(super) struct EarlierTurns<'a> {
    store: Option<Store>,
    provider: &'a Provider,
    api: ChatApi,
    warnings: &'a mut Warnings,
    io: &'a Io,
    /// The pictures of the answer before, which go along with the next question: no endpoint takes
    /// them in an answer.
    shown: Vec<Attachment>,
}

impl<'a> EarlierTurns<'a> {
    /// For this service and endpoint. The warnings tell of files that can't go along.
    pub(super) fn new(
        provider: &'a Provider,
        api: ChatApi,
        warnings: &'a mut Warnings,
        io: &'a Io,
    ) -> Self {
        Self { store: Store::find(&io.env), provider, api, warnings, io, shown: Vec::new() }
    }

    /// A question's text and the files that go along with it. One that can't is named in the text;
    /// the user is told once.
    pub(super) fn question(&mut self, turn: &Turn) -> (String, Vec<Attachment>) {
        let mut found = self.shown();
        self.shown = self.made(turn);
        if turn.files.is_empty() {
            return (turn.user.clone(), found);
        }
        let mut missing = Vec::new();
        for file in &turn.files {
            match self.recalled(file) {
                Ok(attachment) => found.push(attachment),
                Err(why) => {
                    let what = format!("only the name of {} is sent: {why}", file.name);
                    self.warnings.warn(&what, self.io);
                    missing.push(file.name.clone());
                }
            }
        }
        (attach::noted(&bare(turn), missing), found)
    }

    /// Puts what came with the results of earlier calls into a conversation, as far as it can go along.
    pub(super) fn put_results(&mut self, conversation: &mut Conversation) {
        let replies = conversation.messages.iter_mut().flat_map(|message| match message {
            Message::Model { reply, .. } => reply.calls.as_mut_slice(),
            Message::User { .. } => &mut [],
        });
        for file in replies.flat_map(|call| &mut call.files) {
            match self.recalled(&file.kept) {
                Ok(attachment) => file.attachment = Some(attachment),
                Err(why) => {
                    let what = format!("only the name of {} is sent: {why}", file.kept.name);
                    self.warnings.warn(&what, self.io);
                }
            }
        }
    }

    /// The pictures of the last answer.
    pub(super) fn shown(&mut self) -> Vec<Attachment> {
        std::mem::take(&mut self.shown)
    }

    /// The pictures of an answer, as far as the service takes them. What a sound says is the answer's text.
    fn made(&mut self, turn: &Turn) -> Vec<Attachment> {
        let mut found = Vec::new();
        for file in &turn.made {
            let kept = kept(file, self.store.as_ref(), self.io);
            let is_sound = |one: &Attachment| one.format.group() == AttachmentGroup::Audio;
            if kept.as_ref().is_ok_and(is_sound) {
                continue;
            }
            match kept.and_then(|kept| self.taken(kept)) {
                Ok(picture) => found.push(picture),
                Err(why) => {
                    let what = format!("{} of an earlier answer is not sent: {why}", file.name);
                    self.warnings.warn(&what, self.io);
                }
            }
        }
        found
    }

    /// A kept file for a request, or why it can't go along.
    fn recalled(&self, file: &conversation::TurnFile) -> Result<Attachment, String> {
        self.taken(kept(file, self.store.as_ref(), self.io)?)
    }

    fn taken(&self, attachment: Attachment) -> Result<Attachment, String> {
        let model = self.provider.model.as_deref().unwrap_or_default();
        if attach::is_refused(self.provider, model, &attachment) {
            return Err(format!("{} does not accept it for {model}", self.provider.name));
        }
        match attach::has_no_place(self.api, &attachment) {
            true => Err("/responses has no place for recordings".to_owned()),
            false => Ok(attachment),
        }
    }
}

/// A question to be asked again, with its files as far as they are kept.
pub(super) fn again(turn: &Turn, io: &Io) -> PromptInput {
    let store = Store::find(&io.env);
    let (mut items, mut missing) = (Vec::new(), Vec::new());
    for file in &turn.files {
        match kept(file, store.as_ref(), io) {
            Ok(attachment) => items.push(InputItem::Attachment(attachment)),
            Err(_) => missing.push(file.name.clone()),
        }
    }
    let mut given = PromptInput::of_text(&attach::noted(&bare(turn), missing));
    given.items.splice(..0, items);
    given
}

/// A question's text without the names of its files.
fn bare(turn: &Turn) -> String {
    let text = turn.user.as_str();
    if turn.files.is_empty() {
        return text.to_owned();
    }
    let note = attach::note(turn.files.iter().map(|file| file.name.clone()).collect());
    text.strip_suffix(&note).map_or(text, str::trim_end).to_owned()
}

/// A kept file, or why it is none.
fn kept(
    file: &conversation::TurnFile,
    store: Option<&Store>,
    io: &Io,
) -> Result<Attachment, String> {
    let path = file.content.as_deref().zip(store).and_then(|(name, store)| store.kept_file(name));
    let Some(path) = path else {
        return Err(format!("it is not kept (files up to {} MiB are)", MAX_KEPT_FILE_BYTES >> 20));
    };
    if !path.exists() {
        return Err(format!("{} is gone", path.display()));
    }
    match input::read_kept_file(&path, &file.name, io) {
        Ok(InputItem::Attachment(attachment)) => Ok(attachment),
        Ok(_) => Err(format!("{} has changed since it was kept", path.display())),
        Err(failure) => Err(failure.message),
    }
}
