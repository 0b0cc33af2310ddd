//! The description of the whole command line, as help, manual and completions show it.

use clap::{Command, CommandFactory as _};

use super::Cli;

/// The commands that ask no service, and which of the common options mean something to them. A command
/// below one of these is named with it.
const TAKEN: &[(&str, &[&str])] = &[
    ("completions", &["quiet", "color"]),
    ("config", &["config", "quiet", "color"]),
    ("history", &["json", "quiet", "color"]),
    ("man", &["quiet", "color"]),
    ("mcp", &["config", "json", "quiet", "color"]),
    ("mcp tools", SERVER),
    ("mcp check", SERVER),
    (
        "mcp call",
        &[
            "config", "insecure", "timeout", "max_time", "dry_run", "json", "quiet", "verbose",
            "color",
        ],
    ),
    ("providers", &["config", "json", "quiet", "color"]),
    (
        "providers show",
        &[
            "provider",
            "model",
            "base_url",
            "api_key_env",
            "option",
            "header",
            "config",
            "json",
            "color",
        ],
    ),
    (
        "providers check",
        &[
            "provider",
            "model",
            "base_url",
            "api_key_env",
            "header",
            "config",
            "insecure",
            "timeout",
            "max_time",
            "dry_run",
            "json",
            "quiet",
            "verbose",
            "color",
        ],
    ),
    ("usage", &["provider", "model", "config", "json", "quiet", "color"]),
];

/// What a command that starts a server of tools takes.
const SERVER: &[&str] = &["config", "insecure", "max_time", "json", "quiet", "verbose", "color"];

/// Common options that mean something else to a command than to one that asks a service.
const MEANT: &[(&str, &str, &str)] = &[
    ("", "json", "Print JSON instead of text"),
    ("mcp tools", "json", "Print the tools as the server gives them"),
    ("mcp call", "json", "Print the answer as it came"),
    ("mcp call", "dry_run", "Print the call, and start nothing"),
    ("usage", "provider", "Only runs that asked this service"),
    ("usage", "model", "Only runs that asked this model"),
];

/// The common options that a command takes, by their names in the description; `None` for one that takes
/// all of them.
pub(super) fn taken(path: &str) -> Option<&'static [&'static str]> {
    TAKEN.iter().find(|(name, _)| *name == path).map(|(_, taken)| *taken)
}

/// The command line with all commands. A common option that a command has no use for is understood there,
/// and not shown; [`super::untaken`] refuses it behind the command's name.
pub(crate) fn description() -> Command {
    let root = Cli::command();
    let common: Vec<clap::Arg> =
        root.get_arguments().filter(|arg| arg.is_global_set()).cloned().collect();
    root.mut_subcommands(|command| shown(command, "", &common))
}

/// A command of the table, and those below it, with only the common options that it takes in sight.
fn shown(command: Command, above: &str, common: &[clap::Arg]) -> Command {
    let path = format!("{above}{}", command.get_name());
    let command = match taken(&path) {
        None => command,
        Some(taken) => command.args(common.iter().map(|arg| {
            let id = arg.get_id().as_str();
            let arg: clap::Arg = arg.clone().hide(!taken.contains(&id)).hide_short_help(false);
            let words = |of: &str| {
                let is_meant =
                    |&&(command, name, _): &&(&str, &str, &str)| (command, name) == (of, id);
                MEANT.iter().find(is_meant).map(|(.., words)| *words)
            };
            match words(&path).or_else(|| words("")) {
                Some(words) => arg.help(words),
                None => arg,
            }
        })),
    };
    command.mut_subcommands(|below| shown(below, &format!("{path} "), common))
}
