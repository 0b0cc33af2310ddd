# Completions of llm for PowerShell. Made by `llm completions powershell`; `--install` writes them anew.

Register-ArgumentCompleter -Native -CommandName 'llm' -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    # The program that is typed; else the one that made this script.
    $program = $commandAst.CommandElements[0].Value
    if (-not (Get-Command -Name $program -CommandType Application -ErrorAction Ignore)) { $program = @PROGRAM@ }
    $words = @(foreach ($element in $commandAst.CommandElements) {
        if ($element.Extent.EndOffset -ge $cursorPosition) { break }
        if ($element -is [System.Management.Automation.Language.StringConstantExpressionAst]) { $element.Value }
        else { $element.Extent.Text }
    })
    # An empty last word would be lost on the way, so the last one has a dot behind it.
    $words += "$wordToComplete."
    $lines = @(& $program completions powershell -- @words 2>$null)
    foreach ($line in ($lines | Select-Object -Skip 1)) {
        $value, $about = $line -split "`t", 2
        if (-not $about) { $about = $value }
        $text = if ($value -match '[\s''"`$&|;<>(){}@#]') { "'" + $value.Replace("'", "''") + "'" } else { $value }
        [System.Management.Automation.CompletionResult]::new($text, $value, 'ParameterValue', $about)
    }
}
