# Completions of llm for fish. Made by `llm completions fish`; `--install` writes them anew.

function __llm_complete
    # A token is unescaped, but for one whose quote is still open.
    set -l typed (commandline --current-token --cut-at-cursor)
    set -l token (string unescape -- $typed; or string replace --regex '^[\'"]' '' -- $typed)
    set -l words (commandline --current-process --tokenize --cut-at-cursor) "$token"
    # The program that is typed; else the one that made this script.
    set -l program $words[1]
    command --query $program; or set program @PROGRAM@
    set -l lines ($program completions fish -- $words 2>/dev/null)
    set -l kind $lines[1]
    set --erase lines[1]
    string join \n -- $lines
    if test "$kind" = files
        set -l flag (string match --regex -- '^--[a-z-]+=' $token)
        for path in (__fish_complete_path (string replace -- "$flag" '' "$token"))
            echo -- "$flag$path"
        end
    end
end

complete --command llm --no-files --keep-order --arguments '(__llm_complete)'
