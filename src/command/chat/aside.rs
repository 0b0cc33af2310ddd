//! What a conversation does beside asking: a message from an editor, the clipboard, request fields, words that
//! were typed ahead.

use base64::Engine as _;

use super::slash;
use crate::command::editor;
use crate::command::scratch::ScratchFolder;
use crate::conversation::Turn;
use crate::error::{Failure, FailureKind, reason};
use crate::io::Io;
use crate::output::sink::to_stdout;
use crate::provider::Setting;
use crate::sanitize;

/// Prints what can be typed beside questions.
///
/// # Errors
/// A terminal that takes no more.
pub(super) fn help(io: &mut Io) -> Result<(), Failure> {
    let mut text = String::new();
    for (usage, what) in slash::HELP {
        text.push_str(&format!("{usage:<16}{what}\n"));
    }
    text.push_str(
        "\nEnter sends. Alt-Enter, Ctrl-J and a \\ at the end of a line make a new line;\n\
         \"\"\" before and behind hold several lines. TAB completes. Ctrl-C clears the line,\n\
         and stops an answer.\n",
    );
    to_stdout(text.as_bytes(), io)
}

/// A message that the user writes in an editor, beginning with a text.
///
/// # Errors
/// An editor that fails, a file that can't be written or read.
pub(super) fn edited(text: &str, io: &Io) -> Result<String, Failure> {
    let folder = ScratchFolder::new(&io.env)?;
    let path = folder.path("message.md");
    let failed = |error: std::io::Error| {
        let what = format!("cannot use {}: {}", path.display(), reason(&error));
        Failure::new(FailureKind::Other, what)
    };
    std::fs::write(&path, text).map_err(failed)?;
    editor::open(&path, &io.env)?;
    let bytes = std::fs::read(&path).map_err(failed)?;
    Ok(String::from_utf8_lossy(&bytes).trim().to_owned())
}

/// Gives the answer of a turn to the terminal for its clipboard (OSC 52), which works over SSH too.
///
/// # Errors
/// A terminal that takes no more.
pub(super) fn copy(turn: Option<&Turn>, io: &mut Io) -> Result<(), Failure> {
    let Some(turn) = turn else {
        io.note("there is no answer to copy");
        return Ok(());
    };
    if io.env.get("TERM").as_deref() == Some("dumb") {
        io.note("this terminal has no way to a clipboard (TERM=dumb); /save FILE writes the conversation");
        return Ok(());
    }
    let text = &turn.answer.text;
    let encoded = base64::engine::general_purpose::STANDARD.encode(text);
    to_stdout(format!("\u{1b}]52;c;{encoded}\u{7}").as_bytes(), io)?;
    let count = text.chars().count();
    io.note(&format!("{count} characters are sent to the clipboard, if the terminal allows it"));
    Ok(())
}

/// Sets a request field (`KEY=VALUE`, `KEY VALUE`), takes one back (`KEY`), or shows all. True if something changed.
///
/// # Errors
/// A field that is written wrongly.
pub(super) fn set(settings: &mut Vec<Setting>, text: &str, io: &mut Io) -> Result<bool, Failure> {
    if text.is_empty() {
        let lines = settings.iter().map(|setting| {
            let line = format!("{} = {}", setting.path.join("."), setting.value);
            sanitize::one_line(&line) + "\n"
        });
        let text: String = lines.collect();
        match text.is_empty() {
            true => io.note("no field is set; /set temperature=0.2 sets one"),
            false => to_stdout(text.as_bytes(), io)?,
        }
        return Ok(false);
    }
    let Some((key, value)) = key_and_value(text) else {
        let before = settings.len();
        settings.retain(|setting| setting.path.join(".") != text);
        let is_gone = settings.len() < before;
        io.note(&match is_gone {
            true => format!("{text} is taken back"),
            false => format!("{text} is not set; write /set {text}=VALUE"),
        });
        return Ok(is_gone);
    };
    let setting = Setting::parse(&format!("{key}={value}"))
        .map_err(|why| Failure::usage(format!("`/set {text}`: {why}")))?;
    settings.retain(|other| other.path != setting.path);
    io.note(&format!("{} is set", setting.path.join(".")));
    settings.push(setting);
    Ok(true)
}

/// What stands before and behind the first `=`, which may be a full-width one; without any, the first word and the rest.
fn key_and_value(text: &str) -> Option<(&str, &str)> {
    let parts = text.split_once(['=', '＝']).or_else(|| text.split_once(char::is_whitespace))?;
    Some((parts.0.trim(), parts.1.trim()))
}

/// A line that was typed while an answer came, as the terminal has collected it: shown behind the prompt, as
/// if it were typed now. Empty at the end of input.
pub(super) fn typed_ahead(prompt: &str, io: &mut Io) -> Option<String> {
    // Elsewhere the line editor reads such words itself.
    if !cfg!(unix) {
        return None;
    }
    let line = io.typed()?;
    if line.is_empty() {
        return Some(line);
    }
    let line = line.trim_end_matches(['\n', '\r']);
    let shown = format!("{prompt}{}\n", sanitize::for_terminal(line));
    let _ = to_stdout(shown.as_bytes(), io);
    Some(format!("{line}\n"))
}
