//! The profiles: the list inside the binary and the user's file, laid over each other. Knows where
//! the file is and what it may hold; not what a profile's values do.

mod catalogue;
pub(crate) mod document;
pub(crate) mod field;
pub(crate) mod job;
pub(crate) mod mcp;
mod misnamed;
pub(crate) mod name;
pub(crate) mod origin;
pub(crate) mod price;
pub(crate) mod profile;
pub(crate) mod prompt;
pub(crate) mod rule;
pub(crate) mod schema;
mod source;
mod table;
pub(crate) mod template;
#[cfg(test)]
mod tests;
pub(crate) mod tool;
pub(crate) mod value;
pub(crate) mod words;

use std::cell::OnceCell;
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use crate::error::{Failure, reason};
use crate::io::{Env, Io, MOST_TEXT, read_text};
use crate::secret;
use document::{Document, document};
use field::{Field, Sourced};
use mcp::McpTable;
use origin::Origin;
use profile::Profile;
use prompt::Prompt;
use schema::nearest;
use tool::ToolTable;

/// All profiles that can be used by name.
#[derive(Debug)]
pub(crate) struct Config {
    /// The text of the built-in list, of which only what is asked for is read.
    catalogue: &'static str,
    user: Document,
    /// Where in the user's file each profile of it stands.
    index: HashMap<String, usize>,
    /// The names in the built-in list, once somebody has asked for them.
    built_in_names: OnceCell<HashSet<&'static str>>,
}

/// How many profiles may lie over each other by `like`.
const MOST_LAYERS: usize = 32;

/// How many names a message lists.
const MOST_NAMES: usize = 100;

/// The profile file that is in force, and whether the user named it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Location {
    pub(crate) path: PathBuf,
    /// Named by `--config` or `LLM_CONFIG`: then it must exist.
    pub(crate) named: bool,
}

/// Where the profile file is: `--config`, `LLM_CONFIG`, or the user's configuration folder.
///
/// # Errors
/// No home directory to look in.
pub(crate) fn location(flag: Option<&Path>, env: &Env) -> Result<Location, Failure> {
    if let Some(path) = flag {
        return Ok(Location { path: path.to_owned(), named: true });
    }
    if let Some(path) = env.get("LLM_CONFIG") {
        return Ok(Location { path: path.into(), named: true });
    }
    // `directories` reads this variable on Linux only; people who set it elsewhere mean it too.
    let xdg = env.get("XDG_CONFIG_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let folder = match xdg {
        Some(folder) => Some(folder.join("llm")),
        None => directories::ProjectDirs::from("", "", "llm")
            .map(|folders| folders.config_dir().to_owned()),
    };
    let folder = folder.ok_or_else(|| {
        Failure::usage("there is no home directory to look for profiles in")
            .hint("set HOME, or name the file with --config FILE")
    })?;
    Ok(Location { path: folder.join("providers.toml"), named: false })
}

