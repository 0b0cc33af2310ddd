//! The arguments of `llm batch`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use serde::{Deserialize, Serialize};
use serde_json::Number;

use super::chat::{Api, number, variable};

const ROWS: &str = "The rows";
const PROMPT: &str = "A prompt from the profile file";
const MODEL: &str = "The model's behaviour";
const WORK: &str = "The work";
const ANSWERS: &str = "The answers";

/// How the rows of a file are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
pub(crate) enum RowsForm {
    /// Every line is a text; its column is `input`
    Lines,
    /// One JSON object per line
    #[value(alias = "ndjson")]
    Jsonl,
    /// Comma-separated values with a head
    Csv,
    /// The same with tabs
    Tsv,
    /// Requests that are made already: one JSON object per line, with the request in `body`
    Requests,
}

/// How answers are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum AnswerFormat {
    /// One JSON object per row: its columns and `answer`
    #[value(alias = "ndjson")]
    Jsonl,
    /// The row's columns, `answer` and `error`
    Csv,
    /// As a Batch API has them: `custom_id`, `response`, `error`
    Openai,
}

/// A line of `llm batch`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  llm batch -f words.txt \"译成英文\" -o words.en.jsonl                  every line is a row
  llm batch -f tickets.csv --schema \"topic, urgent bool\" \"{{subject}}: {{body}}\" -o sorted.csv
  llm batch -f tickets.csv --limit 5 \"{{subject}}: what is it about?\"   try it first
  llm batch -f photos.csv -f '{{path}}' \"what is in the picture?\" -o seen.jsonl
  llm batch -f tickets.csv \"…\" -o sorted.csv                           the same again goes on

[PROMPT] is asked for every row: `{{NAME}}` is a column of it, `{{input}}` a line of text. Where
it names no column, a line of text follows it with a blank line between. Answers are written in
the order of the rows. With -o FILE, what is done is kept in FILE.part until FILE is whole: the
same command goes on and pays for nothing twice. A prompt that is a command's name stands behind
`run`: llm batch run list.")]
pub(crate) struct BatchArgs {
    #[command(subcommand)]
    pub(crate) action: Option<BatchAction>,

    #[command(flatten)]
    pub(crate) run: BatchRunArgs,
}

/// What else can be done with rows.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum BatchAction {
    /// Ask for every row, several at a time (the default action)
    Run(Box<BatchRunArgs>),
    /// Only write the requests, one a line, for `vllm run-batch` or a service's console
    Make(Box<BatchMakeArgs>),
    /// Hand the requests over to the service's Batch API, and print the batch's id
    Submit(Box<BatchSubmitArgs>),
    /// Tell how far a batch is
    Status(BatchIdArgs),
    /// Write what came of a batch, in the order of the rows
    Fetch(Box<BatchFetchArgs>),
    /// Stop a batch; what is done can be fetched
    Cancel(BatchIdArgs),
    /// List the batches that were handed over from here
    List(BatchListArgs),
    /// Remove a batch's files from the service, and what is kept of it here
    Rm(BatchIdArgs),
}

/// Requests in a file.
#[derive(Debug, Clone, Default, PartialEq, Args)]
#[command(after_help = "\
Examples:
  llm batch make -f tickets.csv \"{{subject}}: {{body}}\" -m Qwen/Qwen3-8B -o requests.jsonl
  vllm run-batch -i requests.jsonl -o results.jsonl --model Qwen/Qwen3-8B
  llm batch fetch --from results.jsonl -f tickets.csv \"{{subject}}: {{body}}\" -o sorted.csv

Nothing is sent, and no key is needed.")]
pub(crate) struct BatchMakeArgs {
    #[command(flatten)]
    pub(crate) rows: BatchRowArgs,

    /// Write the requests to this file; `-` is stdout, which is the default
    #[arg(short = 'o', long, value_name = "FILE", help_heading = ANSWERS)]
    pub(crate) output: Option<PathBuf>,
}

