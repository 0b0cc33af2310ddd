//! The arguments of `llm mcp`.

use clap::{Args, Subcommand};

#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "\
Examples:
  llm mcp                          the servers of the profile file
  llm mcp check                    start each of them and tell what is wrong
  llm mcp tools files              the tools of a server with their arguments
  llm mcp call files read_text_file '{\"path\": \"notes/a.md\"}'
  llm chat --mcp files \"what is in my notes?\"

A server (Model Context Protocol) is a table [mcp.NAME] of the profile file, with the `command` that
starts it or its `url`. In the place of NAME an address is taken too, and a file with `mcpServers`
as other programs have it: FILE.json, or FILE.json#NAME for one of its servers."
)]
pub(crate) struct McpArgs {
    #[command(subcommand)]
    pub(crate) action: Option<McpAction>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum McpAction {
    /// List the servers of the profile file: name, command or address (the default action)
    List,
    /// List the tools of a server with their arguments; with --json as it gives them
    Tools {
        /// The server
        name: String,
    },
    /// Start servers and tell what is wrong with them
    Check {
        /// The servers; without any, all of the profile file
        #[arg(value_name = "NAME")]
        names: Vec<String>,
    },
    /// Call a tool and print its answer; with --json as it came
    Call {
        /// The server
        name: String,
        /// The tool, by the server's own name for it
        tool: String,
        /// The arguments, a JSON object; `-` is stdin
        #[arg(value_name = "JSON", default_value = "{}")]
        arguments: String,
    },
}
