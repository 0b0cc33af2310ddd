//! Mends JSON that programs cut within a character or write wrong; it does not know what the JSON says.
//!
//! JavaScript gateways cut strings between the halves of a surrogate pair, others cut UTF-8 between
//! bytes, some write control characters into strings as they are, and Python writes `NaN`. What was cut
//! off at the end of a string in a stream of events is kept and put where its rest comes, in a later
//! event.

use std::collections::VecDeque;

use serde_json::Value;

/// The length of an escape like `\u4f60`.
const ESCAPE_LENGTH: usize = 6;

/// How many cut characters one event may leave; a usual one has two fields with the same text.
const MAX_CUT_STRINGS: usize = 64;

/// What stands beyond strings for numbers that JSON does not have.
const NO_NUMBERS: [&str; 3] = ["NaN", "Infinity", "-Infinity"];

/// Mends events of one stream. [`JsonRepair::mend`] is for events whose JSON could not be read.
#[derive(Debug, Default)]
pub(crate) struct JsonRepair {
    kept: CutStrings,
}

/// What was cut off, in the order of its strings: one event can hold the same text in two fields.
#[derive(Debug, Clone, Default)]
struct CutStrings {
    /// High surrogates.
    halves: VecDeque<u16>,
    /// Beginnings of UTF-8 sequences, of one to three bytes.
    bytes: VecDeque<Vec<u8>>,
}

impl JsonRepair {
    /// Makes JSON of the data of an event; none if it stays unreadable.
    ///
    /// Within strings: the halves of a character that was cut are joined at its end; any other lone
    /// surrogate and any bad byte become U+FFFD; control characters are escaped, and so is a
    /// backslash that begins no escape. Beyond strings, what is no number becomes null. The result has at
    /// most six times the length of the data, and the few bytes that were kept.
    pub(crate) fn mend(&mut self, data: &[u8]) -> Option<Vec<u8>> {
        let Mender { out, old, new, .. } = mended(data, self.kept.clone(), true)?;
        self.kept.halves = if new.halves.is_empty() { old.halves } else { new.halves };
        self.kept.bytes = if new.bytes.is_empty() { old.bytes } else { new.bytes };
        Some(out)
    }
}

/// Makes JSON of a text that stands alone; none if it stays unreadable. What is cut at the end of a string
/// has no rest elsewhere: it becomes U+FFFD.
pub(crate) fn mend_alone(data: &[u8]) -> Option<Vec<u8>> {
    mended(data, CutStrings::default(), false).map(|mender| mender.out)
}

/// What was mended, if anything was and it is JSON now.
fn mended(data: &[u8], old: CutStrings, keeps: bool) -> Option<Mender<'_>> {
    let (out, new) = (Vec::with_capacity(data.len() + 16), CutStrings::default());
    let mut mender = Mender { data, at: 0, out, keeps, old, new, changed: false };
    mender.run();
    let is_json = mender.changed && serde_json::from_slice::<Value>(&mender.out).is_ok();
    is_json.then_some(mender)
}

/// One event, or another text, on its way.
struct Mender<'d> {
    data: &'d [u8],
    at: usize,
    out: Vec<u8>,
    /// What was cut off is kept for the next event.
    keeps: bool,
    /// What earlier events left.
    old: CutStrings,
    /// What this event leaves.
    new: CutStrings,
    changed: bool,
}

