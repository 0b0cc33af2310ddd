//! What fingers type that come from other programs (simonw/llm, aichat, OpenAI's own command line, curl,
//! Ollama), and the words for it here. Asked only about a command line that has failed.

use std::ffi::OsString;

use clap::error::{ContextKind, ErrorKind};

/// Commands of other programs: the first word, what may stand behind it (see [`fits`]), what to do here.
const COMMANDS: &[(&str, &str, &str)] = &[
    ("keys", "- set list get path", KEYS),
    ("auth", "- login logout status", KEYS),
    ("login", "-", KEYS),
    (
        "logs",
        "- list path status backup",
        "`llm history` lists earlier conversations, `llm history show ID` shows one",
    ),
    (
        "logs",
        "on off",
        "`log = false` in the profile file keeps no conversation: `llm config edit`",
    ),
    (
        "models",
        "default",
        "`default = \"NAME\"` in the profile file names the profile, `model` in it the model: `llm config edit`",
    ),
    ("models", "options", "`llm providers show NAME` shows what a profile sends"),
    (
        "aliases",
        "- list set remove path",
        "a profile with a name of your own is an alias: [providers.NAME] with `like` and `model`, by `llm config edit`",
    ),
    ("templates", "- list show edit path loaders", PROMPTS),
    ("roles", "- list", PROMPTS),
    ("fragments", "- list set show remove", "`-f FILE` puts a text before the prompt"),
    ("schemas", "- list show", "`llm chat --schema FILE` takes a schema out of a file"),
    (
        "tools",
        "- list",
        "`llm chat --tool NAME` offers a tool; [tools.NAME] stands in the profile file",
    ),
    ("plugins", "-", PLUGINS),
    ("install", "- llm*", PLUGINS),
    ("uninstall", "- llm*", PLUGINS),
    ("embed-multi", "*", "`llm embed --lines -f FILE -o FILE.jsonl` embeds every line of a file"),
    (
        "embed-models",
        "- list default",
        "`models = { embed = \"…\" }` in a profile names the model for embed",
    ),
    (
        "collections",
        "- list path delete",
        "vectors are files here: `llm embed -o FILE`, then `llm similar --in FILE`",
    ),
    ("prompt", "*", "`llm chat \"…\"` asks a model"),
    ("ask", "*", "`llm chat \"…\"` asks a model"),
    ("run", "*", "`llm chat -p ollama -m MODEL \"…\"` asks a model on this machine"),
    (
        "pull",
        "*",
        "`ollama pull MODEL` gets a model; `llm models -p ollama` lists those that are there",
    ),
    ("list", "-", "`llm models` lists the models, `llm providers` the services"),
    ("ls", "-", "`llm models` lists the models, `llm providers` the services"),
    ("serve", "-", "there is no server here, only -p demo; `llm providers` lists the services"),
    ("tts", "*", "`llm speak -o FILE \"…\"` turns text into speech"),
    ("stt", "*", "`llm transcribe FILE` turns speech into text"),
    ("whisper", "*", "`llm transcribe FILE` turns speech into text"),
];

const KEYS: &str = "a key stands in a variable: `api_key_env` in the profile names it, `llm config edit` opens \
                    the profile file; `llm providers show NAME` tells the usual variable";
const PROMPTS: &str = "a saved prompt is [prompts.NAME] in the profile file (`llm config edit`), used by `llm chat --prompt NAME`";
const OF_CHAT: &str = "`--fallback` is of `llm chat` alone";
const PLUGINS: &str = "there are no plugins: every service is a profile; `llm providers` lists those that are built in";

