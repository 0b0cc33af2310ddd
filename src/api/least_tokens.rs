//! How few tokens a text can have: a bound that no tokenizer goes below for ordinary text, whatever its
//! script. A service that counts fewer has not read all of it. Pure: text in, a number out.

/// Only texts of so many bytes are judged: in a shorter one the difference is too small.
pub(crate) const LONG_TEXT: usize = 4096;

/// The most bytes of ASCII that a token stands for on average. English prose has four to six; tokenizers
/// whose tokens span several words come to eight.
const ASCII_BYTES: usize = 12;

/// The most bytes of other scripts. A character takes two to four bytes there, and words of Hindi or
/// Tamil can be one token each.
const OTHER_BYTES: usize = 24;

/// A word longer than this, in bytes, may be anything (base64, a language without blanks): tokenizers
/// for vectors take it as one unknown word.
const LONG_WORD: usize = 100;

/// The bytes that a long word, or one of signs alone, counts as.
const FEW_BYTES: usize = 8;

/// Whether so few tokens can be all that a service read of these texts.
pub(crate) fn can_be_all<'a>(tokens: u64, texts: impl Iterator<Item = &'a str> + Clone) -> bool {
    let bytes: usize = texts.clone().map(|text| text.len() + 1).sum();
    // Mostly there are more than any text of this length has at the least, and nothing is to be counted.
    (bytes / ASCII_BYTES) as u64 <= tokens || texts.map(least_tokens).sum::<u64>() <= tokens
}

/// The least plausible number of tokens of a text.
///
/// Runs of one sign and of blanks are few tokens, however long they are, and so are words of more than
/// 100 bytes without a blank. A word that is not ASCII may be unknown to a tokenizer, and one token.
/// Chinese characters are words of their own to all of them.
fn least_tokens(text: &str) -> u64 {
    let mut counted = Counted::default();
    let mut word = Word::default();
    let mut last = None;
    for sign in text.chars() {
        let repeats = last == Some(sign);
        last = Some(sign);
        if sign.is_whitespace() {
            counted.ascii += word.end(&mut counted.other);
            // One blank goes with the word before it, in every tokenizer.
        } else if is_ideograph(sign) {
            counted.ascii += word.end(&mut counted.other);
            counted.other += if repeats { 0 } else { sign.len_utf8() };
        } else if !repeats {
            word.add(sign);
        }
    }
    counted.ascii += word.end(&mut counted.other);
    (counted.ascii / ASCII_BYTES + counted.other / OTHER_BYTES) as u64
}

/// Bytes that count.
#[derive(Default)]
struct Counted {
    ascii: usize,
    other: usize,
}

/// A word on its way, without the repeats in it.
#[derive(Default)]
struct Word {
    bytes: usize,
    is_ascii: bool,
    has_letters: bool,
}

impl Word {
    fn add(&mut self, sign: char) {
        let is_first = self.bytes == 0;
        self.is_ascii = sign.is_ascii() && (is_first || self.is_ascii);
        self.has_letters |= sign.is_alphanumeric();
        self.bytes += sign.len_utf8();
    }

    /// Ends the word: gives the bytes of ASCII that it counts as, and adds others to `other`.
    fn end(&mut self, other: &mut usize) -> usize {
        let word = std::mem::take(self);
        // The blank behind it is a byte of its own where the word is plain.
        match (word.bytes, word.is_ascii && word.has_letters) {
            (0, _) => 0,
            (LONG_WORD.., _) => FEW_BYTES,
            (bytes, true) => bytes + 1,
            (bytes, false) if !word.has_letters => bytes.min(FEW_BYTES),
            (bytes, false) => {
                *other += bytes.min(OTHER_BYTES);
                0
            }
        }
    }
}

/// A Chinese character. Japanese and Korean letters are not among them: some tokenizers take a whole
/// word of them as unknown.
fn is_ideograph(sign: char) -> bool {
    matches!(sign, '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Text of each script, with the fewest tokens that tokenizers with large vocabularies (o200k,
    /// Gemma's, Qwen's) or whole words as tokens make of it.
    const SCRIPTS: [(&str, u64); 10] = [
        ("The quick brown fox jumps over the lazy dog and runs away. ", 13),
        ("举头望明月，低头思故乡。床前明月光，疑是地上霜。", 16),
        ("吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。", 18),
        ("모든 인간은 태어날 때부터 자유로우며 그 존엄과 권리에 있어 동등하다. ", 11),
        ("Все люди рождаются свободными и равными в своём достоинстве и правах. ", 11),
        ("يولد جميع الناس أحرارا متساوين في الكرامة والحقوق. ", 9),
        ("सभी मनुष्यों को गौरव और अधिकारों के मामले में जन्मजात स्वतन्त्रता प्राप्त है। ", 13),
        ("มนุษย์ทั้งหลายเกิดมามีอิสระและเสมอภาคกัน ในเกียรติศักดิ์และสิทธิ ", 2),
        ("Όλοι οι άνθρωποι γεννιούνται ελεύθεροι και ίσοι στην αξιοπρέπεια. ", 9),
        ("மனிதப் பிறவியினர் சகலரும் சுதந்திரமாகவே பிறக்கின்றனர். ", 5),
    ];

    fn is_possible(text: &str, tokens: u64) -> bool {
        least_tokens(text) <= tokens
    }

    #[test]
    fn ordinary_text_of_any_script_has_as_many_tokens() {
        for (text, tokens) in SCRIPTS {
            let repeats = 100_000 / text.len();
            assert!(is_possible(&text.repeat(repeats), tokens * repeats as u64), "{text}");
        }
    }

    #[test]
    fn code_tables_and_runs_have_few_tokens() {
        let code = "        if (value == null) {\n            return false;\n        }\n";
        let table =
            "| 2026-11-28 |        12.50 |          |\n|------------|--------------|----------|\n";
        let ruled = "-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=\n";
        for (text, tokens) in [(code, 14), (table, 12), (ruled, 4)] {
            assert!(
                is_possible(&text.repeat(1000), tokens * 1000),
                "{text} {}",
                least_tokens(&text.repeat(1000))
            );
        }
        for sign in ["=", " ", "\n", "─", "哈", "😀", "\t", "0"] {
            assert!(least_tokens(&sign.repeat(100_000)) < 4, "{sign}");
        }
        let base64 = "TG9yZW0gaXBzdW0gZG9sb3Igc2l0IGFtZXQsIGNvbnNlY3RldHVy".repeat(1000);
        assert!(least_tokens(&base64) < 4);
        assert_eq!(least_tokens(""), 0);
    }

    #[test]
    fn a_book_of_which_a_page_was_read_is_told() {
        for (text, tokens) in SCRIPTS {
            let book = text.repeat(280_000 / text.len());
            assert!(!is_possible(&book, 510), "{text} counts {tokens}");
        }
        // A window of 512 tokens, and a text of four times as many.
        assert!(!is_possible(&"plain words of a common language ".repeat(300), 510));
    }

    proptest! {
        #[test]
        fn it_never_exceeds_the_bytes_and_grows_with_the_text(first in ".*", second in ".*") {
            let both = least_tokens(&format!("{first} {second}"));
            prop_assert!(both as usize <= (first.len() + second.len() + 2) / ASCII_BYTES + 1);
            prop_assert!(both >= least_tokens(&first));
        }
    }
}
