//! Asks a program for its definition as a tool: `PROGRAM --describe` prints JSON.

use std::time::Duration;

use serde_json::Value;

use super::definition::{DEFAULT_MOST, DEFAULT_TIMEOUT, Tool, no_parameters};
use super::run::{ToolEnd, ToolInvocation, run};
use crate::error::Failure;
use crate::interrupt::Interrupt;

/// How long a program may take to describe itself.
const DESCRIBE_TIMEOUT: Duration = Duration::from_secs(5);

/// The longest description in bytes.
const MAX_DESCRIPTION: usize = 64 * 1024;

/// The tool that a command describes. It does not see the environment variables `hidden`.
///
/// # Errors
/// Exit 2: the program can't be run, fails, or prints no description. Or the interruption.
pub(crate) async fn describe(
    command: Vec<String>,
    hidden: &[String],
    interrupt: &mut Interrupt,
) -> Result<Tool, Failure> {
    let line = command.join(" ");
    let job = ToolInvocation {
        command: &command,
        extra_argument: Some("--describe"),
        input: b"",
        timeout: DESCRIBE_TIMEOUT,
        max_stdout: MAX_DESCRIPTION,
        hidden_variables: hidden,
    };
    let ran = run(&job, interrupt).await?;
    let wrong = |what: String| {
        Failure::usage(format!("the tool `{line}` {what}")).hint(format!(
            "`{line} --describe` must print {{\"name\": …, \"description\": …, \"parameters\": {{a JSON Schema}}}}"
        ))
    };
    match ran.end {
        ToolEnd::Success if ran.is_cut => {
            Err(wrong(format!("prints more than {} KiB with --describe", MAX_DESCRIPTION >> 10)))
        }
        ToolEnd::Success => parse_description(&ran.stdout, command).map_err(wrong),
        ToolEnd::Failed(status) => {
            let words = ran.stderr.lines().next_back().unwrap_or(&status);
            Err(wrong(format!("fails with --describe: {words}")))
        }
        ToolEnd::TimedOut => Err(wrong(format!(
            "does not finish with --describe within {} s",
            DESCRIBE_TIMEOUT.as_secs()
        ))),
        ToolEnd::NotStarted(why) => {
            Err(Failure::usage(format!("cannot run the tool `{line}`: {why}")))
        }
    }
}

/// Parses a description.
///
/// # Errors
/// What is wrong with it, in words that go on after the program's name.
fn parse_description(bytes: &[u8], command: Vec<String>) -> Result<Tool, String> {
    let value: Value = serde_json::from_slice(bytes)
        .map_err(|error| format!("does not print JSON with --describe: {error}"))?;
    let name = value.get("name").and_then(Value::as_str).unwrap_or_default();
    let fits = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-');
    // Specification, `FunctionObject.name`.
    if !(1..=64).contains(&name.len()) || !name.chars().all(fits) {
        let what = if name.is_empty() { "no `name`" } else { "a `name` that is not allowed" };
        return Err(format!("describes {what} (at most 64 of a-z, A-Z, 0-9, _ and -)"));
    }
    let description = match value.get("description") {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) => Some(text.clone()),
        Some(_) => return Err("describes a `description` that is not a string".to_owned()),
    };
    let parameters = match value.get("parameters") {
        None | Some(Value::Null) => no_parameters(),
        Some(schema @ Value::Object(_)) => schema.clone(),
        Some(_) => return Err("describes `parameters` that are not a JSON Schema".to_owned()),
    };
    let (timeout, most) = (DEFAULT_TIMEOUT, DEFAULT_MOST);
    Ok(Tool { name: name.to_owned(), description, parameters, command, timeout, most })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_is_read_and_refused() {
        let read = |text: &str| parse_description(text.as_bytes(), vec!["x".to_owned()]);
        let tool = read(r#"{"name": "get_weather", "description": "查天气", "more": 1}"#).unwrap();
        assert_eq!(
            (tool.name.as_str(), tool.description.as_deref()),
            ("get_weather", Some("查天气"))
        );
        assert_eq!(tool.parameters, no_parameters());
        for (text, words) in [
            ("", "does not print JSON"),
            ("[]", "no `name`"),
            (r#"{"name": "查 天气"}"#, "that is not allowed"),
            (r#"{"name": "a", "description": 1}"#, "that is not a string"),
            (r#"{"name": "a", "parameters": []}"#, "not a JSON Schema"),
        ] {
            let words_seen = read(text).expect_err(text);
            assert!(words_seen.contains(words), "{words_seen}");
        }
    }
}