/// Flags of other programs: the command (nothing for any), how they are spelt, what to do here.
const FLAGS: &[(&str, &str, &str)] = &[
    ("embed", "-c --content", "the text is an argument: `llm embed \"…\"`"),
    ("embed", "-i --input", "`-f FILE` reads a text out of a file, `--lines` each of its lines"),
    ("models", "--query", "`llm models WORD` lists the ids that contain a word"),
    (
        "transcribe",
        "--response-format --response_format --output-format --output_format",
        "`--format FMT`, or the ending of `-o FILE`",
    ),
    ("transcribe", "--file", "files are arguments: `llm transcribe FILE`"),
    ("speak", "--response-format --response_format", "`--format FMT`, or the ending of `-o FILE`"),
    ("speak", "--input --text", "the text is an argument: `llm speak -o FILE \"…\"`"),
    ("image", "--response-format --response_format", "pictures are written to files: `-o FILE`"),
    (
        "",
        "-a --attachment --attach --at --attachment-type --image --images --file-path",
        "`-f FILE` attaches a file, whatever is in it",
    ),
    ("", "--fragment --sf --system-fragment", "`-f FILE` puts a text before the prompt"),
    (
        "",
        "--cid --conversation --conversation-id",
        "`--session NAME` goes on with a conversation that has a name, `-c` with the last one",
    ),
    ("", "--xl", "`--extract-last` prints the last code block"),
    (
        "",
        "-T --functions --function --td --ta --tools",
        "`--tool COMMAND` offers a tool to the model",
    ),
    (
        "",
        "-r --role --template --agent --macro",
        "`--prompt NAME` uses a prompt of the profile file, `-s TEXT` gives instructions",
    ),
    ("", "--param", "`--var NAME=TEXT` fills in what a prompt leaves open"),
    (
        "",
        "--save --save-session",
        "a prompt is saved as [prompts.NAME] in the profile file: `llm config edit`",
    ),
    ("", "--empty-session", "`llm chat` without -c and --session begins a new conversation"),
    (
        "",
        "--key --api-key --apikey --api_key --token",
        "`--api-key-env VAR` names the variable that holds the key; a profile does so with `api_key_env`",
    ),
    (
        "",
        "--api-base --api_base --endpoint --url --host",
        "`--base-url URL` asks a server without a profile",
    ),
    ("", "--list-models", "`llm models` lists the models"),
    ("", "--list-sessions", "`llm history` lists the conversations"),
    ("", "--list-roles --list-macros --list-agents", PROMPTS),
    (
        "",
        "--rag --rebuild-rag",
        "`-f FILE` puts texts before the prompt; `llm embed` and `llm similar` find the nearest ones",
    ),
    ("", "-e --execute", "`llm chat -x \"…\" | sh` runs the code of an answer"),
    ("", "--code", "`-x` prints only the code of an answer"),
    ("", "--info", "`llm providers show` shows the profile in use, `llm config path` the file"),
    (
        "",
        "-g --message --messages --input",
        "words are the prompt and `-s TEXT` the instructions: `llm chat -s \"…\" \"…\"`",
    ),
    ("", "--stream", "answers are streamed; `-S` turns that off"),
    ("", "-N --no-buffer", "answers are written as they come"),
    (
        "",
        "-d --data --data-raw --data-binary -F --form",
        "`-O KEY=VALUE` sets a field of the request, `-f FILE` adds a file; `--dry-run` prints the request as a curl command",
    ),
    (
        "",
        "-X --request",
        "the command decides on the method; `--dry-run` prints the request as a curl command",
    ),
    ("", "--proxy", "`proxy` in a profile or HTTPS_PROXY names a proxy"),
    (
        "",
        "--cacert --capath",
        "`ca_file` in a profile or SSL_CERT_FILE names certificates to trust",
    ),
    ("", "--cert", "`client_cert_file` in a profile names a certificate"),
    ("", "-i -I --include --head", "`-v` shows the HTTP exchange"),
    ("", "--connect-timeout", "`--timeout SECS` is the longest wait for data"),
    ("", "--retry", "`--retries N` is the number of further tries"),
    ("", "-A --user-agent", "`-H 'User-Agent: …'` sets the header"),
    ("batch", "--fallback", "a batch asks one service; `--fallback` is of `llm chat` alone"),
    ("embed", "--fallback", OF_CHAT),
    ("image", "--fallback", OF_CHAT),
    ("transcribe", "--fallback", OF_CHAT),
    ("speak", "--fallback", OF_CHAT),
    ("similar", "--fallback", OF_CHAT),
    ("models", "--fallback", OF_CHAT),
    (
        "chat",
        "--response-format --response_format --format",
        "`--schema SCHEMA` asks for JSON; `-O response_format='{…}'` sets the field itself",
    ),
    (
        "chat",
        "--max-completion-tokens --max_completion_tokens --max-output-tokens",
        "`--max-tokens N`; each service gets the name that it knows",
    ),
];

