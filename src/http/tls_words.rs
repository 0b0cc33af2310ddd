//! What went wrong with TLS, in words.

use rustls::{AlertDescription, CertificateError, Error, InvalidMessage};

/// What is to be done about a certificate that is not trusted.
const TRUST_HINT: &str = "if you trust it, name its file (PEM) in `ca_file` of the profile or in \
                          SSL_CERT_FILE; -k leaves the check out for this run";
const SKIP_HINT: &str = "-k (--insecure) leaves the check out for this run";

/// A failure of TLS in words, and what can be done about it. Another try would meet the same.
pub(super) fn words(error: &Error) -> (String, Option<&'static str>) {
    match error {
        Error::InvalidCertificate(reason) => {
            let (words, hint) = plain(reason);
            (format!("its certificate is not valid: {words}"), Some(hint))
        }
        Error::InvalidMessage(
            InvalidMessage::InvalidContentType
            | InvalidMessage::UnknownProtocolVersion
            | InvalidMessage::MessageTooLarge,
        ) => ("it does not speak TLS; is `http://` meant?".to_owned(), None),
        Error::InvalidMessage(_)
        | Error::InappropriateMessage { .. }
        | Error::InappropriateHandshakeMessage { .. }
        | Error::PeerMisbehaved(_)
        | Error::DecryptError => ("what it says is no valid TLS".to_owned(), None),
        Error::AlertReceived(AlertDescription::ProtocolVersion) | Error::PeerIncompatible(_) => {
            ("it has no version or cipher of TLS in common with llm (1.2 and 1.3)".to_owned(), None)
        }
        Error::AlertReceived(AlertDescription::UnrecognisedName) => {
            ("it knows no host of this name (TLS)".to_owned(), None)
        }
        Error::AlertReceived(alert) => {
            (format!("it ended TLS: {}", spaced(&format!("{alert:?}"))), None)
        }
        _ => ("TLS failed".to_owned(), None),
    }
}

/// `HandshakeFailure` as `handshake failure`.
fn spaced(name: &str) -> String {
    let mut words = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.push(letter.to_ascii_lowercase());
    }
    words
}

fn plain(reason: &CertificateError) -> (&'static str, &'static str) {
    use CertificateError as Reason;
    match reason {
        Reason::Expired | Reason::ExpiredContext { .. } => ("it has expired", SKIP_HINT),
        Reason::NotValidYet | Reason::NotValidYetContext { .. } => {
            ("it is not valid yet", SKIP_HINT)
        }
        Reason::UnknownIssuer => ("nobody known to this machine signed it", TRUST_HINT),
        Reason::NotValidForName | Reason::NotValidForNameContext { .. } => {
            ("it is made out to another name", SKIP_HINT)
        }
        Reason::Revoked => ("it was revoked", SKIP_HINT),
        Reason::BadSignature => ("its signature is wrong", SKIP_HINT),
        Reason::BadEncoding => ("it can't be read", SKIP_HINT),
        Reason::InvalidPurpose | Reason::InvalidPurposeContext { .. } => {
            ("it is not meant for a server", SKIP_HINT)
        }
        other if is_of_authority(other) => {
            ("it signed itself, and this machine does not know it", TRUST_HINT)
        }
        _ => ("it can't be verified", TRUST_HINT),
    }
}

/// Whether a certificate was refused because it is one of an authority. It was found to be within its
/// time before that.
pub(super) fn is_of_authority(reason: &CertificateError) -> bool {
    // The library of rules gives no type for it that could be compared with.
    matches!(reason, CertificateError::Other(other) if other.to_string().contains("CaUsedAsEndEntity"))
}
