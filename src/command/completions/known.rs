//! The values that are known on this machine: what the words of a command line can be. Asks no service.

use clap_complete::engine::CompletionCandidate;

use crate::cli::description::description;
use crate::command::{batch, listed};
use crate::config::profile::Profile;
use crate::config::{self, Config};
use crate::history::Store;
use crate::io::{Env, Io};
use crate::provider::{ServiceOptions, profile_if_chosen};
use crate::sanitize;

/// How many conversations are opened to see what they are called.
const MOST_CONVERSATIONS: usize = 200;

/// How many letters of a question describe its conversation.
const TITLE_LETTERS: usize = 48;

/// Stands for a file of any name, which each shell completes in its own way.
pub(super) const ANY_FILE: &str = "\u{f8ff}file";

/// What an argument can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Values {
    Profiles,
    Models,
    Prompts,
    Sessions,
    Conversations,
    Tools,
    Servers,
    Commands,
    Batches,
    Files,
}

/// The arguments whose values are known: a command (nothing for any, `batch` for those below it too), the
/// name of the argument in the description, and what it can be.
const ARGUMENTS: &[(&str, &str, Values)] = &[
    ("", "provider", Values::Profiles),
    ("", "model", Values::Models),
    ("", "fallback", Values::Profiles),
    ("", "template", Values::Prompts),
    ("", "session", Values::Sessions),
    ("", "tool", Values::Tools),
    ("", "mcp", Values::Servers),
    ("mcp", "name", Values::Servers),
    ("mcp", "names", Values::Servers),
    ("", "schema", Values::Files),
    ("", "schema_multi", Values::Files),
    ("providers", "name", Values::Profiles),
    ("providers", "names", Values::Profiles),
    ("history", "id", Values::Conversations),
    ("history", "ids", Values::Conversations),
    ("man", "command", Values::Commands),
    ("batch status", "id", Values::Batches),
    ("batch cancel", "id", Values::Batches),
    ("batch rm", "id", Values::Batches),
    // Its first word.
    ("batch fetch", "prompt", Values::Batches),
];

/// What an argument of a command can be; `path` are the command's words: `providers show`.
pub(super) fn values_of(path: &str, arg: &clap::Arg) -> Option<Values> {
    let id = arg.get_id().as_str();
    let is_of = |of: &str| of.is_empty() || of == path || path.split(' ').next() == Some(of);
    let fits = |&&(of, name, _): &&(&str, &str, Values)| name == id && is_of(of);
    let known = ARGUMENTS.iter().find(fits).map(|(.., values)| *values);
    let is_path = arg.get_value_hint() == clap::ValueHint::AnyPath;
    known.or_else(|| is_path.then_some(Values::Files))
}

/// What there is to look things up in.
pub(super) struct Known {
    env: Env,
    config: Option<Config>,
    /// The service that the line means.
    chosen: Option<Profile>,
    /// What stands before the word that is completed.
    before: Vec<String>,
}

impl Known {
    /// What is known for a command line, of which `before` stands before the word that is completed.
    pub(super) fn new(before: &[String], io: &mut Io) -> Self {
        let path = value_of(&["--config"], before).map(|path| io.env.expand_home(&path));
        // Where the user's file is wrong, the built-in profiles are still there.
        let config = config::load(path.as_deref(), io).ok().or_else(config::built_in);
        let provider = value_of(&["--provider", "--profile", "-p"], before);
        let service = ServiceOptions { provider, is_dry: true, ..ServiceOptions::default() };
        let choose = |config| profile_if_chosen(&service, None, config, io).ok().flatten();
        let chosen = config.as_ref().and_then(choose);
        Self { env: io.env.clone(), config, chosen, before: before.to_vec() }
    }

