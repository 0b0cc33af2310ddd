//! The faults: where in a reply something happens, and what happens there. Each is a list of steps of
//! the server and what the run must come to.

use std::time::Duration;

use super::subjects::Subject;
use crate::support::Step;

/// How much of the answer the program must put out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Came {
    Nothing,
    /// What stands before [`Subject::between`], or before [`Subject::inside`].
    Between,
    Inside,
    Whole,
}

/// What a cell of the table must come to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Expected {
    pub(crate) code: i32,
    pub(crate) came: Came,
}

/// A row of the table.
pub(crate) struct Fault {
    pub(crate) point: &'static str,
    pub(crate) kind: &'static str,
    pub(crate) steps: fn(&Subject, &[Step]) -> Vec<Step>,
    /// What happens behind the steps.
    pub(crate) then: Vec<Step>,
    pub(crate) expected: fn(&Subject) -> Expected,
    pub(crate) args: &'static [&'static str],
}

const STATUS: &[u8] = b"HTTP/1.1 200 OK\r\n";

fn head(subject: &Subject, framing: &str) -> Vec<u8> {
    let content_type = subject.content_type;
    let mut head = STATUS.to_vec();
    head.extend(format!("content-type: {content_type}\r\n{framing}\r\n\r\n").bytes());
    head
}

const CHUNKED: &str = "transfer-encoding: chunked";

