//! What is asked for a row: texts with columns, filled in. Asks nothing and reads no files.

use std::borrow::Cow;
use std::path::PathBuf;

use serde_json::{Map, Value};

use crate::config::prompt::Prompt;
use crate::error::Failure;
use crate::input::rows::{LINE_COLUMN, Row};
use crate::input::{PromptTemplate, TemplatePiece};
use crate::provider::limit_in;

use super::ready::ReadyRequests;
use super::source::NumberedRow;

/// What the user wrote of a question, with columns in it.
#[derive(Debug, Clone, Default)]
pub(super) struct TemplateSources<'a> {
    /// The words of the prompt, joined; empty for none.
    pub(super) words: String,
    /// The prompt of the profile file that stands around them.
    pub(super) prompt: Option<&'a Prompt>,
    /// Instructions, in place of those of the prompt.
    pub(super) system: Option<&'a str>,
    pub(super) vars: &'a [(String, String)],
    /// Paths of what goes along with each row.
    pub(super) attachments: &'a [PathBuf],
    /// Further names of columns, which the first row lacks.
    pub(super) columns: &'a [String],
}

/// A text with columns.
#[derive(Debug, Clone, Default, PartialEq)]
struct RowText(Vec<RowPiece>);

#[derive(Debug, Clone, PartialEq)]
enum RowPiece {
    Text(String),
    Column {
        name: String,
        /// What stands for it in a row without it.
        default: Option<String>,
    },
}

/// What is asked for each row.
#[derive(Debug, Clone)]
pub(super) struct RowTemplate {
    text: RowText,
    system: Option<RowText>,
    attachments: Vec<RowText>,
    /// The rows are requests already.
    ready: Option<ReadyRequests>,
}

/// A template filled in for one row.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct RowQuestion {
    pub(super) text: String,
    pub(super) system: Option<String>,
    pub(super) attachments: Vec<PathBuf>,
    /// The whole request, in place of all that.
    pub(super) body: Option<Map<String, Value>>,
}

impl RowQuestion {
    /// Whether the row's own request limits the length of its answer.
    pub(super) fn limits_length(&self) -> bool {
        self.body.as_ref().is_some_and(|body| limit_in(body).is_some())
    }
}

impl RowTemplate {
    /// The template of `sources`. `first` is a row: what stands in double braces and is no usual name is
    /// a column where this row has one of that name.
    ///
    /// # Errors
    /// Exit 2: nothing is asked, or the same of every row; a `--var` that nothing takes.
    pub(super) fn new(sources: &TemplateSources<'_>, first: &NumberedRow) -> Result<Self, Failure> {
        let is_column = |name: &str| {
            first.row.get(name).is_some() || sources.columns.iter().any(|it| it == name)
        };
        let parse = |text| PromptTemplate::parse_with(text, is_column);
        let words = Some(&*sources.words).filter(|words| !words.trim().is_empty()).map(parse);
        let frame = sources.prompt.and_then(|prompt| prompt.prompt.as_deref()).map(parse);
        let system = sources.system.or_else(|| sources.prompt?.system.as_deref()).map(parse);
        let paths: Vec<_> = sources.attachments.iter().map(|path| path.to_string_lossy()).collect();
        let paths: Vec<_> = paths.iter().map(|path| parse(path)).collect();
        let templates = || words.iter().chain(&frame).chain(&system).chain(&paths);
        sources.check_variables(templates().flat_map(PromptTemplate::names).collect())?;
        let compiled = |template: &PromptTemplate<'_>| RowText::new(template, sources, None);
        // A frame's `{{input}}` is what the user gives, which may be the line itself.
        let names_column = templates().any(|template| compiled(template).has_columns());
        let line = RowText(vec![RowPiece::Column { name: LINE_COLUMN.to_owned(), default: None }]);
        let is_line = first.row.has(LINE_COLUMN);
        let is_framed = frame.as_ref().is_some_and(PromptTemplate::takes_input);
        let own_names = frame.as_ref().is_some_and(|frame| has_own_columns(frame, sources));
        let inner = match &words {
            Some(words) => {
                let others_name =
                    own_names || system.iter().chain(&paths).any(|one| compiled(one).has_columns());
                match compiled(words).has_columns() || others_name {
                    true => compiled(words),
                    false if is_line => compiled(words).and(line),
                    false => return Err(same_for_all(first)),
                }
            }
            None if is_framed || (is_line && !own_names && frame.is_some()) => line,
            None if frame.is_some() && names_column => RowText::default(),
            None if frame.is_some() => return Err(same_for_all(first)),
            None if is_line => line,
            None => return Err(no_prompt(first)),
        };
        let text = match &frame {
            None => inner,
            Some(frame) if is_framed => RowText::new(frame, sources, Some(&inner)),
            Some(frame) => compiled(frame).and(inner),
        };
        let attachments = paths.iter().map(compiled).collect();
        Ok(Self { text, system: system.as_ref().map(compiled), attachments, ready: None })
    }

