//! Makes untrusted text harmless for a terminal.
//!
//! Text of models, services and files can contain characters that move the cursor, set the clipboard or
//! reverse the reading order. They are replaced by escapes such as `\u{1b}`; nothing is dropped.

use std::borrow::Cow;

/// The text for a terminal: lines and tabs stay, CRLF becomes LF, harmful characters become escapes.
///
/// Harmful are control characters (a CR without LF too, since it overwrites its line), the controls
/// of the bidirectional algorithm that reorder text (Unicode Annex 9: embeddings, overrides,
/// isolates), line and paragraph separators, and characters without width or meaning here (U+200B,
/// U+2060 to U+2064, U+FEFF, U+FFF9 to U+FFFB). Joiners, direction marks and variation selectors
/// stay: emoji and many scripts need them.
///
/// The pieces of a text must not be cut between CR and LF.
pub(crate) fn for_terminal(text: &str) -> Cow<'_, str> {
    if text.bytes().all(is_plain) {
        return Cow::Borrowed(text);
    }
    let Some(first) = text.find(is_harmful) else {
        return Cow::Borrowed(text);
    };
    let mut shown = String::with_capacity(text.len() + 16);
    shown.push_str(&text[..first]);
    let mut characters = text[first..].chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\r' if characters.peek() == Some(&'\n') => {}
            harmful if is_harmful(harmful) => shown.extend(harmful.escape_unicode()),
            harmless => shown.push(harmless),
        }
    }
    Cow::Owned(shown)
}

/// The text for a place within a line (error messages, names of models and files): as
/// [`for_terminal`], but CRLF, LF, CR and tab become one space each.
pub(crate) fn one_line(text: &str) -> String {
    let spaced = text.replace("\r\n", " ").replace(['\n', '\r', '\t'], " ");
    for_terminal(&spaced).into_owned()
}

/// JSON for a terminal: harmful characters become escapes of JSON, so that it stays the same document.
pub(crate) fn json_for_terminal(json: &str) -> Cow<'_, str> {
    if !json.contains(is_harmful) {
        return Cow::Borrowed(json);
    }
    let mut shown = String::with_capacity(json.len() + 16);
    for letter in json.replace("\r\n", "\n").chars() {
        match is_harmful(letter) {
            // All of them are below U+10000.
            true => shown.push_str(&format!("\\u{:04x}", u32::from(letter))),
            false => shown.push(letter),
        }
    }
    Cow::Owned(shown)
}

/// The text for a question whose answer depends on each of its characters: as [`one_line`], and whatever
/// a terminal shows as nothing, or in another order, becomes visible too.
pub(crate) fn revealed(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for letter in one_line(text).chars() {
        match is_ignorable(letter) {
            true => shown.extend(letter.escape_unicode()),
            false => shown.push(letter),
        }
    }
    shown
}

