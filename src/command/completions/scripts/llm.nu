# Completions of llm for Nushell. Made by `llm completions nushell`; `--install` writes them anew.

# What completed external commands before this file was read still does, for all but llm.
let llm_completer_before = $env.config?.completions?.external?.completer?

$env.config.completions.external.enable = true
$env.config.completions.external.completer = {|spans: list<string>|
    if ($spans | first | path basename | path parse | get stem) == "llm" {
        # The program that is typed; else the one that made this script.
        let program = if (which ($spans | first) | is-not-empty) { $spans | first } else { @PROGRAM@ }
        let lines = (^$program completions nushell -- ...$spans | complete | get stdout | lines)
        if ($lines | is-empty) or (($lines | first) == "files" and ($lines | length) == 1) {
            null
        } else {
            $lines | skip 1 | each {|line|
                let parts = ($line | split row "\t")
                { value: $parts.0, description: ($parts | get --optional 1 | default "") }
            }
        }
    } else if $llm_completer_before != null {
        do $llm_completer_before $spans
    }
}
