//! The options that every command which talks to a provider takes.

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, Args};

use crate::io::ColorWhen;
use crate::provider::{Setting, name};
use crate::secret::looks_like_a_key;

const PROVIDER: &str = "Choosing a service";
const REQUEST: &str = "The request";
const OUTPUT: &str = "Output";

// `hide_env` and friends are not used: the environment is read through `Io`, in the resolver, so
// that an empty variable counts as unset and a value's origin can be told.
#[derive(Debug, Clone, Args)]
pub(crate) struct Common {
    /// The profile to use [env: LLM_PROVIDER]
    #[arg(short = 'p', long, visible_alias = "profile", value_name = "NAME", global = true, help_heading = PROVIDER)]
    pub(crate) provider: Option<String>,

    /// The model, instead of the profile's [env: LLM_MODEL]
    #[arg(short = 'm', long, value_name = "MODEL", global = true, help_heading = PROVIDER)]
    pub(crate) model: Option<String>,

    /// The profile file, instead of the user's own [env: LLM_CONFIG]
    #[arg(long, value_name = "FILE", global = true, help_heading = PROVIDER, hide_short_help = true)]
    pub(crate) config: Option<PathBuf>,

    /// A server without a profile, such as http://host:8000/v1
    #[arg(long, value_name = "URL", global = true, help_heading = PROVIDER, hide_short_help = true)]
    pub(crate) base_url: Option<String>,

    /// The environment variable that holds the key
    #[arg(long, value_name = "VAR", value_parser = variable, global = true, help_heading = PROVIDER, hide_short_help = true)]
    pub(crate) api_key_env: Option<String>,

    /// Any other field of the request body
    ///
    /// VALUE is JSON if it parses as JSON, else text; `a.b=1` nests.
    #[arg(short = 'O', long, value_name = "KEY=VALUE", value_parser = Setting::parse, global = true, help_heading = REQUEST)]
    pub(crate) option: Vec<Setting>,

    /// Another request header
    #[arg(short = 'H', long, value_name = "NAME: VALUE", value_parser = header, global = true, help_heading = REQUEST, hide_short_help = true)]
    pub(crate) header: Vec<(String, String)>,

    /// Do not check the server's certificate, in this run
    #[arg(short = 'k', long, global = true, help_heading = REQUEST, hide_short_help = true)]
    pub(crate) insecure: bool,

    /// Longest wait for more data, in seconds [default: 300]
    #[arg(long, value_name = "SECS", value_parser = seconds, global = true, help_heading = REQUEST, hide_short_help = true)]
    pub(crate) timeout: Option<Duration>,

    /// Longest time for the whole run, in seconds [default: none]
    #[arg(long, value_name = "SECS", value_parser = seconds, global = true, help_heading = REQUEST, hide_short_help = true)]
    pub(crate) max_time: Option<Duration>,

    /// Retries after a failed request [default: 2]
    #[arg(long, value_name = "N", global = true, help_heading = REQUEST, hide_short_help = true)]
    pub(crate) retries: Option<u32>,

    /// Longest wait between two tries, in seconds [default: 60]
    #[arg(long, value_name = "SECS", value_parser = seconds, global = true, help_heading = REQUEST, hide_short_help = true)]
    pub(crate) max_wait: Option<Duration>,

    /// Print the request as a curl command, the key as $VAR, and send nothing
    #[arg(long, global = true, help_heading = REQUEST)]
    pub(crate) dry_run: bool,

    /// Print the provider's JSON answer, whole and unchanged
    #[arg(long, global = true, help_heading = OUTPUT)]
    pub(crate) json: bool,

    /// Token usage and timing on stderr when done
    #[arg(short = 'u', long, global = true, help_heading = OUTPUT)]
    pub(crate) usage: bool,

    /// Keep nothing of this run, neither what was said nor what it took [env: LLM_NO_LOG]
    #[arg(long, global = true, help_heading = OUTPUT)]
    pub(crate) no_log: bool,

    /// No progress and no warnings
    #[arg(short = 'q', long, global = true, help_heading = OUTPUT)]
    pub(crate) quiet: bool,

    /// The HTTP exchange on stderr, secrets masked
    #[arg(short = 'v', long, action = ArgAction::SetTrue, global = true, help_heading = OUTPUT)]
    pub(crate) verbose: bool,

    /// When to use colour
    #[arg(long, value_enum, value_name = "WHEN", default_value_t, global = true, help_heading = OUTPUT, hide_short_help = true)]
    pub(crate) color: ColorWhen,
}

fn header(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once(':').ok_or("it has no `:`; write 'Name: value'")?;
    if !name::is_header(name) {
        return Err("that is not a header name".to_owned());
    }
    if value.chars().any(|c| c.is_control() && c != '\t') {
        return Err("a header value contains no line breaks or control characters".to_owned());
    }
    Ok((name.to_owned(), value.trim().to_owned()))
}

fn variable(text: &str) -> Result<String, String> {
    if !name::is_variable(text) || looks_like_a_key(text) {
        return Err("give the name of an environment variable, not the key itself".to_owned());
    }
    Ok(text.to_owned())
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "that is not a number of seconds".to_owned())?;
    // A year: beyond it the clock's arithmetic would overflow, and nobody waits that long.
    if !(seconds > 0.0 && seconds <= 31_536_000.0) {
        return Err("give a number of seconds greater than 0".to_owned());
    }
    Ok(Duration::from_secs_f64(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_checked() {
        assert_eq!(header("X-A: 值 "), Ok(("X-A".to_owned(), "值".to_owned())));
        assert!(header("no colon").is_err());
        assert!(header("X A: b").is_err());
        assert!(header("X: a\nb").is_err());
    }

    #[test]
    fn seconds_are_positive_and_finite() {
        assert_eq!(seconds("0.5"), Ok(Duration::from_millis(500)));
        for text in ["0", "-1", "nan", "inf", "1e300", "soon"] {
            assert!(seconds(text).is_err(), "{text}");
        }
    }
}
