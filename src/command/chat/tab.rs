//! What TAB completes in a conversation: commands, models, services, files. Asks no service.

use std::path::PathBuf;

use super::slash;

/// Names that are known, for the line editor.
#[derive(Debug, Clone, Default)]
pub(super) struct KnownNames {
    pub(super) models: Vec<String>,
    pub(super) profiles: Vec<String>,
    /// The user's home, for paths that begin with `~/`.
    pub(super) home: Option<PathBuf>,
}

/// What the end of a line (up to the cursor) can become, and where in it that begins.
pub(super) fn complete(line: &str, known: &KnownNames) -> (usize, Vec<String>) {
    let Some(rest) = line.strip_prefix(['/', '／']) else { return (line.len(), Vec::new()) };
    let Some((command, _)) = rest.split_once(char::is_whitespace) else {
        // The sign that was typed stays, a full-width one too.
        let commands = slash::HELP.iter().filter_map(|(usage, _)| usage[1..].split(' ').next());
        let fits = commands.filter(|name| name.starts_with(rest));
        return (line.len() - rest.len(), fits.map(|name| format!("{name} ")).collect());
    };
    let from = line.len() - rest[command.len()..].trim_start().len();
    let typed = &line[from..];
    let names = |names: &[String]| {
        let fits = names.iter().filter(|name| name.starts_with(typed));
        (from, fits.cloned().collect())
    };
    match command {
        "model" | "models" => names(&known.models),
        "provider" => names(&known.profiles),
        "file" | "save" => {
            let begin = typed.rfind('/').map_or(0, |slash| slash + 1);
            (from + begin, files(&typed[..begin], &typed[begin..], known))
        }
        _ => (line.len(), Vec::new()),
    }
}

/// The names in a folder that begin as what was typed; folders end with a `/`.
fn files(folder: &str, typed: &str, known: &KnownNames) -> Vec<String> {
    let place = match (folder, folder.strip_prefix("~/"), &known.home) {
        ("", ..) => PathBuf::from("."),
        (_, Some(rest), Some(home)) => home.join(rest),
        (folder, ..) => PathBuf::from(folder),
    };
    let entries = std::fs::read_dir(place).into_iter().flatten().flatten();
    let mut found: Vec<String> = entries
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let is_meant =
                name.starts_with(typed) && (!name.starts_with('.') || typed.starts_with('.'));
            let is_shown = is_meant && !name.chars().any(char::is_control);
            let end = if is_shown && entry.path().is_dir() { "/" } else { "" };
            is_shown.then(|| name + end)
        })
        .collect();
    found.sort();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_names_and_files_are_completed() {
        let known = KnownNames {
            models: vec!["qwen3:8b".to_owned(), "qwen3:32b".to_owned(), "bge-m3".to_owned()],
            profiles: vec!["ollama".to_owned(), "公司".to_owned()],
            home: None,
        };
        let done = |line: &str| complete(line, &known);
        assert_eq!(done("/prov"), (1, vec!["provider ".to_owned()]));
        assert_eq!(done("／prov"), (3, vec!["provider ".to_owned()]));
        assert_eq!(done("／model q").1.len(), 2);
        assert_eq!(done("/model qwen3:8"), (7, vec!["qwen3:8b".to_owned()]));
        assert_eq!(done("/provider 公"), (10, vec!["公司".to_owned()]));
        assert_eq!(done("/file src/comm"), (10, vec!["command/".to_owned()]));
        assert_eq!(done("/file Cargo.to"), (6, vec!["Cargo.toml".to_owned()]));
        assert_eq!(done("你好").1.len() + done("/etc/pass x").1.len(), 0);
    }
}
