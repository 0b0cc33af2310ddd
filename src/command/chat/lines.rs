//! The line editor of a conversation: when an input is whole. Knows nothing about what is asked.

use std::cell::RefCell;

use rustyline::completion::Completer;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::MemHistory;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{Editor, Helper};

use super::slash;

/// How many inputs are kept for the arrow keys.
pub(super) const KEPT_INPUTS: usize = 1000;

/// A line editor that has no inputs yet.
///
/// # Errors
/// A terminal that can't be used.
pub(super) fn editor() -> rustyline::Result<Editor<LineHelper, MemHistory>> {
    let config = rustyline::Config::builder().max_history_size(KEPT_INPUTS)?.build();
    let inputs = MemHistory::with_config(&config);
    let mut editor = Editor::with_history(config, inputs)?;
    editor.set_helper(Some(LineHelper::default()));
    Ok(editor)
}

/// Tells the line editor when an input is whole.
#[derive(Default)]
pub(super) struct LineHelper {
    /// The inputs that went on in a next line.
    pub(super) ends: RefCell<Vec<String>>,
}

impl Validator for LineHelper {
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

impl Completer for LineHelper {
    type Candidate = String;
}

impl Hinter for LineHelper {
    type Hint = String;
}

impl Highlighter for LineHelper {}

impl Helper for LineHelper {}
