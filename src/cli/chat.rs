//! The arguments of `llm chat`.

use clap::{ArgGroup, Args, ValueEnum};
use serde::{Deserialize, Serialize};
use serde_json::Number;
use std::path::PathBuf;

use crate::provider::ChatApi;

const PROMPT: &str = "A prompt from the profile file";
const MODEL: &str = "The model's behaviour";
const ANSWER: &str = "The answer";
const CONVERSATION: &str = "The conversation";
const TOOLS: &str = "Tools";

/// The endpoint of the service that is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
pub(crate) enum Api {
    /// POST /chat/completions
    Completions,
    /// POST /responses
    Responses,
}

impl From<Api> for ChatApi {
    fn from(api: Api) -> Self {
        match api {
            Api::Completions => Self::Completions,
            Api::Responses => Self::Responses,
        }
    }
}

/// Whether a model's thinking is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Reasoning {
    /// On stderr, dimmed on a terminal
    Show,
    /// Not at all
    Hide,
}

/// Whether an answer is coloured as Markdown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum MarkdownWhen {
    /// On a terminal that takes colour
    #[default]
    Auto,
    /// In a pipe too, for `less -R`
    Always,
    /// The text as it is
    Never,
}

/// What stands below `-h`.
const SHORT_EXAMPLES: &str = "\
Examples:
  llm chat -p ollama \"你好\"
  git diff | llm chat \"write a commit message\"
  llm chat -f src/main.rs \"what does this do?\"
  llm chat -c \"and in one sentence?\"              go on with the last conversation

On a terminal and without a prompt a conversation begins. `llm chat --help` has all options.";

/// What stands below `--help` and in the manual.
const EXAMPLES: &str = "\
Examples:
  llm chat -p ollama \"你好\"
  git diff | llm chat \"write a commit message\"
  llm chat -f src/main.rs \"what does this do?\"
  llm chat -c \"and in one sentence?\"              go on with the last conversation
  llm chat --session 周报 \"第一段\"                one that has a name
  llm chat -f photo.jpg -f https://example.com/chart.png \"哪里不一样？\"
  llm chat --prompt translate --var language=法文 \"早上好\"    [prompts.translate] of the profile file
  llm chat -x \"a bash one-liner that counts files\" | sh
  llm chat --schema \"city, population int: in thousands\" \"上海\"
  llm chat --schema-multi \"name, year int\" \"三本小说\" | jq .name
  llm chat --tool ./weather.py \"上海明天冷吗？\"    a program of yours that the model may call
  llm chat -p openai --search \"Rust 1.96?\"        the service searches the web
  llm chat --mcp files \"我的笔记里写了什么？\"         a server of tools, [mcp.files] of the profile file
  while read -r word; do llm chat --no-stdin \"translate: $word\"; done < words.txt

Standard input, if it is not a terminal, is put before the prompt with a blank line between.
On a terminal and without a prompt a conversation begins; /help in it lists its commands.";

#[derive(Debug, Clone, Args)]
#[command(group = ArgGroup::new("callable").multiple(true))]
#[command(after_help = SHORT_EXAMPLES, after_long_help = EXAMPLES)]
pub(crate) struct ChatArgs {
    /// The prompt: all words joined by a space; `-` is stdin
    #[arg(value_name = "PROMPT")]
    pub(crate) prompt: Vec<String>,

    /// A file to attach; repeatable
    ///
    /// Text, a picture, audio, a PDF, the texts of a folder, a URL; `-` is stdin.
    #[arg(short = 'f', long, value_name = "FILE")]
    pub(crate) file: Vec<PathBuf>,

    /// Do not read standard input
    #[arg(long)]
    pub(crate) no_stdin: bool,

    /// Use `[prompts.NAME]` of the profile file: its text around yours, its model, its options
    #[arg(long = "prompt", value_name = "NAME", help_heading = PROMPT, hide_short_help = true)]
    pub(crate) template: Option<String>,

    /// The value of `{{NAME}}` in that prompt; repeatable
    #[arg(long, value_name = "NAME=TEXT", value_parser = variable, requires = "template", help_heading = PROMPT, hide_short_help = true)]
    pub(crate) var: Vec<(String, String)>,

    /// Instructions for the model
    #[arg(short = 's', long, value_name = "TEXT", help_heading = MODEL)]
    pub(crate) system: Option<String>,

    /// Randomness, 0 to 2 with most services
    #[arg(short = 't', long, value_name = "F", value_parser = number, allow_negative_numbers = true, help_heading = MODEL)]
    pub(crate) temperature: Option<Number>,

    /// Sample from the most likely tokens that make up this probability
    #[arg(long, value_name = "F", value_parser = number, allow_negative_numbers = true, help_heading = MODEL, hide_short_help = true)]
    pub(crate) top_p: Option<Number>,

