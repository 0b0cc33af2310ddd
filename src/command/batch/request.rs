//! The request of a row. It is made in full once, with marks in the places of the row's texts; for each row
//! the marks are filled in. A row with files gets a request of its own. What a refusal teaches of the
//! service holds for the rows that follow.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;

use super::template::{RowQuestion, RowTemplate};
use crate::command::chat::{AnswerSchema, Earlier, Question, QuestionOptions, SilentCuts};
use crate::dialect::reader::ChatReader;
use crate::error::Failure;
use crate::exchange::Draft;
use crate::http::request::Body;
use crate::input::{InputItem, PromptInput};
use crate::provider::Provider;

/// Stand for the row's texts. They hold letters for private use, which no text has by chance.
const TEXT_MARK: &str = "\u{f8f1}row text\u{f8f1}";
const SYSTEM_MARK: &str = "\u{f8f1}row instructions\u{f8f1}";

/// Makes the requests of a run.
pub(super) struct RowRequests {
    options: QuestionOptions,
    state: Mutex<RequestState>,
}

struct RequestState {
    /// The question with marks, and what is learnt of the service.
    question: Question,
    made: Arc<MadeRequest>,
}

/// A request with marks in it.
pub(super) struct MadeRequest {
    draft: Draft,
    body: Value,
    places: Vec<MarkedPlace>,
    /// How often it was made before.
    pub(super) generation: u64,
}

/// A text of the body with marks in it.
struct MarkedPlace {
    path: Vec<Step>,
    pieces: Vec<MarkedPiece>,
}

#[derive(Debug, Clone)]
enum Step {
    Member(String),
    Item(usize),
}

#[derive(Debug, PartialEq)]
enum MarkedPiece {
    Fixed(String),
    Text,
    System,
}

impl RowRequests {
    /// Prepares the requests. Gives warnings about what of them is left out.
    ///
    /// # Errors
    /// Exit 2: no model, or a request that has no place for the row.
    pub(super) fn new(
        template: &RowTemplate,
        options: QuestionOptions,
        provider: &Provider,
    ) -> Result<(Self, Vec<String>), Failure> {
        let has_system = template.has_system();
        let marked = RowQuestion {
            text: TEXT_MARK.to_owned(),
            system: has_system.then(|| SYSTEM_MARK.to_owned()),
            ..RowQuestion::default()
        };
        let mut question = asked(&marked, Vec::new(), options.clone(), None, provider)?;
        let warnings = question.first.warnings.clone();
        let made = MadeRequest::new(&mut question, 0, provider)?;
        let state = Mutex::new(RequestState { question, made: Arc::new(made) });
        Ok((Self { options, state }, warnings))
    }

    /// The request with marks, as it is now.
    pub(super) fn made(&self) -> Arc<MadeRequest> {
        Arc::clone(&self.state().made)
    }

    /// Makes the request anew for a service that is now at another address: the demo has none before it runs.
    ///
    /// # Errors
    /// As [`RowRequests::new`].
    pub(super) fn remake(&self, provider: &Provider) -> Result<(), Failure> {
        let mut state = self.state();
        let generation = state.made.generation;
        state.made = Arc::new(MadeRequest::new(&mut state.question, generation, provider)?);
        Ok(())
    }

    /// The question of a row that is more than its texts.
    ///
    /// # Errors
    /// Exit 2: an attachment that the service is known not to take.
    pub(super) fn question(
        &self,
        row: &RowQuestion,
        items: Vec<InputItem>,
        provider: &Provider,
    ) -> Result<Question, Failure> {
        let state = self.state();
        asked(row, items, self.options.clone(), Some(&state.question), provider)
    }

    /// What reads a reply.
    pub(super) fn reader(&self, content_type: &str) -> ChatReader {
        self.state().question.reader(content_type)
    }

    /// The schema that answers must fit.
    pub(super) fn schema(&self) -> Option<&AnswerSchema> {
        self.options.schema.as_ref()
    }

    /// Whether the user limited the length of answers.
    pub(super) fn is_limited(&self) -> bool {
        self.state().question.first.is_limited
    }

    /// The model that is asked.
    pub(super) fn model(&self) -> String {
        self.state().question.first.model.clone()
    }

    /// After a refusal: whether the request is to go out in another form, with warnings if that is new.
    /// `generation` is the one that was refused.
    pub(super) fn changes(
        &self,
        generation: u64,
        failure: &Failure,
        provider: &Provider,
    ) -> Option<Vec<String>> {
        let mut state = self.state();
        if state.made.generation != generation {
            // Another row has learnt it meanwhile.
            return Some(Vec::new());
        }
        let way = state.question.take_way_out(failure, provider)?;
        let made = MadeRequest::new(&mut state.question, generation + 1, provider).ok()?;
        state.made = Arc::new(made);
        let mut warnings = vec![way.warning(&state.question.first.model, provider)];
        warnings.extend(state.question.take_untold());
        Some(warnings)
    }

    /// A failure with a hint where it is about what the question holds.
    pub(super) fn named(&self, failure: Failure, provider: &Provider) -> Failure {
        crate::command::chat::lack_named(failure, &self.state().question, provider)
    }

