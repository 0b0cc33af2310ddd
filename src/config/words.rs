//! Command lines as words. Runs nothing.

/// Splits a command line into words as a POSIX shell does (section 2.2); nothing is expanded. `None` if a
/// quote is not closed.
pub(crate) fn split(line: &str) -> Option<Vec<String>> {
    shlex::split(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_line_is_split_as_a_shell_would() {
        let split = |line| split(line).expect("closed quotes");
        assert_eq!(split("pass show openai"), ["pass", "show", "openai"]);
        assert_eq!(split(r#" a 'b c' "d \" e" f\ g '' "#), ["a", "b c", "d \" e", "f g", ""]);
        assert!(split("  ").is_empty());
        assert_eq!(super::split("a 'b c"), None);
    }
}