    /// The most tokens that the answer may have
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..), help_heading = MODEL)]
    pub(crate) max_tokens: Option<u64>,

    /// A seed for answers that can be repeated, where the service supports it
    #[arg(long, value_name = "N", allow_negative_numbers = true, help_heading = MODEL, hide_short_help = true)]
    pub(crate) seed: Option<i64>,

    /// Stop before this text; repeatable
    #[arg(long, value_name = "TEXT", help_heading = MODEL, hide_short_help = true)]
    pub(crate) stop: Vec<String>,

    /// How much a reasoning model thinks: none, minimal, low, high …
    #[arg(long, value_name = "LEVEL", help_heading = MODEL)]
    pub(crate) reasoning_effort: Option<String>,

    /// Ask this endpoint of the service, whatever its profile says
    #[arg(long, value_enum, value_name = "API", help_heading = MODEL)]
    pub(crate) api: Option<Api>,

    /// Let the service search the web for the answer, where its profile says how
    #[arg(long, help_heading = MODEL)]
    pub(crate) search: bool,

    /// Ask this service where the first one is out of quota, overloaded or can't be reached; repeatable
    ///
    /// A profile, or one with a model: `ollama:qwen3:8b`. It is asked when the tries of the first one have
    /// failed and nothing was shown. --api, -m and -H are for the first one alone.
    #[arg(long, value_name = "PROVIDER[:MODEL]", help_heading = MODEL, hide_short_help = true)]
    pub(crate) fallback: Vec<String>,

    /// Ask for the whole answer at once
    #[arg(short = 'S', long, help_heading = ANSWER, hide_short_help = true)]
    pub(crate) no_stream: bool,

    /// Ask for JSON that fits this schema, and check it
    ///
    /// SCHEMA is a JSON Schema, a file that has one, or fields as `name, age int`.
    #[arg(long, value_name = "SCHEMA", conflicts_with_all = ["extract", "extract_last", "number"], help_heading = ANSWER)]
    pub(crate) schema: Option<String>,

    /// Ask for a list of what fits this schema, and print each item on a line while it comes
    #[arg(long, value_name = "SCHEMA", conflicts_with_all = ["schema", "extract", "extract_last", "number"], help_heading = ANSWER, hide_short_help = true)]
    pub(crate) schema_multi: Option<String>,

    /// Print only the first fenced code block
    ///
    /// It is printed as it comes; where there is none, the whole answer.
    #[arg(short = 'x', long, help_heading = ANSWER)]
    pub(crate) extract: bool,

    /// Print only the last fenced code block, when the answer is complete
    #[arg(long, conflicts_with = "extract", help_heading = ANSWER, hide_short_help = true)]
    pub(crate) extract_last: bool,

    /// Ask for several answers
    ///
    /// They come in order, with a blank line between, numbered on a terminal.
    #[arg(short = 'n', long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), help_heading = ANSWER)]
    pub(crate) number: Option<u32>,

    /// Show or hide a model's thinking on stderr [default: shown on a terminal]
    #[arg(long, value_enum, value_name = "WHEN", help_heading = ANSWER, hide_short_help = true)]
    pub(crate) reasoning: Option<Reasoning>,

    /// List the pages that the answer cites on stderr [default: on a terminal]
    #[arg(long, help_heading = ANSWER, hide_short_help = true)]
    pub(crate) sources: bool,

    /// Colour the answer as Markdown while it is written; its text stays as it is
    #[arg(long, value_enum, value_name = "WHEN", default_value_t, help_heading = ANSWER, hide_short_help = true)]
    pub(crate) markdown: MarkdownWhen,

    /// Write the answer to a file; `-` is stdout
    ///
    /// The file appears only when it is whole. A file for a picture or sound (.png, .wav …) takes those of the
    /// answer, and the text is printed.
    #[arg(short = 'o', long, value_name = "FILE", help_heading = ANSWER)]
    pub(crate) output: Option<PathBuf>,

    /// Continue the last conversation of this terminal, else the last one
    #[arg(short = 'c', long = "continue", help_heading = CONVERSATION)]
    pub(crate) go_on: bool,

    /// Continue the conversation of this name, or start it
    #[arg(long, value_name = "NAME", conflicts_with = "go_on", help_heading = CONVERSATION)]
    pub(crate) session: Option<String>,

    /// A tool that the model may call: each call needs your consent; repeatable
    ///
    /// A [tools.NAME] of the profile file, or a program that describes itself with --describe. Each call is
    /// shown before.
    #[arg(long, value_name = "COMMAND", group = "callable", help_heading = TOOLS)]
    pub(crate) tool: Vec<String>,

    /// A server of tools that the model may call, or one of its tools: each call needs your consent; repeatable
    ///
    /// A [mcp.NAME] of the profile file, an address, or a file with `mcpServers` as other programs have it
    /// (FILE.json, FILE.json#NAME). The server runs as long as the run or the conversation. Each call is shown
    /// before.
    #[arg(long, value_name = "NAME[/TOOL]", group = "callable", help_heading = TOOLS)]
    pub(crate) mcp: Vec<String>,

    /// Run the tools that the model calls without asking
    #[arg(long, requires = "callable", help_heading = TOOLS, hide_short_help = true)]
    pub(crate) yes: bool,

    /// The most rounds of tool calls [default: 10]
    #[arg(long, value_name = "N", requires = "callable", value_parser = clap::value_parser!(u32).range(1..), help_heading = TOOLS, hide_short_help = true)]
    pub(crate) max_turns: Option<u32>,
}

/// `NAME=TEXT`.
pub(super) fn variable(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("it has no `=`; write NAME=TEXT")?;
    Ok((name.trim().to_owned(), value.to_owned()))
}

/// A JSON number as it was typed, so that `1` stays `1` on the wire.
pub(super) fn number(text: &str) -> Result<Number, String> {
    let typed = serde_json::from_str::<Number>(text).ok();
    // `.5` and `1.` are no JSON, but everybody knows what they mean.
    let meant = || text.parse::<f64>().ok().and_then(Number::from_f64);
    typed.or_else(meant).ok_or_else(|| "that is not a number".to_owned())
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn numbers_stay_as_typed() {
        for (typed, wire) in [("1", "1"), ("0.7", "0.7"), (".5", "0.5"), ("-1", "-1")] {
            assert_eq!(number(typed).map(|number| number.to_string()), Ok(wire.to_owned()));
        }
        for text in ["hot", "", "NaN", "inf"] {
            assert!(number(text).is_err(), "{text}");
        }
    }
}
