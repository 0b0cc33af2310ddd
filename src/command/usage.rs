//! `llm usage`: what the noted runs took, in sums. Goes to no network.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};

use super::options::RunOptions;
use crate::cli::usage::{Since, UsageArgs, UsageBy};
use crate::config;
use crate::error::{Failure, FailureKind, reason};
use crate::io::Io;
use crate::ledger::{ChosenNotes, GroupBy, Ledger, Sum, Sums, rounded};
use crate::output::sink::to_stdout;

mod cells;
mod table;

use cells::{amounts, counts, grouped, seconds};
use table::table;

/// Runs the command.
///
/// # Errors
/// Exit 1: notes that can't be read. Exit 2: no place for them.
pub(crate) fn run(args: &UsageArgs, options: &RunOptions, io: &mut Io) -> anyhow::Result<()> {
    let ledger = Ledger::find(&io.env).ok_or_else(|| {
        Failure::usage("there is no home directory to look for notes in").hint("set HOME")
    })?;
    let path = ledger.path().display().to_string();
    let zone = TimeZone::system();
    let since = args.since.map(|since| moment(since, &zone)).transpose()?;
    let is_all =
        since.is_none() && options.service.provider.is_none() && options.service.model.is_none();
    let provider = options.service.provider.as_deref().map(|name| profile_name(name, options, io));
    let chosen = ChosenNotes { since, provider, model: options.service.model.clone() };
    let sums = Sums::read(ledger.path(), chosen, group_by(args.by), zone).map_err(|error| {
        Failure::new(FailureKind::Other, format!("cannot read {path}: {}", reason(&error)))
    })?;
    if sums.skipped > 0 {
        let (lines, are) = if sums.skipped == 1 {
            ("line", "is no note and is")
        } else {
            ("lines", "are no notes and are")
        };
        io.warn(&format!("{path}: {} {lines} {are} skipped", grouped(sums.skipped)));
    }
    let groups = in_order(&sums, args.by);
    if options.json {
        let text = format!("{:#}\n", document(&sums, &groups, &path));
        to_stdout(text.as_bytes(), io)?;
        return Ok(());
    }
    if io.stdout_is_terminal {
        let (rows, left_out) = table(&sums, &groups, name(args.by), columns_of_terminal());
        to_stdout(rows.as_bytes(), io)?;
        if !left_out.is_empty() {
            let names = left_out.join(", ");
            io.note(&format!("no room for {names}: a wider terminal or --json shows them"));
        }
    } else {
        to_stdout(plain(&sums, &groups, args.by).as_bytes(), io)?;
    }
    match (sums.total.runs, is_all) {
        (0, true) => io.note(&format!("no run is noted yet in {path}")),
        (0, false) => io.note(&format!("no such run is noted in {path}")),
        (runs, _) => {
            let plural = if runs == 1 { "" } else { "s" };
            let uncounted = match sums.total.uncounted {
                0 => String::new(),
                count => format!(", {} of them with nothing counted", grouped(count)),
            };
            io.note(&format!("{} run{plural}{uncounted}, as noted in {path}", grouped(runs)));
        }
    }
    Ok(())
}

fn columns_of_terminal() -> usize {
    terminal_size::terminal_size().map_or(80, |(columns, _)| usize::from(columns.0))
}

/// The name that notes have for a service: that of its profile, where an alias was typed. A profile that is
/// gone, or a server without one, is called as it was then.
fn profile_name(typed: &str, options: &RunOptions, io: &mut Io) -> String {
    let config = config::load(options.config.as_deref(), io).ok().or_else(config::built_in);
    let profile = config.and_then(|config| config.profile(typed));
    profile.map_or_else(|| typed.to_owned(), |profile| profile.name)
}

fn group_by(by: UsageBy) -> GroupBy {
    match by {
        UsageBy::Day => GroupBy::Day,
        UsageBy::Provider => GroupBy::Provider,
        UsageBy::Model => GroupBy::Model,
        UsageBy::Command => GroupBy::Command,
    }
}

