//! `llm man`: manual pages (roff, `man` macros), made from the command line's own description.

mod sections;

use std::path::Path;

use clap::Command;

use crate::cli::description::description;
use crate::cli::generate::ManArgs;
use crate::config::schema::nearest;
use crate::error::{Failure, FailureKind, reason};
use crate::io::Io;
use crate::output::file::OutputFile;
use crate::output::sink::to_stdout;

/// Prints one manual page, or writes all of them into a folder.
///
/// # Errors
/// A command that does not exist, a folder that can't be written.
pub(crate) fn run(args: &ManArgs, io: &mut Io) -> anyhow::Result<()> {
    let mut root = description();
    root.build();
    if let Some(folder) = &args.all {
        let count = write_all(&root, folder)?;
        io.note(&format!("{count} manual pages are written to {}", folder.display()));
        return Ok(());
    }
    let mut page = &root;
    for word in &args.command {
        page = page.find_subcommand(word).ok_or_else(|| unknown(word, page))?;
    }
    Ok(to_stdout(&roff(page, &args.command)?, io)?)
}

fn unknown(word: &str, above: &Command) -> Failure {
    let names: Vec<&str> = above.get_subcommands().map(Command::get_name).collect();
    let failure = match above.get_name() {
        "llm" => Failure::usage(format!("there is no command `{word}`")),
        name => Failure::usage(format!("`{name}` has no command `{word}`")),
    };
    if names.is_empty() {
        return failure;
    }
    let near = nearest(word, names.iter().copied());
    let near = near.map(|near| format!("did you mean `{near}`? ")).unwrap_or_default();
    failure.hint(format!("{near}commands: {}", names.join(", ")))
}

/// Writes `llm.1`, `llm-chat.1` and so on; gives their number.
fn write_all(root: &Command, folder: &Path) -> Result<usize, Failure> {
    std::fs::create_dir_all(folder).map_err(|error| {
        let what = format!("cannot make the folder {}: {}", folder.display(), reason(&error));
        Failure::new(FailureKind::Other, what)
    })?;
    let mut left: Vec<(Vec<String>, &Command)> = vec![(Vec::new(), root)];
    let mut count = 0;
    while let Some((path, command)) = left.pop() {
        let below = command.get_subcommands().filter(|below| !below.is_hide_set());
        left.extend(below.map(|below| {
            let name = below.get_name().to_owned();
            (path.iter().cloned().chain([name]).collect(), below)
        }));
        let mut file = OutputFile::open(&folder.join(format!("{}.1", page_name(&path))))?;
        file.write(&roff(command, &path)?)?;
        file.commit()?;
        count += 1;
    }
    Ok(count)
}

/// `llm-chat` is the name under which `man` finds the page of `llm chat`.
fn page_name(path: &[String]) -> String {
    ["llm"].into_iter().chain(path.iter().map(String::as_str)).collect::<Vec<_>>().join("-")
}

/// The page of a command; `path` are the words that name it.
fn roff(command: &Command, path: &[String]) -> Result<Vec<u8>, Failure> {
    let name = page_name(path);
    let page = command.clone().name("llm").display_name(&name).bin_name(name.replace('-', " "));
    let is_one_of_many = page.get_subcommands().next().is_some();
    let page = clap_mangen::Man::new(page).manual("llm");
    let mut text = Vec::new();
    let rendered = (|| {
        page.render_title(&mut text)?;
        page.render_name_section(&mut text)?;
        page.render_synopsis_section(&mut text)?;
        page.render_description_section(&mut text)?;
        page.render_options_section(&mut text)?;
        if is_one_of_many {
            page.render_subcommands_section(&mut text)?;
        }
        sections::of(command, path).to_writer(&mut text)
    })();
    let failed = |error: std::io::Error| Failure::new(FailureKind::Other, reason(&error));
    rendered.map(|()| text).map_err(failed)
}
