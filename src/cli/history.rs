//! The arguments of `llm history`.

use clap::{Args, Subcommand};

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

Conversations are kept in your data folder, each in a file of its own that only you can read.
`llm chat --no-log`, LLM_NO_LOG=1 or `log = false` in the profile file keep nothing.
An id may be shortened as long as only one conversation begins with it; a session has its name."
)]
pub(crate) struct HistoryArgs {
    #[command(subcommand)]
    pub(crate) action: Option<HistoryAction>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum HistoryAction {
    /// List conversations, the newest first (the default action)
    List {
        /// List at most this many; 0 lists all
        #[arg(short = 'n', long, value_name = "N", default_value_t = LISTED_BY_DEFAULT)]
        number: usize,
    },
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
        /// The beginning of its id, or its name
        id: String,
    },
    /// Remove conversations for good, and the attached files that no other one uses
    Rm {
        /// The beginnings of their ids, or their names
        #[arg(value_name = "ID", required = true)]
        ids: Vec<String>,
    },
}

/// How many conversations are listed where no number is given.
pub(crate) const LISTED_BY_DEFAULT: usize = 20;
