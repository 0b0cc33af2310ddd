//! The decoder against a naive one, over every split.

use proptest::prelude::*;

use super::*;

/// An event as owned bytes: name and data.
type Owned = (Vec<u8>, Vec<u8>);

const CHAT: &str = "data: {\"a\":\"你\"}\n\ndata: {\"b\":\"好😀\"}\n\ndata: [DONE]\n\n";
const MIXED: &str = concat!(
    "\u{feff}: 注释\r\nid: 7\r\nretry: 10\r\n",
    "event: 开始\r\ndata:一\r\ndata: 二\r\ndata\r\ndata:  三\r\n\r\n",
    "event: empty\rdata\r\rdatax: no\rdata : no\r\revent: lost\n\n:\n\n",
    "error: {\"code\":500}\n\ndata: 末\nevent: end",
);
const SHORT: &str = "\u{feff}data:a\r\n\r\ndata: b\r\rerror:c\n\nevent:d\ndata";

fn owned(event: Event<'_>) -> Owned {
    (event.event.to_vec(), event.data.to_vec())
}

fn decode<'p>(pieces: impl IntoIterator<Item = &'p [u8]>) -> Vec<Owned> {
    let mut decoder = Decoder::default();
    let mut events = Vec::new();
    for piece in pieces {
        decoder.push(piece, |event| events.push(owned(event))).unwrap();
    }
    decoder.finish(|event| events.push(owned(event)));
    assert!(decoder.is_idle());
    events
}

/// The same rules, written for clarity alone: the whole stream at once, a line at a time.
fn reference(stream: &[u8]) -> Vec<Owned> {
    let mut lines = vec![Vec::new()];
    let mut bytes = stream.strip_prefix(b"\xef\xbb\xbf").unwrap_or(stream).iter().peekable();
    while let Some(&byte) = bytes.next() {
        if byte == b'\r' && bytes.peek() == Some(&&b'\n') {
            bytes.next();
        }
        match byte {
            b'\r' | b'\n' => lines.push(Vec::new()),
            _ => lines.last_mut().unwrap().push(byte),
        }
    }
    // The last element is what no line end follows; if there is none, it is no line.
    let unfinished = lines.pop().filter(|line| !line.is_empty());
    let whole = lines.len();
    lines.extend(unfinished);
    let (mut events, mut name, mut data) = (Vec::new(), Vec::new(), None::<Vec<u8>>);
    for (number, line) in lines.iter().enumerate() {
        let colon = line.iter().position(|&byte| byte == b':').unwrap_or(line.len());
        let value = line.get(colon + 1..).unwrap_or_default();
        let value = value.strip_prefix(b" ").unwrap_or(value).to_vec();
        match &line[..colon] {
            b"" if line.is_empty() && number < whole => {
                events.extend(data.take().map(|data| (std::mem::take(&mut name), data)));
                name.clear();
            }
            b"event" => name = value,
            field @ (b"data" | b"error") => {
                if field == b"error" {
                    name = b"error".to_vec();
                }
                data = Some(match data {
                    Some(before) => [before, value].join(&b'\n'),
                    None => value,
                });
            }
            _ => {}
        }
    }
    events.extend(data.filter(|data| !data.is_empty()).map(|data| (name, data)));
    events
}

fn event(name: &str, data: &str) -> Owned {
    (name.into(), data.into())
}

#[test]
fn fields_are_read_as_the_standard_says() {
    assert_eq!(
        decode([MIXED.as_bytes()]),
        [
            event("开始", "一\n二\n\n 三"),
            event("empty", ""),
            event("error", "{\"code\":500}"),
            event("end", "末"),
        ]
    );
    assert_eq!(decode([SHORT.as_bytes()]), [event("", "a"), event("", "b"), event("error", "c")]);
}

#[test]
fn the_reference_agrees_on_the_samples() {
    for stream in
        [CHAT, MIXED, SHORT, "", "\n", "\u{feff}", "\u{feff}\r\n\r\ndata:x\n\n", "data\n\n"]
    {
        assert_eq!(decode([stream.as_bytes()]), reference(stream.as_bytes()), "{stream:?}");
    }
}

#[test]
fn every_split_gives_the_same_events() {
    for stream in [CHAT, MIXED, SHORT, &CHAT.replace('\n', "\r\n"), &CHAT.replace('\n', "\r")] {
        let stream = stream.as_bytes();
        let expected = reference(stream);
        for at in 0..=stream.len() {
            assert_eq!(decode([&stream[..at], &stream[at..]]), expected, "split at {at}");
        }
        assert_eq!(decode(stream.chunks(1)), expected, "byte by byte");
    }
}

