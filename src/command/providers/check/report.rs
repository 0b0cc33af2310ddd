//! What a check found, as a table for people and as JSON for scripts. Sends nothing.

use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::error::{Failure, FailureKind};
use crate::sanitize;

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CheckState {
    /// It works.
    Works,
    /// It does not, and so neither does the service.
    Fails,
    /// It is not there, which is not a failure of the service.
    Absent,
    /// It was not checked, or there is nothing to check.
    Open,
}

impl CheckState {
    fn mark(self) -> &'static str {
        match self {
            CheckState::Works => "✓",
            CheckState::Fails | CheckState::Absent => "✗",
            CheckState::Open => "–",
        }
    }

    fn name(self) -> &'static str {
        match self {
            CheckState::Works => "works",
            CheckState::Fails => "fails",
            CheckState::Absent => "absent",
            CheckState::Open => "unchecked",
        }
    }
}

/// One thing that was looked at.
#[derive(Debug, Clone)]
pub(super) struct CheckResult {
    /// `host`, `key`, `model`, `chat`, `stream`, or a job's name.
    pub(super) name: &'static str,
    pub(super) state: CheckState,
    /// Why, if it does not simply work.
    pub(super) words: String,
    pub(super) hint: Option<String>,
    /// From the request to the end of its reply.
    pub(super) latency: Option<Duration>,
    /// From the request to the first piece of text.
    pub(super) first: Option<Duration>,
}

impl CheckResult {
    /// A check with this outcome.
    pub(super) fn new(name: &'static str, state: CheckState, words: impl Into<String>) -> Self {
        let words = words.into();
        Self { name, state, words, hint: None, latency: None, first: None }
    }

    /// A check that failed in this way.
    pub(super) fn failed(name: &'static str, failure: &Failure) -> Self {
        let check = Self::new(name, CheckState::Fails, failure.message.clone());
        Self { hint: failure.hint.clone(), ..check }
    }
}

/// All that was found out about one service.
#[derive(Debug, Clone)]
pub(super) struct ServiceReport {
    pub(super) name: String,
    /// Without secrets.
    pub(super) base_url: String,
    pub(super) model: Option<String>,
    pub(super) checks: Vec<CheckResult>,
    /// The class of the first failure; `None` if the service works.
    pub(super) failed: Option<FailureKind>,
    /// What works still, but not for long.
    pub(super) warnings: Box<[String]>,
}

/// A server on this machine that was found running.
#[derive(Debug, Clone)]
pub(super) struct LocalServer {
    /// The profile that it is taken for, then others at the same address.
    pub(super) names: Vec<String>,
    pub(super) base_url: String,
    pub(super) models: Vec<String>,
    /// A command that uses it, or what is missing.
    pub(super) usage: String,
}

/// The checks with a column of their own.
const COLUMNS: [&str; 5] = ["host", "key", "model", "chat", "stream"];

impl ServiceReport {
    fn check(&self, name: &str) -> Option<&CheckResult> {
        self.checks.iter().find(|check| check.name == name)
    }

    fn row(&self) -> Vec<String> {
        let mark = if self.failed.is_none() { CheckState::Works } else { CheckState::Fails }.mark();
        let mut row = vec![mark.to_owned(), sanitize::one_line(&self.name)];
        let state =
            |name: &str| self.check(name).map_or(CheckState::Open, |check| check.state).mark();
        row.extend(COLUMNS.iter().map(|name| state(name).to_owned()));
        let chat = self.check("chat").or_else(|| self.check("host"));
        row.push(time(chat.and_then(|check| check.latency)));
        row.push(time(self.check("stream").and_then(|check| check.first)));
        let others = self.checks.iter().filter(|check| !COLUMNS.contains(&check.name));
        let others: Vec<String> =
            others.map(|check| format!("{} {}", check.name, check.state.mark())).collect();
        row.push(others.join("  "));
        row
    }

    fn json(&self) -> Value {
        let checks: Vec<Value> = self.checks.iter().map(CheckResult::json).collect();
        json!({
            "name": self.name, "base_url": self.base_url, "model": self.model,
            "ok": self.failed.is_none(), "exit_code": self.failed.map_or(0, FailureKind::exit_code),
            "checks": checks, "warnings": self.warnings,
        })
    }
}

impl CheckResult {
    fn json(&self) -> Value {
        let mut object = Map::new();
        object.insert("name".into(), self.name.into());
        object.insert("state".into(), self.state.name().into());
        let mut set = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                object.insert(name.to_owned(), value);
            }
        };
        set("reason", (!self.words.is_empty()).then(|| self.words.clone().into()));
        set("hint", self.hint.clone().map(Value::from));
        set("latency_ms", self.latency.map(milliseconds));
        set("first_token_ms", self.first.map(milliseconds));
        Value::Object(object)
    }
}

fn milliseconds(time: Duration) -> Value {
    let millis = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    millis.into()
}

/// `20 ms`, `1.4 s`, or a dash.
fn time(time: Option<Duration>) -> String {
    match time {
        None => "–".to_owned(),
        Some(time) if time < Duration::from_secs(1) => format!("{} ms", time.as_millis()),
        Some(time) => format!("{:.1} s", time.as_secs_f64()),
    }
}

