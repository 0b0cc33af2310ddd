//! `llm completions` and `llm man`: texts that are made from the command line's own description.

use clap::CommandFactory as _;

use crate::cli::{Cli, CompletionsArgs, ManArgs};
use crate::config::schema::nearest;
use crate::error::Failure;
use crate::io::Io;
use crate::output::sink::to_stdout;

/// Prints a shell's completion script.
///
/// # Errors
/// Standard output that takes no more.
pub(crate) fn completions(args: &CompletionsArgs, io: &mut Io) -> anyhow::Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "llm", &mut script);
    to_stdout(&script, io)?;
    Ok(())
}

/// Prints a manual page (roff, `man` macros).
///
/// # Errors
/// A command that does not exist.
pub(crate) fn man(args: &ManArgs, io: &mut Io) -> anyhow::Result<()> {
    let mut root = Cli::command();
    root.build();
    let page = match args.command.as_deref() {
        None => root,
        Some(name) => match root.find_subcommand(name) {
            // `llm-chat` is the name under which `man` finds the page of `llm chat`.
            Some(command) => {
                let page = command.clone();
                page.name("llm").display_name(format!("llm-{name}")).bin_name(format!("llm {name}"))
            }
            None => {
                let names: Vec<&str> =
                    root.get_subcommands().map(clap::Command::get_name).collect();
                let failure = Failure::usage(format!("there is no command `{name}`"));
                let near = nearest(name, names.iter().copied());
                let near = near.map(|near| format!("did you mean `{near}`? ")).unwrap_or_default();
                return Err(failure.hint(format!("{near}commands: {}", names.join(", "))).into());
            }
        },
    };
    let mut roff = Vec::new();
    clap_mangen::Man::new(page).render(&mut roff)?;
    to_stdout(&roff, io)?;
    Ok(())
}
