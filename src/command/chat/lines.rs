//! The line editor of a conversation: when an input is whole. Knows nothing of what is asked.

use std::cell::RefCell;

use rustyline::completion::Completer;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::MemHistory;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{Editor, Helper};

use super::slash;

/// So many inputs are kept for the arrow keys.
pub(super) const INPUTS: usize = 1000;

/// A line editor that has no inputs yet.
///
/// # Errors
/// A terminal that can't be used.
pub(super) fn editor() -> rustyline::Result<Editor<Lines, MemHistory>> {
    let config = rustyline::Config::builder().max_history_size(INPUTS)?.build();
    let inputs = MemHistory::with_config(&config);
    let mut editor = Editor::with_history(config, inputs)?;
    editor.set_helper(Some(Lines::default()));
    Ok(editor)
}

/// Tells the line editor when an input is whole.
#[derive(Default)]
pub(super) struct Lines {
    /// The inputs that went on in a next line.
    pub(super) ends: RefCell<Vec<String>>,
}

impl Validator for Lines {
    fn validate(&self, context: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        Ok(match slash::goes_on(context.input()) {
            true => {
                self.ends.borrow_mut().push(context.input().to_owned());
                ValidationResult::Incomplete
            }
            false => ValidationResult::Valid(None),
        })
    }
}

impl Completer for Lines {
    type Candidate = String;
}

impl Hinter for Lines {
    type Hint = String;
}

impl Highlighter for Lines {}

impl Helper for Lines {}
