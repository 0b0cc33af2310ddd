//! Tests of the streams and the environment.

use super::*;

fn io(env: &[(&str, &str)]) -> Io {
    let table = env.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    let mut io = Io::nowhere();
    io.env = Env::Table(table);
    io.stdout_is_terminal = true;
    io.color = ColorWhen::Auto;
    io
}

#[test]
fn colour_follows_the_terminal_and_the_environment() {
    assert!(io(&[]).colors_stdout());
    assert!(!io(&[]).colors_stderr());
    assert!(!io(&[("NO_COLOR", "1")]).colors_stdout());
    assert!(io(&[("NO_COLOR", "")]).colors_stdout());
    assert!(io(&[("CLICOLOR_FORCE", "1")]).colors_stderr());
    assert!(!io(&[("TERM", "dumb")]).colors_stdout());
    let mut forced = io(&[("NO_COLOR", "1")]);
    forced.color = ColorWhen::Always;
    assert!(forced.colors_stderr());
}

#[test]
fn empty_variables_count_as_unset() {
    assert_eq!(io(&[("LLM_MODEL", "")]).env.get("LLM_MODEL"), None);
}