    /// Takes over what a row's own question learnt.
    pub(super) fn learn(&self, question: &Question, provider: &Provider) {
        let mut state = self.state();
        if state.question.learned == question.learned {
            return;
        }
        let generation = state.made.generation + 1;
        state.question.relearn(&question.learned);
        if let Ok(made) = MadeRequest::new(&mut state.question, generation, provider) {
            state.made = Arc::new(made);
        }
    }

    fn state(&self) -> MutexGuard<'_, RequestState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The question of a row, with what another one learnt.
fn asked(
    row: &RowQuestion,
    items: Vec<InputItem>,
    mut options: QuestionOptions,
    like: Option<&Question>,
    provider: &Provider,
) -> Result<Question, Failure> {
    let mut given = PromptInput { items, ..PromptInput::default() };
    given.put_text(row.text.clone());
    options.system = None;
    let mut earlier = Earlier::default();
    earlier.conversation.instructions.clone_from(&row.system);
    earlier.learned = like.map(|question| question.learned.clone()).unwrap_or_default();
    Question::new(given, earlier, options, Vec::new(), provider)
}

impl MadeRequest {
    fn new(question: &mut Question, generation: u64, provider: &Provider) -> Result<Self, Failure> {
        let draft = question.draft(provider, &mut SilentCuts::default());
        let Body::Json(body) = draft.request().body.clone() else {
            return Err(Failure::usage("requests of this service can't be made row by row"));
        };
        let mut places = Vec::new();
        find_marks(&body, &mut Vec::new(), &mut places);
        let has_text = |place: &MarkedPlace| place.pieces.contains(&MarkedPiece::Text);
        if !places.iter().any(has_text) {
            let what = "the request has no place for the row's text: a field of yours replaces it";
            return Err(Failure::usage(what).hint("leave out -O messages=… or the like"));
        }
        let draft = draft.with_body(Body::Empty);
        Ok(Self { draft, body, places, generation })
    }

    /// The request of a row.
    pub(super) fn fill(&self, row: &RowQuestion) -> Draft {
        self.draft.with_body(Body::Json(self.filled(row)))
    }

    /// Address and body, with the marks in it, for a fingerprint.
    pub(super) fn told(&self) -> (String, String) {
        (self.draft.request().url.to_string(), self.body.to_string())
    }

    /// The body for a row.
    pub(super) fn filled(&self, row: &RowQuestion) -> Value {
        if let Some(ready) = &row.body {
            let mut body = ready.clone();
            if let Some(model) = self.body.get("model").filter(|_| !body.contains_key("model")) {
                body.shift_insert(0, "model".to_owned(), model.clone());
            }
            return Value::Object(body);
        }
        let mut body = self.body.clone();
        for place in &self.places {
            let found = place.path.iter().try_fold(&mut body, |value, step| match step {
                Step::Member(name) => value.get_mut(name),
                Step::Item(index) => value.get_mut(index),
            });
            if let Some(found) = found {
                *found = Value::String(place.filled(row));
            }
        }
        body
    }
}

impl MarkedPlace {
    fn filled(&self, row: &RowQuestion) -> String {
        let mut text = String::new();
        for piece in &self.pieces {
            text.push_str(match piece {
                MarkedPiece::Fixed(fixed) => fixed,
                MarkedPiece::Text => &row.text,
                MarkedPiece::System => row.system.as_deref().unwrap_or_default(),
            });
        }
        text
    }
}

/// Finds the texts that have marks in them.
fn find_marks(value: &Value, path: &mut Vec<Step>, found: &mut Vec<MarkedPlace>) {
    match value {
        Value::String(text) => {
            let pieces = pieces(text);
            if pieces.iter().any(|piece| !matches!(piece, MarkedPiece::Fixed(_))) {
                found.push(MarkedPlace { path: path.clone(), pieces });
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                path.push(Step::Item(index));
                find_marks(item, path, found);
                path.pop();
            }
        }
        Value::Object(members) => {
            for (name, member) in members {
                path.push(Step::Member(name.clone()));
                find_marks(member, path, found);
                path.pop();
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn pieces(mut text: &str) -> Vec<MarkedPiece> {
    let mut pieces = Vec::new();
    let marks = [(TEXT_MARK, false), (SYSTEM_MARK, true)];
    while let Some((at, mark, is_system)) = marks
        .iter()
        .filter_map(|(mark, is_system)| Some((text.find(mark)?, *mark, *is_system)))
        .min_by_key(|(at, ..)| *at)
    {
        if at > 0 {
            pieces.push(MarkedPiece::Fixed(text[..at].to_owned()));
        }
        pieces.push(if is_system { MarkedPiece::System } else { MarkedPiece::Text });
        text = &text[at + mark.len()..];
    }
    if !text.is_empty() {
        pieces.push(MarkedPiece::Fixed(text.to_owned()));
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn marks_are_found_wherever_they_stand() {
        let text = format!("{SYSTEM_MARK}\n\n{TEXT_MARK}.");
        let body = json!({"a": [{"b": text}], "c": "x", "d": TEXT_MARK});
        let mut places = Vec::new();
        find_marks(&body, &mut Vec::new(), &mut places);
        let row = RowQuestion {
            text: format!("t{SYSTEM_MARK}"),
            system: Some("s".into()),
            ..RowQuestion::default()
        };
        let filled: Vec<String> = places.iter().map(|place| place.filled(&row)).collect();
        assert_eq!(filled, [format!("s\n\nt{SYSTEM_MARK}."), format!("t{SYSTEM_MARK}")]);
    }
}
