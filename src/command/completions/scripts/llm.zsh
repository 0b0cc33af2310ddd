#compdef llm
# Completions of llm for zsh. Made by `llm completions zsh`; `--install` writes them anew.

_llm() {
    # The program that is typed; else the one that made this script.
    local program=${words[1]/#\~\//$HOME/}
    (( $+commands[$program] )) || [[ -x $program && ! -d $program ]] || program=@PROGRAM@
    local -a lines candidates
    local line value about kind
    lines=("${(@f)$("$program" completions zsh -- "${(@Q)words[1,CURRENT-1]}" "${(Q)PREFIX}" 2>/dev/null)}")
    kind=$lines[1]
    for line in "${(@)lines[2,-1]}"; do
        value=${line%%$'\t'*}
        about=${line#*$'\t'}
        candidates+=("${${value//\\/\\\\}//:/\\:}${about:+:$about}")
    done
    local found=1
    if (( $#candidates )); then
        _describe -V 'llm' candidates && found=0
    fi
    if [[ $kind == files ]]; then
        compset -P '--[a-z-]##='
        _files && found=0
    fi
    return found
}

if [[ $funcstack[1] == _llm ]]; then
    _llm "$@"
else
    compdef _llm llm
fi