fn framed(bytes: &[u8]) -> Vec<u8> {
    [format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat()
}

fn write(bytes: Vec<u8>, then: &[Step]) -> Vec<Step> {
    std::iter::once(Step::Write(bytes)).chain(then.iter().cloned()).collect()
}

/// Head and chunks up to this byte of the body, then these bytes of framing.
fn up_to(subject: &Subject, end: usize, more: &[u8], then: &[Step]) -> Vec<Step> {
    // A first chunk of its own, so that there is a place between two.
    let first = subject.between.min(end) / 2;
    let mut bytes = head(subject, CHUNKED);
    for piece in [&subject.body[..first], &subject.body[first..end]] {
        if !piece.is_empty() {
            bytes.extend(framed(piece));
        }
    }
    bytes.extend(more);
    write(bytes, then)
}

fn broken(came: Came) -> Expected {
    Expected { code: 6, came }
}

fn good() -> Expected {
    Expected { code: 0, came: Came::Whole }
}

/// The whole body came, but not the end of the transfer.
fn without_end(subject: &Subject) -> Expected {
    match (subject.knows_its_end, subject.file) {
        (true, _) => good(),
        (false, Some(_)) => broken(Came::Nothing),
        // Of documents nothing is put out; sound is, as it comes.
        (false, None) if subject.half[0].is_empty() => broken(Came::Nothing),
        (false, None) => broken(Came::Whole),
    }
}

type Row = (&'static str, fn(&Subject, &[Step]) -> Vec<Step>, fn(&Subject) -> Expected);

/// The points at which each of the four kinds happens.
const POINTS: [Row; 8] = [
    ("before the head", |_, then| then.to_vec(), |_| broken(Came::Nothing)),
    ("in the status line", |_, then| write(STATUS[..11].to_vec(), then), |_| broken(Came::Nothing)),
    (
        "in a header",
        |_, then| write([STATUS, b"content-ty"].concat(), then),
        |_| broken(Came::Nothing),
    ),
    ("behind the head", |it, then| write(head(it, CHUNKED), then), |_| broken(Came::Nothing)),
    ("between chunks", |it, then| up_to(it, it.between, b"", then), |_| broken(Came::Between)),
    ("in a character", |it, then| up_to(it, it.inside, b"", then), |_| broken(Came::Inside)),
    ("in a chunk size", |it, then| up_to(it, it.between, b"1", then), |_| broken(Came::Between)),
    ("behind the body", |it, then| up_to(it, it.body.len(), b"", then), without_end),
];

/// The reply with another end of its answer, where that is chat's: the rest of it is as it should be.
fn ended(subject: &Subject, reason: &str, then: &[Step]) -> Vec<Step> {
    let good = b"\"finish_reason\":\"stop\"";
    let at = subject.body.windows(good.len()).position(|window| window == good);
    let mut body = subject.body.clone();
    if let Some(at) = at {
        body.splice(at..at + good.len(), format!("\"finish_reason\":{reason}").into_bytes());
    }
    let framing = format!("content-length: {}", body.len());
    write([head(subject, &framing), body].concat(), then)
}

/// All that came is put out, with this code, if the subject is chat.
fn of_chat(subject: &Subject, code: i32) -> Expected {
    let is_chat = subject.name.starts_with("chat");
    Expected { code: if is_chat { code } else { 0 }, came: Came::Whole }
}

/// The ends of an answer that are not what they seem.
const ENDS: [(Row, &str); 5] = [
    (
        (
            "the finish_reason",
            |it, then| ended(it, "null", then),
            // A whole reply needs none.
            |it| if it.content_type == "application/json" { good() } else { of_chat(it, 6) },
        ),
        "null",
    ),
    (
        ("the finish_reason", |it, then| ended(it, "\"server_error\"", then), |it| of_chat(it, 6)),
        "a failure",
    ),
    (
        ("the finish_reason", |it, then| ended(it, "\"SAFETY\"", then), |it| of_chat(it, 4)),
        "a filter",
    ),
    (
        ("the finish_reason", |it, then| ended(it, "\"MAX_TOKENS\"", then), |it| of_chat(it, 7)),
        "a limit",
    ),
    (
        (
            "the native reason",
            |it, then| ended(it, "\"stop\",\"native_finish_reason\":\"abort\"", then),
            |it| of_chat(it, 6),
        ),
        "a failure",
    ),
];

/// The rows that have a point of their own.
const OTHERS: [(Row, &str); 16] = [
    (
        (
            "status line",
            |_, then| write(b"ICY 200 OK\r\n\r\n".to_vec(), then),
            |_| broken(Came::Nothing),
        ),
        "garbage",
    ),
    (
        (
            "a header",
            |_, then| write([STATUS, b"x: ", &[b'a'; 1 << 20], b"\r\n\r\n"].concat(), then),
            |_| broken(Came::Nothing),
        ),
        "of 1 MiB",
    ),
    (
        (
            "the headers",
            |_, then| write([STATUS, &b"x: y\r\n".repeat(20_000)].concat(), then),
            |_| broken(Came::Nothing),
        ),
        "without end",
    ),
    (
        (
            "the reply",
            |_, then| write(b"HTTP/1.1 100 Continue\r\n\r\n".repeat(50), then),
            |_| broken(Came::Nothing),
        ),
        "only 1xx",
    ),
    (
        (
            "a chunk size",
            |it, then| up_to(it, it.between, b"ffffffffffffffffff\r\n", then),
            |_| broken(Came::Between),
        ),
        "too large",
    ),
    (
        ("a chunk", |it, then| up_to(it, it.between, b"ffff\r\n", then), |_| broken(Came::Between)),
        "cut off",
    ),
    (
        (
            "a chunk size",
            |it, then| up_to(it, it.between, b"1\nx\n", then),
            |_| broken(Came::Between),
        ),
        "ends in LF",
    ),
    (
        (
            "status line",
            |it, then| {
                let head = head(it, CHUNKED);
                let old = [b"HTTP/1.0", &head[8..]].concat();
                write([old, framed(&it.body), b"0\r\n\r\n".to_vec()].concat(), then)
            },
            |_| broken(Came::Nothing),
        ),
        "1.0, chunked",
    ),
    (
        (
            "the reply",
            |_, then| {
                let head = "HTTP/1.1 407 Proxy Authentication Required\r\n\
                            content-type: text/html\r\ncontent-length: 13\r\n\r\n<html></html>";
                write(head.into(), then)
            },
            |_| Expected { code: 4, came: Came::Nothing },
        ),
        "of a proxy",
    ),
    (
        (
            "the body",
            |it, then| {
                let framing = format!("content-length: {}", it.body.len());
                write([head(it, &framing), it.body.clone(), b"more".repeat(99)].concat(), then)
            },
            |_| good(),
        ),
        "too long",
    ),
    (
        (
            "the body",
            |it, then| {
                let framing = format!("content-length: {}", it.body.len() + 9);
                write([head(it, &framing), it.body.clone()].concat(), then)
            },
            without_end,
        ),
        "too short",
    ),
    (
        (
            "the body",
            |it, then| {
                let framing = format!("content-length: {}", it.body.len());
                write([head(it, &framing), it.body[..it.between].to_vec()].concat(), then)
            },
            |_| broken(Came::Between),
        ),
        "cut in half",
    ),
    (
        (
            "the body",
            |it, then| write([head(it, "connection: close"), it.body.clone()].concat(), then),
            |_| good(),
        ),
        "ends by close",
    ),
    (
        (
            "the body",
            |it, then| {
                // Sound does not say where it ends.
                let end = if it.content_type == "audio/mpeg" { it.body.len() } else { it.between };
                write([head(it, "connection: close"), it.body[..end].to_vec()].concat(), then)
            },
            |it| if it.content_type == "audio/mpeg" { good() } else { broken(Came::Between) },
        ),
        "cut by close",
    ),
    (
        (
            "the reply",
            |it, then| {
                let bytes = [head(it, CHUNKED), framed(&it.body), b"0\r\n\r\n".to_vec()].concat();
                let each = bytes.into_iter().map(|byte| Step::Write(vec![byte]));
                each.chain(then.iter().cloned()).collect()
            },
            |_| good(),
        ),
        "byte by byte",
    ),
    (
        (
            "the reply",
            |it, then| {
                let framing = format!("content-length: {}", it.body.len());
                write([head(it, &framing), it.body.clone()].concat(), then)
            },
            |_| good(),
        ),
        "as it should",
    ),
];

/// The whole table's rows.
pub(crate) fn all() -> Vec<Fault> {
    let mut all = Vec::new();
    let kinds = [
        ("close", vec![Step::Close], &[][..]),
        ("reset", vec![Step::Wait(Duration::from_millis(150)), Step::Reset], &[]),
        ("stall", vec![Step::UntilClosed], &["--timeout", "1"]),
        ("garbage", vec![Step::Write(b"\x00\xff\xfe garbage \xe4\xbd\r\n\r\n".to_vec())], &[]),
    ];
    for (point, steps, expected) in POINTS {
        for (kind, then, args) in &kinds {
            all.push(Fault { point, kind, steps, then: then.clone(), expected, args });
        }
    }
    for ((point, steps, expected), kind) in OTHERS.into_iter().chain(ENDS) {
        all.push(Fault { point, kind, steps, then: Vec::new(), expected, args: &[] });
    }
    all
}
