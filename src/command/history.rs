//! `llm history`: lists, shows, searches, exports and removes conversations. Goes to no network.

mod rm;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};
use unicode_width::UnicodeWidthChar as _;

use super::options::RunOptions;
use crate::cli::history::{HistoryAction, HistoryArgs};
use crate::conversation::{Citation, Conversation, ModelReply, Turn};
use crate::dialect;
use crate::error::{Failure, FailureKind, reason};
use crate::history::{self, ConversationKey, Store, StoredConversation};
use crate::io::Io;
use crate::output::sink::to_stdout;
use crate::sanitize;

/// How many columns of a line the first words of a conversation take.
const TITLE_COLUMNS: usize = 48;

/// How many columns are shown of a tool's arguments, and of its result.
const CALL_COLUMNS: usize = 200;

/// Runs the command.
///
/// # Errors
/// Exit 2 for a conversation that is not there, exit 1 for one that can't be read or removed.
pub(crate) fn run(args: &HistoryArgs, options: &RunOptions, io: &mut Io) -> anyhow::Result<()> {
    let store = Store::find(&io.env).ok_or_else(|| {
        Failure::usage("there is no home directory to look for conversations in").hint("set HOME")
    })?;
    let Some(action) = &args.action else {
        return Ok(list(&store, &[], args.list.number, options.json, io)?);
    };
    match action {
        HistoryAction::List(args) => list(&store, &[], args.number, options.json, io)?,
        HistoryAction::Search { words, number } => list(&store, words, *number, options.json, io)?,
        HistoryAction::Show { id } => show(&store, id.as_deref(), options.json, io)?,
        HistoryAction::Export { id } => {
            let stored = read(&store, &meant(&store, id.as_deref())?, io)?;
            let question = |turn: &Turn| (turn.user.clone(), Vec::new());
            let conversation = Conversation::of_turns(&stored.turns, None, question);
            print_json(&dialect::exported(&conversation).into(), io)?;
            if stored.turns.iter().any(Turn::has_files) {
                io.note("attached files are exported by name only");
            }
            let is_by_other = |turn: &Turn| turn.answer.by.is_some();
            if stored.turns.iter().any(is_by_other) {
                io.note("who answered in place of another service stands in `llm history show`");
            }
        }
        HistoryAction::Rm(args) => rm::run(args, &store, io)?,
        HistoryAction::Path if options.json => {
            print_json(&json!({"path": store.folder().to_string_lossy()}), io)?;
        }
        HistoryAction::Path => print_path(&store, io)?,
    }
    Ok(())
}

/// Lists the conversations that have all words, in lines or as one JSON document.
fn list(
    store: &Store,
    words: &[String],
    number: usize,
    is_json: bool,
    io: &mut Io,
) -> Result<(), Failure> {
    let keys = store
        .keys()
        .map_err(|error| failed(format!("cannot read the history: {}", reason(&error))))?;
    let words: Vec<String> = words.iter().map(|word| word.to_lowercase()).collect();
    let zone = TimeZone::system();
    let (mut found, mut all) = (0, Vec::new());
    for key in &keys {
        if number != 0 && found >= number {
            if words.is_empty() {
                io.note(&format!("{found} of {} are listed; -n 0 lists all", keys.len()));
            }
            break;
        }
        let Ok(conversation) = read(store, key, io) else { continue };
        if conversation.turns.is_empty() || !has_all(&conversation, &words) {
            continue;
        }
        found += 1;
        match is_json {
            true => all.push(summary(&conversation)),
            false => to_stdout(line(&conversation, &zone, io).as_bytes(), io)?,
        }
    }
    if is_json {
        return print_json(&all.into(), io);
    }
    match (found, words.is_empty()) {
        (0, true) => io.note("no conversation is kept yet"),
        (0, false) => io.note("no conversation has all these words"),
        _ => {}
    }
    Ok(())
}

/// The conversation of a key; of lines that can't be read the user is told.
fn read(store: &Store, key: &ConversationKey, io: &mut Io) -> Result<StoredConversation, Failure> {
    let conversation = store.read(key).map_err(|error| {
        failed(format!("cannot read {}: {}", store.path(key).display(), reason(&error)))
    })?;
    if let Some(complaint) = conversation.complaint(store) {
        io.warn(&complaint);
    }
    Ok(conversation)
}

/// Whether every word (in small letters) occurs somewhere in the conversation.
fn has_all(conversation: &StoredConversation, words: &[String]) -> bool {
    let mut left: Vec<&String> = words.iter().collect();
    if let Some(name) = conversation.session().map(str::to_lowercase) {
        left.retain(|word| !name.contains(word.as_str()));
    }
    for turn in &conversation.turns {
        if left.is_empty() {
            break;
        }
        let calls = turn.rounds.iter().flat_map(|reply| &reply.calls);
        let calls = calls.flat_map(|call| [&call.name, &call.arguments, &call.result]);
        let rounds = turn.rounds.iter().flat_map(|reply| [&reply.text, &reply.thinking]);
        let texts = [&turn.user, &turn.answer.text].into_iter().chain(&turn.others);
        let texts = texts.chain(turn.system.as_ref()).chain(rounds).chain(calls);
        for text in texts.map(|text| text.to_lowercase()) {
            left.retain(|word| !text.contains(word.as_str()));
        }
    }
    left.is_empty()
}

