//! An answer that must fit a schema, while it comes: what of it can be printed, and what is wrong.

use super::schema::AnswerSchema;
use crate::dialect::schema::ItemSplitter;

/// An answer on its way through its schema.
#[derive(Debug)]
pub(in crate::command) struct CheckedAnswer {
    wanted: AnswerSchema,
    /// The answer as it came; nothing once items of it went out.
    text: String,
    splitter: ItemSplitter,
    /// Items so far, those that fit among them.
    items: usize,
    fitting: usize,
    /// What is wrong with the first item that does not fit.
    unfit: Option<String>,
}

impl CheckedAnswer {
    /// Nothing came yet.
    pub(super) fn new(wanted: AnswerSchema) -> Self {
        Self {
            wanted,
            text: String::new(),
            splitter: ItemSplitter::default(),
            items: 0,
            fitting: 0,
            unfit: None,
        }
    }

    /// The same for another answer.
    pub(super) fn again(self) -> Self {
        Self::new(self.wanted)
    }

    /// Takes the next text and gives what can be printed: the items that fit, one a line. Of one
    /// document nothing can be, before it is whole.
    pub(super) fn push(&mut self, text: &str) -> String {
        if self.fitting == 0 {
            self.text.push_str(text);
        }
        let mut lines = String::new();
        if !self.wanted.is_list {
            return lines;
        }
        let (wanted, items, unfit) = (&self.wanted, &mut self.items, &mut self.unfit);
        let fitting = &mut self.fitting;
        self.splitter.push(text, &mut |item| {
            *items += 1;
            match wanted.item(item) {
                Ok(()) => {
                    *fitting += 1;
                    lines.push_str(item);
                    lines.push('\n');
                }
                Err(why) => {
                    unfit.get_or_insert_with(|| format!("item {items}: {why}"));
                }
            }
        });
        if self.fitting > 0 {
            self.text.clear();
        }
        lines
    }

    /// What is wrong with the answer, now that it is over.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub(super) fn verdict(&self) -> Result<(), String> {
        if !self.wanted.is_list {
            return self.wanted.document(&self.text).map(|_| ());
        }
        match &self.unfit {
            Some(why) => Err(why.clone()),
            None if !self.splitter.is_whole() && self.items == 0 => {
                Err("it contains no list".to_owned())
            }
            None if !self.splitter.is_whole() => {
                Err(format!("its list ends inside or after item {}", self.items))
            }
            None => Ok(()),
        }
    }

    /// How many bytes are kept.
    pub(super) fn kept(&self) -> usize {
        self.text.len() + self.splitter.kept()
    }

    /// The answer as it came, if nothing of it went out.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// What is still to be printed: the document, or an answer of which nothing fits as it came.
    pub(super) fn rest(&mut self) -> String {
        let text = std::mem::take(&mut self.text);
        match self.wanted.is_list {
            // An empty list is no misfit, and no item.
            true if self.verdict().is_ok() => String::new(),
            true => text,
            false => self.wanted.document(&text).unwrap_or(text),
        }
    }
}