/// Reads the user's file; the built-in list is read when a profile is asked for.
///
/// # Errors
/// A named file that is missing, one that can't be read, and whatever is wrong in it.
pub(crate) fn load(flag: Option<&Path>, io: &mut Io) -> Result<Config, Failure> {
    let location = location(flag, &io.env)?;
    let path = &location.path;
    let user = match std::fs::File::open(path).and_then(read_text) {
        Ok(Some(bytes)) => {
            let unreadable = |what: &str| {
                Failure::usage(format!("cannot read the profile file {}: {what}", path.display()))
            };
            let text = str::from_utf8(&bytes).map_err(|_| unreadable("it is not UTF-8"))?;
            let document = document(text, Some(path))?;
            warn_of_open_keys(path, &document, io);
            document
        }
        Ok(None) => {
            let (path, most) = (path.display(), MOST_TEXT >> 20);
            let what = format!("the profile file {path} is larger than {most} MiB");
            return Err(Failure::usage(what));
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && !location.named => {
            Document::default()
        }
        Err(error) => {
            let what =
                format!("cannot read the profile file {}: {}", path.display(), reason(&error));
            let failure = Failure::usage(what);
            return Err(match error.kind() {
                std::io::ErrorKind::NotFound => {
                    failure.hint("`llm config init` writes a first one")
                }
                _ => failure,
            });
        }
    };
    Config::new(catalogue::TEXT, user)
}

/// The built-in profiles alone.
pub(crate) fn built_in() -> Option<Config> {
    Config::new(catalogue::TEXT, Document::default()).ok()
}

#[cfg(unix)]
fn warn_of_open_keys(path: &Path, document: &Document, io: &mut Io) {
    use std::os::unix::fs::PermissionsExt as _;
    let holds_key = |profile: &Profile| profile.api_key.is_set();
    let mode = std::fs::metadata(path).map_or(0, |facts| facts.permissions().mode());
    let is_open = mode & 0o077 != 0;
    if is_open
        && (document.providers.iter().any(holds_key)
            || document.mcp.iter().any(McpTable::holds_key))
    {
        let path = path.display();
        io.warn(&format!("{path} contains a key, and others can read it; run `chmod 600 {path}`"));
    }
}

#[cfg(not(unix))]
fn warn_of_open_keys(_: &Path, _: &Document, _: &mut Io) {}

/// A profile that another one is like, without the keys and headers that the user wrote down for its
/// address, where the other one has an address of its own.
fn without_foreign_secrets(mut below: Profile, own: &Profile) -> Profile {
    let is_users =
        |origin: Option<&Origin>| origin.is_some_and(|origin| *origin != Origin::BuiltIn);
    let has_own_address =
        own.base_url.get().is_some() && own.base_url.get() != below.base_url.get();
    if !has_own_address {
        return below;
    }
    let keys = [
        below.api_key.origin(),
        below.api_key_env.origin(),
        below.api_key_cmd.origin(),
        below.api_key_file.origin(),
    ];
    if keys.into_iter().any(is_users) {
        below.forget_keys();
    }
    below.forget_client_certificate();
    for headers in [&mut below.headers, &mut below.models_headers] {
        if headers.iter().any(|(_, field)| field.origin != Origin::BuiltIn) {
            headers.clear();
        }
    }
    below
}

/// Names in a sentence; of very many the first.
pub(crate) fn listed(names: &[&str]) -> String {
    let text = names.iter().take(MOST_NAMES).copied().collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(MOST_NAMES) {
        0 => text,
        more => format!("{text} and {more} more"),
    }
}

impl Config {
    /// # Errors
    /// A `like` in the user's file that names no profile, or that leads back to its own.
    fn new(catalogue: &'static str, user: Document) -> Result<Self, Failure> {
        let names = user.providers.iter().enumerate();
        let index = names.map(|(at, profile)| (profile.name.clone(), at)).collect();
        let config = Self { catalogue, user, index, built_in_names: OnceCell::new() };
        config.user.providers.iter().try_for_each(|profile| config.check_like(profile))?;
        Ok(config)
    }

    /// Whether there is a profile of that name, or one that it is another name of.
    pub(crate) fn has(&self, name: &str) -> bool {
        let name = self.meant(name);
        self.has_own(name) || self.has_built_in(name)
    }

    /// The name of the profile that an alias stands for; any other name is its own. A name counts for
    /// more than an alias, and what is the user's for more than what is built in.
    pub(crate) fn meant<'n>(&'n self, name: &'n str) -> &'n str {
        if self.has_own(name) || self.has_built_in(name) {
            return name;
        }
        let mut aliases = self.aliases();
        aliases.find(|(alias, _)| *alias == name).map_or(name, |(_, profile)| profile)
    }

    /// Every alias with the name of its profile, the user's first.
    fn aliases(&self) -> impl Iterator<Item = (&str, &str)> {
        let users = self.user.providers.iter().flat_map(|profile| {
            let aliases = profile.aliases.as_deref().unwrap_or_default();
            aliases.iter().map(|alias| (alias.as_str(), profile.name.as_str()))
        });
        let has_others =
            |name: &str| self.written(name).is_some_and(|profile| profile.aliases.is_set());
        users.chain(
            catalogue::aliases(self.catalogue).filter(move |(_, profile)| !has_others(profile)),
        )
    }

    /// The name or alias nearest to a mistyped one, in words for a hint; nothing if none is near.
    pub(crate) fn did_you_mean(&self, typed: &str) -> Option<String> {
        let names = self.names();
        let aliases = self.aliases().map(|(alias, _)| alias);
        let near = nearest(typed, names.into_iter().chain(aliases))?;
        Some(match self.meant(near) {
            name if name == near => format!("did you mean `{near}`?"),
            name => format!("did you mean `{near}` ({name})?"),
        })
    }

    /// What to do about a name that no profile has: the nearest name, and the user's own ones. The
    /// built-in ones are too many for a line.
    pub(crate) fn hint_for_unknown(&self, typed: &str) -> String {
        let near = self.did_you_mean(typed).map(|near| format!("{near} ")).unwrap_or_default();
        match self.user_names()[..] {
            [] => format!("{near}`llm providers` lists the profiles"),
            ref own => format!("{near}your profiles: {}; `llm providers` lists all", listed(own)),
        }
    }

    /// Whether the user's file has a profile of that name.
    pub(crate) fn has_own(&self, name: &str) -> bool {
        self.index.contains_key(name)
    }

    fn has_built_in(&self, name: &str) -> bool {
        let names = || catalogue::names(self.catalogue).collect();
        self.built_in_names.get_or_init(names).contains(name)
    }

    /// The profile of that name: the user's fields over the built-in ones, over those of the profile
    /// that it is like. What a built-in profile is like is the built-in one, so that a key of the
    /// user's for one service goes to no other. An alias finds the profile that it stands for.
    pub(crate) fn profile(&self, name: &str) -> Option<Profile> {
        let name = self.meant(name);
        let built_in = self.has_built_in(name).then(|| catalogue::written(self.catalogue, name));
        let own = match (built_in.flatten(), self.written(name).cloned()) {
            (Some(mut below), Some(above)) => {
                below.lay_over(above);
                below
            }
            (None, Some(own)) => Profile { is_users_own: true, ..own },
            (below, None) => below?,
        };
        let below = own.like.sourced().and_then(|like| match like.origin {
            Origin::BuiltIn => self.built_in(&like.value),
            _ => self.profile(&like.value),
        });
        match below {
            Some(below) => {
                let (below, is_users_own) =
                    (without_foreign_secrets(below, &own), own.is_users_own);
                Some(Profile { is_users_own, ..own.laid_on(below) })
            }
            None => Some(own),
        }
    }

    /// The profile of that name in the built-in list, without anything of the user's.
    pub(crate) fn built_in(&self, name: &str) -> Option<Profile> {
        catalogue::profile(self.catalogue, name)
    }

    /// The profile of that name as the user's file has it.
    fn written(&self, name: &str) -> Option<&Profile> {
        self.user.providers.get(*self.index.get(name)?)
    }

    /// Follows `like` from one profile of the user's to the next. The built-in list has no circle.
    fn check_like(&self, profile: &Profile) -> Result<(), Failure> {
        let mut way = vec![profile.name.as_str()];
        let mut next = profile.like.sourced();
        while let Some(Sourced { value: name, origin, .. }) = next {
            if !self.has(name) {
                let name_shown = secret::named(name);
                let what = format!("{origin}: `like` names no profile: {name_shown}");
                return Err(Failure::usage(what).hint(self.hint_for_unknown(name)));
            }
            if way.len() == MOST_LAYERS {
                let what = format!("{origin}: `like` leads over more than {MOST_LAYERS} profiles");
                return Err(Failure::usage(what));
            }
            let name = self.meant(name);
            let is_circle = way.contains(&name);
            way.push(name);
            if is_circle {
                let what = format!("{origin}: `like` goes in a circle: {}", way.join(", "));
                return Err(Failure::usage(what));
            }
            next = self.written(name).and_then(|profile| profile.like.sourced());
        }
        Ok(())
    }

    /// The `default` of the user's file.
    pub(crate) fn default(&self) -> &Field<String> {
        &self.user.default
    }

    /// Whether conversations are kept: `log` in the user's file, else yes.
    pub(crate) fn keeps_log(&self) -> bool {
        self.user.log.unwrap_or(true)
    }

    /// The table `[prompts.NAME]` of the user's file.
    pub(crate) fn prompt(&self, name: &str) -> Option<&Prompt> {
        self.user.prompts.iter().find(|prompt| prompt.name == name)
    }

    /// Takes this prompt for the one of its name.
    pub(crate) fn set_prompt(&mut self, prompt: Prompt) {
        self.user.prompts.retain(|known| known.name != prompt.name);
        self.user.prompts.push(prompt);
    }

    /// The names of the prompts in the user's file, in its order.
    pub(crate) fn prompt_names(&self) -> Vec<&str> {
        self.user.prompts.iter().map(|prompt| prompt.name.as_str()).collect()
    }

    /// The user's tool of that name.
    pub(crate) fn tool(&self, name: &str) -> Option<&ToolTable> {
        self.user.tools.iter().find(|tool| tool.name == name)
    }

    /// The names of the user's tools, in the order of the file.
    pub(crate) fn tool_names(&self) -> Vec<&str> {
        self.user.tools.iter().map(|tool| tool.name.as_str()).collect()
    }

    /// The user's servers of tools, in the order of the file.
    pub(crate) fn mcp_servers(&self) -> &[McpTable] {
        &self.user.mcp
    }

    /// The names in the user's file, in its order.
    pub(crate) fn user_names(&self) -> Vec<&str> {
        self.user.providers.iter().map(|profile| profile.name.as_str()).collect()
    }

    /// All names: the user's first, then the built-in ones.
    pub(crate) fn names(&self) -> Vec<&str> {
        let mut names = self.user_names();
        let more: Vec<&str> =
            catalogue::names(self.catalogue).filter(|name| !self.has_own(name)).collect();
        names.extend(more);
        names
    }
}
