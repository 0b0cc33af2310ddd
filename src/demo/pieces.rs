//! Cuts text into small pieces such as a model sends, never inside a character.

/// The longest piece, in characters: a link or a base64 line arrives in several pieces too.
const MAX_PIECE_CHARS: usize = 16;

/// The longest word, in bytes.
const MAX_WORD_BYTES: usize = 80;

/// Whether `character` belongs to the Chinese, Japanese or Korean scripts (Unicode blocks;
/// punctuation is not counted).
pub(crate) fn is_cjk(character: char) -> bool {
    matches!(u32::from(character),
        0x3040..=0x30FF | 0x31F0..=0x31FF | 0x3400..=0x4DBF | 0x4E00..=0x9FFF | 0xAC00..=0xD7AF | 0xF900..=0xFAFF
        | 0x2_0000..=0x3_FFFF)
}

/// Whether `text` holds any Chinese, Japanese or Korean character.
pub(crate) fn has_cjk(text: &str) -> bool {
    text.chars().any(is_cjk)
}

/// Whether `character` is written without spaces around it: those scripts and their punctuation.
pub(crate) fn is_wide(character: char) -> bool {
    is_cjk(character) || matches!(u32::from(character), 0x3000..=0x303F | 0xFF00..=0xFFEF)
}

/// Whether `after` forms one character with the one before it: accents, variation selectors, joined
/// emoji.
fn is_joined(before: char, after: char) -> bool {
    const JOINER: char = '\u{200D}';
    before == JOINER
        || after == JOINER
        || matches!(u32::from(after),
            0x0300..=0x036F | 0x20E3 | 0x3099..=0x309A | 0xFE00..=0xFE0F | 0x1_F3FB..=0x1_F3FF | 0xE_0100..=0xE_01EF)
}

/// The first piece of `text`: a word with the spaces before it, or one or two wide characters.
/// `None` for an empty text.
pub(crate) fn next_piece(text: &str) -> Option<&str> {
    let mut characters = text.char_indices();
    let (_, first) = characters.next()?;
    let (mut before, mut base) = (first, first);
    let (mut taken, mut wide) = (1, usize::from(is_wide(first)));
    for (at, character) in characters {
        if !is_joined(before, character) {
            let ends = taken >= MAX_PIECE_CHARS
                || (is_wide(base) && (wide >= 2 || !is_wide(character)))
                || (!base.is_whitespace()
                    && !is_wide(base)
                    && (character.is_whitespace() || is_wide(character)));
            if ends {
                return Some(&text[..at]);
            }
            base = character;
            taken += 1;
            wide += usize::from(is_wide(character));
        }
        before = character;
    }
    Some(text)
}

/// All pieces of `text`.
pub(crate) fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let piece = next_piece(rest)?;
        rest = &rest[piece.len()..];
        Some(piece)
    })
}

/// The words of `text`, each in one piece up to [`MAX_WORD_BYTES`]; wide characters as in [`pieces`].
pub(crate) fn words(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let mut length = next_piece(rest)?.len();
        while let Some(next) = next_piece(&rest[length..]) {
            let is_apart = |c: char| c.is_whitespace() || is_wide(c);
            let is_seam = rest[..length].ends_with(is_apart) || next.starts_with(is_apart);
            if is_seam || length + next.len() > MAX_WORD_BYTES {
                break;
            }
            length += next.len();
        }
        let (word, behind) = rest.split_at(length);
        rest = behind;
        Some(word)
    })
}

/// The number of pieces; the demo counts each as a token.
pub(crate) fn count(text: &str) -> u64 {
    pieces(text).map(|_| 1).sum()
}

/// The first `limit` pieces of `text`.
pub(crate) fn head(text: &str, limit: usize) -> &str {
    let length: usize = pieces(text).take(limit).map(str::len).sum();
    &text[..length]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &str) -> Vec<&str> {
        pieces(text).collect()
    }

    #[test]
    fn a_word_or_two_wide_characters_make_a_piece() {
        assert_eq!(cut("hello big world"), ["hello", " big", " world"]);
        assert_eq!(cut("你好，世界a很好"), ["你好", "，世", "界", "a", "很好"]);
        assert_eq!(cut("用 Rust 写"), ["用", " Rust", " 写"]);
        assert_eq!(cut(""), Vec::<&str>::new());
    }

    #[test]
    fn long_words_are_cut_and_joined_characters_are_not() {
        assert_eq!(cut(&"x".repeat(40)).len(), 3);
        let family = "👨\u{200D}👩\u{200D}👧";
        assert_eq!(cut(&format!("好{family}好")), ["好", family, "好"]);
        assert_eq!(cut("が\u{3099}あい"), ["が\u{3099}あ", "い"]);
        let accents = format!("a{}", "\u{301}".repeat(50));
        assert_eq!(cut(&accents), [accents.as_str()]);
    }

    #[test]
    fn words_are_whole() {
        let words = |text| words(text).collect::<Vec<_>>();
        assert_eq!(
            words("用 Rust写 internationalisations"),
            ["用", " Rust", "写", " internationalisations"]
        );
        let long = "x".repeat(200);
        let lengths: Vec<usize> = words(&long).iter().map(|word| word.len()).collect();
        assert_eq!(lengths, [80, 80, 40]);
        assert_eq!(words("你好世界"), ["你好", "世界"]);
    }

    #[test]
    fn pieces_joined_are_the_text() {
        let text = " 一  二三\n\n  four\tfünf 🇨🇳🇨🇳 …。 ";
        assert_eq!(cut(text).concat(), text);
        assert_eq!(count(text), cut(text).len() as u64);
        assert_eq!(head("一二三四五", 2), "一二三四");
        assert_eq!(head("ab", 9), "ab");
        assert_eq!(head("ab", 0), "");
    }
}
