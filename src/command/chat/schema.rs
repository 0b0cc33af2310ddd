//! `--schema` and `--schema-multi`: the schema out of a text or a file, and what fits it.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use serde_json::Value;

use crate::dialect::schema::{list_of, short};
use crate::error::{Failure, reason};
use crate::input;
use crate::io::Io;
use crate::json_schema::Schema;
use crate::output::extract::{BlockChoice, CodeBlockExtractor};

/// How much is said of what does not fit, in characters.
const MAX_WORDS: usize = 300;

/// A schema that answers must fit.
#[derive(Debug, Clone)]
pub(in crate::command) struct AnswerSchema {
    /// What goes out: the schema, or that of a list of what fits it.
    pub(in crate::command) sent: Value,
    /// Many documents are wanted.
    pub(super) is_list: bool,
    schema: Arc<Schema>,
}

impl AnswerSchema {
    /// The schema that a text is or names. `is_list`: answers are lists of what fits it; `flag` names
    /// it in errors.
    ///
    /// # Errors
    /// Exit 2: a missing file, no JSON, no schema.
    pub(in crate::command) fn read(text: &str, flag: &str, is_list: bool) -> Result<Self, Failure> {
        let wrong = |why: String| Failure::usage(format!("{flag} {why}"));
        let sent = schema(text).map_err(wrong)?;
        let schema = Schema::new(sent.clone())
            .map_err(|why| wrong(format!("is not a JSON Schema: {why}")))?;
        let sent = if is_list { list_of(&sent) } else { sent };
        Ok(Self { sent, is_list, schema: Arc::new(schema) })
    }

    /// Warns of a schema that any object fits. `flag` names it.
    pub(in crate::command) fn warn_if_open(&self, flag: &str, io: &Io) {
        if self.schema.constrains_nothing() {
            io.warn(&format!(
                "{flag} constrains nothing, any JSON object fits it; a schema is written as \"name, age int\", \
                 or as {{\"type\":\"object\",\"properties\":{{\"name\":{{\"type\":\"string\"}}}},\"required\":[\"name\"]}}"
            ));
        }
    }

    /// The JSON document in a text, as it stands there: the text itself, or its first code block, as
    /// models wrap what they were asked for.
    ///
    /// # Errors
    /// No JSON, or JSON that does not fit, with the place.
    pub(in crate::command) fn document(&self, text: &str) -> Result<String, String> {
        let no_json = match self.fits(text) {
            Ok(()) => return Ok(text.trim().to_owned()),
            Err(SchemaMisfit::Misfit(why)) => return Err(why),
            Err(SchemaMisfit::NoJson(why)) => why,
        };
        let (mut extractor, mut block) =
            (CodeBlockExtractor::new(BlockChoice::First), String::new());
        extractor.push(text, &mut block);
        extractor.finish(&mut block);
        match self.fits(&block) {
            Ok(()) => Ok(block.trim().to_owned()),
            Err(SchemaMisfit::Misfit(why)) => Err(why),
            Err(SchemaMisfit::NoJson(_)) => Err(no_json),
        }
    }

    /// Checks one item of a list.
    ///
    /// # Errors
    /// As [`AnswerSchema::document`].
    pub(super) fn item(&self, text: &str) -> Result<(), String> {
        self.fits(text).map_err(|(SchemaMisfit::NoJson(why) | SchemaMisfit::Misfit(why))| why)
    }

    fn fits(&self, text: &str) -> Result<(), SchemaMisfit> {
        let value: Value = serde_json::from_str(text)
            .map_err(|error| SchemaMisfit::NoJson(format!("it is not JSON: {error}")))?;
        self.schema
            .check(&value)
            .map_err(|misfit| SchemaMisfit::Misfit(in_a_line(&misfit.to_string())))
    }
}

/// Words that quote names and values of an answer, at most a line of them.
fn in_a_line(words: &str) -> String {
    match words.char_indices().nth(MAX_WORDS) {
        Some((end, _)) => format!("{}…", &words[..end]),
        None => words.to_owned(),
    }
}

enum SchemaMisfit {
    NoJson(String),
    Misfit(String),
}

/// The schema that a text is, or names. JSON begins with a brace; a file is there, or looks like
/// one; anything else is the short form.
fn schema(text: &str) -> Result<Value, String> {
    let looks_like_file =
        text.contains(['/', '\\']) || text.to_ascii_lowercase().trim_end().ends_with(".json");
    let json = if text.trim_start().starts_with('{') {
        text.to_owned()
    } else if !text.contains('\n') && (looks_like_file || Path::new(text).is_file()) {
        file(text)?
    } else {
        return short::schema(text);
    };
    let schema: Value =
        serde_json::from_str(&json).map_err(|error| format!("is not JSON: {error}"))?;
    if schema.is_object() { Ok(schema) } else { Err("must be a JSON object".to_owned()) }
}

/// The text of a file.
fn file(path: &str) -> Result<String, String> {
    let unreadable = |why: String| format!("names a file that can't be read: {path}: {why}");
    let file = File::open(path).map_err(|error| unreadable(reason(&error)))?;
    let bytes = input::read_bounded(file, "it").map_err(|failure| unreadable(failure.message))?;
    let text = String::from_utf8(bytes).map_err(|_| unreadable("it is not UTF-8".to_owned()))?;
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::FailureKind;
    use serde_json::json;

    fn read(text: &str) -> Result<AnswerSchema, Failure> {
        AnswerSchema::read(text, "--schema", false)
    }

    #[test]
    fn schemas_are_read_and_refused() {
        assert_eq!(
            read(r#" {"type": "object"}"#).expect("is read").sent,
            json!({"type": "object"})
        );
        assert_eq!(read("城市").expect("is read").sent["required"], json!(["城市"]));
        for (text, words) in [
            ("{", "--schema is not JSON"),
            (r#"{"type": "nonsense"}"#, "--schema is not a JSON Schema"),
            ("no-such-file.JSON", "no-such-file.JSON: no such file"),
            ("no/such/file", "no/such/file: no such file"),
            ("no such file", "--schema has a field that is not valid"),
            ("Cargo.toml", "--schema is not JSON"),
            ("", "--schema names no field"),
        ] {
            let failure = read(text).expect_err(text);
            assert_eq!(failure.kind, FailureKind::Usage);
            assert!(failure.message.contains(words), "{}", failure.message);
        }
    }

    #[test]
    fn answers_are_checked() {
        let wanted = read(r#"{"type": "object", "properties": {"城市": {"type": "string"}}}"#)
            .expect("a schema");
        let fits = r#"{"城市": "上海"}"#;
        for text in
            [fits.to_owned(), format!("\n{fits}\n"), format!("好：\n```json\n{fits}\n```\n完")]
        {
            assert_eq!(wanted.document(&text), Ok(fits.to_owned()));
        }
        for text in [r#"{"城市": 1}"#, "```\n{\"城市\": 1}\n```"] {
            assert!(wanted.document(text).is_err_and(|why| why.contains("/城市")), "{text}");
        }
        for text in ["上海", "", "```\n上海\n```", "{\"城市\": "] {
            assert!(wanted.document(text).is_err_and(|why| why.contains("not JSON")), "{text}");
        }
    }
}
