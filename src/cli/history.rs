//! The arguments of `llm history`.

use clap::{ArgGroup, Args, Subcommand};
use jiff::civil::Date;

#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "\
Examples:
  llm history                      the last conversations, the newest first
  llm history show 1k736p          one of them, by the beginning of its id
  llm history search 秋天 诗       those in which both words occur
  llm history export 周报 > weekly.json
  llm history rm 1k736p            for good
  llm history rm --before 2026-11-01
  llm history path                 the folder that all of it is in

Conversations are kept in your data folder, each in a file of its own that only you can read.
`llm chat --no-log`, LLM_NO_LOG=1 or `log = false` in the profile file keep nothing.
An id may be shortened as long as only one conversation begins with it; a session has its name."
)]
pub(crate) struct HistoryArgs {
    #[command(subcommand)]
    pub(crate) action: Option<HistoryAction>,

    #[command(flatten)]
    pub(crate) list: ListArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// List at most this many; 0 lists all
    #[arg(short = 'n', long, value_name = "N", default_value_t = LISTED_BY_DEFAULT)]
    pub(crate) number: usize,
}

#[derive(Debug, Subcommand)]
pub(crate) enum HistoryAction {
    /// List conversations, the newest first (the default action)
    List(ListArgs),
    /// Show a conversation as text; with --json as it is kept
    Show {
        /// The beginning of its id, or its name; without it the last one
        id: Option<String>,
    },
    /// List the conversations in which all words occur (letter case does not matter)
    Search {
        /// The words
        #[arg(value_name = "WORD", required = true)]
        words: Vec<String>,
        /// List at most this many; 0 lists all
        #[arg(short = 'n', long, value_name = "N", default_value_t = 0)]
        number: usize,
    },
    /// Print a conversation as JSON messages, as a chat request has them; attached files by name
    Export {
        /// The beginning of its id, or its name; without it the last one
        id: Option<String>,
    },
    /// Remove conversations for good, with what was typed in them and the attached files that no other
    /// one uses
    Rm(RmArgs),
    /// Print the folder that conversations, what was typed and notes of usage are kept in
    Path,
}

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("which").required(true).args(["ids", "all", "before"])))]
pub(crate) struct RmArgs {
    /// The beginnings of their ids, or their names
    #[arg(value_name = "ID")]
    pub(crate) ids: Vec<String>,

    /// All of them, and all that was typed
    #[arg(long)]
    pub(crate) all: bool,

    /// Those whose last turn is older than the midnight at which this day begins, as in 2026-11-01
    #[arg(long, value_name = "DATE", value_parser = date)]
    pub(crate) before: Option<Date>,

    /// Do not ask before --all and --before
    #[arg(long)]
    pub(crate) yes: bool,
}

fn date(text: &str) -> Result<Date, String> {
    text.parse().map_err(|_| "that is not a date such as 2026-11-01".to_owned())
}

/// How many conversations are listed where no number is given.
pub(crate) const LISTED_BY_DEFAULT: usize = 20;