/// One conversation on one line: id, time, model, first words.
fn line(conversation: &StoredConversation, zone: &TimeZone, io: &Io) -> String {
    let Some(last) = conversation.turns.last() else { return String::new() };
    let id = one_line(conversation.id(), io);
    let model = one_line(&asked(last), io);
    let title = title(conversation);
    format!(
        "{}  {}  {}  {}\n",
        padded(&id, 12),
        local(&last.time, zone, false),
        padded(&model, 16),
        one_line(&cut(&title, TITLE_COLUMNS), io)
    )
}

/// A text in one line; on a terminal with nothing in it that could do harm.
fn one_line(text: &str, io: &Io) -> String {
    match io.stdout_is_terminal {
        true => sanitize::one_line(text),
        false => text.replace(['\n', '\r', '\t'], " "),
    }
}

/// Who gave a reply; and who was asked first, where that was another one.
fn speaker(turn: &Turn, reply: &ModelReply) -> String {
    match &reply.by {
        Some(by) => format!("{} · in place of {}", model(&by.provider, &by.model), asked(turn)),
        None => asked(turn),
    }
}

/// Who was asked first.
fn asked(turn: &Turn) -> String {
    model(&turn.service.provider, &turn.service.model)
}

fn model(provider: &str, model: &str) -> String {
    match model == provider {
        true => model.to_owned(),
        false => format!("{provider}/{model}"),
    }
}

