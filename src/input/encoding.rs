//! Which encoding a text that is not UTF-8 is probably in, for a hint. The names are those of iconv.

/// So many pairs of bytes must all look Korean before they count as that: a few Chinese ones do too.
const SURE_PAIRS: usize = 12;

/// How much of a text is looked at.
const SAMPLE: usize = 64 * 1024;

/// The encoding that fits; `None` if none does, or none more than others.
pub(super) fn guess(bytes: &[u8]) -> Option<&'static str> {
    let bytes = &bytes[..bytes.len().min(SAMPLE)];
    if bytes.contains(&0) {
        return utf16(bytes);
    }
    // Control characters are of no text in any of them.
    if bytes.iter().any(|byte| *byte < b'\t' || (0x0e..0x1b).contains(byte) || *byte == 0x7f) {
        return None;
    }
    let runs: Vec<&[u8]> = bytes.split(|byte| *byte < 0x80).filter(|run| !run.is_empty()).collect();
    let high: usize = runs.iter().map(|run| run.len()).sum();
    let share = |of: &dyn Fn(u8) -> bool, part: usize| {
        runs.iter().flat_map(|run| run.iter()).filter(|byte| of(**byte)).count() * part >= high
    };
    if is_latin(&runs, bytes) {
        let has_windows = runs.iter().any(|run| run.iter().any(|byte| *byte < 0xa0));
        return Some(if has_windows { "WINDOWS-1252" } else { "ISO-8859-1" });
    }
    // Letters of a one-byte alphabet: all in the upper half, capitals rare.
    if high >= 6 && runs.iter().all(|run| run.iter().all(|byte| *byte >= 0xc0)) {
        return Some(if share(&|byte| byte >= 0xe0, 2) { "WINDOWS-1251" } else { "KOI8-R" });
    }
    of_pairs(bytes)
}

/// UTF-16 has every other byte zero where the text is ASCII.
fn utf16(bytes: &[u8]) -> Option<&'static str> {
    let zeros = |first: usize| bytes.iter().skip(first).step_by(2).filter(|b| **b == 0).count();
    let (even, odd) = (zeros(0), zeros(1));
    let most = bytes.len() / 2;
    match (even, odd) {
        (0, odd) if odd > 1 && odd * 4 >= most * 3 => Some("UTF-16LE"),
        (even, 0) if even > 1 && even * 4 >= most * 3 => Some("UTF-16BE"),
        _ => None,
    }
}

/// Single accented letters between letters and spaces.
fn is_latin(runs: &[&[u8]], bytes: &[u8]) -> bool {
    let letters = bytes.iter().filter(|byte| byte.is_ascii_alphabetic()).count();
    let high: usize = runs.iter().map(|run| run.len()).sum();
    let single = runs.iter().filter(|run| run.len() == 1).count();
    let is_accented = |byte: &u8| *byte >= 0xc0 || (0x80..0xc0).contains(byte) && *byte != 0x81;
    single * 10 >= runs.len() * 7
        && letters >= 2 * high
        && letters > 2
        && runs.iter().any(|run| run[0] >= 0xa0)
        && runs.iter().all(|run| run.iter().all(is_accented))
}

