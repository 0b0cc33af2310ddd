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
            "json",
            "quiet",
            "verbose",
            "color",
        ],
    ),
];

/// The command line with all commands. A common option that a command has no use for is understood there,
/// and not shown.
pub(crate) fn description() -> Command {
    let root = Cli::command();
    let common: Vec<clap::Arg> =
        root.get_arguments().filter(|arg| arg.is_global_set()).cloned().collect();
    root.mut_subcommands(|command| shown(command, "", &common))
}

/// A command of the table, and those below it, with only the common options that it takes in sight.
fn shown(command: Command, above: &str, common: &[clap::Arg]) -> Command {
    let path = format!("{above}{}", command.get_name());
    let command = match TAKEN.iter().find(|(name, _)| *name == path) {
        None => command,
        Some((_, taken)) => command.args(common.iter().map(|arg| {
            let id = arg.get_id().as_str();
            let arg = arg.clone().hide(!taken.contains(&id)).hide_short_help(false);
            if id == "json" { arg.help("Print JSON instead of text") } else { arg }
        })),
    };
    command.mut_subcommands(|below| shown(below, &format!("{path} "), common))
}