/// Requests for a service.
#[derive(Debug, Clone, Default, PartialEq, Args)]
#[command(after_help = "\
Examples:
  id=$(llm batch submit -p openai -f tickets.csv \"{{subject}}: {{body}}\")
  llm batch fetch --wait \"$id\" -o sorted.csv

The file of requests is split by the service's limits, and looked at by the service for some
seconds: a refusal is told at once. The same command again finds the batch that it made before.")]
pub(crate) struct BatchSubmitArgs {
    #[command(flatten)]
    pub(crate) rows: BatchRowArgs,

    /// The time in which the batch is to be done, as in 24h or 7d [default: as the profile has it]
    #[arg(long, value_name = "TIME", help_heading = WORK)]
    pub(crate) window: Option<String>,

    /// Wait with a part for which the service has no room until there is some
    #[arg(long, help_heading = WORK)]
    pub(crate) wait: bool,

    /// Leave out the rows that have their answer in this FILE's part, as after a batch that expired
    #[arg(short = 'o', long, value_name = "FILE", help_heading = ANSWERS)]
    pub(crate) output: Option<PathBuf>,

    /// Hand the rows over again if that was done before
    #[arg(long, help_heading = WORK)]
    pub(crate) fresh: bool,
}

/// A batch that was handed over.
#[derive(Debug, Clone, Args)]
pub(crate) struct BatchIdArgs {
    /// The batch's id, as `submit` printed it
    #[arg(value_name = "ID")]
    pub(crate) id: String,
}

/// All batches.
#[derive(Debug, Clone, Args)]
pub(crate) struct BatchListArgs {}

/// The answers of a batch.
#[derive(Debug, Clone, Default, PartialEq, Args)]
#[command(
    override_usage = "llm batch fetch [OPTIONS] <ID>\n       llm batch fetch [OPTIONS] --from <RESULTS> -f <ROWS> [PROMPT]...",
    after_help = "\
Examples:
  llm batch fetch --wait batch_123 -o sorted.csv
  llm batch fetch --from results.jsonl -f tickets.csv \"{{subject}}: {{body}}\" -o sorted.csv

The first word is the batch's id; its rows and what was asked are known. With --from the rows and
the prompt are those of `make`. Rows without an answer are as in a run: the same command as for
`llm batch run`, with the same -o FILE, asks for them."
)]
pub(crate) struct BatchFetchArgs {
    #[command(flatten)]
    pub(crate) rows: BatchRowArgs,

    /// A file of results, or a folder of such files: of a Batch API, `vllm run-batch`, Ray
    #[arg(long, value_name = "RESULTS", help_heading = WORK)]
    pub(crate) from: Option<PathBuf>,

    /// Wait until the batch is done
    #[arg(long, conflicts_with = "from", help_heading = WORK)]
    pub(crate) wait: bool,

    #[command(flatten)]
    pub(crate) answers: BatchAnswerArgs,
}

/// Rows that are asked for here and now.
#[derive(Debug, Clone, Default, PartialEq, Args)]
pub(crate) struct BatchRunArgs {
    #[command(flatten)]
    pub(crate) rows: BatchRowArgs,
    #[command(flatten)]
    pub(crate) work: BatchWorkArgs,
    #[command(flatten)]
    pub(crate) answers: BatchAnswerArgs,
}

/// The rows, and what is asked for each.
#[derive(Debug, Clone, Default, PartialEq, Args, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct BatchRowArgs {
    /// What is asked for each row: all words joined by a space
    #[arg(value_name = "PROMPT")]
    pub(crate) prompt: Vec<String>,

    /// Rows: .jsonl, .csv, .tsv, else lines of text; `-` is stdin, which is the default; a name with `{{COLUMN}}` is a file to attach to each row; repeatable
    #[arg(short = 'f', long, value_name = "FILE", help_heading = ROWS)]
    pub(crate) file: Vec<PathBuf>,

    /// How the rows are written [default: by the file's ending]
    #[arg(long, value_enum, value_name = "FORM", help_heading = ROWS)]
    pub(crate) rows: Option<RowsForm>,

    /// Only the first rows, to try a prompt
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..), help_heading = ROWS)]
    pub(crate) limit: Option<u64>,

    /// The column that names a row [default: `custom_id` or `id` if every row has it, else its number]
    #[arg(long, value_name = "COLUMN", help_heading = ROWS)]
    pub(crate) id: Option<String>,

    /// Use `[prompts.NAME]` of the profile file: its text around yours, its model, its options
    #[arg(long = "prompt", value_name = "NAME", help_heading = PROMPT)]
    pub(crate) template: Option<String>,

    /// The value of `{{NAME}}` for every row; repeatable
    #[arg(long, value_name = "NAME=TEXT", value_parser = variable, help_heading = PROMPT)]
    pub(crate) var: Vec<(String, String)>,

    /// The endpoint to ask: /chat/completions or /responses [default: as the profile says]
    #[arg(long, value_enum, value_name = "API", help_heading = MODEL)]
    pub(crate) api: Option<Api>,

    /// Instructions for the model; `{{COLUMN}}` works here too
    #[arg(short = 's', long, value_name = "TEXT", help_heading = MODEL)]
    pub(crate) system: Option<String>,

    /// Randomness, 0 to 2 with most services
    #[arg(short = 't', long, value_name = "F", value_parser = number, allow_negative_numbers = true, help_heading = MODEL)]
    pub(crate) temperature: Option<Number>,

    /// Sample from the most likely tokens that make up this probability
    #[arg(long, value_name = "F", value_parser = number, allow_negative_numbers = true, help_heading = MODEL)]
    pub(crate) top_p: Option<Number>,

    /// The most tokens that an answer may have
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..), help_heading = MODEL)]
    pub(crate) max_tokens: Option<u64>,

    /// A seed for answers that can be repeated, where the service supports it
    #[arg(long, value_name = "N", allow_negative_numbers = true, help_heading = MODEL)]
    pub(crate) seed: Option<i64>,

    /// Stop before this text; repeatable
    #[arg(long, value_name = "TEXT", help_heading = MODEL)]
    pub(crate) stop: Vec<String>,

    /// How much a reasoning model thinks: none, minimal, low, medium, high …
    #[arg(long, value_name = "LEVEL", help_heading = MODEL)]
    pub(crate) reasoning_effort: Option<String>,

    /// Ask for JSON that fits this schema (JSON, a file, or fields as `name, age int`), and check it
    #[arg(long, value_name = "SCHEMA", conflicts_with_all = ["extract", "extract_last"], help_heading = ANSWERS)]
    pub(crate) schema: Option<String>,

    /// Keep only the first fenced code block of an answer (all of it if there is none)
    #[arg(short = 'x', long, help_heading = ANSWERS)]
    pub(crate) extract: bool,

    /// Keep only the last fenced code block of an answer
    #[arg(long, conflicts_with = "extract", help_heading = ANSWERS)]
    pub(crate) extract_last: bool,
}

