# Completions of llm for bash. Made by `llm completions bash`; `--install` writes them anew.

_llm() {
    # The program that is typed; else the one that made this script.
    local program=${COMP_WORDS[0]/#\~\//$HOME/}
    type -P -- "$program" >/dev/null 2>&1 || program=@PROGRAM@
    # For bash a word ends at `:` and `=`. Here such words are put together again.
    local words=() count=0 glue= piece part= i
    for ((i = 0; i <= COMP_CWORD; i++)); do
        piece=${COMP_WORDS[i]}
        part=$piece
        if [[ $piece =~ ^[:=]+$ ]] && ((i > 0)); then
            words[count - 1]+=$piece
            glue=1 part=
            continue
        fi
        # The part before the cursor, without an opening quote.
        ((i == COMP_CWORD && $# > 1)) && piece=$2 part=$2
        if [[ -n $glue ]]; then
            words[count - 1]+=$piece
            glue=
        else
            words[count++]=$piece
        fi
    done
    local whole=${words[count - 1]} answer line kind=
    local known=$((${#whole} - ${#part}))
    COMPREPLY=()
    answer=$("$program" completions bash -- "${words[@]}" 2>/dev/null) || return
    while IFS=$'\t' read -r line _; do
        if [[ -z $kind ]]; then
            kind=$line
            continue
        fi
        line=${line:known}
        if [[ ${COMP_WORDS[COMP_CWORD]} != [\'\"]* && $line == *[[:space:]\'\"\\\$\`\&\|\;\<\>\(\)\*\?\[\!\#\{]* ]]; then
            printf -v line %q "$line"
        fi
        COMPREPLY+=("$line")
    done <<<"$answer"
    # Where no file is meant, bash shall not offer any by itself.
    [[ $kind == files ]] || compopt +o default +o bashdefault 2>/dev/null
    return 0
}

if [[ ${BASH_VERSINFO[0]} -gt 4 || ${BASH_VERSINFO[0]} -eq 4 && ${BASH_VERSINFO[1]} -ge 4 ]]; then
    complete -o default -o bashdefault -o nosort -F _llm llm
else
    complete -o default -o bashdefault -F _llm llm
fi
