# Completions of llm for Nushell. Made by `llm completions nushell`; `--install` writes them anew.

# What completed external commands before this file was read still does, for all but llm.
let llm_completer_before = $env.config?.completions?.external?.completer?

$env.config.completions.external.enable = true
$env.config.completions.external.completer = {|spans: list<string>|
    if ($spans | first | path basename | path parse | get stem) == "llm" {
        # The program that is typed; else the one that made this script.
        let program = if (which ($spans | first) | is-not-empty) { $spans | first } else { @PROGRAM@ }
        # Words come as they are typed, with their quotes; that of the last one is still open.
        let words = ($spans | each {|word| $word | str replace --regex "^([\"'`])(.*?)\\1?$" '$2' })
        let lines = (^$program completions nushell -- ...$words | complete | get stdout | lines)
        if ($lines | is-empty) or (($lines | first) == "files" and ($lines | length) == 1) {
            null
        } else {
            $lines | skip 1 | each {|line|
                let parts = ($line | split row "\t")
                # A word that Nushell would read as something else stands in quotes.
                let value = if $parts.0 =~ '^[\p{L}\p{N}_./:@%+,=~-]+$' { $parts.0 } else { $parts.0 | to json }
                { value: $value, description: ($parts | get --optional 1 | default "") }
            }
        }
    } else if $llm_completer_before != null {
        do $llm_completer_before $spans
    }
}
