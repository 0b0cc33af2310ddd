//! The arguments of `llm usage`.

use clap::{Args, ValueEnum};
use jiff::civil::{Date, DateTime};
use jiff::{SignedDuration, Timestamp};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  llm usage                        all that was noted, by model
  llm usage --since 7d --by day
  llm usage --since 2026-11-01 --by provider
  llm usage -p dashscope --by day  only runs that asked this service
  llm usage --json | jq '.total.cost'

Every run that talks to a service notes one line in your data folder: the time, the command, who
was asked, what was counted, and what it cost where the profile has `prices` or the service says
it. `--no-log`, LLM_NO_LOG=1 and `log = false` in the profile file note nothing.")]
pub(crate) struct UsageArgs {
    /// Only runs since then: so many hours, days or weeks ago (12h, 7d, 4w), a date such as 2026-11-01, a
    /// month (2026-11), `today` or `yesterday`
    #[arg(long, value_name = "TIME", value_parser = since)]
    pub(crate) since: Option<Since>,

    /// What the runs are put together by
    #[arg(long, value_enum, value_name = "WHAT", default_value_t)]
    pub(crate) by: UsageBy,
}

/// What runs are put together by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum UsageBy {
    /// The day, as it is here
    Day,
    /// The service
    Provider,
    /// The model
    #[default]
    Model,
    /// The command
    Command,
}

/// A moment from which on runs count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Since {
    /// So long ago.
    Ago(SignedDuration),
    /// A time as it is here; a day begins at midnight.
    Local(DateTime),
    /// The midnight that was so many days before today's.
    Day(i64),
    /// A time with its zone.
    Exact(Timestamp),
}

fn since(text: &str) -> Result<Since, String> {
    let text = text.trim().to_ascii_lowercase();
    // Dates are written with slashes too.
    let text = if text.len() > 10 { text } else { text.replace('/', "-") };
    let text = match text.as_str() {
        "today" => return Ok(Since::Day(0)),
        "yesterday" => return Ok(Since::Day(1)),
        text if text.len() == 7 && text.find('-') == Some(4) => &format!("{text}-01"),
        text => text,
    };
    if let Some(hours) = hours(text) {
        return Ok(Since::Ago(SignedDuration::from_hours(hours)));
    }
    if let Ok(date) = text.parse::<Date>() {
        return Ok(Since::Local(date.to_datetime(jiff::civil::Time::midnight())));
    }
    let text = text.to_ascii_uppercase();
    if let Ok(time) = text.parse::<Timestamp>() {
        return Ok(Since::Exact(time));
    }
    let time = text.parse::<DateTime>().map(Since::Local);
    time.map_err(|_| {
        let what = "that is neither a span such as 7d nor a date such as 2026-11-01";
        format!("{what}; hours (12h), days, weeks (4w), a month (2026-11), today and yesterday are known")
    })
}

/// The hours of a span: `12h`, `7d`, `4w`.
fn hours(text: &str) -> Option<i64> {
    let unit = text.chars().next_back()?;
    let of_one = match unit {
        'h' => 1,
        'd' => 24,
        'w' => 24 * 7,
        _ => return None,
    };
    let number: u32 = text[..text.len() - 1].trim_end().parse().ok()?;
    // A hundred years are beyond all notes.
    Some((i64::from(number) * of_one).min(24 * 36_525))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read() {
        let ago = |hours| Ok(Since::Ago(SignedDuration::from_hours(hours)));
        assert_eq!(since("12h"), ago(12));
        assert_eq!(since("7d"), ago(7 * 24));
        assert_eq!(since("4w"), ago(28 * 24));
        assert_eq!(since("4294967295w"), ago(24 * 36_525));
        let day: DateTime = "2026-11-01T00:00:00".parse().expect("a time");
        assert_eq!(since("2026-11-01"), Ok(Since::Local(day)));
        let noon = since("2026-11-01T12:00:00Z");
        assert_eq!(noon.clone(), Ok(Since::Exact("2026-11-01T12:00:00Z".parse().expect("a time"))));
        assert!(matches!(since("2026-11-01 08:30"), Ok(Since::Local(_))));
        assert_eq!(since("2026-11"), Ok(Since::Local(day)));
        assert_eq!(since("2026/11/01"), Ok(Since::Local(day)));
        assert_eq!(since("7D"), ago(7 * 24));
        assert_eq!((since("today"), since("Yesterday")), (Ok(Since::Day(0)), Ok(Since::Day(1))));
        assert_eq!(since("2026-11-01t12:00:00z"), noon);
        for text in [
            "",
            "d",
            "7",
            "-7d",
            "2026-13",
            "11-01",
            "7 天",
            "7m",
            "0.5d",
            "gestern",
            "2026-13-01",
            "99999999999d",
        ] {
            assert!(since(text).is_err(), "{text}");
        }
    }
}
