//! `llm providers`: the profiles, what each value of one is and where it came from, and whether they
//! work.

use serde_json::{Value, json};

use super::options::RunOptions;
use crate::cli::{ProvidersAction, ProvidersArgs};
use crate::config::field::FieldRow;
use crate::config::origin::Origin;
use crate::config::profile::Profile;
use crate::config::rule::Rule;
use crate::config::{self, Config};
use crate::error::Failure;
use crate::http::request::shown_address;
use crate::io::Io;
use crate::output::sink::to_stdout;
use crate::provider::{KEY, profile_for};
use crate::sanitize;
use crate::secret::{self, MASK, masked_json};

mod check;

/// Runs the command.
///
/// # Errors
/// A profile file that is wrong, an unknown name, a service that fails its check.
pub(crate) fn run(args: &ProvidersArgs, options: &RunOptions, io: &mut Io) -> anyhow::Result<()> {
    let config = config::load(options.config.as_deref(), io)?;
    let text = match &args.action {
        None | Some(ProvidersAction::List) if options.json => list_json(&config, io),
        None | Some(ProvidersAction::List) => list(&config, io),
        Some(ProvidersAction::Check { names }) => {
            names.iter().try_for_each(|name| known(name, &config))?;
            return check::run(names, options, &config, io);
        }
        Some(ProvidersAction::Show { name }) => {
            if let Some(name) = name {
                known(name, &config)?;
            }
            let profile = profile_for(&options.service, name.as_deref(), &config, io)?;
            if options.json { show_json(&profile, io) } else { show(&profile, io) }
        }
    };
    to_stdout(text.as_bytes(), io)?;
    Ok(())
}

/// Fails for an unknown name, before flags and environment are looked at.
fn known(name: &str, config: &Config) -> Result<(), Failure> {
    if config.has(name) {
        return Ok(());
    }
    let failure = Failure::usage(format!("there is no profile {}", secret::named(name)));
    Err(failure.hint(config.hint_for_unknown(name)))
}

/// One profile a line: name, address, and how things stand with its key.
fn list(config: &Config, io: &Io) -> String {
    let rows: Vec<[String; 4]> = profiles(config)
        .map(|profile| {
            let mark = if config.has_own(&profile.name) { "yours" } else { "" };
            let mark = if is_default(&profile, config) { "default" } else { mark };
            let name = sanitize::one_line(&profile.name);
            [name, address(&profile), key_state(&profile, io), mark.to_owned()]
        })
        .collect();
    table(&rows)
}

fn profiles(config: &Config) -> impl Iterator<Item = Profile> {
    config.names().into_iter().filter_map(|name| config.profile(name))
}

fn is_default(profile: &Profile, config: &Config) -> bool {
    config.default().as_deref().is_some_and(|name| config.meant(name) == profile.name)
}

/// The same as one list of objects.
fn list_json(config: &Config, io: &Io) -> String {
    let rows: Vec<Value> = profiles(config)
        .map(|profile| {
            json!({
                "name": profile.name,
                "base_url": profile.base_url.as_deref().map(shown_address),
                "key": key_state(&profile, io),
                "is_default": is_default(&profile, config),
                "is_yours": config.has_own(&profile.name),
            })
        })
        .collect();
    format!("{}\n", Value::Array(rows))
}

fn address(profile: &Profile) -> String {
    match profile.base_url.as_deref() {
        Some("demo:") => "inside llm".to_owned(),
        Some(url) => sanitize::one_line(&shown_address(url)),
        None => "no base_url".to_owned(),
    }
}

/// Whether the key could be found, without looking into commands or files.
fn key_state(profile: &Profile, io: &Io) -> String {
    if profile.api_key.is_set() {
        return "key in the file".to_owned();
    }
    let variables = profile.key_variables();
    if let Some(name) = variables.iter().find(|name| io.env.get(name).is_some()) {
        return format!("key in {name}");
    }
    if profile.api_key_cmd.is_set() {
        return "key from a command".to_owned();
    }
    if profile.api_key_file.is_set() {
        return "key in a file".to_owned();
    }
    match variables.first() {
        Some(name) => format!("no key; set {name}"),
        None => "no key needed".to_owned(),
    }
}

/// Every value of a profile and where it came from.
fn show(profile: &Profile, io: &Io) -> String {
    let mut rows: Vec<[String; 3]> = Vec::new();
    for field in profile.fields() {
        let name = match field.section {
            "" => field.key.clone(),
            section => format!("{section}.{}", field.key),
        };
        rows.push([name, value(&field), field.origin.to_string()]);
    }
    for rule in &profile.rules {
        rows.push([
            "rule".to_owned(),
            sanitize::one_line(&rule.to_string()),
            rule.origin.to_string(),
        ]);
    }
    if profile.api_key.origin().is_none_or(|origin| *origin == Origin::BuiltIn) {
        rows.push(["key".to_owned(), key_state(profile, io), String::new()]);
    }
    format!("{}\n{}", sanitize::one_line(&profile.name), table(&rows))
}

/// The same as one object: fields with value and origin, in their order, and rules.
fn show_json(profile: &Profile, io: &Io) -> String {
    let field = |row: FieldRow| {
        json!({
            "section": row.section,
            "field": row.key,
            "value": value_shown(&row),
            "origin": row.origin.to_string(),
        })
    };
    let rule = |rule: &Rule| json!({"rule": rule.to_string(), "origin": rule.origin.to_string()});
    let shown = json!({
        "name": profile.name,
        "fields": profile.fields().into_iter().map(field).collect::<Vec<_>>(),
        "rules": profile.rules.iter().map(rule).collect::<Vec<_>>(),
        "key": key_state(profile, io),
    });
    format!("{shown}\n")
}

/// A field's value as it may be shown, in one line.
fn value(field: &FieldRow) -> String {
    let value = value_shown(field);
    sanitize::one_line(&value.as_str().map_or_else(|| value.to_string(), str::to_owned))
}

/// A field's value without what is a secret in it.
fn value_shown(field: &FieldRow) -> Value {
    let text = match &field.value {
        Value::String(text) => text,
        // Names of variables may begin as keys do.
        Value::Array(items) if field.section.is_empty() => {
            return items.iter().map(|item| item.as_str().map_or(item.clone(), plain)).collect();
        }
        other => return masked_json(other),
    };
    let is_secret = match field.section {
        "" => field.key == "api_key",
        "headers" | "models_headers" => text != KEY && secret::is_secret(&field.key, text),
        "options" | "embed" | "image" | "transcribe" | "speak" => {
            secret::is_secret_field(&field.key, text)
        }
        _ => false,
    };
    match is_secret {
        true => MASK.into(),
        false if text.contains("://") => shown_address(text).into(),
        false => plain(text),
    }
}

/// A text without those of its words that look like keys, as in `echo sk-…`.
fn plain(text: &str) -> Value {
    let word = |word| if secret::looks_like_a_key(word) { MASK } else { word };
    text.split(' ').map(word).collect::<Vec<_>>().join(" ").into()
}

/// Rows in columns as wide as their widest cell, the last one ragged.
fn table<const N: usize>(rows: &[[String; N]]) -> String {
    let width = |column: usize| {
        rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0).min(60)
    };
    let widths: Vec<usize> = (0..N).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            line.push_str(&format!("{cell:<width$}  "));
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}
