//! Tags, marks and every way to cut them.

use proptest::prelude::*;

use super::*;

/// Answer and thinking of texts with their marks.
fn filtered<'t>(texts: impl IntoIterator<Item = (&'t str, bool)>) -> (String, String) {
    let (mut answer, mut thinking) = (String::new(), String::new());
    let mut each = |piece: ThinkPiece<'_>| match piece {
        ThinkPiece::Answer(text) => {
            assert!(!text.is_empty());
            answer.push_str(text);
        }
        ThinkPiece::Thinking(text) => {
            assert!(!text.is_empty());
            thinking.push_str(text);
        }
    };
    let mut filter = ThinkFilter::default();
    for (text, marked) in texts {
        filter.push(text, marked, &mut each);
    }
    filter.finish(&mut each);
    (answer, thinking)
}

fn plain(text: &str) -> (String, String) {
    let whole = filtered([(text, false)]);
    let mut buffer = [0; 4];
    let mut filter = ThinkFilter::default();
    let (mut answer, mut thinking) = (String::new(), String::new());
    let mut each = |piece: ThinkPiece<'_>| match piece {
        ThinkPiece::Answer(text) => answer.push_str(text),
        ThinkPiece::Thinking(text) => thinking.push_str(text),
    };
    for character in text.chars() {
        filter.push(character.encode_utf8(&mut buffer), false, &mut each);
    }
    filter.finish(&mut each);
    assert_eq!((answer, thinking), whole, "character by character: {text:?}");
    whole
}

fn parts(answer: &str, thinking: &str) -> (String, String) {
    (answer.to_owned(), thinking.to_owned())
}

#[test]
fn leading_tags_hold_thinking() {
    assert_eq!(plain("<think>想一想</think>答案"), parts("答案", "想一想"));
    assert_eq!(plain(" \r\n\t<thinking>\n想\n</thinking>\n\n 答"), parts("答", "\n想\n"));
    assert_eq!(plain("<thought>a</think></thought>b"), parts("b", "a</think>"));
    assert_eq!(plain("<think></think>\n\n"), parts("", ""));
    assert_eq!(plain("<think>a</think>\n　　首行"), parts("　　首行", "a"));
    assert_eq!(plain("<think>a < b <</thi </think>c"), parts("c", "a < b <</thi "));
}

#[test]
fn tags_elsewhere_are_plain_text() {
    for text in [
        "答 <think>不是</think>",
        "</think>答",
        "<thinker>",
        "< think>",
        "<Think>x</Think>",
        "　<think>x</think>",
        " \n 保留前面的空白",
        "<thi",
        "\n <",
        "",
        "  ",
    ] {
        assert_eq!(plain(text), parts(text, ""));
    }
    let twice = "<think>一</think><think>二</think>答";
    assert_eq!(plain(twice), parts("<think>二</think>答", "一"));
}

#[test]
fn unclosed_thinking_is_all_thinking() {
    assert_eq!(plain("<think>还在想"), parts("", "还在想"));
    assert_eq!(plain("<think>还在想</thin"), parts("", "还在想</thin"));
    assert_eq!(plain("<think>"), parts("", ""));
}

#[test]
fn only_what_may_be_a_tag_is_kept_back() {
    let shown = |texts: &[&str]| {
        let mut shown = Vec::new();
        let mut filter = ThinkFilter::default();
        for text in texts {
            filter.push(text, false, &mut |piece| shown.push(format!("{piece:?}")));
        }
        shown
    };
    assert_eq!(shown(&[" ", "<thou", "sand"]), [r#"Answer(" <thousand")"#]);
    assert_eq!(shown(&["你", "<think>"]), [r#"Answer("你")"#, r#"Answer("<think>")"#]);
    assert_eq!(
        shown(&["<think>想<", "/b", "</thinking></think", ">", " \n", "答"]),
        [
            r#"Thinking("想")"#,
            r#"Thinking("</b")"#,
            r#"Thinking("</thinking>")"#,
            r#"Answer("答")"#
        ]
    );
}

#[test]
fn marked_text_is_thinking_whatever_it_holds() {
    let gemini =
        [("<thought>**计划**\n\n", true), ("再想", true), ("</thought>4", false), ("5", false)];
    assert_eq!(filtered(gemini), parts("45", "**计划**\n\n再想"));
    let split = [
        ("\n<tho", true),
        ("ught>甲</thought>", true),
        ("</tho", false),
        ("", true),
        ("ught>\n乙", false),
    ];
    assert_eq!(filtered(split), parts("乙", "甲</thought>"));
    assert_eq!(filtered([("甲", true), (" 乙", false)]), parts(" 乙", "甲"));
    assert_eq!(filtered([("甲", true), ("</thou", false)]), parts("</thou", "甲"));
    assert_eq!(filtered([("<thou", true)]), parts("", "<thou"));
    assert_eq!(filtered([("<thou", true), ("乙", false)]), parts("乙", "<thou"));
    assert_eq!(filtered([("甲", true), ("<think>丙</think>乙", false)]), parts("乙", "甲丙"));
    assert_eq!(filtered([(" \n", false), ("甲", true), ("乙", false)]), parts("乙", "甲"));
    assert_eq!(filtered([("<th", false), ("甲", true), ("乙", false)]), parts("<th乙", "甲"));
    let between =
        [("答", false), ("<thought>甲", true), ("</thought>案", false), ("</thought>", false)];
    assert_eq!(filtered(between), parts("答案</thought>", "甲"));
    assert_eq!(
        filtered([("<think>甲</th", false), ("乙", true), ("丙</think>丁", false)]),
        parts("丁", "甲</th乙丙")
    );
}

#[test]
fn a_finished_filter_is_as_new() {
    let mut filter = ThinkFilter::default();
    for _ in 0..2 {
        let mut thinking = String::new();
        let mut each = |piece: ThinkPiece<'_>| match piece {
            ThinkPiece::Answer(text) => panic!("{text}"),
            ThinkPiece::Thinking(text) => thinking.push_str(text),
        };
        filter.push("<think>甲</th", false, &mut each);
        filter.finish(&mut each);
        assert_eq!(thinking, "甲</th");
    }
}

/// Text that is likely to hold tags and parts of them.
fn text() -> impl Strategy<Value = String> {
    let token = prop::sample::select(vec![
        "<think>",
        "</think>",
        "<thinking>",
        "</thinking>",
        "<thought>",
        "</thought>",
        "<",
        "</",
        "th",
        ">",
        " ",
        "\n",
        "你",
        "😀",
        "　",
        "a",
    ]);
    prop::collection::vec(token, 0..12).prop_map(|tokens| tokens.concat())
}

proptest! {
    #[test]
    fn splitting_never_changes_the_parts(
        texts in prop::collection::vec((text(), any::<bool>()), 1..4),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
    ) {
        let mut pieces = Vec::new();
        for (text, marked) in &texts {
            let bounds: Vec<_> = (text.char_indices().map(|(at, _)| at)).chain([text.len()]).collect();
            let mut ends: Vec<_> = cuts.iter().map(|cut| *cut.get(&bounds)).chain([text.len()]).collect();
            ends.sort_unstable();
            let mut start = 0;
            for end in ends {
                pieces.push((&text[start..end], *marked));
                start = end;
            }
        }
        let whole = filtered(texts.iter().map(|(text, marked)| (text.as_str(), *marked)));
        prop_assert_eq!(filtered(pieces), whole);
    }
}