/// How fast the service is asked.
#[derive(Debug, Clone, Default, PartialEq, Args)]
pub(crate) struct BatchWorkArgs {
    /// The most requests at the same time [default: finds its own level, at most 64, on this machine 32]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000), help_heading = WORK)]
    pub(crate) concurrency: Option<u32>,

    /// The most requests a minute [default: as the service's answers say]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), help_heading = WORK)]
    pub(crate) rpm: Option<u32>,

    /// The most tokens a minute [default: as the service's answers say]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), help_heading = WORK)]
    pub(crate) tpm: Option<u32>,

    /// End when so many rows have failed [default: when the first 10 all have]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..), help_heading = WORK)]
    pub(crate) max_failures: Option<u64>,
}

/// How answers are written and kept.
#[derive(Debug, Clone, Default, PartialEq, Args)]
pub(crate) struct BatchAnswerArgs {
    /// A .jsonl or .csv file; it appears when every row is done, and until then lies beside it as FILE.part; `-` is stdout
    #[arg(short = 'o', long, value_name = "FILE", help_heading = ANSWERS)]
    pub(crate) output: Option<PathBuf>,

    /// How the answers are written [default: by the ending of -o FILE, else jsonl; --json is openai]
    #[arg(long, value_enum, value_name = "FORM", help_heading = ANSWERS)]
    pub(crate) format: Option<AnswerFormat>,

    /// The column of the answers [default: answer]
    #[arg(long, value_name = "NAME", help_heading = ANSWERS)]
    pub(crate) answer_column: Option<String>,

    /// Begin anew: forget FILE.part and what is known of FILE
    #[arg(long, requires = "output", help_heading = ANSWERS)]
    pub(crate) fresh: bool,

    /// Ask again for the rows that the service refused; the answered ones are taken from FILE
    #[arg(long, requires = "output", conflicts_with = "fresh", help_heading = ANSWERS)]
    pub(crate) retry_failed: bool,
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::super::{Cli, Command};
    use super::*;

    fn read(words: &[&str]) -> BatchArgs {
        let line = ["llm", "batch"].iter().chain(words);
        match Cli::try_parse_from(line).expect("parses").command {
            Command::Batch(args) => *args,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_first_word_that_is_an_action_is_one() {
        let prompt = |args: &BatchRunArgs| args.rows.prompt.join(" ");
        for words in [&["-f", "a.txt", "译成", "run"][..], &["译成", "run", "-f", "a.txt"]] {
            let args = read(words);
            assert!(args.action.is_none() && prompt(&args.run) == "译成 run", "{words:?}");
        }
        let args = read(&["run", "run", "-f", "a.txt"]);
        let Some(BatchAction::Run(run)) = args.action else { panic!("no action") };
        assert_eq!(prompt(&run), "run");
        assert_eq!(args.run, BatchRunArgs::default());
        assert_ne!(read(&["-f", "a.txt", "run", "x"]).run, BatchRunArgs::default());
        assert_eq!(prompt(&read(&["-f", "a.txt", "--", "run"]).run), "run");
    }
}