/// The text for a model that reads what a person would not see: without control characters (lines and tabs
/// stay) and without characters that are invisible or change the order of others.
pub(crate) fn without_invisible(text: &str) -> String {
    let is_visible = |letter: &char| {
        matches!(letter, '\n' | '\t')
            || !letter.is_control()
                && !matches!(letter, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
                    | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
    };
    text.chars().filter(is_visible).collect()
}

/// Whether a character has no width of its own or changes the order of others: Unicode's
/// `Default_Ignorable_Code_Point` and `Bidi_Control`, and two fillers that look like spaces.
fn is_ignorable(letter: char) -> bool {
    matches!(letter,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
        | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// Whether no harmful character has this byte in UTF-8: a fast path for ASCII and Chinese text.
fn is_plain(byte: u8) -> bool {
    match byte {
        b'\n' | b'\t' => true,
        // U+0080 to U+00BF, U+2000 to U+2FFF and U+F000 to U+FFFF begin with these three.
        0xc2 | 0xe2 | 0xef => false,
        _ => byte >= b' ' && byte != 0x7f,
    }
}

fn is_harmful(character: char) -> bool {
    match character {
        '\n' | '\t' => false,
        '\u{200b}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{2064}'
        | '\u{2066}'..='\u{2069}' => true,
        '\u{feff}' | '\u{fff9}'..='\u{fffb}' => true,
        _ => character.is_control(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn usual_text_is_borrowed() {
        for text in [
            "",
            "plain\ttext\n",
            "你好，世界……“引号”——",
            "café ÿ °C",
            "👩‍👩‍👧 ❤️ \u{200c}\u{200d}\u{200e}\u{200f}\u{fe0f}\u{e0100}",
            "\u{a0}\u{3000}\u{2027}\u{202f}\u{2065}\u{206a}\u{fffc}\u{fffd}",
        ] {
            assert!(matches!(for_terminal(text), Cow::Borrowed(same) if same == text), "{text:?}");
        }
    }

    #[test]
    fn harmful_characters_become_visible() {
        assert_eq!(for_terminal("甲\u{1b}[31m乙\u{7}"), r"甲\u{1b}[31m乙\u{7}");
        assert_eq!(for_terminal("一\r\n二\r三\r\r\n"), "一\n二\\u{d}三\\u{d}\n");
        let harmful = (0..0x20_u32)
            .filter(|code| !matches!(code, 0x9 | 0xa))
            .chain(0x7f..=0x9f)
            .chain([0x200b, 0x2028, 0x2029, 0xfeff])
            .chain(0x202a..=0x202e)
            .chain(0x2060..=0x2064)
            .chain(0x2066..=0x2069)
            .chain(0xfff9..=0xfffb);
        for code in harmful {
            let text = format!("你{}好", char::from_u32(code).unwrap());
            assert_eq!(for_terminal(&text), format!("你\\u{{{code:x}}}好"));
        }
    }

    #[test]
    fn a_line_stays_one() {
        assert_eq!(
            one_line("模型\r\n名\n\r\t称\u{85}\u{2028}\u{1b}"),
            r"模型 名   称\u{85}\u{2028}\u{1b}"
        );
        assert_eq!(one_line("qwen3：甲"), "qwen3：甲");
    }

    #[test]
    fn json_stays_the_same_document() {
        let json = "{\"a\": \"\u{202e}\u{9b}甲\u{7f}\"}\r\n";
        let shown = json_for_terminal(json);
        assert_eq!(shown, "{\"a\": \"\\u202e\\u009b甲\\u007f\"}\n");
        let value = |text: &str| serde_json::from_str::<serde_json::Value>(text).expect("JSON");
        assert_eq!(value(&shown), value(json));
    }

    #[test]
    fn nothing_is_hidden_where_it_matters() {
        let text = "rm\u{200d}\u{200e}\u{ad}\u{3164}\u{fe0f}\u{e0041}\u{61c}\u{202e}甲\n乙";
        let shown = r"rm\u{200d}\u{200e}\u{ad}\u{3164}\u{fe0f}\u{e0041}\u{61c}\u{202e}甲 乙";
        assert_eq!(revealed(text), shown);
    }

    proptest! {
        #[test]
        fn nothing_harmful_is_left(text in "(\r\n|\\PC|\\p{Cc}|[\u{2000}-\u{2070}\u{fe00}-\u{ffff}]|[a你]){0,20}") {
            let shown = for_terminal(&text);
            prop_assert!(!shown.contains(is_harmful));
            prop_assert_eq!(for_terminal(&shown), Cow::Borrowed(&*shown));
            let kept = |text: &str| text.chars().filter(|&c| !is_harmful(c) && c.is_alphabetic()).count();
            prop_assert!(kept(&shown) >= kept(&text));
            prop_assert_eq!(text.bytes().all(is_plain) && text.contains(is_harmful), false);
            prop_assert!(!one_line(&text).contains(['\n', '\r', '\t']));
        }
    }
}
