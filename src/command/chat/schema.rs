//! `--schema`: reads a JSON Schema, and checks an answer against it.

use serde_json::Value;

use crate::error::{Failure, Kind, reason};

/// A schema out of its text, or out of the file of that name.
///
/// # Errors
/// Exit 2: a missing file, no JSON, no schema.
pub(super) fn read(text: &str) -> Result<Value, Failure> {
    let wrong = |why: String| Failure::usage(format!("--schema {why}"));
    let is_json = text.trim_start().starts_with('{');
    let json = if is_json {
        text.to_owned()
    } else {
        std::fs::read_to_string(text).map_err(|error| {
            wrong(format!("names a file that can't be read: {text}: {}", reason(&error)))
        })?
    };
    let schema: Value =
        serde_json::from_str(&json).map_err(|error| wrong(format!("is no JSON: {error}")))?;
    if !schema.is_object() {
        return Err(wrong("must be a JSON object".to_owned()));
    }
    match jsonschema::validator_for(&schema) {
        Ok(_) => Ok(schema),
        Err(error) => Err(wrong(format!("is no JSON Schema: {error}"))),
    }
}

/// Checks an answer against a schema that [`read`] accepted.
///
/// # Errors
/// Exit 4: no JSON, or JSON that does not fit, with the place.
pub(super) fn check(schema: &Value, answer: &str, service: &str) -> Result<(), Failure> {
    let unfit = |why: String| {
        Err(Failure::new(
            Kind::Refused,
            format!("the answer of {service} does not fit the schema: {why}"),
        ))
    };
    let answer: Value = match serde_json::from_str(answer) {
        Ok(answer) => answer,
        Err(error) => return unfit(format!("it is no JSON: {error}")),
    };
    let Ok(validator) = jsonschema::validator_for(schema) else { return Ok(()) };
    match validator.iter_errors(&answer).next() {
        None => Ok(()),
        Some(error) => {
            let place = error.instance_path().to_string();
            let place = if place.is_empty() { String::new() } else { format!(" at {place}") };
            unfit(format!("{error}{place}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schemas_are_read_and_refused() {
        assert!(read(r#"{"type": "object"}"#).is_ok());
        for text in ["{", r#"{"type": "nonsense"}"#, "no-such-file.json"] {
            assert_eq!(read(text).expect_err(text).kind, Kind::Usage);
        }
    }

    #[test]
    fn answers_are_checked() {
        let schema = read(r#"{"type": "object", "properties": {"城市": {"type": "string"}}}"#)
            .expect("a schema");
        assert!(check(&schema, r#"{"城市": "上海"}"#, "x").is_ok());
        let failure = check(&schema, r#"{"城市": 1}"#, "x").expect_err("unfit");
        assert!(failure.message.contains("/城市"), "{}", failure.message);
        assert!(check(&schema, "上海", "x").is_err());
    }
}