/// The pairs of bytes of an East Asian text, by what the encodings have in their first rows.
fn of_pairs(bytes: &[u8]) -> Option<&'static str> {
    let is_between = |byte: u8, first: u8, last: u8| (first..=last).contains(&byte);
    let kana_in_sjis =
        pairs(bytes, |lead| is_between(lead, 0x81, 0x9f) || lead >= 0xe0).map(|pairs| {
            let kana = |(lead, next): &&(u8, u8)| {
                (*lead == 0x82 && *next >= 0x9f) || (*lead == 0x83 && *next <= 0x96)
            };
            pairs.iter().filter(kana).count() * 4 > pairs.len()
        });
    if kana_in_sjis == Some(true) {
        return Some("SHIFT_JIS");
    }
    let pairs = pairs(bytes, |lead| lead >= 0x81)?;
    let count = |is: &dyn Fn(u8, u8) -> bool| pairs.iter().filter(|(a, b)| is(*a, *b)).count();
    let in_rows = count(&|a, b| a >= 0xa1 && b >= 0xa1);
    if count(&|a, b| (a == 0xa4 || a == 0xa5) && b >= 0xa1) * 4 > pairs.len() {
        return Some("EUC-JP");
    }
    if count(&|a, b| is_between(a, 0xa1, 0xc8) && b < 0x7f) * 5 > pairs.len() {
        return Some("BIG5");
    }
    let is_korean = |a: u8, b: u8| b >= 0xa1 && (a <= 0xa3 || is_between(a, 0xb0, 0xc8));
    if pairs.len() >= SURE_PAIRS && count(&is_korean) == pairs.len() {
        return Some("EUC-KR");
    }
    (in_rows * 10 >= pairs.len() * 8).then_some("GB18030")
}

/// The pairs that begin with a lead byte; `None` if a byte stands where none may.
fn pairs(bytes: &[u8], is_lead: impl Fn(u8) -> bool) -> Option<Vec<(u8, u8)>> {
    let (mut found, mut at) = (Vec::new(), 0);
    while let Some(lead) = bytes.get(at) {
        at += 1;
        if *lead < 0x80 || (0xa1..0xe0).contains(lead) && !is_lead(*lead) {
            continue;
        }
        if !is_lead(*lead) || *lead == 0xff {
            return None;
        }
        match bytes.get(at) {
            Some(next) if (0x40..=0xfe).contains(next) && *next != 0x7f => {
                found.push((*lead, *next))
            }
            // The end may be cut.
            None => break,
            Some(_) => return None,
        }
        at += 1;
    }
    (!found.is_empty()).then_some(found)
}

#[cfg(test)]
mod tests {
    use super::guess;

    /// A text as `iconv` writes it in an encoding.
    const TEXTS: [(&str, &[u8]); 9] = [
        // 你好，世界
        ("GB18030", b"\xc4\xe3\xba\xc3\xa3\xac\xca\xc0\xbd\xe7"),
        // 早上好 in Traditional Chinese words: 這是一個測試
        ("BIG5", b"\xb3\x6f\xac\x4f\xa4\x40\xad\xd3\xb4\xfa\xb8\xd5"),
        // こんにちは世界
        ("SHIFT_JIS", b"\x82\xb1\x82\xf1\x82\xc9\x82\xbf\x82\xcd\x90\xa2\x8a\x45"),
        ("EUC-JP", b"\xa4\xb3\xa4\xf3\xa4\xcb\xa4\xc1\xa4\xcf\xc0\xa4\xb3\xa6"),
        // Gr\u{fc}\u{df}e aus K\u{f6}ln
        ("ISO-8859-1", b"Gr\xfc\xdfe aus K\xf6ln, sch\xf6ne Gr\xe4ser am Flu\xdfufer; ma\xdfvoll f\xfcnf, \xe4hnlich, \xfcber"),
        ("WINDOWS-1252", b"a dash \x96 and caf\xe9"),
        // привет мир
        ("WINDOWS-1251", b"\xef\xf0\xe8\xe2\xe5\xf2 \xec\xe8\xf0"),
        ("KOI8-R", b"\xd0\xd2\xc9\xd7\xc5\xd4 \xcd\xc9\xd2"),
        ("UTF-16LE", b"h\0e\0l\0l\0o\0"),
    ];

    #[test]
    fn the_encoding_is_told_by_its_bytes() {
        for (name, bytes) in TEXTS {
            assert_eq!(guess(bytes), Some(name));
        }
    }

    #[test]
    fn what_fits_none_is_told_as_none() {
        let noise: Vec<u8> = (1..=255).rev().collect();
        for bytes in [&b"\xff"[..], b"a\xff", b"a\0b", b"\x1f\x8b\x08", &noise] {
            assert_eq!(guess(bytes), None, "{bytes:?}");
        }
    }
}
