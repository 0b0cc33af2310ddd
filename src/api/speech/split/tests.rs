use proptest::prelude::*;

use super::*;

fn cut(text: &str, limit: usize) -> Vec<String> {
    parts(text, TextLimit::Characters(limit)).into_iter().map(str::to_owned).collect()
}

#[test]
fn a_short_text_stays_whole() {
    assert_eq!(cut("  你好，世界。 \n", 6), ["你好，世界。"]);
    assert_eq!(cut("你好", 4096), ["你好"]);
    assert!(cut(" \n\t", 5).is_empty());
    assert!(cut("", 5).is_empty());
}

#[test]
fn sentences_stay_whole() {
    assert_eq!(cut("今天下雨。明天晴！后天呢？", 7), ["今天下雨。", "明天晴！", "后天呢？"]);
    assert_eq!(cut("今天下雨。明天晴！后天呢？", 9), ["今天下雨。明天晴！", "后天呢？"]);
    assert_eq!(cut("他说：“走吧。”然后走了。", 10), ["他说：“走吧。”", "然后走了。"]);
    assert_eq!(cut("真的？！好……那就去吧", 7), ["真的？！好……", "那就去吧"]);
    assert_eq!(cut("It is 3.14 here. Then 2.72.", 20), ["It is 3.14 here.", "Then 2.72."]);
    assert_eq!(cut("He said \"no.\" We left.", 15), ["He said \"no.\"", "We left."]);
}

#[test]
fn a_line_end_comes_first() {
    assert_eq!(cut("标题一二三\n正文。更多正文。", 10), ["标题一二三", "正文。更多正文。"]);
    assert_eq!(cut("一。\n二三四五六。七八九十。", 10), ["一。\n二三四五六。", "七八九十。"]);
    assert_eq!(cut("a\r\nb", 2), ["a", "b"]);
}

#[test]
fn without_sentences_clauses_and_spaces_are_taken() {
    assert_eq!(
        cut("春眠不觉晓，处处闻啼鸟，夜来风雨声", 12),
        ["春眠不觉晓，处处闻啼鸟，", "夜来风雨声"]
    );
    assert_eq!(cut("one two three four", 10), ["one two", "three four"]);
    assert_eq!(cut("1,000 people, all told", 14), ["1,000 people,", "all told"]);
    assert_eq!(cut("中文和English混排", 8), ["中文和", "English混", "排"]);
    assert_eq!(cut("一二三四五六", 4), ["一二三四", "五六"]);
}

#[test]
fn a_mark_does_not_begin_a_part() {
    assert_eq!(cut("一二三四，五六", 4), ["一二三", "四，五六"]);
    assert_eq!(cut("一二三四。五六", 4), ["一二三", "四。五六"]);
}

#[test]
fn clusters_stay_whole() {
    for cluster in
        ["e\u{301}", "👩\u{200D}👩\u{200D}👧", "👍🏽", "❤\u{FE0F}", "🇨🇳", "नि", "ก็", "각\u{11A8}"]
    {
        let long = cluster.chars().count();
        let text = format!("{cluster}{cluster}{cluster}");
        assert_eq!(cut(&text, long + 1).concat(), text);
        let parts = cut(&text, long * 2);
        assert_eq!(parts, [format!("{cluster}{cluster}"), cluster.to_owned()], "{cluster:?}");
    }
}

#[test]
fn a_word_is_cut_only_when_it_must_be() {
    assert_eq!(cut("abcdefghij", 4), ["abcd", "efgh", "ij"]);
    assert_eq!(cut("ab cdefghij", 4), ["ab", "cdef", "ghij"]);
    assert_eq!(cut(&"\u{301}".repeat(5), 2).concat(), "\u{301}".repeat(5));
}

/// Texts of the kinds of characters that matter here.
fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("。"),
        Just("！"),
        Just("…"),
        Just("，"),
        Just("”"),
        Just("\n"),
        Just("\r\n"),
        Just(" "),
        Just("　"),
        Just("."),
        Just(". "),
        Just("? "),
        Just(","),
        Just("字"),
        Just("文"),
        Just("word"),
        Just("don't"),
        Just("3.14"),
        Just("\u{301}"),
        Just("\u{200D}"),
        Just("👩"),
        Just("\u{FE0F}"),
        Just("🇨"),
        Just("นี้"),
        Just("한"),
        Just("\u{0}"),
    ];
    prop_oneof![
        prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat()),
        any::<String>(),
    ]
}

fn without_space(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_whitespace()).collect()
}

proptest! {
    #[test]
    fn nothing_is_lost_and_nothing_is_too_long(text in text(), limit in 0..40_usize) {
        let parts = parts(&text, TextLimit::Characters(limit));
        let joined: String = parts.concat();
        prop_assert_eq!(without_space(&joined), without_space(&text));
        for part in &parts {
            prop_assert!(part.chars().count() <= limit.max(1), "{:?}", part);
            prop_assert!(!part.is_empty());
            prop_assert_eq!(part.trim(), *part);
        }
    }

    #[test]
    fn words_that_fit_are_not_cut(words in prop::collection::vec("[a-z]{1,8}", 1..30), limit in 8..30_usize) {
        let text = words.join(" ");
        let found: Vec<String> = parts(&text, TextLimit::Characters(limit))
            .iter()
            .flat_map(|part| part.split(' '))
            .map(str::to_owned)
            .collect();
        prop_assert_eq!(found, words);
    }

    #[test]
    fn no_part_begins_inside_a_cluster(text in text(), limit in 12..40_usize) {
        for part in parts(&text, TextLimit::Characters(limit)).iter().skip(1) {
            let at = part.as_ptr() as usize - text.as_ptr() as usize;
            let before = text[..at].chars().next_back();
            let first = part.chars().next().unwrap_or('a');
            // A run of marks longer than the limit has to be cut somewhere.
            let run = text[..at].chars().rev().take_while(|c| is_mark(*c) || *c == '👩').count();
            prop_assert!(!is_mark(first) || before.is_none_or(char::is_whitespace) || run + 2 >= limit / 2);
        }
    }
}

#[test]
fn a_limit_may_count_bytes() {
    let text = "今天下雨。明天晴！abc";
    let found = parts(text, TextLimit::Bytes(15));
    assert_eq!(found, ["今天下雨。", "明天晴！abc"]);
    assert!(parts(text, TextLimit::Bytes(2)).iter().all(|part| part.chars().count() <= 2));
    assert_eq!(parts(text, TextLimit::Bytes(99)), [text]);
    assert_eq!(TextLimit::Bytes(4096).characters(text), 1365);
}
