//! `llm history rm`: conversations that go for good.

use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::cli::history::RmArgs;
use crate::error::{Failure, FailureKind, reason};
use crate::history::{ConversationKey, Store};
use crate::io::Io;
use crate::ledger::Ledger;

/// How often it is looked whether something was typed.
const POLL_INTERVAL: Duration = Duration::from_millis(40);

/// Removes the conversations that the arguments name.
///
/// # Errors
/// Exit 2 for a conversation that is not there, and where many would go and nobody can be asked; exit 1 for
/// one that can't be removed.
pub(super) fn run(args: &RmArgs, store: &Store, io: &mut Io) -> Result<(), Failure> {
    if !args.ids.is_empty() {
        // All of them are looked for before the first one goes.
        let keys: Result<Vec<_>, _> = args.ids.iter().map(|id| store.find_key(id)).collect();
        return store.remove(&keys?);
    }
    let keys = match args.before {
        Some(day) => older(store, day)?,
        None => all(store)?,
    };
    let conversations = match keys.len() {
        1 => "1 conversation".to_owned(),
        count => format!("{count} conversations"),
    };
    if args.before.is_some() && keys.is_empty() {
        io.note("no conversation is older");
        return Ok(());
    }
    let what = match args.before {
        Some(day) => format!("{conversations} from before {day}"),
        None => format!("{conversations} and all that was typed"),
    };
    if !args.yes && !is_confirmed(&what, io)? {
        io.note("nothing is removed");
        return Ok(());
    }
    match args.before {
        Some(_) => store.remove(&keys)?,
        None => store.remove_all()?,
    }
    io.note(&format!("{what}: removed"));
    if let Some(ledger) = Ledger::find(&io.env).filter(|ledger| ledger.path().exists()) {
        io.note(&format!(
            "notes of usage, which hold no words, stay in {}",
            ledger.path().display()
        ));
    }
    Ok(())
}

fn all(store: &Store) -> Result<Vec<ConversationKey>, Failure> {
    store.keys().map_err(|error| {
        let what = format!("cannot read the history: {}", reason(&error));
        Failure::new(FailureKind::Other, what)
    })
}

/// The conversations whose last turn is older than the beginning of a day, here.
fn older(store: &Store, day: Date) -> Result<Vec<ConversationKey>, Failure> {
    let midnight = day.to_zoned(TimeZone::system()).map_err(|error| {
        Failure::usage(format!("{day} is no day that a clock can show: {error}"))
    })?;
    let mut keys = all(store)?;
    keys.retain(|key| last_used(store, key).is_some_and(|time| time < midnight.timestamp()));
    Ok(keys)
}

/// When a conversation's last turn was; without one, when its file was written.
fn last_used(store: &Store, key: &ConversationKey) -> Option<Timestamp> {
    let conversation = store.read(key).ok()?;
    let of_turn = conversation.turns.last().and_then(|turn| turn.time.parse().ok());
    let of_file = || {
        let written = std::fs::metadata(store.path(key)).ok()?.modified().ok()?;
        Timestamp::try_from(written).ok()
    };
    of_turn.or_else(of_file)
}

/// Asks whether these go.
///
/// # Errors
/// Exit 2: there is no terminal to ask on.
fn is_confirmed(what: &str, io: &mut Io) -> Result<bool, Failure> {
    if !io.can_ask() {
        let why = "removing many conversations needs your confirmation, and there is no terminal to ask on";
        return Err(Failure::usage(why).hint("--yes removes them without asking"));
    }
    io.stderr.raw(format!("llm: remove {what} for good? y = yes, anything else = no: ").as_bytes());
    let typed = loop {
        match io.typed() {
            Some(line) => break line,
            None => std::thread::sleep(POLL_INTERVAL),
        }
    };
    Ok(matches!(typed.trim().to_lowercase().as_str(), "y" | "yes" | "是"))
}
