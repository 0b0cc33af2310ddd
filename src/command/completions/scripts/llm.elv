# Completions of llm for Elvish. Made by `llm completions elvish`; `--install` writes them anew.

use str

set edit:completion:arg-completer[llm] = {|@words|
    # The program that is typed; else the one that made this script.
    var program = $words[0]
    if (not (has-external $program)) { set program = @PROGRAM@ }
    var kind = ''
    try { (external $program) completions elvish -- $@words 2>/dev/null } catch { } | each {|line|
        if (eq $kind '') {
            set kind = $line
        } else {
            var value about = (str:split &max=2 "\t" $line)
            if (eq $about '') { put $value } else {
                edit:complex-candidate $value &display=$value' ('$about')'
            }
        }
    }
    if (eq $kind files) { edit:complete-filename $words[-1] }
}