    /// For rows that are requests already.
    pub(super) fn of_requests(ready: ReadyRequests) -> Self {
        let (text, attachments) = (RowText::default(), Vec::new());
        Self { text, system: None, attachments, ready: Some(ready) }
    }

    /// Whether the model gets instructions.
    pub(super) fn has_system(&self) -> bool {
        self.system.is_some()
    }

    /// Everything that is asked, apart from the rows, for a fingerprint.
    pub(super) fn properties(&self) -> String {
        if let Some(ready) = &self.ready {
            return ready.properties();
        }
        format!("{:?}", (&self.text, &self.system, &self.attachments))
    }

    /// The question for a row.
    ///
    /// # Errors
    /// Exit 2: the row lacks a column.
    pub(super) fn fill(&self, row: &NumberedRow) -> Result<RowQuestion, Failure> {
        if let Some(ready) = &self.ready {
            return Ok(RowQuestion { body: Some(ready.body(row)?), ..RowQuestion::default() });
        }
        let lacks = |column: &str| {
            Failure::usage(format!("{} has no column `{column}`", row.place()))
                .hint(format!("it has {}", row.row.columns().join(", ")))
        };
        let fill = |text: &RowText| text.fill(&row.row).map_err(lacks);
        let paths = self.attachments.iter().map(|path| fill(path).map(PathBuf::from));
        Ok(RowQuestion {
            text: fill(&self.text)?,
            system: self.system.as_ref().map(fill).transpose()?,
            attachments: paths.collect::<Result<_, _>>()?,
            body: None,
        })
    }
}

/// Whether a text around the input names columns beside that input.
fn has_own_columns(frame: &PromptTemplate<'_>, sources: &TemplateSources<'_>) -> bool {
    RowText::new(frame, sources, Some(&RowText::default())).has_columns()
}

fn same_for_all(first: &NumberedRow) -> Failure {
    let columns: Vec<String> =
        first.row.columns().iter().map(|name| format!("{{{{{name}}}}}")).collect();
    Failure::usage("the prompt names no column of the rows: it would be the same for all of them")
        .hint(format!("their columns: {}", columns.join(", ")))
}

fn no_prompt(first: &NumberedRow) -> Failure {
    let name = first.row.columns().into_iter().next().unwrap_or_else(|| "column".to_owned());
    Failure::usage("there is no prompt")
        .hint(format!("say what is asked of each row: llm batch … \"translate: {{{{{name}}}}}\""))
}

impl TemplateSources<'_> {
    /// Everything that may name columns.
    pub(super) fn texts(&self) -> Vec<Cow<'_, str>> {
        let prompt = self.prompt.map(|prompt| (&prompt.prompt, &prompt.system));
        let (frame, own) = prompt.unwrap_or((&None, &None));
        let texts = [Some(&*self.words), frame.as_deref(), self.system.or(own.as_deref())];
        let paths = self.attachments.iter().map(|path| path.to_string_lossy());
        texts.into_iter().flatten().map(Cow::Borrowed).chain(paths).collect()
    }

    /// The value that the user typed for a variable.
    fn typed(&self, name: &str) -> Option<&str> {
        let given = self.vars.iter().rev().find(|(var, _)| var == name);
        given.map(|(_, value)| &**value)
    }

    /// Fails for a `--var` that nothing takes.
    fn check_variables(&self, names: Vec<&str>) -> Result<(), Failure> {
        match self.vars.iter().find(|(var, _)| !names.contains(&&**var)) {
            None => Ok(()),
            Some((var, _)) => {
                Err(Failure::usage(format!("nothing in the prompt is called `{{{{{var}}}}}`")))
            }
        }
    }
}

impl RowText {
    /// A template with what the user typed for its variables. `input` stands for `{{input}}`, which is else
    /// the column of that name.
    fn new(
        template: &PromptTemplate<'_>,
        sources: &TemplateSources<'_>,
        input: Option<&Self>,
    ) -> Self {
        let mut text = Self::default();
        for piece in template.pieces() {
            match (*piece, input) {
                (TemplatePiece::Text(piece), _) => text.push_text(piece),
                (TemplatePiece::Variable(LINE_COLUMN), Some(input)) => {
                    input.0.iter().for_each(|piece| text.push(piece.clone()));
                }
                (TemplatePiece::Variable(name), _) => match sources.typed(name) {
                    Some(value) => text.push_text(value),
                    None => {
                        let default = sources.prompt.and_then(|prompt| prompt.vars.get(name));
                        let default = default.map(|default| default.value.clone());
                        text.push(RowPiece::Column { name: name.to_owned(), default });
                    }
                },
            }
        }
        text
    }

    fn push(&mut self, piece: RowPiece) {
        match piece {
            RowPiece::Text(text) => self.push_text(&text),
            column => self.0.push(column),
        }
    }

    fn push_text(&mut self, more: &str) {
        match self.0.last_mut() {
            Some(RowPiece::Text(text)) => text.push_str(more),
            _ if more.is_empty() => {}
            _ => self.0.push(RowPiece::Text(more.to_owned())),
        }
    }

