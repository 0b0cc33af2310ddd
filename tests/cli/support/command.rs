//! Runs the program in a place of its own, with nothing of the tester's environment. It knows nothing of
//! what the program answers.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;

use super::outcome::{Origin, Outcome};
use super::running::{Input, Running};
use super::server::{Log, Server};

/// The program under test, to be given arguments and run.
pub(crate) fn llm() -> Llm {
    program(env!("CARGO_BIN_EXE_llm"))
}

/// Any other program in the same clean place.
pub(crate) fn program(path: impl AsRef<OsStr>) -> Llm {
    Llm {
        program: path.as_ref().to_owned(),
        args: Vec::new(),
        env: Vec::new(),
        input: Input::Null,
        limit: Duration::from_secs(60),
        place: Arc::new(Place::new()),
        log: None,
    }
}

/// A fresh home and a fresh working folder, removed when the last user is gone.
pub(super) struct Place {
    root: TempDir,
}

impl Place {
    fn new() -> Self {
        let root = TempDir::new().expect("a temporary folder can be made");
        let place = Self { root };
        for folder in ["home", "config", "data", "cache", "state", "work"] {
            fs::create_dir(place.path(folder)).expect("a fresh folder takes folders");
        }
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// The working folder.
    pub(super) fn dir(&self) -> PathBuf {
        self.path("work")
    }
}

/// A run of the program that is put together. A clone shares the place: its home, its files.
#[derive(Clone)]
#[must_use]
pub(crate) struct Llm {
    program: OsString,
    args: Vec<OsString>,
    env: Vec<(OsString, OsString)>,
    input: Input,
    limit: Duration,
    place: Arc<Place>,
    log: Option<Log>,
}

impl Llm {
    /// One argument.
    pub(crate) fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    /// Several arguments.
    pub(crate) fn args<A: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args.extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    /// These arguments instead of those so far.
    pub(crate) fn bare_args<A: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args.clear();
        self.args(args)
    }

    /// Another program in the same place, without arguments.
    pub(crate) fn in_place(&self, program: impl AsRef<OsStr>) -> Self {
        Self { program: program.as_ref().to_owned(), args: Vec::new(), ..self.clone() }
    }

    /// An environment variable; it wins over those that are set for every run.
    pub(crate) fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        let pair = (name.as_ref().to_owned(), value.as_ref().to_owned());
        self.env.push(pair);
        self
    }

    /// Writes the user's profile file, readable by the user alone.
    pub(crate) fn config(self, text: &str) -> Self {
        let path = self.config_file();
        let folder = path.parent().expect("the file is in a folder");
        fs::create_dir_all(folder).expect("the configuration folder can be made");
        fs::write(&path, text).expect("the profile file can be written");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let private = fs::Permissions::from_mode(0o600);
            fs::set_permissions(&path, private).expect("the mode of an own file can be set");
        }
        self
    }

    /// A profile file with the one profile `test`, which has the model `test-model` at `base_url`.
    pub(crate) fn profile_at(self, base_url: &str) -> Self {
        self.config(&format!(
            "[providers.test]\nbase_url = \"{base_url}\"\nmodel = \"test-model\"\n"
        ))
    }

    /// The profile `test` at this server, whose requests are shown when an assertion fails.
    pub(crate) fn profile(self, server: &Server) -> Self {
        self.profile_at(&server.url()).watch(server)
    }

    /// Shows the requests of this server when an assertion fails.
    pub(crate) fn watch(mut self, server: &Server) -> Self {
        self.log = Some(server.log());
        self
    }

    /// Standard input is a pipe with these bytes and then its end.
    pub(crate) fn stdin(mut self, bytes: impl AsRef<[u8]>) -> Self {
        self.input = Input::Bytes(bytes.as_ref().to_vec());
        self
    }

    /// Standard input is an open file, read from where it is.
    pub(crate) fn stdin_file(mut self, file: std::fs::File) -> Self {
        self.input = Input::File(std::sync::Arc::new(file));
        self
    }

    /// Standard input is a pipe that stays open and silent until it is written to or closed.
    pub(crate) fn stdin_pipe_open(mut self) -> Self {
        self.input = Input::OpenPipe;
        self
    }

    /// How long the program may run before it is killed and the test fails, instead of a minute.
    pub(crate) fn watchdog(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// The folder that the program runs in.
    pub(crate) fn dir(&self) -> PathBuf {
        self.place.dir()
    }

    /// A folder of the place: `home`, `config`, `data`, `cache` or `state`.
    pub(crate) fn folder(&self, name: &str) -> PathBuf {
        self.place.path(name)
    }

    /// The user's profile file, which need not exist.
    pub(crate) fn config_file(&self) -> PathBuf {
        self.place.path("config").join("llm").join("providers.toml")
    }

    /// Writes a file into [`Llm::dir`].
    pub(crate) fn file(self, name: impl AsRef<Path>, bytes: impl AsRef<[u8]>) -> Self {
        fs::write(self.dir().join(name), bytes).expect("a fresh folder takes files");
        self
    }

    /// Runs the program to its end.
    #[track_caller]
    pub(crate) fn run(&self) -> Outcome {
        self.spawn().wait()
    }

    /// Starts the program.
    #[track_caller]
    pub(crate) fn spawn(&self) -> Running {
        let mut command = self.bare(&self.program);
        command.args(&self.args);
        self.start(command, self.input.clone())
    }

    /// Starts another command of this place, with the input given.
    #[track_caller]
    pub(super) fn start(&self, command: Command, input: Input) -> Running {
        let origin = Origin {
            args: self.words().skip(1).collect(),
            place: Arc::clone(&self.place),
            log: self.log.clone(),
        };
        Running::start(command, input, self.limit, origin)
    }

    /// A command for `program` with the folder and the environment of this run, and no arguments.
    pub(super) fn bare(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.env_clear().current_dir(self.dir());
        command.envs(inherited()).env("LANG", "C.UTF-8");
        for (name, folder) in [
            ("HOME", "home"),
            ("XDG_CONFIG_HOME", "config"),
            ("XDG_DATA_HOME", "data"),
            ("XDG_CACHE_HOME", "cache"),
            ("XDG_STATE_HOME", "state"),
        ] {
            command.env(name, self.place.path(folder));
        }
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        command
    }

    /// The program and its arguments as text.
    pub(super) fn words(&self) -> impl Iterator<Item = String> {
        let words = std::iter::once(&self.program).chain(&self.args);
        words.map(|word| word.to_string_lossy().into_owned())
    }
}

/// The variables without which programs are not found (or, on Windows, have no sockets).
#[expect(
    clippy::disallowed_methods,
    reason = "the rule is for the program; its tests hand these two on to it"
)]
fn inherited() -> impl Iterator<Item = (&'static str, OsString)> {
    ["PATH", "SystemRoot"].into_iter().filter_map(|name| Some((name, std::env::var_os(name)?)))
}