/// The first words of the first question, white space folded.
fn title(conversation: &StoredConversation) -> String {
    let text = conversation.turns.first().map(|turn| turn.user.as_str()).unwrap_or_default();
    let start: String = text.chars().take(4 * TITLE_COLUMNS).collect();
    start.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A moment where the user is: `2026-11-22 20:51`, with its zone if `is_full`; UTC where the system
/// tells no zone, and then so marked.
fn local(time: &str, zone: &TimeZone, is_full: bool) -> String {
    let Ok(time) = time.parse::<Timestamp>() else { return "?".to_owned() };
    let zoned = time.to_zoned(zone.clone());
    match is_full {
        true => zoned.strftime("%Y-%m-%d %H:%M:%S %Z").to_string(),
        false if zone.is_unknown() => zoned.strftime("%Y-%m-%d %H:%MZ").to_string(),
        false => zoned.strftime("%Y-%m-%d %H:%M").to_string(),
    }
}

/// A text filled up with spaces to so many columns.
fn padded(text: &str, columns: usize) -> String {
    let used: usize = text.chars().map(|letter| letter.width().unwrap_or(0)).sum();
    format!("{text}{}", " ".repeat(columns.saturating_sub(used)))
}

/// A text cut to so many columns, with `…` where something is missing.
fn cut(text: &str, columns: usize) -> String {
    let mut used = 0;
    let mut kept = String::new();
    for letter in text.chars() {
        used += letter.width().unwrap_or(0);
        if used > columns {
            return kept + "…";
        }
        kept.push(letter);
    }
    kept
}

/// A conversation in the list, as JSON.
fn summary(conversation: &StoredConversation) -> Value {
    let (first, last) = (conversation.turns.first(), conversation.turns.last());
    json!({
        "id": conversation.key.as_str(),
        "session": conversation.session(),
        "began": first.map(|turn| &turn.time),
        "time": last.map(|turn| &turn.time),
        "provider": last.map(|turn| &turn.service.provider),
        "model": last.map(|turn| &turn.service.model),
        "turns": conversation.turns.len(),
        "title": title(conversation),
    })
}

/// The conversation that an id means; without one the last of this terminal.
fn meant(store: &Store, id: Option<&str>) -> Result<ConversationKey, Failure> {
    match id {
        Some(id) => store.find_key(id),
        None => store
            .last(history::here().as_deref())
            .ok_or_else(|| Failure::usage("no conversation is kept yet")),
    }
}

/// Prints the data folder, whether it exists or not.
fn print_path(store: &Store, io: &mut Io) -> Result<(), Failure> {
    let mut line = match io.stdout_is_terminal {
        true => sanitize::one_line(&store.folder().to_string_lossy()).into_bytes(),
        false => store.folder().as_os_str().as_encoded_bytes().to_vec(),
    };
    line.push(b'\n');
    to_stdout(&line, io)
}

fn show(store: &Store, id: Option<&str>, is_json: bool, io: &mut Io) -> Result<(), Failure> {
    let key = meant(store, id)?;
    let conversation = read(store, &key, io)?;
    if is_json {
        let mut whole = summary(&conversation);
        whole["turns"] = conversation.turns.iter().map(turn_json).collect::<Result<_, _>>()?;
        return print_json(&whole, io);
    }
    let text = readable(&conversation, &TimeZone::system());
    let text = match io.stdout_is_terminal {
        true => sanitize::for_terminal(&text).into_owned(),
        false => text,
    };
    to_stdout(text.as_bytes(), io)
}

/// A conversation as text for a reader: who spoke and when, a blank line between.
pub(super) fn readable(conversation: &StoredConversation, zone: &TimeZone) -> String {
    let mut parts = Vec::new();
    let mut system = None;
    for turn in &conversation.turns {
        if turn.system.as_deref() != system {
            system = turn.system.as_deref();
            parts.push(format!("# system\n\n{}", system.unwrap_or("(none any more)").trim_end()));
        }
        let time = local(&turn.time, zone, true);
        parts.push(format!("# you · {time}\n\n{}", turn.user.trim_end()));
        if !turn.rounds.is_empty() {
            parts.push(rounds(turn));
        }
        let speaker = speaker(turn, &turn.answer);
        let sources = [&turn.answer.sources].into_iter().chain(&turn.other_sources);
        let mut sources = sources.map(Vec::as_slice);
        for content in [&turn.answer.text].into_iter().chain(&turn.others) {
            let content = format!("# {speaker}\n\n{}", content.trim_end());
            parts.push(content.trim_end().to_owned());
            parts.extend(cited(sources.next().unwrap_or_default()));
        }
        parts.extend(made(turn));
        if let Some(words) = turn.end.words() {
            let why = turn.why.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
            parts.push(format!("({words}{why})"));
        }
    }
    parts.join("\n\n") + "\n"
}

/// The names of the files that came with the answers.
fn made(turn: &Turn) -> Option<String> {
    let names: Vec<&str> = turn.made.iter().map(|file| file.name.as_str()).collect();
    (!names.is_empty()).then(|| format!("[attached: {}]", names.join(", ")))
}

/// The pages that an answer cites, a line each.
fn cited(sources: &[Citation]) -> Option<String> {
    let sources = sources.iter().enumerate();
    let lines: Vec<String> = sources.map(|(place, source)| source.line(place)).collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

/// The calls of tools before an answer, and what came of them: a line each, long ones cut.
fn rounds(turn: &Turn) -> String {
    let mut lines = Vec::new();
    let mut last = None;
    for reply in &turn.rounds {
        let speaker = speaker(turn, reply);
        if last.as_ref() != Some(&speaker) {
            lines.extend(last.is_some().then(String::new));
            lines.extend([format!("# {speaker}"), String::new()]);
            last = Some(speaker);
        }
        if !reply.text.is_empty() {
            lines.push(reply.text.trim_end().to_owned());
        }
        if let Some(cited) = cited(&reply.sources) {
            lines.extend([String::new(), cited, String::new()]);
        }
        let calls = reply.calls.iter();
        lines.extend(
            calls.map(|call| format!("> {} {}", call.name, cut(call.object(), CALL_COLUMNS))),
        );
        lines.extend(reply.calls.iter().map(|call| {
            let words: Vec<&str> = call.result.split_whitespace().collect();
            format!("< {}", cut(&words.join(" "), CALL_COLUMNS))
        }));
    }
    lines.join("\n")
}

/// A turn as JSON: as it is kept, but with the calls of tools as other programs take them.
fn turn_json(turn: &Turn) -> Result<Value, Failure> {
    let kept = serde_json::to_value(turn)
        .map_err(|error| failed(format!("cannot write JSON: {error}")))?;
    let fields = kept.as_object().into_iter().flatten();
    let shown = fields.map(|(name, value)| match name.as_str() {
        "rounds" => ("steps".to_owned(), dialect::steps(turn).into()),
        _ => (name.clone(), value.clone()),
    });
    Ok(Value::Object(shown.collect()))
}

/// One JSON document, in lines that a person can read.
fn print_json(value: &Value, io: &mut Io) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(value)
        .map_err(|error| failed(format!("cannot write JSON: {error}")))?;
    let text = match io.stdout_is_terminal {
        true => sanitize::json_for_terminal(&text).into_owned(),
        false => text,
    };
    to_stdout(format!("{text}\n").as_bytes(), io)
}

fn failed(message: String) -> Failure {
    Failure::new(FailureKind::Other, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_those_of_the_place() {
        let zone = TimeZone::posix("CST-8").expect("a zone");
        assert_eq!(local("2026-11-22T20:51:44Z", &zone, false), "2026-11-23 04:51");
        assert_eq!(local("2026-11-22T20:51:44Z", &zone, true), "2026-11-23 04:51:44 CST");
        assert_eq!(local("2026-11-22T20:51:44Z", &TimeZone::unknown(), false), "2026-11-22 20:51Z");
        assert_eq!(local("gestern", &zone, false), "?");
    }

    #[test]
    fn wide_letters_take_two_columns() {
        assert_eq!(cut("写一首关于秋天的诗", 6), "写一首…");
        assert_eq!(cut("写一首", 6), "写一首");
        assert_eq!(padded("诗", 4), "诗  ");
    }
}