/// The moment from which on runs count.
fn moment(since: Since, zone: &TimeZone) -> Result<Timestamp, Failure> {
    let of_time = match since {
        Since::Exact(time) => Ok(time),
        Since::Ago(span) => Timestamp::now().checked_sub(span),
        Since::Local(time) => time.to_zoned(zone.clone()).map(|time| time.timestamp()),
        Since::Day(before) => Timestamp::now()
            .to_zoned(zone.clone())
            .date()
            .checked_sub(jiff::Span::new().days(before))
            .and_then(|day| day.to_zoned(zone.clone()))
            .map(|midnight| midnight.timestamp()),
    };
    of_time.map_err(|error| {
        Failure::usage(format!("--since is no time that a clock can show: {error}"))
    })
}

/// The groups: days one after the other, all else by what took most.
fn in_order(sums: &Sums, by: UsageBy) -> Vec<(&str, &Sum)> {
    let mut groups: Vec<(&str, &Sum)> =
        sums.by.iter().map(|(key, sum)| (key.as_str(), sum)).collect();
    let tokens = |sum: &Sum| {
        let count = Option::unwrap_or_default;
        count(sum.spent.input_tokens).saturating_add(count(sum.spent.output_tokens))
    };
    if by != UsageBy::Day {
        groups.sort_by_key(|(_, sum)| std::cmp::Reverse((tokens(sum), sum.runs)));
    }
    groups
}

/// All as one JSON document. What nobody counted is 0, so that programs need not ask.
fn document(sums: &Sums, groups: &[(&str, &Sum)], path: &str) -> Value {
    let by: Vec<Value> = groups
        .iter()
        .map(|(key, sum)| {
            let mut fields = Map::new();
            fields.insert("key".to_owned(), (*key).into());
            fields.extend(fields_of(sum));
            Value::Object(fields)
        })
        .collect();
    json!({
        "total": fields_of(&sums.total), "by": by, "skipped_lines": sums.skipped, "file": path,
    })
}

fn fields_of(sum: &Sum) -> Map<String, Value> {
    let spent = &sum.spent;
    let mut fields = Map::new();
    for (name, count) in
        [("runs", sum.runs), ("uncounted_runs", sum.uncounted)].into_iter().chain(counts(sum))
    {
        fields.insert(name.to_owned(), count.into());
    }
    fields.insert("seconds".to_owned(), spent.seconds.unwrap_or(0.0).into());
    fields.insert(
        "cost".to_owned(),
        spent
            .cost
            .iter()
            .map(|(name, amount)| (name.clone(), rounded(*amount).into()))
            .collect::<Map<_, Value>>()
            .into(),
    );
    fields
}

/// All columns, with tabs between: the first line has their names, the last one the sums.
fn plain(sums: &Sums, groups: &[(&str, &Sum)], by: UsageBy) -> String {
    let mut head = vec![name(by).to_owned(), "runs".to_owned()];
    head.extend(counts(&sums.total).map(|(name, _)| name.to_owned()));
    head.extend(["seconds".to_owned(), "cost".to_owned()]);
    let row = |(key, sum): (&str, &Sum)| {
        let mut row = vec![key.replace(['\t', '\n', '\r'], " "), sum.runs.to_string()];
        row.extend(counts(sum).map(|(_, count)| count.to_string()));
        row.extend([seconds(sum), amounts(sum).join(", ")]);
        row
    };
    let rows = groups.iter().copied().chain([("total", &sums.total)]).map(row);
    std::iter::once(head).chain(rows).map(|row| row.join("\t") + "\n").collect()
}

fn name(by: UsageBy) -> &'static str {
    match by {
        UsageBy::Day => "day",
        UsageBy::Provider => "provider",
        UsageBy::Model => "model",
        UsageBy::Command => "command",
    }
}
