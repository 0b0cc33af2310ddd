//! What can go wrong, as a person and a script see it: one line of words, a hint, an exit code.
//! Knows nothing about HTTP, profiles or commands; they raise a [`Failure`] where the cause is known.

use std::fmt;
use std::time::Duration;

mod class;

pub(crate) use class::FailureClass;

/// The class of a failure. It decides the exit code and nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FailureKind {
    /// Anything without a class of its own: a file that can't be written, say.
    Other,
    /// Wrong usage or configuration; nothing was sent.
    Usage,
    /// The provider refused the credentials.
    Credentials,
    /// The provider refused the request, or its reply holds no answer.
    Refused,
    /// Rate limit or quota, after the retries.
    Quota,
    /// Network, time-out, server error, or a stream that broke off.
    Network,
    /// The answer was cut by a token limit that the user did not set.
    Cut,
    /// SIGINT.
    Interrupted,
    /// SIGTERM.
    Terminated,
    /// SIGHUP: the terminal went away.
    HungUp,
    /// SIGQUIT.
    Quit,
    /// The reader of standard output went away.
    ReaderGone,
}

impl FailureKind {
    /// The process's exit code: the table of the interface, and the only place that knows it.
    pub(crate) fn exit_code(self) -> u8 {
        match self {
            FailureKind::Other => 1,
            FailureKind::Usage => 2,
            FailureKind::Credentials => 3,
            FailureKind::Refused => 4,
            FailureKind::Quota => 5,
            FailureKind::Network => 6,
            FailureKind::Cut => 7,
            FailureKind::HungUp => 129,
            FailureKind::Interrupted => 130,
            FailureKind::Quit => 131,
            FailureKind::ReaderGone => 141,
            FailureKind::Terminated => 143,
        }
    }

    /// The exit code's kind for a class of failures that a service reports.
    pub(crate) fn of_class(class: FailureClass) -> Self {
        use FailureClass as Class;
        match class {
            Class::Key | Class::Access => FailureKind::Credentials,
            Class::Money | Class::MoneyOrRate | Class::DayQuota | Class::Rate => FailureKind::Quota,
            Class::Model | Class::Endpoint | Class::TooLong | Class::Request | Class::Conflict => {
                FailureKind::Refused
            }
            Class::Impossible | Class::Loading | Class::Server | Class::Unknown => {
                FailureKind::Network
            }
        }
    }
}

/// What a later try needs to know of a failed one. Present only where trying again can make sense.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Retry {
    /// HTTP status of the reply; `None` when the connection failed or broke.
    pub(crate) status: Option<u16>,
    /// What the service reported; `None` when the connection failed or broke.
    pub(crate) class: Option<FailureClass>,
    /// `x-should-retry`, as it came.
    pub(crate) should_retry: Option<String>,
    /// `retry-after-ms`, as it came.
    pub(crate) retry_after_ms: Option<String>,
    /// `Retry-After`, as it came.
    pub(crate) retry_after: Option<String>,
    /// A delay that the error's body names, in a field (Gemini's `retryDelay`) or in words.
    pub(crate) body_delay: Option<Duration>,
    /// The time until a limit that is used up starts anew (`X-Ratelimit-Reset-…`).
    pub(crate) reset: Option<Duration>,
    /// Nothing came for too long.
    pub(crate) is_time_out: bool,
    /// The request went out whole, and nothing tells whether it was carried out.
    pub(crate) may_have_run: bool,
}

/// What a provider said when it refused a request: the parts that a program can act on.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Refused {
    /// What kind of failure it is.
    pub(crate) class: FailureClass,
    /// The HTTP status of the reply, or the one that an error inside a reply carries.
    pub(crate) status: Option<u16>,
    /// The provider's code for it.
    pub(crate) code: Option<String>,
    /// The request field that it names.
    pub(crate) param: Option<String>,
    /// The provider's words alone, without secrets.
    pub(crate) words: String,
}