impl Mender<'_> {
    fn run(&mut self) {
        while let Some(&byte) = self.data.get(self.at) {
            match self.no_number() {
                Some(word) => self.put(word.len(), b"null"),
                None => self.copy(1),
            }
            if byte == b'"' {
                self.complete();
                self.string();
            }
        }
    }

    /// The word that stands here for a number that is none.
    fn no_number(&self) -> Option<&'static str> {
        NO_NUMBERS.into_iter().find(|word| self.data[self.at..].starts_with(word.as_bytes()))
    }

    /// Mends a string from behind its opening quote to its closing one.
    fn string(&mut self) {
        while let Some(&byte) = self.data.get(self.at) {
            match byte {
                b'"' => return self.copy(1),
                b'\\' => self.escape(),
                0..=0x1f => self.put(1, format!("\\u{byte:04x}").as_bytes()),
                0x20..=0x7f => self.copy(1),
                _ => self.raw(),
            }
        }
    }

    /// Mends what begins with a backslash.
    fn escape(&mut self) {
        match self.unit(self.at) {
            Some(0xd800..=0xdbff)
                if matches!(self.unit(self.at + ESCAPE_LENGTH), Some(0xdc00..=0xdfff)) =>
            {
                self.copy(2 * ESCAPE_LENGTH);
            }
            Some(half @ 0xd800..=0xdbff) if self.is_cut(ESCAPE_LENGTH, self.new.halves.len()) => {
                self.new.halves.push_back(half);
                self.put(ESCAPE_LENGTH, b"");
            }
            Some(0xdc00..=0xdfff) if let Some(half) = self.old.halves.pop_front() => {
                self.put(0, format!("\\u{half:04x}").as_bytes());
                self.copy(ESCAPE_LENGTH);
            }
            Some(0xd800..=0xdfff) => self.put(ESCAPE_LENGTH, b"\\ufffd"),
            Some(_) => self.copy(ESCAPE_LENGTH),
            None => match self.data.get(self.at + 1) {
                Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.copy(2),
                _ => self.put(1, b"\\\\"),
            },
        }
    }

    /// The UTF-16 code unit of the escape that begins at `at`.
    fn unit(&self, at: usize) -> Option<u16> {
        let digits = self.data.get(at..at + ESCAPE_LENGTH)?.strip_prefix(b"\\u")?;
        // `from_str_radix` takes a sign as well.
        let digits = std::str::from_utf8(digits).ok().filter(|digits| !digits.starts_with('+'))?;
        u16::from_str_radix(digits, 16).ok()
    }

    /// Puts a kept beginning in front of the bytes directly behind an opening quote, if they fit.
    fn complete(&mut self) {
        let run = self.run_length();
        let rest = &self.data[self.at..self.at + run];
        if !rest.first().is_some_and(|byte| (0x80..0xc0).contains(byte)) {
            return;
        }
        let Some(mut joined) = self.old.bytes.pop_front() else {
            return;
        };
        for (index, &byte) in rest.iter().enumerate() {
            joined.push(byte);
            match std::str::from_utf8(&joined) {
                Ok(_) => return self.put(index + 1, &joined),
                Err(error) if error.error_len().is_some() => return,
                Err(_) => {}
            }
        }
        if self.is_cut(run, self.new.bytes.len()) {
            self.new.bytes.push_back(joined);
            self.put(run, b"");
        }
    }

    /// Mends the bytes up to the next ASCII character.
    fn raw(&mut self) {
        let run = self.run_length();
        let may_keep = self.is_cut(run, self.new.bytes.len());
        let mut left = run;
        for chunk in self.data[self.at..self.at + run].utf8_chunks() {
            let bad = chunk.invalid();
            self.copy(chunk.valid().len());
            left -= chunk.valid().len() + bad.len();
            let is_begun =
                || std::str::from_utf8(bad).is_err_and(|error| error.error_len().is_none());
            if left == 0 && may_keep && is_begun() {
                self.new.bytes.push_back(bad.to_vec());
                self.put(bad.len(), b"");
            } else if !bad.is_empty() {
                self.put(bad.len(), "\u{fffd}".as_bytes());
            }
        }
    }

    /// Whether the string ends after `length` bytes, and what ends there may be kept beside `kept`.
    fn is_cut(&self, length: usize, kept: usize) -> bool {
        self.keeps && kept < MAX_CUT_STRINGS && self.data.get(self.at + length) == Some(&b'"')
    }

    /// How many bytes from here on are no ASCII.
    fn run_length(&self) -> usize {
        self.data[self.at..].iter().take_while(|byte| !byte.is_ascii()).count()
    }

    fn copy(&mut self, length: usize) {
        self.out.extend_from_slice(&self.data[self.at..self.at + length]);
        self.at += length;
    }

    /// Puts `bytes` in the place of the next `length` bytes.
    fn put(&mut self, length: usize, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
        self.at += length;
        self.changed = true;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The member `c` of every event, read as a client reads them, joined.
    fn joined<'e>(events: impl IntoIterator<Item = &'e [u8]>) -> String {
        let mut repair = JsonRepair::default();
        let mut text = String::new();
        for event in events {
            let value: Value = serde_json::from_slice(event).unwrap_or_else(|_| {
                let mended = repair.mend(event).expect("the sample can be mended");
                serde_json::from_slice(&mended).expect("what was mended can be read")
            });
            text.push_str(value["c"].as_str().expect("the sample holds text"));
        }
        text
    }

    fn event(content: &[u8]) -> Vec<u8> {
        [b"{\"c\":\"", content, b"\"}"].concat()
    }

    fn texts(contents: &[&[u8]]) -> String {
        let events: Vec<_> = contents.iter().map(|content| event(content)).collect();
        joined(events.iter().map(Vec::as_slice))
    }

    #[test]
    fn cut_pairs_are_joined() {
        assert_eq!(texts(&[br"a\ud83d", br"\ude00b"]), "a😀b");
        assert_eq!(texts(&[br"\uD83D", "你".as_bytes(), br"\uDE00"]), "你😀");
        assert_eq!(texts(&[br"\ud83d", br"\ude00\ud83d", br"\ude01"]), "😀😁");
        assert_eq!(texts(&[br"\ud83d\ude00\ud83d", br"\ude00"]), "😀😀");
    }

    #[test]
    fn the_same_text_in_two_fields_is_joined_in_both() {
        let mut repair = JsonRepair::default();
        let first =
            repair.mend(br#"{"reasoning":"\ud83d","details":[{"text":"\ud83d"}]}"#).unwrap();
        assert_eq!(first, br#"{"reasoning":"","details":[{"text":""}]}"#);
        let second =
            repair.mend(br#"{"reasoning":"\ude00","details":[{"text":"\ude00"}]}"#).unwrap();
        assert_eq!(second, br#"{"reasoning":"\ud83d\ude00","details":[{"text":"\ud83d\ude00"}]}"#);
    }

    #[test]
    fn no_more_than_some_is_kept() {
        let mut repair = JsonRepair::default();
        for cut in [br#""\ud83d","#.as_slice(), b"\"\xe4\","] {
            let data = [b"[".as_slice(), &cut.repeat(MAX_CUT_STRINGS + 1), b"0]"].concat();
            let mended = String::from_utf8(repair.mend(&data).unwrap()).unwrap();
            assert_eq!(mended.matches("\"\"").count(), MAX_CUT_STRINGS);
        }
        assert_eq!(repair.kept.halves.len() + repair.kept.bytes.len(), 2 * MAX_CUT_STRINGS);
    }

    #[test]
    fn other_lone_surrogates_are_replaced() {
        assert_eq!(texts(&[br"\ude00a"]), "\u{fffd}a");
        assert_eq!(texts(&[br"\ud83da\ude00"]), "\u{fffd}a\u{fffd}");
        assert_eq!(texts(&[br"\ud83d\ud83d", br"\ude00"]), "\u{fffd}😀");
        assert_eq!(texts(&[br"\ud83d", br"\ude00", br"\ude00"]), "😀\u{fffd}");
        assert_eq!(texts(&[br"\\ud83d\ud83d"]), r"\ud83d");
    }

    #[test]
    fn cut_bytes_are_joined() {
        assert_eq!(texts(&[b"\xe4\xbd", b"\xa0a"]), "你a");
        assert_eq!(texts(&[b"a\xe4", b"\xbd\xa0"]), "a你");
        assert_eq!(texts(&[b"\xf0", b"\x9f", b"\x98", b"\x80\xe5", b"\xa5\xbd"]), "😀好");
        assert_eq!(texts(&[b"\xe4\xbd", b"b", b"\xa0"]), "b你");
    }

    #[test]
    fn other_bad_bytes_are_replaced() {
        assert_eq!(texts(&[b"a\xffb"]), "a\u{fffd}b");
        assert_eq!(texts(&[b"\xe4\xbd a"]), "\u{fffd} a");
        assert_eq!(texts(&[b"\xa0"]), "\u{fffd}");
        assert_eq!(texts(&[b"\xe4\xbd", b"\xf0"]), "");
        assert_eq!(texts(&[b"\xe4", b"\xbd\xff"]), "\u{fffd}\u{fffd}");
        assert_eq!(texts(&[b"\xe4\xbd", b"\xa0\xa0"]), "你\u{fffd}");
        assert_eq!(texts(&["你\\ud83d".as_bytes(), b"\xffx\\ude00"]), "你\u{fffd}x😀");
    }

    #[test]
    fn control_characters_and_odd_backslashes_are_escaped() {
        assert_eq!(texts(&["一\n二\t\u{0}\u{1f}\r".as_bytes()]), "一\n二\t\u{0}\u{1f}\r");
        assert_eq!(texts(&[b"\\x \\\n \\u12 \\u+123 \\\""]), "\\x \\\n \\u12 \\u+123 \"");
        assert_eq!(texts(&["\\你\n".as_bytes()]), "\\你\n");
    }

    #[test]
    fn numbers_that_json_does_not_have_are_null() {
        let sample = br#"{"NaN":[NaN,-Infinity,-1],"c":"-Infinity","n":Infinity}"#;
        let mended = br#"{"NaN":[null,null,-1],"c":"-Infinity","n":null}"#;
        assert_eq!(mend_alone(sample).as_deref(), Some(&mended[..]));
        assert_eq!(mend_alone(b"{\"n\":NaNs}"), None);
    }

    #[test]
    fn what_stands_alone_keeps_nothing_for_later() {
        let alone = |content: &[u8]| mend_alone(&event(content));
        assert_eq!(alone(br"cut \ud83d"), Some(event(br"cut \ufffd")));
        assert_eq!(alone(b"cut \xe4\xbd"), Some(event("cut \u{fffd}".as_bytes())));
        assert_eq!(alone(br"whole \ud83d\ude00"), None);
    }

    #[test]
    fn what_is_sound_or_hopeless_is_not_mended() {
        let mut repair = JsonRepair::default();
        for data in [
            "",
            "{}",
            r#"{"c":"\ud83d\ude00 你 \\ \" \/ \n"}"#,
            "[DONE]",
            r#"{"c":"cut"#,
            "{\"c\":\"\n",
            "{\"c\":1\u{1}}",
            "\"\\",
            "\"\\u",
            r#""\ud83d"x"#,
        ] {
            assert_eq!(repair.mend(data.as_bytes()), None, "{data:?}");
        }
        assert_eq!(repair.mend(&event(br"\ude00")), Some(event(br"\ufffd")), "nothing was kept");
    }

    /// A JSON string's inside as JavaScript writes it: every UTF-16 code unit that is no ASCII
    /// escaped.
    fn escaped(units: &[u16]) -> String {
        let escape = |unit: &u16| match u8::try_from(*unit) {
            Ok(byte) if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
            _ => format!("\\u{unit:04x}"),
        };
        units.iter().map(escape).collect()
    }

    proptest! {
        #[test]
        fn text_cut_between_units_is_joined(text in "[a你好😀🀄]{0,12}", size in 1..6_usize) {
            let units: Vec<_> = text.encode_utf16().collect();
            let events: Vec<_> = units.chunks(size).map(|part| event(escaped(part).as_bytes())).collect();
            prop_assert_eq!(joined(events.iter().map(Vec::as_slice)), text);
        }

        #[test]
        fn text_cut_between_bytes_is_joined(text in "[a\n你好😀🀄]{0,12}", size in 1..9_usize) {
            let events: Vec<_> = text.as_bytes().chunks(size).map(event).collect();
            prop_assert_eq!(joined(events.iter().map(Vec::as_slice)), text);
        }

        #[test]
        fn any_bytes_give_json_of_bounded_size_or_nothing(
            contents in prop::collection::vec(
                prop::collection::vec(
                    prop_oneof![
                        any::<u8>().prop_map(|byte| vec![byte]),
                        prop::sample::select(vec![r"\ud83d", r"\ude00", r"\u", "\\", "\"", "你", "\n"])
                            .prop_map(|token| token.as_bytes().to_vec()),
                    ],
                    0..12,
                ),
                1..4,
            ),
        ) {
            let mut repair = JsonRepair::default();
            for content in contents {
                let data = event(&content.concat());
                if let Some(mended) = repair.mend(&data) {
                    prop_assert!(serde_json::from_slice::<Value>(&mended).is_ok());
                    prop_assert!(mended.len() <= 6 * data.len() + 64);
                }
            }
        }
    }
}