#[test]
fn every_pair_of_splits_gives_the_same_events() {
    let stream = SHORT.as_bytes();
    let expected = reference(stream);
    for first in 0..=stream.len() {
        for second in first..=stream.len() {
            let pieces = [&stream[..first], &stream[first..second], &stream[second..]];
            assert_eq!(decode(pieces), expected, "split at {first} and {second}");
        }
    }
}

#[test]
fn an_event_within_a_piece_is_not_copied() {
    let piece = b"data: [1]\n\nevent: x\r\ndata: [2]\r\n\r\n";
    let mut decoder = Decoder::default();
    let mut count = 0;
    decoder
        .push(piece, |event| {
            assert!(piece.as_ptr_range().contains(&event.data.as_ptr()));
            count += 1;
        })
        .unwrap();
    assert_eq!(count, 2);
    assert_eq!(decoder.line.capacity() + decoder.data.capacity() + decoder.name.capacity(), 0);
}

#[test]
fn idle_means_that_nothing_is_pending() {
    let mut decoder = Decoder::default();
    let mut step = |bytes: &str| {
        decoder.push(bytes.as_bytes(), |_| {}).unwrap();
        decoder.is_idle()
    };
    assert!(step(""));
    assert!(step(": 注释\n"));
    assert!(!step("da"));
    assert!(!step("ta:\n"));
    assert!(step("\n"));
    assert!(!step("event: x\n"));
    assert!(step("\n"));
}

#[test]
fn a_bad_byte_spoils_its_own_event_alone() {
    let events = decode([b"data: a\n\ndata: b\xff\n\ndata: c\n\n".as_slice()]);
    assert_eq!(events, [event("", "a"), (Vec::new(), b"b\xff".to_vec()), event("", "c")]);
}

#[test]
fn a_finished_decoder_is_as_new() {
    let mut decoder = Decoder::default();
    for _ in 0..2 {
        let mut events = Vec::new();
        decoder
            .push("\u{feff}event: n\ndata: 甲\r".as_bytes(), |_| panic!("not complete"))
            .unwrap();
        decoder.finish(|event| events.push(owned(event)));
        assert_eq!(events, [event("n", "甲")]);
    }
}

#[test]
fn the_limit_holds_however_the_event_comes() {
    let streams = [
        "data: 12345678\n\n",
        "data:123\ndata:45\ndata:67\n\n",
        "event:12345678\n",
        ": comment-comment",
    ];
    for stream in streams {
        for size in 1..=stream.len() {
            let mut decoder = Decoder { limit: 12, ..Decoder::default() };
            let mut events = Vec::new();
            let stream = format!("data: ok\n\n{stream}");
            let results: Vec<_> = (stream.as_bytes().chunks(size))
                .map(|piece| decoder.push(piece, |event| events.push(owned(event))))
                .collect();
            assert_eq!(results.last(), Some(&Err(TooLong)), "{stream:?} in pieces of {size}");
            assert_eq!(decoder.push(b"data: x\n\n", |_| panic!("failed before")), Err(TooLong));
            decoder.finish(|_| panic!("nothing is kept"));
            assert_eq!(events, [event("", "ok")]);
        }
    }
    assert_eq!(TooLong.to_string(), "an event of the stream is longer than 64 MiB");
}

/// Bytes that are likely to form lines, fields and line ends.
fn hostile() -> impl Strategy<Value = Vec<u8>> {
    let tokens = prop_oneof![
        prop::sample::select(vec![
            "data", "data:", "data: ", "event:", "error: ", "id: ", ":", " ", "\r", "\n", "\r\n",
            "\n\n", "\u{feff}", "你",
        ])
        .prop_map(|token| token.as_bytes().to_vec()),
        prop::collection::vec(any::<u8>(), 0..4),
    ];
    prop::collection::vec(tokens, 0..40).prop_map(|tokens| tokens.concat())
}

proptest! {
    #[test]
    fn any_bytes_in_any_pieces_agree_with_the_reference(
        stream in hostile(),
        sizes in prop::collection::vec(1..9_usize, 1..8),
    ) {
        let mut rest = stream.as_slice();
        let mut pieces = Vec::new();
        for size in sizes.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (piece, after) = rest.split_at((*size).min(rest.len()));
            pieces.push(piece);
            rest = after;
        }
        let expected = reference(&stream);
        prop_assert_eq!(&decode(pieces), &expected);
        prop_assert_eq!(&decode([stream.as_slice()]), &expected);
    }
}
