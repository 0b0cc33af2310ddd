//! About how many tokens a text has, before any service has counted them. Pure: text in, a number out.

use unicode_width::UnicodeWidthChar as _;

/// About so many tokens: one for each four bytes, and one for each letter of Chinese and its like.
pub(crate) fn about_tokens(text: &str) -> u64 {
    if text.is_ascii() {
        return text.len().div_ceil(4) as u64;
    }
    let (mut wide, mut others) = (0, 0);
    for letter in text.chars() {
        match letter.width() {
            Some(2..) => wide += 1,
            _ => others += letter.len_utf8(),
        }
    }
    (wide + others.div_ceil(4)) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_of_chinese_is_a_token() {
        let found = ["abcdefgh", "你好世界", "", "a你é"].map(about_tokens);
        assert_eq!(found, [2, 4, 0, 2]);
    }
}