    /// This text, a blank line, and another one; alone where the other is empty.
    fn and(mut self, other: Self) -> Self {
        if other.0.is_empty() {
            return self;
        }
        match self.0.last() {
            None => return other,
            Some(RowPiece::Text(text)) if text.ends_with('\n') => self.push_text("\n"),
            Some(_) => self.push_text("\n\n"),
        }
        other.0.into_iter().for_each(|piece| self.push(piece));
        self
    }

    fn has_columns(&self) -> bool {
        self.0.iter().any(|piece| matches!(piece, RowPiece::Column { .. }))
    }

    /// The text for a row.
    ///
    /// # Errors
    /// The column that the row lacks.
    fn fill(&self, row: &Row) -> Result<String, &str> {
        let mut text = String::new();
        for piece in &self.0 {
            match piece {
                RowPiece::Text(piece) => text.push_str(piece),
                RowPiece::Column { name, default } => match (row.text(name), default) {
                    (Some(value), _) => text.push_str(&value),
                    (None, Some(default)) => text.push_str(default),
                    (None, None) => return Err(name),
                },
            }
        }
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::source::of_row;
    use super::*;

    fn object(row: serde_json::Value) -> NumberedRow {
        match row {
            serde_json::Value::Object(object) => of_row(Row::Object(object.into())),
            other => of_row(Row::Line(other.as_str().unwrap_or_default().to_owned())),
        }
    }

    fn asked(sources: &TemplateSources<'_>, row: serde_json::Value) -> Result<RowQuestion, String> {
        let row = object(row);
        let template = RowTemplate::new(sources, &row).map_err(|failure| failure.message)?;
        template.fill(&row).map_err(|failure| failure.message)
    }

    fn text(words: &str, prompt: Option<&str>, row: serde_json::Value) -> Result<String, String> {
        let prompt =
            prompt.map(|prompt| Prompt { prompt: Some(prompt.to_owned()), ..Prompt::default() });
        let words = words.to_owned();
        let sources =
            TemplateSources { words, prompt: prompt.as_ref(), ..TemplateSources::default() };
        asked(&sources, row).map(|question| question.text)
    }

    #[test]
    fn columns_are_filled_in() {
        for (words, prompt, row, expected) in [
            ("译成英文", None, json!("你好"), "译成英文\n\n你好"),
            ("", None, json!("你好"), "你好"),
            ("译：{{input}}。", None, json!("{{x}}"), "译：{{x}}。"),
            (
                "{{a}} {{ b.c }} {{First Name}}",
                None,
                json!({"a": 1, "b.c": "x", "First Name": "y"}),
                "1 x y",
            ),
            (
                "{{b.c}}|{{ {\"x\": 1}}}|{{}}",
                None,
                json!({"b": {"c": ["d"]}}),
                "[\"d\"]|{{ {\"x\": 1}}}|{{}}",
            ),
            ("", Some("译成英文："), json!("你好"), "译成英文：\n\n你好"),
            ("", Some("译：{{input}}。"), json!("你好"), "译：你好。"),
            ("说{{a}}", Some("答：{{input}}。"), json!({"a": "b"}), "答：说b。"),
            ("简短", Some("问：{{a}}"), json!({"a": "b"}), "问：b\n\n简短"),
            ("", Some("问：{{a}}"), json!({"a": "b"}), "问：b"),
            ("一", Some("问：{{input}}"), json!("行"), "问：一\n\n行"),
        ] {
            assert_eq!(text(words, prompt, row), Ok(expected.to_owned()), "{words} {prompt:?}");
        }
    }

    #[test]
    fn what_can_not_be_asked_is_told() {
        for (words, prompt, row, expected) in [
            ("同一句", None, json!({"a": 1}), "names no column"),
            ("", None, json!({"a": 1}), "there is no prompt"),
            ("{{b}}", None, json!({"a": 1}), "has no column `b`"),
            ("", Some("{{input}}"), json!({"a": 1}), "has no column `input`"),
        ] {
            let told = text(words, prompt, row).expect_err(words);
            assert!(told.contains(expected), "{told}");
        }
        let vars = [("x".to_owned(), "1".to_owned())];
        let sources =
            TemplateSources { words: "a".to_owned(), vars: &vars, ..TemplateSources::default() };
        assert!(asked(&sources, json!("行")).is_err_and(|told| told.contains("{{x}}")));
    }

    #[test]
    fn a_typed_variable_wins_over_a_column() {
        let vars = [("lang".to_owned(), "法文".to_owned())];
        let attachments = [PathBuf::from("p/{{id}}.png")];
        let sources = TemplateSources {
            words: "译成{{lang}}".to_owned(),
            system: Some("{{id}}号"),
            vars: &vars,
            attachments: &attachments,
            ..TemplateSources::default()
        };
        let question = asked(&sources, json!({"lang": "英文", "id": 7})).expect("is asked");
        let system = Some("7号".to_owned());
        let attachments = vec![PathBuf::from("p/7.png")];
        assert_eq!(
            question,
            RowQuestion { text: "译成法文".to_owned(), system, attachments, body: None }
        );
    }
}