    /// All values of a kind, described where their names don't tell.
    pub(super) fn all(&self, values: Values) -> Vec<CompletionCandidate> {
        let config = self.config.as_ref();
        match values {
            Values::Profiles => self.profiles(),
            Values::Models => plain(self.models().iter().map(String::as_str)),
            Values::Prompts => plain(config.iter().flat_map(|config| config.prompt_names())),
            Values::Sessions => self.conversations(|is_named| is_named),
            Values::Conversations => self.conversations(|_| true),
            Values::Tools => {
                let mut tools = plain(config.iter().flat_map(|config| config.tool_names()));
                tools.push(ANY_FILE.into());
                tools
            }
            Values::Servers => {
                let servers = config.iter().flat_map(|config| config.mcp_servers());
                plain(servers.map(|server| server.name.as_str()))
            }
            Values::Commands => self.commands(),
            Values::Batches => {
                let ids = batch::handed_over(&self.env).into_iter();
                ids.map(|(id, service)| candidate(&id, Some(service))).collect()
            }
            Values::Files => vec![ANY_FILE.into()],
        }
    }

    /// The commands below those that `llm man` was given.
    fn commands(&self) -> Vec<CompletionCandidate> {
        let root = description();
        let words = self.before.iter().skip_while(|word| *word != "man").skip(1);
        let named = words.filter(|word| !word.starts_with('-'));
        let above = named.into_iter().try_fold(&root, |above, word| above.find_subcommand(word));
        let below = above.into_iter().flat_map(clap::Command::get_subcommands);
        plain(below.map(clap::Command::get_name))
    }

    fn profiles(&self) -> Vec<CompletionCandidate> {
        let Some(config) = &self.config else { return Vec::new() };
        let title = |name: &str| {
            let profile = config.profile(name)?;
            profile.title.get().or(profile.base_url.get()).map(|text| sanitize::one_line(text))
        };
        let names = config.names();
        names.iter().map(|name| candidate(name, title(name))).collect()
    }

    /// The models of the service that the line means; where it means none, those of all that were listed.
    fn models(&self) -> Vec<String> {
        let listed = |profile: &Profile| {
            listed::models_of(&profile.name, profile.base_url.as_deref(), &self.env)
        };
        match (&self.chosen, &self.config) {
            (Some(profile), _) => listed::with_default(profile, listed(profile)),
            (None, Some(config)) => {
                let names = config.names().into_iter();
                names.filter_map(|name| config.profile(name)).flat_map(|one| listed(&one)).collect()
            }
            (None, None) => Vec::new(),
        }
    }

    /// Conversations by name or id, the last one first; `wants` is told whether one has a name.
    fn conversations(&self, wants: fn(bool) -> bool) -> Vec<CompletionCandidate> {
        let Some(store) = Store::find(&self.env) else { return Vec::new() };
        let keys = store.keys().unwrap_or_default();
        let keys = keys.iter().filter(|key| wants(key.is_named())).take(MOST_CONVERSATIONS);
        let found = keys.filter_map(|key| {
            let conversation = store.read(key).ok()?;
            let first: String =
                conversation.turns.first()?.user.chars().take(TITLE_LETTERS).collect();
            Some(candidate(conversation.id(), Some(sanitize::one_line(&first))))
        });
        found.collect()
    }
}

/// The value that one of these flags has on a command line.
fn value_of(flags: &[&str], words: &[String]) -> Option<String> {
    let value = |(at, word): (usize, &String)| {
        let flag = flags.iter().find(|flag| word.starts_with(**flag))?;
        match (&word[flag.len()..], flag.starts_with("--")) {
            ("", _) => words.get(at + 1).cloned(),
            (rest, true) => rest.strip_prefix('=').map(str::to_owned),
            (rest, false) => Some(rest.to_owned()),
        }
    };
    words.iter().enumerate().filter_map(value).next_back()
}

fn plain<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<CompletionCandidate> {
    names.into_iter().map(|name| candidate(name, None)).collect()
}

fn candidate(name: &str, about: Option<String>) -> CompletionCandidate {
    CompletionCandidate::new(name).help(about.map(Into::into))
}
