//! What can be typed: commands, flags and their help. Holds no behaviour and looks at nothing.

pub(crate) mod batch;
pub(crate) mod chat;
pub(crate) mod color;
pub(crate) mod description;
pub(crate) mod embed;
mod foreign;
pub(crate) mod generate;
pub(crate) mod history;
pub(crate) mod image;
pub(crate) mod mcp;
pub(crate) mod meant;
pub(crate) mod misuse;
mod options;
pub(crate) mod quick;
pub(crate) mod similar;
pub(crate) mod speak;
pub(crate) mod transcribe;
pub(crate) mod untaken;
pub(crate) mod usage;

pub(crate) use options::Common;

use clap::{Args, Parser, Subcommand};
use generate::{CompletionsArgs, ManArgs};

const AFTER_HELP: &str = "\
Examples:
  llm chat -p ollama \"你好\"                     talk to a model on this machine
  git diff | llm chat \"write a commit message\"  put a pipe before the prompt
  llm speak -o morning.mp3 \"早上好\"             text to speech
  llm transcribe meeting.m4a -o meeting.srt      speech to subtitles
  llm chat -p demo \"hello\"                      try it with no key and no network
  llm providers                                  the services that work by name
  llm models -p openai                           the models that a service offers

Profiles live in a TOML file: `llm config path` prints its path, `llm config init` writes one.";

const EXIT_CODES: &str = "\
Exit codes: 0 done · 1 other error · 2 wrong usage or configuration · 3 credentials refused ·
4 request refused or no answer · 5 rate limit or quota · 6 network, time-out, server error or broken
stream · 7 cut by a token limit that you did not set · 130 interrupted · 141 reader went away";

/// Talk to any model service that speaks the OpenAI HTTP specification.
#[derive(Debug, Parser)]
#[command(name = "llm", version, after_help = AFTER_HELP, after_long_help = format!("{AFTER_HELP}\n\n{EXIT_CODES}"))]
#[command(disable_help_subcommand = true, subcommand_required = true, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Ask a model and print its answer as it arrives
    Chat(Box<chat::ChatArgs>),
    /// Ask a model about every row of a file
    Batch(Box<batch::BatchArgs>),
    /// Turn texts into vectors
    Embed(embed::EmbedArgs),
    /// Make pictures from a prompt, or edit pictures
    Image(Box<image::ImageArgs>),
    /// Turn speech into text or subtitles
    Transcribe(Box<transcribe::TranscribeArgs>),
    /// Turn text into speech
    Speak(Box<speak::SpeakArgs>),
    /// Find the texts that are nearest to a query
    Similar(similar::SimilarLine),
    /// List the models of a service, one id per line
    Models(ModelsArgs),
    /// Sum the tokens and the money that runs took
    Usage(usage::UsageArgs),
    /// List, check and try the servers whose tools `chat --mcp` offers to a model
    Mcp(mcp::McpArgs),
    /// List, show, search and remove earlier conversations
    History(history::HistoryArgs),
    /// List the profiles, show one with the source of each value, or check whether they work
    Providers(ProvidersArgs),
    /// Print the path of the profile file, create it or edit it
    Config(ConfigArgs),
    /// Print or install a shell's completion script
    Completions(CompletionsArgs),
    /// Print the manual page of llm or of one of its commands, or write all pages
    Man(ManArgs),
}

impl Command {
    /// Its name, as it is typed.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Chat(_) => "chat",
            Self::Batch(_) => "batch",
            Self::Embed(_) => "embed",
            Self::Image(_) => "image",
            Self::Transcribe(_) => "transcribe",
            Self::Speak(_) => "speak",
            Self::Similar(_) => "similar",
            Self::Models(_) => "models",
            Self::Mcp(_) => "mcp",
            Self::Usage(_) => "usage",
            Self::History(_) => "history",
            Self::Providers(_) => "providers",
            Self::Config(_) => "config",
            Self::Completions(_) => "completions",
            Self::Man(_) => "man",
        }
    }
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  llm models -p openai
  llm models -p ollama qwen        only ids that contain `qwen`
  llm models -p openrouter --json | jq '.data[0]'")]
pub(crate) struct ModelsArgs {
    /// Only ids that contain this word (letter case does not matter)
    #[arg(value_name = "WORD")]
    pub(crate) word: Option<String>,
}

#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "\
Examples:
  llm providers
  llm providers show openai        every value and where it came from
  llm providers check openai       whether it works: key, model, answer, stream, endpoints
  llm providers check              all of yours, and what runs on this machine"
)]
pub(crate) struct ProvidersArgs {
    #[command(subcommand)]
    pub(crate) action: Option<ProvidersAction>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ProvidersAction {
    /// List the profiles, the user's own first (the default action)
    List,
    /// Show a profile with the source of each value
    Show {
        /// The profile; without it the one that a command would use now
        name: Option<String>,
    },
    /// Ask services whether they work: host, key, model, a one-token answer, a stream, endpoints
    #[command(after_help = CHECK_HELP)]
    Check {
        /// The profiles; without any, yours, those whose key is found, and servers on this machine
        #[arg(value_name = "NAME")]
        names: Vec<String>,
    },
}

const CHECK_HELP: &str = "\
Examples:
  llm providers check
  llm providers check openai deepseek
  llm providers check ollama -m qwen3:8b
  llm providers check --json | jq '.providers[] | select(.ok | not)'

A model is asked for one token, twice. Other jobs are asked with a request that can't be carried
out, so that nothing is generated or charged. Each service gets 10 s (--max-time SECS for another
limit).
Exit code 0 if all of them work, else that of the first one that does not.";

#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "\
Examples:
  llm config                       the path of the profile file
  llm config init                  write a first profile file
  llm config edit                  open it in $VISUAL or $EDITOR"
)]
pub(crate) struct ConfigArgs {
    #[command(subcommand)]
    pub(crate) action: Option<ConfigAction>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigAction {
    /// Print the path of the profile file, whether it exists or not (the default action)
    Path,
    /// Write a first profile file, never over an existing one
    Init,
    /// Open the profile file in $VISUAL or $EDITOR, and check it afterwards
    Edit,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;
    use unicode_width::UnicodeWidthStr as _;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    /// A longer line of examples or remarks would be broken, and its last word stand alone.
    #[test]
    fn no_line_below_the_options_is_too_long() {
        let mut left = vec![description::description()];
        while let Some(command) = left.pop() {
            let texts = [command.get_after_help(), command.get_after_long_help()];
            for text in texts.into_iter().flatten().map(ToString::to_string) {
                let wide = text.lines().find(|line| line.width() > 100);
                assert_eq!(wide, None, "{}", command.get_name());
            }
            left.extend(command.get_subcommands().cloned());
        }
    }

    #[test]
    fn common_options_stand_before_or_after_the_command() {
        for line in [["llm", "-p", "x", "chat", "hi"], ["llm", "chat", "hi", "-p", "x"]] {
            let cli = Cli::try_parse_from(line).expect("parses");
            assert_eq!(cli.common.provider.as_deref(), Some("x"));
        }
    }
}
