//! The documents for users keep their word: their commands run, their profile files are read, and the table of services is the list.

use std::fs;
use std::path::PathBuf;

#[cfg(unix)]
use crate::support::{Llm, program};
use crate::support::{llm, wav};

/// In the tour: a line that the command above prints, whole or in part.
#[cfg(unix)]
const PRINTS: &str = "#=>";

/// Programs of the tour that need not be installed; a line with one that is missing is left out.
#[cfg(unix)]
const OTHERS: [&str; 2] = ["git", "jq"];

/// Gives the program's arguments on and writes down every exit code that is not 0: a shell tells only
/// the last one of a pipe.
#[cfg(unix)]
const SHIM: &str = "#!/bin/sh
\"$LLM\" \"$@\"
code=$?
test $code = 0 || echo \"exit $code: llm $*\" >> \"$FAILED\"
exit $code
";

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn text(name: &str) -> String {
    fs::read_to_string(root().join(name)).expect("the file is there")
}

/// The fenced blocks of a language.
fn blocks(section: &str, language: &str) -> Vec<String> {
    let open = format!("```{language}");
    let mut blocks: Vec<String> = Vec::new();
    let mut inside = false;
    for line in section.lines() {
        match inside {
            false if line == open => {
                inside = true;
                blocks.push(String::new());
            }
            true if line == "```" => inside = false,
            true => {
                let block = blocks.last_mut().expect("a block is open");
                block.push_str(line);
                block.push('\n');
            }
            false => {}
        }
    }
    blocks
}

/// A shell's home with the sources of a program in it, in a repository where git is there.
#[cfg(unix)]
fn shell(has_git: bool) -> Llm {
    use std::os::unix::fs::PermissionsExt as _;
    let shell = program("sh");
    let bin = shell.folder("home").join("bin");
    fs::create_dir(&bin).expect("a fresh folder takes folders");
    fs::write(bin.join("llm"), SHIM).expect("a fresh folder takes files");
    let executable = fs::Permissions::from_mode(0o755);
    fs::set_permissions(bin.join("llm"), executable).expect("the mode of an own file can be set");
    for folder in ["src", "tests/tools"] {
        fs::create_dir_all(shell.dir().join(folder)).expect("a fresh folder takes folders");
    }
    // A copy could not be run while another test starts a program.
    let tool = "tests/tools/now.sh";
    std::os::unix::fs::symlink(root().join(tool), shell.dir().join(tool)).expect("links are there");
    let shell = shell.file("src/main.rs", "fn main() {}\n");
    let shell = shell.file("logo.png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR");
    if has_git {
        shell.clone().args(["-c", "git init -q && git add src"]).run().code(0);
    }
    let mut path = bin.into_os_string();
    path.push(":");
    path.push(search_path());
    let failed = shell.folder("state").join("failed");
    let shell = shell.file("src/main.rs", "fn main() { println!(\"你好\"); }\n");
    shell.env("PATH", path).env("LLM", env!("CARGO_BIN_EXE_llm")).env("FAILED", failed)
}

#[cfg(unix)]
#[expect(
    clippy::disallowed_methods,
    reason = "the rule is for the program; a shell needs the path"
)]
fn search_path() -> std::ffi::OsString {
    std::env::var_os("PATH").unwrap_or_default()
}

#[cfg(unix)]
fn is_installed(name: &str) -> bool {
    std::env::split_paths(&search_path()).any(|folder| folder.join(name).is_file())
}

/// The commands of a document, each with what it prints.
#[cfg(unix)]
fn commands(document: &str) -> Vec<(String, Vec<String>)> {
    let mut commands: Vec<(String, Vec<String>)> = Vec::new();
    for line in blocks(&text(document), "sh").iter().flat_map(|block| block.lines()) {
        if let Some(printed) = line.strip_prefix(PRINTS) {
            let (_, prints) = commands.last_mut().expect("a command stands above");
            prints.push(printed.trim().to_owned());
        } else if !line.starts_with('#') && !line.trim().is_empty() {
            commands.push((line.to_owned(), Vec::new()));
        }
    }
    commands
}

