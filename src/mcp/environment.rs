//! The variables that a server's program gets: those that programs need to run at all. Keys in the user's
//! environment are none of its business.

use crate::io::Env;

/// Their names. Those of Windows are written in any case.
const KEPT: &[&str] = &[
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "LANG",
    "LANGUAGE",
    "TERM",
    "TMPDIR",
    "TZ",
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "no_proxy",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "NODE_EXTRA_CA_CERTS",
    "SystemRoot",
    "SystemDrive",
    "windir",
    "ComSpec",
    "PATHEXT",
    "TEMP",
    "TMP",
    "USERPROFILE",
    "USERNAME",
    "APPDATA",
    "LOCALAPPDATA",
    "ProgramData",
    "ProgramFiles",
    "HOMEDRIVE",
    "HOMEPATH",
];

/// How further names begin.
const KEPT_BEGINNINGS: [&str; 2] = ["LC_", "XDG_"];

/// The variables of a program to which its table adds `own`, which win.
pub(super) fn variables(env: &Env, own: &[(String, String)]) -> Vec<(String, String)> {
    let is_kept = |name: &str| {
        KEPT.iter().any(|kept| kept.eq_ignore_ascii_case(name))
            || KEPT_BEGINNINGS.iter().any(|beginning| name.starts_with(beginning))
    };
    let mut variables = env.named(is_kept);
    variables.retain(|(name, _)| own.iter().all(|(other, _)| other != name));
    variables.extend_from_slice(own);
    variables
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_the_user_are_kept_from_programs() {
        let all = [
            ("PATH", "/bin"),
            ("HTTPS_PROXY", "http://p"),
            ("LC_ALL", "C"),
            ("XDG_CACHE_HOME", "/c"),
            ("OPENAI_API_KEY", "sk-1"),
            ("AWS_PROFILE", "x"),
            ("TERM", "dumb"),
        ];
        let table = all.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let own = [("TERM".to_owned(), "own".to_owned()), ("TOKEN".to_owned(), "t".to_owned())];
        let mut seen: Vec<String> = variables(&Env::Table(table), &own)
            .into_iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        seen.sort();
        let expected = [
            "HTTPS_PROXY=http://p",
            "LC_ALL=C",
            "PATH=/bin",
            "TERM=own",
            "TOKEN=t",
            "XDG_CACHE_HOME=/c",
        ];
        assert_eq!(seen, expected);
    }
}