/// Fields of requests that have no flag of their own.
const FIELDS: &[&str] = &[
    "frequency_penalty",
    "presence_penalty",
    "repetition_penalty",
    "top_k",
    "min_p",
    "logit_bias",
    "logprobs",
    "top_logprobs",
    "user",
    "store",
    "metadata",
    "service_tier",
    "verbosity",
    "modalities",
    "parallel_tool_calls",
    "tool_choice",
    "num_ctx",
    "keep_alive",
];

/// Resources of OpenAI's own command line, and the command that asks for them.
const RESOURCES: &[(&str, &str)] = &[
    ("chat completions", "llm chat \"…\""),
    ("responses", "llm chat \"…\""),
    ("images", "llm image \"…\""),
    ("audio transcriptions", "llm transcribe FILE"),
    ("audio translations", "llm transcribe --translate FILE"),
    ("audio speech", "llm speak -o FILE \"…\""),
    ("embeddings", "llm embed \"…\""),
    ("models", "llm models"),
    ("batches", "llm batch -f ROWS -o FILE"),
];

/// What a failed command line (the program's name first) does here, if it is one of another program.
pub(super) fn hint(error: &clap::Error, line: &[OsString]) -> Option<String> {
    let words: Vec<&str> = line.iter().skip(1).filter_map(|word| word.to_str()).collect();
    let command = words.first().copied().unwrap_or_default();
    if let Some(hint) = of_command(&words).or_else(|| of_resource(&words)) {
        return Some(hint);
    }
    let typed = error.get(ContextKind::InvalidArg).map(ToString::to_string)?;
    match error.kind() {
        ErrorKind::UnknownArgument => of_flag(&typed, command),
        ErrorKind::ValueValidation | ErrorKind::InvalidValue => of_value(&typed, &words),
        _ => None,
    }
}

fn of_command(words: &[&str]) -> Option<String> {
    let (first, rest) = words.split_first()?;
    let found = COMMANDS.iter().find(|(name, behind, _)| name == first && fits(behind, rest));
    found.map(|(.., hint)| (*hint).to_owned())
}

/// Whether what stands behind a word makes a command of it, and no sentence: `-` nothing or a flag, `*`
/// anything, `llm*` a word that begins so, else the word itself.
fn fits(behind: &str, rest: &[&str]) -> bool {
    let next = rest.first().copied().unwrap_or("-");
    behind.split(' ').any(|pattern| match pattern.split_once('*') {
        Some((beginning, _)) => next.starts_with(beginning),
        None if pattern == "-" => next.starts_with('-'),
        None => pattern == next,
    })
}

/// `api chat.completions.create`, `chat:completions create`, `models list`.
fn of_resource(words: &[&str]) -> Option<String> {
    const VERBS: [&str; 5] = ["create", "list", "generate", "retrieve", "edit"];
    let words = words.strip_prefix(&["api"]).unwrap_or(words);
    let bare = words.iter().take_while(|word| !word.starts_with('-')).take(3);
    let parts: Vec<&str> = bare.flat_map(|word| word.split(['.', ':'])).collect();
    let verb = parts.iter().position(|part| VERBS.contains(part)).filter(|at| *at > 0)?;
    let resource = parts[..verb].join(" ");
    let found = RESOURCES.iter().find(|(name, _)| *name == resource);
    found.map(|(_, command)| format!("`{command}` does that here"))
}

fn of_flag(typed: &str, command: &str) -> Option<String> {
    let flag = typed.split(['=', ' ']).next().unwrap_or_default();
    let is_meant = |&&(of, spellings, _): &&(&str, &str, &str)| {
        (of.is_empty() || of == command) && spellings.split(' ').any(|one| one == flag)
    };
    if let Some((.., hint)) = FLAGS.iter().find(is_meant) {
        return Some((*hint).to_owned());
    }
    let name = flag.strip_prefix("--")?.replace('-', "_");
    FIELDS
        .contains(&name.as_str())
        .then(|| format!("`-O {name}=VALUE` sets that field of the request"))
}