/// A failure in words. `message` is one line, lower case, without a full stop and without secrets.
#[derive(Debug, Clone)]
pub(crate) struct Failure {
    pub(crate) kind: FailureKind,
    pub(crate) message: String,
    /// What the user can do about it, if anything.
    pub(crate) hint: Option<String>,
    /// Set when the same request may be tried again.
    pub(crate) retry: Option<Box<Retry>>,
    /// The field of the request that the provider gives as the cause.
    pub(crate) field: Option<String>,
    /// Set when the words are a provider's.
    pub(crate) refused: Option<Box<Refused>>,
}

impl Failure {
    /// A failure of `kind` with a message for the user.
    pub(crate) fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), hint: None, retry: None, field: None, refused: None }
    }

    /// Wrong usage or configuration: exit 2.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(FailureKind::Usage, message)
    }

    /// Adds what the user can do.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Marks the failure as one after which the same request may be tried again.
    pub(crate) fn retry(mut self, retry: Retry) -> Self {
        self.retry = Some(Box::new(retry));
        self
    }

    /// Adds what the provider said.
    pub(crate) fn refused(mut self, refused: Refused) -> Self {
        self.refused = Some(Box::new(refused));
        self
    }

    /// Whether the server is still loading its model.
    pub(crate) fn is_loading(&self) -> bool {
        self.retry.as_ref().is_some_and(|facts| facts.class == Some(FailureClass::Loading))
    }

    /// A signal, or a reader that went away: nothing is said, nothing is tried again.
    pub(crate) fn is_silent(&self) -> bool {
        matches!(
            self.kind,
            FailureKind::Interrupted
                | FailureKind::Terminated
                | FailureKind::HungUp
                | FailureKind::Quit
                | FailureKind::ReaderGone
        )
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

/// The finished error as a [`Failure`]: its own, a closed pipe, or anything else in plain words.
pub(crate) fn classify(error: &anyhow::Error) -> Failure {
    // `downcast_ref` sees through `.context(..)`; walking `chain()` for the type would not.
    if let Some(failure) = error.downcast_ref::<Failure>() {
        return failure.clone();
    }
    let io = error.chain().find_map(|cause| cause.downcast_ref::<std::io::Error>());
    if io.is_some_and(is_reader_gone) {
        return Failure::new(FailureKind::ReaderGone, "the reader of standard output went away");
    }
    Failure::new(FailureKind::Other, format!("{error:#}"))
}

/// Whether the other end of a pipe is gone. Windows has several words for it.
pub(crate) fn is_reader_gone(error: &std::io::Error) -> bool {
    const NO_DATA: i32 = 232;
    const PIPE_NOT_CONNECTED: i32 = 233;
    error.kind() == std::io::ErrorKind::BrokenPipe
        || (cfg!(windows) && matches!(error.raw_os_error(), Some(NO_DATA | PIPE_NOT_CONNECTED)))
}

/// An I/O error's cause as a person says it: no `(os error 2)`, no capital letter.
pub(crate) fn reason(error: &std::io::Error) -> String {
    let text = error.to_string();
    // Windows ends its words with a full stop, in the user's own script.
    let text = text.split(" (os error").next().unwrap_or_default().trim_end_matches(['.', '。']);
    let mut letters = text.chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Context as _;

    #[test]
    fn a_failure_is_found_under_context() {
        let error: anyhow::Error = Failure::new(FailureKind::Quota, "slow down").into();
        let error = Err::<(), _>(error).context("while asking").unwrap_err();
        assert_eq!(classify(&error).kind, FailureKind::Quota);
    }

    #[test]
    fn a_closed_pipe_is_no_error_of_ours() {
        let pipe = std::io::Error::from(std::io::ErrorKind::BrokenPipe);
        let error = Err::<(), _>(pipe).context("cannot write").unwrap_err();
        assert_eq!(classify(&error).kind.exit_code(), 141);
        assert!(classify(&error).is_silent());
    }
}