/// Runs the commands of a document one after another in one folder; there are more than `least` of them.
#[cfg(unix)]
fn runs_as_it_is_written(document: &str, least: usize) {
    let missing: Vec<&str> = OTHERS.into_iter().filter(|name| !is_installed(name)).collect();
    let needs = |command: &str, name: &str| command.split([' ', '|']).any(|word| word == name);
    let mut shell = shell(!missing.contains(&"git"));
    let commands = commands(document);
    assert!(commands.len() > least, "{document} has only {} commands", commands.len());
    for (command, prints) in commands {
        if missing.iter().any(|name| needs(&command, name)) {
            continue;
        }
        if let Some((name, value)) =
            command.strip_prefix("export ").and_then(|rest| rest.split_once('='))
        {
            shell = shell.env(name, value);
            continue;
        }
        let outcome = shell.clone().args(["-c", &command]).run();
        outcome.code(0);
        if let Ok(failed) = fs::read_to_string(shell.folder("state").join("failed")) {
            outcome.fail(&failed);
        }
        for printed in prints {
            outcome.stdout_has(&printed);
        }
    }
}

#[cfg(unix)]
#[test]
fn the_tour_runs_as_it_is_written() {
    runs_as_it_is_written("README.md", 8);
}

#[cfg(unix)]
#[test]
fn the_guide_runs_as_it_is_written() {
    runs_as_it_is_written("docs/guide.md", 30);
}

#[cfg(unix)]
#[test]
fn the_chinese_tour_runs_as_it_is_written() {
    runs_as_it_is_written("README.zh-CN.md", 8);
}

#[cfg(unix)]
#[test]
fn the_chinese_guide_runs_as_it_is_written() {
    runs_as_it_is_written("docs/zh-CN/guide.md", 20);
}

/// Every profile file in a document is one.
#[test]
fn profile_files_are_read() {
    for document in
        ["README.md", "README.zh-CN.md", "docs/guide.md", "docs/profiles.md", "docs/zh-CN/guide.md"]
    {
        let files = blocks(&text(document), "toml");
        assert!(!files.is_empty(), "{document} shows no profile file");
        for file in files {
            llm().config(&file).args(["providers", "list"]).run().code(0);
        }
    }
}

#[test]
fn the_profile_file_and_what_is_shown_of_it_are_true() {
    let profiles = text("docs/profiles.md");
    let (file, shown) = (blocks(&profiles, "toml"), blocks(&profiles, "text"));
    assert_eq!(shown.len(), 1);
    let run = llm().config(&file[0]);
    let path = run.config_file().display().to_string();
    let outcome = run.clone().args(["providers", "show", "work", "-m", "qwen3-8b"]).run();
    outcome.code(0).stderr_empty();
    let output = outcome.stdout_text().replace(&path, "/home/li/.config/llm/providers.toml");
    assert_eq!(output, shown[0]);
    for name in ["dashscope", "openai"] {
        run.clone().args(["providers", "show", name]).run().code(0).stdout_has(&path);
    }
}

#[test]
fn the_table_of_a_tool_is_one() {
    let guide = text("docs/guide.md");
    let (_, tools) = guide.split_once("\n## Tools\n").expect("a part about tools");
    let shown = blocks(tools, "toml");
    let run = llm().config(&shown[0]);
    let run = run.args(["chat", "-p", "demo", "--tool", "files", "--dry-run", "看看"]).run();
    run.code(0).stdout_has("\"name\":\"files\"");
}

/// The list of services for users.
const SERVICES: &str = "docs/services.md";

/// The columns of the table of services behind name, title and key.
const JOBS: [&str; 8] =
    ["chat", "embed", "image", "image_edit", "transcribe", "translate", "speak", "models"];

/// The services that are known to have `/responses`; the list itself speaks of what that takes alone.
const RESPONSES: [&str; 23] = [
    "openai",
    "azure",
    "xai",
    "openrouter",
    "groq",
    "huggingface",
    "mistral",
    "deepseek",
    "dashscope",
    "dashscope-intl",
    "zhipu",
    "volcengine",
    "minimax",
    "stepfun",
    "fireworks",
    "ollama",
    "vllm",
    "lmstudio",
    "llamacpp",
    "localai",
    "sglang",
    "transformers",
    "litellm",
];