/// A flag that means something else in another program, told by a value that can't be meant here.
fn of_value(typed: &str, words: &[&str]) -> Option<String> {
    let (short, hint) = match typed {
        _ if typed.starts_with("--temperature") => {
            ("-t", "a saved prompt is used by `--prompt NAME`")
        }
        _ if typed.starts_with("--number") => {
            ("-n", "`--no-log` keeps nothing of the conversation")
        }
        _ => return None,
    };
    let at = words.iter().position(|word| *word == short)?;
    let is_word = words.get(at + 1).is_some_and(|value| value.starts_with(char::is_alphabetic));
    is_word.then(|| hint.to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::description::description;
    use super::*;

    fn told(line: &[&str]) -> String {
        let line: Vec<OsString> = ["llm"].iter().chain(line).map(OsString::from).collect();
        let error = description().try_get_matches_from(&line).expect_err("is refused");
        hint(&error, &line).unwrap_or_default()
    }

    #[test]
    fn commands_of_other_programs_are_known() {
        for (line, expected) in [
            (&["keys", "set", "openai"][..], "api_key_env"),
            (&["keys"], "api_key_env"),
            (&["logs"], "llm history"),
            (&["logs", "-n", "3"], "llm history"),
            (&["logs", "off"], "log = false"),
            (&["models", "default", "gpt-4o"], "default = "),
            (&["templates", "edit", "x"], "[prompts.NAME]"),
            (&["install", "llm-claude-3"], "no plugins"),
            (&["api", "chat.completions.create", "-m", "x"], "llm chat"),
            (&["chat:completions", "create", "--model", "x"], "llm chat"),
            (&["audio.transcriptions.create", "-f", "x"], "llm transcribe"),
            (&["images", "generate", "--prompt", "x"], "llm image"),
            (&["embeddings", "create"], "llm embed"),
        ] {
            assert!(told(line).contains(expected), "{line:?}: {}", told(line));
        }
        // Sentences are no commands.
        for line in [&["keys", "to", "success"][..], &["logs of a ship"], &["install", "docker"]] {
            assert_eq!(told(line), "", "{line:?}");
        }
    }

    #[test]
    fn flags_of_other_programs_are_known() {
        for (line, expected) in [
            (&["chat", "-a", "x.png", "hi"][..], "`-f FILE`"),
            (&["-a", "x.png", "hi"], "`-f FILE`"),
            (&["chat", "--key", "sk-1", "hi"], "--api-key-env"),
            (&["chat", "--key=sk-1", "hi"], "--api-key-env"),
            (&["chat", "--xl", "hi"], "--extract-last"),
            (&["chat", "-d", "{}", "hi"], "-O KEY=VALUE"),
            (&["chat", "-X", "POST", "hi"], "--dry-run"),
            (&["embed", "-c", "hi"], "llm embed"),
            (&["embed", "-i", "a.txt"], "`-f FILE`"),
            (&["chat", "--frequency-penalty", "1"], "-O frequency_penalty=VALUE"),
            (&["chat", "--role", "pirate"], "--prompt NAME"),
            (&["chat", "-t", "summary", "hi"], "--prompt NAME"),
            (&["chat", "-n", "hi"], "--no-log"),
            (&["--list-models"], "llm models"),
        ] {
            assert!(told(line).contains(expected), "{line:?}: {}", told(line));
            assert!(!told(line).contains("sk-1"));
        }
        for line in [&["chat", "-t", "7.x"][..], &["chat", "--nonsense"], &["chat", "-n", "-1"]] {
            assert_eq!(told(line), "", "{line:?}");
        }
    }

    /// A row that names a command or a flag which works here would never be shown.
    #[test]
    fn no_row_names_what_there_is() {
        let mut root = description();
        root.build();
        for (name, behind, _) in COMMANDS {
            let own = root.find_subcommand(name);
            assert!(own.is_none() || !behind.contains(['-', '*']), "{name}");
        }
        for (of, spellings, _) in FLAGS {
            let commands: Vec<&clap::Command> = match *of {
                "" => vec![root.find_subcommand("chat").expect("is there")],
                name => vec![root.find_subcommand(name).expect("is there")],
            };
            for spelling in spellings.split(' ') {
                let is_known = |arg: &clap::Arg| match spelling.strip_prefix("--") {
                    Some(long) => arg.get_long() == Some(long),
                    None => arg.get_short() == spelling.chars().nth(1),
                };
                let found = commands.iter().any(|command| command.get_arguments().any(is_known));
                assert!(!found, "{of} {spelling}");
            }
        }
    }
}