/// One JSON document with everything.
pub(super) fn json(reports: &[ServiceReport], locals: &[LocalServer]) -> String {
    let local = |local: &LocalServer| {
        json!({
            "profiles": local.names, "base_url": local.base_url, "models": local.models,
            "use": local.usage,
        })
    };
    let document = json!({
        "ok": reports.iter().all(|report| report.failed.is_none()),
        "providers": reports.iter().map(ServiceReport::json).collect::<Vec<_>>(),
        "local": locals.iter().map(local).collect::<Vec<_>>(),
    });
    format!("{document:#}\n")
}

/// A row for each service, below it the reasons for what does not work; then the local servers.
pub(super) fn table(
    reports: &[ServiceReport],
    locals: &[LocalServer],
    is_coloured: bool,
) -> String {
    let mut text = String::new();
    if !reports.is_empty() {
        let head = ["", "service", "host", "key", "model", "chat", "stream", "answer"];
        let head = head.into_iter().chain(["first token", "other jobs"]);
        let mut rows = vec![head.map(str::to_owned).collect::<Vec<String>>()];
        rows.extend(reports.iter().map(ServiceReport::row));
        let lines = columns(&rows);
        text.push_str(&lines[0]);
        for (line, report) in lines[1..].iter().zip(reports) {
            text.push_str(line);
            text.push_str(&reasons(report));
        }
    }
    for local in locals {
        let names = local.names.iter().map(|name| sanitize::one_line(name)).collect::<Vec<_>>();
        let (first, others) = names.split_first().map_or(("", &[][..]), |(a, b)| (a, b));
        let or =
            if others.is_empty() { String::new() } else { format!(" (or {})", others.join(", ")) };
        let blank = if text.is_empty() { "" } else { "\n" };
        let (url, usage) = (&local.base_url, sanitize::one_line(&local.usage));
        text.push_str(&format!("{blank}{first}{or} runs at {url}\n    {usage}\n"));
    }
    if is_coloured { coloured(&text) } else { text }
}

/// Why things are not as they should be, a line each. What is open because of another failure needs
/// no words of its own.
fn reasons(report: &ServiceReport) -> String {
    let mut text = String::new();
    let is_told = |check: &&CheckResult| {
        !check.words.is_empty() && (check.state != CheckState::Open || report.failed.is_none())
    };
    for check in report.checks.iter().filter(is_told) {
        let (name, words) = (check.name, sanitize::one_line(&check.words));
        text.push_str(&format!("   {} {name}: {words}\n", check.state.mark()));
        if let Some(hint) = &check.hint {
            text.push_str(&format!("     hint: {}\n", sanitize::one_line(hint)));
        }
    }
    text
}

/// Rows in columns as wide as their widest cell, each with its line end.
fn columns(rows: &[Vec<String>]) -> Vec<String> {
    let cells = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max()
    };
    let widths: Vec<usize> = (0..cells).map(|column| width(column).unwrap_or(0)).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}  "));
        format!("{}\n", cells.collect::<String>().trim_end())
    };
    rows.iter().map(line).collect()
}

fn coloured(text: &str) -> String {
    text.replace('✓', "\u{1b}[32m✓\u{1b}[0m").replace('✗', "\u{1b}[31m✗\u{1b}[0m")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> ServiceReport {
        let chat = CheckResult::failed("chat", &Failure::usage("通义 is not there").hint("look"));
        let host = CheckResult {
            latency: Some(Duration::from_millis(1420)),
            ..CheckResult::new("host", CheckState::Works, "")
        };
        ServiceReport {
            name: "通义".into(),
            base_url: "http://h.example/v1".into(),
            model: None,
            checks: vec![
                host,
                chat,
                CheckResult::new("stream", CheckState::Open, "chat failed"),
                CheckResult::new("embed", CheckState::Absent, "404"),
            ],
            failed: Some(FailureKind::Refused),
            warnings: Box::default(),
        }
    }

    #[test]
    fn a_failure_stands_below_its_row() {
        let text = table(&[report()], &[], false);
        let lines: Vec<&str> = text.lines().collect();
        let cells: Vec<&str> = lines[1].split_whitespace().collect();
        assert_eq!(cells, ["✗", "通义", "✓", "–", "–", "✗", "–", "–", "–", "embed", "✗"]);
        let below = ["   ✗ chat: 通义 is not there", "     hint: look", "   ✗ embed: 404"];
        assert_eq!(lines[2..], below);
        assert!(table(&[report()], &[], true).contains("\u{1b}[31m✗\u{1b}[0m"));
    }

    #[test]
    fn times_are_short() {
        assert_eq!(time(Some(Duration::from_millis(20))), "20 ms");
        assert_eq!(time(Some(Duration::from_millis(1420))), "1.4 s");
        assert_eq!(time(None), "–");
    }

    #[test]
    fn the_document_holds_every_check() {
        let value: Value = serde_json::from_str(&json(&[report()], &[])).expect("it is JSON");
        let provider = &value["providers"][0];
        assert_eq!((&value["ok"], &provider["exit_code"]), (&json!(false), &json!(4)));
        let host = json!({"name": "host", "state": "works", "latency_ms": 1420});
        assert_eq!(provider["checks"][0], host);
        assert_eq!(provider["checks"][1]["hint"], "look");
    }
}