/// The rows that the table of services must have, in the order of the list.
fn expected_rows() -> Vec<String> {
    let list: toml::Table = text("providers.example.toml").parse().expect("the list is TOML");
    let profiles = list["providers"].as_table().expect("profiles are tables");
    let texts = |profile: &toml::Value, field: &str| -> Vec<String> {
        let base = profile.get("like").and_then(|like| profiles.get(like.as_str()?));
        match profile.get(field).or_else(|| base?.get(field)) {
            None => Vec::new(),
            Some(toml::Value::String(text)) => vec![text.clone()],
            Some(value) => {
                let items = value.as_array().into_iter().flatten();
                items.filter_map(|item| item.as_str().map(str::to_owned)).collect()
            }
        }
    };
    let row = |(name, profile): (&String, &toml::Value)| {
        let keys: Vec<String> =
            texts(profile, "api_key_env").iter().map(|name| format!("`{name}`")).collect();
        let keys = if keys.is_empty() { "-".to_owned() } else { keys.join(", ") };
        let offered = texts(profile, "jobs");
        let offers = |job: &str| offered.iter().any(|one| one == job);
        let mut jobs = JOBS.map(|job| if offers(job) { "✓" } else { "-" }).to_vec();
        let speaks_of_it = ["responses_takes", "api", "paths"].iter().any(|field| {
            profile
                .get(field)
                .is_some_and(|value| *field != "paths" || value.get("responses").is_some())
        });
        let has_responses = RESPONSES.contains(&name.as_str());
        assert!(has_responses || !speaks_of_it, "{name} has /responses by its profile");
        jobs.insert(1, if has_responses { "✓" } else { "-" });
        let title = texts(profile, "title").concat();
        format!("| `{name}` | {title} | {keys} | {} |", jobs.join(" | "))
    };
    profiles.iter().map(row).collect()
}

#[test]
fn the_table_of_services_is_the_list_of_profiles() {
    let services = text(SERVICES);
    let rows: Vec<&str> = services.lines().filter(|line| line.starts_with("| `")).collect();
    let expected = expected_rows();
    assert!(expected.len() > 20, "the list has only {} profiles", expected.len());
    for row in &expected {
        assert!(rows.contains(&row.as_str()), "{SERVICES} lacks this row:\n{row}");
    }
    assert_eq!(rows, expected, "rows that no profile stands for, or in another order");
}

#[test]
fn the_services_that_search_the_web_are_named() {
    let services = text(SERVICES);
    let (_, named) =
        services.split_once("\nWith `--search` these search the web:").expect("a list");
    let named = named.split("\n\n").next().expect("its paragraph");
    for row in services.lines().filter(|line| line.starts_with("| `")) {
        let name = row.split('`').nth(1).expect("a name");
        let run = llm().args(["chat", "-p", name, "-m", "modell", "--search", "--dry-run", "你好"]);
        let run =
            if name == "azure" { run.args(["--base-url", "https://a.example/v1"]) } else { run };
        let searches = run.run().code == Some(0);
        assert_eq!(searches, named.contains(&format!("`{name}`")), "{name}");
    }
}

/// The command line for each column of the table of services.
const COMMANDS: [&[&str]; 8] = [
    &["chat", "你好"],
    &["embed", "你好"],
    &["image", "猫"],
    &["image", "-f", "a.png", "猫"],
    &["transcribe", "a.wav"],
    &["transcribe", "--translate", "a.wav"],
    &["speak", "你好"],
    &["models"],
];

#[test]
fn a_tick_in_the_table_is_a_request_and_a_dash_a_refusal() {
    let run = llm().file("a.png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR").file("a.wav", wav(8000, &[]));
    let services = text(SERVICES);
    for row in services.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let name = cells[0].trim_matches('`');
        let base: &[&str] = match name {
            // Its address has a part to fill in.
            "azure" => &["--base-url", "https://a.example/openai/v1"],
            _ => &[],
        };
        let (apis, jobs) = (cells[4], [&cells[3..4], &cells[5..]].concat());
        if apis == "✓" {
            let asked =
                ["chat", "--api", "responses", "-p", name, "--dry-run", "-m", "modell", "问"];
            run.clone().args(asked).args(base).run().code(0).stdout_has("/responses");
        }
        for (cell, command) in jobs.iter().zip(COMMANDS) {
            if !base.is_empty() && *cell == "-" {
                continue;
            }
            let common = ["-p", name, "-m", "modell", "--dry-run"];
            let outcome = run.clone().args(command).args(common).args(base).run();
            match *cell {
                "✓" => outcome.code(0).stdout_has("curl -sN"),
                _ => outcome.code(2).stdout_empty().stderr_has(&format!("{name} does not offer ")),
            };
        }
    }
}
