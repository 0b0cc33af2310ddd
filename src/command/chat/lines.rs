//! The line editor of a conversation: its keys, when an input is whole, what TAB completes. Knows nothing about
//! what is asked.

use std::cell::RefCell;

use rustyline::completion::{Completer, Pair};
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::MemHistory;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{
    Cmd, CompletionType, Context, Editor, EventHandler, Helper, KeyCode, KeyEvent, Modifiers,
};

use super::slash;
use super::tab::{self, KnownNames};

/// How many inputs are kept for the arrow keys.
pub(super) const KEPT_INPUTS: usize = 1000;

/// The line editor.
pub(super) type LineEditor = Editor<LineHelper, MemHistory>;

/// A line editor that has no inputs yet.
///
/// # Errors
/// A terminal that can't be used.
pub(super) fn editor() -> rustyline::Result<LineEditor> {
    let config = rustyline::Config::builder()
        .max_history_size(KEPT_INPUTS)?
        .completion_type(CompletionType::List)
        .build();
    let inputs = MemHistory::with_config(&config);
    let mut editor = Editor::with_history(config, inputs)?;
    editor.set_helper(Some(LineHelper::default()));
    // Enter sends; these two make a new line.
    for key in [KeyEvent(KeyCode::Enter, Modifiers::ALT), KeyEvent::ctrl('J')] {
        editor.bind_sequence(key, EventHandler::Simple(Cmd::Newline));
    }
    Ok(editor)
}

/// Tells the line editor when an input is whole, and what it can become.
#[derive(Default)]
pub(super) struct LineHelper {
    /// The inputs that went on in a next line by a `\`.
    pub(super) ends: RefCell<Vec<String>>,
    /// What TAB completes.
    pub(super) known: KnownNames,
}

impl Validator for LineHelper {
    fn validate(&self, context: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        let input = context.input();
        if slash::is_quote_open(input) {
            return Ok(ValidationResult::Incomplete);
        }
        Ok(match slash::goes_on(input) {
            true => {
                self.ends.borrow_mut().push(input.to_owned());
                ValidationResult::Incomplete
            }
            false => ValidationResult::Valid(None),
        })
    }
}

impl Completer for LineHelper {
    type Candidate = Pair;

    fn complete(
        &self,
        line: &str,
        at: usize,
        _: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<Pair>)> {
        let (from, found) = tab::complete(&line[..at], &self.known);
        let pair = |text: String| Pair { display: text.trim_end().to_owned(), replacement: text };
        Ok((from, found.into_iter().map(pair).collect()))
    }
}

impl Hinter for LineHelper {
    type Hint = String;
}

impl Highlighter for LineHelper {}

impl Helper for LineHelper {}
