//! The sections of a manual page that the description of the command line does not have as such.

use clap::Command;
use clap_mangen::roff::{Roff, bold, roman};

/// Commands that ask no service: what only requests need is not on their pages.
const ASK_NOTHING: [&str; 5] = ["completions", "config", "history", "man", "usage"];

/// Environment variables; whether only requests need them.
const ENVIRONMENT: &[(&str, bool, &str)] = &[
    ("LLM_PROVIDER", true, "The profile, where -p is not given."),
    ("LLM_MODEL", true, "The model, where -m is not given."),
    ("LLM_CONFIG", false, "The profile file, where --config is not given."),
    ("LLM_NO_LOG", true, "If set, nothing is kept of what is asked."),
    (
        "OPENAI_API_KEY and the like",
        true,
        "The key of a service. `llm providers show NAME` tells the variable of each profile.",
    ),
    ("OPENAI_BASE_URL", true, "The base URL of the built-in profile openai."),
    ("OLLAMA_HOST", true, "The address of the built-in profile ollama."),
    ("HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, NO_PROXY", true, "Proxies, as curl reads them."),
    (
        "SSL_CERT_FILE, SSL_CERT_DIR",
        true,
        "Certificates that are trusted, instead of the system's.",
    ),
    ("NO_COLOR, CLICOLOR_FORCE", false, "Never, or always, use colour where --color is not given."),
    ("VISUAL, EDITOR", false, "The editor of `llm config edit` and of /edit in a conversation."),
    ("XDG_CONFIG_HOME, XDG_DATA_HOME", false, "Where the folders below FILES are."),
];

/// Files; the folders are those of Linux.
const FILES: &[(&str, &str)] = &[
    (
        "~/.config/llm/providers.toml",
        "The profiles, prompts and tools of the user. `llm config path` prints where it is on this system.",
    ),
    (
        "~/.local/share/llm/history/",
        "Conversations, a file each. `llm history path` prints its folder.",
    ),
    ("~/.local/share/llm/inputs.jsonl", "What was typed in conversations."),
    ("~/.local/share/llm/models/", "What `llm models` has listed, for completions."),
];

/// Exit codes.
const EXIT_STATUS: &[(&str, &str)] = &[
    ("0", "Done."),
    ("1", "An error that is not below: a file that can't be written, say."),
    ("2", "Wrong usage or configuration; nothing was sent."),
    ("3", "The service refused the credentials (401, 403)."),
    ("4", "The service refused the request, or its reply has no answer."),
    ("5", "Rate limit or quota (429), after the retries."),
    ("6", "Network, time-out, server error, or a stream that broke off."),
    ("7", "The answer was cut by a token limit that the user did not set."),
    ("130", "Interrupted (Ctrl-C); 143 for SIGTERM."),
    ("141", "The reader of standard output went away."),
];

/// ENVIRONMENT, FILES, EXIT STATUS, EXAMPLES, NOTES.
pub(super) fn of(command: &Command, path: &[String]) -> Roff {
    let mut page = Roff::new();
    let asks = path.first().is_none_or(|name| !ASK_NOTHING.contains(&name.as_str()));
    page.control("SH", ["ENVIRONMENT"]);
    for (name, is_for_requests, what) in ENVIRONMENT {
        if asks || !is_for_requests {
            entry(&mut page, name, what);
        }
    }
    page.control("SH", ["FILES"]);
    for (name, what) in FILES {
        entry(&mut page, name, what);
    }
    page.control("SH", ["EXIT STATUS"]);
    for (code, what) in EXIT_STATUS {
        let is_of_requests = !matches!(*code, "0" | "1" | "2" | "130" | "141");
        if asks || !is_of_requests {
            entry(&mut page, code, what);
        }
    }
    let after = command.get_after_long_help().or(command.get_after_help());
    let (examples, notes) = split(&after.map(ToString::to_string).unwrap_or_default());
    if !examples.is_empty() {
        page.control("SH", ["EXAMPLES"]);
        as_it_stands(&mut page, &examples);
    }
    if !notes.is_empty() {
        page.control("SH", ["NOTES"]);
        as_it_stands(&mut page, &notes);
    }
    page
}

fn entry(page: &mut Roff, name: &str, what: &str) {
    page.control("TP", []);
    page.text([bold(name)]);
    page.text([roman(what)]);
}

fn as_it_stands(page: &mut Roff, text: &str) {
    page.control("nf", []);
    for line in text.lines() {
        page.text([roman(line)]);
    }
    page.control("fi", []);
}

/// The examples and the rest of what stands below a help text. The exit codes have a section of their own.
fn split(text: &str) -> (String, String) {
    let paragraphs = text.split("\n\n").filter(|one| !one.starts_with("Exit codes:"));
    let (examples, notes): (Vec<&str>, Vec<&str>) =
        paragraphs.partition(|one| one.starts_with("Examples:\n"));
    let examples = examples.iter().map(|one| one.trim_start_matches("Examples:\n"));
    (examples.collect::<Vec<_>>().join("\n\n"), notes.join("\n\n").trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn examples_are_told_from_the_rest() {
        let text = "Examples:\n  llm a\n  llm b\n\nA remark.\n\nExit codes: 0 done";
        assert_eq!(split(text), ("  llm a\n  llm b".to_owned(), "A remark.".to_owned()));
        assert_eq!(split(""), (String::new(), String::new()));
    }
}
