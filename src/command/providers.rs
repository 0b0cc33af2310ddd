//! `llm providers`: the profiles, what each value of one is and where it came from, and whether they
//! work.

use super::options::RunOptions;
use crate::cli::{ProvidersAction, ProvidersArgs};
use crate::config::field::FieldRow;
use crate::config::origin::Origin;
use crate::config::profile::Profile;
use crate::config::schema::nearest;
use crate::config::{self, Config};
use crate::error::Failure;
use crate::http::request::{Url, shown};
use crate::io::Io;
use crate::output::sink::to_stdout;
use crate::provider::{KEY, profile_for};
use crate::sanitize;
use crate::secret::is_secret_name;

mod check;

/// Runs the command.
///
/// # Errors
/// A profile file that is wrong, an unknown name, a service that fails its check.
pub(crate) fn run(args: &ProvidersArgs, options: &RunOptions, io: &mut Io) -> anyhow::Result<()> {
    let config = config::load(options.config.as_deref(), io)?;
    let text = match &args.action {
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
            show(&profile, io)
        }
    };
    to_stdout(text.as_bytes(), io)?;
    Ok(())
}

/// Fails for an unknown name, before flags and environment are looked at.
fn known(name: &str, config: &Config) -> Result<(), Failure> {
    let names = config.names();
    if names.contains(&name) {
        return Ok(());
    }
    let near = nearest(name, names.iter().copied()).map(|near| format!("did you mean `{near}`? "));
    Err(Failure::usage(format!("there is no profile `{name}`")).hint(format!(
        "{}known profiles: {}",
        near.unwrap_or_default(),
        names.join(", ")
    )))
}

/// One profile a line: name, address, and how things stand with its key.
fn list(config: &Config, io: &Io) -> String {
    let default = config.default().as_deref();
    let users = config.user_names();
    let rows: Vec<[String; 4]> = config
        .names()
        .into_iter()
        .filter_map(|name| config.profile(name))
        .map(|profile| {
            let is_default = default == Some(&profile.name);
            let mark = if users.contains(&profile.name.as_str()) { "yours" } else { "" };
            let mark = if is_default { "default" } else { mark };
            let name = sanitize::one_line(&profile.name);
            [name, address(&profile), key_state(&profile, io), mark.to_owned()]
        })
        .collect();
    table(&rows)
}

fn address(profile: &Profile) -> String {
    match profile.base_url.as_deref() {
        Some("demo:") => "inside llm".to_owned(),
        Some(url) => Url::parse(url).map_or_else(|_| url.to_owned(), |url| plain(&url)),
        None => "no base_url".to_owned(),
    }
}

/// A URL as it was written, save for secrets: the parser writes `{resource}` in percents.
fn plain(url: &Url) -> String {
    sanitize::one_line(&shown(url)).replace("%7B", "{").replace("%7D", "}")
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

/// A field's value as it may be shown.
fn value(field: &FieldRow) -> String {
    let is_header =
        ["headers", "models_headers"].contains(&field.section) && field.value.as_str() != Some(KEY);
    if (field.section.is_empty() && field.key == "api_key")
        || (is_header && is_secret_name(&field.key))
    {
        return "***".to_owned();
    }
    let text = field.value.as_str().map_or_else(|| field.value.to_string(), str::to_owned);
    let is_url = field.section.is_empty() && field.key == "base_url";
    match Url::parse(&text) {
        Ok(url) if is_url && text != "demo:" => plain(&url),
        _ => sanitize::one_line(&text),
    }
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
